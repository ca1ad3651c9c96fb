/* SPDX-License-Identifier: Apache-2.0 */
/* Slow and greedy peers, and the end: deadlines, floors, caps, drain. The limits are set to about
 * a second, so that the tests are quick; the watchdog then looks every 250 ms. */
#include "serving.h"

/* Milliseconds until the server ends the connection; what came is in `ret_text`. */
static int64_t
ms_until_the_end(int fd, char *ret_text, size_t cap)
{
    int64_t start_ms = clock_mono_ms();

    (void)hear_all(fd, ret_text, cap, NULL);
    return clock_mono_ms() - start_ms;
}

static uint64_t
n_cut(const struct app *a)
{
    struct http_stats st;

    http_server_stats(a->server, &st);
    return st.n_cut_slow;
}

static uint64_t
n_open(const struct app *a)
{
    struct http_stats st;

    http_server_stats(a->server, &st);
    return st.n_connections;
}

static void
a_header_that_drips_is_cut_at_its_deadline(void **state)
{
    struct app *a = *state;
    char r[1024];
    int64_t start_ms;
    int fd;

    a->cfg.header_timeout_s = 1;
    app_start(a);
    fd = dial(a);
    start_ms = clock_mono_ms();
    while (say_text(fd, "G") && clock_mono_ms() - start_ms < 8000) {
        if (recv(fd, r, 1, MSG_DONTWAIT) == 0)
            break;
        nap_ms(50);
    }
    assert_in_range(clock_mono_ms() - start_ms, 900, 5000);
    (void)close(fd);
    wait_for(n_open(a), 0);
    assert_int_equal(n_cut(a), 1);
}

static void
a_connection_that_says_nothing_is_cut(void **state)
{
    struct app *a = *state;
    char r[1024];
    int fd;

    a->cfg.header_timeout_s = 1;
    app_start(a);
    fd = dial(a);
    assert_in_range(ms_until_the_end(fd, r, sizeof(r)), 900, 5000);
    assert_string_equal(r, "");
    (void)close(fd);
}

static void
a_second_header_that_drips_is_cut_too(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int64_t start_ms;
    int fd;

    a->cfg.header_timeout_s = 1;
    a->cfg.idle_timeout_s = 60;
    app_start(a);
    fd = dial(a);
    assert_true(say_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "hello");
    nap_ms(600); /* idle, and seen so */
    start_ms = clock_mono_ms();
    assert_true(say_text(fd, "GET /hello HTTP/1.1\r\nHos"));
    (void)hear_all(fd, r, sizeof(r), NULL);
    assert_in_range(clock_mono_ms() - start_ms, 900, 5000);
    assert_string_equal(r, "");
    (void)close(fd);
    assert_int_equal(n_cut(a), 1);
}

static void
an_idle_connection_ends_after_its_time_and_is_no_slow_one(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int fd;

    a->cfg.idle_timeout_s = 1;
    app_start(a);
    fd = dial(a);
    assert_true(say_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "hello");
    assert_in_range(ms_until_the_end(fd, r, sizeof(r)), 900, 5000);
    (void)close(fd);
    assert_int_equal(n_cut(a), 0);
}

