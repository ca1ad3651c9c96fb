# SPDX-License-Identifier: Apache-2.0
"""Goal: two nodes that share a Redis, a storage and a pepper are one server: what one has done the
other knows, no use is given twice, and what a dead node has left half done the other ends."""

import http.client
import json
import os
import random
import signal
import socket
import threading
import time

import pytest

from conftest import wait_for
from race import Race
from redis_servers import Redis
from test_crash import HOLD_S, Load, check
from test_guard import LIMIT, check_blocked, check_free, fail, guess
from wire import ask, blob_of, check_refusal, recorded_blobs, sealed_tokens

FAST = bool(os.environ.get("FAST"))
CLIENTS = 64
RACES = int(os.environ.get("MAYFLY_NODE_RACES", 20 if FAST else 100))
KILLS = int(os.environ.get("MAYFLY_NODE_KILLS", 4 if FAST else 12))
BATCH = 12  # kills until the uploads are used up and new ones begin: they live for ten minutes
SEED = int(os.environ.get("MAYFLY_SEED", random.randrange(1 << 32)))
CUT_S = 5.0  # how soon a stream ends after its upload has ended elsewhere
NEWS_S = 3.0  # how old what a node believes of the other's counters may be, and some patience
IN_BUFFERS = 8_000_000  # what the system may hold of a stream


@pytest.fixture
def nodes(make_nodes):
    return make_nodes({}, {})


def get(node, key, value=None, **how):
    return ask(node, "GET", f"/download/{key}", headers={"Range": value} if value else {}, **how)


def burn(node, receipt):
    return ask(node, "POST", f"/burn/{receipt['key']}",
               headers={"Authorization": "Bearer " + receipt["burn_token"]})


# ---- one server ----

def test_what_goes_up_at_one_comes_down_at_the_other(nodes):
    for one, other in (nodes, nodes[::-1]):
        for content in (b"", b"abc", os.urandom(3_000_000)):
            receipt = one.upload(content, uses="2")
            assert other.status(receipt["key"])["status"] == "active"
            assert other.download(receipt["key"]).content == content
            assert one.status(receipt["key"])["remaining_uses"] == 1
            assert one.download(receipt["key"]).content == content
            for node in nodes:
                assert node.status(receipt["key"])["ended_by"] == "uses"
                assert node.download(receipt["key"]).status_code == 410
    wait_for(lambda: not nodes[0].blobs(), 10, "the blobs to be shredded")


def test_a_node_with_another_pepper_knows_none_of_the_codes(nodes, make_daemon, redis):
    stranger = make_daemon(start=False)
    stranger.keep_in(redis)
    stranger.start()
    key = nodes[0].upload(b"abc")["key"]
    assert stranger.download(key).status_code == 404
    assert stranger.status(key)["status"] == "unknown"
    assert nodes[1].download(key).content == b"abc"


def test_a_preview_is_given_once_over_both(nodes):
    for first, second in (nodes, nodes[::-1]):
        receipt = first.upload(b"abc", name="a.txt")
        assert ask(first, "GET", f"/preview/{receipt['key']}").json()["filename"] == "a.txt"
        for node in (second, first):
            check_refusal(ask(node, "GET", f"/preview/{receipt['key']}"), 410, "PREVIEW_TAKEN")
        assert second.download(receipt["key"]).content == b"abc"


def test_a_preview_that_both_ask_for_at_once_has_one_winner(nodes):
    race = Race([d.port for d in nodes], CLIENTS)
    try:
        for _ in range(5 if FAST else 20):
            key = nodes[0].upload(b"look once")["key"]
            got = race.run(f"GET /preview/{key} HTTP/1.1\r\nHost: race\r\n\r\n".encode())
            assert sorted(status for status, _ in got) == [200] + [410] * (CLIENTS - 1)
    finally:
        race.close()


