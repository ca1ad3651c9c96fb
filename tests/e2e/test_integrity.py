# SPDX-License-Identifier: Apache-2.0
"""Goal: a client never gets a byte that was not uploaded. A blob that was changed, cut, lost or
swapped is an error before the first byte; one that changes later ends the stream before it."""

import hashlib
import os
import socket

import pytest

from wire import ask, blob_of, check_headers, check_refusal

VERSION, TIME, IV, MAC_LEN = 0, 1, 9, 32
HEAD_LEN = 25


def flip(path, at, bit=0):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1 << bit]))


def places(size, step_n):
    """Offsets over the whole token: every part of its frame, chunk borders, and a sample."""
    edges = {VERSION, TIME, TIME + 7, IV, IV + 15, HEAD_LEN, HEAD_LEN + 15, HEAD_LEN + 16,
             size - MAC_LEN - 17, size - MAC_LEN - 16, size - MAC_LEN - 1, size - MAC_LEN,
             size - 16, size - 1}
    for border in range(1 << 16, size, 1 << 20):
        edges |= {border - 1, border, border + HEAD_LEN}
    return sorted(p for p in edges | set(range(0, size, max(1, size // step_n))) if p < size)


def check_mismatch(daemon, receipt, content):
    """The refusal of a changed blob: nothing of the file, both hashes, the use given back."""
    got = ask(daemon, "GET", f"/download/{receipt['key']}")
    report = check_refusal(got, 500, "INTEGRITY_CHECK_FAILED", "integrity_report")
    report = report["integrity_report"]
    assert set(report) == {"expected", "actual"}
    assert report["expected"] == hashlib.sha256(content).hexdigest()
    assert len(bytes.fromhex(report["actual"])) == 32
    assert report["actual"] != report["expected"]
    assert content[:16] not in got.body and receipt["filename"].encode() not in got.body
    assert got["Content-Disposition"] is None and got["ETag"] is None and got["X-SHA256"] is None
    return report


@pytest.mark.parametrize("size, sample", [(33, 200), (70 << 10, 24), (1_258_291, 12), (3 << 20, 8)])
def test_one_flipped_bit_anywhere_is_found_before_the_first_byte(daemon, size, sample):
    content = os.urandom(size)
    receipt, blob = blob_of(daemon, content)
    stored = blob.stat().st_size
    assert stored == HEAD_LEN + (size // 16 + 1) * 16 + MAC_LEN
    tried = places(stored, sample)
    assert len(tried) > 20
    for n, at in enumerate(tried):
        flip(blob, at, n % 8)
        check_mismatch(daemon, receipt, content)
        flip(blob, at, n % 8)
    state = daemon.status(receipt["key"])
    assert (state["status"], state["remaining_uses"]) == ("active", 1)
    assert daemon.download(receipt["key"]).content == content


def test_a_range_of_a_changed_blob_is_refused_too(daemon):
    content = os.urandom(200_000)
    receipt, blob = blob_of(daemon, content)
    flip(blob, 190_000)
    got = ask(daemon, "GET", f"/download/{receipt['key']}", headers={"Range": "bytes=0-9"})
    check_refusal(got, 500, "INTEGRITY_CHECK_FAILED", "integrity_report")
    flip(blob, 190_000)
    got = ask(daemon, "GET", f"/download/{receipt['key']}", headers={"Range": "bytes=0-9"})
    assert (got.status, got.body) == (206, content[:10])


def test_a_refusal_is_a_page_for_a_browser(daemon):
    receipt, blob = blob_of(daemon, b"for a browser" * 100)
    flip(blob, 40)
    got = ask(daemon, "POST", f"/download/{receipt['key']}", b"", {"Accept": "text/html"})
    assert got.status == 500 and got["Content-Type"].startswith("text/html")
    assert b"INTEGRITY_CHECK_FAILED" in got.body and b"for a browser" not in got.body
    check_headers(got)


@pytest.mark.parametrize("size", [33, 1_258_291])
def test_a_blob_of_another_length_is_refused(daemon, size):
    content = os.urandom(size)
    receipt, blob = blob_of(daemon, content)
    whole = blob.read_bytes()
    for changed in (b"", whole[:1], whole[:HEAD_LEN], whole[:HEAD_LEN + MAC_LEN],
                    whole[:len(whole) // 2], whole[:-16], whole[:-1], whole + b"\0",
                    whole + bytes(16), whole[1:]):
        blob.write_bytes(changed)
        got = ask(daemon, "GET", f"/download/{receipt['key']}")
        assert got.status == 500, len(changed)
        assert content[:16] not in got.body
        check_headers(got)
    blob.write_bytes(whole)
    assert daemon.download(receipt["key"]).content == content


def test_a_lost_blob_is_our_fault_and_takes_no_use(daemon):
    receipt, blob = blob_of(daemon, b"lost and found")
    hidden = daemon.home / "hidden"
    blob.rename(hidden)
    for _ in range(3):
        check_refusal(ask(daemon, "GET", f"/download/{receipt['key']}"), 500, "INTERNAL_ERROR")
    assert daemon.status(receipt["key"])["remaining_uses"] == 1
    hidden.rename(blob)
    assert daemon.download(receipt["key"]).content == b"lost and found"


def test_what_is_no_plain_file_is_not_read(daemon):
    receipt, blob = blob_of(daemon, b"plain")
    hidden = daemon.home / "hidden"
    blob.rename(hidden)
    blob.symlink_to(hidden)
    assert ask(daemon, "GET", f"/download/{receipt['key']}").status == 500
    blob.unlink()
    os.mkfifo(blob)  # must not wait for a writer
    assert ask(daemon, "GET", f"/download/{receipt['key']}", timeout_s=10).status == 500
    blob.unlink()
    blob.mkdir()
    assert ask(daemon, "GET", f"/download/{receipt['key']}").status == 500
    blob.rmdir()
    hidden.rename(blob)
    assert daemon.download(receipt["key"]).content == b"plain"


@pytest.mark.parametrize("size", [100, 2_000_000])
def test_the_blob_of_another_upload_is_refused(daemon, size):
    one, two = os.urandom(size), os.urandom(size)
    receipt_one, blob_one = blob_of(daemon, one)
    receipt_two, blob_two = blob_of(daemon, two)

    def swap():
        between = daemon.home / "between"
        blob_one.rename(between)
        blob_two.rename(blob_one)
        between.rename(blob_two)

    swap()
    assert two[:16] not in ask(daemon, "GET", f"/download/{receipt_one['key']}").body
    check_mismatch(daemon, receipt_one, one)
    check_mismatch(daemon, receipt_two, two)
    swap()
    assert daemon.download(receipt_one["key"]).content == one
    assert daemon.download(receipt_two["key"]).content == two


def begin_slowly(daemon, key):
    """A download of which 64 KiB were read; the rest waits, mostly in the server."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.settimeout(30)
    s.connect(("127.0.0.1", daemon.port))
    s.sendall(f"GET /download/{key} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    got = b""
    while len(got) < 65536:
        got += s.recv(65536)
    return s, got


def read_on(s, got):
    """The body, and whether its end was a clean one."""
    pieces = [got]
    try:
        while True:
            piece = s.recv(1 << 16)
            if not piece:
                break
            pieces.append(piece)
    except ConnectionResetError:
        pass
    s.close()
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    return head, body


@pytest.mark.parametrize("change", ["flipped", "zeros", "cut", "swapped"])
def test_a_blob_that_changes_under_a_stream_ends_it_before_the_change(daemon, change):
    content = os.urandom(24 << 20)
    receipt, blob = blob_of(daemon, content)
    at = 20 << 20
    s, got = begin_slowly(daemon, receipt["key"])
    with open(blob, "r+b") as f:
        if change == "flipped":
            flip(blob, at)
        elif change == "zeros":
            f.seek(at)
            f.write(bytes(1 << 20))
        elif change == "cut":
            f.truncate(at)
        else:  # two blocks change places: no byte is new
            f.seek(at)
            a = f.read(1 << 20)
            b = f.read(1 << 20)
            f.seek(at)
            f.write(b + a)
    head, body = read_on(s, got)
    assert f"Content-Length: {len(content)}".encode() in head
    assert content.startswith(body), "bytes that were never uploaded"
    assert 65536 < len(body) <= at
    assert daemon.status(receipt["key"])["remaining_uses"] == 0  # spent: bytes have left


def test_a_slow_reader_of_a_blob_that_stays_gets_all_of_it(daemon):
    content = os.urandom(24 << 20)
    receipt, _ = blob_of(daemon, content)
    _, body = read_on(*begin_slowly(daemon, receipt["key"]))
    assert body == content


def test_a_small_blob_is_served_from_what_was_verified(daemon):
    content = os.urandom(900_000)
    receipt, blob = blob_of(daemon, content)
    s, got = begin_slowly(daemon, receipt["key"])
    flip(blob, 800_000)
    _, body = read_on(s, got)
    assert body == content
