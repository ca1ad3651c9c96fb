/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_end: how uploads end, and what is left of them. */
#include "store/sqlite_int.h"

#include <string.h>

/* Row of BRIEF_COLUMNS. */
static void
read_brief(struct sq_use *u, struct sq_brief *ret_brief)
{
    struct sq_brief *b = ret_brief;

    b->n = sq_column(u, 0);
    sq_column_bytes(u, 1, b->id.b, ID_LEN);
    sq_column_bytes(u, 2, b->blob.b, ID_LEN);
    b->stored_bytes = (uint64_t)sq_column(u, 3);
    b->expires_at_s = sq_column(u, 4);
    b->claimed_at_s = sq_column(u, 5);
    b->uses_total = sq_column_u32(u, 6);
    b->uses_left = sq_column_u32(u, 7);
}

enum err
sq_brief(struct sq_conn *c, const struct share_id *id, int64_t now_s, struct sq_brief *ret_brief)
{
    struct sq_use u = sq_use(c, SQ_BRIEF);
    struct sq_brief b = {0};
    bool found;
    enum err e;

    sq_blob(&u, 1, id->b, ID_LEN);
    found = sq_row(&u);
    if (found)
        read_brief(&u, &b);
    e = sq_close(&u);
    if (e == ERR_OK && !found)
        return sq_missing(c, id, now_s);
    if (e == ERR_OK)
        *ret_brief = b;
    return e;
}

/* Whether the statement, bound before, has a row; closes it. */
static enum err
has_row(struct sq_use *u, bool *ret_has)
{
    bool has = sq_row(u);
    enum err e = sq_close(u);

    if (e == ERR_OK)
        *ret_has = has;
    return e;
}

enum err
sq_missing(struct sq_conn *c, const struct share_id *id, int64_t now_s)
{
    struct sq_use u = sq_use(c, SQ_BRIEF);
    bool has = false;
    enum err e;

    sq_blob(&u, 1, id->b, ID_LEN);
    e = has_row(&u, &has);
    if (e == ERR_OK && !has) {
        u = sq_use(c, SQ_TOMBSTONE);
        sq_blob(&u, 1, id->b, ID_LEN);
        sq_int(&u, 2, now_s);
        e = has_row(&u, &has);
    }
    if (e != ERR_OK)
        return e;
    return has ? err_set(ERR_GONE, "the upload has ended") : err_set(ERR_NOTFOUND, "never issued");
}

enum err
sq_has_lease(struct sq_conn *c, int64_t n, int64_t now_s, bool *ret_has)
{
    struct sq_use u = sq_use(c, SQ_HAS_LEASE);

    sq_int(&u, 1, n);
    sq_int(&u, 2, now_s);
    return has_row(&u, ret_has);
}

/* ---- ending one upload ---- */

static enum err
write_tombstone(struct sqlite_store *s, const struct sq_brief *b, enum ended_by how, int64_t at_s)
{
    struct sq_use u = sq_use(&s->writer, SQ_END_TOMBSTONE);

    sq_blob(&u, 1, b->id.b, ID_LEN);
    sq_int(&u, 2, how);
    sq_int(&u, 3, at_s);
    sq_int(&u, 4, b->expires_at_s);
    sq_int(&u, 5, b->uses_total);
    sq_int(&u, 6, b->uses_left);
    sq_int(&u, 7, store_time_add(at_s, s->tombstone_s));
    return sq_run(&u);
}

static enum err
write_doomed(struct sqlite_store *s, const struct sq_brief *b, enum ended_by how, int64_t at_s)
{
    struct sq_use u = sq_use(&s->writer, SQ_END_DOOM);

    sq_blob(&u, 1, b->blob.b, ID_LEN);
    sq_int(&u, 2, (int64_t)b->stored_bytes);
    sq_int(&u, 3, at_s);
    sq_int(&u, 4, how);
    return sq_run(&u);
}

