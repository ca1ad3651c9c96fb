/* SPDX-License-Identifier: Apache-2.0 */
/* The link and real Sentinels: a master and a replica behind a password that only servers ask for,
 * and a Sentinel that may decide alone. */
#include "testing.h"

#include "redis_server.h"

#include "base/clock.h"
#include "redis/link.h"
#include "redis/sentinel.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVERS = 2, WAIT_MS = 60000, POLL_US = 20000 };

/* Servers 0 and 1; who is the master changes. One set for all tests: a fail-over takes seconds. */
static struct redis_server servers[SERVERS], sentinel;

/* ---- the servers ---- */

/* Whether the answer to `question` has `part` in it. */
static bool
says(const struct redis_server *s, const char *question, const char *part)
{
    redisContext *c = redis_server_connect(s);
    redisReply *reply = NULL;
    bool does = false;

    if (c != NULL && !s->is_sentinel)
        freeReplyObject(redisCommand(c, "AUTH sesame"));
    if (c != NULL)
        reply = redisCommand(c, question);
    if (reply != NULL && reply->type != REDIS_REPLY_ARRAY && reply->str != NULL)
        does = strstr(reply->str, part) != NULL;
    freeReplyObject(reply);
    if (c != NULL)
        redisFree(c);
    return does;
}

static bool
comes_to_say(const struct redis_server *s, const char *question, const char *part)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;

    while (!says(s, question, part)) {
        if (clock_mono_ms() > until_ms)
            return false;
        (void)usleep(POLL_US);
    }
    return true;
}

static enum err
start_all(void)
{
    struct redis_server_opts opts = {.has_tcp = true};
    char config[512];
    enum err e;

    opts.config = "requirepass sesame\nmasterauth sesame\nrepl-diskless-sync-delay 0";
    e = redis_server_start(&opts, &servers[0]);
    if (e != ERR_OK)
        return e;
    (void)snprintf(config, sizeof(config), "%s\nreplicaof 127.0.0.1 %u", opts.config,
                   servers[0].port);
    opts.config = config;
    e = redis_server_start(&opts, &servers[1]);
    if (e != ERR_OK)
        return e;
    (void)snprintf(config, sizeof(config),
                   "sentinel monitor main 127.0.0.1 %u 1\nsentinel auth-pass main sesame\n"
                   "sentinel down-after-milliseconds main 1000\n"
                   "sentinel failover-timeout main 5000",
                   servers[0].port);
    opts.is_sentinel = true;
    return redis_server_start(&opts, &sentinel);
}

static int
start(void **state)
{
    (void)state;
    if (start_all() == ERR_OK &&
        comes_to_say(&servers[1], "INFO replication", "master_link_status:up") &&
        comes_to_say(&sentinel, "INFO sentinel", "slaves=1"))
        return 0;
    (void)fprintf(stderr, "no Sentinel: %s\n", err_sentence());
    return -1;
}

static int
end(void **state)
{
    (void)state;
    redis_server_done(&sentinel);
    for (size_t i = 0; i < SERVERS; i++)
        redis_server_done(&servers[i]);
    return 0;
}

/* ---- the link ---- */

static struct rd_url
url_of(uint16_t sentinel_port)
{
    struct rd_url url = {.n_hosts = 1, .is_sentinel = true};

    (void)snprintf(url.hosts[0].name, sizeof(url.hosts[0].name), "127.0.0.1");
    url.hosts[0].port = sentinel_port;
    (void)snprintf(url.service, sizeof(url.service), "main");
    (void)snprintf(url.password, sizeof(url.password), "sesame");
    return url;
}

static enum err
open_url(const struct rd_url *url, struct rd_link **ret_link)
{
    return rd_link_open(&(struct rd_link_opts){.url = url}, ret_link);
}

static enum err
set(struct rd_link *l, const char *key, const char *value)
{
    const char *argv[] = {"SET", key, value};
    size_t lens[] = {3, strlen(key), strlen(value)};
    redisReply *reply = NULL;
    enum err e;

    e = rd_link_call(l,
                     &(struct rd_command){
                         .argc = 3, .argv = argv, .lens = lens, .i_key = 1, .is_idempotent = true},
                     &reply);
    freeReplyObject(reply);
    return e;
}

static enum err
set_within(struct rd_link *l, const char *key, const char *value)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    enum err e;

    while ((e = set(l, key, value)) == ERR_UNAVAIL && clock_mono_ms() < until_ms)
        (void)usleep(POLL_US);
    return e;
}

