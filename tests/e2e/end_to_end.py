# SPDX-License-Identifier: Apache-2.0
"""End-to-end uploads as a client makes them, without our client."""

import base64
import os

from wire import part, post_form

# How an age file for a passphrase begins. Nobody can open what it is the head of.
AGE_HEAD = b"\n".join([b"age-encryption.org/v1", b"-> scrypt " + b"A" * 22 + b" 15", b"A" * 43,
                       b"--- " + b"A" * 43, b""])


def new_id():
    """The id of an upload: 16 bytes in base32."""
    return base64.b32encode(os.urandom(16)).decode().lower().rstrip("=")


def new_meta(n=300):
    """As many characters of what a sender has sealed."""
    return base64.urlsafe_b64encode(os.urandom(n)).decode()[:n]


def age_like(n=5000):
    """What cannot be told from an age file without its passphrase."""
    return AGE_HEAD + os.urandom(n)


def e2e_parts(key, meta=None):
    parts = [part("id", key), part("encryption", "age")]
    return parts + ([part("meta", meta)] if meta is not None else [])


def upload_e2e(daemon, content, key=None, meta=None, name="sealed.age", headers=None, **fields):
    """The receipt."""
    got = post_form(daemon, part("file", content, name), *e2e_parts(key or new_id(), meta),
                    *[part(*f) for f in fields.items()], headers=headers)
    assert got.status == 201, got.body
    return got.json()
