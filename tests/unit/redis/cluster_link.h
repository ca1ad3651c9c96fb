/* SPDX-License-Identifier: Apache-2.0 */
/* cluster_link: a Redis Cluster for all tests of a program, and links to it. */
#ifndef MAYFLY_TESTS_CLUSTER_LINK_H
#define MAYFLY_TESTS_CLUSTER_LINK_H

#include "testing.h"

#include "redis_cluster.h"

#include "base/clock.h"
#include "redis/link.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct redis_cluster cluster; /* one for all tests: it takes seconds to settle */

static inline int
cluster_start(void **state)
{
    (void)state;
    if (redis_cluster_start(NULL, &cluster) == ERR_OK)
        return 0;
    (void)fprintf(stderr, "%s\n", err_sentence());
    return -1;
}

static inline int
cluster_end(void **state)
{
    (void)state;
    redis_cluster_done(&cluster);
    return 0;
}

static inline unsigned
slot_of(const char *key)
{
    return rd_slot(key, strlen(key));
}

/* ---- links ---- */

static inline struct rd_url
url_of(size_t first_node)
{
    struct rd_url url = {.n_hosts = 1};

    (void)snprintf(url.hosts[0].name, sizeof(url.hosts[0].name), "127.0.0.1");
    url.hosts[0].port = cluster.nodes[first_node].port;
    return url;
}

static inline struct rd_link *
open_link(void)
{
    struct rd_url url = url_of(0);
    struct rd_link *l = NULL;

    assert_ok(rd_link_open(&(struct rd_link_opts){.url = &url}, &l));
    return l;
}

/* ---- calls ---- */

struct words {
    const char *argv[6];
    size_t lens[6];
    struct rd_command command;
};

/* Up to six words, of which the second is the key. */
static inline void
words_set(struct words *w, const char *verb, const char *key, const char *third)
{
    *w = (struct words){.argv = {verb, key, third}};
    w->command = (struct rd_command){.argv = w->argv, .lens = w->lens, .i_key = key != NULL};
    for (int i = 0; i < 3 && w->argv[i] != NULL; i++) {
        w->lens[i] = strlen(w->argv[i]);
        w->command.argc++;
    }
    w->command.is_idempotent = strcmp(verb, "GET") == 0 || strcmp(verb, "SET") == 0;
}

static inline enum err
call(struct rd_link *l, const char *verb, const char *key, const char *third, redisReply **reply)
{
    struct words w;

    words_set(&w, verb, key, third);
    return rd_link_call(l, &w.command, reply);
}

static inline enum err
set(struct rd_link *l, const char *key, const char *value)
{
    redisReply *reply = NULL;
    enum err e = call(l, "SET", key, value, &reply);

    freeReplyObject(reply);
    return e;
}

static inline void
assert_value(struct rd_link *l, const char *key, const char *want)
{
    redisReply *reply = NULL;

    assert_ok(call(l, "GET", key, NULL, &reply));
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_string_equal(reply->str, want);
    freeReplyObject(reply);
}

/* Asked of a server itself: 1 or 0, or -1 when it sends us elsewhere. */
static inline int
has_key(size_t node, const char *key)
{
    redisContext *conn = redis_server_connect(&cluster.nodes[node]);
    redisReply *reply;
    int has = -1;

    assert_non_null(conn);
    reply = redisCommand(conn, "EXISTS %s", key);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_INTEGER)
        has = (int)reply->integer;
    freeReplyObject(reply);
    redisFree(conn);
    return has;
}

static inline void
empty_all(void)
{
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        assert_true(redis_server_does(&cluster.nodes[i], "FLUSHALL"));
}

/* A key whose slot is at home at `node`. */
static inline void
key_at(size_t node, const char *what, char ret_key[32])
{
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(ret_key, 32, "%s:{%u}", what, i);
        if (redis_cluster_home(slot_of(ret_key)) == node)
            return;
    }
    fail_msg("no key for node %zu", node);
}

static inline enum err
set_within(struct rd_link *l, const char *key, int64_t ms)
{
    int64_t until_ms = clock_mono_ms() + ms;
    enum err e;

    while ((e = set(l, key, "1")) == ERR_UNAVAIL && clock_mono_ms() < until_ms)
        (void)usleep(10000);
    return e;
}

static inline void
assert_others_serve(struct rd_link *l, size_t but)
{
    char key[32];

    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        if (i == but)
            continue;
        key_at(i, "here", key);
        assert_ok(set(l, key, "1"));
    }
}

#endif
