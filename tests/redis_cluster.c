/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_cluster.h"

#include "base/clock.h"

#include <string.h>
#include <unistd.h>

enum { SLOTS = 16384, SETTLE_MS = 40000, POLL_US = 20000, STARTS = 4, KEYS_MAX = 1000 };

static unsigned
first_slot(size_t node)
{
    return (unsigned)(node * SLOTS / CLUSTER_NODES);
}

size_t
redis_cluster_home(unsigned slot)
{
    size_t node = CLUSTER_NODES - 1;

    while (slot < first_slot(node))
        node--;
    return node;
}

/* The bus listens 10000 above the port, so a port may be free and the server end nevertheless. */
static enum err
start_node(const char *config, struct redis_server *ret_node)
{
    struct redis_server_opts opts = {.has_tcp = true};
    enum err e = ERR_UNAVAIL;
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "cluster-enabled yes\ncluster-config-file nodes.conf\n"
                   "cluster-node-timeout %d\ncluster-require-full-coverage no\n"
                   "repl-diskless-sync-delay 0\n%s",
                   CLUSTER_TIMEOUT_MS, config == NULL ? "" : config);
    opts.config = text;
    for (int i = 0; i < STARTS && e == ERR_UNAVAIL; i++)
        e = redis_server_start(&opts, ret_node);
    return e;
}

/* Give it its slots, ask for its id, and let the first server know it. */
static enum err
join(struct redis_cluster *c, size_t node)
{
    redisContext *conn = redis_server_connect(&c->nodes[node]);
    redisReply *reply = NULL;
    enum err e = ERR_UNAVAIL;

    if (conn != NULL)
        reply = redisCommand(conn, "CLUSTER MYID");
    if (reply != NULL && reply->type == REDIS_REPLY_STRING && reply->len == CLUSTER_ID_LEN - 1) {
        memcpy(c->ids[node], reply->str, CLUSTER_ID_LEN);
        e = ERR_OK;
    }
    freeReplyObject(reply);
    if (conn != NULL)
        redisFree(conn);
    if (e == ERR_OK && !redis_server_does(&c->nodes[node], "CLUSTER ADDSLOTSRANGE %u %u",
                                          first_slot(node), first_slot(node + 1) - 1))
        e = ERR_UNAVAIL;
    if (e == ERR_OK && node > 0 &&
        !redis_server_does(&c->nodes[0], "CLUSTER MEET 127.0.0.1 %d", (int)c->nodes[node].port))
        e = ERR_UNAVAIL;
    return e == ERR_OK ? e : err_set(e, "a redis-server does not join the Cluster");
}

enum err
redis_cluster_start(const char *config, struct redis_cluster *ret_cluster)
{
    struct redis_cluster c = {0};
    enum err e = ERR_OK;

    for (size_t i = 0; i < CLUSTER_NODES && e == ERR_OK; i++)
        e = start_node(config, &c.nodes[i]);
    for (size_t i = 0; i < CLUSTER_NODES && e == ERR_OK; i++)
        e = join(&c, i);
    if (e == ERR_OK)
        e = redis_cluster_settle(&c);
    if (e == ERR_OK)
        *ret_cluster = c;
    else
        redis_cluster_done(&c);
    return e;
}

void
redis_cluster_done(struct redis_cluster *c)
{
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        redis_server_done(&c->nodes[i]);
    redis_server_done(&c->replica);
}

/* Whether the answer has all of these in it. */
static bool
says(const struct redis_server *node, const char *question, const char *const *parts, size_t n)
{
    redisContext *conn = redis_server_connect(node);
    redisReply *reply = conn == NULL ? NULL : redisCommand(conn, question);
    bool does = reply != NULL && reply->type == REDIS_REPLY_STRING;

    for (size_t i = 0; i < n && does; i++)
        does = strstr(reply->str, parts[i]) != NULL;
    freeReplyObject(reply);
    if (conn != NULL)
        redisFree(conn);
    return does;
}

