# SPDX-License-Identifier: Apache-2.0
"""Goal: a setting that cannot be right stops the start with one sentence, and what can be set is
told by the daemon itself."""

import re

import pytest

from conftest import ROOT, run_daemon
from wire import ask


def test_help_lists_every_setting_with_its_default():
    got = run_daemon("--help")
    assert (got.returncode, got.stderr) == (0, "")
    for line in ("LISTEN=127.0.0.1:8000", "MAX_FILE_SIZE=100M", "MAX_USES=5", "KEY_WORDS=4",
                 "LEASE_SECONDS=600", "UPLOAD_RATE_LIMIT=30/hour", "DOWNLOAD_FAIL_LIMIT=10",
                 "STORAGE_PATH=./storage/uploads", "MAX_STORAGE_SIZE=10G", "TOMBSTONE_HOURS=24",
                 "SECURE_SHRED_PASSES=1", "CORS_ORIGINS=*", "MAX_EXPIRY_MINUTES=60"):
        assert f"  {line}\n" in got.stdout, line
    table = (ROOT / "src/server/config_table.c").read_text()
    for name in re.findall(r'^    \{"([A-Z_]+)", SETTING', table, re.M):
        assert re.search(rf"^  {name}=", got.stdout, re.M), name
    assert max(map(len, got.stdout.splitlines())) <= 100


def test_version_is_one_line():
    got = run_daemon("--version")
    assert (got.returncode, got.stderr) == (0, "")
    assert re.fullmatch(r"mayflyd \d+\.\d+\.\d+\n", got.stdout)


@pytest.mark.parametrize("args", [["--nonsense"], ["serve"], ["--config"], ["-x"],
                                  ["--check-config", "more"]])
def test_a_wrong_argument_is_a_usage_error(args):
    got = run_daemon(*args)
    assert got.returncode == 2 and got.stdout == "" and "mayflyd" in got.stderr


def test_check_config_checks_and_makes_nothing(tmp_path):
    settings = {"STORAGE_PATH": str(tmp_path / "storage"), "STATE_PATH": str(tmp_path / "state")}
    got = run_daemon("--check-config", **settings)
    assert got.returncode == 0, got.stderr
    assert got.stdout == "mayflyd: the settings are fine\n"
    assert list(tmp_path.iterdir()) == []
    assert run_daemon("--check-config", MAX_USES="none", **settings).returncode == 1


BAD_SETTINGS = [
    ("LISTEN", "nowhere"), ("LISTEN", "127.0.0.1:70000"), ("LISTEN", "127.0.0.1:0,"),
    ("PUBLIC_URL", "ftp://host"), ("PUBLIC_URL", "https://"), ("MAX_FILE_SIZE", "10X"),
    ("MAX_FILE_SIZE", "0"), ("MAX_FILE_SIZE", "99999999999G"), ("MAX_FILE_SIZE", "-1"),
    ("MAX_STORAGE_SIZE", "much"), ("MAX_EXPIRY_MINUTES", "0"), ("MAX_USES", "0"),
    ("MAX_USES", "1.5"), ("KEY_WORDS", "2"), ("KEY_WORDS", "6"), ("LEASE_SECONDS", "-1"),
    ("TOMBSTONE_HOURS", "0"), ("SECURE_SHRED_PASSES", "36"), ("STORAGE_SYNC", "maybe"),
    ("STORAGE_SYNC", "yes"), ("UPLOAD_RATE_LIMIT", "5/week"), ("UPLOAD_RATE_LIMIT", "5"),
    ("HEALTH_RATE_LIMIT", "/second"), ("DOWNLOAD_FAIL_LIMIT", "0"),
    ("TRUSTED_PROXIES", "300.1.1.1/8"), ("TRUSTED_PROXIES", "10.0.0.0/33"),
    ("CORS_ORIGINS", "example.org"), ("ALLOWED_MIME_TYPES", "image"), ("LOG_LEVEL", "loud"),
    ("LOG_ADDRESSES", "some"), ("REDIS_URL", "127.0.0.1:6379"),
    ("REDIS_URL", "redis://:sw@rdfish@127.0.0.1"), ("REDIS_URL", "redis://ann:@127.0.0.1"),
    ("REDIS_PASSWORD_FILE", "/nonexistent/password"), ("REDIS_CA_FILE", "/nonexistent/ca.pem"),
    ("REDIS_ALLOW_OPEN", "on"),
    ("METRICS_LISTEN", "127.0.0.1:9000"), ("TLS_CERT_FILE", "/nonexistent/cert.pem"),
    ("PEPPER_FILE", "/nonexistent/pepper"), ("PEPPER_FILE", "/etc/hostname"),
    ("UPLOAD_TOKEN_FILE", "/nonexistent/token"), ("UPLOAD_TOKEN", "a b"),
    ("DICEWARE_WORDLIST_PATH", "/nonexistent/words"), ("IO_THREADS", "1000"),
    ("MAX_CONNECTIONS", "lots"),
]


