/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/mem.h"
#include "client/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CODE "velvet-canyon-oboe-thrift"
#define ID   "abcdefghijklmnopqrstuvwx2a"

static struct net_reply
reply_of(unsigned status, const char *body)
{
    struct net_reply r;

    net_reply_init(&r);
    r.status = status;
    assert_ok(buf_add_text(&r.body, body));
    return r;
}

/* `text` with the first `from` in it replaced. */
static char *
with(const char *text, const char *from, const char *to)
{
    size_t before = 0;
    char *changed = NULL;

    assert_non_null(strstr(text, from));
    before = (size_t)(strstr(text, from) - text);
    assert_true(
        asprintf(&changed, "%.*s%s%s", (int)before, text, to, text + before + strlen(from)) > 0);
    return changed;
}

/* ---- refusals ---- */

static void
says(unsigned status, int64_t retry_s, const char *body, enum err want, const char *sentence)
{
    struct net_reply r = reply_of(status, body);

    r.retry_after_s = retry_s;
    assert_err(want, reply_error(&r));
    if (sentence != NULL)
        assert_string_equal(err_sentence(), sentence);
    net_reply_done(&r);
}

static void
each_status_has_its_error(void **state)
{
    static const struct {
        unsigned status;
        enum err e;
    } rows[] = {
        {401, ERR_DENIED},  {403, ERR_DENIED},  {404, ERR_NOTFOUND}, {409, ERR_EXISTS},
        {410, ERR_GONE},    {413, ERR_TOOBIG},  {415, ERR_TYPE},     {429, ERR_LIMITED},
        {507, ERR_NOSPACE}, {400, ERR_DENIED},  {422, ERR_DENIED},   {499, ERR_DENIED},
        {500, ERR_UNAVAIL}, {502, ERR_UNAVAIL}, {503, ERR_UNAVAIL},  {301, ERR_UNAVAIL},
        {304, ERR_UNAVAIL}, {200, ERR_UNAVAIL}, {206, ERR_UNAVAIL},  {0, ERR_UNAVAIL},
        {100, ERR_UNAVAIL}, {999, ERR_UNAVAIL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        says(rows[i].status, 0, "", rows[i].e, NULL);
        says(rows[i].status, 0, "<html>nothing of ours", rows[i].e, NULL);
        says(rows[i].status, 0, "{\"detail\":7,\"error_code\":[]}", rows[i].e, NULL);
        assert_true(strlen(err_sentence()) > 10);
    }
}

static void
error_codes_tell_twins_of_a_status_apart(void **state)
{
    (void)state;
    says(410, 0, "{\"error_code\":\"PREVIEW_TAKEN\"}", ERR_TAKEN,
         "the preview of this file was already taken");
    says(429, 0, "{\"error_code\":\"BLOCKED\"}", ERR_BLOCKED,
         "too many wrong codes: try again later");
    says(500, 0, "{\"error_code\":\"INTEGRITY_CHECK_FAILED\"}", ERR_INTEGRITY, NULL);
    says(503, 0, "{\"error_code\":\"INTEGRITY_CHECK_FAILED\"}", ERR_UNAVAIL, NULL);
    says(404, 0, "{\"error_code\":\"PREVIEW_TAKEN\"}", ERR_NOTFOUND, NULL);
}

static void
how_and_when_a_file_ended_is_told(void **state)
{
    (void)state;
    says(410, 0,
         "{\"detail\":\"x\",\"error_code\":\"GONE\",\"ended_at\":\"2026-01-01T12:03:00Z\","
         "\"ended_by\":\"uses\"}",
         ERR_GONE, "this file is gone: downloaded at 2026-01-01 12:03:00 UTC");
    says(410, 0, "{\"ended_at\":\"2026-01-01T12:03:00Z\",\"ended_by\":\"expiry\"}", ERR_GONE,
         "this file is gone: expired at 2026-01-01 12:03:00 UTC");
    says(410, 0, "{\"ended_at\":\"2026-01-01T12:03:00Z\",\"ended_by\":\"revoked\"}", ERR_GONE,
         "this file is gone: burned by its sender at 2026-01-01 12:03:00 UTC");
    says(410, 0, "{\"ended_at\":\"2026-01-01T12:03:00Z\",\"ended_by\":\"moths\\u001b\"}", ERR_GONE,
         "this file is gone: it ended at 2026-01-01 12:03:00 UTC");
    says(410, 0, "{\"ended_at\":\"now\\u001b[2J\",\"ended_by\":\"uses\"}", ERR_GONE,
         "this file is gone: downloaded");
    says(410, 0, "{\"ended_at\":5}", ERR_GONE, "this file is gone");
}

static void
when_to_try_again_is_told_for_people(void **state)
{
    static const struct {
        int64_t s;
        const char *text;
    } rows[] = {
        {0, "later"},
        {-5, "later"},
        {1, "in 1 second"},
        {119, "in 119 seconds"},
        {120, "in 2 minutes"},
        {121, "in 3 minutes"},
        {29 * 60, "in 29 minutes"},
        {2 * 3600, "in 2 hours"},
        {48 * 3600, "in 2 days"},
        {INT32_MAX, "in 24856 days"},
        {INT64_MAX, "in 106751991167301 days"},
    };
    char sentence[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)snprintf(sentence, sizeof(sentence), "too many wrong codes: try again %s",
                       rows[i].text);
        says(429, rows[i].s, "{\"error_code\":\"BLOCKED\"}", ERR_BLOCKED, sentence);
    }
    says(429, 60, "{}", ERR_LIMITED, "too many requests: try again in 60 seconds");
}

