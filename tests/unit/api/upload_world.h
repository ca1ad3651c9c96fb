/* SPDX-License-Identifier: Apache-2.0 */
/* upload_world: an app over a real vault, without a server, and an intake that is fed by hand. */
#ifndef MAYFLY_TESTS_UNIT_API_UPLOAD_WORLD_H
#define MAYFLY_TESTS_UNIT_API_UPLOAD_WORLD_H

#include "../sniff/sniff_testing.h"
#include "api_testing.h"
#include "ground.h"

enum { FILE_MAX = 1000 };

#define FORM_TYPE "multipart/form-data; boundary=b"

struct world {
    struct ground ground;
    struct app app;
    struct asked asked;
    void *upload; /* the intake's state */
    unsigned n_woken;
};

static inline void
wake(void *sweeper)
{
    ((struct world *)sweeper)->n_woken++;
}

static inline int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    ground_open(&w->ground);
    w->app = (struct app){
        .vault = w->ground.vault,
        .counters = {&w->ground.counters, fake_count, fake_peek},
        .public_url = "",
        .cors_origins = "*",
        .max_file_size = FILE_MAX,
        .max_expiry_min = 60,
        .max_uses = 5,
        .now_s = test_now,
        .sweeper = w,
        .wake_sweeper = wake,
    };
    w->app.sniff = start_helper(TIMEOUT_MS);
    assert_ok(quota_new(10 * FILE_MAX, &w->app.quota));
    *state = w;
    return 0;
}

static inline int
teardown(void **state)
{
    struct world *w = *state;

    sniff_free(w->app.sniff);
    quota_free(w->app.quota);
    ground_close(&w->ground);
    free(w);
    return 0;
}

/* ---- short forms ---- */

static inline void
ask_form(struct world *w)
{
    asked_init(&w->asked, "POST", "/upload");
    asked_header(&w->asked, "Content-Type", FORM_TYPE);
}

/* A body of `len` bytes follows; UINT64_MAX: in chunks. */
static inline enum err
begin(struct world *w, uint64_t len)
{
    struct asked *a = &w->asked;

    a->req.has_length = true;
    a->req.body = (struct gate_verdict){
        .has_length = true, .has_body = len > 0, .is_chunked = len == UINT64_MAX, .body_len = len};
    w->upload = NULL;
    return a->req.match.route->intake->begin(&w->app, &a->req, &a->resp, &w->upload);
}

static inline enum err
push(struct world *w, const char *text)
{
    return w->asked.req.match.route->intake->body(w->upload, (const uint8_t *)text, strlen(text));
}

static inline enum err
finish(struct world *w)
{
    return w->asked.req.match.route->intake->finish(w->upload, &w->asked.req, &w->asked.resp);
}

static inline void
end(struct world *w)
{
    const struct http_intake *intake = w->asked.req.match.route->intake;

    asked_done(&w->asked);
    intake->free(w->upload);
    w->upload = NULL;
}

/* Bytes that the quota has promised: what is left of it says so. */
static inline void
assert_nothing_is_reserved(struct world *w)
{
    const struct quota_now now = {0, 1 << 30, 1 << 30};

    assert_ok(quota_reserve(w->app.quota, &now, 10 * FILE_MAX));
    quota_release(w->app.quota, 10 * FILE_MAX);
}

/* Run what finish has deferred, as a worker does. */
static inline enum err
work(struct world *w)
{
    struct http_resp *resp = &w->asked.resp;

    assert_non_null(resp->work);
    return resp->work(resp->work_ctx, &w->asked.req, resp);
}

static inline uint64_t
n_live(struct world *w)
{
    uint64_t n = 77;

    assert_ok(vault_n_live(w->app.vault, &n));
    return n;
}

#endif
