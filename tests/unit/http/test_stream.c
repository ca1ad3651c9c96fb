/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: what arrives, and what the account says that has arrived. */
#include "serving.h"

enum { BIG = 40 * 1000 * 1000 };

/* Hear a body of the pattern to its end; the number of bytes that came. */
static uint64_t
hear_pattern(int fd, uint64_t stop_at)
{
    static char buf[65536];
    uint64_t n_body = 0;
    size_t len = 0, head = 0;
    ssize_t n;

    while (head == 0 && (n = recv(fd, buf + len, sizeof(buf) - 1 - len, 0)) > 0) {
        char *end;

        len += (size_t)n;
        buf[len] = '\0';
        end = memmem(buf, len, "\r\n\r\n", 4);
        head = end == NULL ? 0 : (size_t)(end - buf) + 4;
    }
    if (head == 0)
        return 0;
    for (n = (ssize_t)(len - head); n >= 0; head = 0) {
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal((uint8_t)buf[head + (size_t)i], pattern_byte(n_body + (uint64_t)i));
        n_body += (uint64_t)n;
        if (n_body >= stop_at || (n = recv(fd, buf, sizeof(buf), 0)) <= 0)
            break;
    }
    return n_body;
}

static int
ask_stream(const struct app *a, uint64_t len, const char *more)
{
    char request[256];
    int fd = dial_port(a->port, 65536);

    (void)snprintf(request, sizeof(request), "GET /stream/%llu HTTP/1.1\r\nHost: x\r\n%s\r\n",
                   (unsigned long long)len, more);
    assert_true(say_text(fd, request));
    return fd;
}

static void
a_whole_stream_is_acknowledged_in_full(void **state)
{
    struct app *a = *state;
    int fd;

    app_start(a);
    fd = ask_stream(a, BIG, "Connection: close\r\n");
    assert_int_equal(hear_pattern(fd, UINT64_MAX), BIG);
    (void)close(fd);
    wait_for(a->n_sent, 1);
    assert_int_equal(a->left, BIG);
    assert_int_equal(a->acked, BIG);
    assert_int_equal(a->n_sources_freed, 1);
    assert_int_equal(a->n_sent_before_free, 0);
    wait_for(a->n_done, 1);
    assert_int_equal(a->reported_out, BIG);
    nap_ms(100);
    assert_int_equal(a->n_sent, 1);
}

