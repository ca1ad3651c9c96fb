/* SPDX-License-Identifier: Apache-2.0 */
/* http_int: what the parts of the server know of each other. One exchange is one request and its
 * reply; one conn is one connection; both belong to the I/O thread of their connection, but for
 * what is marked. Locks are never nested, and no callback of the caller runs under one. */
#ifndef MAYFLY_HTTP_HTTP_INT_H
#define MAYFLY_HTTP_HTTP_INT_H

#include "http/gate.h"
#include "http/http.h"
#include "http/path.h"

#include "base/rnd.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum {
    RESP_HEADERS_MAX = 48,
    RESP_VALUES_MAX = 32 * 1024, /* bytes of all header values of one reply */
    LISTEN_MAX = 16,             /* sockets */
    FLOOR_SAMPLES = 4,           /* readings of a peer's progress in one floor window */
};

/* ---- sockets ---- */

struct sock_progress {
    uint64_t acked;   /* of what was sent since the start; 0 when it cannot tell (AF_UNIX) */
    uint64_t unacked; /* handed to the system, not yet acknowledged (AF_UNIX: not yet read) */
    bool is_dead;     /* reset, or closed both ways */
};

bool sock_is_unix(int fd);

/* Read a connection's counters, all of the same moment. False when the system refuses. Takes the
 * error of an AF_UNIX socket away: for the end of a reply only. */
bool sock_progress(int fd, bool is_unix, struct sock_progress *ret_progress);

struct sock_counts {
    uint64_t received, acked;
    bool has_peer_closed; /* its sending side, or both */
};

/* As above, for TCP, but of about the same moment, for one system call. */
bool sock_tcp_counts(int fd, struct sock_counts *ret_counts);

/* Bytes handed to the system and not yet acknowledged, or not yet read (AF_UNIX). */
uint64_t sock_n_unacked(int fd);

/* Whether the peer has closed its sending side, or is gone. */
bool sock_peer_closed(int fd);

/* Bytes that have come in and were not read yet. */
uint64_t sock_n_unread(int fd);

/* A second descriptor for the connection, closed on exec; -1. */
int sock_dup(int fd);

/* ---- connections per network ---- */

struct nets;

MUST_CHECK enum err nets_new(unsigned max_per_network, struct nets **ret_nets);
void nets_free(struct nets *n);

/* What counts as one: an IPv4 address, an IPv6 /64. */
struct netaddr nets_of(const struct netaddr *peer);

/* Count one more connection of `net`. ERR_LIMITED: it has its share; ERR_NOMEM. Thread-safe. */
MUST_CHECK enum err nets_take(struct nets *n, const struct netaddr *net);
void nets_give(struct nets *n, const struct netaddr *net);
bool nets_is_full(struct nets *n, const struct netaddr *net);

/* ---- connections and their deadlines ---- */

enum conn_phase {
    CONN_OPENING, /* accepted; its first header is not complete */
    CONN_IDLE,    /* a reply was sent, the next request has not begun */
    CONN_HEADER,  /* a later header is coming in */
    CONN_BODY,    /* we wait for bytes of a body */
    CONN_WORK,    /* the peer waits for us */
    CONN_REPLY,   /* a reply is being sent */
};

struct conn {
    struct http_server *server;
    struct http_daemon *daemon;
    int fd; /* the library's; valid while the conn is in the table */
    bool is_unix, is_tls, is_counted;
    bool has_served; /* its memory was touched by a request: see KEPT_MAX */
    size_t slot;
    struct netaddr peer, net;

    _Atomic uint64_t phase;       /* time in ms << 3 | enum conn_phase */
    _Atomic bool is_aborted;      /* what waits in the system for the peer is dropped on close */
    _Atomic int64_t not_after_s;  /* of the reply; 0: none */
    _Atomic uint64_t n_in, n_out; /* body bytes, where the system does not count */

    /* The watchdog's own. */
    uint64_t seen_phase, seen_received;
    int64_t begun_ms; /* when the first byte of the header was seen; 0: not yet */
    uint64_t samples[FLOOR_SAMPLES];
    unsigned n_samples;
    int64_t sampled_ms;
    bool is_cut;
};

