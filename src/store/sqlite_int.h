/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_int: the inside of store_sqlite, shared by its files only.
 * One writer connection behind a mutex, a fixed set of readers behind one mutex each; a statement
 * is prepared once per connection. What must not cost a query is kept in memory, exact because
 * the lock file makes this process the only user of the database: the totals, and which counters
 * are surely absent. */
#ifndef MAYFLY_STORE_SQLITE_INT_H
#define MAYFLY_STORE_SQLITE_INT_H

#include "store/store_int.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#define SQ_PAGE           2048       /* bytes */
#define SQ_APPLICATION_ID 0x6d666c79 /* "mfly" */
#define SQ_VERSION        1          /* of the schema */

enum {
    SQ_READERS = 8,
    SQ_BUSY_MS = 5000,      /* how long a connection waits for a lock of the database; */
    SQ_BUSY_SCRUB_MS = 250, /* only a foreign program can make a scrub wait */
    SQ_BUCKETS = 1 << 15,   /* of the counters' presence filter */
    SQ_BATCH = 256,         /* rows that housekeeping drops in one transaction */
};

/* Statements, by the name of what they do; their text is in sqlite_sql.c. */
enum sq_id {
    SQ_BEGIN,
    SQ_COMMIT,
    SQ_ROLLBACK,
    SQ_PUT_UPLOAD,
    SQ_PUT_SEALED,
    SQ_CLAIM,
    SQ_CLAIM_LEASE,
    SQ_TAKE_PREVIEW,
    SQ_RECORD,
    SQ_BRIEF,
    SQ_HAS_LEASE,
    SQ_STATUS,
    SQ_TOMBSTONE,
    SQ_CLIENT_LEASES,
    SQ_LEASE,
    SQ_LEASE_DELETE,
    SQ_LEASE_SPANS,
    SQ_LEASE_RENEW,
    SQ_LEASE_RELEASE,
    SQ_GIVE_BACK,
    SQ_LEASES_OVER,
    SQ_DUE,
    SQ_END_TOMBSTONE,
    SQ_END_DOOM,
    SQ_END_LEASES,
    SQ_END_SEALED,
    SQ_END_UPLOAD,
    SQ_OLD_TOMBSTONES,
    SQ_OLD_COUNTERS,
    SQ_DOOMED_TAKE,
    SQ_DOOMED_HOLD,
    SQ_DOOMED_FORGET,
    SQ_NEXT_DUE,
    SQ_KNOWS_BLOB,
    SQ_COUNT_ADD,
    SQ_COUNT_NEW,
    SQ_PEEK,
    SQ_PING,
    SQ_ALL_BYTES,
    SQ_ALL_COUNTERS,
    SQ_N
};

extern const char *const sq_schema; /* makes an empty file ours, in one transaction */
extern const char *const sq_text[SQ_N];

/* ---- a connection (sqlite_db.c) ---- */

struct sq_conn {
    sqlite3 *db;
    sqlite3_stmt *stmts[SQ_N];
};

/* One use of a statement: sq_use, bind, sq_row while it gives rows, sq_close. A failure on the
 * way is kept, makes sq_row say "no row", and is what sq_close returns. */
struct sq_use {
    sqlite3_stmt *stmt; /* NULL when it could not be prepared */
    int rc;
};

/* Open `path` with the settings of every connection. Nothing is written to the file. */
MUST_CHECK enum err sq_conn_open(const char *path, struct sq_conn *ret_conn);
void sq_conn_close(struct sq_conn *c); /* an empty one is a no-op */

/* Run statements that are used once. */
MUST_CHECK enum err sq_exec(struct sq_conn *c, const char *sql);

/* The single number or text of a query that is used once. */
MUST_CHECK enum err sq_query_int(struct sq_conn *c, const char *sql, int64_t *ret_number);
MUST_CHECK enum err sq_query_is(struct sq_conn *c, const char *sql, const char *want,
                                bool *ret_same);

/* An SQLite result code as ours, with the sentence set. */
enum err sq_err(int rc);

struct sq_use sq_use(struct sq_conn *c, enum sq_id id);

/* Bind parameter `at` (from 1). Bytes and text stay the caller's and are needed until sq_close. */
void sq_int(struct sq_use *u, int at, int64_t value);
void sq_blob(struct sq_use *u, int at, const void *bytes, size_t len);
void sq_name(struct sq_use *u, int at, const char *text);

/* Step to the next row; false at the end and after a failure. */
bool sq_row(struct sq_use *u);

/* Column `at` (from 0) of the row; a value out of the range or of another length than asked for
 * is a failure (damage), and the output is then zero. */
int64_t sq_column(struct sq_use *u, int at);
uint32_t sq_column_u32(struct sq_use *u, int at);
void sq_column_bytes(struct sq_use *u, int at, uint8_t *ret_bytes, size_t len);

/* End the use, free its locks. */
MUST_CHECK enum err sq_close(struct sq_use *u);

/* Step a statement without rows once, and close. */
MUST_CHECK enum err sq_run(struct sq_use *u);

/* ---- the store ---- */

struct sqlite_store {
    struct store store;
    int64_t tombstone_s;
    int dir_fd, lock_fd;

