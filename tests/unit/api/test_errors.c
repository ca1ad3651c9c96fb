/* SPDX-License-Identifier: Apache-2.0 */
/* The one door of failures: every error has its reply, and none tells more than it should. */
#include "api_testing.h"

#include <stdio.h>

static struct asked asked;

static int
setup(void **state)
{
    (void)state;
    asked_init(&asked, "GET", "/health");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    asked_done(&asked);
    return 0;
}

static unsigned
status_of(enum err e)
{
    asked_again(&asked);
    api_fail(NULL, &asked.req, e, &asked.resp);
    return asked.resp.status;
}

static void
every_error_has_a_status_a_code_and_a_sentence_of_its_own(void **state)
{
    const char *codes[ERR_N] = {NULL};
    json_t *replies[ERR_N] = {NULL};

    (void)state;
    for (int e = ERR_OK + 1; e < ERR_N; e++) {
        assert_in_range(status_of((enum err)e), 400, 599);
        assert_string_equal(asked.resp.type, "application/json");
        replies[e] = json_of(&asked);
        assert_int_equal(json_object_size(replies[e]), 2);
        codes[e] = json_string_value(json_object_get(replies[e], "error_code"));
        assert_non_null(codes[e]);
        assert_int_equal(codes[e][strspn(codes[e], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")], '\0');
        assert_true(json_string_length(json_object_get(replies[e], "detail")) > 10);
        for (int other = ERR_OK + 1; other < e; other++)
            assert_string_not_equal(codes[e], codes[other]);
    }
    for (int e = 0; e < ERR_N; e++)
        json_decref(replies[e]);
}

static void
the_statuses_are_those_of_the_contract(void **state)
{
    static const struct {
        enum err e;
        unsigned status;
    } want[] = {
        {ERR_SYNTAX, 400},   {ERR_DENIED, 401},      {ERR_NOTFOUND, 404}, {ERR_METHOD, 405},
        {ERR_TIMEOUT, 408},  {ERR_EXISTS, 409},      {ERR_GONE, 410},     {ERR_TAKEN, 410},
        {ERR_NOLENGTH, 411}, {ERR_TOOBIG, 413},      {ERR_TYPE, 415},     {ERR_RANGE, 416},
        {ERR_FIELD, 422},    {ERR_BLOCKED, 429},     {ERR_LIMITED, 429},  {ERR_INTEGRITY, 500},
        {ERR_IO, 500},       {ERR_UNSUPPORTED, 501}, {ERR_UNAVAIL, 503},  {ERR_NOSPACE, 507},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_int_equal(status_of(want[i].e), want[i].status);
}

static void
what_is_no_error_of_the_table_is_an_internal_one(void **state)
{
    (void)state;
    assert_int_equal(status_of(ERR_N), 500);
    assert_int_equal(status_of(ERR_OK), 500);
}

static void
the_sentence_of_the_inside_does_not_leave(void **state)
{
    (void)state;
    for (int e = ERR_OK + 1; e < ERR_N; e++) {
        (void)err_set((enum err)e, "/var/lib/mayfly: a secret of the inside");
        (void)status_of((enum err)e);
        assert_null(strstr(body_of(&asked), "inside"));
        assert_null(strstr(body_of(&asked), "/var"));
    }
}

static void
a_denial_names_its_scheme_and_nothing_else_does(void **state)
{
    (void)state;
    (void)status_of(ERR_DENIED);
    assert_string_equal(header_of(&asked, "WWW-Authenticate"), "Bearer");
    (void)status_of(ERR_NOTFOUND);
    assert_null(header_of(&asked, "WWW-Authenticate"));
}

static void
a_block_tells_when_to_come_again(void **state)
{
    const struct refusal more = {.retry_s = 1800};

    (void)state;
    assert_ok(api_refuse(&asked.req, &asked.resp, ERR_BLOCKED, &more));
    assert_string_equal(header_of(&asked, "Retry-After"), "1800");
    (void)status_of(ERR_BLOCKED);
    assert_null(header_of(&asked, "Retry-After"));
}

static void
what_is_gone_tells_how_and_when(void **state)
{
    const struct share_state st = {
        .phase = SHARE_ENDED, .ended_by = ENDED_REVOKED, .ended_at_s = 86400};
    const struct refusal more = {.gone = &st};
    json_t *json;

    (void)state;
    assert_ok(api_refuse(&asked.req, &asked.resp, ERR_GONE, &more));
    json = json_of(&asked);
    assert_json_text(json, "ended_by", "revoked");
    assert_json_text(json, "ended_at", "1970-01-02T00:00:00Z");
    json_decref(json);
}

static void
an_integrity_failure_reports_both_hashes(void **state)
{
    const uint8_t expected[SHA256_LEN] = {0xab}, actual[SHA256_LEN] = {0xcd};
    const struct refusal more = {.expected = expected, .actual = actual};
    const json_t *report;
    json_t *json;

    (void)state;
    assert_ok(api_refuse(&asked.req, &asked.resp, ERR_INTEGRITY, &more));
    json = json_of(&asked);
    report = json_object_get(json, "integrity_report");
    assert_memory_equal(json_string_value(json_object_get(report, "expected")), "ab00", 4);
    assert_memory_equal(json_string_value(json_object_get(report, "actual")), "cd00", 4);
    json_decref(json);
}

static void
who_prefers_a_page_gets_one_and_it_is_escaped(void **state)
{
    const struct refusal more = {.sentence = "<script>&\"'", .retry_s = 7};

    (void)state;
    asked_header(&asked, "Accept", "text/html");
    assert_ok(api_refuse(&asked.req, &asked.resp, ERR_LIMITED, &more));
    assert_int_equal(asked.resp.status, 429);
    assert_string_equal(asked.resp.type, "text/html; charset=utf-8");
    assert_non_null(strstr(body_of(&asked), "&lt;script&gt;&amp;&quot;&#39;"));
    assert_null(strstr(body_of(&asked), "<script>"));
    assert_non_null(strstr(body_of(&asked), "7 seconds"));
    assert_non_null(strstr(header_of(&asked, "Content-Security-Policy"), "default-src 'none'"));
}

static void
a_sentence_for_the_client_takes_the_place_of_the_tables(void **state)
{
    const struct refusal more = {.sentence = "A \"quoted\" one.", .error_code = "OWN_CODE"};
    json_t *json;

    (void)state;
    assert_ok(api_refuse(&asked.req, &asked.resp, ERR_FIELD, &more));
    json = json_of(&asked);
    assert_json_text(json, "detail", "A \"quoted\" one.");
    assert_json_text(json, "error_code", "OWN_CODE");
    json_decref(json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_error_has_a_status_a_code_and_a_sentence_of_its_own),
        TEST(the_statuses_are_those_of_the_contract),
        TEST(what_is_no_error_of_the_table_is_an_internal_one),
        TEST(the_sentence_of_the_inside_does_not_leave),
        TEST(a_denial_names_its_scheme_and_nothing_else_does),
        TEST(a_block_tells_when_to_come_again),
        TEST(what_is_gone_tells_how_and_when),
        TEST(an_integrity_failure_reports_both_hashes),
        TEST(who_prefers_a_page_gets_one_and_it_is_escaped),
        TEST(a_sentence_for_the_client_takes_the_place_of_the_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
