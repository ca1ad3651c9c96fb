/* SPDX-License-Identifier: Apache-2.0 */
/* store_int: what a backend of the store is made of. A backend's own struct begins with a
 * `struct store`; its functions keep the promises of store.h to the letter, because the contract
 * tests run unchanged against every backend. store.c has checked the arguments named there. */
#ifndef MAYFLY_STORE_STORE_INT_H
#define MAYFLY_STORE_STORE_INT_H

#include "store/store.h"

/* Counters past their time may wait this long before store_next_due calls for them: otherwise a
 * counter of one second would wake the sweeper every second. */
enum { STORE_COUNTER_GRACE_S = 60 };

struct store_ops {
    enum err (*put)(struct store *s, const struct record *rec);
    enum err (*claim)(struct store *s, const struct store_claim *c, struct record *ret_rec,
                      struct lease_id *ret_lease);
    enum err (*resume)(struct store *s, const struct store_claim *c, uint64_t from,
                       struct record *ret_rec, struct lease_id *ret_lease);
    enum err (*release)(struct store *s, const struct share_id *id, const struct lease_id *lease);
    enum err (*settle)(struct store *s, const struct share_id *id, const struct lease_id *lease,
                       const struct store_span *span, int64_t now_s, bool *ret_ended);
    enum err (*renew)(struct store *s, const struct share_id *id, const struct lease_id *lease,
                      int64_t now_s, int64_t lease_s);
    enum err (*take_preview)(struct store *s, const struct share_id *id, int64_t now_s,
                             struct record *ret_rec);
    enum err (*lookup)(struct store *s, const struct share_id *id, int64_t now_s,
                       struct record *ret_rec);
    enum err (*status)(struct store *s, const struct share_id *id, int64_t now_s,
                       struct share_state *ret_state);
    enum err (*remove)(struct store *s, const struct share_id *id, enum ended_by how,
                       int64_t now_s);
    enum err (*end_due)(struct store *s, int64_t now_s, unsigned max, unsigned *ret_n);
    enum err (*scrub)(struct store *s);
    enum err (*take_doomed)(struct store *s, int64_t now_s, int64_t hold_s,
                            struct doomed_blob *ret_blob);
    enum err (*hold_doomed)(struct store *s, const struct blob_name *blob, int64_t until_s);
    enum err (*forget_doomed)(struct store *s, const struct blob_name *blob);
    enum err (*next_due)(struct store *s, int64_t *ret_at_s);
    enum err (*knows_blob)(struct store *s, const struct blob_name *blob, bool *ret_known);
    enum err (*count)(struct store *s, const char *name, uint64_t n, int64_t window_s,
                      int64_t now_s, struct counter *ret_counter);
    enum err (*peek)(struct store *s, const char *name, int64_t now_s, struct counter *ret_counter);
    enum err (*stats)(struct store *s, struct store_stats *ret_stats);
    enum err (*ping)(struct store *s);
    enum err (*identity)(struct store *s, const struct store_name *want,
                         struct store_name *ret_name);
    void (*free)(struct store *s);
    bool is_shared;
};

struct store {
    const struct store_ops *ops;
};

/* at_s + span_s, held at the ends of the range instead of wrapping. */
static inline int64_t
store_time_add(int64_t at_s, int64_t span_s)
{
    int64_t sum;

    if (__builtin_add_overflow(at_s, span_s, &sum))
        return span_s < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

#endif
