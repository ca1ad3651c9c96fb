/* SPDX-License-Identifier: Apache-2.0 */
/* bench_store: calls per second of a store, one line each. `bench_store sqlite [FOLDER]`: the
 * embedded one; the folder (default in /dev/shm) must be empty or missing, and is left with the
 * store's files. `bench_store redis`: a redis-server of its own on a unix socket. */
#include "base/clock.h"
#include "store/store.h"

#include "redis_server.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UPLOADS = 2000, READS = 200000, REMOTE_READS = 20000, T0 = 1000000, MAX_THREADS = 4 };

struct bench {
    struct store *s;
    unsigned n_reads;
    unsigned n_failed;
};

static struct share_id
id_of(unsigned i)
{
    /* Spread as real ids are: neighbours in time are not neighbours in the index. */
    uint32_t h = (i + 1) * 2654435761u;
    struct share_id id;

    memset(&id, 0, sizeof(id));
    memcpy(id.b, &h, sizeof(h));
    return id;
}

static void
note(struct bench *b, enum err e)
{
    if (e == ERR_OK)
        return;
    if (b->n_failed++ == 0)
        (void)fprintf(stderr, "%s: %s\n", err_name(e), err_sentence());
}

/* ---- what is measured: one call each ---- */

static void
put(struct bench *b, unsigned i)
{
    struct record rec = {
        .id = id_of(i),
        .size_bytes = 1000,
        .stored_bytes = 1100,
        .created_at_s = T0,
        .expires_at_s = T0 + 600 + i,
        .uses_total = 1000000,
        .uses_left = 1000000,
        .sealed_len = 500,
    };

    memcpy(rec.blob.b, &i, sizeof(i));
    note(b, store_put(b->s, &rec));
}

static void
status_live(struct bench *b, unsigned i)
{
    struct share_id id = id_of(i % UPLOADS);
    struct share_state st;

    note(b, store_status(b->s, &id, T0, &st));
    b->n_failed += st.phase != SHARE_ACTIVE;
}

static void
status_unknown(struct bench *b, unsigned i)
{
    struct share_id id = id_of(UPLOADS + i);
    struct share_state st;

    note(b, store_status(b->s, &id, T0, &st));
}

static void
lookup(struct bench *b, unsigned i)
{
    struct share_id id = id_of(i % UPLOADS);
    struct record rec;

    note(b, store_lookup(b->s, &id, T0, &rec));
}

static void
claim_and_settle(struct bench *b, unsigned i)
{
    struct store_claim c = {.id = id_of(i % UPLOADS), .now_s = T0, .lease_s = 600};
    struct store_span all = {0, 1000};
    struct lease_id lease;
    struct record rec;
    bool ended;

    note(b, store_claim(b->s, &c, &rec, &lease));
    note(b, store_settle(b->s, &c.id, &lease, &all, T0, &ended));
}

static void
peek_absent(struct bench *b, unsigned i)
{
    struct counter c;
    char name[40];

    (void)snprintf(name, sizeof(name), "fails:status:2001:db8::%u/64", i % 1000);
    note(b, store_peek(b->s, name, T0, &c));
}

static void
count(struct bench *b, unsigned i)
{
    struct counter c;
    char name[40];

    (void)snprintf(name, sizeof(name), "rate:upload:192.0.2.%u", i % 1000);
    note(b, store_count(b->s, name, 1, 3600, T0, &c));
}

static void
peek_present(struct bench *b, unsigned i)
{
    struct counter c;
    char name[40];

    (void)snprintf(name, sizeof(name), "rate:upload:192.0.2.%u", i % 1000);
    note(b, store_peek(b->s, name, T0, &c));
}

static void
stats(struct bench *b, unsigned i)
{
    struct store_stats st;

    (void)i;
    note(b, store_stats(b->s, &st));
}

static void
next_due(struct bench *b, unsigned i)
{
    int64_t at_s;

    (void)i;
    note(b, store_next_due(b->s, &at_s));
}

static void
ping(struct bench *b, unsigned i)
{
    (void)i;
    note(b, store_ping(b->s));
}