@pytest.mark.parametrize("args", [(), ("--check-config",)], ids=["start", "check"])
@pytest.mark.parametrize("name, value", BAD_SETTINGS)
def test_a_bad_setting_stops_the_start_with_one_sentence(tmp_path, name, value, args):
    settings = {"STORAGE_PATH": str(tmp_path / "storage"), "STATE_PATH": str(tmp_path / "state"),
                "LISTEN": "127.0.0.1:0", name: value}
    got = run_daemon(*args, **settings)
    assert got.returncode == 1, (got.returncode, got.stderr)
    assert got.stdout == ""
    assert re.fullmatch(r"mayflyd: [^\n]{8,200}\n", got.stderr), got.stderr
    assert name in got.stderr
    assert name not in ("UPLOAD_TOKEN", "REDIS_URL") or value not in got.stderr


def test_a_contradiction_stops_the_start(tmp_path):
    (tmp_path / "token").write_text("secret-token\n")
    got = run_daemon("--check-config", UPLOAD_TOKEN="other", UPLOAD_TOKEN_FILE=str(tmp_path / "token"))
    assert got.returncode == 1 and got.stderr.count("\n") == 1 and "UPLOAD_TOKEN" in got.stderr
    assert "other" not in got.stderr and "secret-token" not in got.stderr


def test_an_unusable_folder_or_a_taken_port_stops_the_start(tmp_path, daemon):
    (tmp_path / "file").write_text("no folder")
    good = {"STORAGE_PATH": str(tmp_path / "storage"), "STATE_PATH": str(tmp_path / "state"),
            "LISTEN": "127.0.0.1:0"}
    for name, value in (("STORAGE_PATH", str(tmp_path / "file")),
                        ("STATE_PATH", str(tmp_path / "file")),
                        ("LISTEN", f"127.0.0.1:{daemon.port}")):
        got = run_daemon(**{**good, name: value})
        assert got.returncode == 1, name
        sentences = [s for s in got.stderr.splitlines() if not s.startswith("{")]
        assert len(sentences) == 1 and sentences[0].startswith("mayflyd: "), got.stderr
        assert name in sentences[0] or value in sentences[0], got.stderr


def test_a_second_server_does_not_take_the_same_state(daemon):
    got = run_daemon(STORAGE_PATH=str(daemon.storage), STATE_PATH=str(daemon.state), LISTEN="127.0.0.1:0")
    assert got.returncode == 1, got.stderr
    assert daemon.download(daemon.upload(b"abc")["key"]).content == b"abc"


def test_a_config_file_is_read_and_the_environment_wins(make_daemon, tmp_path):
    config = tmp_path / "mayfly.conf"
    config.write_text("# limits\nMAX_USES=2\n\nMAX_FILE_SIZE=1k\n")
    daemon = make_daemon({"MAX_FILE_SIZE": "2k"}, start=False)
    wrapper = tmp_path / "mayflyd"
    wrapper.write_text(f'#!/bin/sh\nexec "{daemon.binary}" --config "{config}"\n')
    wrapper.chmod(0o755)
    daemon.binary = wrapper
    daemon.start()
    assert ask(daemon, "PUT", "/a", b"x", {"X-Uses": "2"}).status == 201
    assert ask(daemon, "PUT", "/a", b"x", {"X-Uses": "3"}).status == 422
    assert ask(daemon, "PUT", "/a", b"x" * 2048).status == 201
    assert ask(daemon, "PUT", "/a", b"x" * 2049).status == 413
    config.write_text("MAX_USES 2\n")
    assert run_daemon("--check-config", "--config", str(config)).returncode == 1
    config.write_text("NO_SUCH_SETTING=1\n")
    got = run_daemon("--check-config", "--config", str(config))
    assert got.returncode == 1 and "NO_SUCH_SETTING" in got.stderr
    assert run_daemon("--check-config", "--config", str(tmp_path / "none")).returncode == 1
