/* SPDX-License-Identifier: Apache-2.0 */
/* The values of single headers: Content-Disposition as written, Accept, Authorization, Host and
 * lists as read. */
#include "testing.h"

#include "base/buf.h"
#include "base/mem.h"
#include "http/field.h"

#include <string.h>

static void
assert_disposition(const char *filename, const char *want)
{
    struct buf b;

    buf_init(&b, 8192);
    assert_ok(buf_add_text(&b, ">"));
    assert_ok(field_disposition(filename, &b));
    assert_string_equal(buf_text(&b) + 1, want);
    buf_done(&b);
}

static void
a_plain_name_has_no_second_form(void **state)
{
    (void)state;
    assert_disposition("report.pdf", "attachment; filename=\"report.pdf\"");
    assert_disposition("a b;c=d,e'f(1).txt", "attachment; filename=\"a b;c=d,e'f(1).txt\"");
    assert_disposition("", "attachment; filename=\"\"");
}

static void
a_name_that_ascii_cannot_tell_has_both_forms(void **state)
{
    (void)state;
    assert_disposition(
        "r\xc3\xa9sum\xc3\xa9.pdf",
        "attachment; filename=\"r_sum_.pdf\"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf");
    assert_disposition("\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80",
                       "attachment; filename=\"__ _\"; "
                       "filename*=UTF-8''%E6%97%A5%E6%9C%AC%20%F0%9F%98%80");
    assert_disposition("a\"b\\c%20d",
                       "attachment; filename=\"a_b_c_20d\"; filename*=UTF-8''a%22b%5Cc%2520d");
    assert_disposition("'*%(x)~!#$&+-.^_`|", "attachment; filename=\"'*_(x)~!#$&+-.^_`|\"; "
                                             "filename*=UTF-8''%27%2A%25%28x%29~!#$&+-.^_`|");
}

static void
controls_and_broken_utf8_reach_neither_form(void **state)
{
    (void)state;
    assert_disposition("a\r\nSet-Cookie: x\x7f.txt",
                       "attachment; filename=\"a__Set-Cookie: x_.txt\"");
    assert_disposition("\xff\xc3.bin", "attachment; filename=\"__.bin\"");
    assert_disposition("\xed\xa0\x80", "attachment; filename=\"___\"");
    assert_disposition("\xc3\xa9\x01\xff",
                       "attachment; filename=\"___\"; filename*=UTF-8''%C3%A9__");
}

static void
a_name_longer_than_its_buffer_appends_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 30);
    assert_ok(field_disposition("1234567", &b)); /* exactly 30 */
    buf_done(&b);
    assert_ok(buf_add_text(&b, "x"));
    assert_err(ERR_TOOBIG, field_disposition("1234567", &b));
    assert_string_equal(buf_text(&b), "x");
    buf_done(&b);
}

static void
browsers_prefer_html(void **state)
{
    static const char *const html[] = {
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "text/html, application/xhtml+xml, image/jxr, */*",
        "text/html;q=0.8, application/json;q=0.799",
        "application/xhtml+xml",
        "TEXT/HTML",
        "text/html;level=1",
        "text/html ; q=1.0 , application/json;q=0.9",
        "text/html;x=\"a,b;q=0\"",
        "text/html, text/*;q=0.5, image/*, application/*",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        "application/json;q=2, text/html;q=0.1",
        ",, text/html ,",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(html); i++) {
        if (!field_prefers_html(html[i]))
            fail_msg("%s", html[i]);
    }
}

static void
scripts_do_not_prefer_html(void **state)
{
    static const char *const other[] = {
        "",
        "*/*",
        "text/*",
        "text/plain",
        "application/json",
        "application/json, text/html",
        "application/json;q=0.8, text/html;q=0.8",
        "text/html;q=0.7, application/json",
        "text/html;q=0",
        "text/html;q=0.5, */*;q=0.8",
        "text/html;q=0.5, */*;q=0.1, application/*",
        "text/html;q=0.5x",
        "text/html;q=1.001",
        "text/html;q=",
        "text/html;q=.5",
        "text/html;q=0.5555",
        "text/html;q=-1",
        "text/htmlx",
        "xtext/html",
        "\"text/html\"",
        "\"a, text/html, b",
        "text/plain;x=\", text/html, \"",
    };

    (void)state;
    assert_false(field_prefers_html(NULL));
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        if (field_prefers_html(other[i]))
            fail_msg("%s", other[i]);
    }
}

