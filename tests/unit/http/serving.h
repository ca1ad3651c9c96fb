/* SPDX-License-Identifier: Apache-2.0 */
/* serving: a real server on 127.0.0.1 inside the test, with a small application that keeps an
 * account of what was called, and raw sockets as its clients. */
#ifndef MAYFLY_TESTS_UNIT_HTTP_SERVING_H
#define MAYFLY_TESTS_UNIT_HTTP_SERVING_H

#include "testing.h"

#include "http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum { REPLY_MAX = 1 << 16, PATIENCE_MS = 15000 };

struct app {
    struct http_cfg cfg;
    struct http_server *server;
    int port;
    _Atomic int n_handled, n_begun, n_finished, n_intakes_freed, n_work_freed, n_done;
    _Atomic int n_sent, n_sources_freed, n_sent_before_free;
    _Atomic uint64_t left, acked, bytes_in, reported_out;
    _Atomic unsigned reported_status;
    _Atomic bool is_held; /* deferred work waits while this is set */
    _Atomic int n_working;
    _Atomic bool is_exempt;
    char request_id[64];
};

static inline long
number_of(const char *text)
{
    return strtol(text, NULL, 10);
}

/* ---- waiting ---- */

static inline void
nap_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* Wait until an account reaches `want`; a bounded time. */
#define wait_for(counter, want)                                                                    \
    do {                                                                                           \
        int64_t until_ = clock_mono_ms() + PATIENCE_MS;                                            \
        while ((counter) != (want) && clock_mono_ms() < until_)                                    \
            nap_ms(2);                                                                             \
        assert_int_equal((int64_t)(counter), (int64_t)(want));                                     \
    } while (0)

/* ---- a source that can fail, and knows when it was freed ---- */

struct pattern_source {
    struct source source;
    struct app *app;
    uint64_t at, len, fail_at;
};

static inline uint8_t
pattern_byte(uint64_t at)
{
    return (uint8_t)('a' + (at / 7 + at / 4096) % 26);
}

static inline enum err
pattern_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct pattern_source *p = (struct pattern_source *)s;
    uint64_t end = p->fail_at < p->len ? p->fail_at : p->len;
    size_t n = end - p->at < cap ? (size_t)(end - p->at) : cap;

    if (n == 0 && p->fail_at < p->len)
        return err_set(ERR_INTEGRITY, "the test's source fails here");
    for (size_t i = 0; i < n; i++)
        ret_bytes[i] = pattern_byte(p->at + i);
    p->at += n;
    *ret_len = n;
    return ERR_OK;
}

static inline void
pattern_free(struct source *s)
{
    atomic_fetch_add(&((struct pattern_source *)s)->app->n_sources_freed, 1);
    free(s);
}

/* ---- the application ---- */

static inline void
set_text(struct http_resp *resp, const char *text)
{
    struct buf b;

    buf_init(&b, REPLY_MAX);
    assert_ok(buf_add_text(&b, text));
    http_resp_set_body(resp, "text/plain", &b);
}

static inline enum err
on_hello(void *app, const struct http_req *req, struct http_resp *resp)
{
    (void)req;
    atomic_fetch_add(&((struct app *)app)->n_handled, 1);
    set_text(resp, "hello");
    return ERR_OK;
}

static inline enum err
on_item(void *app, const struct http_req *req, struct http_resp *resp)
{
    const char *both = http_req_header(req, "X-Twice");

    atomic_fetch_add(&((struct app *)app)->n_handled, 1);
    set_text(resp, both != NULL ? both : http_req_param(req, "key"));
    return ERR_OK;
}

static inline enum err
do_work(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    struct app *a = ctx;

    atomic_fetch_add(&a->n_working, 1);
    while (atomic_load(&a->is_held))
        nap_ms(1);
    if (http_req_header(req, "X-Fail") != NULL)
        return err_set(ERR_INTEGRITY, "the test's work fails");
    set_text(resp, "worked");
    return ERR_OK;
}

static inline void
free_work(void *ctx)
{
    atomic_fetch_add(&((struct app *)ctx)->n_work_freed, 1);
}

static inline enum err
on_work(void *app, const struct http_req *req, struct http_resp *resp)
{
    (void)req;
    atomic_fetch_add(&((struct app *)app)->n_handled, 1);
    http_resp_defer(resp, do_work, app, free_work);
    return ERR_OK;
}

static inline void
on_sent(void *ctx, uint64_t left, uint64_t acked)
{
    struct app *a = ctx;

    /* Each account's source is freed before it: so there are always more of them. */
    if (atomic_load(&a->n_sent) >= atomic_load(&a->n_sources_freed))
        atomic_fetch_add(&a->n_sent_before_free, 1);
    atomic_store(&a->left, left);
    atomic_store(&a->acked, acked);
    atomic_fetch_add(&a->n_sent, 1);
}

