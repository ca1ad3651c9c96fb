# SPDX-License-Identifier: Apache-2.0
"""Goal: what is sent with the client comes out of it, byte for byte, under its name and nowhere
else; the code is alone on stdout, people's notes are on stderr, and scripts get one JSON object."""

import hashlib
import os
import re
import stat
import tarfile
import unicodedata
import urllib.parse

import pytest
import requests

from client import (BIDIRECTIONAL, DONE, E2E_CODE, GONE, INTEGRITY, LOCAL, NOTFOUND, REFUSED, USAGE,
                    Client, age_file, draw, harmless, meta_of, upload_sealed, vectors)
from conftest import wait_for
from middlemen import Impostor, response

MIB = 1 << 20
BIG = os.urandom(MIB) * 5 + b"x"
MODES = [[], ["--plain"]]
SETTINGS = {"DOWNLOAD_FAIL_LIMIT": "1000"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


# ---- round trips ----


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("content", [b"", b"x", os.urandom(65536), BIG], ids=len)
def test_a_file_comes_back_under_its_name_and_is_gone(client, mode, content):
    client.file("report.pdf", content)
    code = client.send(*mode, "report.pdf")
    done = client.get(code)
    assert done.out == b""
    assert client.names() == ["report.pdf"]
    assert (client.got / "report.pdf").read_bytes() == content
    assert "report.pdf" in done.notes
    again = client.get(code, code=GONE)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", again.notes), again.notes
    assert client.names() == ["report.pdf"]


@pytest.mark.parametrize("mode", MODES)
def test_a_pipe_comes_out_of_a_pipe(client, mode):
    code = client.send(*mode, "-", data=BIG)
    assert client.get("-o", "-", code).out == BIG
    assert client.names() == []


@pytest.mark.parametrize("mode", MODES)
def test_a_pipe_of_nothing_comes_out_too(client, mode):
    assert client.get("-o", "-", client.send(*mode, "-", data=b"")).out == b""


def test_a_pipe_has_the_name_that_it_is_given(client):
    client.get(client.send("--name", "notes.txt", "-", data=b"some text\n"))
    assert client.names() == ["notes.txt"]


def test_what_is_sent_plain_is_there_for_curl_and_what_curl_sent_comes_out(daemon, client):
    client.file("report.pdf", BIG)
    code = client.send("--plain", "-u", "2", "report.pdf")
    got = daemon.download(code)
    assert (got.status_code, got.content) == (200, BIG)
    assert 'filename="report.pdf"' in got.headers["Content-Disposition"]
    assert daemon.status(code)["remaining_uses"] == 1
    receipt = daemon.upload(b"from curl", "by-curl.txt")
    client.get(receipt["key"])
    assert (client.got / "by-curl.txt").read_bytes() == b"from curl"


def test_a_server_gets_an_age_file_and_no_name(daemon, client):
    client.file("secret-plans.pdf", b"the plans")
    code = client.send("secret-plans.pdf")
    got = daemon.download(vectors.share_id(code))
    assert got.content.startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert b" 15\n" in got.content[:120]
    assert "secret-plans" not in str(got.headers)


NAMES = ["Übersicht – 文件 🐝.txt", "with blank and 'quotes'.txt", "CON.txt", "a" * 250 + ".txt",
         "percent%20and+plus.txt"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_survives(client, mode, name):
    client.file(name)
    client.get(client.send(*mode, "--", name))
    assert client.names() == [name]


def test_a_name_that_looks_like_an_option_or_hides_gets_another_beginning(client):
    for name, safe in (("-rf", "_rf"), (".profile", "_profile")):
        client.file(name)
        client.get(client.send("--", name))
        assert client.names() == [safe]
        (client.got / safe).unlink()


# ---- folders and several files ----


def make_tree(top):
    (top / "deep" / "er").mkdir(parents=True)
    (top / "empty").mkdir()
    (top / "deep" / "er" / "big.bin").write_bytes(BIG)
    (top / "Zeit – 時.txt").write_bytes(b"utf-8")
    (top / ".hidden").write_bytes(b"")
    (top / "run.sh").write_bytes(b"#!/bin/sh\n")
    (top / "run.sh").chmod(0o755)
    (top / "link").symlink_to("deep/er/big.bin")
    os.utime(top / "run.sh", (1_500_000_000, 1_500_000_000))


def tree_of(top):
    """What a tree is, for comparing."""
    found = {}
    for path in sorted(top.rglob("*")):
        name, mode = str(path.relative_to(top)), path.lstat().st_mode
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name] = "folder"
        else:
            found[name] = (path.read_bytes(), oct(mode & 0o100), int(path.stat().st_mtime))
    return found


@pytest.mark.parametrize("mode", MODES)
def test_a_folder_comes_back_as_a_tar_and_unpacks_to_what_it_was(client, mode):
    make_tree(client.files / "photos")
    code = client.send(*mode, "-u", "2", "photos/")
    client.get(code)
    assert client.names() == ["photos.tar"]
    with tarfile.open(client.got / "photos.tar") as tar:
        entries = {e.name: e for e in tar.getmembers()}
        assert tar.extractfile("photos/deep/er/big.bin").read() == BIG
        assert tar.extractfile("photos/Zeit – 時.txt").read() == b"utf-8"
    assert list(entries) == sorted(entries) and all(n.startswith("photos") for n in entries)
    assert all(e.uid == e.gid == 0 and e.uname in ("", "root") for e in entries.values())
    (client.got / "photos.tar").unlink()
    client.get("--extract", code)
    assert client.names() == ["photos"]
    assert tree_of(client.got / "photos") == tree_of(client.files / "photos")


def test_several_files_come_as_one_tar(client):
    for name in ("one.txt", "two.txt"):
        client.file(name, name.encode())
    make_tree(client.files / "photos")
    code = client.send("two.txt", "one.txt", "photos")
    client.get("-x", code)
    assert client.names() == ["one.txt", "photos", "two.txt"]
    assert (client.got / "two.txt").read_bytes() == b"two.txt"
    assert tree_of(client.got / "photos") == tree_of(client.files / "photos")


def test_several_files_go_into_one_tar_by_its_name(client):
    for name in ("one.txt", "two.txt"):
        client.file(name, name.encode())
    client.get(client.send("--plain", "one.txt", "two.txt"))
    (name,) = client.names()
    assert name.endswith(".tar")
    with tarfile.open(client.got / name) as tar:
        assert tar.getnames() == ["one.txt", "two.txt"]


def test_extracting_never_overwrites_but_by_force(client):
    make_tree(client.files / "photos")
    client.file("one.txt", b"new")
    code = client.send("-u", "3", "photos", "one.txt")
    (client.got / "one.txt").write_bytes(b"mine")
    for folder in ("files", "files-1"):  # the use is taken, so it goes where nothing is in its way
        got = client.get("--json", "-x", code).json()
        assert got["paths"] == [f"{folder}/one.txt", f"{folder}/photos"]
        assert (client.got / folder / "one.txt").read_bytes() == b"new"
        assert tree_of(client.got / folder / "photos") == tree_of(client.files / "photos")
    assert client.names() == ["files", "files-1", "one.txt"]
    assert (client.got / "one.txt").read_bytes() == b"mine"
    client.get("-x", "--force", code)
    assert (client.got / "one.txt").read_bytes() == b"new"


def test_extracting_what_is_no_tar_keeps_the_file(client):
    client.file("report.pdf", b"%PDF-1.7")
    done = client.get("-x", client.send("report.pdf"))
    assert client.names() == ["report.pdf"] and "tar" in done.notes


def test_a_hostile_tar_writes_nothing(daemon, client):
    folder = client.top / "made"
    folder.mkdir()
    (folder / "evil").write_bytes(b"evil")
    for n, name in enumerate(("../evil", str(client.top / "evil"), "a/../../evil")):
        with tarfile.open(folder / f"{n}.tar", "w") as tar:
            tar.add(folder / "evil", arcname="good")
            entry = tarfile.TarInfo(name)
            tar.addfile(entry)
        receipt = daemon.upload((folder / f"{n}.tar").read_bytes(), "good.tar")
        client.get("-x", receipt["key"], code=INTEGRITY)
        assert client.names() == [] and not (client.top / "evil").exists(), name


# ---- where it goes ----


def test_a_name_that_is_taken_gets_a_number(client):
    client.file("a.tar.gz", b"new")
    code = client.send("-u", "3", "a.tar.gz")
    for _ in range(3):
        client.get(code)
    assert "a.tar.gz" in client.names() and len(client.names()) == 3
    assert all(p.read_bytes() == b"new" for p in client.got.iterdir())
    client.file("report.pdf")
    code = client.send("-u", "3", "report.pdf")
    for _ in range(3):
        client.get(code)
    assert [n for n in client.names() if "report" in n] == ["report-1.pdf", "report-2.pdf",
                                                            "report.pdf"]


def test_force_writes_over_the_name(client):
    client.file("report.pdf", b"new")
    (client.got / "report.pdf").write_bytes(b"old")
    client.get("-f", client.send("report.pdf"))
    assert client.names() == ["report.pdf"]
    assert (client.got / "report.pdf").read_bytes() == b"new"


def test_it_goes_into_the_folder_that_is_named(client):
    client.file("report.pdf", b"new")
    (client.top / "there").mkdir()
    client.get("-C", client.top / "there", client.send("report.pdf"))
    assert client.names() == [] and client.names(client.top / "there") == ["report.pdf"]


def test_it_goes_to_the_path_that_is_named(client):
    client.file("report.pdf", b"new")
    client.get("-o", "other.bin", client.send("report.pdf"))
    assert client.names() == ["other.bin"]
    assert stat.S_IMODE((client.got / "other.bin").stat().st_mode) == 0o600


@pytest.mark.parametrize("args", [["-o", "there.bin"], ["-o", "no/such/folder.bin"], ["-o", "."],
                                  ["-C", "nowhere"], ["-C", "there.bin"], ["-x", "-C", "nowhere"]])
def test_a_place_that_cannot_be_written_takes_no_use(daemon, client, args):
    client.file("report.pdf")
    code = client.send("report.pdf")
    (client.got / "there.bin").write_bytes(b"mine")
    client.get(*args, code, code=LOCAL)
    assert client.names() == ["there.bin"]
    assert (client.got / "there.bin").read_bytes() == b"mine"
    assert daemon.status(vectors.share_id(code))["remaining_uses"] == 1


def test_nothing_is_written_through_a_link(client):
    client.file("report.pdf", b"new")
    (client.top / "victim").write_bytes(b"mine")
    (client.got / "report.pdf").symlink_to(client.top / "victim")
    code = client.send("-u", "3", "report.pdf")
    client.get(code)
    client.get("-o", "report.pdf", code, code=LOCAL)
    client.get("-f", "-o", "report.pdf", code)
    assert (client.top / "victim").read_bytes() == b"mine"
    assert not (client.got / "report.pdf").is_symlink()


HOSTILE = ["../../evil", "/etc/evil", "..", ".", ".bashrc", "-rf", "a\nb.txt",
           "\x1b]0;title\x07.txt", "\u202egpj.exe", "dir/name.txt", "c:\\x\\y.txt",
           "n" * 255, "a\x7f\u009b31mb", "\ufeff", "", " ", "\u2028.txt", ".mayfly-x.part",
           "con\u200bfusable\u2066.txt", "`id`$(id);|&.sh"]


def check_one_harmless_file(client, content):
    """One file came, in the folder, with a name that does nothing."""
    (name,) = client.names()
    assert not any(unicodedata.category(c) == "Cc" or c in BIDIRECTIONAL for c in name), name
    assert name[0] not in ".-" and not set(name) & set("/\\;|&$`<>"), name
    assert (client.got / name).read_bytes() == content
    assert sorted(os.listdir(client.top)) == ["files", "got", "home"]
    (client.got / name).unlink()


@pytest.mark.parametrize("name", HOSTILE)
def test_the_name_of_a_hostile_sender_stays_in_the_folder(daemon, client, name):
    code = draw()
    upload_sealed(daemon.url, code, age_file(code, b"plain"), meta_of(name, b"plain"))
    done = client.get(code)
    harmless(done.err + done.out)
    check_one_harmless_file(client, b"plain")


@pytest.mark.parametrize("names", [HOSTILE[:8], HOSTILE[8:]], ids=["some", "others"])
def test_the_name_of_a_hostile_server_stays_in_the_folder(client, names):
    for n, name in enumerate(names):
        value = b"attachment; filename*=UTF-8''" + urllib.parse.quote(name, safe="").encode()
        if n % 2:  # as bytes
            value = b'attachment; filename="' + name.encode().replace(b"\n", b"") + b'"'
        answer = response(body=b"plain", Content_Disposition=value, X_SHA256=sha256(b"plain"),
                          X_Uses_Remaining=0, ETag='"x"', Content_Type="text/plain")
        with Impostor(lambda _, answer=answer: answer) as server:
            done = client.get("--server", server.url, "velvet-canyon-oboe-thrift")
            harmless(done.err + done.out)
            check_one_harmless_file(client, b"plain")


# ---- what is said ----


def test_the_notes_of_send_say_how_to_get_it(daemon, client):
    client.file("report.pdf", b"x" * 2048)
    done = client.run("send", "report.pdf", cwd=client.files)
    code, notes = done.text[:-1], done.notes
    for part in ("report.pdf", "2.0 KiB", f"{daemon.url}/#{code}", "mayfly get", "| age -d",
                 f"{daemon.url}/download/{vectors.share_id(code)}", "UTC"):
        assert part in notes, (part, notes)
    done = client.run("send", "--plain", "report.pdf", cwd=client.files)
    code, notes = done.text[:-1], done.notes
    for part in ("report.pdf", f"{daemon.url}/#{code}", "mayfly get", "curl -OJ",
                 f"{daemon.url}/download/{code}"):
        assert part in notes, (part, notes)
    assert "age -d" not in notes


@pytest.mark.parametrize("mode", MODES)
def test_quiet_says_nothing_but_the_result(client, mode):
    client.file("report.pdf")
    done = client.run("send", "--quiet", *mode, "-u", "2", "report.pdf", cwd=client.files)
    code = done.text.strip()
    assert (done.err, done.out.count(b"\n")) == (b"", 1)
    for args in (["status", "-q", code], ["preview", "-q", code], ["get", "-q", code],
                 ["burn", "-q", code]):
        assert client.run(*args).err == b"", args
    assert client.run("get", "-q", code, code=GONE).err.startswith(b"mayfly: ")


def test_json_is_one_object_for_every_command(daemon, client):
    client.file("report.pdf", b"%PDF-1.7\n")
    sent = client.run("send", "--json", "-u", "3", "-e", "7", "report.pdf", cwd=client.files).json()
    code = sent["code"]
    assert E2E_CODE.fullmatch(code)
    key = vectors.share_id(code)
    assert sent["link"] == f"{daemon.url}/#{code}"
    assert sent["download_url"] == f"{daemon.url}/download/{key}"
    assert (sent["uses"], sent["name"], sent["size"]) == (3, "report.pdf", 9)
    assert (sent["sha256"], sent["encryption"]) == (sha256(b"%PDF-1.7\n"), "age")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sent["expires_at"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", sent["burn_token"])

    seen = client.run("status", "--json", code).json()
    assert (seen["status"], seen["uses_left"]) == ("active", 3)
    seen = client.run("preview", "--json", code).json()
    assert (seen["name"], seen["size"], seen["sha256"]) == ("report.pdf", 9, sent["sha256"])
    got = client.get("--json", code).json()
    assert (got["name"], got["path"], got["size"]) == ("report.pdf", "report.pdf", 9)
    assert (got["sha256"], got["type"], got["uses_left"]) == (sent["sha256"], "application/pdf", 2)
    client.run("burn", "--json", code).json()
    assert client.run("status", "--json", code, code=GONE).json()["status"] == "burned"
    assert client.run("status", "--json", draw(4), code=NOTFOUND).json()["status"] == "unknown"


def test_json_of_an_extracted_tar_names_its_paths(client):
    for name in ("one.txt", "two.txt"):
        client.file(name)
    got = client.get("--json", "-x", client.send("one.txt", "two.txt")).json()
    assert got["paths"] == ["one.txt", "two.txt"]


def test_plain_json_has_the_servers_code(daemon, client):
    client.file("report.pdf")
    sent = client.run("send", "--json", "--plain", "report.pdf", cwd=client.files).json()
    assert sent["download_url"] == f"{daemon.url}/download/{sent['code']}"
    assert not sent["encryption"] and sent["uses"] == 1


def test_the_qr_code_is_drawn_among_the_notes(client):
    client.file("report.pdf")
    plain = client.run("send", "report.pdf", cwd=client.files)
    done = client.run("send", "--qr", "report.pdf", cwd=client.files)
    assert len(done.text.splitlines()) == 1
    assert done.err.count("█".encode()) + done.err.count("▀".encode()) > 100
    assert "█".encode() not in plain.err


# ---- how long and how often ----


def test_uses_and_expiry_are_as_asked(daemon, client):
    client.file("report.pdf")
    code = client.send("-u", "3", "-e", "5", "report.pdf")
    status = daemon.status(vectors.share_id(code))
    assert status["remaining_uses"] == 3
    page = requests.get(f"{daemon.url}/preview/{vectors.share_id(code)}", timeout=20).json()
    assert page["minutes_left"] in (4, 5)
    for left in (2, 1, 0):
        assert client.get("--json", code).json()["uses_left"] == left
        assert daemon.status(vectors.share_id(code))["remaining_uses"] == left
    client.get(code, code=GONE)


@pytest.mark.parametrize("args", [["-u", "0"], ["-u", "x"], ["-e", "-1"], ["-e", ""], ["-u", "1x"],
                                  ["-u", "99999999999999999999"]])
def test_limits_that_are_none_are_a_wrong_command_line(daemon, client, args):
    client.file("report.pdf")
    done = client.run("send", *args, "report.pdf", code=USAGE, cwd=client.files)
    assert done.out == b"" and done.err


@pytest.mark.parametrize("args", [["-u", "6"], ["-e", "61"]])
def test_limits_beyond_the_servers_are_refused_with_its_words(client, args):
    client.file("report.pdf")
    done = client.run("send", *args, "report.pdf", code=REFUSED, cwd=client.files)
    assert done.out == b"" and args[1] not in done.text and re.search(r"\b(5|60)\b", done.notes)
    assert client.state() == []


# ---- preview, status, burn ----


def test_a_preview_shows_what_it_is_once(client):
    client.file("report.pdf", b"%PDF-1.7\n")
    for mode in MODES:
        code = client.send(*mode, "report.pdf")
        shown = client.run("preview", code).text
        for part in ("report.pdf", "application/pdf", sha256(b"%PDF-1.7\n")):
            assert part in shown, shown
        client.run("preview", code, code=GONE)
        client.get("-f", code)
        client.run("preview", code, code=GONE)


def test_a_preview_of_an_id_alone_says_that_it_is_encrypted(daemon, client):
    client.file("secret-plans.pdf")
    code = client.send("secret-plans.pdf")
    done = client.run("preview", f"{daemon.url}/preview/{vectors.share_id(code)}")
    shown = done.text + done.notes
    assert "encrypted" in shown and "secret-plans" not in shown


def test_a_status_has_one_word_and_an_exit_code(client):
    client.file("report.pdf")
    code = client.send("report.pdf")
    assert client.run("status", code).text.startswith("active")
    client.get(code)
    assert client.run("status", code, code=GONE).text.startswith("burned")
    assert client.run("status", draw(4), code=NOTFOUND).text.startswith("unknown")
    assert client.run("status", draw(6), code=NOTFOUND).text.startswith("unknown")


def test_watching_ends_with_the_upload(daemon, client):
    client.file("report.pdf")
    code = client.send("-u", "2", "report.pdf")
    process = client.start("status", "--watch", code, bufsize=0)
    lines = []

    def next_line():
        lines.append(harmless(process.stdout.readline()))
        return lines[-1]

    try:
        assert next_line().startswith("active")
        assert daemon.download(vectors.share_id(code)).status_code == 200
        assert next_line().startswith("active")
        assert daemon.download(vectors.share_id(code)).status_code == 200
        assert next_line().startswith("burned")
        assert process.wait(20) == GONE
        assert process.stdout.read() == b"" and len(set(lines)) == 3
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("mode", MODES)
def test_the_sender_can_burn_it_later(daemon, client, mode):
    client.file("report.pdf")
    before = set(daemon.blobs())
    code = client.send(*mode, "report.pdf")
    (blob,) = set(daemon.blobs()) - before
    client.run("burn", code)
    client.get(code, code=GONE)
    wait_for(lambda: not blob.exists(), 15, "the blob to be shredded")
    assert client.state() == []


def test_burn_tokens_are_kept_private_and_without_the_code(client):
    client.file("report.pdf")
    codes = [client.send("report.pdf"), client.send("--plain", "report.pdf")]
    folder = client.home / ".local/state/mayfly/uploads"
    kept = sorted(folder.iterdir())
    assert client.state() and sorted(client.state()) == kept and len(kept) == 2
    for path in (folder, folder.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for path in kept:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        shown = path.name + path.read_text()
        for code in codes:
            assert code not in shown and vectors.share_id(code) not in shown
            assert not any("-".join(p) in shown for p in zip(code.split("-"), code.split("-")[1:]))


def test_the_state_folder_is_where_xdg_says(client):
    client.file("report.pdf")
    code = client.send("report.pdf", env={"XDG_STATE_HOME": str(client.top / "xdg")})
    assert len(list((client.top / "xdg/mayfly/uploads").iterdir())) == 1
    assert client.state() == []
    client.run("burn", code, code=USAGE)
    client.run("burn", code, env={"XDG_STATE_HOME": str(client.top / "xdg")})


@pytest.mark.parametrize("verb", ["status", "burn"])
def test_a_token_is_forgotten_when_its_upload_is_seen_to_have_ended(client, verb):
    client.file("report.pdf")
    code, other = client.send("report.pdf"), client.send("report.pdf")
    assert len(client.state()) == 2
    client.get(code)
    client.run(verb, code, code=GONE)
    assert len(client.state()) == 1
    client.run("burn", other)
    assert client.state() == []


def test_a_burn_from_elsewhere_needs_the_token(daemon, client):
    client.file("report.pdf")
    sent = client.run("send", "--json", "report.pdf", cwd=client.files).json()
    other = Client(daemon.url)
    try:
        done = other.run("burn", sent["code"], code=USAGE)
        assert "--token-file" in done.notes and sent["code"] not in done.notes
        token = other.file("token", b"A" * 43 + b"\n")
        token.chmod(0o600)
        other.run("burn", "--token-file", token, sent["code"], code=REFUSED)
        other.run("burn", sent["code"], code=REFUSED, env={"MAYFLY_BURN_TOKEN": "B" * 43})
        assert client.run("status", sent["code"]).text.startswith("active")
        token.write_text(sent["burn_token"] + "\n")
        other.run("burn", "--token-file", token, sent["code"])
    finally:
        other.remove()
    client.run("status", sent["code"], code=GONE)
    sent = client.run("send", "--json", "report.pdf", cwd=client.files).json()
    client.run("burn", sent["code"], env={"MAYFLY_BURN_TOKEN": sent["burn_token"],
                                          "HOME": str(client.top)})


def test_without_a_home_it_sends_all_the_same(client):
    client.file("report.pdf")
    done = client.run("send", "report.pdf", cwd=client.files, env={"HOME": None})
    assert E2E_CODE.fullmatch(done.text[:-1]) and "burn" in done.notes
    client.get(done.text[:-1], code=DONE)
