/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_count: the counters of the policies. Nearly every request peeks at several that are not
 * there; a presence filter answers these without the database. Names are spread over buckets by a
 * hash; a bucket holds how many counters fall into it, or more, never fewer: it is raised before
 * the insert commits and lowered after the delete has, and stays as it is when either fails. So
 * "none" is always true, and a wrong "perhaps" costs one query. */
#include "store/sqlite_int.h"

#include <string.h>

static uint32_t
bucket_of(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return (h ^ h >> 16) % SQ_BUCKETS;
}

static void
bucket_raise(struct sqlite_store *s, uint32_t bucket)
{
    atomic_fetch_add_explicit(&s->buckets[bucket], 1, memory_order_release);
}

static bool
is_absent(struct sqlite_store *s, const char *name)
{
    return atomic_load_explicit(&s->buckets[bucket_of(name)], memory_order_acquire) == 0;
}

enum err
sq_load_counters(struct sqlite_store *s)
{
    struct sq_use u = sq_use(&s->writer, SQ_ALL_COUNTERS);
    const char *name;

    while (sq_row(&u)) {
        name = (const char *)sqlite3_column_text(u.stmt, 0);
        if (name == NULL)
            u.rc = SQLITE_NOMEM;
        else
            bucket_raise(s, bucket_of(name));
    }
    return sq_close(&u);
}

/* ---- count ---- */

static void
read_counter(struct sq_use *u, struct counter *ret_counter)
{
    ret_counter->value = (uint64_t)sq_column(u, 0);
    ret_counter->resets_at_s = sq_column(u, 1);
}

/* ERR_NOTFOUND: there is no row to add to. */
static enum err
add_to_row(struct sq_conn *c, const char *name, const struct counter *fresh, int64_t now_s,
           struct counter *ret_counter)
{
    struct sq_use u = sq_use(c, SQ_COUNT_ADD);
    bool found;
    enum err e;

    sq_name(&u, 1, name);
    sq_int(&u, 2, (int64_t)fresh->value);
    sq_int(&u, 3, fresh->resets_at_s);
    sq_int(&u, 4, now_s);
    found = sq_row(&u);
    if (found)
        read_counter(&u, ret_counter);
    e = sq_close(&u);
    return e == ERR_OK && !found ? ERR_NOTFOUND : e;
}

static enum err
insert_row(struct sqlite_store *s, const char *name, const struct counter *fresh)
{
    struct sq_use u = sq_use(&s->writer, SQ_COUNT_NEW);

    bucket_raise(s, bucket_of(name));
    sq_name(&u, 1, name);
    sq_int(&u, 2, (int64_t)fresh->value);
    sq_int(&u, 3, fresh->resets_at_s);
    return sq_run(&u);
}

enum err
sq_count(struct store *store, const char *name, uint64_t n, int64_t window_s, int64_t now_s,
         struct counter *ret_counter)
{
    struct sqlite_store *s = sq_of(store);
    struct counter fresh = {.value = n, .resets_at_s = store_time_add(now_s, window_s)};
    struct counter now = fresh;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    e = is_absent(s, name) ? ERR_NOTFOUND : add_to_row(&s->writer, name, &fresh, now_s, &now);
    if (e == ERR_NOTFOUND)
        e = insert_row(s, name, &fresh);
    e = sq_end(s, e);
    if (e == ERR_OK)
        *ret_counter = now;
    return e;
}

enum err
sq_peek(struct store *store, const char *name, int64_t now_s, struct counter *ret_counter)
{
    struct sqlite_store *s = sq_of(store);
    struct counter now = {0};
    struct sq_reader *r;
    struct sq_use u;
    enum err e;

    if (is_absent(s, name)) {
        *ret_counter = now;
        return ERR_OK;
    }
    r = sq_reader(s);
    u = sq_use(&r->conn, SQ_PEEK);
    sq_name(&u, 1, name);
    sq_int(&u, 2, now_s);
    if (sq_row(&u))
        read_counter(&u, &now);
    e = sq_close(&u);
    sq_reader_done(s, r);
    if (e == ERR_OK)
        *ret_counter = now;
    return e;
}

/* ---- the end ---- */

static enum err
drop_batch(struct sqlite_store *s, int64_t now_s, unsigned *ret_n)
{
    uint32_t buckets[SQ_BATCH];
    const char *name;
    struct sq_use u;
    unsigned n = 0;
    enum err e;

    e = sq_begin(s);
    if (e != ERR_OK)
        return e;
    u = sq_use(&s->writer, SQ_OLD_COUNTERS);
    sq_int(&u, 1, now_s);
    sq_int(&u, 2, SQ_BATCH);
    while (n < SQ_BATCH && sq_row(&u)) {
        name = (const char *)sqlite3_column_text(u.stmt, 0);
        if (name == NULL)
            u.rc = SQLITE_NOMEM;
        else
            buckets[n++] = bucket_of(name);
    }
    e = sq_end(s, sq_close(&u));
    if (e != ERR_OK)
        return e;
    for (unsigned i = 0; i < n; i++)
        atomic_fetch_sub_explicit(&s->buckets[buckets[i]], 1, memory_order_release);
    *ret_n = n;
    return ERR_OK;
}

enum err
sq_drop_counters(struct sqlite_store *s, int64_t now_s)
{
    unsigned n = SQ_BATCH;
    enum err e = ERR_OK;

    while (e == ERR_OK && n == SQ_BATCH) /* in pieces: others want to write, too */
        e = drop_batch(s, now_s, &n);
    return e;
}
