/* SPDX-License-Identifier: Apache-2.0 */
/* relay: a store in front of the embedded one that behaves as a shared one over a network may: it
 * can be away, lose replies after the step was done, be slow, and be emptied. */
#ifndef MAYFLY_TESTS_VAULT_RELAY_H
#define MAYFLY_TESTS_VAULT_RELAY_H

#include "testing.h"

#include <string.h>

#include "base/mem.h"
#include "store/store_int.h"

struct relay {
    struct store store;
    struct store *inner; /* owned by the test */
    bool is_away;        /* no call does anything */
    bool loses_replies;  /* every call does what it should, and nobody hears of it */
    bool has_name;       /* else it takes the next one that is wanted, as an emptied one does */
    struct store_name name;
    int64_t *mono_ms; /* the test's clock; */
    int64_t renew_ms; /* a renewal takes so long on it */
    unsigned n_renewed, n_held, n_removed;
    int64_t held_until_s; /* as last asked */
};

static inline struct relay *
relay_of(struct store *s)
{
    return CONTAINER_OF(s, struct relay, store);
}

/* `e` as it arrives: what was asked for, or nothing. */
static inline enum err
relay_reply(struct store *s, enum err e)
{
    return relay_of(s)->loses_replies ? err_set(ERR_UNAVAIL, "the reply was lost") : e;
}

#define RELAY_TO(s)                                                                                \
    (relay_of(s)->inner);                                                                          \
    if (relay_of(s)->is_away)                                                                      \
    return err_set(ERR_UNAVAIL, "the store is away")

/* Outputs stay untouched on error. */
#define RELAY_GIVE(e, to, from)                                                                    \
    do {                                                                                           \
        if ((e) == ERR_OK)                                                                         \
            *(to) = (from);                                                                        \
    } while (0)

static inline enum err
relay_put(struct store *s, const struct record *rec)
{
    struct store *to = RELAY_TO(s);

    return relay_reply(s, store_put(to, rec));
}

static inline enum err
relay_claim(struct store *s, const struct store_claim *c, struct record *ret_rec,
            struct lease_id *ret_lease)
{
    struct lease_id lease = {{0}};
    struct record rec = {.size_bytes = 0};
    enum err e;
    struct store *to = RELAY_TO(s);

    e = relay_reply(s, store_claim(to, c, &rec, &lease));
    RELAY_GIVE(e, ret_rec, rec);
    RELAY_GIVE(e, ret_lease, lease);
    return e;
}

static inline enum err
relay_release(struct store *s, const struct share_id *id, const struct lease_id *lease)
{
    struct store *to = RELAY_TO(s);

    return relay_reply(s, store_release(to, id, lease));
}

static inline enum err
relay_settle(struct store *s, const struct share_id *id, const struct lease_id *lease,
             const struct store_span *span, int64_t now_s, bool *ret_ended)
{
    bool ended = false;
    enum err e;
    struct store *to = RELAY_TO(s);

    e = relay_reply(s, store_settle(to, id, lease, span, now_s, &ended));
    RELAY_GIVE(e, ret_ended, ended);
    return e;
}

static inline enum err
relay_renew(struct store *s, const struct share_id *id, const struct lease_id *lease, int64_t now_s,
            int64_t lease_s)
{
    struct relay *r = relay_of(s);

    r->n_renewed++;
    *r->mono_ms += r->renew_ms;
    struct store *to = RELAY_TO(s);

    return relay_reply(s, store_renew(to, id, lease, now_s, lease_s));
}

static inline enum err
relay_take_preview(struct store *s, const struct share_id *id, int64_t now_s,
                   struct record *ret_rec)
{
    struct record rec = {.size_bytes = 0};
    enum err e;
    struct store *to = RELAY_TO(s);

    e = relay_reply(s, store_take_preview(to, id, now_s, &rec));
    RELAY_GIVE(e, ret_rec, rec);
    return e;
}

