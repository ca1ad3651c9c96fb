# SPDX-License-Identifier: Apache-2.0
"""Goal: at a terminal each command shows people what they need, draws its progress on one line and
takes it away again, asks where something is missing, and draws nothing that a stranger chose. In a
pipe there is none of it."""

import os
import re
import signal
import time

import pytest

from client import (E2E_CODE, GONE, NOTFOUND, SERVER_CODE, USAGE, Client, age_file, draw, meta_of,
                    upload_sealed, vectors)
from conftest import wait_for
from middlemen import Holder, Impostor, response
from terminal import Screen, run, width

MIB = 1 << 20
CONTENT = os.urandom(12 * MIB)  # more than systems keep on the way
COLUMNS = [80, 40]
ECHO = True  # of what is typed as a code: people should see their typing errors
EVIL_NAME = "\x1b[2J\x1b]0;owned\x07\u202egpj.\x9b31mexe\n\rforged\u2028"
SETTINGS = {"DOWNLOAD_FAIL_LIMIT": "1000"}


def check(seen, code=0):
    """What every screen has to be: drawn with what is allowed (Screen says so), progress within the
    columns, and all of it cleared."""
    assert seen.code == code, seen.shown
    screen = seen.screen
    assert screen.n_colours == 0
    assert not re.search(r"\d+ ?%|/s\b", screen.text), screen.text
    return screen


def progress_of(seen):
    """The states of the line of progress."""
    states = [line for line in seen.screen.drawn if re.search(r"\d %.*iB", line)]
    assert all(width(line) <= seen.columns for line in states)
    return states


def slowly(daemon, **how):
    """A way to the daemon that stops half way, and lets go when so much time has passed that
    progress is drawn again."""
    way = Holder(daemon.port, **how)
    held_at = []

    def at(_, shown):
        if way.is_held.is_set() and b" %" in shown:
            held_at.append(time.monotonic())
            if held_at[-1] - held_at[0] > 0.3:
                way.let_go()
    return way, at


# ---- send and get ----


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("mode", [[], ["--plain"]])
def test_progress_is_drawn_and_cleared_both_ways(daemon, client, mode, columns):
    client.file("report.bin", CONTENT)
    way, at = slowly(daemon, sent=2 * MIB)
    with way:
        seen = run(client, "send", "-s", way.url, *mode, "-u", "2", "report.bin", at=at,
                   columns=columns, cwd=client.files)
    screen = check(seen)
    assert any("/s" in line for line in progress_of(seen)), seen.shown
    form = SERVER_CODE if mode else E2E_CODE
    code = next(form.fullmatch(line).group() for line in screen.lines if form.fullmatch(line))
    way, at = slowly(daemon, received=2 * MIB)
    with way:
        seen = run(client, "get", "-s", way.url, code, at=at, columns=columns)
    screen = check(seen)
    assert any("/s" in line for line in progress_of(seen)), seen.shown
    assert "report.bin" in screen.text
    assert (client.got / "report.bin").read_bytes() == CONTENT


def test_the_code_is_alone_on_stdout_when_that_is_a_pipe(client):
    client.file("report.bin", CONTENT)
    seen = run(client, "send", "report.bin", out=True, cwd=client.files)
    check(seen)
    assert E2E_CODE.fullmatch(seen.out.decode()[:-1]) and seen.out.endswith(b"\n")
    assert b"report.bin" in seen.shown


def test_the_qr_code_is_a_square_of_its_own(client):
    client.file("report.bin")
    seen = run(client, "send", "--qr", "--quiet", "report.bin", cwd=client.files)
    assert seen.code == 0
    code, *lines, last = seen.screen.lines
    assert E2E_CODE.fullmatch(code) and last == ""
    assert len({width(line) for line in lines}) == 1
    assert abs(width(lines[0]) - 2 * len(lines)) <= 1  # two modules in a character's height
    assert all(line[:4] == line[-4:] == " " * 4 for line in lines)  # a margin
    assert sum(line.count(c) for line in lines for c in "█▀▄") > 100
    assert seen.screen.n_colours == 2 * len(lines)


