/* SPDX-License-Identifier: Apache-2.0 */
/* http: requests in, replies out. Routes, refuses what no server should accept, streams both
 * ways, keeps slow and greedy peers in their bounds. Knows no upload, code or policy.
 * http_mhd.c is the only user of the HTTP library. Handlers run on I/O threads, many at once, and
 * may do what takes microseconds; the rest is deferred to the workers. */
#ifndef MAYFLY_HTTP_HTTP_H
#define MAYFLY_HTTP_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/netaddr.h"
#include "base/pool.h"
#include "stream/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- a request: valid until its reply was sent; read-only ---- */

struct http_req;

const char *http_req_method(const struct http_req *req);           /* "GET" */
const char *http_req_id(const struct http_req *req);               /* its X-Request-ID */
const struct netaddr *http_req_peer(const struct http_req *req);   /* the socket's */
const struct netaddr *http_req_client(const struct http_req *req); /* as `client` below says */
bool http_req_is_tls(const struct http_req *req);

/* The value of a header, several lines of it joined by ", "; NULL when there is none. */
const char *http_req_header(const struct http_req *req, const char *name);

/* The percent-decoded segment of the path that the route's pattern calls {name}; valid UTF-8 or
 * not, without NUL. NULL when the pattern has no such name. */
const char *http_req_param(const struct http_req *req, const char *name);

/* Bytes of the body as declared; UINT64_MAX when it is chunked; 0 when there is none. */
uint64_t http_req_body_len(const struct http_req *req);
bool http_req_has_body(const struct http_req *req); /* Content-Length or chunked was there */

/* ---- a reply ---- */

struct http_resp;

void http_resp_set_status(struct http_resp *resp, unsigned status); /* 200 unless set */

/* Add a header. Names are literals; a value is copied. ERR_SYNTAX: a control character in the
 * value; ERR_TOOBIG: too many headers. */
MUST_CHECK enum err http_resp_add_header(struct http_resp *resp, const char *name,
                                         const char *value);

/* The body, with its Content-Type. Takes the bytes; `body` is then empty. HEAD sends no body. */
void http_resp_set_body(struct http_resp *resp, const char *type, struct buf *body);

/* A body that is pulled while it is sent. `sent` is called exactly once, on any thread, when the
 * last byte was acknowledged by the peer, or sending ended before that: `left` bytes were handed
 * to the system (0: provably nothing reached the peer), `acked` of them the peer is known to
 * have. It is also called, with zeros, when the reply is never begun. Before the first byte a
 * peer that has closed its side is taken as gone: nothing is sent. When the source ends with
 * ERR_GONE, or `not_after_s` is reached, what still waits in the system is dropped too. */
struct http_stream {
    struct source *source; /* taken */
    uint64_t len;
    const char *type;    /* literal or alive as ctx is; Content-Type */
    int64_t not_after_s; /* Unix time at which sending stops; 0: none */
    void *ctx;
    void (*sent)(void *ctx, uint64_t left, uint64_t acked);
};
void http_resp_set_stream(struct http_resp *resp, const struct http_stream *stream);

/* Whether a header of that name (in any case) was added, and the value of the first such one: NULL
 * when there is none; valid until another header is added. */
bool http_resp_has_header(const struct http_resp *resp, const char *name);
const char *http_resp_header(const struct http_resp *resp, const char *name);

/* Close the connection after this reply. */
void http_resp_close(struct http_resp *resp);

/* Drop what was set so far. A stream's `sent` is called with zeros. */
void http_resp_reset(struct http_resp *resp);

/* Finish this reply on a worker: when the handler returns ERR_OK the connection waits, `work` runs
 * and completes `resp` as a handler would (it may not defer again). `work_free` is called exactly
 * once afterwards, run or not. */
typedef enum err (*http_work_fn)(void *ctx, const struct http_req *req, struct http_resp *resp);
void http_resp_defer(struct http_resp *resp, http_work_fn work, void *ctx,
                     void (*work_free)(void *ctx));

/* ---- routes ---- */

typedef enum err (*http_handler_fn)(void *app, const struct http_req *req, struct http_resp *resp);

