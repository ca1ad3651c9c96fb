/* SPDX-License-Identifier: Apache-2.0 */
/* Many clients that come, ask, vanish and break off at once, and the end in the middle of it all:
 * every account must close. Most of its worth is under the thread sanitizer. */
#include "serving.h"

enum { N_CLIENTS = 6, RUN_MS = 1500 };

struct client {
    struct app *app;
    unsigned seed;
    int64_t until_ms;
};

static unsigned
draw(struct client *c, unsigned n)
{
    c->seed = c->seed * 1103515245u + 12345u;
    return (c->seed >> 16) % n;
}

static int
try_dial(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_usec = 200000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_port = htons((uint16_t)port);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void *
torment(void *arg)
{
    static const char *const requests[] = {
        "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /work HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /stream/200000 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /stream/9000000 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /stream/9000 HTTP/1.1\r\nHost: x\r\nX-Fail-At: 5000\r\n\r\n",
        "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nX-Defer: 1\r\n\r\nbody",
        "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\nhalf",
        "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nX-Refuse: 1\r\n\r\nbody",
        "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHo",
        "GET /hello HTTP/1.1\nHost: x\r\n\r\n",
    };
    struct client *c = arg;
    char junk[32768];

    while (clock_mono_ms() < c->until_ms) {
        int fd = try_dial(c->app->port);

        if (fd < 0)
            break;
        for (unsigned i = draw(c, 4) + 1; i > 0; i--) {
            if (!say_text(fd, requests[draw(c, sizeof(requests) / sizeof(requests[0]))]))
                break;
            if (draw(c, 3) > 0)
                (void)!recv(fd, junk, sizeof(junk), 0);
        }
        (void)close(fd);
    }
    return NULL;
}

static void
run_clients(struct app *a, pthread_t threads[N_CLIENTS], struct client clients[N_CLIENTS])
{
    for (unsigned i = 0; i < N_CLIENTS; i++) {
        clients[i] = (struct client){a, i * 7919 + 1, clock_mono_ms() + RUN_MS};
        assert_int_equal(pthread_create(&threads[i], NULL, torment, &clients[i]), 0);
    }
}

static void
check_accounts(const struct app *a)
{
    assert_true(a->n_sent > 0);
    assert_int_equal(a->n_sent, a->n_sources_freed);
    assert_int_equal(a->n_working, a->n_work_freed);
    assert_true(a->n_intakes_freed > 0 && a->n_intakes_freed <= a->n_begun);
    assert_int_equal(a->n_sent_before_free, 0);
}

static void
every_account_closes_when_the_clients_have_gone(void **state)
{
    struct app *a = *state;
    pthread_t threads[N_CLIENTS];
    struct client clients[N_CLIENTS];
    struct http_stats st;

    app_start(a);
    run_clients(a, threads, clients);
    for (int i = 0; i < N_CLIENTS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(http_server_drain(a->server, PATIENCE_MS));
    http_server_stats(a->server, &st);
    assert_int_equal(st.n_requests_running, 0);
    wait_for((http_server_stats(a->server, &st), st.n_connections), 0);
    check_accounts(a);
}

static void
every_account_closes_when_the_server_ends_under_load(void **state)
{
    struct app *a = *state;
    pthread_t threads[N_CLIENTS];
    struct client clients[N_CLIENTS];

    app_start(a);
    run_clients(a, threads, clients);
    nap_ms(RUN_MS / 2);
    app_stop(a);
    check_accounts(a);
    for (int i = 0; i < N_CLIENTS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_account_closes_when_the_clients_have_gone),
        TEST(every_account_closes_when_the_server_ends_under_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
