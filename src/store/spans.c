/* SPDX-License-Identifier: Apache-2.0 */
#include "store/spans.h"

#include <string.h>

enum { SPAN_LEN = 16 };

static size_t
smallest(const struct store_span *at, size_t n)
{
    size_t least = 0;

    for (size_t i = 1; i < n; i++) {
        if (at[i].to - at[i].from < at[least].to - at[least].from)
            least = i;
    }
    return least;
}

void
spans_add(struct spans *sp, const struct store_span *span, uint64_t size_bytes)
{
    struct store_span all[LEASE_SPANS_MAX + 1], new = *span;
    size_t n = 0, i = 0;

    if (new.to > size_bytes)
        new.to = size_bytes;
    if (new.from >= new.to)
        return;
    for (; i < sp->n && sp->at[i].to < new.from; i++)
        all[n++] = sp->at[i];
    for (; i < sp->n && sp->at[i].from <= new.to; i++) { /* overlaps or touches */
        new.from = sp->at[i].from < new.from ? sp->at[i].from : new.from;
        new.to = sp->at[i].to > new.to ? sp->at[i].to : new.to;
    }
    all[n++] = new;
    for (; i < sp->n; i++)
        all[n++] = sp->at[i];
    if (n > LEASE_SPANS_MAX) {
        i = smallest(all, n);
        n--;
        memmove(&all[i], &all[i + 1], (n - i) * sizeof(all[0]));
    }
    memcpy(sp->at, all, n * sizeof(all[0]));
    sp->n = n;
}

bool
spans_has(const struct spans *sp, uint64_t off)
{
    for (size_t i = 0; i < sp->n; i++) {
        if (off >= sp->at[i].from && off < sp->at[i].to)
            return true;
    }
    return false;
}

bool
spans_cover(const struct spans *sp, uint64_t size_bytes)
{
    if (size_bytes == 0)
        return true;
    return sp->n == 1 && sp->at[0].from == 0 && sp->at[0].to >= size_bytes;
}

static void
put_u64(uint8_t *bytes, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t
get_u64(const uint8_t *bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | bytes[i];
    return v;
}

void
spans_encode(const struct spans *sp, uint8_t ret_bytes[SPANS_ENCODED_MAX], size_t *ret_len)
{
    for (size_t i = 0; i < sp->n; i++) {
        put_u64(ret_bytes + i * SPAN_LEN, sp->at[i].from);
        put_u64(ret_bytes + i * SPAN_LEN + 8, sp->at[i].to);
    }
    *ret_len = sp->n * SPAN_LEN;
}

enum err
spans_decode(const uint8_t *bytes, size_t len, struct spans *ret_spans)
{
    struct spans sp = {.n = len / SPAN_LEN};

    if (len % SPAN_LEN != 0 || len > SPANS_ENCODED_MAX)
        return err_set(ERR_INTEGRITY, "the spans of a lease have a wrong length");
    for (size_t i = 0; i < sp.n; i++) {
        struct store_span *at = &sp.at[i];

        at->from = get_u64(bytes + i * SPAN_LEN);
        at->to = get_u64(bytes + i * SPAN_LEN + 8);
        if (at->from >= at->to || (i > 0 && at->from <= sp.at[i - 1].to))
            return err_set(ERR_INTEGRITY, "the spans of a lease are not in order");
    }
    *ret_spans = sp;
    return ERR_OK;
}
