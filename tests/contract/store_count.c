/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of the policies: store_count, store_peek. */
#include "store_contract.h"

#include <stdio.h>

static void
assert_counter(uint64_t value, int64_t resets_at_s, struct counter got)
{
    assert_int_equal(value, got.value);
    assert_int_equal(resets_at_s, got.resets_at_s);
}

static struct counter
count(struct store *s, const char *name, uint64_t n, int64_t window_s, int64_t now_s)
{
    struct counter got = {77, 77};

    assert_ok(store_count(s, name, n, window_s, now_s, &got));
    return got;
}

static struct counter
peek(struct store *s, const char *name, int64_t now_s)
{
    struct counter got = {77, 77};

    assert_ok(store_peek(s, name, now_s, &got));
    return got;
}

static void
a_counter_starts_at_the_first_add(void **state)
{
    struct fixture *f = *state;

    assert_counter(0, 0, peek(f->s, "fails:a", T0));
    assert_counter(3, T0 + 60, count(f->s, "fails:a", 3, 60, T0));
    assert_counter(3, T0 + 60, peek(f->s, "fails:a", T0));
    assert_counter(0, 0, peek(f->s, "fails:b", T0));
    assert_counter(0, 0, peek(f->s, "fails:", T0));
    assert_counter(0, 0, peek(f->s, "", T0));
}

static void
adding_never_prolongs_a_counter(void **state)
{
    struct fixture *f = *state;

    assert_counter(1, T0 + 60, count(f->s, "fails:a", 1, 60, T0));
    assert_counter(3, T0 + 60, count(f->s, "fails:a", 2, 60, T0 + 30));
    assert_counter(4, T0 + 60, count(f->s, "fails:a", 1, 6000, T0 + 59));
    assert_counter(4, T0 + 60, peek(f->s, "fails:a", T0 + 59));
}

static void
a_counter_past_its_time_is_nothing_and_starts_again(void **state)
{
    struct fixture *f = *state;

    assert_counter(5, T0 + 60, count(f->s, "fails:a", 5, 60, T0));
    assert_counter(0, 0, peek(f->s, "fails:a", T0 + 60));
    assert_counter(2, T0 + 90, count(f->s, "fails:a", 2, 30, T0 + 60));
    assert_counter(2, T0 + 90, peek(f->s, "fails:a", T0 + 60));
}

static void
a_counter_that_was_dropped_starts_again(void **state)
{
    struct fixture *f = *state;
    int64_t back_s = clock_back(f, T0 + 1, T0 + 60); /* also for a clock that steps back */

    (void)count(f->s, "fails:a", 5, 60, T0);
    (void)count(f->s, "fails:b", 5, 600, T0);
    assert_int_equal(0, end_due(f->s, T0 + 59));
    assert_counter(5, T0 + 60, peek(f->s, "fails:a", T0 + 1));
    assert_int_equal(0, end_due(f->s, T0 + 60));
    assert_counter(0, 0, peek(f->s, "fails:a", back_s));
    assert_counter(5, T0 + 600, peek(f->s, "fails:b", back_s));
    assert_counter(1, back_s + 60, count(f->s, "fails:a", 1, 60, back_s));
    assert_counter(1, back_s + 60, peek(f->s, "fails:a", back_s));
}

static void
adding_nothing_starts_nothing(void **state)
{
    struct fixture *f = *state;

    assert_counter(0, 0, count(f->s, "fails:a", 0, 60, T0));
    assert_counter(1, T0 + 70, count(f->s, "fails:a", 1, 60, T0 + 10));
    assert_counter(1, T0 + 70, count(f->s, "fails:a", 0, 60, T0 + 20));
    assert_counter(0, 0, count(f->s, "fails:a", 0, 60, T0 + 70));
}

