/* SPDX-License-Identifier: Apache-2.0 */
#include "client/replay.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct replay {
    struct source *below;
    bool is_over; /* what was read is not all kept */
    bool is_ended;
    enum err failed;
    size_t len;
    uint8_t kept[REPLAY_MAX];
};

struct replay_source {
    struct source source;
    struct replay *replay;
    size_t at; /* of what is kept */
};

/* What stands below is asked no more after its end or an error. */
static enum err
read_below(struct replay *r, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    size_t n = 0;

    if (r->failed != ERR_OK)
        return r->failed; /* the sentence is that of then, or a newer one */
    if (!r->is_ended)
        r->failed = source_read(r->below, ret_bytes, cap, &n);
    if (r->failed != ERR_OK)
        return r->failed;
    r->is_ended = n == 0;
    if (n > REPLAY_MAX - r->len)
        r->is_over = true;
    if (!r->is_over) {
        memcpy(r->kept + r->len, ret_bytes, n);
        r->len += n;
    }
    *ret_len = n;
    return ERR_OK;
}

static enum err
replay_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct replay_source *s = (struct replay_source *)source;
    struct replay *r = s->replay;
    size_t n = r->len - s->at < cap ? r->len - s->at : cap;
    enum err e;

    if (n > 0) {
        memcpy(ret_bytes, r->kept + s->at, n);
        s->at += n;
        *ret_len = n;
        return ERR_OK;
    }
    e = read_below(r, ret_bytes, cap, ret_len);
    s->at = r->len;
    return e;
}

static void
source_done(struct source *source)
{
    free(source);
}

enum err
replay_source(struct replay *r, struct source **ret_source)
{
    static const struct source_ops ops = {replay_read, source_done};
    struct replay_source *s;

    if (r->is_over)
        return err_set(ERR_TOOBIG, "too much was read to begin again");
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a stage");
    s->source.ops = &ops;
    s->replay = r;
    *ret_source = &s->source;
    return ERR_OK;
}

void
replay_stop(struct replay *r)
{
    r->is_over = true;
}

enum err
replay_new(struct source *below, struct replay **ret_replay)
{
    struct replay *r = malloc(sizeof(*r));

    if (r == NULL)
        return err_set(ERR_NOMEM, "no memory for a stage");
    memset(r, 0, offsetof(struct replay, kept));
    r->below = below;
    *ret_replay = r;
    return ERR_OK;
}

void
replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    mem_wipe(r->kept, r->len);
    free(r);
}
