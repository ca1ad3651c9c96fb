/* SPDX-License-Identifier: Apache-2.0 */
/* A server that goes away and comes back, and a link that cannot be opened: nobody waits for long,
 * and what is said of it is said once. */
#include "link_fixture.h"

static void
a_server_that_serves_nobody_is_left_alone_until_it_does(void **state)
{
    static const struct {
        const char *text, *info;
    } cases[] = {
        {"-LOADING Redis is loading\r\n", "redis_version:7.0.0\r\nrole:master\r\nloading:1\r\n"},
        {"-READONLY You can't write\r\n", "redis_version:7.0.0\r\nrole:slave\r\nloading:0\r\n"},
        {"-MASTERDOWN Link is down\r\n", "redis_version:7.0.0\r\nrole:slave\r\nloading:0\r\n"},
    };
    struct fixture *f = *state;
    int n_greetings;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        behave(f, FAKE_TEXT, cases[i].text);
        f->fake.info = cases[i].info;
        assert_err(ERR_UNAVAIL, echo_once(f->link, "x"));
        n_greetings = f->fake.n_greetings;
        f->fake.manner = FAKE_ECHO;
        for (int k = 0; k < 300 && f->fake.n_greetings < n_greetings + 4; k++)
            (void)poll(NULL, 0, 10); /* it is looked at twice, and found as it was */
        assert_true(f->fake.n_greetings >= n_greetings + 4);
        (void)time_away(f->link, 5);
        assert_int_equal(1, f->fake.n_commands);
        f->fake.info = FAKE_INFO;
        await_back(f->link);
    }
}

/* ---- the log ---- */

