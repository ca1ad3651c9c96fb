/* SPDX-License-Identifier: Apache-2.0 */
/* multipart: a streaming reader of multipart/form-data (RFC 7578, RFC 2046). Strict, bounded
 * memory (one block of about 10 KiB, wiped when freed), a pure function of the bytes pushed into
 * it. One thread at a time.
 *
 * Lines end with CR LF only. Refused are: folded header lines, control characters in them, a part
 * without Content-Disposition or name, the same field or parameter twice, a Content-Transfer-
 * Encoding other than 7bit, 8bit or binary, a multipart within a part, and a line that begins with
 * the boundary but goes on otherwise. A form without any part is valid. */
#ifndef MAYFLY_HTTP_MULTIPART_H
#define MAYFLY_HTTP_MULTIPART_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MULTIPART_BOUNDARY_MAX = 70,
    MULTIPART_HEADERS_MAX = 8192, /* of one part, in bytes */
    MULTIPART_SKIP_MAX = 8192,    /* of the preamble, one boundary's padding, the epilogue each */
    MULTIPART_PARTS_MAX = 64,
    MULTIPART_NAME_MAX = 64,
    MULTIPART_FILENAME_MAX = 1024,
};

/* One part's Content-Disposition, valid during part_begin. `filename` is as sent (a quoted-string
 * with \" \\ %22 %0D %0A undone, or the RFC 5987 filename*, which wins, decoded and valid UTF-8):
 * raw bytes without NUL, perhaps with line ends, directories or nothing; NULL when there was none.
 * `name` is treated alike and not empty. */
struct multipart_part {
    const char *name;
    const char *filename;
};

/* For each part: begin, data (never empty; slices of what was pushed, or a few bytes that were
 * kept back as they might have begun a boundary) any number of times, end. An error ends all.
 * A part whose end was not told is not whole. */
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
