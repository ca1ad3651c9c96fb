# SPDX-License-Identifier: Apache-2.0
"""A terminal for the client: it types answers, keeps every byte that was written to it, and draws
them as a terminal does, so that tests can say what a person has seen."""

import dataclasses
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
import unicodedata

from conftest import wait_for

SEQUENCE = re.compile(rb"\x1b\[([0-9;]*)([A-Za-z])")


class Screen:
    """What stands on the lines after all was drawn. Knows what a program may use here: carriage
    return, newline, clearing a line, and colours; anything else is an error."""

    def __init__(self, shown, columns):
        self.lines, self.row, self.column, self.columns = [""], 0, 0, columns
        self.n_returns, self.n_clears, self.n_colours, self.drawn = 0, 0, 0, []
        at = 0
        while at < len(shown):
            at = self._step(shown, at)

    def _step(self, shown, at):
        if found := SEQUENCE.match(shown, at):
            self._sequence(found)
            return found.end()
        n = 1
        while at + n < len(shown) and shown[at + n] & 0xC0 == 0x80:
            n += 1
        self._put(shown[at:at + n].decode("utf-8"))
        return at + n

    def _sequence(self, found):
        what, verb = found.group(1), found.group(2)
        line = self.lines[self.row]
        if verb == b"m":
            self.n_colours += 1
        elif verb == b"K" and what in (b"", b"0"):
            self._keep()
            self.lines[self.row] = line[:self.column]
            self.n_clears += 1
        elif verb == b"K" and what == b"2":
            self._keep()
            self.lines[self.row] = ""
            self.n_clears += 1
        else:
            raise AssertionError(f"a terminal's sequence that was not expected: {found.group()!r}")

    def _keep(self):
        """Every state of a line that was drawn over counts as drawn."""
        if self.lines[self.row]:
            self.drawn.append(self.lines[self.row])

    def _put(self, c):
        if c == "\r":
            self._keep()
            self.column = 0
            self.n_returns += 1
        elif c == "\n":
            self.lines.append("")
            self.row, self.column = self.row + 1, 0
        else:
            assert unicodedata.category(c) not in ("Cc", "Zl", "Zp"), repr(c)
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + c + line[self.column + 1:]
            self.column += 1

    @property
    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)

    def widest(self):
        """Columns of the widest line that was ever drawn over."""
        return max((width(line) for line in self.drawn), default=0)


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c)
               else 1 for c in text)


@dataclasses.dataclass
class Seen:
    code: int
    shown: bytes    # on the terminal
    out: bytes      # on stdout, when that was no terminal
    is_echoing: bool  # the terminal, in the end
    columns: int

    @property
    def screen(self):
        return Screen(self.shown, self.columns)


def is_echoing(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def run(client, *args, answers=(), columns=80, out=False, limit_s=60, at=None, **how):
    """Run the client at a terminal of its own. `answers`: (text it must have shown, what is typed
    then, whether the terminal must echo that). `out`: stdout is a pipe. `at(process, shown)` is
    called as long as it runs."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    for name in ("stdin", "stderr"):
        how.setdefault(name, far)
    how.setdefault("stdout", subprocess.PIPE if out else far)
    env = {"TERM": "xterm-256color", "COLUMNS": None, **how.pop("env", {})}

    def own():
        os.setsid()
        fcntl.ioctl(far, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(**client.prepared(args, env=env, preexec_fn=own,
                                                 start_new_session=False, **how))
    piped = []
    reader = threading.Thread(target=lambda: piped.append(process.stdout.read()), daemon=True)
    try:
        if process.stdout:
            reader.start()
        shown = talk(process, near, list(answers), limit_s, at)
        echoing, code = is_echoing(far), process.wait(10)
        if process.stdout:
            reader.join(10)
    finally:
        os.close(near)
        os.close(far)
        if process.poll() is None:
            process.kill()
            process.wait()
    assert code not in (98, 99), shown
    return Seen(code, shown, b"".join(piped), echoing, columns)


def talk(process, near, answers, limit_s, at):
    shown, since, deadline = b"", 0, time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if at is not None:
            at(process, shown)
        has_ended = process.poll() is not None  # before looking: all that it wrote is there then
        if not select.select([near], [], [], 0.05)[0]:
            if has_ended:
                assert not answers, f"never asked for: {answers}; shown: {shown!r}"
                return shown
            continue
        shown += os.read(near, 65536)
        if answers and answers[0][0] in shown[since:]:
            _, answer, echo = answers.pop(0)
            since = len(shown)
            wait_for(lambda: is_echoing(near) == echo, 10, f"an echo that is {echo}")
            os.write(near, answer.encode() + b"\n")
    raise AssertionError(f"it did not end; shown: {shown[-2000:]!r}")
