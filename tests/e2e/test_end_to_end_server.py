# SPDX-License-Identifier: Apache-2.0
"""Goal: the server keeps what clients have encrypted under an id that they chose, on every route,
beside what it encrypts alone; never plaintext under that label, never two uploads under one id."""

import base64
import concurrent.futures
import hashlib
import os
import re
import socket
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from conftest import BUILD, wait_for
from end_to_end import AGE_HEAD, age_like, e2e_parts, new_id, new_meta, upload_e2e
from stock_age import at_terminal
from wire import ask, check_headers, check_refusal, form, part, post_form, recorded_blobs

WORDS = "velvet-canyon-oboe-thrift-cargo-nine"


def derived_id(words):
    raw = HKDF(hashes.SHA256(), 16, b"", b"mayfly e2e id v1").derive(words.encode())
    return base64.b32encode(raw).decode().lower().rstrip("=")


def age_file(plain, words=WORDS, work=1):
    """An age file that can be opened; made fast, unless `work` says otherwise."""
    return subprocess.run([BUILD / "tests" / "age_tool", "seal", words, str(work)], input=plain,
                          capture_output=True, timeout=60, check=True).stdout


def nothing_is_left(daemon):
    wait_for(lambda: not daemon.blobs(), 10, "no blob to be left")
    assert recorded_blobs(daemon) == set()


@pytest.fixture
def own(make_daemon):
    """A daemon for this test alone."""
    return make_daemon()


# ---- what goes in comes out ----

def test_what_age_has_sealed_opens_by_the_example_of_its_preview(daemon, tmp_path):
    plain = os.urandom(200_000)
    (tmp_path / "plain").write_bytes(plain)
    code, shown = at_terminal("age", "-p", "-o", str(tmp_path / "sealed"), str(tmp_path / "plain"),
                              answers=[WORDS, WORDS])
    assert code == 0, shown
    receipt = upload_e2e(daemon, (tmp_path / "sealed").read_bytes(), derived_id(WORDS), uses="2")
    example = ask(daemon, "GET", f"/preview/{receipt['key']}").json()["curl_example"]
    assert example == f"curl -fsS {daemon.url}/download/{receipt['key']} | age -d -o FILE"
    example = example.replace("FILE", str(tmp_path / "opened"))
    code, shown = at_terminal("sh", "-c", example, answers=["other-words-than-those"])
    assert code != 0 and not (tmp_path / "opened").exists(), shown
    code, shown = at_terminal("sh", "-c", example, answers=[WORDS])
    assert code == 0, shown
    assert (tmp_path / "opened").read_bytes() == plain


def test_the_receipt_names_the_id_and_no_link_with_words(daemon):
    key, meta, content = new_id(), new_meta(), age_file(b"plain")
    receipt = upload_e2e(daemon, content, key, meta, uses="3")
    assert set(receipt) == {"key", "download_url", "preview_url", "encryption", "expiry",
                            "created_at", "uses", "filename", "size", "mime_type", "sha256",
                            "burn_token"}
    assert (receipt["key"], receipt["encryption"], receipt["uses"]) == (key, "age", 3)
    assert receipt["download_url"] == f"{daemon.url}/download/{key}"
    assert receipt["preview_url"] == f"{daemon.url}/preview/{key}"
    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    assert receipt["size"] == len(content)
    assert receipt["mime_type"] == "application/octet-stream"


def test_a_ciphertext_that_looks_like_text_is_none(make_daemon):
    """Of short ones it is one in fifty, by chance."""
    content = AGE_HEAD + b"only letters, as luck would have it\n" * 2
    d = make_daemon({"ALLOWED_MIME_TYPES": "application/octet-stream"})
    receipt = upload_e2e(d, content)
    assert receipt["mime_type"] == "application/octet-stream"
    check_refusal(post_form(d, part("file", content, "a.age")), 415, "TYPE_NOT_ALLOWED")
    texts = make_daemon({"ALLOWED_MIME_TYPES": "text/plain"})
    refused = post_form(texts, part("file", content, "a.age"), *e2e_parts(new_id()))
    check_refusal(refused, 415, "TYPE_NOT_ALLOWED")


