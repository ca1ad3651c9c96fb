/* SPDX-License-Identifier: Apache-2.0 */
/* rnd: every number as likely as the next, also where a remainder alone would be biased. Bounds
 * lie six standard deviations out. */
#include "testing.h"

#include "base/rnd.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether the chi-squared statistic of counts that should be the same is near its mean. */
static bool
is_fair(const unsigned *counts, size_t n, double total)
{
    double expected = total / (double)n, sum = 0, freedom = (double)n - 1;

    for (size_t i = 0; i < n; i++)
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    return (sum - freedom) * (sum - freedom) < 36 * 2 * freedom;
}

static uint32_t
below(uint32_t n)
{
    uint32_t x = UINT32_MAX;

    assert_ok(rnd_below(n, &x));
    assert_true(x < n);
    return x;
}

static void
every_small_number_is_as_likely(void **state)
{
    (void)state;
    for (uint32_t n = 2; n <= 20; n++) {
        unsigned counts[20] = {0};

        for (unsigned i = 0; i < 4000; i++)
            counts[below(n)]++;
        assert_true(is_fair(counts, n, 4000));
    }
}

static void
below_one_there_is_only_zero(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(0, below(1));
}

/* Below 3 * 2^30, a remainder of 32 bits would hit the first third half of the time. */
static void
the_numbers_that_a_remainder_would_favour_are_not_favoured(void **state)
{
    unsigned thirds[3] = {0}, biased[3] = {0};
    uint32_t x;

    (void)state;
    for (unsigned i = 0; i < 12000; i++) {
        thirds[below(3U << 30) >> 30]++;
        assert_ok(rnd_bytes(&x, sizeof(x)));
        biased[x % (3U << 30) >> 30]++;
    }
    assert_true(is_fair(thirds, 3, 12000));
    assert_false(is_fair(biased, 3, 12000)); /* the measure would have seen it */
}

static void
numbers_at_the_edges_of_32_bits_are_fair(void **state)
{
    static const uint32_t edges[] = {UINT32_MAX, UINT32_MAX - 1, 1U << 31, (1U << 31) + 1,
                                     (1U << 31) - 1};

    (void)state;
    for (size_t k = 0; k < sizeof(edges) / sizeof(edges[0]); k++) {
        unsigned counts[16] = {0};

        for (unsigned i = 0; i < 4000; i++)
            counts[(uint64_t)below(edges[k]) * 16 / edges[k]]++;
        assert_true(is_fair(counts, 16, 4000));
    }
}

static void
bytes_are_all_filled_and_differ(void **state)
{
    static uint8_t a[100000], b[100000];
    static unsigned counts[256];

    (void)state;
    assert_ok(rnd_bytes(a, sizeof(a)));
    assert_ok(rnd_bytes(b, sizeof(b)));
    assert_memory_not_equal(a, b, sizeof(a));
    for (size_t i = 0; i < sizeof(a); i++)
        counts[a[i]]++;
    assert_true(is_fair(counts, 256, sizeof(a)));
    assert_ok(rnd_bytes(a, 0));
}

static int
text_order(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
uuids_have_their_form_and_none_comes_twice(void **state)
{
    enum { N = 2000 };
    static char uuids[N][UUID_TEXT_LEN];

    (void)state;
    for (int i = 0; i < N; i++) {
        rnd_uuid(uuids[i]);
        assert_int_equal(36, strlen(uuids[i]));
        for (int k = 0; k < 36; k++) {
            if (k == 8 || k == 13 || k == 18 || k == 23)
                assert_int_equal('-', uuids[i][k]);
            else
                assert_non_null(strchr("0123456789abcdef", uuids[i][k]));
        }
        assert_int_equal('4', uuids[i][14]);
        assert_non_null(strchr("89ab", uuids[i][19]));
    }
    qsort(uuids, N, UUID_TEXT_LEN, text_order);
    for (int i = 1; i < N; i++)
        assert_string_not_equal(uuids[i - 1], uuids[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_number_is_as_likely),
        cmocka_unit_test(below_one_there_is_only_zero),
        cmocka_unit_test(the_numbers_that_a_remainder_would_favour_are_not_favoured),
        cmocka_unit_test(numbers_at_the_edges_of_32_bits_are_fair),
        cmocka_unit_test(bytes_are_all_filled_and_differ),
        cmocka_unit_test(uuids_have_their_form_and_none_comes_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
