/* SPDX-License-Identifier: Apache-2.0 */
#include "client/spill.h"

#include <string.h>

void
spill_init(struct spill *s, size_t wait_max)
{
    memset(s, 0, sizeof(*s));
    buf_init(&s->wait, wait_max);
}

void
spill_done(struct spill *s)
{
    buf_done(&s->wait);
}

/* As much of it as there is room for; says how much that was. */
static size_t
give(struct spill *s, const uint8_t *bytes, size_t len)
{
    size_t left = s->room_len - s->given, n = len < left ? len : left;

    if (n > 0)
        memcpy(s->room + s->given, bytes, n);
    s->given += n;
    return n;
}

void
spill_begin(struct spill *s, uint8_t *ret_bytes, size_t cap)
{
    s->room = ret_bytes;
    s->room_len = cap;
    s->given = 0;
    if (s->wait.len == 0)
        return;
    s->wait_at += give(s, s->wait.data + s->wait_at, s->wait.len - s->wait_at);
    if (s->wait_at == s->wait.len)
        s->wait_at = s->wait.len = 0;
}

enum err
spill_put(struct spill *s, const void *bytes, size_t len)
{
    size_t n = 0;

    if (s->wait.len == 0) /* else it would overtake what waits */
        n = give(s, bytes, len);
    return n < len ? buf_add(&s->wait, (const uint8_t *)bytes + n, len - n) : ERR_OK;
}

size_t
spill_end(struct spill *s)
{
    size_t given = s->given;

    s->room = NULL;
    s->room_len = s->given = 0;
    return given;
}
