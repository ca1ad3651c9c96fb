/* SPDX-License-Identifier: Apache-2.0 */
/* The shared store on a Redis Cluster: the keys of an upload and those of the index are on
 * different servers, as a rule. */
#include "store_contract.h"

#include "redis_cluster.h"

#include <stdio.h>
#include <stdlib.h>

static enum err
begin(void **ret_place)
{
    struct redis_cluster *cluster = calloc(1, sizeof(*cluster));
    enum err e;

    if (cluster == NULL)
        return err_set(ERR_NOMEM, "out of memory");
    e = redis_cluster_start(NULL, cluster);
    if (e != ERR_OK) {
        free(cluster);
        return e;
    }
    *ret_place = cluster;
    return ERR_OK;
}

static enum err
clear(void *place)
{
    struct redis_cluster *cluster = place;

    for (size_t i = 0; i < CLUSTER_NODES; i++)
        if (!redis_server_does(&cluster->nodes[i], "FLUSHALL"))
            return err_set(ERR_UNAVAIL, "a server of the Redis Cluster was not emptied");
    return ERR_OK;
}

static enum err
open_at(void *place, int64_t tombstone_s, struct store **ret_store)
{
    const struct redis_cluster *cluster = place;
    char url[128];
    struct store_redis_opts opts = {.url = url, .tombstone_s = tombstone_s};

    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u,127.0.0.1:%u", cluster->nodes[0].port,
                   cluster->nodes[1].port);
    return store_redis_open(&opts, ret_store);
}

static void
end(void *place)
{
    redis_cluster_done(place);
    free(place);
}

const struct backend cluster_backend = {"cluster", true, begin, clear, open_at, end};
