/* SPDX-License-Identifier: Apache-2.0 */
/* redis_upload: putting, claiming and reading uploads. */
#include "store/redis_int.h"

#include "base/mem.h"
#include "base/rnd.h"

#include <string.h>

/* ---- put ---- */

/* When the index is to look at a new upload. */
static int64_t
due_at_s(const struct record *rec)
{
    return rec->uses_left == 0 ? 0 : rec->expires_at_s;
}

static int64_t
index_ms(const struct record *rec)
{
    return rd_ttl_ms(rec->created_at_s, rec->expires_at_s) + RD_INDEX_GRACE_S * 1000LL;
}

static enum err
put_record(struct redis_store *s, const struct record *rec)
{
    struct rd_args a;

    rd_begin_upload(&a, s, &rd_put, &rec->id);
    rd_add_int(&a, rd_cutoff_s(s, rec->created_at_s));
    rd_add_int(&a, rd_ttl_ms(rec->created_at_s, rec->expires_at_s));
    rd_add_int(&a, rd_tombstone_ms(s));
    rd_add_hex(&a, rec->id.b);
    rd_add_score(&a, due_at_s(rec));
    rd_add_int(&a, index_ms(rec));
    rd_add_hex(&a, rec->blob.b);
    rd_add_u64(&a, rec->size_bytes);
    rd_add_u64(&a, rec->stored_bytes);
    rd_add_int(&a, rec->created_at_s);
    rd_add_int(&a, rec->expires_at_s);
    rd_add_u64(&a, rec->uses_total);
    rd_add_u64(&a, rec->uses_left);
    rd_add_u64(&a, rec->preview_taken);
    rd_add_bytes(&a, rec->burn_hash, sizeof(rec->burn_hash));
    rd_add_bytes(&a, rec->sealed, rec->sealed_len);
    return rd_run_upload(s, &a, NULL);
}

static enum err
add_to_index(struct redis_store *s, const struct record *rec, bool *ret_added)
{
    redisReply *reply = NULL;
    struct rd_args a;
    enum err e;

    rd_begin_index(&a, &rd_index_add);
    rd_add_hex(&a, rec->blob.b);
    rd_add_hex(&a, rec->id.b);
    rd_add_u64(&a, rec->stored_bytes);
    rd_add_score(&a, due_at_s(rec));
    rd_add_int(&a, index_ms(rec));
    e = rd_run(s, &a, &reply);
    if (e != ERR_OK)
        return e;
    *ret_added = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
    freeReplyObject(reply);
    return ERR_OK;
}

static void
drop_from_index(struct redis_store *s, const struct record *rec)
{
    struct rd_args a;
    enum err e;

    rd_begin_index(&a, &rd_index_drop);
    rd_add_hex(&a, rec->blob.b);
    e = rd_run_only(s, &a);
    (void)e; /* what stays is taken for a blob without an upload when it is due */
}

enum err
rd_store_put(struct store *store, const struct record *rec)
{
    struct redis_store *s = rd_of(store);
    bool added = false;
    enum err e = ERR_OK;

    if (rd_link_is_cluster(s->link))
        e = add_to_index(s, rec, &added);
    if (e == ERR_OK)
        e = put_record(s, rec);
    if (e == ERR_EXISTS && added)
        drop_from_index(s, rec);
    rd_totals_changed(s);
    return e;
}

/* ---- claim, preview, look-up: scripts whose reply is the record ---- */

static enum err
run_record(struct redis_store *s, struct rd_args *a, const struct share_id *id,
           struct record *ret_rec)
{
    redisReply *reply = NULL;
    struct record rec;
    enum err e = rd_run_upload(s, a, &reply);

    if (e != ERR_OK)
        return e;
    e = rd_record(reply, id, &rec);
    if (e == ERR_OK)
        *ret_rec = rec;
    freeReplyObject(reply);
    return e;
}

enum err
rd_store_claim(struct store *store, const struct store_claim *c, struct record *ret_rec,
               struct lease_id *ret_lease)
{
    struct redis_store *s = rd_of(store);
    struct lease_id lease;
    struct rd_args a;
    enum err e = rnd_bytes(lease.b, sizeof(lease.b));

