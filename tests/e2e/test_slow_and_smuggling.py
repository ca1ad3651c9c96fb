# SPDX-License-Identifier: Apache-2.0
"""Goal: a request that two readers could read differently is refused whole, with one reply and a
closed connection; a client that only holds its place is cut; and idle ones are in nobody's way."""

import os
import select
import socket
import threading
import time

import pytest

from conftest import wait_for
from wire import ask, replies

HOST = b"Host: a\r\n"
INNER = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"  # must never be executed
KIND = b"Content-Type: multipart/form-data; boundary=b\r\n"


def post(fields, body=INNER, line=b"POST /upload/ HTTP/1.1"):
    return line + b"\r\n" + HOST + KIND + fields + b"\r\n" + body


SHAPES = {
    # name: (bytes, statuses that may answer)
    "length and chunked": (post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                b"0\r\n\r\n" + INNER), {400}),
    "chunked and length": (post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                b"0\r\n\r\n" + INNER), {400}),
    "two lengths": (post(b"Content-Length: 0\r\nContent-Length: 34\r\n"), {400}),
    "two equal lengths": (post(b"Content-Length: 34\r\nContent-Length: 34\r\n"), {400}),
    "a list of lengths": (post(b"Content-Length: 34, 34\r\n"), {400}),
    "a signed length": (post(b"Content-Length: +34\r\n"), {400}),
    "a negative length": (post(b"Content-Length: -1\r\n"), {400}),
    "a hexadecimal length": (post(b"Content-Length: 0x22\r\n"), {400}),
    "a length of no digits": (post(b"Content-Length: \r\n"), {400}),
    "a length with a blank": (post(b"Content-Length: 3 4\r\n"), {400}),
    "a huge length": (post(b"Content-Length: 99999999999999999999\r\n"), {400, 413}),
    "a blank before a colon": (post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + INNER),
                               {400}),
    "a length with a blank before its colon": (post(b"Content-Length : 34\r\n"), {400}),
    "another coding": (post(b"Transfer-Encoding: gzip\r\n"), {501}),
    "two codings": (post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + INNER), {501}),
    "chunked twice": (post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                           b"0\r\n\r\n" + INNER), {400, 501}),
    "identity": (post(b"Transfer-Encoding: identity\r\n"), {400, 501}),
    "almost chunked": (post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + INNER), {501}),
    "chunked with a vertical tab": (post(b"Transfer-Encoding: \x0bchunked\r\n",
                                         b"0\r\n\r\n" + INNER), {400, 501}),
    "chunked in HTTP/1.0": (post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + INNER,
                                 b"POST /upload/ HTTP/1.0"), {400}),
    "a folded line": (post(b"X-A: b\r\n Transfer-Encoding: chunked\r\n",
                           b"0\r\n\r\n" + INNER), {400}),
    "a folded coding": (post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n" + INNER), {400}),
    "a bare LF": (b"POST /upload/ HTTP/1.1\nHost: a\nContent-Length: 34\n\n" + INNER, {400}),
    "one bare LF": (post(b"X-A: b\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + INNER), {400}),
    "a bare CR": (post(b"X-A: b\rTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + INNER), {400}),
    "a NUL in a value": (post(b"X-A: b\0c\r\n"), {400}),
    "a NUL in a name": (post(b"X\0A: b\r\n"), {400}),
    "a line without a colon": (post(b"X-A\r\n"), {400}),
    "an empty name": (post(b": b\r\n"), {400}),
    "a name with a blank": (post(b"X A: b\r\n"), {400}),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n" + INNER, {400}),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + INNER, {400}),
    "two equal Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" + INNER, {400}),
    "an absolute target": (b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n" + INNER, {400}),
    "an authority as target": (b"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n" + INNER, {400}),
    "a fragment": (b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n" + INNER, {400}),
    "an encoded NUL": (b"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n" + INNER, {400}),
    "raw bytes in a target": (b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n" + INNER, {400}),
    "another version": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n" + INNER, {400, 505}),
    "a version of old": (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n" + INNER, {400, 505}),
    "no version": (b"GET /\r\nHost: a\r\n\r\n" + INNER, {400, 505}),
    "a blank too many": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n" + INNER, {400}),
    "a tab as blank": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n" + INNER, {400}),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n" +
                         INNER, set()),
    "a body where none belongs": (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000000\r\n\r\n" +
                                  INNER, {413}),
    "a broken chunk": (b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"zz\r\n" + INNER, {400}),
    "a chunk longer than it says": (b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                                    b"\r\n1\r\nxx\r\n0\r\n\r\n" + INNER, {400}),
    "many fields": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 2000 + b"\r\n" + INNER,
                    {400, 431}),
    "a long field": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 200_000 + b"\r\n\r\n" + INNER,
                     {400, 413, 431}),
    "a long target": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n" + INNER,
                      {400, 414}),
}


# What the HTTP library refuses by itself, with its head twice (docs/http-library.md).
TWICE = {"a list of lengths", "a signed length", "a negative length", "a hexadecimal length",
         "a length of no digits", "a length with a blank", "a huge length"}


def read_refusal(name, raw):
    """The replies in `raw`. Those of TWICE are one in truth: the same head, then the body."""
    if name in TWICE:
        head, end, rest = raw.partition(b"\r\n\r\n")
        assert rest.startswith(head + end), raw
        raw = rest
        assert b"X-Request-ID" not in raw, "ours: it belongs into the other list"
    return replies(raw)


@pytest.mark.parametrize("name", SHAPES)
def test_a_request_of_two_meanings_gets_one_refusal_and_a_closed_door(daemon, name):
    request, statuses = SHAPES[name]
    n_blobs = len(daemon.blobs())
    start = time.monotonic()
    with daemon.connect(15) as s:
        try:
            s.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass
        got = b""
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
        except ConnectionResetError:
            pass
    assert time.monotonic() - start < 12
    answers = read_refusal(name, got)
    assert len(answers) == bool(statuses), got[:300]  # a single word is not even refused
    assert all(a.status in statuses for a in answers), got[:300]
    assert b"smuggled" not in got
    # The requests' log lines come in their order: after this one, a second's would be there.
    n_probes = sum(e["route"] == "/robots.txt" for e in daemon.events("request"))
    assert ask(daemon, "GET", "/robots.txt").status == 200
    wait_for(lambda: n_probes < sum(e["route"] == "/robots.txt" for e in daemon.events("request")),
             5, "the log line of a harmless request")
    assert 404 not in [e["status"] for e in daemon.events("request")], "the second was executed"
    assert len(daemon.blobs()) == n_blobs


def test_the_second_request_would_be_seen_if_it_ran(daemon):
    """That the test above can fail: two whole requests on one connection are two replies."""
    raw = daemon.raw(b"GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n"
                     b"GET /smuggle HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert [r.status for r in replies(raw)] == [200, 404]
    wait_for(lambda: any(e["status"] == 404 for e in daemon.events("request")), 5, "its log line")


def test_requests_one_after_the_other_share_a_connection(make_daemon):
    d = make_daemon()
    body = b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n"
    requests = (b"GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n"
                b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" +
                post(b"Content-Length: %d\r\n" % len(body), body) +
                b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert [r.status for r in replies(d.raw(requests))] == [200, 201, 201, 404]


# ---- slow ones ----

class Slow(threading.Thread):
    """One client that holds its place in its own way; `closed_after` is when it was cut."""

    def __init__(self, daemon, first, drip=b"", every_s=2.0):
        super().__init__(daemon=True)
        self.socket = daemon.connect(60)
        self.first, self.drip, self.every_s = first, drip, every_s
        self.closed_after = None
        self.got = b""
        self.start()

    def run(self):
        start = last = time.monotonic()
        self.socket.settimeout(0.2)
        try:
            self.socket.sendall(self.first)
            while time.monotonic() - start < 50:
                if self.drip and time.monotonic() - last >= self.every_s:
                    self.socket.send(self.drip)
                    last = time.monotonic()
                try:
                    piece = self.socket.recv(65536)
                except TimeoutError:
                    continue
                if not piece:
                    break
                self.got += piece
            else:
                return
        except (ConnectionResetError, BrokenPipeError):
            pass
        finally:
            self.socket.close()
        self.closed_after = time.monotonic() - start


class SlowReader(threading.Thread):
    """A download of which only a few bytes are read now and then."""

    def __init__(self, daemon, key, rate):
        super().__init__(daemon=True)
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.settimeout(60)
        s.connect(("127.0.0.1", daemon.port))
        s.sendall(f"GET /download/{key} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        self.socket, self.rate, self.closed_after, self.n = s, rate, None, 0
        self.start()

    def run(self):
        start = time.monotonic()
        state = select.poll()
        state.register(self.socket, select.POLLRDHUP)
        try:
            # What came before the end is still to be read, so the end is looked for on its own.
            while time.monotonic() - start < 50 and not state.poll(0):
                self.n += len(self.socket.recv(max(1, self.rate // 2)))
                time.sleep(0.5)
            if state.poll(0):
                self.closed_after = time.monotonic() - start
        except ConnectionResetError:
            self.closed_after = time.monotonic() - start
        finally:
            self.socket.close()


def test_who_only_holds_a_place_is_cut_and_who_makes_progress_is_not(make_daemon):
    """The deadlines are 10 s for a header, and 1 KiB/s over 20 s for bodies and replies."""
    d = make_daemon()
    content = os.urandom(40_000_000)
    stuck_key = d.upload(content)["key"]
    fair_key = d.upload(content)["key"]
    big = b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    header = {
        "nothing at all": Slow(d, b""),
        "half a header": Slow(d, b"GET / HTTP/1.1\r\nHost: a\r\n"),
        "a header byte by byte": Slow(d, b"GET / HTTP/1.1\r\nX: ", b"x", 1.0),
        "a second header byte by byte": Slow(
            d, b"GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nX: ", b"x", 1.0),
    }
    body = {
        "a body that stops": Slow(d, big + bytes(1000)),
        "a body byte by byte": Slow(d, big, b"x", 1.0),
        "a body of 200 bytes a second": Slow(d, big, bytes(200), 1.0),
    }
    fair = Slow(d, big, bytes(4096), 1.0)
    stuck_reader = SlowReader(d, stuck_key, 200)
    fair_reader = SlowReader(d, fair_key, 20_000)
    start = time.monotonic()
    while time.monotonic() - start < 8:  # others are served meanwhile
        assert ask(d, "GET", "/robots.txt", timeout_s=2).status == 200
        time.sleep(0.25)
    for name, slow in header.items():
        slow.join(13)
        limit = 13 if name != "nothing at all" else 33
        assert slow.closed_after is not None, name + " was not cut"
        assert 7 <= slow.closed_after <= limit, (name, slow.closed_after)
    for name, slow in body.items():
        slow.join(30 - (time.monotonic() - start) + 2)
        assert slow.closed_after is not None, name + " was not cut"
        assert 15 <= slow.closed_after <= 30, (name, slow.closed_after)
    stuck_reader.join(5)
    assert stuck_reader.closed_after is not None, "a reader that takes almost nothing was not cut"
    assert 15 <= stuck_reader.closed_after <= 32 and stuck_reader.n < 200_000
    assert fair.is_alive() and fair.closed_after is None, "an honest slow sender was cut"
    assert fair_reader.is_alive() and fair_reader.closed_after is None, "a fair reader was cut"
    for honest in (fair, fair_reader):
        honest.socket.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: len(d.blobs()) <= 2, 10, "the uploads that were cut to be gone")
    assert ask(d, "GET", "/health/").json()["connections"]["cut_slow"] >= 6


def test_two_hundred_idle_connections_stop_nobody(make_daemon):
    d = make_daemon()
    held = [d.connect() for _ in range(200)]
    try:
        for s in held[:100]:
            s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")  # never ended
        for source in ("127.0.0.1", "127.0.0.2"):
            start = time.monotonic()
            made = ask(d, "PUT", "/a.txt", b"content", {"Accept": "application/json"}, source)
            assert made.status == 201
            got = ask(d, "GET", f"/download/{made.json()['key']}", source=source)
            assert got.body == b"content"
            assert time.monotonic() - start < 2
        assert ask(d, "GET", "/health/").json()["connections"]["open"] >= 200
    finally:
        for s in held:
            s.close()


def test_one_network_cannot_take_all_connections(make_daemon):
    d = make_daemon({"MAX_CONNECTIONS": "64"})
    held = []
    try:
        for _ in range(64):
            s = d.connect(2)
            s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
            held.append(s)
        time.sleep(0.3)
        made = ask(d, "PUT", "/a.txt", b"content", source="127.0.0.2", timeout_s=5)
        assert made.status == 201
        refused = 0
        for s in held:
            s.setblocking(False)
            try:
                refused += s.recv(1) == b""
            except BlockingIOError:
                pass
            except ConnectionResetError:
                refused += 1
        assert 16 <= refused <= 48
        assert ask(d, "GET", "/health/", source="127.0.0.2").json()["connections"]["refused"] >= 16
    finally:
        for s in held:
            s.close()
