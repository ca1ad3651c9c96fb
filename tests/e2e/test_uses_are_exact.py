# SPDX-License-Identifier: Apache-2.0
"""Goal: of any number of clients that ask at the same moment exactly as many get the file as it
has uses; all others are told that it is gone."""

import http.client
import json
import os
import selectors
import socket
import time

import pytest

from conftest import Daemon

FAST = bool(os.environ.get("FAST"))
CLIENTS = 64


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
    def __init__(self, port, n):
        self.racers = [Racer(port) for _ in range(n)]
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


def run_rounds(daemon, uses, rounds):
    sender = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
    race = Race(daemon.port, CLIENTS)
    try:
        for n in range(rounds):
            content = b"round %d of %d uses" % (n, uses)
            sender.request("PUT", "/race.txt", content,
                           {"X-Uses": str(uses), "Accept": "application/json"})
            made = sender.getresponse()
            key = json.loads(made.read())["key"]
            assert made.status == 201
            got = race.run(f"GET /download/{key} HTTP/1.1\r\nHost: race\r\n\r\n".encode())
            won = [body for status, body in got if status == 200]
            lost = [json.loads(body) for status, body in got if status == 410]
            assert won == [content] * uses, (n, len(won))
            assert len(lost) == CLIENTS - uses, [status for status, _ in got]
            assert {(r["error_code"], r["ended_by"]) for r in lost} == {("GONE", "uses")}
            state = daemon.status(key)
            assert (state["status"], state["remaining_uses"]) == ("burned", 0)
    finally:
        race.close()
        sender.close()


@pytest.fixture(scope="module")
def fast_disk():
    d = Daemon({"STORAGE_SYNC": "off"}).start()
    yield d
    d.remove()


def test_one_use_has_one_winner_in_every_round(fast_disk):
    run_rounds(fast_disk, 1, 100 if FAST else 1000)


def test_five_uses_have_five_winners_in_every_round(fast_disk):
    run_rounds(fast_disk, 5, 20 if FAST else 150)


def test_fewer_clients_than_uses_all_win_and_leave_the_rest(fast_disk):
    receipt = fast_disk.upload(b"enough for all", uses="5")
    race = Race(fast_disk.port, 3)
    try:
        request = f"GET /download/{receipt['key']} HTTP/1.1\r\nHost: race\r\n\r\n".encode()
        assert race.run(request) == [(200, b"enough for all")] * 3
    finally:
        race.close()
    assert fast_disk.status(receipt["key"])["remaining_uses"] == 2


def test_one_preview_has_one_winner(fast_disk):
    race = Race(fast_disk.port, CLIENTS)
    try:
        for _ in range(20):
            key = fast_disk.upload(b"look once")["key"]
            got = race.run(f"GET /preview/{key} HTTP/1.1\r\nHost: race\r\n\r\n".encode())
            assert sorted(status for status, _ in got) == [200] + [410] * (CLIENTS - 1)
            assert {json.loads(body)["error_code"] for status, body in got if status == 410} == {
                "PREVIEW_TAKEN"}
            assert fast_disk.status(key)["remaining_uses"] == 1
    finally:
        race.close()
