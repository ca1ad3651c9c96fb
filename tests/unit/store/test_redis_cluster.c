/* SPDX-License-Identifier: Apache-2.0 */
/* The link and a real Redis Cluster of three masters. */
#include "testing.h"

#include "redis_cluster.h"

#include "base/clock.h"
#include "store/redis_link.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct redis_cluster cluster; /* one for all tests: it takes seconds to settle */

static int
start(void **state)
{
    (void)state;
    if (redis_cluster_start(NULL, &cluster) == ERR_OK)
        return 0;
    (void)fprintf(stderr, "%s\n", err_sentence());
    return -1;
}

static int
end(void **state)
{
    (void)state;
    redis_cluster_done(&cluster);
    return 0;
}

/* ---- the slot of a key ---- */

static unsigned
slot_of(const char *key)
{
    return rd_slot(key, strlen(key));
}

static void
assert_same_slot(redisContext *conn, const char *key, size_t len)
{
    redisReply *r = redisCommand(conn, "CLUSTER KEYSLOT %b", key, len);

    assert_non_null(r);
    assert_int_equal(r->type, REDIS_REPLY_INTEGER);
    assert_int_equal(r->integer, rd_slot(key, len));
    freeReplyObject(r);
}

static void
slot_is_what_a_server_says(void **state)
{
    static const char *const keys[] = {"",        "123456789", "{}",     "{}a",        "a{}{b}",
                                       "a{b}c",   "a{b",       "a}b{c}", "a{{b}}c",    "{a}{b}",
                                       "a{b}{c}", "{",         "}",      "upload:{0}", "x{y}z}"};
    redisContext *conn = redis_server_connect(&cluster.nodes[0]);
    unsigned seed = 12345;
    char key[40];

    (void)state;
    assert_non_null(conn);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_same_slot(conn, keys[i], strlen(keys[i]));
    for (size_t i = 0; i < 500; i++) {
        size_t len = i % sizeof(key);

        for (size_t j = 0; j < len; j++) {
            seed = seed * 1103515245 + 12345;
            key[j] = (char)((seed >> 16) % 5 == 0 ? "{}"[(seed >> 20) % 2] : (int)(seed >> 22));
        }
        assert_same_slot(conn, key, len);
    }
    redisFree(conn);
}

/* ---- links ---- */

static struct rd_url
url_of(size_t first_node)
{
    struct rd_url url = {.n_hosts = 1};

    (void)snprintf(url.hosts[0].name, sizeof(url.hosts[0].name), "127.0.0.1");
    url.hosts[0].port = cluster.nodes[first_node].port;
    return url;
}

static struct rd_link *
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
static void
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

static enum err
call(struct rd_link *l, const char *verb, const char *key, const char *third, redisReply **reply)
{
    struct words w;

    words_set(&w, verb, key, third);
    return rd_link_call(l, &w.command, reply);
}

static enum err
set(struct rd_link *l, const char *key, const char *value)
{
    redisReply *reply = NULL;
    enum err e = call(l, "SET", key, value, &reply);

    freeReplyObject(reply);
    return e;
}

static void
assert_value(struct rd_link *l, const char *key, const char *want)
{
    redisReply *reply = NULL;

    assert_ok(call(l, "GET", key, NULL, &reply));
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_string_equal(reply->str, want);
    freeReplyObject(reply);
}

/* Asked of a server itself: 1 or 0, or -1 when it sends us elsewhere. */
static int
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

static void
empty_all(void)
{
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        assert_true(redis_server_does(&cluster.nodes[i], "FLUSHALL"));
}

/* A key whose slot is at home at `node`. */
static void
key_at(size_t node, const char *what, char ret_key[32])
{
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(ret_key, 32, "%s:{%u}", what, i);
        if (redis_cluster_home(slot_of(ret_key)) == node)
            return;
    }
    fail_msg("no key for node %zu", node);
}

/* ---- where commands go ---- */

static void
commands_go_to_the_master_of_their_key(void **state)
{
    struct rd_link *l = open_link();
    size_t n[CLUSTER_NODES] = {0};
    char key[32];

    (void)state;
    empty_all();
    assert_true(rd_link_is_cluster(l));
    for (int i = 0; i < 300; i++) {
        size_t home;

        (void)snprintf(key, sizeof(key), "upload:{%d}", i);
        home = redis_cluster_home(slot_of(key));
        n[home]++;
        assert_ok(set(l, key, key));
        assert_int_equal(1, has_key(home, key));
        assert_int_equal(-1, has_key((home + 1) % CLUSTER_NODES, key));
        assert_value(l, key, key);
    }
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        assert_true(n[i] > 0);
    rd_link_free(l);
}

