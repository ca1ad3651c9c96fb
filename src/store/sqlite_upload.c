/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_upload: putting, claiming and reading uploads. */
#include "store/sqlite_int.h"

#include "base/mem.h"
#include "base/rnd.h"

#include <string.h>

/* How a sealed record lies in the file. secure_delete zeroes a cell where it is deleted, but when
 * SQLite repacks a page it can leave a second copy of a cell in the page's unused middle, and that
 * one is never zeroed (measured: about one in 20,000 deletions). Overflow pages are not repacked,
 * and are zeroed whole when freed. So each row is given a length at which SQLite keeps exactly
 * LOCAL bytes in the tree's page ("B-tree cell format" of the file format's description) and the
 * rest in overflow pages; the first PAD bytes, a little more than LOCAL, are zeros. */
enum {
    LOCAL = (SQ_PAGE - 12) * 32 / 255 - 23, /* M: the least payload kept in a page of a table */
    HEADER = 5,                             /* of the row, at most; counts as payload */
    PAD = LOCAL + 8,
    FILL = SQ_PAGE - 4, /* payload of an overflow page */
    SEALED_ROW_MAX = LOCAL + FILL * (RECORD_SEALED_MAX / FILL + 2),
};

static size_t
sealed_row_len(size_t sealed_len)
{
    size_t pages = 1;

    while (LOCAL - HEADER + pages * FILL < PAD + sealed_len)
        pages++;
    return LOCAL - HEADER + pages * FILL;
}

/* Row of RECORD_COLUMNS. */
static void
read_record(struct sq_use *u, struct record *ret_rec)
{
    struct record *r = ret_rec;
    const uint8_t *bytes;
    uint32_t sealed_len;

    sq_column_bytes(u, 1, r->id.b, ID_LEN);
    sq_column_bytes(u, 2, r->blob.b, ID_LEN);
    r->size_bytes = (uint64_t)sq_column(u, 3);
    r->stored_bytes = (uint64_t)sq_column(u, 4);
    r->created_at_s = sq_column(u, 5);
    r->expires_at_s = sq_column(u, 6);
    r->uses_total = sq_column_u32(u, 7);
    r->uses_left = sq_column_u32(u, 8);
    r->preview_taken = sq_column(u, 9) != 0;
    sq_column_bytes(u, 10, r->burn_hash, SHA256_LEN);
    sealed_len = sq_column_u32(u, 11);
    bytes = sqlite3_column_blob(u->stmt, 12);
    if (bytes == NULL || sealed_len > RECORD_SEALED_MAX ||
        (size_t)sqlite3_column_bytes(u->stmt, 12) < PAD + sealed_len) {
        u->rc = SQLITE_CORRUPT;
        return;
    }
    memcpy(r->sealed, bytes + PAD, sealed_len);
    r->sealed_len = sealed_len;
}

/* Take the one row of a statement of RECORD_COLUMNS, and close it. ERR_NOTFOUND: there is none. */
static enum err
one_record(struct sq_use *u, struct record *ret_rec)
{
    bool has = sq_row(u);
    enum err e;

    if (has)
        read_record(u, ret_rec);
    e = sq_close(u);
    if (e == ERR_OK && !has)
        e = ERR_NOTFOUND;
    return e;
}

enum err
sq_record(struct sq_conn *c, const struct share_id *id, struct record *ret_rec)
{
    struct sq_use u = sq_use(c, SQ_RECORD);

    sq_blob(&u, 1, id->b, ID_LEN);
    return one_record(&u, ret_rec);
}

/* ---- put ---- */

