# SPDX-License-Identifier: Apache-2.0
"""Debian's age, which asks for a passphrase at a terminal and nowhere else."""

import os
import pty
import select
import time


def at_terminal(*argv, answers, limit_s=120):
    """Run a command at a terminal of its own, where it gets one answer for each time that it asks;
    its exit code and what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(argv[0], list(map(str, argv)))
    shown, left, end = b"", list(answers), time.monotonic() + limit_s
    ended = False
    while not ended and time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # how a terminal says that the other end is gone
            piece = b""
        ended = piece == b""
        shown += piece
        if left and shown.rstrip().endswith(b":"):
            os.write(terminal, left.pop(0).encode() + b"\n")
            shown += b"(answered)"
    if not ended:
        os.kill(pid, 9)
    os.close(terminal)
    status = os.waitpid(pid, 0)[1]
    assert ended, f"{argv[0]} did not end: {shown!r}"
    return os.waitstatus_to_exitcode(status), shown


def age_opens(folder, file, phrase):
    """What the age tool makes of the bytes `file`; None when it refuses."""
    source, target = folder / "in.age", folder / "out"
    source.write_bytes(file)
    target.unlink(missing_ok=True)
    code, shown = at_terminal("age", "-d", "-o", target, source, answers=[phrase])
    assert code in (0, 1), shown
    if code != 0:
        return None
    return target.read_bytes() if target.exists() else b""  # it writes no file of nothing
