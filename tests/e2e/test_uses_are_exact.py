# SPDX-License-Identifier: Apache-2.0
"""Goal: of any number of clients that ask at the same moment exactly as many get the file as it
has uses; all others are told that it is gone."""

import http.client
import json
import os

import pytest

from conftest import Daemon
from race import Race

FAST = bool(os.environ.get("FAST"))
CLIENTS = 64


def run_rounds(daemon, uses, rounds):
    sender = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
    race = Race([daemon.port], CLIENTS)
    try:
        for n in range(rounds):
            state = daemon.status(race.round(sender, uses, n))
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
    race = Race([fast_disk.port], 3)
    try:
        request = f"GET /download/{receipt['key']} HTTP/1.1\r\nHost: race\r\n\r\n".encode()
        assert race.run(request) == [(200, b"enough for all")] * 3
    finally:
        race.close()
    assert fast_disk.status(receipt["key"])["remaining_uses"] == 2


def test_one_preview_has_one_winner(fast_disk):
    race = Race([fast_disk.port], CLIENTS)
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
