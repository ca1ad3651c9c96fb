/* SPDX-License-Identifier: Apache-2.0 */
/* rate: reading limits, and holding networks to them. */
#include "testing.h"

#include "base/mem.h"
#include "policy/rate.h"
#include "unit/policy/counters_fake.h"

#include <string.h>

enum { T0 = 1000000 };

static void
reads_as(const char *text, uint64_t n, int64_t window_s)
{
    struct rate r = {.n = 77, .window_s = 77};

    assert_ok(rate_parse(text, &r));
    assert_int_equal(n, r.n);
    assert_int_equal(window_s, r.window_s);
}

static void
rates_are_read(void **state)
{
    (void)state;
    reads_as("1/second", 1, 1);
    reads_as("10/minute", 10, 60);
    reads_as("30/hour", 30, 3600);
    reads_as("1000000/day", 1000000, 86400);
    reads_as("30/Hour", 30, 3600);
    reads_as("off", 0, 1);
    reads_as("OFF", 0, 1);
}

static void
what_is_no_rate_is_refused(void **state)
{
    static const char *const texts[] = {
        "",          "30",
        "/hour",     "30/",
        "0/hour",    "1000001/hour",
        "-1/hour",   "+1/hour",
        "30/hours",  "30/h",
        "30 / hour", " 30/hour",
        "30/hour ",  "30//hour",
        "3.5/hour",  "30/hour/hour",
        "on",        "no",
        "x/hour",    "offf",
        "30/week",   "18446744073709551617/hour",
        "0x1e/hour",
    };
    struct rate r = {.n = 77, .window_s = 77};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (rate_parse(texts[i], &r) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken as a rate", texts[i]);
    }
    assert_int_equal(77, r.n);
}

static enum err
take(struct fake *f, const struct rate *r, const char *kind, const char *client, int64_t now_s,
     int64_t *ret_retry_s)
{
    struct counters c = fake_counters(f);
    struct netaddr a = {.family = NETADDR_NONE};

    if (client[0] != '\0')
        assert_ok(netaddr_parse(client, strlen(client), &a));
    return rate_take(r, &c, kind, &a, now_s, ret_retry_s);
}

static void
one_request_too_many_is_refused_until_the_window_ends(void **state)
{
    const struct rate r = {.n = 3, .window_s = 60};
    static struct fake f;
    int64_t retry_s = -7;

    (void)state;
    fake_init(&f);
    assert_ok(take(&f, &r, "upload", "192.0.2.7", T0, &retry_s));
    assert_ok(take(&f, &r, "upload", "192.0.2.7", T0 + 10, &retry_s));
    assert_ok(take(&f, &r, "upload", "192.0.2.7", T0 + 20, &retry_s));
    assert_int_equal(-7, retry_s);
    assert_err(ERR_LIMITED, take(&f, &r, "upload", "192.0.2.7", T0 + 20, &retry_s));
    assert_int_equal(40, retry_s);
    assert_err(ERR_LIMITED, take(&f, &r, "upload", "192.0.2.7", T0 + 59, &retry_s));
    assert_int_equal(1, retry_s);
    assert_ok(take(&f, &r, "upload", "192.0.2.7", T0 + 60, &retry_s));
}

static void
networks_and_kinds_are_counted_apart(void **state)
{
    const struct rate r = {.n = 1, .window_s = 60};
    static struct fake f;
    int64_t retry_s;

    (void)state;
    fake_init(&f);
    assert_ok(take(&f, &r, "upload", "192.0.2.7", T0, &retry_s));
    assert_ok(take(&f, &r, "upload", "192.0.2.8", T0, &retry_s));
    assert_ok(take(&f, &r, "health", "192.0.2.7", T0, &retry_s));
    assert_err(ERR_LIMITED, take(&f, &r, "upload", "192.0.2.7", T0, &retry_s));
    assert_ok(take(&f, &r, "upload", "2001:db8:0:1::1", T0, &retry_s));
    assert_err(ERR_LIMITED, take(&f, &r, "upload", "2001:db8:0:1:9::2", T0, &retry_s));
    assert_ok(take(&f, &r, "upload", "2001:db8:0:2::1", T0, &retry_s));
    assert_ok(take(&f, &r, "upload", "", T0, &retry_s));
    assert_err(ERR_LIMITED, take(&f, &r, "upload", "", T0, &retry_s)); /* one count for all */
    assert_int_equal(2, fake_value(&f, "rate:upload:192.0.2.7", T0));
    assert_int_equal(2, fake_value(&f, "rate:upload:2001:db8:0:1::/64", T0));
}

static void
no_limit_asks_nobody(void **state)
{
    const struct rate r = {.n = 0, .window_s = 1};
    static struct fake f;
    int64_t retry_s;

    (void)state;
    fake_init(&f);
    for (int i = 0; i < 100; i++)
        assert_ok(take(&f, &r, "upload", "192.0.2.7", T0, &retry_s));
    assert_int_equal(0, f.n_counts);
}

static void
an_error_of_the_counters_is_no_permission(void **state)
{
    const struct rate r = {.n = 1, .window_s = 1};
    static struct fake f;
    int64_t retry_s = -7;

    (void)state;
    fake_init(&f);
    f.broken = ERR_UNAVAIL;
    assert_err(ERR_UNAVAIL, take(&f, &r, "upload", "192.0.2.7", T0, &retry_s));
    assert_int_equal(-7, retry_s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_read),
        cmocka_unit_test(what_is_no_rate_is_refused),
        cmocka_unit_test(one_request_too_many_is_refused_until_the_window_ends),
        cmocka_unit_test(networks_and_kinds_are_counted_apart),
        cmocka_unit_test(no_limit_asks_nobody),
        cmocka_unit_test(an_error_of_the_counters_is_no_permission),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
