/* SPDX-License-Identifier: Apache-2.0 */
/* redis/parser: bytes from a server, in pieces of any size, to replies. hiredis parses; here are
 * the limits that keep a hostile server from making us allocate without bound. One thread at a
 * time; no I/O. */
#ifndef MAYFLY_REDIS_PARSER_H
#define MAYFLY_REDIS_PARSER_H

#include "base/err.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    RD_REPLY_MAX = 1 << 20,    /* bytes of one reply */
    RD_ARRAY_MAX = 4096,       /* elements of one array */
    RD_ELEMENTS_MAX = 1 << 16, /* of all arrays of one reply */
};

struct rd_parser;

MUST_CHECK enum err rd_parser_new(struct rd_parser **ret_parser);
void rd_parser_free(struct rd_parser *p); /* NULL is a no-op */

/* Take some bytes in. Between two of these, replies are taken out until there is none. ERR_NOMEM;
 * ERR_INTEGRITY: an earlier error. After an error, here or in rd_parser_next, only rd_parser_free.
 */
MUST_CHECK enum err rd_parser_feed(struct rd_parser *p, const void *bytes, size_t len);

/* The next reply, the caller's to free with freeReplyObject; NULL: it is not whole yet.
 * ERR_INTEGRITY: no reply begins like this, or it passes a limit; ERR_NOMEM. */
MUST_CHECK enum err rd_parser_next(struct rd_parser *p, redisReply **ret_reply);

/* Whether all that was taken in was taken out: the next byte begins a reply. */
bool rd_parser_is_empty(const struct rd_parser *p);

#endif
