/* SPDX-License-Identifier: Apache-2.0 */
/* The server as a whole: its start, its end, and what runs beside the I/O threads. A write to a
 * connection whose peer is gone raises no SIGPIPE: the library blocks it in its threads and asks
 * the system for none. */
#include "http/http_int.h"

#include "base/clock.h"
#include "base/cond.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    DEFAULT_HEADER_TIMEOUT_S = 10,
    DEFAULT_IDLE_TIMEOUT_S = 30,
    DEFAULT_FLOOR_BYTES_PER_S = 1024,
    DEFAULT_FLOOR_WINDOW_S = 20,
    DEFAULT_DROP_BODY_MAX = 64 * 1024,
    DRAIN_STEP_MS = 10,
    RETIRED_TICKS = 2,
    SPARE_SLOTS = 64, /* connections that were accepted when the last place was taken */

    /* The library clears all memory of a connection that is kept after a reply, so that each such
     * connection costs it in full. Beyond this many the reply closes instead: a crowd of idle
     * connections stays cheap, and a client just connects again. */
    KEPT_MAX = 1024,
};

bool
server_may_keep(struct http_server *s)
{
    return !atomic_load(&s->is_draining) && atomic_load(&s->n_served_conns) <= KEPT_MAX;
}

/* ---- the watchdog's thread ---- */

static void
sleep_ms(int64_t ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
}

/* Stop daemons that set_tls has replaced, once their last connection is gone. What the acceptor
 * has handed over is counted at the latest one tick later. */
static void
stop_retired(struct http_server *s)
{
    struct http_daemon *gone = NULL;

    (void)pthread_mutex_lock(&s->daemons_lock);
    for (struct http_daemon **at = &s->retired; *at != NULL;) {
        struct http_daemon *d = *at;

        d->n_quiet = atomic_load(&d->n_conns) == 0 ? d->n_quiet + 1 : 0;
        if (d->n_quiet < RETIRED_TICKS) {
            at = &d->next;
            continue;
        }
        *at = d->next;
        d->next = gone;
        gone = d;
    }
    (void)pthread_mutex_unlock(&s->daemons_lock);
    while (gone != NULL) {
        struct http_daemon *next = gone->next;

        daemon_free(gone);
        gone = next;
    }
}

/* A second, or a quarter of the shortest limit. */
static int64_t
tick_ms(const struct http_cfg *cfg)
{
    unsigned shortest_s = cfg->header_timeout_s;

    if (cfg->idle_timeout_s < shortest_s)
        shortest_s = cfg->idle_timeout_s;
    if (cfg->floor_window_s < shortest_s)
        shortest_s = cfg->floor_window_s;
    return shortest_s >= 4 ? 1000 : (int64_t)shortest_s * 250;
}

static void *
watch(void *arg)
{
    struct http_server *s = arg;

    while (!atomic_load(&s->is_ending)) {
        sleep_ms(tick_ms(&s->cfg));
        watchdog_tick(s);
        stop_retired(s);
    }
    return NULL;
}

/* ---- start ---- */

static void
fill_defaults(struct http_cfg *cfg)
{
    if (cfg->header_timeout_s == 0)
        cfg->header_timeout_s = DEFAULT_HEADER_TIMEOUT_S;
    if (cfg->idle_timeout_s == 0)
        cfg->idle_timeout_s = DEFAULT_IDLE_TIMEOUT_S;
    if (cfg->floor_bytes_per_s == 0)
        cfg->floor_bytes_per_s = DEFAULT_FLOOR_BYTES_PER_S;
    if (cfg->floor_window_s == 0)
        cfg->floor_window_s = DEFAULT_FLOOR_WINDOW_S;
    if (cfg->drop_body_max == 0)
        cfg->drop_body_max = DEFAULT_DROP_BODY_MAX;
    if (cfg->drop_refused_max == 0)
        cfg->drop_refused_max = cfg->drop_body_max;
    if (cfg->io_threads == 0)
        cfg->io_threads = 1;
    if (cfg->max_connections == 0)
        cfg->max_connections = 1;
    if (cfg->max_per_network == 0)
        cfg->max_per_network = cfg->max_connections;
}

static void
init_locks(struct http_server *s)
{
    (void)pthread_mutex_init(&s->daemons_lock, NULL);
    (void)pthread_mutex_init(&s->listen_lock, NULL);
    (void)pthread_mutex_init(&s->work_lock, NULL);
    (void)cond_init(&s->work_done);
}

