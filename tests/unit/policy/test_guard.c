/* SPDX-License-Identifier: Apache-2.0 */
/* guard: how many failures a network has, for how long it is blocked, whom else that concerns, and
 * what threads do to it. The budget has a file of its own. The tests own the clock. */
#include "testing.h"

#include "unit/policy/guard_world.h"

#include <pthread.h>

static void
exactly_ten_failures_are_possible_before_the_block(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    for (unsigned i = 0; i < 10; i++) {
        may_ask(&w, GUARD_DOWNLOAD, "192.0.2.7", T0);
        guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 1, T0);
    }
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0, 1800);
    assert_int_equal(10, fake_value(&w.fake, "fails:download:192.0.2.7", T0));
    assert_int_equal(1, fake_value(&w.fake, "block:download:192.0.2.7", T0));
    end(&w);
}

static void
a_block_ends_to_the_second(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_STATUS, "192.0.2.7", 10, T0);
    is_blocked(&w, GUARD_STATUS, "192.0.2.7", T0 + 1799, 1);
    may_ask(&w, GUARD_STATUS, "192.0.2.7", T0 + 1800);
    guess(&w, GUARD_STATUS, "192.0.2.7", 9, T0 + 1800); /* and all ten are free again */
    may_ask(&w, GUARD_STATUS, "192.0.2.7", T0 + 1800);
    end(&w);
}

static void
failures_are_forgotten_when_their_window_ends(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 9, T0);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 9, T0 + 600);
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 600);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 1, T0 + 1199);
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 1199, 1800);
    end(&w);
}

static void
failures_during_a_block_do_not_prolong_it(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 10, T0);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 5, T0 + 100); /* were under way when it began */
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 100, 1700);
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 1800);
    end(&w);
}

static void
a_block_concerns_one_action_only(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_PREVIEW, "192.0.2.7", 10, T0);
    is_blocked(&w, GUARD_PREVIEW, "192.0.2.7", T0, 1800);
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.7", T0);
    may_ask(&w, GUARD_STATUS, "192.0.2.7", T0);
    may_ask(&w, GUARD_BURN, "192.0.2.7", T0);
    guess(&w, GUARD_BURN, "192.0.2.7", 10, T0);
    is_blocked(&w, GUARD_BURN, "192.0.2.7", T0, 1800);
    assert_int_equal(1, fake_value(&w.fake, "block:burn:192.0.2.7", T0));
    end(&w);
}

static void
a_block_concerns_one_ipv4_address_only(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 10, T0);
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.8", T0);
    is_blocked(&w, GUARD_DOWNLOAD, "::ffff:192.0.2.7", T0, 1800); /* the same address */
    end(&w);
}

static void
an_ipv6_64_is_one_network(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:1::1", 5, T0);
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:1:ffff:ffff:ffff:ffff", 5, T0);
    is_blocked(&w, GUARD_DOWNLOAD, "2001:db8:0:1:2:3:4:5", T0, 1800);
    may_ask(&w, GUARD_DOWNLOAD, "2001:db8:0:2::1", T0);
    assert_int_equal(1, fake_value(&w.fake, "block:download:2001:db8:0:1::/64", T0));
    end(&w);
}

static void
a_56_has_twice_the_failures_and_a_48_four_times(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:1::1", 9, T0);
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:2::1", 9, T0);
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:3::1", 1, T0); /* 19 in the /56 */
    may_ask(&w, GUARD_DOWNLOAD, "2001:db8:0:3::1", T0);
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:3::1", 1, T0);
    is_blocked(&w, GUARD_DOWNLOAD, "2001:db8:0:ff::1", T0, 1800);
    may_ask(&w, GUARD_DOWNLOAD, "2001:db8:0:100::1", T0); /* another /56 */
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:100::1", 9, T0 + 1);
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:8200::1", 9, T0 + 1);
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:300::1", 1, T0 + 1); /* 39 in the /48 */
    may_ask(&w, GUARD_DOWNLOAD, "2001:db8:0:400::1", T0 + 1);
    guess(&w, GUARD_DOWNLOAD, "2001:db8:0:300::1", 1, T0 + 1);
    is_blocked(&w, GUARD_DOWNLOAD, "2001:db8:0:400::1", T0 + 1, 1800);
    is_blocked(&w, GUARD_DOWNLOAD, "2001:db8:0:1::1", T0 + 1, 1800); /* the longer of two */
    may_ask(&w, GUARD_DOWNLOAD, "2001:db8:1::1", T0 + 1);
    end(&w);
}

static void
clients_without_an_address_are_one_network(void **state)
{
    struct world w;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_DOWNLOAD, "unix", 5, T0);
    guess(&w, GUARD_DOWNLOAD, "none", 5, T0);
    is_blocked(&w, GUARD_DOWNLOAD, "unix", T0, 1800);
    is_blocked(&w, GUARD_DOWNLOAD, "none", T0, 1800);
    may_ask(&w, GUARD_DOWNLOAD, "127.0.0.1", T0);
    end(&w);
}

static void
a_new_process_finds_the_blocks_of_the_old_one(void **state)
{
    struct world w;
    struct counters counters;

    (void)state;
    begin(&w, &usual);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 10, T0);
    guard_free(w.guard);
    counters = fake_counters(&w.fake);
    assert_ok(guard_new(&usual, &counters, &w.guard));
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 1, 1799);
    end(&w);
}

