/* SPDX-License-Identifier: Apache-2.0 */
/* redis/learn: who has what in a Redis Cluster, asked for and put into force. */
#include "redis/cluster_int.h"

#include "base/clock.h"
#include "base/netaddr.h"
#include "redis/error.h"

#include <string.h>

/* ---- a new map ---- */

static bool
has(struct rd_member *const *members, size_t n, const struct rd_member *m)
{
    for (size_t i = 0; i < n; i++)
        if (members[i] == m)
            return true;
    return false;
}

/* The members of the map take the place of those that were. A host that cannot be looked up is left
 * out; its slots are nobody's. */
static void
exchange_map(struct rd_cluster *c, struct rd_member *const *now)
{
    size_t n = 0;

    (void)pthread_rwlock_wrlock(&c->lock);
    for (size_t i = 0; i < RD_SLOTS; i++)
        c->of_slot[i] = c->map.of_slot[i] == RD_NOBODY ? NULL : now[c->map.of_slot[i]];
    for (size_t i = 0; i < c->n_members; i++) {
        struct rd_member *m = c->members[i];

        if (has(now, c->map.n_hosts, m)) {
            c->members[n++] = m;
        } else {
            m->next = c->left;
            c->left = m;
        }
    }
    c->n_members = n;
    (void)pthread_rwlock_unlock(&c->lock);
}

/* Those that left go when the last call has given them back. */
void
rd_cluster_free_left(struct rd_cluster *c)
{
    struct rd_member **at = &c->left, *m;

    while ((m = *at) != NULL) {
        if (atomic_load(&m->n_refs) > 0) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        rd_member_free(m);
    }
}

static enum err
install(struct rd_cluster *c)
{
    struct rd_member *now[RD_MASTERS_MAX] = {NULL};
    enum err e = ERR_OK, each;

    for (size_t i = 0; i < c->map.n_hosts; i++) {
        each = rd_cluster_ensure(c, &c->map.hosts[i], true, &now[i]);
        if (each != ERR_OK)
            e = each;
    }
    exchange_map(c, now);
    for (size_t i = 0; i < c->map.n_hosts; i++)
        rd_member_release(now[i]);
    rd_cluster_free_left(c);
    return e;
}

/* ---- asking for it ---- */

static const struct rd_command ask_slots = {
    .argc = 2,
    .argv = (const char *const[]){"CLUSTER", "SLOTS"},
    .lens = (const size_t[]){7, 5},
    .is_idempotent = true,
};

/* A map without a master is that of a server that was cast out. */
static enum err
take_map(struct rd_cluster *c, const redisReply *reply, const char *asked)
{
    enum err e;

    if (reply->type == REDIS_REPLY_ERROR)
        return rd_error_set(reply->str, reply->len);
    e = rd_map_read(reply, asked, &c->map);
    if (e == ERR_OK && c->map.n_hosts == 0)
        e = err_set(ERR_UNAVAIL, "no server of the Redis Cluster has a slot");
    return e;
}

static enum err
ask_member(struct rd_cluster *c, struct rd_member *m)
{
    int64_t deadline_ms = clock_mono_ms() + RD_CALL_MS;
    redisReply *reply = NULL;
    enum err e, each;

    if (rd_node_is_away(m->node))
        return err_set(ERR_UNAVAIL, "Redis is away");
    e = rd_node_exchange(m->node, &ask_slots, 1, deadline_ms, &each, &reply);
    if (e == ERR_OK)
        e = take_map(c, reply, m->host.name);
    freeReplyObject(reply);
    return e;
}

/* One after the other, without the lock: only this thread removes any. */
static enum err
ask_members(struct rd_cluster *c)
{
    struct rd_member *all[MEMBERS_MAX];
    enum err e = ERR_UNAVAIL;
    size_t n;

    (void)pthread_rwlock_rdlock(&c->lock);
    n = c->n_members;
    memcpy(all, c->members, n * sizeof(struct rd_member *));
    (void)pthread_rwlock_unlock(&c->lock);
    c->turn++;
    for (size_t i = 0; i < n && e != ERR_OK && !atomic_load(&c->is_ending); i++)
        e = ask_member(c, all[(c->turn + i) % n]);
    return e;
}

/* A server that does not know its own address is where we have found it: under TLS by the name that
 * its certificate has, else by its number, as a name may lead to all servers. */
static void
name_of_place(const struct rd_cluster *c, const struct rd_place *place, char ret_name[RD_HOST_LEN])
{
    char text[NETADDR_TEXT_LEN];
    struct netaddr addr;

    netaddr_from_sockaddr((const struct sockaddr *)&place->addr.sa, &addr);
    netaddr_text(&addr, text);
    (void)snprintf(ret_name, RD_HOST_LEN, "%s",
                   c->opts.finder.login->tls != NULL ? place->host : text);
}

static enum err
ask_place(struct rd_cluster *c, const struct rd_place *place)
{
    int64_t deadline_ms = clock_mono_ms() + RD_CONNECT_MS;
    struct rd_conn *conn = NULL;
    redisReply *reply = NULL;
    char name[RD_HOST_LEN];
    enum err e;

    name_of_place(c, place, name);
    e = rd_conn_open(c->opts.finder.login, &place->addr, place->host, deadline_ms, &conn);
    if (e == ERR_OK)
        e = rd_conn_add(conn, &ask_slots);
    deadline_ms = clock_mono_ms() + RD_CALL_MS;
    if (e == ERR_OK)
        e = rd_conn_send(conn, deadline_ms);
    if (e == ERR_OK)
        e = rd_conn_reply(conn, deadline_ms, &reply);
    if (e == ERR_OK)
        e = take_map(c, reply, name);
    freeReplyObject(reply);
    rd_conn_free(conn);
    return e;
}

static enum err
ask_seed(struct rd_cluster *c, const struct rd_host *seed)
{
    struct rd_place place = {.host = ""};
    struct dial_addrs addrs;
    enum err e;

    memcpy(place.host, seed->name, sizeof(place.host));
    e = dial_resolve(seed->name, seed->port, &addrs);
    if (e != ERR_OK)
        return e;
    e = ERR_UNAVAIL;
    for (size_t i = 0; i < addrs.n && e != ERR_OK && !atomic_load(&c->is_ending); i++) {
        place.addr = addrs.all[i];
        e = ask_place(c, &place);
    }
    return e;
}

enum err
rd_cluster_learn(struct rd_cluster *c)
{
    enum err e = ask_members(c);

    for (size_t i = 0; i < c->opts.n_seeds && e != ERR_OK && !atomic_load(&c->is_ending); i++)
        e = ask_seed(c, &c->opts.seeds[i]);
    return e == ERR_OK ? install(c) : e;
}