/* ---- what a Sentinel says ---- */

static redisReply *
parse(const char *text)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    assert_non_null(reader);
    assert_int_equal(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    redisReaderFree(reader);
    return reply;
}

static enum err
read_reply(const char *text, struct rd_host *master)
{
    redisReply *reply = parse(text);
    enum err e = rd_sentinel_read(reply, master);

    freeReplyObject(reply);
    return e;
}

static void
sentinel_names_host_and_port(void **state)
{
    struct rd_host host;

    (void)state;
    assert_ok(read_reply("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n", &host));
    assert_string_equal(host.name, "127.0.0.1");
    assert_int_equal(host.port, 6379);
    assert_ok(read_reply("*2\r\n$3\r\n::1\r\n$5\r\n65535\r\n", &host));
    assert_string_equal(host.name, "::1");
    assert_int_equal(host.port, 65535);
}

static void
what_names_no_server_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err e;
    } bad[] = {
        {"*-1\r\n", ERR_UNAVAIL}, /* it does not know the service */
        {"$-1\r\n", ERR_UNAVAIL},
        {"*2\r\n$1\r\n?\r\n$1\r\n1\r\n", ERR_UNAVAIL},
        {"-NOAUTH Authentication required.\r\n", ERR_UNAVAIL},
        {"-ERR unknown command\r\n", ERR_INTEGRITY}, /* no Sentinel */
        {"+OK\r\n", ERR_INTEGRITY},
        {"*0\r\n", ERR_INTEGRITY},
        {"*1\r\n$1\r\na\r\n", ERR_INTEGRITY},
        {"*3\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\n1\r\n", ERR_INTEGRITY},
        {"*2\r\n$1\r\na\r\n:1\r\n", ERR_INTEGRITY},
        {"*2\r\n$-1\r\n$1\r\n1\r\n", ERR_INTEGRITY},
        {"*2\r\n$1\r\na\r\n$1\r\n0\r\n", ERR_INTEGRITY},
        {"*2\r\n$1\r\na\r\n$5\r\n65536\r\n", ERR_INTEGRITY},
        {"*2\r\n$1\r\na\r\n$2\r\n1 \r\n", ERR_INTEGRITY},
        {"*2\r\n$0\r\n\r\n$1\r\n1\r\n", ERR_INTEGRITY},
        {"*2\r\n$3\r\na b\r\n$1\r\n1\r\n", ERR_INTEGRITY},
    };
    struct rd_host host = {.name = "same", .port = 7};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_err(bad[i].e, read_reply(bad[i].text, &host));
    assert_string_equal(host.name, "same");
    assert_int_equal(host.port, 7);
}

/* ---- opening ---- */

static void
link_opens_at_the_master(void **state)
{
    struct rd_url url = url_of(sentinel.port);
    struct rd_link *l = NULL;

    (void)state;
    assert_ok(open_url(&url, &l));
    assert_false(rd_link_is_cluster(l));
    assert_ok(set(l, "opened", "yes"));
    assert_true(says(&servers[0], "GET opened", "yes"));
    rd_link_free(l);
}

static void
sentinel_that_is_away_is_passed_over(void **state)
{
    struct rd_url url = url_of(1); /* nobody is there */
    struct rd_link *l = NULL;

    (void)state;
    assert_err(ERR_UNAVAIL, open_url(&url, &l));
    url.hosts[1] = url.hosts[0];
    url.hosts[1].port = sentinel.port;
    url.n_hosts = 2;
    assert_ok(open_url(&url, &l));
    assert_ok(set(l, "passed", "yes"));
    rd_link_free(l);
}

static void
service_or_password_that_is_wrong_ends_the_start(void **state)
{
    struct rd_url url = url_of(sentinel.port);
    struct rd_link *l = NULL;

    (void)state;
    (void)snprintf(url.service, sizeof(url.service), "other");
    assert_err(ERR_UNAVAIL, open_url(&url, &l));
    assert_non_null(strstr(err_sentence(), "service"));
    url = url_of(sentinel.port);
    (void)snprintf(url.password, sizeof(url.password), "guess");
    assert_err(ERR_DENIED, open_url(&url, &l));
    assert_null(strstr(err_sentence(), "guess"));
    url = url_of(servers[0].port); /* no Sentinel */
    assert_err(ERR_UNAVAIL, open_url(&url, &l));
}

/* ---- a Sentinel that lags behind ---- */

struct liar {
    int fd;
    uint16_t port, named; /* whom it names */
    pthread_t thread;
};

