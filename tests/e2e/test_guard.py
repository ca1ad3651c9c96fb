# SPDX-License-Identifier: Apache-2.0
"""Goal: guessing codes does not pay. Ten failures of one action block that action for that network
and nothing else; what is no guess is no failure; and nobody forges the address that counts."""

import itertools
import re

import pytest

from conftest import Daemon, wait_for
from wire import UNISSUED, ask, check_refusal

LIMIT = 10
ACTIONS = {  # method, and the status of a code that was never issued
    "download": ("GET", 404), "preview": ("GET", 404), "status": ("GET", 200),
    "burn": ("POST", 404)}


def guess(daemon, action, client=None, source=None, key=UNISSUED, token=None):
    method, _ = ACTIONS[action]
    headers = {"X-Forwarded-For": client} if client else {}
    if token:
        headers["Authorization"] = "Bearer " + token
    return ask(daemon, method, f"/{action}/{key}", headers=headers, source=source)


def check_blocked(daemon, action, **who):
    got = guess(daemon, action, **who)
    check_refusal(got, 429, "BLOCKED")
    assert 1750 <= int(got["Retry-After"]) <= 1800


def check_free(daemon, action, **who):
    """Costs a failure."""
    assert guess(daemon, action, **who).status == ACTIONS[action][1], (action, who)


def fail(daemon, action, n, **who):
    for _ in range(n):
        check_free(daemon, action, **who)


@pytest.fixture(scope="module")
def proxied():
    d = Daemon({"TRUSTED_PROXIES": "127.0.0.1", "LOG_ADDRESSES": "full"}).start()
    yield d
    d.remove()


nets = itertools.count(1)


def fresh():
    """A client of a network that no test has used."""
    n = next(nets)
    return f"203.{n // 250}.{n % 250}.7"


@pytest.mark.parametrize("action", ACTIONS)
def test_ten_failures_block_that_action_for_that_network_alone(proxied, action):
    me = fresh()
    live = proxied.upload(b"abc", uses="5")
    fail(proxied, action, LIMIT, client=me)
    check_blocked(proxied, action, client=me)
    # Before anything is looked up: a code that lives is not told from one that does not.
    check_blocked(proxied, action, client=me, key=live["key"])
    for other in ACTIONS:
        if other != action:
            check_free(proxied, other, client=me)
    check_free(proxied, action, client=fresh())
    assert guess(proxied, "download", client=fresh(), key=live["key"]).body == b"abc"


def test_nine_failures_block_nothing(proxied):
    me = fresh()
    key = proxied.upload(b"abc")["key"]
    fail(proxied, "download", LIMIT - 1, client=me)
    assert guess(proxied, "download", client=me, key=key).body == b"abc"
    check_free(proxied, "download", client=me)
    check_blocked(proxied, "download", client=me)


def test_what_cannot_be_a_code_counts_nothing_and_is_not_blocked(proxied):
    me = fresh()
    for key in ("zebra", "no-such-words-qqqqq", "zebra-zebra-zebra-zebra-zebra", "x" * 50) * 5:
        assert guess(proxied, "download", client=me, key=key).status == 404
    check_free(proxied, "download", client=me)
    fail(proxied, "download", LIMIT - 1, client=me)
    check_blocked(proxied, "download", client=me)
    assert guess(proxied, "download", client=me, key="typing-error").status == 404


def test_what_has_a_tombstone_counts_nothing(proxied):
    me = fresh()
    key = proxied.upload(b"abc")["key"]
    assert guess(proxied, "download", client=me, key=key).body == b"abc"
    for _ in range(2 * LIMIT):
        assert guess(proxied, "status", client=me, key=key).json()["status"] == "burned"
        assert guess(proxied, "download", client=me, key=key).status == 410
        assert guess(proxied, "preview", client=me, key=key).status == 410
    for action in ("status", "download", "preview"):
        check_free(proxied, action, client=me)


def test_a_taken_preview_counts_nothing(proxied):
    me = fresh()
    key = proxied.upload(b"abc")["key"]
    got = [guess(proxied, "preview", client=me, key=key).status for _ in range(2 * LIMIT)]
    assert got == [200] + [410] * (2 * LIMIT - 1)


def test_a_wrong_burn_token_counts(proxied):
    me = fresh()
    live = proxied.upload(b"abc")
    for n in range(LIMIT):
        token = None if n == 0 else "A" * 43 if n == 1 else "x" if n == 2 else f"{n:043d}"
        assert guess(proxied, "burn", client=me, key=live["key"], token=token).status == 401
    check_blocked(proxied, "burn", client=me, key=live["key"], token=live["burn_token"])
    assert proxied.status(live["key"])["status"] == "active"
    got = guess(proxied, "burn", client=fresh(), key=live["key"], token=live["burn_token"])
    assert got.status == 200


