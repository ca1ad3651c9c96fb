# SPDX-License-Identifier: Apache-2.0
"""Goal: a code is taken in every way that a person may hand it over, and seen by nobody else; what
is set is found where it was set; and the exit code says what went wrong."""

import os
import pathlib
import re
import subprocess
import time

import pytest

from client import (DONE, GONE, INTEGRITY, LOCAL, NETWORK, NOTFOUND, REFUSED, USAGE, Client,
                    age_file, draw, end, upload_sealed, vectors)
from conftest import wait_for
from middlemen import Impostor, listen, response

TOKEN = "s3cret-upload-token"
SETTINGS = {"DOWNLOAD_FAIL_LIMIT": "1000"}


@pytest.fixture(scope="module")
def shared(daemon):
    """Two files that can be asked for often: the end-to-end one's code, and the plain one's."""
    c = Client(daemon.url)
    try:
        c.file("report.pdf")
        yield [c.send(*mode, "-u", "5", "report.pdf") for mode in ([], ["--plain"])]
    finally:
        c.remove()


# ---- what a code looks like ----

SPELLINGS = {
    "as it is": lambda c: [c],
    "upper case": lambda c: [c.upper()],
    "blanks": lambda c: [c.replace("-", " ")],
    "dots and underscores": lambda c: [c.replace("-", ".", 2).replace("-", "_")],
    "blanks around": lambda c: ["  " + c + "\t"],
    "several arguments": lambda c: c.split("-"),
    "behind --": lambda c: ["--", c],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_code_is_read_in_any_spelling(client, shared, spelling):
    for code in shared:
        shown = client.run("status", *SPELLINGS[spelling](code)).text
        assert shown.startswith("active")


LINKS = ["{server}/#{code}", "{server}/download/{key}", "{server}/download/{key}/",
         "{server}/preview/{key}", "{server}/status/{key}"]


@pytest.mark.parametrize("form", LINKS)
def test_a_link_names_its_server_and_its_code(daemon, shared, form):
    elsewhere = Client()  # knows no server
    try:
        for code in shared:
            key = vectors.share_id(code) if code == shared[0] else code
            link = form.format(server=daemon.url, code=code, key=key)
            assert elsewhere.run("status", link).text.startswith("active")
            assert elsewhere.run("status", data=link.encode()).text.startswith("active")
    finally:
        elsewhere.remove()


def test_a_link_counts_more_than_what_is_set(daemon, client, shared):
    with Impostor(lambda _: response(status=500)) as server:
        link = f"{daemon.url}/#{shared[0]}"
        client.run("status", link, env={"MAYFLY_SERVER": server.url})
        assert server.requests == []


@pytest.mark.parametrize("args", [[], ["-"]])
def test_a_code_comes_from_standard_input(client, shared, args):
    for code in shared:
        for end_of_line in ("", "\n", "\r\n", "\nmore\n"):
            data = (code.replace("-", " ") + end_of_line).encode()
            assert client.run("status", *args, data=data).text.startswith("active")


@pytest.mark.parametrize("form", LINKS[:2])
def test_a_file_is_got_by_its_link(daemon, client, form):
    client.file("report.pdf", b"content")
    for mode in ([], ["--plain"]):
        code = client.send(*mode, "report.pdf")
        key = code if mode else vectors.share_id(code)
        link = form.format(server=daemon.url, code=code, key=key)
        if not mode and form != LINKS[0]:
            done = client.get(link, code=USAGE)  # only the words open it, and nobody can be asked
            assert "words" in done.notes and code not in done.notes
            done = client.get(code)
        else:
            client.get(link)
        assert (client.got / "report.pdf").read_bytes() == b"content"
        (client.got / "report.pdf").unlink()


NO_CODES = ["zebra", "zebra zebra", "zebra-zebra-zebra-zebra-zebra-zebra-zebra",
            "zebra-zebra-zebra-zebra-zebra-qqqqq", "UPPER+CASE", "12345",
            "a" * 25 + "b"]  # the last bits of an id are zeros


@pytest.mark.parametrize("verb, text", [("get", text) for text in NO_CODES] +
                         [(verb, NO_CODES[3]) for verb in ("status", "preview", "burn")])
def test_what_cannot_be_a_code_is_not_found_without_asking(client, verb, text):
    with Impostor(lambda _: response(status=500)) as server:
        done = client.run(verb, text, code=NOTFOUND, env={"MAYFLY_SERVER": server.url})
        assert server.requests == []
    assert "qqqqq" not in done.notes and "zebra" not in done.notes
    assert client.names() == []


@pytest.mark.parametrize("link", ["ftp://127.0.0.1/#zebra-zebra-zebra-zebra", "file:///etc/passwd",
                                  "http://user:pass@127.0.0.1:1/#zebra-zebra-zebra-zebra"])
def test_a_link_to_no_server_is_a_wrong_command_line(client, link):
    done = client.get(link, code=USAGE)
    assert "pass" not in done.notes.replace("password", "") and "zebra" not in done.notes


def test_a_typing_error_says_which_word(client):
    words = draw().split("-")
    words[2] = "qqqqq"
    done = client.get("-".join(words), code=NOTFOUND)
    assert "third" in done.notes and not any(w in done.notes.split() for w in words)


# ---- who else can see it ----


def seen_of(process):
    return pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("verb", ["get", "status", "preview"])
def test_the_argument_list_forgets_the_code(client, verb, split):
    code = draw()
    with Impostor(lambda _: None) as server:
        words = code.split("-") if split else [f"{server.url}/#{code}"]
        process = client.start(verb, *words, env={"MAYFLY_SERVER": server.url})
        try:
            wait_for(lambda: server.requests, 20, "the request")
            seen = seen_of(process)
            assert verb.encode() in seen
            assert not any(w.encode() in seen for w in code.split("-"))
        finally:
            process.kill()
            end(process)


@pytest.mark.skipif(os.geteuid() != 0, reason="what may not be dumped shows root its environment")
def test_the_environment_forgets_the_token(client):
    client.file("report.pdf")
    with Impostor(lambda _: None) as server:
        process = client.start("send", client.files / "report.pdf", env={
            "MAYFLY_SERVER": server.url, "MAYFLY_UPLOAD_TOKEN": TOKEN})
        try:
            wait_for(lambda: server.requests, 20, "the request")
            assert server.requests[0].fields["authorization"] == "Bearer " + TOKEN
            seen = pathlib.Path(f"/proc/{process.pid}/environ").read_bytes()
            assert b"HOME=" in seen and TOKEN.encode() not in seen
        finally:
            process.kill()
            end(process)


def test_no_core_is_dumped(client):
    with Impostor(lambda _: None) as server:
        process = client.start("get", draw(), env={"MAYFLY_SERVER": server.url})
        try:
            wait_for(lambda: server.requests, 20, "the request")
            limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text().splitlines()
            (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
            assert core[4:6] == ["0", "0"]
        finally:
            process.kill()
            end(process)


# ---- settings ----


def config_of(client, text, mode=0o600):
    path = client.home / ".config/mayfly/config"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_server_that_wants_a_token_gets_it_from_where_it_is_set(make_daemon):
    daemon = make_daemon({"UPLOAD_TOKEN": TOKEN})
    client = Client(daemon.url)
    try:
        client.file("report.pdf")
        done = client.run("send", "report.pdf", code=REFUSED, cwd=client.files)
        assert done.out == b"" and daemon.blobs() == []
        client.run("send", "report.pdf", code=REFUSED, cwd=client.files,
                   env={"MAYFLY_UPLOAD_TOKEN": "wrong"})
        client.get(client.send("report.pdf", env={"MAYFLY_UPLOAD_TOKEN": TOKEN}))
        token = client.file("token", TOKEN.encode() + b"\n")
        token.chmod(0o600)
        client.get("-f", client.send("--upload-token-file", token, "report.pdf"))
        config_of(client, f"token-file={token}\n")
        client.get("-f", client.send("--plain", "report.pdf"))
        token.unlink()
        client.run("send", "report.pdf", code=LOCAL, cwd=client.files)
    finally:
        client.remove()


def test_the_config_file_sets_what_is_not_said_elsewhere(daemon):
    client = Client()
    try:
        client.file("report.pdf")
        config_of(client, f"# where to\n\nserver = {daemon.url}\nuses=3\nexpiry=5\n")
        code = client.send("report.pdf")
        status = daemon.status(vectors.share_id(code))
        assert status["remaining_uses"] == 3
        code = client.send("-u", "2", "report.pdf")
        assert daemon.status(vectors.share_id(code))["remaining_uses"] == 2
        with Impostor(lambda _: response(status=503)) as server:
            client.run("status", code, code=NETWORK, env={"MAYFLY_SERVER": server.url})
            client.run("status", "--server", daemon.url, code,
                       env={"MAYFLY_SERVER": server.url})
            assert len(server.requests) == 1
    finally:
        client.remove()


@pytest.mark.parametrize("text", ["colour=red\n", "server\n", "server=\x07\n", "uses=0\n",
                                  "expiry=ten\n", "server=ftp://x\n"])
def test_a_config_file_that_cannot_be_right_stops_with_its_line(client, text):
    config_of(client, "# a comment\n" + text)
    done = client.run("status", draw(), code=USAGE)
    assert "2" in done.notes and "config" in done.notes


def test_a_config_file_that_others_can_write_to_is_not_taken(client, daemon):
    config_of(client, f"server={daemon.url}\n", 0o666)
    client.run("status", draw(), code=USAGE)


def test_the_config_is_where_xdg_says(client):
    folder = client.top / "xdg"
    (folder / "mayfly").mkdir(parents=True)
    (folder / "mayfly/config").write_text("colour=red\n")
    client.run("status", draw(), code=USAGE, env={"XDG_CONFIG_HOME": str(folder)})
    client.run("status", draw(), code=NOTFOUND)


def test_an_open_way_to_a_server_is_told_of(client, shared):
    done = client.run("status", shared[0])
    assert done.err == b""  # this machine
    with Impostor(lambda _: response(status=503)) as proxy:
        done = client.run("status", "-s", "http://drop.example", "--proxy", proxy.url, shared[0],
                          code=NETWORK)
        assert [r.path for r in proxy.requests] == [
            f"http://drop.example/status/{vectors.share_id(shared[0])}"]
    assert re.search(r"http:|TLS|encrypted|open|read", done.notes)


def test_the_environments_proxy_is_taken_as_by_curl(client, shared):
    with Impostor(lambda _: response(status=503)) as proxy:
        client.run("status", "-s", "http://drop.example", shared[0], code=NETWORK,
                   env={"http_proxy": proxy.url})
        assert len(proxy.requests) == 1
        client.run("status", shared[0], env={"http_proxy": proxy.url, "no_proxy": "127.0.0.1"})
        assert len(proxy.requests) == 1


def test_a_certificate_is_checked_as_by_curl(make_daemon, tmp_path):
    """Nothing is sent to who has not the certificate, and there is no option to do it all the
    same."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    key.chmod(0o600)
    daemon = make_daemon({"TLS_CERT_FILE": str(cert), "TLS_KEY_FILE": str(key)})
    client = Client(f"https://localhost:{daemon.port}")
    try:
        client.file("report.pdf")
        done = client.run("send", "report.pdf", code=NETWORK, cwd=client.files)
        assert "certificate" in done.notes and done.out == b""
        client.run("send", "--insecure", "report.pdf", code=USAGE, cwd=client.files)
        client.run("send", "--cacert", cert, "-s", f"https://127.0.0.1:{daemon.port}", "report.pdf",
                   code=NETWORK, cwd=client.files)  # another name
        assert daemon.events("request") == []
        code = client.send("--cacert", cert, "report.pdf")
        for name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            client.run("status", code, env={name: str(cert)})
        client.run("status", code, code=NETWORK)
        config_of(client, f"cacert={cert}\n")
        assert client.get(code).code == DONE
        client.run("status", "-s", f"http://127.0.0.1:{daemon.port}", draw(), code=NETWORK)
    finally:
        client.remove()


# ---- exit codes ----


def closed_port():
    with listen() as s:
        return f"http://127.0.0.1:{s.getsockname()[1]}"


WRONG_LINES = [[], ["frobnicate"], ["send"], ["send", "--frobnicate", "x"], ["get", "-o"],
               ["get", "-o", "x", "-C", "y", "zebra"], ["get", "-x", "-o", "x", "zebra"],
               ["status", "--plain", "zebra"], ["--plain", "send", "x"], ["completion", "tcsh"],
               ["send", "--name", "a\tb", "-"], ["send", "-", "x"], ["decrypt", "a", "b"],
               ["send", "-s", "ftp://x", "y"], ["help", "frobnicate"]]


@pytest.mark.parametrize("args", WRONG_LINES, ids=" ".join)
def test_a_wrong_command_line_is_1(client, args):
    client.file("x")
    done = client.run(*args, code=USAGE, cwd=client.files)
    assert done.out == b"" and done.notes.startswith("mayfly: ")


def test_two_paths_with_one_last_part_are_a_wrong_command_line(client):
    client.file("a/same")
    client.file("b/same")
    done = client.run("send", "a/same", "b/same", code=USAGE, cwd=client.files)
    assert done.out == b""


def test_help_and_the_version_are_no_errors(client):
    for args in (["--help"], ["help"], ["-h"], ["send", "--help"], ["help", "get"], ["get", "-h"]):
        done = client.run(*args)
        assert done.err == b"" and "mayfly" in done.text
        assert max(len(line) for line in done.text.splitlines()) <= 80
    assert re.fullmatch(r"mayfly \d+\.\d+\.\d+\n", client.run("--version").text)


def test_done_is_0_and_not_found_2_and_gone_3(client):
    client.file("report.pdf")
    client.get(client.send("report.pdf"), code=DONE)
    for n in (4, 6):
        done = client.get(draw(n), code=NOTFOUND)
        assert done.notes.startswith("mayfly: ") and client.names() == ["report.pdf"]
    code = client.send("report.pdf")
    client.run("burn", code)
    for verb in ("get", "status", "preview"):
        client.run(verb, code, code=GONE)


def test_a_blocked_client_is_4_and_told_when_to_try_again(make_daemon):
    daemon = make_daemon({"DOWNLOAD_FAIL_LIMIT": "3"})
    client = Client(daemon.url)
    try:
        for _ in range(3):
            client.get(draw(4), code=NOTFOUND)
        for code in (draw(4), draw(6)):
            done = client.get(code, code=REFUSED)
            assert re.search(r"\b(29|30) minutes", done.notes), done.notes
    finally:
        client.remove()


def test_an_upload_limit_is_4_and_told(make_daemon):
    daemon = make_daemon({"UPLOAD_RATE_LIMIT": "1/minute"})
    client = Client(daemon.url)
    try:
        client.file("report.pdf")
        client.send("report.pdf")
        done = client.run("send", "report.pdf", code=REFUSED, cwd=client.files)
        assert re.search(r"second|minute", done.notes)
    finally:
        client.remove()


@pytest.mark.parametrize("verb", ["get", "status", "preview", "send"])
def test_no_server_is_5_at_once(client, verb):
    client.file("report.pdf")
    start = time.monotonic()
    operand = "report.pdf" if verb == "send" else draw()
    done = client.run(verb, operand, code=NETWORK, cwd=client.files,
                      env={"MAYFLY_SERVER": closed_port()})
    assert time.monotonic() - start < 10 and done.out == b""
    assert os.listdir(client.files) == ["report.pdf"]


def test_what_was_sealed_otherwise_is_6(daemon, client):
    code = draw()
    upload_sealed(daemon.url, code, age_file(draw(), b"plain"))
    client.get(code, code=INTEGRITY)
    assert client.names() == []


@pytest.mark.parametrize("args", [["send", "no-such-file"], ["send", "report.pdf", "no-such-file"],
                                  ["send", "pipe"], ["decrypt", "no-such-file"],
                                  ["status", "--cacert", "no-such-file", "a-a-a-a"]])
def test_a_local_file_that_cannot_be_used_is_7(client, args):
    client.file("report.pdf")
    os.mkfifo(client.files / "pipe")
    done = client.run(*args, code=LOCAL, cwd=client.files)
    assert done.out == b"" and args[-1] in done.notes or "--cacert" in args


@pytest.mark.parametrize("args", [["status"], ["preview"], ["get", "-o", "-"]])
def test_a_full_standard_output_is_7(client, args):
    client.file("report.pdf", b"content")
    code = client.send("-u", "2", "report.pdf")
    with open("/dev/full", "wb") as full:
        client.run(*args, code, code=LOCAL, stdout=full)
    with open("/dev/full", "wb") as full:
        client.run("send", "report.pdf", code=LOCAL, stdout=full, cwd=client.files)


def test_nobody_who_reads_is_7_and_no_signal(client):
    client.file("report.pdf", os.urandom(1 << 20))
    code = client.send("report.pdf")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        client.get("-o", "-", code, code=LOCAL, stdout=writing)
    finally:
        os.close(writing)
