/* SPDX-License-Identifier: Apache-2.0 */
/* The link to a real redis-server: how it is reached and who may, and what happens when it hangs,
 * restarts, refuses, or is promoted. */
#include "../dial/certs.h"
#include "redis_calls.h"
#include "redis_server.h"

#include "base/log.h"
#include "redis/look.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

struct fixture {
    struct redis_server server;
    struct rd_link *link;
};

static int
setup(void **state)
{
    struct redis_server_opts opts = {.has_tcp = true};
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    assert_ok(redis_server_start(&opts, &f->server));
    assert_ok(open_unix(f->server.unix_path, &f->link));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    rd_link_free(f->link);
    redis_server_done(&f->server);
    free(f);
    return 0;
}

static enum err
set(struct rd_link *l, const char *key, const char *value)
{
    return call(l, true, "OK", "SET", key, value, NULL);
}

static enum err
get(struct rd_link *l, const char *key, const char *want)
{
    return call(l, true, want, "GET", key, NULL, NULL);
}

/* ---- the ways to it ---- */

static void
it_is_reached_over_a_socket_and_over_tcp(void **state)
{
    struct fixture *f = *state;
    struct rd_link *tcp = NULL, *second = NULL;
    char url[128];

    assert_false(rd_link_is_cluster(f->link));
    assert_ok(set(f->link, "key", "value"));
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u", f->server.port);
    assert_ok(open_url(url, NULL, &tcp));
    assert_ok(get(tcp, "key", "value"));
    /* the first of several that serves */
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:1,localhost:%u", f->server.port);
    assert_ok(open_url(url, NULL, &second));
    assert_ok(get(second, "key", "value"));
    rd_link_free(second);
    rd_link_free(tcp);
    assert_err(ERR_UNAVAIL, open_url("redis://127.0.0.1:1", NULL, &tcp));
    assert_err(ERR_UNAVAIL, open_url("redis://name.invalid", NULL, &tcp));
}

static void
a_database_has_keys_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct rd_link *third = NULL, *none = NULL;
    char url[192];

    (void)snprintf(url, sizeof(url), "unix://%s?db=3", f->server.unix_path);
    assert_ok(open_url(url, NULL, &third));
    assert_ok(set(third, "key", "three"));
    assert_ok(set(f->link, "key", "zero"));
    assert_ok(get(third, "key", "three"));
    rd_link_free(third);
    (void)snprintf(url, sizeof(url), "unix://%s?db=16", f->server.unix_path);
    assert_err(ERR_UNSUPPORTED, open_url(url, NULL, &none));
}

static void
open_as(const struct fixture *f, const char *login, enum err want)
{
    struct rd_link *l = NULL;
    char url[256];

    (void)snprintf(url, sizeof(url), "unix://%s%s", login, f->server.unix_path);
    assert_err(want, open_url(url, NULL, &l));
    if (want == ERR_OK)
        assert_ok(set(l, "key", "value"));
    rd_link_free(l);
}

static void
it_is_opened_with_the_right_login_only(void **state)
{
    struct fixture *f = *state;

    assert_true(redis_server_does(&f->server, "ACL SETUSER mayfly on >s3cret ~* &* +@all"));
    assert_true(redis_server_does(&f->server, "ACL SETUSER mute on >s3cret ~* -@all"));
    open_as(f, "mayfly:s3cret@", ERR_OK);
    open_as(f, "mayfly:wrong@", ERR_DENIED);
    assert_null(strstr(err_sentence(), "wrong"));
    open_as(f, "nobody:s3cret@", ERR_DENIED);
    open_as(f, "mute:s3cret@", ERR_DENIED);
    open_as(f, ":s3cret@", ERR_DENIED); /* the default user has none */
    assert_true(redis_server_does(&f->server, "CONFIG SET requirepass 0ther"));
    open_as(f, ":0ther@", ERR_OK);
    open_as(f, ":s3cret@", ERR_DENIED);
    open_as(f, "", ERR_DENIED);
    open_as(f, "default:0ther@", ERR_OK);
}