def test_a_burn_at_one_is_known_at_the_other(nodes):
    one, other = nodes
    receipt, blob = blob_of(one, b"abc", uses="5")
    assert ask(other, "POST", f"/burn/{receipt['key']}").status == 401
    assert burn(other, receipt).status == 200
    for node in nodes:
        answer = check_refusal(get(node, receipt["key"]), 410, "GONE", "ended_at", "ended_by")
        assert answer["ended_by"] == "revoked"
        assert burn(node, receipt).status == 410
    wait_for(lambda: not blob.exists(), 10, "the blob's end")


def test_a_burn_at_one_cuts_a_download_at_the_other(nodes):
    one, other = nodes
    content = os.urandom(40_000_000)
    receipt, blob = blob_of(one, content)
    pieces, burnt_at, before = [], None, 0
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        s.settimeout(20)
        s.connect(("127.0.0.1", one.port))
        s.sendall(f"GET /download/{receipt['key']} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        while True:
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            pieces.append(piece)
            if burnt_at is None and len(pieces) > 10:
                assert burn(other, receipt).status == 200
                burnt_at = time.monotonic()
            if burnt_at is None or time.monotonic() < burnt_at + CUT_S:
                before = sum(map(len, pieces))  # then what is on its way is taken at once
                time.sleep(0.05)
    got = b"".join(pieces)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and content.startswith(body)
    assert before < len(content) / 2, "read too fast to tell"
    assert len(got) - before <= IN_BUFFERS
    assert len(body) < len(content)
    wait_for(lambda: not blob.exists(), 10, "the blob's end")


def test_a_download_that_broke_off_at_one_goes_on_at_the_other(nodes):
    content = os.urandom(1_000_000)
    key = nodes[0].upload(content)["key"]
    have = get(nodes[0], key, "bytes=0-299999").body
    assert get(nodes[1], key, "bytes=300000-", source="127.0.0.2").status == 410
    assert get(nodes[1], key).status == 410  # a whole request is no continuation
    for node, value in ((nodes[1], "bytes=300000-599999"), (nodes[0], "bytes=600000-799999"),
                        (nodes[1], "bytes=800000-")):
        got = get(node, key, value)
        assert got.status == 206, got.body
        have += got.body
    assert have == content
    wait_for(lambda: get(nodes[0], key, "bytes=800000-").status == 410, 5, "the lease to end")
    wait_for(lambda: not nodes[0].blobs(), 10, "the blob's end")


def test_a_lease_outlives_its_node(nodes):
    one, other = nodes
    content = os.urandom(100_000)
    key = one.upload(content)["key"]
    have = get(one, key, "bytes=0-49999").body
    one.kill()
    assert get(other, key, "bytes=50000-", source="127.0.0.2").status == 410
    assert have + get(other, key, "bytes=50000-").body == content


# ---- limits ----

def test_failures_at_both_are_counted_together_and_block_at_both(nodes):
    one, other = nodes
    key = one.upload(b"abc")["key"]
    fail(one, "download", LIMIT // 2)
    fail(other, "download", LIMIT - LIMIT // 2 - 1)
    assert guess(one, "download", key="not-a-code").status == 404
    check_free(one, "download")  # the tenth
    check_blocked(one, "download")
    wait_for(lambda: guess(other, "download").status == 429, NEWS_S, "the news")
    for node in nodes:
        check_blocked(node, "download")
        check_blocked(node, "download", key=key)
        check_free(node, "status")
        check_free(node, "download", source="127.0.0.2")


def test_uploads_at_both_are_limited_together(make_nodes):
    one, other = make_nodes(*[{"UPLOAD_RATE_LIMIT": "4/hour"}] * 2)
    for node in (one, other, other, one):
        assert ask(node, "PUT", "/a.txt", b"abc").status == 201
    for node in (one, other):
        check_refusal(ask(node, "PUT", "/a.txt", b"abc"), 429, "RATE_LIMITED")
        assert ask(node, "PUT", "/a.txt", b"abc", source="127.0.0.2").status == 201
    assert len(one.blobs()) == 6


def test_the_quota_is_for_both_together(make_nodes):
    one, other = make_nodes(*[{"MAX_FILE_SIZE": "150k", "MAX_STORAGE_SIZE": "200k"}] * 2)
    receipt = one.upload(os.urandom(140_000))
    time.sleep(NEWS_S)
    for node in (one, other):
        check_refusal(ask(node, "PUT", "/b", os.urandom(140_000)), 507, "INSUFFICIENT_STORAGE")
    assert ask(other, "PUT", "/small", os.urandom(30_000)).status == 201
    assert len(one.blobs()) == 2
    assert burn(other, receipt).status == 200
    for node in (one, other):
        made = wait_for(lambda: (lambda r: r.status == 201 and r.body)(
            ask(node, "PUT", "/b", os.urandom(140_000), {"Accept": "application/json"})), 10,
            "room again")
        assert burn(other, json.loads(made)).status == 200


# ---- uses ----

def test_of_64_clients_at_both_exactly_as_many_win_as_there_are_uses(make_nodes):
    nodes = make_nodes(*[{"STORAGE_SYNC": "off"}] * 2)
    sender = http.client.HTTPConnection("127.0.0.1", nodes[0].port, timeout=30)
    race = Race([d.port for d in nodes], CLIENTS)
    try:
        for n in range(RACES):
            state = nodes[n % 2].status(race.round(sender, 5 if n % 4 == 3 else 1, n))
            assert (state["status"], state["remaining_uses"]) == ("burned", 0)
    finally:
        race.close()
        sender.close()
    wait_for(lambda: not nodes[0].blobs(), 20, "the blobs to be shredded")


# ---- the end, with a node less ----

@pytest.mark.parametrize("which", [0, 1])
def test_uploads_expire_in_their_time_while_a_node_is_stopped(nodes, which):
    receipts = [d.upload(os.urandom(500_000)) for d in nodes]
    stays = nodes[0].upload(b"stays")
    for d in nodes:
        d.stop()
    expires = int(time.time()) + 5
    for r in receipts:
        nodes[0].store.end_at(expires, r["key"])
    pieces = [nodes[0].store.sealed_token(r["key"])[9:73] for r in receipts]
    for d in nodes:
        d.start()
    assert time.time() < expires, "the machine is too slow for this test"
    stopped, other = nodes[which], nodes[1 - which]
    os.kill(stopped.pid, signal.SIGSTOP)
    try:
        assert all(p in other.store.elsewhere() for p in pieces)
        wait_for(lambda: time.time() >= expires, 10, "the time")
        assert all(other.status(r["key"])["status"] == "expired" for r in receipts)
        wait_for(lambda: not any(p in other.store.elsewhere() for p in pieces), 3, "the keys' end")
        wait_for(lambda: len(other.blobs()) == 1, 10, "the blobs' end")
    finally:
        os.kill(stopped.pid, signal.SIGCONT)
    assert all(stopped.status(r["key"])["ended_by"] == "expiry" for r in receipts)
    assert stopped.download(stays["key"]).content == b"stays"


def begin_to_shred(nodes):
    """Burn a large upload at the first node, while the second is stopped, and wait until its blob
    has begun to change."""
    one, other = nodes
    receipt, blob = blob_of(one, os.urandom(60_000_000))
    with open(blob, "rb") as f:
        first = f.read(64)
    os.kill(other.pid, signal.SIGSTOP)
    assert burn(one, receipt).status == 200

    def has_changed():
        with open(blob, "rb") as f:
            return f.read(64) != first

    wait_for(has_changed, 10, "the shredding to begin")
    return receipt, blob


@pytest.fixture
def thorough(make_nodes):
    """The first node takes its time to destroy a blob, and does not wait for it at its end: that
    thread is no leak."""
    options = os.environ.get("TSAN_OPTIONS", "exitcode=98") + ":report_thread_leaks=0"
    return make_nodes({"SECURE_SHRED_PASSES": "35", "TSAN_OPTIONS": options}, {})


def test_a_node_that_dies_while_destroying_is_replaced(thorough):
    one, other = thorough
    try:
        receipt, blob = begin_to_shred(thorough)
        one.kill()
        killed_at = time.monotonic()
    finally:
        os.kill(other.pid, signal.SIGCONT)
    assert blob.exists(), "the killed node was too fast for this test"
    (held_until,) = other.store.doomed_blobs().values()
    assert 0 < held_until - time.time() <= HOLD_S
    wait_for(lambda: not blob.exists(), HOLD_S + 15, "the blob's end")
    assert time.monotonic() - killed_at > 1, "nothing was held"
    wait_for(lambda: other.store.doomed_blobs() == {}, 5, "the index's end")
    assert other.events("destroyed")
    assert get(other, receipt["key"]).status == 410
    one.start()
    assert get(one, receipt["key"]).status == 410
    assert other.store("GET", "bytes:{mayfly}") == b"0"


def test_a_node_that_stops_while_destroying_may_go_on_after_it_was_replaced(thorough):
    one, other = thorough
    try:
        receipt, blob = begin_to_shred(thorough)
        os.kill(one.pid, signal.SIGSTOP)
    finally:
        os.kill(other.pid, signal.SIGCONT)
    try:
        assert blob.exists(), "the stopped node was too fast for this test"
        other.store("ZADD", "doomed:{mayfly}", "XX", 1, blob.name)  # as if its time were over
        wait_for(lambda: not blob.exists(), 15, "the blob's end")
        wait_for(lambda: other.store.doomed_blobs() == {}, 5, "the index's end")
    finally:
        os.kill(one.pid, signal.SIGCONT)
    again = one.upload(b"abc")
    assert get(other, again["key"]).body == b"abc"
    assert get(one, receipt["key"]).status == 410
    wait_for(lambda: other.store("GET", "bytes:{mayfly}") == b"0" and not one.blobs(), 40,
             "nothing to be left")


def test_a_node_that_ends_in_good_order_leaves_its_work_to_the_other(thorough):
    one, other = thorough
    try:
        _, blob = begin_to_shred(thorough)
        one.stop()
    finally:
        os.kill(other.pid, signal.SIGCONT)
    wait_for(lambda: not blob.exists(), HOLD_S + 15, "the blob's end")


# ---- kill -9 ----

class NodesLoad(Load):
    """Clients that go to either node, and to the other when one is dead, until it is over."""

    def __init__(self, nodes, shares, rng):
        self.nodes, self.is_over = nodes, threading.Event()
        super().__init__(nodes[0], shares, rng)

    def work(self, kind, rng):
        while not self.is_over.is_set():
            node = rng.choice(self.nodes)
            connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
            try:
                connection.connect()  # what is refused was not asked for
                kind(connection, rng)
            except (OSError, http.client.HTTPException):
                pass
            except BaseException as e:  # an assertion must not end with its thread
                self.wrong.append(repr(e))
                return
            finally:
                connection.close()

    def end(self):
        self.is_over.set()
        super().end()


def lost_blobs(node):
    """What a record names and the storage lacks. An upload may end between the two looks."""
    recorded = recorded_blobs(node)
    there = {p.name for p in node.blobs()}
    return (recorded - there) & recorded_blobs(node)


def nothing_is_left(node):
    return {p.name for p in node.blobs()} == recorded_blobs(node)


def kill_once(nodes, shares, rng, n):
    """Kill a node under load, and check all that its clients know. How many uploads went without
    an answer."""
    load = NodesLoad(nodes, shares, rng)
    time.sleep(rng.uniform(0.05, 0.6))
    victim = rng.randrange(2)
    nodes[victim].kill()
    time.sleep(rng.uniform(0.0, 0.2))  # the other one works on
    load.end()
    nodes[victim].start()
    assert not lost_blobs(nodes[0])
    for i, share in enumerate(shares):
        check(nodes[(n + i) % 2], share, rng.random() < 0.3)
    return load.unacknowledged


def use_up(nodes, shares):
    for i, share in enumerate(shares):
        check(nodes[i % 2], share, False)
        while share.begun < share.uses and share.burn != "done":
            check(nodes[(i + share.begun) % 2], share, True)


def test_killing_a_node_at_any_moment_keeps_every_promise(make_nodes):
    print(f"MAYFLY_SEED={SEED}")  # is shown when it fails
    rng = random.Random(SEED)
    nodes = make_nodes(*[{"LEASE_SECONDS": "2"}] * 2)
    n_shares = n_delivered = n_burned = lost_replies = 0
    for begin in range(0, KILLS, BATCH):
        shares = []
        for n in range(begin, min(begin + BATCH, KILLS)):
            lost_replies += kill_once(nodes, shares, rng, n)
        use_up(nodes, shares)
        n_shares += len(shares)
        n_delivered += sum(s.delivered for s in shares)
        n_burned += sum(s.burn == "done" for s in shares)
    assert n_shares > KILLS, "the load was no load"
    assert n_delivered > 0 and n_burned > 0
    # What a dead node held is free after its hold: a blob, and also the entry of one that it had just
    # destroyed; leases of what was cut after 2 s.
    wait_for(lambda: len(recorded_blobs(nodes[0])) <= lost_replies, 15, "used-up records to end")
    wait_for(lambda: nothing_is_left(nodes[0]), HOLD_S + 20, "blobs = live records")
    wait_for(lambda: nodes[0].store.doomed_blobs() == {}, HOLD_S + 20, "the index to be done")
    assert len(sealed_tokens(nodes[0])) == len(recorded_blobs(nodes[0]))


def test_uploads_that_a_killed_node_was_taking_leave_nothing(nodes):
    one, other = nodes
    stays = one.upload(b"stays")
    before = {p.name for p in one.blobs()}
    with one.connect() as s:
        s.sendall(b"PUT /cut.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n" +
                  os.urandom(1_000_000))
        wait_for(lambda: len(one.blobs()) == 2, 10, "the part on the disk")
        one.kill()
    assert recorded_blobs(other) == before
    one.start()
    wait_for(lambda: {p.name for p in one.blobs()} == before, 10, "the part to be shredded")
    assert other.download(stays["key"]).content == b"stays"


def test_a_node_that_starts_leaves_the_uploads_that_run_at_the_other_alone(nodes):
    one, other = nodes
    content = os.urandom(2_000_000)
    other.stop()
    with one.connect() as s:
        s.sendall(b"PUT /slow.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                  b"Accept: application/json\r\nContent-Length: 2000000\r\n\r\n" +
                  content[:1_000_000])
        wait_for(one.blobs, 10, "the part on the disk")
        other.start()
        gone = other.upload(b"abc")
        assert other.download(gone["key"]).content == b"abc"
        wait_for(lambda: len(other.blobs()) == 1, 10, "the sweeper to have run")
        s.sendall(content[1_000_000:])
        got = b""
        while piece := s.recv(65536):
            got += piece
    assert got.startswith(b"HTTP/1.1 201 "), got[:200]
    receipt = json.loads(got.partition(b"\r\n\r\n")[2])
    assert other.download(receipt["key"]).content == content


def test_a_node_with_a_wrong_redis_destroys_nothing_of_the_others(make_daemon, redis, tmp_path):
    other = Redis().start()
    try:
        (tmp_path / "pepper").write_bytes(os.urandom(32))
        (tmp_path / "pepper").chmod(0o600)
        shared = {"STORAGE_PATH": str(tmp_path / "storage"), "PEPPER_FILE": str(tmp_path / "pepper")}
        right = make_daemon({**shared, "REDIS_URL": redis.url()})
        receipt = right.upload(b"still here", uses="2")
        for url in (other.url(), None):  # another Redis, and none at all
            wrong = make_daemon({**shared, "REDIS_URL": url})
            wait_for(lambda: [e for e in wrong.events() if "belongs to another store" in str(e)], 20,
                     "the wrong node to say that it destroys nothing")
            wrong.stop()
        assert right.download(receipt["key"]).content == b"still here"
    finally:
        other.remove()
