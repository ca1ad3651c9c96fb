/* SPDX-License-Identifier: Apache-2.0 */
/* gate: what no server should accept, refused before any route is looked for (RFC 9112 sections 2,
 * 3, 5, 6 and 11; RFC 9110 section 5). Pure functions of a parsed header, fuzzed.
 *
 * The HTTP library accepts bare LF, folded lines, several lengths, a length beside a transfer
 * coding, and blanks before a colon; two servers that read such a request differently can be made
 * to see two requests. Line ends can no longer be seen in the fields, but they can be seen in the
 * memory between them: the library parses in place and puts one NUL over each CR and LF. */
#ifndef MAYFLY_HTTP_GATE_H
#define MAYFLY_HTTP_GATE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GATE_FIELDS_MAX = 100 };

struct gate_field {
    const char *name, *value; /* NUL-terminated */
    size_t name_len, value_len;
};

struct gate_request {
    const char *method, *target, *version; /* target: raw, undecoded, with its query */
    const struct gate_field *fields;
    size_t n_fields;
};

struct gate_verdict {
    bool has_length; /* Content-Length was there, also with 0, or chunked */
    bool has_body;   /* a length above 0, or chunked */
    bool is_chunked;
    uint64_t body_len; /* UINT64_MAX when chunked */
};

/* Judge the request line and the fields. ERR_SYNTAX: refuse with 400 and close; ERR_UNSUPPORTED: a
 * transfer coding other than exactly one chunked (501); ERR_TOOBIG: more than GATE_FIELDS_MAX
 * fields. Checks: method and names are tokens, values hold no control character but tab, the
 * target is an origin form without controls, raw non-ASCII, '#' or %00, the version is HTTP/1.0 or
 * 1.1, Host is there (once; needed for 1.1) and an authority, Content-Length is one decimal number
 * up to INT64_MAX, once, and not beside Transfer-Encoding, which HTTP/1.0 may not use. Blanks at
 * the end of a value are allowed but in the two that frame the body, where the library would
 * read them otherwise than RFC 9112 does. */
MUST_CHECK enum err gate_check(const struct gate_request *r, struct gate_verdict *ret_verdict);

/* Judge how the header lay in memory: `head` is the `head_len` bytes from the method to the end of
 * the empty line, as the library left them. Each field must begin where the line before it ended
 * with exactly CR LF, and the empty line must end the header. ERR_SYNTAX otherwise: a bare LF, a
 * folded line, a NUL, a hidden line, or more than one blank in the request line. `r->version` and
 * the fields must point into `head`; `r->target` is a copy from before the query was taken apart,
 * and escapes in `head` must have been left alone.
 *
 * Three things leave no trace there and pass: a bare LF whose missing byte is made up for by a NUL
 * next to it (at the header's end: near it); a line of a colon alone in place of the empty one,
 * when one of the two last lines ends with a bare LF; and empty lines, or lines that begin with
 * NUL, before the request line. A proxy that writes its own line ends forwards none of them. */
MUST_CHECK enum err gate_check_layout(const struct gate_request *r, const char *head,
                                      size_t head_len);

#endif
