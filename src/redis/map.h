/* SPDX-License-Identifier: Apache-2.0 */
/* redis/map: what the servers of a Redis Cluster say about where a slot is: the whole map (CLUSTER
 * SLOTS) and single corrections (MOVED and ASK). Reads outside bytes strictly; no I/O, no state,
 * thread-safe.
 *
 * A server may leave its host empty: it is then the one that was asked. "?" is a server that does
 * not know its name. (Redis Cluster specification; "CLUSTER SLOTS" in the manual of commands.) */
#ifndef MAYFLY_REDIS_MAP_H
#define MAYFLY_REDIS_MAP_H

#include "base/err.h"
#include "redis/url.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RD_SLOTS = 16384, RD_MASTERS_MAX = 256, RD_NOBODY = 0xffff };

struct rd_map { /* a plain value of some 100 KiB */
    size_t n_hosts;
    struct rd_host hosts[RD_MASTERS_MAX]; /* masters, each once */
    uint16_t of_slot[RD_SLOTS];           /* an index of `hosts`, or RD_NOBODY */
};

/* A name or a numeric address out of a reply of the host `asked` (""; nothing is then empty).
 * ERR_INTEGRITY: it can be no host, or is too long; ERR_UNAVAIL: "?". */
MUST_CHECK enum err rd_host_read(const char *name, size_t len, const char *asked,
                                 char ret_name[RD_HOST_LEN]);

/* The reply to CLUSTER SLOTS of the host `asked`. A slot that no master has, or one that does not
 * know its name, is RD_NOBODY's. ERR_INTEGRITY: no such reply, or a slot that is given twice;
 * ERR_TOOBIG: more than RD_MASTERS_MAX masters. On an error what is in `ret_map` counts for
 * nothing. */
MUST_CHECK enum err rd_map_read(const redisReply *reply, const char *asked, struct rd_map *ret_map);

struct rd_redirect {
    bool is_ask; /* for this command only; else the slot has moved for good */
    uint16_t slot;
    struct rd_host to;
};

/* An error reply (without "-") of the host `asked`. ERR_NOTFOUND: it says something else;
 * ERR_INTEGRITY: it begins like one of the two, but is neither; ERR_UNAVAIL: it leads to a server
 * that does not know its name. */
MUST_CHECK enum err rd_redirect_read(const char *text, size_t len, const char *asked,
                                     struct rd_redirect *ret_redirect);

#endif
