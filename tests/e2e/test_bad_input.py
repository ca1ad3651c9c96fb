# SPDX-License-Identifier: Apache-2.0
"""Goal: whatever is wrong with a request, the reply has the right status, says so in JSON (or on a
page) without a word too much, carries every header, and leaves no blob and no record behind."""

import os

import pytest

from conftest import Daemon, wait_for
from wire import (UNISSUED, ask, check_headers, check_refusal, form, part, post_form,
                  recorded_blobs, replies)

MAX = 1 << 20


@pytest.fixture(scope="module")
def strict():
    d = Daemon({"MAX_FILE_SIZE": "1M", "MAX_STORAGE_SIZE": "20M"}).start()
    yield d
    d.remove()


@pytest.fixture(autouse=True)
def nothing_is_left(request):
    """After each test of this daemon that uploads in vain: no blob, no record."""
    yield
    if "strict" in request.fixturenames and "succeeds" not in request.node.name:
        d = request.getfixturevalue("strict")
        wait_for(lambda: not d.blobs(), 10, "no blob to be left")
        assert recorded_blobs(d) == set()


FILE = part("file", b"content", "a.txt")

# ---- fields ----

BAD_NUMBERS = ["", "0", "-1", "+5", " 5", "5 ", "1.5", "1e1", "0x5", "ten", "5,5", "5;", "٥",
               "99999999999999999999", "18446744073709551617", "5\t", "5" * 500, "NaN", "null"]


@pytest.mark.parametrize("field, top", [("expiry", 60), ("uses", 5)])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_number_that_is_none_is_422_in_a_form(strict, field, top, where):
    for value in [*BAD_NUMBERS, str(top + 1), "5\0", "5" * 600]:
        parts = [part(field, value), FILE] if where == "before" else [FILE, part(field, value)]
        answer = check_refusal(post_form(strict, *parts), 422, "INVALID_FIELD")
        assert len(value) > 500 or "\0" in value or answer["detail"].startswith(field), answer


@pytest.mark.parametrize("field, top", [("X-Expiry", 60), ("X-Uses", 5)])
def test_a_number_that_is_none_is_422_in_a_header(strict, field, top):
    for value in ["0", "-1", "+5", "1.5", "1e1", "0x5", "ten", "5,5", "99999999999999999999",
                  str(top + 1), "5" * 600]:
        got = ask(strict, "PUT", "/a.txt", b"content", {field: value})
        check_refusal(got, 422, "INVALID_FIELD")


def test_the_ends_of_each_range_succeeds(strict):
    for expiry, uses in (("1", "1"), ("60", "5"), ("010", "2")):
        got = post_form(strict, part("uses", uses), FILE, part("expiry", expiry))
        assert got.status == 201, got.body
        assert got.json()["uses"] == int(uses)
        burn = {"Authorization": "Bearer " + got.json()["burn_token"]}
        assert ask(strict, "POST", f"/burn/{got.json()['key']}", headers=burn).status == 200


@pytest.mark.parametrize("parts", [
    [part("expiry", "5"), part("expiry", "5"), FILE], [FILE, part("uses", "1"), part("uses", "1")],
    [FILE, FILE], [], [part("uses", "1")], [part("File", b"x", "a.txt")], [part("files", b"x")]],
    ids=["two expiries", "two uses", "two files", "no part", "no file", "File", "files"])
def test_a_form_with_a_field_too_many_or_too_few_is_422(strict, parts):
    check_refusal(post_form(strict, *parts), 422, "INVALID_FIELD")


def test_unknown_fields_are_dropped_and_the_upload_succeeds(strict):
    got = post_form(strict, part("comment", b"x" * 10_000), FILE, part("submit", "Send"))
    assert got.status == 201
    assert strict.download(got.json()["key"]).content == b"content"


# ---- forms ----

def good_form():
    return form(FILE, part("uses", "2"), boundary=b"b")


