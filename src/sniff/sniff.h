/* SPDX-License-Identifier: Apache-2.0 */
/* sniff: the MIME type of a file's first bytes, found by libmagic in a process of its own, which
 * may only read, write and exit: libmagic parses hostile bytes and shares no memory with us.
 * Thread-safe; one question at a time. */
#ifndef MAYFLY_SNIFF_SNIFF_H
#define MAYFLY_SNIFF_SNIFF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { SNIFF_BYTES_MAX = 8192, MIME_TEXT_LEN = 128 };

#define SNIFF_UNKNOWN "application/octet-stream"

struct sniff;

/* Start the helper program `path`. Call before threads and secrets. ERR_NOTFOUND: no such
 * program; ERR_UNAVAIL: it does not start. */
MUST_CHECK enum err sniff_new(const char *path, unsigned timeout_ms, struct sniff **ret_sniff);

/* The type of a file that begins with `bytes` (at most SNIFF_BYTES_MAX of them count), a lower-case
 * type/subtype without parameters. Never fails: when the helper does not answer in time, or dies,
 * the type is SNIFF_UNKNOWN, a line is logged, and the helper is started again. */
void sniff_type(struct sniff *s, const uint8_t *bytes, size_t len, char ret_type[MIME_TEXT_LEN]);

/* End the helper. NULL is a no-op. */
void sniff_free(struct sniff *s);

#endif
