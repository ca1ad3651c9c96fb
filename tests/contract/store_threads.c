/* SPDX-License-Identifier: Apache-2.0 */
/* The store under many threads: no use is handed out twice or lost. Threads cannot fail a test by
 * themselves, so they count what they met, and the test compares when they are done. */
#include "store_contract.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { THREADS = 8 };

struct crew {
    struct store *s;
    atomic_uint ok, gone, other;
};

struct worker {
    struct crew *crew;
    unsigned number;
};

static void
tally(struct crew *c, enum err e)
{
    atomic_fetch_add(e == ERR_OK ? &c->ok : e == ERR_GONE ? &c->gone : &c->other, 1);
}

/* Run `work` on THREADS threads and wait for them. */
static void
run_crew(struct crew *c, void *(*work)(void *))
{
    struct worker workers[THREADS];
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){c, i};
        assert_int_equal(0, pthread_create(&threads[i], NULL, work, &workers[i]));
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(0, pthread_join(threads[i], NULL));
}

static void *
claim_upload_1(void *arg)
{
    struct worker *w = arg;
    struct lease_id lease;
    struct record rec;

    for (unsigned i = 0; i < 50; i++)
        tally(w->crew, try_claim(w->crew->s, 1, w->number, T0, &rec, &lease));
    return NULL;
}

static void
threads_get_exactly_the_granted_uses(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.s = f->s};
    struct record rec = sample(1);

    rec.uses_total = rec.uses_left = 137;
    assert_ok(store_put(f->s, &rec));
    run_crew(&crew, claim_upload_1);
    assert_int_equal(137, crew.ok);
    assert_int_equal(THREADS * 50 - 137, crew.gone);
    assert_int_equal(0, crew.other);
    assert_ended(ENDED_USES, T0, status(f->s, 1, T0));
}

static void *
claim_each_once(void *arg)
{
    struct worker *w = arg;
    struct lease_id lease;
    struct record rec;

    for (unsigned tag = 0; tag < 50; tag++)
        tally(w->crew, try_claim(w->crew->s, tag, w->number, T0, &rec, &lease));
    return NULL;
}

static void
the_last_use_has_exactly_one_winner(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.s = f->s};

    for (unsigned tag = 0; tag < 50; tag++) {
        struct record rec = sample(tag);

        rec.uses_total = rec.uses_left = 1;
        assert_ok(store_put(f->s, &rec));
    }
    run_crew(&crew, claim_each_once);
    assert_int_equal(50, crew.ok);
    assert_int_equal((THREADS - 1) * 50, crew.gone);
    assert_int_equal(0, crew.other);
}

static void *
claim_and_release(void *arg)
{
    struct worker *w = arg;
    struct share_id id = id_of(1);
    struct lease_id lease;
    struct record rec;
    enum err e;

    for (unsigned i = 0; i < 50; i++) {
        e = try_claim(w->crew->s, 1, w->number, T0, &rec, &lease);
        if (e == ERR_OK)
            e = store_release(w->crew->s, &id, &lease);
        tally(w->crew, e);
    }
    return NULL;
}

static void
uses_claimed_and_given_back_by_threads_are_all_there_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.s = f->s};
    struct record rec = sample(1);

    rec.uses_total = rec.uses_left = 3;
    assert_ok(store_put(f->s, &rec));
    run_crew(&crew, claim_and_release);
    assert_int_equal(0, crew.other);
    assert_int_equal(THREADS * 50, crew.ok + crew.gone);
    assert_in_range(crew.ok, 50, THREADS * 50);
    assert_active(3, status(f->s, 1, T0));
}

