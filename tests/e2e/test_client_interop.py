# SPDX-License-Identifier: Apache-2.0
"""Goal: whoever has only curl and age opens what we send, and we open what they made: the client
speaks the formats of docs/end-to-end.md, not a dialect of its own."""

import os
import shutil

import pytest
import requests

from client import (INTEGRITY, LOCAL, USAGE, Client, age_file, draw, meta_of, upload_sealed,
                    vectors)
from stock_age import at_terminal
from terminal import run

AGE, CURL = shutil.which("age"), shutil.which("curl")
PLAIN = os.urandom(200_000)
PHRASE = "a phrase with blanks,  two of them twice"


def age_seals(client, plain, phrase, *options):
    source, target = client.top / "in", client.top / "out.age"
    source.write_bytes(plain)
    target.unlink(missing_ok=True)
    code, shown = at_terminal("age", "-p", *options, "-o", target, source, answers=[phrase] * 2)
    assert code == 0, shown
    return target.read_bytes()


class Shell:
    """The line that `send` shows, run by a shell at a terminal."""

    binary = "/bin/sh"

    def __init__(self, client):
        self.client = client

    def prepared(self, args, **how):
        shell = Client.__new__(Client)
        shell.binary, shell.env, shell.got = self.binary, self.client.env, self.client.got
        return shell.prepared(args, **how)


@pytest.mark.parametrize("content", [b"", b"x", PLAIN], ids=len)
def test_curl_and_age_open_what_was_sent(daemon, client, content):
    client.file("report.pdf", content)
    done = client.run("send", "report.pdf", cwd=client.files)
    code = done.text.strip()
    (line,) = [text.strip() for text in done.notes.splitlines() if "| age -d" in text]
    line = line[line.index("curl"):]
    assert f"{daemon.url}/download/{vectors.share_id(code)}" in line
    seen = run(Shell(client), "-c", line, answers=[(b"passphrase:", code, False)])
    assert seen.code == 0, seen.shown
    assert client.names() == ["report.pdf"]
    assert (client.got / "report.pdf").read_bytes() == content


def test_curl_alone_gets_what_was_sent_plain(daemon, client):
    client.file("report.pdf", PLAIN)
    done = client.run("send", "--plain", "report.pdf", cwd=client.files)
    (line,) = [text.strip() for text in done.notes.splitlines() if "curl -OJ" in text]
    seen = run(Shell(client), "-c", line[line.index("curl"):])
    assert seen.code == 0, seen.shown
    assert client.names() == ["report.pdf"] and (client.got / "report.pdf").read_bytes() == PLAIN


def test_what_stock_age_sealed_comes_out_of_get(daemon, client):
    code = draw()
    body = age_seals(client, PLAIN, code)
    upload_sealed(daemon.url, code, body, meta_of("report.pdf", PLAIN, "application/pdf"))
    client.get(code)
    assert (client.got / "report.pdf").read_bytes() == PLAIN


def test_what_was_sealed_without_details_comes_out_under_the_servers_name(daemon, client):
    code = draw()
    upload_sealed(daemon.url, code, age_file(code, PLAIN))
    done = client.get(code)
    assert client.names() == ["mayfly"] and (client.got / "mayfly").read_bytes() == PLAIN
    assert "gave no details" in done.notes


def test_details_that_do_not_fit_the_file_are_6(daemon, client):
    for wrong in (meta_of("report.pdf", PLAIN[:-1]), meta_of("report.pdf", PLAIN[:-1] + b"x"),
                  '{"name":"report.pdf"}', "no JSON"):
        code = draw()
        upload_sealed(daemon.url, code, age_file(code, PLAIN), wrong)
        client.get(code, code=INTEGRITY)
        assert client.names() == []


def test_a_file_sealed_with_other_words_is_6(daemon, client):
    code = draw()
    upload_sealed(daemon.url, code, age_file(draw(), PLAIN), meta_of("report.pdf", PLAIN))
    client.get(code, code=INTEGRITY)
    assert client.names() == []


def test_the_id_is_what_python_derives(daemon, client):
    client.file("report.pdf")
    sent = client.run("send", "--json", "report.pdf", cwd=client.files).json()
    key = vectors.share_id(sent["code"])
    seen = requests.get(f"{daemon.url}/preview/{key}", timeout=20).json()
    assert seen["key"] == key and seen["encryption"] == "age"


# ---- decrypt ----


