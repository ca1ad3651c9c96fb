/* SPDX-License-Identifier: Apache-2.0 */
/* The link to a server that behaves badly: no call waits past its limit, no reply is taken for
 * another's, nothing is done twice that must not be. */
#include "redis_calls.h"
#include "redis_fake.h"

#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>

struct fixture {
    struct fake fake;
    struct rd_link *link;
    size_t n_files; /* open before */
};

static size_t
count_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    f->n_files = count_files();
    fake_start(&f->fake, FAKE_ECHO);
    assert_ok(open_unix(f->fake.path, &f->link));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    rd_link_free(f->link);
    fake_done(&f->fake);
    assert_int_equal(f->n_files, count_files()); /* whatever happened, all is closed */
    free(f);
    return 0;
}

/* Each behaviour below begins with a connection that lies idle and is in order. */
static void
behave(struct fixture *f, enum fake_manner manner, const char *text)
{
    assert_ok(echo(f->link, "good"));
    f->fake.text = text;
    f->fake.n_commands = 0;
    f->fake.manner = (int)manner;
}

/* ---- a good server ---- */

static void
one_connection_serves_one_thread(void **state)
{
    struct fixture *f = *state;
    char word[32];

    for (int i = 0; i < 200; i++) {
        (void)snprintf(word, sizeof(word), "word-%d", i);
        assert_ok(echo_once(f->link, word));
    }
    assert_int_equal(1, f->fake.n_conns);
    assert_int_equal(200, f->fake.n_commands);
}

static void
many_commands_get_each_its_own_reply(void **state)
{
    enum { N = 100 };
    struct fixture *f = *state;
    struct words w[N];
    struct rd_command cs[N];
    char text[N][16];
    redisReply *replies[N];
    enum err errs[N];

    for (int i = 0; i < N; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "w%d", i);
        cs[i] = *words_of(&w[i], true, "GET", text[i], NULL, NULL);
    }
    assert_ok(rd_link_calls(f->link, cs, N, errs, replies));
    for (int i = 0; i < N; i++) {
        assert_int_equal(ERR_OK, errs[i]);
        assert_string_equal(text[i], replies[i]->str);
        freeReplyObject(replies[i]);
    }
    assert_int_equal(1, f->fake.n_conns);
}

static void
arguments_and_replies_are_bytes(void **state)
{
    struct fixture *f = *state;
    const char bytes[] = "\0\r\n$-1\r\n\xff";
    const char *argv[2] = {"GET", bytes};
    size_t lens[2] = {3, sizeof(bytes)};
    struct rd_command c = {.argc = 2, .argv = argv, .lens = lens, .is_idempotent = true};
    redisReply *reply = NULL;

    assert_ok(rd_link_call(f->link, &c, &reply));
    assert_int_equal(sizeof(bytes), reply->len);
    assert_memory_equal(bytes, reply->str, sizeof(bytes));
    freeReplyObject(reply);
}

/* ---- slow and silent ---- */

static void
silence_costs_one_time_limit_and_then_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t began_ms = clock_mono_ms(), hang_ms;

    behave(f, FAKE_SILENT_ALL, NULL);
    assert_err(ERR_UNAVAIL, echo(f->link, "lost"));
    hang_ms = clock_mono_ms() - began_ms;
    assert_in_range(hang_ms, RD_CALL_MS - 1, LIMIT_MS);
    assert_in_range(time_away(f->link, 100), 0, hang_ms / 2); /* each under 5 ms */
    assert_int_equal(1, f->fake.n_commands);
    f->fake.manner = FAKE_ECHO;
    await_back(f->link);
}

static void
a_reply_that_comes_too_late_is_no_other_commands(void **state)
{
    struct fixture *f = *state;

    behave(f, FAKE_LATE, NULL);
    f->fake.delay_ms = RD_CALL_MS + 200;
    assert_err(ERR_UNAVAIL, echo(f->link, "late"));
    f->fake.manner = FAKE_ECHO;
    await_back(f->link);
    for (int i = 0; i < 20; i++)
        assert_ok(echo(f->link, i % 2 == 0 ? "even" : "odd"));
}

static void
a_reply_that_is_slow_but_in_time_is_taken(void **state)
{
    struct fixture *f = *state;

    behave(f, FAKE_LATE, NULL);
    f->fake.delay_ms = RD_CONNECT_MS + 50;
    assert_ok(echo_once(f->link, "slow"));
    assert_int_equal(1, f->fake.n_conns);
}

static void
a_dripping_reply_is_not_waited_for_anew_with_each_byte(void **state)
{
    struct fixture *f = *state;
    int64_t began_ms;

    behave(f, FAKE_DRIP, NULL);
    began_ms = clock_mono_ms();
    assert_err(ERR_UNAVAIL, echo(f->link, "drip"));
    assert_in_range(clock_mono_ms() - began_ms, RD_CALL_MS - 1, LIMIT_MS);
    assert_int_equal(1, f->fake.n_commands);
}

