# SPDX-License-Identifier: Apache-2.0
"""Goal: 4 GiB go up and come down with less than 32 MiB of memory on either side; end to end the
32 MiB of scrypt are added, and are given back as soon as the key is there. Measured on the release
build, as sanitizers have a memory of their own."""

import os
import pathlib
import re
import shutil
import tempfile
import threading
import time

import pytest

from client import Client, end
from conftest import ON_REDIS, ROOT, wait_for
from middlemen import Impostor

MARK = b"in the middle"
FAST = bool(os.environ.get("FAST"))
RELEASE = ROOT / "build" / "release"
MIB = 1 << 20
MAX_KIB = 32 * 1024
SCRYPT_KIB = 32 * 1024
PLAIN_LEN = (256 if FAST else 4096) * MIB
E2E_LEN = (256 if FAST else 1024) * MIB  # takes four times as long

pytestmark = [
    pytest.mark.skipif(not (RELEASE / "mayfly").exists(),
                       reason="build/release is not built: make"),
    pytest.mark.skipif(ON_REDIS, reason="a client does not see the store: run with SQLite")]


def need_disk(n_bytes, where):
    free = shutil.disk_usage(where).free
    if free < n_bytes + 2048 * MIB:
        pytest.skip(f"{n_bytes >> 20} MiB do not fit into the {free >> 20} MiB that are free")


@pytest.fixture
def client():
    c = Client(binary=RELEASE / "mayfly")
    yield c
    c.remove()


@pytest.fixture
def daemon(make_daemon):
    need_disk(2 * PLAIN_LEN, tempfile.gettempdir())
    d = make_daemon({"MAX_FILE_SIZE": "5G", "MAX_STORAGE_SIZE": "20G", "SECURE_SHRED_PASSES": "0"},
                    binary=RELEASE / "mayflyd")
    yield d
    if d.process is not None:
        d.kill()  # what is there need not be shredded, only removed


class Sampled(threading.Thread):
    """Memory of a process in KiB, again and again as long as it lives: what it has, and the most
    that it ever had. (What wait4 tells begins with the memory of whoever started it.)"""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path, self.rss, self.peak_kib = pathlib.Path(f"/proc/{pid}/status"), [], 0
        self.start()

    def run(self):
        while True:
            try:
                text = self.path.read_text()
            except OSError:
                return
            kib = dict(re.findall(r"(VmHWM|VmRSS):\s+(\d+) kB", text))
            if not kib:  # it has ended and was not waited for
                return
            self.rss.append(int(kib["VmRSS"]))
            self.peak_kib = int(kib["VmHWM"])
            time.sleep(0.01)


def measured(client, *args, **how):
    """Run it; its output, its peak, and the samples."""
    process = client.start(*args, **how)
    sampled = Sampled(process.pid)
    done = end(process, 300)
    sampled.join(10)
    assert done.code == 0, done.err
    print(f"{args[0]}: {sampled.peak_kib} KiB at the peak, {max(sampled.rss[-20:])} in the end")
    return done.out.decode().strip(), sampled.peak_kib, sampled.rss


def send_and_get(daemon, client, size, allowed, *mode):
    client.env["MAYFLY_SERVER"] = daemon.url
    middle = size // 2
    with open(client.files / "big.bin", "wb") as f:  # sparse
        f.truncate(size)
        f.seek(middle)
        f.write(MARK)
    code, peak_kib, rss = measured(client, "send", *mode, "big.bin", cwd=client.files)
    assert peak_kib < allowed
    check_end(rss)
    _, peak_kib, rss = measured(client, "get", code)
    assert peak_kib < allowed
    check_end(rss)
    with open(client.got / "big.bin", "rb") as f:  # the client has compared the hash
        assert f.seek(0, os.SEEK_END) == size
        f.seek(middle)
        assert f.read(2 * len(MARK)) == MARK + bytes(len(MARK))


def check_end(rss):
    """scrypt has its memory once, and before the bytes: from its end on there is less."""
    over = [i for i, kib in enumerate(rss) if kib >= MAX_KIB]
    assert not over or over[-1] - over[0] == len(over) - 1, over
    assert len(rss) > 20 and max(rss[-10:]) < MAX_KIB


def test_four_gibibytes_take_little_memory_on_either_side(daemon, client):
    send_and_get(daemon, client, PLAIN_LEN, MAX_KIB, "--plain")


def test_end_to_end_only_scrypt_is_added(daemon, client):
    send_and_get(daemon, client, E2E_LEN, MAX_KIB + SCRYPT_KIB)


def test_the_memory_of_scrypt_is_seen(client):
    """The twin: these samples can find 32 MiB."""
    client.file("small.bin")
    with Impostor(lambda _: None) as server:
        process = client.start("send", "-s", server.url, "small.bin", cwd=client.files)
        sampled = Sampled(process.pid)
        try:
            wait_for(lambda: server.requests, 20, "the request")
        finally:
            process.kill()
            end(process)
        sampled.join(10)
    assert SCRYPT_KIB < sampled.peak_kib < MAX_KIB + SCRYPT_KIB
