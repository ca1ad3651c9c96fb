/* SPDX-License-Identifier: Apache-2.0 */
/* guard: what the server-wide budget does to strangers, who is no stranger, what is remembered of
 * whom, and what asking costs. */
#include "testing.h"

#include "unit/policy/guard_world.h"

static void
the_budget_follows_from_the_list_the_code_and_the_live_uploads(void **state)
{
    (void)state;
    /* 7775^4 = 3,654,278,062,890,625 */
    assert_int_equal(3654278062890625ULL >> 20, guard_budget(7775, 4, 0));
    assert_int_equal(3654278062890625ULL >> 20, guard_budget(7775, 4, 1));
    assert_int_equal((3654278062890625ULL >> 20) / 1000, guard_budget(7775, 4, 1000));
    /* 7776^5 passes 64 bits: 28,430,288,029,929,701,376 / 2^20 = 27,113,235,502,176 */
    assert_int_equal(27113235502176ULL, guard_budget(7776, 5, 1));
    assert_int_equal(20, guard_budget(276, 3, 1));
    assert_int_equal(10, guard_budget(276, 3, 2));
    assert_int_equal(1, guard_budget(276, 3, 1000));
    assert_int_equal(1, guard_budget(276, 3, UINT64_MAX));
    assert_int_equal(1, guard_budget(2, 1, 1));
    assert_int_equal(UINT64_MAX, guard_budget(65536, 6, 1)); /* 2^76 */
    assert_int_equal(UINT64_MAX, guard_budget(UINT32_MAX, 60, 1));
}

static void
strangers_are_refused_once_the_budget_is_spent(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &tight);
    spend_budget(&w, T0);
    is_blocked(&w, GUARD_DOWNLOAD, "198.51.100.1", T0, 3600);
    is_blocked(&w, GUARD_STATUS, "198.51.100.1", T0 + 5, 3595);
    is_blocked(&w, GUARD_BURN, "2001:db8::1", T0 + 3599, 1);
    may_ask(&w, GUARD_DOWNLOAD, "198.51.100.1", T0 + 3600);
    end(&w);
}

static void
networks_with_a_success_pass_when_the_budget_is_spent(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &tight);
    succeed(&w, "192.0.2.7", T0 - 10);
    succeed(&w, "2001:db8:0:1::1", T0 - 10);
    spend_budget(&w, T0);
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.7", T0);
    may_ask(&w, GUARD_STATUS, "2001:db8:0:1::2", T0);      /* the same /64 */
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.8", T0, 3600); /* not the neighbour */
    is_blocked(&w, GUARD_STATUS, "2001:db8:0:2::1", T0, 3600);
    end(&w);
}

static void
a_success_does_not_lift_a_block_for_failures(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 10, T0);
    succeed(&w, "192.0.2.7", T0);
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0, 1800);
    end(&w);
}

static void
more_live_uploads_make_the_budget_smaller(void **state)
{
    struct netaddr a = addr("198.51.100.1");
    int64_t retry_s = 0;
    struct world w;

    (void)state;
    begin(&w, &tight);
    guess(&w, GUARD_DOWNLOAD, "203.0.113.1", 10, T0);
    assert_ok(guard_ask(w.guard, GUARD_DOWNLOAD, &a, 1, T0, &retry_s));
    assert_err(ERR_BLOCKED, guard_ask(w.guard, GUARD_DOWNLOAD, &a, 2, T0, &retry_s));
    assert_int_equal(3600, retry_s);
    assert_ok(guard_ask(w.guard, GUARD_DOWNLOAD, &a, 1, T0, &retry_s));
    end(&w);
}

/* Reads the budget, and lets failures happen before it says what it has read. */
static enum err
peek_slowly(void *ctx, const char *name, int64_t now_s, struct counter_state *ret_state)
{
    struct world *w = ctx;
    enum err e = fake_peek(&w->fake, name, now_s, ret_state);

    if (strcmp(name, "budget") == 0)
        guess(w, GUARD_STATUS, "203.0.113.1", 20, now_s);
    return e;
}

static enum err
count_of_world(void *ctx, const char *name, uint64_t n, int64_t window_s, int64_t now_s,
               struct counter_state *ret_state)
{
    return fake_count(&((struct world *)ctx)->fake, name, n, window_s, now_s, ret_state);
}

