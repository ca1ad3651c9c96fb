/* SPDX-License-Identifier: Apache-2.0 */
/* text: numbers, sizes, booleans, lists and UTF-8, each taken whole or not at all. */
#include "testing.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

static void
number_is(const char *text, uint64_t max, uint64_t want)
{
    uint64_t n = 77;

    assert_ok(text_u64(text, strlen(text), max, &n));
    assert_int_equal(want, n);
}

static void
numbers_are_read_up_to_the_largest(void **state)
{
    uint64_t n = 77;

    (void)state;
    number_is("0", 0, 0);
    number_is("007", 10, 7);
    number_is("10", 10, 10);
    number_is("18446744073709551615", UINT64_MAX, UINT64_MAX);
    assert_ok(text_u64("123456", 3, 1000, &n));
    assert_int_equal(123, n);
}

static void
numbers_above_their_maximum_are_out_of_range(void **state)
{
    static const char *const texts[] = {"11", "100", "18446744073709551616",
                                        "99999999999999999999999999999999"};
    uint64_t n = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_err(ERR_RANGE, text_u64(texts[i], strlen(texts[i]), 10, &n));
    assert_err(ERR_RANGE, text_u64("18446744073709551616", 20, UINT64_MAX, &n));
    assert_err(ERR_RANGE, text_u64("28446744073709551615", 20, UINT64_MAX, &n));
    assert_err(ERR_RANGE, text_u64("1", 1, 0, &n));
    assert_int_equal(77, n);
}

static void
what_is_no_number_is_refused(void **state)
{
    static const char *const texts[] = {
        "",    " ",   "-1",       "+1",  " 1",
        "1 ",  "1.0", "0x1",      "1e3", "one",
        "1\n", "1_0", "\xd9\xa1", "1,0", "99999999999999999999999x"};
    uint64_t n = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (text_u64(texts[i], strlen(texts[i]), UINT64_MAX, &n) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken as a number", texts[i]);
    }
    assert_err(ERR_SYNTAX, text_u64("1\0"
                                    "2",
                                    3, UINT64_MAX, &n));
    assert_int_equal(77, n);
}

static void
size_is(const char *text, uint64_t want)
{
    uint64_t n = 77;

    assert_ok(text_size(text, UINT64_MAX, &n));
    assert_int_equal(want, n);
}

static void
sizes_may_have_a_suffix(void **state)
{
    (void)state;
    size_is("0", 0);
    size_is("512", 512);
    size_is("1k", 1024);
    size_is("1K", 1024);
    size_is("100M", 104857600);
    size_is("10g", 10737418240);
    size_is("10G", 10737418240);
    size_is("17179869183G", 17179869183ULL << 30);
}

static void
sizes_that_are_too_large_or_no_sizes_are_refused(void **state)
{
    static const char *const texts[] = {"",     "k",   "G",  "1kk", "1kB", "1KiB", "1 k",
                                        "1.5M", "-1k", "1T", "k1",  "1k ", "0x1k", "1m1"};
    uint64_t n = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (text_size(texts[i], UINT64_MAX, &n) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken as a size", texts[i]);
    }
    assert_err(ERR_RANGE, text_size("17179869184G", UINT64_MAX, &n));
    assert_err(ERR_RANGE, text_size("2k", 2047, &n));
    assert_err(ERR_RANGE, text_size("1k", 1023, &n));
    assert_int_equal(77, n);
    assert_ok(text_size("1k", 1024, &n));
}

static void
booleans_are_six_words_in_any_case(void **state)
{
    static const char *const yes[] = {"on", "ON", "true", "True", "1"};
    static const char *const no[] = {"off", "Off", "false", "FALSE", "0"};
    static const char *const neither[] = {"",    "yes", "no",  "2",     "01",      "on ", " on",
                                          "onn", "o",   "tru", "truee", "enabled", "y"};
    bool b;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        b = false;
        assert_ok(text_bool(yes[i], &b));
        assert_true(b);
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        b = true;
        assert_ok(text_bool(no[i], &b));
        assert_false(b);
    }
    for (size_t i = 0; i < ARRAY_LEN(neither); i++)
        assert_err(ERR_SYNTAX, text_bool(neither[i], &b));
}

static void
case_is_ignored_in_ascii_only(void **state)
{
    (void)state;
    assert_true(text_same("Content-Type", "content-TYPE"));
    assert_true(text_same("", ""));
    assert_false(text_same("a", "ab"));
    assert_false(text_same("ab", "a"));
    assert_false(text_same("@", "`")); /* 32 apart, as letters of two cases are */
    assert_false(text_same("[", "{"));
    assert_false(text_same("\xc3\x84", "\xc3\xa4"));
    assert_true(text_same_n("abcX", "ABCy", 3));
    assert_false(text_same_n("abcX", "ABCy", 4));
    assert_true(text_begins("Bearer xyz", "bearer "));
    assert_true(text_begins("abc", ""));
    assert_true(text_begins("abc", "ABC"));
    assert_false(text_begins("ab", "abc"));
    assert_false(text_begins("", "a"));
    assert_false(text_begins("xabc", "abc"));
}

static void
letters_and_digits_are_those_of_ascii(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool is_upper = i >= 'A' && i <= 'Z', is_lower = i >= 'a' && i <= 'z';

        assert_int_equal(is_upper || is_lower, text_is_alpha(c));
        assert_int_equal(i >= '0' && i <= '9', text_is_digit(c));
        assert_int_equal(is_upper ? (char)(i + 32) : c, text_lower(c));
    }
}