enum err
sq_end_upload(struct sqlite_store *s, const struct sq_brief *b, enum ended_by how, int64_t at_s)
{
    static const enum sq_id deletes[] = {SQ_END_LEASES, SQ_END_SEALED, SQ_END_UPLOAD};
    struct sq_use u;
    enum err e;

    s->must_scrub = true;
    s->add_live--;
    e = write_tombstone(s, b, how, at_s);
    if (e == ERR_OK)
        e = write_doomed(s, b, how, at_s);
    for (size_t i = 0; e == ERR_OK && i < sizeof(deletes) / sizeof(deletes[0]); i++) {
        u = sq_use(&s->writer, deletes[i]);
        sq_int(&u, 1, b->n);
        e = sq_run(&u);
    }
    return e;
}

enum err
sq_remove(struct store *store, const struct share_id *id, enum ended_by how, int64_t now_s)
{
    struct sqlite_store *s = sq_of(store);
    struct sq_brief b;
    bool is_here = true;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    e = sq_brief(&s->writer, id, now_s, &b);
    if (e == ERR_OK && b.uses_left == 0)
        e = sq_has_lease(&s->writer, b.n, now_s, &is_here);
    if (e == ERR_OK && (!is_here || b.expires_at_s <= now_s))
        e = err_set(ERR_GONE, "the upload has ended");
    if (e == ERR_OK)
        e = sq_end_upload(s, &b, how, now_s);
    return sq_end(s, e);
}

/* ---- what is due ---- */

enum { DUE_BATCH = 64 };

static enum err
drop_leases(struct sq_conn *c, int64_t now_s)
{
    struct sq_use u = sq_use(c, SQ_LEASES_OVER);

    sq_int(&u, 1, now_s);
    return sq_run(&u);
}

static enum err
read_due(struct sq_conn *c, int64_t now_s, unsigned max, struct sq_brief *ret_due, unsigned *ret_n)
{
    struct sq_use u = sq_use(c, SQ_DUE);
    unsigned n = 0;
    enum err e;

    sq_int(&u, 1, now_s);
    sq_int(&u, 2, max);
    while (n < max && sq_row(&u))
        read_brief(&u, &ret_due[n++]);
    e = sq_close(&u);
    if (e == ERR_OK)
        *ret_n = n;
    return e;
}

/* End up to `max` uploads in the running transaction. They are read in batches before they are
 * ended, because a query should not walk the table that is changed below it. */
static enum err
end_uploads(struct sqlite_store *s, int64_t now_s, unsigned max, unsigned *ret_n)
{
    struct sq_brief due[DUE_BATCH];
    unsigned n, total = 0;
    enum err e = ERR_OK;

    while (e == ERR_OK && total < max) {
        n = 0;
        e = read_due(&s->writer, now_s, max - total < DUE_BATCH ? max - total : DUE_BATCH, due, &n);
        for (unsigned i = 0; e == ERR_OK && i < n; i++) {
            if (due[i].uses_left == 0)
                e = sq_end_upload(s, &due[i], ENDED_USES, due[i].claimed_at_s);
            else
                e = sq_end_upload(s, &due[i], ENDED_EXPIRY, due[i].expires_at_s);
        }
        total += n;
        if (n < DUE_BATCH)
            break;
    }
    *ret_n = total;
    return e;
}

static enum err
drop_tombstones(struct sqlite_store *s, int64_t now_s)
{
    struct sq_use u;
    int n = SQ_BATCH;
    enum err e = ERR_OK;

    while (e == ERR_OK && n == SQ_BATCH) { /* in pieces: others want to write, too */
        e = sq_begin(s);
        if (e != ERR_OK)
            break;
        u = sq_use(&s->writer, SQ_OLD_TOMBSTONES);
        sq_int(&u, 1, now_s);
        sq_int(&u, 2, SQ_BATCH);
        e = sq_run(&u);
        n = sqlite3_changes(s->writer.db);
        e = sq_end(s, e);
    }
    return e;
}

