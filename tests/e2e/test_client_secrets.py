# SPDX-License-Identifier: Apache-2.0
"""Goal: of an end-to-end upload the server's disk, its store, its log and the network between have
neither the content, nor the name, nor any two neighbouring words of the code, in any spelling that
a search would think of; nor has the sender's own state. The same search finds all that is plain."""

import base64
import json
import os
import secrets
import urllib.parse

import pytest

from client import GONE, Client, draw, vectors
from middlemen import Tap

MARK = secrets.token_hex(8)
CONTENT_MARK = f"CONTENT{MARK}CONTENT"
NAME_MARK = f"name {MARK} of ü"
CONTENT = (CONTENT_MARK + "\n").encode() * 10_000


def in_base64(data):
    """The characters that stand for `data` whatever stands in front of it or behind."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data)
        first = -(-shift * 8 // 6)  # characters that hold bits of what is in front
        last = (shift + len(data)) * 8 // 6
        yield text[first:last]
        yield text[first:last].translate(bytes.maketrans(b"+/", b"-_"))


def forms_of(text):
    """A mark as it could stand somewhere."""
    data = text.encode()
    found = {data, data.hex().encode(), data.hex().upper().encode(),
             urllib.parse.quote(text, safe="").encode(), urllib.parse.quote_plus(text).encode(),
             b"".join(b"%%%02X" % c for c in data), b"".join(b"%%%02x" % c for c in data),
             data.upper(), data.lower(), json.dumps(text)[1:-1].encode(), text.encode("utf-16-le"),
             *in_base64(data), *in_base64(data.lower())}
    return {form for form in found if len(form) >= 7}


def marks_of(code):
    """Any two words beside each other, and all of them, however they are joined."""
    words = code.split("-")
    pairs = list(zip(words, words[1:]))
    texts = {glue.join(pair) for pair in pairs for glue in ("-", " ", "_", ".", "+")}
    texts |= {glue.join(words) for glue in ("", ",", "\0", "\n")}
    return texts


def found_in(places, texts):
    """The names of the places that hold a form of one of the texts, with the text."""
    forms = {form: text for text in texts for form in forms_of(text)}
    return {(name, text) for name, data in places.items() for form, text in forms.items()
            if form in data}


def files_of(folder):
    """Bytes and names of all that lies in a folder."""
    shown = b""
    for path in sorted(folder.rglob("*")):
        shown += os.fsencode(path.relative_to(folder)) + b"\n"
        try:
            shown += path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:
            continue
    return shown


class Watched:
    """A daemon, a client, and everything of both and between that can be captured."""

    def __init__(self, daemon):
        self.daemon, self.client, self.tap = daemon, Client(), Tap(daemon.port)
        self.client.env["MAYFLY_SERVER"] = self.tap.url

    def places(self):
        return {"disk": files_of(self.daemon.storage), "state": self.daemon.store.raw(),
                "home": files_of(self.daemon.home), "log": "\n".join(self.daemon.lines).encode(),
                "sent": bytes(self.tap.sent), "received": bytes(self.tap.received),
                "client": files_of(self.client.home)}


@pytest.fixture
def watched(make_daemon):
    w = Watched(make_daemon({"LOG_LEVEL": "debug", "LOG_ADDRESSES": "full"}))
    with w.tap:
        w.client.file(NAME_MARK + ".txt", CONTENT)
        yield w
    w.client.remove()


def test_the_search_finds_a_mark_in_every_form():
    for text in (CONTENT_MARK, NAME_MARK, "velvet-canyon"):
        data = text.encode()
        for made in (data, data.hex().encode(), base64.b64encode(b"a" + data + b"zz"),
                     base64.b64encode(b"ab" + data), base64.urlsafe_b64encode(data + b"z"),
                     urllib.parse.quote(text).encode(), json.dumps(text).encode()):
            assert found_in({"x": b"\0junk " + made + b" junk"}, {text}) == {("x", text)}, made
        assert found_in({"x": os.urandom(1 << 16)}, {text}) == set()


def test_an_end_to_end_upload_is_seen_by_nobody_between(watched):
    client, daemon = watched.client, watched.daemon
    code = client.send("-u", "3", NAME_MARK + ".txt")
    marks = {CONTENT_MARK, NAME_MARK, MARK, vectors.hashlib.sha256(CONTENT).hexdigest()}
    marks |= marks_of(code)

    def check(*with_id):
        """Nothing is found; but the id where it has to be: the right places were looked at."""
        places, key = watched.places(), vectors.share_id(code).encode()
        assert found_in(places, marks) == set()
        assert {name for name, data in places.items() if key in data} == set(with_id)
        return places

    places = check("sent", "received")
    assert len(places["disk"]) > len(CONTENT) and b'"event":"request"' in places["log"]
    client.run("preview", code)
    client.run("status", code)
    client.get(code)
    assert (client.got / (NAME_MARK + ".txt")).read_bytes() == CONTENT
    check("sent", "received")
    assert client.state()
    client.run("burn", code)
    client.get(code, code=GONE)
    client.run("status", code, code=GONE)
    daemon.stop()
    assert check("sent", "received")["client"].count(b"\n") <= 4  # names of empty folders
    assert client.state() == []


def test_a_wrong_code_is_seen_by_nobody_either(watched):
    code = draw()
    for verb in ("get", "preview", "status", "burn"):
        watched.client.run(verb, code, code=1 if verb == "burn" else 2)
    places = watched.places()
    assert found_in(places, marks_of(code)) == set()
    assert vectors.share_id(code).encode() in places["sent"]


def test_a_pipe_and_a_folder_are_sealed_too(watched):
    client = watched.client
    make = client.files / f"folder {MARK}"
    make.mkdir()
    (make / f"inside {MARK}").write_bytes(CONTENT)
    codes = [client.send("--name", NAME_MARK, "-", data=CONTENT), client.send(make.name)]
    marks = {CONTENT_MARK, MARK}.union(*map(marks_of, codes))
    assert found_in(watched.places(), marks) == set()
    assert len(watched.places()["sent"]) > 2 * len(CONTENT)


def test_a_plain_upload_is_found_on_the_way_by_the_same_search(watched):
    """The twin: this search can find, and the server alone is trusted then."""
    client = watched.client
    code = client.send("--plain", NAME_MARK + ".txt")
    client.get(code)
    found = found_in(watched.places(), {CONTENT_MARK, NAME_MARK} | marks_of(code))
    for name in ("sent", "received"):
        assert (name, CONTENT_MARK) in found and (name, NAME_MARK) in found
        assert any(n == name and text in marks_of(code) for n, text in found)
    assert {name for name, _ in found} == {"sent", "received"}
