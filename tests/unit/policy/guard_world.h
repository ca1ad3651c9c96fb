/* SPDX-License-Identifier: Apache-2.0 */
/* guard_world: a guard over counters in memory, and short ways to ask and tell it. */
#ifndef MAYFLY_TESTS_GUARD_WORLD_H
#define MAYFLY_TESTS_GUARD_WORLD_H

#include "testing.h"

#include "base/log.h"
#include "policy/guard.h"
#include "unit/policy/counters_fake.h"

#include <stdio.h>
#include <string.h>

enum { T0 = 1000000 };

struct world {
    struct fake fake;
    struct guard *guard;
};

static const struct guard_cfg usual = {
    .fail_limit = 10,
    .fail_window_s = 600,
    .block_window_s = 1800,
    .list_words = 7775,
    .code_words = 4,
};

/* A list so short that 20 failures an hour are all that one live upload allows. */
static const struct guard_cfg tight = {
    .fail_limit = 1000,
    .fail_window_s = 600,
    .block_window_s = 1800,
    .list_words = 276, /* 276^3 = 21,024,576; 20 times 2^20 is 20,971,520 */
    .code_words = 3,
};

static inline struct netaddr
addr(const char *text)
{
    struct netaddr a = {.family = NETADDR_NONE};

    if (strcmp(text, "unix") == 0)
        a.family = NETADDR_UNIX;
    else if (strcmp(text, "none") != 0)
        assert_ok(netaddr_parse(text, strlen(text), &a));
    return a;
}

static inline void
begin(struct world *w, const struct guard_cfg *cfg)
{
    struct counters counters;

    fake_init(&w->fake);
    counters = fake_counters(&w->fake);
    w->guard = NULL;
    assert_ok(guard_new(cfg, &counters, &w->guard));
}

static inline void
end(struct world *w)
{
    guard_free(w->guard);
}

static inline void
may_ask(struct world *w, enum guard_action action, const char *client, int64_t now_s)
{
    struct netaddr a = addr(client);
    int64_t retry_s = -7;

    assert_ok(guard_ask(w->guard, action, &a, 1, now_s, &retry_s));
    assert_int_equal(-7, retry_s); /* untouched */
}

/* Blocked for exactly `for_s` more seconds. */
static inline void
is_blocked(struct world *w, enum guard_action action, const char *client, int64_t now_s,
           int64_t for_s)
{
    struct netaddr a = addr(client);
    int64_t retry_s = -7;

    assert_err(ERR_BLOCKED, guard_ask(w->guard, action, &a, 1, now_s, &retry_s));
    assert_int_equal(for_s, retry_s);
}

static inline void
guess(struct world *w, enum guard_action action, const char *client, unsigned n, int64_t now_s)
{
    struct netaddr a = addr(client);

    for (unsigned i = 0; i < n; i++)
        assert_ok(guard_failed(w->guard, action, &a, now_s));
}

static inline void
succeed(struct world *w, const char *client, int64_t now_s)
{
    struct netaddr a = addr(client);

    assert_ok(guard_succeeded(w->guard, &a, now_s));
}

/* Spend the 20 failures of `tight`, each from another network. */
static inline void
spend_budget(struct world *w, int64_t now_s)
{
    char client[16];

    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(client, sizeof(client), "203.0.113.%u", i);
        may_ask(w, GUARD_DOWNLOAD, client, now_s);
        guess(w, GUARD_DOWNLOAD, client, 1, now_s);
    }
}

static inline int
be_quiet(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    return 0;
}

#endif
