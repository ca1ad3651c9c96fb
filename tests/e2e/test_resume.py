# SPDX-License-Identifier: Apache-2.0
"""Goal: a download that broke off is continued without a second use, by the same client only, until
every byte was had; ranges and ETags behave as RFC 9110 says."""

import os
import re
import socket
import subprocess
import time

import pytest

from conftest import wait_for
from wire import ask, blob_of, check_refusal

DATA = bytes(range(256)) * 4  # 1,024 bytes


def get(daemon, key, value=None, source=None, **headers):
    if value is not None:
        headers["Range"] = value
    return ask(daemon, "GET", f"/download/{key}", headers=headers, source=source)


def uses_left(daemon, key):
    return daemon.status(key)["remaining_uses"]


# ---- ranges ----

@pytest.mark.parametrize("value, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=0-9", 0, 9), ("bytes=10-", 10, 1023), ("bytes=1023-", 1023, 1023),
    ("bytes=0-99999999999999999999999", 0, 1023), ("bytes=-1", 1023, 1023),
    ("bytes=-24", 1000, 1023), ("bytes=-5000", 0, 1023), ("Bytes=5-6", 5, 6),
    ("bytes= 7-8 ", 7, 8), ("bytes=0-1023", 0, 1023)])
def test_a_range_gives_exactly_its_bytes(daemon, value, first, last):
    receipt = daemon.upload(DATA)
    got = get(daemon, receipt["key"], value)
    assert got.status == 206
    assert got.body == DATA[first:last + 1]
    assert got["Content-Range"] == f"bytes {first}-{last}/1024"
    assert got["Content-Length"] == str(last + 1 - first)
    assert got["Accept-Ranges"] == "bytes"
    assert got["X-SHA256"] == receipt["sha256"]  # of the whole


@pytest.mark.parametrize("value", ["bytes=1024-", "bytes=5000-6000", "bytes=-0", "bytes=9-0",
                                   "bytes=", "bytes=a-b", "bytes=1", "bytes=--1", "bytes", "bytes=-",
                                   "bytes=0x1-2"])
def test_a_bad_range_is_416_and_takes_nothing(daemon, value):
    receipt = daemon.upload(DATA)
    got = get(daemon, receipt["key"], value)
    check_refusal(got, 416, "RANGE_NOT_SATISFIABLE")
    assert got["Content-Range"] == "bytes */1024"
    assert uses_left(daemon, receipt["key"]) == 1
    assert get(daemon, receipt["key"]).body == DATA


@pytest.mark.parametrize("value", ["bytes=0-1,5-6", "bytes=0-0, -1", "items=0-5", "lines=1-2"])
def test_several_ranges_or_another_unit_give_the_whole_file(daemon, value):
    receipt = daemon.upload(DATA)
    got = get(daemon, receipt["key"], value)
    assert (got.status, got.body) == (200, DATA)
    assert got["Content-Range"] is None


def test_an_etag_is_strong_and_the_same_for_all_of_an_uploads_life(daemon):
    receipt = daemon.upload(DATA, uses="3")
    tags = {get(daemon, receipt["key"])["ETag"],
            get(daemon, receipt["key"], "bytes=3-4")["ETag"],
            get(daemon, receipt["key"])["ETag"]}
    assert len(tags) == 1
    (tag,) = tags
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
    twin = daemon.upload(DATA)
    assert get(daemon, twin["key"])["ETag"] != tag  # it tells nothing about the content
    assert tag.strip('"') not in receipt["sha256"]


def test_if_range_with_the_etag_gives_the_range_and_any_other_the_whole(daemon):
    receipt = daemon.upload(DATA, uses="5")
    tag = get(daemon, receipt["key"])["ETag"]
    got = get(daemon, receipt["key"], "bytes=5-6", **{"If-Range": tag})
    assert (got.status, got.body) == (206, DATA[5:7])
    for other in ("W/" + tag, '"' + "0" * 32 + '"', "Thu, 01 Jan 2026 00:00:00 GMT"):
        got = get(daemon, receipt["key"], "bytes=5-6", **{"If-Range": other})
        assert (got.status, got.body) == (200, DATA), other


