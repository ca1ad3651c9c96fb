/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes, each with a store of its own at one place: what one does the other sees, and together
 * they do everything once. For shared stores only. */
#include "store_contract.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum {
    NODES = 2,
    CREW = 8, /* threads; half of them at each node */
    MANY = 200,
    WAIT_MS = 20000, /* for what takes a second at most */
};

/* f->s and another node. Every test ends with `leave`; one that fails before leaves the other node
 * behind, and the tests that follow do not mind. */
struct nodes {
    struct store *at[NODES];
};

static struct nodes
meet(struct fixture *f)
{
    return (struct nodes){{f->s, fixture_open(f)}};
}

static void
leave(struct nodes *n)
{
    store_free(n->at[1]);
    n->at[1] = NULL;
}

static void
put(struct store *s, unsigned tag, uint32_t uses)
{
    struct record rec = sample(tag);

    rec.uses_total = rec.uses_left = uses;
    assert_ok(store_put(s, &rec));
}

/* ---- what is seen ---- */

static void
what_one_node_puts_and_claims_the_other_sees_at_once(void **state)
{
    struct fixture *f = *state;
    struct nodes n = meet(f);
    struct record rec = sample(1), got;
    struct blob_name blob = blob_of(1);
    struct lease_id lease;
    bool known = false;

    assert_true(store_is_shared(f->s));
    assert_unknown(status(n.at[1], 1, T0));
    assert_ok(store_put(n.at[0], &rec));
    assert_ok(store_lookup(n.at[1], &rec.id, T0, &got));
    assert_same_record(&rec, &got);
    assert_err(ERR_EXISTS, store_put(n.at[1], &rec));
    assert_ok(store_knows_blob(n.at[1], &blob, &known));
    assert_true(known);
    (void)claim(n.at[1], 1, 1, T0);
    assert_active(1, status(n.at[0], 1, T0));
    (void)claim(n.at[0], 1, 2, T0 + 3);
    assert_err(ERR_GONE, try_claim(n.at[1], 1, 1, T0 + 3, &got, &lease));
    assert_ended(ENDED_USES, T0 + 3, status(n.at[1], 1, T0 + 3));
    leave(&n);
}

static void
a_lease_of_one_node_is_the_others_too(void **state)
{
    struct fixture *f = *state;
    struct nodes n = meet(f);
    struct share_id one = id_of(1), two = id_of(2);
    struct lease_id lease, found;

    put(n.at[0], 1, 1);
    put(n.at[0], 2, 1);
    lease = claim(n.at[0], 1, 1, T0);
    assert_false(settle(n.at[0], 1, &lease, 0, 40, T0));
    assert_err(ERR_NOTFOUND, try_resume(n.at[1], 1, 1, 39, T0, &found));
    assert_ok(try_resume(n.at[1], 1, 1, 40, T0 + 10, &found));
    assert_memory_equal(&lease, &found, sizeof(lease));
    assert_ok(store_renew(n.at[0], &one, &lease, T0 + 20, LEASE_S));
    assert_true(settle(n.at[1], 1, &lease, 40, SIZE, T0 + 20 + LEASE_S - 1));
    assert_ended(ENDED_USES, T0, status(n.at[0], 1, T0 + 90));
    lease = claim(n.at[0], 2, 1, T0);
    assert_ok(store_release(n.at[1], &two, &lease));
    assert_err(ERR_NOTFOUND, store_release(n.at[0], &two, &lease));
    assert_active(1, status(n.at[0], 2, T0));
    leave(&n);
}

static void
a_burn_at_one_node_ends_the_leases_of_the_other(void **state)
{
    struct fixture *f = *state;
    struct nodes n = meet(f);
    struct share_id one = id_of(1);
    struct lease_id lease;
    struct record got;

    put(n.at[0], 1, 5);
    lease = claim(n.at[0], 1, 1, T0);
    assert_ok(store_remove(n.at[1], &one, ENDED_REVOKED, T0 + 1));
    assert_err(ERR_NOTFOUND, store_renew(n.at[0], &one, &lease, T0 + 2, LEASE_S));
    assert_err(ERR_GONE, store_lookup(n.at[0], &one, T0 + 2, &got));
    assert_err(ERR_GONE, store_remove(n.at[0], &one, ENDED_REVOKED, T0 + 2));
    assert_ended(ENDED_REVOKED, T0 + 1, status(n.at[0], 1, T0 + 2));
    leave(&n);
}

