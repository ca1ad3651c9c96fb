# SPDX-License-Identifier: Apache-2.0
"""The real daemon, started by tests on free ports of 127.0.0.1 with folders of its own.

MAYFLY_E2E_STORE=redis gives every daemon a database of a Redis that this run has started."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest
import requests

from redis_servers import Databases, Proxy, Redis
from stores import RedisLook, SqliteLook

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MAYFLY_BUILD", "build/test"))
if not BUILD.is_absolute():
    BUILD = ROOT / BUILD
SANITIZED = BUILD.name != "release"
ON_REDIS = os.environ.get("MAYFLY_E2E_STORE", "sqlite") == "redis"


class Session:
    """What all tests of a run share."""

    databases = None  # of a Redis, when the run is about one


def pytest_sessionstart():
    if ON_REDIS:
        Session.databases = Databases(Redis().start())


def pytest_sessionfinish():
    if Session.databases is not None:
        Session.databases.redis.remove()


def wait_for(check, timeout_s=20.0, what="a condition"):
    """Poll `check` until it gives something true; that is returned."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        got = check()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout_s} s in vain for {what}")


class Daemon:
    """One mayflyd. `settings` are its environment; folders and database stay over restarts."""

    def __init__(self, settings=None, binary=None):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="mayfly-test-"))
        self.storage = self.home / "storage"
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="mayfly-state-", dir="/dev/shm"))
        self.settings = {
            "LISTEN": "127.0.0.1:0",
            "STORAGE_PATH": str(self.storage),
            "STATE_PATH": str(self.state),
            "UPLOAD_RATE_LIMIT": "off",
            "HEALTH_RATE_LIMIT": "off",
        }
        self.store = SqliteLook(self.state)
        if Session.databases is not None:
            self.keep_in(Session.databases.redis, Session.databases.take(), Session.databases)
        self.settings.update(settings or {})
        self.binary = pathlib.Path(binary) if binary else BUILD / "mayflyd"
        self.popen = {}  # more for subprocess.Popen, such as user=
        self.process = None
        self.lines = []
        self.port = None

    def keep_in(self, redis, database=0, databases=None, pepper=None):
        """Let its records be in that database."""
        self.store.remove()
        self.store = RedisLook(redis, database, self.state, pepper, databases)
        self.settings["REDIS_URL"] = redis.url(database)

    # ---- life ----

    def start(self, wait=True, **more):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        env["ASAN_OPTIONS"] = "detect_leaks=%d:exitcode=99" % (os.geteuid() == 0)
        env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
        env["TSAN_OPTIONS"] = os.environ.get("TSAN_OPTIONS", "halt_on_error=0:exitcode=98")
        for name in ("GCOV_PREFIX", "GCOV_PREFIX_STRIP"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update({k: v for k, v in self.settings.items() if v is not None})
        env.update(more)
        self.lines = []
        self.process = subprocess.Popen(
            [str(self.binary)], env=env, cwd=self.home, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **self.popen)
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        if wait:
            self.port = wait_for(self._port, 30, "the daemon to listen")
        return self

    def _read(self, stream):
        for line in iter(stream.readline, b""):
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    def _port(self):
        if self.process.poll() is not None:
            self._reader.join(5)
            raise AssertionError("the daemon ended at its start: " + "\n".join(self.lines[-20:]))
        for event in self.events("listening"):
            found = re.search(r":(\d+)$", event["address"])
            if found:
                return int(found.group(1))
        return None

    def stop(self, timeout_s=60):
        """SIGTERM, and it must end with 0 (a sanitizer's finding is another number)."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            where = self._where(process.pid)
            process.kill()
            process.wait()
            self._reader.join(5)
            raise AssertionError(f"mayflyd did not end within {timeout_s} s; its threads:\n{where}"
                                 "\nits log:\n" + "\n".join(self.lines[-20:])) from None
        self._reader.join(5)
        assert code == 0, f"mayflyd ended with {code}:\n" + "\n".join(self.lines[-60:])

    @staticmethod
    def _where(pid):
        """What each thread of a process waits in, as far as one may see it."""
        shown = []
        for task in sorted(pathlib.Path(f"/proc/{pid}/task").iterdir()):
            for name in ("comm", "wchan", "syscall"):
                try:
                    text = (task / name).read_text().strip()
                except OSError as e:
                    text = e.strerror
                shown.append(f"{task.name} {name}: {text}")
        return "\n".join(shown)

    def kill(self):
        """kill -9: a crash."""
        process, self.process = self.process, None
        process.kill()
        process.wait()
        self._reader.join(5)

    def remove(self):
        try:
            self.stop()
        finally:
            if self.process is not None:
                self.kill()
            shutil.rmtree(self.home, ignore_errors=True)
            shutil.rmtree(self.state, ignore_errors=True)
            self.store.remove()

    # ---- looking at it ----

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def events(self, name=None):
        """The log's lines as objects; every line must be one."""
        events = []
        for line in list(self.lines):
            if line.startswith("{"):
                event = json.loads(line)
                if name is None or event["event"] == name:
                    events.append(event)
        return events

    def blobs(self):
        """Files in the storage, without the mark of the store that it belongs to."""
        return [p for p in self.storage.rglob("*")
                if p.is_file() and not p.name.startswith(".store")]

    def rss_kib(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1))

    # ---- using it ----

    def upload(self, content, name="report.bin", **fields):
        reply = requests.post(self.url + "/upload/", files={"file": (name, content)}, data=fields,
                              timeout=60)
        assert reply.status_code == 201, reply.text
        return reply.json()

    def download(self, key, **headers):
        return requests.get(f"{self.url}/download/{key}", headers=headers, timeout=60)

    def status(self, key):
        return requests.get(f"{self.url}/status/{key}", timeout=20).json()

    def connect(self, timeout_s=20):
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)

    def raw(self, request, timeout_s=20):
        """Send bytes on a fresh connection; everything that comes back until it closes."""
        with self.connect(timeout_s) as s:
            s.sendall(request)
            got = b""
            while True:
                try:
                    piece = s.recv(65536)
                except ConnectionResetError:
                    return got
                if not piece:
                    return got
                got += piece

    def http(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)


