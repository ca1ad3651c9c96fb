/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a settings file: what is a pair, what is skipped, what is refused and why. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "server/settings.h"

/* Read the only pair of a text. */
static enum err
first(const char *text, struct settings_pair *ret_pair, bool *ret_has)
{
    struct settings_reader r;

    settings_reader_init(&r, text, strlen(text));
    return settings_next(&r, ret_pair, ret_has);
}

static void
assert_pair(const char *text, const char *name, const char *value)
{
    struct settings_pair p = {0};
    bool has = false;

    assert_ok(first(text, &p, &has));
    assert_true(has);
    assert_int_equal(p.name_len, strlen(name));
    assert_memory_equal(p.name, name, p.name_len);
    assert_int_equal(p.value_len, strlen(value));
    assert_memory_equal(p.value, value, p.value_len);
}

static void
assert_refused(const char *text, const char *sentence)
{
    struct settings_pair p = {.line = 77};
    bool has = true;

    assert_err(ERR_SYNTAX, first(text, &p, &has));
    assert_string_equal(err_sentence(), sentence);
    assert_int_equal(p.line, 77);
}

static void
a_pair_is_a_name_and_all_that_follows_the_first_equals_sign(void **state)
{
    (void)state;
    assert_pair("A=1", "A", "1");
    assert_pair("A_B2=x=y", "A_B2", "x=y");
    assert_pair("A=", "A", "");
    assert_pair("A=\n", "A", "");
    assert_pair("A=1\r\n", "A", "1");
    assert_pair("A=x # y", "A", "x # y");
    assert_pair("A=$HOME\\n", "A", "$HOME\\n");
    assert_pair("A=it's", "A", "it's");
    assert_pair("A=\xc3\xa9", "A", "\xc3\xa9");
}

static void
blanks_at_the_ends_of_line_and_value_are_dropped(void **state)
{
    (void)state;
    assert_pair(" \tA= 1 \t\n", "A", "1");
    assert_pair("A=a  b", "A", "a  b");
    assert_pair("A=  \t ", "A", "");
}

static void
blank_lines_and_comments_are_skipped_and_counted(void **state)
{
    static const char text[] = "\n  \n# A=1\n\t# B\r\nC=3\n\nD=4";
    struct settings_reader r;
    struct settings_pair p;
    bool has = false;

    (void)state;
    settings_reader_init(&r, text, sizeof(text) - 1);
    assert_ok(settings_next(&r, &p, &has));
    assert_true(has);
    assert_int_equal(p.line, 5);
    assert_int_equal(p.name[0], 'C');
    assert_ok(settings_next(&r, &p, &has));
    assert_true(has);
    assert_int_equal(p.line, 7);
    assert_int_equal(p.name[0], 'D');
    assert_ok(settings_next(&r, &p, &has));
    assert_false(has);
    assert_ok(settings_next(&r, &p, &has));
    assert_false(has);
}

static void
an_empty_file_has_no_pair(void **state)
{
    struct settings_pair p = {.line = 77};
    bool has = true;

    (void)state;
    assert_ok(first("", &p, &has));
    assert_false(has);
    assert_int_equal(p.line, 77);
}

static void
a_line_that_is_no_pair_is_refused(void **state)
{
    static const char name[] = "what is before \"=\" is not a name: upper-case letters, digits and "
                               "\"_\" only, without blanks";
    static const char pair[] = "a line is not NAME=value, a comment or blank";
    static const char quote[] = "a value begins with a quote: write NAME=value without quotes";
    static const char control[] = "a line holds a control character";

    (void)state;
    assert_refused("A", pair);
    assert_refused("A: 1", pair);
    assert_refused("=1", name);
    assert_refused("a=1", name);
    assert_refused("A =1", name);
    assert_refused("export A=1", name);
    assert_refused("2A=1", name);
    assert_refused("_A=1", name);
    assert_refused("A-B=1", name);
    assert_refused("\xef\xbb\xbf"
                   "A=1",
                   name);
    assert_refused("A=\"1\"", quote);
    assert_refused("A= '1'", quote);
    assert_refused("A=1\x01", control);
    assert_refused("# \x1b[2J", control);
    assert_refused("A=1\rB=2", control);
    assert_refused("A=\x7f", control);
}

static void
a_nul_byte_does_not_hide_the_rest_of_a_line(void **state)
{
    static const char text[] = "A=1\0B=2";
    struct settings_reader r;
    struct settings_pair p;
    bool has;

    (void)state;
    settings_reader_init(&r, text, sizeof(text) - 1);
    assert_err(ERR_SYNTAX, settings_next(&r, &p, &has));
    assert_int_equal(r.line, 1);
}

static void
a_line_of_the_longest_length_is_read_and_one_more_byte_is_refused(void **state)
{
    char *text = malloc(SETTINGS_LINE_MAX + 1);
    struct settings_reader r;
    struct settings_pair p;
    bool has = false;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', SETTINGS_LINE_MAX + 1);
    memcpy(text, "A=", 2);
    settings_reader_init(&r, text, SETTINGS_LINE_MAX);
    assert_ok(settings_next(&r, &p, &has));
    assert_true(has);
    assert_int_equal(p.value_len, SETTINGS_LINE_MAX - 2);
    settings_reader_init(&r, text, SETTINGS_LINE_MAX + 1);
    assert_err(ERR_SYNTAX, settings_next(&r, &p, &has));
    assert_string_equal(err_sentence(), "a line is longer than 8192 bytes");
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_a_name_and_all_that_follows_the_first_equals_sign),
        cmocka_unit_test(blanks_at_the_ends_of_line_and_value_are_dropped),
        cmocka_unit_test(blank_lines_and_comments_are_skipped_and_counted),
        cmocka_unit_test(an_empty_file_has_no_pair),
        cmocka_unit_test(a_line_that_is_no_pair_is_refused),
        cmocka_unit_test(a_nul_byte_does_not_hide_the_rest_of_a_line),
        cmocka_unit_test(a_line_of_the_longest_length_is_read_and_one_more_byte_is_refused),
    };

    return cmocka_run_group_tests_name("server settings", tests, NULL, NULL);
}