def test_a_download_brings_the_file_its_name_and_what_was_sealed(daemon):
    key, meta, content = new_id(), new_meta(), age_like()
    upload_e2e(daemon, content, key, meta, name="sealed.age")
    got = ask(daemon, "GET", f"/download/{key}")
    assert (got.status, got.body, got["X-Mayfly-Meta"]) == (200, content, meta)
    assert got["Content-Disposition"].startswith('attachment; filename="sealed.age"')
    assert got["Content-Type"] == "application/octet-stream"
    check_headers(got)
    assert ask(daemon, "GET", f"/download/{key}").status == 410
    assert daemon.status(key)["ended_by"] == "uses"


def test_without_metadata_nothing_speaks_of_it(daemon):
    key = upload_e2e(daemon, age_like())["key"]
    preview = ask(daemon, "GET", f"/preview/{key}").json()
    assert preview["encryption"] == "age" and "meta" not in preview
    got = ask(daemon, "GET", f"/download/{key}")
    assert got.status == 200 and got["X-Mayfly-Meta"] is None


@pytest.mark.parametrize("n", [1, 2, 4095, 4096])
def test_metadata_of_every_length_comes_back_as_it_was(daemon, n):
    key, meta = new_id(), new_meta(n)
    upload_e2e(daemon, age_like(), key, meta, name="n" * 255)
    preview = ask(daemon, "GET", f"/preview/{key}")
    assert preview.json()["meta"] == meta and preview.json()["filename"] == "n" * 255
    got = ask(daemon, "GET", f"/download/{key}")
    assert (got.status, got["X-Mayfly-Meta"]) == (200, meta)
    check_headers(got)


def test_metadata_comes_with_every_part_of_a_download(daemon):
    key, meta, content = new_id(), new_meta(), age_like(100_000)
    upload_e2e(daemon, content, key, meta)
    for first, last in ((0, 9), (10, 99_999), (100_000, len(content) - 1)):
        got = ask(daemon, "GET", f"/download/{key}", headers={"Range": f"bytes={first}-{last}"})
        assert (got.status, got.body, got["X-Mayfly-Meta"]) == (206, content[first:last + 1], meta)


def test_codes_and_ids_live_side_by_side(daemon):
    content, sealed, key = b"plain for all to read", age_like(), new_id()
    coded = daemon.upload(content, uses="2")
    upload_e2e(daemon, sealed, key, new_meta(), uses="2")
    plain_preview = ask(daemon, "GET", f"/preview/{coded['key']}").json()
    assert not {"encryption", "meta"} & set(plain_preview)
    assert plain_preview["curl_example"].startswith("curl -OJ ")
    for _ in range(2):
        assert daemon.download(coded["key"]).content == content
        assert daemon.download(key).content == sealed
    assert ask(daemon, "GET", f"/download/{coded['key']}")["X-Mayfly-Meta"] is None
    assert daemon.download(key).status_code == 410


def test_an_upload_survives_a_restart(own):
    key, meta, content = new_id(), new_meta(), age_like()
    upload_e2e(own, content, key, meta)
    own.stop()
    own.start()
    got = ask(own, "GET", f"/download/{key}")
    assert (got.status, got.body, got["X-Mayfly-Meta"]) == (200, content, meta)


# ---- pages ----

