/* SPDX-License-Identifier: Apache-2.0 */
/* End-to-end uploads through the routes: their fields, what is refused, and every route with an id
 * in place of a code. */
#include "upload_world.h"

#include "age_head.h"

#define ID      "abcdefghijklmnopqrstuvwxy4"
#define NOT_ID  "abcdefghijklmnopqrstuvwxyz" /* its unused bits are not zero */
#define LONGER  "abcdefghijklmnopqrstuvwxy4a"
#define UNKNOWN "aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define META    "c2VhbGVkIG1ldGFkYXRh"

#define FIELD(name, value)                                                                         \
    "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART(content)                                                                         \
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"s.age\"\r\n\r\n" content     \
    "\r\n"
#define END "--b--\r\n"
#define E2E FIELD("id", ID) FIELD("encryption", "age")

enum { FAIL_LIMIT = 10 };

static int
setup_guarded(void **state)
{
    struct guard_cfg guard = {FAIL_LIMIT, 600, 1800, words_n(words_builtin()), 4};
    struct world *w;

    (void)setup(state);
    w = *state;
    w->app.words = words_builtin();
    w->app.code_words = 4;
    w->app.public_url = "https://drop.example";
    assert_ok(guard_new(&guard, &w->app.counters, &w->app.guard));
    return 0;
}

static int
teardown_guarded(void **state)
{
    guard_free(((struct world *)*state)->app.guard);
    return teardown(state);
}

/* Send a form, to the reply; the caller ends it. */
static unsigned
send_form(struct world *w, const char *form, const char *accept)
{
    struct http_resp *resp = &w->asked.resp;
    enum err e;

    ask_form(w);
    if (accept != NULL)
        asked_header(&w->asked, "Accept", accept);
    assert_ok(begin(w, UINT64_MAX));
    assert_non_null(w->upload);
    assert_ok(push(w, form));
    e = finish(w);
    if (e == ERR_OK && resp->work != NULL)
        e = work(w);
    if (e != ERR_OK)
        api_fail(&w->app, &w->asked.req, e, resp);
    return resp->status;
}

static void
assert_sent(struct world *w, const char *form, unsigned status, const char *error_code)
{
    json_t *json;

    assert_int_equal(send_form(w, form, NULL), status);
    json = json_of(&w->asked);
    if (error_code != NULL)
        assert_json_text(json, "error_code", error_code);
    json_decref(json);
    end(w);
}

static unsigned
status_for(struct world *w, const char *method, const char *route, const char *key)
{
    struct asked a;
    unsigned status = ask_route(&w->app, &a, method, route, key, NULL, NULL);

    asked_done(&a);
    return status;
}

/* ---- uploads ---- */

static void
the_reply_has_the_id_and_no_link_with_words(void **state)
{
    struct world *w = *state;
    json_t *json;

    assert_int_equal(
        send_form(w, E2E FIELD("meta", META) FIELD("uses", "3") FILE_PART(AGE_HEAD) END, NULL),
        201);
    json = json_of(&w->asked);
    assert_json_text(json, "key", ID);
    assert_json_text(json, "encryption", "age");
    assert_json_text(json, "download_url", "https://drop.example/download/" ID);
    assert_json_text(json, "preview_url", "https://drop.example/preview/" ID);
    assert_json_text(json, "filename", "s.age");
    assert_null(json_object_get(json, "share_url"));
    assert_null(json_object_get(json, "meta"));
    assert_int_equal(json_integer_value(json_object_get(json, "uses")), 3);
    json_decref(json);
    end(w);
    assert_int_equal(n_live(w), 1);
}

static void
a_plain_upload_is_answered_as_ever(void **state)
{
    struct world *w = *state;
    json_t *json;

    assert_int_equal(send_form(w, FILE_PART("plain") END, NULL), 201);
    json = json_of(&w->asked);
    assert_non_null(json_object_get(json, "share_url"));
    assert_null(json_object_get(json, "encryption"));
    json_decref(json);
    end(w);
}

