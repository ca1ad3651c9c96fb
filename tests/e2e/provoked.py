# SPDX-License-Identifier: Apache-2.0
"""Every reply that web/openapi.json documents and a test can bring about, from real daemons."""

import contextlib
import os
import re
import time

from conftest import Daemon
from end_to_end import age_like, e2e_parts, new_id, new_meta
from redis_servers import Redis
from wire import UNISSUED, ask, form, part, replies

HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
BOT = {"User-Agent": "Slackbot-LinkExpanding 1.0"}
TOKEN = "a-token-that-only-friends-have"
MAX = 64 * 1024
SIX_WORDS = "zebra-" * 5 + "zebra"


class Teller:
    """Sends to one daemon and notes each reply with the operation that it belongs to."""

    def __init__(self, daemon, told):
        self.daemon, self.told = daemon, told

    def __call__(self, method, template, target=None, body=None, headers=None):
        got = ask(self.daemon, method, target or template, body, headers)
        self.told.append((method, template, got))
        return got

    def raw(self, method, template, target, *lines):
        """A request byte for byte, without a body."""
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "Connection: close", "", ""])
        got = self.daemon.raw(head.encode())
        if method == "HEAD":  # its Content-Length is of a body that does not come
            got = re.sub(rb"(?i)\r\ncontent-length: \d+", b"", got)
        (reply,) = replies(got)
        self.told.append((method, template, reply))

    def form(self, template, *parts, headers=None):
        body, kind = form(*parts)
        return self("POST", template, template, body, {"Content-Type": kind, **(headers or {})})

    def upload(self, content=b"hello\n", *fields, **how):
        return self.form("/upload/", part("file", content, "hello.txt"), *fields, **how)

    def receipt(self, content=b"hello\n", *fields):
        return self.upload(content, *fields).json()

    def find(self, key, headers=None):
        return self.form("/download/", part("key", key), headers=headers)

    def burn(self, receipt, token=None):
        token = receipt["burn_token"] if token is None else token
        return self("POST", "/burn/{key}", f"/burn/{receipt['key']}", b"",
                    {"Authorization": "Bearer " + token})

    def ask_all(self, key):
        """Each way to ask for a file; what it has left is taken."""
        self.find(key)
        self("GET", "/status/{key}", f"/status/{key}")
        self("GET", "/preview/{key}", f"/preview/{key}")
        self("POST", "/burn/{key}", f"/burn/{key}", b"", {"Authorization": "Bearer x"})
        self("GET", "/download/{key}", f"/download/{key}")
        self("POST", "/download/{key}", f"/download/{key}", b"")


@contextlib.contextmanager
def running(settings=None):
    d = Daemon(settings)
    try:
        yield d.start()
    finally:
        d.remove()


def static(tell):
    """What is the same for everybody."""
    for method in ("GET", "HEAD"):
        for target in ("/health/", "/robots.txt"):
            tell(method, target)
        for target in ("/", "/docs/", "/openapi.json", "/stream/sw.js"):
            tag = tell(method, target)["ETag"]
            tell(method, target, headers={"If-None-Match": tag})
            tell(method, target, headers={"Accept-Encoding": "br, gzip"})
        for path in assets(tell.daemon):
            tag = tell(method, "/assets/{name}", path)["ETag"]
            tell(method, "/assets/{name}", path, headers={"If-None-Match": tag})
        tell(method, "/assets/{name}", "/assets/none.js")


def assets(daemon):
    """An asset of each type: what the pages name, and what their scripts name in turn."""
    found, left = {}, [ask(daemon, "GET", page).body for page in ("/", "/docs/")]
    seen = set()
    while left:
        for name in re.findall(rb"[\w-]+\.(?:js|css|svg|txt)\b", left.pop()):
            path = f"/assets/{name.decode()}"
            if path in seen:
                continue
            seen.add(path)
            got = ask(daemon, "GET", path)
            if got.status == 200:
                found.setdefault(path.rpartition(".")[2], path)
                left.append(got.body if path.endswith(".js") else b"")
    return list(found.values())


def life(tell):
    """Uploads that come, are looked at, downloaded, and end by use or by their sender."""
    tell.upload(b"", headers=HTML)
    for accept in ({}, JSON, HTML):
        tell("PUT", "/{filename}", "/hello.txt", b"hello\n", accept)
    first = tell.receipt(b"hello\n", part("uses", "5"))
    key = first["key"]
    tell("GET", "/preview/{key}", f"/preview/{key}", headers=BOT)
    tell("GET", "/preview/{key}", f"/preview/{key}")
    tell("GET", "/preview/{key}", f"/preview/{key}")
    tell("GET", "/preview/{key}", f"/preview/{tell.receipt()['key']}", headers=HTML)
    tell("GET", "/download/{key}", f"/download/{key}", headers=HTML)
    for method in ("GET", "POST"):
        for headers in ({}, {"Range": "bytes=1-2"}, {"Range": "bytes=99-"}):
            tell(method, "/download/{key}", f"/download/{key}", headers=headers)
    tell("GET", "/status/{key}", f"/status/{key}")
    tell.find(key)
    tell.burn(first, "x")
    tell.burn(first)
    tell.burn(first)
    tell.ask_all(key)
    used = tell.receipt()
    tell("GET", "/download/{key}", f"/download/{used['key']}")
    tell.ask_all(used["key"])
    tell.burn(used)
    tell.ask_all(UNISSUED)
    tell("GET", "/status/{key}", "/status/x")


