/* SPDX-License-Identifier: Apache-2.0 */
/* All connections: who may have one, and in which phase each is. */
#include "http/http_int.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

enum { PHASE_BITS = 3, CHUNK = 64 };

enum err
conns_init(struct conns *t, size_t max)
{
    *t = (struct conns){.n_slots = max, .n_free = max};
    t->slots = calloc(max, sizeof(struct conn *));
    t->free_slots = calloc(max, sizeof(*t->free_slots));
    if (t->slots == NULL || t->free_slots == NULL) {
        free(t->slots);
        free(t->free_slots);
        *t = (struct conns){0};
        return err_set(ERR_NOMEM, "no memory for a table of %zu connections", max);
    }
    for (size_t i = 0; i < max; i++)
        t->free_slots[i] = max - 1 - i; /* low numbers first: the table stays dense */
    (void)pthread_mutex_init(&t->lock, NULL);
    return ERR_OK;
}

void
conns_done(struct conns *t)
{
    if (t->slots == NULL)
        return;
    (void)pthread_mutex_destroy(&t->lock);
    free(t->slots);
    free(t->free_slots);
    t->slots = NULL;
}

bool
conns_add(struct conns *t, struct conn *c)
{
    bool has_room;

    (void)pthread_mutex_lock(&t->lock);
    has_room = t->n_free > 0;
    if (has_room) {
        c->slot = t->free_slots[--t->n_free];
        t->slots[c->slot] = c;
    }
    (void)pthread_mutex_unlock(&t->lock);
    return has_room;
}

void
conns_remove(struct conns *t, struct conn *c)
{
    (void)pthread_mutex_lock(&t->lock);
    assert(t->slots[c->slot] == c);
    t->slots[c->slot] = NULL;
    t->free_slots[t->n_free++] = c->slot;
    (void)pthread_mutex_unlock(&t->lock);
}

void
conns_visit(struct conns *t, void (*visit)(struct conn *c, void *ctx), void *ctx)
{
    for (size_t i = 0; i < t->n_slots;) {
        size_t end = i + CHUNK < t->n_slots ? i + CHUNK : t->n_slots;

        /* Let go between chunks, so that I/O threads never wait for a whole round. */
        (void)pthread_mutex_lock(&t->lock);
        for (; i < end; i++) {
            if (t->slots[i] != NULL)
                visit(t->slots[i], ctx);
        }
        (void)pthread_mutex_unlock(&t->lock);
    }
}

void
conn_set_phase(struct conn *c, enum conn_phase phase)
{
    atomic_store(&c->phase, (uint64_t)clock_mono_ms() << PHASE_BITS | (uint64_t)phase);
}

enum conn_phase
conn_phase_of(uint64_t packed, int64_t *ret_since_ms)
{
    *ret_since_ms = (int64_t)(packed >> PHASE_BITS);
    return (enum conn_phase)(packed & ((1 << PHASE_BITS) - 1));
}

void
conn_abort(struct conn *c)
{
    static const struct linger drop_all = {.l_onoff = 1, .l_linger = 0};

    atomic_store(&c->is_aborted, true);
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &drop_all, sizeof(drop_all));
}

static void
close_if_idle(struct conn *c, void *ctx)
{
    int64_t since_ms;
    enum conn_phase phase = conn_phase_of(atomic_load(&c->phase), &since_ms);

    (void)ctx;
    /* What has come in can still be read: a request that was under way is answered. */
    if (phase == CONN_OPENING || phase == CONN_IDLE)
        (void)shutdown(c->fd, SHUT_RD);
}

void
conns_close_idle(struct conns *t)
{
    conns_visit(t, close_if_idle, NULL);
}

bool
conn_may_come(struct http_server *s, const struct netaddr *peer)
{
    struct netaddr net = nets_of(peer);

    if (atomic_load(&s->is_draining) || atomic_load(&s->n_conns) >= s->cfg.max_connections)
        return false;
    if (peer->family == NETADDR_UNIX || !nets_is_full(s->nets, &net))
        return true;
    return s->cfg.is_exempt != NULL && s->cfg.is_exempt(s->cfg.app, peer);
}

static bool
count_in(struct conn *c)
{
    struct http_server *s = c->server;

    if (c->peer.family == NETADDR_UNIX ||
        (s->cfg.is_exempt != NULL && s->cfg.is_exempt(s->cfg.app, &c->peer)))
        return true;
    c->is_counted = nets_take(s->nets, &c->net) == ERR_OK;
    return c->is_counted;
}

struct conn *
conn_admit(struct http_daemon *d, int fd, const struct sockaddr *addr)
{
    struct http_server *s = d->server;
    struct conn *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->server = s;
    c->daemon = d;
    c->fd = fd;
    c->is_unix = sock_is_unix(fd);
    c->is_tls = d->is_tls;
    netaddr_from_sockaddr(addr, &c->peer);
    c->net = nets_of(&c->peer);
    conn_set_phase(c, CONN_OPENING);
    if (!count_in(c)) {
        free(c);
        return NULL;
    }
    if (!conns_add(&s->conns, c)) {
        if (c->is_counted)
            nets_give(s->nets, &c->net);
        free(c);
        return NULL;
    }
    atomic_fetch_add(&s->n_conns, 1);
    atomic_fetch_add(&d->n_conns, 1);
    return c;
}

void
conn_leave(struct conn *c)
{
    struct http_server *s = c->server;

    conns_remove(&s->conns, c);
    if (c->is_counted)
        nets_give(s->nets, &c->net);
    if (c->has_served)
        atomic_fetch_sub(&s->n_served_conns, 1);
    atomic_fetch_sub(&s->n_conns, 1);
    atomic_fetch_sub(&c->daemon->n_conns, 1);
    free(c);
}
