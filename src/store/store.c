/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_int.h"

#include <string.h>

/* What every backend may rely on is checked here once, so that no two of them differ in it. */

static enum err
check_name(const char *name)
{
    if (strnlen(name, STORE_NAME_MAX + 1) > STORE_NAME_MAX)
        return err_set(ERR_TOOBIG, "the name of a counter is longer than %d", STORE_NAME_MAX);
    return ERR_OK;
}

enum err
store_put(struct store *s, const struct record *rec)
{
    if (rec->sealed_len > RECORD_SEALED_MAX)
        return err_set(ERR_TOOBIG, "a sealed record is larger than %d bytes", RECORD_SEALED_MAX);
    if (rec->size_bytes > INT64_MAX || rec->stored_bytes > INT64_MAX)
        return err_set(ERR_TOOBIG, "no file is larger than 2^63 bytes");
    return s->ops->put(s, rec);
}

enum err
store_claim(struct store *s, const struct store_claim *c, struct record *ret_rec,
            struct lease_id *ret_lease)
{
    return s->ops->claim(s, c, ret_rec, ret_lease);
}

enum err
store_resume(struct store *s, const struct store_claim *c, uint64_t from, struct record *ret_rec,
             struct lease_id *ret_lease)
{
    return s->ops->resume(s, c, from, ret_rec, ret_lease);
}

enum err
store_release(struct store *s, const struct share_id *id, const struct lease_id *lease)
{
    return s->ops->release(s, id, lease);
}

enum err
store_settle(struct store *s, const struct share_id *id, const struct lease_id *lease,
             const struct store_span *span, int64_t now_s, bool *ret_ended)
{
    return s->ops->settle(s, id, lease, span, now_s, ret_ended);
}

enum err
store_renew(struct store *s, const struct share_id *id, const struct lease_id *lease, int64_t now_s,
            int64_t lease_s)
{
    return s->ops->renew(s, id, lease, now_s, lease_s);
}

enum err
store_take_preview(struct store *s, const struct share_id *id, int64_t now_s,
                   struct record *ret_rec)
{
    return s->ops->take_preview(s, id, now_s, ret_rec);
}

enum err
store_lookup(struct store *s, const struct share_id *id, int64_t now_s, struct record *ret_rec)
{
    return s->ops->lookup(s, id, now_s, ret_rec);
}

enum err
store_status(struct store *s, const struct share_id *id, int64_t now_s,
             struct share_state *ret_state)
{
    return s->ops->status(s, id, now_s, ret_state);
}

enum err
store_remove(struct store *s, const struct share_id *id, enum ended_by how, int64_t now_s)
{
    return s->ops->remove(s, id, how, now_s);
}

enum err
store_end_due(struct store *s, int64_t now_s, unsigned max, unsigned *ret_n)
{
    return s->ops->end_due(s, now_s, max, ret_n);
}

enum err
store_scrub(struct store *s)
{
    return s->ops->scrub(s);
}

enum err
store_take_doomed(struct store *s, int64_t now_s, int64_t hold_s, struct doomed_blob *ret_blob)
{
    return s->ops->take_doomed(s, now_s, hold_s, ret_blob);
}

enum err
store_hold_doomed(struct store *s, const struct blob_name *blob, int64_t until_s)
{
    return s->ops->hold_doomed(s, blob, until_s);
}

enum err
store_forget_doomed(struct store *s, const struct blob_name *blob)
{
    return s->ops->forget_doomed(s, blob);
}

enum err
store_next_due(struct store *s, int64_t *ret_at_s)
{
    return s->ops->next_due(s, ret_at_s);
}

enum err
store_knows_blob(struct store *s, const struct blob_name *blob, bool *ret_known)
{
    return s->ops->knows_blob(s, blob, ret_known);
}

enum err
store_count(struct store *s, const char *name, uint64_t n, int64_t window_s, int64_t now_s,
            struct counter *ret_counter)
{
    enum err e = check_name(name);

    if (e != ERR_OK)
        return e;
    if (n == 0) /* adds nothing, and starts nothing */
        return s->ops->peek(s, name, now_s, ret_counter);
    return s->ops->count(s, name, n > INT64_MAX ? INT64_MAX : n, window_s, now_s, ret_counter);
}

enum err
store_peek(struct store *s, const char *name, int64_t now_s, struct counter *ret_counter)
{
    enum err e = check_name(name);

    if (e != ERR_OK)
        return e;
    return s->ops->peek(s, name, now_s, ret_counter);
}

enum err
store_stats(struct store *s, struct store_stats *ret_stats)
{
    return s->ops->stats(s, ret_stats);
}

enum err
store_ping(struct store *s)
{
    return s->ops->ping(s);
}

enum err
store_identity(struct store *s, const struct store_name *want, struct store_name *ret_name)
{
    return s->ops->identity(s, want, ret_name);
}

bool
store_is_shared(const struct store *s)
{
    return s->ops->is_shared;
}

void
store_free(struct store *s)
{
    if (s != NULL)
        s->ops->free(s);
}