def end_to_end(tell):
    key = new_id()
    tell.form("/upload/", *e2e_parts(key, new_meta()), part("file", age_like(), "file.age"))
    tell("GET", "/preview/{key}", f"/preview/{key}")
    tell("GET", "/download/{key}", f"/download/{key}")
    tell.form("/upload/", *e2e_parts(key), part("file", age_like(), "file.age"))
    tell.form("/upload/", *e2e_parts(new_id()), part("file", b"no age file", "file.age"))
    tell.find(SIX_WORDS)


def refusals(tell):
    """Uploads that are no good."""
    kind = {"Content-Type": "multipart/form-data"}
    tell.upload(b"x", part("uses", "0"))
    tell.upload(bytes(MAX + 1))
    tell("POST", "/upload/", body=b"", headers={**kind, "Content-Length": "0"})
    tell("POST", "/download/", body=b"", headers={**kind, "Content-Length": "0"})
    tell.form("/download/", part("other", "x"))
    tell.find("x" * 10_000)
    tell("PUT", "/{filename}", "/hello.txt", bytes(MAX + 1))
    tell("PUT", "/{filename}", "/hello.txt", b"x", {"X-Uses": "0"})
    tell("PUT", "/{filename}", "/health", b"x")
    tell.raw("PUT", "/{filename}", "/hello.txt", "Host: a")
    tell.raw("POST", "/upload/", "/upload/", "Host: a")
    tell.raw("POST", "/download/", "/download/", "Host: a")


def damage(tell):
    """A stored file that is not what was uploaded, then one that is lost."""
    for method in ("GET", "POST"):
        key = tell.receipt(os.urandom(5000), part("uses", "5"))["key"]
        (blob,) = tell.daemon.blobs()
        blob.write_bytes(blob.read_bytes()[:-1] + b"\0\0")
        tell(method, "/download/{key}", f"/download/{key}")
        blob.unlink()
        tell(method, "/download/{key}", f"/download/{key}")


def every_route(tell, document):
    """What any request can be refused for, and what every path says of itself."""
    for method, template, _ in document.operations():
        target = re.sub(r"\{\w+\}", "x", template)
        if method == "OPTIONS":
            tell(method, template, target)
        tell.raw(method, template, target, "Host: a", "Host: b")
        tell.raw(method, template, target, "Host: a", "Host: b", "Accept: text/html")
        tell.raw(method, template, target, "Host: a", "Transfer-Encoding: gzip")
        if template not in ("/upload/", "/download/", "/{filename}") or method == "OPTIONS":
            tell(method, template, target, bytes(200_000))


def expiry(tell):
    keys = [tell.receipt()["key"] for _ in range(2)]
    tell.daemon.stop()
    tell.daemon.store.end_at(int(time.time()) - 5)
    tell.daemon.start()
    for key in keys:
        tell.ask_all(key)


def limits(told):
    """What a server is set to refuse."""
    with running({"UPLOAD_TOKEN": TOKEN, "UPLOAD_RATE_LIMIT": "2/hour",
                  "HEALTH_RATE_LIMIT": "1/hour"}) as d:
        tell = Teller(d, told)
        for _ in range(2):
            tell("PUT", "/{filename}", "/a", b"x", {"Authorization": "Bearer x"})
            tell.upload(b"x")
        for method in ("GET", "HEAD", "HEAD", "GET"):
            tell(method, "/health/")
    with running({"UPLOAD_TOKEN": TOKEN}) as d:
        Teller(d, told).upload(b"x")
    with running({"ALLOWED_MIME_TYPES": "image/*"}) as d:
        Teller(d, told).upload(b"x")
        Teller(d, told)("PUT", "/{filename}", "/a", b"x")
    with running({"MAX_STORAGE_SIZE": "100k", "MAX_FILE_SIZE": "100k"}) as d:
        for _ in range(2):
            Teller(d, told).upload(os.urandom(60_000))
        Teller(d, told)("PUT", "/{filename}", "/a", os.urandom(60_000))
    with running({"CORS_ORIGINS": "https://a.example", "PUBLIC_URL": "https://drop.example"}) as d:
        for origin in ("https://a.example", "https://b.example"):
            Teller(d, told)("OPTIONS", "/upload/", headers={"Origin": origin})
            for target in ("/", "/openapi.json", "/health/"):
                Teller(d, told)("GET", target, headers={"Origin": origin})
    with running({"CORS_ORIGINS": "none"}) as d:
        Teller(d, told)("GET", "/health/")
    with running({"DOWNLOAD_FAIL_LIMIT": "1"}) as d:
        for _ in range(2):
            Teller(d, told).ask_all(UNISSUED)


def away(told):
    """The store of the records is gone."""
    redis = Redis().start()
    d = Daemon()
    try:
        d.keep_in(redis)
        tell = Teller(d.start(), told)
        receipt = tell.receipt()
        redis.kill()
        tell.ask_all(receipt["key"])
        tell.upload()
        tell("PUT", "/{filename}", "/a", b"x")
        tell("GET", "/health/")
        tell("HEAD", "/health/")
    finally:
        d.remove()
        redis.remove()


def provoke(document):
    """(method, template, reply) of everything."""
    told = []
    for scenes in ([static, life, end_to_end, refusals], [damage], [expiry]):
        with running({"MAX_FILE_SIZE": str(MAX), "DOWNLOAD_FAIL_LIMIT": "1000"}) as d:
            for scene in scenes:
                scene(Teller(d, told))
            if scenes == [damage]:
                every_route(Teller(d, told), document)
    limits(told)
    away(told)
    return told