@pytest.mark.parametrize("args", [["send", "--quiet", "report.bin"], ["send", "report.bin"]])
def test_in_a_pipe_and_when_quiet_nothing_is_drawn(daemon, client, args):
    client.file("report.bin", CONTENT)
    with Holder(daemon.port, sent=1 << 60) as way:
        done = client.run(*args, "-s", way.url, cwd=client.files)
        assert b"\r" not in done.err and b"\x1b" not in done.err and b"B/s" not in done.err
    if "--quiet" in args:
        seen = run(client, *args, out=True, cwd=client.files)
        assert seen.shown == b"" and seen.code == 0


def test_an_interrupt_takes_the_progress_away(daemon, client):
    client.file("report.bin", CONTENT)
    code = client.send("report.bin")
    with Holder(daemon.port, received=2 * MIB) as way:
        def at(process, shown):
            if way.is_held.is_set() and b" %" in shown:
                process.send_signal(signal.SIGINT)
        seen = run(client, "get", "-s", way.url, code, at=at)
    check(seen, -signal.SIGINT)
    assert client.names() == []


@pytest.mark.parametrize("columns", COLUMNS)
def test_a_hostile_name_draws_nothing(daemon, client, columns):
    code = draw()
    body = age_file(code, CONTENT)
    upload_sealed(daemon.url, code, body, meta_of(EVIL_NAME, CONTENT), uses="2")
    for verb in ("preview", "get"):
        screen = check(run(client, verb, code, columns=columns))  # Screen knows what it may draw
        assert "owned" in screen.text  # as the letters that it is made of
        assert not any(line.startswith("forged") for line in screen.lines)
        assert "\u202e" not in screen.text and "\u2028" not in screen.text
    disposition = "attachment; filename*=UTF-8''" + "%1b%5b2J%c2%9bowned%e2%80%ae"
    answer = response(body=b"x", Content_Disposition=disposition, Content_Type="\x1b[2J".encode(),
                      X_SHA256=vectors.hashlib.sha256(b"x").hexdigest())
    with Impostor(lambda _: answer) as server:
        check(run(client, "get", "-s", server.url, draw(4), columns=columns))


def test_a_hostile_sentence_draws_nothing(client):
    body = b'{"detail":"\\u001b[2J\\u009b31m\\u202eowned\\nforged","error_code":"NO"}'
    with Impostor(lambda _: response(418, body)) as server:
        for verb in ("get", "status", "preview", "send"):
            client.file("report.bin")
            operand = "report.bin" if verb == "send" else draw(4)
            seen = run(client, verb, "-s", server.url, operand, cwd=client.files)
            screen = check(seen, 4)
            assert "owned" in screen.text
            assert not any(line.startswith("forged") for line in screen.lines)


# ---- prompts ----


@pytest.mark.parametrize("verb", ["get", "status", "preview", "burn"])
def test_a_missing_code_is_asked_for(client, verb):
    client.file("report.bin")
    for mode in ([], ["--plain"]):
        code = client.send(*mode, "report.bin")
        seen = run(client, verb, answers=[(b": ", code.replace("-", " ").upper(), ECHO)])
        check(seen)
        if not ECHO:
            assert code.split("-")[0] not in seen.shown.decode().lower()


def test_a_wrong_code_at_the_prompt_is_told_as_such(client):
    seen = run(client, "get", answers=[(b": ", "no such words", ECHO)])
    assert seen.code == NOTFOUND
    assert seen.shown.count(b"no such words") == int(ECHO)  # what was typed, and not again


def test_no_answer_is_a_wrong_command_line(client):
    assert run(client, "get", answers=[(b": ", "", ECHO)]).code == USAGE


def test_the_words_of_a_download_link_are_asked_for(daemon, client):
    client.file("report.bin", CONTENT)
    code = client.send("report.bin")
    link = f"{daemon.url}/download/{vectors.share_id(code)}"
    seen = run(client, "get", link, answers=[(b": ", draw(), ECHO)])
    assert seen.code == NOTFOUND and client.names() == []
    check(run(client, "get", link, answers=[(b": ", code.replace("-", " "), ECHO)]))
    assert (client.got / "report.bin").read_bytes() == CONTENT