    pthread_mutex_t write_lock; /* over the four behind it */
    struct sq_conn writer;
    bool must_scrub;             /* a record was removed since the last scrub */
    int64_t add_live, add_bytes; /* what this transaction, once committed, adds to the totals */

    pthread_rwlock_t gate; /* readers share it for a use; a checkpoint has it alone */
    struct sq_reader {
        pthread_mutex_t lock;
        struct sq_conn conn;
    } readers[SQ_READERS];

    _Atomic uint64_t n_live, stored_bytes;
    _Atomic uint32_t buckets[SQ_BUCKETS]; /* counters whose name falls there, never too few */
};

static inline struct sqlite_store *
sq_of(struct store *s)
{
    return (struct sqlite_store *)s; /* it is the first member */
}

/* Lock the writer and begin; then end with sq_end exactly once, also after an error. */
MUST_CHECK enum err sq_begin(struct sqlite_store *s);

/* Commit when `e` is ERR_OK and bring the totals up to date, else roll back; unlock. Returns `e`,
 * or what the commit met. */
MUST_CHECK enum err sq_end(struct sqlite_store *s, enum err e);

/* A reader for this thread, until sq_reader_done. It never holds a lock of the database between
 * two uses, so that a checkpoint waits for no one. */
struct sq_reader *sq_reader(struct sqlite_store *s);
void sq_reader_done(struct sqlite_store *s, struct sq_reader *r);

/* ---- an upload without its sealed part (sqlite_end.c) ---- */

struct sq_brief {
    int64_t n; /* the row */
    struct share_id id;
    struct blob_name blob;
    uint64_t stored_bytes;
    int64_t expires_at_s, claimed_at_s;
    uint32_t uses_total, uses_left;
};

/* ERR_NOTFOUND, or ERR_GONE when it has a tombstone at now_s. */
MUST_CHECK enum err sq_brief(struct sq_conn *c, const struct share_id *id, int64_t now_s,
                             struct sq_brief *ret_brief);

/* Why an upload that is not there, or not to be had, is not: ERR_GONE or ERR_NOTFOUND. */
enum err sq_missing(struct sq_conn *c, const struct share_id *id, int64_t now_s);

/* Whether a lease of upload `n` runs at now_s. */
MUST_CHECK enum err sq_has_lease(struct sq_conn *c, int64_t n, int64_t now_s, bool *ret_has);

/* Turn an upload into a tombstone and a doomed blob. Between sq_begin and sq_end. */
MUST_CHECK enum err sq_end_upload(struct sqlite_store *s, const struct sq_brief *b,
                                  enum ended_by how, int64_t at_s);

/* ---- the vtable, by file ---- */

/* sqlite_upload.c */
enum err sq_put(struct store *s, const struct record *rec);
enum err sq_claim(struct store *s, const struct store_claim *c, struct record *ret_rec,
                  struct lease_id *ret_lease);
enum err sq_take_preview(struct store *s, const struct share_id *id, int64_t now_s,
                         struct record *ret_rec);
enum err sq_lookup(struct store *s, const struct share_id *id, int64_t now_s,
                   struct record *ret_rec);
enum err sq_status(struct store *s, const struct share_id *id, int64_t now_s,
                   struct share_state *ret_state);
MUST_CHECK enum err sq_record(struct sq_conn *c, const struct share_id *id, struct record *ret_rec);

/* sqlite_lease.c */
enum err sq_resume(struct store *s, const struct store_claim *c, uint64_t from,
                   struct record *ret_rec, struct lease_id *ret_lease);
enum err sq_release(struct store *s, const struct share_id *id, const struct lease_id *lease);
enum err sq_settle(struct store *s, const struct share_id *id, const struct lease_id *lease,
                   const struct store_span *span, int64_t now_s, bool *ret_ended);
enum err sq_renew(struct store *s, const struct share_id *id, const struct lease_id *lease,
                  int64_t now_s, int64_t lease_s);

/* sqlite_end.c */
enum err sq_remove(struct store *s, const struct share_id *id, enum ended_by how, int64_t now_s);
enum err sq_end_due(struct store *s, int64_t now_s, unsigned max, unsigned *ret_n);
enum err sq_take_doomed(struct store *s, int64_t now_s, int64_t hold_s,
                        struct doomed_blob *ret_blob);
enum err sq_hold_doomed(struct store *s, const struct blob_name *blob, int64_t until_s);
enum err sq_forget_doomed(struct store *s, const struct blob_name *blob);
enum err sq_next_due(struct store *s, int64_t *ret_at_s);
enum err sq_knows_blob(struct store *s, const struct blob_name *blob, bool *ret_known);

/* sqlite_scrub.c */
enum err sq_scrub(struct store *s);

/* sqlite_count.c */
enum err sq_count(struct store *s, const char *name, uint64_t n, int64_t window_s, int64_t now_s,
                  struct counter *ret_counter);
enum err sq_peek(struct store *s, const char *name, int64_t now_s, struct counter *ret_counter);
MUST_CHECK enum err sq_drop_counters(struct sqlite_store *s, int64_t now_s);
MUST_CHECK enum err sq_load_counters(struct sqlite_store *s);

#endif