/* For a route that takes a body: `begin` when the headers are in (an error refuses before the body
 * is read; no state without an error means that `resp` is the reply), `body` for each piece,
 * `finish` at its end; `free` exactly once whenever begin gave a state, also when the peer went
 * away, and at once after an error of `body`. What still comes after such an error is read and
 * dropped up to `drop_refused_max`; beyond that the connection is cut. Only `finish` may defer; the
 * state then lives until the work is done. */
struct http_intake {
    enum err (*begin)(void *app, const struct http_req *req, struct http_resp *resp,
                      void **ret_state);
    enum err (*body)(void *state, const uint8_t *bytes, size_t len);
    enum err (*finish)(void *state, const struct http_req *req, struct http_resp *resp);
    void (*free)(void *state);
};

/* Patterns are literal segments and {name}s; a trailing slash is optional in requests. Literal
 * segments win over names. A route with `handle` drops a body of up to `drop_body_max`. GET routes
 * with `also_head` answer HEAD. A pattern of one {name} alone does not make other methods on such
 * paths 405, but 404, and never matches the first segment of another route (that is 405). */
struct http_route {
    const char *method;
    const char *pattern;
    http_handler_fn handle;           /* either this */
    const struct http_intake *intake; /* or this */
    bool also_head;
};

/* ---- the server ---- */

struct http_report { /* one finished request, for the log and the metrics */
    const char *request_id, *method;
    const char *route; /* the pattern; "-" when none matched */
    unsigned status;   /* 0: the peer went away before a reply */
    int64_t duration_us;
    uint64_t bytes_in, bytes_out; /* of bodies */
    struct netaddr client;
};

struct http_cfg {
    void *app;
    const struct http_route *routes; /* alive as the server is */
    size_t n_routes;

    /* Turn an error into a reply: the one door for failures, ours and the handlers'. `resp` is
     * fresh, but that Allow was added for ERR_METHOD. Must not fail. */
    void (*fail)(void *app, const struct http_req *req, enum err e, struct http_resp *resp);
    /* Add the headers that every reply carries. */
    void (*decorate)(void *app, const struct http_req *req, struct http_resp *resp);
    /* The client's address behind the peer's. */
    void (*client)(void *app, const struct http_req *req, struct netaddr *ret_client);
    void (*done)(void *app, const struct http_report *report);
    /* Whether a peer (a trusted proxy) is free of the cap per network. */
    bool (*is_exempt)(void *app, const struct netaddr *peer);

    struct pool *workers; /* borrowed */
    unsigned io_threads;
    unsigned max_connections;
    unsigned max_per_network;               /* IPv4 address or IPv6 /64 */
    const char *tls_cert_pem, *tls_key_pem; /* both or none; copied */

    /* Deadlines. Zeros mean the defaults: 10 s, 30 s, 1024 bytes/s over 20 s, 64 KiB. */
    unsigned header_timeout_s; /* from the first byte (or accept) to the whole header */
    unsigned idle_timeout_s;   /* between requests */
    unsigned floor_bytes_per_s, floor_window_s;
    uint64_t drop_body_max;    /* of routes with `handle` */
    uint64_t drop_refused_max; /* after an error of an intake's `body`; 0: drop_body_max. The
                                * client sees the reply only when the whole body was dropped. */
};

struct http_server;

MUST_CHECK enum err http_server_new(const struct http_cfg *cfg, struct http_server **ret_server);

/* Serve on a bound and listening socket; takes `fd` on success. May be called several times. */
MUST_CHECK enum err http_server_listen(struct http_server *s, int fd, bool tls);

/* Serve new TLS connections with another certificate; those that run keep theirs. */
MUST_CHECK enum err http_server_set_tls(struct http_server *s, const char *cert_pem,
                                        const char *key_pem);

/* Stop accepting, answer what runs, give up after `timeout_ms`. True when all was answered. */
bool http_server_drain(struct http_server *s, unsigned timeout_ms);

struct http_stats {
    uint64_t n_connections, n_requests_running, n_refused_connections, n_cut_slow;
};
void http_server_stats(struct http_server *s, struct http_stats *ret_stats);

/* Drain first; what still runs is cut. NULL is a no-op. */
void http_server_free(struct http_server *s);

#endif
