/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/sentinel.h"

#include "base/clock.h"
#include "base/text.h"
#include "redis/error.h"
#include "redis/map.h"

#include <string.h>

/* ---- what one says ---- */

enum err
rd_sentinel_read(const redisReply *reply, struct rd_host *ret_master)
{
    struct rd_host master;
    const redisReply *host, *port;
    uint64_t number;
    enum err e;

    if (reply->type == REDIS_REPLY_NIL)
        return err_set(ERR_UNAVAIL, "the Sentinel does not know the service");
    if (reply->type == REDIS_REPLY_ERROR)
        return rd_error_set(reply->str, reply->len);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return err_set(ERR_INTEGRITY, "what should be a Sentinel is none");
    host = reply->element[0];
    port = reply->element[1];
    if (text_u64(port->str, port->len, UINT16_MAX, &number) != ERR_OK || number == 0)
        return err_set(ERR_INTEGRITY, "a Sentinel names a port that is none");
    e = rd_host_read(host->str, host->len, "", master.name);
    if (e != ERR_OK)
        return e;
    master.port = (uint16_t)number;
    *ret_master = master;
    return ERR_OK;
}

static enum err
ask(struct rd_conn *c, const char *service, struct rd_host *ret_master)
{
    const char *argv[3] = {"SENTINEL", "get-master-addr-by-name", service};
    size_t lens[3] = {strlen(argv[0]), strlen(argv[1]), strlen(argv[2])};
    int64_t deadline_ms = clock_mono_ms() + RD_CONNECT_MS;
    redisReply *reply = NULL;
    enum err e;

    e = rd_conn_add(c, &(struct rd_command){.argc = 3, .argv = argv, .lens = lens});
    if (e == ERR_OK)
        e = rd_conn_send(c, deadline_ms);
    if (e == ERR_OK)
        e = rd_conn_reply(c, deadline_ms, &reply);
    if (e == ERR_OK)
        e = rd_sentinel_read(reply, ret_master);
    freeReplyObject(reply);
    return e;
}

/* ---- the server that it names ---- */

static enum err
find_through(const struct rd_sentinels *s, const struct rd_host *sentinel,
             const struct dial_addr *addr, struct rd_place *ret_place, struct rd_conn **ret_conn,
             struct rd_info *ret_info)
{
    const struct rd_login nobody = {.tls = s->finder.login->tls, .user = "", .password = ""};
    struct rd_conn *c = NULL;
    struct rd_host master;
    enum err e;

    e = rd_conn_open(&nobody, addr, sentinel->name, clock_mono_ms() + RD_CONNECT_MS, &c);
    if (e == ERR_OK)
        e = ask(c, s->url->service, &master);
    rd_conn_free(c);
    if (e == ERR_OK) /* it must say itself that it is a master */
        e = rd_find_host(&s->finder, &master, ret_place, ret_conn, ret_info);
    return e;
}

static enum err
find_through_host(const struct rd_sentinels *s, const struct rd_host *sentinel,
                  struct rd_place *ret_place, struct rd_conn **ret_conn, struct rd_info *ret_info)
{
    struct dial_addrs addrs;
    enum err e;

    e = dial_resolve(sentinel->name, sentinel->port, &addrs);
    if (e != ERR_OK)
        return e;
    e = ERR_UNAVAIL;
    for (size_t i = 0; e != ERR_OK && i < addrs.n && !atomic_load(s->finder.is_closing); i++)
        e = find_through(s, sentinel, &addrs.all[i], ret_place, ret_conn, ret_info);
    return e;
}

enum err
rd_sentinel_find(const struct rd_sentinels *s, struct rd_place *ret_place,
                 struct rd_conn **ret_conn, struct rd_info *ret_info)
{
    enum err e = ERR_UNAVAIL;

    for (size_t i = 0; i < s->url->n_hosts && e != ERR_OK && !atomic_load(s->finder.is_closing);
         i++)
        e = find_through_host(s, &s->url->hosts[i], ret_place, ret_conn, ret_info);
    return e;
}
