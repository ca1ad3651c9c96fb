# SPDX-License-Identifier: Apache-2.0
"""Goal: Redis learns no code, name, type, hash or usable key, keeps nothing for ever, and nobody
learns its password."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import socket
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from conftest import ROOT, wait_for
from end_to_end import AGE_HEAD, age_like, new_meta, upload_e2e
from outages import Killed, OtherPassword, back, in_time, needs_store
from test_markers import faces, spellings
from wire import UNISSUED, ask, blob_of

MARK = secrets.token_hex(6)


def test_the_password_is_nowhere_to_be_seen(served):
    daemon, redis = served
    secret = redis.password
    marks = [secret.encode(), base64.b64encode(secret.encode())]
    receipt = daemon.upload(b"abc", uses="3")
    replies = []
    for outage in (Killed, OtherPassword):
        outage.begin(redis)
        try:
            replies += [in_time(daemon, *r) for r in needs_store(receipt)]
            replies.append(in_time(daemon, "GET", "/health/"))
            time.sleep(1.5)
        finally:
            outage.end(redis)
        back(daemon)
    shown = faces(daemon) + b"".join(r.body + repr(r.fields).encode() for r in replies)
    assert os.geteuid() != 0 or daemon.state.name.encode() in shown  # so it would be found
    assert not any(m in shown for m in marks)
    assert not any(m in daemon.store.raw() for m in marks)
    daemon.stop()
    log = "\n".join(daemon.lines).encode()
    assert b"redis_away" in log and b"redis_back" in log
    assert not any(m in log for m in marks) and redis.url().encode() not in log


class Monitor(threading.Thread):
    """Every command that Redis is given, as MONITOR shows it."""

    def __init__(self, redis):
        super().__init__(daemon=True)
        self.connection = redis.connect()
        assert self.connection("MONITOR") == "OK"
        self.lines = []
        self.start()

    def run(self):
        try:
            while line := self.connection.file.readline():
                self.lines.append(line)
        except (OSError, ValueError):
            pass

    def close(self):
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.join(10)
        self.connection.close()


NAME = f"NAME{MARK}NAME.png"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde"
CONTENT = PNG + f"CONTENT{MARK}CONTENT".encode() * 2000


def busy_run(daemon):
    """Something of everything: uploads that live on, that are leased, and that have ended."""
    made = [daemon.upload(CONTENT, name=NAME, uses="3") for _ in range(12)]
    assert made[0]["mime_type"] == "image/png"
    for n, r in enumerate(made):
        assert daemon.status(r["key"])["status"] == "active"
        if n % 2:
            assert ask(daemon, "GET", f"/preview/{r['key']}").status == 200
        if n % 3 == 0:
            assert daemon.download(r["key"]).content == CONTENT
        if n % 3 == 1:
            assert daemon.download(r["key"], Range="bytes=5-99").status_code == 206
        if n % 4 == 3:
            burn = {"Authorization": "Bearer " + r["burn_token"]}
            assert ask(daemon, "POST", f"/burn/{r['key']}", headers=burn).status == 200
    for _ in range(3):
        assert daemon.download(UNISSUED).status_code == 404
    return made


def windows(raw, n=32):
    return (raw[at:at + n] for at in range(len(raw) - n + 1))


def decoded(raw):
    """The bytes, and what stretches of hexadecimal and base64url digits in them stand for."""
    yield raw
    for digits in re.findall(rb"[0-9a-fA-F]{64,}", raw):
        yield bytes.fromhex(digits[:len(digits) // 2 * 2].decode())
    for text in re.findall(rb"[A-Za-z0-9_+/-]{43,}", raw):
        text = text.replace(b"+", b"-").replace(b"/", b"_")
        for skip in range(4):
            part_of = text[skip:]
            yield base64.urlsafe_b64decode(part_of[:len(part_of) // 4 * 4])


def opens(token, key):
    """Whether a key is that of a Fernet token in binary form: its first half makes the HMAC."""
    return hmac.compare_digest(hmac.new(key[:16], token[:-32], hashlib.sha256).digest(),
                               token[-32:])


def test_redis_learns_no_code_name_type_hash_or_usable_key(served):
    daemon, redis = served
    monitor = Monitor(redis)
    made = busy_run(daemon)
    metas = [new_meta(4096), new_meta(100)]
    for meta in metas:
        made.append(upload_e2e(daemon, age_like(), meta=meta, name=NAME, uses="2"))
        key = made[-1]["key"]
        assert ask(daemon, "GET", f"/preview/{key}").json()["meta"] == meta
        assert ask(daemon, "GET", f"/download/{key}")["X-Mayfly-Meta"] == meta
    small, blob = blob_of(daemon, b"a small one")  # to try many keys on
    sealed = daemon.store.sealed_token(small["key"])
    pepper = (daemon.state / "pepper").read_bytes()
    record_key = HKDF(hashes.SHA256(), 32, b"", b"mayfly record v1" + small["key"].encode()).derive(
        pepper)
    assert opens(sealed, record_key)  # so the search would find the key if it were there
    raw = redis.raw()
    monitor.close()
    sent = b"".join(monitor.lines)
    assert b"EVALSHA" in sent and sealed[-8:] in raw

    marks = [MARK.encode(), NAME.encode(), b"image/png", b"image", pepper, pepper.hex().encode(),
             AGE_HEAD[:60], b"octet-stream", *[m.encode() for m in metas]]
    for r in [*made, small]:
        marks += spellings(r["key"]) + [r["key"].encode(), r["burn_token"].encode(),
                                        r["sha256"].encode(), bytes.fromhex(r["sha256"]),
                                        base64.b64encode(bytes.fromhex(r["sha256"]))[:-1]]
    for mark in marks:
        assert mark not in raw and mark not in sent, mark
    token = blob.read_bytes()
    n = 0
    for piece in decoded(raw):
        for key in windows(piece):
            n += 1
            assert not opens(token, key) and not opens(sealed, key)
    assert n > 5000


def test_all_that_redis_has_ends_by_itself_and_has_its_documented_name(served):
    daemon, redis = served
    busy_run(daemon)
    found = redis.dump()
    kinds = {re.sub(rb"(?<=[:{])[0-9a-f]{32}", b"<id>", k) for k in found}
    assert {b"upload:{<id>}", b"sealed:{<id>}", b"leases:{<id>}", b"live:{mayfly}",
            b"fails:download:127.0.0.1"} <= kinds
    documented = (ROOT / "docs/formats-redis.md").read_text()
    for key, (_, ttl_ms, _) in found.items():
        assert ttl_ms > 0, (key, ttl_ms)
        kind = re.match(rb"[a-z]+:?", key)[0].decode()
        assert f"`{kind}" in documented, f"{kind} is not in docs/formats-redis.md"


def documented_rights():
    """The ACL rules that docs/operations.md gives to our user, without its password."""
    text = (ROOT / "docs/operations.md").read_text()
    return re.search(r"^user mayfly on >PASSWORD (.+)$", text, re.MULTILINE)[1].split()


def test_the_rights_that_the_documentation_names_suffice(make_daemon, redis):
    redis("ACL", "SETUSER", "mayfly", "reset", "on", ">word", *documented_rights())
    d = make_daemon({"REDIS_URL": redis.url(0, "mayfly", "word")})
    made = busy_run(d)
    burned = sum(d.status(r["key"])["status"] == "burned" for r in made)
    assert 0 < burned < len(made)
    wait_for(lambda: len(d.blobs()) == len(made) - burned, 20, "the burned blobs to be destroyed")
    assert ask(d, "GET", "/health/").json()["status"] == "healthy"
    d.stop()
    assert redis("ACL", "LOG") == []


def test_one_right_less_is_missed(make_daemon, redis):
    redis("ACL", "SETUSER", "mayfly", "reset", "on", ">word", *documented_rights(), "-hincrby")
    d = make_daemon({"REDIS_URL": redis.url(0, "mayfly", "word")})
    reply = d.download(d.upload(b"abc")["key"])
    assert (reply.status_code, reply.json()["error_code"]) == (503, "STORE_UNAVAILABLE")
    assert redis("ACL", "LOG") != []
