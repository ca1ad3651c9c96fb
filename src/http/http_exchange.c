/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its header to its reply. Knows nothing of the HTTP library, which calls the
 * exchange_ functions in this order: new, header, body for each piece, end; after NEXT_DEFER end
 * once more; complete and free. */
#include "http/http_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct exchange *
exchange_new(struct conn *c, const char *target)
{
    struct exchange *x = calloc(1, sizeof(*x));
    int64_t since_ms;

    if (x == NULL)
        return NULL;
    x->req.target = strdup(target);
    if (x->req.target == NULL) {
        free(x);
        return NULL;
    }
    x->req.conn = c;
    x->req.client = c->peer;
    x->req.method = "-";
    rnd_uuid(x->req.id);
    resp_init(&x->resp);
    x->server = c->server;
    x->start_us = clock_mono_us();
    if (!c->has_served) {
        c->has_served = true;
        atomic_fetch_add(&x->server->n_served_conns, 1);
    }
    atomic_fetch_add(&x->server->n_running, 1);
    /* The first header's time runs since the connection came. */
    if (conn_phase_of(atomic_load(&c->phase), &since_ms) != CONN_OPENING)
        conn_set_phase(c, CONN_HEADER);
    return x;
}

static void
free_intake(struct exchange *x)
{
    if (x->intake_state != NULL)
        x->req.match.route->intake->free(x->intake_state);
    x->intake_state = NULL;
}

void
exchange_free(struct exchange *x)
{
    struct joined *next;

    if (x == NULL)
        return;
    resp_done(&x->resp);
    free_intake(x);
    for (struct joined *j = x->req.joined; j != NULL; j = next) {
        next = j->next;
        mem_wipe(j->text, strlen(j->text));
        free(j);
    }
    path_match_done(&x->req.match);
    /* The target may hold a share code. */
    mem_wipe(x->req.target, strlen(x->req.target));
    free(x->req.target);
    free(x->req.fields);
    free(x);
}

/* The handler is through, with `e`: make a whole reply of it. On any thread. */
static void
answer(struct exchange *x, enum err e)
{
    const struct http_cfg *cfg = &x->server->cfg;
    const char *allow = x->req.match.allow;

    if (e != ERR_OK) {
        http_resp_reset(&x->resp);
        if (e == ERR_METHOD && allow[0] != '\0')
            (void)!http_resp_add_header(&x->resp, "Allow", allow); /* fits: it is the first */
        cfg->fail(cfg->app, &x->req, e, &x->resp);
        resp_end_work(&x->resp); /* a failure is told at once */
    }
    if (cfg->decorate != NULL)
        cfg->decorate(cfg->app, &x->req, &x->resp);
    /* Whether the peer read to the end can be told from one error of the socket alone, which the
     * library would take away on a connection that it keeps. */
    if (x->resp.has_stream && x->req.conn->is_unix)
        x->must_close = true;
    x->stage = STAGE_ANSWERED;
}

/* OPTIONS for a known path: what would be allowed there. */
static enum err
answer_options(struct exchange *x)
{
    char allow[sizeof(x->req.match.allow) + 16];

    (void)snprintf(allow, sizeof(allow), "%s, OPTIONS", x->req.match.allow);
    http_resp_set_status(&x->resp, 204);
    return http_resp_add_header(&x->resp, "Allow", allow);
}

static enum err
check_gate(struct exchange *x, enum err layout)
{
    const struct gate_request gr = {x->req.method, x->req.target, x->req.version, x->req.fields,
                                    x->req.n_fields};
    enum err e = layout;

    if (e == ERR_OK)
        e = gate_check(&gr, &x->req.body);
    /* TOOBIG is for bodies; too many fields are just a bad request. */
    return e == ERR_TOOBIG ? ERR_SYNTAX : e;
}

/* Find the route and see whether the body may come. */
static enum err
begin(struct exchange *x)
{
    const struct http_cfg *cfg = &x->server->cfg;
    struct http_req *req = &x->req;
    uint64_t max = cfg->drop_body_max;
    const struct http_route *route;
    enum err e;

    e = path_route(cfg->routes, cfg->n_routes, req->method, req->target, &req->match);
    if (e == ERR_METHOD && strcmp(req->method, "OPTIONS") == 0)
        e = ERR_OK; /* with no route: answered at the end */
    if (e != ERR_OK)
        return e;
    route = req->match.route;
    if (route != NULL && route->intake != NULL)
        return route->intake->begin(cfg->app, req, &x->resp, &x->intake_state);
    if (req->body.has_body && !req->body.is_chunked && req->body.body_len > max)
        return err_set(ERR_TOOBIG, "a body of more than %llu bytes where none is needed",
                       (unsigned long long)max);
    return ERR_OK;
}

/* The library leaves the blanks behind a value; they are no part of it (RFC 9110 section 5.5). */
static void
read_fields(struct http_req *req)
{
    for (size_t i = 0; i < req->n_fields; i++) {
        struct gate_field *f = &req->fields[i];

        while (f->value_len > 0 &&
               (f->value[f->value_len - 1] == ' ' || f->value[f->value_len - 1] == '\t'))
            f->value_len--;
        if (text_same(f->name, "Content-Length"))
            req->has_length = true;
    }
}

