/* SPDX-License-Identifier: Apache-2.0 */
/* Range and If-Range: what is read, what is ignored, what is refused, and where it lands in a file
 * of a given size. */
#include "testing.h"

#include "base/mem.h"
#include "http/range.h"

static void
assert_spec(const char *header, enum range_kind kind, uint64_t first, uint64_t last)
{
    struct range_spec spec = {.kind = RANGE_NONE, .first = 77, .last = 77};

    assert_ok(range_parse(header, &spec));
    assert_int_equal(spec.kind, kind);
    if (kind == RANGE_FROM)
        assert_true(spec.first == first);
    if (kind != RANGE_NONE)
        assert_true(spec.last == last);
}

static void
a_single_range_is_read(void **state)
{
    (void)state;
    assert_spec("bytes=0-499", RANGE_FROM, 0, 499);
    assert_spec("bytes=500-500", RANGE_FROM, 500, 500);
    assert_spec("bytes=9500-", RANGE_FROM, 9500, UINT64_MAX);
    assert_spec("bytes=-500", RANGE_SUFFIX, 0, 500);
    assert_spec("BYTES=007-0009", RANGE_FROM, 7, 9);
    assert_spec("  bytes=1-2\t", RANGE_FROM, 1, 2);
    assert_spec("bytes= 1-2 ,", RANGE_FROM, 1, 2);
    assert_spec("bytes=,,-0", RANGE_SUFFIX, 0, 0);
}

static void
a_number_beyond_64_bits_is_the_largest(void **state)
{
    (void)state;
    assert_spec("bytes=18446744073709551614-", RANGE_FROM, UINT64_MAX - 1, UINT64_MAX);
    assert_spec("bytes=18446744073709551615-", RANGE_FROM, UINT64_MAX, UINT64_MAX);
    assert_spec("bytes=1-18446744073709551616", RANGE_FROM, 1, UINT64_MAX);
    assert_spec("bytes=1-99999999999999999999999999999999", RANGE_FROM, 1, UINT64_MAX);
    assert_spec("bytes=-99999999999999999999999999999999", RANGE_SUFFIX, 0, UINT64_MAX);
}

static void
no_header_another_unit_and_several_ranges_mean_the_whole(void **state)
{
    (void)state;
    assert_spec(NULL, RANGE_NONE, 0, 0);
    assert_spec("", RANGE_NONE, 0, 0);
    assert_spec("items=0-5", RANGE_NONE, 0, 0);
    assert_spec("bytesx=0-5", RANGE_NONE, 0, 0);
    assert_spec("seconds", RANGE_NONE, 0, 0);
    assert_spec("bytes=0-1,5-6", RANGE_NONE, 0, 0);
    assert_spec("bytes=0-1 , -5", RANGE_NONE, 0, 0);
}

static void
a_malformed_byte_range_is_refused_and_leaves_the_output_alone(void **state)
{
    static const char *const bad[] = {
        "bytes",       "bytes=",      "bytes=,",       "bytes 0-1",   "bytes=-",
        "bytes=1",     "bytes=2-1",   "bytes=a-b",     "bytes=1-2x",  "bytes=x1-2",
        "bytes=0x1-2", "bytes=+1-2",  "bytes=1--2",    "bytes=--2",   "bytes=1 -2",
        "bytes=1- 2",  "bytes=1-2-3", "bytes =1-2",    "bytes=1.0-2", "bytes=1-2;3",
        "bytes=1-2,x", "bytes=x,1-2", "bytes=\"1-2\"", "bytes==1-2",  "bytes=5-4,1-2",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct range_spec spec = {.kind = RANGE_SUFFIX, .first = 77, .last = 78};

        if (range_parse(bad[i], &spec) != ERR_RANGE)
            fail_msg("\"%s\" was not refused", bad[i]);
        assert_int_equal(spec.kind, RANGE_SUFFIX);
        assert_true(spec.first == 77 && spec.last == 78);
    }
}

static void
assert_fit(const char *header, uint64_t size, uint64_t want_from, uint64_t want_len)
{
    struct range_spec spec;
    uint64_t from = 77, len = 77;

    assert_ok(range_parse(header, &spec));
    assert_ok(range_fit(&spec, size, &from, &len));
    assert_true(from == want_from);
    assert_true(len == want_len);
}

static void
a_range_is_cut_at_the_end_of_the_file(void **state)
{
    (void)state;
    assert_fit(NULL, 1000, 0, 1000);
    assert_fit(NULL, 0, 0, 0);
    assert_fit("bytes=0-0", 1000, 0, 1);
    assert_fit("bytes=0-999", 1000, 0, 1000);
    assert_fit("bytes=0-1000", 1000, 0, 1000);
    assert_fit("bytes=999-", 1000, 999, 1);
    assert_fit("bytes=5-18446744073709551615", 1000, 5, 995);
    assert_fit("bytes=-1", 1000, 999, 1);
    assert_fit("bytes=-1000", 1000, 0, 1000);
    assert_fit("bytes=-1001", 1000, 0, 1000);
    assert_fit("bytes=0-", UINT64_MAX, 0, UINT64_MAX);
    assert_fit("bytes=0-18446744073709551614", UINT64_MAX, 0, UINT64_MAX);
}

static void
a_range_outside_the_file_is_refused(void **state)
{
    static const struct {
        const char *header;
        uint64_t size;
    } bad[] = {
        {"bytes=1000-", 1000}, {"bytes=1000-2000", 1000},
        {"bytes=-0", 1000},    {"bytes=0-", 0},
        {"bytes=-1", 0},       {"bytes=18446744073709551615-", UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct range_spec spec;
        uint64_t from = 77, len = 78;

        assert_ok(range_parse(bad[i].header, &spec));
        assert_err(ERR_RANGE, range_fit(&spec, bad[i].size, &from, &len));
        assert_true(from == 77 && len == 78);
    }
}

static void
only_the_same_strong_tag_lets_a_range_count(void **state)
{
    (void)state;
    assert_true(range_if(NULL, "\"abc\""));
    assert_true(range_if("\"abc\"", "\"abc\""));
    assert_true(range_if(" \"abc\" ", "\"abc\""));

    assert_false(range_if("", "\"abc\""));
    assert_false(range_if("\"abd\"", "\"abc\""));
    assert_false(range_if("\"ab\"", "\"abc\""));
    assert_false(range_if("\"ABC\"", "\"abc\""));
    assert_false(range_if("abc", "\"abc\""));
    assert_false(range_if("W/\"abc\"", "\"abc\""));
    assert_false(range_if("W/\"abc\"", "W/\"abc\""));
    assert_false(range_if("Sat, 29 Oct 1994 19:43:31 GMT", "\"abc\""));
    assert_false(range_if("\"abc\", \"abc\"", "\"abc\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_range_is_read),
        cmocka_unit_test(a_number_beyond_64_bits_is_the_largest),
        cmocka_unit_test(no_header_another_unit_and_several_ranges_mean_the_whole),
        cmocka_unit_test(a_malformed_byte_range_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(a_range_is_cut_at_the_end_of_the_file),
        cmocka_unit_test(a_range_outside_the_file_is_refused),
        cmocka_unit_test(only_the_same_strong_tag_lets_a_range_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