def test_if_range_that_does_not_match_makes_a_bad_range_harmless(daemon):
    receipt = daemon.upload(DATA)
    got = get(daemon, receipt["key"], "bytes=9999-", **{"If-Range": '"other"'})
    assert (got.status, got.body) == (200, DATA)


# ---- the lease ----

def test_ranges_of_one_client_are_one_use_until_every_byte_was_had(daemon):
    key = daemon.upload(DATA)["key"]
    assert get(daemon, key, "bytes=0-99").body == DATA[:100]
    assert daemon.status(key)["status"] == "burned"  # the last use is taken
    assert get(daemon, key, "bytes=500-599").status == 206
    assert get(daemon, key, "bytes=100-499").body == DATA[100:500]
    assert get(daemon, key, "bytes=600-").body == DATA[600:]
    wait_for(lambda: get(daemon, key, "bytes=600-").status == 410, 5, "the lease to end")
    assert get(daemon, key).status == 410


def test_coverage_ends_the_lease_and_the_upload(daemon):
    receipt, blob = blob_of(daemon, DATA, uses="2")
    key = receipt["key"]
    get(daemon, key, "bytes=0-511")
    get(daemon, key, "bytes=512-")
    assert uses_left(daemon, key) == 1
    get(daemon, key, "bytes=0-511")  # no lease lacks it: the second use
    assert uses_left(daemon, key) == 0
    assert blob.exists()
    get(daemon, key, "bytes=-512")
    wait_for(lambda: not blob.exists(), 10, "the blob's end")
    assert get(daemon, key, "bytes=0-").status == 410


def test_a_whole_request_is_never_a_continuation(daemon):
    key = daemon.upload(DATA, uses="2")["key"]
    get(daemon, key, "bytes=0-9")
    assert get(daemon, key).body == DATA
    assert uses_left(daemon, key) == 0


def test_another_address_cannot_continue(daemon):
    key = daemon.upload(DATA)["key"]
    assert get(daemon, key, "bytes=0-9").status == 206
    check_refusal(get(daemon, key, "bytes=10-", source="127.0.0.2"), 410, "GONE", "ended_at",
                  "ended_by")
    assert get(daemon, key, "bytes=10-").body == DATA[10:]  # and this one still can


def test_another_address_takes_a_use_of_its_own(daemon):
    key = daemon.upload(DATA, uses="3")["key"]
    assert get(daemon, key, "bytes=0-9").status == 206
    assert get(daemon, key, "bytes=10-", source="127.0.0.2").status == 206
    assert uses_left(daemon, key) == 1
    assert get(daemon, key, "bytes=0-9", source="127.0.0.2").status == 206  # its own lease
    assert uses_left(daemon, key) == 1


def test_a_lease_ends_with_its_time(make_daemon):
    daemon = make_daemon({"LEASE_SECONDS": "2"})
    key = daemon.upload(DATA)["key"]
    assert get(daemon, key, "bytes=0-9").status == 206
    assert get(daemon, key, "bytes=10-19").status == 206
    time.sleep(3.2)
    assert get(daemon, key, "bytes=20-").status == 410
    wait_for(lambda: not daemon.blobs(), 10, "the blob's end")


def test_a_lease_outlives_a_crash(make_daemon):
    daemon = make_daemon()
    key = daemon.upload(DATA)["key"]
    assert get(daemon, key, "bytes=0-9").status == 206
    daemon.kill()
    daemon.start()
    assert get(daemon, key, "bytes=10-", source="127.0.0.2").status == 410
    assert get(daemon, key, "bytes=10-").body == DATA[10:]


# ---- cuts ----

def begin(daemon, key, at=0, source=None, receive_buffer=None):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(30)
    if source:
        s.bind((source, 0))
    s.connect(("127.0.0.1", daemon.port))
    extra = f"Range: bytes={at}-\r\n" if at else ""
    s.sendall(f"GET /download/{key} HTTP/1.1\r\nHost: a\r\n{extra}\r\n".encode())
    return s


def read_some(s, n):
    """The status and the first n bytes of the body."""
    got = b""
    while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < n:
        piece = s.recv(65536)
        assert piece, got[:200]
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    return int(head[9:12]), body[:n]


