# SPDX-License-Identifier: Apache-2.0
"""Goal: networks that break cost time and no use, a wrong byte anywhere ends without a file, what
is interrupted leaves nothing behind, and a hostile server gets nothing written or drawn."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time

import pytest

from client import INTEGRITY, LOCAL, NETWORK, REFUSED, Client, draw, end, harmless, vectors
from conftest import wait_for
from middlemen import (Cutter, Flipper, Holder, Impostor, UploadCutter, cut, listen, response)

KIB = 1024
MIB = 1024 * KIB
CONTENT = os.urandom(3 * MIB + 7)
MODES = [[], ["--plain"]]
SETTINGS = {"DOWNLOAD_FAIL_LIMIT": "1000", "MAX_USES": "100"}


def key_of(code):
    return vectors.share_id(code) if code.count("-") == 5 else code


def kept_by(daemon):
    """Of uploads, in its store and its storage."""
    return daemon.store.recorded_blobs() | set(daemon.blobs())


def uses_left(daemon, code):
    return daemon.status(key_of(code))["remaining_uses"]


# ---- broken connections ----


@pytest.mark.parametrize("mode", MODES)
def test_five_cuts_in_one_download_cost_one_use(daemon, client, mode):
    client.file("report.bin", CONTENT)
    code = client.send(*mode, "-u", "2", "report.bin")
    with Cutter(daemon.port, [400 * KIB + 11 * n for n in range(5)]) as way:
        client.get("-s", way.url, code)
        assert len(way.links) == 6
        assert way.sent.count(b"\r\nRange: bytes=") == 5
    assert client.names() == ["report.bin"]
    assert (client.got / "report.bin").read_bytes() == CONTENT
    assert uses_left(daemon, code) == 1


@pytest.mark.parametrize("cuts", [[0], [0, 0], [100], [600, 0, 50]], ids=str)
def test_cuts_before_and_in_the_header_cost_no_second_use(daemon, client, cuts):
    client.file("report.bin", CONTENT)
    code = client.send("-u", "2", "report.bin")
    with Cutter(daemon.port, cuts) as way:
        client.get("-s", way.url, code)
    assert (client.got / "report.bin").read_bytes() == CONTENT
    assert uses_left(daemon, code) == 1


def test_cuts_into_a_pipe_and_into_a_tar_are_mended_too(daemon, client):
    client.file("one.bin", CONTENT)
    client.file("two.bin", CONTENT[::-1])
    code = client.send("-u", "2", "one.bin", "two.bin")
    with Cutter(daemon.port, [MIB, MIB]) as way:
        client.get("-s", way.url, "-x", code)
    assert (client.got / "two.bin").read_bytes() == CONTENT[::-1]
    with Cutter(daemon.port, [MIB, MIB]) as way:
        out = client.get("-s", way.url, "-o", "-", code).out
    assert CONTENT in out and CONTENT[::-1] in out


@pytest.fixture(scope="module")
def forsaken(daemon):
    """A client whose server goes away for good in the middle. Its tries take 20 s, in which other
    tests run."""
    c = Client(daemon.url)
    c.file("report.bin", CONTENT)
    code = c.send("report.bin")
    with Cutter(daemon.port, [MIB] + [0] * 50) as way:
        process = c.start("get", "-s", way.url, code)
        yield c, process, way
        process.kill()
        process.communicate()
    c.remove()


def test_the_first_tries_of_a_client_whose_server_has_gone_are_quick(forsaken):
    _, process, way = forsaken
    wait_for(lambda: len(way.links) > 3, 20, "more tries")
    assert process.poll() is None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("at", [1, 700, MIB], ids=str)
def test_a_cut_upload_is_5_and_nothing_stays(daemon, client, mode, at):
    client.file("report.bin", CONTENT)
    before = kept_by(daemon)
    with UploadCutter(daemon.port, at) as way:
        done = client.run("send", "-s", way.url, *mode, "report.bin", code=NETWORK,
                          cwd=client.files)
    assert done.out == b"" and client.state() == []
    wait_for(lambda: kept_by(daemon) <= before, 20, "nothing to be left")


def test_an_early_refusal_of_a_large_file_is_heard(make_daemon):
    daemon = make_daemon({"MAX_FILE_SIZE": "1M"})
    client = Client(daemon.url)
    try:
        (client.files / "folder").mkdir()
        for name in ("big.bin", "folder/big.bin"):
            with open(client.files / name, "wb") as f:
                f.truncate(200 * MIB)
        for mode in MODES:
            for name in ("big.bin", "folder"):
                done = client.run("send", *mode, name, code=REFUSED, cwd=client.files)
                assert done.out == b"" and "large" in done.notes
        client.run("send", "-", code=REFUSED, data=bytes(3 * MIB // 2))
        # Of an unknown length, and going on for long: the server ends the connection (docs/api.md).
        with subprocess.Popen(["head", "-c", "50M", "/dev/zero"], stdout=subprocess.PIPE) as zeros:
            done = client.run("send", "-", code=NETWORK, stdin=zeros.stdout)
        assert "more than the server accepts" in done.notes
        assert daemon.blobs() == [] and client.state() == []
    finally:
        client.remove()


# ---- wrong bytes ----


def check_refused(client, way, code, *args):
    """No file, nothing left in the folder, and one connection: what is wrong is not asked again."""
    done = client.get("-s", way.url, *args, code, code=INTEGRITY)
    assert client.names() == [] and done.out == b""
    assert way.n_flipped == 1
    assert done.notes.startswith("mayfly: ") or "\nmayfly: " in done.notes


# Of an age file: version, stanza's name, salt, work factor, wrapped key, MAC, nonce, first chunk.
E2E_PLACES = [0, 10, 25, 33, 50, 58, 80, 115, 150, 160, 200, 65 * KIB, MIB, -17, -1]
PLAIN_PLACES = [0, 1, 65535, 65536, 2 * MIB, -2, -1]


@pytest.fixture(scope="module")
def codes(daemon):
    """Of CONTENT, end to end and plain, for many downloads."""
    c = Client(daemon.url)
    c.file("report.bin", CONTENT)
    yield {mode: c.send(*args, "-u", "100", "report.bin")
           for mode, args in (("end to end", []), ("plain", ["--plain"]))}
    c.remove()


@pytest.mark.parametrize("mode, at", [("end to end", at) for at in E2E_PLACES] +
                         [("plain", at) for at in PLAIN_PLACES], ids=str)
def test_a_wrong_byte_of_the_body_is_6(daemon, client, codes, mode, at):
    with Flipper(daemon.port, at=at) as way:
        check_refused(client, way, codes[mode])


def test_without_a_wrong_byte_the_same_is_whole(daemon, client, codes):
    for code in codes.values():
        with Flipper(daemon.port) as way:
            client.get("-s", way.url, "-f", code)
        assert (client.got / "report.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("mode, field", [([], b"X-Mayfly-Meta"), (["--plain"], b"X-SHA256")],
                         ids=str)
def test_a_wrong_character_of_what_the_header_says_is_6(daemon, client, mode, field):
    client.file("report.bin", CONTENT)
    code = client.send(*mode, "report.bin")
    with Flipper(daemon.port, field=field) as way:
        check_refused(client, way, code)


def test_a_wrong_byte_in_a_tar_extracts_nothing(daemon, client):
    client.file("one.bin", CONTENT)
    client.file("two.bin", CONTENT)
    for mode, at in (([], -1), (["--plain"], MIB), (["--plain"], -1)):
        code = client.send(*mode, "one.bin", "two.bin")
        with Flipper(daemon.port, at=at) as way:
            check_refused(client, way, code, "-x")


def test_a_wrong_byte_in_a_pipe_is_6_at_the_end(daemon, client):
    client.file("report.bin", CONTENT)
    code = client.send("report.bin")
    with Flipper(daemon.port, at=2 * MIB) as way:
        done = client.get("-s", way.url, "-o", "-", code, code=INTEGRITY)
    assert CONTENT.startswith(done.out) and MIB < len(done.out) < len(CONTENT)


def test_a_wrong_byte_does_not_touch_what_would_be_overwritten(daemon, client):
    client.file("report.bin", CONTENT)
    (client.got / "report.bin").write_bytes(b"mine")
    code = client.send("report.bin")
    with Flipper(daemon.port, at=-1) as way:
        client.get("-s", way.url, "-f", code, code=INTEGRITY)
    assert (client.got / "report.bin").read_bytes() == b"mine"
    assert client.names() == ["report.bin"]


def test_another_file_behind_a_cut_is_6(client):
    """The rest has another ETag, or another size: it is not the rest of this."""
    body = os.urandom(100_000)
    first = response(body=body, X_SHA256=hashlib.sha256(body).hexdigest(), ETag='"one"',
                     Content_Disposition='attachment; filename="a.bin"')
    for etag, total in (('"two"', 100_000), ('"one"', 100_001)):
        def answer(request, etag=etag, total=total):
            if "range" not in request.fields:
                return first[:50_000]
            start = int(request.fields["range"][6:-1])
            return response(status=206, body=body[start:], ETag=etag,
                            Content_Range=f"bytes {start}-99999/{total}")
        with Impostor(answer) as server:
            client.get("-s", server.url, "zebra-zebra-zebra-zebra", code=INTEGRITY)
            assert len(server.requests) == 2
        assert client.names() == []


# ---- no room, and interrupts ----


@contextlib.contextmanager
def small_disk(folder):
    """1 MiB of disk at `folder`."""
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", folder], check=False,
            capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small disk, where that is allowed")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_7_and_nothing_stays(client):
    client.file("report.bin", CONTENT)
    codes = [client.send(*mode, "report.bin") for mode in MODES]
    tar = client.send("report.bin", client.file("more.bin"))
    with small_disk(client.got):
        for code in codes:
            done = client.get(code, code=LOCAL)
            assert client.names() == [] and "space" in done.notes
        done = client.get("-x", tar, code=LOCAL)
        assert client.names() == []


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("args", [[], ["-x"]])
@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_in_the_middle_of_get_leaves_nothing(daemon, client, number, args):
    client.file("report.bin", CONTENT)
    client.file("more.bin", CONTENT)
    code = client.send("report.bin", "more.bin")
    with Holder(daemon.port, received=MIB) as way:
        process = client.start("get", *args, "-s", way.url, code)
        assert way.is_held.wait(30)
        wait_for(client.names, 20, "the file that it writes")
        process.send_signal(number)
        assert end(process).code == -number
    assert client.names() == []


@pytest.mark.parametrize("size", [300 * KIB, 12 * MIB])  # with all of it in the system's hands
@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_in_the_middle_of_send_leaves_nothing(daemon, client, number, size):
    client.file("report.bin", os.urandom(size))
    before = kept_by(daemon)
    with Holder(daemon.port, sent=100 * KIB) as way:
        process = client.start("send", "-s", way.url, "report.bin", cwd=client.files)
        assert way.is_held.wait(30)
        time.sleep(0.3)  # all of the small one should be on its way, but a wrong guess is no error
        process.send_signal(number)
        done = end(process)
        way.let_go()  # whatever the system was still given
        time.sleep(0.3)
    assert (done.code, done.out) == (-number, b"")
    assert client.state() == []
    wait_for(lambda: kept_by(daemon) <= before, 20, "nothing to be left")


def test_an_interrupt_while_nothing_comes_is_taken_at_once(client):
    for verb in ("get", "status", "preview"):
        with Impostor(lambda _: None) as server:
            process = client.start(verb, "-s", server.url, draw())
            wait_for(lambda: server.requests, 20, "the request")
            process.send_signal(signal.SIGINT)
            assert end(process, 10).code == -signal.SIGINT
        assert client.names() == []


# ---- a hostile server ----

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r\nforged\n\x00\x08\x7f\u2028"


def json_answer(code, /, **fields):
    return response(code, json.dumps(fields).encode(), Content_Type="application/json")


def endless():
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    while True:
        yield b'[{"a":' * 10_000


def endless_header():
    yield b"HTTP/1.1 200 OK\r\n"
    for n in range(10_000):
        yield b"X-%d: " % n + b"a" * 1000 + b"\r\n"


def deep():
    return response(200, b"[" * 60_000, Content_Type="application/json")


ANSWERS = {
    "an evil detail": json_answer(404, detail=EVIL, error_code="NOT_FOUND"),
    "an evil end": json_answer(410, detail=EVIL, error_code="GONE", ended_at=EVIL, ended_by=EVIL),
    "an evil status": json_answer(200, key="x", status=EVIL, remaining_uses=1, expires_at=EVIL,
                                  is_accessible=True),
    "an evil refusal": json_answer(418, detail=EVIL * 500, error_code=EVIL),
    "an evil preview": json_answer(200, key="x", filename=EVIL, size=1, mime_type=EVIL, uses=1,
                                   expiry="2099-01-01T00:00:00Z", minutes_left=1,
                                   created_at="2098-01-01T00:00:00Z", sha256="0" * 64,
                                   download_url=EVIL, curl_example=EVIL),
    "wrong types": json_answer(200, key=5, status=["active"], filename={}, size="1", uses=-1,
                               burn_token=[], sha256=5, expiry=1e400, download_url=None),
    "huge numbers": response(200, b'{"status":"active","remaining_uses":1e999,"size":-5}'),
    "a NUL": response(200, b'{"status":"active\\u0000","remaining_uses":1}'),
    "a detail with no JSON": response(500, EVIL.encode() * 100),
    "an evil redirect": response(302, b"", Location="http://127.0.0.1:1/\x1b[2J\x07".encode()),
    "no HTTP": b"\x1b[2JSSH-2.0-evil\r\n\r\n",
    "nothing": b"",
    "an evil reason": b"HTTP/1.1 404 \x1b[2J\x07evil\r\nContent-Length: 0\r\n\r\n",
    "an evil wait": response(429, b"{}", Retry_After=EVIL.replace("\r\n", "").replace(
        "\n", "").replace("\0", "").encode()),
    "a long wait": response(429, b'{"error_code":"BLOCKED"}', Retry_After="9" * 40),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "an endless body": endless,
    "an endless header": endless_header,
    "deep JSON": deep,
}
COMMANDS = {"get": [], "status": [], "preview": [], "burn": [], "send": ["report.bin"]}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_hostile_answer_is_shown_harmless_and_leaves_nothing(client, answer):
    client.file("report.bin", b"x" * 5000)
    made = ANSWERS[answer]
    with Impostor(lambda _: made() if callable(made) else made) as server:
        for verb, operands in COMMANDS.items():
            if verb == "get" and answer in ("an endless body", "wrong types", "huge numbers",
                                            "nothing"):
                continue  # a body is a file there, and nothing is tried again: they have own tests
            process = client.start(verb, "-s", server.url, *(operands or [draw(4)]),
                                   cwd=client.files, env={"MAYFLY_BURN_TOKEN": "A" * 43})
            done = end(process, 60)
            if (verb, answer) not in ACCEPTED:
                assert 1 < done.code < 8, (verb, done)
                assert done.out == b"" and done.err, (verb, done)
            assert done.code >= 0, (verb, done)
            shown = harmless(done.err + done.out)
            assert len(shown) < 4000
            assert "\nforged" not in shown
    assert os.listdir(client.files) == ["report.bin"] and client.state() == []


# What is an answer all the same: texts of strangers are shown, harmless.
ACCEPTED = [("preview", "an evil preview"), ("get", "an evil preview"), ("get", "an evil status"),
            ("get", "a NUL"), ("get", "deep JSON")]


def test_a_redirect_is_shown_and_not_followed(client):
    with Impostor(lambda _: response(500)) as other:
        answer = response(302, b"", Location=other.url + "/download/x")
        with Impostor(lambda _: answer) as server:
            done = client.get("-s", server.url, draw(4), code=NETWORK)
        assert other.url in done.notes
        assert other.requests == []


def test_a_body_without_end_stops_with_the_connection_and_is_no_file(client):
    """Of an unknown length, and then of a length that it does not keep."""
    body = b"x" * MIB
    for length in ({}, {"Content-Length": 1 << 40}):
        head = b"HTTP/1.1 200 OK\r\nX-SHA256: " + b"0" * 64 + b"\r\n" + b"".join(
            f"{k}: {v}\r\n".encode() for k, v in length.items()) + b"\r\n"

        def answer(_, head=head):
            yield head
            for _ in range(20):
                yield body
        with Impostor(answer) as server:
            done = client.start("get", "-s", server.url, draw(4))
            wait_for(client.names, 20, "the file that it writes")
            assert end(done).code == (NETWORK if length else INTEGRITY)
            assert len(server.requests) == (2 if length else 1)
        assert client.names() == []


def test_the_upload_token_goes_to_no_redirect(client):
    client.file("report.bin")
    with Impostor(lambda _: response(200)) as other:
        answer = response(307, b"", Location=other.url + "/upload/")
        with Impostor(lambda _: answer) as server:
            client.run("send", "-s", server.url, "report.bin", code=NETWORK, cwd=client.files,
                       env={"MAYFLY_UPLOAD_TOKEN": "secret"})
            assert server.requests[0].fields["authorization"] == "Bearer secret"
        assert other.requests == []


def test_a_receipt_for_other_bytes_is_6(client):
    """A server that says it has another file than was sent is not believed to have ours."""
    client.file("report.bin", b"content")

    def answer(request):
        if request.path.startswith("/burn/"):
            return json_answer(200, status="burned")
        return json_answer(201, key="zebra-zebra-zebra-zebra", uses=1, burn_token="A" * 43,
                           download_url="http://127.0.0.1/download/zebra-zebra-zebra-zebra",
                           preview_url="http://127.0.0.1/preview/zebra-zebra-zebra-zebra",
                           share_url="http://127.0.0.1/#zebra-zebra-zebra-zebra",
                           expiry="2099-01-01T00:00:00Z", created_at="2098-01-01T00:00:00Z",
                           filename="report.bin", size=7, mime_type="text/plain", sha256="0" * 64)
    with Impostor(answer) as server:
        done = client.run("send", "-s", server.url, "--plain", "report.bin", code=INTEGRITY,
                          cwd=client.files)
        assert done.out == b""
        assert [r.path.rstrip("/") for r in server.requests] == [
            "/upload", "/burn/zebra-zebra-zebra-zebra"]


def test_a_server_that_takes_the_file_and_says_nothing_is_5(client):
    client.file("report.bin", b"content")
    near = listen()
    process = client.start("send", "-s", f"http://127.0.0.1:{near.getsockname()[1]}",
                           "report.bin", cwd=client.files)
    try:
        s, _ = near.accept()
        s.settimeout(20)
        s.recv(65536)
        cut(s, reset=True)
        assert end(process).code == NETWORK
    finally:
        near.close()
    assert client.state() == []


def test_a_server_that_is_gone_for_good_is_5_and_nothing_is_kept(forsaken):
    client, process, way = forsaken
    done = end(process, 60)
    assert done.code == NETWORK and client.names() == [] and "again" in done.notes
    assert len(way.links) in (8, 9)  # 8 in vain, and the first, unless its bytes were lost too
