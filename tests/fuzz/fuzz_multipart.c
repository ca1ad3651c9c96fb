/* SPDX-License-Identifier: Apache-2.0 */
/* A form: one byte that chooses the cuts, the Content-Type up to a line feed, the body. Pushed
 * whole and cut, it must give the same events and the same end; data never holds the delimiter;
 * events come in their order. */
#include "base/buf.h"
#include "http/multipart.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool claim)
{
    if (!claim)
        abort();
}

struct recorder {
    struct buf log, data; /* all events as bytes; the data of this part */
    bool in_part;
    unsigned n_parts;
    const char *delimiter;
};

static enum err
on_begin(void *ctx, const struct multipart_part *part)
{
    struct recorder *r = ctx;

    must(!r->in_part && ++r->n_parts <= MULTIPART_PARTS_MAX);
    r->in_part = true;
    must(part->name[0] != '\0' && strlen(part->name) <= MULTIPART_NAME_MAX);
    must(buf_addf(&r->log, "<%s", part->name) == ERR_OK);
    if (part->filename != NULL) {
        must(strlen(part->filename) <= MULTIPART_FILENAME_MAX);
        must(buf_addf(&r->log, "|%s", part->filename) == ERR_OK);
    }
    return buf_add(&r->log, ">", 1);
}

static enum err
on_data(void *ctx, const uint8_t *bytes, size_t len)
{
    struct recorder *r = ctx;

    must(r->in_part && len > 0);
    must(buf_add(&r->data, bytes, len) == ERR_OK);
    return buf_add(&r->log, bytes, len);
}

static enum err
on_end(void *ctx)
{
    struct recorder *r = ctx;
    size_t n = strlen(r->delimiter);

    must(r->in_part);
    r->in_part = false;
    if (r->data.len > 0)
        must(memmem(r->data.data, r->data.len, r->delimiter, n) == NULL);
    must(r->data.len < n - 2 || memcmp(r->data.data, r->delimiter + 2, n - 2) != 0);
    buf_done(&r->data);
    return buf_add(&r->log, "\0.", 2);
}

/* Push in pieces whose lengths come from `seed`; 0: whole. */
static enum err
run(const char *type, const uint8_t *body, size_t len, uint32_t seed, struct recorder *r)
{
    const struct multipart_events events = {r, on_begin, on_data, on_end};
    struct multipart *m = NULL;
    enum err e = multipart_new(type, &events, &m);

    while (e == ERR_OK && len > 0) {
        size_t n = len;

        if (seed != 0) {
            seed = seed * 1664525 + 1013904223;
            n = (seed >> 8) % (seed >> 31 ? 4 : 60);
        }
        if (n > len)
            n = len;
        e = multipart_push(m, body, n);
        body += n;
        len -= n;
    }
    if (e == ERR_OK)
        e = multipart_finish(m);
    must(e == ERR_OK || e == ERR_SYNTAX);
    must(e != ERR_OK || !r->in_part);
    multipart_free(m);
    return e;
}

/* The delimiter as a plain reader sees it: good enough for types that were accepted. */
static void
find_delimiter(const char *type, char delimiter[MULTIPART_BOUNDARY_MAX + 5])
{
    const char *s = strcasestr(type, "boundary=");
    size_t len;

    (void)snprintf(delimiter, MULTIPART_BOUNDARY_MAX + 5, "\r\n--");
    if (s == NULL)
        return;
    s += strlen("boundary=");
    len = *s == '"' ? strcspn(++s, "\"") : strcspn(s, "; \t");
    if (len <= MULTIPART_BOUNDARY_MAX)
        (void)snprintf(delimiter, MULTIPART_BOUNDARY_MAX + 5, "\r\n--%.*s", (int)len, s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *lf = size > 0 ? memchr(data + 1, '\n', size - 1) : NULL;
    char type[256] = "", delimiter[MULTIPART_BOUNDARY_MAX + 5];
    struct recorder r[2];
    enum err e[2];

    if (lf == NULL || (size_t)(lf - data) > sizeof(type) || size > LOG_MAX / 4)
        return 0;
    memcpy(type, data + 1, (size_t)(lf - data) - 1);
    if (strcasestr(type, "boundary=") != NULL &&
        strcasestr(strcasestr(type, "boundary=") + 1, "boundary=") != NULL)
        return 0; /* one in another parameter's text: the plain reader would take the wrong one */
    find_delimiter(type, delimiter);
    for (int i = 0; i < 2; i++) {
        r[i] = (struct recorder){.delimiter = delimiter};
        buf_init(&r[i].log, LOG_MAX);
        buf_init(&r[i].data, LOG_MAX);
        e[i] = run(type, lf + 1, size - (size_t)(lf + 1 - data), i == 0 ? 0 : data[0] + 1u, &r[i]);
    }
    must(e[0] == e[1]);
    must(r[0].n_parts == r[1].n_parts && r[0].log.len == r[1].log.len);
    must(memcmp(buf_text(&r[0].log), buf_text(&r[1].log), r[0].log.len) == 0);
    for (int i = 0; i < 2; i++) {
        buf_done(&r[i].log);
        buf_done(&r[i].data);
    }
    return 0;
}
