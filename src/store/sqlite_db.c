/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_db: connections, statements, transactions. */
#include "store/sqlite_int.h"

#include <string.h>

enum err
sq_err(int rc)
{
    enum err e;

    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        e = ERR_NOMEM;
        break;
    case SQLITE_FULL:
        e = ERR_NOSPACE;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        e = ERR_INTEGRITY;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        e = ERR_UNAVAIL;
        break;
    default:
        e = ERR_IO;
        break;
    }
    /* errstr, not errmsg: a fixed sentence, free of what was bound and of paths. */
    return err_set(e, "mayfly.db: %s", sqlite3_errstr(rc));
}

enum err
sq_exec(struct sq_conn *c, const char *sql)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? ERR_OK : sq_err(rc);
}

enum err
sq_query_int(struct sq_conn *c, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? ERR_OK : sq_err(rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
}

enum err
sq_query_is(struct sq_conn *c, const char *sql, const char *want, bool *ret_same)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
    const char *text;

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        text = (const char *)sqlite3_column_text(stmt, 0);
        *ret_same = text != NULL && strcmp(text, want) == 0;
    }
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? ERR_OK : sq_err(rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
}

enum err
sq_conn_open(const char *path, struct sq_conn *ret_conn)
{
    struct sq_conn c = {.db = NULL};
    enum err e;
    int rc;

    /* NOMUTEX: our own locks see to it that a connection is used by one thread at a time. */
    rc = sqlite3_open_v2(path, &c.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        e = sq_err(rc);
        goto out;
    }
    (void)sqlite3_busy_timeout(c.db, SQ_BUSY_MS);
    (void)sqlite3_db_config(c.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(c.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    /* temp_store: journals of single statements hold pages too, and would go to files in the
     * system's folder for temporary files. secure_delete: zero what is deleted. */
    e = sq_exec(&c, "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                    "PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON;"
                    "PRAGMA synchronous = FULL; PRAGMA cache_size = -512;");
    if (e != ERR_OK)
        goto out;
    *ret_conn = c;
    c.db = NULL;
out:
    sq_conn_close(&c);
    return e;
}

void
sq_conn_close(struct sq_conn *c)
{
    for (size_t i = 0; i < SQ_N; i++) {
        (void)sqlite3_finalize(c->stmts[i]);
        c->stmts[i] = NULL;
    }
    (void)sqlite3_close(c->db);
    c->db = NULL;
}

/* ---- one use of a statement ---- */

struct sq_use
sq_use(struct sq_conn *c, enum sq_id id)
{
    struct sq_use u = {.stmt = c->stmts[id], .rc = SQLITE_OK};

    if (u.stmt == NULL) {
        u.rc = sqlite3_prepare_v3(c->db, sq_text[id], -1, SQLITE_PREPARE_PERSISTENT, &u.stmt, NULL);
        c->stmts[id] = u.stmt;
    }
    return u;
}

void
sq_int(struct sq_use *u, int at, int64_t value)
{
    if (u->rc == SQLITE_OK)
        u->rc = sqlite3_bind_int64(u->stmt, at, value);
}

void
sq_blob(struct sq_use *u, int at, const void *bytes, size_t len)
{
    if (u->rc == SQLITE_OK)
        u->rc = sqlite3_bind_blob64(u->stmt, at, bytes, len, SQLITE_STATIC);
}

void
sq_name(struct sq_use *u, int at, const char *text)
{
    if (u->rc == SQLITE_OK)
        u->rc = sqlite3_bind_text(u->stmt, at, text, -1, SQLITE_STATIC);
}

bool
sq_row(struct sq_use *u)
{
    int rc;

    if (u->rc != SQLITE_OK)
        return false;
    rc = sqlite3_step(u->stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        u->rc = rc;
    return rc == SQLITE_ROW;
}

int64_t
sq_column(struct sq_use *u, int at)
{
    if (sqlite3_column_type(u->stmt, at) != SQLITE_INTEGER) {
        u->rc = SQLITE_CORRUPT;
        return 0;
    }
    return sqlite3_column_int64(u->stmt, at);
}

uint32_t
sq_column_u32(struct sq_use *u, int at)
{
    int64_t value = sq_column(u, at);

    if (value < 0 || value > UINT32_MAX) {
        u->rc = SQLITE_CORRUPT;
        return 0;
    }
    return (uint32_t)value;
}

void
sq_column_bytes(struct sq_use *u, int at, uint8_t *ret_bytes, size_t len)
{
    const void *bytes = sqlite3_column_blob(u->stmt, at);

    if (bytes == NULL || sqlite3_column_bytes(u->stmt, at) != (int)len) {
        u->rc = SQLITE_CORRUPT;
        memset(ret_bytes, 0, len);
        return;
    }
    memcpy(ret_bytes, bytes, len);
}

enum err
sq_close(struct sq_use *u)
{
    (void)sqlite3_reset(u->stmt); /* repeats the failure of the step, which is in rc */
    return u->rc == SQLITE_OK ? ERR_OK : sq_err(u->rc);
}

enum err
sq_run(struct sq_use *u)
{
    (void)sq_row(u);
    return sq_close(u);
}

/* ---- transactions ---- */

static enum err
run_plain(struct sq_conn *c, enum sq_id id)
{
    struct sq_use u = sq_use(c, id);

    return sq_run(&u);
}

enum err
sq_begin(struct sqlite_store *s)
{
    enum err e;

    (void)pthread_mutex_lock(&s->write_lock);
    s->add_live = 0;
    s->add_bytes = 0;
    if (sqlite3_get_autocommit(s->writer.db) == 0) /* a rollback failed before */
        (void)run_plain(&s->writer, SQ_ROLLBACK);
    e = run_plain(&s->writer, SQ_BEGIN);
    if (e != ERR_OK)
        (void)pthread_mutex_unlock(&s->write_lock);
    return e;
}

enum err
sq_end(struct sqlite_store *s, enum err e)
{
    if (e == ERR_OK)
        e = run_plain(&s->writer, SQ_COMMIT);
    if (e == ERR_OK) { /* before the unlock, so that they never count a removal before its put */
        atomic_fetch_add_explicit(&s->n_live, (uint64_t)s->add_live, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->stored_bytes, (uint64_t)s->add_bytes, memory_order_relaxed);
    }
    /* SQLite rolls back by itself after some failures; autocommit tells. */
    if (e != ERR_OK && sqlite3_get_autocommit(s->writer.db) == 0)
        (void)run_plain(&s->writer, SQ_ROLLBACK); /* else sq_begin tries again */
    (void)pthread_mutex_unlock(&s->write_lock);
    return e;
}

/* ---- readers ---- */

struct sq_reader *
sq_reader(struct sqlite_store *s)
{
    /* Each thread starts at a place of its own, so that it mostly finds its reader free and warm;
     * nothing is tied to a thread, so that nothing is left over when it ends. */
    size_t first = (size_t)(((uint64_t)pthread_self() >> 12) * 0x9e3779b97f4a7c15u >> 32);
    struct sq_reader *r;

    (void)pthread_rwlock_rdlock(&s->gate);
    for (size_t i = 0; i < SQ_READERS; i++) {
        r = &s->readers[(first + i) % SQ_READERS];
        if (pthread_mutex_trylock(&r->lock) == 0)
            return r;
    }
    r = &s->readers[first % SQ_READERS];
    (void)pthread_mutex_lock(&r->lock);
    return r;
}

void
sq_reader_done(struct sqlite_store *s, struct sq_reader *r)
{
    (void)pthread_mutex_unlock(&r->lock);
    (void)pthread_rwlock_unlock(&s->gate);
}
