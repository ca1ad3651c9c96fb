/* SPDX-License-Identifier: Apache-2.0 */
/* mime: reading the list of allowed types, and asking it. */
#include "testing.h"

#include "base/mem.h"
#include "policy/mime.h"

#include <string.h>

static bool
allows(const char *list, const char *type)
{
    struct mime_rules r = {0};
    bool is_allowed;

    assert_ok(mime_rules_parse(list, &r));
    is_allowed = mime_is_allowed(&r, type);
    mime_rules_done(&r);
    assert_null(r.patterns);
    return is_allowed;
}

static void
an_empty_list_allows_everything(void **state)
{
    (void)state;
    assert_true(allows("", "application/pdf"));
    assert_true(allows("  \t", "application/pdf"));
    assert_true(allows("", "no type at all"));
    assert_true(allows("*/*", "application/pdf"));
}

static void
a_list_allows_what_it_names_and_nothing_else(void **state)
{
    static const char list[] = "application/pdf, image/png,text/plain";

    (void)state;
    assert_true(allows(list, "application/pdf"));
    assert_true(allows(list, "image/png"));
    assert_true(allows(list, "text/plain"));
    assert_false(allows(list, "image/jpeg"));
    assert_false(allows(list, "application/pdfx"));
    assert_false(allows(list, "application/pd"));
    assert_false(allows(list, "application"));
    assert_false(allows(list, "xapplication/pdf"));
    assert_false(allows(list, ""));
}

static void
a_star_allows_every_subtype_of_its_type_only(void **state)
{
    (void)state;
    assert_true(allows("image/*", "image/png"));
    assert_true(allows("image/*", "image/svg+xml"));
    assert_true(allows("text/plain,image/*", "image/png"));
    assert_false(allows("image/*", "images/png"));
    assert_false(allows("image/*", "imag/png"));
    assert_false(allows("image/*", "text/image"));
    assert_false(allows("image/*", "image/"));
    assert_false(allows("image/*", "image"));
}

static void
case_does_not_matter(void **state)
{
    (void)state;
    assert_true(allows("Image/PNG", "image/png"));
    assert_true(allows("image/png", "IMAGE/Png"));
    assert_true(allows("IMAGE/*", "image/png"));
    assert_false(allows("IMAGE/*", "text/plain"));
}

static void
what_is_no_type_is_never_on_a_list(void **state)
{
    static const char *const types[] = {
        "",
        "/",
        "image/",
        "/png",
        "image",
        "image/png; charset=x",
        "image/p ng",
        "image/*",
        "*/*",
        "image/png/x",
        "image/p\xc3\xa9",
        "image/\x01",
        "image//png",
        " image/png",
        "image/png ",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (allows("image/*", types[i]) || allows("*/*", types[i]))
            fail_msg("\"%s\" was allowed", types[i]);
    }
}

static void
entries_that_are_no_pattern_are_refused_by_name(void **state)
{
    static const char *const entries[] = {
        "*",          "image",      "image/",        "/png",       "*/png",       "image/p*",
        "image/**",   "im*/png",    "image/png;q=1", "image png",  "image/png x", "image/p\"ng",
        "image\\png", ".image/png", "image/png/",    "image/\x7f", "i\xc3\xa9/x",
    };
    struct mime_rules r = {.patterns = NULL, .n = 77};
    char list[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        (void)snprintf(list, sizeof(list), "text/plain, %s ,image/*", entries[i]);
        assert_err(ERR_SYNTAX, mime_rules_parse(list, &r));
        if (strstr(err_sentence(), entries[i]) == NULL)
            fail_msg("\"%s\" does not name \"%s\"", err_sentence(), entries[i]);
    }
    assert_int_equal(77, r.n);
}

static void
an_empty_entry_is_refused(void **state)
{
    static const char *const lists[] = {",", "image/png,", ",image/png", "image/png,,text/plain",
                                        "image/png, ,text/plain"};
    struct mime_rules r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        assert_err(ERR_SYNTAX, mime_rules_parse(lists[i], &r));
}

static void
names_have_at_most_127_characters(void **state)
{
    char type[300];
    struct mime_rules r;

    (void)state;
    (void)snprintf(type, sizeof(type), "%0127d/%0127d", 0, 0);
    assert_true(allows(type, type));
    (void)snprintf(type, sizeof(type), "%0128d/%0127d", 0, 0);
    assert_err(ERR_SYNTAX, mime_rules_parse(type, &r));
    (void)snprintf(type, sizeof(type), "%0127d/%0128d", 0, 0);
    assert_err(ERR_SYNTAX, mime_rules_parse(type, &r));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_allows_everything),
        cmocka_unit_test(a_list_allows_what_it_names_and_nothing_else),
        cmocka_unit_test(a_star_allows_every_subtype_of_its_type_only),
        cmocka_unit_test(case_does_not_matter),
        cmocka_unit_test(what_is_no_type_is_never_on_a_list),
        cmocka_unit_test(entries_that_are_no_pattern_are_refused_by_name),
        cmocka_unit_test(an_empty_entry_is_refused),
        cmocka_unit_test(names_have_at_most_127_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