static void
the_servers_own_words_are_made_printable_and_short(void **state)
{
    char body[2048], wide[1600] = "";

    (void)state;
    says(422, 0, "{\"detail\":\"uses must be 1 to 5\"}", ERR_DENIED,
         "the server refuses this: uses must be 1 to 5");
    says(422, 0, "{\"detail\":\"a\\u001b[31mb\\nc\\u202ed\\u009be\"}", ERR_DENIED,
         "the server refuses this: a?[31mb?c?d?e");
    says(422, 0, "{\"detail\":\"\"}", ERR_DENIED, "the server refuses this (status 422)");
    says(422, 0, "{\"detail\":\"%s%n%d\"}", ERR_DENIED, "the server refuses this: %s%n%d");
    for (int i = 0; i < 300; i++)
        (void)snprintf(wide + strlen(wide), sizeof(wide) - strlen(wide), "\xf0\x9f\x98\x80");
    (void)snprintf(body, sizeof(body), "{\"detail\":\"%s\"}", wide);
    says(422, 0, body, ERR_DENIED, NULL);
    assert_true(strlen(err_sentence()) < 230);
    assert_string_equal(err_sentence() + strlen(err_sentence()) - 7, "\xf0\x9f\x98\x80...");
}

/* The twin of the one above: a server's sentence that says no more than its status. */
static void
what_is_known_of_a_refusal_is_said_once_and_in_our_words(void **state)
{
    static const char detail[] = "{\"detail\":\"This says it twice.\"}";

    (void)state;
    says(401, 0, detail, ERR_DENIED, "the server wants a valid token");
    says(413, 0, detail, ERR_TOOBIG, "this is larger than the server accepts");
    says(507, 0, detail, ERR_NOSPACE, "the server has no room for this now");
    says(503, 5, detail, ERR_UNAVAIL, "the server cannot answer now: try again in 5 seconds");
    says(503, 0, detail, ERR_UNAVAIL, "the server cannot answer now");
    says(409, 0, "{\"error_code\":\"ID_IN_USE\",\"detail\":\"x\"}", ERR_EXISTS,
         "the server knows this code already: send it again");
}