def bad_forms():
    body, _ = good_form()
    kind = "multipart/form-data; boundary=b"
    nested = part("file", b"x", "a", b"Content-Type: multipart/mixed; boundary=c\r\n")
    b64 = part("file", b"eA==", "a", b"Content-Transfer-Encoding: base64\r\n")
    yield "no type", None, body
    yield "json", "application/json", b'{"file": "x"}'
    yield "urlencoded", "application/x-www-form-urlencoded", b"file=x&expiry=5"
    yield "mixed", "multipart/mixed; boundary=b", body
    yield "no boundary", "multipart/form-data", body
    yield "empty boundary", "multipart/form-data; boundary=", body
    yield "long boundary", "multipart/form-data; boundary=" + "b" * 71, body
    yield "odd boundary", 'multipart/form-data; boundary="b{}"', body
    yield "two boundaries", kind + "; boundary=c", body
    yield "other boundary", "multipart/form-data; boundary=c", body
    yield "empty body with length", kind, b"\r\n"
    yield "no end", kind, body[:-6]
    yield "cut in the file", kind, body[:60]
    yield "cut in a head", kind, body[:20]
    yield "bare LF", kind, body.replace(b"\r\n", b"\n")
    yield "folded head", kind, body.replace(b"form-data;", b"form-data;\r\n ")
    yield "no disposition", kind, b"--b\r\nX: y\r\n\r\nx\r\n--b--\r\n"
    yield "attachment", kind, body.replace(b"form-data;", b"attachment;")
    yield "no name", kind, body.replace(b' name="file";', b"")
    yield "empty name", kind, body.replace(b'name="file"', b'name=""')
    yield "two names", kind, body.replace(b'name="file"', b'name="file"; name="uses"')
    yield "control character", kind, body.replace(b"form-data;", b"form-data;\x01")
    yield "NUL in a head", kind, body.replace(b"a.txt", b"a\0.txt")
    yield "nested", kind, form(nested, boundary=b"b")[0]
    yield "encoded", kind, form(b64, boundary=b"b")[0]
    yield "junk behind a boundary", kind, body.replace(b"--b\r\n", b"--bjunk\r\n", 1)
    yield "long head", kind, form(part("file", b"x", "a", b"X: " + b"y" * 9000 + b"\r\n"),
                                  boundary=b"b")[0]
    yield "long name", kind, form(part("n" * 100, b"x"), FILE, boundary=b"b")[0]
    yield "long file name", kind, form(part("file", b"x", "n" * 2000), boundary=b"b")[0]
    yield "many parts", kind, form(*[part(f"f{n}", b"x") for n in range(80)], boundary=b"b")[0]
    yield "long preamble", kind, b"x" * 20_000 + b"\r\n" + body
    yield "long epilogue", kind, body + b"x" * 20_000


@pytest.mark.parametrize("kind, body", [pytest.param(k, b, id=i) for i, k, b in bad_forms()])
def test_a_malformed_form_is_400(strict, kind, body):
    got = ask(strict, "POST", "/upload/", body, {"Content-Type": kind} if kind else {})
    check_refusal(got, 400, "BAD_REQUEST")


def test_the_form_that_those_were_made_of_succeeds(strict):
    body, kind = good_form()
    for accepted in (body, b"preamble\r\n" + body, body + b"epilogue",
                     body.replace(b"--b\r\n", b"--b  \r\n")):
        got = ask(strict, "POST", "/upload/", accepted, {"Content-Type": kind})
        assert got.status == 201, got.body
        for _ in range(2):
            assert strict.download(got.json()["key"]).content == b"content"


# ---- sizes ----

