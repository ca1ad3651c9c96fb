# SPDX-License-Identifier: Apache-2.0
"""What can stand between a client and its daemon, or in the daemon's place: it listens, records,
cuts, changes a byte, or answers as no daemon of ours would."""

import dataclasses
import socket
import struct
import threading


# What we have taken is acknowledged, so it counts as delivered: little beyond what was passed on.
ROOM = 32 * 1024


def listen():
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def cut(s, reset=False):
    """End a connection so that its other side notices at once, and so does a thread that reads."""
    try:
        if reset:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    s.close()


class Link:
    """One connection of a client's, and ours to the daemon."""

    def __init__(self, n, near, far):
        self.n, self.near, self.far = n, near, far  # n: the how many-th it is, from 0 on
        self.sent, self.received = 0, 0             # bytes passed on, to the daemon and from it


class Tap:
    """Passes on, and keeps, what goes through. Others of this file change `request` or `reply`:
    they get each piece, and give what goes on; None cuts the connection."""

    def __init__(self, port):
        self.target, self.links, self.lock = port, [], threading.Lock()
        self.sent, self.received = bytearray(), bytearray()  # of all connections
        self.listener = listen()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for link in self.links:
            cut(link.near)
            cut(link.far)

    def request(self, link, piece):
        return piece

    def reply(self, link, piece):
        return piece

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.socket()
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
                far.connect(("127.0.0.1", self.target))
            except OSError:
                return
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(len(self.links), near, far)
            self.links.append(link)
            for args in ((link, near, far, self._up), (link, far, near, self._down)):
                threading.Thread(target=self._pass, args=args, daemon=True).start()

    def _up(self, link, piece):
        piece = self.request(link, piece)
        if piece is not None:
            self.sent += piece
            link.sent += len(piece)
        return piece

    def _down(self, link, piece):
        piece = self.reply(link, piece)
        if piece is not None:
            self.received += piece
            link.received += len(piece)
        return piece

    def _pass(self, link, source, target, change):
        try:
            while piece := source.recv(65536):
                with self.lock:
                    piece = change(link, piece)
                if piece is None:
                    cut(link.near)
                    cut(link.far)
                    return
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            cut(source)
            cut(target)


class Cutter(Tap):
    """Ends the n-th connection after `cuts[n]` bytes of the reply; those behind them are whole."""

    def __init__(self, port, cuts):
        self.cuts = cuts
        super().__init__(port)

    def reply(self, link, piece):
        if link.n >= len(self.cuts):
            return piece
        left = self.cuts[link.n] - link.received
        if left <= 0:
            return None
        if len(piece) > left:
            try:
                link.near.sendall(piece[:left])
            except OSError:
                pass
            return None
        return piece


class UploadCutter(Tap):
    """Ends every connection when so many bytes of the request went through."""

    def __init__(self, port, at):
        self.at = at
        super().__init__(port)

    def request(self, link, piece):
        return piece if link.sent + len(piece) < self.at else None


class Flipper(Tap):
    """Changes one byte of each reply: of the body at `at` (from its end when negative), or in the
    middle of the header `field`."""

    def __init__(self, port, at=None, field=None):
        self.at, self.field, self.heads, self.n_flipped = at, field, {}, 0
        super().__init__(port)

    def reply(self, link, piece):
        if link.n in self.heads and isinstance(self.heads[link.n], int):
            return self._flip_body(link, piece)
        head = self.heads.get(link.n, b"") + piece
        if b"\r\n\r\n" not in head:
            self.heads[link.n] = head
            return b""
        head, _, body = head.partition(b"\r\n\r\n")
        if self.field is not None:
            head = self._flip_head(head)
        if self.at is not None:
            length = int(self._value(head, b"Content-Length")[0])
            self.at = self.at % length
        self.heads[link.n] = 0  # bytes of the body that have passed
        return head + b"\r\n\r\n" + self._flip_body(link, body)

    @staticmethod
    def _value(head, name):
        """The value of a field, and where it begins."""
        start = head.lower().index(b"\r\n" + name.lower() + b": ") + len(name) + 4
        return head[start:].split(b"\r\n")[0], start

    def _flip_head(self, head):
        value, start = self._value(head, self.field)
        at = start + len(value) // 2
        self.n_flipped += 1
        return head[:at] + (b"0" if head[at:at + 1] != b"0" else b"1") + head[at + 1:]

    def _flip_body(self, link, piece):
        start = self.heads[link.n]
        self.heads[link.n] += len(piece)
        if self.at is None or not start <= self.at < start + len(piece):
            return piece
        i = self.at - start
        self.n_flipped += 1
        return piece[:i] + bytes([piece[i] ^ 1]) + piece[i + 1:]


class Holder(Tap):
    """Lets so many bytes of requests, or of replies, through and then no more, until let_go."""

    def __init__(self, port, sent=1 << 62, received=1 << 62):
        self.max_sent, self.max_received = sent, received
        self.is_held, self.is_over = threading.Event(), threading.Event()
        super().__init__(port)

    def _hold(self, piece):
        self.is_held.set()
        self.lock.release()
        self.is_over.wait(60)
        self.lock.acquire()
        return piece

    def request(self, link, piece):
        return self._hold(piece) if link.sent + len(piece) > self.max_sent else piece

    def reply(self, link, piece):
        return self._hold(piece) if link.received + len(piece) > self.max_received else piece

    def let_go(self):
        self.is_over.set()

    def __exit__(self, *_):
        self.let_go()
        super().__exit__(*_)


# ---- in the daemon's place ----


@dataclasses.dataclass
class Request:
    method: str
    path: str
    fields: dict  # names in lower case
    body: bytes


class Impostor:
    """A server of ours: `answer(request)` gives bytes, or an iterator of bytes, to send; then the
    connection is closed. None: it says nothing until the client goes."""

    def __init__(self, answer):
        self.answer, self.requests, self.open = answer, [], []
        self.listener = listen()
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for s in self.open:
            cut(s)

    def _accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(s)
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def _serve(self, s):
        try:
            with s, s.makefile("rb") as file:
                request = self._read(s, file)
                self.requests.append(request)
                pieces = self.answer(request)
                if pieces is None:
                    file.read(1)
                    return
                for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                    s.sendall(piece)
                s.shutdown(socket.SHUT_WR)
                while file.read(65536):
                    pass
        except (OSError, ValueError):
            pass  # the client has gone

    def _read(self, s, file):
        method, path, _ = file.readline().decode("latin-1").split(" ", 2)
        fields = {}
        while (line := file.readline().decode("latin-1").strip()):
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        if fields.get("expect") == "100-continue":
            s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        if "content-length" in fields:
            body = file.read(int(fields["content-length"]))
        elif fields.get("transfer-encoding") == "chunked":
            while n := int(file.readline(), 16):
                body += file.read(n)
                file.readline()
            file.readline()
        return Request(method, path, fields, body)


def response(status=200, body=b"", **fields):
    """An answer with these fields; `_` in a name is a dash."""
    if "Content_Length" not in fields:
        fields["Content_Length"] = len(body)
    lines = [f"HTTP/1.1 {status} Whatever".encode()]
    for name, value in fields.items():
        value = value if isinstance(value, bytes) else str(value).encode()
        lines.append(name.replace("_", "-").encode() + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
