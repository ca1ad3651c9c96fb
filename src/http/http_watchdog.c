/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines and floors. The HTTP library only knows an idle timer, which one byte now and then
 * keeps from ever ending; here the time of a header is absolute, and a body or a reply must make
 * progress that the peer has really made: bytes received, bytes acknowledged. */
#include "http/http_int.h"

#include "base/clock.h"

struct tick {
    struct http_server *server;
    int64_t now_ms, now_s;
};

enum verdict { VERDICT_KEEP, VERDICT_CLOSE, VERDICT_CUT, VERDICT_ABORT };

/* Whether `value`, which grows with the peer's progress, grew too little over the last window.
 * While nothing is owed, the window does not run. */
static bool
is_below_floor(struct conn *c, const struct tick *t, bool is_owed, uint64_t value)
{
    const struct http_cfg *cfg = &c->server->cfg;
    int64_t step_ms = (int64_t)cfg->floor_window_s * 1000 / FLOOR_SAMPLES;
    uint64_t need = (uint64_t)cfg->floor_bytes_per_s * cfg->floor_window_s;
    unsigned at = c->n_samples % FLOOR_SAMPLES;
    bool is_slow;

    if (!is_owed) {
        c->n_samples = 0;
        return false;
    }
    if (c->n_samples > 0 && t->now_ms - c->sampled_ms < step_ms)
        return false;
    is_slow = c->n_samples >= FLOOR_SAMPLES && value - c->samples[at] < need;
    c->samples[at] = value;
    c->sampled_ms = t->now_ms;
    c->n_samples++;
    return is_slow;
}

static bool
is_body_slow(struct conn *c, const struct tick *t, const struct sock_counts *n)
{
    uint64_t received = c->is_unix ? atomic_load(&c->n_in) : n->received;

    /* Bytes that wait for us are not the peer's fault. */
    return is_below_floor(c, t, sock_n_unread(c->fd) == 0, received);
}

static bool
is_reply_slow(struct conn *c, const struct tick *t, const struct sock_counts *n)
{
    uint64_t acked = c->is_unix ? atomic_load(&c->n_out) : n->acked;

    return is_below_floor(c, t, sock_n_unacked(c->fd) > 0, acked);
}

static enum verdict
judge_idle(struct conn *c, const struct tick *t, int64_t since_ms, const struct sock_counts *n)
{
    const struct http_cfg *cfg = &c->server->cfg;

    if (n->received != c->seen_received && c->begun_ms == 0)
        c->begun_ms = t->now_ms;
    if (c->begun_ms != 0)
        return t->now_ms - c->begun_ms >= (int64_t)cfg->header_timeout_s * 1000 ? VERDICT_CUT
                                                                                : VERDICT_KEEP;
    return t->now_ms - since_ms >= (int64_t)cfg->idle_timeout_s * 1000 ? VERDICT_CLOSE
                                                                       : VERDICT_KEEP;
}

/* When the last bytes and the end come together, the library reads the bytes and goes to sleep:
 * its epoll set is edge-triggered, and it takes a short read for an empty socket. Ending the side
 * that the peer has ended already makes a new edge. */
static void
tell_of_the_end(const struct conn *c, enum conn_phase phase, const struct sock_counts *n)
{
    if (n->has_peer_closed && phase != CONN_WORK && phase != CONN_REPLY)
        (void)shutdown(c->fd, SHUT_RD);
}

static enum verdict
judge(struct conn *c, const struct tick *t)
{
    uint64_t packed = atomic_load(&c->phase);
    int64_t since_ms, not_after_s;
    enum conn_phase phase = conn_phase_of(packed, &since_ms);
    struct sock_counts n = {0};

    if (phase == CONN_WORK || (!c->is_unix && !sock_tcp_counts(c->fd, &n)))
        return VERDICT_KEEP;
    tell_of_the_end(c, phase, &n);
    if (packed != c->seen_phase) {
        c->seen_phase = packed;
        c->seen_received = n.received;
        c->n_samples = 0;
        if (phase != CONN_HEADER) /* whose first byte may have been seen while idle */
            c->begun_ms = 0;
    }
    switch (phase) {
    case CONN_OPENING:
    case CONN_HEADER:
        if (c->begun_ms != 0)
            since_ms = c->begun_ms;
        return t->now_ms - since_ms >= (int64_t)c->server->cfg.header_timeout_s * 1000
                   ? VERDICT_CUT
                   : VERDICT_KEEP;
    case CONN_IDLE:
        return judge_idle(c, t, since_ms, &n);
    case CONN_BODY:
        return is_body_slow(c, t, &n) ? VERDICT_CUT : VERDICT_KEEP;
    case CONN_REPLY:
        not_after_s = atomic_load(&c->not_after_s);
        if (not_after_s != 0 && t->now_s >= not_after_s)
            return VERDICT_ABORT;
        return is_reply_slow(c, t, &n) ? VERDICT_ABORT : VERDICT_KEEP;
    case CONN_WORK:
        break;
    }
    return VERDICT_KEEP;
}

static void
look_at(struct conn *c, void *ctx)
{
    const struct tick *t = ctx;
    enum verdict v;

    if (c->is_cut)
        return;
    v = judge(c, t);
    if (v == VERDICT_KEEP)
        return;
    c->is_cut = true;
    if (v != VERDICT_CLOSE)
        atomic_fetch_add(&c->server->n_cut, 1);
    if (v == VERDICT_ABORT)
        conn_abort(c);
    (void)shutdown(c->fd, SHUT_RDWR);
}

void
watchdog_tick(struct http_server *s)
{
    struct tick t = {.server = s, .now_ms = clock_mono_ms(), .now_s = clock_now_s()};

    conns_visit(&s->conns, look_at, &t);
}
