# SPDX-License-Identifier: Apache-2.0
"""Goal: whatever happens to Redis while the daemon runs, who asks is told so at once, nothing is
taken twice or left behind, and when it is back all goes on without a restart."""

import http.client
import os
import socket
import threading
import time

import pytest

from conftest import wait_for
from outages import ANSWER_S, BUSY_S, Hung, Killed, OtherPassword, Replica, back, check_away
from outages import in_time, is_healthy
from redis_servers import RedisError
from wire import ask, blob_of, check_headers, check_refusal, part, post_form


def check_rest(daemon):
    """What needs no store answers as ever."""
    for method, target, status in (
            ("GET", "/", 200), ("HEAD", "/", 200), ("GET", "/robots.txt", 200),
            ("GET", "/nothing", 404), ("GET", "/download/not-a-code", 404),
            ("GET", "/upload/", 405), ("OPTIONS", "/upload/", 204),
            ("PUT", "/..", 404)):
        got = in_time(daemon, method, target, b"x" if method == "PUT" else None)
        assert got.status == status, (method, target, got.status)
        check_headers(got)


@pytest.mark.parametrize("outage", [Killed, Hung, Replica, OtherPassword])
def test_while_redis_is_away_every_route_says_so_and_then_all_goes_on(served, outage):
    daemon, redis = served
    receipt, blob = blob_of(daemon, b"kept", uses="3")
    method, target = outage.first
    outage.begin(redis)
    try:
        first = in_time(daemon, method, target.format(**receipt), b"x" if method == "PUT" else None)
        check_refusal(first, 503, "STORE_UNAVAILABLE")
        check_away(daemon, receipt)
        check_rest(daemon)
        assert daemon.blobs() == [blob]
        time.sleep(2.5)  # long enough to look for it in vain
        check_away(daemon, receipt)
    finally:
        outage.end(redis)
    back(daemon)
    assert daemon.process.poll() is None  # no restart
    state = daemon.status(receipt["key"])
    assert (state["status"], state["remaining_uses"]) == ("active", 3)
    assert ask(daemon, "GET", f"/preview/{receipt['key']}").status == 200
    assert daemon.download(receipt["key"]).content == b"kept"
    assert daemon.download(daemon.upload(b"new")["key"]).content == b"new"
    assert len(daemon.events("redis_away")) == len(daemon.events("redis_back")) == 1
    wait_for(lambda: daemon.blobs() == [blob], 10, "the new blob to be shredded")


def test_a_redis_that_hangs_holds_up_nobody_who_does_not_need_it(served):
    daemon, redis = served
    receipt = daemon.upload(b"abc", uses="5")
    took, wrong = {"status": [], "robots": []}, []

    def ask_on(what, target, status):
        while time.monotonic() < until:
            start = time.monotonic()
            got = ask(daemon, "GET", target)
            took[what].append(time.monotonic() - start)
            if got.status not in (200, status):
                wrong.append((target, got.status))

    until = time.monotonic() + 4
    clients = [threading.Thread(target=ask_on, args=args) for args in
               [("status", f"/status/{receipt['key']}", 503)] * 24 +
               [("robots", "/robots.txt", 200)] * 4]
    for t in clients:
        t.start()
    time.sleep(0.3)
    redis.pause()
    for t in clients:
        t.join(60)
        assert not t.is_alive()
    redis.resume()
    assert wrong == []
    assert max(took["status"]) < ANSWER_S + BUSY_S
    assert max(took["robots"]) < ANSWER_S + BUSY_S
    assert len(took["robots"]) > 100  # after the first second nothing waits at all
    back(daemon)
    assert daemon.status(receipt["key"])["remaining_uses"] == 5


def test_a_restart_takes_and_loses_nothing(served):
    daemon, redis = served
    receipt = daemon.upload(b"abc", uses="2")
    redis.restart(keep=True)
    back(daemon)  # the sweeper may have come just when nobody listened
    assert daemon.download(receipt["key"]).content == b"abc"
    assert daemon.status(receipt["key"])["remaining_uses"] == 1


def test_scripts_that_redis_has_forgotten_are_sent_again(served):
    daemon, redis = served
    receipt = daemon.upload(b"abc", uses="2")
    for _ in range(2):
        redis("SCRIPT", "FLUSH")
        assert daemon.download(receipt["key"]).content == b"abc"
    redis("SCRIPT", "FLUSH")
    assert daemon.status(receipt["key"])["ended_by"] == "uses"
    redis("SCRIPT", "FLUSH")
    wait_for(lambda: not daemon.blobs(), 10, "the blob to be shredded")


def test_connections_that_were_cut_are_made_anew(proxied):
    daemon, proxy = proxied
    receipt = daemon.upload(b"abc", uses="5")
    for left in (4, 3, 2):
        proxy.drop()
        time.sleep(0.1)
        assert daemon.download(receipt["key"]).content == b"abc"
        assert daemon.status(receipt["key"])["remaining_uses"] == left


