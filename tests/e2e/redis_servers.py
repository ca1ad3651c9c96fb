# SPDX-License-Identifier: Apache-2.0
"""Real Redis servers for the tests, on free ports of 127.0.0.1 with folders of their own, and a
proxy in front of them that fails as networks do. Never a server that was there before."""

import os
import pathlib
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

SERVER = pathlib.Path("/usr/bin/redis-server")
SAME_PROGRAM = pathlib.Path("/usr/bin/redis-check-rdb")  # of redis-tools; goes by its name
START_S = 30


class RedisError(Exception):
    """An error reply."""


class Resp:
    """One connection that speaks RESP2: commands out, replies in."""

    def __init__(self, address, timeout_s=20):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(timeout_s)
            self.sock.connect(address)
            self.file = self.sock.makefile("rb")
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()

    def __call__(self, *args):
        self.send(*args)
        return self.reply()

    def send(self, *args):
        data = [a if isinstance(a, bytes) else str(a).encode() for a in args]
        self.sock.sendall(b"*%d\r\n" % len(data) +
                          b"".join(b"$%d\r\n%s\r\n" % (len(d), d) for d in data))

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RedisError(rest.decode())
        n = int(rest)
        if kind == b":" or n < 0:
            return n if kind == b":" else None
        if kind == b"$":
            data = self.file.read(n + 2)
            if len(data) != n + 2:
                raise ConnectionError("Redis closed the connection")
            return data[:-2]
        return [self.reply() for _ in range(n)]


def flat(value):
    """All bytes of a reply, one behind the other."""
    if isinstance(value, list):
        return b"\n".join(flat(v) for v in value)
    return value if isinstance(value, bytes) else str(value).encode()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


READS = {"string": ("GET",), "hash": ("HGETALL",), "set": ("SMEMBERS",),
         "zset": ("ZRANGE", 0, -1, "WITHSCORES"), "list": ("LRANGE", 0, -1),
         "stream": ("XRANGE", "-", "+")}