/* Wait until the node's peek shows `value`. */
static void
await_peek(struct store *s, const char *name, uint64_t value)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    struct counter got = {0};

    do {
        assert_ok(store_peek(s, name, T0, &got));
        if (got.value == value)
            return;
        (void)usleep(10000);
    } while (clock_mono_ms() < until_ms);
    fail_msg("%s is %llu at the other node, not %llu", name, (unsigned long long)got.value,
             (unsigned long long)value);
}

static void
counters_add_up_and_are_seen_by_the_other_node_soon(void **state)
{
    struct fixture *f = *state;
    struct nodes n = meet(f);
    struct counter got;

    assert_ok(store_peek(n.at[1], "fails:a", T0, &got)); /* it may remember that this is nothing */
    assert_int_equal(0, got.value);
    assert_ok(store_count(n.at[0], "fails:a", 2, 60, T0, &got));
    await_peek(n.at[1], "fails:a", 2);
    assert_ok(store_count(n.at[0], "fails:a", 3, 60, T0 + 1, &got));
    assert_ok(store_count(n.at[1], "fails:a", 1, 6000, T0 + 2, &got)); /* counting is exact */
    assert_int_equal(6, got.value);
    assert_int_equal(T0 + 60, got.resets_at_s);
    assert_ok(store_peek(n.at[1], "fails:a", T0 + 2, &got));
    assert_int_equal(6, got.value);
    await_peek(n.at[0], "fails:a", 6);
    assert_ok(store_peek(n.at[0], "fails:a", T0 + 60, &got)); /* also for what is remembered */
    assert_int_equal(0, got.value);
    leave(&n);
}

static void
await_stats(struct store *s, uint64_t n_live, uint64_t stored_bytes)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    struct store_stats st = {0};

    do {
        assert_ok(store_stats(s, &st));
        if (st.n_live == n_live && st.stored_bytes == stored_bytes)
            return;
        (void)usleep(10000);
    } while (clock_mono_ms() < until_ms);
    fail_msg("%llu live and %llu bytes, not %llu and %llu", (unsigned long long)st.n_live,
             (unsigned long long)st.stored_bytes, (unsigned long long)n_live,
             (unsigned long long)stored_bytes);
}

static void
totals_are_those_of_all_nodes_soon(void **state)
{
    struct fixture *f = *state;
    struct nodes n = meet(f);
    struct share_id one = id_of(1);
    struct blob_name blob = blob_of(1);

    await_stats(n.at[1], 0, 0);
    put(n.at[0], 1, 1);
    put(n.at[1], 2, 1);
    await_stats(n.at[0], 2, 2 * STORED);
    await_stats(n.at[1], 2, 2 * STORED);
    assert_ok(store_remove(n.at[1], &one, ENDED_REVOKED, T0));
    await_stats(n.at[0], 1, 2 * STORED);
    assert_ok(store_forget_doomed(n.at[0], &blob));
    await_stats(n.at[1], 1, STORED);
    leave(&n);
}

/* ---- one after the other: ends, and nodes that go away ---- */

static void
what_a_node_left_behind_the_other_ends(void **state)
{
    struct fixture *f = *state;
    struct nodes n = meet(f);
    struct doomed_blob doomed;

    put(n.at[1], 1, 1);
    put(n.at[1], 2, 1);
    (void)claim(n.at[1], 1, 1, T0);
    leave(&n);
    assert_next_due(f, T0 + LEASE_S, T0);
    assert_int_equal(0, end_due(f->s, T0 + LEASE_S - 1));
    assert_int_equal(1, end_due(f->s, T0 + LEASE_S));
    assert_ended(ENDED_USES, T0, status(f->s, 1, T0 + LEASE_S));
    assert_int_equal(1, end_due(f->s, EXPIRES));
    assert_ended(ENDED_EXPIRY, EXPIRES, status(f->s, 2, EXPIRES));
    for (unsigned i = 0; i < 2; i++)
        assert_ok(store_take_doomed(f->s, EXPIRES, 30, &doomed));
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, EXPIRES, 30, &doomed));
}