enum { MANY = 200 };

static void
many_commands_come_back_in_their_order(void **state)
{
    struct rd_link *l = open_link();
    static struct words w[MANY];
    static struct rd_command cs[MANY];
    static enum err errs[MANY];
    static redisReply *replies[MANY];
    static char texts[MANY][32];

    (void)state;
    empty_all();
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "key%d", i % (MANY / 2));
        if (i < MANY / 2)
            words_set(&w[i], "SET", texts[i], texts[i]);
        else
            words_set(&w[i], "GET", texts[i], NULL);
        cs[i] = w[i].command;
    }
    words_set(&w[7], "LPOP", "key7", NULL); /* not there yet: nil, and key7 is never set */
    words_set(&w[8], "INCR", "key9", "too many");
    cs[7] = w[7].command;
    cs[8] = w[8].command;
    assert_err(ERR_INTEGRITY, rd_link_calls(l, cs, MANY, errs, replies));
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(errs[i], i == 8 ? ERR_INTEGRITY : ERR_OK);
        if (i == 8)
            assert_null(replies[i]);
        else if (i == 7 || i == MANY / 2 + 7 || i == MANY / 2 + 8)
            assert_int_equal(replies[i]->type, REDIS_REPLY_NIL);
        else
            assert_string_equal(replies[i]->str, i < MANY / 2 ? "OK" : texts[i]);
        freeReplyObject(replies[i]);
    }
    rd_link_free(l);
}

static void
command_without_a_key_goes_to_any_server(void **state)
{
    struct rd_link *l = open_link();
    redisReply *reply = NULL;

    (void)state;
    assert_ok(call(l, "PING", NULL, NULL, &reply));
    assert_string_equal(reply->str, "PONG");
    freeReplyObject(reply);
    rd_link_free(l);
}

static void
command_on_two_slots_is_refused(void **state)
{
    struct rd_link *l = open_link();
    redisReply *reply = NULL;

    (void)state;
    assert_err(ERR_INTEGRITY, call(l, "MGET", "a", "b", &reply)); /* CROSSSLOT */
    assert_ok(call(l, "MGET", "{a}1", "{a}2", &reply));
    freeReplyObject(reply);
    rd_link_free(l);
}

static void
seeds_are_tried_until_one_leads_to_the_cluster(void **state)
{
    struct rd_url url = url_of(2);
    struct rd_link *l = NULL;

    (void)state;
    url.hosts[1] = url.hosts[0];
    url.hosts[0].port = 1; /* nobody is there */
    url.n_hosts = 1;
    assert_err(ERR_UNAVAIL, rd_link_open(&(struct rd_link_opts){.url = &url}, &l));
    url.n_hosts = 2;
    assert_ok(rd_link_open(&(struct rd_link_opts){.url = &url}, &l));
    assert_ok(set(l, "a", "1"));
    rd_link_free(l);
}

static void
cluster_has_no_database_number_and_no_unix_socket(void **state)
{
    struct rd_url url = url_of(0);
    struct rd_link *l = NULL;

    (void)state;
    url.database = 1;
    assert_err(ERR_UNSUPPORTED, rd_link_open(&(struct rd_link_opts){.url = &url}, &l));
    url = (struct rd_url){0};
    (void)snprintf(url.unix_path, sizeof(url.unix_path), "%s", cluster.nodes[0].unix_path);
    assert_err(ERR_UNSUPPORTED, rd_link_open(&(struct rd_link_opts){.url = &url}, &l));
}

static void
every_server_gets_the_password(void **state)
{
    redisContext *conns[CLUSTER_NODES]; /* they stay logged in */
    struct rd_url url = url_of(0);
    struct rd_link *l = NULL;
    char key[32];

    (void)state;
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        conns[i] = redis_server_connect(&cluster.nodes[i]);
        assert_non_null(conns[i]);
        freeReplyObject(redisCommand(conns[i], "CONFIG SET requirepass sesame"));
    }
    assert_err(ERR_DENIED, rd_link_open(&(struct rd_link_opts){.url = &url}, &l));
    (void)snprintf(url.password, sizeof(url.password), "open");
    assert_err(ERR_DENIED, rd_link_open(&(struct rd_link_opts){.url = &url}, &l));
    (void)snprintf(url.password, sizeof(url.password), "sesame");
    assert_ok(rd_link_open(&(struct rd_link_opts){.url = &url}, &l));
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        key_at(i, "secret", key);
        assert_ok(set(l, key, "1"));
        freeReplyObject(redisCommand(conns[i], "CONFIG SET requirepass %s", ""));
        redisFree(conns[i]);
    }
    rd_link_free(l);
}