class Redis:
    """One redis-server. `options` are lines of redis.conf as a dict; "" for a password: none. It
    ends with the thread that started it, even when that is killed."""

    def __init__(self, options=None, password=None, tls=None, on_socket=False):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="mayfly-redis-"))
        self.password = secrets.token_hex(16) if password is None else password
        self.options, self.tls, self.port, self.process = dict(options or {}), tls, None, None
        self.socket = str(self.home / "redis.sock") if on_socket else None
        self.program = SERVER
        if not SERVER.exists():
            self.program = self.home / "redis-server"
            self.program.symlink_to(SAME_PROGRAM)

    # ---- life ----

    def start(self, wait=True):
        for _ in range(5):  # somebody may take the free port first
            port = self.port or free_port()
            if self._launch(port) and (not wait or self._wait()):
                self.port = port
                return self
            self.kill()
        raise AssertionError("redis-server does not start:\n" + self.log())

    def _launch(self, port):
        self.port_tried = port
        lines = {"bind": "127.0.0.1", "port": 0 if self.tls else port, "dir": self.home,
                 "save": '""', "appendonly": "no", "logfile": self.home / "log",
                 "databases": 256, "enable-debug-command": "yes", "daemonize": "no"}
        if self.tls:  # (certificate, key, certificate of the authority)
            lines.update({"tls-port": port, "tls-cert-file": self.tls[0],
                          "tls-key-file": self.tls[1], "tls-ca-cert-file": self.tls[2],
                          "tls-auth-clients": "no"})
        if self.socket:
            lines.update({"unixsocket": self.socket, "unixsocketperm": 700})
        if self.password:
            lines["requirepass"] = self.password
        lines.update(self.options)
        config = self.home / "redis.conf"
        config.write_text("".join(f"{k} {v}\n" for k, v in lines.items()))
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", str(self.program), str(config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return True

    def _wait(self):
        """Whether it is up, and ours: another's server does not know our password."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with self.connect(port=self.port_tried) as c:
                    return int(c("INFO", "server").split(b"process_id:")[1].split()[0]) == (
                        self.process.pid)
            except RedisError:
                return False
            except OSError:
                time.sleep(0.02)
        return False

    def stop(self):
        """A regular end. What it knew is lost."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self, keep=False):
        """Again at the same address, empty, or with what it knew."""
        (self.home / "dump.rdb").unlink(missing_ok=True)
        if keep:
            self("SAVE")
        self.kill()
        return self.start()

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def remove(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- using it ----

    def url(self, database=0, user="", password=None, port=None):
        password = self.password if password is None else password
        who = f"{user}:{password}@" if password else ""
        if self.socket:
            return f"unix://{who}{self.socket}?db={database}"
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://{who}127.0.0.1:{port or self.port}/{database}"

    def connect(self, database=0, port=None, timeout_s=20):
        """For the test itself; a server with TLS needs a socket beside it for that."""
        c = Resp(self.socket or ("127.0.0.1", port or self.port), timeout_s)
        try:
            if self.password:
                c("AUTH", self.password)
            if database:
                c("SELECT", database)
        except BaseException:
            c.close()
            raise
        return c

    def __call__(self, *args, database=0):
        """One command on a connection of its own."""
        with self.connect(database) as c:
            return c(*args)

    def dump(self, database=0):
        """Every key with its type, its time to live in ms (-1: none), and all that it holds."""
        found = {}
        with self.connect(database) as c:
            at = b"0"
            while True:
                at, keys = c("SCAN", at, "COUNT", 500)
                for key in keys:
                    kind, ttl_ms = c("TYPE", key), c("PTTL", key)
                    if kind != "none" and ttl_ms != -2:  # else it has ended just now
                        verb, *rest = READS[kind]
                        found[key] = (kind, ttl_ms, c(verb, key, *rest))
                if at == b"0":
                    return found

    def raw(self, database=0):
        """All bytes of a database: names and values."""
        return b"\n".join(key + b"\n" + flat(value)
                          for key, (_, _, value) in sorted(self.dump(database).items()))

    def log(self):
        try:
            return (self.home / "log").read_text(errors="replace")[-3000:]
        except FileNotFoundError:
            return ""


class Databases:
    """The databases of one server, one for each daemon."""

    def __init__(self, redis, n=256):
        self.redis, self.free = redis, list(range(n))

    def take(self):
        database = self.free.pop(0)
        assert self.redis("DBSIZE", database=database) == 0
        return database

    def give_back(self, database):
        self.redis("FLUSHDB", database=database)
        self.free.append(database)


class Proxy:
    """Stands between daemons and a Redis and passes bytes on, until it is told to fail.

    `delay_s`: each piece of a reply comes later by so much. `lose`: a reply to a request that
    holds these bytes is cut off in front, and its connection with it; counted in `n_lost`.
    `is_deaf`: nothing goes through, but connections are taken. drop(): all connections end."""

    def __init__(self, port):
        self.target, self.delay_s, self.lose, self.n_lost, self.is_deaf = port, 0, None, 0, False
        self.lock, self.open, self.is_over = threading.Lock(), set(), False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = {"near": near, "far": far, "is_doomed": False}
            with self.lock:
                self.open |= {near, far}
            for work in (self._requests, self._replies):
                threading.Thread(target=work, args=(link,), daemon=True).start()

    def _requests(self, link):
        while piece := self._take(link["near"]):
            with self.lock:
                if self.lose is not None and self.lose in piece:
                    self.lose, link["is_doomed"] = None, True
            self._pass_on(link, "far", piece)
        self._end(link)

    def _replies(self, link):
        while piece := self._take(link["far"]):
            if link["is_doomed"]:
                self.n_lost += 1
                self._end(link, reset=True)
                return
            if self.delay_s:
                time.sleep(self.delay_s)
            self._pass_on(link, "near", piece)
        self._end(link)

    def _pass_on(self, link, where, piece):
        while self.is_deaf and not self.is_over:
            time.sleep(0.02)
        try:
            link[where].sendall(piece)
        except OSError:
            pass

    @staticmethod
    def _take(s):
        try:
            return s.recv(65536)
        except OSError:
            return b""

    def _end(self, link, reset=False):
        with self.lock:
            for s in (link["near"], link["far"]):
                self._cut(s, reset)
                self.open.discard(s)

    @staticmethod
    def _cut(s, reset):
        try:
            if reset:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()

    def drop(self):
        with self.lock:
            for s in self.open:
                self._cut(s, True)
            self.open.clear()

    def close(self):
        self.is_over = True
        self.listener.close()
        self.drop()
