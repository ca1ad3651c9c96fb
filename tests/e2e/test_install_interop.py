# SPDX-License-Identifier: Apache-2.0
"""Goal: `make install` puts every program, page and completion script where it is looked for, and
nothing else anywhere."""

import os
import pathlib
import re
import stat
import subprocess

import pytest

from conftest import ROOT

WANTED = {
    "bin/mayfly",
    "sbin/mayflyd",
    "libexec/mayfly/mayfly-sniff",
    "share/man/man1/mayfly.1",
    "share/man/man8/mayflyd.8",
    "share/man/man5/mayflyd.conf.5",
    "share/bash-completion/completions/mayfly",
    "share/zsh/site-functions/_mayfly",
    "share/fish/vendor_completions.d/mayfly.fish",
}


def test_everything_is_in_its_place_and_nothing_else(installed):
    files = {str(p.relative_to(installed)) for p in installed.rglob("*") if not p.is_dir()}
    assert files == WANTED


def test_all_can_read_it_and_only_programs_can_be_run(installed):
    for name in WANTED:
        mode = stat.S_IMODE((installed / name).stat().st_mode)
        assert mode == (0o644 if name.startswith("share/") else 0o755), name


def test_the_installed_client_runs(installed):
    env = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([str(installed / "bin/mayfly"), "--version"], env=env, timeout=60,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0
    version = (ROOT / "meson.build").read_text().split("version: '")[1].split("'")[0]
    assert done.stdout == f"mayfly {version}\n"


def test_bash_completes_by_the_installed_script(installed):
    script = installed / "share/bash-completion/completions/mayfly"
    done = subprocess.run(
        ["bash", "--norc", "-c",
         f". '{script}'; COMP_WORDS=(mayfly st); COMP_CWORD=1; _mayfly; echo \"${{COMPREPLY[*]}}\"; "
         "complete -p mayfly"],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "status\ncomplete -F _mayfly mayfly\n"


def test_make_install_is_that():
    lines = (ROOT / "Makefile").read_text().splitlines()
    rule = lines[lines.index("install: all") + 1]
    assert rule == "\t@meson install -C build/release"


def test_the_installed_daemon_knows_where_the_helper_is_installed(installed):
    """Its folder is built in; a daemon without a helper anywhere says so in one sentence."""
    (binary,) = installed.rglob("mayflyd")
    (helper,) = installed.rglob("mayfly-sniff")
    built_in = "/usr/local/" + str(helper.relative_to(installed))
    assert built_in.rsplit("/", 1)[0].encode() in binary.read_bytes()
    if pathlib.Path(built_in).exists():
        pytest.skip("a helper is installed on this machine")
    got = subprocess.run([str(binary)], capture_output=True, text=True, timeout=60,
                         env={"LISTEN": "127.0.0.1:0", "ASAN_OPTIONS": "detect_leaks=0"},
                         cwd=installed, check=False)
    assert got.returncode == 1
    assert re.fullmatch(r"mayflyd: [^\n]+\n", got.stderr), got.stderr