static void
the_full_stop_of_the_servers_sentence_is_left_out(void **state)
{
    (void)state;
    says(415, 0, "{\"detail\":\"No text/html here.\"}", ERR_TYPE,
         "the server refuses this: No text/html here");
    says(403, 0, "{\"detail\":\"...\"}", ERR_DENIED, "the server refuses this: ...");
    says(409, 0, "{\"detail\":\".\"}", ERR_EXISTS, "the server refuses this: .");
    says(500, 0, "{\"detail\":\"One. Two.\"}", ERR_UNAVAIL, "the server failed: One. Two");
    says(502, 0, "<html>", ERR_UNAVAIL, "the server failed (status 502)");
}

static void
where_a_server_has_moved_is_shown(void **state)
{
    struct net_reply r = reply_of(302, "");

    (void)state;
    (void)snprintf(r.location, sizeof(r.location), "https://other.example/\x1b]0;x\x07");
    assert_err(ERR_UNAVAIL, reply_error(&r));
    assert_string_equal(err_sentence(), "the server has moved: https://other.example/?]0;x?");
    net_reply_done(&r);
}

static void
deep_and_endless_json_is_no_json(void **state)
{
    struct net_reply r = reply_of(422, "");

    (void)state;
    for (int i = 0; i < NET_BODY_MAX; i++)
        assert_ok(buf_add_text(&r.body, "["));
    assert_err(ERR_DENIED, reply_error(&r));
    assert_string_equal(err_sentence(), "the server refuses this (status 422)");
    net_reply_done(&r);
}

/* ---- receipts ---- */

static const char receipt[] =
    "{\"key\":\"" CODE "\",\"download_url\":\"https://host.example:8443/drop/download/" CODE "\","
    "\"preview_url\":\"x\",\"share_url\":\"y\",\"expiry\":\"2026-01-01T12:10:00Z\","
    "\"created_at\":\"2026-01-01T12:00:00Z\",\"uses\":3,\"filename\":\"report.pdf\","
    "\"size\":51200,\"mime_type\":\"application/pdf\",\"sha256\":\"" HASH "\","
    "\"burn_token\":\"abcDEF-_0123\",\"more\":{\"a\":[1,2,3]}}";

static enum err
read_receipt(const char *body, struct receipt *ret)
{
    struct net_reply r = reply_of(201, body);
    enum err e = reply_receipt(&r, ret);

    net_reply_done(&r);
    return e;
}

static void
a_receipt_is_read(void **state)
{
    struct receipt got;

    (void)state;
    assert_ok(read_receipt(receipt, &got));
    assert_string_equal(got.key, CODE);
    assert_string_equal(got.server, "https://host.example:8443/drop");
    assert_string_equal(got.burn_token, "abcDEF-_0123");
    assert_string_equal(got.sha256, HASH);
    assert_int_equal(got.life_s, 600);
    assert_string_equal(got.expiry, "2026-01-01T12:10:00Z");
    assert_int_equal(got.expires_at_s, 1767269400);
    assert_int_equal(got.uses, 3);
    receipt_wipe(&got);
    assert_string_equal(got.key, "");
}

static void
a_receipt_of_an_end_to_end_upload_is_read(void **state)
{
    char *once = with(receipt, "\"" CODE "\"", "\"" ID "\"");
    char *twice = with(once, "/download/" CODE, "/download/" ID);
    struct receipt got;

    (void)state;
    assert_ok(read_receipt(twice, &got));
    assert_string_equal(got.key, ID);
    assert_string_equal(got.server, "https://host.example:8443/drop");
    free(once);
    free(twice);
}

static void
a_life_that_is_not_said_or_runs_backwards_is_not_known(void **state)
{
    static const char *const made[] = {"", "\"created_at\":\"2026-01-01T12:10:01Z\","};
    struct receipt got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        char *other = with(receipt, "\"created_at\":\"2026-01-01T12:00:00Z\",", made[i]);

        assert_ok(read_receipt(other, &got));
        assert_int_equal(got.life_s, -1);
        free(other);
    }
}