static void
values_stop_at_the_largest(void **state)
{
    struct fixture *f = *state;

    assert_counter(INT64_MAX - 1, T0 + 60, count(f->s, "a", INT64_MAX - 1, 60, T0));
    assert_counter(INT64_MAX, T0 + 60, count(f->s, "a", 5, 60, T0));
    assert_counter(INT64_MAX, T0 + 60, count(f->s, "a", INT64_MAX, 60, T0));
    assert_counter(INT64_MAX, T0 + 60, count(f->s, "b", UINT64_MAX, 60, T0));
    assert_counter(INT64_MAX, T0 + 60, peek(f->s, "b", T0));
}

static void
windows_of_any_length_do_not_wrap(void **state)
{
    struct fixture *f = *state;

    assert_counter(1, INT64_MAX, count(f->s, "a", 1, INT64_MAX, T0));
    assert_counter(1, INT64_MAX, peek(f->s, "a", INT64_MAX - 1));
    assert_counter(0, 0, peek(f->s, "a", INT64_MAX));
    assert_counter(1, T0, count(f->s, "b", 1, 0, T0)); /* past its time at once */
    assert_counter(0, 0, peek(f->s, "b", T0));
    assert_counter(1, INT64_MIN, count(f->s, "c", 1, INT64_MIN, -1));
    assert_counter(0, 0, peek(f->s, "c", T0));
}

static void
a_name_of_the_largest_length_is_kept_whole(void **state)
{
    struct fixture *f = *state;
    char name[STORE_NAME_MAX + 2], other[STORE_NAME_MAX + 1];
    struct counter got = {77, 77};

    memset(name, 'n', sizeof(name));
    name[STORE_NAME_MAX] = '\0';
    memcpy(other, name, sizeof(other));
    other[STORE_NAME_MAX - 1] = 'm';
    (void)count(f->s, name, 4, 60, T0);
    assert_counter(4, T0 + 60, peek(f->s, name, T0));
    assert_counter(0, 0, peek(f->s, other, T0));

    name[STORE_NAME_MAX] = 'n';
    name[STORE_NAME_MAX + 1] = '\0';
    assert_err(ERR_TOOBIG, store_count(f->s, name, 1, 60, T0, &got));
    assert_err(ERR_TOOBIG, store_peek(f->s, name, T0, &got));
    assert_counter(77, 77, got);
}

static void
names_are_bytes_and_their_case_counts(void **state)
{
    struct fixture *f = *state;

    (void)count(f->s, "fails:status:2001:db8::/64", 1, 60, T0);
    assert_counter(0, 0, peek(f->s, "fails:status:2001:DB8::/64", T0));
    assert_counter(0, 0, peek(f->s, "fails:status:2001:db8::/6", T0));
    assert_counter(1, T0 + 60, peek(f->s, "fails:status:2001:db8::/64", T0));
}

static void
many_counters_are_all_found_also_after_a_restart(void **state)
{
    enum { N = 3000 };
    struct fixture *f = *state;
    int64_t back_s = clock_back(f, T0, T0 + 10);
    char name[32];

    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(name, sizeof(name), "fails:%u", i);
        (void)count(f->s, name, i + 1, i % 2 == 0 ? 10 : 1000, T0);
    }
    assert_int_equal(0, end_due(f->s, T0 + 10));
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < N; i++) {
            (void)snprintf(name, sizeof(name), "fails:%u", i);
            assert_counter(i % 2 == 0 ? 0 : i + 1, i % 2 == 0 ? 0 : T0 + 1000,
                           peek(f->s, name, back_s));
        }
        fixture_reopen(f);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_counter_starts_at_the_first_add),
    cmocka_unit_test(adding_never_prolongs_a_counter),
    cmocka_unit_test(a_counter_past_its_time_is_nothing_and_starts_again),
    cmocka_unit_test(a_counter_that_was_dropped_starts_again),
    cmocka_unit_test(adding_nothing_starts_nothing),
    cmocka_unit_test(values_stop_at_the_largest),
    cmocka_unit_test(windows_of_any_length_do_not_wrap),
    cmocka_unit_test(a_name_of_the_largest_length_is_kept_whole),
    cmocka_unit_test(names_are_bytes_and_their_case_counts),
    cmocka_unit_test(many_counters_are_all_found_also_after_a_restart),
};

CONTRACT_TESTS(store_count_tests, tests);
