/* SPDX-License-Identifier: Apache-2.0 */
/* guard: guessing codes must not pay. A look-up of a code that was never issued, or a wrong burn
 * token, is a failure; too many of one action from one network block that action for it; and a
 * server-wide budget keeps the chance of any hit small however many networks guess.
 * Networks: IPv4 address; IPv6 /64, and /56 and /48 with limits of twice and four times as much;
 * clients without an address (unix sockets) are one network, "unix".
 * Counters: fails:<action>:<net>, block:<action>:<net>, ok:<net>, budget. Thread-safe. */
#ifndef MAYFLY_POLICY_GUARD_H
#define MAYFLY_POLICY_GUARD_H

#include "base/netaddr.h"
#include "policy/counters.h"

#include <stdbool.h>

enum guard_action { GUARD_DOWNLOAD, GUARD_PREVIEW, GUARD_STATUS, GUARD_BURN, GUARD_N };

struct guard_cfg {
    uint64_t fail_limit;    /* DOWNLOAD_FAIL_LIMIT */
    int64_t fail_window_s;  /* DOWNLOAD_FAIL_WINDOW */
    int64_t block_window_s; /* DOWNLOAD_BLOCK_WINDOW */
    uint32_t list_words;    /* length of the word list */
    unsigned code_words;    /* KEY_WORDS */
};

struct guard;

/* `counters` is copied; its ctx must outlive the guard. ERR_NOMEM; ERR_IO: no random numbers. */
MUST_CHECK enum err guard_new(const struct guard_cfg *cfg, const struct counters *counters,
                              struct guard **ret_guard);
void guard_free(struct guard *g); /* NULL is a no-op */

/* Ask before anything is looked up. ERR_BLOCKED: this network may not now; `ret_retry_s` (at
 * least 1) says for how long. `n_live` is the number of live uploads, for the budget: when that
 * is spent, networks without a past success are blocked too. Costs one peek a network, and one a
 * second for the budget: failures on other nodes count for it a second late. Other errors are the
 * counters'. */
MUST_CHECK enum err guard_ask(struct guard *g, enum guard_action action,
                              const struct netaddr *client, uint64_t n_live, int64_t now_s,
                              int64_t *ret_retry_s);

/* Tell what came of a look-up; errors are the counters'. A failure that reaches the limit blocks
 * from the next guard_ask on and is logged. A success is remembered for a day: in memory (some
 * 4,000 networks) and, from the first one on, in the store, so that most successes cost no write.
 */
MUST_CHECK enum err guard_failed(struct guard *g, enum guard_action action,
                                 const struct netaddr *client, int64_t now_s);
MUST_CHECK enum err guard_succeeded(struct guard *g, const struct netaddr *client, int64_t now_s);

/* Failures an hour that keep the chance of any hit below 2^-20 an hour:
 * list_words^code_words / (2^20 * n_live), at least 1; n_live = 0 counts as 1. */
uint64_t guard_budget(uint32_t list_words, unsigned code_words, uint64_t n_live);

struct guard_stats {
    uint64_t n_failures, n_blocks, n_refused; /* since start, of this process */
    uint64_t budget_used;                     /* failures of this hour */
    bool is_over_budget;                      /* as of the last guard_ask or guard_failed */
};
void guard_stats(struct guard *g, struct guard_stats *ret_stats);

#endif
