# SPDX-License-Identifier: Apache-2.0
"""Goal: what is in a file, what it is called and the code that opens it are nowhere but in the
replies that are due: not in a file, a log line, the process's faces in /proc, or another reply."""

import os
import pathlib
import secrets
import shutil
import stat
import subprocess
import time

import pytest

from conftest import BUILD, wait_for
from end_to_end import AGE_HEAD, new_id, new_meta, upload_e2e
from wire import UNISSUED, ask, part, post_form, raw_state, sealed_tokens

MARK = secrets.token_hex(6)
CONTENT_MARK = f"CONTENT{MARK}CONTENT".encode()
NAME_MARK = f"NAME{MARK}NAME"
TOKEN_MARK = f"TOKEN{MARK}TOKEN"
CONTENT = (CONTENT_MARK + b"\n") * 20_000  # 540 kB, all of it text
BEARER = {"Authorization": "Bearer " + TOKEN_MARK}


@pytest.fixture
def chatty(make_daemon):
    return make_daemon({"LOG_LEVEL": "debug", "LOG_ADDRESSES": "full", "UPLOAD_TOKEN": TOKEN_MARK})


def put(daemon, **headers):
    got = ask(daemon, "PUT", f"/{NAME_MARK}.txt", CONTENT,
              {"Accept": "application/json", **BEARER, **headers})
    assert got.status == 201, got.body
    return got.json()


def files_with(daemon, *marks):
    """Files of the storage and the state that hold one of the marks, in bytes or in a name; and
    the store, when that is in no file and holds one."""
    elsewhere = daemon.store.elsewhere()
    found = [daemon.store] if any(m in elsewhere for m in marks) else []
    for top in (daemon.home, daemon.state):
        for path in top.rglob("*"):
            try:
                data = path.read_bytes() if path.is_file() else b""
            except FileNotFoundError:
                continue
            if any(m in data or m in os.fsencode(path) for m in marks):
                found.append(path)
    return found


def processes(daemon):
    """The daemon, and what it has started."""
    pids, new = {daemon.pid}, True
    while new:
        new = set()
        for folder in pathlib.Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) not in pids:
                try:
                    parent = int(folder.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1])
                except (OSError, IndexError):
                    continue
                if parent in pids:
                    new.add(int(folder.name))
        pids |= new
    return pids


def faces(daemon):
    """What /proc shows of the daemon, its threads and its helpers to who may look."""
    shown = b""
    for pid in processes(daemon):
        for task in [pathlib.Path(f"/proc/{pid}"), *pathlib.Path(f"/proc/{pid}/task").iterdir()]:
            for name in ("cmdline", "environ", "comm"):
                try:
                    shown += task.joinpath(name).read_bytes() + b"\0"
                except PermissionError:  # not dumpable: its environment is root's alone to see
                    assert name == "environ" and os.geteuid() != 0
    return shown


def spellings(code):
    words = code.split("-")
    return [s.join(words).encode() for s in ("-", " ", ".", "_", "", "%20")]


def test_marks_are_found_where_they_are(chatty):
    """The search of this file finds what is there to be found."""
    (chatty.home / "leak").write_bytes(b"x" * 5000 + CONTENT_MARK)
    chatty.store.plant(NAME_MARK)
    assert len(files_with(chatty, CONTENT_MARK, NAME_MARK.encode())) == 2
    seen = chatty.state.name if os.geteuid() == 0 else chatty.binary.name
    assert seen.encode() in faces(chatty)