    if (e != ERR_OK)
        return e;
    rd_begin_upload(&a, s, &rd_claim, &c->id);
    rd_add_int(&a, c->now_s);
    rd_add_int(&a, rd_cutoff_s(s, c->now_s));
    rd_add_int(&a, store_time_add(c->now_s, c->lease_s));
    rd_add_hex(&a, lease.b);
    rd_add_hex(&a, c->client.b);
    e = run_record(s, &a, &c->id, ret_rec);
    if (e == ERR_OK)
        *ret_lease = lease;
    return e;
}

enum err
rd_store_take_preview(struct store *store, const struct share_id *id, int64_t now_s,
                      struct record *ret_rec)
{
    struct redis_store *s = rd_of(store);
    struct rd_args a;

    rd_begin_upload(&a, s, &rd_preview, id);
    rd_add_int(&a, now_s);
    rd_add_int(&a, rd_cutoff_s(s, now_s));
    return run_record(s, &a, id, ret_rec);
}

enum err
rd_store_lookup(struct store *store, const struct share_id *id, int64_t now_s,
                struct record *ret_rec)
{
    struct redis_store *s = rd_of(store);
    struct rd_args a;

    rd_begin_upload(&a, s, &rd_lookup, id);
    a.command.is_idempotent = true;
    rd_add_int(&a, now_s);
    rd_add_int(&a, rd_cutoff_s(s, now_s));
    return run_record(s, &a, id, ret_rec);
}

/* ---- status: one ordinary read, as it is the most frequent ---- */

/* Out of blob, ended_at_s, ended_by, claimed_at_s, expires_at_s, uses_total, uses_left. */
static enum err
read_state(const redisReply *reply, int64_t now_s, int64_t cutoff_s, struct share_state *ret_state)
{
    struct share_state st = {.phase = SHARE_ENDED};
    struct rd_reader r = rd_read(reply, 0);
    bool is_live = rd_has(&r), has_ended;
    int64_t claimed_at_s = 0;

    rd_skip(&r);
    has_ended = rd_has(&r);
    if (!is_live && !has_ended && !r.is_bad) {
        *ret_state = (struct share_state){.phase = SHARE_UNKNOWN};
        return ERR_OK;
    }
    if (is_live) {
        rd_skip(&r);
        rd_skip(&r);
        claimed_at_s = rd_int(&r);
    } else {
        st.ended_at_s = rd_int(&r);
        st.ended_by = (enum ended_by)rd_u64(&r, ENDED_REVOKED);
        rd_skip(&r);
    }
    st.expires_at_s = rd_int(&r);
    st.uses_total = (uint32_t)rd_u64(&r, UINT32_MAX);
    st.uses_left = (uint32_t)rd_u64(&r, UINT32_MAX);
    if (r.is_bad)
        return rd_damaged();
    if (is_live && st.uses_left == 0) {
        st.ended_by = ENDED_USES;
        st.ended_at_s = claimed_at_s;
    } else if (is_live && st.expires_at_s <= now_s) {
        st.ended_by = ENDED_EXPIRY;
        st.ended_at_s = st.expires_at_s;
    } else if (is_live) {
        st.phase = SHARE_ACTIVE;
    } else if (st.ended_at_s <= cutoff_s) {
        st = (struct share_state){.phase = SHARE_UNKNOWN};
    }
    *ret_state = st;
    return ERR_OK;
}

enum err
rd_store_status(struct store *store, const struct share_id *id, int64_t now_s,
                struct share_state *ret_state)
{
    static const char *const fields[] = {"blob",         "ended_at_s", "ended_by", "claimed_at_s",
                                         "expires_at_s", "uses_total", "uses_left"};
    struct redis_store *s = rd_of(store);
    redisReply *reply = NULL;
    struct rd_args a;
    enum err e;

    rd_begin(&a, "HMGET", 1);
    a.command.is_idempotent = true;
    rd_add_key(&a, "upload", id);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        rd_add(&a, fields[i]);
    e = rd_run(s, &a, &reply);
    if (e != ERR_OK)
        return e;
    e = read_state(reply, now_s, rd_cutoff_s(s, now_s), ret_state);
    freeReplyObject(reply);
    return e;
}
