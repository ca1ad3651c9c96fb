/* SPDX-License-Identifier: Apache-2.0 */
/* sniff_int: the daemon's side of the helper program. */
#ifndef MAYFLY_SNIFF_SNIFF_INT_H
#define MAYFLY_SNIFF_SNIFF_INT_H

#include "sniff/sniff.h"
#include "sniff/sniff_wire.h"

#include <stdint.h>
#include <sys/types.h>

/* A running helper, or none: pid -1, fd -1. */
struct sniff_helper {
    pid_t pid;
    int fd; /* our end of the socket; does not block */
};

/* Start the program `path` with an empty environment and no descriptor of ours but the socket.
 * ERR_NOTFOUND: no such program; ERR_UNAVAIL: it cannot be started. */
MUST_CHECK enum err sniff_helper_start(const char *path, struct sniff_helper *ret_helper);

/* Kill it and wait for its end; `*h` is none afterwards. No helper is no error. */
void sniff_helper_end(struct sniff_helper *h);

/* Wait until the helper can be read from (POLLIN) or written to (POLLOUT), or has ended.
 * ERR_TIMEOUT: not before `deadline_ms` of the monotonic clock; ERR_IO. */
MUST_CHECK enum err sniff_helper_wait(const struct sniff_helper *h, short events,
                                      int64_t deadline_ms);

/* sniff_answer.c: libmagic's text as a type: type/subtype, each a restricted name of RFC 6838
 * (letters, digits and !#$&-^_.+, the first a letter or digit), no parameters, 127 characters in
 * all; given back in lower case. ERR_SYNTAX otherwise. */
MUST_CHECK enum err sniff_answer_read(const uint8_t *text, size_t len,
                                      char ret_type[MIME_TEXT_LEN]);

#endif