def test_pages_say_that_the_file_is_encrypted_and_take_nothing(daemon):
    key, content = new_id(), age_like()
    page = {"Accept": "text/html"}
    made = post_form(daemon, part("file", content, "a.age"), *e2e_parts(key), headers=page)
    assert made.status == 201
    shown = made.body.decode()
    assert "encrypted end to end" in shown and "/#" not in shown
    assert f"/download/{key}" in shown
    for target in (f"/download/{key}", f"/preview/{key}"):
        got = ask(daemon, "GET", target, headers=page)
        assert got.status == 200 and b"encrypted end to end" in got.body
        assert f'action="/download/{key}"'.encode() in got.body
    bot = ask(daemon, "GET", f"/download/{key}", headers={"User-Agent": "Slackbot 1.0"})
    assert bot.status == 200 and bot.body != content
    assert ask(daemon, "POST", f"/download/{key}").body == content
    code = daemon.upload(b"plain")["key"]
    assert b"end to end" not in ask(daemon, "GET", f"/download/{code}", headers=page).body


# ---- refusals, each beside what is taken ----

GOOD_ID = "abcdefghijklmnopqrstuvwxy4"
BAD_FIELDS = {
    "no encryption": [("id", GOOD_ID)],
    "no id": [("encryption", "age")],
    "metadata alone": [("meta", "AAAA")],
    "metadata without encryption": [("id", GOOD_ID), ("meta", "AAAA")],
    "metadata without id": [("encryption", "age"), ("meta", "AAAA")],
    "another encryption": [("id", GOOD_ID), ("encryption", "pgp")],
    "encryption in capitals": [("id", GOOD_ID), ("encryption", "AGE")],
    "encryption empty": [("id", GOOD_ID), ("encryption", "")],
    "id empty": [("id", ""), ("encryption", "age")],
    "id short": [("id", GOOD_ID[:-1]), ("encryption", "age")],
    "id long": [("id", GOOD_ID + "a"), ("encryption", "age")],
    "id in capitals": [("id", GOOD_ID.upper()), ("encryption", "age")],
    "id with unused bits": [("id", GOOD_ID[:-1] + "z"), ("encryption", "age")],
    "id with a blank": [("id", " " + GOOD_ID), ("encryption", "age")],
    "id as a code": [("id", "zoom-zoom-zoom-zoom"), ("encryption", "age")],
    "metadata empty": [("id", GOOD_ID), ("encryption", "age"), ("meta", "")],
    "metadata padded": [("id", GOOD_ID), ("encryption", "age"), ("meta", "AAA=")],
    "metadata in base64": [("id", GOOD_ID), ("encryption", "age"), ("meta", "AA+/")],
    "metadata with a line end": [("id", GOOD_ID), ("encryption", "age"), ("meta", "AA\r\nX: y")],
    "metadata too long": [("id", GOOD_ID), ("encryption", "age"), ("meta", "A" * 4097)],
    "id twice": [("id", GOOD_ID), ("id", GOOD_ID), ("encryption", "age")],
}


@pytest.mark.parametrize("why", BAD_FIELDS)
def test_fields_that_do_not_go_together_leave_nothing(own, why):
    fields = [part(*f) for f in BAD_FIELDS[why]]
    file = part("file", age_like(), "a.age")
    for parts in ([file, *fields], [*fields, file]):
        check_refusal(post_form(own, *parts), 422, "INVALID_FIELD")
    nothing_is_left(own)
    assert own.status(GOOD_ID)["status"] == "unknown"
    assert upload_e2e(own, age_like(), GOOD_ID, "AAAA")["key"] == GOOD_ID


def test_fields_are_taken_in_any_order_and_in_a_body_without_length(daemon):
    content = age_like()
    file = part("file", content, "a.age")
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 0, 1)):
        key, meta = new_id(), new_meta()
        parts = [file, *e2e_parts(key, meta)]
        body, content_type = form(*[parts[i] for i in order])
        headers = {"Content-Type": content_type, "Transfer-Encoding": "chunked"}
        pieces = (body[i:i + 1000] for i in range(0, len(body), 1000))
        got = ask(daemon, "POST", "/upload/", pieces, headers)
        assert got.status == 201, got.body
        again = ask(daemon, "GET", f"/download/{key}")
        assert (again.body, again["X-Mayfly-Meta"]) == (content, meta)


