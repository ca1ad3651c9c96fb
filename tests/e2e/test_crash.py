# SPDX-License-Identifier: Apache-2.0
"""Goal: kill -9 at any moment loses nothing that was acknowledged, keeps nothing that was not,
grants no use twice, and brings nothing back that was destroyed."""

import dataclasses
import http.client
import json
import os
import random
import threading
import time

import pytest

from conftest import ON_REDIS, wait_for
from wire import ask, recorded_blobs

FAST = bool(os.environ.get("FAST"))
ROUNDS = 10 if FAST or ON_REDIS else 30  # test_redis_nodes.py kills more of those with Redis
HOLD_S = 30.0  # how long what a dead one was destroying is left to it
SEED = int(os.environ.get("MAYFLY_SEED", random.randrange(1 << 32)))
SIZES = (1, 33, 4_000, 70_000, 400_000, 1_500_000)


@dataclasses.dataclass
class Share:
    """What the clients know of one acknowledged upload."""
    key: str
    token: str
    content: bytes
    uses: int
    begun: int = 0  # downloads of which a byte arrived, or that were answered in full
    unknown: int = 0  # downloads that were asked for, and of which nothing came back
    delivered: int = 0  # as begun, but never corrected by what the server says
    burn: str = "no"  # or "asked", or "done"


class Load:
    """Clients that upload, download and burn until the server dies under them."""

    def __init__(self, daemon, shares, rng):
        self.daemon, self.shares = daemon, shares
        self.lock = threading.Lock()
        self.unacknowledged = 0  # uploads that were sent whole, without an answer
        self.wrong = []
        kinds = [self.upload, self.upload, self.download, self.download, self.burn]
        self.threads = [
            threading.Thread(target=self.work, args=(kind, random.Random(rng.random())))
            for kind in kinds]
        for t in self.threads:
            t.start()

    def work(self, kind, rng):
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=20)
            try:
                kind(connection, rng)
            except ConnectionRefusedError:
                return
            except (OSError, http.client.HTTPException):
                pass  # the crash, or a burn that cut a download: the next connect tells
            except BaseException as e:  # an assertion must not end with its thread
                self.wrong.append(repr(e))
                return
            finally:
                connection.close()

    def pick(self, rng):
        with self.lock:
            live = [s for s in self.shares if s.burn != "done"]
        if not live:
            time.sleep(0.01)
            return None
        return rng.choice(live[-40:])

    def upload(self, connection, rng):
        content, uses = rng.randbytes(rng.choice(SIZES)), rng.randint(1, 5)
        connection.putrequest("PUT", "/crash.bin")
        for name, value in (("Content-Length", len(content)), ("X-Uses", uses),
                            ("Accept", "application/json")):
            connection.putheader(name, str(value))
        connection.endheaders()
        connection.send(content[:-1])
        with self.lock:
            self.unacknowledged += 1
        connection.send(content[-1:])
        got = connection.getresponse()
        receipt = json.loads(got.read())
        assert got.status == 201, receipt
        with self.lock:
            self.unacknowledged -= 1
            self.shares.append(Share(receipt["key"], receipt["burn_token"], content, uses))

    def download(self, connection, rng):
        share = self.pick(rng)
        if share is None:
            return
        with self.lock:
            share.unknown += 1
        connection.request("GET", "/download/" + share.key)
        got = connection.getresponse()
        first = got.read(1)
        is_one = got.status == 200 and first != b""
        with self.lock:
            share.unknown -= is_one or got.status == 410
            share.begun += is_one
            share.delivered += is_one
        body = first + got.read()
        if got.status == 200:
            if len(body) < len(share.content):  # burned or crashed meanwhile
                raise http.client.IncompleteRead(body)
            assert body == share.content, "a whole reply with other bytes"
        else:
            assert got.status == 410, body

    def burn(self, connection, rng):
        time.sleep(0.05)
        share = self.pick(rng)
        if share is None:
            return
        with self.lock:
            share.burn = "asked"
        connection.request("POST", "/burn/" + share.key,
                           headers={"Authorization": "Bearer " + share.token})
        got = connection.getresponse()
        got.read()
        assert got.status in (200, 410), got.status
        if got.status == 200:
            with self.lock:
                share.burn = "done"

    def end(self):
        for t in self.threads:
            t.join(60)
            assert not t.is_alive()
        assert not self.wrong, self.wrong


