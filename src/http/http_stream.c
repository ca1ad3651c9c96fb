/* SPDX-License-Identifier: Apache-2.0 */
/* A reply's body while it is sent, and the account of it at the end. */
#include "http/http_int.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

/* Bytes handed to the system since the connection began. TLS adds its own, AF_UNIX cannot tell. */
static bool
is_exact(const struct conn *c)
{
    return !c->is_tls && !c->is_unix;
}

static bool
begin_stream(struct exchange *x)
{
    const struct conn *c = x->req.conn;
    struct sock_progress p;

    if (sock_peer_closed(c->fd))
        return false;
    if (is_exact(c)) {
        if (!sock_progress(c->fd, false, &p))
            return false;
        x->body_at = p.acked + p.unacked;
    }
    x->has_begun = true;
    return true;
}

int64_t
exchange_pull(struct exchange *x, uint64_t pos, uint8_t *ret_bytes, size_t cap)
{
    const struct http_stream *st = &x->resp.stream;
    size_t filled = 0, n = 0;
    enum err e = ERR_OK;

    if (st->not_after_s != 0 && clock_now_s() >= st->not_after_s) {
        conn_abort(x->req.conn);
        return -1;
    }
    if (pos != x->asked || pos >= st->len || (!x->has_begun && !begin_stream(x)))
        return -1;
    if (cap > st->len - pos)
        cap = (size_t)(st->len - pos);
    x->block = ret_bytes;
    if (cap > x->block_len)
        x->block_len = cap;
    while (filled < cap) {
        e = source_read(st->source, ret_bytes + filled, cap - filled, &n);
        if (e != ERR_OK || n == 0)
            break;
        filled += n;
    }
    /* What came before an error was checked by its source and may go, unless nothing may any
     * more. */
    if (e == ERR_GONE) {
        conn_abort(x->req.conn);
        return -1;
    }
    if (filled == 0)
        return -1;
    x->asked += filled;
    atomic_store(&x->req.conn->n_out, x->asked);
    return (int64_t)filled;
}

/* How much of the body was handed to the system. */
static uint64_t
bytes_left(const struct exchange *x, bool is_whole, const struct sock_progress *p)
{
    uint64_t handed;

    if (is_whole)
        return x->resp.stream.len;
    if (!is_exact(x->req.conn))
        return x->asked; /* no less than it was */
    handed = p->acked + p->unacked - x->body_at;
    return handed < x->asked ? handed : x->asked;
}

static void
end_stream(struct exchange *x, bool is_whole)
{
    const struct conn *c = x->req.conn;
    struct http_stream st = x->resp.stream;
    struct settle settle = {.fd = -1, .is_unix = c->is_unix, .ctx = st.ctx, .sent = st.sent};
    struct sock_progress p = {0};
    bool is_known = sock_progress(c->fd, c->is_unix, &p);

    mem_wipe(x->block, x->block_len);
    x->resp.has_stream = false;
    source_free(st.source);
    settle.left = is_known ? bytes_left(x, is_whole, &p) : x->asked;
    settle.target = p.acked + p.unacked;
    x->n_out = settle.left;
    if (st.sent == NULL)
        return;
    if (c->is_unix && !is_whole && sock_peer_closed(c->fd))
        p.is_dead = true; /* the library has taken the error away */
    if (!is_known || p.is_dead || p.unacked == 0 || atomic_load(&c->is_aborted)) {
        uint64_t missing = !is_known || (c->is_unix && p.is_dead) ? UINT64_MAX : p.unacked;

        st.sent(st.ctx, settle.left, missing < settle.left ? settle.left - missing : 0);
        return;
    }
    settle.fd = sock_dup(c->fd);
    lingers_settle(x->server->lingers, &settle);
}

/* Whether a reply was sent while bytes that nobody reads may still come. */
static bool
is_lingering(const struct exchange *x, bool is_whole, unsigned status)
{
    if (x->stage != STAGE_QUEUED)
        return status != 0; /* the library refused by itself */
    return is_whole && x->must_linger;
}

void
exchange_complete(struct exchange *x, bool is_whole, unsigned status)
{
    struct http_server *s = x->server;
    struct conn *c = x->req.conn;
    const struct http_route *route = x->req.match.route;
    struct http_report report = {.request_id = x->req.id, .method = x->req.method};

    if (x->has_begun)
        end_stream(x, is_whole);
    else if (is_whole && x->stage == STAGE_QUEUED && !x->resp.has_stream &&
             strcmp(x->req.method, "HEAD") != 0)
        x->n_out = x->resp.body.len;
    if (is_lingering(x, is_whole, status))
        lingers_drop(s->lingers, sock_dup(c->fd));
    atomic_store(&c->not_after_s, 0);
    atomic_store(&c->n_in, 0);
    atomic_store(&c->n_out, 0);
    conn_set_phase(c, CONN_IDLE);

    report.route = route == NULL ? "-" : route->pattern;
    report.status = status;
    report.duration_us = clock_mono_us() - x->start_us;
    report.bytes_in = x->n_in;
    report.bytes_out = x->n_out;
    report.client = x->req.client;
    if (s->cfg.done != NULL)
        s->cfg.done(s->cfg.app, &report);
    exchange_free(x);
    atomic_fetch_sub(&s->n_running, 1);
}