static bool
is_settled(const struct redis_server *node, unsigned n_known)
{
    const char *parts[] = {"cluster_state:ok", "cluster_slots_ok:16384", NULL};
    char known[32];

    (void)snprintf(known, sizeof(known), "cluster_known_nodes:%u", n_known);
    parts[2] = known;
    return says(node, "CLUSTER INFO", parts, 3);
}

static bool
are_settled(const struct redis_cluster *c)
{
    bool has_replica = c->replica.pid != 0;
    unsigned n_known = CLUSTER_NODES + has_replica;

    for (size_t i = 0; i < CLUSTER_NODES; i++)
        if (c->nodes[i].pid != 0 && !is_settled(&c->nodes[i], n_known))
            return false;
    return !has_replica || is_settled(&c->replica, n_known);
}

enum err
redis_cluster_settle(const struct redis_cluster *c)
{
    int64_t until_ms = clock_mono_ms() + SETTLE_MS;

    while (!are_settled(c)) {
        if (clock_mono_ms() > until_ms)
            return err_set(ERR_TIMEOUT, "the Redis Cluster does not settle");
        (void)usleep(POLL_US);
    }
    return ERR_OK;
}

/* ---- a replica ---- */

enum err
redis_cluster_add_replica(struct redis_cluster *c, size_t of)
{
    static const char *const up[] = {"role:slave", "master_link_status:up"};
    int64_t until_ms = clock_mono_ms() + SETTLE_MS;
    enum err e = start_node(NULL, &c->replica);

    if (e != ERR_OK)
        return e;
    if (!redis_server_does(&c->nodes[0], "CLUSTER MEET 127.0.0.1 %d", (int)c->replica.port))
        return err_set(ERR_UNAVAIL, "a replica does not join the Cluster");
    e = redis_cluster_settle(c); /* they know each other then */
    if (e == ERR_OK && !redis_server_does(&c->replica, "CLUSTER REPLICATE %s", c->ids[of]))
        e = err_set(ERR_UNAVAIL, "a server does not become a replica");
    while (e == ERR_OK && !says(&c->replica, "INFO replication", up, 2)) {
        if (clock_mono_ms() > until_ms)
            e = err_set(ERR_TIMEOUT, "a replica does not get its master's data");
        (void)usleep(POLL_US);
    }
    return e;
}

/* ---- moving a slot ---- */

bool
redis_cluster_move_begin(const struct redis_cluster *c, unsigned slot, size_t from, size_t to)
{
    return redis_server_does(&c->nodes[to], "CLUSTER SETSLOT %u IMPORTING %s", slot,
                             c->ids[from]) &&
           redis_server_does(&c->nodes[from], "CLUSTER SETSLOT %u MIGRATING %s", slot, c->ids[to]);
}

bool
redis_cluster_move_keys(const struct redis_cluster *c, unsigned slot, size_t from, size_t to)
{
    redisContext *conn = redis_server_connect(&c->nodes[from]);
    redisReply *keys = NULL, *moved = NULL;
    bool did = conn != NULL;

    if (did)
        keys = redisCommand(conn, "CLUSTER GETKEYSINSLOT %u %d", slot, KEYS_MAX);
    did = keys != NULL && keys->type == REDIS_REPLY_ARRAY;
    for (size_t i = 0; did && i < keys->elements; i++) {
        moved = redisCommand(conn, "MIGRATE 127.0.0.1 %d %b 0 5000", (int)c->nodes[to].port,
                             keys->element[i]->str, keys->element[i]->len);
        did = moved != NULL && moved->type == REDIS_REPLY_STATUS;
        freeReplyObject(moved);
    }
    freeReplyObject(keys);
    if (conn != NULL)
        redisFree(conn);
    return did;
}

bool
redis_cluster_move_end(const struct redis_cluster *c, unsigned slot, size_t to)
{
    /* The new master first: were it last, a crash between would leave the slot to nobody. */
    bool did = redis_server_does(&c->nodes[to], "CLUSTER SETSLOT %u NODE %s", slot, c->ids[to]);

    for (size_t i = 0; i < CLUSTER_NODES && did; i++)
        if (i != to)
            did = redis_server_does(&c->nodes[i], "CLUSTER SETSLOT %u NODE %s", slot, c->ids[to]);
    return did;
}