static void
what_a_user_may_not_do_is_refused_for_now(void **state)
{
    struct fixture *f = *state;
    struct rd_link *l = NULL;
    char url[256];

    assert_true(redis_server_does(&f->server, "ACL SETUSER mayfly on >p ~mine* +ping +info +get"));
    (void)snprintf(url, sizeof(url), "unix://mayfly:p@%s", f->server.unix_path);
    assert_ok(open_url(url, NULL, &l));
    assert_ok(call(l, true, NULL, "GET", "mine", NULL, NULL));
    assert_err(ERR_UNAVAIL, call(l, true, NULL, "GET", "yours", NULL, NULL));
    assert_string_equal("Redis says NOPERM", err_sentence());
    assert_err(ERR_UNAVAIL, call(l, true, NULL, "SET", "mine", "x", NULL));
    assert_ok(call(l, true, NULL, "GET", "mine", NULL, NULL));
    rd_link_free(l);
}

static enum err
look_closed(const struct redis_server *s)
{
    const struct rd_login login = {.user = "", .password = "s3cret"};
    struct dial_addr addr;

    assert_ok(dial_unix_addr(s->unix_path, &addr));
    return rd_look_closed(&login, &addr, "", clock_mono_ms() + 2000);
}

static void
whether_it_serves_strangers_is_seen(void **state)
{
    struct fixture *f = *state;

    assert_err(ERR_DENIED, look_closed(&f->server));
    assert_true(redis_server_does(&f->server, "ACL SETUSER default nopass -@all +exists"));
    assert_err(ERR_DENIED, look_closed(&f->server)); /* not all of it, but our keys */
    assert_true(redis_server_does(&f->server, "EXISTS x"));
}

static void
who_must_log_in_is_no_stranger(void **state)
{
    struct redis_server_opts opts = {.config = "requirepass s3cret"};
    struct redis_server server = {0};

    (void)state;
    assert_ok(redis_server_start(&opts, &server));
    assert_ok(look_closed(&server));
    redis_server_kill(&server);
    assert_err(ERR_UNAVAIL, look_closed(&server));
    redis_server_done(&server);
}

/* ---- TLS ---- */

struct tls_files {
    char ca[96], other_ca[96], cert[96], key[96];
};

static void
save_key(const struct identity *id, const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(1, PEM_write_PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL));
    assert_int_equal(0, fclose(f));
}

static void
make_files(const char *dir, struct tls_files *files)
{
    struct identity ca = identity_new(&(struct cert_spec){.name = "ca", .is_ca = true});
    struct identity other = identity_new(&(struct cert_spec){.name = "other ca", .is_ca = true});
    struct identity server =
        identity_new(&(struct cert_spec){.name = "server", .san = "DNS:localhost", .issuer = &ca});

    (void)snprintf(files->ca, sizeof(files->ca), "%s/ca.pem", dir);
    (void)snprintf(files->other_ca, sizeof(files->other_ca), "%s/other.pem", dir);
    (void)snprintf(files->cert, sizeof(files->cert), "%s/cert.pem", dir);
    (void)snprintf(files->key, sizeof(files->key), "%s/key.pem", dir);
    identity_save(&ca, files->ca);
    identity_save(&other, files->other_ca);
    identity_save(&server, files->cert);
    save_key(&server, files->key);
    identity_free(&server);
    identity_free(&other);
    identity_free(&ca);
}

static void
remove_files(const char *dir, const struct tls_files *files)
{
    (void)unlink(files->ca);
    (void)unlink(files->other_ca);
    (void)unlink(files->cert);
    (void)unlink(files->key);
    (void)rmdir(dir);
}