/* ---- slots on the move ---- */

static void
slot_that_moves_is_followed(void **state)
{
    struct rd_link *l = open_link();
    char old[32], new[48];
    unsigned slot;

    (void)state;
    empty_all();
    key_at(0, "old", old);
    (void)snprintf(new, sizeof(new), "new:%s", strchr(old, '{'));
    slot = slot_of(old);
    assert_int_equal(slot, slot_of(new));
    assert_ok(set(l, old, "1"));

    assert_true(redis_cluster_move_begin(&cluster, slot, 0, 1));
    assert_value(l, old, "1");
    assert_ok(set(l, new, "2")); /* ASK: it is not there yet */
    assert_int_equal(1, has_key(0, old));
    assert_value(l, new, "2");

    assert_true(redis_cluster_move_keys(&cluster, slot, 0, 1));
    assert_value(l, old, "1"); /* ASK: it is not there any more */
    assert_true(redis_cluster_move_end(&cluster, slot, 1));
    assert_value(l, old, "1"); /* MOVED */
    assert_ok(set(l, new, "3"));
    assert_int_equal(1, has_key(1, new));
    assert_int_equal(-1, has_key(0, new));

    assert_true(redis_cluster_move_begin(&cluster, slot, 1, 0));
    assert_true(redis_cluster_move_keys(&cluster, slot, 1, 0));
    assert_true(redis_cluster_move_end(&cluster, slot, 0));
    assert_value(l, new, "3");
    assert_int_equal(1, has_key(0, new));
    rd_link_free(l);
}

static void
keys_that_are_apart_are_unavailable_until_the_move_ends(void **state)
{
    struct rd_link *l = open_link();
    char old[32], new[48];
    redisReply *reply = NULL;
    unsigned slot;

    (void)state;
    empty_all();
    key_at(0, "old", old);
    (void)snprintf(new, sizeof(new), "new:%s", strchr(old, '{'));
    slot = slot_of(old);
    assert_ok(set(l, old, "1"));
    assert_true(redis_cluster_move_begin(&cluster, slot, 0, 1));
    assert_ok(set(l, new, "2"));
    assert_err(ERR_UNAVAIL, call(l, "MGET", old, new, &reply)); /* TRYAGAIN, a few times */
    assert_true(redis_cluster_move_keys(&cluster, slot, 0, 1));
    assert_true(redis_cluster_move_end(&cluster, slot, 1));
    assert_ok(call(l, "MGET", old, new, &reply));
    assert_string_equal(reply->element[0]->str, "1");
    assert_string_equal(reply->element[1]->str, "2");
    freeReplyObject(reply);
    assert_true(redis_cluster_move_begin(&cluster, slot, 1, 0));
    assert_true(redis_cluster_move_keys(&cluster, slot, 1, 0));
    assert_true(redis_cluster_move_end(&cluster, slot, 0));
    rd_link_free(l);
}

enum { WRITERS = 4, KEYS = 25, MOVES = 6 };

struct writer {
    pthread_t thread;
    struct rd_link *link;
    const char *tag;
    atomic_bool *is_over;
    long long n_done;
    unsigned n_failed;
};

static void *
count_on(void *arg)
{
    struct writer *w = arg;
    char key[48];

    for (unsigned i = 0; !atomic_load(w->is_over); i++) {
        redisReply *reply = NULL;

        (void)snprintf(key, sizeof(key), "count%u:%s", i % KEYS, w->tag);
        if (call(w->link, "INCR", key, NULL, &reply) == ERR_OK)
            w->n_done++;
        else
            w->n_failed++;
        freeReplyObject(reply);
    }
    return NULL;
}

static long long
sum_of_counts(struct rd_link *l, const char *tag)
{
    long long sum = 0;
    char key[48];

    for (unsigned i = 0; i < KEYS; i++) {
        redisReply *reply = NULL;

        (void)snprintf(key, sizeof(key), "count%u:%s", i, tag);
        assert_ok(call(l, "GET", key, NULL, &reply));
        sum += reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;
        freeReplyObject(reply);
    }
    return sum;
}

