# SPDX-License-Identifier: Apache-2.0
"""Goal: what docs/end-to-end.md says is enough to read an upload without a line of our code.

Everything in tests/data/e2e-vectors.json is derived again, by HMAC and `cryptography` alone, and
opened: metadata with a reader of JSON that knows nothing of ours, age files with Debian's age."""

import base64
import hashlib
import hmac
import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stock_age import age_opens

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests/data/make-e2e-vectors.py"
KEPT = ROOT / "tests/data/e2e-vectors.json"
DATA = json.loads(KEPT.read_text())
VECTORS = DATA["vectors"]
WITH_FILE = [v for v in VECTORS if "age" in v]
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def hkdf(code, info, length):
    """RFC 5869 with SHA-256 and an empty salt; the script of the vectors has another."""
    key = hmac.digest(bytes(32), code.encode(), "sha256")
    assert length <= 32
    return hmac.digest(key, info.encode() + b"\x01", "sha256")[:length]


def base32(data):
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(ALPHABET[int(bits[at:at + 5], 2)] for at in range(0, len(bits), 5))


def unsealed(code, sealed):
    """The JSON that was sealed under the code; ValueError or InvalidTag when there is none."""
    if len(sealed) > 4096 or not re.fullmatch(r"[A-Za-z0-9_-]*", sealed) or len(sealed) % 4 == 1:
        raise ValueError("not base64url, or too long")
    data = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars="-_", validate=True)
    return AESGCM(hkdf(code, "mayfly e2e meta v1", 32)).decrypt(data[:12], data[12:], None)


def strict(pairs):
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def read_meta(text):
    """ValueError, AssertionError or KeyError when it is not the JSON of the format."""
    meta = json.loads(text.decode(), object_pairs_hook=strict)
    assert isinstance(meta, dict)
    for name, longest in {"name": 255, "type": 127}.items():
        assert isinstance(meta[name], str) and "\0" not in meta[name]
        assert len(meta[name].encode()) <= longest
    assert type(meta["size"]) is int and 0 <= meta["size"] < 2**63
    assert re.fullmatch("[0-9a-f]{64}", meta["sha256"])
    return meta


def test_there_are_vectors_of_every_kind():
    assert len(VECTORS) >= 8 and len(WITH_FILE) == 2
    assert any(not v["name"].isascii() for v in VECTORS)
    assert max(len(v["code"]) for v in VECTORS) == 6 * 9 + 5  # nine letters are the longest word
    assert len({v["id"] for v in VECTORS}) == len({v["nonce"] for v in VECTORS}) == len(VECTORS)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_everything_is_derived_again(vector):
    code = vector["code"]
    assert re.fullmatch("[a-z]{2,16}(-[a-z]{2,16}){5}", code) and vector["passphrase"] == code
    assert base32(hkdf(code, "mayfly e2e id v1", 16)) == vector["id"]
    assert hkdf(code, "mayfly e2e meta v1", 32).hex() == vector["meta_key"]
    assert base64.urlsafe_b64decode(vector["sealed"][:16]).hex() == vector["nonce"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_metadata_opens_and_no_other_code_opens_it(vector):
    text = unsealed(vector["code"], vector["sealed"])
    assert text.decode() == vector["meta"]
    assert read_meta(text) == {k: vector[k] for k in ("name", "type", "size", "sha256")}
    for other in VECTORS:
        if other is not vector:
            with pytest.raises(InvalidTag):
                unsealed(other["code"], vector["sealed"])


@pytest.mark.parametrize("vector", DATA["refused"], ids=lambda v: v["why"])
def test_what_must_be_refused_is_refused(vector):
    with pytest.raises((ValueError, AssertionError, KeyError, TypeError, InvalidTag)):
        read_meta(unsealed(vector["code"], vector["sealed"]))


def is_id(text):
    if len(text) != 26 or not set(text) <= set(ALPHABET):
        return False
    number = int("".join(f"{ALPHABET.index(c):05b}" for c in text)[:128], 2)
    return base32(number.to_bytes(16, "big")) == text


@pytest.mark.parametrize("vector", DATA["not_ids"], ids=lambda v: v["why"])
def test_no_bytes_have_such_an_id(vector):
    assert not is_id(vector["id"])


def test_ids_of_the_vectors_are_those_of_16_bytes():
    assert all(is_id(v["id"]) for v in VECTORS)


# ---- the files ----


def test_the_age_tool_is_there():
    assert shutil.which("age") is not None, "scripts/setup installs it"


@pytest.mark.parametrize("vector", WITH_FILE, ids=lambda v: v["id"])
def test_stock_age_opens_the_files_with_the_words_and_with_no_others(vector, tmp_path):
    plain = base64.b64decode(vector["plain"])
    file = base64.b64decode(vector["age"])
    assert age_opens(tmp_path, file, vector["code"]) == plain
    assert age_opens(tmp_path, file, vector["code"].replace("-", " ")) is None
    assert age_opens(tmp_path, file, vector["id"]) is None
    assert len(plain) == vector["size"]
    assert hashlib.sha256(plain).hexdigest() == vector["sha256"]


@pytest.mark.parametrize("vector", WITH_FILE, ids=lambda v: v["id"])
def test_the_files_have_the_length_and_the_work_factor_that_the_page_tells(vector):
    file = base64.b64decode(vector["age"])
    lines = file.split(b"\n", 2)
    assert len(file) == 150 + 16 + vector["size"] + 16
    assert lines[0] == b"age-encryption.org/v1"
    assert re.fullmatch(rb"-> scrypt [A-Za-z0-9+/]{22} 15", lines[1])


# ---- the vectors, and the page that tells of them ----


def test_the_vectors_are_what_the_script_makes():
    spec = importlib.util.spec_from_file_location("e2e_vectors", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    assert module.text_of(module.document()) == KEPT.read_text()


def test_the_shell_lines_of_the_page_give_the_id_of_the_first_vector(tmp_path):
    page = (ROOT / "docs/end-to-end.md").read_text()
    lines = re.search(r"```sh\n(words=.*?)```", page, re.DOTALL)[1]
    done = subprocess.run(["bash", "-euc", lines], cwd=tmp_path, capture_output=True, text=True,
                          timeout=60, check=True)
    assert done.stdout.strip() == VECTORS[0]["id"]
    assert VECTORS[0]["code"] in lines
