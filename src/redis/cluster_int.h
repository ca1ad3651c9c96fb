/* SPDX-License-Identifier: Apache-2.0 */
/* redis/cluster_int: the inside of redis_cluster, shared by its two files: redis/cluster.c has the
 * members and the thread, redis/learn.c asks for the map and puts it into force. */
#ifndef MAYFLY_REDIS_CLUSTER_INT_H
#define MAYFLY_REDIS_CLUSTER_INT_H

#include "redis/cluster.h"

#include <pthread.h>
#include <stdatomic.h>

/* Those of a new map and those of the old one may be there at the same time. */
enum { MEMBERS_MAX = 2 * RD_MASTERS_MAX };

struct rd_member {
    struct rd_cluster *cluster;
    struct rd_host host;
    struct rd_node *node;
    atomic_uint n_refs;     /* taken with the cluster's lock, given back without */
    struct rd_member *next; /* of those that left */
};

struct rd_cluster {
    struct rd_cluster_opts opts;

    pthread_rwlock_t lock; /* of the members and their slots; never held while something waits */
    size_t n_members;
    struct rd_member *members[MEMBERS_MAX];
    struct rd_member *of_slot[RD_SLOTS]; /* NULL: nobody's */

    pthread_t thread;
    pthread_mutex_t wake_lock; /* of the wish, and of the end */
    pthread_cond_t wake;
    bool has_thread, is_wanted;
    _Atomic bool is_ending;

    /* the thread's own */
    struct rd_map map;
    struct rd_member *left; /* the map names them no more; freed when no call has them in hand */
    size_t turn;            /* so that it is not always the same who is asked */
};

/* The member at this host, also a new one; to be given back. Without `may_look_up` it never waits,
 * and ERR_UNAVAIL is a new one that has a name; else errors as dial_resolve's; ERR_UNAVAIL: too
 * many members; ERR_NOMEM. */
MUST_CHECK enum err rd_cluster_ensure(struct rd_cluster *c, const struct rd_host *host,
                                      bool may_look_up, struct rd_member **ret_member);

void rd_member_free(struct rd_member *m); /* when no call has it in hand */

/* Ask the members, then the seeds, until one tells the map, and put it into force. The thread's
 * (or before there is one). ERR_UNAVAIL: nobody does; ERR_DENIED, ERR_NOMEM, and what looking up a
 * host of it says, whose slots are then nobody's. */
MUST_CHECK enum err rd_cluster_learn(struct rd_cluster *c);

/* Free those that left and that no call has in hand. The thread's, too. */
void rd_cluster_free_left(struct rd_cluster *c);

#endif
