/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads that the server refuses, or that break or are interrupted on their way. */
#include "script_upload.h"

#include "client/interrupt.h"

#include <fcntl.h>
#include <signal.h>

/* ---- refusals ---- */

static void
serve_refusal_at_once(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (hear_head(s, fd))
        say(fd, "HTTP/1.1 413 Too large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    s->pending.len = 0;
    while (more(s, fd)) /* counts what comes all the same */
        ;
}

static void
a_server_that_refuses_by_the_header_is_not_sent_a_large_file(void **state)
{
    static const uint64_t lens[] = {50000000, UINT64_MAX};
    char line[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct server *s = server_start(serve_refusal_at_once, NULL);
        struct maker m = maker(50000000);
        struct net_upload u = {.filename = "x", .source = &m.source, .len = lens[i]};
        struct net_reply r;

        assert_ok(send_to(s->url, &u, &r));
        server_stop(s);
        assert_int_equal(r.status, 413);
        assert_string_equal(buf_text(&r.body), "no");
        assert_string_equal(asked(s, 0, "Expect", line), "Expect: 100-continue");
        assert_int_equal(s->pending.len, 0);
        assert_int_equal(m.at, 0);
        net_reply_done(&r);
        server_free(s);
    }
}

/* Refuse when some of the body was read, and close with the rest unread: a reset. */
static void
serve_refusal_amid(struct server *s, int fd, unsigned nth)
{
    static _Thread_local char piece[65536];

    (void)nth;
    if (!hear_head(s, fd))
        return;
    say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    for (size_t n = 0; n < *(const size_t *)s->ctx;) {
        ssize_t got = recv(fd, piece, sizeof(piece), 0);

        if (got <= 0)
            return;
        n += (size_t)got;
    }
    say(fd, "HTTP/1.1 507 Full\r\nContent-Length: 4\r\n\r\nfull");
}

static void
a_server_that_refuses_in_the_middle_and_closes_is_heard(void **state)
{
    static const size_t after[] = {1, 300000, 5000000, 30000000};

    (void)state;
    for (size_t i = 0; i < 10 * ARRAY_LEN(after); i++) {
        size_t n = after[i % ARRAY_LEN(after)];
        struct server *s = server_start(serve_refusal_amid, &n);
        struct maker m = maker(50000000);
        struct net_upload u = {
            .filename = "x", .source = &m.source, .len = i % 2 == 0 ? 50000000 : UINT64_MAX};
        struct net_reply r;

        assert_ok(send_to(s->url, &u, &r));
        assert_int_equal(r.status, 507);
        assert_true(m.at < m.len);
        net_reply_done(&r);
        server_stop(s);
        server_free(s);
    }
}

static void
serve_refusal_then_opens(struct server *s, int fd, unsigned nth)
{
    int other = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)nth;
    (void)hear_head(s, fd);
    while (s->pending.len < 10000) /* the first piece was sent; the next waits for the gate */
        if (!more(s, fd))
            return;
    say(fd, "HTTP/1.1 413 Too large\r\nContent-Length: 2\r\n\r\nno");
    reset(fd);
    (void)dup2(other, fd); /* closes the connection now */
    (void)close(other);
    (void)usleep(50 * 1000);
    atomic_store((atomic_int *)s->ctx, 1);
}

static void
a_refusal_that_came_while_the_source_was_slow_is_heard(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        atomic_int gate = 0;
        struct server *s = server_start(serve_refusal_then_opens, &gate);
        struct maker m = maker(200000);
        struct net_upload u = {.filename = "x", .source = &m.source, .len = 200000};
        struct net_reply r;

        m.piece = 10000;
        m.gate = &gate; /* the connection is reset before the second piece is there */
        assert_ok(send_to(s->url, &u, &r));
        assert_int_equal(r.status, 413);
        net_reply_done(&r);
        server_stop(s);
        server_free(s);
    }
}

