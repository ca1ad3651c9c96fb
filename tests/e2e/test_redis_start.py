# SPDX-License-Identifier: Apache-2.0
"""Goal: a daemon that cannot use its Redis, or should not, does not start and says why in one
sentence without a secret; one that can takes every documented way to it."""

import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time

import pytest

from conftest import BUILD, ROOT, run_daemon
from outages import back
from redis_servers import Redis, free_port

MARK = secrets.token_hex(6)


def bad_start(tmp_path, url, **more):
    """It must end in time with one sentence that tells nothing."""
    start = time.monotonic()
    got = run_daemon(STORAGE_PATH=str(tmp_path / "storage"), STATE_PATH=str(tmp_path / "state"),
                     LISTEN="127.0.0.1:0", REDIS_URL=url, **more)
    assert got.returncode == 1, (got.returncode, got.stderr)
    assert time.monotonic() - start < 15
    sentences = [s for s in got.stderr.splitlines() if not s.startswith("{")]
    assert len(sentences) == 1, got.stderr
    assert re.fullmatch(r"mayflyd: REDIS_URL: [^\n]{8,200}", sentences[0]), sentences
    assert MARK not in got.stderr
    return sentences[0]


def test_a_start_without_redis_ends_with_one_sentence(tmp_path):
    port = free_port()
    for url in (f"redis://:{MARK}@127.0.0.1:{port}", f"rediss://:{MARK}@127.0.0.1:{port}",
                f"unix://:{MARK}@{tmp_path}/no.sock", f"redis://u:{MARK}@no-such-host.invalid"):
        bad_start(tmp_path, url)


class Listener:
    """What listens and is no Redis: says `hello` to everyone, and no more."""

    def __init__(self, hello):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port, self.held = self.server.getsockname()[1], []
        self.hello = hello
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.server.accept()
            except OSError:
                return
            s.sendall(self.hello)
            self.held.append(s)

    def close(self):
        self.server.close()
        for s in self.held:
            s.close()


@pytest.mark.parametrize("hello", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR no\r\n" * 9,
                                   b"+OK\r\n" * 9, b"*99999999\r\n", b"\x16\x03\x01"], ids=repr)
def test_what_is_no_redis_ends_the_start(tmp_path, hello):
    other = Listener(hello)
    try:
        bad_start(tmp_path, f"redis://:{MARK}@127.0.0.1:{other.port}")
    finally:
        other.close()


def test_a_redis_that_is_not_for_us_ends_the_start(tmp_path, redis):
    at = f"127.0.0.1:{redis.port}"
    redis("ACL", "SETUSER", "friend", "on", ">right-" + MARK, "~*", "&*", "+@all")
    redis("ACL", "SETUSER", "blind", "on", ">right-" + MARK, "~*", "&*", "-@all", "+ping")
    for url in (f"redis://:wrong-{MARK}@{at}", f"redis://{at}", f"redis://friend:no-{MARK}@{at}",
                f"redis://nobody:{MARK}@{at}", f"redis://blind:right-{MARK}@{at}",
                f"rediss://friend:right-{MARK}@{at}", f"redis://friend:right-{MARK}@{at}/9999"):
        bad_start(tmp_path, url)
    redis("REPLICAOF", "127.0.0.1", free_port())
    bad_start(tmp_path, f"redis://friend:right-{MARK}@{at}")


def test_a_user_of_the_acl_a_database_a_socket_and_a_password_file_are_taken(make_daemon, tmp_path):
    redis = Redis(on_socket=True).start()
    try:
        redis("ACL", "SETUSER", "friend", "on", ">right-" + MARK, "~*", "&*", "+@all")
        (tmp_path / "password").write_text(f"right-{MARK}\n")
        (tmp_path / "password").chmod(0o600)
        at = f"127.0.0.1:{redis.port}"
        for url, password_file in (
                (f"redis://friend:right-{MARK}@{at}/7", None),
                (f"redis://friend:@{at}/7", tmp_path / "password"),
                (redis.url(7), None)):
            d = make_daemon({"REDIS_URL": url}, start=False)
            if password_file is not None:
                d.settings["REDIS_PASSWORD_FILE"] = str(password_file)
            d.start()
            assert d.download(d.upload(b"abc", uses="2")["key"]).content == b"abc"
            assert redis("DBSIZE", database=7) > 0 and redis("DBSIZE", database=0) == 0
            d.stop()
            redis("FLUSHALL")
    finally:
        redis.remove()


def certificates(folder):
    """An authority, and a server's certificate by it for 127.0.0.1."""
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=redis", "-keyout", "redis.key", "-out", "redis.csr")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "redis.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "redis.pem")
    return folder / "redis.pem", folder / "redis.key", folder / "ca.pem"


def test_tls_to_redis_works_with_the_right_authority_alone(make_daemon, tmp_path):
    tls = certificates(tmp_path)
    redis = Redis(tls=tls, on_socket=True).start()
    try:
        url = f"rediss://:{redis.password}@127.0.0.1:{redis.port}/0"
        d = make_daemon({"REDIS_URL": url, "REDIS_CA_FILE": str(tls[2])})
        receipt = d.upload(b"abc", uses="2")
        assert d.download(receipt["key"]).content == b"abc"
        redis.restart(keep=True)
        back(d)
        assert d.download(receipt["key"]).content == b"abc"
        d.stop()
        bad_start(tmp_path, url)  # the system trusts no authority of ours
        bad_start(tmp_path, f"redis://:{MARK}@127.0.0.1:{redis.port}")
        other = tmp_path / "other"
        other.mkdir()
        bad_start(tmp_path, url, REDIS_CA_FILE=str(certificates(other)[2]))
        named = url.replace("127.0.0.1", "localhost")  # which its certificate does not name
        bad_start(tmp_path, named, REDIS_CA_FILE=str(tls[2]))
    finally:
        redis.remove()


def far_start(tmp_path, password, **settings):
    """A start with a Redis that is not on this machine, as far as addresses tell."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine gives us no network namespace")
    who = f":{password}@" if password else ""
    redis = Redis()
    try:
        return subprocess.run(
            ["unshare", "-rn", sys.executable,
             str(ROOT / "tests/e2e/far_redis.py"), str(redis.program), password,
             str(BUILD / "mayflyd")],
            env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0",
                 "STORAGE_PATH": str(tmp_path / "storage"), "STATE_PATH": str(tmp_path / "state"),
                 "LISTEN": "127.0.0.1:0", "REDIS_URL": f"redis://{who}10.99.0.1", **settings},
            capture_output=True, text=True, timeout=60)
    finally:
        redis.remove()


def test_a_redis_open_to_a_network_is_refused_unless_it_is_allowed(tmp_path):
    got = far_start(tmp_path, "")
    assert got.returncode == 1, got.stderr
    sentences = [s for s in got.stderr.splitlines() if not s.startswith("{")]
    assert len(sentences) == 1 and "without a password" in sentences[0], got.stderr
    assert "REDIS_ALLOW_OPEN=on" in sentences[0]
    assert '"listening"' not in got.stderr
    got = far_start(tmp_path, "", REDIS_ALLOW_OPEN="on")
    assert got.returncode == 0 and '"listening"' in got.stderr, got.stderr


def test_a_redis_with_a_password_is_taken_over_a_network(tmp_path):
    got = far_start(tmp_path, "right-" + MARK)
    assert got.returncode == 0 and '"listening"' in got.stderr, got.stderr
    assert MARK not in got.stderr
