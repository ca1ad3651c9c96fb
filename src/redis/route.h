/* SPDX-License-Identifier: Apache-2.0 */
/* redis/route: commands to the masters of a Redis Cluster that have the slots of their keys, and
 * after them where a server sends them on. Thread-safe. */
#ifndef MAYFLY_REDIS_ROUTE_H
#define MAYFLY_REDIS_ROUTE_H

#include "redis/cluster.h"

/* As rd_node_exchange, of which there is one for each server. A command that a server sends
 * elsewhere (MOVED, ASK: it was not done there) is sent there, a few times at most; one that cannot
 * be done while its slot is on the move (TRYAGAIN) is sent again a few times after a short wait.
 * What is still sent elsewhere then has that error reply. ERR_UNAVAIL: also when no server has the
 * slot. */
MUST_CHECK enum err rd_route_exchange(struct rd_cluster *c, const struct rd_command *cs,
                                      size_t count, int64_t deadline_ms, enum err *ret_errs,
                                      redisReply **ret_replies);

#endif
