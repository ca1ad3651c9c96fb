/* SPDX-License-Identifier: Apache-2.0 */
/* redis_cluster: a real Redis Cluster of a test's own: three masters, which share the slots evenly,
 * and no replica unless one is added. A master that is killed takes its slots with it and leaves
 * the others at work. As redis_server otherwise. */
#ifndef MAYFLY_TESTS_REDIS_CLUSTER_H
#define MAYFLY_TESTS_REDIS_CLUSTER_H

#include "redis_server.h"

#include <stddef.h>

enum { CLUSTER_NODES = 3, CLUSTER_ID_LEN = 41, CLUSTER_TIMEOUT_MS = 2000 };

struct redis_cluster {
    struct redis_server nodes[CLUSTER_NODES];
    char ids[CLUSTER_NODES][CLUSTER_ID_LEN];
    struct redis_server replica;
};

/* Start them, and wait until all agree that all is well. `config` as redis_server's, for each.
 * ERR_NOTFOUND: there is no redis-server on this machine; ERR_UNAVAIL. End with
 * redis_cluster_done, which is a no-op on one that is all zero. */
MUST_CHECK enum err redis_cluster_start(const char *config, struct redis_cluster *ret_cluster);
void redis_cluster_done(struct redis_cluster *c);

/* Wait until every server that runs says that all slots are served and all is well; some seconds
 * after one that was killed was started again. ERR_TIMEOUT. */
MUST_CHECK enum err redis_cluster_settle(const struct redis_cluster *c);

/* Add a replica, once, to a Cluster that is settled, and wait until it has its master's data: when
 * that master is killed it takes its place some seconds later. ERR_NOTFOUND, ERR_UNAVAIL;
 * ERR_TIMEOUT. */
MUST_CHECK enum err redis_cluster_add_replica(struct redis_cluster *c, size_t of);

/* Which of `nodes` has this slot from the start. */
size_t redis_cluster_home(unsigned slot);

/* Begin to move a slot: the new server takes its keys by ASK, the old one still answers for those
 * that it has, with ASK for those that it lacks. Then move what is there, and then end: all servers
 * name the new one. False: a server refused. */
bool redis_cluster_move_begin(const struct redis_cluster *c, unsigned slot, size_t from, size_t to);
bool redis_cluster_move_keys(const struct redis_cluster *c, unsigned slot, size_t from, size_t to);
bool redis_cluster_move_end(const struct redis_cluster *c, unsigned slot, size_t to);

#endif