static void
the_page_says_that_the_words_are_not_here(void **state)
{
    struct world *w = *state;

    assert_int_equal(send_form(w, E2E FILE_PART(AGE_HEAD) END, "text/html"), 201);
    assert_non_null(strstr(body_of(&w->asked), "encrypted end to end"));
    assert_non_null(strstr(body_of(&w->asked), "https://drop.example/download/" ID));
    assert_null(strstr(body_of(&w->asked), "/#"));
    end(w);
    assert_int_equal(send_form(w, FILE_PART("plain") END, "text/html"), 201);
    assert_null(strstr(body_of(&w->asked), "end to end"));
    end(w);
}

static void
fields_may_come_after_the_file(void **state)
{
    struct world *w = *state;
    struct asked a;

    assert_sent(
        w, FILE_PART(AGE_HEAD) FIELD("encryption", "age") FIELD("id", ID) FIELD("meta", META) END,
        201, NULL);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", ID, NULL, NULL), 200);
    assert_string_equal(header_of(&a, "X-Mayfly-Meta"), META);
    asked_done(&a);
}

static void
fields_that_do_not_go_together_are_422_and_leave_nothing(void **state)
{
    static const char *const wrong[] = {
        FIELD("id", ID) FILE_PART(AGE_HEAD) END,
        FIELD("encryption", "age") FILE_PART(AGE_HEAD) END,
        FIELD("meta", META) FILE_PART(AGE_HEAD) END,
        FIELD("id", NOT_ID) FIELD("encryption", "age") FILE_PART(AGE_HEAD) END,
        FIELD("id", ID) FIELD("encryption", "pgp") FILE_PART(AGE_HEAD) END,
        E2E FIELD("meta", "a b") FILE_PART(AGE_HEAD) END,
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_sent(w, wrong[i], 422, "INVALID_FIELD");
    assert_int_equal(n_live(w), 0);
    assert_sent(w, E2E FILE_PART(AGE_HEAD) END, 201, NULL);
}

static void
what_is_no_age_file_is_422_and_leaves_nothing(void **state)
{
    static const char *const wrong[] = {
        E2E FILE_PART("plaintext") END,
        E2E FILE_PART("") END,
        E2E FILE_PART("age-encryption.org/v1\n") END,
        FILE_PART("plaintext") E2E END,
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_sent(w, wrong[i], 422, "NOT_AGE");
    assert_int_equal(n_live(w), 0);
    assert_nothing_is_reserved(w);
    assert_sent(w, FILE_PART("plaintext") END, 201, NULL); /* without the label it is welcome */
}

static void
an_id_in_use_is_409(void **state)
{
    struct world *w = *state;
    struct asked a;

    assert_sent(w, E2E FIELD("meta", META) FILE_PART(AGE_HEAD) END, 201, NULL);
    assert_sent(w, E2E FIELD("meta", "other") FILE_PART(AGE_HEAD "more") END, 409, "ID_IN_USE");
    assert_int_equal(n_live(w), 1);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/preview/", ID, NULL, NULL), 200);
    assert_non_null(strstr(body_of(&a), META));
    asked_done(&a);
}

/* The burn token of the upload that could not be answered is not that of the one that lives. */
static void
an_upload_that_cannot_be_answered_takes_itself_back_alone(void **state)
{
    struct world *w = *state;
    char url[3000] = "https://";

    memset(url + 8, 'a', sizeof(url) - 9);
    assert_sent(w, E2E FILE_PART(AGE_HEAD) END, 201, NULL);
    w->app.public_url = url;
    assert_sent(w, E2E FILE_PART(AGE_HEAD) END, 409, "ID_IN_USE");
    assert_int_equal(n_live(w), 1);
    assert_sent(w, FIELD("id", UNKNOWN) FIELD("encryption", "age") FILE_PART(AGE_HEAD) END, 413,
                NULL); /* its links do not fit */
    assert_int_equal(n_live(w), 1);
    assert_int_equal(status_for(w, "GET", "/download/", ID), 200);
}

static void
an_allow_list_holds_for_ciphertext(void **state)
{
    struct world *w = *state;

    assert_ok(mime_rules_parse("image/*", &w->app.mime));
    assert_sent(w, E2E FILE_PART(AGE_HEAD) END, 415, "TYPE_NOT_ALLOWED");
    assert_int_equal(n_live(w), 0);
    mime_rules_done(&w->app.mime);
}

static void
a_raw_upload_has_no_end_to_end_mode(void **state)
{
    struct world *w = *state;

    asked_init(&w->asked, "PUT", "/a");
    asked_header(&w->asked, "id", ID);
    asked_header(&w->asked, "encryption", "age");
    asked_header(&w->asked, "Accept", "application/json");
    assert_ok(begin(w, 5));
    assert_ok(push(w, "plain"));
    assert_ok(finish(w));
    assert_ok(work(w));
    assert_int_equal(w->asked.resp.status, 201);
    assert_null(strstr(body_of(&w->asked), ID));
    assert_null(strstr(body_of(&w->asked), "encryption"));
    end(w);
}

/* ---- look-ups ---- */

static void
put_one(struct world *w, const char *form)
{
    assert_sent(w, form, 201, NULL);
}

static void
a_preview_tells_what_is_sealed_and_how_to_open_it(void **state)
{
    struct world *w = *state;
    struct asked a;
    json_t *json;

    put_one(w, E2E FIELD("meta", META) FILE_PART(AGE_HEAD) END);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/preview/", ID, NULL, NULL), 200);
    json = json_of(&a);
    assert_json_text(json, "key", ID);
    assert_json_text(json, "encryption", "age");
    assert_json_text(json, "meta", META);
    assert_json_text(json, "curl_example",
                     "curl -fsS https://drop.example/download/" ID " | age -d -o FILE");
    json_decref(json);
    asked_done(&a);
    assert_int_equal(status_for(w, "GET", "/preview/", ID), 410);
}

static void
without_metadata_a_preview_and_a_download_have_none(void **state)
{
    struct world *w = *state;
    struct asked a;
    json_t *json;

    put_one(w, E2E FILE_PART(AGE_HEAD) END);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/preview/", ID, NULL, NULL), 200);
    json = json_of(&a);
    assert_json_text(json, "encryption", "age");
    assert_null(json_object_get(json, "meta"));
    json_decref(json);
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", ID, NULL, NULL), 200);
    assert_null(header_of(&a, "X-Mayfly-Meta"));
    asked_done(&a);
}

static void
pages_say_that_the_file_is_encrypted(void **state)
{
    struct world *w = *state;
    struct asked a;

    put_one(w, E2E FIELD("meta", META) FILE_PART(AGE_HEAD) END);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", ID, "Accept", "text/html"), 200);
    assert_non_null(strstr(body_of(&a), "encrypted end to end"));
    assert_non_null(strstr(body_of(&a), "action=\"/download/" ID "\""));
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/preview/", ID, "Accept", "text/html"), 200);
    assert_non_null(strstr(body_of(&a), "encrypted end to end"));
    asked_done(&a);
}

static void
the_longest_metadata_comes_back_in_a_header(void **state)
{
    static char form[8192], meta[VAULT_E2E_META_MAX + 1];
    struct world *w = *state;
    struct asked a;

    memset(meta, 'm', VAULT_E2E_META_MAX);
    (void)snprintf(form, sizeof(form), "%s%s%s\r\n%s", E2E FILE_PART(AGE_HEAD),
                   "--b\r\nContent-Disposition: form-data; name=\"meta\"\r\n\r\n", meta, END);
    put_one(w, form);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", ID, NULL, NULL), 200);
    assert_string_equal(header_of(&a, "X-Mayfly-Meta"), meta);
    asked_done(&a);
}

static void
status_burning_and_ranges_take_an_id(void **state)
{
    struct world *w = *state;
    char token[80];
    struct asked a;
    json_t *json;

    assert_int_equal(send_form(w, E2E FILE_PART(AGE_HEAD) END, NULL), 201);
    json = json_of(&w->asked);
    (void)snprintf(token, sizeof(token), "Bearer %s",
                   json_string_value(json_object_get(json, "burn_token")));
    json_decref(json);
    end(w);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", ID, "Range", "bytes=4-7"), 206);
    assert_non_null(header_of(&a, "ETag"));
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/status/", ID, NULL, NULL), 200);
    json = json_of(&a);
    assert_json_text(json, "key", ID);
    assert_json_text(json, "status", "active");
    json_decref(json);
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "POST", "/burn/", ID, "Authorization", "Bearer AAAA"),
                     401);
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "POST", "/burn/", ID, "Authorization", token), 200);
    asked_done(&a);
    assert_int_equal(status_for(w, "GET", "/download/", ID), 410);
    assert_sent(w, E2E FILE_PART(AGE_HEAD) END, 409, "ID_IN_USE"); /* its tombstone stands */
}

