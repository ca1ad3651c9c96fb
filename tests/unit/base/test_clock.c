/* SPDX-License-Identifier: Apache-2.0 */
/* clock: times as text, and clocks that go forward; mem: comparing and wiping. */
#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
reads(int64_t at_s, const char *want)
{
    char text[CLOCK_TEXT_LEN];

    clock_text(at_s, text);
    assert_string_equal(want, text);
}

static void
times_are_rfc_3339_in_utc(void **state)
{
    (void)state;
    assert_int_equal(0, setenv("TZ", "America/New_York", 1)); /* must not matter */
    tzset();
    reads(0, "1970-01-01T00:00:00Z");
    reads(1767268800, "2026-01-01T12:00:00Z");
    reads(1709210096, "2024-02-29T12:34:56Z");
    reads(-1, "1969-12-31T23:59:59Z");
    reads(4294967296, "2106-02-07T06:28:16Z");
}

static void
early_and_late_years_keep_the_form(void **state)
{
    (void)state;
    reads(253402300799, "9999-12-31T23:59:59Z");
    reads(253402300800, "9999-12-31T23:59:59Z");
    reads(INT64_MAX, "9999-12-31T23:59:59Z");
    reads(-62167219200, "0000-01-01T00:00:00Z");
    reads(-62167219201, "0000-01-01T00:00:00Z");
    reads(INT64_MIN, "0000-01-01T00:00:00Z");
    reads(-30610224001, "0999-12-31T23:59:59Z");
    reads(-30610224000, "1000-01-01T00:00:00Z");
}

static void
the_wall_clock_is_the_system_s(void **state)
{
    int64_t before = (int64_t)time(NULL), now = clock_now_s(), after = (int64_t)time(NULL);

    (void)state;
    assert_in_range(now, before - 1, after + 1); /* time() may lag by a tick */
}

static void
the_monotonic_clock_goes_forward(void **state)
{
    int64_t us = clock_mono_us(), ms = clock_mono_ms();
    const struct timespec pause = {.tv_nsec = 3000000};

    (void)state;
    assert_int_equal(0, nanosleep(&pause, NULL));
    assert_true(clock_mono_us() - us >= 3000);
    assert_true(clock_mono_ms() - ms >= 2);
    assert_in_range(clock_mono_us() / 1000 - clock_mono_ms() + 1000, 0, 1000);
}

static void
bytes_are_equal_only_if_all_are(void **state)
{
    uint8_t a[64], b[64];

    (void)state;
    memset(a, 7, sizeof(a));
    memset(b, 7, sizeof(b));
    assert_true(mem_equal(a, b, sizeof(a)));
    assert_true(mem_equal(a, b, 0));
    for (size_t i = 0; i < sizeof(a); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            b[i] = (uint8_t)(7 ^ 1 << bit);
            assert_false(mem_equal(a, b, sizeof(a)));
            assert_true(mem_equal(a, b, i));
        }
        b[i] = 7;
    }
}

static void
wiping_zeroes_what_it_is_given_and_no_more(void **state)
{
    uint8_t bytes[16];

    (void)state;
    memset(bytes, 7, sizeof(bytes));
    mem_wipe(bytes + 4, 8);
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(i >= 4 && i < 12 ? 0 : 7, bytes[i]);
    mem_wipe(NULL, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_rfc_3339_in_utc),
        cmocka_unit_test(early_and_late_years_keep_the_form),
        cmocka_unit_test(the_wall_clock_is_the_system_s),
        cmocka_unit_test(the_monotonic_clock_goes_forward),
        cmocka_unit_test(bytes_are_equal_only_if_all_are),
        cmocka_unit_test(wiping_zeroes_what_it_is_given_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
