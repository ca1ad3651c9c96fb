/* SPDX-License-Identifier: Apache-2.0 */
/* range: Range and If-Range (RFC 9110 section 14) for single byte ranges. Pure functions. */
#ifndef MAYFLY_HTTP_RANGE_H
#define MAYFLY_HTTP_RANGE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum range_kind {
    RANGE_NONE,   /* no header, another unit, or several ranges: answer with the whole */
    RANGE_FROM,   /* first and perhaps last are given */
    RANGE_SUFFIX, /* the last `last` bytes */
};

struct range_spec {
    enum range_kind kind;
    uint64_t first, last; /* last is included; UINT64_MAX when open */
};

/* Read a Range header (NULL: none). ERR_RANGE: a bytes range that is malformed (last before first,
 * no number). Several ranges are RANGE_NONE, as a server may ignore them. */
MUST_CHECK enum err range_parse(const char *header, struct range_spec *ret_spec);

/* Fit it to a file of `size_bytes`: the part from `ret_from`, `ret_len` bytes. ERR_RANGE: outside.
 */
MUST_CHECK enum err range_fit(const struct range_spec *spec, uint64_t size_bytes,
                              uint64_t *ret_from, uint64_t *ret_len);

/* Whether an If-Range header (NULL: none) lets a Range count, given the strong `etag` with its
 * quotes. A date or a weak tag never does. */
bool range_if(const char *if_range, const char *etag);

#endif
