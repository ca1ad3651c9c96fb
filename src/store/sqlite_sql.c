/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_sql: every word of SQL that runs more than once. Parameters are numbered as bound. */
#include "store/sqlite_int.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)
#define PAGE       TEXT(SQ_PAGE)
#define APP_ID     TEXT(SQ_APPLICATION_ID)
#define VERSION    TEXT(SQ_VERSION)

/* An upload's row is small, because claims rewrite it; its sealed part lies apart, is written once
 * and zeroed once (how it lies: sqlite_upload.c). What is not indexed here is never searched. */
const char *const sq_schema =
    "PRAGMA page_size = " PAGE ";"
    "PRAGMA auto_vacuum = NONE;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE uploads ("
    " n INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL UNIQUE,"
    " blob BLOB NOT NULL,"
    " size_bytes INTEGER NOT NULL,"
    " stored_bytes INTEGER NOT NULL,"
    " created_at_s INTEGER NOT NULL,"
    " expires_at_s INTEGER NOT NULL,"
    " claimed_at_s INTEGER NOT NULL," /* the last claim; created_at_s before the first */
    " uses_total INTEGER NOT NULL,"
    " uses_left INTEGER NOT NULL,"
    " preview_taken INTEGER NOT NULL,"
    " burn_hash BLOB NOT NULL,"
    " sealed_len INTEGER NOT NULL);"
    "CREATE INDEX uploads_blob ON uploads(blob);"
    "CREATE INDEX uploads_expiry ON uploads(expires_at_s);"
    "CREATE INDEX uploads_used ON uploads(n) WHERE uses_left = 0;"

    "CREATE TABLE sealed ("
    " n INTEGER PRIMARY KEY," /* the upload's */
    " bytes BLOB NOT NULL);"

    "CREATE TABLE leases ("
    " seq INTEGER PRIMARY KEY," /* a newer lease has a greater one */
    " upload_n INTEGER NOT NULL,"
    " id BLOB NOT NULL,"
    " client BLOB NOT NULL,"
    " ends_at_s INTEGER NOT NULL,"
    " was_resumed INTEGER NOT NULL," /* then it is not given back */
    " spans BLOB NOT NULL);"         /* as spans_encode makes them */
    "CREATE UNIQUE INDEX leases_id ON leases(upload_n, id);"
    "CREATE INDEX leases_end ON leases(ends_at_s);"

    "CREATE TABLE tombstones ("
    " id BLOB PRIMARY KEY,"
    " ended_by INTEGER NOT NULL," /* enum ended_by */
    " ended_at_s INTEGER NOT NULL,"
    " expires_at_s INTEGER NOT NULL,"
    " uses_total INTEGER NOT NULL,"
    " uses_left INTEGER NOT NULL,"
    " until_s INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX tombstones_until ON tombstones(until_s);"

    "CREATE TABLE doomed ("
    " seq INTEGER PRIMARY KEY,"
    " blob BLOB NOT NULL,"
    " stored_bytes INTEGER NOT NULL,"
    " ended_at_s INTEGER NOT NULL,"
    " ended_by INTEGER NOT NULL,"
    " held_until_s INTEGER);" /* NULL: nobody holds it */
    "CREATE INDEX doomed_blob ON doomed(blob);"
    "CREATE INDEX doomed_held ON doomed(held_until_s);"

    "CREATE TABLE counters ("
    " name TEXT PRIMARY KEY,"
    " value INTEGER NOT NULL,"
    " resets_at_s INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX counters_reset ON counters(resets_at_s);"

    "CREATE TABLE pings (n INTEGER PRIMARY KEY, count INTEGER NOT NULL);"
    "INSERT INTO pings (n, count) VALUES (1, 0);"

    "PRAGMA application_id = " APP_ID ";"
    "PRAGMA user_version = " VERSION ";"
    "COMMIT;";

/* The columns that read_record (sqlite_upload.c) and read_brief (sqlite_end.c) take. */
#define RECORD_COLUMNS                                                                             \
    "n, id, blob, size_bytes, stored_bytes, created_at_s, expires_at_s, uses_total, uses_left,"    \
    " preview_taken, burn_hash, sealed_len,"                                                       \
    " (SELECT bytes FROM sealed WHERE sealed.n = uploads.n)"
