# SPDX-License-Identifier: Apache-2.0
"""Run by test_redis_faults.py in a network namespace of its own (unshare -rn): a Redis at an
address that is not this machine's loopback, and a mayflyd that is to use it.

usage: far_redis.py REDIS-SERVER PASSWORD MAYFLYD; the daemon's settings are in the environment.
What the daemon writes is passed on; once it listens it is ended. Its exit status is ours."""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

ADDRESS, PORT = "10.99.0.1", 6379
SIOCSIFADDR, SIOCSIFFLAGS, UP = 0x8916, 0x8914, 0x1


def bring_up():
    """A second address on the loopback device: to the daemon a host like any other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for name, address in ((b"lo", "127.0.0.1"), (b"lo:1", ADDRESS)):
            fcntl.ioctl(s, SIOCSIFADDR, struct.pack("16sHH4s8x", name, socket.AF_INET, 0,
                                                    socket.inet_aton(address)))
            fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", name, UP))


def start_redis(program, password, folder):
    lines = ["--bind", ADDRESS, "--port", str(PORT), "--protected-mode", "no", "--save", "",
             "--dir", folder]
    if password:
        lines += ["--requirepass", password]
    redis = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", program, *lines],
                             stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection((ADDRESS, PORT), 1).close()
            return redis
        except OSError:
            if time.monotonic() > deadline or redis.poll() is not None:
                raise
            time.sleep(0.02)


def main(program, password, mayflyd):
    bring_up()
    with tempfile.TemporaryDirectory() as folder:
        redis = start_redis(program, password, folder)
        try:
            daemon = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", mayflyd],
                                      stderr=subprocess.PIPE, text=True, env=os.environ)
            for line in daemon.stderr:
                sys.stderr.write(line)
                if '"listening"' in line:
                    daemon.terminate()
            return daemon.wait(30)
        finally:
            redis.kill()
            redis.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