static void
a_doomed_blob_passes_to_the_other_node_when_its_hold_is_over(void **state)
{
    struct fixture *f = *state;
    struct nodes n = meet(f);
    struct share_id one = id_of(1);
    struct blob_name blob = blob_of(1);
    struct doomed_blob doomed;

    put(n.at[0], 1, 1);
    assert_ok(store_remove(n.at[0], &one, ENDED_REVOKED, T0));
    assert_ok(store_take_doomed(n.at[0], T0, 30, &doomed));
    assert_err(ERR_NOTFOUND, store_take_doomed(n.at[1], T0 + 29, 30, &doomed));
    assert_ok(store_hold_doomed(n.at[0], &blob, T0 + 50));
    assert_err(ERR_NOTFOUND, store_take_doomed(n.at[1], T0 + 49, 30, &doomed));
    assert_ok(store_take_doomed(n.at[1], T0 + 50, 30, &doomed));
    assert_memory_equal(&blob, &doomed.blob, sizeof(blob));
    assert_int_equal(STORED, doomed.stored_bytes);
    assert_int_equal(ENDED_REVOKED, doomed.ended_by);
    assert_err(ERR_NOTFOUND, store_take_doomed(n.at[0], T0 + 51, 30, &doomed));
    assert_ok(store_forget_doomed(n.at[1], &blob));
    assert_err(ERR_NOTFOUND, store_hold_doomed(n.at[0], &blob, T0 + 99)); /* too late, and told */
    assert_ok(store_forget_doomed(n.at[0], &blob));
    assert_err(ERR_NOTFOUND, store_take_doomed(n.at[0], T0 + 500, 30, &doomed));
    await_stats(n.at[0], 0, 0);
    leave(&n);
}

static void
a_node_whose_clock_is_behind_undoes_nothing(void **state)
{
    struct fixture *f = *state;
    struct nodes n = meet(f);
    struct lease_id lease;
    struct record got;

    put(n.at[0], 1, 1);
    put(n.at[0], 2, 2);
    assert_int_equal(2, end_due(n.at[0], EXPIRES));
    assert_int_equal(0, end_due(n.at[1], EXPIRES - 30));
    assert_ended(ENDED_EXPIRY, EXPIRES, status(n.at[1], 1, EXPIRES - 30));
    assert_err(ERR_GONE, try_claim(n.at[1], 2, 1, EXPIRES - 30, &got, &lease));
    await_stats(n.at[1], 0, 2 * STORED);
    leave(&n);
}

/* ---- both at once ---- */

struct crew {
    struct nodes nodes;
    atomic_uint ok, gone, other, n_ended;
    atomic_uint seen[MANY]; /* how often each blob was taken */
};

struct worker {
    struct crew *crew;
    struct store *s;
    unsigned number;
};

static void
tally(struct crew *c, enum err e)
{
    atomic_fetch_add(e == ERR_OK                       ? &c->ok
                     : e == ERR_GONE || e == ERR_TAKEN ? &c->gone
                                                       : &c->other,
                     1);
}

/* Run `work` on CREW threads, every other one at the other node, and wait for them. */
static void
run_crew(struct crew *c, void *(*work)(void *))
{
    struct worker workers[CREW];
    pthread_t threads[CREW];

    for (unsigned i = 0; i < CREW; i++) {
        workers[i] = (struct worker){c, c->nodes.at[i % NODES], i};
        assert_int_equal(0, pthread_create(&threads[i], NULL, work, &workers[i]));
    }
    for (unsigned i = 0; i < CREW; i++)
        assert_int_equal(0, pthread_join(threads[i], NULL));
}