/* Answers everybody once, until its socket is shut. */
static void *
lie(void *arg)
{
    struct liar *liar = arg;
    char text[64], asked[256];
    int len, fd;

    len = snprintf(text, sizeof(text), "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05u\r\n", liar->named);
    while ((fd = accept(liar->fd, NULL, NULL)) >= 0) {
        if (recv(fd, asked, sizeof(asked), 0) > 0)
            (void)!send(fd, text, (size_t)len, MSG_NOSIGNAL);
        (void)close(fd);
    }
    return NULL;
}

static void
start_liar(struct liar *liar, uint16_t named)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);

    liar->named = named;
    liar->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(liar->fd >= 0);
    assert_int_equal(0, bind(liar->fd, (struct sockaddr *)&sa, len));
    assert_int_equal(0, listen(liar->fd, 8));
    assert_int_equal(0, getsockname(liar->fd, (struct sockaddr *)&sa, &len));
    liar->port = ntohs(sa.sin_port);
    assert_int_equal(0, pthread_create(&liar->thread, NULL, lie, liar));
}

static void
end_liar(struct liar *liar)
{
    (void)shutdown(liar->fd, SHUT_RDWR);
    (void)pthread_join(liar->thread, NULL);
    (void)close(liar->fd);
}

static void
replica_that_a_sentinel_names_is_not_taken(void **state)
{
    struct liar liar;
    struct rd_link *l = NULL;
    struct rd_url url;

    (void)state;
    start_liar(&liar, servers[1].port);
    url = url_of(liar.port);
    assert_err(ERR_UNAVAIL, open_url(&url, &l));
    url.hosts[1] = url.hosts[0];
    url.hosts[1].port = sentinel.port;
    url.n_hosts = 2;
    assert_ok(open_url(&url, &l));
    assert_ok(set(l, "lied", "no"));
    assert_true(says(&servers[0], "GET lied", "no"));
    rd_link_free(l);
    end_liar(&liar);
}

/* ---- fail-overs ---- */

static void
calls_go_on_at_the_new_master_after_a_fail_over(void **state)
{
    struct rd_url url = url_of(sentinel.port);
    struct rd_link *l = NULL;

    (void)state;
    assert_ok(open_url(&url, &l));
    assert_ok(set(l, "before", "1"));
    redis_server_kill(&servers[0]);
    assert_err(ERR_UNAVAIL, set(l, "between", "1"));
    assert_ok(set_within(l, "after", "1"));
    assert_true(says(&servers[1], "INFO replication", "role:master"));
    assert_true(says(&servers[1], "GET after", "1"));

    /* The old master comes back as one, until it is told that it is a replica. */
    assert_ok(redis_server_restart(&servers[0]));
    assert_ok(set(l, "later", "1"));
    assert_true(says(&servers[1], "GET later", "1"));
    assert_true(comes_to_say(&servers[0], "INFO replication", "master_link_status:up"));
    rd_link_free(l);
}

static void
master_that_is_demoted_is_left_for_the_new_one(void **state)
{
    struct rd_url url = url_of(sentinel.port);
    struct rd_link *l = NULL;
    const struct redis_server *next;

    (void)state;
    next = says(&servers[0], "INFO replication", "role:master") ? &servers[1] : &servers[0];
    assert_ok(open_url(&url, &l));
    assert_ok(set(l, "before", "2"));
    assert_true(comes_to_say(&sentinel, "SENTINEL FAILOVER main", "OK"));
    assert_true(comes_to_say(next, "INFO replication", "role:master"));
    assert_ok(set_within(l, "demoted", "2"));
    assert_true(comes_to_say(&servers[next == &servers[0]], "INFO replication", "role:slave"));
    assert_ok(set_within(l, "again", "2"));
    assert_true(says(next, "GET again", "2"));
    rd_link_free(l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentinel_names_host_and_port),
        cmocka_unit_test(what_names_no_server_is_refused),
        cmocka_unit_test(link_opens_at_the_master),
        cmocka_unit_test(sentinel_that_is_away_is_passed_over),
        cmocka_unit_test(service_or_password_that_is_wrong_ends_the_start),
        cmocka_unit_test(replica_that_a_sentinel_names_is_not_taken),
        cmocka_unit_test(calls_go_on_at_the_new_master_after_a_fail_over),
        cmocka_unit_test(master_that_is_demoted_is_left_for_the_new_one),
    };

    return cmocka_run_group_tests(tests, start, end);
}