enum err
http_server_new(const struct http_cfg *cfg, struct http_server **ret_server)
{
    struct http_server *s = calloc(1, sizeof(*s));
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a server");
    s->cfg = *cfg;
    s->wake_fd = -1;
    fill_defaults(&s->cfg);
    init_locks(s);
    e = conns_init(&s->conns, (size_t)s->cfg.max_connections + SPARE_SLOTS);
    if (e == ERR_OK)
        e = nets_new(s->cfg.max_per_network, &s->nets);
    if (e == ERR_OK)
        e = lingers_new(s->cfg.max_connections / 4 + 16, &s->lingers);
    if (e == ERR_OK)
        e = daemon_new(s, NULL, NULL, &s->plain);
    if (e == ERR_OK && cfg->tls_cert_pem != NULL)
        e = daemon_new(s, cfg->tls_cert_pem, cfg->tls_key_pem, &s->tls);
    /* They were read into the library; whose bytes they are may wipe them. */
    s->cfg.tls_cert_pem = s->cfg.tls_key_pem = NULL;
    if (e == ERR_OK)
        e = accept_start(s);
    if (e == ERR_OK && pthread_create(&s->watchdog, NULL, watch, s) != 0)
        e = err_set(ERR_UNAVAIL, "cannot start a thread");
    else if (e == ERR_OK)
        s->has_watchdog = true;
    if (e != ERR_OK) {
        http_server_free(s);
        return e;
    }
    *ret_server = s;
    return ERR_OK;
}

enum err
http_server_listen(struct http_server *s, int fd, bool tls)
{
    int flags = fcntl(fd, F_GETFL);
    enum err e = ERR_OK;
    bool has_daemon;

    (void)pthread_mutex_lock(&s->daemons_lock);
    has_daemon = tls ? s->tls != NULL : s->plain != NULL;
    (void)pthread_mutex_unlock(&s->daemons_lock);
    if (!has_daemon)
        return err_set(ERR_FIELD, "a TLS socket without a certificate");
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return err_set(ERR_IO, "not a socket to listen on");
    (void)pthread_mutex_lock(&s->listen_lock);
    if (atomic_load(&s->is_draining)) {
        e = err_set(ERR_UNAVAIL, "the server is about to end");
    } else if (s->n_listen == LISTEN_MAX) {
        e = err_set(ERR_TOOBIG, "more than %d sockets to listen on", LISTEN_MAX);
    } else {
        s->listen_fds[s->n_listen] = fd;
        s->listen_tls[s->n_listen++] = tls;
        accept_wake(s);
    }
    (void)pthread_mutex_unlock(&s->listen_lock);
    return e;
}

enum err
http_server_set_tls(struct http_server *s, const char *cert_pem, const char *key_pem)
{
    struct http_daemon *fresh = NULL, *old;
    enum err e;

    e = daemon_new(s, cert_pem, key_pem, &fresh);
    if (e != ERR_OK)
        return e;
    (void)pthread_mutex_lock(&s->daemons_lock);
    old = s->tls;
    s->tls = fresh;
    if (old != NULL) {
        old->next = s->retired;
        s->retired = old;
    }
    (void)pthread_mutex_unlock(&s->daemons_lock);
    return ERR_OK;
}

/* ---- end ---- */

bool
http_server_drain(struct http_server *s, unsigned timeout_ms)
{
    int64_t end_ms = clock_mono_ms() + timeout_ms;
    bool is_done;

    atomic_store(&s->is_draining, true);
    accept_stop(s);
    for (;;) {
        conns_close_idle(&s->conns);
        is_done = atomic_load(&s->n_running) == 0 && lingers_n_settles(s->lingers) == 0;
        if (is_done || clock_mono_ms() >= end_ms)
            return is_done;
        sleep_ms(DRAIN_STEP_MS);
    }
}

void
http_server_stats(struct http_server *s, struct http_stats *ret_stats)
{
    *ret_stats = (struct http_stats){
        .n_connections = atomic_load(&s->n_conns),
        .n_requests_running = atomic_load(&s->n_running),
        .n_refused_connections = atomic_load(&s->n_refused),
        .n_cut_slow = atomic_load(&s->n_cut),
    };
}

static void
end_work(struct http_server *s)
{
    (void)pthread_mutex_lock(&s->work_lock);
    s->is_stopping = true;
    while (s->n_deferred > 0)
        (void)pthread_cond_wait(&s->work_done, &s->work_lock);
    (void)pthread_mutex_unlock(&s->work_lock);
}

void
http_server_free(struct http_server *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->is_draining, true);
    atomic_store(&s->is_ending, true);
    accept_stop(s);
    if (s->has_watchdog)
        (void)pthread_join(s->watchdog, NULL);
    /* The library must not be stopped while a connection is suspended. */
    end_work(s);
    daemon_free(s->plain);
    daemon_free(s->tls);
    for (struct http_daemon *d = s->retired, *next; d != NULL; d = next) {
        next = d->next;
        daemon_free(d);
    }
    lingers_free(s->lingers);
    nets_free(s->nets);
    conns_done(&s->conns);
    (void)pthread_cond_destroy(&s->work_done);
    (void)pthread_mutex_destroy(&s->work_lock);
    (void)pthread_mutex_destroy(&s->listen_lock);
    (void)pthread_mutex_destroy(&s->daemons_lock);
    free(s);
}
