/* SPDX-License-Identifier: Apache-2.0 */
/* The page's templates are filled with what the server allows, and its files are told apart by
 * their tags. */
#include "api_testing.h"

#include "api/page.h"
#include "base/mem.h"

static const char all_slots[] =
    "{{base_url}}|{{max_file_size}}|{{max_file_size_text}}|{{max_expiry}}|{{expiry}}|{{max_uses}}|"
    "{{key_words}}|{{e2e}}|{{token}}|{{token_field}}";

static struct app app = {
    .public_url = "https://drop.example",
    .cors_origins = "*",
    .max_file_size = 104857600,
    .code_words = 4,
    .max_expiry_min = 5,
    .max_uses = 3,
};

static struct web_asset
template_of(const char *text)
{
    return (struct web_asset){.path = "page.html",
                              .type = "text/html; charset=utf-8",
                              .etag = "\"aa\"",
                              .plain = {(const uint8_t *)text, strlen(text)}};
}

static void
assert_page(const struct app *a, const char *base_url, const char *want)
{
    struct web_asset template = template_of(all_slots);
    struct buf b;

    buf_init(&b, 4096);
    assert_ok(page_fill(a, base_url, &template, &b));
    assert_string_equal(buf_text(&b), want);
    buf_done(&b);
}

static void
slots_tell_what_the_server_allows(void **state)
{
    (void)state;
    assert_page(&app, "https://drop.example",
                "https://drop.example|104857600|100 MiB|5|5|3|4|on|none|");
}

static void
a_token_and_a_list_of_types_change_what_the_page_offers(void **state)
{
    struct app strict = app;
    struct buf b;
    struct web_asset template = template_of("{{e2e}} {{token}} {{expiry}} {{token_field}}");

    (void)state;
    strict.upload_token = (const uint8_t *)"secret";
    strict.upload_token_len = 6;
    strict.max_expiry_min = 60;
    assert_ok(mime_rules_parse("text/plain", &strict.mime));
    buf_init(&b, 4096);
    assert_ok(page_fill(&strict, "", &template, &b));
    assert_true(strncmp(buf_text(&b), "off required 10 <", 17) == 0);
    assert_non_null(strstr(buf_text(&b), "name=\"token\""));
    assert_null(strstr(buf_text(&b), "secret"));
    buf_done(&b);
    mime_rules_done(&strict.mime);
}

static void
a_host_cannot_write_html(void **state)
{
    struct web_asset template = template_of("<a href=\"{{base_url}}\">");
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    assert_ok(page_fill(&app, "\"><script>", &template, &b));
    assert_string_equal(buf_text(&b), "<a href=\"&quot;&gt;&lt;script&gt;\">");
    buf_done(&b);
}

/* Empty tables (-Dweb=false) have nothing to fill. */
static void
every_slot_of_the_real_templates_is_known(void **state)
{
    const struct web_asset *templates[] = {web_page(), web_docs()};
    struct buf b;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(templates); i++) {
        if (templates[i] == NULL)
            continue;
        buf_init(&b, 1024 * 1024);
        assert_ok(page_fill(&app, "", templates[i], &b));
        assert_null(strstr(buf_text(&b), "{{"));
        buf_done(&b);
    }
}

/* The status of a page of this text for this If-None-Match, and its tag. */
static unsigned
ask_page(const struct app *a, const char *text, const char *known, char ret_tag[96])
{
    struct web_asset template = template_of(text);
    struct asked asked;
    unsigned status;

    asked_init(&asked, "GET", "/");
    if (known != NULL)
        asked_header(&asked, "If-None-Match", known);
    assert_ok(page_reply(a, &asked.req, &asked.resp, &template));
    (void)snprintf(ret_tag, 96, "%s", header_of(&asked, "ETag"));
    status = asked.resp.status;
    assert_int_equal(asked.resp.body.len == 0, status == 304);
    assert_non_null(strstr(header_of(&asked, "Content-Security-Policy"), "trusted-types mayfly"));
    asked_done(&asked);
    return status;
}

