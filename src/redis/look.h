/* SPDX-License-Identifier: Apache-2.0 */
/* redis/look: what a server says that it is, and whether it serves strangers. Thread-safe. */
#ifndef MAYFLY_REDIS_LOOK_H
#define MAYFLY_REDIS_LOOK_H

#include "redis/conn.h"

enum { RD_MAJOR_MIN = 6 };

struct rd_info {
    unsigned major; /* of its version, as Redis counts; 0: it says none */
    bool is_master, is_loading, is_cluster;
};

/* Read the reply to INFO. Lines that we do not know are skipped; what is not there is 0. Pure. */
void rd_info_read(const char *text, size_t len, struct rd_info *ret_info);

/* Ask (PING, INFO). ERR_UNAVAIL: it is loading, a replica, no Redis, or older than RD_MAJOR_MIN;
 * ERR_DENIED: our user may not PING or INFO, or must log in; else as rd_conn_reply. After an error
 * only rd_conn_free. */
MUST_CHECK enum err rd_look(struct rd_conn *c, int64_t deadline_ms, struct rd_info *ret_info);

/* Whether it refuses who does not log in: asked on a connection of its own. ERR_OK: it does;
 * ERR_DENIED: it serves anybody; ERR_UNAVAIL: it does not tell; else as rd_conn_open. */
MUST_CHECK enum err rd_look_closed(const struct rd_login *login, const struct dial_addr *addr,
                                   const char *host, int64_t deadline_ms);

#endif