static void
json_counts_only_when_named(void **state)
{
    (void)state;
    assert_true(field_names_json("application/json"));
    assert_true(field_names_json("text/html, Application/JSON;q=0.001"));
    assert_true(field_names_json("application/json;charset=\"utf-8\""));
    assert_true(field_names_json("application/json;q=0, application/json;q=0.5"));

    assert_false(field_names_json(NULL));
    assert_false(field_names_json(""));
    assert_false(field_names_json("*/*"));
    assert_false(field_names_json("application/*"));
    assert_false(field_names_json("application/json;q=0"));
    assert_false(field_names_json("application/json;q=0.000"));
    assert_false(field_names_json("application/json;q=a"));
    assert_false(field_names_json("application/json-seq"));
}

static void
hosts_with_and_without_a_port_are_authorities(void **state)
{
    static const char *const good[] = {
        "localhost",
        "localhost:8000",
        "example.com",
        "example.com.",
        "a",
        "xn--bcher-kva.example",
        "my_service:80",
        "EXAMPLE.Com:65535",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:8000",
        "[2001:db8::7]",
        "[::ffff:192.0.2.1]",
        "1a.example",
        "a-b.c--d",
        "3com",
        "123456789012345678901234567890123456789012345678901234567890123.example",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (!field_is_authority(good[i]))
            fail_msg("%s", good[i]);
    }
}

static void
what_could_forge_a_link_is_no_authority(void **state)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "a..",
        "-a",
        "a-",
        "a.-b",
        "a b",
        "a\tb",
        "a/b",
        "a?b",
        "a#b",
        "a@b",
        "user:pw@a",
        "a:",
        "a:0",
        "a:00080",
        "a:080",
        "a:65536",
        "a:99999",
        "a:100000",
        "a:8x",
        "a:-1",
        "a:+1",
        "a: 1",
        "a:1:2",
        "::1",
        "[::1",
        "::1]",
        "[]",
        "[1.2.3.4]",
        "[a]",
        "[::1]x",
        "[::1]:",
        "[::1]:0",
        "[fe80::1%25eth0]",
        "[v1.x]",
        "1.2.3",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4.",
        "1.2.3.4.5",
        "127",
        "0x7f.1.2.3",
        "a.1",
        "http://a",
        "a\\b",
        "a\"b",
        "a<b",
        "a%41",
        "b\xc3\xbc.de",
        "a,b",
        "a;b",
        "a\r\nb",
        "*",
        "[::1]:8000:1",
        "1234567890123456789012345678901234567890123456789012345678901234.example",
    };
    char longest[258];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (field_is_authority(bad[i]))
            fail_msg("%s", bad[i]);
    }
    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = i % 2 == 0 ? 'a' : '.';
    longest[255] = '\0';
    assert_true(field_is_authority(longest));
    longest[255] = '.';
    longest[256] = '\0';
    assert_false(field_is_authority(longest));
}

static void
the_token_of_a_bearer_is_found(void **state)
{
    (void)state;
    assert_string_equal(field_bearer("Bearer abc-._~+/9=="), "abc-._~+/9==");
    assert_string_equal(field_bearer("bearer x"), "x");
    assert_string_equal(field_bearer("BEARER   hunter2!"), "hunter2!");
}

static void
what_is_no_bearer_has_no_token(void **state)
{
    (void)state;
    assert_null(field_bearer(NULL));
    assert_null(field_bearer(""));
    assert_null(field_bearer("Bearer"));
    assert_null(field_bearer("Bearer "));
    assert_null(field_bearer("Bearer   "));
    assert_null(field_bearer("Bearer\tabc"));
    assert_null(field_bearer("Bearerabc"));
    assert_null(field_bearer("Basic abc"));
    assert_null(field_bearer(" Bearer abc"));
    assert_null(field_bearer("Bearer abc "));
    assert_null(field_bearer("Bearer abc def"));
    assert_null(field_bearer("Bearer abc, Bearer def"));
    assert_null(field_bearer("Bearer \xc3\xa9"));
}

static void
a_word_of_a_list_is_found_whole_only(void **state)
{
    (void)state;
    assert_true(field_list_has("close", "close"));
    assert_true(field_list_has("keep-alive, Close", "close"));
    assert_true(field_list_has(" , a ,\tclose\t", "close"));

    assert_false(field_list_has(NULL, "close"));
    assert_false(field_list_has("", "close"));
    assert_false(field_list_has("closed", "close"));
    assert_false(field_list_has("close;x", "close"));
    assert_false(field_list_has("not close", "close"));
    assert_false(field_list_has("\"a,close,b\"", "close"));
}

static void
assert_coding(const char *accept, enum field_coding want)
{
    static const bool all[FIELD_N_CODINGS] = {true, true, true};

    if (field_accepts_coding(accept, all) != want)
        fail_msg("%s", accept != NULL ? accept : "(no header)");
}

