/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/stream.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum err
source_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    return s->ops->read(s, ret_bytes, cap, ret_len);
}

void
source_free(struct source *s)
{
    if (s != NULL && s->ops->free != NULL)
        s->ops->free(s);
}

enum err
sink_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    return s->ops->write(s, bytes, len);
}

enum err
sink_finish(struct sink *s)
{
    return s->ops->finish(s);
}

void
sink_free(struct sink *s)
{
    if (s != NULL && s->ops->free != NULL)
        s->ops->free(s);
}

enum err
reader_read_at(struct reader *r, uint64_t off, uint8_t *ret_bytes, size_t len)
{
    if (off > r->size_bytes || len > r->size_bytes - off)
        return err_set(ERR_INTEGRITY, "a read beyond the end");
    return r->ops->read_at(r, off, ret_bytes, len);
}

void
reader_free(struct reader *r)
{
    if (r != NULL)
        r->ops->free(r);
}

/* ---- bytes in memory ---- */

struct bytes_source {
    struct source source;
    size_t len, at;
    uint8_t bytes[];
};

static enum err
bytes_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct bytes_source *b = (struct bytes_source *)s;
    size_t n = b->len - b->at < cap ? b->len - b->at : cap;

    memcpy(ret_bytes, b->bytes + b->at, n);
    b->at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
bytes_free(struct source *s)
{
    struct bytes_source *b = (struct bytes_source *)s;

    mem_wipe(b->bytes, b->len);
    free(b);
}

enum err
source_of_bytes(const void *bytes, size_t len, struct source **ret_source)
{
    static const struct source_ops ops = {bytes_read, bytes_free};
    struct bytes_source *b = malloc(sizeof(*b) + len);

    if (b == NULL)
        return err_set(ERR_NOMEM, "no memory for a source of %zu bytes", len);
    b->source.ops = &ops;
    b->len = len;
    b->at = 0;
    if (len > 0)
        memcpy(b->bytes, bytes, len);
    *ret_source = &b->source;
    return ERR_OK;
}

struct bytes_reader {
    struct reader reader;
    uint8_t bytes[];
};

static enum err
bytes_read_at(struct reader *r, uint64_t off, uint8_t *ret_bytes, size_t len)
{
    struct bytes_reader *b = (struct bytes_reader *)r;

    memcpy(ret_bytes, b->bytes + off, len);
    return ERR_OK;
}

static void
bytes_reader_free(struct reader *r)
{
    mem_wipe(((struct bytes_reader *)r)->bytes, r->size_bytes);
    free(r);
}

enum err
reader_of_bytes(const void *bytes, size_t len, struct reader **ret_reader)
{
    static const struct reader_ops ops = {bytes_read_at, bytes_reader_free};
    struct bytes_reader *b = malloc(sizeof(*b) + len);

    if (b == NULL)
        return err_set(ERR_NOMEM, "no memory for a reader of %zu bytes", len);
    b->reader = (struct reader){.ops = &ops, .size_bytes = len};
    if (len > 0)
        memcpy(b->bytes, bytes, len);
    *ret_reader = &b->reader;
    return ERR_OK;
}

/* ---- limit ---- */

struct limit_sink {
    struct sink sink;
    struct sink *next;
    uint64_t left, max;
};

static enum err
limit_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    struct limit_sink *l = (struct limit_sink *)s;

    if (len > l->left)
        return err_set(ERR_TOOBIG, "more than %llu bytes", (unsigned long long)l->max);
    l->left -= len;
    return sink_write(l->next, bytes, len);
}

static enum err
limit_finish(struct sink *s)
{
    return sink_finish(((struct limit_sink *)s)->next);
}

static void
limit_free(struct sink *s)
{
    sink_free(((struct limit_sink *)s)->next);
    free(s);
}

enum err
sink_limit_new(uint64_t max, struct sink **next, struct sink **ret_sink)
{
    static const struct sink_ops ops = {limit_write, limit_finish, limit_free};
    struct limit_sink *l = malloc(sizeof(*l));

    if (l == NULL)
        return err_set(ERR_NOMEM, "no memory for a stage");
    *l = (struct limit_sink){.sink = {&ops}, .next = *next, .left = max, .max = max};
    *next = NULL;
    *ret_sink = &l->sink;
    return ERR_OK;
}

/* ---- into a buffer ---- */

struct buf_sink {
    struct sink sink;
    struct buf *buf;
};

static enum err
buf_sink_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    return buf_add(((struct buf_sink *)s)->buf, bytes, len);
}

static enum err
buf_sink_finish(struct sink *s)
{
    (void)s;
    return ERR_OK;
}

static void
buf_sink_free(struct sink *s)
{
    free(s);
}

enum err
sink_to_buf(struct buf *b, struct sink **ret_sink)
{
    static const struct sink_ops ops = {buf_sink_write, buf_sink_finish, buf_sink_free};
    struct buf_sink *s = malloc(sizeof(*s));

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a stage");
    *s = (struct buf_sink){.sink = {&ops}, .buf = b};
    *ret_sink = &s->sink;
    return ERR_OK;
}