static void
over_tls_it_is_reached_when_it_is_the_right_one(void **state)
{
    struct redis_server_opts opts = {.has_tls = true, .has_tcp = true};
    struct redis_server server = {0};
    struct rd_link *l = NULL, *other = NULL;
    char dir[] = "/tmp/mayfly-certs-XXXXXX", config[512], url[64];
    struct tls_files files;

    (void)state;
    assert_non_null(mkdtemp(dir));
    make_files(dir, &files);
    (void)snprintf(config, sizeof(config),
                   "tls-cert-file %s\ntls-key-file %s\ntls-ca-cert-file %s\ntls-auth-clients no",
                   files.cert, files.key, files.ca);
    opts.config = config;
    assert_ok(redis_server_start(&opts, &server));

    (void)snprintf(url, sizeof(url), "rediss://localhost:%u", server.tls_port);
    assert_ok(open_url(url, files.ca, &l));
    for (int i = 0; i < 50; i++)
        assert_ok(set(l, "key", "value"));
    assert_true(redis_server_does(&server, "CLIENT KILL TYPE normal"));
    assert_ok(call(l, false, "value", "GET", "key", NULL, NULL));
    assert_err(ERR_DENIED, open_url(url, files.other_ca, &other));
    assert_err(ERR_NOTFOUND, open_url(url, "/tmp/mayfly-no-such-file", &other));
    assert_err(ERR_SYNTAX, open_url(url, files.key, &other));
    (void)snprintf(url, sizeof(url), "rediss://127.0.0.1:%u", server.tls_port); /* not its name */
    assert_err(ERR_DENIED, open_url(url, files.ca, &other));
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u", server.tls_port);
    assert_err(ERR_UNAVAIL, open_url(url, NULL, &other));
    (void)snprintf(url, sizeof(url), "rediss://localhost:%u", server.port);
    assert_true(open_url(url, files.ca, &other) != ERR_OK);

    rd_link_free(l);
    redis_server_done(&server);
    remove_files(dir, &files);
}

/* ---- it goes and comes ---- */

static void
a_server_that_hangs_costs_one_time_limit_and_comes_back(void **state)
{
    struct fixture *f = *state;
    int64_t began_ms, hang_ms;

    assert_ok(set(f->link, "back", "x"));
    redis_server_pause(&f->server);
    began_ms = clock_mono_ms();
    assert_err(ERR_UNAVAIL, set(f->link, "key", "hung"));
    hang_ms = clock_mono_ms() - began_ms;
    assert_in_range(hang_ms, RD_CALL_MS - 1, LIMIT_MS);
    assert_in_range(time_away(f->link, 100), 0, hang_ms / 2);
    (void)poll(NULL, 0, 300);
    assert_in_range(time_away(f->link, 100), 0, hang_ms / 2);
    redis_server_resume(&f->server);
    await_back(f->link);
    assert_ok(
        get(f->link, "key", "hung")); /* which is why a lost reply may mean that it was done */
    for (int i = 0; i < 100; i++)
        assert_ok(set(f->link, "key", i % 2 == 0 ? "even" : "odd"));
}

static void
a_restart_between_calls_is_not_noticed(void **state)
{
    struct fixture *f = *state;

    assert_ok(set(f->link, "key", "value"));
    assert_ok(redis_server_restart(&f->server));
    assert_ok(call(f->link, false, NULL, "INCR", "n", NULL, NULL));
    assert_ok(call(f->link, false, NULL, "GET", "key", NULL, NULL));
}

static void
a_server_that_ended_is_away_until_it_runs(void **state)
{
    struct fixture *f = *state;

    assert_ok(set(f->link, "key", "value"));
    redis_server_kill(&f->server);
    assert_in_range(time_away(f->link, 200), 0, RD_CALL_MS);
    assert_ok(redis_server_restart(&f->server));
    await_back(f->link);
}

static void
a_password_that_changed_is_noticed_when_connecting(void **state)
{
    struct redis_server_opts opts = {.config = "requirepass s3cret"};
    struct redis_server server = {0};
    struct rd_link *l = NULL;
    redisContext *c;
    char url[192];

    (void)state;
    assert_ok(redis_server_start(&opts, &server));
    (void)snprintf(url, sizeof(url), "unix://:s3cret@%s", server.unix_path);
    assert_ok(open_url(url, NULL, &l));
    assert_ok(set(l, "key", "value"));
    c = redis_server_connect(&server);
    assert_non_null(c);
    freeReplyObject(redisCommand(c, "AUTH s3cret"));
    freeReplyObject(redisCommand(c, "CONFIG SET requirepass changed"));
    freeReplyObject(redisCommand(c, "CLIENT KILL TYPE normal SKIPME yes"));
    assert_err(ERR_UNAVAIL, set(l, "key", "value"));
    (void)time_away(l, 10);
    freeReplyObject(redisCommand(c, "CONFIG SET requirepass s3cret"));
    redisFree(c);
    await_back(l);
    rd_link_free(l);
    redis_server_done(&server);
}

