/* SPDX-License-Identifier: Apache-2.0 */
/* script_upload: sources to upload from, and a server that takes the form. */
#ifndef MAYFLY_TESTS_SCRIPT_UPLOAD_H
#define MAYFLY_TESTS_SCRIPT_UPLOAD_H

#include "script_server.h"

#include "base/mem.h"

#define CREATED "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"

/* ---- a source of so many bytes, which are all different for a long while ---- */

struct maker {
    struct source source;
    uint64_t at, len;
    enum err e;   /* at the end, instead of it */
    size_t piece; /* at most so much at once; 0: what is asked for */
    int64_t pause_us;
    atomic_int *gate; /* waits before the last byte until this is set */
};

static inline enum err
maker_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct maker *m = CONTAINER_OF(s, struct maker, source);
    size_t n = cap;

    if (m->piece != 0 && n > m->piece)
        n = m->piece;
    if (n > m->len - m->at)
        n = (size_t)(m->len - m->at);
    if (n == 0 && m->e != ERR_OK)
        return err_set(m->e, "the source is broken");
    if (m->pause_us > 0)
        (void)usleep((useconds_t)m->pause_us);
    for (int i = 0; m->gate != NULL && m->at > 0 && atomic_load(m->gate) == 0 && i < 500; i++)
        (void)usleep(10 * 1000);
    for (size_t i = 0; i < n; i++)
        ret_bytes[i] = byte_at(m->at + i);
    m->at += n;
    *ret_len = n;
    return ERR_OK;
}

static const struct source_ops maker_ops = {maker_read, NULL};

static inline struct maker
maker(uint64_t len)
{
    return (struct maker){.source = {&maker_ops}, .len = len};
}

static inline void
serve_created(struct server *s, int fd, unsigned nth)
{
    char line[256];

    (void)nth;
    if (!hear_head(s, fd))
        return;
    if (asked(s, s->n_heads - 1, "Expect", line)[0] != '\0')
        say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    if (hear_body(s, fd))
        say(fd, CREATED);
}

static inline enum err
send_to(const char *url, const struct net_upload *u, struct net_reply *r)
{
    struct net *n = quick_net(url);
    enum err e;

    net_reply_init(r);
    n->limits.stall_ms = 2000;
    e = net_upload(n, u, r);
    net_free(n);
    return e;
}

#endif