static void *
claim_upload_1(void *arg)
{
    struct worker *w = arg;
    struct lease_id lease;
    struct record rec;

    for (unsigned i = 0; i < 50; i++)
        tally(w->crew, try_claim(w->s, 1, w->number, T0, &rec, &lease));
    return NULL;
}

static void
both_nodes_together_get_exactly_the_granted_uses(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.nodes = meet(f)};

    put(f->s, 1, 137);
    run_crew(&crew, claim_upload_1);
    assert_int_equal(137, crew.ok);
    assert_int_equal(CREW * 50 - 137, crew.gone);
    assert_int_equal(0, crew.other);
    assert_ended(ENDED_USES, T0, status(f->s, 1, T0));
    leave(&crew.nodes);
}

static void *
take_each_last_use_and_preview(void *arg)
{
    struct worker *w = arg;
    struct lease_id lease;
    struct record rec;

    for (unsigned tag = 0; tag < 50; tag++) {
        struct share_id id = id_of(100 + tag);

        tally(w->crew, try_claim(w->s, tag, w->number, T0, &rec, &lease));
        tally(w->crew, store_take_preview(w->s, &id, T0, &rec));
    }
    return NULL;
}

static void
the_last_use_and_the_preview_have_one_winner_over_both_nodes(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.nodes = meet(f)};

    for (unsigned tag = 0; tag < 50; tag++) {
        put(f->s, tag, 1);
        put(f->s, 100 + tag, 1);
    }
    run_crew(&crew, take_each_last_use_and_preview);
    assert_int_equal(2 * 50, crew.ok);
    assert_int_equal(2 * (CREW - 1) * 50, crew.gone);
    assert_int_equal(0, crew.other);
    leave(&crew.nodes);
}

static void *
put_the_same(void *arg)
{
    struct worker *w = arg;

    for (unsigned tag = 0; tag < 50; tag++) {
        struct record rec = sample(tag);
        enum err e;

        rec.blob = blob_of(w->number * 1000 + tag);
        e = store_put(w->s, &rec);
        tally(w->crew, e == ERR_EXISTS ? ERR_GONE : e);
    }
    return NULL;
}

static void
an_id_is_given_to_one_upload_over_both_nodes(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.nodes = meet(f)};

    run_crew(&crew, put_the_same);
    assert_int_equal(50, crew.ok);
    assert_int_equal((CREW - 1) * 50, crew.gone);
    assert_int_equal(0, crew.other);
    await_stats(f->s, 50, (uint64_t)50 * STORED);
    leave(&crew.nodes);
}

static void *
count_up(void *arg)
{
    struct worker *w = arg;
    struct counter got;

    for (unsigned i = 0; i < 50; i++)
        tally(w->crew, store_count(w->s, "shared", 2, 60, T0, &got));
    return NULL;
}

static void
counts_of_both_nodes_at_once_add_up(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.nodes = meet(f)};

    run_crew(&crew, count_up);
    assert_int_equal(CREW * 50, crew.ok);
    await_peek(crew.nodes.at[0], "shared", (uint64_t)CREW * 50 * 2);
    await_peek(crew.nodes.at[1], "shared", (uint64_t)CREW * 50 * 2);
    leave(&crew.nodes);
}

static void *
end_and_destroy(void *arg)
{
    struct worker *w = arg;
    struct doomed_blob doomed;
    unsigned n;

    do {
        n = 0;
        tally(w->crew, store_end_due(w->s, EXPIRES, 7, &n));
        atomic_fetch_add(&w->crew->n_ended, n);
        while (store_take_doomed(w->s, EXPIRES, 30, &doomed) == ERR_OK) {
            unsigned tag = (unsigned)doomed.blob.b[2] << 8 | doomed.blob.b[3];

            atomic_fetch_add(tag < MANY ? &w->crew->seen[tag] : &w->crew->other, 1);
            tally(w->crew, store_forget_doomed(w->s, &doomed.blob));
        }
    } while (n > 0);
    return NULL;
}

