/* SPDX-License-Identifier: Apache-2.0 */
/* multipart: a streaming reader of multipart/form-data (RFC 7578, RFC 2046). Strict, bounded
 * memory, a pure function of the bytes pushed into it. One thread at a time. */
#ifndef MAYFLY_HTTP_MULTIPART_H
#define MAYFLY_HTTP_MULTIPART_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MULTIPART_BOUNDARY_MAX = 70,
    MULTIPART_HEADERS_MAX = 8192, /* of one part, in bytes */
    MULTIPART_PARTS_MAX = 64,
    MULTIPART_NAME_MAX = 64,
    MULTIPART_FILENAME_MAX = 1024,
};

/* One part's Content-Disposition. `filename` is as sent (quoted-string unescaped, or the RFC 5987
 * filename* decoded from UTF-8), raw bytes without NUL; NULL when there was none. */
struct multipart_part {
    const char *name;
    const char *filename;
};

struct multipart_events {
    void *ctx;
    enum err (*part_begin)(void *ctx, const struct multipart_part *part);
    enum err (*part_data)(void *ctx, const uint8_t *bytes, size_t len);
    enum err (*part_end)(void *ctx);
};

struct multipart;

/* `content_type` is the request's header. ERR_SYNTAX: not multipart/form-data, or no boundary of 1
 * to 70 allowed characters; ERR_NOMEM. `events` is copied. */
MUST_CHECK enum err multipart_new(const char *content_type, const struct multipart_events *events,
                                  struct multipart **ret_multipart);

/* Push the next bytes, cut anywhere. ERR_SYNTAX, or the error of an event: then only free. */
MUST_CHECK enum err multipart_push(struct multipart *m, const uint8_t *bytes, size_t len);

/* The body has ended. ERR_SYNTAX when the closing boundary was not seen. */
MUST_CHECK enum err multipart_finish(struct multipart *m);

void multipart_free(struct multipart *m); /* NULL is a no-op */

#endif