/* A table of all connections. One lock: a conn is removed before its descriptor is closed, and
 * nothing is done to a descriptor outside of the lock, so that a reused number is never hit. */
struct conns {
    pthread_mutex_t lock;
    struct conn **slots; /* NULL where free */
    size_t *free_slots;
    size_t n_slots, n_free;
};

MUST_CHECK enum err conns_init(struct conns *t, size_t max);
void conns_done(struct conns *t);
bool conns_add(struct conns *t, struct conn *c); /* false: full */
void conns_remove(struct conns *t, struct conn *c);

/* Call `visit` for each, under the lock: it may not block, and may use the descriptor. */
void conns_visit(struct conns *t, void (*visit)(struct conn *c, void *ctx), void *ctx);

void conn_set_phase(struct conn *c, enum conn_phase phase);

/* Take a conn's `phase` apart. */
enum conn_phase conn_phase_of(uint64_t packed, int64_t *ret_since_ms);

/* Let what waits in the system for this peer be dropped when the connection closes: the peer does
 * not take it, or may not have it any more. */
void conn_abort(struct conn *c);

/* End the receiving side of every connection on which no request runs. To be called until they are
 * gone: the library can overlook one call, as it takes a short read for an empty socket. */
void conns_close_idle(struct conns *t);

/* Look at every connection once and cut those that are too slow. Run by the watchdog's thread. */
void watchdog_tick(struct http_server *s);

/* ---- after the reply ---- */

struct lingers; /* a thread and its list */

MUST_CHECK enum err lingers_new(size_t max_drops, struct lingers **ret_lingers);

/* Settle what is left with what is known, then end the thread. NULL is a no-op. */
void lingers_free(struct lingers *l);

struct settle {
    int fd; /* taken; -1: settle at once */
    bool is_unix;
    uint64_t target; /* of sock_progress.acked, at which all is acknowledged */
    uint64_t left;
    void *ctx;
    void (*sent)(void *ctx, uint64_t left, uint64_t acked);
};

/* Call `sent` once when all was acknowledged, the connection died, or 20 s have passed. Waits, up
 * to 100 ms, when the thread does not keep up. */
void lingers_settle(struct lingers *l, const struct settle *settle);

/* Read and drop what still comes in, so that the peer sees our reply and not a reset; at most 2 s
 * and 1 MiB. Takes `fd`. Beyond the ceiling of `max_drops` the descriptor is closed at once. */
void lingers_drop(struct lingers *l, int fd);

size_t lingers_n_settles(struct lingers *l);

/* ---- one request and its reply ---- */

struct resp_header {
    const char *name;
    size_t value; /* offset into values */
};

struct http_resp {
    unsigned status;
    size_t n_headers;
    struct resp_header headers[RESP_HEADERS_MAX];
    struct buf values;
    const char *type; /* NULL: no body was set */
    struct buf body;
    struct http_stream stream; /* source NULL: none */
    bool has_stream, close;
    http_work_fn work;
    void *work_ctx;
    void (*work_free)(void *ctx);
};

void resp_init(struct http_resp *resp);
void resp_done(struct http_resp *resp); /* as reset, and frees */

/* The work has run, or never will. */
void resp_end_work(struct http_resp *resp);

struct joined { /* several lines of one header, made one */
    struct joined *next;
    const char *name;
    char text[];
};

struct http_req {
    struct conn *conn;
    char *target; /* raw; wiped on free */
    const char *method, *version;
    char id[UUID_TEXT_LEN];
    struct netaddr client;
    struct gate_field *fields;
    size_t n_fields;
    struct joined *joined;
    struct path_match match;
    struct gate_verdict body;
    bool has_length;
};

enum exchange_stage { STAGE_HEADER, STAGE_BODY, STAGE_WORK, STAGE_ANSWERED, STAGE_QUEUED };

struct exchange {
    struct http_req req;
    struct http_resp resp;
    struct http_server *server;
    enum exchange_stage stage;
    enum err failed;  /* of the body; the reply says so at its end */
    bool must_close;  /* whatever the reply says */
    bool must_linger; /* bytes that we did not read may still come */
    void *intake_state;
    uint64_t n_in, n_dropped, n_out;
    int64_t start_us;

