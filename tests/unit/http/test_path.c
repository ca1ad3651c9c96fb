/* SPDX-License-Identifier: Apache-2.0 */
/* Routing: which route a method and a target find, what its names hold, and how everything else is
 * told apart into "no such path", "not with this method" and "malformed". */
#include "testing.h"

#include "base/mem.h"
#include "http/path.h"

#include <stdlib.h>
#include <string.h>

static const struct http_route routes[] = {
    {.method = "PUT", .pattern = "/{filename}"}, /* first, so that order alone would be wrong */
    {.method = "GET", .pattern = "/", .also_head = true},
    {.method = "POST", .pattern = "/upload/"},
    {.method = "GET", .pattern = "/download/{key}"},
    {.method = "POST", .pattern = "/download/{key}"},
    {.method = "GET", .pattern = "/health/", .also_head = true},
    {.method = "GET", .pattern = "/openapi.json", .also_head = true},
    {.method = "GET", .pattern = "/docs/{file}", .also_head = true},
    {.method = "GET", .pattern = "/docs/", .also_head = true},
    {.method = "GET", .pattern = "/docs/index"},
    {.method = "GET", .pattern = "/two/{a}/{b}"},
    {.method = "GET", .pattern = "/two/{a}/end"},
    {.method = "GET", .pattern = "/two/x/{b}"},
};

static enum err
route(const char *method, const char *target, struct path_match *ret_match)
{
    return path_route(routes, ARRAY_LEN(routes), method, target, ret_match);
}

/* The request finds this pattern, and its names hold these values (NULL: it has fewer). */
static void
assert_route(const char *method, const char *target, const char *pattern, const char *value0,
             const char *value1)
{
    const char *want[] = {value0, value1};
    struct path_match m = {0};

    if (route(method, target, &m) != ERR_OK)
        fail_msg("%s %s: %s", method, target, err_sentence());
    assert_string_equal(m.route->pattern, pattern);
    assert_string_equal(m.allow, "");
    for (size_t i = 0; i < PATH_PARAM_MAX; i++) {
        assert_int_equal(i < m.n_params, want[i] != NULL);
        if (want[i] != NULL)
            assert_string_equal(m.values[i], want[i]);
    }
    path_match_done(&m);
    assert_null(m.route);
    path_match_done(&m);
}

static void
assert_no_route(enum err want, const char *method, const char *target, const char *allow)
{
    struct path_match m = {.allow = "untouched"};
    enum err e = route(method, target, &m);

    if (e != want)
        fail_msg("%s %s: %s", method, target, err_name(e));
    assert_string_equal(m.allow, want == ERR_METHOD ? allow : "untouched");
    assert_null(m.route);
    path_match_done(&m);
}

static void
a_slash_at_the_end_is_optional(void **state)
{
    (void)state;
    assert_route("GET", "/", "/", NULL, NULL);
    assert_route("POST", "/upload", "/upload/", NULL, NULL);
    assert_route("POST", "/upload/", "/upload/", NULL, NULL);
    assert_route("GET", "/openapi.json", "/openapi.json", NULL, NULL);
    assert_route("GET", "/openapi.json/", "/openapi.json", NULL, NULL);
    assert_route("GET", "/download/abc/", "/download/{key}", "abc", NULL);
    assert_route("PUT", "/report.pdf/", "/{filename}", "report.pdf", NULL);
}