def test_a_look_at_the_landing_page_is_a_guess_too(proxied):
    me = {"X-Forwarded-For": fresh(), "Accept": "text/html"}
    for _ in range(LIMIT):
        assert ask(proxied, "GET", f"/download/{UNISSUED}", headers=me).status == 404
    got = ask(proxied, "GET", f"/download/{UNISSUED}", headers=me)
    assert got.status == 429 and got["Content-Type"].startswith("text/html")
    assert ask(proxied, "POST", f"/download/{UNISSUED}", headers=me).status == 429


# ---- networks ----

def test_an_ipv6_network_is_a_64(proxied):
    fail(proxied, "download", LIMIT - 1, client="2001:db8:1:1::1")
    check_free(proxied, "download", client="2001:db8:1:1:ffff:ffff:ffff:ffff")
    check_blocked(proxied, "download", client="2001:db8:1:1:1234::9")
    check_free(proxied, "download", client="2001:db8:1:2::1")


def test_twenty_failures_block_a_56(proxied):
    fail(proxied, "download", LIMIT, client="2001:db8:20:100::1")
    fail(proxied, "download", LIMIT - 1, client="2001:db8:20:101::1")
    check_free(proxied, "download", client="2001:db8:20:1aa::1")  # the twentieth
    check_blocked(proxied, "download", client="2001:db8:20:1ff::1")
    check_free(proxied, "download", client="2001:db8:20:200::1")


def test_forty_failures_block_a_48(proxied):
    for n in range(4):  # never ten of a /64, never twenty of a /56
        fail(proxied, "download", 5, client=f"2001:db8:40:{n}00::1")
        fail(proxied, "download", 5, client=f"2001:db8:40:{n}01::1")
    check_blocked(proxied, "download", client="2001:db8:40:ff00::1")
    check_free(proxied, "download", client="2001:db8:41::1")


def test_an_ipv4_address_is_a_network_of_its_own(proxied):
    fail(proxied, "download", LIMIT, client="198.51.100.1")
    check_blocked(proxied, "download", client="198.51.100.1")
    check_blocked(proxied, "download", client="::ffff:198.51.100.1")
    check_free(proxied, "download", client="198.51.100.2")


# ---- who the client is ----

def test_a_hop_that_a_client_made_up_is_not_believed(proxied):
    """The right-most hop that is not ours counts; what stands left of it the client may invent."""
    me = fresh()
    for n in range(LIMIT):
        check_free(proxied, "download", client=f"192.0.2.{n}, {me}")
    check_blocked(proxied, "download", client=f"192.0.2.99, {me}")
    check_blocked(proxied, "download", client=f"192.0.2.99, {me}, 127.0.0.1")
    check_free(proxied, "download", client="192.0.2.1")


def test_forwarded_tells_the_client_too(proxied):
    me = fresh()
    headers = {"Forwarded": f'for={me};proto=https;by=127.0.0.1'}
    for _ in range(LIMIT):
        assert ask(proxied, "GET", f"/download/{UNISSUED}", headers=headers).status == 404
    assert ask(proxied, "GET", f"/download/{UNISSUED}", headers=headers).status == 429
    check_blocked(proxied, "download", client=me)


def test_without_trust_a_forged_address_changes_nothing(make_daemon):
    d = make_daemon({"LOG_ADDRESSES": "full"})
    for n in range(LIMIT):
        check_free(d, "download", client=f"192.0.2.{n}")
    check_blocked(d, "download", client="192.0.2.200")
    check_blocked(d, "download")
    check_free(d, "download", source="127.0.0.2")
    wait_for(lambda: {e["client"] for e in d.events("request")} == {"127.0.0.1", "127.0.0.2"}, 5,
             "the true addresses in the log")


def test_a_proxy_that_is_not_in_the_list_is_a_client(make_daemon):
    d = make_daemon({"TRUSTED_PROXIES": "127.0.0.2/32, 10.0.0.0/8"})
    for n in range(LIMIT):
        check_free(d, "download", client=f"192.0.2.{n}", source="127.0.0.3")
    check_blocked(d, "download", client="192.0.2.77", source="127.0.0.3")
    for n in range(LIMIT):
        check_free(d, "download", client="192.0.2.5", source="127.0.0.2")
    check_blocked(d, "download", client="192.0.2.5, 10.1.2.3", source="127.0.0.2")
    check_free(d, "download", client="192.0.2.6", source="127.0.0.2")


# ---- memory ----

def test_a_block_and_its_counters_outlive_a_restart_and_a_crash(make_daemon):
    d = make_daemon()
    fail(d, "download", LIMIT)
    fail(d, "preview", LIMIT - 1)
    d.stop()
    d.start()
    check_blocked(d, "download")
    check_free(d, "preview")
    d.kill()
    d.start()
    check_blocked(d, "download")
    check_blocked(d, "preview")
    check_free(d, "status")


