/* SPDX-License-Identifier: Apache-2.0 */
/* The link to a server that behaves badly: no call waits past its limit, no reply is taken for
 * another's, nothing is done twice that must not be. */
#include "link_fixture.h"

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
    };

    log_set_level(LOG_OFF);
    return cmocka_run_group_tests_name("redis link", tests, NULL, NULL);
}