static void
entries_are(const char *list, const char *joined)
{
    char got[100] = "";
    const char *entry;
    size_t len, at = 0;

    while (text_next(&list, &entry, &len)) {
        got[at++] = '<';
        memcpy(got + at, entry, len);
        at += len;
        got[at++] = '>';
    }
    assert_null(list);
    assert_false(text_next(&list, &entry, &len));
    assert_string_equal(joined, got);
}

static void
lists_are_stepped_through(void **state)
{
    (void)state;
    entries_are("a", "<a>");
    entries_are("a,b,c", "<a><b><c>");
    entries_are(" a b\t, c ", "<a b><c>");
    entries_are("", "<>");
    entries_are(" \t", "<>");
    entries_are(",", "<><>");
    entries_are("a,", "<a><>");
    entries_are(",a, ,", "<><a><><>");
    entries_are("a\n,b", "<a\n><b>"); /* other white space is not ours to take off */
    assert_true(text_is_blank(""));
    assert_true(text_is_blank(" \t "));
    assert_false(text_is_blank(" ,"));
    assert_false(text_is_blank("\n"));
}

/* ---- UTF-8 ---- */

static void
char_is(const char *s, size_t n, uint32_t want)
{
    uint32_t c = 77;

    assert_int_equal(n, text_utf8((const uint8_t *)s, strlen(s), &c));
    assert_int_equal(want, c);
    assert_int_equal(n, text_utf8((const uint8_t *)s, strlen(s), NULL));
}

static void
characters_of_every_length_are_read(void **state)
{
    (void)state;
    char_is("a", 1, 'a');
    char_is("\x7f", 1, 0x7f);
    char_is("\xc2\x80", 2, 0x80);
    char_is("\xdf\xbfx", 2, 0x7ff);
    char_is("\xe0\xa0\x80", 3, 0x800);
    char_is("\xed\x9f\xbf", 3, 0xd7ff);
    char_is("\xee\x80\x80", 3, 0xe000);
    char_is("\xef\xbf\xbf", 3, 0xffff);
    char_is("\xf0\x90\x80\x80", 4, 0x10000);
    char_is("\xf4\x8f\xbf\xbf"
            "x",
            4, 0x10ffff);
    assert_int_equal(1, text_utf8((const uint8_t *)"\0", 1, NULL));
}

static void
what_is_no_character_has_no_length(void **state)
{
    static const char *const texts[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2"
        "a",
        "\xc2\xc2",
        "\xe0\x9f\xbf",
        "\xe0\xa0",
        "\xe0\xa0"
        "a",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xe2\x28\xa1",
        "\xf0\x28\x8c\xbc",
    };
    uint32_t c = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (text_utf8((const uint8_t *)texts[i], strlen(texts[i]), &c) != 0)
            fail_msg("text %zu was taken as a character", i);
    }
    assert_int_equal(0, text_utf8((const uint8_t *)"", 0, &c));
    assert_int_equal(0, text_utf8((const uint8_t *)"\xe2\x82\xac", 2, &c)); /* the rest is cut */
    assert_int_equal(77, c);
}

static void
plain_text_is_utf8_without_control_characters(void **state)
{
    static const char *const plain[] = {
        "", " ", "a", "~", "\xc2\xa0", "\xe2\x80\xae", "\xf4\x8f\xbf\xbf"};
    static const char *const others[] = {"\x1f",      "a\n",  "\x7f",     "\xc2\x80",
                                         "a\xc2\x9f", "\xff", "a\xe2\x80"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        assert_true(text_is_plain(plain[i], strlen(plain[i])));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(text_is_plain(others[i], strlen(others[i])));
    assert_false(text_is_plain("a\0b", 3));
}

/* Every code point, encoded here by the RFC's table, is read back; surrogates are not. */
static void
all_code_points_are_read_but_surrogates(void **state)
{
    (void)state;
    for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
        uint8_t s[4];
        size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        uint32_t rest = c, back = 0;

        for (size_t i = n - 1; i > 0; i--, rest >>= 6)
            s[i] = (uint8_t)(0x80 | (rest & 0x3f));
        s[0] = (uint8_t)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | rest);
        if (c >= 0xd800 && c <= 0xdfff)
            n = 0;
        if (text_utf8(s, sizeof(s), &back) != n || (n > 0 && back != c))
            fail_msg("U+%04X is not read", (unsigned)c);
    }
}

static void
text_of_characters_alone_is_utf8(void **state)
{
    (void)state;
    assert_true(text_is_utf8("", 0));
    assert_true(text_is_utf8("a\0b", 3));
    assert_true(text_is_utf8("caf\xc3\xa9 \xf0\x9f\x98\x80", 10));
    assert_false(text_is_utf8("caf\xc3\xa9 \xf0\x9f\x98\x80", 9)); /* cut */
    assert_false(text_is_utf8("caf\xe9 noir", 9));
    assert_false(text_is_utf8("\xff", 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_up_to_the_largest),
        cmocka_unit_test(numbers_above_their_maximum_are_out_of_range),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(sizes_may_have_a_suffix),
        cmocka_unit_test(sizes_that_are_too_large_or_no_sizes_are_refused),
        cmocka_unit_test(booleans_are_six_words_in_any_case),
        cmocka_unit_test(case_is_ignored_in_ascii_only),
        cmocka_unit_test(letters_and_digits_are_those_of_ascii),
        cmocka_unit_test(lists_are_stepped_through),
        cmocka_unit_test(characters_of_every_length_are_read),
        cmocka_unit_test(what_is_no_character_has_no_length),
        cmocka_unit_test(plain_text_is_utf8_without_control_characters),
        cmocka_unit_test(all_code_points_are_read_but_surrogates),
        cmocka_unit_test(text_of_characters_alone_is_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
