/* SPDX-License-Identifier: Apache-2.0 */
/* The link and a real Redis Cluster: where commands go, and masters that are away. */
#include "cluster_link.h"

/* ---- the slot of a key ---- */

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

/* ---- a master that is away ---- */

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

static void
replica_that_takes_the_place_of_its_master_is_found(void **state)
{
    struct rd_link *l = open_link();
    char key[32];

    (void)state;
    key_at(2, "failover", key);
    assert_ok(redis_cluster_add_replica(&cluster, 2));
    assert_ok(set(l, key, "1"));
    redis_server_kill(&cluster.nodes[2]);
    assert_err(ERR_UNAVAIL, set(l, key, "1"));
    assert_ok(set_within(l, key, 60000));
    assert_true(redis_server_does(&cluster.replica, "GET %s", key));
    assert_others_serve(l, 2);
    rd_link_free(l);
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
        cmocka_unit_test(slots_of_a_hung_master_fail_at_once_and_the_others_go_on),
        cmocka_unit_test(master_that_was_killed_is_found_again_when_it_is_back),
        cmocka_unit_test(replica_that_takes_the_place_of_its_master_is_found), /* the last one */
    };

    return cmocka_run_group_tests(tests, cluster_start, cluster_end);
}