/* ---- the guard ---- */

static void
unknown_ids_are_failures(void **state)
{
    struct world *w = *state;

    put_one(w, E2E FILE_PART(AGE_HEAD) END);
    for (unsigned i = 0; i < FAIL_LIMIT; i++)
        assert_int_equal(status_for(w, "GET", "/download/", UNKNOWN), 404);
    assert_int_equal(status_for(w, "GET", "/download/", ID), 429);
    assert_int_equal(status_for(w, "GET", "/preview/", ID), 200); /* an action of its own */
}

static void
what_cannot_be_an_id_is_unknown_at_once_and_counts_nothing(void **state)
{
    static const char *const wrong[] = {
        NOT_ID,
        "abcdefghijklmnopqrstuvwxy",
        LONGER,
        "ABCDEFGHIJKLMNOPQRSTUVWXY4",
        "abcdefghijklm-nopqrstuvwxy4",
        "0bcdefghijklmnopqrstuvwxy4",
    };
    struct world *w = *state;
    struct guard_stats stats;
    struct asked a;
    json_t *json;

    for (unsigned i = 0; i < 2 * FAIL_LIMIT; i++) {
        const char *key = wrong[i % (sizeof(wrong) / sizeof(wrong[0]))];

        assert_int_equal(status_for(w, "GET", "/download/", key), 404);
        assert_int_equal(status_for(w, "POST", "/burn/", key), 404);
        assert_int_equal(ask_route(&w->app, &a, "GET", "/status/", key, NULL, NULL), 200);
        json = json_of(&a);
        assert_json_text(json, "status", "unknown");
        assert_true(json_is_null(json_object_get(json, "key")));
        json_decref(json);
        asked_done(&a);
    }
    guard_stats(w->app.guard, &stats);
    assert_int_equal(stats.n_failures, 0);
    assert_int_equal(status_for(w, "GET", "/status/", UNKNOWN), 200); /* its negative twin */
    guard_stats(w->app.guard, &stats);
    assert_int_equal(stats.n_failures, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_guarded, teardown_guarded)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_reply_has_the_id_and_no_link_with_words),
        TEST(a_plain_upload_is_answered_as_ever),
        TEST(the_page_says_that_the_words_are_not_here),
        TEST(fields_may_come_after_the_file),
        TEST(fields_that_do_not_go_together_are_422_and_leave_nothing),
        TEST(what_is_no_age_file_is_422_and_leaves_nothing),
        TEST(an_id_in_use_is_409),
        TEST(an_upload_that_cannot_be_answered_takes_itself_back_alone),
        TEST(an_allow_list_holds_for_ciphertext),
        TEST(a_raw_upload_has_no_end_to_end_mode),
        TEST(a_preview_tells_what_is_sealed_and_how_to_open_it),
        TEST(without_metadata_a_preview_and_a_download_have_none),
        TEST(pages_say_that_the_file_is_encrypted),
        TEST(the_longest_metadata_comes_back_in_a_header),
        TEST(status_burning_and_ranges_take_an_id),
        TEST(unknown_ids_are_failures),
        TEST(what_cannot_be_an_id_is_unknown_at_once_and_counts_nothing),
    };
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
