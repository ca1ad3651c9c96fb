/* SPDX-License-Identifier: Apache-2.0 */
/* guard: what it writes to the log: one line a block and one an hour over the budget, with the
 * client's network cut so that the line names nobody. */
#include "testing.h"

#include "base/log.h"
#include "policy/guard.h"
#include "unit/policy/counters_fake.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { T0 = 1000000 };

static const struct guard_cfg tight = {
    .fail_limit = 3,
    .fail_window_s = 600,
    .block_window_s = 1800,
    .list_words = 276, /* 20 failures an hour with one live upload */
    .code_words = 3,
};

struct world {
    struct fake fake;
    struct guard *guard;
    int old_stderr, pipe[2];
    char log[16384];
};

static void
begin(struct world *w)
{
    struct counters counters;

    fake_init(&w->fake);
    counters = fake_counters(&w->fake);
    w->guard = NULL;
    assert_ok(guard_new(&tight, &counters, &w->guard));
    assert_int_equal(0, pipe(w->pipe));
    w->old_stderr = dup(STDERR_FILENO);
    assert_true(w->old_stderr >= 0);
    assert_true(dup2(w->pipe[1], STDERR_FILENO) >= 0);
}

/* Give stderr back and read what was written; a pipe holds all of it. */
static void
end(struct world *w)
{
    ssize_t n;

    assert_true(dup2(w->old_stderr, STDERR_FILENO) >= 0);
    assert_int_equal(0, close(w->old_stderr));
    assert_int_equal(0, close(w->pipe[1]));
    n = read(w->pipe[0], w->log, sizeof(w->log) - 1);
    assert_true(n >= 0);
    w->log[n] = '\0';
    assert_int_equal(0, close(w->pipe[0]));
    guard_free(w->guard);
}

static unsigned
n_times(const struct world *w, const char *part)
{
    unsigned n = 0;

    for (const char *at = w->log; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

static void
guess(struct world *w, const char *client, unsigned n, int64_t now_s)
{
    struct netaddr a;

    assert_ok(netaddr_parse(client, strlen(client), &a));
    for (unsigned i = 0; i < n; i++)
        assert_ok(guard_failed(w->guard, GUARD_PREVIEW, &a, now_s));
}

static void
a_block_is_logged_once_with_its_network_cut(void **state)
{
    static struct world w;

    (void)state;
    begin(&w);
    guess(&w, "192.0.2.77", 5, T0);
    end(&w);
    assert_int_equal(1, n_times(&w, "\"event\":\"guard_block\""));
    assert_int_equal(1, n_times(&w, "\n"));
    assert_int_equal(1, n_times(&w, "\"level\":\"warn\""));
    assert_int_equal(1, n_times(&w, "\"action\":\"preview\""));
    assert_int_equal(1, n_times(&w, "\"network\":\"192.0.2.0/24\""));
    assert_int_equal(0, n_times(&w, "192.0.2.77"));
}

static void
ipv6_networks_are_cut_to_48_bits(void **state)
{
    static struct world w;

    (void)state;
    begin(&w);
    guess(&w, "2001:db8:1:2345::77", 3, T0);
    end(&w);
    assert_int_equal(1, n_times(&w, "\"network\":\"2001:db8:1::/48\""));
    assert_int_equal(0, n_times(&w, "2345"));
}

static void
failures_below_the_limit_are_not_logged(void **state)
{
    static struct world w;

    (void)state;
    begin(&w);
    guess(&w, "192.0.2.77", 2, T0);
    guess(&w, "192.0.2.77", 2, T0 + 600);
    end(&w);
    assert_string_equal("", w.log);
}

static void
a_second_block_is_logged_again(void **state)
{
    static struct world w;

    (void)state;
    begin(&w);
    guess(&w, "192.0.2.77", 3, T0);
    guess(&w, "192.0.2.77", 3, T0 + 1800);
    end(&w);
    assert_int_equal(2, n_times(&w, "\"event\":\"guard_block\""));
}

static void
a_spent_budget_is_logged_once_an_hour(void **state)
{
    struct netaddr a = {.family = NETADDR_UNIX};
    static struct world w;
    int64_t retry_s;

    (void)state;
    begin(&w);
    for (int hour = 0; hour < 2; hour++) {
        for (int i = 0; i < 30; i++) {
            char client[16];

            (void)snprintf(client, sizeof(client), "10.%d.0.%d", hour, i);
            guess(&w, client, 1, T0 + hour * 3600 + i);
            assert_err(i < 19 ? ERR_OK : ERR_BLOCKED,
                       guard_ask(w.guard, GUARD_STATUS, &a, 1, T0 + hour * 3600 + i, &retry_s));
        }
    }
    end(&w);
    assert_int_equal(2, n_times(&w, "\"event\":\"guard_over_budget\""));
    assert_int_equal(2, n_times(&w, "\"budget\":20"));
    assert_int_equal(2, n_times(&w, "\n"));
}

static void
a_budget_with_one_failure_left_is_not_logged(void **state)
{
    static struct world w;

    (void)state;
    begin(&w);
    for (int i = 0; i < 19; i++) {
        char client[16];

        (void)snprintf(client, sizeof(client), "10.0.0.%d", i);
        guess(&w, client, 1, T0);
    }
    end(&w);
    assert_string_equal("", w.log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_logged_once_with_its_network_cut),
        cmocka_unit_test(ipv6_networks_are_cut_to_48_bits),
        cmocka_unit_test(failures_below_the_limit_are_not_logged),
        cmocka_unit_test(a_second_block_is_logged_again),
        cmocka_unit_test(a_spent_budget_is_logged_once_an_hour),
        cmocka_unit_test(a_budget_with_one_failure_left_is_not_logged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
