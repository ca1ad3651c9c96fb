# SPDX-License-Identifier: Apache-2.0
"""Looking into a daemon's store, and moving its times: SQLite's file, or a database of a Redis.
What they look like inside: docs/formats-store.md and docs/formats-redis.md."""

import hashlib
import hmac
import pathlib
import shutil
import sqlite3
import tempfile


def raw_files(folder):
    """All bytes of the files of a folder."""
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def checked_tokens(tokens):
    assert all(t[0] == 0x80 and len(t) > 150 for t in tokens)  # Fernet
    return tokens


class Look:
    def __init__(self, state, pepper=None):
        self.state, self.pepper = state, pathlib.Path(pepper or state / "pepper")

    def remove(self):
        """The daemon has ended, and its folders are gone."""

    def held_blobs(self):
        """Names of the blobs that somebody is destroying, or was when he died."""
        return set()

    def elsewhere(self):
        """All bytes that are in no file."""
        return b""

    def id_of(self, code):
        """The id of the upload that a code opens."""
        return hmac.new(self.pepper.read_bytes(), code.encode(), hashlib.sha256).digest()[:16]


class SqliteLook(Look):

    def copy(self):
        """The store as it is now, opened from a copy, so that looking at it changes nothing."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="mayfly-look-", dir="/dev/shm"))
        try:
            for name in ("mayfly.db", "mayfly.db-wal"):
                if (self.state / name).exists():
                    shutil.copyfile(self.state / name, folder / name)
            disk = sqlite3.connect(folder / "mayfly.db")
            memory = sqlite3.connect(":memory:")
            disk.backup(memory)
            disk.close()
            return memory
        finally:
            shutil.rmtree(folder)

    def select(self, sql):
        state = self.copy()
        try:
            return state.execute(sql).fetchall()
        finally:
            state.close()

    def recorded_blobs(self):
        return {blob.hex() for (blob,) in self.select("SELECT blob FROM uploads")}

    def sealed_tokens(self):
        """Without the zeros around them."""
        rows = self.select("SELECT bytes FROM sealed")
        return checked_tokens([bytes(b).strip(b"\0") for (b,) in rows])

    def sealed_token(self, code):
        rows = self.select("SELECT bytes FROM sealed JOIN uploads USING (n) WHERE id = x'%s'" %
                           self.id_of(code).hex())
        (token,) = checked_tokens([bytes(b).strip(b"\0") for (b,) in rows])
        return token

    def raw(self):
        return raw_files(self.state)

    def plant(self, mark):
        """Something that a search must find."""
        (self.state / mark).touch()

    # ---- while the daemon is down ----

    def change(self, sql, *values):
        state = sqlite3.connect(self.state / "mayfly.db")
        try:
            assert state.execute(sql, values).rowcount > 0
            state.commit()
        finally:
            state.close()

    def end_at(self, at_s, code=None):
        """Let one upload, or all, expire at that time."""
        sql = "UPDATE uploads SET expires_at_s = ?, created_at_s = ? - 600"
        if code is None:
            self.change(sql, at_s, at_s)
        else:
            self.change(sql + " WHERE id = ?", at_s, at_s, self.id_of(code))

    def tombstone_lives_s(self):
        """How long the one tombstone was to be told of from its upload's end on."""
        ((until_s, ended_at_s),) = self.select("SELECT until_s, ended_at_s FROM tombstones")
        return until_s - ended_at_s

    def end_tombstones(self):
        self.change("UPDATE tombstones SET until_s = 1")


class RedisLook(Look):
    """`databases` gets the database back in the end; None: it belongs to several daemons."""

    def __init__(self, redis, database, state, pepper=None, databases=None):
        super().__init__(state, pepper)
        self.redis, self.database, self.databases = redis, database, databases

    def __call__(self, *args):
        return self.redis(*args, database=self.database)

    def dump(self):
        return self.redis.dump(self.database)

    def uploads(self):
        """Key -> fields, of tombstones too."""
        return {key: dict(zip(flat[::2], flat[1::2]))
                for key, (_, _, flat) in self.dump().items() if key.startswith(b"upload:{")}

    def records(self):
        return {key: fields for key, fields in self.uploads().items() if b"blob" in fields}

    def recorded_blobs(self):
        return {fields[b"blob"].decode() for fields in self.records().values()}

    def doomed_blobs(self):
        """Name -> until when somebody holds it, 0: nobody."""
        flat = self("ZRANGE", INDEX_DOOMED, 0, -1, "WITHSCORES")
        return {b.decode(): float(at) for b, at in zip(flat[::2], flat[1::2])}

    def held_blobs(self):
        return {b for b, until_s in self.doomed_blobs().items() if until_s > 0}

    def sealed_tokens(self):
        return checked_tokens([value for key, (_, _, value) in self.dump().items()
                               if key.startswith(b"sealed:{")])

    def sealed_token(self, code):
        (token,) = checked_tokens([self("GET", "sealed:{%s}" % self.id_of(code).hex())])
        return token

    def elsewhere(self):
        return self.redis.raw(self.database)

    def raw(self):
        return self.elsewhere() + raw_files(self.state)

    def plant(self, mark):
        self("SET", mark, "")

    def end_at(self, at_s, code=None):
        key = None if code is None else b"upload:{%s}" % self.id_of(code).hex().encode()
        chosen = {k: f for k, f in self.records().items() if key in (None, k)}
        assert chosen
        for key, fields in chosen.items():
            self("HSET", key, "expires_at_s", at_s, "created_at_s", at_s - 600)
            self("ZADD", INDEX_LIVE, "XX", at_s, fields[b"blob"])

    def tombstones(self):
        return [key for key, fields in self.uploads().items() if b"ended_at_s" in fields]

    def tombstone_lives_s(self):
        """By Redis' own clock, which lets it live a minute longer than the nodes tell of it."""
        (key,) = self.tombstones()
        return round(self("PTTL", key) / 60_000 - 1) * 60

    def end_tombstones(self):
        keys = self.tombstones()
        assert keys
        for key in keys:
            self("HSET", key, "ended_at_s", 1)

    def remove(self):
        if self.databases is not None:
            self.databases.give_back(self.database)


INDEX_LIVE = "live:{mayfly}"
INDEX_DOOMED = "doomed:{mayfly}"
