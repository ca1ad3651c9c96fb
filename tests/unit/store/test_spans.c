/* SPDX-License-Identifier: Apache-2.0 */
/* Spans: which bytes a lease's client has had; compared with one flag per byte. */
#include "testing.h"

#include "store/spans.h"

#include <string.h>

static struct spans
spans_of(const struct store_span *at, size_t n)
{
    struct spans sp = {.n = 0};

    for (size_t i = 0; i < n; i++)
        spans_add(&sp, &at[i], 1000);
    return sp;
}

static void
spans_that_touch_or_overlap_become_one(void **state)
{
    const struct store_span in[] = {{10, 20}, {30, 40}, {20, 25}, {24, 31}};
    struct spans sp = spans_of(in, 4);

    (void)state;
    assert_int_equal(1, sp.n);
    assert_int_equal(10, sp.at[0].from);
    assert_int_equal(40, sp.at[0].to);
}

static void
spans_one_byte_apart_stay_two(void **state)
{
    const struct store_span in[] = {{21, 30}, {10, 20}};
    struct spans sp = spans_of(in, 2);

    (void)state;
    assert_int_equal(2, sp.n);
    assert_int_equal(10, sp.at[0].from);
    assert_int_equal(21, sp.at[1].from);
    assert_false(spans_has(&sp, 20));
    assert_true(spans_has(&sp, 19));
    assert_true(spans_has(&sp, 21));
}

static void
spans_stop_at_the_end_of_the_upload(void **state)
{
    const struct store_span in[] = {{990, UINT64_MAX}, {1000, 1001}, {5, 5}, {9, 3}};
    struct spans sp = spans_of(in, 4);

    (void)state;
    assert_int_equal(1, sp.n);
    assert_int_equal(1000, sp.at[0].to);
}

static void
cover_needs_every_byte(void **state)
{
    const struct store_span all[] = {{0, 500}, {500, 1000}}, head[] = {{0, 999}},
                            tail[] = {{1, 1000}}, hole[] = {{0, 500}, {501, 1000}};
    struct spans sp;

    (void)state;
    sp = spans_of(all, 2);
    assert_true(spans_cover(&sp, 1000));
    sp = spans_of(head, 1);
    assert_false(spans_cover(&sp, 1000));
    sp = spans_of(tail, 1);
    assert_false(spans_cover(&sp, 1000));
    sp = spans_of(hole, 2);
    assert_false(spans_cover(&sp, 1000));
    sp.n = 0;
    assert_false(spans_cover(&sp, 1));
    assert_true(spans_cover(&sp, 0));
}

static void
the_smallest_of_too_many_is_forgotten(void **state)
{
    struct store_span span;
    struct spans sp = {.n = 0};

    (void)state;
    for (uint64_t i = 0; i < LEASE_SPANS_MAX; i++) {
        span = (struct store_span){i * 10, i * 10 + (i == 3 || i == 9 ? 2 : 5)};
        spans_add(&sp, &span, 100000);
    }
    span = (struct store_span){5000, 5003};
    spans_add(&sp, &span, 100000);
    assert_int_equal(LEASE_SPANS_MAX, sp.n);
    assert_false(spans_has(&sp, 30)); /* of two smallest the first */
    assert_true(spans_has(&sp, 90));
    assert_true(spans_has(&sp, 5002));
    span = (struct store_span){6000, 6001};
    spans_add(&sp, &span, 100000);
    assert_int_equal(LEASE_SPANS_MAX, sp.n);
    assert_false(spans_has(&sp, 6000));
    assert_true(spans_has(&sp, 90));
}

static void
random_spans_agree_with_one_flag_per_byte(void **state)
{
    enum { BYTES = 60 };
    uint32_t random = 7;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct spans sp = {.n = 0};
        bool had[BYTES] = {false};

        for (unsigned i = 0; i < 40; i++) {
            struct store_span span;
            bool all = true;

            random = random * 1664525 + 1013904223;
            span.from = (random >> 8) % BYTES;
            span.to = span.from + (random >> 20) % 6;
            spans_add(&sp, &span, BYTES);
            for (uint64_t k = span.from; k < span.to && k < BYTES; k++)
                had[k] = true;
            for (unsigned k = 0; k < BYTES; k++) {
                assert_int_equal(had[k], spans_has(&sp, k));
                all = all && had[k];
            }
            assert_int_equal(all, spans_cover(&sp, BYTES));
        }
    }
}

static void
spans_come_back_from_bytes_as_they_were(void **state)
{
    const struct store_span in[] = {{0, 1}, {0x0102030405060708, 0x1112131415161718}};
    struct spans sp = {.n = 0}, got = {.n = 9};
    uint8_t bytes[SPANS_ENCODED_MAX];
    size_t len = 0;

    (void)state;
    spans_add(&sp, &in[0], UINT64_MAX);
    spans_add(&sp, &in[1], UINT64_MAX);
    spans_encode(&sp, bytes, &len);
    assert_int_equal(32, len);
    assert_int_equal(0x01, bytes[16]);
    assert_int_equal(0x18, bytes[31]);
    assert_ok(spans_decode(bytes, len, &got));
    assert_int_equal(2, got.n);
    assert_memory_equal(in, got.at, sizeof(in));
    assert_ok(spans_decode(NULL, 0, &got));
    assert_int_equal(0, got.n);
}

static void
bytes_that_are_no_spans_are_refused(void **state)
{
    const struct store_span in[] = {{10, 20}, {30, 40}};
    struct spans sp = spans_of(in, 2), got = {.n = 9};
    uint8_t bytes[SPANS_ENCODED_MAX + 16] = {0}, swapped[32];
    size_t len = 0;

    (void)state;
    spans_encode(&sp, bytes, &len);
    assert_err(ERR_INTEGRITY, spans_decode(bytes, len - 1, &got));
    memcpy(swapped, bytes + 16, 16);
    memcpy(swapped + 16, bytes, 16);
    assert_err(ERR_INTEGRITY, spans_decode(swapped, 32, &got));
    bytes[23] = 20; /* 10..20 and 20..40 touch */
    assert_err(ERR_INTEGRITY, spans_decode(bytes, len, &got));
    bytes[7] = 20; /* 20..20 is empty */
    assert_err(ERR_INTEGRITY, spans_decode(bytes, 16, &got));
    for (uint8_t i = 0; i <= LEASE_SPANS_MAX; i++) {
        memset(bytes + 16 * i, 0, 16);
        bytes[16 * i + 6] = i;
        bytes[16 * i + 14] = i;
        bytes[16 * i + 15] = 1;
    }
    assert_ok(spans_decode(bytes, SPANS_ENCODED_MAX, &got));
    got.n = 9;
    assert_err(ERR_INTEGRITY, spans_decode(bytes, SPANS_ENCODED_MAX + 16, &got));
    assert_int_equal(9, got.n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_that_touch_or_overlap_become_one),
        cmocka_unit_test(spans_one_byte_apart_stay_two),
        cmocka_unit_test(spans_stop_at_the_end_of_the_upload),
        cmocka_unit_test(cover_needs_every_byte),
        cmocka_unit_test(the_smallest_of_too_many_is_forgotten),
        cmocka_unit_test(random_spans_agree_with_one_flag_per_byte),
        cmocka_unit_test(spans_come_back_from_bytes_as_they_were),
        cmocka_unit_test(bytes_that_are_no_spans_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