#define BRIEF_COLUMNS "n, id, blob, stored_bytes, expires_at_s, claimed_at_s, uses_total, uses_left"

#define UPLOAD_N      "(SELECT n FROM uploads WHERE id = ?1)"

const char *const sq_text[SQ_N] = {
    [SQ_BEGIN] = "BEGIN IMMEDIATE",
    [SQ_COMMIT] = "COMMIT",
    [SQ_ROLLBACK] = "ROLLBACK",

    /* No row when the id is in use, or has a tombstone when the upload is created. */
    [SQ_PUT_UPLOAD] = "INSERT INTO uploads (id, blob, size_bytes, stored_bytes, created_at_s,"
                      " expires_at_s, claimed_at_s, uses_total, uses_left, preview_taken,"
                      " burn_hash, sealed_len)"
                      " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?5, ?7, ?8, ?9, ?10, ?11"
                      " WHERE NOT EXISTS"
                      " (SELECT 1 FROM tombstones WHERE id = ?1 AND until_s > ?5)"
                      " ON CONFLICT (id) DO NOTHING RETURNING n",
    [SQ_PUT_SEALED] = "INSERT INTO sealed (n, bytes) VALUES (?1, ?2)",

    [SQ_CLAIM] = "UPDATE uploads SET uses_left = uses_left - 1, claimed_at_s = ?2"
                 " WHERE id = ?1 AND uses_left > 0 AND expires_at_s > ?2"
                 " RETURNING " RECORD_COLUMNS,
    [SQ_CLAIM_LEASE] = "INSERT INTO leases (upload_n, id, client, ends_at_s, was_resumed, spans)"
                       " VALUES (" UPLOAD_N ", ?2, ?3, ?4, 0, x'')",
    [SQ_TAKE_PREVIEW] = "UPDATE uploads SET preview_taken = 1"
                        " WHERE id = ?1 AND uses_left > 0 AND expires_at_s > ?2"
                        " AND preview_taken = 0 RETURNING " RECORD_COLUMNS,

    [SQ_RECORD] = "SELECT " RECORD_COLUMNS " FROM uploads WHERE id = ?1",
    [SQ_BRIEF] = "SELECT " BRIEF_COLUMNS " FROM uploads WHERE id = ?1",
    [SQ_HAS_LEASE] = "SELECT 1 FROM leases WHERE upload_n = ?1 AND ends_at_s > ?2 LIMIT 1",
    [SQ_STATUS] = "SELECT expires_at_s, claimed_at_s, uses_total, uses_left"
                  " FROM uploads WHERE id = ?1",
    [SQ_TOMBSTONE] = "SELECT ended_by, ended_at_s, expires_at_s, uses_total, uses_left"
                     " FROM tombstones WHERE id = ?1 AND until_s > ?2",

    [SQ_CLIENT_LEASES] = "SELECT id, spans FROM leases WHERE upload_n = " UPLOAD_N
                         " AND client = ?2 AND ends_at_s > ?3 ORDER BY seq DESC",
    [SQ_LEASE] = "SELECT leases.seq, leases.spans, uploads.size_bytes FROM uploads, leases"
                 " WHERE uploads.id = ?1 AND leases.upload_n = uploads.n AND leases.id = ?2",
    [SQ_LEASE_DELETE] = "DELETE FROM leases WHERE seq = ?1",
    [SQ_LEASE_SPANS] = "UPDATE leases SET spans = ?2 WHERE seq = ?1",
    [SQ_LEASE_RENEW] = "UPDATE leases SET ends_at_s ="
                       " min(?3, (SELECT expires_at_s FROM uploads WHERE id = ?1)),"
                       " was_resumed = max(was_resumed, ?5)"
                       " WHERE upload_n = " UPLOAD_N " AND id = ?2 AND ends_at_s > ?4"
                       " RETURNING seq",
    [SQ_LEASE_RELEASE] = "DELETE FROM leases WHERE upload_n = " UPLOAD_N " AND id = ?2"
                         " AND was_resumed = 0 RETURNING seq",
    [SQ_GIVE_BACK] = "UPDATE uploads SET uses_left = uses_left + 1 WHERE id = ?1",

    /* A used-up upload without a lease is due; so leases that are over are dropped first. */
    [SQ_LEASES_OVER] = "DELETE FROM leases WHERE ends_at_s <= ?1",
    [SQ_DUE] = "SELECT " BRIEF_COLUMNS " FROM uploads WHERE expires_at_s <= ?1"
               " UNION ALL SELECT " BRIEF_COLUMNS " FROM uploads"
               " WHERE uses_left = 0 AND expires_at_s > ?1"
               " AND NOT EXISTS (SELECT 1 FROM leases WHERE upload_n = uploads.n) LIMIT ?2",

    /* OR REPLACE: a tombstone past its time may still be in the place. */
    [SQ_END_TOMBSTONE] = "INSERT OR REPLACE INTO tombstones (id, ended_by, ended_at_s,"
                         " expires_at_s, uses_total, uses_left, until_s)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SQ_END_DOOM] = "INSERT INTO doomed (blob, stored_bytes, ended_at_s, ended_by)"
                    " VALUES (?1, ?2, ?3, ?4)",
    [SQ_END_LEASES] = "DELETE FROM leases WHERE upload_n = ?1",
    [SQ_END_SEALED] = "DELETE FROM sealed WHERE n = ?1",
    [SQ_END_UPLOAD] = "DELETE FROM uploads WHERE n = ?1",

    [SQ_OLD_TOMBSTONES] = "DELETE FROM tombstones WHERE id IN"
                          " (SELECT id FROM tombstones WHERE until_s <= ?1 LIMIT ?2)",
    [SQ_OLD_COUNTERS] = "DELETE FROM counters WHERE name IN"
                        " (SELECT name FROM counters WHERE resets_at_s <= ?1 LIMIT ?2)"
                        " RETURNING name",

    /* In an index NULL comes before every number: what nobody holds is taken first. */
    [SQ_DOOMED_TAKE] = "UPDATE doomed SET held_until_s = ?2 WHERE seq ="
                       " (SELECT seq FROM doomed ORDER BY held_until_s LIMIT 1)"
                       " AND (held_until_s IS NULL OR held_until_s <= ?1)"
                       " RETURNING blob, stored_bytes, ended_at_s, ended_by",
    [SQ_DOOMED_HOLD] = "UPDATE doomed SET held_until_s = ?2 WHERE blob = ?1 RETURNING seq",
    [SQ_DOOMED_FORGET] = "DELETE FROM doomed WHERE blob = ?1 RETURNING stored_bytes",

    /* The earliest of each kind, NULL where there is none. */
    [SQ_NEXT_DUE] = "SELECT (SELECT min(expires_at_s) FROM uploads),"
                    " (SELECT min(ends_at_s) FROM leases),"
                    " (SELECT min(until_s) FROM tombstones),"
                    " (SELECT 0 FROM uploads WHERE uses_left = 0 AND NOT EXISTS"
                    " (SELECT 1 FROM leases WHERE upload_n = uploads.n) LIMIT 1),"
                    " (SELECT coalesce(held_until_s, 0) FROM doomed"
                    " ORDER BY held_until_s LIMIT 1),"
                    " (SELECT min(resets_at_s) FROM counters)",
    [SQ_KNOWS_BLOB] = "SELECT 1 FROM uploads WHERE blob = ?1"
                      " UNION ALL SELECT 1 FROM doomed WHERE blob = ?1 LIMIT 1",

    /* Saturates: SQLite would turn a sum above 2^63 into a floating-point number. */
    [SQ_COUNT_ADD] = "UPDATE counters SET"
                     " value = CASE WHEN resets_at_s <= ?4 THEN ?2"
                     " ELSE min(value, 9223372036854775807 - ?2) + ?2 END,"
                     " resets_at_s = CASE WHEN resets_at_s <= ?4 THEN ?3 ELSE resets_at_s END"
                     " WHERE name = ?1 RETURNING value, resets_at_s",
    [SQ_COUNT_NEW] = "INSERT INTO counters (name, value, resets_at_s) VALUES (?1, ?2, ?3)",
    [SQ_PEEK] = "SELECT value, resets_at_s FROM counters WHERE name = ?1 AND resets_at_s > ?2",

    [SQ_PING] = "UPDATE pings SET count = (count + 1) % 1000000",

    [SQ_ALL_BYTES] = "SELECT 1, stored_bytes FROM uploads"
                     " UNION ALL SELECT 0, stored_bytes FROM doomed",
    [SQ_ALL_COUNTERS] = "SELECT name FROM counters",
};
