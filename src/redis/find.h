/* SPDX-License-Identifier: Apache-2.0 */
/* redis/find: from the name of a server to a connection that is logged in and looked at. Looks
 * names up, which may take long: for opening a link and for its own threads, never for a call.
 * Thread-safe. */
#ifndef MAYFLY_REDIS_FIND_H
#define MAYFLY_REDIS_FIND_H

#include "redis/look.h"
#include "redis/node.h"

#include <stdatomic.h>

struct rd_finder { /* what all searches of a link share; outlives them */
    const struct rd_login *login;
    const _Atomic bool *is_closing; /* ends a search between two attempts */
};

/* Connect to this address and look. Errors as rd_conn_open's and rd_look's. */
MUST_CHECK enum err rd_find_place(const struct rd_finder *f, const struct rd_place *place,
                                  struct rd_conn **ret_conn, struct rd_info *ret_info);

/* To the first address of the host that serves. ERR_UNAVAIL: also when the link closes; else the
 * last address's error. */
MUST_CHECK enum err rd_find_host(const struct rd_finder *f, const struct rd_host *host,
                                 struct rd_place *ret_place, struct rd_conn **ret_conn,
                                 struct rd_info *ret_info);

#endif