/* ---- nonsense ---- */

static void
nonsense_is_told_and_its_connection_is_closed(void **state)
{
    static const char *const texts[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\r\n",
        "*2000000000\r\n",
        "*4097\r\n",
        "*99999999999999999999\r\n",
        "*-2\r\n",
        "$-2\r\n",
        "$1x\r\n",
        ":12a\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        behave(f, FAKE_TEXT, texts[i]);
        assert_err(ERR_INTEGRITY, echo(f->link, "x"));
        assert_int_equal(1, f->fake.n_commands);
        f->fake.manner = FAKE_ECHO;
        assert_ok(echo(f->link, "good again"));
        assert_int_equal(i + 2, f->fake.n_conns);
    }
}

static void
a_reply_beyond_all_measure_is_cut_off(void **state)
{
    struct fixture *f = *state;

    behave(f, FAKE_HUGE, NULL);
    assert_err(ERR_INTEGRITY, echo(f->link, "huge"));
    f->fake.manner = FAKE_ECHO;
    assert_ok(echo(f->link, "good again"));
}

static void
what_nobody_asked_for_is_never_taken_for_a_reply(void **state)
{
    struct fixture *f = *state;

    behave(f, FAKE_TOO_MUCH, NULL);
    for (int i = 0; i < 10; i++)
        assert_ok(echo_once(f->link, i % 2 == 0 ? "even" : "odd"));
    assert_int_equal(10, f->fake.n_commands);
}

/* ---- connections that break ---- */

static void
an_idle_connection_that_ended_is_noticed_first(void **state)
{
    struct fixture *f = *state;

    behave(f, FAKE_ECHO, NULL);
    fake_drop(&f->fake);
    assert_ok(echo_once(f->link, "once"));
    assert_int_equal(1, f->fake.n_commands);
    assert_int_equal(2, f->fake.n_conns);
}

static void
what_may_be_done_twice_is_sent_again(void **state)
{
    struct fixture *f = *state;

    behave(f, FAKE_HANG_UP_1, NULL);
    assert_ok(echo(f->link, "again"));
    assert_int_equal(2, f->fake.n_commands);
    assert_int_equal(2, f->fake.n_conns);
}

static void
what_must_not_be_done_twice_is_not_sent_again(void **state)
{
    struct fixture *f = *state;

    behave(f, FAKE_HANG_UP_1, NULL);
    assert_err(ERR_UNAVAIL, echo_once(f->link, "once"));
    assert_int_equal(1, f->fake.n_commands);
    assert_ok(echo_once(f->link, "the next")); /* one broken connection is no reason to give up */
    assert_int_equal(2, f->fake.n_commands);
}

static void
nothing_is_sent_a_third_time(void **state)
{
    struct fixture *f = *state;

    behave(f, FAKE_HANG_UP, NULL);
    assert_err(ERR_UNAVAIL, echo(f->link, "again"));
    assert_int_equal(2, f->fake.n_commands);
}

static void
a_fresh_connection_that_breaks_makes_the_server_away(void **state)
{
    struct fixture *f = *state;
    int n_conns;

    behave(f, FAKE_HANG_UP, NULL);
    f->fake.info = "role:slave\r\n"; /* or it would be back at once */
    fake_drop(&f->fake);
    n_conns = f->fake.n_conns;
    assert_err(ERR_UNAVAIL, echo(f->link, "again"));
    assert_int_equal(1, f->fake.n_commands);
    assert_int_equal(n_conns + 1, f->fake.n_conns);
    (void)time_away(f->link, 10);
    assert_int_equal(1, f->fake.n_commands);
}

static void
a_reply_that_has_begun_is_not_asked_for_again(void **state)
{
    struct fixture *f = *state;

    behave(f, FAKE_CUT, NULL);
    assert_err(ERR_UNAVAIL, echo(f->link, "cut"));
    assert_int_equal(1, f->fake.n_commands);
    f->fake.manner = FAKE_ECHO;
    assert_ok(echo(f->link, "good again"));
}

static void
of_many_commands_the_answered_and_the_lost_are_told_apart(void **state)
{
    struct fixture *f = *state;
    struct words w[4];
    struct rd_command cs[4];
    redisReply *replies[4];
    enum err errs[4];
    const char *const words[4] = {"zero", "one", "two", "three"};

    for (size_t i = 0; i < 4; i++)
        cs[i] = *words_of(&w[i], i != 2, "GET", words[i], NULL, NULL);
    behave(f, FAKE_HANG_UP_1, NULL);
    f->fake.n_good = 1;
    assert_err(ERR_UNAVAIL, rd_link_calls(f->link, cs, 4, errs, replies));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(i == 2 ? ERR_UNAVAIL : ERR_OK, errs[i]); /* 1 and 3 were sent again */
        assert_true((replies[i] == NULL) == (errs[i] != ERR_OK));
        if (replies[i] != NULL)
            assert_string_equal(words[i], replies[i]->str);
        freeReplyObject(replies[i]);
    }
    assert_int_equal(4, f->fake.n_commands); /* 0 and the one that hung up, then 1 and 3 */
}