static void
streams_follow_each_other_on_one_connection(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int fd;

    app_start(a);
    fd = dial(a);
    for (int i = 1; i <= 20; i++) {
        assert_true(say_text(fd, "GET /stream/20000 HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_int_equal(strlen(hear_reply(fd, r, sizeof(r))), 20000);
        wait_for(a->n_sent, i);
        assert_int_equal(a->left, 20000);
        assert_int_equal(a->acked, 20000);
    }
    (void)close(fd);
}

static void
an_error_in_the_source_makes_a_short_body(void **state)
{
    struct app *a = *state;
    int fd;

    app_start(a);
    fd = ask_stream(a, 1000000, "X-Fail-At: 500000\r\n");
    assert_int_equal(hear_pattern(fd, UINT64_MAX), 500000); /* and then the end, not more */
    (void)close(fd);
    wait_for(a->n_sent, 1);
    assert_int_equal(a->left, 500000);
    assert_int_equal(a->acked, 500000);
}

static void
an_error_before_the_first_byte_leaves_nothing(void **state)
{
    struct app *a = *state;
    int fd;

    app_start(a);
    fd = ask_stream(a, 1000, "X-Fail-At: 0\r\n");
    assert_int_equal(hear_pattern(fd, UINT64_MAX), 0);
    (void)close(fd);
    wait_for(a->n_sent, 1);
    assert_int_equal(a->left, 0);
    assert_int_equal(a->acked, 0);
}

static void
nothing_leaves_for_a_client_that_went_before_the_first_byte(void **state)
{
    struct app *a = *state;
    int fd;

    app_start(a);
    fd = ask_stream(a, 1000, "X-Wait-Ms: 100\r\n");
    wait_for(a->n_handled, 1);
    (void)close(fd);
    wait_for(a->n_sent, 1);
    assert_int_equal(a->left, 0);
    assert_int_equal(a->acked, 0);
    assert_int_equal(a->n_sources_freed, 1);
    wait_for(a->n_done, 1);
    assert_int_equal(a->reported_status, 0);
}

static void
a_client_that_goes_in_the_middle_has_less_than_what_left(void **state)
{
    struct app *a = *state;
    uint64_t heard;
    int fd;

    app_start(a);
    fd = ask_stream(a, BIG, "");
    heard = hear_pattern(fd, 1000000);
    (void)close(fd);
    wait_for(a->n_sent, 1);
    assert_true(a->left < BIG);
    assert_true(a->acked <= a->left);
    assert_true(a->acked >= heard);
    assert_int_equal(a->n_sent_before_free, 0);
}

static void
the_tail_counts_only_once_the_client_has_taken_it(void **state)
{
    struct app *a = *state;
    const uint64_t len = 300000; /* more than the client's buffer, less than the system's */
    int fd;

    app_start(a);
    fd = ask_stream(a, len, "");
    wait_for(a->n_done, 1); /* to the library all is sent */
    nap_ms(100);
    assert_int_equal(a->n_sent, 0);
    assert_int_equal(hear_pattern(fd, len), len);
    wait_for(a->n_sent, 1);
    assert_int_equal(a->left, len);
    assert_int_equal(a->acked, len);
    (void)close(fd);
}

static void
a_tail_that_the_client_refuses_is_not_counted(void **state)
{
    struct app *a = *state;
    const uint64_t len = 300000;
    int fd;

    app_start(a);
    fd = ask_stream(a, len, "");
    wait_for(a->n_done, 1);
    (void)close(fd); /* with unread bytes: a reset */
    wait_for(a->n_sent, 1);
    assert_int_equal(a->left, len);
    assert_true(a->acked < len);
}

static void
head_of_a_stream_sends_none_of_it(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX];

    app_start(a);
    (void)ask(a, "HEAD /stream/1234 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", r,
              sizeof(r));
    assert_int_equal(status_in(r), 200);
    assert_non_null(strstr(r, "Content-Length: 1234\r\n"));
    assert_int_equal(strlen(strstr(r, "\r\n\r\n")), 4);
    wait_for(a->n_sent, 1);
    assert_int_equal(a->left, 0);
}

static void
a_stream_ends_at_its_last_second(void **state)
{
    struct app *a = *state;
    int64_t start_ms = clock_mono_ms();
    int fd;

    app_start(a);
    /* The client takes a little and then waits: the watchdog has to see it. */
    a->cfg.app = a;
    fd = ask_stream(a, BIG, "X-Not-After: 2\r\n");
    (void)hear_pattern(fd, 1000);
    wait_for(a->n_sent, 1);
    assert_in_range(clock_mono_ms() - start_ms, 900, 6000);
    assert_true(a->left > 0 && a->left < BIG);
    assert_true(hear_pattern(fd, UINT64_MAX) < BIG);
    (void)close(fd);
}

static void
a_stream_whose_time_is_over_does_not_begin(void **state)
{
    struct app *a = *state;
    int fd;

    app_start(a);
    fd = ask_stream(a, 1000, "X-Not-After: 0\r\n");
    assert_int_equal(hear_pattern(fd, UINT64_MAX), 0);
    (void)close(fd);
    wait_for(a->n_sent, 1);
    assert_int_equal(a->left, 0);
}

static void
the_end_of_the_server_settles_every_stream(void **state)
{
    struct app *a = *state;
    int fds[5];

    app_start(a);
    for (int i = 0; i < 5; i++)
        fds[i] = ask_stream(a, i < 3 ? BIG : 300000, "");
    wait_for(a->n_handled, 5);
    nap_ms(50);
    app_stop(a);
    assert_int_equal(a->n_sent, 5);
    assert_int_equal(a->n_sources_freed, 5);
    for (int i = 0; i < 5; i++)
        (void)close(fds[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_stream_is_acknowledged_in_full),
        TEST(streams_follow_each_other_on_one_connection),
        TEST(an_error_in_the_source_makes_a_short_body),
        TEST(an_error_before_the_first_byte_leaves_nothing),
        TEST(nothing_leaves_for_a_client_that_went_before_the_first_byte),
        TEST(a_client_that_goes_in_the_middle_has_less_than_what_left),
        TEST(the_tail_counts_only_once_the_client_has_taken_it),
        TEST(a_tail_that_the_client_refuses_is_not_counted),
        TEST(head_of_a_stream_sends_none_of_it),
        TEST(a_stream_ends_at_its_last_second),
        TEST(a_stream_whose_time_is_over_does_not_begin),
        TEST(the_end_of_the_server_settles_every_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