static void
a_receipt_with_a_field_of_another_form_is_none(void **state)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"\"key\":\"" CODE "\"", "\"key\":7"},
        {"\"key\":\"" CODE "\"", "\"key\":\"Velvet-Canyon-oboe\""},
        {"\"key\":\"" CODE "\"", "\"key\":\"velvet canyon oboe\""},
        {"\"key\":\"" CODE "\"", "\"key\":\"velvet-canyon\""},
        {"\"key\":\"" CODE "\"", "\"key\":\"a-b-c-d-e-f\""},
        {"\"key\":\"" CODE "\"", "\"key\":\"vel/vet-canyon-oboe\""},
        {"\"key\":\"" CODE "\"", "\"key\":\"velvet-canyon-oboe\\u0000\""},
        {"\"key\":\"" CODE "\",", ""},
        {"abcDEF-_0123", ""},
        {"abcDEF-_0123", "abc def"},
        {"abcDEF-_0123", "abc\\u001bdef"},
        {"abcDEF-_0123", HASH},
        {HASH, "0123"},
        {HASH, "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"},
        {HASH, "0123456789abcdeg0123456789abcdef0123456789abcdef0123456789abcdef"},
        {"https://host", "https://ho\\u001bst"},
        {"https://host", "https://ho st"},
        {"https://host", "https://h\xc3\xb6st"},
        {"12:10:00Z", "12:10:00"},
        {"12:10:00Z", "12:10:60Z"},
        {"12:00:00Z", "noon"},
        {"\"uses\":3", "\"uses\":\"3\""},
        {"\"uses\":3", "\"uses\":3.0"},
        {"\"uses\":3", "\"uses\":-1"},
        {"\"uses\":3", "\"uses\":4294967297"},
        {"\"uses\":3", "\"uses\":99999999999999999999999999"},
        {"\"uses\":3", "\"uses\":3,\"uses\":3"},
        {"\"more\":{\"a\":[1,2,3]}}", "\"more\":{\"a\":[1,2,3]}"},
        {"\"more\":{\"a\":[1,2,3]}}", "\"more\":{\"a\":[1,2,3]}}}"},
    };
    struct receipt got = {.uses = 77};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *bad = with(receipt, rows[i].from, rows[i].to);

        if (read_receipt(bad, &got) != ERR_SYNTAX)
            fail_msg("%s -> %s was taken", rows[i].from, rows[i].to);
        assert_int_equal(got.uses, 77);
        assert_string_equal(got.key, "");
        free(bad);
    }
    assert_err(ERR_SYNTAX, read_receipt("", &got));
    assert_err(ERR_SYNTAX, read_receipt("[]", &got));
    assert_err(ERR_SYNTAX, read_receipt("\"a\"", &got));
    assert_err(ERR_SYNTAX, read_receipt("{}", &got));
}

static void
the_server_of_a_link_is_told_only_where_it_is_one(void **state)
{
    static const struct {
        const char *url, *server;
    } rows[] = {
        {"http://[::1]:8000/download/" CODE, "http://[::1]:8000"},
        {"https:///download/" CODE, ""},
        {"ftp://host/download/" CODE, ""},
        {"https://user@host/download/" CODE, ""},
        {"https://host/?/download/" CODE, ""},
        {"https://host/#/download/" CODE, ""},
        {"https://host/download/" CODE "/", ""},
        {"https://host/download/other-key-here", ""},
        {"https://host/get/" CODE, ""},
        {"/download/" CODE, ""},
    };
    struct receipt got;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *body = with(receipt, "https://host.example:8443/drop/download/" CODE, rows[i].url);

        assert_ok(read_receipt(body, &got));
        assert_string_equal(got.server, rows[i].server);
        free(body);
    }
}

/* ---- status and preview ---- */

static enum err
read_status(const char *body, struct reply_status *ret)
{
    struct net_reply r = reply_of(200, body);
    enum err e = reply_status(&r, ret);

    net_reply_done(&r);
    return e;
}