def run_daemon(*args, timeout_s=30, **settings):
    """mayflyd without the wish to serve; gives its result."""
    env = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0"}
    for name in ("GCOV_PREFIX", "GCOV_PREFIX_STRIP"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(settings)
    return subprocess.run([str(BUILD / "mayflyd"), *args], env=env, capture_output=True, text=True,
                          timeout=timeout_s, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The prefix with all that is installed, in a folder of its own."""
    dest = tmp_path_factory.mktemp("dest")
    done = subprocess.run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--destdir",
                           str(dest)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [p.name for p in dest.iterdir()] == ["usr"]
    return dest / "usr/local"


@pytest.fixture
def make_daemon():
    """A factory of daemons that are stopped, and judged, at the end of the test."""
    made = []

    def make(settings=None, start=True, **kw):
        d = Daemon(settings, **kw)
        made.append(d)
        return d.start() if start else d

    yield make
    errors = []
    for d in made:
        try:
            d.remove()
        except AssertionError as e:
            errors.append(str(e))
    assert not errors, "\n".join(errors)


@pytest.fixture
def redis():
    """A Redis for this test alone."""
    r = Redis().start()
    yield r
    r.remove()


@pytest.fixture
def make_nodes(redis, make_daemon, tmp_path):
    """A factory of daemons that share a Redis, a storage and a pepper."""
    pepper = tmp_path / "pepper"
    pepper.write_bytes(os.urandom(32))
    pepper.chmod(0o600)

    def make(*settings, start=True):
        nodes = []
        for own in settings:
            d = make_daemon({"PEPPER_FILE": str(pepper), "STORAGE_PATH": str(tmp_path / "blobs"),
                             **own}, start=False)
            d.keep_in(redis, pepper=pepper)
            d.storage = tmp_path / "blobs"
            nodes.append(d.start() if start else d)
        return nodes

    return make


@pytest.fixture
def served(redis, make_daemon):
    """A daemon, and its Redis."""
    d = make_daemon({"LOG_LEVEL": "debug"}, start=False)
    d.keep_in(redis)
    return d.start(), redis


@pytest.fixture
def proxied(redis, make_daemon):
    """A daemon, and the proxy between it and its Redis."""
    proxy = Proxy(redis.port)
    d = make_daemon({"LOG_LEVEL": "debug"}, start=False)
    d.keep_in(redis)
    d.settings["REDIS_URL"] = redis.url(port=proxy.port)
    yield d.start(), proxy
    d.stop()
    proxy.close()


@pytest.fixture(scope="module")
def daemon(request):
    """One daemon for the tests of a file, with the file's SETTINGS, if it has some."""
    d = Daemon(getattr(request.module, "SETTINGS", None)).start()
    yield d
    d.remove()


@pytest.fixture
def client(daemon):
    """A client of that daemon with a home of its own."""
    from client import Client  # which stands on this file
    c = Client(daemon.url)
    yield c
    c.remove()