static void
a_replica_is_away_until_it_is_promoted(void **state)
{
    struct fixture *f = *state;
    struct rd_link *other = NULL;

    assert_ok(set(f->link, "key", "value"));
    assert_true(redis_server_does(&f->server, "REPLICAOF 127.0.0.1 1"));
    assert_err(ERR_UNAVAIL, set(f->link, "key", "other"));
    assert_err(ERR_UNAVAIL, get(f->link, "key", "value"));
    assert_err(ERR_UNAVAIL, open_unix(f->server.unix_path, &other));
    (void)poll(NULL, 0, 400); /* it is looked at, and still a replica */
    (void)time_away(f->link, 5);
    assert_true(redis_server_does(&f->server, "REPLICAOF NO ONE"));
    await_back(f->link);
    assert_ok(get(f->link, "key", "value"));
}

/* ---- it refuses ---- */

static void
its_refusals_are_what_they_are(void **state)
{
    static const char no_such[] = "0000000000000000000000000000000000000000";
    struct fixture *f = *state;

    assert_ok(set(f->link, "text", "x"));
    assert_err(ERR_NOTFOUND, call(f->link, true, NULL, "EVALSHA", no_such, "0", NULL));
    assert_err(ERR_INTEGRITY, call(f->link, true, NULL, "LPUSH", "text", "x", NULL));
    assert_err(ERR_INTEGRITY, call(f->link, true, NULL, "NONSENSE", NULL, NULL, NULL));
    assert_err(ERR_INTEGRITY,
               call(f->link, true, NULL, "EVAL", "return redis.call('LPOP', 'text')", "0", NULL));
    assert_err(ERR_INTEGRITY, call(f->link, true, NULL, "EVAL", "return nothing()", "0", NULL));
    assert_true(redis_server_does(&f->server, "CONFIG SET maxmemory 1"));
    assert_err(ERR_UNAVAIL, set(f->link, "text", "y"));
    assert_string_equal("Redis says OOM", err_sentence());
    assert_err(ERR_UNAVAIL, call(f->link, true, NULL, "EVAL",
                                 "return redis.call('SET', 'text', 'y')", "0", NULL));
    assert_ok(get(f->link, "text", "x")); /* reading goes on */
    assert_true(redis_server_does(&f->server, "CONFIG SET maxmemory 0"));
    assert_ok(set(f->link, "text", "y"));
}

static void
a_script_that_runs_on_makes_it_busy(void **state)
{
    struct fixture *f = *state;
    redisContext *c = redis_server_connect(&f->server);
    int done = 0;

    assert_non_null(c);
    assert_true(redis_server_does(&f->server, "CONFIG SET busy-reply-threshold 50"));
    assert_int_equal(REDIS_OK, redisAppendCommand(c, "EVAL %s 0", "while true do end"));
    while (done == 0)
        assert_int_equal(REDIS_OK, redisBufferWrite(c, &done));
    (void)poll(NULL, 0, 300);
    assert_err(ERR_UNAVAIL, get(f->link, "key", NULL));
    assert_string_equal("Redis says BUSY", err_sentence());
    assert_true(redis_server_does(&f->server, "SCRIPT KILL"));
    await_back(f->link); /* it is killed a moment later */
    redisFree(c);
}

static void
the_largest_replies_are_taken_and_larger_ones_refused(void **state)
{
    struct fixture *f = *state;

    assert_true(redis_server_does(&f->server, "SETRANGE big %d x", (1 << 20) - 64));
    assert_ok(call(f->link, true, NULL, "GET", "big", NULL, NULL));
    assert_true(redis_server_does(&f->server, "SETRANGE big %d x", 1 << 20));
    assert_err(ERR_INTEGRITY, call(f->link, true, NULL, "GET", "big", NULL, NULL));
    assert_true(redis_server_does(&f->server, "EVAL %s 0",
                                  "for i = 1, 4096 do redis.call('RPUSH', 'l', i) end"));
    assert_ok(call(f->link, true, NULL, "LRANGE", "l", "0", "-1"));
    assert_true(redis_server_does(&f->server, "RPUSH l one-more"));
    assert_err(ERR_INTEGRITY, call(f->link, true, NULL, "LRANGE", "l", "0", "-1"));
    assert_ok(call(f->link, true, "4096", "LINDEX", "l", "4095", NULL));
}

/* ---- many threads ---- */

enum { THREADS = 8 };

