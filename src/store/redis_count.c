/* SPDX-License-Identifier: Apache-2.0 */
/* redis_count: the counters of the policies, and the totals. Nearly every request peeks at several
 * counters and asks for the totals, so what is known of them is believed for a second; what this
 * node itself changes, it sees at once. */
#include "store/redis_int.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

/* ---- what was seen ---- */

static struct rd_seen_counter *
seen_place(struct redis_store *s, const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return &s->seen[(h ^ h >> 16) % RD_SEEN];
}

/* False: not seen within the last second; `ret_n_counts` is then for seen_put. */
static bool
seen_get(struct redis_store *s, const char *name, struct counter *ret_counter,
         uint64_t *ret_n_counts)
{
    struct rd_seen_counter *seen = seen_place(s, name);
    bool is_fresh;

    (void)pthread_mutex_lock(&s->lock);
    is_fresh = seen->until_ms > clock_mono_ms() && strcmp(seen->name, name) == 0;
    if (is_fresh)
        *ret_counter = seen->state;
    *ret_n_counts = seen->n_counts;
    (void)pthread_mutex_unlock(&s->lock);
    return is_fresh;
}

/* Unless something was counted here since `n_counts`. */
static void
seen_put(struct redis_store *s, const char *name, const struct counter *state, uint64_t n_counts)
{
    struct rd_seen_counter *seen = seen_place(s, name);

    (void)pthread_mutex_lock(&s->lock);
    if (seen->n_counts == n_counts) {
        memcpy(seen->name, name, strlen(name) + 1); /* store.c has checked it */
        seen->state = *state;
        seen->until_ms = clock_mono_ms() + RD_SEEN_MS;
    }
    (void)pthread_mutex_unlock(&s->lock);
}

/* What was seen, and what others have asked for but not seen yet, is old. */
static void
seen_drop(struct redis_store *s, const char *name)
{
    struct rd_seen_counter *seen = seen_place(s, name);

    (void)pthread_mutex_lock(&s->lock);
    seen->n_counts++;
    seen->until_ms = 0;
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- counters ---- */

static enum err
run_counter(struct redis_store *s, struct rd_args *a, struct counter *ret_counter)
{
    struct counter c = {0};
    redisReply *reply = NULL;
    struct rd_reader r;
    enum err e = rd_run(s, a, &reply);

    if (e != ERR_OK)
        return e;
    r = rd_read(reply, 0);
    if (rd_has(&r)) {
        c.value = rd_u64(&r, INT64_MAX);
        c.resets_at_s = rd_int(&r);
    }
    if (r.is_bad)
        e = rd_damaged();
    freeReplyObject(reply);
    if (e == ERR_OK)
        *ret_counter = c;
    return e;
}

enum err
rd_store_count(struct store *store, const char *name, uint64_t n, int64_t window_s, int64_t now_s,
               struct counter *ret_counter)
{
    struct redis_store *s = rd_of(store);
    int64_t resets_at_s = store_time_add(now_s, window_s);
    struct rd_args a;
    enum err e;

    rd_begin_counter(&a, &rd_count, name);
    rd_add_u64(&a, n);
    rd_add_int(&a, now_s);
    rd_add_int(&a, resets_at_s);
    rd_add_int(&a, rd_ttl_ms(now_s, resets_at_s));
    seen_drop(s, name);
    e = run_counter(s, &a, ret_counter);
    seen_drop(s, name);
    return e;
}

enum err
rd_store_peek(struct store *store, const char *name, int64_t now_s, struct counter *ret_counter)
{
    struct redis_store *s = rd_of(store);
    struct counter c = {0};
    uint64_t n_counts;
    struct rd_args a;
    enum err e = ERR_OK;

    if (!seen_get(s, name, &c, &n_counts)) {
        rd_begin(&a, "HMGET", 1);
        a.command.is_idempotent = true;
        rd_add(&a, name);
        rd_add(&a, "value");
        rd_add(&a, "resets_at_s");
        e = run_counter(s, &a, &c);
        if (e == ERR_OK)
            seen_put(s, name, &c, n_counts);
    }
    if (e == ERR_OK)
        *ret_counter = c.resets_at_s > now_s ? c : (struct counter){0};
    return e;
}

/* ---- totals ---- */

void
rd_totals_changed(struct redis_store *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->n_changes++;
    s->stats_until_ms = 0;
    (void)pthread_mutex_unlock(&s->lock);
}

static enum err
ask_totals(struct redis_store *s, struct store_stats *ret_stats)
{
    struct rd_args args[2];
    redisReply *replies[2];
    int64_t bytes = 0;
    enum err e;

    rd_begin(&args[0], "ZCARD", 1);
    rd_add(&args[0], RD_KEY_LIVE);
    rd_begin(&args[1], "GET", 1);
    rd_add(&args[1], RD_KEY_BYTES);
    e = rd_run_all(s, args, ARRAY_LEN(args), replies);
    if (e != ERR_OK)
        return e;
    if (replies[0]->type != REDIS_REPLY_INTEGER || replies[0]->integer < 0 ||
        (replies[1]->type == REDIS_REPLY_STRING &&
         (!rd_parse_int(replies[1]->str, (size_t)replies[1]->len, &bytes) || bytes < 0)))
        e = rd_damaged();
    if (e == ERR_OK)
        *ret_stats = (struct store_stats){(uint64_t)replies[0]->integer, (uint64_t)bytes};
    for (size_t i = 0; i < ARRAY_LEN(args); i++)
        freeReplyObject(replies[i]);
    return e;
}

enum err
rd_store_stats(struct store *store, struct store_stats *ret_stats)
{
    struct redis_store *s = rd_of(store);
    struct store_stats stats;
    uint64_t n_changes;
    bool is_fresh;
    enum err e;

    (void)pthread_mutex_lock(&s->lock);
    is_fresh = s->stats_until_ms > clock_mono_ms();
    stats = s->stats;
    n_changes = s->n_changes;
    (void)pthread_mutex_unlock(&s->lock);
    if (is_fresh) {
        *ret_stats = stats;
        return ERR_OK;
    }
    e = ask_totals(s, &stats);
    if (e != ERR_OK)
        return e;
    (void)pthread_mutex_lock(&s->lock);
    if (s->n_changes == n_changes) {
        s->stats = stats;
        s->stats_until_ms = clock_mono_ms() + RD_SEEN_MS;
    }
    (void)pthread_mutex_unlock(&s->lock);
    *ret_stats = stats;
    return ERR_OK;
}