static inline enum err
relay_lookup(struct store *s, const struct share_id *id, int64_t now_s, struct record *ret_rec)
{
    struct record rec = {.size_bytes = 0};
    enum err e;
    struct store *to = RELAY_TO(s);

    e = relay_reply(s, store_lookup(to, id, now_s, &rec));
    RELAY_GIVE(e, ret_rec, rec);
    return e;
}

static inline enum err
relay_status(struct store *s, const struct share_id *id, int64_t now_s,
             struct share_state *ret_state)
{
    struct store *to = RELAY_TO(s);

    return store_status(to, id, now_s, ret_state);
}

static inline enum err
relay_remove(struct store *s, const struct share_id *id, enum ended_by how, int64_t now_s)
{
    relay_of(s)->n_removed++;
    struct store *to = RELAY_TO(s);

    return relay_reply(s, store_remove(to, id, how, now_s));
}

static inline enum err
relay_end_due(struct store *s, int64_t now_s, unsigned max, unsigned *ret_n)
{
    struct store *to = RELAY_TO(s);

    return store_end_due(to, now_s, max, ret_n);
}

static inline enum err
relay_scrub(struct store *s)
{
    struct store *to = RELAY_TO(s);

    return store_scrub(to);
}

static inline enum err
relay_take_doomed(struct store *s, int64_t now_s, int64_t hold_s, struct doomed_blob *ret_blob)
{
    struct store *to = RELAY_TO(s);

    return store_take_doomed(to, now_s, hold_s, ret_blob);
}

static inline enum err
relay_hold_doomed(struct store *s, const struct blob_name *blob, int64_t until_s)
{
    relay_of(s)->n_held++;
    relay_of(s)->held_until_s = until_s;
    struct store *to = RELAY_TO(s);

    return relay_reply(s, store_hold_doomed(to, blob, until_s));
}

static inline enum err
relay_forget_doomed(struct store *s, const struct blob_name *blob)
{
    struct store *to = RELAY_TO(s);

    return relay_reply(s, store_forget_doomed(to, blob));
}

static inline enum err
relay_next_due(struct store *s, int64_t *ret_at_s)
{
    struct store *to = RELAY_TO(s);

    return store_next_due(to, ret_at_s);
}

static inline enum err
relay_knows_blob(struct store *s, const struct blob_name *blob, bool *ret_known)
{
    struct store *to = RELAY_TO(s);

    return store_knows_blob(to, blob, ret_known);
}

static inline enum err
relay_stats(struct store *s, struct store_stats *ret_stats)
{
    struct store *to = RELAY_TO(s);

    return store_stats(to, ret_stats);
}

static inline enum err
relay_identity(struct store *s, const struct store_name *want, struct store_name *ret_name)
{
    struct relay *r = relay_of(s);
    struct store *to = RELAY_TO(s);

    if (!store_is_shared(s))
        return store_identity(to, want, ret_name);
    if (!r->has_name)
        r->name = *want;
    r->has_name = true;
    *ret_name = r->name;
    return ERR_OK;
}

#define RELAY_OPS                                                                                  \
    .put = relay_put, .claim = relay_claim, .release = relay_release, .settle = relay_settle,      \
    .renew = relay_renew, .take_preview = relay_take_preview, .lookup = relay_lookup,              \
    .status = relay_status, .remove = relay_remove, .end_due = relay_end_due,                      \
    .scrub = relay_scrub, .take_doomed = relay_take_doomed, .hold_doomed = relay_hold_doomed,      \
    .forget_doomed = relay_forget_doomed, .next_due = relay_next_due,                              \
    .knows_blob = relay_knows_blob, .stats = relay_stats, .identity = relay_identity

static inline void
relay_init(struct relay *r, struct store *inner, int64_t *mono_ms, bool is_shared)
{
    static const struct store_ops shared = {RELAY_OPS, .is_shared = true};
    static const struct store_ops own = {RELAY_OPS, .is_shared = false};

    *r = (struct relay){
        .store = {is_shared ? &shared : &own},
        .inner = inner,
        .mono_ms = mono_ms,
    };
}

#endif
