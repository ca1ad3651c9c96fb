# SPDX-License-Identifier: Apache-2.0
"""Goal: what a server is set to refuse (size of all, types, strangers, haste) is refused with the
right status and leaves nothing; what a file is called comes back harmless and whole."""

import email.message
import email.utils
import os
import time

import pytest

from conftest import wait_for
from wire import ask, check_headers, check_refusal, part, post_form, recorded_blobs, replies

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489") + bytes(64)
PDF = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n"
SECRET = "a-token-that-only-friends-have"


def nothing_is_left(daemon):
    wait_for(lambda: not daemon.blobs(), 10, "no blob to be left")
    assert recorded_blobs(daemon) == set()


# ---- room ----

def test_the_quota_is_507_until_something_is_destroyed(make_daemon):
    d = make_daemon({"MAX_FILE_SIZE": "150k", "MAX_STORAGE_SIZE": "200k"})
    first = post_form(d, part("file", os.urandom(140_000), "a"))
    assert first.status == 201
    check_refusal(post_form(d, part("file", os.urandom(140_000), "b")), 507,
                  "INSUFFICIENT_STORAGE")
    check_refusal(ask(d, "PUT", "/b", os.urandom(140_000)), 507, "INSUFFICIENT_STORAGE")
    assert ask(d, "PUT", "/small", os.urandom(30_000)).status == 201
    assert len(d.blobs()) == 2
    assert d.download(first.json()["key"]).status_code == 200
    wait_for(lambda: len(d.blobs()) == 1, 10, "the blob to be shredded")
    wait_for(lambda: ask(d, "PUT", "/b", os.urandom(140_000)).status == 201, 5, "room again")