static void
a_status_is_read(void **state)
{
    struct reply_status got;

    (void)state;
    assert_ok(read_status("{\"key\":\"x\",\"status\":\"active\",\"remaining_uses\":2,"
                          "\"is_accessible\":true,\"expires_at\":\"2026-01-01T12:10:00Z\"}",
                          &got));
    assert_string_equal(got.status, "active");
    assert_int_equal(got.uses_left, 2);
    assert_string_equal(got.expires_at, "2026-01-01T12:10:00Z");
    assert_string_equal(got.ended_at, "");
    assert_string_equal(got.ended_by, "");
    assert_ok(read_status("{\"key\":null,\"status\":\"burned\",\"remaining_uses\":0,"
                          "\"ended_at\":\"2026-01-01T12:10:00Z\",\"ended_by\":\"uses\"}",
                          &got));
    assert_string_equal(got.ended_at, "2026-01-01T12:10:00Z");
    assert_string_equal(got.ended_by, "uses");
    assert_string_equal(got.expires_at, "");
    assert_ok(read_status("{\"status\":\"unknown\",\"remaining_uses\":0,\"ended_at\":null}", &got));
    assert_ok(read_status("{\"status\":\"burned\",\"ended_by\":\"revoked\"}", &got)); /* a burn's */
    assert_int_equal(got.uses_left, 0);
}

static void
a_status_with_a_field_of_another_form_is_none(void **state)
{
    static const char *const rows[] = {
        "{\"status\":\"activ\",\"remaining_uses\":0}",
        "{\"status\":\"Active\",\"remaining_uses\":0}",
        "{\"status\":\"\",\"remaining_uses\":0}",
        "{\"status\":null,\"remaining_uses\":0}",
        "{\"status\":\"active\"}",
        "{\"status\":\"active\"}",
        "{\"status\":\"burned\",\"remaining_uses\":-1}",
        "{\"status\":\"active\",\"remaining_uses\":-1}",
        "{\"status\":\"active\",\"remaining_uses\":true}",
        "{\"status\":\"active\",\"remaining_uses\":1,\"expires_at\":7}",
        "{\"status\":\"active\",\"remaining_uses\":1,\"expires_at\":\"soon\"}",
        "{\"status\":\"burned\",\"remaining_uses\":0,\"ended_by\":\"U\"}",
        "{\"status\":\"burned\",\"remaining_uses\":0,\"ended_by\":\"\"}",
        "{\"status\":\"burned\",\"remaining_uses\":0,\"ended_by\":\"averyveryverylongword\"}",
    };
    struct reply_status got = {.uses_left = 77};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (read_status(rows[i], &got) != ERR_SYNTAX)
            fail_msg("%s was taken", rows[i]);
        assert_int_equal(got.uses_left, 77);
    }
}

static const char preview[] =
    "{\"key\":\"" CODE "\",\"filename\":\"na\\u00efve \\u001b.pdf\",\"size\":9007199254740993,"
    "\"mime_type\":\"application/pdf\",\"expiry\":\"2026-01-01T12:10:00Z\",\"uses\":1,"
    "\"minutes_left\":9,\"sha256\":\"" HASH "\",\"meta\":\"QUJD-_\"}";

static enum err
read_preview(const char *body, struct reply_preview *ret)
{
    struct net_reply r = reply_of(200, body);
    enum err e = reply_preview(&r, ret);

    net_reply_done(&r);
    return e;
}

static void
a_preview_is_read(void **state)
{
    char *plain = with(preview, ",\"meta\":\"QUJD-_\"", "");
    struct reply_preview got;

    (void)state;
    assert_ok(read_preview(preview, &got));
    assert_string_equal(got.name, "na\xc3\xafve \x1b.pdf"); /* to be shown with term_show only */
    assert_string_equal(got.type, "application/pdf");
    assert_string_equal(got.sha256, HASH);
    assert_string_equal(got.expiry, "2026-01-01T12:10:00Z");
    assert_true(got.size_bytes == 9007199254740993);
    assert_int_equal(got.uses_left, 1);
    assert_int_equal(got.minutes_left, 9);
    assert_string_equal(got.meta, "QUJD-_");
    assert_ok(read_preview(plain, &got));
    assert_string_equal(got.meta, "");
    free(plain);
}