def test_a_redis_that_came_back_empty_knows_nothing_and_takes_all(served):
    daemon, redis = served
    receipt = daemon.upload(b"abc", uses="2")
    redis.restart()
    back(daemon)
    assert daemon.download(receipt["key"]).status_code == 404
    assert daemon.status(receipt["key"])["status"] == "unknown"
    burn = {"Authorization": "Bearer " + receipt["burn_token"]}
    assert ask(daemon, "POST", f"/burn/{receipt['key']}", headers=burn).status == 404
    again = daemon.upload(b"def")
    assert daemon.download(again["key"]).content == b"def"
    assert daemon.download(again["key"]).status_code == 410


# ---- Redis refuses ----

def test_a_redis_without_memory_refuses_and_nothing_is_taken(served):
    daemon, redis = served
    receipt, blob = blob_of(daemon, b"abc", uses="2")
    assert daemon.status(receipt["key"])["remaining_uses"] == 2  # from now on we are known
    redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis("CONFIG", "SET", "maxmemory", 1)
    for method, target in (("PUT", "/a.txt"), ("GET", f"/download/{receipt['key']}"),
                           ("GET", f"/preview/{receipt['key']}")):
        got = in_time(daemon, method, target, b"abc" if method == "PUT" else None)
        check_refusal(got, 503, "STORE_UNAVAILABLE")
    check_refusal(post_form(daemon, part("file", b"abc", "a.txt")), 503, "STORE_UNAVAILABLE")
    health = ask(daemon, "GET", "/health/")
    assert (health.status, health.json()["store"]["status"]) == (503, "failed")
    assert daemon.status(receipt["key"])["remaining_uses"] == 2  # reading needs no memory
    check_rest(daemon)
    assert daemon.blobs() == [blob]
    redis("CONFIG", "SET", "maxmemory", 0)
    assert is_healthy(daemon)  # at once: it was never away
    assert ask(daemon, "GET", f"/preview/{receipt['key']}").status == 200
    for _ in range(2):
        assert daemon.download(receipt["key"]).content == b"abc"
    assert daemon.download(receipt["key"]).status_code == 410


def test_what_has_ended_is_destroyed_without_memory_too(served):
    """Ending frees memory: it must not need any."""
    daemon, redis = served
    receipt = daemon.upload(b"abc", uses="2")
    assert daemon.download(receipt["key"]).content == b"abc"  # from now on we are known
    redis("CONFIG", "SET", "maxmemory", 1)
    burn = {"Authorization": "Bearer " + receipt["burn_token"]}
    assert ask(daemon, "POST", f"/burn/{receipt['key']}", headers=burn).status == 200
    wait_for(lambda: not daemon.blobs(), 10, "the blob to be shredded")
    redis("CONFIG", "SET", "maxmemory", 0)


def test_a_redis_that_loads_its_data_is_waited_for(served):
    daemon, redis = served
    receipt = daemon.upload(b"abc")
    with redis.connect(1) as c:  # so that loading takes its time
        for n in range(60):
            c("SET", f"filler{n}", os.urandom(2000))
    redis("SAVE")
    redis.kill()
    redis.options.update({"key-load-delay": 100_000, "loading-process-events-interval-bytes": 1024})
    redis.start(wait=False)

    def is_loading():
        try:
            return redis("GET", "x") and False
        except RedisError as e:
            return str(e).startswith("LOADING")
        except OSError:
            return False

    redis.port = redis.port_tried
    wait_for(is_loading, 10, "Redis to load")
    check_away(daemon, receipt)
    check_rest(daemon)
    assert is_loading(), "loaded too fast to tell"
    wait_for(lambda: is_healthy(daemon), 30, "Redis to have loaded")
    assert daemon.download(receipt["key"]).content == b"abc"


# ---- the network ----

def test_slow_replies_are_waited_for(proxied):
    daemon, proxy = proxied
    proxy.delay_s = 0.15
    receipt = daemon.upload(b"abc", uses="2")
    assert daemon.download(receipt["key"]).content == b"abc"
    assert daemon.status(receipt["key"])["remaining_uses"] == 1
    assert is_healthy(daemon)
    assert not daemon.events("redis_away")


def test_replies_that_are_too_slow_are_none_and_never_taken_for_another(proxied):
    daemon, proxy = proxied
    receipts = [daemon.upload(b"%d" % n, uses="5") for n in range(4)]
    proxy.delay_s = 3
    for r in receipts:
        check_refusal(in_time(daemon, "GET", f"/status/{r['key']}"), 503, "STORE_UNAVAILABLE")
    proxy.delay_s = 0
    back(daemon)
    for n, r in enumerate(receipts):
        assert daemon.status(r["key"])["remaining_uses"] == 5
        assert daemon.download(r["key"]).content == b"%d" % n


