/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of a code, over a real vault and guard: what counts as a failure, for whom, and what
 * looking takes. */
#include "api_testing.h"
#include "ground.h"

enum { FAIL_LIMIT = 10 };

struct world {
    struct ground ground;
    struct app app;
    struct vault_receipt receipt;
    unsigned n_woken;
};

static void
wake(void *sweeper)
{
    ((struct world *)sweeper)->n_woken++;
}

static void
put(struct world *w)
{
    const struct vault_terms terms = {
        .name = "<notes>.txt", .type = "text/plain", .ttl_s = 600, .uses = 1};
    struct vault_put *p = NULL;

    assert_ok(vault_put_new(w->app.vault, 100, &p));
    assert_ok(vault_put_write(p, (const uint8_t *)"what is sent", 12));
    assert_ok(vault_put_commit(p, &terms, &w->receipt));
    vault_put_free(p);
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct guard_cfg guard = {FAIL_LIMIT, 600, 1800, words_n(words_builtin()), 4};

    assert_non_null(w);
    ground_open(&w->ground);
    w->app = (struct app){
        .vault = w->ground.vault,
        .words = words_builtin(),
        .counters = {&w->ground.counters, fake_count, fake_peek},
        .public_url = "https://drop.example",
        .cors_origins = "*",
        .code_words = 4,
        .now_s = test_now,
        .sweeper = w,
        .wake_sweeper = wake,
    };
    assert_ok(guard_new(&guard, &w->app.counters, &w->app.guard));
    put(w);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    vault_receipt_wipe(&w->receipt);
    guard_free(w->app.guard);
    ground_close(&w->ground);
    free(w);
    return 0;
}

/* The same, for the status alone. */
static unsigned
status_for(struct world *w, const char *method, const char *route, const char *code,
           const char *name, const char *value)
{
    struct asked a;
    unsigned status = ask_route(&w->app, &a, method, route, code, name, value);

    asked_done(&a);
    return status;
}

/* A code that was never issued, nor is likely to be. */
static const char *
never_issued(void)
{
    return "zoom-zoom-zoom-zoom";
}

static void
assert_blocked_after_the_limit(struct world *w, const char *method, const char *route,
                               const char *name, const char *value, unsigned before)
{
    for (unsigned i = 0; i < FAIL_LIMIT; i++)
        assert_int_equal(status_for(w, method, route, never_issued(), name, value), before);
    assert_int_equal(status_for(w, method, route, w->receipt.code.text, name, value), 429);
}

/* ---- the guard ---- */

static void
guessing_is_blocked_on_each_route(void **state)
{
    assert_blocked_after_the_limit(*state, "GET", "/download/", NULL, NULL, 404);
    assert_blocked_after_the_limit(*state, "POST", "/burn/", NULL, NULL, 404);
    assert_blocked_after_the_limit(*state, "GET", "/preview/", NULL, NULL, 404);
    assert_blocked_after_the_limit(*state, "GET", "/status/", NULL, NULL, 200);
}

static void
guessing_in_the_clothes_of_a_browser_is_blocked(void **state)
{
    assert_blocked_after_the_limit(*state, "GET", "/download/", "Sec-Fetch-Mode", "navigate", 404);
}

/* Its failures once counted for the other route, and its own guard never closed. */
static void
guessing_previews_in_the_clothes_of_a_bot_is_blocked(void **state)
{
    assert_blocked_after_the_limit(*state, "GET", "/preview/", "User-Agent", "Googlebot/2.1", 404);
}

static void
a_block_is_for_its_action_and_network(void **state)
{
    struct world *w = *state;
    struct asked a;

    assert_blocked_after_the_limit(w, "GET", "/preview/", NULL, NULL, 404);
    assert_int_equal(status_for(w, "GET", "/status/", w->receipt.code.text, NULL, NULL), 200);
    asked_init(&a, "GET", "/preview/zoom-zoom-zoom-zoom");
    a.req.client = client_of(2);
    assert_ok(preview_get(&w->app, &a.req, &a.resp));
    assert_int_equal(a.resp.status, 404);
    asked_done(&a);
}

static void
what_cannot_be_a_code_counts_nothing(void **state)
{
    struct world *w = *state;
    struct guard_stats stats;

    for (unsigned i = 0; i < 2 * FAIL_LIMIT; i++) {
        assert_int_equal(status_for(w, "GET", "/preview/", "not-a-code", NULL, NULL), 404);
        assert_int_equal(status_for(w, "GET", "/status/", "xqz-xqz-xqz-xqz", NULL, NULL), 200);
    }
    guard_stats(w->app.guard, &stats);
    assert_int_equal(stats.n_failures, 0);
}

static void
wrong_burn_tokens_are_failures_and_burn_nothing(void **state)
{
    struct world *w = *state;
    const char *code = w->receipt.code.text;

    for (unsigned i = 0; i < FAIL_LIMIT; i++)
        assert_int_equal(status_for(w, "POST", "/burn/", code, "Authorization", "Bearer AAAA"),
                         401);
    assert_int_equal(status_for(w, "POST", "/burn/", code, NULL, NULL), 429);
    assert_int_equal(status_for(w, "GET", "/preview/", code, NULL, NULL), 200);
    assert_int_equal(w->n_woken, 0);
}

/* ---- looking ---- */

