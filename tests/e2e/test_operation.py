# SPDX-License-Identifier: Apache-2.0
"""Goal: who runs the daemon can rely on how it starts, reloads, reports, and ends."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
import requests

from conftest import run_daemon, wait_for
from wire import ALWAYS, UUID4, ask, check_refusal, put

FAST = bool(os.environ.get("FAST"))
SPANS = {"time", "level", "event", "request_id", "method", "route", "status", "duration_ms",
         "bytes_in", "bytes_out", "client"}


# ---- the end ----

class Reader(threading.Thread):
    """A download at so many bytes a second; all of the reply is in `got` at its end."""

    def __init__(self, daemon, key, rate):
        super().__init__(daemon=True)
        self.got, self.rate, self.was_reset = b"", rate, False
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", daemon.port))
        self.socket.sendall(f"GET /download/{key} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        self.got += self.socket.recv(1024)
        self.start()

    def run(self):
        try:
            while piece := self.socket.recv(min(65536, max(1, self.rate // 10))):
                self.got += piece
                time.sleep(len(piece) / self.rate)
        except ConnectionResetError:
            self.was_reset = True
        finally:
            self.socket.close()

    def body(self):
        return self.got.partition(b"\r\n\r\n")[2]


def test_sigterm_lets_what_runs_end_and_takes_nothing_new(make_daemon):
    daemon = make_daemon()
    content = os.urandom(20_000_000)
    reader = Reader(daemon, daemon.upload(content)["key"], 8_000_000)
    idle = daemon.http()
    idle.request("GET", "/robots.txt")
    idle.getresponse().read()
    upload = daemon.connect(40)
    upload.sendall(b"PUT /late.bin HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n"
                   b"Content-Length: 1000000\r\n\r\n" + content[:600_000])
    wait_for(lambda: ask(daemon, "GET", "/health/").json()["connections"]["requests_running"] >= 3,
             10, "both transfers to run")
    start = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(lambda: daemon.events("stopping"), 5, "the log line")

    def is_refused():
        try:
            with daemon.connect(2) as s:
                s.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n")
                return s.recv(10) == b""
        except (ConnectionRefusedError, ConnectionResetError, TimeoutError):
            return True

    wait_for(is_refused, 5, "new connections to be refused")
    assert idle.sock.recv(1) == b""  # closed at once: it has nothing running
    assert reader.is_alive() and daemon.process.poll() is None
    for at in range(600_000, 1_000_000, 100_000):
        upload.sendall(content[at:at + 100_000])
        time.sleep(0.1)
    reply = http.client.HTTPResponse(upload)
    reply.begin()
    receipt = json.loads(reply.read())
    assert reply.status == 201
    assert reply.getheader("Connection") == "close"
    reader.join(30)
    assert reader.body() == content
    assert daemon.process.wait(10) == 0 and time.monotonic() - start < 30
    upload.close()
    daemon._reader.join(5)
    assert daemon.events("stopped") and daemon.events()[-1]["event"] == "stopped"

    daemon.start()
    assert daemon.download(receipt["key"]).content == content[:1_000_000]


def test_a_server_without_work_ends_at_once(make_daemon):
    daemon = make_daemon()
    held = [daemon.connect() for _ in range(20)]
    start = time.monotonic()
    daemon.stop(20)
    assert time.monotonic() - start < 6  # sanitizers look for leaks at the end
    for s in held:
        s.close()


@pytest.mark.skipif(FAST, reason="waits for 30 s")
def test_what_does_not_end_is_cut_after_thirty_seconds(make_daemon):
    daemon = make_daemon()
    content = os.urandom(60_000_000)
    key = daemon.upload(content)["key"]
    reader = Reader(daemon, key, 20_000)
    start = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(40) == 0
    assert 29 <= time.monotonic() - start <= 36
    daemon._reader.join(5)
    assert daemon.events("cutting what still runs") and daemon.events("stopped")
    reader.rate = 1_000_000_000
    reader.join(20)
    assert not reader.is_alive() and len(reader.body()) < len(content)
    assert content.startswith(reader.body())


def test_a_second_sigterm_does_not_wait(make_daemon):
    daemon = make_daemon()
    reader = Reader(daemon, daemon.upload(os.urandom(30_000_000))["key"], 50_000)
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(lambda: daemon.events("stopping"), 5, "the log line")
    time.sleep(0.3)
    assert daemon.process.poll() is None
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(5) == -signal.SIGTERM
    daemon.process = None
    reader.rate = 1_000_000_000
    reader.join(20)


def test_sigint_is_like_sigterm(make_daemon):
    daemon = make_daemon()
    daemon.process.send_signal(signal.SIGINT)
    assert daemon.process.wait(20) == 0
    daemon.process = None


# ---- logs ----

def test_a_request_is_one_line_with_the_documented_fields(make_daemon):
    daemon = make_daemon()
    receipt = put(daemon, b"content")
    got = ask(daemon, "GET", f"/download/{receipt['key']}")
    line, = wait_for(lambda: [e for e in daemon.events("request")
                              if e["route"].startswith("/download/")], 5, "its log line")
    assert set(line) == SPANS
    assert line["request_id"] == got["X-Request-ID"] and UUID4.fullmatch(line["request_id"])
    assert (line["method"], line["route"], line["status"]) == ("GET", "/download/{key}", 200)
    assert (line["bytes_in"], line["bytes_out"]) == (0, 7)
    assert (line["client"], line["level"]) == ("127.0.0.0/24", "info")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["time"])
    assert 0 <= line["duration_ms"] < 5000
    (line,) = [e for e in daemon.events("request") if e["method"] == "PUT"]
    assert (line["route"], line["status"], line["bytes_in"]) == ("/{filename}", 201, 7)
    assert not [text for text in daemon.lines if not text.startswith("{")]


@pytest.mark.parametrize("settings, hop, client", [
    ({}, None, "127.0.0.0/24"),
    ({}, "203.0.113.77", "127.0.0.0/24"),
    ({"LOG_ADDRESSES": "full"}, None, "127.0.0.1"),
    ({"LOG_ADDRESSES": "full", "TRUSTED_PROXIES": "127.0.0.1"}, "203.0.113.77", "203.0.113.77"),
    ({"TRUSTED_PROXIES": "127.0.0.1"}, "203.0.113.77", "203.0.113.0/24"),
    ({"TRUSTED_PROXIES": "127.0.0.1"}, "2001:db8:aa:bb::1", "2001:db8:aa::/48"),
    ({"LOG_ADDRESSES": "full", "TRUSTED_PROXIES": "127.0.0.1"}, "2001:db8:aa:bb::1",
     "2001:db8:aa:bb::1")])
def test_addresses_are_cut_unless_they_are_asked_for(make_daemon, settings, hop, client):
    daemon = make_daemon(settings)
    ask(daemon, "GET", "/robots.txt", headers={"X-Forwarded-For": hop} if hop else {})
    line, = wait_for(lambda: daemon.events("request"), 5, "the log line")
    assert line["client"] == client


def test_no_header_or_name_can_forge_a_log_line(make_daemon):
    daemon = make_daemon({"LOG_LEVEL": "debug", "LOG_ADDRESSES": "full",
                          "TRUSTED_PROXIES": "127.0.0.1"})
    forged = '","event":"forged","x":"'
    line = '%0a{"time":"2026-01-01T00:00:00Z","level":"info","event":"forged"}%0a'
    quoted = line.replace('"', "%22").replace("{", "%7b").replace("}", "%7d")
    put(daemon, b"abc", f"a{quoted}.txt")
    for name in ("User-Agent", "X-Forwarded-For", "X-Request-ID", "Referer", "Authorization",
                 "X-Forwarded-Host", "Forwarded", "Range", "Content-Type", "Accept"):
        ask(daemon, "GET", "/robots.txt", headers={name: forged})
        ask(daemon, "GET", "/download/" + quoted, headers={name: forged})
    for begin in (b'GET /"forged HTTP/1.1\r\nHost: a\r\n',
                  b'forged","event":"forged / HTTP/1.1\r\nHost: a\r\n',
                  b'GET / HTTP/1.1\r\nHost: a\r\nX: a\n{"event":"forged"}\r\n',
                  b'GET / HTTP/1.1\r\nHost: ","event":"forged\r\n',
                  b'GET /\x1b[31mforged\x07 HTTP/1.1\r\nHost: a\r\n'):
        daemon.raw(begin + b"Connection: close\r\n\r\n")
    n = len(wait_for(lambda: len(daemon.events("request")) >= 24 and daemon.events("request"), 5,
                     "the log lines"))
    assert n >= 24
    for text in list(daemon.lines):
        event = json.loads(text)  # each line is one object
        assert "forged" not in event["event"], text
        if event["event"] == "request":
            assert set(event) == SPANS and event["client"] == "127.0.0.1", text
        assert all(" " <= c < "\x7f" for c in text), text


def test_log_levels_leave_out_what_is_below_them(make_daemon):
    daemon = make_daemon({"LOG_LEVEL": "warn"}, start=False)
    daemon.start(wait=False)
    time.sleep(1.5)
    assert daemon.process.poll() is None
    assert daemon.lines == []
    daemon.stop()


# ---- TLS ----

def make_certificate(folder, name):
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


@pytest.fixture
def tls(make_daemon, tmp_path):
    first, second = make_certificate(tmp_path, "first"), make_certificate(tmp_path, "second")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(first[0], cert)
    shutil.copy(first[1], key)
    daemon = make_daemon({"TLS_CERT_FILE": str(cert), "TLS_KEY_FILE": str(key)})
    return daemon, first, second, cert, key


def shown_certificate(daemon):
    return ssl.get_server_certificate(("127.0.0.1", daemon.port)).strip()


def test_https_works_and_plain_http_does_not(tls):
    daemon, first, *_ = tls
    url = f"https://127.0.0.1:{daemon.port}"
    content = os.urandom(3_000_000)
    made = requests.post(url + "/upload/", files={"file": ("a.bin", content)},
                         verify=str(first[0]), timeout=30)
    assert made.status_code == 201
    receipt = made.json()
    assert receipt["download_url"] == f"{url}/download/{receipt['key']}"
    got = requests.get(receipt["download_url"], verify=str(first[0]), timeout=30)
    assert got.content == content
    for name, value in ALWAYS.items():
        assert got.headers[name] == value
    plain = daemon.raw(b"GET /robots.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"HTTP/1" not in plain
    assert shown_certificate(daemon) == first[0].read_text().strip()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_refused(tls):
    daemon = tls[0]
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = ssl._create_unverified_context()
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        with daemon.connect() as s, pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(s)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl._create_unverified_context()
        context.minimum_version = context.maximum_version = version
        with daemon.connect() as s, context.wrap_socket(s) as wrapped:
            wrapped.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert wrapped.recv(12) == b"HTTP/1.1 200"


def test_sighup_takes_a_new_certificate_and_keeps_connections(tls):
    daemon, first, second, cert, key = tls
    kept = http.client.HTTPSConnection("127.0.0.1", daemon.port, timeout=20,
                                       context=ssl.create_default_context(cafile=first[0]))
    kept.request("GET", "/robots.txt")
    assert kept.getresponse().read()
    shutil.copy(second[0], cert)
    shutil.copy(second[1], key)
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: daemon.events("reloaded"), 10, "the reload")
    assert shown_certificate(daemon) == second[0].read_text().strip()
    kept.request("GET", "/robots.txt")  # on the old connection, with the old certificate
    assert kept.getresponse().status == 200
    kept.close()


def test_a_broken_certificate_at_sighup_changes_nothing(tls):
    daemon, first, second, cert, key = tls
    shutil.copy(second[0], cert)  # with the key of the first
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: daemon.events("error"), 10, "the error")
    cert.unlink()
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(daemon.events("error")) == 2, 10, "the second error")
    assert not daemon.events("reloaded")
    assert shown_certificate(daemon) == first[0].read_text().strip()


def test_a_certificate_needs_its_own_key(tmp_path):
    first, second = make_certificate(tmp_path, "first"), make_certificate(tmp_path, "second")
    good = {"STORAGE_PATH": str(tmp_path / "storage"), "STATE_PATH": str(tmp_path / "state"),
            "LISTEN": "127.0.0.1:0", "TLS_CERT_FILE": str(first[0])}
    for more in ({}, {"TLS_KEY_FILE": str(second[1])}, {"TLS_KEY_FILE": str(first[0])}):
        got = run_daemon(**good, **more)
        assert got.returncode == 1 and "mayflyd: " in got.stderr, (more, got.stderr)


# ---- health ----

def test_health_tells_what_works(make_daemon):
    daemon = make_daemon()
    daemon.upload(b"abc")
    got = ask(daemon, "GET", "/health")
    assert got.status == 200
    state = got.json()
    assert (state["status"], state["store"]["status"]) == ("healthy", "ok")
    assert (state["storage"]["status"], state["sweeper"]["status"]) == ("ok", "ok")
    assert state["word_list"] == {"status": "ok", "words": 7775}
    assert state["store"]["live_uploads"] == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+", state["version"])
    assert 0 <= state["uptime_seconds"] < 60


def check_degraded(daemon):
    got = ask(daemon, "GET", "/health/")
    assert got.status == 503
    assert (got.json()["status"], got.json()["storage"]["status"]) == ("degraded", "failed")
    assert str(daemon.home) not in got.body.decode()
    refused = ask(daemon, "PUT", "/a.txt", b"abc", {"Accept": "application/json"})
    assert refused.status in (500, 503, 507), refused.body
    check_refusal(refused, refused.status, refused.json()["error_code"])
    assert str(daemon.home) not in refused.body.decode()


def test_health_is_503_while_the_storage_takes_nothing(make_daemon):
    daemon = make_daemon()
    away = daemon.home / "away"
    away.mkdir()
    for sub in daemon.storage.iterdir():  # what root may do is not bound by modes
        if os.geteuid() == 0:
            sub.rename(away / sub.name)
        else:
            sub.chmod(0o500)
    check_degraded(daemon)
    for sub in list((away if os.geteuid() == 0 else daemon.storage).iterdir()):
        if os.geteuid() == 0:
            sub.rename(daemon.storage / sub.name)
        else:
            sub.chmod(0o700)
    assert ask(daemon, "GET", "/health/").status == 200
    assert daemon.download(daemon.upload(b"abc")["key"]).content == b"abc"


def test_health_is_503_after_the_storage_was_removed(make_daemon):
    daemon = make_daemon()
    shutil.rmtree(daemon.storage)
    check_degraded(daemon)


def test_health_is_503_after_the_storage_was_replaced(make_daemon):
    """What is written to a folder that nobody finds again would be lost at the next start."""
    daemon = make_daemon()
    daemon.storage.rename(daemon.home / "moved")
    shutil.copytree(daemon.home / "moved", daemon.storage)
    got = ask(daemon, "GET", "/health/")
    assert (got.status, got.json()["storage"]["status"]) == (503, "failed")
    shutil.rmtree(daemon.storage)
    (daemon.home / "moved").rename(daemon.storage)
    assert ask(daemon, "GET", "/health/").status == 200