/* An intake that took no state has set its reply. */
static bool
is_answered_early(const struct exchange *x)
{
    const struct http_route *route = x->req.match.route;

    return route != NULL && route->intake != NULL && x->intake_state == NULL;
}

enum exchange_next
exchange_header(struct exchange *x, enum err layout)
{
    const struct http_cfg *cfg = &x->server->cfg;
    enum err e;

    e = check_gate(x, layout);
    if (e != ERR_OK) {
        x->must_close = x->must_linger = true;
        answer(x, e);
        return NEXT_REPLY;
    }
    read_fields(&x->req);
    if (cfg->client != NULL)
        cfg->client(cfg->app, &x->req, &x->req.client);
    /* So that a disagreement about the framing of chunks can never become a second request. */
    x->must_close = x->must_linger = x->req.body.is_chunked;
    e = begin(x);
    if (e != ERR_OK || is_answered_early(x))
        answer(x, e);
    if (x->stage == STAGE_ANSWERED && x->req.body.has_body) {
        x->must_close = x->must_linger = true;
        return NEXT_REPLY;
    }
    if (x->stage != STAGE_ANSWERED)
        x->stage = STAGE_BODY;
    /* Without a body the reply waits for the end, else the library would not keep the
     * connection. */
    if (x->req.body.has_body)
        conn_set_phase(x->req.conn, CONN_BODY);
    return NEXT_READ;
}

enum exchange_next
exchange_body(struct exchange *x, const uint8_t *bytes, size_t len)
{
    const struct http_route *route = x->req.match.route;
    uint64_t max = x->server->cfg.drop_body_max;

    x->n_in += len;
    atomic_store(&x->req.conn->n_in, x->n_in);
    if (x->failed == ERR_OK && x->intake_state != NULL) {
        x->failed = route->intake->body(x->intake_state, bytes, len);
        if (x->failed == ERR_OK)
            return NEXT_READ;
        /* The sentence belongs to this thread: tell the failure now, send it at the end. */
        answer(x, x->failed);
        free_intake(x);
        return NEXT_READ;
    }
    x->n_dropped += len;
    if (x->failed == ERR_OK && x->n_dropped > max) {
        x->failed = err_set(ERR_TOOBIG, "a body of more than %llu bytes where none is needed",
                            (unsigned long long)max);
        answer(x, x->failed);
        x->n_dropped = 0; /* from here on the rest of a refused body */
        return NEXT_READ;
    }
    if (x->failed == ERR_OK)
        return NEXT_READ;
    return x->n_dropped > x->server->cfg.drop_refused_max ? NEXT_CUT : NEXT_READ;
}

/* The whole request is in: what the handler makes of it. */
static enum err
handle(struct exchange *x)
{
    const struct http_route *route = x->req.match.route;
    void *app = x->server->cfg.app;

    if (route == NULL)
        return answer_options(x);
    if (route->intake != NULL)
        return route->intake->finish(x->intake_state, &x->req, &x->resp);
    return route->handle(app, &x->req, &x->resp);
}

/* Count the work in; false when no more may be begun. */
static bool
may_defer(struct http_server *s)
{
    bool may;

    (void)pthread_mutex_lock(&s->work_lock);
    may = !s->is_stopping;
    if (may)
        s->n_deferred++;
    (void)pthread_mutex_unlock(&s->work_lock);
    return may;
}

enum exchange_next
exchange_end(struct exchange *x)
{
    enum err e;

    if (x->stage == STAGE_ANSWERED) { /* refused before, or the work is done */
        free_intake(x);
        return NEXT_REPLY;
    }
    assert(x->stage == STAGE_BODY);
    e = handle(x);
    if (e == ERR_OK && x->resp.work != NULL) {
        if (may_defer(x->server)) {
            x->stage = STAGE_WORK;
            conn_set_phase(x->req.conn, CONN_WORK);
            return NEXT_DEFER;
        }
        e = err_set(ERR_UNAVAIL, "the server is about to end");
    }
    answer(x, e);
    free_intake(x);
    return NEXT_REPLY;
}

static void
run_work(struct pool_job *job)
{
    struct exchange *x = CONTAINER_OF(job, struct exchange, job);
    struct http_server *s = x->server;
    void *connection = x->connection;
    http_work_fn work = x->resp.work;
    void (*work_free)(void *ctx) = x->resp.work_free;
    void *ctx = x->resp.work_ctx;
    enum err e;

    x->resp.work = NULL;
    x->resp.work_free = NULL;
    e = work(ctx, &x->req, &x->resp);
    assert(e != ERR_OK || x->resp.work == NULL);
    answer(x, e);
    if (work_free != NULL)
        work_free(ctx);
    daemon_resume(connection); /* from here on `x` is the I/O thread's, or gone */

    (void)pthread_mutex_lock(&s->work_lock);
    s->n_deferred--;
    (void)pthread_cond_broadcast(&s->work_done);
    (void)pthread_mutex_unlock(&s->work_lock);
}

void
exchange_submit(struct exchange *x)
{
    x->job.run = run_work;
    pool_submit(x->server->cfg.workers, &x->job);
}
