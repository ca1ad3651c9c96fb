# SPDX-License-Identifier: Apache-2.0
"""Goal: a file goes up with curl, comes back byte for byte, and is gone."""

import hashlib
import json
import os
import subprocess

import requests

from conftest import wait_for


def curl(*args, check=True):
    done = subprocess.run(["curl", "-sS", "--max-time", "60", *args], capture_output=True, timeout=90)
    if check:
        assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_a_form_upload_comes_back_byte_for_byte_and_is_gone(daemon, tmp_path):
    content = os.urandom(300_000)
    (tmp_path / "report.pdf").write_bytes(content)
    receipt = json.loads(curl("-F", f"file=@{tmp_path}/report.pdf", daemon.url + "/upload/"))
    assert receipt["filename"] == "report.pdf"
    assert receipt["size"] == len(content)
    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    assert receipt["uses"] == 1
    assert len(receipt["key"].split("-")) == 4
    assert receipt["download_url"] == f"{daemon.url}/download/{receipt['key']}"
    assert receipt["share_url"] == f"{daemon.url}/#{receipt['key']}"
    assert len(receipt["burn_token"]) == 43

    assert curl(receipt["download_url"]) == content
    again = daemon.download(receipt["key"])
    assert again.status_code == 410
    assert again.json()["error_code"] == "GONE"
    assert again.json()["ended_by"] == "uses"
    wait_for(lambda: not daemon.blobs(), 10, "the blob to be shredded")


def test_a_raw_upload_answers_with_one_line(daemon, tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n")
    line = curl("-T", str(tmp_path / "notes.txt"), daemon.url + "/").decode()
    assert line.startswith(daemon.url + "/download/") and line.endswith("\n")
    assert line.count("\n") == 1
    assert curl(line.strip()) == b"hello\n"


def test_a_raw_upload_from_a_pipe_needs_no_length(daemon):
    content = os.urandom(3_000_000)
    done = subprocess.run(["curl", "-sS", "--max-time", "60", "-T", "-", daemon.url + "/stdin.bin"],
                          input=content, capture_output=True, timeout=90, check=True)
    got = daemon.download(done.stdout.decode().strip().rsplit("/", 1)[1])
    assert got.content == content
    assert 'filename="stdin.bin"' in got.headers["Content-Disposition"]


def test_an_empty_file_is_a_valid_file(daemon):
    receipt = daemon.upload(b"", name="empty")
    assert receipt["size"] == 0
    assert receipt["sha256"] == hashlib.sha256(b"").hexdigest()
    got = daemon.download(receipt["key"])
    assert (got.status_code, got.content) == (200, b"")
    assert daemon.download(receipt["key"]).status_code == 410


def test_sizes_around_every_boundary_come_back(daemon):
    for size in (1, 15, 16, 17, 65535, 65536, 65537, 1 << 20, (1 << 20) + 3):
        content = os.urandom(size)
        got = daemon.download(daemon.upload(content)["key"])
        assert got.status_code == 200
        assert got.content == content, size
        assert got.headers["X-SHA256"] == hashlib.sha256(content).hexdigest()


def test_status_follows_the_life_of_an_upload(daemon):
    receipt = daemon.upload(b"abc", uses="2")
    assert daemon.status(receipt["key"])["status"] == "active"
    assert daemon.status(receipt["key"])["remaining_uses"] == 2
    assert daemon.download(receipt["key"]).headers["X-Uses-Remaining"] == "1"
    assert daemon.status(receipt["key"])["remaining_uses"] == 1
    assert daemon.download(receipt["key"]).content == b"abc"
    state = daemon.status(receipt["key"])
    assert state["status"] == "burned" and state["ended_by"] == "uses"
    assert not state["is_accessible"]


def test_a_code_is_read_in_any_spelling(daemon):
    words = daemon.upload(b"abc", uses="5")["key"].split("-")
    for spelled in (".".join(words), "_".join(words).upper(), "%20".join(words)):
        assert daemon.download(spelled).content == b"abc", spelled


def test_a_preview_is_given_once(daemon):
    receipt = daemon.upload(b"abc", name="a.txt")
    first = requests.get(receipt["preview_url"], timeout=20)
    assert first.status_code == 200
    assert first.json()["filename"] == "a.txt"
    assert first.json()["minutes_left"] == 10
    assert first.json()["curl_example"].endswith(receipt["download_url"])
    second = requests.get(receipt["preview_url"], timeout=20)
    assert second.status_code == 410
    assert second.json()["error_code"] == "PREVIEW_TAKEN"


def test_the_sender_can_burn_and_nobody_else(daemon):
    before = len(daemon.blobs())  # of the other tests
    receipt = daemon.upload(b"abc")
    url = f"{daemon.url}/burn/{receipt['key']}"
    assert requests.post(url, timeout=20).status_code == 401
    wrong = {"Authorization": "Bearer " + "A" * 43}
    assert requests.post(url, headers=wrong, timeout=20).status_code == 401
    assert daemon.status(receipt["key"])["status"] == "active"
    right = {"Authorization": "Bearer " + receipt["burn_token"]}
    assert requests.post(url, headers=right, timeout=20).status_code == 200
    gone = daemon.download(receipt["key"])
    assert (gone.status_code, gone.json()["ended_by"]) == (410, "revoked")
    assert requests.post(url, headers=right, timeout=20).status_code == 410
    wait_for(lambda: len(daemon.blobs()) == before, 10, "the blob to be shredded")


def test_a_code_that_was_never_issued_is_not_found(daemon):
    reply = daemon.download("zebra-zebra-zebra-zebra")
    assert (reply.status_code, reply.json()["error_code"]) == (404, "NOT_FOUND")
    assert daemon.status("zebra-zebra-zebra-zebra")["status"] == "unknown"
    assert daemon.download("not-a-code").status_code == 404