static enum err
put_upload(struct sq_conn *c, const struct record *rec, int64_t *ret_n)
{
    struct sq_use u = sq_use(c, SQ_PUT_UPLOAD);
    int64_t n = 0;
    bool added;
    enum err e;

    sq_blob(&u, 1, rec->id.b, ID_LEN);
    sq_blob(&u, 2, rec->blob.b, ID_LEN);
    sq_int(&u, 3, (int64_t)rec->size_bytes);
    sq_int(&u, 4, (int64_t)rec->stored_bytes);
    sq_int(&u, 5, rec->created_at_s);
    sq_int(&u, 6, rec->expires_at_s);
    sq_int(&u, 7, rec->uses_total);
    sq_int(&u, 8, rec->uses_left);
    sq_int(&u, 9, rec->preview_taken);
    sq_blob(&u, 10, rec->burn_hash, SHA256_LEN);
    sq_int(&u, 11, (int64_t)rec->sealed_len);
    added = sq_row(&u);
    if (added)
        n = sq_column(&u, 0);
    e = sq_close(&u);
    if (e == ERR_OK && !added)
        return err_set(ERR_EXISTS, "an upload of this id is, or was a short time ago");
    if (e == ERR_OK)
        *ret_n = n;
    return e;
}

static enum err
put_sealed(struct sq_conn *c, int64_t n, const struct record *rec)
{
    struct sq_use u = sq_use(c, SQ_PUT_SEALED);
    uint8_t row[SEALED_ROW_MAX] = {0};

    memcpy(row + PAD, rec->sealed, rec->sealed_len);
    sq_int(&u, 1, n);
    sq_blob(&u, 2, row, sealed_row_len(rec->sealed_len));
    return sq_run(&u);
}

enum err
sq_put(struct store *store, const struct record *rec)
{
    struct sqlite_store *s = sq_of(store);
    int64_t n = 0;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    e = put_upload(&s->writer, rec, &n);
    if (e == ERR_OK)
        e = put_sealed(&s->writer, n, rec);
    s->add_live = 1;
    s->add_bytes = (int64_t)rec->stored_bytes;
    return sq_end(s, e);
}

/* ---- claim, preview ---- */

static enum err
claim_use(struct sq_conn *c, const struct store_claim *claim, struct record *ret_rec)
{
    struct sq_use u = sq_use(c, SQ_CLAIM);
    enum err e;

    sq_blob(&u, 1, claim->id.b, ID_LEN);
    sq_int(&u, 2, claim->now_s);
    e = one_record(&u, ret_rec);
    return e == ERR_NOTFOUND ? sq_missing(c, &claim->id, claim->now_s) : e;
}

static enum err
make_lease(struct sq_conn *c, const struct store_claim *claim, const struct lease_id *lease,
           int64_t expires_at_s)
{
    struct sq_use u = sq_use(c, SQ_CLAIM_LEASE);
    int64_t ends_at_s = store_time_add(claim->now_s, claim->lease_s);

    sq_blob(&u, 1, claim->id.b, ID_LEN);
    sq_blob(&u, 2, lease->b, ID_LEN);
    sq_blob(&u, 3, claim->client.b, ID_LEN);
    sq_int(&u, 4, ends_at_s < expires_at_s ? ends_at_s : expires_at_s);
    return sq_run(&u);
}

enum err
sq_claim(struct store *store, const struct store_claim *c, struct record *ret_rec,
         struct lease_id *ret_lease)
{
    struct sqlite_store *s = sq_of(store);
    struct lease_id lease;
    struct record rec = {0};
    enum err e;

    e = rnd_bytes(lease.b, sizeof(lease.b));
    if (e == ERR_OK)
        e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    e = claim_use(&s->writer, c, &rec);
    if (e == ERR_OK)
        e = make_lease(&s->writer, c, &lease, rec.expires_at_s);
    e = sq_end(s, e);
    if (e == ERR_OK) {
        *ret_rec = rec;
        *ret_lease = lease;
    }
    return e;
}

/* Why the preview was not given. */
static enum err
no_preview(struct sq_conn *c, const struct share_id *id, int64_t now_s)
{
    struct sq_brief b;
    enum err e = sq_brief(c, id, now_s, &b);

    if (e != ERR_OK)
        return e;
    if (b.uses_left == 0 || b.expires_at_s <= now_s)
        return err_set(ERR_GONE, "the upload has ended");
    return err_set(ERR_TAKEN, "the preview was taken before");
}