static void
many_commands_share_one_time_limit(void **state)
{
    enum { N = 8 };
    struct fixture *f = *state;
    struct words w[N];
    struct rd_command cs[N];
    redisReply *replies[N];
    enum err errs[N];
    int64_t began_ms;
    size_t n_lost = 0;

    for (size_t i = 0; i < N; i++)
        cs[i] = *words_of(&w[i], true, "GET", "x", NULL, NULL);
    behave(f, FAKE_LATE, NULL);
    f->fake.delay_ms = 300;
    began_ms = clock_mono_ms();
    assert_err(ERR_UNAVAIL, rd_link_calls(f->link, cs, N, errs, replies));
    assert_in_range(clock_mono_ms() - began_ms, RD_CALL_MS - 1, LIMIT_MS);
    for (size_t i = 0; i < N; i++) {
        n_lost += errs[i] == ERR_UNAVAIL;
        freeReplyObject(replies[i]);
    }
    assert_in_range(n_lost, 5, N);
}

/* ---- error replies ---- */

static void
an_error_reply_is_an_error_and_the_connection_stays(void **state)
{
    static const struct {
        const char *text;
        enum err e;
    } cases[] = {
        {"-NOSCRIPT No matching script\r\n", ERR_NOTFOUND},
        {"-OOM command not allowed\r\n", ERR_UNAVAIL},
        {"-MISCONF Errors writing to the AOF file\r\n", ERR_UNAVAIL},
        {"-NOPERM this user has no permissions\r\n", ERR_UNAVAIL},
        {"-BUSY Redis is busy running a script\r\n", ERR_UNAVAIL},
        {"-MOVED 1 127.0.0.1:1\r\n", ERR_UNAVAIL},
        {"-WRONGTYPE Operation against a key\r\n", ERR_INTEGRITY},
        {"-ERR unknown\r\n", ERR_INTEGRITY},
        {"-\r\n", ERR_INTEGRITY},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        behave(f, FAKE_TEXT, cases[i].text);
        assert_err(cases[i].e, echo(f->link, "x"));
        assert_int_equal(1, f->fake.n_commands);
        f->fake.manner = FAKE_ECHO;
    }
    assert_ok(echo(f->link, "good"));
    assert_int_equal(1, f->fake.n_conns);
}

static void
of_many_commands_only_the_refused_ones_fail(void **state)
{
    struct fixture *f = *state;
    struct words w[3];
    struct rd_command cs[3];
    redisReply *replies[3];
    enum err errs[3];

    for (size_t i = 0; i < 3; i++)
        cs[i] = *words_of(&w[i], true, "GET", "x", NULL, NULL);
    behave(f, FAKE_TEXT, "-NOSCRIPT No matching script\r\n");
    f->fake.n_good = 2;
    assert_err(ERR_NOTFOUND, rd_link_calls(f->link, cs, 3, errs, replies));
    assert_int_equal(ERR_OK, errs[0]);
    assert_int_equal(ERR_OK, errs[1]);
    assert_int_equal(ERR_NOTFOUND, errs[2]);
    assert_null(replies[2]);
    freeReplyObject(replies[0]);
    freeReplyObject(replies[1]);
}

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
        cmocka_unit_test_setup_teardown(one_connection_serves_one_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(many_commands_get_each_its_own_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(arguments_and_replies_are_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(silence_costs_one_time_limit_and_then_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reply_that_comes_too_late_is_no_other_commands, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reply_that_is_slow_but_in_time_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dripping_reply_is_not_waited_for_anew_with_each_byte,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense_is_told_and_its_connection_is_closed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reply_beyond_all_measure_is_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(what_nobody_asked_for_is_never_taken_for_a_reply, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_idle_connection_that_ended_is_noticed_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_may_be_done_twice_is_sent_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_must_not_be_done_twice_is_not_sent_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_is_sent_a_third_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fresh_connection_that_breaks_makes_the_server_away, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reply_that_has_begun_is_not_asked_for_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_many_commands_the_answered_and_the_lost_are_told_apart,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(many_commands_share_one_time_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(an_error_reply_is_an_error_and_the_connection_stays, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_many_commands_only_the_refused_ones_fail, setup,
                                        teardown),
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
    return cmocka_run_group_tests_name("redis link", tests, NULL, NULL);
}
