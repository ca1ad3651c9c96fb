# SPDX-License-Identifier: Apache-2.0
"""Goal: an upload ends at its second: access at once, its key within 1 s, its blob within 10 s,
also when the server was down at that second.

Lives are counted in minutes, so the tests move the times in the store while the daemon is down."""

import os
import socket
import time

import pytest

from conftest import wait_for
from wire import ask, raw_state, sealed_tokens

KEY_S = 1.0
BLOB_S = 10.0
IN_BUFFERS = 8_000_000  # what the system may hold of a stream; far less than the file's rest
LOOK_S = 0.2  # how long looking itself may take on a busy machine


def sealed_piece(daemon, key):
    """Some of the record's sealed part, behind its version and time."""
    return daemon.store.sealed_token(key)[9:73]


def text_time(at_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def gone_at(check, until_s, what):
    """The wall-clock time at which `check` first held."""
    while True:
        if check():
            return time.time()
        assert time.time() < until_s + 5, "waited in vain for " + what
        time.sleep(0.01)


def test_access_key_and_blob_end_in_their_time(make_daemon):
    daemon = make_daemon()
    content = os.urandom(2_000_000)
    receipt = daemon.upload(content, uses="5")
    stays = daemon.upload(b"stays")
    daemon.stop()
    expires = int(time.time()) + 4
    daemon.store.end_at(expires, receipt["key"])
    daemon.start()
    piece = sealed_piece(daemon, receipt["key"])
    assert piece in raw_state(daemon)
    assert daemon.download(receipt["key"]).content == content

    answers = []
    while not answers or answers[-1][1] < expires + 0.3:
        asked = time.time()
        state = daemon.status(receipt["key"])
        answers.append((asked, time.time(), state))
    for asked, answered, state in answers:
        if answered < expires:
            assert state["status"] == "active", (asked - expires, state)
        if asked >= expires:
            assert (state["status"], state["ended_by"]) == ("expired", "expiry"), asked - expires
    assert answers[0][2]["is_accessible"] and not answers[-1][2]["is_accessible"]

    key_gone = gone_at(lambda: piece not in raw_state(daemon), expires + KEY_S, "the key's end")
    assert key_gone - expires <= KEY_S + LOOK_S
    blob_gone = gone_at(lambda: len(daemon.blobs()) == 1, expires + BLOB_S, "the blob's end")
    assert blob_gone - expires <= BLOB_S

    for method, target in (("GET", "download"), ("POST", "download"), ("GET", "preview")):
        got = ask(daemon, method, f"/{target}/{receipt['key']}")
        assert got.status == 410
        assert got.json()["error_code"] == "GONE"
        assert (got.json()["ended_by"], got.json()["ended_at"]) == ("expiry", text_time(expires))
    burn = {"Authorization": "Bearer " + receipt["burn_token"]}
    assert ask(daemon, "POST", f"/burn/{receipt['key']}", headers=burn).status == 410
    assert daemon.download(stays["key"]).content == b"stays"  # another one lives on


def test_what_expired_while_the_server_was_down_ends_at_its_start(make_daemon):
    daemon = make_daemon()
    receipt = daemon.upload(os.urandom(3_000_000))
    stays = daemon.upload(b"stays")
    daemon.stop()
    expired = int(time.time()) - 30
    daemon.store.end_at(expired, receipt["key"])
    piece = sealed_piece(daemon, receipt["key"])
    assert piece in raw_state(daemon)

    daemon.start()
    listening = time.time()
    assert daemon.download(receipt["key"]).status_code == 410  # whether it was swept or not
    state = daemon.status(receipt["key"])
    assert (state["status"], state["ended_by"]) == ("expired", "expiry")
    assert state["ended_at"] == text_time(expired)
    key_gone = gone_at(lambda: piece not in raw_state(daemon), listening + KEY_S, "the key's end")
    assert key_gone - listening <= KEY_S + LOOK_S
    blob_gone = gone_at(lambda: len(daemon.blobs()) == 1, listening + BLOB_S, "the blob's end")
    assert blob_gone - listening <= BLOB_S
    assert daemon.download(stays["key"]).content == b"stays"


def test_many_that_expire_together_all_end_in_time(make_daemon):
    daemon = make_daemon({"STORAGE_SYNC": "off"})
    keys = [daemon.upload(os.urandom(200_000))["key"] for _ in range(100)]
    daemon.stop()
    expires = int(time.time()) + 4
    daemon.store.end_at(expires)
    daemon.start()
    assert time.time() < expires, "the machine is too slow for this test"
    assert all(daemon.status(k)["status"] == "active" for k in keys[:3])
    time.sleep(expires - time.time())
    assert all(daemon.status(k)["status"] == "expired" for k in keys)

    key_gone = gone_at(lambda: not sealed_tokens(daemon), expires + KEY_S, "the keys' end")
    assert key_gone - expires <= KEY_S + 1.0  # the 100 questions before took their time
    blobs_gone = gone_at(lambda: not daemon.blobs(), expires + BLOB_S, "the blobs' end")
    assert blobs_gone - expires <= BLOB_S


def slow_reader(daemon, key, extra=""):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.settimeout(20)
    s.connect(("127.0.0.1", daemon.port))
    s.sendall(f"GET /download/{key} HTTP/1.1\r\nHost: a\r\n{extra}\r\n".encode())
    return s


def test_a_running_download_is_cut_at_expiry(make_daemon):
    daemon = make_daemon()
    content = os.urandom(30_000_000)
    receipt = daemon.upload(content)
    daemon.stop()
    expires = int(time.time()) + 5
    daemon.store.end_at(expires)
    daemon.start()
    got, before, piece = b"", 0, b"-"
    with slow_reader(daemon, receipt["key"]) as s:
        while piece:
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                piece = b""
            got += piece
            if time.time() < expires:  # then what is on its way is taken at once
                before = len(got)
                time.sleep(0.05)
            assert time.time() < expires + 15, "never cut"
    cut = time.time()
    assert len(got) - before <= IN_BUFFERS
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert 0 < len(body) < len(content)
    assert content.startswith(body)
    assert -0.05 <= cut - expires <= 1.0 + LOOK_S, cut - expires
    with slow_reader(daemon, receipt["key"], f"Range: bytes={len(body)}-\r\n") as s:
        assert s.recv(100).startswith(b"HTTP/1.1 410 ")  # no lease outlives its upload
    wait_for(lambda: not daemon.blobs(), BLOB_S, "the blob's end")


def test_a_fast_download_before_expiry_is_whole(make_daemon):
    daemon = make_daemon()
    content = os.urandom(30_000_000)
    receipt = daemon.upload(content)
    daemon.stop()
    daemon.store.end_at(int(time.time()) + 30)
    daemon.start()
    assert daemon.download(receipt["key"]).content == content


def test_a_tombstone_ends_too(make_daemon):
    daemon = make_daemon()
    receipt = daemon.upload(b"abc")
    assert daemon.download(receipt["key"]).content == b"abc"
    assert daemon.download(receipt["key"]).status_code == 410
    daemon.stop()
    assert daemon.store.tombstone_lives_s() == 24 * 3600
    daemon.store.end_tombstones()
    daemon.start()
    assert daemon.download(receipt["key"]).status_code == 404
    assert daemon.status(receipt["key"])["status"] == "unknown"


@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_a_life_is_as_long_as_was_asked_for(daemon, minutes):
    before = int(time.time())
    receipt = daemon.upload(b"abc", expiry=str(minutes))
    after = int(time.time())
    assert text_time(before) <= receipt["created_at"] <= text_time(after)
    assert text_time(before + 60 * minutes) <= receipt["expiry"] <= text_time(after + 60 * minutes)
    assert daemon.status(receipt["key"])["expires_at"] == receipt["expiry"]
