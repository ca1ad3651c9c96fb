/* SPDX-License-Identifier: Apache-2.0 */
/* redis/sentinel: where the master of a service is now, as Sentinels tell it. They are asked in the
 * clear or over TLS as the servers are, and never get a user or password. Thread-safe. ("Redis
 * Sentinel client spec".) */
#ifndef MAYFLY_REDIS_SENTINEL_H
#define MAYFLY_REDIS_SENTINEL_H

#include "redis/find.h"

struct rd_sentinels { /* what is needed to look; outlives every look */
    const struct rd_url *url;
    struct rd_finder finder; /* of the servers */
};

/* A reply to SENTINEL get-master-addr-by-name. ERR_UNAVAIL: it does not know the service or its
 * address, or refuses to tell; ERR_INTEGRITY: no such reply. Pure. */
MUST_CHECK enum err rd_sentinel_read(const redisReply *reply, struct rd_host *ret_master);

/* Ask one Sentinel after the other until one names a server to which we can connect and that says
 * itself that it is a master (after a fail-over they may lag behind). ERR_UNAVAIL: none leads to a
 * master that serves, or the link closes; ERR_DENIED: a certificate, our user or password; else as
 * rd_find_host. The last Sentinel's error counts. */
MUST_CHECK enum err rd_sentinel_find(const struct rd_sentinels *s, struct rd_place *ret_place,
                                     struct rd_conn **ret_conn, struct rd_info *ret_info);

#endif