static void *
count_up(void *arg)
{
    struct worker *w = arg;
    struct counter got;
    char own[16];

    (void)snprintf(own, sizeof(own), "own:%u", w->number);
    for (unsigned i = 0; i < 50; i++) {
        tally(w->crew, store_count(w->crew->s, "shared", 2, 60, T0, &got));
        tally(w->crew, store_count(w->crew->s, own, 1, 60, T0, &got));
        tally(w->crew, got.value == i + 1 ? ERR_OK : ERR_INTEGRITY);
        tally(w->crew, store_peek(w->crew->s, own, T0, &got));
        tally(w->crew, got.value == i + 1 ? ERR_OK : ERR_INTEGRITY); /* its own writes are seen */
    }
    return NULL;
}

static void
counts_of_threads_add_up(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.s = f->s};
    struct counter got;

    run_crew(&crew, count_up);
    assert_int_equal(0, crew.gone + crew.other);
    assert_ok(store_peek(f->s, "shared", T0, &got));
    assert_int_equal(THREADS * 50 * 2, got.value);
}

/* Each thread's own uploads live and die, while everybody reads and one of them scrubs. */
static void *
live_and_die(void *arg)
{
    struct worker *w = arg;
    struct store *s = w->crew->s;
    struct share_state st;
    struct store_stats stats;
    struct counter counter;
    int64_t at;
    bool known;

    for (unsigned i = 0; i < 25; i++) {
        struct record rec = sample(w->number * 1000 + i), got;

        tally(w->crew, store_put(s, &rec));
        tally(w->crew, store_lookup(s, &rec.id, T0, &got));
        tally(w->crew, store_status(s, &rec.id, T0, &st));
        tally(w->crew, st.phase == SHARE_ACTIVE ? ERR_OK : ERR_INTEGRITY);
        tally(w->crew, store_peek(s, "absent", T0, &counter));
        tally(w->crew, store_next_due(s, &at));
        tally(w->crew, store_remove(s, &rec.id, ENDED_REVOKED, T0));
        tally(w->crew, store_status(s, &rec.id, T0, &st));
        tally(w->crew, st.phase == SHARE_ENDED ? ERR_OK : ERR_INTEGRITY);
        tally(w->crew, store_knows_blob(s, &rec.blob, &known));
        tally(w->crew, known ? ERR_OK : ERR_INTEGRITY);
        tally(w->crew, store_forget_doomed(s, &rec.blob));
        tally(w->crew, store_stats(s, &stats));
        tally(w->crew, stats.n_live <= THREADS ? ERR_OK : ERR_INTEGRITY);
        if (w->number == 0)
            tally(w->crew, store_scrub(s));
    }
    return NULL;
}

static void
threads_that_put_read_remove_and_scrub_do_not_disturb_each_other(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.s = f->s};
    struct store_stats stats;

    run_crew(&crew, live_and_die);
    assert_int_equal(0, crew.gone + crew.other);
    assert_int_equal(THREADS * 25 * 14 + 25, crew.ok);
    assert_ok(store_stats(f->s, &stats));
    assert_int_equal(0, stats.n_live);
    assert_int_equal(0, stats.stored_bytes);
}

static void *
read_a_little(void *arg)
{
    struct worker *w = arg;
    struct share_id id = id_of(1);
    struct share_state st;

    tally(w->crew, store_status(w->crew->s, &id, T0, &st));
    return NULL;
}

static void
threads_may_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.s = f->s};
    struct record rec = sample(1);

    assert_ok(store_put(f->s, &rec));
    for (unsigned i = 0; i < 30; i++)
        run_crew(&crew, read_a_little);
    assert_int_equal(30 * THREADS, crew.ok);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(threads_get_exactly_the_granted_uses),
    cmocka_unit_test(the_last_use_has_exactly_one_winner),
    cmocka_unit_test(uses_claimed_and_given_back_by_threads_are_all_there_at_the_end),
    cmocka_unit_test(counts_of_threads_add_up),
    cmocka_unit_test(threads_that_put_read_remove_and_scrub_do_not_disturb_each_other),
    cmocka_unit_test(threads_may_come_and_go),
};

CONTRACT_TESTS(store_thread_tests, tests);