static inline enum err
on_stream(void *app, const struct http_req *req, struct http_resp *resp)
{
    static const struct source_ops ops = {pattern_read, pattern_free};
    struct pattern_source *p = calloc(1, sizeof(*p));
    const char *fail_at = http_req_header(req, "X-Fail-At");
    const char *not_after = http_req_header(req, "X-Not-After");
    const char *wait_ms = http_req_header(req, "X-Wait-Ms");

    atomic_fetch_add(&((struct app *)app)->n_handled, 1);
    assert_non_null(p);
    *p = (struct pattern_source){{&ops}, app, 0, 0, UINT64_MAX};
    p->len = strtoull(http_req_param(req, "len"), NULL, 10);
    if (fail_at != NULL)
        p->fail_at = strtoull(fail_at, NULL, 10);
    if (wait_ms != NULL)
        nap_ms((int)number_of(wait_ms));
    http_resp_set_stream(
        resp, &(struct http_stream){
                  .source = &p->source,
                  .len = p->len,
                  .type = "application/octet-stream",
                  .not_after_s = not_after != NULL ? clock_now_s() + (int)number_of(not_after) : 0,
                  .ctx = app,
                  .sent = on_sent,
              });
    return ERR_OK;
}

struct intake {
    struct app *app;
    uint64_t n;
};

static inline enum err
intake_begin(void *app, const struct http_req *req, struct http_resp *resp, void **ret_state)
{
    struct app *a = app;
    struct intake *in;

    atomic_fetch_add(&a->n_begun, 1);
    if (http_req_header(req, "X-Refuse") != NULL)
        return err_set(ERR_DENIED, "the test refuses");
    if (http_req_header(req, "X-Answer") != NULL) {
        set_text(resp, "answered early");
        return ERR_OK;
    }
    in = calloc(1, sizeof(*in));
    assert_non_null(in);
    in->app = a;
    *ret_state = in;
    return ERR_OK;
}

static inline enum err
intake_body(void *state, const uint8_t *bytes, size_t len)
{
    struct intake *in = state;

    if (memchr(bytes, '!', len) != NULL)
        return err_set(ERR_TYPE, "the test does not like this byte");
    in->n += len;
    atomic_fetch_add(&in->app->bytes_in, len);
    return ERR_OK;
}

static inline enum err
intake_work(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    struct intake *in = ctx;
    char text[32];

    (void)req;
    while (atomic_load(&in->app->is_held))
        nap_ms(1);
    (void)snprintf(text, sizeof(text), "%llu later", (unsigned long long)in->n);
    set_text(resp, text);
    return ERR_OK;
}

static inline enum err
intake_finish(void *state, const struct http_req *req, struct http_resp *resp)
{
    struct intake *in = state;
    char text[32];

    atomic_fetch_add(&in->app->n_finished, 1);
    if (http_req_header(req, "X-Defer") != NULL) {
        http_resp_defer(resp, intake_work, in, NULL);
        return ERR_OK;
    }
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)in->n);
    set_text(resp, text);
    return ERR_OK;
}

static inline void
intake_free(void *state)
{
    atomic_fetch_add(&((struct intake *)state)->app->n_intakes_freed, 1);
    free(state);
}

static inline unsigned
status_of(enum err e)
{
    switch (e) {
    case ERR_SYNTAX:
        return 400;
    case ERR_DENIED:
        return 401;
    case ERR_NOTFOUND:
        return 404;
    case ERR_METHOD:
        return 405;
    case ERR_TOOBIG:
        return 413;
    case ERR_TYPE:
        return 415;
    case ERR_UNSUPPORTED:
        return 501;
    case ERR_UNAVAIL:
        return 503;
    default:
        return 500;
    }
}

static inline void
on_fail(void *app, const struct http_req *req, enum err e, struct http_resp *resp)
{
    (void)app;
    (void)req;
    http_resp_set_status(resp, status_of(e));
    set_text(resp, err_name(e));
}

static inline void
on_decorate(void *app, const struct http_req *req, struct http_resp *resp)
{
    (void)app;
    assert_ok(http_resp_add_header(resp, "X-Request-ID", http_req_id(req)));
}

static inline void
on_done(void *app, const struct http_report *report)
{
    struct app *a = app;

    atomic_store(&a->reported_status, report->status);
    atomic_store(&a->reported_out, report->bytes_out);
    atomic_fetch_add(&a->n_done, 1);
}

static inline bool
on_is_exempt(void *app, const struct netaddr *peer)
{
    (void)peer;
    return atomic_load(&((struct app *)app)->is_exempt);
}

static const struct http_intake the_intake = {intake_begin, intake_body, intake_finish,
                                              intake_free};

