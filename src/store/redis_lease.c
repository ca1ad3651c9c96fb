/* SPDX-License-Identifier: Apache-2.0 */
/* redis_lease: what becomes of a claim. */
#include "store/redis_int.h"

enum { LEASE_AT = 12 }; /* in a reply of resume.lua: behind the record */

enum err
rd_store_resume(struct store *store, const struct store_claim *c, uint64_t from,
                struct record *ret_rec, struct lease_id *ret_lease)
{
    struct redis_store *s = rd_of(store);
    redisReply *reply = NULL;
    struct lease_id lease;
    struct rd_reader r;
    struct record rec;
    struct rd_args a;
    enum err e;

    rd_begin_upload(&a, s, &rd_resume, &c->id);
    rd_add_int(&a, c->now_s);
    rd_add_int(&a, store_time_add(c->now_s, c->lease_s));
    rd_add_hex(&a, c->client.b);
    rd_add_u64(&a, from);
    e = rd_run_upload(s, &a, &reply);
    if (e != ERR_OK)
        return e;
    e = rd_record(reply, &c->id, &rec);
    r = rd_read(reply, LEASE_AT);
    rd_hex(&r, lease.b);
    freeReplyObject(reply);
    if (e == ERR_OK && r.is_bad)
        e = rd_damaged();
    if (e == ERR_OK) {
        *ret_rec = rec;
        *ret_lease = lease;
    }
    return e;
}

enum err
rd_store_renew(struct store *store, const struct share_id *id, const struct lease_id *lease,
               int64_t now_s, int64_t lease_s)
{
    struct redis_store *s = rd_of(store);
    struct rd_args a;

    rd_begin_upload(&a, s, &rd_renew, id);
    a.command.is_idempotent = true;
    rd_add_int(&a, now_s);
    rd_add_int(&a, store_time_add(now_s, lease_s));
    rd_add_hex(&a, lease->b);
    return rd_run_upload(s, &a, NULL);
}

enum err
rd_store_release(struct store *store, const struct share_id *id, const struct lease_id *lease)
{
    struct redis_store *s = rd_of(store);
    struct rd_args a;

    rd_begin_upload(&a, s, &rd_release, id);
    rd_add_hex(&a, lease->b);
    return rd_run_upload(s, &a, NULL);
}

enum err
rd_store_settle(struct store *store, const struct share_id *id, const struct lease_id *lease,
                const struct store_span *span, int64_t now_s, bool *ret_ended)
{
    struct redis_store *s = rd_of(store);
    redisReply *reply = NULL;
    struct rd_reader r;
    struct rd_args a;
    bool ended;
    enum err e;

    rd_begin_upload(&a, s, &rd_settle, id);
    rd_add_int(&a, now_s);
    rd_add_hex(&a, lease->b);
    rd_add_u64(&a, span->from);
    rd_add_u64(&a, span->to);
    rd_add_int(&a, LEASE_SPANS_MAX);
    rd_add_int(&a, rd_tombstone_ms(s));
    e = rd_run_upload(s, &a, &reply);
    if (e != ERR_OK)
        return e;
    r = rd_read(reply, 2);
    ended = rd_u64(&r, 1) != 0;
    freeReplyObject(reply);
    if (r.is_bad)
        return rd_damaged();
    if (ended)
        rd_totals_changed(s);
    *ret_ended = ended;
    return ERR_OK;
}