static void
a_connection_in_use_outlives_the_idle_time(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int fd;

    a->cfg.idle_timeout_s = 1;
    a->cfg.header_timeout_s = 1;
    app_start(a);
    fd = dial(a);
    for (int i = 0; i < 8; i++) {
        nap_ms(300);
        assert_true(say_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_string_equal(hear_reply(fd, r, sizeof(r)), "hello");
    }
    (void)close(fd);
}

static void
a_body_below_the_floor_is_cut(void **state)
{
    struct app *a = *state;
    char r[1024];
    int64_t start_ms;
    int fd;

    a->cfg.floor_window_s = 1;
    app_start(a);
    fd = dial(a);
    assert_true(say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"));
    start_ms = clock_mono_ms();
    while (say_text(fd, "b") && clock_mono_ms() - start_ms < 10000) {
        if (recv(fd, r, 1, MSG_DONTWAIT) == 0)
            break;
        nap_ms(20);
    }
    assert_in_range(clock_mono_ms() - start_ms, 900, 6000);
    (void)close(fd);
    wait_for(a->n_intakes_freed, 1);
    assert_int_equal(n_cut(a), 1);
}

static void
a_body_above_the_floor_is_let_through(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "", piece[200];
    int fd;

    a->cfg.floor_window_s = 1;
    app_start(a);
    memset(piece, 'b', sizeof(piece));
    fd = dial(a);
    assert_true(say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 12000\r\n\r\n"));
    for (int i = 0; i < 60; i++) { /* 4 KiB/s for 3 s */
        assert_true(say(fd, piece, sizeof(piece)));
        nap_ms(50);
    }
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "12000");
    (void)close(fd);
    assert_int_equal(n_cut(a), 0);
}

static void
time_that_we_take_does_not_count_against_the_peer(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    int fd;

    a->cfg.header_timeout_s = a->cfg.idle_timeout_s = a->cfg.floor_window_s = 1;
    a->is_held = true;
    app_start(a);
    fd = dial(a);
    assert_true(say_text(fd, "POST /upload HTTP/1.1\r\nHost: x\r\nX-Defer: 1\r\n"
                             "Content-Length: 4\r\n\r\nbody"));
    nap_ms(3000);
    a->is_held = false;
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "4 later");
    (void)close(fd);
    assert_int_equal(n_cut(a), 0);
}

static void
a_reader_below_the_floor_is_cut(void **state)
{
    struct app *a = *state;
    char r[4096];
    int fd;

    a->cfg.floor_window_s = 1;
    app_start(a);
    fd = dial_port(a->port, 8192);
    assert_true(say_text(fd, "GET /stream/50000000 HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (int i = 0; i < 200 && a->n_sent == 0; i++) { /* 200 bytes/s */
        assert_true(recv(fd, r, 10, 0) >= 0);
        nap_ms(50);
    }
    wait_for(a->n_sent, 1);
    assert_true(a->left > 0);
    assert_true(a->acked < a->left);
    (void)close(fd);
    wait_for(n_open(a), 0);
    assert_int_equal(n_cut(a), 1);
}

static void
a_reader_above_the_floor_is_served(void **state)
{
    struct app *a = *state;
    char r[4096];
    size_t n_heard = 0;
    int fd;

    a->cfg.floor_window_s = 1;
    app_start(a);
    fd = dial_port(a->port, 8192);
    assert_true(say_text(fd, "GET /stream/1500000 HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (int i = 0; i < 60; i++) { /* about 80 kB/s: the system's buffers fill, and move */
        ssize_t n = recv(fd, r, sizeof(r), 0);

        assert_true(n > 0);
        n_heard += (size_t)n;
        nap_ms(50);
    }
    while (n_heard < 1500000) {
        ssize_t n = recv(fd, r, sizeof(r), 0);

        assert_true(n > 0);
        n_heard += (size_t)n;
    }
    (void)close(fd);
    wait_for(a->n_sent, 1);
    assert_int_equal(a->left, 1500000);
    assert_int_equal(n_cut(a), 0);
}

/* Open `n` connections, say how many of them are served. */
static int
n_served(const struct app *a, int n)
{
    int fds[64], served = 0;
    char r[1024];

    for (int i = 0; i < n; i++)
        fds[i] = dial(a);
    for (int i = 0; i < n; i++) {
        if (say_text(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n") &&
            recv(fds[i], r, sizeof(r), 0) > 0)
            served++;
    }
    for (int i = 0; i < n; i++)
        (void)close(fds[i]);
    return served;
}

static void
a_network_gets_its_share_of_connections_and_no_more(void **state)
{
    struct app *a = *state;
    struct http_stats st;

    a->cfg.max_per_network = 5;
    app_start(a);
    assert_int_equal(n_served(a, 20), 5);
    http_server_stats(a->server, &st);
    assert_int_equal(st.n_refused_connections, 15);
    wait_for(n_open(a), 0);
    assert_int_equal(n_served(a, 5), 5); /* all were given back */
}

static void
an_exempt_peer_is_not_counted(void **state)
{
    struct app *a = *state;

    a->cfg.max_per_network = 5;
    a->is_exempt = true;
    app_start(a);
    assert_int_equal(n_served(a, 20), 20);
}

static void
all_together_get_no_more_than_the_maximum(void **state)
{
    struct app *a = *state;
    int fds[8];
    char r[64];

    a->cfg.max_connections = 8;
    app_start(a);
    for (int i = 0; i < 8; i++)
        fds[i] = dial(a);
    wait_for(n_open(a), 8);
    assert_int_equal(n_served(a, 4), 0);
    (void)close(fds[0]);
    wait_for(n_open(a), 7);
    assert_int_equal(n_served(a, 1), 1);
    for (int i = 1; i < 8; i++)
        (void)close(fds[i]);
    (void)r;
}

static void
drain_answers_what_runs_and_ends_what_is_idle(void **state)
{
    struct app *a = *state;
    char r[REPLY_MAX] = "";
    pthread_t releaser;
    int idle, busy;

    a->is_held = true;
    app_start(a);
    idle = dial(a);
    assert_true(say_text(idle, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(idle, r, sizeof(r)), "hello");
    busy = dial(a);
    assert_true(say_text(busy, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_for(a->n_working, 1);
    assert_int_equal(pthread_create(&releaser, NULL, release_soon, a), 0);
    assert_true(http_server_drain(a->server, 10000));
    assert_int_equal(pthread_join(releaser, NULL), 0);
    assert_int_equal(hear_all(idle, r, sizeof(r), NULL), 0);
    (void)hear_all(busy, r, sizeof(r), NULL);
    assert_int_equal(status_in(r), 200);
    assert_non_null(strstr(r, "Connection: close"));
    assert_non_null(strstr(r, "worked"));
    (void)close(idle);
    (void)close(busy);
}

static void
drain_gives_up_after_its_time(void **state)
{
    struct app *a = *state;
    int64_t start_ms;
    int fd;

    a->is_held = true;
    app_start(a);
    fd = dial(a);
    assert_true(say_text(fd, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_for(a->n_working, 1);
    start_ms = clock_mono_ms();
    assert_false(http_server_drain(a->server, 200));
    assert_in_range(clock_mono_ms() - start_ms, 200, 3000);
    a->is_held = false;
    (void)close(fd);
}

static void
nobody_is_accepted_after_a_drain(void **state)
{
    struct app *a = *state;
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port;
    int listener = listen_here(&port);

    app_start(a);
    sin.sin_port = htons((uint16_t)a->port);
    assert_true(http_server_drain(a->server, 1000));
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), -1);
    assert_err(ERR_UNAVAIL, http_server_listen(a->server, listener, false));
    (void)close(listener);
    (void)close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_header_that_drips_is_cut_at_its_deadline),
        TEST(a_connection_that_says_nothing_is_cut),
        TEST(a_second_header_that_drips_is_cut_too),
        TEST(an_idle_connection_ends_after_its_time_and_is_no_slow_one),
        TEST(a_connection_in_use_outlives_the_idle_time),
        TEST(a_body_below_the_floor_is_cut),
        TEST(a_body_above_the_floor_is_let_through),
        TEST(time_that_we_take_does_not_count_against_the_peer),
        TEST(a_reader_below_the_floor_is_cut),
        TEST(a_reader_above_the_floor_is_served),
        TEST(a_network_gets_its_share_of_connections_and_no_more),
        TEST(an_exempt_peer_is_not_counted),
        TEST(all_together_get_no_more_than_the_maximum),
        TEST(drain_answers_what_runs_and_ends_what_is_idle),
        TEST(drain_gives_up_after_its_time),
        TEST(nobody_is_accepted_after_a_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