static void
serve_created_early(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (hear_head(s, fd))
        say(fd, CREATED);
    while (more(s, fd))
        ;
}

static void
a_success_before_the_file_was_sent_is_none(void **state)
{
    struct server *s = server_start(serve_created_early, NULL);
    struct maker m = maker(5000000);
    struct net_upload u = {.filename = "x", .source = &m.source, .len = 5000000};
    struct net_reply r;

    (void)state;
    assert_err(ERR_SYNTAX, send_to(s->url, &u, &r));
    server_stop(s);
    server_free(s);
}

/* ---- broken and slow connections ---- */

static void
serve_hangup(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (!hear_head(s, fd))
        return;
    say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    (void)more(s, fd);
    reset(fd);
}

static void
a_connection_that_breaks_in_an_upload_is_not_tried_again(void **state)
{
    struct server *s = server_start(serve_hangup, NULL);
    struct maker m = maker(50000000);
    struct net_upload u = {.filename = "x", .source = &m.source, .len = 50000000};
    struct net_reply r;

    (void)state;
    assert_err(ERR_CLOSED, send_to(s->url, &u, &r));
    server_stop(s);
    assert_int_equal(s->n_connections, 1);
    server_free(s);
}

static void
serve_sleep(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (hear_head(s, fd))
        say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    for (int i = 0; i < 500 && !atomic_load(&s->is_ending); i++)
        (void)usleep(10 * 1000);
}

static void
a_server_that_takes_no_more_is_given_up(void **state)
{
    struct server *s = server_start(serve_sleep, NULL);
    struct maker m = maker(50000000);
    struct net_upload u = {.filename = "x", .source = &m.source, .len = 50000000};
    struct net_reply r;

    (void)state;
    assert_err(ERR_TIMEOUT, send_to(s->url, &u, &r));
    server_stop(s);
    server_free(s);
}

static void
a_slow_source_is_no_fault_of_the_server(void **state)
{
    struct server *s = server_start(serve_created, NULL);
    struct maker m = maker(3);
    struct net_upload u = {.filename = "x", .source = &m.source, .len = UINT64_MAX};
    struct net *n = quick_net(s->url);
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    n->limits.stall_ms = 300;
    m.piece = 1;
    m.pause_us = 500 * 1000;
    assert_ok(net_upload(n, &u, &r));
    assert_int_equal(r.status, 201);
    net_reply_done(&r);
    net_free(n);
    server_stop(s);
    server_free(s);
}

static void
interrupted_child(void)
{
    int signal = SIGTERM;
    struct server *s = server_start(serve_signal, &signal);
    struct maker m = maker(50000000);
    struct net_upload u = {.filename = "x", .source = &m.source, .len = 50000000};
    struct net *n = quick_net(s->url);
    struct net_reply r;

    interrupt_init();
    net_reply_init(&r);
    if (net_upload(n, &u, &r) != ERR_CLOSED || strcmp(err_sentence(), "interrupted") != 0)
        _exit(1);
    interrupt_end();
    _exit(2);
}

static void
a_signal_ends_an_upload(void **state)
{
    (void)state;
    assert_int_equal(signal_of(interrupted_child), SIGTERM);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_refuses_by_the_header_is_not_sent_a_large_file),
        cmocka_unit_test(a_server_that_refuses_in_the_middle_and_closes_is_heard),
        cmocka_unit_test(a_refusal_that_came_while_the_source_was_slow_is_heard),
        cmocka_unit_test(a_success_before_the_file_was_sent_is_none),
        cmocka_unit_test(a_connection_that_breaks_in_an_upload_is_not_tried_again),
        cmocka_unit_test(a_server_that_takes_no_more_is_given_up),
        cmocka_unit_test(a_slow_source_is_no_fault_of_the_server),
        cmocka_unit_test(a_signal_ends_an_upload),
    };

    return cmocka_run_group_tests(tests, plain_environment, NULL);
}
