/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets, where the system counts no bytes: the same service, the same limits, and accounts
 * that never say more than the peer has. */
#include "serving.h"

struct unix_app {
    struct app app; /* first: the helpers see only this */
    char dir[32];
    struct sockaddr_un at;
};

static int
setup(void **state)
{
    struct unix_app *u = calloc(1, sizeof(*u));

    assert_non_null(u);
    (void)snprintf(u->dir, sizeof(u->dir), "/tmp/mayfly-unix-XXXXXX");
    assert_non_null(mkdtemp(u->dir));
    u->at.sun_family = AF_UNIX;
    (void)snprintf(u->at.sun_path, sizeof(u->at.sun_path), "%s/s", u->dir);
    *state = u;
    return 0;
}

static int
teardown(void **state)
{
    struct unix_app *u = *state;

    if (u->app.server != NULL)
        app_stop(&u->app);
    (void)unlink(u->at.sun_path);
    (void)rmdir(u->dir);
    free(u);
    return 0;
}

static void
start(struct unix_app *u)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&u->at, sizeof(u->at)), 0);
    assert_int_equal(listen(fd, 8), 0);
    app_start(&u->app);
    assert_ok(http_server_listen(u->app.server, fd, false));
}

static int
dial_unix(const struct unix_app *u)
{
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&u->at, sizeof(u->at)), 0);
    return fd;
}

static void
a_unix_socket_is_served_and_kept(void **state)
{
    struct unix_app *u = *state;
    char r[REPLY_MAX] = "";
    int fd;

    start(u);
    fd = dial_unix(u);
    for (int i = 0; i < 3; i++) {
        assert_true(say_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_string_equal(hear_reply(fd, r, sizeof(r)), "hello");
    }
    assert_true(say_text(fd, "GET /hello HTTP/1.1\nHost: x\r\n\r\n"));
    assert_string_equal(hear_reply(fd, r, sizeof(r)), "SYNTAX");
    (void)close(fd);
}

static void
no_network_cap_holds_for_a_unix_peer(void **state)
{
    struct unix_app *u = *state;
    char r[REPLY_MAX] = "";
    int fds[3];

    u->app.cfg.max_per_network = 1;
    start(u);
    for (int i = 0; i < 3; i++)
        fds[i] = dial_unix(u);
    for (int i = 0; i < 3; i++) {
        assert_true(say_text(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_string_equal(hear_reply(fds[i], r, sizeof(r)), "hello");
        (void)close(fds[i]);
    }
}

static void
a_stream_that_was_read_is_counted_whole(void **state)
{
    struct unix_app *u = *state;
    char r[REPLY_MAX] = "";
    int fd;

    start(u);
    fd = dial_unix(u);
    assert_true(say_text(fd, "GET /stream/20000 HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_for(u->app.n_done, 1);
    nap_ms(50);
    assert_int_equal(u->app.n_sent, 0); /* handed over, but not yet read */
    assert_int_equal(strlen(hear_reply(fd, r, sizeof(r))), 20000);
    wait_for(u->app.n_sent, 1);
    assert_int_equal(u->app.left, 20000);
    assert_int_equal(u->app.acked, 20000);
    (void)close(fd);
}

static void
a_stream_that_was_not_read_is_not_counted(void **state)
{
    struct unix_app *u = *state;
    int fd;

    start(u);
    fd = dial_unix(u);
    assert_true(say_text(fd, "GET /stream/20000 HTTP/1.1\r\nHost: x\r\n\r\n"));
    wait_for(u->app.n_done, 1);
    (void)close(fd);
    wait_for(u->app.n_sent, 1);
    assert_int_equal(u->app.left, 20000);
    assert_int_equal(u->app.acked, 0);
}

static void
what_broke_off_is_not_counted(void **state)
{
    struct unix_app *u = *state;
    char r[4096];
    int fd;

    start(u);
    fd = dial_unix(u);
    assert_true(say_text(fd, "GET /stream/9000000 HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (int i = 0; i < 100; i++)
        assert_true(recv(fd, r, sizeof(r), 0) > 0);
    (void)close(fd);
    wait_for(u->app.n_sent, 1);
    assert_true(u->app.left > 0 && u->app.left < 9000000);
    assert_int_equal(u->app.acked, 0);
}

static void
nothing_leaves_for_a_unix_peer_that_has_gone(void **state)
{
    struct unix_app *u = *state;
    int fd;

    start(u);
    fd = dial_unix(u);
    assert_true(say_text(fd, "GET /stream/20000 HTTP/1.1\r\nHost: x\r\nX-Wait-Ms: 100\r\n\r\n"));
    wait_for(u->app.n_handled, 1);
    (void)close(fd);
    wait_for(u->app.n_sent, 1);
    assert_int_equal(u->app.left, 0);
}

static void
a_slow_unix_peer_is_cut_too(void **state)
{
    struct unix_app *u = *state;
    char r[1024];
    int64_t start_ms;
    int header, body, reply;

    u->app.cfg.header_timeout_s = u->app.cfg.floor_window_s = 1;
    start(u);
    start_ms = clock_mono_ms();
    header = dial_unix(u);
    assert_true(say_text(header, "GET /hel"));
    body = dial_unix(u);
    assert_true(
        say_text(body, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"));
    reply = dial_unix(u);
    assert_true(say_text(reply, "GET /stream/50000000 HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_equal(hear_all(header, r, sizeof(r), NULL), 0);
    assert_int_equal(hear_all(body, r, sizeof(r), NULL), 0);
    assert_in_range(clock_mono_ms() - start_ms, 900, 8000);
    (void)close(header);
    (void)close(body);
    wait_for(u->app.n_sent, 1);
    assert_true(u->app.left < 50000000);
    wait_for(u->app.n_intakes_freed, 1);
    (void)close(reply);
}

#define UNIX_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UNIX_TEST(a_unix_socket_is_served_and_kept),
        UNIX_TEST(no_network_cap_holds_for_a_unix_peer),
        UNIX_TEST(a_stream_that_was_read_is_counted_whole),
        UNIX_TEST(a_stream_that_was_not_read_is_not_counted),
        UNIX_TEST(what_broke_off_is_not_counted),
        UNIX_TEST(nothing_leaves_for_a_unix_peer_that_has_gone),
        UNIX_TEST(a_slow_unix_peer_is_cut_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
