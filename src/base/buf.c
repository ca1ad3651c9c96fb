/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_init(struct buf *b, size_t max)
{
    /* so that a ceiling and its NUL can be doubled without a thought of wrapping */
    *b = (struct buf){.max = max < SIZE_MAX / 4 ? max : SIZE_MAX / 4};
}

void
buf_done(struct buf *b)
{
    if (b->data != NULL)
        mem_wipe(b->data, b->cap);
    free(b->data);
    buf_init(b, b->max);
}

/* Make room for `more` bytes and a NUL. Moves by hand, as realloc would leave the old bytes. */
static enum err
reserve(struct buf *b, size_t more)
{
    size_t want, cap;
    uint8_t *data;

    if (more > b->max - b->len)
        return err_set(ERR_TOOBIG, "a buffer's ceiling of %zu bytes is reached", b->max);
    want = b->len + more + 1;
    if (want <= b->cap)
        return ERR_OK;
    cap = b->cap < 64 ? 64 : b->cap;
    while (cap < want)
        cap *= 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    data = malloc(cap);
    if (data == NULL)
        return err_set(ERR_NOMEM, "no memory for %zu bytes", cap);
    if (b->len > 0)
        memcpy(data, b->data, b->len);
    if (b->data != NULL)
        mem_wipe(b->data, b->cap);
    free(b->data);
    b->data = data;
    b->cap = cap;
    return ERR_OK;
}

enum err
buf_add(struct buf *b, const void *bytes, size_t len)
{
    enum err e = reserve(b, len);

    if (e != ERR_OK)
        return e;
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = 0;
    return ERR_OK;
}

enum err
buf_add_text(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

enum err
buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    enum err e;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return err_set(ERR_SYNTAX, "a text cannot be formatted");
    e = reserve(b, (size_t)n);
    if (e != ERR_OK)
        return e;
    va_start(ap, fmt);
    (void)vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
    return ERR_OK;
}

const char *
buf_text(const struct buf *b)
{
    return b->data == NULL ? "" : (const char *)b->data;
}