def test_room_is_promised_before_the_body_is_read(make_daemon):
    """Uploads that run count in full, so that two of them cannot pass the quota together."""
    d = make_daemon({"MAX_FILE_SIZE": "150k", "MAX_STORAGE_SIZE": "200k"})
    with d.connect() as s:
        s.sendall(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 140000\r\n\r\nx")
        wait_for(lambda: d.blobs(), 10, "the upload to begin")
        (got,) = replies(d.raw(b"PUT /b HTTP/1.1\r\nHost: a\r\nContent-Length: 140000\r\n\r\n"))
        check_refusal(got, 507, "INSUFFICIENT_STORAGE")
    wait_for(lambda: ask(d, "PUT", "/b", bytes(140_000)).status == 201, 5, "the promise's end")


# ---- types ----

def test_only_allowed_types_come_in_whatever_they_are_called(make_daemon):
    d = make_daemon({"ALLOWED_MIME_TYPES": "image/*, application/pdf"})
    for name, content in (("a.png", b"plain text, that is\n"), ("a.pdf", b"#!/bin/sh\necho hi\n"),
                          ("a.png", b""), ("a.png", os.urandom(5000)), ("a.png", b"<html></html>")):
        refused = post_form(d, part("file", content, name, b"Content-Type: image/png\r\n"))
        answer = check_refusal(refused, 415, "TYPE_NOT_ALLOWED")
        assert "image/png" not in answer["detail"]
        check_refusal(ask(d, "PUT", "/" + name, content, {"Content-Type": "image/png"}), 415,
                      "TYPE_NOT_ALLOWED")
    nothing_is_left(d)
    for content, kind in ((PNG, "image/png"), (PDF, "application/pdf")):
        made = post_form(d, part("file", content, "a.txt", b"Content-Type: text/plain\r\n"))
        assert (made.status, made.json()["mime_type"]) == (201, kind)
        got = d.download(made.json()["key"])
        assert (got.headers["Content-Type"], got.content) == (kind, content)


# ---- strangers ----

@pytest.fixture
def private(make_daemon):
    return make_daemon({"UPLOAD_TOKEN": SECRET})


def test_without_the_token_nothing_comes_in(private):
    file = part("file", b"content", "a.txt")
    bad = [{"Authorization": "Bearer wrong"}, {"Authorization": "Bearer " + SECRET + "x"},
           {"Authorization": "Bearer " + SECRET[:-1]}, {"Authorization": "Bearer"}, {},
           {"Authorization": "Basic " + SECRET}, {"Authorization": SECRET}]
    for headers in bad:
        for got in (post_form(private, file, headers=headers),
                    ask(private, "PUT", "/a.txt", b"content", headers)):
            check_refusal(got, 401, "UNAUTHORIZED")
            assert got["WWW-Authenticate"] == "Bearer"
    for parts in ([part("token", "wrong"), file], [file, part("token", "wrong")],
                  [file, part("token", "")], [part("token", SECRET + "\0"), file],
                  [part("Token", SECRET), file]):
        got = post_form(private, *parts)
        assert got.status in (401, 422), got.body
    right = {"Authorization": "Bearer " + SECRET}
    wrong = post_form(private, part("token", SECRET), file,
                      headers={"Authorization": "Bearer wrong"})
    check_refusal(wrong, 401, "UNAUTHORIZED")  # a wrong bearer is not mended by a field
    nothing_is_left(private)
    assert post_form(private, file, headers=right).status == 201


def test_a_wrong_token_is_refused_before_the_body(private):
    (got,) = replies(private.raw(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n"
                                 b"Authorization: Bearer wrong\r\n\r\n"))
    check_refusal(got, 401, "UNAUTHORIZED")


def test_the_token_is_taken_as_a_header_and_as_a_field_in_either_order(private):
    file = part("file", b"content", "a.txt")
    right = {"Authorization": "Bearer " + SECRET}
    for got in (post_form(private, file, headers=right),
                post_form(private, file, headers={"Authorization": "bearer  " + SECRET}),
                post_form(private, part("token", SECRET), file),
                post_form(private, file, part("token", SECRET)),
                ask(private, "PUT", "/a.txt", b"content", {"Accept": "application/json", **right})):
        assert got.status == 201, got.body
        key = got.json()["key"]
        assert private.download(key).content == b"content"  # for which no token is needed


# ---- haste ----

def test_uploads_of_one_network_are_counted_together_and_limited(make_daemon):
    d = make_daemon({"UPLOAD_RATE_LIMIT": "3/hour"})
    file = part("file", b"content", "a.txt")
    assert post_form(d, file).status == 201
    assert ask(d, "PUT", "/a.txt", b"content").status == 201
    assert post_form(d).status == 422  # counts, too
    before = len(d.blobs())
    for got in (post_form(d, file), ask(d, "PUT", "/a.txt", b"content")):
        check_refusal(got, 429, "RATE_LIMITED")
        assert 3590 <= int(got["Retry-After"]) <= 3600
    assert len(d.blobs()) == before
    assert post_form(d, file, source="127.0.0.2").status == 201
    d.stop()
    d.start()
    assert post_form(d, file).status == 429  # a restart forgets nothing


def test_a_rate_of_seconds_ends_after_one(make_daemon):
    d = make_daemon({"HEALTH_RATE_LIMIT": "1/second"})
    got = [ask(d, "GET", "/health/").status for _ in range(4)]
    assert got[0] == 200 and 429 in got
    limited = ask(d, "GET", "/health/")
    if limited.status == 429:
        assert limited["Retry-After"] == "1"
    time.sleep(1.1)
    assert ask(d, "GET", "/health/").status == 200


# ---- names ----

LONG = "n" * 300 + ".tar.gz"
NAMES = [
    ("plain.txt", "plain.txt"), ("with a blank.txt", "with a blank.txt"), (" ends ", "ends"),
    ("../../etc/passwd", "passwd"), ("/etc/passwd", "passwd"), ("C:\\dir\\file.txt", "file.txt"),
    ("a;b|c&d$e`f<g>h.txt", "abcdefgh.txt"), ("naïve.txt", "naïve.txt"),
    ("日本語.txt", "日本語.txt"), ("emoji \U0001f980.png", "emoji \U0001f980.png"),
    ("\u202egpj.exe", "gpj.exe"), ("a\u2066b\u2069c\u200ed.txt", "abcd.txt"), (".", "file"),
    ("..", "file"), ("...", "file"), (" . ", "file"), ("dir/", "file"), ("$;|&", "file"),
    (".bashrc", ".bashrc"), ("-rf", "-rf"), ("100%.txt", "100%.txt"), ("it's.txt", "it's.txt"),
    ("a\x07b\x1b[31m.txt", "ab[31m.txt"), ("\x85next\x9b.txt", "next.txt"),
    ("é" * 200 + ".txt", "é" * 125 + ".txt"), (LONG, "n" * 252 + ".gz"), ("~", "~"),
    ("CON", "CON"), ("a" * 255, "a" * 255), ("a" * 256, "a" * 255), ("x.html", "x.html"),
    ("semi%3Bcolon.txt", "semi%3Bcolon.txt"), ('quo"te.txt', 'quo"te.txt'),
]


def name_in(disposition):
    """The file name, as a reader of RFC 6266 and 8187 that is not ours finds it."""
    message = email.message.Message()
    message["Content-Disposition"] = disposition
    assert message.get_content_disposition() == "attachment"
    names = [value for key, value in message.get_params(header="Content-Disposition")
             if key == "filename"]
    extended = [email.utils.collapse_rfc2231_value(n) for n in names if isinstance(n, tuple)]
    assert len(names) - len(extended) == 1 and len(extended) <= 1
    return (extended or names)[0]


def check_name(daemon, receipt, wanted):
    assert receipt["filename"] == wanted
    assert len(wanted.encode()) <= 255
    assert ask(daemon, "GET", f"/preview/{receipt['key']}").json()["filename"] == wanted
    got = ask(daemon, "GET", f"/download/{receipt['key']}")
    disposition = got["Content-Disposition"]
    assert disposition.isascii() and disposition.isprintable()
    assert disposition.count('"') == 2  # the ASCII form is one quoted string without escapes
    assert "\\" not in disposition
    assert name_in(disposition) == wanted
    check_headers(got)


@pytest.mark.parametrize("raw, wanted", NAMES, ids=[ascii(n)[:40] for n, _ in NAMES])
def test_a_hostile_name_comes_back_harmless(daemon, raw, wanted):
    quoted = raw.replace("\\", "\\\\").replace('"', "%22")
    made = post_form(daemon, part("file", b"x", quoted))
    assert made.status in (201, 400), made.body
    if made.status == 400:  # a control character in a form's head
        assert any(ord(c) < 0x20 for c in raw)
    else:
        check_name(daemon, made.json(), wanted)
    path = "".join("%%%02X" % b for b in raw.encode())
    made = ask(daemon, "PUT", "/" + path, b"x", {"Accept": "application/json"})
    if "/" in raw or raw in (".", ".."):
        assert made.status in (400, 404)  # no path of one segment
    else:
        assert made.status == 201, made.body
        check_name(daemon, made.json(), wanted)


def test_line_ends_in_a_name_make_no_header(daemon):
    made = post_form(daemon, part("file", b"x", "a%0D%0ASet-Cookie: x=y%0D%0A.txt"))
    assert made.status == 201
    check_name(daemon, made.json(), "aSet-Cookie: x=y.txt")
    made = ask(daemon, "PUT", "/a%0d%0aSet-Cookie:%20x=y%0d%0a.txt", b"x",
               {"Accept": "application/json"})
    check_name(daemon, made.json(), "aSet-Cookie: x=y.txt")


def test_bytes_that_are_no_text_are_left_out_of_a_name(daemon):
    made = post_form(daemon, part("file", b"x", b"a\xff\xfeb\xc3.txt"))
    assert made.status == 201
    check_name(daemon, made.json(), "ab.txt")
    made = ask(daemon, "PUT", "/a%ff%feb%c3.txt", b"x", {"Accept": "application/json"})
    check_name(daemon, made.json(), "ab.txt")


def test_a_file_without_a_name_is_called_file(daemon):
    for filename in (None, ""):
        made = post_form(daemon, part("file", b"x", filename))
        assert made.status == 201
        check_name(daemon, made.json(), "file")


def test_the_extended_form_of_a_name_wins(daemon):
    head = (b'Content-Disposition: form-data; name="file"; filename="plain.txt"; '
            b"filename*=UTF-8''%e2%82%ac%20rates.txt\r\n\r\n")
    made = post_form(daemon, head + b"x\r\n")
    assert made.status == 201, made.body
    check_name(daemon, made.json(), "€ rates.txt")
