/* SPDX-License-Identifier: Apache-2.0 */
/* sniff: the MIME type of a file's first bytes, found by libmagic in a process of its own, which
 * may only read, write and exit: libmagic parses hostile bytes and shares no memory with us. Each
 * file has a process of its own, so that none sees another's bytes or answers for it.
 * Thread-safe; one question at a time. */
#ifndef MAYFLY_SNIFF_SNIFF_H
#define MAYFLY_SNIFF_SNIFF_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { SNIFF_BYTES_MAX = 8192, MIME_TEXT_LEN = 128 };

#define SNIFF_UNKNOWN "application/octet-stream"

struct sniff;

/* Start the helper program `path`, and wait until it has loaded its database (10 s at most). Call
 * before threads and secrets. `timeout_ms` is for one sniff_type, waiting for other threads'
 * questions included. ERR_NOTFOUND: no such program; ERR_UNAVAIL: it does not start; ERR_NOMEM. */
MUST_CHECK enum err sniff_new(const char *path, unsigned timeout_ms, struct sniff **ret_sniff);

/* The type of a file that begins with `bytes` (at most SNIFF_BYTES_MAX of them count), a lower-case
 * type/subtype without parameters. Never fails: when the helper does not answer in time, or dies,
 * the type is SNIFF_UNKNOWN, a line is logged, and the helper is started again, at most once a
 * second. That is a posix_spawn: a process that has forbidden itself to start programs gets
 * SNIFF_UNKNOWN from then on. A helper's trouble with one file is not that; it needs no start. */
void sniff_type(struct sniff *s, const uint8_t *bytes, size_t len, char ret_type[MIME_TEXT_LEN]);

/* End the helper. NULL is a no-op. */
void sniff_free(struct sniff *s);

#endif
