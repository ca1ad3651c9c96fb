/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/link.h"

#include "base/clock.h"
#include "base/mem.h"
#include "redis/error.h"
#include "redis/find.h"
#include "redis/mender.h"
#include "redis/route.h"
#include "redis/sentinel.h"

#include <stdatomic.h>
#include <string.h>

struct rd_link {
    struct rd_url url;
    struct dial_tls *tls;
    struct rd_login login; /* of `url` and `tls` */
    struct rd_sentinels sentinels;
    struct rd_mender *mender;
    struct rd_node *node;       /* the one server, or NULL and */
    struct rd_cluster *cluster; /* all of them */
    _Atomic bool is_closing;
};

/* ---- finding the server ---- */

/* The first that serves; who refuses our login ends the search, so that this is what is told. */
static enum err
find(struct rd_link *l, struct rd_place *ret_place, struct rd_conn **ret_conn,
     struct rd_info *ret_info)
{
    const struct rd_finder *f = &l->sentinels.finder;
    struct rd_place place = {.host = ""};
    enum err e = ERR_UNAVAIL;

    if (l->url.is_sentinel)
        return rd_sentinel_find(&l->sentinels, ret_place, ret_conn, ret_info);
    if (l->url.unix_path[0] != '\0') {
        e = dial_unix_addr(l->url.unix_path, &place.addr);
        if (e == ERR_OK)
            e = rd_find_place(f, &place, ret_conn, ret_info);
        if (e == ERR_OK)
            *ret_place = place;
        return e;
    }
    for (size_t i = 0; i < l->url.n_hosts && !l->is_closing; i++) {
        e = rd_find_host(f, &l->url.hosts[i], ret_place, ret_conn, ret_info);
        if (e == ERR_OK || e == ERR_DENIED || e == ERR_NOMEM)
            return e;
    }
    return e;
}

static enum err
find_again(void *ctx, struct rd_place *ret_place, struct rd_conn **ret_conn)
{
    struct rd_info info;

    return find(ctx, ret_place, ret_conn, &info);
}

/* ---- open and free ---- */

/* The promises of redis/link.h out of what connecting may say. */
static enum err
open_error(enum err e)
{
    switch (e) {
    case ERR_TIMEOUT:
    case ERR_CLOSED:
    case ERR_IO:
    case ERR_INTEGRITY:
    case ERR_TOOBIG:
        return ERR_UNAVAIL; /* with the same sentence */
    default:
        return e;
    }
}

static enum err
start_one(struct rd_link *l, const struct rd_place *place, struct rd_conn **conn)
{
    struct rd_node_opts opts = {.login = &l->login, .find = find_again, .ctx = l};
    enum err e;

    opts.mender = l->mender;
    opts.place = *place;
    e = rd_node_new(&opts, conn, &l->node);
    return e == ERR_OK ? rd_mender_add(l->mender, l->node) : e;
}

static enum err
start_cluster(struct rd_link *l, bool allow_open)
{
    struct rd_cluster_opts opts = {.finder = l->sentinels.finder,
                                   .seeds = l->url.hosts,
                                   .n_seeds = l->url.n_hosts,
                                   .mender = l->mender};
    enum err e;

    if (l->url.is_sentinel || l->url.unix_path[0] != '\0')
        return err_set(ERR_UNSUPPORTED, "a Redis Cluster is reached by redis:// or rediss://");
    e = rd_cluster_new(&opts, &l->cluster);
    return e == ERR_OK && !allow_open ? rd_cluster_look_closed(l->cluster) : e;
}

static enum err
start(struct rd_link *l, bool allow_open)
{
    struct rd_conn *conn = NULL;
    struct rd_place place;
    struct rd_info info;
    enum err e;

    e = find(l, &place, &conn, &info);
    if (e == ERR_OK && !allow_open && !dial_is_local(&place.addr))
        e = rd_look_closed(&l->login, &place.addr, place.host, clock_mono_ms() + 2 * RD_CONNECT_MS);
    if (e == ERR_OK)
        e = rd_mender_new(&l->mender);
    if (e == ERR_OK)
        e = info.is_cluster ? start_cluster(l, allow_open) : start_one(l, &place, &conn);
    rd_conn_free(conn);
    return open_error(e);
}

enum err
rd_link_open(const struct rd_link_opts *opts, struct rd_link **ret_link)
{
    struct rd_link *l = NULL;
    enum err e = ERR_OK;

    l = calloc(1, sizeof(*l));
    if (l == NULL)
        return err_set(ERR_NOMEM, "no memory for the link to Redis");
    l->url = *opts->url;
    if (l->url.is_tls)
        e = dial_tls_new(opts->ca_file, &l->tls); /* its ERR_IO is promised to the caller */
    if (e == ERR_OK) {
        l->login = (struct rd_login){.tls = l->tls,
                                     .user = l->url.user,
                                     .password = l->url.password,
                                     .database = l->url.database};
        l->sentinels.url = &l->url;
        l->sentinels.finder.login = &l->login;
        l->sentinels.finder.is_closing = &l->is_closing;
        e = start(l, opts->allow_open);
    }
    if (e != ERR_OK) {
        rd_link_free(l);
        return e;
    }
    *ret_link = l;
    return ERR_OK;
}

void
rd_link_free(struct rd_link *l)
{
    if (l == NULL)
        return;
    l->is_closing = true;
    rd_cluster_free(l->cluster);
    rd_mender_free(l->mender);
    rd_node_free(l->node);
    dial_tls_free(l->tls);
    rd_url_wipe(&l->url);
    free(l);
}

bool
rd_link_is_cluster(const struct rd_link *l)
{
    return l->cluster != NULL;
}

/* ---- calls ---- */

/* An error reply becomes an error. */
static enum err
judge(enum err e, redisReply **reply)
{
    if (e == ERR_OK && (*reply)->type == REDIS_REPLY_ERROR) {
        e = rd_error_set((*reply)->str, (*reply)->len);
        freeReplyObject(*reply);
        *reply = NULL;
    }
    return e;
}

enum err
rd_link_calls(struct rd_link *l, const struct rd_command *cs, size_t n, enum err *ret_errs,
              redisReply **ret_replies)
{
    int64_t deadline_ms = clock_mono_ms() + RD_CONNECT_MS + RD_CALL_MS;
    enum err first;

    first = l->cluster != NULL
                ? rd_route_exchange(l->cluster, cs, n, deadline_ms, ret_errs, ret_replies)
                : rd_node_exchange(l->node, cs, n, deadline_ms, ret_errs, ret_replies);
    for (size_t i = 0; i < n; i++) {
        ret_errs[i] = judge(ret_errs[i], &ret_replies[i]);
        if (first == ERR_OK)
            first = ret_errs[i];
    }
    return first;
}

enum err
rd_link_call(struct rd_link *l, const struct rd_command *c, redisReply **ret_reply)
{
    redisReply *reply = NULL;
    enum err e, each;

    e = rd_link_calls(l, c, 1, &each, &reply);
    if (e == ERR_OK)
        *ret_reply = reply;
    return e;
}
