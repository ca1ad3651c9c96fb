/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_lease: what becomes of a claim. */
#include "store/spans.h"
#include "store/sqlite_int.h"

#include <string.h>

static enum err
no_lease(void)
{
    return err_set(ERR_NOTFOUND, "no such lease");
}

static enum err
column_spans(struct sq_use *u, int at, struct spans *ret_spans)
{
    const uint8_t *bytes = sqlite3_column_blob(u->stmt, at);
    enum err e = spans_decode(bytes, (size_t)sqlite3_column_bytes(u->stmt, at), ret_spans);

    if (e != ERR_OK)
        u->rc = SQLITE_CORRUPT;
    return e;
}

/* ---- resume, renew ---- */

static enum err
find_lease(struct sq_conn *c, const struct store_claim *claim, uint64_t from,
           struct lease_id *ret_lease)
{
    struct sq_use u = sq_use(c, SQ_CLIENT_LEASES);
    struct lease_id lease;
    struct spans spans;
    bool found = false;
    enum err e;

    sq_blob(&u, 1, claim->id.b, ID_LEN);
    sq_blob(&u, 2, claim->client.b, ID_LEN);
    sq_int(&u, 3, claim->now_s);
    while (!found && sq_row(&u)) {
        sq_column_bytes(&u, 0, lease.b, ID_LEN);
        found = column_spans(&u, 1, &spans) == ERR_OK && !spans_has(&spans, from);
    }
    e = sq_close(&u);
    if (e == ERR_OK && !found)
        return no_lease();
    if (e == ERR_OK)
        *ret_lease = lease;
    return e;
}

static enum err
renew(struct sq_conn *c, const struct share_id *id, const struct lease_id *lease, int64_t now_s,
      int64_t lease_s, bool is_resume)
{
    struct sq_use u = sq_use(c, SQ_LEASE_RENEW);
    bool done;
    enum err e;

    sq_blob(&u, 1, id->b, ID_LEN);
    sq_blob(&u, 2, lease->b, ID_LEN);
    sq_int(&u, 3, store_time_add(now_s, lease_s));
    sq_int(&u, 4, now_s);
    sq_int(&u, 5, is_resume);
    done = sq_row(&u);
    e = sq_close(&u);
    return e == ERR_OK && !done ? no_lease() : e;
}

enum err
sq_resume(struct store *store, const struct store_claim *c, uint64_t from, struct record *ret_rec,
          struct lease_id *ret_lease)
{
    struct sqlite_store *s = sq_of(store);
    struct record rec = {0};
    struct lease_id lease;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    e = sq_record(&s->writer, &c->id, &rec);
    if (e == ERR_NOTFOUND || (e == ERR_OK && from >= rec.size_bytes))
        e = no_lease();
    if (e == ERR_OK)
        e = find_lease(&s->writer, c, from, &lease);
    if (e == ERR_OK)
        e = renew(&s->writer, &c->id, &lease, c->now_s, c->lease_s, true);
    e = sq_end(s, e);
    if (e == ERR_OK) {
        *ret_rec = rec;
        *ret_lease = lease;
    }
    return e;
}

enum err
sq_renew(struct store *store, const struct share_id *id, const struct lease_id *lease,
         int64_t now_s, int64_t lease_s)
{
    struct sqlite_store *s = sq_of(store);
    enum err e = sq_begin(s);

    return e != ERR_OK ? e : sq_end(s, renew(&s->writer, id, lease, now_s, lease_s, false));
}

/* ---- release ---- */

enum err
sq_release(struct store *store, const struct share_id *id, const struct lease_id *lease)
{
    struct sqlite_store *s = sq_of(store);
    struct sq_use u;
    bool found;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    u = sq_use(&s->writer, SQ_LEASE_RELEASE);
    sq_blob(&u, 1, id->b, ID_LEN);
    sq_blob(&u, 2, lease->b, ID_LEN);
    found = sq_row(&u);
    e = sq_close(&u);
    if (e == ERR_OK && !found)
        e = no_lease();
    if (e == ERR_OK) {
        u = sq_use(&s->writer, SQ_GIVE_BACK);
        sq_blob(&u, 1, id->b, ID_LEN);
        e = sq_run(&u);
    }
    return sq_end(s, e);
}

/* ---- settle ---- */

struct lease_row {
    int64_t seq;
    struct spans spans;
    uint64_t size_bytes;
};

static enum err
read_lease(struct sq_conn *c, const struct share_id *id, const struct lease_id *lease,
           struct lease_row *ret_row)
{
    struct sq_use u = sq_use(c, SQ_LEASE);
    enum err e, bad = ERR_OK;
    bool found;

    sq_blob(&u, 1, id->b, ID_LEN);
    sq_blob(&u, 2, lease->b, ID_LEN);
    found = sq_row(&u);
    if (found) {
        ret_row->seq = sq_column(&u, 0);
        bad = column_spans(&u, 1, &ret_row->spans);
        ret_row->size_bytes = (uint64_t)sq_column(&u, 2);
    }
    e = sq_close(&u);
    if (bad != ERR_OK)
        return bad;
    return e == ERR_OK && !found ? no_lease() : e;
}

static enum err
write_spans(struct sq_conn *c, const struct lease_row *row)
{
    struct sq_use u = sq_use(c, SQ_LEASE_SPANS);
    uint8_t bytes[SPANS_ENCODED_MAX];
    size_t len;

    spans_encode(&row->spans, bytes, &len);
    sq_int(&u, 1, row->seq);
    sq_blob(&u, 2, bytes, len);
    return sq_run(&u);
}

/* The lease is over because all was had; perhaps the upload with it. */
static enum err
end_lease(struct sqlite_store *s, const struct share_id *id, int64_t seq, int64_t now_s,
          bool *ret_ended)
{
    struct sq_use u = sq_use(&s->writer, SQ_LEASE_DELETE);
    struct sq_brief b;
    bool is_leased = false;
    enum err e;

    sq_int(&u, 1, seq);
    e = sq_run(&u);
    if (e == ERR_OK)
        e = sq_brief(&s->writer, id, now_s, &b);
    if (e == ERR_OK)
        e = sq_has_lease(&s->writer, b.n, now_s, &is_leased);
    if (e != ERR_OK || is_leased || b.uses_left > 0)
        return e;
    e = sq_end_upload(s, &b, ENDED_USES, b.claimed_at_s);
    if (e == ERR_OK)
        *ret_ended = true;
    return e;
}

enum err
sq_settle(struct store *store, const struct share_id *id, const struct lease_id *lease,
          const struct store_span *span, int64_t now_s, bool *ret_ended)
{
    struct sqlite_store *s = sq_of(store);
    struct lease_row row;
    bool ended = false;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    e = read_lease(&s->writer, id, lease, &row);
    if (e == ERR_OK) {
        spans_add(&row.spans, span, row.size_bytes);
        if (spans_cover(&row.spans, row.size_bytes))
            e = end_lease(s, id, row.seq, now_s, &ended);
        else
            e = write_spans(&s->writer, &row);
    }
    e = sq_end(s, e);
    if (e == ERR_OK)
        *ret_ended = ended;
    return e;
}
