#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Make tests/data/e2e-vectors.json from docs/end-to-end.md, with Python's cryptography, so that
none of our C is judged by itself. The same bytes every time.

  vectors   codes, and what is derived from them: the id, the passphrase of the age file, the key of
            the metadata (hex), and metadata under that key with a given nonce (hex). Two have an
            age file (base64) and its plaintext (base64).
  refused   sealed metadata that does not open with the code beside it, and why; readers of JSON
            that cannot tell may let those pass that have `may_pass`
  not_ids   texts of about the form of an id that are none, and why

usage: tests/data/make-e2e-vectors.py   (rewrites e2e-vectors.json)"""

import base64
import hashlib
import importlib.util
import json
import pathlib
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FOLDER = pathlib.Path(__file__).resolve().parent
TARGET = FOLDER / "e2e-vectors.json"
WORK = 15
CODE = "velvet-canyon-oboe-thrift-cargo-ember"
MAY_PASS = ("a field twice", "a size with a point", "half of a surrogate pair",
            f"size is {2**63}")  # JSON.parse of a browser takes them


def load_age():
    spec = importlib.util.spec_from_file_location("age_maker", FOLDER / "age/make.py")
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


AGE = load_age()


def derive(code, info, length):
    return HKDF(SHA256(), length, None, info).derive(code.encode())


def share_id(code):
    return base64.b32encode(derive(code, b"mayfly e2e id v1", 16)).decode().rstrip("=").lower()


def meta_key(code):
    return derive(code, b"mayfly e2e meta v1", 32)


def nonce_of(code):
    return hashlib.sha256(b"nonce of " + code.encode()).digest()[:12]


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def seal(code, text):
    nonce = nonce_of(code)
    return b64url(nonce + AESGCM(meta_key(code)).encrypt(nonce, text, None))


def meta_json(name, kind, size, sha256):
    return json.dumps({"name": name, "type": kind, "size": size, "sha256": sha256},
                      separators=(",", ":"), ensure_ascii=False)


def age_file(code, plain):
    salt = hashlib.sha256(b"salt of " + code.encode()).digest()[:16]
    return AGE.header(AGE.scrypt(WORK, salt=salt, passphrase=code)) + AGE.payload(plain)


def vector(code, name, kind, size, plain=None):
    """With `plain` its length counts, and there is an age file of it."""
    content = code.encode() if plain is None else plain
    size = size if plain is None else len(plain)
    sha256 = hashlib.sha256(content).hexdigest()
    text = meta_json(name, kind, size, sha256)
    made = {"code": code, "id": share_id(code), "passphrase": code, "meta_key": meta_key(code).hex(),
            "nonce": nonce_of(code).hex(), "name": name, "type": kind, "size": size,
            "sha256": sha256, "meta": text, "sealed": seal(code, text.encode())}
    if plain is not None:
        made["plain"] = base64.b64encode(plain).decode()
        made["age"] = base64.b64encode(age_file(code, plain)).decode()
    return made


def vectors():
    yield vector(CODE, "report.pdf", "application/pdf", 0, b"%PDF-1.7 not really\n" * 20)
    yield vector("aim-art-bok-cod-cut-dab", "empty", "application/octet-stream", 0, b"")
    # the longest that words of this list can be
    yield vector("abdominal-acclimate-accompany-activator-acuteness-aerospace", "photos.tar",
                 "application/x-tar", 2**63 - 1)
    yield vector("ember-cargo-thrift-oboe-canyon-velvet", "Übergrößen – 日本語 🐝.txt", "text/plain",
                 4 * 1024**3)
    yield vector("zoom-zoom-zoom-zoom-zoom-zoom", "quote \" slash / back \\ tab \t bell \a del \x7f",
                 "text/plain; charset=utf-8", 1)
    yield vector("dropdown-yoyo-tshirt-felttip-tulip-plank", "n" * 255, "t" * 127, 65536)
    # the longest metadata that there can be: every character is written as six (without a letter,
    # as writers of JSON differ in its case)
    yield vector("hazy-abacus-zoning-aroma-goldfish-tulip", "\x01" * 255, "\x02" * 127, 2**63 - 1)
    yield vector("oboe-oboe-canyon-canyon-velvet-velvet", "", "", 0)
    yield vector("plank-tulip-hazy-ember-cargo-zoom", "../../etc/passwd", "text/html", 2**32)


def damaged(sealed):
    """One bit of every part that a reader may forget: nonce, ciphertext, tag."""
    data = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    for part, at in {"nonce": 0, "ciphertext": 12, "tag": len(data) - 1}.items():
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        yield f"a flipped bit in the {part}", b64url(flipped)
    yield "cut at the end", b64url(data[:-1])
    yield "cut at the start", b64url(data[1:])
    yield "a byte too many", b64url(data + b"\0")
    yield "nothing but the nonce and a tag of it", b64url(data[:28])
    yield "nothing", ""
    yield "padding", sealed + "=" * (-len(sealed) % 4)
    yield "not base64url", sealed[:-4] + "+/+/"
    yield "longer than 4096 characters", b64url(data + bytes(3073))


def wrong_json():
    good = json.loads(meta_json("report.pdf", "application/pdf", 5, "0" * 64))
    texts = {"not JSON": b"name=report.pdf", "no JSON at all": b"", "not an object": b'["report.pdf"]',
             "JSON that goes on": json.dumps(good).encode() + b"{}",
             "a field twice": json.dumps(good).encode()[:-1] + b',"size":6}',
             "not UTF-8": json.dumps(good).replace("report", "rep\xffort").encode("latin-1"),
             "a size with a point": json.dumps(good).replace(": 5", ": 5.0").encode(),
             "half of a surrogate pair": json.dumps({**good, "name": "\ud800"}).encode()}
    for name in good:
        rest = {k: v for k, v in good.items() if k != name}
        texts[f"no {name}"] = json.dumps(rest).encode()
        texts[f"{name} is null"] = json.dumps({**good, name: None}).encode()
    for name, values in {"size": [-1, 2**63, True, "5", [5]],
                         "name": [5, "n" * 256, "report\0.pdf", ["report.pdf"]],
                         "type": [5, "t" * 128, "text/plain\0"],
                         "sha256": [0, "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 63 + "\0"],
                         }.items():
        for value in values:
            shown = repr(value)
            if len(shown) > 40:
                shown = f"{len(value)} characters, from {value[0]!r} to {value[-1]!r}"
            texts[f"{name} is {shown}"] = json.dumps({**good, name: value}).encode()
    assert all(why in texts for why in MAY_PASS)
    return texts


def refused():
    sealed = seal(CODE, meta_json("reports.pdf", "application/pdf", 5, "0" * 64).encode())
    assert len(sealed) % 4 != 0  # there is padding to leave out
    for why, text in damaged(sealed):
        yield {"why": why, "code": CODE, "sealed": text}
    yield {"why": "another code", "code": "ember-canyon-oboe-thrift-cargo-velvet", "sealed": sealed}
    for why, text in wrong_json().items():
        made = {"why": why, "code": CODE, "sealed": seal(CODE, text)}
        yield {**made, "may_pass": True} if why in MAY_PASS else made


def not_ids():
    good = share_id(CODE)
    digits = "abcdefghijklmnopqrstuvwxyz234567"
    for bits in (1, 2, 3):
        tail = digits[digits.index(good[-1]) | bits]
        yield {"why": f"bits {bits:02b} behind the last byte", "id": good[:-1] + tail}
    yield {"why": "a character short", "id": good[:-1]}
    yield {"why": "a character long", "id": good + "a"}
    yield {"why": "a digit that base32 has not", "id": "1" + good[1:]}
    yield {"why": "padding", "id": good + "======"}


def document():
    return {"about": "Written by make-e2e-vectors.py; docs/end-to-end.md says what it is.",
            "vectors": list(vectors()), "refused": list(refused()), "not_ids": list(not_ids())}


def text_of(what):
    return json.dumps(what, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text_of(document()), encoding="ascii")
