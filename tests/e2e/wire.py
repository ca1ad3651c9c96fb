# SPDX-License-Identifier: Apache-2.0
"""Requests and replies at the level of bytes, for what a polite client would never send."""

import dataclasses
import http.client
import json
import re

# Section 8 of the contract: on every reply that our code makes.
ALWAYS = {
    "pragma": "no-cache",
    "expires": "0",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-xss-protection": "1; mode=block",
    "referrer-policy": "no-referrer",
}
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
UNISSUED = "zebra-zebra-zebra-zebra"


@dataclasses.dataclass
class Reply:
    status: int
    fields: list  # (name, value) in their order
    body: bytes

    def __getitem__(self, name):
        """All values of a header, joined; None when it is not there."""
        values = [v for n, v in self.fields if n.lower() == name.lower()]
        return ", ".join(values) if values else None

    def json(self):
        return json.loads(self.body)


def ask(daemon, method, target, body=None, headers=None, source=None, timeout_s=60):
    """One request on a connection of its own; `source` is the client's own address."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", daemon.port, timeout=timeout_s,
        source_address=(source, 0) if source else None)
    try:
        try:
            connection.request(method, target, body=body, headers=headers or {},
                               encode_chunked="Transfer-Encoding" in (headers or {}))
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the body was through: the reply is there
        got = connection.getresponse()
        return Reply(got.status, got.getheaders(), got.read())
    finally:
        connection.close()


def part(name, content, filename=None, head=b""):
    """One part of a form, byte for byte."""
    if isinstance(content, str):
        content = content.encode()
    disposition = f'Content-Disposition: form-data; name="{name}"'.encode()
    if filename is not None:
        if isinstance(filename, str):
            filename = filename.encode()
        disposition += b'; filename="' + filename + b'"'
    return disposition + b"\r\n" + head + b"\r\n" + content + b"\r\n"


def form(*parts, boundary=b"mayfly-test-boundary"):
    """A form's body and its Content-Type."""
    body = b"".join(b"--" + boundary + b"\r\n" + p for p in parts) + b"--" + boundary + b"--\r\n"
    return body, "multipart/form-data; boundary=" + boundary.decode()


def post_form(daemon, *parts, headers=None, source=None):
    body, content_type = form(*parts)
    return ask(daemon, "POST", "/upload/", body, {"Content-Type": content_type, **(headers or {})},
               source)


def replies(raw):
    """Take a connection's bytes apart into replies; what is no whole reply is an error."""
    found = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        assert lines[0].startswith("HTTP/1."), raw[:200]
        status = int(lines[0].split()[1])
        fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        reply = Reply(status, fields, b"")
        length = int(reply["Content-Length"] or 0)
        assert len(rest) >= length, (lines, len(rest))
        reply.body = rest[:length]
        raw = rest[length:]
        if status >= 200:
            found.append(reply)
    return found


def check_headers(reply):
    """What every reply of ours carries, refusals included."""
    for name, value in ALWAYS.items():
        assert reply[name] == value, (name, reply[name], reply.status)
    assert reply["Cache-Control"].startswith("no-store, no-cache, must-revalidate, max-age=0")
    assert UUID4.fullmatch(reply["X-Request-ID"]), reply["X-Request-ID"]
    assert "default-src 'none'" in reply["Content-Security-Policy"]
    for name in ("Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
                 "Permissions-Policy"):
        assert reply[name], name
    assert reply["Strict-Transport-Security"] is None
    for name in ("X-Request-ID", "Cache-Control", "Content-Security-Policy", "Content-Type"):
        assert len([n for n, _ in reply.fields if n.lower() == name.lower()]) <= 1, name


def check_refusal(reply, status, code, *extras):
    """An error is JSON with a sentence, a code, and nothing that is not documented."""
    assert reply.status == status, (reply.status, reply.body[:300])
    assert reply["Content-Type"] == "application/json"
    answer = reply.json()
    assert set(answer) == {"detail", "error_code", *extras}, answer
    assert answer["error_code"] == code, answer
    assert re.fullmatch(r"[A-Za-z][^\n]*\.", answer["detail"]), answer
    check_headers(reply)
    return answer


def blob_of(daemon, content, **fields):
    """Upload; the receipt, and the file that holds its ciphertext."""
    before = set(daemon.blobs())
    receipt = daemon.upload(content, **fields)
    (blob,) = set(daemon.blobs()) - before
    return receipt, blob


def recorded_blobs(daemon):
    """Names of the blobs that live records have."""
    return daemon.store.recorded_blobs()


def sealed_tokens(daemon):
    """The sealed parts of the live records."""
    return daemon.store.sealed_tokens()


def raw_state(daemon):
    """All bytes of the state's files, and of the Redis that the daemon keeps its records in."""
    return daemon.store.raw()


def put(daemon, content, name="a.bin"):
    """The receipt of an upload that must succeed."""
    got = ask(daemon, "PUT", "/" + name, content, {"Accept": "application/json"})
    assert got.status == 201, got.body
    return got.json()