def test_what_is_too_large_by_its_length_is_refused_before_its_body(strict):
    kind = "multipart/form-data; boundary=b"
    for method, target, more, length in (
            ("POST", "/upload/", f"Content-Type: {kind}\r\n", MAX + (64 << 10) + 1),
            ("PUT", "/a.bin", "", MAX + 1), ("PUT", "/a.bin", "", 1 << 62),
            ("POST", "/upload/", f"Content-Type: {kind}\r\n", (1 << 63) - 1)):
        raw = strict.raw(f"{method} {target} HTTP/1.1\r\nHost: a\r\n{more}"
                         f"Content-Length: {length}\r\n\r\n".encode())
        (got,) = replies(raw)
        check_refusal(got, 413, "TOO_LARGE")
        assert got["Connection"].lower() == "close"


def test_a_file_one_byte_too_large_is_413_in_every_way(strict):
    content = os.urandom(MAX + 1)
    check_refusal(post_form(strict, part("file", content, "a")), 413, "TOO_LARGE")
    check_refusal(ask(strict, "PUT", "/a.bin", content), 413, "TOO_LARGE")
    for target, headers, body in (
            ("/a.bin", {}, content),
            ("/upload/", {"Content-Type": form()[1]}, form(part("file", content, "a"))[0])):
        pieces = (body[n:n + 50_000] for n in range(0, len(body), 50_000))
        method = "PUT" if target == "/a.bin" else "POST"
        got = ask(strict, method, target, pieces, {"Transfer-Encoding": "chunked", **headers})
        check_refusal(got, 413, "TOO_LARGE")


