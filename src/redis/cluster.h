/* SPDX-License-Identifier: Apache-2.0 */
/* redis/cluster: the masters of a Redis Cluster and the slots that they have, kept up to date by a
 * thread of its own. Sends no commands but to ask for the map; those of calls are redis_route's.
 * Thread-safe. */
#ifndef MAYFLY_REDIS_CLUSTER_H
#define MAYFLY_REDIS_CLUSTER_H

#include "redis/find.h"
#include "redis/map.h"
#include "redis/mender.h"

struct rd_cluster;
struct rd_member; /* a server, as long as a call has it in hand */

struct rd_cluster_opts {
    struct rd_finder finder;
    const struct rd_host *seeds; /* whom to ask when no master is known that answers; outlive it */
    size_t n_seeds;
    struct rd_mender *mender; /* outlives it */
};

/* Learn who has what, and begin to keep that up to date. ERR_UNAVAIL: no seed answers, or no server
 * has a slot; ERR_DENIED, ERR_NOMEM. */
MUST_CHECK enum err rd_cluster_new(const struct rd_cluster_opts *opts,
                                   struct rd_cluster **ret_cluster);
void rd_cluster_free(struct rd_cluster *c); /* when no call is in it; NULL is a no-op */

/* Whether a master serves strangers over a network (rd_look_closed); those that cannot be reached
 * are left out. ERR_DENIED: one does. */
MUST_CHECK enum err rd_cluster_look_closed(struct rd_cluster *c);

/* The master of a slot; of any, one that is not away if there is such a one. NULL: there is none,
 * and the map is asked for. */
struct rd_member *rd_cluster_of_slot(struct rd_cluster *c, unsigned slot);
struct rd_member *rd_cluster_any(struct rd_cluster *c);

/* The server of a redirect, also one that was not known. ERR_UNAVAIL: it is not known and has a
 * name, which a call never looks up; the map is asked for instead. ERR_NOMEM. */
MUST_CHECK enum err rd_cluster_of_host(struct rd_cluster *c, const struct rd_host *host,
                                       struct rd_member **ret_member);

/* Each of the above gives a member that is to be given back. NULL is a no-op. */
void rd_member_release(struct rd_member *m);

struct rd_node *rd_member_node(struct rd_member *m);
const char *rd_member_name(const struct rd_member *m); /* of its host */

/* Believe what a server has said: the slot is another's now. The rest of the map is asked for. */
void rd_cluster_moved(struct rd_cluster *c, unsigned slot, struct rd_member *to);

/* Ask for the map soon. Never waits. */
void rd_cluster_refresh(struct rd_cluster *c);

#endif
