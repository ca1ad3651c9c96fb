/* SPDX-License-Identifier: Apache-2.0 */
#include "store_contract.h"

#include "redis_server.h"

#include <stdio.h>
#include <stdlib.h>

static enum err
begin(void **ret_place)
{
    struct redis_server *server = calloc(1, sizeof(*server));
    enum err e;

    if (server == NULL)
        return err_set(ERR_NOMEM, "out of memory");
    e = redis_server_start(NULL, server);
    if (e != ERR_OK) {
        free(server);
        return e;
    }
    *ret_place = server;
    return ERR_OK;
}

static enum err
clear(void *place)
{
    return redis_server_does(place, "FLUSHALL") ? ERR_OK
                                                : err_set(ERR_UNAVAIL, "Redis was not emptied");
}

static enum err
open_at(void *place, int64_t tombstone_s, struct store **ret_store)
{
    const struct redis_server *server = place;
    char url[128];
    struct store_redis_opts opts = {.url = url, .tombstone_s = tombstone_s};

    (void)snprintf(url, sizeof(url), "unix://%s", server->unix_path);
    return store_redis_open(&opts, ret_store);
}

static void
end(void *place)
{
    redis_server_done(place);
    free(place);
}

const struct backend redis_backend = {"redis", true, begin, clear, open_at, end};
