# SPDX-License-Identifier: Apache-2.0
"""Goal: what a stranger says, by a link or an answer, moves no token of the sender's elsewhere and
loses none; and no wait for a local file outlives an interrupt."""

import json
import os
import resource
import signal

import pytest

from client import GONE, LOCAL, end, vectors
from conftest import wait_for
from middlemen import Impostor, response


def ended(_request):
    """What a server says of an upload that is gone."""
    body = {"key": "x", "status": "burned", "remaining_uses": 0, "expires_at": None,
            "is_accessible": False, "ended_at": "2026-01-01T12:10:00Z", "ended_by": "uses"}
    return response(200, json.dumps(body).encode(), Content_Type="application/json")


# ---- burn tokens ----


@pytest.mark.parametrize("way", ["link", "setting", "link beside --server"])
def test_a_kept_burn_token_goes_to_its_own_server_alone(daemon, client, way):
    client.file("report.pdf")
    code = client.send("report.pdf")
    with Impostor(ended) as other:
        if way == "setting":
            client.run("burn", code, env={"MAYFLY_SERVER": other.url})
        else:
            typed = [] if way == "link" else ["--server", daemon.url]
            client.run("burn", *typed, f"{other.url}/#{code}")
        assert other.requests == []
    client.run("status", code, code=GONE)
    assert client.state() == []


def test_a_kept_burn_token_goes_to_the_server_that_is_typed(client):
    client.file("report.pdf")
    code = client.send("report.pdf")
    with Impostor(ended) as other:
        client.run("burn", "--server", other.url, code)
        (request,) = other.requests
    assert request.path == f"/burn/{vectors.share_id(code)}"
    assert request.fields["authorization"].startswith("Bearer ")
    assert client.run("status", code).text.startswith("active")
    client.run("burn", code)  # that other server's word did not count
    client.run("status", code, code=GONE)


def test_another_server_cannot_have_a_token_forgotten(client):
    client.file("report.pdf")
    code = client.send("report.pdf")
    with Impostor(ended) as other:
        client.run("status", f"{other.url}/#{code}", code=GONE)
        assert len(other.requests) == 1
    client.run("burn", code)
    client.run("status", code, code=GONE)
    assert client.state() == []


# ---- what this side lacks ----


@pytest.mark.parametrize("stdout", ["closed", "unread"])
def test_a_standard_output_that_takes_nothing_costs_no_use(daemon, client, stdout):
    client.file("report.pdf")
    code = client.send("report.pdf")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        client.run("get", "-o", "-", code, code=LOCAL, stdout=writing,
                   preexec_fn=(lambda: os.close(1)) if stdout == "closed" else None)
    finally:
        os.close(writing)
    assert daemon.status(vectors.share_id(code))["remaining_uses"] == 1
    client.get("-o", "-", code)


def test_a_limit_of_file_size_is_an_error_and_leaves_nothing(client):
    client.file("report.pdf", os.urandom(100000))
    code = client.send("--uses", "2", "report.pdf")
    done = client.get(code, code=LOCAL, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (4096, 4096)))
    assert "File too large" in done.notes and client.names() == []
    client.get(code)
    assert client.names() == ["report.pdf"]


def test_an_interrupt_ends_the_wait_for_a_token(client):
    pipe = client.top / "token"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)  # a writer that says nothing
    try:
        process = client.start("send", "--upload-token-file", pipe, client.file("report.pdf"))
        wait_for(lambda: reads(process.pid, pipe), 20, "the file to be opened")
        process.send_signal(signal.SIGINT)
        assert end(process).code == -signal.SIGINT
    finally:
        os.close(held)


def reads(pid, path):
    """Whether the process waits with the pipe open; only root may look into it."""
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}") == str(path)
                   for fd in os.listdir(f"/proc/{pid}/fd"))
    except FileNotFoundError:
        return False
    except PermissionError:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().split()[2] == "S"
