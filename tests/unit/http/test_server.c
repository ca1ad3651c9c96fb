/* SPDX-License-Identifier: Apache-2.0 */
/* The server from outside: routes, keep-alive, refusals before and after a body, deferred work. */
#include "serving.h"

#include <netinet/tcp.h>

static void
a_route_answers_and_the_connection_is_kept(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int fd;

    app_start(a);
    fd = dial(a);
    for (int i = 0; i < 3; i++) {
        assert_true(say_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_string_equal(hear_reply(fd, r, sizeof(r)), "hello");
        assert_int_equal(status_in(r), 200);
        assert_null(strstr(r, "close"));
        assert_null(strstr(r, "Server:"));
        assert_non_null(strstr(r, "\r\nDate: "));
        assert_non_null(strstr(r, "\r\nContent-Type: text/plain\r\n"));
        assert_non_null(strstr(r, "\r\nX-Request-ID: "));
    }
    wait_for(a->n_done, 3);
    assert_int_equal(a->reported_status, 200);
    assert_int_equal(a->reported_out, 5);
    (void)close(fd);
}

static void
a_request_that_wants_the_close_gets_it(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];

    app_start(a);
    (void)ask(a, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", r, sizeof(r));
    assert_int_equal(status_in(r), 200);
    assert_non_null(strstr(r, "Connection: close"));
    (void)ask(a, "GET /hello HTTP/1.0\r\n\r\n", r, sizeof(r));
    assert_int_equal(status_in(r), 200);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];

    app_start(a);
    (void)ask(a,
              "GET /item/one HTTP/1.1\r\nHost: x\r\n\r\n"
              "GET /item/two HTTP/1.1\r\nHost: x\r\n\r\n"
              "GET /item/three HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
              r, sizeof(r));
    assert_int_equal(n_in(r, "HTTP/1.1 200"), 3);
    assert_true(strstr(r, "one") < strstr(r, "two"));
    assert_true(strstr(r, "two") < strstr(r, "three"));
    assert_int_equal(a->n_handled, 3);
}