    struct pool_job job;
    void *connection; /* the library's, to be resumed */

    /* of a stream that is being sent */
    bool has_begun;
    uint8_t *block; /* the library's buffer, wiped at the end */
    size_t block_len;
    uint64_t body_at; /* of the bytes handed to the system, where the body begins */
    uint64_t asked;   /* bytes given to the library */
};

enum exchange_next {
    NEXT_READ,  /* go on with the body, or its end */
    NEXT_REPLY, /* the reply is complete: queue it now */
    NEXT_DEFER, /* suspend, then exchange_submit */
    NEXT_CUT,   /* end the connection without a reply */
};

/* `target` as received, before any decoding. NULL: no memory. */
struct exchange *exchange_new(struct conn *c, const char *target);
void exchange_free(struct exchange *x); /* NULL is a no-op; reports */

/* The header is in. `layout` is what gate_check_layout said, and req's fields are set. */
enum exchange_next exchange_header(struct exchange *x, enum err layout);
enum exchange_next exchange_body(struct exchange *x, const uint8_t *bytes, size_t len);
enum exchange_next exchange_end(struct exchange *x);

/* The connection is suspended: hand the work over. Afterwards `x` is the worker's. */
void exchange_submit(struct exchange *x);

/* The next piece of the stream: bytes, 0 never; -1: end the connection. */
int64_t exchange_pull(struct exchange *x, uint64_t pos, uint8_t *ret_bytes, size_t cap);

/* The library is done with the request; `is_whole`: the reply was handed over to its end. */
void exchange_complete(struct exchange *x, bool is_whole, unsigned status);

/* ---- the library ---- */

struct http_daemon {
    struct http_daemon *next;
    struct http_server *server;
    void *mhd;
    bool is_tls;
    _Atomic size_t n_conns;
    unsigned n_quiet; /* ticks without a connection, once it is retired */
};

MUST_CHECK enum err daemon_new(struct http_server *s, const char *cert_pem, const char *key_pem,
                               struct http_daemon **ret_daemon);

/* Cut its connections and end its threads. Nothing may be suspended. NULL is a no-op. */
void daemon_free(struct http_daemon *d);

/* Serve a connection; takes `fd` whatever happens. False: it could not. Thread-safe. */
bool daemon_serve(struct http_daemon *d, int fd, const struct sockaddr *addr, socklen_t addr_len);

/* Go on with a suspended connection. */
void daemon_resume(void *connection);

/* ---- accepting ---- */

/* Whether a connection of `peer` would be served now. */
bool conn_may_come(struct http_server *s, const struct netaddr *peer);

/* Count a connection in; NULL: it may not be served. Takes nothing. */
struct conn *conn_admit(struct http_daemon *d, int fd, const struct sockaddr *addr);
void conn_leave(struct conn *c);

MUST_CHECK enum err accept_start(struct http_server *s);
void accept_wake(struct http_server *s); /* the set of sockets has changed */
void accept_stop(struct http_server *s); /* closes them */

/* ---- the server ---- */

struct http_server {
    struct http_cfg cfg; /* with the defaults filled in */
    struct conns conns;
    struct nets *nets;
    struct lingers *lingers;

    pthread_mutex_t daemons_lock;
    struct http_daemon *plain, *tls, *retired; /* by daemons_lock */

    pthread_mutex_t listen_lock;
    int listen_fds[LISTEN_MAX]; /* by listen_lock */
    bool listen_tls[LISTEN_MAX];
    size_t n_listen;
    int wake_fd; /* eventfd: the set of sockets has changed, or stop */
    pthread_t acceptor, watchdog;
    bool has_acceptor, has_watchdog;

    pthread_mutex_t work_lock;
    pthread_cond_t work_done; /* monotonic */
    size_t n_deferred;        /* by work_lock */
    bool is_stopping;         /* by work_lock */

    _Atomic bool is_draining, is_ending;
    _Atomic uint64_t n_conns, n_served_conns, n_running, n_refused, n_cut;
};

/* Whether a connection may be kept after its reply. */
bool server_may_keep(struct http_server *s);

#endif