static void
nothing_is_lost_or_done_twice_while_a_slot_moves(void **state)
{
    struct rd_link *l = open_link();
    struct writer w[WRITERS];
    atomic_bool is_over = false;
    long long n_done = 0;
    unsigned slot, n_failed = 0;
    bool did = true;
    char tag[32];

    (void)state;
    empty_all();
    key_at(1, "", tag);
    slot = slot_of(tag);
    for (int i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){.link = l, .tag = tag, .is_over = &is_over};
        assert_int_equal(0, pthread_create(&w[i].thread, NULL, count_on, &w[i]));
    }
    for (size_t i = 0; i < MOVES && did; i++) {
        size_t from = i % 2 == 0 ? 1 : 2, to = 3 - from;

        did = redis_cluster_move_begin(&cluster, slot, from, to);
        (void)usleep(20000);
        /* Counters that are missing at first are made at the new place; move all that remain. */
        did = did && redis_cluster_move_keys(&cluster, slot, from, to);
        did = did && redis_cluster_move_end(&cluster, slot, to);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < WRITERS; i++) {
        (void)pthread_join(w[i].thread, NULL);
        n_done += w[i].n_done;
        n_failed += w[i].n_failed;
    }
    assert_true(did);
    assert_int_equal(0, n_failed);
    assert_true(n_done > WRITERS);
    assert_int_equal(n_done, sum_of_counts(l, tag));
    rd_link_free(l);
}

/* ---- a master that is away ---- */

static enum err
set_within(struct rd_link *l, const char *key, int64_t ms)
{
    int64_t until_ms = clock_mono_ms() + ms;
    enum err e;

    while ((e = set(l, key, "1")) == ERR_UNAVAIL && clock_mono_ms() < until_ms)
        (void)usleep(10000);
    return e;
}

static void
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

static void
slots_of_a_hung_master_fail_at_once_and_the_others_go_on(void **state)
{
    struct rd_link *l = open_link();
    int64_t hung_ms, start_ms;
    char key[32];

    (void)state;
    key_at(1, "hung", key);
    assert_ok(set(l, key, "1"));
    redis_server_pause(&cluster.nodes[1]);
    start_ms = clock_mono_ms();
    assert_err(ERR_UNAVAIL, set(l, key, "2"));
    hung_ms = clock_mono_ms() - start_ms;
    assert_true(hung_ms >= RD_CALL_MS / 2);
    start_ms = clock_mono_ms();
    for (int i = 0; i < 100; i++)
        assert_err(ERR_UNAVAIL, set(l, key, "2"));
    assert_true(clock_mono_ms() - start_ms < 10 * hung_ms); /* 100 times 1 s otherwise */
    assert_others_serve(l, 1);
    redis_server_resume(&cluster.nodes[1]);
    assert_ok(set_within(l, key, 20000));
    rd_link_free(l);
    assert_ok(redis_cluster_settle(&cluster));
}

static void
master_that_was_killed_is_found_again_when_it_is_back(void **state)
{
    struct rd_link *l = open_link(), *second = NULL;
    struct rd_url url = url_of(0);
    char key[32];

    (void)state;
    key_at(2, "killed", key);
    assert_ok(set(l, key, "1"));
    redis_server_kill(&cluster.nodes[2]);
    assert_err(ERR_UNAVAIL, set(l, key, "1"));
    assert_err(ERR_UNAVAIL, set(l, key, "1"));
    assert_others_serve(l, 2);
    assert_ok(rd_link_open(&(struct rd_link_opts){.url = &url}, &second)); /* it opens without */
    assert_err(ERR_UNAVAIL, set(second, key, "1"));
    assert_others_serve(second, 2);
    assert_ok(redis_server_restart(&cluster.nodes[2]));
    assert_ok(set_within(l, key, 30000));
    assert_ok(set_within(second, key, 30000));
    rd_link_free(l);
    rd_link_free(second);
    assert_ok(redis_cluster_settle(&cluster));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slot_is_what_a_server_says),
        cmocka_unit_test(commands_go_to_the_master_of_their_key),
        cmocka_unit_test(many_commands_come_back_in_their_order),
        cmocka_unit_test(command_without_a_key_goes_to_any_server),
        cmocka_unit_test(command_on_two_slots_is_refused),
        cmocka_unit_test(seeds_are_tried_until_one_leads_to_the_cluster),
        cmocka_unit_test(cluster_has_no_database_number_and_no_unix_socket),
        cmocka_unit_test(every_server_gets_the_password),
        cmocka_unit_test(slot_that_moves_is_followed),
        cmocka_unit_test(keys_that_are_apart_are_unavailable_until_the_move_ends),
        cmocka_unit_test(nothing_is_lost_or_done_twice_while_a_slot_moves),
        cmocka_unit_test(slots_of_a_hung_master_fail_at_once_and_the_others_go_on),
        cmocka_unit_test(master_that_was_killed_is_found_again_when_it_is_back),
    };

    return cmocka_run_group_tests(tests, start, end);
}