static void
parameters_are_decoded_and_headers_joined(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int fd;

    app_start(a);
    fd = dial(a);
    assert_true(say_text(fd, "GET /item/a%20b+c?x=%41&y HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "a b+c");
    assert_true(say_text(fd, "GET /item/k HTTP/1.1\r\nHost: x\r\nX-Twice: 1\r\nA: b\r\n"
                             "x-twice:  2 \r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "1, 2");
    (void)close(fd);
}

static void
head_has_the_length_but_no_body(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];

    app_start(a);
    (void)ask(a,
              "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n"
              "GET /item/after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
              r, sizeof(r));
    assert_int_equal(status_in(r), 200);
    assert_non_null(strstr(r, "Content-Length: 5\r\n"));
    assert_null(strstr(r, "hello"));
    assert_int_equal(n_in(r, "HTTP/1.1 200"), 2);
    assert_non_null(strstr(r, "\r\n\r\nafter"));
}

static void
unknown_paths_and_methods_are_told_apart(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int fd;

    app_start(a);
    fd = dial(a);
    assert_true(say_text(fd, "GET /nowhere/at/all HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "NOTFOUND");
    assert_int_equal(status_in(r), 404);
    assert_null(strstr(r, "Allow"));
    assert_true(say_text(fd, "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "METHOD");
    assert_int_equal(status_in(r), 405);
    assert_non_null(strstr(r, "\r\nAllow: GET, HEAD\r\n"));
    assert_non_null(strstr(r, "X-Request-ID"));
    assert_true(say_text(fd, "OPTIONS /upload HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "");
    assert_int_equal(status_in(r), 204);
    assert_non_null(strstr(r, "\r\nAllow: POST, OPTIONS\r\n"));
    assert_null(strstr(r, "Content-Length"));
    assert_true(say_text(fd, "OPTIONS /no/where HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "NOTFOUND");
    (void)close(fd);
    assert_int_equal(a->n_handled, 0);
}

static void
a_body_reaches_the_intake_whole_and_the_connection_is_kept(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    char *body = malloc(300000);
    int fd;

    app_start(a);
    fd = dial(a);
    assert_non_null(body);
    memset(body, 'b', 300000);
    for (int i = 0; i < 2; i++) {
        assert_true(say_text(fd, "POST /upload/ HTTP/1.1\r\nHost: x\r\n"
                                 "Content-Length: 300000\r\n\r\n"));
        assert_true(say(fd, body, 300000));
        assert_string_equal(hear_reply(fd, r, sizeof(r)), "300000");
    }
    assert_true(say_text(fd, "PUT /empty.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "0");
    (void)close(fd);
    free(body);
    wait_for(a->n_done, 3);
    assert_int_equal(a->n_begun, 3);
    assert_int_equal(a->n_finished, 3);
    assert_int_equal(a->n_intakes_freed, 3);
}

static void
an_expected_100_comes_only_when_the_body_may_come(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int fd;

    app_start(a);
    fd = dial(a);
    assert_true(say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
                             "Expect: 100-continue\r\n\r\n"));
    (void)hear_reply(fd, r, sizeof(r));
    assert_int_equal(status_in(r), 100);
    assert_true(say_text(fd, "body"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "4");
    (void)close(fd);

    (void)ask(a,
              "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nX-Refuse: 1\r\n"
              "Expect: 100-continue\r\n\r\n",
              r, sizeof(r));
    assert_int_equal(status_in(r), 401);
    assert_int_equal(n_in(r, "HTTP/1.1"), 1);
    assert_non_null(strstr(r, "Connection: close"));
    wait_for(a->n_done, 2);
    assert_int_equal(a->n_intakes_freed, 1);
}

static void
an_early_refusal_is_seen_although_the_body_was_sent(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];
    char *body = calloc(1, 200000);
    int end;

    app_start(a);
    assert_non_null(body);
    for (int i = 0; i < 20; i++) {
        int fd = dial(a);

        assert_true(say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nX-Refuse: 1\r\n"
                                 "Content-Length: 200000\r\n\r\n"));
        assert_true(say(fd, body, 200000));
        (void)hear_all(fd, r, sizeof(r), &end);
        assert_int_equal(end, 0); /* not a reset */
        assert_int_equal(status_in(r), 401);
        (void)close(fd);
    }
    free(body);
    assert_int_equal(a->bytes_in, 0);
}

static void
an_intake_may_answer_before_the_body(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];

    app_start(a);
    (void)ask(a, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nX-Answer: 1\r\n\r\nbody",
              r, sizeof(r));
    assert_int_equal(status_in(r), 200);
    assert_non_null(strstr(r, "answered early"));
    assert_int_equal(a->n_intakes_freed, 0);
}

static void
an_error_in_the_body_is_told_after_the_rest_was_dropped(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    char body[30000];
    int fd;

    app_start(a);
    fd = dial(a);
    memset(body, 'b', sizeof(body));
    body[10] = '!';
    assert_true(say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n"));
    assert_true(say(fd, body, sizeof(body)));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "TYPE");
    assert_int_equal(status_in(r), 415);
    assert_int_equal(a->n_intakes_freed, 1);
    assert_int_equal(a->n_finished, 0);
    assert_true(say_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "hello");
    (void)close(fd);
}

static void
a_handled_route_drops_a_small_body_and_refuses_a_large_one(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    char body[1000];
    int fd;

    a->cfg.drop_body_max = 1000;
    app_start(a);
    memset(body, 'b', sizeof(body));
    fd = dial(a);
    assert_true(say_text(fd, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"));
    assert_true(say(fd, body, 1000));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "hello");
    assert_true(say_text(fd, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "TOOBIG");
    assert_int_equal(status_in(r), 413);
    assert_non_null(strstr(r, "Connection: close"));
    (void)close(fd);
    assert_int_equal(a->n_handled, 1);
}

static void
a_refused_body_is_dropped_up_to_its_ceiling_and_then_cut(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    char *body = malloc(500000);
    int fd;

    a->cfg.drop_refused_max = 400000;
    app_start(a);
    assert_non_null(body);
    memset(body, '!', 500000);
    fd = dial(a);
    assert_true(say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 350000\r\n\r\n"));
    assert_true(say(fd, body, 350000));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "TYPE");
    assert_true(
        say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n"));
    for (int i = 0; i < 18 && say(fd, body, 500000); i++)
        continue;
    (void)hear_all(fd, r, sizeof(r), NULL);
    assert_string_equal(r, "");
    (void)close(fd);
    free(body);
    wait_for(a->n_done, 2);
    assert_int_equal(a->n_intakes_freed, 2);
    assert_int_equal(a->reported_status, 0);
}

static void
chunks_beyond_what_a_handled_route_drops_are_refused_at_their_end(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];

    a->cfg.drop_body_max = 6;
    app_start(a);
    (void)ask(a,
              "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "4\r\nbody\r\n3\r\nmor\r\n0\r\n\r\n",
              r, sizeof(r));
    assert_int_equal(status_in(r), 413);
    assert_int_equal(a->n_handled, 0);
    (void)ask(a,
              "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "4\r\nbody\r\n2\r\nmo\r\n0\r\n\r\n",
              r, sizeof(r));
    assert_int_equal(status_in(r), 200);
    assert_int_equal(a->n_handled, 1);
}

static void
a_chunked_request_is_served_and_its_connection_closed(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];

    app_start(a);
    (void)ask(a,
              "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
              "4\r\nbody\r\n3\r\nmor\r\n0\r\n\r\n"
              "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
              r, sizeof(r));
    assert_int_equal(n_in(r, "HTTP/1.1"), 1);
    assert_non_null(strstr(r, "\r\n\r\n7"));
    assert_non_null(strstr(r, "Connection: close"));
    assert_int_equal(a->n_handled, 0);
    assert_int_equal(a->n_finished, 1);
}

static void
deferred_work_answers_as_a_handler_would(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int fd;

    app_start(a);
    fd = dial(a);
    for (int i = 1; i <= 50; i++) {
        assert_true(say_text(fd, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_string_equal(hear_reply(fd, r, sizeof(r)), "worked");
        assert_int_equal(a->n_work_freed, i);
    }
    assert_true(say_text(fd, "GET /work HTTP/1.1\r\nHost: x\r\nX-Fail: 1\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "INTEGRITY");
    assert_int_equal(status_in(r), 500);
    assert_true(say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nX-Defer: 1\r\n"
                             "Content-Length: 4\r\n\r\nbody"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "4 later");
    (void)close(fd);
    wait_for(a->n_intakes_freed, 1);
}

static void
work_goes_to_its_end_when_the_client_has_gone(void **state)
{
    struct app *a = *state;
    int fd;

    a->is_held = true;
    app_start(a);
    fd = dial(a);
    assert_true(say_text(fd, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_for(a->n_working, 1);
    (void)close(fd);
    nap_ms(20);
    assert_int_equal(a->n_work_freed, 0);
    a->is_held = false;
    wait_for(a->n_work_freed, 1);
    wait_for(a->n_done, 1);
}

static void
the_end_of_the_server_waits_for_the_work(void **state)
{
    struct app *a = *state;
    int fds[4];
    pthread_t releaser;

    a->is_held = true;
    app_start(a);
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(a);
        assert_true(say_text(fds[i], "GET /work HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    wait_for(a->n_working, 2); /* the other two wait for a worker */
    wait_for(a->n_handled, 4);
    assert_int_equal(pthread_create(&releaser, NULL, release_soon, a), 0);
    app_stop(a);
    assert_int_equal(pthread_join(releaser, NULL), 0);
    assert_int_equal(a->n_work_freed, 4);
    assert_int_equal(a->n_done, 4);
    for (int i = 0; i < 4; i++)
        (void)close(fds[i]);
}

static void
a_client_that_goes_in_the_middle_of_its_body_frees_the_intake(void **state)
{
    struct app *a = *state;
    int fd;

    app_start(a);
    fd = dial(a);
    assert_true(
        say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"));
    wait_for(a->bytes_in, 4);
    assert_int_equal(a->n_intakes_freed, 0);
    (void)close(fd);
    wait_for(a->n_intakes_freed, 1);
    wait_for(a->n_done, 1);
    assert_int_equal(a->n_finished, 0);
    assert_int_equal(a->reported_status, 0);
}

/* The end comes in the same packet as the last bytes: the library does not see it by itself. */
static void
an_end_right_behind_the_bytes_is_seen(void **state)
{
    struct app *a = *state;

    app_start(a);
    for (int i = 1; i <= 20; i++) {
        int fd = dial(a), one = 1;

        assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &one, sizeof(one)), 0);
        assert_true(
            say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"));
        (void)close(fd);
    }
    wait_for(a->n_done, 20);
    wait_for(a->n_intakes_freed, 20);
    assert_int_equal(a->n_finished, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_route_answers_and_the_connection_is_kept),
        TEST(a_request_that_wants_the_close_gets_it),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(parameters_are_decoded_and_headers_joined),
        TEST(head_has_the_length_but_no_body),
        TEST(unknown_paths_and_methods_are_told_apart),
        TEST(a_body_reaches_the_intake_whole_and_the_connection_is_kept),
        TEST(an_expected_100_comes_only_when_the_body_may_come),
        TEST(an_early_refusal_is_seen_although_the_body_was_sent),
        TEST(an_intake_may_answer_before_the_body),
        TEST(an_error_in_the_body_is_told_after_the_rest_was_dropped),
        TEST(a_handled_route_drops_a_small_body_and_refuses_a_large_one),
        TEST(a_refused_body_is_dropped_up_to_its_ceiling_and_then_cut),
        TEST(chunks_beyond_what_a_handled_route_drops_are_refused_at_their_end),
        TEST(a_chunked_request_is_served_and_its_connection_closed),
        TEST(deferred_work_answers_as_a_handler_would),
        TEST(work_goes_to_its_end_when_the_client_has_gone),
        TEST(the_end_of_the_server_waits_for_the_work),
        TEST(a_client_that_goes_in_the_middle_of_its_body_frees_the_intake),
        TEST(an_end_right_behind_the_bytes_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
