/* SPDX-License-Identifier: Apache-2.0 */
/* The intake of an upload, without a server: what is refused before, during and after the body. */
#include "upload_world.h"

static void
a_form_with_a_file_is_finished_by_a_worker(void **state)
{
    struct world *w = *state;

    ask_form(w);
    assert_ok(begin(w, UINT64_MAX));
    assert_ok(push(w, "--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n"));
    assert_ok(push(w, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n"));
    assert_ok(push(w, "\r\nwhat is sent\r\n--b--\r\n"));
    assert_ok(finish(w));
    assert_non_null(w->asked.resp.work);
    end(w);
    assert_nothing_is_reserved(w);
}

static void
a_raw_upload_is_answered_with_one_line(void **state)
{
    struct world *w = *state;

    asked_init(&w->asked, "PUT", "/a");
    asked_header(&w->asked, "Host", "drop.example");
    assert_ok(begin(w, 3));
    assert_ok(push(w, "abc"));
    assert_ok(finish(w));
    assert_ok(work(w));
    assert_int_equal(w->asked.resp.status, 201);
    assert_int_equal(strncmp(body_of(&w->asked), "http://drop.example/download/", 29), 0);
    assert_non_null(header_of(&w->asked, "X-Burn-Token"));
    assert_int_equal(n_live(w), 1);
    end(w);
}

/* Nobody would ever know its code. */
static void
an_upload_that_cannot_be_answered_is_taken_back(void **state)
{
    struct world *w = *state;
    char url[3000] = "https://";

    memset(url + 8, 'a', sizeof(url) - 9);
    w->app.public_url = url;
    asked_init(&w->asked, "PUT", "/a");
    assert_ok(begin(w, 3));
    assert_ok(push(w, "abc"));
    assert_ok(finish(w));
    assert_err(ERR_TOOBIG, work(w));
    assert_int_equal(n_live(w), 0);
    assert_int_equal(w->n_woken, 2); /* for the upload, and for its end */
    end(w);
}

static void
a_type_that_is_not_allowed_leaves_nothing(void **state)
{
    struct world *w = *state;

    assert_ok(mime_rules_parse("image/*", &w->app.mime));
    asked_init(&w->asked, "PUT", "/a");
    assert_ok(begin(w, 3));
    assert_ok(push(w, "abc"));
    assert_ok(finish(w));
    assert_ok(work(w));
    assert_int_equal(w->asked.resp.status, 415);
    assert_int_equal(n_live(w), 0);
    end(w);
    mime_rules_done(&w->app.mime);
}

static void
a_form_without_a_file_is_a_wrong_field(void **state)
{
    struct world *w = *state;

    ask_form(w);
    assert_ok(begin(w, UINT64_MAX));
    assert_ok(
        push(w, "--b\r\nContent-Disposition: form-data; name=\"uses\"\r\n\r\n1\r\n--b--\r\n"));
    assert_ok(finish(w));
    assert_int_equal(w->asked.resp.status, 422);
    assert_null(w->asked.resp.work);
    end(w);
}

/* Without a length nothing else would ever end a field that is read and dropped. */
static void
a_field_that_never_ends_is_too_big(void **state)
{
    struct world *w = *state;
    char kib[1025];
    enum err e = ERR_OK;
    unsigned n = 0;

    memset(kib, 'x', 1024);
    kib[1024] = '\0';
    ask_form(w);
    assert_ok(begin(w, UINT64_MAX));
    assert_ok(push(w, "--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n"));
    for (; e == ERR_OK && n < 1000; n++)
        e = push(w, kib);
    assert_int_equal(e, ERR_TOOBIG);
    assert_in_range(n, 2, 100);
    end(w);
    assert_nothing_is_reserved(w);
}

static void
one_byte_over_the_file_limit_is_too_big(void **state)
{
    struct world *w = *state;
    char file[FILE_MAX + 1];

    memset(file, 'x', FILE_MAX);
    file[FILE_MAX] = '\0';
    asked_init(&w->asked, "PUT", "/a");
    assert_ok(begin(w, UINT64_MAX));
    assert_ok(push(w, file));
    assert_err(ERR_TOOBIG, push(w, "x"));
    end(w);
    asked_init(&w->asked, "PUT", "/a");
    assert_err(ERR_TOOBIG, begin(w, FILE_MAX + 1));
    assert_null(w->upload);
    asked_done(&w->asked);
    assert_nothing_is_reserved(w);
}

static void
fields_twice_too_long_or_with_a_nul_are_refused(void **state)
{
    static const char head[] = "--b\r\nContent-Disposition: form-data; name=\"uses\"\r\n\r\n";
    struct world *w = *state;
    char longer[600];

    memset(longer, '1', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    ask_form(w);
    assert_ok(begin(w, UINT64_MAX));
    assert_ok(push(w, head));
    assert_ok(push(w, "1\r\n"));
    assert_err(ERR_FIELD, push(w, head));
    end(w);
    ask_form(w);
    assert_ok(begin(w, UINT64_MAX));
    assert_ok(push(w, head));
    assert_err(ERR_FIELD, push(w, longer));
    end(w);
    ask_form(w);
    assert_ok(begin(w, UINT64_MAX));
    assert_ok(push(w, head));
    assert_err(ERR_FIELD, w->asked.req.match.route->intake->body(
                              w->upload, (const uint8_t *)"1\0001\r\n--b", 8));
    end(w);
}

static void
limits_in_headers_are_read_before_the_body(void **state)
{
    static const char *const wrong[] = {"0", "61", "-1", "1.5", "", "99999999999999999999"};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        asked_init(&w->asked, "PUT", "/a");
        asked_header(&w->asked, "X-Expiry", wrong[i]);
        assert_ok(begin(w, 5));
        assert_null(w->upload);
        assert_int_equal(w->asked.resp.status, 422);
        assert_non_null(strstr(body_of(&w->asked), "X-Expiry"));
        asked_done(&w->asked);
    }
    asked_init(&w->asked, "PUT", "/a");
    asked_header(&w->asked, "X-Expiry", "60");
    asked_header(&w->asked, "X-Uses", "5");
    assert_ok(begin(w, 5));
    assert_non_null(w->upload);
    end(w);
    assert_nothing_is_reserved(w);
}

static void
an_upload_token_is_asked_for_where_it_can_still_come(void **state)
{
    struct world *w = *state;

    w->app.upload_token = (const uint8_t *)"sesame";
    w->app.upload_token_len = 6;
    asked_init(&w->asked, "PUT", "/a"); /* a raw body brings no field */
    assert_err(ERR_DENIED, begin(w, 5));
    asked_done(&w->asked);
    asked_init(&w->asked, "PUT", "/a");
    asked_header(&w->asked, "Authorization", "Bearer sesam");
    assert_err(ERR_DENIED, begin(w, 5));
    asked_done(&w->asked);
    asked_init(&w->asked, "PUT", "/a");
    asked_header(&w->asked, "Authorization", "Bearer sesame");
    assert_ok(begin(w, 5));
    end(w);
    ask_form(w);
    assert_ok(begin(w, UINT64_MAX));
    assert_ok(
        push(w, "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n"));
    assert_err(ERR_DENIED, finish(w));
    end(w);
    ask_form(w);
    assert_ok(begin(w, UINT64_MAX));
    assert_ok(push(w, "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b\r\n"));
    assert_ok(push(w, "Content-Disposition: form-data; name=\"token\"\r\n\r\nsesame\r\n--b--\r\n"));
    assert_ok(finish(w));
    assert_non_null(w->asked.resp.work);
    end(w);
}

static void
the_rate_and_the_quota_hold(void **state)
{
    struct world *w = *state;

    w->app.upload_rate = (struct rate){.n = 2, .window_s = 3600};
    asked_init(&w->asked, "PUT", "/a");
    assert_ok(begin(w, 5));
    assert_non_null(w->upload);
    end(w);
    quota_free(w->app.quota);
    assert_ok(quota_new(100, &w->app.quota));
    asked_init(&w->asked, "PUT", "/a");
    assert_err(ERR_NOSPACE, begin(w, 500));
    assert_null(w->upload);
    asked_done(&w->asked);
    asked_init(&w->asked, "PUT", "/a");
    assert_ok(begin(w, 5));
    assert_null(w->upload);
    assert_int_equal(w->asked.resp.status, 429);
    assert_non_null(header_of(&w->asked, "Retry-After"));
    asked_done(&w->asked);
}

static void
a_body_without_a_length_or_without_anything_needs_one(void **state)
{
    struct world *w = *state;

    asked_init(&w->asked, "PUT", "/a");
    assert_err(ERR_NOLENGTH, w->asked.req.match.route->intake->begin(&w->app, &w->asked.req,
                                                                     &w->asked.resp, &w->upload));
    asked_done(&w->asked);
    asked_init(&w->asked, "PUT", "/a");
    assert_ok(begin(w, 0)); /* an empty file is a file */
    assert_ok(finish(w));
    assert_non_null(w->asked.resp.work);
    end(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_form_with_a_file_is_finished_by_a_worker),
        TEST(a_raw_upload_is_answered_with_one_line),
        TEST(an_upload_that_cannot_be_answered_is_taken_back),
        TEST(a_type_that_is_not_allowed_leaves_nothing),
        TEST(a_form_without_a_file_is_a_wrong_field),
        TEST(a_field_that_never_ends_is_too_big),
        TEST(one_byte_over_the_file_limit_is_too_big),
        TEST(fields_twice_too_long_or_with_a_nul_are_refused),
        TEST(limits_in_headers_are_read_before_the_body),
        TEST(an_upload_token_is_asked_for_where_it_can_still_come),
        TEST(the_rate_and_the_quota_hold),
        TEST(a_body_without_a_length_or_without_anything_needs_one),
    };
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
