# SPDX-License-Identifier: Apache-2.0
"""Goal: types come from a process that may die, hang or be missing, and uploads go on."""

import os
import pathlib
import shutil
import signal
import time

from conftest import BUILD, wait_for
from wire import put

PNG = (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde" + bytes(100))


def children(pid):
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if folder.name.isdigit():
                text = (folder / "stat").read_text()
                if int(text.rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(folder.name))
        except (OSError, IndexError):
            continue
    return found


def test_types_are_right_again_after_the_helper_was_killed(make_daemon):
    daemon = make_daemon()
    assert put(daemon, PNG)["mime_type"] == "image/png"
    time.sleep(1.2)  # one that ends just after its start is not started again at once
    for pid in children(daemon.pid):
        os.kill(pid, signal.SIGKILL)
    assert put(daemon, PNG)["mime_type"] in ("image/png", "application/octet-stream")
    wait_for(lambda: put(daemon, PNG)["mime_type"] == "image/png", 10, "types to be right again")
    assert daemon.events("sniff_restarted")


def test_uploads_go_on_while_the_helper_hangs(make_daemon):
    daemon = make_daemon()
    assert put(daemon, PNG)["mime_type"] == "image/png"
    (helper,) = children(daemon.pid)
    os.kill(helper, signal.SIGSTOP)
    start = time.monotonic()
    receipt = put(daemon, PNG)
    assert receipt["mime_type"] == "application/octet-stream"
    assert time.monotonic() - start < 8
    assert daemon.download(receipt["key"]).content == PNG
    wait_for(lambda: put(daemon, PNG)["mime_type"] == "image/png", 30, "types to be right again")
    assert children(daemon.pid) != [helper]


def test_uploads_go_on_without_a_helper(make_daemon, tmp_path):
    for name in ("mayflyd", "mayfly-sniff"):
        shutil.copy(BUILD / name, tmp_path / name)
    daemon = make_daemon(binary=tmp_path / "mayflyd")
    assert put(daemon, PNG)["mime_type"] == "image/png"
    time.sleep(1.2)
    (tmp_path / "mayfly-sniff").rename(tmp_path / "away")
    for pid in children(daemon.pid):
        os.kill(pid, signal.SIGKILL)
    receipt = put(daemon, PNG)
    assert receipt["mime_type"] == "application/octet-stream"
    assert daemon.download(receipt["key"]).headers["Content-Type"] == "application/octet-stream"
    (tmp_path / "away").rename(tmp_path / "mayfly-sniff")
    wait_for(lambda: put(daemon, PNG)["mime_type"] == "image/png", 10, "types to be right again")


def test_a_helper_ends_with_its_daemon(make_daemon):
    daemon = make_daemon()
    put(daemon, PNG)
    (helper,) = children(daemon.pid)
    daemon.kill()
    wait_for(lambda: not pathlib.Path(f"/proc/{helper}").exists(), 10, "the helper to end")
    daemon.start()
    assert put(daemon, PNG)["mime_type"] == "image/png"


def test_the_installed_daemon_finds_its_helper_beside_it(installed, make_daemon, tmp_path):
    for name in ("mayflyd", "mayfly-sniff"):
        (found,) = installed.rglob(name)
        shutil.copy(found, tmp_path / name)
    daemon = make_daemon(binary=tmp_path / "mayflyd")
    receipt = put(daemon, PNG)
    assert receipt["mime_type"] == "image/png"
    assert daemon.download(receipt["key"]).content == PNG
    (helper,) = children(daemon.pid)
    if os.geteuid() == 0:
        assert os.readlink(f"/proc/{helper}/exe") == str(tmp_path / "mayfly-sniff")
