# SPDX-License-Identifier: Apache-2.0
"""The real client, run with a home of its own and no terminal, and the sending side of end-to-end
mode made without it, so that a client is not judged by itself."""

import dataclasses
import importlib.util
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import unicodedata

import requests

from conftest import BUILD, ROOT

MAYFLY = BUILD / "mayfly"
SERVER_CODE = re.compile(r"[a-z]+(-[a-z]+){3}")
E2E_CODE = re.compile(r"[a-z]+(-[a-z]+){5}")
DONE, USAGE, NOTFOUND, GONE, REFUSED, NETWORK, INTEGRITY, LOCAL = range(8)
BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
WORDS = pathlib.Path("/usr/lib/python3/dist-packages/diceware/wordlists/wordlist_en_eff.txt")


def load(path):
    """A script of the tests' data as a module."""
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


vectors = load(ROOT / "tests/data/make-e2e-vectors.py")


def harmless(shown):
    """What was shown, as text: UTF-8 without anything that steers a terminal or hides."""
    text = shown.decode("utf-8")
    for c in text:
        assert c == "\n" or unicodedata.category(c) not in ("Cc", "Zl", "Zp"), (c, shown)
        assert c not in BIDIRECTIONAL, (c, shown)
    return text


@dataclasses.dataclass
class Done:
    code: int
    out: bytes
    err: bytes

    @property
    def text(self):
        return harmless(self.out)

    @property
    def notes(self):
        return harmless(self.err)

    def json(self):
        """The one object on stdout."""
        found = json.loads(self.text)
        assert isinstance(found, dict) and self.text.endswith("}\n"), self.out
        return found


class Client:
    """Runs `mayfly` in the folder `got`; `files` is where files to send are made."""

    def __init__(self, server=None, binary=MAYFLY):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="mayfly-client-"))
        self.home, self.files, self.got = (self.top / n for n in ("home", "files", "got"))
        for folder in (self.home, self.files, self.got):
            folder.mkdir()
        self.binary = binary
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.home),
                    "ASAN_OPTIONS": "detect_leaks=%d:exitcode=99" % (os.geteuid() == 0),
                    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
                    "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "halt_on_error=0:exitcode=98")}
        for name in ("GCOV_PREFIX", "GCOV_PREFIX_STRIP"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        if server is not None:
            self.env["MAYFLY_SERVER"] = server

    def remove(self):
        shutil.rmtree(self.top, ignore_errors=True)

    def prepared(self, args, cwd=None, env=None, **more):
        """What subprocess wants: a session of its own, so that there is no /dev/tty."""
        more.setdefault("start_new_session", True)
        return {"args": [str(self.binary), *map(str, args)], "cwd": cwd or self.got,
                "env": {k: v for k, v in {**self.env, **(env or {})}.items() if v is not None},
                **more}

    def start(self, *args, **how):
        """In the background; the caller waits for it."""
        for name in ("stdout", "stderr"):
            how.setdefault(name, subprocess.PIPE)
        how.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(**self.prepared(args, **how))

    def run(self, *args, code=DONE, data=None, timeout_s=60, **how):
        """Run to its end, which must be `code`. `data` is its standard input."""
        if data is None:
            how.setdefault("stdin", subprocess.DEVNULL)
        else:
            how["input"] = data
        for name in ("stdout", "stderr"):
            how.setdefault(name, subprocess.PIPE)
        done = subprocess.run(**self.prepared(args, **how), timeout=timeout_s, check=False)
        assert done.returncode == code, (args, done.returncode, (done.stdout or b"")[-500:],
                                         (done.stderr or b"")[-4000:])
        return Done(done.returncode, done.stdout, done.stderr)

    # ---- what most tests do ----

    def file(self, name="report.pdf", content=b"the quick brown fox\n"):
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def send(self, *args, **how):
        """The code, which must be all that is on stdout."""
        how.setdefault("cwd", self.files)
        form = SERVER_CODE if "--plain" in args else E2E_CODE
        out = self.run("send", *args, **how).text
        assert form.fullmatch(out[:-1]) and out.endswith("\n"), out
        return out[:-1]

    def get(self, *args, **how):
        return self.run("get", *args, **how)

    def names(self, folder=None):
        """Everything that lies in the folder of what was got."""
        return sorted(os.listdir(folder or self.got))

    def state(self):
        """The files of its private state."""
        return [p for p in self.home.rglob("*") if p.is_file()]


def end(process, timeout_s=30):
    """Wait for what Client.start began; its end."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end: {out[-300:]!r} {err[-1000:]!r}") from None
    assert process.returncode not in (98, 99), err
    return Done(process.returncode, out, err)


# ---- end to end without the client ----

LIST = sorted({line.split()[-1].replace("-", "")
               for line in WORDS.read_text("ascii").splitlines() if line.strip()})


def draw(n=6):
    return "-".join(secrets.choice(LIST) for _ in range(n))


def age_file(code, plain, work=2):
    """A file that only the code opens, at little cost."""
    age = vectors.AGE
    return age.header(age.scrypt(work, salt=os.urandom(16), passphrase=code)) + age.payload(plain)


def meta_of(name, plain, kind="application/octet-stream"):
    return vectors.meta_json(name, kind, len(plain), vectors.hashlib.sha256(plain).hexdigest())


def upload_sealed(server, code, body, meta=None, **fields):
    """`meta`: JSON text, sealed here; None: the sender says nothing of the file."""
    data = {"id": vectors.share_id(code), "encryption": "age", **fields}
    if meta is not None:
        data["meta"] = vectors.seal(code, meta.encode())
    reply = requests.post(server + "/upload/", data=data, files={"file": ("mayfly.age", body)},
                          timeout=60)
    assert reply.status_code == 201, reply.text
    return reply.json()