static void
failures_during_a_look_at_the_budget_are_seen(void **state)
{
    struct world w;
    const struct counters slow = {.ctx = &w, .count = count_of_world, .peek = peek_slowly};

    (void)state;
    fake_init(&w.fake);
    w.guard = NULL;
    assert_ok(guard_new(&tight, &slow, &w.guard));
    is_blocked(&w, GUARD_DOWNLOAD, "198.51.100.1", T0, 3600);
    end(&w);
}

static void
failures_on_other_nodes_spend_the_budget_within_a_second(void **state)
{
    struct counter_state ignored;
    struct world w;

    (void)state;
    begin(&w, &tight);
    may_ask(&w, GUARD_DOWNLOAD, "198.51.100.1", T0);
    assert_ok(fake_count(&w.fake, "budget", 20, 3600, T0, &ignored));
    is_blocked(&w, GUARD_DOWNLOAD, "198.51.100.1", T0 + 1, 3599);
    end(&w);
}

/* ---- what is remembered, and what asking costs ---- */

static void
a_success_is_remembered_for_a_day_after_the_last_one(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &tight);
    succeed(&w, "192.0.2.7", T0);
    succeed(&w, "192.0.2.8", T0);
    succeed(&w, "192.0.2.8", T0 + 1000);
    spend_budget(&w, T0 + 86399);
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 86399);
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 86400, 3599);
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.8", T0 + 86400 + 999);
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.8", T0 + 86400 + 1000, 2599);
    end(&w);
}

static void
a_new_process_finds_the_successes_of_the_old_one(void **state)
{
    struct world w;
    struct counters counters;

    (void)state;
    begin(&w, &tight);
    succeed(&w, "192.0.2.7", T0);
    spend_budget(&w, T0);
    guard_free(w.guard);
    counters = fake_counters(&w.fake);
    assert_ok(guard_new(&tight, &counters, &w.guard));
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.7", T0);
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.8", T0, 3600);
    end(&w);
}

static void
of_many_successes_of_a_network_one_is_written(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    for (int i = 0; i < 100; i++)
        succeed(&w, "192.0.2.7", T0 + i);
    assert_int_equal(1, w.fake.n_counts);
    assert_int_equal(1, fake_value(&w.fake, "ok:192.0.2.7", T0));
    succeed(&w, "192.0.2.7", T0 + 86399);
    assert_int_equal(1, w.fake.n_counts);
    succeed(&w, "192.0.2.8", T0);
    assert_int_equal(2, w.fake.n_counts);
    succeed(&w, "192.0.2.7", T0 + 86400); /* the written one has ended */
    assert_int_equal(3, w.fake.n_counts);
    end(&w);
}

static void
asking_costs_a_peek_a_network_and_one_a_second(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    for (int i = 0; i < 100; i++)
        may_ask(&w, GUARD_STATUS, "192.0.2.7", T0);
    assert_int_equal(101, w.fake.n_peeks);
    may_ask(&w, GUARD_STATUS, "192.0.2.7", T0 + 1);
    assert_int_equal(103, w.fake.n_peeks);
    may_ask(&w, GUARD_STATUS, "2001:db8::1", T0 + 1);
    assert_int_equal(106, w.fake.n_peeks);
    assert_int_equal(0, w.fake.n_counts);
    end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_follows_from_the_list_the_code_and_the_live_uploads),
        cmocka_unit_test(strangers_are_refused_once_the_budget_is_spent),
        cmocka_unit_test(networks_with_a_success_pass_when_the_budget_is_spent),
        cmocka_unit_test(a_success_does_not_lift_a_block_for_failures),
        cmocka_unit_test(more_live_uploads_make_the_budget_smaller),
        cmocka_unit_test(failures_during_a_look_at_the_budget_are_seen),
        cmocka_unit_test(failures_on_other_nodes_spend_the_budget_within_a_second),
        cmocka_unit_test(a_success_is_remembered_for_a_day_after_the_last_one),
        cmocka_unit_test(a_new_process_finds_the_successes_of_the_old_one),
        cmocka_unit_test(of_many_successes_of_a_network_one_is_written),
        cmocka_unit_test(asking_costs_a_peek_a_network_and_one_a_second),
    };

    return cmocka_run_group_tests(tests, be_quiet, NULL);
}
