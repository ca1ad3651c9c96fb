/* SPDX-License-Identifier: Apache-2.0 */
/* The redis-server that other tests lean on. */
#include "testing.h"

#include "redis_server.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Whether `text` is the answer to this one-word question. */
static bool
is_answer(redisContext *c, const char *question, const char *text)
{
    redisReply *reply = redisCommand(c, question);
    bool is = reply != NULL && reply->type != REDIS_REPLY_NIL && strstr(reply->str, text) != NULL;

    freeReplyObject(reply);
    return is;
}

static void
a_server_answers_and_leaves_nothing(void **state)
{
    struct redis_server s = {0};
    redisContext *c;
    char dir[64];
    pid_t pid;

    (void)state;
    assert_ok(redis_server_start(NULL, &s));
    assert_int_equal(0, s.port);
    pid = s.pid;
    memcpy(dir, s.dir, sizeof(dir));
    c = redis_server_connect(&s);
    assert_non_null(c);
    assert_true(is_answer(c, "PING", "PONG"));
    redisFree(c);
    redis_server_done(&s);
    assert_int_equal(-1, kill(pid, 0));
    assert_int_equal(-1, access(dir, F_OK));
    redis_server_done(&s);
}

static void
a_server_restarts_empty_at_the_same_addresses(void **state)
{
    struct redis_server_opts opts = {.has_tcp = true, .config = "databases 3"};
    struct redis_server s = {0};
    uint16_t port;
    redisContext *c;

    (void)state;
    assert_ok(redis_server_start(&opts, &s));
    port = s.port;
    assert_int_not_equal(0, port);
    assert_true(redis_server_does(&s, "SET %s %d", "key", 7));
    assert_false(redis_server_does(&s, "SELECT 3"));
    redis_server_kill(&s);
    assert_false(redis_server_does(&s, "PING"));
    assert_ok(redis_server_restart(&s));
    assert_int_equal(port, s.port);
    c = redisConnect("127.0.0.1", port);
    assert_int_equal(0, c->err);
    assert_true(is_answer(c, "INFO keyspace", "# Keyspace"));
    assert_false(is_answer(c, "INFO keyspace", "db0"));
    redisFree(c);
    redis_server_done(&s);
}

static void
a_paused_server_does_not_answer_until_it_is_resumed(void **state)
{
    struct timeval brief = {.tv_usec = 200000};
    struct redis_server s = {0};
    redisContext *c;
    void *reply;

    (void)state;
    assert_ok(redis_server_start(NULL, &s));
    c = redis_server_connect(&s);
    assert_non_null(c);
    assert_int_equal(REDIS_OK, redisSetTimeout(c, brief));
    redis_server_pause(&s);
    assert_null(redisCommand(c, "PING"));
    redisFree(c);
    redis_server_resume(&s);
    assert_true(redis_server_does(&s, "PING"));
    redis_server_pause(&s);
    redis_server_done(&s); /* also from there */
    reply = redis_server_connect(&s);
    assert_null(reply);
}

static void
a_server_that_asks_for_a_password_counts_as_started(void **state)
{
    struct redis_server_opts opts = {.config = "requirepass sesame"};
    struct redis_server s = {0};

    (void)state;
    assert_ok(redis_server_start(&opts, &s));
    assert_false(redis_server_does(&s, "GET key"));
    assert_true(redis_server_does(&s, "AUTH sesame"));
    redis_server_done(&s);
}

static void
a_server_with_a_bad_configuration_does_not_start(void **state)
{
    struct redis_server_opts opts = {.config = "no-such-word 1"};
    struct redis_server s = {0};

    (void)state;
    assert_err(ERR_UNAVAIL, redis_server_start(&opts, &s));
    assert_int_equal(0, s.pid);
}

static void
a_sentinel_starts_too(void **state)
{
    struct redis_server_opts opts = {.has_tcp = true, .is_sentinel = true};
    struct redis_server s = {0};

    (void)state;
    assert_ok(redis_server_start(&opts, &s));
    assert_true(redis_server_does(&s, "SENTINEL masters"));
    assert_false(redis_server_does(&s, "SET key 1"));
    redis_server_done(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_server_answers_and_leaves_nothing),
    cmocka_unit_test(a_server_restarts_empty_at_the_same_addresses),
    cmocka_unit_test(a_paused_server_does_not_answer_until_it_is_resumed),
    cmocka_unit_test(a_server_that_asks_for_a_password_counts_as_started),
    cmocka_unit_test(a_server_with_a_bad_configuration_does_not_start),
    cmocka_unit_test(a_sentinel_starts_too),
};

int
main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
