/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_int.h"

#include <stdlib.h>

static const char *
up_or_down(bool is_up)
{
    return is_up ? "ok" : "failed";
}

static json_t *
guard_json(struct app *app)
{
    struct guard_stats g;

    guard_stats(app->guard, &g);
    return json_pack("{s:I, s:I, s:I, s:I, s:b}", "failures", (json_int_t)g.n_failures, "blocks",
                     (json_int_t)g.n_blocks, "refused", (json_int_t)g.n_refused, "budget_used",
                     (json_int_t)g.budget_used, "over_budget", g.is_over_budget);
}

static json_t *
sweeper_json(const struct sweeper_health *s, bool is_ok)
{
    return json_pack("{s:s, s:o, s:I, s:I}", "status", up_or_down(is_ok), "last_run",
                     s->last_run_at_s == 0 ? json_null() : json_time(s->last_run_at_s),
                     "lag_seconds", (json_int_t)s->lag_s, "failures", (json_int_t)s->n_failures);
}

static json_t *
connections_json(struct app *app)
{
    struct http_stats h;

    http_server_stats(app->server, &h);
    return json_pack("{s:I, s:I, s:I, s:I}", "open", (json_int_t)h.n_connections,
                     "requests_running", (json_int_t)h.n_requests_running, "refused",
                     (json_int_t)h.n_refused_connections, "cut_slow", (json_int_t)h.n_cut_slow);
}

/* On a worker: both pings write to a disk. */
static enum err
examine(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    struct app *app = ctx;
    struct sweeper_health s = {0};
    enum err store, blobs;
    uint64_t n_live = 0;
    bool sweeps, all;
    json_t *json;

    (void)req;
    vault_ping(app->vault, &store, &blobs);
    app->sweeper_health(app->sweeper, &s);
    sweeps = s.is_running && s.lag_s <= 10;
    all = store == ERR_OK && blobs == ERR_OK && sweeps;
    if (vault_n_live(app->vault, &n_live) != ERR_OK)
        all = false;
    json = json_pack("{s:s, s:s, s:I, s:{s:s, s:I}, s:{s:s}, s:o, s:{s:s, s:i}, s:o, s:o}",
                     "status", all ? "healthy" : "degraded", "version", MAYFLY_VERSION,
                     "uptime_seconds", (json_int_t)(app->now_s() - app->started_at_s), "store",
                     "status", up_or_down(store == ERR_OK), "live_uploads", (json_int_t)n_live,
                     "storage", "status", up_or_down(blobs == ERR_OK), "sweeper",
                     sweeper_json(&s, sweeps), "word_list", "status",
                     up_or_down(words_n(app->words) > 0), "words", (int)words_n(app->words),
                     "guard", guard_json(app), "connections", connections_json(app));
    return reply_json(resp, all ? 200 : 503, json);
}

static void
keep(void *ctx)
{
    (void)ctx;
}

/* GET /health/ */
enum err
health_get(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    struct refusal more = {0};
    struct app *app = ctx;
    enum err e = rate_take(&app->health_rate, &app->counters, "health", http_req_client(req),
                           app->now_s(), &more.retry_s);

    if (e == ERR_LIMITED)
        return api_refuse(req, resp, e, &more);
    /* A store that cannot count is what this route is there to tell. */
    http_resp_defer(resp, examine, app, keep);
    return ERR_OK;
}