static void
a_limit_near_the_end_of_numbers_is_no_small_one(void **state)
{
    struct guard_cfg cfg = usual;
    struct world w;

    (void)state;
    cfg.fail_limit = UINT64_MAX / 2 + 2; /* twice this would wrap to 2 */
    begin(&w, &cfg);
    guess(&w, GUARD_DOWNLOAD, "2001:db8::1", 30, T0);
    may_ask(&w, GUARD_DOWNLOAD, "2001:db8::1", T0);
    end(&w);
}

static void
a_window_longer_than_the_block_blocks_again_at_the_next_failure(void **state)
{
    struct guard_cfg cfg = usual;
    struct world w;

    (void)state;
    cfg.fail_window_s = 3600;
    cfg.block_window_s = 60;
    begin(&w, &cfg);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 10, T0);
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 59, 1);
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 60);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 1, T0 + 60);
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0 + 60, 60);
    end(&w);
}

static void
an_error_of_the_counters_is_no_permission(void **state)
{
    struct netaddr a = addr("192.0.2.7");
    int64_t retry_s = -7;
    struct world w;

    (void)state;
    begin(&w, &usual);
    w.fake.broken = ERR_UNAVAIL;
    assert_err(ERR_UNAVAIL, guard_ask(w.guard, GUARD_DOWNLOAD, &a, 1, T0, &retry_s));
    assert_int_equal(-7, retry_s);
    assert_err(ERR_UNAVAIL, guard_failed(w.guard, GUARD_DOWNLOAD, &a, T0));
    assert_err(ERR_UNAVAIL, guard_succeeded(w.guard, &a, T0));
    w.fake.broken = ERR_OK;
    may_ask(&w, GUARD_DOWNLOAD, "192.0.2.7", T0);
    end(&w);
}

static void
the_statistics_count_what_happened(void **state)
{
    struct guard_stats stats;
    struct world w;

    (void)state;
    begin(&w, &usual);
    guard_stats(w.guard, &stats);
    assert_int_equal(0, stats.n_failures + stats.n_blocks + stats.n_refused + stats.budget_used);
    assert_false(stats.is_over_budget);
    guess(&w, GUARD_DOWNLOAD, "192.0.2.7", 12, T0);
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0, 1800);
    is_blocked(&w, GUARD_DOWNLOAD, "192.0.2.7", T0, 1800);
    guard_stats(w.guard, &stats);
    assert_int_equal(12, stats.n_failures);
    assert_int_equal(1, stats.n_blocks);
    assert_int_equal(2, stats.n_refused);
    assert_int_equal(12, stats.budget_used);
    assert_false(stats.is_over_budget);
    end(&w);

    begin(&w, &tight);
    spend_budget(&w, T0);
    guard_stats(w.guard, &stats);
    assert_true(stats.is_over_budget);
    may_ask(&w, GUARD_DOWNLOAD, "198.51.100.1", T0 + 3600);
    guard_stats(w.guard, &stats);
    assert_false(stats.is_over_budget);
    assert_int_equal(0, stats.budget_used);
    end(&w);
}

/* ---- threads ---- */

enum { N_THREADS = 4, N_ROUNDS = 250 };

static void *
fail_and_succeed(void *arg)
{
    struct world *w = arg;
    struct netaddr guesser = addr("192.0.2.7"), friend = addr("192.0.2.8");
    int64_t retry_s = 0;

    for (int i = 0; i < N_ROUNDS; i++) {
        enum err e = guard_ask(w->guard, GUARD_DOWNLOAD, &guesser, 1, T0 + i / 100, &retry_s);

        if ((e != ERR_OK && e != ERR_BLOCKED) ||
            guard_failed(w->guard, GUARD_DOWNLOAD, &guesser, T0 + i / 100) != ERR_OK ||
            guard_succeeded(w->guard, &friend, T0 + i / 100) != ERR_OK)
            return w;
    }
    return NULL;
}

static void
threads_lose_no_failure_and_make_one_block(void **state)
{
    pthread_t threads[N_THREADS];
    struct guard_stats stats;
    struct world w;
    void *failed;

    (void)state;
    begin(&w, &usual);
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, fail_and_succeed, &w));
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(0, pthread_join(threads[i], &failed));
        assert_null(failed);
    }
    guard_stats(w.guard, &stats);
    assert_int_equal(N_THREADS * N_ROUNDS, stats.n_failures);
    assert_int_equal(N_THREADS * N_ROUNDS, stats.budget_used);
    assert_int_equal(1, stats.n_blocks);
    end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_ten_failures_are_possible_before_the_block),
        cmocka_unit_test(a_block_ends_to_the_second),
        cmocka_unit_test(failures_are_forgotten_when_their_window_ends),
        cmocka_unit_test(failures_during_a_block_do_not_prolong_it),
        cmocka_unit_test(a_block_concerns_one_action_only),
        cmocka_unit_test(a_block_concerns_one_ipv4_address_only),
        cmocka_unit_test(an_ipv6_64_is_one_network),
        cmocka_unit_test(a_56_has_twice_the_failures_and_a_48_four_times),
        cmocka_unit_test(clients_without_an_address_are_one_network),
        cmocka_unit_test(a_new_process_finds_the_blocks_of_the_old_one),
        cmocka_unit_test(a_limit_near_the_end_of_numbers_is_no_small_one),
        cmocka_unit_test(a_window_longer_than_the_block_blocks_again_at_the_next_failure),
        cmocka_unit_test(an_error_of_the_counters_is_no_permission),
        cmocka_unit_test(the_statistics_count_what_happened),
        cmocka_unit_test(threads_lose_no_failure_and_make_one_block),
    };

    return cmocka_run_group_tests(tests, be_quiet, NULL);
}
