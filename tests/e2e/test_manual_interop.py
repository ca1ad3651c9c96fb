# SPDX-License-Identifier: Apache-2.0
"""Goal: the manual pages are what the programs are: well-formed, with every command, option,
setting and default that --help tells, and with none that it does not."""

import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import BUILD, ROOT

MAN = ROOT / "man"
PAGES = ["mayfly.1", "mayflyd.8", "mayflyd.conf.5"]
COMMANDS = ["send", "get", "preview", "status", "burn", "decrypt", "completion", "help"]
ENV = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "ASAN_OPTIONS": "detect_leaks=0"}


def run(*command):
    done = subprocess.run([str(c) for c in command], env=ENV, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def source(page):
    return (MAN / page).read_text()


def section(page, title, macro="Sh"):
    """The lines of the source from one heading to the next of its kind, or of a higher one."""
    ends = r"^\.Sh " if macro == "Sh" else r"^\.S[hs] "
    found = re.search(rf"^\.{macro} {re.escape(title)}\n(.*?)(?={ends}|\Z)", source(page), re.M | re.S)
    assert found, f"{page} has no section {title}"
    return found.group(1)


def spellings(text):
    """-x and --long of list items such as ".It Fl o Ar file , Fl -output Ar file"."""
    names = set()
    for item in re.findall(r"^\.It (Fl .*)$", text, re.M):
        names |= {"-" + name for name in re.findall(r"\bFl (\S+)", item)}
    return names


def help_options(command):
    """The same of mayfly's help."""
    names = set()
    for line in run(BUILD / "mayfly", command, "--help").splitlines():
        found = re.match(r"  (?:(-\w),|   ) (--[a-z-]+)", line)
        if found:
            names |= {name for name in found.groups() if name}
    assert "--help" in names
    return names


def lint(path):
    done = subprocess.run(["mandoc", "-Tlint", str(path)], capture_output=True, text=True,
                          timeout=60, check=False)
    # Whether the other pages are installed here is not the page's fault.
    return [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pytest.mark.parametrize("page", PAGES)
def test_mandoc_has_nothing_to_say(page):
    assert lint(MAN / page) == []


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_mandoc_would_say_it(tmp_path):
    broken = tmp_path / "broken.1"
    broken.write_text(source("mayfly.1").replace(".Sh DESCRIPTION", ".Sh DESCRIPTION\n.Nonsense"))
    assert lint(broken) != []


def test_the_pages_name_each_other_and_only_what_exists():
    known = {"age 1", "curl 1", "mayfly 1", "mayflyd 8", "mayflyd.conf 5"}
    for page in PAGES:
        named = set(re.findall(r"\.Xr (\S+ \d)", source(page)))
        assert named <= known
        own = page.rsplit(".", 1)
        assert {k for k in known if k.startswith("mayfly")} - {" ".join(own)} - named == (
            {"mayflyd.conf 5"} if page == "mayfly.1" else set())


def test_every_command_is_in_the_manual_and_nothing_else_is():
    overview = run(BUILD / "mayfly", "--help")
    shown = re.search(r"^Commands.*?:\n(.*?)\n\n", overview, re.M | re.S).group(1)
    assert [line.split()[0] for line in shown.splitlines()] == COMMANDS
    assert re.findall(r"^\.Ss (\S+)$", section("mayfly.1", "COMMANDS"), re.M) == COMMANDS
    assert re.findall(r"^\.Cm (\S+)$", section("mayfly.1", "SYNOPSIS"), re.M) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS[:-1])  # help is the overview
def test_every_option_is_in_the_manual_and_nothing_else_is(command):
    own = spellings(section("mayfly.1", command, "Ss"))
    common = spellings(section("mayfly.1", "COMMON OPTIONS"))
    if command == "decrypt":
        common = {"-q", "--quiet", "-h", "--help"}
    elif command == "completion":
        common = {"-h", "--help"}
    assert own | common == help_options(command)
    assert own & common == set()


def test_environment_and_exit_codes_are_those_of_the_help():
    overview = run(BUILD / "mayfly", "--help")
    told = overview.split("\nEnvironment:\n")[1].split("\nFiles:\n")[0]
    env = section("mayfly.1", "ENVIRONMENT")
    for name in re.findall(r"\b(MAYFLY_[A-Z_]+|[a-z]+_proxy|[A-Z_]+_(?:BUNDLE|FILE))\b", told):
        assert re.search(rf"^\.It Ev (?:.* )?{name}\b", env, re.M), name
    for name in re.findall(r"\bMAYFLY_[A-Z_]+", source("mayfly.1")):
        assert name in told
    codes = re.findall(r"^  (\d)  ", overview, re.M)
    assert codes == [str(n) for n in range(8)]
    assert re.findall(r"^\.It (\d)$", section("mayfly.1", "EXIT STATUS"), re.M) == codes


def test_the_names_of_the_configuration_file_are_those_that_are_taken():
    names = re.findall(r"^\.It Cm (\S+)$", section("mayfly.1", "FILES"), re.M)
    code = (ROOT / "src/client/settings_file.c").read_text()
    table = code.split("known[] = {")[1].split("};")[0]
    assert names == re.findall(r'\{"([a-z-]+)"', table)


def test_options_of_the_daemon_are_those_of_its_help():
    usage = run(BUILD / "mayflyd", "--help").split("\n", 1)[0]
    assert spellings(source("mayflyd.8")) == set(re.findall(r"--[a-z-]+", usage))


def test_every_setting_is_in_the_manual_with_its_default():
    told = re.findall(r"^  ([A-Z_]+)=(.*)$", run(BUILD / "mayflyd", "--help"), re.M)
    items = re.findall(r"^\.It Ev ([A-Z_]+) Ns =(?: Ns (\S+))?$", source("mayflyd.conf.5"), re.M)
    assert len(told) == len(dict(told)) > 30
    assert sorted(items) == sorted(told)


def test_the_example_of_the_configuration_is_taken(tmp_path):
    """Its names and values, with its files made here."""
    examples = section("mayflyd.conf.5", "EXAMPLES")
    first = re.search(r"\.Bd -literal.*?\n(.*?)\.Ed", examples, re.S).group(1)
    (tmp_path / "etc/mayfly").mkdir(parents=True)
    (tmp_path / "etc/mayfly/upload-token").write_text("token\n")
    config = tmp_path / "mayflyd.conf"
    config.write_text(re.sub(r"(?<=[=:])/(?=etc|var|run)", f"{tmp_path}/", first))
    assert "UPLOAD_TOKEN_FILE" in config.read_text()
    out = run(BUILD / "mayflyd", "--config", config, "--check-config")
    assert out == "mayflyd: the settings are fine\n"
    config.write_text(config.read_text() + "NO_SUCH_SETTING=1\n")
    done = subprocess.run([str(BUILD / "mayflyd"), "--config", str(config), "--check-config"],
                          env=ENV, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1


def test_pages_are_all_pages():
    assert sorted(p.name for p in pathlib.Path(MAN).iterdir()) == sorted(PAGES)