def test_an_interrupt_at_a_prompt_gives_the_terminal_back(client):
    def at(process, shown):
        if b": " in shown:
            process.send_signal(signal.SIGINT)
    seen = run(client, "get", at=at)
    assert seen.code == -signal.SIGINT and seen.is_echoing


def test_a_code_is_asked_for_on_the_terminal_when_stdout_is_a_pipe(client):
    client.file("report.bin", CONTENT)
    code = client.send("report.bin")
    seen = run(client, "get", "-o", "-", out=True, answers=[(b": ", code, ECHO)])
    assert (seen.code, seen.out) == (0, CONTENT)


def test_five_words_are_not_sent_unless_that_is_meant(daemon, make_daemon, client):
    """They may be six of which one is missing, and then the server would have one left to guess."""
    asked = len(daemon.events("request"))
    five = "-".join(draw().split("-")[:5])
    for answer in ("", "n", "sixth"):
        assert run(client, "get", five, answers=[(b"[y/N] ", answer, ECHO)]).code == USAGE
    assert run(client, "get", five, answers=[(b"[y/N] ", "y", ECHO)]).code == NOTFOUND
    wait_for(lambda: len(daemon.events("request")) > asked, what="the request in the log")
    assert len(daemon.events("request")) == asked + 1
    server = make_daemon({"KEY_WORDS": "5"})
    code = server.upload(CONTENT)["key"]
    seen = run(client, "status", "-s", server.url, code, answers=[(b"[y/N] ", "yes", ECHO)])
    assert "active" in check(seen).text
    Client.run(client, "status", "-s", server.url, code)  # nobody to ask
    check(run(client, "status", f"{server.url}/#{code}"))  # a link was not typed


# ---- the others ----


@pytest.mark.parametrize("columns", COLUMNS)
def test_the_small_commands_show_what_they_found(client, columns):
    client.file("report.bin", b"content")
    code = client.send("report.bin")
    assert "active" in check(run(client, "status", code, columns=columns)).text
    assert "report.bin" in check(run(client, "preview", code, columns=columns)).text
    check(run(client, "burn", code, columns=columns))
    assert "burned" in check(run(client, "status", code, columns=columns), GONE).text
    assert "UTC" in check(run(client, "get", code, columns=columns), GONE).text


def test_watching_shows_each_change_once(daemon, client):
    client.file("report.bin", b"content")
    code = client.send("report.bin")

    def at(_, shown):
        if b"active" in shown and not downloads:
            downloads.append(daemon.download(vectors.share_id(code)).status_code)
    downloads = []
    seen = run(client, "status", "--watch", code, at=at)
    assert downloads == [200]
    text = check(seen, GONE).text
    assert text.count("active") == 1 and text.count("burned") == 1


@pytest.mark.parametrize("args", [["--help"], ["send", "--help"], ["get", "-h"], ["help", "burn"],
                                  ["--version"], ["completion", "bash"]])
def test_help_and_completion_are_plain_text(client, args):
    screen = check(run(client, *args))
    assert screen.n_returns == screen.text.count("\n")  # those that the terminal made of line ends
    if args[0] != "completion":
        assert max(map(width, screen.lines)) <= 80


def test_a_screen_can_see_what_it_must_not():
    """The judge of this file finds what is to be found."""
    for evil in (b"\x1b[2J", b"\x1b]0;a\x07", b"\x07", b"\x1b[1A", b"\x08", "\x9b".encode()):
        with pytest.raises(AssertionError):
            Screen(b"text" + evil, 80)
    screen = Screen(b"10 %  1.0 MiB/s\r\x1b[Kdone\r\n", 80)
    assert screen.text == "done\n" and "10 %  1.0 MiB/s" in screen.drawn


def test_the_terminal_of_a_hostile_client_would_be_seen(client):
    seen = run(client, "get", "-o", "-", "zebra", "\x1b[2J")
    assert seen.code in (USAGE, NOTFOUND)
    Screen(seen.shown, 80)


def test_a_client_without_a_terminal_asks_nobody(client):
    done = Client.run(client, "get", data=b"", code=USAGE)
    assert done.out == b"" and done.err
