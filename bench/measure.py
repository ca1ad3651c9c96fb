# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: the release build, servers that end with their with statement, the table."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "bench"
RUNS = 5
rows = []


def build(*targets):
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(BUILD), "--buildtype=release", "-Dtests=true"], cwd=ROOT,
                       check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "--quiet", "-C", str(BUILD), "mayflyd", "mayfly-sniff", *targets], check=True,
                   stdout=subprocess.DEVNULL)


def head():
    print(f"{'work':<46} {'measured':>16} {'bound':>16} {'ratio':>7}   goal")


def row(work, got, bound, ratio, goal):
    rows.append((work, got, bound, ratio, goal))
    print(f"{work:<46} {got:>16} {bound:>16} {ratio:>7}   {goal}", flush=True)


def random_file(path, mib):
    with open(path, "wb") as f:
        for _ in range(mib):
            f.write(os.urandom(1 << 20))


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    uname = os.uname()
    print(f"{model.group(1) if model else uname.machine}, {os.cpu_count()} cores, {uname.sysname} {uname.release}, "
          f"{time.strftime('%Y-%m-%d')}\n")


class Server:
    """mayflyd, until the end of a with statement."""

    def __init__(self, work, storage, **settings):
        self.work, self.storage = work, storage
        self.settings = dict(LISTEN="127.0.0.1:0", STORAGE_PATH=str(storage / "blobs"), MAX_FILE_SIZE="8G",
                             MAX_STORAGE_SIZE="64G", UPLOAD_RATE_LIMIT="off", HEALTH_RATE_LIMIT="off",
                             LOG_LEVEL="info", **settings)

    def __enter__(self):
        self.state = tempfile.mkdtemp(prefix="mayfly-bench-state-", dir="/dev/shm")
        self.log = open(self.work / "log", "w+")
        self.p = subprocess.Popen([str(BUILD / "mayflyd")], stderr=self.log, cwd=self.work,
                                  env=dict(PATH=os.environ["PATH"], STATE_PATH=self.state, **self.settings))
        for _ in range(500):
            found = re.search(r'"listening","address":"([^"]+)"', (self.work / "log").read_text())
            if found:
                self.url = "http://" + found.group(1)
                return self
            time.sleep(0.02)
        raise SystemExit("bench: the server does not start:\n" + (self.work / "log").read_text())

    def __exit__(self, *_):
        self.p.send_signal(signal.SIGTERM)
        self.p.wait(60)
        self.log.close()
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.rmtree(self.storage / "blobs", ignore_errors=True)

    def rss_kib(self):
        text = pathlib.Path(f"/proc/{self.p.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))


class Redis:
    """A redis-server on a free port of 127.0.0.1 without persistence, until the end of a with statement."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mayfly-bench-redis-"))
        program = self.dir / "redis-server"  # one program under several names; redis-tools has one of them
        program.symlink_to(shutil.which("redis-server") or "/usr/bin/redis-check-rdb")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.p = subprocess.Popen([str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                                   "--appendonly", "no", "--dir", str(self.dir)], stdout=subprocess.DEVNULL)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        self.url = f"redis://127.0.0.1:{port}"
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()
        shutil.rmtree(self.dir)


class Bound:
    """The HTTP library alone, until the end of a with statement."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        self.p = subprocess.Popen([str(BUILD / "bench/bench_bound"), str(self.file)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.url = self.p.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.p.stdin.close()
        self.p.wait(20)


def curl(*args):
    """Times of one transfer, in seconds: (to the first byte, in all); and the body."""
    done = subprocess.run(["curl", "-sS", "--fail", "-w", "\n%{time_starttransfer} %{time_total}", *args],
                          capture_output=True, text=True, check=True)
    body, _, times = done.stdout.rpartition("\n")
    first, total = map(float, times.split())
    return first, total, body.strip()