def test_no_mark_is_left_anywhere_while_a_file_lives_and_after(chatty):
    head = (f"PUT /{NAME_MARK}.txt HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN_MARK}\r\n"
            f"Content-Length: {len(CONTENT)}\r\n\r\n").encode()
    marks = [CONTENT_MARK, NAME_MARK.encode(), TOKEN_MARK.encode()]
    with chatty.connect() as s:
        s.sendall(head + CONTENT[:400_000])
        wait_for(lambda: sum(p.stat().st_size for p in chatty.blobs()) > 100_000, 10, "a part")
        assert files_with(chatty, *marks) == []  # half way up
        s.sendall(CONTENT[400_000:])
        answer = s.recv(65536)
        assert b" 201 " in answer
        code = answer.rsplit(b"/", 1)[1].strip().decode()

    marks += spellings(code)
    assert files_with(chatty, *marks) == []
    assert ask(chatty, "GET", f"/preview/{code}").json()["filename"] == NAME_MARK + ".txt"
    with chatty.connect() as s:
        s.sendall(f"GET /download/{code} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        got = b""
        while len(got) < 50_000:
            got += s.recv(50_000)
        assert CONTENT_MARK in got
        assert files_with(chatty, *marks) == []  # half way down
        while len(got) < len(CONTENT):
            got += s.recv(65536)
    wait_for(lambda: not chatty.blobs(), 10, "the blob to be shredded")
    assert ask(chatty, "GET", f"/download/{code}").status == 410
    assert files_with(chatty, *marks) == []
    assert not any(m in faces(chatty) for m in marks)
    chatty.stop()
    assert files_with(chatty, *marks) == []
    log = "\n".join(chatty.lines).encode()
    assert b'"event":"request"' in log
    assert not any(m in log for m in marks)


def test_neither_an_id_nor_what_was_sealed_with_it_is_left_anywhere(chatty):
    """The ciphertext, which anyone could tell again, is encrypted once more as well."""
    key, meta = new_id(), new_meta(4096)
    marks = [key.encode(), meta.encode(), meta[:64].encode(), AGE_HEAD[:60], CONTENT_MARK,
             NAME_MARK.encode()]
    receipt = upload_e2e(chatty, AGE_HEAD + CONTENT, key, meta, name=NAME_MARK + ".age",
                         headers=BEARER, uses="2")
    assert receipt["key"] == key
    marks += [receipt["burn_token"].encode(), receipt["sha256"].encode()]
    assert files_with(chatty, *marks) == []
    assert ask(chatty, "GET", f"/preview/{key}").json()["meta"] == meta
    for _ in range(2):
        assert ask(chatty, "GET", f"/download/{key}")["X-Mayfly-Meta"] == meta
        assert files_with(chatty, *marks) == []
    wait_for(lambda: not chatty.blobs(), 10, "the blob to be shredded")
    assert ask(chatty, "GET", f"/download/{key}").status == 410
    assert files_with(chatty, *marks) == []
    assert not any(m in faces(chatty) for m in marks)
    chatty.stop()
    assert files_with(chatty, *marks) == []
    log = "\n".join(chatty.lines).encode()
    assert b'"event":"request"' in log
    assert not any(m in log for m in marks)


@pytest.mark.parametrize("kind", ["code", "id"])
def test_no_log_line_names_a_key_whatever_goes_wrong(chatty, kind):
    if kind == "code":
        receipt = put(chatty, **{"X-Uses": "5"})
    else:
        receipt = upload_e2e(chatty, AGE_HEAD + CONTENT, name=NAME_MARK, headers=BEARER, uses="5")
    code, token = receipt["key"], receipt["burn_token"]
    for method, target in (("GET", f"/download/{code}"), ("GET", f"/status/{code}"),
                           ("GET", f"/preview/{code}"), ("GET", f"/preview/{code}"),
                           ("POST", f"/burn/{code}"), ("HEAD", f"/download/{code}"),
                           ("DELETE", f"/download/{code}"), ("GET", f"/download/{code}/more"),
                           ("GET", f"/nothing/{code}"), ("GET", f"/{code}"),
                           ("GET", f"/?{code}"), ("GET", f"/download/{code}?x={code}"),
                           ("GET", f"/download/{code.upper()}"), ("GET", f"/download/{code}%00"),
                           ("GET", f"/download/{code}%zz")):
        ask(chatty, method, target)
    ask(chatty, "GET", f"/download/{code}", headers={"User-Agent": code, "X-Request-ID": code,
                                                     "Referer": f"https://a/{code}"})
    ask(chatty, "PUT", f"/{code}.txt", b"x", {"Content-Type": code})
    for content in (AGE_HEAD, CONTENT):  # an id in use, a code for an id, and no age file
        assert post_form(chatty, part("file", content, NAME_MARK), part("id", code),
                         part("encryption", "age"), headers=BEARER).status in (409, 422)
    (blob,) = [p for p in chatty.blobs() if p.stat().st_size > 10_000]
    blob.write_bytes(b"\x80" + bytes(5000))
    assert ask(chatty, "GET", f"/download/{code}").status == 500
    blob.unlink()
    assert ask(chatty, "GET", f"/download/{code}").status == 500
    ask(chatty, "POST", f"/burn/{code}", headers={"Authorization": "Bearer " + token})
    assert ask(chatty, "GET", f"/download/{code}").status == 410
    chatty.stop()
    log = "\n".join(chatty.lines).encode()
    assert len(chatty.events("request")) > 15 and chatty.events("error")
    for mark in spellings(code) + [code.upper().encode(), token.encode(), CONTENT_MARK,
                                   NAME_MARK.encode(), str(chatty.storage).encode()]:
        assert mark not in log, mark


def test_no_reply_but_its_own_shows_a_mark(chatty):
    receipt = put(chatty)
    other = put(chatty, **{"X-Uses": "2"})
    marks = [m for r in (receipt, other) for m in spellings(r["key"])]
    marks += [CONTENT_MARK, NAME_MARK.encode(), TOKEN_MARK.encode(), MARK.encode(),
              receipt["burn_token"].encode(), receipt["sha256"].encode()]
    for target in ("/", "/health/", "/robots.txt", "/nothing", "/upload/", "/openapi.json",
                   "/docs/", "/metrics", f"/status/{UNISSUED}", f"/download/{UNISSUED}",
                   f"/preview/{UNISSUED}", "/download/not-a-code"):
        for accept in ("*/*", "text/html"):
            got = ask(chatty, "GET", target, headers={"Accept": accept})
            shown = got.body + repr(got.fields).encode()
            assert not any(m in shown for m in marks), target
    # The code's own replies show what they are for, and no more.
    status = ask(chatty, "GET", f"/status/{receipt['key']}")
    assert NAME_MARK.encode() not in status.body and receipt["sha256"].encode() not in status.body
    assert ask(chatty, "GET", f"/download/{receipt['key']}").body == CONTENT
    gone = ask(chatty, "GET", f"/download/{receipt['key']}")
    assert gone.status == 410
    assert not any(m in gone.body + repr(gone.fields).encode() for m in marks)


def test_a_long_sealed_record_leaves_the_state_with_its_upload(chatty):
    """With metadata it is longer than all others, and than a page of the embedded store."""
    key = upload_e2e(chatty, AGE_HEAD, meta=new_meta(4096), headers=BEARER)["key"]
    sealed = chatty.store.sealed_token(key)
    pieces = [sealed[n:n + 16] for n in range(9, len(sealed) - 16, 16)]
    assert len(sealed) > 4000 and all(p in raw_state(chatty) for p in pieces[:2])
    assert ask(chatty, "GET", f"/download/{key}").status == 200
    wait_for(lambda: not any(p in raw_state(chatty) for p in pieces), 10, "all of it to be gone")
    chatty.stop()
    raw = raw_state(chatty)
    assert not any(p in raw for p in pieces)


@pytest.mark.parametrize("how", ["uses", "revoked"])
def test_the_sealed_record_leaves_the_state_with_its_upload(chatty, how):
    kept = put(chatty)
    (of_kept,) = sealed_tokens(chatty)
    receipt = put(chatty)
    (sealed,) = [s for s in sealed_tokens(chatty) if s != of_kept]
    middle = sealed[9:73]  # behind the token's version and time: nothing of it comes twice
    assert middle in raw_state(chatty)
    if how == "uses":
        assert ask(chatty, "GET", f"/download/{receipt['key']}").status == 200
    else:
        assert ask(chatty, "POST", f"/burn/{receipt['key']}", headers={
            "Authorization": "Bearer " + receipt["burn_token"]}).status == 200
    ended = time.monotonic()
    wait_for(lambda: middle not in raw_state(chatty), 10, "the sealed record to be gone")
    assert time.monotonic() - ended <= 1.25
    pieces = [sealed[n:n + 16] for n in range(9, len(sealed) - 16, 16)]
    assert not any(p in raw_state(chatty) for p in pieces)
    assert of_kept[9:73] in raw_state(chatty)  # and the other one is as it was
    assert ask(chatty, "GET", f"/download/{kept['key']}").body == CONTENT
    chatty.stop()
    assert middle not in raw_state(chatty)


def test_files_and_folders_are_for_the_owner_alone(chatty):
    put(chatty)
    for top in (chatty.state, chatty.storage):
        assert stat.S_IMODE(top.stat().st_mode) == 0o700, top
        for path in top.rglob("*"):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))
    pepper = chatty.state / "pepper"
    assert pepper.stat().st_size == 32
    secret = pepper.read_bytes()
    assert all(secret not in p.read_bytes() for p in chatty.state.iterdir() if p != pepper)
    assert all(secret not in p.read_bytes() for p in chatty.blobs())


