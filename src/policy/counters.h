/* SPDX-License-Identifier: Apache-2.0 */
/* counters: what the policies need of a store, without knowing it. The server wires store_count
 * and store_peek in. Semantics as there: a counter starts at the first add, lasts `window_s`, and
 * adding never prolongs it; one past its time reads as 0. Must be thread-safe. */
#ifndef MAYFLY_POLICY_COUNTERS_H
#define MAYFLY_POLICY_COUNTERS_H

#include "base/err.h"

#include <stdint.h>

enum { COUNTER_NAME_LEN = 128 };

struct counter_state {
    uint64_t value;
    int64_t resets_at_s; /* Unix seconds; 0 when the value is 0 */
};

struct counters {
    void *ctx;
    enum err (*count)(void *ctx, const char *name, uint64_t n, int64_t window_s, int64_t now_s,
                      struct counter_state *ret_state);
    enum err (*peek)(void *ctx, const char *name, int64_t now_s, struct counter_state *ret_state);
};

#endif
