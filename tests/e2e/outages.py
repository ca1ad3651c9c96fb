# SPDX-License-Identifier: Apache-2.0
"""The ways in which a Redis can be away, and what a daemon answers then."""

import time

from conftest import wait_for
from redis_servers import Redis, free_port
from wire import UNISSUED, ask, check_headers, check_refusal, part

ANSWER_S = 2.0  # within which every route answers
BUSY_S = 1.5  # what a busy machine, and sanitizers, may add
BACK_S = 6.0  # until a Redis that is back is used again: it is looked for every second


def is_healthy(daemon):
    return ask(daemon, "GET", "/health/").status == 200


def back(daemon):
    wait_for(lambda: is_healthy(daemon), BACK_S + BUSY_S, "the daemon to use Redis again")


def in_time(daemon, *request, **how):
    """A reply that came soon enough."""
    start = time.monotonic()
    got = ask(daemon, *request, **how)
    took = time.monotonic() - start
    assert took < ANSWER_S + BUSY_S, (request[:2], took)
    return got


class Killed:
    first = ("GET", "/status/{key}")

    @staticmethod
    def begin(redis):
        redis("SAVE")
        redis.kill()

    @staticmethod
    def end(redis):
        redis.start()


class Hung:
    first = ("GET", "/status/{key}")  # what may be done late must do no harm
    begin, end = staticmethod(Redis.pause), staticmethod(Redis.resume)


class Replica:
    first = ("PUT", "/first.txt")  # it still answers reads until we know

    @staticmethod
    def begin(redis):
        redis("REPLICAOF", "127.0.0.1", free_port())

    @staticmethod
    def end(redis):
        redis("REPLICAOF", "NO", "ONE")


class OtherPassword:
    first = ("GET", "/status/{key}")

    @staticmethod
    def begin(redis):
        Killed.begin(redis)
        OtherPassword.old, redis.password = redis.password, "another-password"
        redis.start()

    @staticmethod
    def end(redis):
        redis("CONFIG", "SET", "requirepass", OtherPassword.old)
        redis.password = OtherPassword.old


def needs_store(receipt):
    """A request to every route that cannot answer without the store."""
    key = receipt["key"]
    bearer = {"Authorization": "Bearer " + receipt["burn_token"]}
    form, kind = b"--b\r\n" + part("file", b"abc", "a.txt") + b"--b--\r\n", {
        "Content-Type": "multipart/form-data; boundary=b"}
    return [("GET", f"/status/{key}", None, {}), ("GET", f"/download/{key}", None, {}),
            ("POST", f"/download/{key}", b"", {}), ("GET", f"/preview/{key}", None, {}),
            ("GET", f"/download/{key}", None, {"Range": "bytes=1-"}),
            ("POST", f"/burn/{key}", b"", bearer), ("POST", f"/burn/{key}", b"", {}),
            ("PUT", "/a.txt", b"abc", {}), ("POST", "/upload/", form, kind),
            ("GET", f"/status/{UNISSUED}", None, {}), ("GET", f"/download/{UNISSUED}", None, {})]


def check_away(daemon, receipt):
    for request in needs_store(receipt):
        check_refusal(in_time(daemon, *request), 503, "STORE_UNAVAILABLE")
    page = in_time(daemon, "GET", f"/download/{receipt['key']}", None, {"Accept": "text/html"})
    assert page.status == 503 and page["Content-Type"].startswith("text/html")
    check_headers(page)
    health = in_time(daemon, "GET", "/health/")
    assert (health.status, health.json()["status"]) == (503, "degraded")
    assert (health.json()["store"]["status"], health.json()["storage"]["status"]) == (
        "failed", "ok")
    check_headers(health)