static void
a_page_that_the_client_has_is_not_sent_again(void **state)
{
    char tag[96], again[96];

    (void)state;
    assert_int_equal(ask_page(&app, all_slots, NULL, tag), 200);
    assert_int_equal(ask_page(&app, all_slots, tag, again), 304);
    assert_string_equal(tag, again);
    assert_int_equal(ask_page(&app, all_slots, "\"aa\"", again), 200);
}

static void
a_page_with_other_values_has_another_tag(void **state)
{
    struct app other = app;
    char tag[96], other_tag[96];

    (void)state;
    other.max_uses = 4;
    assert_int_equal(ask_page(&app, all_slots, NULL, tag), 200);
    assert_int_equal(ask_page(&other, all_slots, tag, other_tag), 200);
    assert_string_not_equal(tag, other_tag);
}

/* ---- files ---- */

static unsigned
ask_openapi(struct asked *a, const char *encoding, const char *known)
{
    asked_init(a, "GET", "/openapi.json");
    if (encoding != NULL)
        asked_header(a, "Accept-Encoding", encoding);
    if (known != NULL)
        asked_header(a, "If-None-Match", known);
    assert_ok(openapi_get(&app, &a->req, &a->resp));
    assert_string_equal(header_of(a, "Vary"), "Accept-Encoding");
    assert_string_equal(header_of(a, "Cache-Control"), "no-cache");
    return a->resp.status;
}

static void
each_form_of_a_file_has_its_own_tag(void **state)
{
    const struct web_asset *openapi = web_find("/openapi.json");
    struct asked plain, gzip, br;

    (void)state;
    assert_non_null(openapi);
    assert_int_equal(ask_openapi(&plain, NULL, NULL), 200);
    assert_int_equal(ask_openapi(&gzip, "gzip", NULL), 200);
    assert_int_equal(ask_openapi(&br, "gzip, br", NULL), 200);
    assert_null(header_of(&plain, "Content-Encoding"));
    assert_string_equal(header_of(&gzip, "Content-Encoding"), "gzip");
    assert_string_equal(header_of(&br, "Content-Encoding"), "br");
    assert_string_equal(header_of(&plain, "ETag"), openapi->etag);
    assert_string_not_equal(header_of(&gzip, "ETag"), header_of(&br, "ETag"));
    assert_int_equal(plain.resp.body.len, openapi->plain.len);
    assert_int_equal(gzip.resp.body.len, openapi->gzip.len);
    assert_int_equal(br.resp.body.len, openapi->br.len);
    asked_done(&plain);
    asked_done(&gzip);
    asked_done(&br);
}

static void
a_file_is_known_only_in_the_form_that_is_asked_for(void **state)
{
    struct asked br, again;
    char tag[96];

    (void)state;
    assert_int_equal(ask_openapi(&br, "br", NULL), 200);
    (void)snprintf(tag, sizeof(tag), "%s", header_of(&br, "ETag"));
    asked_done(&br);
    assert_int_equal(ask_openapi(&again, "br", tag), 304);
    assert_int_equal(again.resp.body.len, 0);
    assert_null(header_of(&again, "Content-Encoding"));
    assert_string_equal(header_of(&again, "ETag"), tag);
    asked_done(&again);
    assert_int_equal(ask_openapi(&again, "gzip", tag), 200);
    asked_done(&again);
}

static void
only_files_of_the_table_are_served_as_assets(void **state)
{
    static const char *const wrong[] = {"app.js", "openapi.json", "page.html", "sw.js"};
    struct asked a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(ask_route(&app, &a, "GET", "/assets/", wrong[i], NULL, NULL), 404);
        asked_done(&a);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_tell_what_the_server_allows),
        cmocka_unit_test(a_token_and_a_list_of_types_change_what_the_page_offers),
        cmocka_unit_test(a_host_cannot_write_html),
        cmocka_unit_test(every_slot_of_the_real_templates_is_known),
        cmocka_unit_test(a_page_that_the_client_has_is_not_sent_again),
        cmocka_unit_test(a_page_with_other_values_has_another_tag),
        cmocka_unit_test(each_form_of_a_file_has_its_own_tag),
        cmocka_unit_test(a_file_is_known_only_in_the_form_that_is_asked_for),
        cmocka_unit_test(only_files_of_the_table_are_served_as_assets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