static void
a_preview_with_a_field_of_another_form_is_none(void **state)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"\"size\":9007199254740993", "\"size\":-1"},
        {"\"size\":9007199254740993", "\"size\":1e3"},
        {"\"size\":9007199254740993", "\"size\":9223372036854775808"},
        {"\"size\":9007199254740993,", ""},
        {"na\\u00efve", "a\\u0000"},
        {"na\\u00efve", "a\xff"},
        {"na\\u00efve", HASH HASH HASH HASH},
        {"na\\u00efve \\u001b.pdf", ""},
        {"application/pdf", "application/\\u001bpdf"},
        {"application/pdf", HASH HASH},
        {"QUJD-_", "QUJD+/"},
        {"\"QUJD-_\"", "[]"},
        {"\"minutes_left\":9", "\"minutes_left\":null"},
        {HASH, HASH "0"},
    };
    struct reply_preview got = {.uses_left = 77};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *bad = with(preview, rows[i].from, rows[i].to);

        if (read_preview(bad, &got) != ERR_SYNTAX)
            fail_msg("%s -> %s was taken", rows[i].from, rows[i].to);
        assert_int_equal(got.uses_left, 77);
        free(bad);
    }
}

/* ---- times ---- */

static void
times_are_read_in_their_one_spelling(void **state)
{
    static const char *const none[] = {
        "",
        "2026-01-01T12:10:00",
        "2026-01-01 12:10:00Z",
        "2026-01-01T12:10:00z",
        "2026-01-01T12:10:00+",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T-1:00:00Z",
        "2026-01-01T 1:00:00Z",
        "20 6-01-01T01:00:00Z",
        "2026-01-01T12:10:00Zx",
    };
    int64_t at_s = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_err(ERR_SYNTAX, reply_time(none[i], &at_s));
    assert_int_equal(at_s, 77);
    assert_ok(reply_time("1970-01-01T00:00:00Z", &at_s));
    assert_int_equal(at_s, 0);
    assert_ok(reply_time("2024-02-29T23:59:59Z", &at_s));
    assert_int_equal(at_s, 1709251199);
    assert_ok(reply_time("9999-12-31T23:59:59Z", &at_s));
    assert_true(at_s == 253402300799);
    assert_ok(reply_time("0000-01-01T00:00:00Z", &at_s));
    assert_true(at_s == -62167219200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_its_error),
        cmocka_unit_test(error_codes_tell_twins_of_a_status_apart),
        cmocka_unit_test(how_and_when_a_file_ended_is_told),
        cmocka_unit_test(when_to_try_again_is_told_for_people),
        cmocka_unit_test(the_servers_own_words_are_made_printable_and_short),
        cmocka_unit_test(what_is_known_of_a_refusal_is_said_once_and_in_our_words),
        cmocka_unit_test(the_full_stop_of_the_servers_sentence_is_left_out),
        cmocka_unit_test(where_a_server_has_moved_is_shown),
        cmocka_unit_test(deep_and_endless_json_is_no_json),
        cmocka_unit_test(a_receipt_is_read),
        cmocka_unit_test(a_receipt_of_an_end_to_end_upload_is_read),
        cmocka_unit_test(a_life_that_is_not_said_or_runs_backwards_is_not_known),
        cmocka_unit_test(a_receipt_with_a_field_of_another_form_is_none),
        cmocka_unit_test(the_server_of_a_link_is_told_only_where_it_is_one),
        cmocka_unit_test(a_status_is_read),
        cmocka_unit_test(a_status_with_a_field_of_another_form_is_none),
        cmocka_unit_test(a_preview_is_read),
        cmocka_unit_test(a_preview_with_a_field_of_another_form_is_none),
        cmocka_unit_test(times_are_read_in_their_one_spelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