static void
the_best_coding_that_is_wanted_is_taken(void **state)
{
    (void)state;
    assert_coding("gzip, deflate, br, zstd", FIELD_BR);
    assert_coding("br, gzip", FIELD_BR);
    assert_coding("BR", FIELD_BR);
    assert_coding("gzip", FIELD_GZIP);
    assert_coding("gzip;q=1.0, br;q=0.9", FIELD_GZIP);
    assert_coding("*", FIELD_BR);
    assert_coding("*;q=0.5, gzip", FIELD_GZIP);
    assert_coding("br;q=0, *", FIELD_GZIP);
    assert_coding("gzip;q=0.001", FIELD_GZIP);
    assert_coding("identity;q=0.5, gzip;q=0.5", FIELD_GZIP);
    assert_coding("identity;q=0, gzip", FIELD_GZIP);
    assert_coding("*;q=0, br", FIELD_BR);
}

static void
what_is_not_wanted_is_not_coded(void **state)
{
    (void)state;
    assert_coding(NULL, FIELD_IDENTITY);
    assert_coding("", FIELD_IDENTITY);
    assert_coding("deflate", FIELD_IDENTITY);
    assert_coding("identity", FIELD_IDENTITY);
    assert_coding("gzip;q=0", FIELD_IDENTITY);
    assert_coding("br;q=0.000, gzip;q=0", FIELD_IDENTITY);
    assert_coding("identity, gzip;q=0.5, br;q=0.5", FIELD_IDENTITY);
    assert_coding("gzip;q=2", FIELD_IDENTITY); /* malformed */
    assert_coding("gzipped, xbr", FIELD_IDENTITY);
    assert_coding("identity;q=0", FIELD_IDENTITY); /* nothing is left: as if it had not been said */
}

static void
only_codings_that_there_are_count(void **state)
{
    static const bool only_gzip[FIELD_N_CODINGS] = {true, true, false};
    static const bool none[FIELD_N_CODINGS] = {true, false, false};

    (void)state;
    assert_int_equal(field_accepts_coding("gzip;q=0.1, br", only_gzip), FIELD_GZIP);
    assert_int_equal(field_accepts_coding("br", only_gzip), FIELD_IDENTITY);
    assert_int_equal(field_accepts_coding("gzip, br, *", none), FIELD_IDENTITY);
}

static void
a_tag_is_known_from_any_list_that_names_it(void **state)
{
    (void)state;
    assert_true(field_none_match("\"ab\"", "\"ab\""));
    assert_true(field_none_match("W/\"ab\"", "\"ab\""));
    assert_true(field_none_match(" \"x,y\" , \"ab\"", "\"ab\""));
    assert_true(field_none_match("*", "\"ab\""));
}

static void
another_tag_is_not_known(void **state)
{
    (void)state;
    assert_false(field_none_match(NULL, "\"ab\""));
    assert_false(field_none_match("", "\"ab\""));
    assert_false(field_none_match("ab", "\"ab\""));
    assert_false(field_none_match("\"abc\"", "\"ab\""));
    assert_false(field_none_match("\"ab-br\"", "\"ab\""));
    assert_false(field_none_match("\"AB\"", "\"ab\""));
    assert_false(field_none_match("w/\"ab\"", "\"ab\""));
    assert_false(field_none_match("\"*\"", "\"ab\""));
    assert_false(field_none_match("\"x, \"ab\", y\"", "\"ab\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_name_has_no_second_form),
        cmocka_unit_test(a_name_that_ascii_cannot_tell_has_both_forms),
        cmocka_unit_test(controls_and_broken_utf8_reach_neither_form),
        cmocka_unit_test(a_name_longer_than_its_buffer_appends_nothing),
        cmocka_unit_test(browsers_prefer_html),
        cmocka_unit_test(scripts_do_not_prefer_html),
        cmocka_unit_test(json_counts_only_when_named),
        cmocka_unit_test(hosts_with_and_without_a_port_are_authorities),
        cmocka_unit_test(what_could_forge_a_link_is_no_authority),
        cmocka_unit_test(the_token_of_a_bearer_is_found),
        cmocka_unit_test(what_is_no_bearer_has_no_token),
        cmocka_unit_test(a_word_of_a_list_is_found_whole_only),
        cmocka_unit_test(the_best_coding_that_is_wanted_is_taken),
        cmocka_unit_test(what_is_not_wanted_is_not_coded),
        cmocka_unit_test(only_codings_that_there_are_count),
        cmocka_unit_test(a_tag_is_known_from_any_list_that_names_it),
        cmocka_unit_test(another_tag_is_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