static void
slashes_are_not_collapsed(void **state)
{
    (void)state;
    assert_no_route(ERR_NOTFOUND, "GET", "//", NULL);
    assert_no_route(ERR_NOTFOUND, "POST", "//upload", NULL);
    assert_no_route(ERR_NOTFOUND, "POST", "/upload//", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/download//abc", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/download/abc//", NULL);
    assert_no_route(ERR_NOTFOUND, "PUT", "//x", NULL);
}

static void
the_query_takes_no_part(void **state)
{
    (void)state;
    assert_route("GET", "/?a=/download/x", "/", NULL, NULL);
    assert_route("GET", "/download/abc?x=1", "/download/{key}", "abc", NULL);
    assert_route("GET", "/download/abc/?%zz%00", "/download/{key}", "abc", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/nothing?/download/abc", NULL);
}

static void
literal_segments_win_over_names(void **state)
{
    (void)state;
    assert_route("GET", "/docs/index", "/docs/index", NULL, NULL);
    assert_route("GET", "/docs/other", "/docs/{file}", "other", NULL);
    assert_route("GET", "/two/y/end", "/two/{a}/end", "y", NULL);
    assert_route("GET", "/two/x/end", "/two/x/{b}", "end", NULL);
    assert_route("GET", "/two/y/z", "/two/{a}/{b}", "y", "z");
    assert_no_route(ERR_METHOD, "HEAD", "/docs/index", "GET"); /* not the one with {file} */
}

static void
names_are_decoded_exactly_once(void **state)
{
    struct path_match m;

    (void)state;
    assert_route("PUT", "/a%20b.txt", "/{filename}", "a b.txt", NULL);
    assert_route("PUT", "/a+b.txt", "/{filename}", "a+b.txt", NULL);
    assert_route("PUT", "/%2541", "/{filename}", "%41", NULL);
    assert_route("PUT", "/%25", "/{filename}", "%", NULL);
    assert_route("PUT", "/%e2%82%AC%ff", "/{filename}", "\xe2\x82\xac\xff", NULL);
    assert_route("PUT", "/a%5Cb%3f", "/{filename}", "a\\b?", NULL);
    assert_route("GET", "/two/%41/%42", "/two/{a}/{b}", "A", "B");

    assert_ok(route("GET", "/two/1/2", &m));
    assert_memory_equal(m.names[0], "a}", 2);
    assert_memory_equal(m.names[1], "b}", 2);
    path_match_done(&m);
}

static void
literal_segments_are_compared_decoded_and_with_case(void **state)
{
    (void)state;
    assert_route("GET", "/%64ownload/abc", "/download/{key}", "abc", NULL);
    assert_route("GET", "/openapi%2Ejson", "/openapi.json", NULL, NULL);
    assert_no_route(ERR_METHOD, "PUT", "/%75pload", "POST");
    assert_no_route(ERR_NOTFOUND, "GET", "/Download/abc", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/%2564ownload/abc", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/downloa/abc", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/downloads/abc", NULL);
}

static void
broken_and_dangerous_escapes_are_malformed(void **state)
{
    static const char *const bad[] = {
        "/%",
        "/%4",
        "/%zz",
        "/%4g",
        "/a%",
        "/download/%",
        "/%00",
        "/a%00b",
        "/download/%00",
        "/%2f",
        "/a%2Fb",
        "/download/a%2fb",
        "/%2F/x",
        "/nowhere/x/y/%2F",
        "/a/b/c/d/e/f/g/h/i/%00",
        "/%?41",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_no_route(ERR_SYNTAX, "GET", bad[i], NULL);
        assert_no_route(ERR_SYNTAX, "PUT", bad[i], NULL);
    }
}

static void
what_is_not_a_path_is_malformed(void **state)
{
    (void)state;
    assert_no_route(ERR_SYNTAX, "GET", "", NULL);
    assert_no_route(ERR_SYNTAX, "OPTIONS", "*", NULL);
    assert_no_route(ERR_SYNTAX, "GET", "http://host/", NULL);
    assert_no_route(ERR_SYNTAX, "GET", "upload", NULL);
    assert_no_route(ERR_SYNTAX, "GET", "?/", NULL);
}

static void
dot_segments_match_nothing(void **state)
{
    (void)state;
    assert_no_route(ERR_NOTFOUND, "PUT", "/.", NULL);
    assert_no_route(ERR_NOTFOUND, "PUT", "/..", NULL);
    assert_no_route(ERR_NOTFOUND, "PUT", "/%2e%2E", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/download/..", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/download/../health", NULL);
    assert_route("PUT", "/...", "/{filename}", "...", NULL);
    assert_route("PUT", "/.bashrc", "/{filename}", ".bashrc", NULL);
}

static void
another_method_on_a_known_path_is_told_which_are_allowed(void **state)
{
    (void)state;
    assert_no_route(ERR_METHOD, "PUT", "/health", "GET, HEAD");
    assert_no_route(ERR_METHOD, "PUT", "/health/", "GET, HEAD");
    assert_no_route(ERR_METHOD, "POST", "/", "GET, HEAD");
    assert_no_route(ERR_METHOD, "PUT", "/download/abc", "GET, POST");
    assert_no_route(ERR_METHOD, "HEAD", "/download/abc", "GET, POST");
    assert_no_route(ERR_METHOD, "GET", "/upload", "POST");
    assert_no_route(ERR_METHOD, "OPTIONS", "/upload", "POST");
    assert_no_route(ERR_METHOD, "get", "/health", "GET, HEAD");
    assert_no_route(ERR_METHOD, "", "/health", "GET, HEAD");
}

static void
any_name_is_a_path_for_its_own_method_only(void **state)
{
    (void)state;
    assert_route("PUT", "/foo", "/{filename}", "foo", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/foo", NULL);
    assert_no_route(ERR_NOTFOUND, "HEAD", "/foo", NULL);
    assert_no_route(ERR_NOTFOUND, "OPTIONS", "/foo", NULL);
    assert_no_route(ERR_NOTFOUND, "PUT", "/foo/bar", NULL);
}

static void
a_routes_own_name_is_no_file_name(void **state)
{
    (void)state;
    assert_no_route(ERR_METHOD, "PUT", "/download", "GET, POST");
    assert_no_route(ERR_METHOD, "PUT", "/download/", "GET, POST");
    assert_no_route(ERR_METHOD, "PUT", "/two", "GET");
    assert_no_route(ERR_NOTFOUND, "GET", "/download", NULL);
    assert_no_route(ERR_NOTFOUND, "DELETE", "/download", NULL);
    assert_route("PUT", "/downloads", "/{filename}", "downloads", NULL);
    assert_route("PUT", "/abc", "/{filename}", "abc", NULL);
}

static void
head_finds_only_routes_that_answer_it(void **state)
{
    (void)state;
    assert_route("HEAD", "/", "/", NULL, NULL);
    assert_route("HEAD", "/health", "/health/", NULL, NULL);
    assert_no_route(ERR_METHOD, "HEAD", "/upload", "POST");
}

static void
segments_have_a_ceiling_in_decoded_bytes(void **state)
{
    size_t cap = 3 * (PATH_SEGMENT_MAX + 1) + 2;
    char *target = malloc(cap);

    (void)state;
    assert_non_null(target);
    target[0] = '/';
    for (size_t i = 1; i < cap; i++)
        target[i] = "%41"[(i - 1) % 3];
    target[1 + 3 * PATH_SEGMENT_MAX] = '\0';
    {
        struct path_match m = {0};

        assert_ok(route("PUT", target, &m));
        assert_int_equal(strlen(m.values[0]), PATH_SEGMENT_MAX);
        path_match_done(&m);
    }
    target[1 + 3 * PATH_SEGMENT_MAX] = '%';
    target[cap - 1] = '\0';
    assert_no_route(ERR_TOOBIG, "PUT", target, NULL);
    free(target);
}

static void
a_deep_path_is_not_found(void **state)
{
    (void)state;
    assert_no_route(ERR_NOTFOUND, "GET", "/a/b/c/d/e/f/g/h", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t", NULL);
    assert_no_route(ERR_NOTFOUND, "GET", "/download/a/b/c/d/e/f/g/h/i/j/k", NULL);
}

static void
a_table_without_routes_finds_nothing(void **state)
{
    struct path_match m = {0};

    (void)state;
    assert_err(ERR_NOTFOUND, path_route(NULL, 0, "GET", "/", &m));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slash_at_the_end_is_optional),
        cmocka_unit_test(slashes_are_not_collapsed),
        cmocka_unit_test(the_query_takes_no_part),
        cmocka_unit_test(literal_segments_win_over_names),
        cmocka_unit_test(names_are_decoded_exactly_once),
        cmocka_unit_test(literal_segments_are_compared_decoded_and_with_case),
        cmocka_unit_test(broken_and_dangerous_escapes_are_malformed),
        cmocka_unit_test(what_is_not_a_path_is_malformed),
        cmocka_unit_test(dot_segments_match_nothing),
        cmocka_unit_test(another_method_on_a_known_path_is_told_which_are_allowed),
        cmocka_unit_test(any_name_is_a_path_for_its_own_method_only),
        cmocka_unit_test(a_routes_own_name_is_no_file_name),
        cmocka_unit_test(head_finds_only_routes_that_answer_it),
        cmocka_unit_test(segments_have_a_ceiling_in_decoded_bytes),
        cmocka_unit_test(a_deep_path_is_not_found),
        cmocka_unit_test(a_table_without_routes_finds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