static int
count_in(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

static void
going_and_coming_back_are_one_line_each(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/mayfly-log-XXXXXX", text[8192];
    int file = mkstemp(path), old = dup(STDERR_FILENO);
    ssize_t len;

    assert_true(file >= 0 && old >= 0);
    (void)unlink(path);
    log_set_level(LOG_INFO);
    (void)dup2(file, STDERR_FILENO);
    behave(f, FAKE_TEXT, "-READONLY upload:{secret}\r\n");
    (void)echo(f->link, "x");
    (void)time_away(f->link, 50);
    f->fake.manner = FAKE_ECHO;
    await_back(f->link);
    for (int i = 0; i < 50; i++)
        assert_ok(echo(f->link, "back"));
    (void)dup2(old, STDERR_FILENO);
    log_set_level(LOG_OFF);
    (void)close(old);
    len = pread(file, text, sizeof(text) - 1, 0);
    (void)close(file);
    assert_true(len > 0);
    text[len] = '\0';
    assert_int_equal(2, count_in(text, "\n"));
    assert_int_equal(1, count_in(text, "\"event\":\"redis_away\""));
    assert_int_equal(1, count_in(text, "\"reason\":\"READONLY\""));
    assert_int_equal(1, count_in(text, "\"event\":\"redis_back\""));
    assert_int_equal(2, count_in(text, "\"server\":\"unix:/tmp/mayfly-fake-"));
    assert_int_equal(0, count_in(text, "secret"));
}

/* ---- many threads ---- */

enum { THREADS = 12 };

struct caller {
    pthread_t thread;
    struct rd_link *link;
    int id;
    int64_t longest_ms;
    int n_ok, n_away, n_wrong;
};

static void *
call_for_a_while(void *arg)
{
    struct caller *c = arg;
    int64_t began_ms, ms, until_ms = clock_mono_ms() + 2500;
    char word[32];
    redisReply *reply;
    struct words w;
    enum err e;

    for (int i = 0; clock_mono_ms() < until_ms; i++) {
        (void)snprintf(word, sizeof(word), "%d-%d", c->id, i);
        reply = NULL;
        began_ms = clock_mono_ms();
        e = rd_link_call(c->link, words_of(&w, i % 2 == 0, "GET", word, NULL, NULL), &reply);
        ms = clock_mono_ms() - began_ms;
        c->longest_ms = ms > c->longest_ms ? ms : c->longest_ms;
        if (e == ERR_OK && reply->str != NULL && strcmp(reply->str, word) == 0)
            c->n_ok++;
        else if (e == ERR_UNAVAIL)
            c->n_away++;
        else
            c->n_wrong++;
        freeReplyObject(reply);
        if (e != ERR_OK)
            (void)poll(NULL, 0, 1);
    }
    return NULL;
}

/* While 12 threads call, the server falls silent, answers late, and drops its connections. */
static void
no_thread_waits_longer_or_gets_anothers_reply(void **state)
{
    struct fixture *f = *state;
    struct caller callers[THREADS];

    memset(callers, 0, sizeof(callers));
    for (int i = 0; i < THREADS; i++) {
        callers[i].link = f->link;
        callers[i].id = i;
        assert_int_equal(0,
                         pthread_create(&callers[i].thread, NULL, call_for_a_while, &callers[i]));
    }
    (void)poll(NULL, 0, 200);
    f->fake.manner = FAKE_SILENT_ALL;
    (void)poll(NULL, 0, 1200);
    f->fake.manner = FAKE_ECHO;
    for (int i = 0; i < 20; i++) {
        (void)poll(NULL, 0, 50);
        fake_drop(&f->fake);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(callers[i].thread, NULL);
        assert_int_equal(0, callers[i].n_wrong);
        assert_true(callers[i].n_ok > 0);
        assert_true(callers[i].n_away > 0);
        assert_in_range(callers[i].longest_ms, 0, LIMIT_MS);
    }
    await_back(f->link);
}

struct late_caller {
    pthread_t thread;
    struct rd_link *link;
    enum err e;
    _Atomic bool is_over;
};

static void *
call_once(void *arg)
{
    struct late_caller *c = arg;
    redisReply *reply = NULL;
    struct words w;

    c->e = rd_link_call(c->link, words_of(&w, true, "GET", "x", NULL, NULL), &reply);
    freeReplyObject(reply);
    c->is_over = true;
    return NULL;
}

/* Seen by the teardown, which counts open files. */
static void
what_lies_idle_is_closed_when_the_server_goes_away(void **state)
{
    struct fixture *f = *state;
    struct late_caller callers[3];

    f->fake.manner = FAKE_LATE;
    f->fake.delay_ms = 100;
    for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
        callers[i] = (struct late_caller){.link = f->link};
        assert_int_equal(0, pthread_create(&callers[i].thread, NULL, call_once, &callers[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
        (void)pthread_join(callers[i].thread, NULL);
        assert_int_equal(ERR_OK, callers[i].e);
    }
    assert_in_range(f->fake.n_conns, 2, 3);
    f->fake.manner = FAKE_SILENT_ALL;
    assert_err(ERR_UNAVAIL, echo(f->link, "x"));
    f->fake.manner = FAKE_ECHO;
    await_back(f->link);
}

static void
who_fails_late_does_not_send_away_a_server_that_is_back(void **state)
{
    struct fixture *f = *state;
    struct late_caller first = {.link = f->link}, second = {.link = f->link};
    int n_ok = 0;

    f->fake.manner = FAKE_SILENT; /* but it greets */
    assert_int_equal(0, pthread_create(&first.thread, NULL, call_once, &first));
    (void)poll(NULL, 0, 500);
    assert_int_equal(0, pthread_create(&second.thread, NULL, call_once, &second));
    (void)pthread_join(first.thread, NULL);
    f->fake.manner = FAKE_ECHO;
    await_back(f->link);
    while (!second.is_over) {
        assert_ok(echo(f->link, "back"));
        n_ok++;
    }
    (void)pthread_join(second.thread, NULL);
    assert_ok(echo(f->link, "still"));
    assert_int_equal(ERR_UNAVAIL, first.e);
    assert_int_equal(ERR_UNAVAIL, second.e);
    assert_true(n_ok > 0);
}

/* ---- open and free ---- */

static void
an_open_that_must_fail_says_why(void **state)
{
    static const struct {
        const char *info;
        enum err e;
        const char *sentence;
    } cases[] = {
        {"redis_version:5.0.14\r\nrole:master\r\n", ERR_UNAVAIL, "Redis 5 is older than 6"},
        {"redis_version:7.0.0\r\nrole:slave\r\n", ERR_UNAVAIL, "Redis is a replica"},
        {"redis_version:7.0.0\r\nrole:master\r\nloading:1\r\n", ERR_UNAVAIL,
         "Redis is loading its data"},
        {"hello", ERR_UNAVAIL, "what answers is no Redis"},
    };
    struct fixture *f = *state;
    struct rd_link *other = NULL;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        f->fake.info = cases[i].info;
        assert_err(cases[i].e, open_unix(f->fake.path, &other));
        assert_string_equal(cases[i].sentence, err_sentence());
        assert_null(other);
    }
    f->fake.info = "redis_version:6.0.0\r\nrole:master\r\n";
    assert_ok(open_unix(f->fake.path, &other));
    rd_link_free(other);
}

static void
a_refused_login_is_told_without_the_password(void **state)
{
    static const struct {
        const char *auth, *url;
        enum err e;
    } cases[] = {
        {"-WRONGPASS invalid username-password pair\r\n", "unix://:hunter2@%s", ERR_DENIED},
        {"-ERR AUTH <password> called without any password configured for the default user\r\n",
         "unix://me:hunter2@%s", ERR_DENIED},
        {"-LOADING later\r\n", "unix://me:hunter2@%s", ERR_UNAVAIL},
        {"-ERR DB index is out of range hunter2\r\n", "unix://%s?db=7", ERR_UNSUPPORTED},
        {"$7\r\nhunter2\r\n", "unix://me:hunter2@%s", ERR_UNAVAIL},
    };
    struct fixture *f = *state;
    struct rd_link *other = NULL;
    char url[256];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *head = cases[i].url, *at = strstr(head, "%s");

        (void)snprintf(url, sizeof(url), "%.*s%s%s", (int)(at - head), head, f->fake.path, at + 2);
        f->fake.auth = cases[i].auth;
        assert_err(cases[i].e, open_url(url, NULL, &other));
        assert_null(strstr(err_sentence(), "hunter2"));
    }
}

static void
an_open_that_gets_no_answer_is_over_soon(void **state)
{
    struct fixture *f = *state;
    struct rd_link *other = NULL;
    int64_t began_ms = clock_mono_ms();

    f->fake.manner = FAKE_SILENT_ALL;
    assert_err(ERR_UNAVAIL, open_unix(f->fake.path, &other));
    assert_in_range(clock_mono_ms() - began_ms, 0, LIMIT_MS);
    assert_err(ERR_UNAVAIL, open_unix("/tmp/mayfly-there-is-no-such-socket", &other));
}

static void
a_link_to_a_silent_server_is_freed_soon(void **state)
{
    struct fixture *f = *state;
    int64_t began_ms;

    behave(f, FAKE_SILENT_ALL, NULL);
    assert_err(ERR_UNAVAIL, echo(f->link, "x"));
    (void)poll(NULL, 0, RD_RETRY_MS + 50); /* it is being tried */
    began_ms = clock_mono_ms();
    rd_link_free(f->link);
    f->link = NULL;
    assert_in_range(clock_mono_ms() - began_ms, 0, 2 * RD_CONNECT_MS + SLACK_MS);
    rd_link_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_server_that_serves_nobody_is_left_alone_until_it_does,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(going_and_coming_back_are_one_line_each, setup, teardown),
        cmocka_unit_test_setup_teardown(no_thread_waits_longer_or_gets_anothers_reply, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_lies_idle_is_closed_when_the_server_goes_away, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_fails_late_does_not_send_away_a_server_that_is_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_open_that_must_fail_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_login_is_told_without_the_password, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_open_that_gets_no_answer_is_over_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_to_a_silent_server_is_freed_soon, setup, teardown),
    };

    log_set_level(LOG_OFF);
    return cmocka_run_group_tests_name("redis away", tests, NULL, NULL);
}