enum err
sq_end_due(struct store *store, int64_t now_s, unsigned max, unsigned *ret_n)
{
    struct sqlite_store *s = sq_of(store);
    unsigned n = 0;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    e = drop_leases(&s->writer, now_s);
    if (e == ERR_OK)
        e = end_uploads(s, now_s, max, &n);
    e = sq_end(s, e);
    if (e == ERR_OK)
        e = drop_tombstones(s, now_s);
    if (e == ERR_OK)
        e = sq_drop_counters(s, now_s);
    if (e == ERR_OK)
        *ret_n = n;
    return e;
}

enum err
sq_next_due(struct store *store, int64_t *ret_at_s)
{
    enum { KINDS = 6, COUNTERS = 5 };
    struct sq_reader *r = sq_reader(sq_of(store));
    struct sq_use u = sq_use(&r->conn, SQ_NEXT_DUE);
    int64_t at_s = INT64_MAX, t;
    enum err e;

    if (sq_row(&u)) {
        for (int i = 0; i < KINDS; i++) {
            if (sqlite3_column_type(u.stmt, i) == SQLITE_NULL)
                continue;
            t = sq_column(&u, i);
            if (i == COUNTERS)
                t = store_time_add(t, STORE_COUNTER_GRACE_S);
            at_s = t < at_s ? t : at_s;
        }
    }
    e = sq_close(&u);
    sq_reader_done(sq_of(store), r);
    if (e == ERR_OK)
        *ret_at_s = at_s;
    return e;
}

/* ---- doomed blobs ---- */

enum err
sq_take_doomed(struct store *store, int64_t now_s, int64_t hold_s, struct doomed_blob *ret_blob)
{
    struct sqlite_store *s = sq_of(store);
    struct doomed_blob blob = {0};
    struct sq_use u;
    bool found;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    u = sq_use(&s->writer, SQ_DOOMED_TAKE);
    sq_int(&u, 1, now_s);
    sq_int(&u, 2, store_time_add(now_s, hold_s));
    found = sq_row(&u);
    if (found) {
        sq_column_bytes(&u, 0, blob.blob.b, ID_LEN);
        blob.stored_bytes = (uint64_t)sq_column(&u, 1);
        blob.ended_at_s = sq_column(&u, 2);
        blob.ended_by = (enum ended_by)sq_column_u32(&u, 3);
    }
    e = sq_close(&u);
    if (e == ERR_OK && !found)
        e = err_set(ERR_NOTFOUND, "no blob is waiting to be destroyed");
    e = sq_end(s, e);
    if (e == ERR_OK)
        *ret_blob = blob;
    return e;
}

enum err
sq_hold_doomed(struct store *store, const struct blob_name *blob, int64_t until_s)
{
    struct sqlite_store *s = sq_of(store);
    struct sq_use u;
    bool found;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    u = sq_use(&s->writer, SQ_DOOMED_HOLD);
    sq_blob(&u, 1, blob->b, ID_LEN);
    sq_int(&u, 2, until_s);
    found = sq_row(&u);
    e = sq_close(&u);
    if (e == ERR_OK && !found)
        e = err_set(ERR_NOTFOUND, "no such blob is waiting to be destroyed");
    return sq_end(s, e);
}

enum err
sq_forget_doomed(struct store *store, const struct blob_name *blob)
{
    struct sqlite_store *s = sq_of(store);
    struct sq_use u;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    u = sq_use(&s->writer, SQ_DOOMED_FORGET);
    sq_blob(&u, 1, blob->b, ID_LEN);
    while (sq_row(&u))
        s->add_bytes -= sq_column(&u, 0);
    return sq_end(s, sq_close(&u));
}

enum err
sq_knows_blob(struct store *store, const struct blob_name *blob, bool *ret_known)
{
    struct sq_reader *r = sq_reader(sq_of(store));
    struct sq_use u = sq_use(&r->conn, SQ_KNOWS_BLOB);
    enum err e;

    sq_blob(&u, 1, blob->b, ID_LEN);
    e = has_row(&u, ret_known);
    sq_reader_done(sq_of(store), r);
    return e;
}
