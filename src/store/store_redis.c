/* SPDX-License-Identifier: Apache-2.0 */
/* store_redis: the store that several nodes share. */
#include "store/redis_int.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(RD_PASSWORD_LEN == STORE_REDIS_PASSWORD_MAX + 1, "store.h promises that length");

/* A name is asked for every hour. It outlives the longest upload (a year) in a Redis that keeps
 * what it has while all nodes are down. */
static const int64_t name_ms = 400LL * 86400 * 1000;

/* Nothing of ours is left to do: Redis frees memory and does not overwrite it, and what it writes
 * to disks, if it is told to, is its administrator's (docs/operations.md). Only what is sealed ever
 * got there. */
static enum err
rd_store_scrub(struct store *s)
{
    (void)s;
    return ERR_OK;
}

static enum err
rd_store_ping(struct store *store)
{
    struct rd_args a;

    rd_begin(&a, "SET", 1);
    a.command.is_idempotent = true;
    rd_add(&a, RD_KEY_PING);
    rd_add(&a, "1");
    rd_add(&a, "EX");
    rd_add(&a, "60");
    return rd_run_only(rd_of(store), &a);
}

static enum err
rd_store_identity(struct store *store, const struct store_name *want, struct store_name *ret_name)
{
    enum { SET, KEEP, GET, N };
    struct redis_store *s = rd_of(store);
    struct rd_args args[N];
    redisReply *replies[N];
    enum err e;

    rd_begin(&args[SET], "SET", 1);
    rd_add(&args[SET], RD_KEY_STORE);
    rd_add_hex(&args[SET], want->b);
    rd_add(&args[SET], "NX");
    rd_begin(&args[KEEP], "PEXPIRE", 1);
    rd_add(&args[KEEP], RD_KEY_STORE);
    rd_add_int(&args[KEEP], name_ms);
    rd_begin(&args[GET], "GET", 1);
    rd_add(&args[GET], RD_KEY_STORE);
    e = rd_run_all(s, args, N, replies);
    if (e != ERR_OK)
        return e;
    if (replies[GET]->type != REDIS_REPLY_STRING || replies[GET]->len != HEX_LEN(ID_LEN) ||
        hex_decode(replies[GET]->str, ret_name->b, ID_LEN) != ERR_OK)
        e = rd_damaged();
    for (size_t i = 0; i < N; i++)
        freeReplyObject(replies[i]);
    return e;
}

static void
rd_store_free(struct store *store)
{
    struct redis_store *s = rd_of(store);

    rd_link_free(s->link);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

static const struct store_ops redis_ops = {
    .put = rd_store_put,
    .claim = rd_store_claim,
    .resume = rd_store_resume,
    .release = rd_store_release,
    .settle = rd_store_settle,
    .renew = rd_store_renew,
    .take_preview = rd_store_take_preview,
    .lookup = rd_store_lookup,
    .status = rd_store_status,
    .remove = rd_store_remove,
    .end_due = rd_store_end_due,
    .scrub = rd_store_scrub,
    .take_doomed = rd_store_take_doomed,
    .hold_doomed = rd_store_hold_doomed,
    .forget_doomed = rd_store_forget_doomed,
    .next_due = rd_store_next_due,
    .knows_blob = rd_store_knows_blob,
    .count = rd_store_count,
    .peek = rd_store_peek,
    .stats = rd_store_stats,
    .ping = rd_store_ping,
    .identity = rd_store_identity,
    .free = rd_store_free,
    .is_shared = true,
};

enum err
store_redis_check_url(const char *url, struct store_redis_facts *ret_facts)
{
    struct rd_url u;
    enum err e = rd_url_parse(url, &u);

    if (e != ERR_OK)
        return e;
    *ret_facts = (struct store_redis_facts){
        .is_tls = u.is_tls,
        .has_user = u.user[0] != '\0',
        .has_password = u.password[0] != '\0',
    };
    rd_url_wipe(&u);
    return ERR_OK;
}

/* The URL, and the password that is given beside it. */
static enum err
read_url(const struct store_redis_opts *opts, struct rd_url *ret_url)
{
    enum err e = rd_url_parse(opts->url, ret_url);
    size_t len;

    if (e != ERR_OK || opts->password == NULL)
        return e;
    len = strlen(opts->password);
    if (len >= sizeof(ret_url->password)) {
        rd_url_wipe(ret_url);
        return err_set(ERR_SYNTAX, "a password of Redis is longer than %zu bytes",
                       sizeof(ret_url->password) - 1);
    }
    memcpy(ret_url->password, opts->password, len + 1);
    return ERR_OK;
}

enum err
store_redis_open(const struct store_redis_opts *opts, struct store **ret_store)
{
    struct rd_url url;
    const struct rd_link_opts link = {
        .url = &url, .ca_file = opts->ca_file, .allow_open = opts->allow_open};
    struct redis_store *s = calloc(1, sizeof(*s));
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a store");
    s->store.ops = &redis_ops;
    s->tombstone_s = opts->tombstone_s > 0 ? opts->tombstone_s : 0;
    (void)pthread_mutex_init(&s->lock, NULL);
    e = read_url(opts, &url);
    if (e == ERR_OK) {
        e = rd_link_open(&link, &s->link);
        rd_url_wipe(&url);
    }
    if (e == ERR_OK)
        e = rd_store_ping(&s->store);
    if (e != ERR_OK) {
        rd_store_free(&s->store);
        return e;
    }
    *ret_store = &s->store;
    return ERR_OK;
}