NOT_AGE = {
    "plaintext": b"a letter to a friend\n" * 500, "nothing": b"",
    "the version alone": b"age-encryption.org/v1\n",
    "a header cut short": AGE_HEAD[:-1],
    "for a key": b"age-encryption.org/v1\n-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n--- " +
                 b"A" * 43 + b"\n" + bytes(100),
    "armored": b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCg==\n"
               b"-----END AGE ENCRYPTED FILE-----\n",
    "a work factor that nobody bears": AGE_HEAD.replace(b" 15\n", b" 23\n") + bytes(100),
    "something in front": b"\n" + AGE_HEAD,
}


@pytest.mark.parametrize("what", NOT_AGE)
def test_what_does_not_begin_as_an_age_file_leaves_nothing(own, what):
    key = new_id()
    file = part("file", NOT_AGE[what], "a.age")
    for parts in ([file, *e2e_parts(key, new_meta())], [*e2e_parts(key), file]):
        check_refusal(post_form(own, *parts), 422, "NOT_AGE")
    nothing_is_left(own)
    assert own.status(key)["status"] == "unknown"
    assert post_form(own, file).status == 201  # as what it is, it is welcome
    upload_e2e(own, age_like(), key)  # and the id is still free


def test_raw_uploads_have_no_end_to_end_mode(daemon):
    key = new_id()
    got = ask(daemon, "PUT", "/a.age", age_like(), {
        "Accept": "application/json", "id": key, "X-Id": key, "encryption": "age",
        "X-Encryption": "age"})
    assert got.status == 201 and got.json()["key"] != key
    assert "encryption" not in got.json() and "share_url" in got.json()
    assert daemon.status(key)["status"] == "unknown"


def test_an_allow_list_holds_for_what_is_encrypted(make_daemon):
    d = make_daemon({"ALLOWED_MIME_TYPES": "image/*"})
    refused = post_form(d, part("file", age_like(), "a.png"), *e2e_parts(new_id()))
    check_refusal(refused, 415, "TYPE_NOT_ALLOWED")
    nothing_is_left(d)
    d.stop()
    d.settings["ALLOWED_MIME_TYPES"] = "image/*, application/octet-stream"
    d.start()
    assert upload_e2e(d, age_like())["mime_type"] == "application/octet-stream"


# ---- one upload for one id ----

def check_in_use(daemon, key):
    content = age_like()
    for parts in ([part("file", content, "b.age"), *e2e_parts(key, new_meta())],
                  [*e2e_parts(key), part("file", content, "b.age")]):
        check_refusal(post_form(daemon, *parts), 409, "ID_IN_USE")


def test_an_id_in_use_is_refused_and_its_upload_is_as_it_was(own):
    key, meta, content = new_id(), new_meta(), age_like()
    receipt = upload_e2e(own, content, key, meta)
    check_in_use(own, key)
    wait_for(lambda: len(own.blobs()) == 1, 10, "the blobs of what was refused to go")
    got = ask(own, "GET", f"/download/{key}")
    assert (got.status, got.body, got["X-Mayfly-Meta"]) == (200, content, meta)
    burn = {"Authorization": "Bearer " + receipt["burn_token"]}
    assert ask(own, "POST", f"/burn/{key}", headers=burn).status == 410


@pytest.mark.parametrize("how", ["uses", "revoked", "expiry"])
def test_an_id_that_has_ended_is_refused_until_its_tombstone_is_gone(own, how):
    key = new_id()
    receipt = upload_e2e(own, age_like(), key)
    if how == "uses":
        assert own.download(key).status_code == 200
    elif how == "revoked":
        burn = {"Authorization": "Bearer " + receipt["burn_token"]}
        assert ask(own, "POST", f"/burn/{key}", headers=burn).status == 200
    else:
        own.stop()
        own.store.end_at(int(time.time()) - 5, key)
        own.start()
    wait_for(lambda: own.status(key).get("ended_by") == how, 10, "its end")
    check_in_use(own, key)
    wait_for(lambda: not own.blobs(), 10, "all blobs to go")
    assert own.status(key)["ended_by"] == how
    own.stop()
    own.store.end_tombstones()
    own.start()
    content = age_like()
    upload_e2e(own, content, key)
    assert own.download(key).content == content