def test_a_block_ends_with_its_time(make_daemon):
    d = make_daemon({"DOWNLOAD_FAIL_LIMIT": "3", "DOWNLOAD_BLOCK_WINDOW": "2",
                     "DOWNLOAD_FAIL_WINDOW": "1"})
    fail(d, "download", 3)
    got = guess(d, "download")
    assert got.status == 429 and 1 <= int(got["Retry-After"]) <= 2
    wait_for(lambda: guess(d, "download").status == 404, 5, "the block to end")


def test_a_block_is_logged_without_the_whole_address(make_daemon):
    d = make_daemon({"TRUSTED_PROXIES": "127.0.0.1"})
    fail(d, "download", LIMIT, client="198.51.100.77")
    check_blocked(d, "download", client="198.51.100.77")
    (event,) = wait_for(lambda: d.events("guard_block"), 5, "the log line")
    assert (event["action"], event["network"]) == ("download", "198.51.100.0/24")
    assert not any("198.51.100.77" in line for line in d.lines)


def test_a_spent_budget_leaves_only_known_networks_in(make_daemon, tmp_path):
    """1,296 words, three of them a code, n live uploads: 1296^3 / (2^20 n) failures an hour."""
    words = ["".join(w) for w in itertools.product("bcdfgh", "aeiou", "klmnprst", "aeiouy")][:1296]
    (tmp_path / "words").write_text("\n".join(words) + "\n")
    d = make_daemon({"TRUSTED_PROXIES": "127.0.0.1", "KEY_WORDS": "3", "STORAGE_SYNC": "off",
                     "DICEWARE_WORDLIST_PATH": str(tmp_path / "words")})
    live = [d.upload(b"x", uses="5")["key"] for _ in range(80)]
    budget = len(set(words)) ** 3 // 2 ** 20 // len(live)
    assert 20 <= budget <= 40
    never = next("-".join(c) for c in itertools.product(words[:20], repeat=3)
                 if "-".join(c) not in live)
    known, friend = "198.51.100.1", "198.51.100.2"
    assert guess(d, "download", client=known, key=live[0]).body == b"x"
    for n in range(budget):
        assert guess(d, "download", client=f"203.0.113.{n}", key=never).status == 404, n
    for key in (never, live[0]):
        got = guess(d, "download", client=friend, key=key)
        check_refusal(got, 429, "BLOCKED")
        assert 3500 <= int(got["Retry-After"]) <= 3600
    assert guess(d, "status", client=friend, key=live[0]).status == 429
    assert guess(d, "download", client=known, key=live[0]).body == b"x"
    assert guess(d, "download", client=friend, key="typing-error").status == 404
    (event,) = d.events("guard_over_budget")
    assert event["budget"] == budget
    assert ask(d, "GET", "/health/").json()["guard"]["over_budget"] is True


# ---- links ----

def link(daemon, **headers):
    made = ask(daemon, "PUT", "/a.txt", b"x", {"Accept": "application/json", **headers})
    assert made.status == 201, made.body
    receipt = made.json()
    base = receipt["download_url"].removesuffix("/download/" + receipt["key"])
    assert receipt["preview_url"] == f"{base}/preview/{receipt['key']}"
    assert receipt["share_url"] == f"{base}/#{receipt['key']}"
    return base


def test_links_follow_the_host_header(daemon):
    for host in ("drop.example", "drop.example:8443", "[2001:db8::1]:8000", "192.0.2.1"):
        assert link(daemon, Host=host) == "http://" + host
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    assert link(daemon, Host="drop.example", **forged) == "http://drop.example"


@pytest.mark.parametrize("host", ["evil.example/path", "a@evil.example", "a b",
                                  "<script>", "evil.example:99999", "evil.example:", "[::1",
                                  "a..b", ""])
def test_a_host_that_is_none_is_refused(daemon, host):
    raw = daemon.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert raw.startswith(b"HTTP/1.1 400 "), raw[:80]
    assert b"evil" not in raw and b"<script" not in raw


def test_links_follow_a_trusted_proxy(proxied):
    forwarded = {"X-Forwarded-Host": "drop.example", "X-Forwarded-Proto": "https"}
    assert link(proxied, **forwarded) == "https://drop.example"
    own = re.sub("^http://", "", proxied.url)
    for bad in ("evil.example/x", "a b", "<x>"):
        got = link(proxied, **{**forwarded, "X-Forwarded-Host": bad})
        assert got == "https://" + own, bad
    assert link(proxied, **{**forwarded, "X-Forwarded-Proto": "javascript"}) == (
        "http://drop.example")


def test_public_url_wins_over_everything(make_daemon):
    d = make_daemon({"PUBLIC_URL": "https://drop.example/files/", "TRUSTED_PROXIES": "127.0.0.1"})
    got = link(d, **{"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert got == "https://drop.example/files"
    reply = ask(d, "GET", "/robots.txt")
    assert re.fullmatch(r"max-age=\d{7,}.*", reply["Strict-Transport-Security"])
