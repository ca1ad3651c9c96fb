/* SPDX-License-Identifier: Apache-2.0 */
/* Where links point to, who may say so, and the headers of every reply. */
#include "api_testing.h"

static struct app app;
static struct asked asked;

static int
setup(void **state)
{
    (void)state;
    app = (struct app){.public_url = "", .cors_origins = "*"};
    asked_init(&asked, "GET", "/");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    asked_done(&asked);
    trusted_done(&app.trusted);
    return 0;
}

static void
assert_base(const char *want)
{
    struct buf b;

    buf_init(&b, 1024);
    assert_ok(link_base(&app, &asked.req, &b));
    assert_string_equal(buf_text(&b), want);
    buf_done(&b);
}

/* ---- links ---- */

static void
the_public_url_is_what_links_begin_with(void **state)
{
    (void)state;
    app.public_url = "https://drop.example";
    asked_header(&asked, "Host", "other.example");
    assert_base("https://drop.example");
}

static void
without_it_they_follow_the_host(void **state)
{
    (void)state;
    asked_header(&asked, "Host", "drop.example:8000");
    assert_base("http://drop.example:8000");
    asked.conn.is_tls = true;
    assert_base("https://drop.example:8000");
}

static void
a_host_that_is_no_authority_makes_paths_of_links(void **state)
{
    (void)state;
    assert_base("");
    asked_header(&asked, "Host", "evil.example/\"><script>");
    assert_base("");
}

static void
a_stranger_cannot_name_another_host_or_scheme(void **state)
{
    (void)state;
    assert_ok(trusted_parse("198.51.100.0/24", &app.trusted));
    asked_header(&asked, "Host", "drop.example");
    asked_header(&asked, "X-Forwarded-Host", "evil.example");
    asked_header(&asked, "X-Forwarded-Proto", "https");
    assert_base("http://drop.example");
}

static void
a_trusted_proxy_names_both_by_its_first_value(void **state)
{
    (void)state;
    assert_ok(trusted_parse("192.0.2.0/24", &app.trusted));
    asked_header(&asked, "Host", "inside:8000");
    asked_header(&asked, "X-Forwarded-Host", "drop.example , second.example");
    asked_header(&asked, "X-Forwarded-Proto", "HTTPS");
    assert_base("https://drop.example");
}

static void
what_a_proxy_says_must_still_be_a_host_and_a_scheme(void **state)
{
    (void)state;
    assert_ok(trusted_parse("192.0.2.0/24", &app.trusted));
    asked_header(&asked, "Host", "drop.example");
    asked_header(&asked, "X-Forwarded-Host", "a b");
    asked_header(&asked, "X-Forwarded-Proto", "javascript");
    assert_base("http://drop.example");
}

static void
a_link_is_base_path_and_code(void **state)
{
    const struct share_code code = {.n_words = 4, .text = "one-two-three-four"};
    struct buf b;

    (void)state;
    app.public_url = "https://drop.example";
    buf_init(&b, 1024);
    assert_ok(link_to(&app, &asked.req, "/#", &code, &b));
    assert_string_equal(buf_text(&b), "https://drop.example/#one-two-three-four");
    buf_done(&b);
    buf_init(&b, 30); /* no room for all of it */
    assert_err(ERR_TOOBIG, link_to(&app, &asked.req, "/#", &code, &b));
    buf_done(&b);
}

/* ---- escaping ---- */

static void
html_is_escaped_and_the_rest_is_kept(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1024);
    assert_ok(html_add(&b, "a<b>&\"c\"'d' \xc3\xa9"));
    assert_string_equal(buf_text(&b), "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39; \xc3\xa9");
    buf_done(&b);
    buf_init(&b, 4);
    assert_err(ERR_TOOBIG, html_add(&b, "<<"));
    buf_done(&b);
}

/* ---- the headers of every reply ---- */

static void
every_reply_has_the_headers_of_the_contract(void **state)
{
    static const char *const names[] = {
        "Cache-Control",
        "Pragma",
        "Expires",
        "X-Content-Type-Options",
        "X-Request-ID",
        "X-Frame-Options",
        "X-XSS-Protection",
        "Referrer-Policy",
        "Permissions-Policy",
        "Content-Security-Policy",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
    };

    (void)state;
    api_decorate(&app, &asked.req, &asked.resp);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(header_of(&asked, names[i]));
    assert_string_equal(header_of(&asked, "X-Content-Type-Options"), "nosniff");
    assert_null(header_of(&asked, "Strict-Transport-Security"));
    asked_again(&asked);
    app.public_url = "https://drop.example";
    api_decorate(&app, &asked.req, &asked.resp);
    assert_non_null(header_of(&asked, "Strict-Transport-Security"));
}

static void
what_a_handler_has_set_is_kept(void **state)
{
    (void)state;
    assert_ok(http_resp_add_header(&asked.resp, "Content-Security-Policy", "sandbox"));
    api_decorate(&app, &asked.req, &asked.resp);
    assert_string_equal(header_of(&asked, "Content-Security-Policy"), "sandbox");
}

static void
only_a_listed_origin_may_read_replies(void **state)
{
    (void)state;
    app.cors_origins = "https://a.example, https://b.example";
    asked_header(&asked, "Origin", "https://b.example");
    api_decorate(&app, &asked.req, &asked.resp);
    assert_string_equal(header_of(&asked, "Access-Control-Allow-Origin"), "https://b.example");
    assert_string_equal(header_of(&asked, "Vary"), "Origin");
    assert_null(header_of(&asked, "Access-Control-Allow-Methods"));
    asked_again(&asked);
    asked.fields[0].value = "https://b.example.evil.example";
    asked.fields[0].value_len = strlen(asked.fields[0].value);
    api_decorate(&app, &asked.req, &asked.resp);
    assert_null(header_of(&asked, "Access-Control-Allow-Origin"));
    assert_string_equal(header_of(&asked, "Vary"), "Origin");
}

static void
a_preflight_tells_methods_and_headers_but_not_put(void **state)
{
    (void)state;
    asked.req.method = "OPTIONS";
    api_decorate(&app, &asked.req, &asked.resp);
    assert_string_equal(header_of(&asked, "Access-Control-Allow-Origin"), "*");
    assert_string_equal(header_of(&asked, "Access-Control-Allow-Methods"), "GET, POST");
    assert_non_null(header_of(&asked, "Access-Control-Allow-Headers"));
    assert_null(header_of(&asked, "Access-Control-Allow-Credentials"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_public_url_is_what_links_begin_with),
        TEST(without_it_they_follow_the_host),
        TEST(a_host_that_is_no_authority_makes_paths_of_links),
        TEST(a_stranger_cannot_name_another_host_or_scheme),
        TEST(a_trusted_proxy_names_both_by_its_first_value),
        TEST(what_a_proxy_says_must_still_be_a_host_and_a_scheme),
        TEST(a_link_is_base_path_and_code),
        TEST(html_is_escaped_and_the_rest_is_kept),
        TEST(every_reply_has_the_headers_of_the_contract),
        TEST(what_a_handler_has_set_is_kept),
        TEST(only_a_listed_origin_may_read_replies),
        TEST(a_preflight_tells_methods_and_headers_but_not_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