static void
remove_and_scrub(struct bench *b, unsigned i)
{
    struct share_id id = id_of(i);

    note(b, store_remove(b->s, &id, ENDED_REVOKED, T0));
    note(b, store_scrub(b->s));
}

/* ---- measuring ---- */

struct load {
    struct bench bench;
    void (*call)(struct bench *b, unsigned i);
    unsigned n;
};

static void *
run_load(void *arg)
{
    struct load *l = arg;

    for (unsigned i = 0; i < l->n; i++)
        l->call(&l->bench, i);
    return NULL;
}

static void
measure(struct bench *b, const char *name, void (*call)(struct bench *b, unsigned i), unsigned n,
        unsigned n_threads)
{
    struct load loads[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    int64_t began_us = clock_mono_us(), took_us;
    unsigned started = 0;

    for (; started < n_threads; started++) {
        loads[started] = (struct load){.bench = {.s = b->s}, .call = call, .n = n / n_threads};
        if (pthread_create(&threads[started], NULL, run_load, &loads[started]) != 0)
            break;
    }
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
        b->n_failed += loads[i].bench.n_failed;
    }
    b->n_failed += started < n_threads;
    took_us = clock_mono_us() - began_us;
    (void)printf("%-18s %u thread%s %10.0f calls/s %8.2f us each\n", name, n_threads,
                 n_threads == 1 ? " " : "s", (double)n * 1e6 / (double)(took_us + 1),
                 (double)took_us * n_threads / (double)n);
}

/* Every call, most of them by one thread. */
static void
measure_all(struct bench *b)
{
    measure(b, "put", put, UPLOADS, 1);
    measure(b, "status, live", status_live, b->n_reads, 1);
    measure(b, "status, live", status_live, b->n_reads, 2);
    measure(b, "status, live", status_live, b->n_reads, 4);
    measure(b, "status, unknown", status_unknown, b->n_reads, 1);
    measure(b, "lookup", lookup, b->n_reads, 1);
    measure(b, "claim + settle", claim_and_settle, UPLOADS, 1);
    measure(b, "claim + settle", claim_and_settle, UPLOADS, 2);
    measure(b, "claim + settle", claim_and_settle, UPLOADS, 4);
    measure(b, "peek, absent", peek_absent, b->n_reads, 1);
    measure(b, "count", count, UPLOADS, 1);
    measure(b, "peek, present", peek_present, b->n_reads, 1);
    measure(b, "stats", stats, b->n_reads, 1);
    measure(b, "next_due", next_due, b->n_reads, 1);
    measure(b, "ping", ping, UPLOADS, 1);
    measure(b, "remove + scrub", remove_and_scrub, UPLOADS / 4, 1);
}

static enum err
open_redis(const struct redis_server *server, struct store **ret_store)
{
    char url[128];
    const struct store_redis_opts opts = {.url = url, .tombstone_s = 86400};

    (void)snprintf(url, sizeof(url), "unix://%s", server->unix_path);
    return store_redis_open(&opts, ret_store);
}

int
main(int argc, char **argv)
{
    bool is_redis = argc > 1 && strcmp(argv[1], "redis") == 0;
    struct bench b = {.n_reads = is_redis ? REMOTE_READS : READS};
    char dir[] = "/dev/shm/mayfly-bench-XXXXXX";
    struct redis_server server = {.pid = 0};
    enum err e;

    if (is_redis) {
        e = redis_server_start(NULL, &server);
        if (e == ERR_OK)
            e = open_redis(&server, &b.s);
    } else {
        const char *where = argc > 2 ? argv[2] : mkdtemp(dir);

        e = where == NULL ? ERR_IO : store_sqlite_open(where, 86400, &b.s);
    }
    if (e == ERR_OK)
        measure_all(&b);
    else
        (void)fprintf(stderr, "no store: %s\n", err_sentence());
    store_free(b.s);
    redis_server_done(&server);
    if (b.n_failed > 0)
        (void)fprintf(stderr, "%u calls failed\n", b.n_failed);
    return e != ERR_OK || b.n_failed > 0 ? 1 : 0;
}
