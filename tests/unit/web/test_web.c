/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the page's files: by path, by name, and what the build has put into it. */
#include "testing.h"

#include "base/mem.h"
#include "web/web_int.h"

#include <string.h>

static const struct web_asset table[] = {
    {.path = "/assets/app-ABCD1234.js"},
    {.path = "/assets/chunk-app-ABCD1234.js"},
    {.path = "/assets/style-0a1b2c.css"},
    {.path = "/assets/style-x-0a1b2c.css"},
    {.path = "/assets/style.css"},
    {.path = "/assets/words-0123456789.txt"},
    {.path = "/openapi.json"},
};

static void
every_path_is_found_and_nothing_else_is(void **state)
{
    static const char *const wrong[] = {"",
                                        "/",
                                        "/assets/",
                                        "/assets/app-ABCD1234.j",
                                        "/assets/app-ABCD1234.jss",
                                        "/assets/APP-ABCD1234.js",
                                        "assets/app-ABCD1234.js",
                                        "/openapi.json/",
                                        "/z"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        assert_ptr_equal(table_find(table, ARRAY_LEN(table), table[i].path), &table[i]);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_null(table_find(table, ARRAY_LEN(table), wrong[i]));
    assert_null(table_find(table, 0, "/openapi.json"));
}

static void
a_name_is_found_without_its_hash(void **state)
{
    (void)state;
    assert_ptr_equal(table_named(table, ARRAY_LEN(table), "app.js"), &table[0]);
    assert_ptr_equal(table_named(table, ARRAY_LEN(table), "style.css"), &table[2]);
    assert_ptr_equal(table_named(table, ARRAY_LEN(table), "style-x.css"), &table[3]);
    assert_ptr_equal(table_named(table, ARRAY_LEN(table), "words.txt"), &table[5]);
}

static void
a_name_that_is_only_part_of_another_is_not_found(void **state)
{
    static const char *const wrong[] = {"",         "app",      "ap.js",        "app.css",
                                        "chunk.js", "tyle.css", "openapi.json", "app-ABCD1234.js"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_null(table_named(table, ARRAY_LEN(table), wrong[i]));
    assert_null(table_named(table, 0, "app.js"));
}

/* Quoted, nothing inside but hex digits. */
static bool
is_etag(const char *etag)
{
    size_t len = strlen(etag);

    return len == 34 && etag[0] == '"' && etag[33] == '"' &&
           strspn(etag + 1, "0123456789abcdef") == 32;
}

static void
the_builds_table_is_sorted_and_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < web_table_n; i++) {
        const struct web_asset *a = &web_table[i];

        if (i > 0)
            assert_true(strcmp(web_table[i - 1].path, a->path) < 0);
        assert_ptr_equal(web_find(a->path), a);
        assert_true(is_etag(a->etag));
        assert_non_null(a->type);
        assert_non_null(a->plain.data);
        assert_int_equal(a->plain.data[a->plain.len], 0);
        assert_true(a->gzip.data == NULL ? a->gzip.len == 0 : a->gzip.len < a->plain.len);
        assert_true(a->br.data == NULL ? a->br.len == 0 : a->br.len < a->plain.len);
        if (a->gzip.data != NULL)
            assert_memory_equal(a->gzip.data, "\x1f\x8b", 2);
    }
}

static void
templates_come_both_or_none_and_are_no_assets(void **state)
{
    (void)state;
    assert_int_equal(web_page() == NULL, web_docs() == NULL);
    assert_int_equal(web_page() == NULL, web_named("app.js") == NULL);
    assert_null(web_find("page.html"));
    assert_null(web_find("/page.html"));
    if (web_page() != NULL) {
        assert_string_equal(web_page()->path, "page.html");
        assert_null(web_page()->gzip.data);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_is_found_and_nothing_else_is),
        cmocka_unit_test(a_name_is_found_without_its_hash),
        cmocka_unit_test(a_name_that_is_only_part_of_another_is_not_found),
        cmocka_unit_test(the_builds_table_is_sorted_and_whole),
        cmocka_unit_test(templates_come_both_or_none_and_are_no_assets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