/* A node that dooms a blob after the others have looked for the last time leaves it to nobody
 * here, so one more round, alone, takes what is left. */
static void
both_nodes_at_once_end_each_upload_once_and_destroy_each_blob_once(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.nodes = meet(f)};
    struct worker last = {&crew, f->s, 0};

    for (unsigned tag = 0; tag < MANY; tag++)
        put(crew.nodes.at[tag % NODES], tag, 1 + tag % 2);
    for (unsigned tag = 0; tag < MANY; tag += 3)
        (void)claim(f->s, tag, 1, T0);
    run_crew(&crew, end_and_destroy);
    (void)end_and_destroy(&last);
    assert_int_equal(MANY, crew.n_ended);
    assert_int_equal(0, crew.other);
    for (unsigned tag = 0; tag < MANY; tag++)
        assert_int_equal(1, crew.seen[tag]);
    await_stats(crew.nodes.at[0], 0, 0);
    await_stats(crew.nodes.at[1], 0, 0);
    assert_int_equal(0, end_due(f->s, EXPIRES));
    assert_next_due_ahead(f, INT64_MAX, EXPIRES);
    leave(&crew.nodes);
}

/* One node looks whether anything is due, while the other takes the last uses. */
static void *
look_or_claim(void *arg)
{
    struct worker *w = arg;
    struct lease_id lease;
    struct record rec;
    unsigned n = 0;

    for (unsigned tag = 0; w->number % NODES == 0 && tag < MANY; tag++)
        tally(w->crew, try_claim(w->s, tag, w->number, T0 + LEASE_S, &rec, &lease));
    for (unsigned i = 0; w->number % NODES != 0 && i < 10; i++) {
        tally(w->crew, store_end_due(w->s, T0 + LEASE_S, 1000, &n));
        atomic_fetch_add(&w->crew->n_ended, n);
    }
    return NULL;
}

static void
a_claim_is_not_overlooked_while_the_other_node_looks_what_is_due(void **state)
{
    struct fixture *f = *state;
    struct crew crew = {.nodes = meet(f)};

    for (unsigned tag = 0; tag < MANY; tag++) {
        put(f->s, tag, 2);
        (void)claim(f->s, tag, 1, T0);
    }
    run_crew(&crew, look_or_claim);
    assert_int_equal(0, crew.n_ended);
    assert_int_equal(0, crew.other);
    assert_int_equal(MANY + CREW / NODES * 10, crew.ok);
    assert_next_due(f, T0 + 2 * LEASE_S, T0 + LEASE_S);
    assert_int_equal(MANY, end_due(f->s, T0 + 2 * LEASE_S));
    leave(&crew.nodes);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_one_node_puts_and_claims_the_other_sees_at_once),
    cmocka_unit_test(a_lease_of_one_node_is_the_others_too),
    cmocka_unit_test(a_burn_at_one_node_ends_the_leases_of_the_other),
    cmocka_unit_test(counters_add_up_and_are_seen_by_the_other_node_soon),
    cmocka_unit_test(totals_are_those_of_all_nodes_soon),
    cmocka_unit_test(what_a_node_left_behind_the_other_ends),
    cmocka_unit_test(a_doomed_blob_passes_to_the_other_node_when_its_hold_is_over),
    cmocka_unit_test(a_node_whose_clock_is_behind_undoes_nothing),
    cmocka_unit_test(both_nodes_together_get_exactly_the_granted_uses),
    cmocka_unit_test(the_last_use_and_the_preview_have_one_winner_over_both_nodes),
    cmocka_unit_test(an_id_is_given_to_one_upload_over_both_nodes),
    cmocka_unit_test(counts_of_both_nodes_at_once_add_up),
    cmocka_unit_test(a_claim_is_not_overlooked_while_the_other_node_looks_what_is_due),
    cmocka_unit_test(both_nodes_at_once_end_each_upload_once_and_destroy_each_blob_once),
};

CONTRACT_TESTS(store_node_tests, tests);
