/* SPDX-License-Identifier: Apache-2.0 */
/* buf: bytes that grow up to a ceiling given at init. Always NUL-terminated behind `len`, so
 * that text can be handed on as a C string. Not thread-safe. Lengths are bytes. */
#ifndef MAYFLY_BASE_BUF_H
#define MAYFLY_BASE_BUF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data; /* NULL while empty */
    size_t len;
    size_t cap;
    size_t max; /* ceiling of len */
};

void buf_init(struct buf *b, size_t max);

/* Wipe and free the bytes; the buffer is then empty, with the same ceiling. */
void buf_done(struct buf *b);

/* Append. ERR_TOOBIG: it would pass the ceiling; ERR_NOMEM. On error nothing was appended. */
MUST_CHECK enum err buf_add(struct buf *b, const void *bytes, size_t len);
MUST_CHECK enum err buf_add_text(struct buf *b, const char *text);
MUST_CHECK enum err buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The bytes as text; "" while empty. Valid until the buffer changes. */
const char *buf_text(const struct buf *b);

#endif