static const struct http_route the_routes[] = {
    {"GET", "/hello", on_hello, NULL, true},          {"POST", "/small", on_hello, NULL, false},
    {"GET", "/item/{key}", on_item, NULL, false},     {"GET", "/work", on_work, NULL, false},
    {"GET", "/stream/{len}", on_stream, NULL, true},  {"POST", "/upload", NULL, &the_intake, false},
    {"PUT", "/{filename}", NULL, &the_intake, false},
};

/* ---- start and stop ---- */

static inline int
listen_here(int *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 512), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

/* What a test has set in app->cfg stays; the rest is filled in. */
static inline void
app_start(struct app *a)
{
    struct http_cfg *cfg = &a->cfg;

    cfg->app = a;
    cfg->routes = the_routes;
    cfg->n_routes = sizeof(the_routes) / sizeof(the_routes[0]);
    cfg->fail = on_fail;
    cfg->decorate = on_decorate;
    cfg->done = on_done;
    cfg->is_exempt = on_is_exempt;
    if (cfg->io_threads == 0)
        cfg->io_threads = 2;
    if (cfg->max_connections == 0)
        cfg->max_connections = 500;
    assert_ok(pool_new(2, &cfg->workers));
    assert_ok(http_server_new(cfg, &a->server));
    assert_ok(http_server_listen(a->server, listen_here(&a->port), cfg->tls_cert_pem != NULL));
}

static inline void
app_stop(struct app *a)
{
    http_server_free(a->server);
    a->server = NULL;
    pool_free(a->cfg.workers);
}

static inline int
app_setup(void **state)
{
    struct app *a = calloc(1, sizeof(*a));

    assert_non_null(a);
    *state = a;
    return 0;
}

static inline int
app_teardown(void **state)
{
    struct app *a = *state;

    atomic_store(&a->is_held, false);
    if (a->server != NULL)
        app_stop(a);
    free(a);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, app_setup, app_teardown)

static inline void *
release_soon(void *arg)
{
    nap_ms(100);
    atomic_store(&((struct app *)arg)->is_held, false);
    return NULL;
}

/* ---- clients ---- */

static inline int
dial_port(int port, int rcvbuf)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_port = htons((uint16_t)port);
    assert_true(fd >= 0);
    if (rcvbuf > 0)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static inline int
dial(const struct app *a)
{
    return dial_port(a->port, 0);
}

/* False when the peer does not take it. */
static inline bool
say(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static inline bool
say_text(int fd, const char *text)
{
    return say(fd, text, strlen(text));
}

/* Everything until the end; -1 in `ret_end` for a reset, 0 for a clean end. */
static inline size_t
hear_all(int fd, char *ret_text, size_t cap, int *ret_end)
{
    size_t len = 0;
    ssize_t n = 0;

    while (len + 1 < cap && (n = recv(fd, ret_text + len, cap - 1 - len, 0)) > 0)
        len += (size_t)n;
    ret_text[len] = '\0';
    if (ret_end != NULL)
        *ret_end = n < 0 ? -1 : 0;
    return len;
}

/* One reply with a Content-Length (or none, and no body); the body's begin is returned. */
static inline char *
hear_reply(int fd, char *ret_text, size_t cap)
{
    size_t len = 0, body = SIZE_MAX, want = SIZE_MAX;
    bool is_head_only = ret_text[0] == 'H' && ret_text[1] == '\0'; /* set by the caller */

    while (len + 1 < cap && len < want) {
        char *end, *length;
        ssize_t n = recv(fd, ret_text + len, want == SIZE_MAX ? 1 : want - len, 0);

        if (n <= 0)
            fail_msg("the reply broke off after %zu bytes", len);
        len += (size_t)n;
        ret_text[len] = '\0';
        if (body != SIZE_MAX || (end = strstr(ret_text, "\r\n\r\n")) == NULL)
            continue;
        body = (size_t)(end - ret_text) + 4;
        length = strcasestr(ret_text, "\r\nContent-Length: ");
        want = body;
        if (length != NULL && !is_head_only)
            want += strtoul(length + 18, NULL, 10);
    }
    return ret_text + body;
}

static inline unsigned
status_in(const char *reply)
{
    assert_int_equal(strncmp(reply, "HTTP/1.1 ", 9), 0);
    return (unsigned)strtoul(reply + 9, NULL, 10);
}

static inline size_t
n_in(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

/* Ask on a fresh connection, hear until the end. */
static inline size_t
ask(const struct app *a, const char *request, char *ret_text, size_t cap)
{
    int fd = dial(a);
    size_t len;

    assert_true(say_text(fd, request));
    len = hear_all(fd, ret_text, cap, NULL);
    (void)close(fd);
    return len;
}

#endif