def test_a_network_that_swallows_everything_is_noticed(proxied):
    daemon, proxy = proxied
    receipt = daemon.upload(b"abc", uses="2")
    proxy.is_deaf = True
    check_refusal(in_time(daemon, "GET", f"/status/{receipt['key']}"), 503, "STORE_UNAVAILABLE")
    check_away(daemon, receipt)
    proxy.is_deaf = False
    back(daemon)
    assert daemon.status(receipt["key"])["remaining_uses"] == 2


def key_of(daemon, receipt):
    return b"upload:{" + daemon.store.id_of(receipt["key"]).hex().encode() + b"}"


def test_a_claim_whose_reply_was_lost_counts_as_taken(proxied):
    daemon, proxy = proxied
    receipt = daemon.upload(b"abc", uses="3")
    assert daemon.download(receipt["key"]).content == b"abc"  # now Redis knows the script
    leases = key_of(daemon, receipt).replace(b"upload", b"leases")
    wait_for(lambda: daemon.store("EXISTS", leases) == 0, 5, "that download to be settled")
    proxy.lose = key_of(daemon, receipt)
    lost = in_time(daemon, "GET", f"/download/{receipt['key']}")
    check_refusal(lost, 503, "STORE_UNAVAILABLE")
    assert proxy.n_lost == 1
    back(daemon)
    assert daemon.status(receipt["key"])["remaining_uses"] == 1
    assert daemon.download(receipt["key"]).content == b"abc"
    assert daemon.download(receipt["key"]).status_code == 410


def test_a_look_whose_reply_was_lost_is_asked_again(proxied):
    daemon, proxy = proxied
    receipt = daemon.upload(b"abc", uses="2")
    assert daemon.status(receipt["key"])["remaining_uses"] == 2
    proxy.lose = key_of(daemon, receipt)
    got = in_time(daemon, "GET", f"/status/{receipt['key']}")
    assert (got.status, got.json()["remaining_uses"]) == (200, 2)
    assert proxy.n_lost == 1


def test_an_upload_whose_reply_was_lost_is_taken_back(proxied):
    daemon, proxy = proxied
    daemon.upload(b"abc")
    before = daemon.blobs()
    proxy.lose = b"upload:{"
    check_refusal(in_time(daemon, "PUT", "/a.txt", b"abc"), 503, "STORE_UNAVAILABLE")
    assert proxy.n_lost == 1
    back(daemon)
    assert daemon.store.recorded_blobs() == {b.name for b in before}
    wait_for(lambda: daemon.blobs() == before, 10, "no blob to be left")
    assert daemon.download(daemon.upload(b"abc")["key"]).content == b"abc"


@pytest.mark.parametrize("outage", [Killed, Hung])
def test_an_upload_that_runs_when_redis_goes_fails_and_leaves_nothing(served, outage):
    daemon, redis = served
    with daemon.connect() as s:
        s.sendall(b"PUT /cut.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n" +
                  os.urandom(1_000_000))
        wait_for(daemon.blobs, 10, "the part on the disk")
        outage.begin(redis)
        try:
            s.sendall(os.urandom(1_000_000))
            got = http.client.HTTPResponse(s)
            got.begin()
            assert got.status == 503 and b"STORE_UNAVAILABLE" in got.read()
            wait_for(lambda: not daemon.blobs(), 10, "no blob to be left")
        finally:
            outage.end(redis)
    back(daemon)
    assert daemon.download(daemon.upload(b"abc")["key"]).content == b"abc"


@pytest.mark.parametrize("outage", [Killed, Hung])
def test_a_download_that_runs_when_redis_goes_comes_to_its_end(served, outage):
    daemon, redis = served
    content = os.urandom(30_000_000)
    receipt = daemon.upload(content)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        s.settimeout(20)
        s.connect(("127.0.0.1", daemon.port))
        s.sendall(f"GET /download/{receipt['key']} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                  "\r\n".encode())
        got = s.recv(65536)
        outage.begin(redis)
        try:
            until = time.monotonic() + 4  # renewals of its lease fall into this
            while piece := s.recv(65536):
                got += piece
                if time.monotonic() < until:
                    time.sleep(0.02)
        finally:
            outage.end(redis)
    assert got.partition(b"\r\n\r\n")[2] == content
    back(daemon)
    assert daemon.download(receipt["key"]).status_code == 410


def test_uploads_that_end_while_redis_is_away_are_destroyed_when_it_is_back(served):
    daemon, redis = served
    receipt = daemon.upload(b"abc", uses="2")
    daemon.stop()
    expires = int(time.time()) + 4
    daemon.store.end_at(expires)
    daemon.start()
    redis.pause()
    try:
        wait_for(lambda: time.time() > expires + 0.5, 10, "the time")
        check_refusal(in_time(daemon, "GET", f"/download/{receipt['key']}"), 503,
                      "STORE_UNAVAILABLE")
    finally:
        redis.resume()
    back(daemon)
    assert daemon.status(receipt["key"])["ended_by"] == "expiry"
    wait_for(lambda: not daemon.blobs(), 15, "the blob to be shredded")
