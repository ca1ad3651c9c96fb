/* SPDX-License-Identifier: Apache-2.0 */
/* counters_fake: a store's counters in memory, with the calls counted, for the policies' tests.
 * Thread-safe, as the real ones are. */
#ifndef MAYFLY_TESTS_COUNTERS_FAKE_H
#define MAYFLY_TESTS_COUNTERS_FAKE_H

#include "policy/counters.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum { FAKE_N = 4096 };

struct fake_counter {
    char name[COUNTER_NAME_LEN];
    struct counter_state state;
};

struct fake {
    pthread_mutex_t lock;
    struct fake_counter counters[FAKE_N];
    size_t n;
    unsigned n_counts, n_peeks; /* calls */
    enum err broken;            /* what every call answers, unless ERR_OK */
};

static inline struct counter_state *
fake_find(struct fake *f, const char *name, int64_t now_s)
{
    size_t i = 0;

    while (i < f->n && strcmp(f->counters[i].name, name) != 0)
        i++;
    if (i == f->n) {
        size_t len = strlen(name);

        assert(f->n < FAKE_N && len < COUNTER_NAME_LEN);
        f->counters[f->n++] = (struct fake_counter){.name = ""};
        memcpy(f->counters[i].name, name, len + 1);
    }
    if (f->counters[i].state.resets_at_s <= now_s)
        f->counters[i].state = (struct counter_state){0};
    return &f->counters[i].state;
}

static inline enum err
fake_count(void *ctx, const char *name, uint64_t n, int64_t window_s, int64_t now_s,
           struct counter_state *ret_state)
{
    struct fake *f = ctx;
    struct counter_state *state;
    enum err e;

    (void)pthread_mutex_lock(&f->lock);
    f->n_counts++;
    e = f->broken;
    if (e == ERR_OK) {
        state = fake_find(f, name, now_s);
        if (state->value == 0)
            state->resets_at_s = now_s + window_s;
        state->value += n;
        *ret_state = *state;
    }
    (void)pthread_mutex_unlock(&f->lock);
    return e;
}

static inline enum err
fake_peek(void *ctx, const char *name, int64_t now_s, struct counter_state *ret_state)
{
    struct fake *f = ctx;
    enum err e;

    (void)pthread_mutex_lock(&f->lock);
    f->n_peeks++;
    e = f->broken;
    if (e == ERR_OK)
        *ret_state = *fake_find(f, name, now_s);
    (void)pthread_mutex_unlock(&f->lock);
    return e;
}

static inline uint64_t
fake_value(struct fake *f, const char *name, int64_t now_s)
{
    return fake_find(f, name, now_s)->value;
}

static inline void
fake_init(struct fake *f)
{
    *f = (struct fake){.lock = PTHREAD_MUTEX_INITIALIZER};
}

static inline struct counters
fake_counters(struct fake *f)
{
    return (struct counters){.ctx = f, .count = fake_count, .peek = fake_peek};
}

#endif
