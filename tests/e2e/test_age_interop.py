# SPDX-License-Identifier: Apache-2.0
"""Goal: our age files are everybody's age files, and we refuse what is not one.

Debian's age tool, which shares none of our code, opens what we seal, and we open what it seals. It
asks for passphrases at its terminal only, so it gets one. A second implementation, the one that
makes tests/data/age, is set against ours at every size, and makes files that no tool makes.
"""

import importlib.util
import os
import pathlib
import shutil
import subprocess

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from stock_age import age_opens, at_terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / os.environ.get("MAYFLY_BUILD", "build/test") / "tests" / "age_tool"

KIB = 1024
CHUNK = 64 * KIB
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * KIB * KIB + 3]
PHRASE = "velvet-canyon-oboe-thrift-cargo-nine"


def load_maker():
    spec = importlib.util.spec_from_file_location("age_maker", ROOT / "tests/data/age/make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = load_maker()


def tool(verb, data, phrase=PHRASE, work=18):
    """Run our tool over `data`; its exit code and what it wrote."""
    done = subprocess.run([TOOL, verb, phrase, str(work)], input=data, capture_output=True,
                          timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


def age_seals(folder, plain, *options):
    source, target = folder / "in", folder / "out.age"
    source.write_bytes(plain)
    target.unlink(missing_ok=True)
    code, shown = at_terminal("age", "-p", *options, "-o", target, source, answers=[PHRASE] * 2)
    assert code == 0, shown
    return target.read_bytes()


def test_the_age_tool_is_there():
    assert shutil.which("age") is not None, "scripts/setup installs it"


@pytest.mark.parametrize("size", SIZES)
def test_age_opens_what_we_seal(size, tmp_path):
    plain = os.urandom(size)
    code, file = tool("seal", plain, work=15)
    assert code == 0
    assert age_opens(tmp_path, file, PHRASE) == plain


@pytest.mark.parametrize("work", [1, 9, 10, 18])
def test_age_opens_what_we_seal_with_every_work_factor(work, tmp_path):
    code, file = tool("seal", b"plain", work=work)
    assert code == 0
    assert age_opens(tmp_path, file, PHRASE) == b"plain"


def test_age_refuses_what_we_seal_under_another_passphrase_or_when_it_is_damaged(tmp_path):
    code, file = tool("seal", b"plain" * 20000, work=10)
    assert code == 0
    assert age_opens(tmp_path, file, "other") is None
    assert age_opens(tmp_path, file[:-1], PHRASE) is None
    assert age_opens(tmp_path, file[:-1] + bytes([file[-1] ^ 1]), PHRASE) is None
    assert age_opens(tmp_path, file, PHRASE) == b"plain" * 20000


@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_age_seals(size, tmp_path):
    plain = os.urandom(size)
    assert tool("open", age_seals(tmp_path, plain)) == (0, plain)


@pytest.mark.parametrize("size", [0, 100, CHUNK])
def test_we_open_what_age_seals_with_armor(size, tmp_path):
    plain = os.urandom(size)
    file = age_seals(tmp_path, plain, "-a")
    assert file.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert tool("open", file) == (0, plain)
    assert tool("open", file.replace(b"\n", b"\r\n")) == (0, plain)


def test_we_refuse_what_age_sealed_when_it_is_damaged_or_asks_for_too_much(tmp_path):
    plain = os.urandom(CHUNK + 10)
    file = age_seals(tmp_path, plain)
    assert tool("open", file, work=17) == (1, b"")
    assert tool("open", file, phrase="other") == (1, b"")
    assert tool("open", file[:-1]) == (1, plain[:CHUNK])
    assert tool("open", file[:200]) == (1, b"")
    assert tool("open", file + b"x") == (1, plain[:CHUNK])
    assert tool("open", file) == (0, plain)


# ---- against the implementation in Python ----


def sealed(plain, work=2):
    return maker.header(maker.scrypt(work, passphrase=PHRASE)) + maker.payload(plain)


def python_opens(file, work=2):
    """The plaintext of a file that we sealed, by the specification."""
    version, stanza, body, mac, rest = file.split(b"\n", 4)
    name, kind, salt, factor = stanza.split(b" ")
    assert (version, name, kind) == (b"age-encryption.org/v1", b"->", b"scrypt")
    assert factor == str(work).encode() and len(body) == len(mac) - 4 == 43 and len(salt) == 22
    salt = maker.base64.b64decode(salt + b"==")
    key = maker.hashlib.scrypt(PHRASE.encode(), salt=b"age-encryption.org/v1/scrypt" + salt,
                               n=1 << work, r=8, p=1, dklen=32)
    file_key = ChaCha20Poly1305(key).decrypt(bytes(12), maker.base64.b64decode(body + b"="), None)
    maced = file[:file.index(b"\n---") + 4]
    assert mac == b"--- " + maker.b64(
        maker.hmac.digest(maker.hkdf(file_key, b"", b"header"), maced, "sha256"))
    cipher = ChaCha20Poly1305(maker.hkdf(file_key, rest[:16], b"payload"))
    chunks = [rest[at:at + CHUNK + 16] for at in range(16, len(rest), CHUNK + 16)]
    return b"".join(cipher.decrypt(i.to_bytes(11, "big") + bytes([i == len(chunks) - 1]), c, None)
                    for i, c in enumerate(chunks))


@pytest.mark.parametrize("size", SIZES)
def test_python_opens_what_we_seal_and_we_what_python_seals(size):
    plain = os.urandom(size)
    code, file = tool("seal", plain, work=2)
    assert code == 0
    assert python_opens(file) == plain
    assert tool("open", sealed(plain)) == (0, plain)


def test_python_refuses_what_we_seal_when_it_is_damaged():
    code, file = tool("seal", b"plain", work=2)
    assert code == 0
    with pytest.raises(InvalidTag):
        python_opens(file[:-1] + bytes([file[-1] ^ 1]))


@pytest.mark.parametrize("size", [2 * CHUNK, 2 * CHUNK + 5])
def test_we_refuse_chunks_that_are_whole_but_not_as_they_should_be(size):
    plain = os.urandom(size)
    head = maker.header(maker.scrypt(2, passphrase=PHRASE)) + maker.START
    chunks = maker.chunks(plain)
    first = plain[:CHUNK]

    def opened(*parts):
        return tool("open", head + b"".join(parts))

    assert opened(*chunks) == (0, plain)
    assert opened(chunks[1], chunks[0], *chunks[2:]) == (1, b"")
    assert opened(chunks[0], chunks[0], *chunks[1:]) == (1, first)
    assert opened(*chunks[:-1]) == (1, plain[:CHUNK * (len(chunks) - 2)])
    assert opened(chunks[0], maker.chunk(1, True, b"")) == (1, first)
    assert opened(chunks[0], maker.chunk(1, False, plain[CHUNK:2 * CHUNK])) == (1, first)
    assert opened(maker.chunk(0, True, first), *chunks[1:]) == (1, b"")


def test_the_test_vectors_are_what_the_script_makes():
    folder = ROOT / "tests/data/age"
    kept = {f.name: f.read_bytes() for f in folder.iterdir() if f.is_file() and not f.suffix}
    assert dict(maker.vector_files()) == kept


# ---- memory ----


def peak_of(verb, data, path):
    """The most memory, in KiB, that the tool had while it worked through `data`."""
    path.write_bytes(data)
    with open(path, "rb") as stdin, open(os.devnull, "wb") as stdout:
        child = subprocess.Popen([TOOL, verb, PHRASE, "1"], stdin=stdin, stdout=stdout)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_file(tmp_path):
    small, large = bytes(KIB * KIB), bytes(48 * KIB * KIB)
    file = tool("seal", large, work=1)[1]
    for verb, few, many in (("seal", small, large),
                            ("open", tool("seal", small, work=1)[1], file),
                            ("open", maker.armor(tool("seal", small, work=1)[1]),
                             maker.armor(file))):
        grown = peak_of(verb, many, tmp_path / "f") - peak_of(verb, few, tmp_path / "f")
        assert grown < 4 * KIB, verb