def test_of_uploads_of_one_id_at_the_same_moment_one_wins(own):
    for _ in range(5):
        key, contents = new_id(), [age_like() for _ in range(8)]
        with concurrent.futures.ThreadPoolExecutor(len(contents)) as pool:
            got = list(pool.map(lambda c: post_form(own, part("file", c, "a.age"),
                                                    *e2e_parts(key)), contents))
        assert sorted(r.status for r in got) == [201] + [409] * (len(contents) - 1)
        (winner,) = [c for c, r in zip(contents, got) if r.status == 201]
        assert own.download(key).content == winner
    nothing_is_left(own)


# ---- life ----

def test_a_broken_download_of_an_id_is_continued_within_its_use(own):
    key, content = new_id(), age_like(3_000_000)
    upload_e2e(own, content, key, new_meta())
    with own.connect() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        s.sendall(f"GET /download/{key} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        raw = b""
        while len(raw) < 200_000:
            raw += s.recv(65536)
    head, _, had = raw.partition(b"\r\n\r\n")
    tag = re.search(rb'ETag: ("[0-9a-f]{32}")', head)[1].decode()
    headers = {"Range": f"bytes={len(had)}-", "If-Range": tag}
    got = wait_for(lambda: (r := ask(own, "GET", f"/download/{key}", headers=headers))
                   .status == 206 and r, 10, "the lease")
    assert had + got.body == content
    assert got["ETag"] == tag
    assert ask(own, "GET", f"/download/{key}", source="127.0.0.2", headers=headers).status == 410


def test_status_and_burning_take_an_id(daemon):
    key = new_id()
    receipt = upload_e2e(daemon, age_like(), key, uses="2")
    status = daemon.status(key)
    assert (status["key"], status["status"], status["remaining_uses"]) == (key, "active", 2)
    wrong = {"Authorization": "Bearer " + base64.urlsafe_b64encode(bytes(32)).decode()[:43]}
    check_refusal(ask(daemon, "POST", f"/burn/{key}", headers=wrong), 401, "UNAUTHORIZED")
    right = {"Authorization": "Bearer " + receipt["burn_token"]}
    burned = ask(daemon, "POST", f"/burn/{key}", headers=right)
    assert burned.status == 200 and burned.json()["key"] == key
    check_refusal(ask(daemon, "GET", f"/download/{key}"), 410, "GONE", "ended_at", "ended_by")


def test_a_preview_is_given_once(daemon):
    key = upload_e2e(daemon, age_like(), meta=new_meta())["key"]
    assert ask(daemon, "GET", f"/preview/{key}").status == 200
    check_refusal(ask(daemon, "GET", f"/preview/{key}"), 410, "PREVIEW_TAKEN")


# ---- the guard ----

def test_unknown_ids_are_failures_and_what_cannot_be_one_is_not(own):
    key = new_id()
    upload_e2e(own, age_like(), key)
    for bad in (GOOD_ID.upper(), GOOD_ID[:-1], GOOD_ID + "a", GOOD_ID[:-1] + "z", "0" * 26) * 4:
        check_refusal(ask(own, "GET", f"/download/{bad}"), 404, "NOT_FOUND")
        assert own.status(bad) == {"key": None, "status": "unknown", "remaining_uses": 0,
                                   "is_accessible": False}
    for _ in range(10):
        check_refusal(ask(own, "GET", f"/download/{new_id()}"), 404, "NOT_FOUND")
    check_refusal(ask(own, "GET", f"/download/{key}"), 429, "BLOCKED")
    assert ask(own, "GET", f"/preview/{key}").status == 200  # an action of its own
    assert ask(own, "GET", f"/download/{key}", source="127.0.0.2").status == 200