def test_five_cuts_in_one_download_are_one_use(daemon):
    content = os.urandom(30_000_000)
    key = daemon.upload(content)["key"]
    have = b""
    for _ in range(5):
        with begin(daemon, key, len(have)) as s:
            status, body = read_some(s, 3_000_000)
            assert status == (206 if have else 200)
            have += body
        # Closed with bytes unread, as a killed program does.
    got = get(daemon, key, f"bytes={len(have)}-")
    assert got.status == 206, got.body
    assert have + got.body == content


def test_a_cut_without_a_range_costs_a_use(daemon):
    content = os.urandom(5_000_000)
    key = daemon.upload(content, uses="2")["key"]
    with begin(daemon, key) as s:
        read_some(s, 100_000)
    wait_for(lambda: uses_left(daemon, key) == 1, 5, "the first use")
    assert get(daemon, key).body == content
    assert uses_left(daemon, key) == 0


def test_curl_continues_after_it_was_killed(daemon, tmp_path):
    content = os.urandom(20_000_000)
    receipt = daemon.upload(content)
    target = tmp_path / "file.bin"
    command = ["curl", "-sS", "--max-time", "60", "-o", str(target), receipt["download_url"]]
    killed = subprocess.Popen([*command, "--limit-rate", "4M"])
    wait_for(lambda: target.exists() and target.stat().st_size > 1_000_000, 20, "a part")
    killed.kill()
    killed.wait()
    had = target.stat().st_size
    assert had < len(content)
    again = subprocess.run([*command, "-C", "-"], capture_output=True, timeout=90)
    assert again.returncode == 0, (had, again.stderr.decode())
    assert target.read_bytes() == content
    wait_for(lambda: daemon.download(receipt["key"]).status_code == 410, 5, "the end")


def test_curl_cannot_continue_from_another_address(daemon, tmp_path):
    content = os.urandom(20_000_000)
    receipt = daemon.upload(content)
    target = tmp_path / "file.bin"
    with begin(daemon, receipt["key"]) as s:
        target.write_bytes(read_some(s, 2_000_000)[1])
    again = subprocess.run(
        ["curl", "-sS", "--max-time", "60", "--fail", "--interface", "127.0.0.2", "-C", "-", "-o",
         str(target), receipt["download_url"]], capture_output=True, timeout=90)
    assert again.returncode == 22
    assert target.stat().st_size == 2_000_000


def test_a_client_gone_before_the_first_byte_gives_the_use_back(make_daemon):
    daemon = make_daemon({"WORKER_THREADS": "1"})
    content = os.urandom(95_000_000)  # verifying it takes a good part of a second
    key = daemon.upload(content)["key"]
    seen_taken = False
    for _ in range(10):
        with begin(daemon, key):
            deadline = time.monotonic() + 2
            while not seen_taken and time.monotonic() < deadline:
                seen_taken = daemon.status(key)["status"] == "burned"
        wait_for(lambda: uses_left(daemon, key) == 1, 20, "the use to come back")
        if seen_taken:
            break
    assert seen_taken, "the claim was never seen"
    state = daemon.status(key)
    assert (state["status"], state["is_accessible"]) == ("active", True)
    got = daemon.download(key)
    assert got.status_code == 200 and got.content == content


def test_a_client_gone_after_the_first_byte_has_spent_its_use(daemon):
    key = daemon.upload(os.urandom(5_000_000))["key"]
    with begin(daemon, key, receive_buffer=4096) as s:
        status, _ = read_some(s, 1)
        assert status == 200
    time.sleep(0.5)
    state = daemon.status(key)
    assert (state["status"], state["remaining_uses"]) == ("burned", 0)
    assert get(daemon, key).status == 410


def test_an_empty_file_has_no_range_and_is_one_use(daemon):
    key = daemon.upload(b"")["key"]
    assert get(daemon, key, "bytes=0-").status == 416
    assert uses_left(daemon, key) == 1
    got = get(daemon, key)
    assert (got.status, got.body) == (200, b"")
    assert get(daemon, key).status == 410