enum err
sq_take_preview(struct store *store, const struct share_id *id, int64_t now_s,
                struct record *ret_rec)
{
    struct sqlite_store *s = sq_of(store);
    struct record rec = {0};
    struct sq_use u;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    u = sq_use(&s->writer, SQ_TAKE_PREVIEW);
    sq_blob(&u, 1, id->b, ID_LEN);
    sq_int(&u, 2, now_s);
    e = one_record(&u, &rec);
    if (e == ERR_NOTFOUND)
        e = no_preview(&s->writer, id, now_s);
    e = sq_end(s, e);
    if (e == ERR_OK)
        *ret_rec = rec;
    return e;
}

/* ---- reading ---- */

enum err
sq_lookup(struct store *store, const struct share_id *id, int64_t now_s, struct record *ret_rec)
{
    struct sq_reader *r = sq_reader(sq_of(store));
    struct record rec = {0};
    struct sq_brief b;
    bool is_here = true;
    enum err e;

    /* Three reads and no transaction: an upload that ends between them is gone, which is as true
     * as that it was there. */
    e = sq_brief(&r->conn, id, now_s, &b);
    if (e == ERR_OK && b.uses_left == 0)
        e = sq_has_lease(&r->conn, b.n, now_s, &is_here);
    if (e == ERR_OK && (!is_here || b.expires_at_s <= now_s))
        e = err_set(ERR_GONE, "the upload has ended");
    if (e == ERR_OK) {
        e = sq_record(&r->conn, id, &rec);
        if (e == ERR_NOTFOUND)
            e = err_set(ERR_GONE, "the upload has just ended");
    }
    sq_reader_done(sq_of(store), r);
    if (e == ERR_OK)
        *ret_rec = rec;
    return e;
}

static enum err
read_live(struct sq_conn *c, const struct share_id *id, int64_t now_s, bool *ret_has,
          struct share_state *ret_state)
{
    struct sq_use u = sq_use(c, SQ_STATUS);
    struct share_state *st = ret_state;
    int64_t claimed_at_s;

    sq_blob(&u, 1, id->b, ID_LEN);
    *ret_has = sq_row(&u);
    if (!*ret_has)
        return sq_close(&u);
    st->expires_at_s = sq_column(&u, 0);
    claimed_at_s = sq_column(&u, 1);
    st->uses_total = sq_column_u32(&u, 2);
    st->uses_left = sq_column_u32(&u, 3);
    st->phase = SHARE_ACTIVE;
    if (st->uses_left == 0) {
        st->phase = SHARE_ENDED;
        st->ended_by = ENDED_USES;
        st->ended_at_s = claimed_at_s;
    } else if (st->expires_at_s <= now_s) {
        st->phase = SHARE_ENDED;
        st->ended_by = ENDED_EXPIRY;
        st->ended_at_s = st->expires_at_s;
    }
    return sq_close(&u);
}

static enum err
read_tombstone(struct sq_conn *c, const struct share_id *id, int64_t now_s,
               struct share_state *ret_state)
{
    struct sq_use u = sq_use(c, SQ_TOMBSTONE);
    struct share_state *st = ret_state;

    sq_blob(&u, 1, id->b, ID_LEN);
    sq_int(&u, 2, now_s);
    if (sq_row(&u)) {
        st->phase = SHARE_ENDED;
        st->ended_by = (enum ended_by)sq_column_u32(&u, 0);
        st->ended_at_s = sq_column(&u, 1);
        st->expires_at_s = sq_column(&u, 2);
        st->uses_total = sq_column_u32(&u, 3);
        st->uses_left = sq_column_u32(&u, 4);
    }
    return sq_close(&u);
}

enum err
sq_status(struct store *store, const struct share_id *id, int64_t now_s,
          struct share_state *ret_state)
{
    struct sq_reader *r = sq_reader(sq_of(store));
    struct share_state st = {.phase = SHARE_UNKNOWN};
    bool has = false;
    enum err e;

    /* In this order: what leaves the uploads between the two reads has its tombstone already. */
    e = read_live(&r->conn, id, now_s, &has, &st);
    if (e == ERR_OK && !has)
        e = read_tombstone(&r->conn, id, now_s, &st);
    sq_reader_done(sq_of(store), r);
    if (e == ERR_OK)
        *ret_state = st;
    return e;
}