def test_a_chunked_body_far_too_large_is_refused_and_not_read_for_ever(strict):
    """A client that sends on and on is cut; one that pauses in time sees the 413 above."""
    sent = 0
    with strict.connect() as s:
        s.sendall(b"PUT /a.bin HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 100 * MAX:
                s.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
                sent += 65536
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert MAX < sent < 30 * MAX  # what the system's own buffers may hold, at most


def test_a_file_of_exactly_the_limit_succeeds(strict):
    content = os.urandom(MAX)
    for got in (post_form(strict, part("file", content, "a")),
                ask(strict, "PUT", "/a.bin", content, {"Accept": "application/json"}),
                ask(strict, "PUT", "/a.bin", (content[n:n + 65536] for n in range(0, MAX, 65536)),
                    {"Transfer-Encoding": "chunked", "Accept": "application/json"})):
        assert got.status == 201, got.body
        assert strict.download(got.json()["key"]).content == content


def test_an_upload_without_a_body_is_411(strict):
    for method, target in (("POST", "/upload/"), ("PUT", "/a.bin")):
        raw = strict.raw(f"{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                         .encode())
        (got,) = replies(raw)
        check_refusal(got, 411, "LENGTH_REQUIRED")


def test_a_body_that_breaks_off_leaves_nothing(strict):
    body, kind = form(part("file", bytes(300_000), "a.bin"), boundary=b"b")
    for head, sent in (
            (f"POST /upload/ HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n"
             f"Content-Length: {len(body)}\r\n\r\n", body[:200_000]),
            (f"POST /upload/ HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n"
             f"Content-Length: {len(body)}\r\n\r\n", body[:-1]),
            ("PUT /a.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n", bytes(299_999)),
            ("PUT /a.bin HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
             b"10000\r\n" + bytes(65536) + b"\r\n")):
        with strict.connect() as s:
            s.sendall(head.encode() + sent)
            wait_for(strict.blobs, 10, "the part to be there")
        wait_for(lambda: not strict.blobs(), 10, "the part to be removed")
    assert recorded_blobs(strict) == set()


def test_an_empty_upload_succeeds(strict):
    for got in (post_form(strict, part("file", b"", "empty")),
                ask(strict, "PUT", "/empty", b"", {"Content-Length": "0",
                                                   "Accept": "application/json"})):
        assert got.status == 201, got.body
        assert got.json()["size"] == 0
        assert strict.download(got.json()["key"]).content == b""


# ---- methods and paths ----

@pytest.mark.parametrize("method, target, allow", [
    ("GET", "/upload/", "POST"), ("DELETE", "/upload/", "POST"), ("PUT", "/upload", "POST"),
    ("PATCH", "/", "GET, HEAD"), ("POST", "/", "GET, HEAD"), ("PUT", "/", "GET, HEAD"),
    ("DELETE", f"/download/{UNISSUED}", "GET, POST"), ("PUT", f"/download/{UNISSUED}", "GET, POST"),
    ("HEAD", f"/download/{UNISSUED}", "GET, POST"), ("HEAD", f"/preview/{UNISSUED}", "GET"),
    ("POST", f"/preview/{UNISSUED}", "GET"), ("POST", f"/status/{UNISSUED}", "GET"),
    ("HEAD", f"/status/{UNISSUED}", "GET"), ("GET", f"/burn/{UNISSUED}", "POST"),
    ("DELETE", f"/burn/{UNISSUED}", "POST"), ("POST", "/health/", "GET, HEAD"),
    ("PUT", "/health", "GET, HEAD"), ("PUT", "/robots.txt", "GET, HEAD"),
    ("GET", "/download/", "POST"), ("PUT", "/download", "POST"), ("PUT", "/status", "GET"),
    ("PUT", "/docs", "GET, HEAD"), ("PUT", "/openapi.json", "GET, HEAD"),
    ("PUT", "/assets", "GET, HEAD"), ("POST", "/assets/x.js", "GET, HEAD"),
    ("PUT", "/stream", "GET, HEAD"), ("DELETE", "/stream/sw.js", "GET, HEAD"),
    ("BREW", "/", "GET, HEAD")])
def test_a_route_with_another_method_is_405_and_says_which_it_has(strict, method, target, allow):
    body = b"content" if method in ("PUT", "PATCH") else None
    got = ask(strict, method, target, body)
    if method == "HEAD":
        assert (got.status, got.body) == (405, b"")
        check_headers(got)
    else:
        check_refusal(got, 405, "METHOD_NOT_ALLOWED")
    assert sorted(got["Allow"].split(", ")) == allow.split(", ")


@pytest.mark.parametrize("method, target", [
    ("GET", "/nothing"), ("GET", "/nothing/at/all"), ("GET", "/status/"), ("GET", "/status"),
    ("GET", "/assets"), ("GET", "/assets/nothing.js"), ("GET", "/stream/other.js"),
    ("GET", f"/download/{UNISSUED}/more"), ("GET", "//"), ("GET", "//download//x"),
    ("GET", "/Download/x"), ("GET", "/../etc/passwd"), ("GET", "/%2e%2e/x"), ("GET", "/."),
    ("GET", "/favicon.ico"), ("POST", "/nothing"), ("DELETE", "/report.pdf"), ("GET", "/.git/config"),
    ("PUT", "/a/b"), ("PUT", "/.."), ("GET", "/metrics")])
def test_a_path_that_is_none_is_404(strict, method, target):
    body = b"content" if method == "PUT" else None
    check_refusal(ask(strict, method, target, body), 404, "NOT_FOUND")


@pytest.mark.parametrize("target", ["/%zz", "/%", "/%4", "/download/%00", "/download/a%2fb",
                                    "/down%00load/x", "/status/%5"])
def test_a_path_that_is_malformed_is_400(strict, target):
    raw = strict.raw(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    (got,) = replies(raw)
    check_refusal(got, 400, "BAD_REQUEST")


@pytest.mark.parametrize("key", [
    "x", "not-a-code", "zebra", "zebra-zebra-zebra", "zebra-zebra-zebra-zebra-zebra", "zebra" * 4,
    "zebra--zebra-zebra", "zebra+zebra+zebra+zebra", "zebra-zebra-zebra-qqqqq", "%ff%fe", "0",
    "a" * 3000, "*", "zebra-zebra-zebra-zebra'", "%E2%80%AE"])
def test_a_key_that_is_no_code_is_404_at_once(strict, key):
    for method, route in (("GET", "download"), ("POST", "download"), ("GET", "preview"),
                          ("POST", "burn")):
        check_refusal(ask(strict, method, f"/{route}/{key}"), 404, "NOT_FOUND")
    got = ask(strict, "GET", f"/status/{key}")
    assert (got.status, got.json()["status"], got.json()["key"]) == (200, "unknown", None)
    check_headers(got)


# ---- what every reply has ----

REPLIES = [("GET", "/", 200), ("HEAD", "/", 200), ("GET", "/health/", 200),
           ("GET", "/robots.txt", 200), ("GET", f"/status/{UNISSUED}", 200), ("GET", "/x", 404),
           ("GET", "/upload/", 405), ("POST", f"/burn/{UNISSUED}", 404),
           ("OPTIONS", "/upload/", 204), ("OPTIONS", f"/download/{UNISSUED}", 204)]


@pytest.mark.parametrize("method, target, status", REPLIES)
def test_every_reply_has_every_header(strict, method, target, status):
    seen = set()
    for accept in ("*/*", "text/html"):
        got = ask(strict, method, target, headers={"Accept": accept})
        assert got.status == status
        check_headers(got)
        assert got["Access-Control-Allow-Origin"] == "*"
        assert got["Access-Control-Allow-Credentials"] is None
        seen.add(got["X-Request-ID"])
    assert len(seen) == 2


def test_a_receipt_and_a_download_that_succeeds_have_every_header(strict):
    made = post_form(strict, FILE)
    check_headers(made)
    seen = ask(strict, "GET", f"/preview/{made.json()['key']}")
    check_headers(seen)
    got = ask(strict, "GET", f"/download/{made.json()['key']}")
    check_headers(got)
    assert got["Cache-Control"].endswith(", no-transform")
    assert got["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert {h.strip() for h in got["Access-Control-Expose-Headers"].split(",")} == {
        "X-SHA256", "Content-Disposition", "X-Request-ID"}


def test_a_preflight_allows_get_and_post_and_nothing_more(strict):
    got = ask(strict, "OPTIONS", "/upload/", headers={
        "Origin": "https://page.example", "Access-Control-Request-Method": "POST"})
    assert got.status == 204
    assert got["Access-Control-Allow-Methods"] == "GET, POST"
    assert got["Access-Control-Allow-Headers"] == "Content-Type, Accept, Authorization"


def test_origins_are_held_to_their_list(make_daemon):
    d = make_daemon({"CORS_ORIGINS": "https://a.example,https://b.example"})
    for origin, allowed in (("https://a.example", True), ("https://b.example", True),
                            ("https://c.example", False), ("https://a.example.evil", False),
                            ("null", False), (None, False)):
        got = ask(d, "GET", "/robots.txt", headers={"Origin": origin} if origin else {})
        assert got["Access-Control-Allow-Origin"] == (origin if allowed else None), origin
        assert got["Vary"] == "Origin"


@pytest.mark.parametrize("method, target, status, code", [
    ("GET", "/nothing", 404, "NOT_FOUND"), ("DELETE", "/upload", 405, "METHOD_NOT_ALLOWED"),
    ("POST", "/upload", 400, "BAD_REQUEST"), ("PUT", "/a.txt", 422, "INVALID_FIELD"),
    ("GET", f"/download/{UNISSUED}", 404, "NOT_FOUND")])
def test_a_refusal_is_a_page_for_who_prefers_one(strict, method, target, status, code):
    body = b"content" if method in ("PUT", "POST") else None
    headers = {"Accept": "text/html", "X-Uses": "99"}
    got = ask(strict, method, target, body, headers)
    assert got.status == status
    assert got["Content-Type"] == "text/html; charset=utf-8"
    assert code.encode() in got.body and got.body.startswith(b"<!doctype html>")
    check_headers(got)
    as_json = ask(strict, method, target, body, {**headers, "Accept": "application/json, text/html"})
    check_refusal(as_json, status, code)
    assert as_json.json()["detail"].encode() in got.body
