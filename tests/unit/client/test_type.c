/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "client/type.h"

#include <string.h>

static bool
is_text(const char *text)
{
    return type_is_text((const uint8_t *)text, strlen(text));
}

static void
the_end_of_a_name_tells_the_type_in_any_case(void **state)
{
    (void)state;
    assert_string_equal("application/pdf", type_by_name("report.pdf"));
    assert_string_equal("application/pdf", type_by_name("REPORT.PDF"));
    assert_string_equal("application/gzip", type_by_name("photos.tar.gz"));
    assert_string_equal("image/jpeg", type_by_name("a b.c.Jpeg"));
}

static void
a_name_without_a_known_end_tells_nothing(void **state)
{
    static const char *const names[] = {"", ".", "pdf", ".pdf", "a.pdfx", "a.pd", "a.pdf.b7", "a."};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_null(type_by_name(names[i]));
}

static void
utf8_without_control_characters_is_text(void **state)
{
    (void)state;
    assert_true(is_text("plain\r\n\ttext\f\n"));
    assert_true(is_text("Gr\xc3\xbc\xc3\x9f"
                        "e \xe2\x82\xac \xf0\x9f\x98\x80"));
    assert_false(is_text(""));
    assert_false(is_text("bell\a"));
    assert_false(is_text("escape\033[0m"));
    assert_false(is_text("delete\x7f"));
    assert_false(is_text("C1 \xc2\x9b"));
    assert_false(type_is_text((const uint8_t *)"a\0b", 3));
    assert_false(is_text("latin1 \xfc and more"));
    assert_false(is_text("overlong \xc0\xaf"));
}

static void
a_character_cut_at_the_end_is_text_but_half_of_none_is_not(void **state)
{
    (void)state;
    assert_true(is_text("a\xc3"));
    assert_true(is_text("a\xe2\x82"));
    assert_true(is_text("a\xe0"));
    assert_true(is_text("a\xed"));
    assert_true(is_text("a\xf0\x9f\x98"));
    assert_true(is_text("a\xf4"));
    assert_false(is_text("a\xff"));
    assert_false(is_text("a\xc1"));
    assert_false(is_text("a\xf5"));
    assert_false(is_text("a\x80"));
    assert_false(is_text("a\xed\xa0")); /* of a surrogate */
    assert_false(is_text("a\xc3(("));
}

static void
what_the_name_does_not_tell_the_beginning_does(void **state)
{
    static const uint8_t bytes[] = {0x7f, 'E', 'L', 'F', 0};

    (void)state;
    assert_string_equal("text/plain", type_of("README", (const uint8_t *)"hello\n", 6));
    assert_string_equal("application/octet-stream", type_of("prog", bytes, sizeof(bytes)));
    assert_string_equal("application/octet-stream", type_of("empty", NULL, 0));
    assert_string_equal("image/png", type_of("really.png", (const uint8_t *)"hello\n", 6));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_name_tells_the_type_in_any_case),
        cmocka_unit_test(a_name_without_a_known_end_tells_nothing),
        cmocka_unit_test(utf8_without_control_characters_is_text),
        cmocka_unit_test(a_character_cut_at_the_end_is_text_but_half_of_none_is_not),
        cmocka_unit_test(what_the_name_does_not_tell_the_beginning_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
