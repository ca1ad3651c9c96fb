/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of an answer's header, each as it comes. */
#include "client/net_int.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A text that fits, or none: half of one is worse. The first of several counts. */
static void
keep(char *ret, size_t cap, const char *value, size_t len)
{
    if (ret[0] != '\0' || len >= cap || memchr(value, '\0', len) != NULL)
        return;
    memcpy(ret, value, len);
    ret[len] = '\0';
}

/* "bytes 5-9/10" or "bytes *" "/10" (RFC 9110). */
static void
take_range(struct net_head *h, const char *value, size_t len)
{
    static const char unit[] = "bytes ";
    const char *end = value + len, *slash, *dash;
    uint64_t first = 1, last = 0, total;

    if (len < sizeof(unit) || !text_same_n(value, unit, sizeof(unit) - 1))
        return;
    value += sizeof(unit) - 1;
    slash = memchr(value, '/', (size_t)(end - value));
    if (slash == NULL ||
        text_u64(slash + 1, (size_t)(end - slash - 1), INT64_MAX, &total) != ERR_OK)
        return;
    if (slash - value != 1 || *value != '*') {
        dash = memchr(value, '-', (size_t)(slash - value));
        if (dash == NULL || text_u64(value, (size_t)(dash - value), INT64_MAX, &first) != ERR_OK ||
            text_u64(dash + 1, (size_t)(slash - dash - 1), INT64_MAX, &last) != ERR_OK ||
            first > last || last >= total)
            return;
    }
    h->has_range = true;
    h->first = first;
    h->last = last;
    h->total = total;
}

static void
take_file(struct net_file *f, const char *name, const char *value, size_t len)
{
    if (text_same(name, "Content-Disposition"))
        keep(f->disposition, sizeof(f->disposition), value, len);
    else if (text_same(name, "Content-Type"))
        keep(f->type, sizeof(f->type), value, len);
    else if (text_same(name, "X-SHA256"))
        keep(f->sha256, sizeof(f->sha256), value, len);
    else if (text_same(name, "X-Uses-Remaining"))
        keep(f->uses_left, sizeof(f->uses_left), value, len);
    else if (text_same(name, "X-Mayfly-Meta"))
        keep(f->meta, sizeof(f->meta), value, len);
}

static void
take(struct net_head *h, const char *name, const char *value, size_t len)
{
    if (text_same(name, "Content-Length"))
        h->has_length = text_u64(value, len, INT64_MAX, &h->length) == ERR_OK;
    else if (text_same(name, "Transfer-Encoding"))
        h->has_coding = true;
    else if (text_same(name, "Content-Range"))
        take_range(h, value, len);
    else if (text_same(name, "ETag"))
        keep(h->etag, sizeof(h->etag), value, len);
    else if (h->file != NULL)
        take_file(h->file, name, value, len);
}

void
head_line(struct net_head *h, const char *line, size_t len)
{
    const char *colon, *value, *end = line + len;
    char name[32];

    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* another one: what came before was a 1xx */
        *h = (struct net_head){.file = h->file, .n_bytes = h->n_bytes};
        if (h->file != NULL)
            *h->file = (struct net_file){0};
        return;
    }
    colon = memchr(line, ':', len);
    if (colon == NULL || (size_t)(colon - line) >= sizeof(name))
        return;
    memcpy(name, line, (size_t)(colon - line));
    name[colon - line] = '\0';
    value = colon + 1;
    while (value < end && is_blank(*value))
        value++;
    while (end > value && is_blank(end[-1]))
        end--;
    take(h, name, value, (size_t)(end - value));
}
