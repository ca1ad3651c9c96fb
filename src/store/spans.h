/* SPDX-License-Identifier: Apache-2.0 */
/* spans: which bytes of an upload a lease's client has had. Separate spans in ascending order,
 * neither empty nor touching; offsets are bytes of the plaintext. Plain values, thread-safe.
 * Knows no database: it is kept as a short string of bytes, 16 a span. */
#ifndef MAYFLY_STORE_SPANS_H
#define MAYFLY_STORE_SPANS_H

#include "base/err.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPANS_ENCODED_MAX = LEASE_SPANS_MAX * 16 };

struct spans {
    size_t n;
    struct store_span at[LEASE_SPANS_MAX];
};

/* Add the part of `span` below `size_bytes`; an empty or reversed one adds nothing. When that
 * makes more than LEASE_SPANS_MAX spans the smallest is forgotten (of equal ones the first). */
void spans_add(struct spans *sp, const struct store_span *span, uint64_t size_bytes);

/* Whether byte `off` was had. */
bool spans_has(const struct spans *sp, uint64_t off);

/* Whether all of an upload's bytes were had; nothing is all of an empty one. */
bool spans_cover(const struct spans *sp, uint64_t size_bytes);

/* As bytes, and back. ERR_INTEGRITY: not what spans_encode makes. */
void spans_encode(const struct spans *sp, uint8_t ret_bytes[SPANS_ENCODED_MAX], size_t *ret_len);
MUST_CHECK enum err spans_decode(const uint8_t *bytes, size_t len, struct spans *ret_spans);

#endif