struct worker {
    pthread_t thread;
    struct rd_link *link;
    int id;
    int n_ok, n_away, n_wrong;
    int64_t longest_ms;
    _Atomic bool *stop;
};

/* INCR a counter of one's own: the replies count up by one, or by more where replies were lost. */
static void *
work(void *arg)
{
    struct worker *w = arg;
    char key[32];
    long long last = 0;
    redisReply *reply;
    struct words words;
    int64_t began_ms, ms;
    enum err e;

    (void)snprintf(key, sizeof(key), "counter-%d", w->id);
    while (!*w->stop) {
        reply = NULL;
        began_ms = clock_mono_ms();
        e = rd_link_call(w->link, words_of(&words, false, "INCR", key, NULL, NULL), &reply);
        ms = clock_mono_ms() - began_ms;
        w->longest_ms = ms > w->longest_ms ? ms : w->longest_ms;
        if (e == ERR_OK && reply->type == REDIS_REPLY_INTEGER && reply->integer > last)
            w->n_ok++;
        else if (e == ERR_UNAVAIL)
            w->n_away++;
        else
            w->n_wrong++;
        if (e == ERR_OK)
            last = reply->integer;
        else
            (void)poll(NULL, 0, 2);
        freeReplyObject(reply);
    }
    return NULL;
}

/* Nothing is done twice: the counter is at most what was answered and what may have been done. */
static void
assert_counted(struct rd_link *l, const struct worker *w)
{
    redisReply *reply = NULL;
    struct words words;
    char key[32];

    (void)snprintf(key, sizeof(key), "counter-%d", w->id);
    assert_ok(rd_link_call(l, words_of(&words, true, "GET", key, NULL, NULL), &reply));
    assert_non_null(reply->str);
    assert_in_range(strtoll(reply->str, NULL, 10), w->n_ok, w->n_ok + w->n_away);
    freeReplyObject(reply);
}

static void
threads_share_it_while_it_hangs_and_drops_them(void **state)
{
    struct fixture *f = *state;
    struct worker workers[THREADS];
    _Atomic bool stop = false;

    memset(workers, 0, sizeof(workers));
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.link = f->link, .id = i, .stop = &stop};
        assert_int_equal(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
    }
    (void)poll(NULL, 0, 200);
    for (int i = 0; i < 10; i++) {
        (void)redis_server_does(&f->server, "CLIENT KILL TYPE normal");
        (void)poll(NULL, 0, 30);
    }
    redis_server_pause(&f->server);
    (void)poll(NULL, 0, 1600);
    redis_server_resume(&f->server);
    await_back(f->link);
    (void)poll(NULL, 0, 200);
    stop = true;
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(0, workers[i].n_wrong);
        assert_true(workers[i].n_ok > 10);
        assert_true(workers[i].n_away > 0);
        assert_in_range(workers[i].longest_ms, 0, LIMIT_MS);
        assert_counted(f->link, &workers[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_reached_over_a_socket_and_over_tcp, setup, teardown),
        cmocka_unit_test_setup_teardown(a_database_has_keys_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_opened_with_the_right_login_only, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_user_may_not_do_is_refused_for_now, setup, teardown),
        cmocka_unit_test_setup_teardown(whether_it_serves_strangers_is_seen, setup, teardown),
        cmocka_unit_test(who_must_log_in_is_no_stranger),
        cmocka_unit_test(over_tls_it_is_reached_when_it_is_the_right_one),
        cmocka_unit_test_setup_teardown(a_server_that_hangs_costs_one_time_limit_and_comes_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_between_calls_is_not_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_that_ended_is_away_until_it_runs, setup, teardown),
        cmocka_unit_test(a_password_that_changed_is_noticed_when_connecting),
        cmocka_unit_test_setup_teardown(a_replica_is_away_until_it_is_promoted, setup, teardown),
        cmocka_unit_test_setup_teardown(its_refusals_are_what_they_are, setup, teardown),
        cmocka_unit_test_setup_teardown(a_script_that_runs_on_makes_it_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_replies_are_taken_and_larger_ones_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(threads_share_it_while_it_hangs_and_drops_them, setup,
                                        teardown),
    };

    log_set_level(LOG_OFF);
    return cmocka_run_group_tests_name("redis real", tests, NULL, NULL);
}