def decrypt(client, *args, phrase=PHRASE, code=0, **how):
    """At a terminal, where it asks for the phrase; what came out of stdout."""
    seen = run(client, "decrypt", *args, out=True, answers=[(b":", phrase, False)], **how)
    assert seen.code == code, seen.shown
    assert phrase.encode() not in seen.shown
    return seen


def test_decrypt_opens_what_stock_age_sealed(client):
    file = client.file("sealed.age", age_seals(client, PLAIN, PHRASE))
    assert decrypt(client, file).out == PLAIN
    file = client.file("armored.age", age_seals(client, PLAIN, PHRASE, "-a"))
    decrypt(client, "-o", "opened", file)
    assert client.names() == ["opened"] and (client.got / "opened").read_bytes() == PLAIN


@pytest.mark.parametrize("armor", [lambda file: file, vectors.AGE.armor])
def test_decrypt_reads_pipes(client, armor):
    file = client.file("sealed.age", armor(age_file(PHRASE, PLAIN)))
    with open(file, "rb") as pipe:
        assert decrypt(client, stdin=pipe).out == PLAIN
    assert client.run("decrypt", file, data=PHRASE.encode() + b"\n").out == PLAIN


@pytest.mark.parametrize("spelling", [str, str.upper, lambda c: c.replace("-", " "),
                                      lambda c: " " + c.replace("-", ".") + " "])
def test_decrypt_takes_six_words_in_any_spelling(daemon, client, spelling):
    client.file("report.pdf", PLAIN)
    code = client.send("report.pdf")
    body = daemon.download(vectors.share_id(code)).content
    file = client.file("fetched", body)
    assert client.run("decrypt", file, data=spelling(code).encode() + b"\n").out == PLAIN
    with open(file, "rb") as pipe:
        assert decrypt(client, "-", phrase=spelling(code), stdin=pipe).out == PLAIN


def test_decrypt_takes_six_words_as_they_are_too(client):
    """A phrase that looks like a code but was typed otherwise when it was sealed."""
    phrase = draw().replace("-", " ")
    file = client.file("sealed.age", age_file(phrase, PLAIN))
    assert client.run("decrypt", file, data=phrase.encode() + b"\n").out == PLAIN
    with open(file, "rb") as pipe:
        assert decrypt(client, phrase=phrase, stdin=pipe).out == PLAIN


@pytest.mark.parametrize("damage", ["phrase", "cut", "flip", "more", "none"])
def test_decrypt_refuses_what_is_not_right(client, damage):
    body = age_file(PHRASE, PLAIN)
    body = {"phrase": body, "cut": body[:-1], "flip": body[:-20] + b"\0" + body[-19:],
            "more": body + b"x", "none": b"not an age file"}[damage]
    file = client.file("sealed.age", body)
    phrase = b"another" if damage == "phrase" else PHRASE.encode()
    done = client.run("decrypt", "-o", "out", file, data=phrase + b"\n", code=INTEGRITY)
    assert client.names() == [] and done.out == b""
    assert PHRASE not in done.notes


def test_decrypt_never_overwrites_but_by_force(client):
    file = client.file("sealed.age", age_file(PHRASE, PLAIN))
    (client.got / "out").write_bytes(b"mine")
    client.run("decrypt", "-o", "out", file, data=PHRASE.encode(), code=LOCAL)
    assert (client.got / "out").read_bytes() == b"mine"
    client.run("decrypt", "-f", "-o", "out", file, data=PHRASE.encode())
    assert (client.got / "out").read_bytes() == PLAIN


def test_decrypt_does_not_work_harder_than_allowed(client):
    file = client.file("sealed.age", age_file(PHRASE, b"plain", work=12))
    client.run("decrypt", "--max-work", "11", file, data=PHRASE.encode(), code=USAGE)
    assert client.run("decrypt", "--max-work", "12", file, data=PHRASE.encode()).out == b"plain"
    client.run("decrypt", "--max-work", "23", file, data=PHRASE.encode(), code=USAGE)


def test_decrypt_puts_no_binary_on_a_terminal(client):
    file = client.file("sealed.age", age_file(PHRASE, bytes(range(256)) * 100))
    seen = run(client, "decrypt", file, answers=[(b":", PHRASE, False)])
    assert seen.code == USAGE and b"\0" not in seen.shown and b"-o" in seen.shown
    file.write_bytes(age_file(PHRASE, b"but text\n"))
    seen = run(client, "decrypt", file, answers=[(b":", PHRASE, False)])
    assert seen.code == 0 and b"but text\r\n" in seen.shown
