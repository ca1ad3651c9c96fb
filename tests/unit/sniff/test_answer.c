/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts from the helper pass as a type. The helper's child parses hostile bytes, and what it
 * says goes into a header of a reply. */
#include "testing.h"

#include "base/mem.h"
#include "sniff/sniff_int.h"

#include <string.h>

static enum err
read_text(const char *text, char ret_type[MIME_TEXT_LEN])
{
    return sniff_answer_read((const uint8_t *)text, strlen(text), ret_type);
}

static void
types_of_every_form_are_taken(void **state)
{
    static const char *const types[] = {
        "text/plain",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "image/svg+xml",
        "application/x-7z-compressed",
        "a/b",
        "1/2",
        "x!#$&-^_.+/y!#$&-^_.+",
    };
    char type[MIME_TEXT_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        assert_ok(read_text(types[i], type));
        assert_string_equal(type, types[i]);
    }
}

static void
upper_case_comes_out_lower(void **state)
{
    char type[MIME_TEXT_LEN];

    (void)state;
    assert_ok(read_text("application/CDFV2", type));
    assert_string_equal(type, "application/cdfv2");
}

static void
anything_else_is_refused_and_leaves_the_output_alone(void **state)
{
    static const char *const texts[] = {
        "",
        "text",
        "/",
        "text/",
        "/plain",
        "text//x",
        "text/x/y",
        "text plain",
        "text/ plain",
        " text/plain",
        "text/plain ",
        "text/plain\n",
        "text/plain\r\nX-Evil: 1",
        "text/plain; charset=utf-8",
        "text/pl\"ain",
        "text/-x",
        ".text/plain",
        "t\xc3\xa9xt/plain",
        "text/<b>",
        "text/%41",
        "text/plain,text/html",
    };
    char type[MIME_TEXT_LEN] = "untouched";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_err(ERR_SYNTAX, read_text(texts[i], type));
        assert_string_equal(type, "untouched");
    }
    assert_err(ERR_SYNTAX, sniff_answer_read((const uint8_t *)"text/pl\0in", 10, type));
    assert_string_equal(type, "untouched");
}

static void
of_127_characters_is_a_type_of_128_is_none(void **state)
{
    uint8_t text[MIME_TEXT_LEN];
    char type[MIME_TEXT_LEN];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[3] = '/';
    assert_ok(sniff_answer_read(text, MIME_TEXT_LEN - 1, type));
    assert_int_equal(strlen(type), MIME_TEXT_LEN - 1);
    assert_err(ERR_SYNTAX, sniff_answer_read(text, MIME_TEXT_LEN, type));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_of_every_form_are_taken),
        cmocka_unit_test(upper_case_comes_out_lower),
        cmocka_unit_test(anything_else_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(of_127_characters_is_a_type_of_128_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
