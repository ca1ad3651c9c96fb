# SPDX-License-Identifier: Apache-2.0
"""Many clients that ask at the same moment."""

import json
import selectors
import socket
import time


class Racer:
    """A kept connection that sends all of its request but the last byte, then that byte."""

    def __init__(self, port):
        self.port = port
        self.connect()

    def connect(self):
        self.sock = socket.create_connection(("127.0.0.1", self.port), 20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.is_open = True

    def prepare(self, request):
        self.got = b""
        self.need = None
        self.sock.send(request[:-1])

    def release(self, request):
        self.sock.send(request[-1:])

    def receive(self):
        """True when the whole reply is in."""
        try:
            piece = self.sock.recv(65536)
        except BlockingIOError:
            return False
        if not piece:
            self.is_open = False
            raise AssertionError(f"closed without a whole reply: {self.got!r}")
        self.got += piece
        if self.need is None:
            at = self.got.find(b"\r\n\r\n")
            if at < 0:
                return False
            head = self.got[:at].lower()
            start = head.index(b"content-length: ") + 16
            self.need = at + 4 + int(head[start:].split(b"\r\n", 1)[0])
            if b"\r\nconnection: close" in head:
                self.is_open = False
        return len(self.got) >= self.need

    def reply(self):
        head, _, body = self.got.partition(b"\r\n\r\n")
        return int(head[9:12]), body


class Race:
    """Racers, one after the other at each of the ports."""

    def __init__(self, ports, n):
        self.racers = [Racer(ports[i % len(ports)]) for i in range(n)]
        self.watch = selectors.DefaultSelector()
        for r in self.racers:
            self.watch.register(r.sock, selectors.EVENT_READ, r)

    def run(self, request):
        """All send at once; every reply as (status, body)."""
        for r in self.racers:
            if not r.is_open:
                self.watch.unregister(r.sock)
                r.sock.close()
                r.connect()
                self.watch.register(r.sock, selectors.EVENT_READ, r)
            r.prepare(request)
        for r in self.racers:
            r.release(request)
        waiting, deadline = len(self.racers), time.monotonic() + 30
        while waiting > 0:
            assert time.monotonic() < deadline, f"{waiting} clients got no reply"
            for key, _ in self.watch.select(1):
                if key.data.receive():
                    waiting -= 1
        return [r.reply() for r in self.racers]

    def close(self):
        self.watch.close()
        for r in self.racers:
            r.sock.close()

    def round(self, sender, uses, n):
        """One upload of so many uses by an HTTPConnection, and all ask for it: exactly that many
        get it, all others are told that it is gone. Its code."""
        content = b"round %d of %d uses" % (n, uses)
        sender.request("PUT", "/race.txt", content,
                       {"X-Uses": str(uses), "Accept": "application/json"})
        made = sender.getresponse()
        key = json.loads(made.read())["key"]
        assert made.status == 201
        got = self.run(f"GET /download/{key} HTTP/1.1\r\nHost: race\r\n\r\n".encode())
        won = [body for status, body in got if status == 200]
        lost = [json.loads(body) for status, body in got if status == 410]
        assert won == [content] * uses, (n, len(won))
        assert len(lost) == len(self.racers) - uses, [status for status, _ in got]
        assert {(r["error_code"], r["ended_by"]) for r in lost} == {("GONE", "uses")}
        return key