def test_there_are_no_core_dumps(chatty):
    for pid in processes(chatty):
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()
        (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
        assert core[4:6] == ["0", "0"], core


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to start the daemon as another user")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as somebody else")
def test_the_process_is_not_dumpable(make_daemon):
    """The kernel gives the /proc entries of what may not be dumped to root."""
    nobody = 65534
    plain = subprocess.Popen(["sleep", "60"], user=nobody)
    try:
        assert pathlib.Path(f"/proc/{plain.pid}/environ").stat().st_uid == nobody
    finally:
        plain.kill()
        plain.wait()
    daemon = make_daemon(start=False)
    daemon.popen = {"user": nobody, "group": nobody, "extra_groups": []}
    for program in ("mayfly-sniff", "mayflyd"):  # the checkout may lie where nobody cannot go
        daemon.binary = pathlib.Path(shutil.copy(BUILD / program, daemon.home / program))
    for folder in (daemon.home, daemon.state):
        os.chown(folder, nobody, nobody)
    daemon.start(ASAN_OPTIONS="detect_leaks=0:exitcode=99")
    assert daemon.status(UNISSUED)["status"] == "unknown"
    for pid in processes(daemon):
        assert pathlib.Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[0] == str(
            nobody)
        assert pathlib.Path(f"/proc/{pid}/environ").stat().st_uid == 0
