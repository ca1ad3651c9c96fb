# SPDX-License-Identifier: Apache-2.0
"""Goal: our Fernet tokens are everybody's Fernet tokens.

Python's cryptography, an implementation that shares none of our code, opens what we seal, and we
open what it seals, by each of our ways in and out. Ours are in binary form: base64url of them is
what Fernet libraries call a token.
"""

import base64
import os
import pathlib
import subprocess
import time

import pytest
from cryptography.fernet import Fernet, InvalidToken

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("MAYFLY_BUILD", "build/test") / "tests" / "fernet_tool"

KIB = 1024
SIZES = [0, 1, 15, 16, 17, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, KIB * KIB + 3]
SEALERS = ["seal", "seal-small"]
OPENERS = ["open-small", "open-source", "open-verified"]


def tool(verb, key, data):
    """Run the tool over `data`; its exit code and what it wrote."""
    done = subprocess.run(
        [TOOL, verb, key.decode()], input=data, capture_output=True, timeout=60, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


@pytest.fixture(name="key")
def fixture_key():
    return Fernet.generate_key()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("verb", SEALERS)
def test_python_opens_what_we_seal(verb, size, key):
    plain = os.urandom(size)
    before = int(time.time())
    code, token = tool(verb, key, plain)
    assert code == 0
    text = base64.urlsafe_b64encode(token)
    assert Fernet(key).decrypt(text, ttl=60) == plain
    assert before <= Fernet(key).extract_timestamp(text) <= int(time.time())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("verb", OPENERS)
def test_we_open_what_python_seals(verb, size, key):
    plain = os.urandom(size)
    token = base64.urlsafe_b64decode(Fernet(key).encrypt(plain))
    assert tool(verb, key, token) == (0, plain)


@pytest.mark.parametrize("verb", SEALERS)
def test_python_refuses_what_we_seal_under_another_key(verb, key):
    code, token = tool(verb, key, b"plain")
    assert code == 0
    with pytest.raises(InvalidToken):
        Fernet(Fernet.generate_key()).decrypt(base64.urlsafe_b64encode(token))


@pytest.mark.parametrize("size", [0, 17, 64 * KIB, KIB * KIB + 3])
@pytest.mark.parametrize("verb", OPENERS)
def test_we_refuse_what_python_sealed_when_it_is_damaged_or_under_another_key(verb, size, key):
    token = bytearray(base64.urlsafe_b64decode(Fernet(key).encrypt(os.urandom(size))))
    assert tool(verb, Fernet.generate_key(), bytes(token))[0] == 1
    for at in (0, 5, 20, 30, len(token) - 40, len(token) - 1):
        damaged = bytearray(token)
        damaged[at] ^= 0x10
        assert tool(verb, key, bytes(damaged)) == (1, b""), at
    assert tool(verb, key, bytes(token[:-1])) == (1, b"")
    assert tool(verb, key, bytes(token[:-16])) == (1, b"")
    assert tool(verb, key, bytes(token))[0] == 0


@pytest.mark.parametrize("verb", OPENERS)
def test_the_age_of_a_token_is_not_judged(verb, key):
    token = Fernet(key).encrypt_at_time(b"old", 1)
    assert tool(verb, key, base64.urlsafe_b64decode(token)) == (0, b"old")