def check(daemon, share, may_download):
    state = daemon.status(share.key)
    assert share.delivered <= share.uses, f"{share.delivered} of {share.uses} uses given"
    if share.burn == "done":
        assert (state["status"], state["ended_by"]) == ("burned", "revoked"), state
        assert daemon.download(share.key).status_code == 410
        return
    if share.burn == "asked" and state.get("ended_by") == "revoked":
        share.burn = "done"
        return
    left = state["remaining_uses"]
    assert share.uses - share.begun - share.unknown <= left <= share.uses - share.begun, (
        share.uses, share.begun, share.unknown, state)
    share.begun, share.unknown, share.burn = share.uses - left, 0, "no"
    if left == 0:
        assert (state["status"], state["ended_by"]) == ("burned", "uses")
        assert daemon.download(share.key).status_code == 410
    elif may_download:
        got = ask(daemon, "GET", f"/download/{share.key}")  # a short body is an error to it
        assert got.status == 200 and got.body == share.content, (got.status, len(got.body))
        share.begun += 1
        share.delivered += 1
        assert daemon.status(share.key)["remaining_uses"] == left - 1


def blobs_are_those_of_records(daemon):
    """But for what the dead one was destroying: in a shared store that is held for a while."""
    there = {p.name for p in daemon.blobs()} - daemon.store.held_blobs()
    return there == recorded_blobs(daemon)


def live_records(daemon):
    return len(recorded_blobs(daemon))


def test_a_crash_at_any_moment_keeps_every_promise(make_daemon):
    rng = random.Random(SEED)
    daemon = make_daemon({"LEASE_SECONDS": "2"}, start=False)
    shares, lost_replies = [], 0
    for n in range(ROUNDS):
        daemon.start()
        load = Load(daemon, shares, rng)
        time.sleep(rng.uniform(0.05, 0.6))
        daemon.kill()
        load.end()
        lost_replies += load.unacknowledged
        daemon.start()
        where = f"round {n}, MAYFLY_SEED={SEED}"
        for share in shares:
            check(daemon, share, rng.random() < 0.3)
        wait_for(lambda: blobs_are_those_of_records(daemon), 15, "blobs = live records; " + where)
        open_shares = sum(s.burn != "done" and s.begun < s.uses for s in shares)
        # Leases of what was cut off end within two seconds or so.
        wait_for(lambda: open_shares <= live_records(daemon) <= open_shares + lost_replies,
                 15, "nothing left but what was acknowledged; " + where)
        daemon.stop()
    assert len(shares) > ROUNDS, "the load was no load"
    assert sum(s.delivered for s in shares) > 0 and any(s.burn == "done" for s in shares)

    daemon.start()
    for share in shares:
        check(daemon, share, False)
        while share.begun < share.uses and share.burn != "done":
            check(daemon, share, True)
    wait_for(lambda: live_records(daemon) <= lost_replies, 15, "used-up records to end")
    wait_for(lambda: not daemon.store.held_blobs(), HOLD_S + 15, "what was held to be destroyed")
    wait_for(lambda: blobs_are_those_of_records(daemon), 5, "nothing else to be left")


@pytest.fixture
def daemon_with_upload_cut(make_daemon):
    daemon = make_daemon()
    daemon.upload(b"stays")
    before = {p.name for p in daemon.blobs()}
    with daemon.connect() as s:
        s.sendall(b"PUT /cut.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n" +
                  os.urandom(1_000_000))
        wait_for(lambda: len(daemon.blobs()) == 2, 10, "the part on the disk")
        daemon.kill()
    assert len(daemon.blobs()) == 2
    return daemon, before


def test_a_crash_in_the_middle_of_a_body_leaves_nothing(daemon_with_upload_cut):
    daemon, before = daemon_with_upload_cut
    daemon.start()
    wait_for(lambda: {p.name for p in daemon.blobs()} == before, 10, "the part to be shredded")
    assert recorded_blobs(daemon) == before