static void
looking_shows_a_page_and_takes_nothing(void **state)
{
    struct world *w = *state;
    const char *code = w->receipt.code.text;
    struct asked a;

    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", code, "Accept", "text/html"), 200);
    assert_non_null(strstr(body_of(&a), "<form method=\"post\" action=\"/download/"));
    assert_null(strstr(body_of(&a), "notes"));
    assert_false(a.resp.has_stream);
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/preview/", code, "User-Agent", "Slackbot 1.0"),
                     200);
    assert_null(strstr(body_of(&a), "notes"));
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/preview/", code, NULL, NULL),
                     200); /* still there */
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", code, NULL, NULL), 200);
    assert_true(a.resp.has_stream);
    asked_done(&a);
}

static void
a_preview_tells_all_once(void **state)
{
    struct world *w = *state;
    const char *code = w->receipt.code.text;
    struct asked a;
    json_t *json;

    assert_int_equal(ask_route(&w->app, &a, "GET", "/preview/", code, NULL, NULL), 200);
    json = json_of(&a);
    assert_json_text(json, "key", code);
    assert_json_text(json, "filename", "<notes>.txt");
    assert_json_text(json, "mime_type", "text/plain");
    assert_int_equal(json_integer_value(json_object_get(json, "size")), 12);
    assert_int_equal(json_integer_value(json_object_get(json, "minutes_left")), 10);
    json_decref(json);
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/preview/", code, NULL, NULL), 410);
    json = json_of(&a);
    assert_json_text(json, "error_code", "PREVIEW_TAKEN");
    json_decref(json);
    asked_done(&a);
}

static void
the_page_of_a_preview_escapes_the_name(void **state)
{
    struct world *w = *state;
    struct asked a;

    assert_int_equal(
        ask_route(&w->app, &a, "GET", "/preview/", w->receipt.code.text, "Accept", "text/html"),
        200);
    assert_non_null(strstr(body_of(&a), "&lt;notes&gt;.txt"));
    assert_null(strstr(body_of(&a), "<notes>"));
    asked_done(&a);
}

/* ---- downloads ---- */

static void
a_reply_that_is_never_sent_gives_its_use_back(void **state)
{
    struct world *w = *state;
    const char *code = w->receipt.code.text;
    struct asked a, b;

    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", code, NULL, NULL), 200);
    assert_string_equal(header_of(&a, "X-Uses-Remaining"), "0");
    assert_non_null(strstr(header_of(&a, "Content-Disposition"), "attachment"));
    assert_int_equal(ask_route(&w->app, &b, "POST", "/download/", code, NULL, NULL), 410);
    asked_done(&b);
    asked_done(&a);
    assert_int_equal(status_for(w, "POST", "/download/", code, NULL, NULL), 200);
}

static void
a_range_beyond_the_end_tells_the_size_and_takes_nothing(void **state)
{
    struct world *w = *state;
    const char *code = w->receipt.code.text;
    struct asked a;

    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", code, "Range", "bytes=12-"), 416);
    assert_string_equal(header_of(&a, "Content-Range"), "bytes */12");
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", code, "Range", "bytes=2-5"), 206);
    assert_string_equal(header_of(&a, "Content-Range"), "bytes 2-5/12");
    assert_int_equal(a.resp.stream.len, 4);
    asked_done(&a);
    assert_int_equal(status_for(w, "GET", "/download/", never_issued(), "Range", "bytes=5-2"), 404);
}

/* ---- burning ---- */

static void
the_sender_burns_and_everybody_is_told(void **state)
{
    struct world *w = *state;
    const char *code = w->receipt.code.text;
    char token[64];
    struct asked a;
    json_t *json;

    (void)snprintf(token, sizeof(token), "Bearer %s", w->receipt.burn_token);
    assert_int_equal(status_for(w, "POST", "/burn/", code, "Authorization", token), 200);
    assert_int_equal(w->n_woken, 1);
    assert_int_equal(status_for(w, "POST", "/burn/", code, "Authorization", token), 410);
    assert_int_equal(status_for(w, "GET", "/download/", code, "Accept", "text/html"), 410);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/download/", code, NULL, NULL), 410);
    json = json_of(&a);
    assert_json_text(json, "ended_by", "revoked");
    json_decref(json);
    asked_done(&a);
    assert_int_equal(ask_route(&w->app, &a, "GET", "/status/", code, NULL, NULL), 200);
    json = json_of(&a);
    assert_json_text(json, "status", "burned");
    assert_true(json_is_false(json_object_get(json, "is_accessible")));
    json_decref(json);
    asked_done(&a);
}

/* ---- when the store fails ---- */

static void
without_counters_nothing_is_looked_up(void **state)
{
    struct world *w = *state;
    const char *code = w->receipt.code.text;

    w->ground.counters.broken = ERR_UNAVAIL;
    assert_int_equal(status_for(w, "GET", "/preview/", code, NULL, NULL), 503);
    assert_int_equal(status_for(w, "GET", "/download/", code, NULL, NULL), 503);
    w->ground.counters.broken = ERR_OK;
    assert_int_equal(status_for(w, "GET", "/preview/", code, NULL, NULL), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(guessing_is_blocked_on_each_route),
        TEST(guessing_in_the_clothes_of_a_browser_is_blocked),
        TEST(guessing_previews_in_the_clothes_of_a_bot_is_blocked),
        TEST(a_block_is_for_its_action_and_network),
        TEST(what_cannot_be_a_code_counts_nothing),
        TEST(wrong_burn_tokens_are_failures_and_burn_nothing),
        TEST(looking_shows_a_page_and_takes_nothing),
        TEST(a_preview_tells_all_once),
        TEST(the_page_of_a_preview_escapes_the_name),
        TEST(a_reply_that_is_never_sent_gives_its_use_back),
        TEST(a_range_beyond_the_end_tells_the_size_and_takes_nothing),
        TEST(the_sender_burns_and_everybody_is_told),
        TEST(without_counters_nothing_is_looked_up),
    };
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
