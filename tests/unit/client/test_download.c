/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads that need one request, and those that come to none. */
#include "script_download.h"

#include "client/interrupt.h"

#include <signal.h>

/* ---- whole files ---- */

static void
a_file_comes_with_what_its_header_says(void **state)
{
    static const struct step steps[] = {{FULL, 0, SIZE, WELL}};
    static const size_t caps[] = {1000, 65536, 1000000};
    struct result r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
        struct server *s = PLAY(steps, caps[i], &r);
        char want[512];

        is_whole(&r, SIZE);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.n_resumed, 0);
        assert_int_equal(r.file.size_bytes, SIZE);
        assert_string_equal(r.file.disposition, "attachment; filename=\"a.txt\"");
        assert_string_equal(r.file.type, "text/plain");
        assert_string_equal(r.file.sha256, "0123");
        assert_string_equal(r.file.uses_left, "4");
        assert_string_equal(r.file.meta, "bWV0YQ");
        (void)snprintf(want, sizeof(want),
                       "GET /download/velvet-canyon-oboe HTTP/1.1\r\nHost: %s\r\n"
                       "User-Agent: mayfly/" MAYFLY_VERSION "\r\nAccept: */*\r\n\r\n",
                       s->url + strlen("http://"));
        assert_string_equal(s->heads[0], want);
        assert_int_equal(s->n_heads, 1);
        server_free(s);
    }
}

static void
an_empty_file_is_a_file(void **state)
{
    static const struct step steps[] = {{"HTTP/1.1 200 OK\r\nContent-Length: 0", 0, 0, WELL}};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    is_whole(&r, 0);
    assert_int_equal(r.file.size_bytes, 0);
    assert_string_equal(r.file.sha256, "");
    assert_int_equal(s->n_heads, 1);
    server_free(s);
}

static void
a_file_of_unknown_size_ends_where_the_server_ends_it(void **state)
{
    static const struct step closes[] = {{"HTTP/1.1 200 OK", 0, 100000, WELL}};
    struct result r;
    struct server *s = PLAY(closes, 4096, &r);

    (void)state;
    is_whole(&r, 100000);
    assert_true(r.file.size_bytes == UINT64_MAX);
    server_free(s);
}

static void
serve_chunks(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (!hear_head(s, fd))
        return;
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < 100000; at += 1000) {
        char piece[1000];

        for (size_t i = 0; i < sizeof(piece); i++)
            piece[i] = (char)byte_at(at + i);
        say(fd, "3e8\r\n");
        say_bytes(fd, piece, sizeof(piece));
        say(fd, "\r\n");
    }
    say(fd, "0\r\nX-SHA256: trailer\r\n\r\n");
}

static void
chunks_have_no_size_and_trailers_say_nothing(void **state)
{
    struct server *s = server_start(serve_chunks, NULL);
    struct net *n = quick_net(s->url);
    struct result r;

    (void)state;
    fetch(n, 5000, &r);
    is_whole(&r, 100000);
    assert_true(r.file.size_bytes == UINT64_MAX);
    assert_string_equal(r.file.sha256, "");
    net_free(n);
    server_stop(s);
    server_free(s);
}

static void
a_header_field_that_is_too_long_or_holds_a_nul_is_left_out(void **state)
{
    char head[12000];
    struct step steps[] = {{head, 0, 3, WELL}};
    struct result r;
    struct server *s;

    (void)state;
    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-SHA256: %0128d\r\n"
                   "X-Mayfly-Meta: %08192d\r\nX-Uses-Remaining: 7\r\nX-Uses-Remaining: 8",
                   1, 2);
    s = PLAY(steps, 4096, &r);
    is_whole(&r, 3);
    assert_string_equal(r.file.sha256, "");
    assert_string_equal(r.file.meta, "");
    assert_string_equal(r.file.uses_left, "7"); /* the first */
    server_free(s);
}

static void
what_comes_while_somebody_else_is_asked_is_kept(void **state)
{
    static const struct step steps[] = {{FULL, 0, SIZE, WELL}, {NULL, 0, 0, STALL}};
    struct script script = {steps, 2};
    struct server *s = server_start(serve, &script);
    struct net *n = quick_net(s->url);
    struct net_download *d = NULL;
    struct net_reply r, other;
    uint8_t piece[1000];
    size_t len = 1;
    uint64_t got = 0;

    (void)state;
    net_reply_init(&r);
    net_reply_init(&other);
    n->limits.stall_ms = 400;
    assert_ok(net_download_open(n, "a-b-c", &d, &r));
    /* The turns of that request move the download too, until its buffer is full. */
    assert_err(ERR_TIMEOUT, net_call(n, "GET", "/status/a-b-c", NULL, &other));
    while (len > 0) {
        assert_ok(source_read(net_download_source(d), piece, sizeof(piece), &len));
        for (size_t i = 0; i < len; i++)
            if (piece[i] != byte_at(got + i))
                fail_msg("byte %zu is wrong", (size_t)got + i);
        got += len;
    }
    assert_int_equal(got, SIZE);
    net_download_free(d);
    net_free(n);
    server_stop(s);
    server_free(s);
}

/* ---- servers that lie, and refuse ---- */

static void
a_part_that_nobody_asked_for_is_no_file(void **state)
{
    static const struct step first[] = {{PART("0"), 0, 100, WELL}};
    static const struct step other[] = {{NULL, 0, 0, CUT}, {PART("5"), 5, 100, WELL}};
    struct result r;
    struct server *s = PLAY(first, 4096, &r);

    (void)state;
    assert_int_equal(r.opened, ERR_OK);
    assert_int_equal(r.status, 206);
    assert_int_equal(r.got, 0);
    server_free(s);
    s = PLAY(other, 4096, &r);
    assert_int_equal(r.opened, ERR_INTEGRITY);
    server_free(s);
}

static void
a_refusal_is_given_with_its_body(void **state)
{
    static const struct step gone[] = {
        {"HTTP/1.1 410 Gone\r\nContent-Length: 9\r\n\r\n{\"a\":\"b\"}"
         "\r\nX: y",
         0, 0, WELL}};
    struct script script = {gone, 1};
    struct server *s = server_start(serve, &script);
    struct net *n = quick_net(s->url);
    struct net_download *d = NULL;
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    assert_ok(net_download_open(n, "a-b-c", &d, &r));
    assert_null(d);
    assert_int_equal(r.status, 410);
    assert_string_equal(buf_text(&r.body), "{\"a\":\"b\"}");
    net_reply_done(&r);
    net_free(n);
    server_stop(s);
    assert_int_equal(s->n_heads, 1);
    server_free(s);
}

static void
what_is_no_key_is_never_asked_for(void **state)
{
    static const char *const keys[] = {"a/b", "a b", "a?b", "../x", "a\r\nX: y", "\xc3\xa4"};
    char long_key[400];
    struct net *n = quick_net("http://127.0.0.1:1");
    struct net_download *d = NULL;
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_err(ERR_FIELD, net_download_open(n, keys[i], &d, &r));
    (void)snprintf(long_key, sizeof(long_key), "%0399d", 0);
    assert_err(ERR_FIELD, net_download_open(n, long_key, &d, &r));
    assert_null(d);
    net_free(n);
}

/* ---- no server ---- */

static void
no_server_at_the_first_try_is_told_at_once(void **state)
{
    struct net_download *d = NULL;
    struct net_reply r;
    struct net *n;
    char url[64];
    int fd = free_port(false, url);

    (void)state;
    net_reply_init(&r);
    n = quick_net(url);
    n->limits.pause_ms = n->limits.pause_max_ms = 60 * 1000; /* would be noticed */
    assert_err(ERR_UNAVAIL, net_download_open(n, "a-b-c", &d, &r));
    assert_string_equal(err_sentence(), "no connection to the server");
    net_free(n);
    (void)close(fd);
}

/* The file's first bytes, then a signal; a connection that waits, or one that breaks. */
static void
serve_bytes_and_signal(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (!hear_head(s, fd))
        return;
    say(fd, FULL "\r\n\r\n");
    say_bytes(fd, "\0\1\2", 3);
    (void)usleep(100 * 1000);
    (void)kill(getpid(), SIGINT);
    while (s->ctx == NULL && more(s, fd))
        ;
}

static void
interrupted(void *ctx)
{
    struct server *s = server_start(serve_bytes_and_signal, ctx);
    struct net *n = quick_net(s->url);
    struct result r;

    interrupt_init();
    n->limits.pause_ms = n->limits.pause_max_ms = (int64_t)60 * 1000;
    fetch(n, 4096, &r);
    if (r.opened != ERR_OK || r.read != ERR_CLOSED || strcmp(r.sentence, "interrupted") != 0)
        _exit(1);
    interrupt_end();
    _exit(2);
}

static void
interrupted_while_it_waits(void)
{
    interrupted(NULL);
}

static void
interrupted_in_a_pause(void)
{
    char breaks = 1;

    interrupted(&breaks);
}

static void
a_signal_ends_a_download_and_its_pauses(void **state)
{
    (void)state;
    assert_int_equal(signal_of(interrupted_while_it_waits), SIGINT);
    assert_int_equal(signal_of(interrupted_in_a_pause), SIGINT);
}

static void
a_download_that_is_given_up_ends_its_transfer(void **state)
{
    static const struct step steps[] = {{FULL, 0, SIZE, STALL}};
    struct script script = {steps, 1};
    struct server *s = server_start(serve, &script);
    struct net *n = quick_net(s->url);
    struct net_download *d = NULL;
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    assert_ok(net_download_open(n, "a-b-c", &d, &r));
    net_download_free(d); /* the script, which waits for that, ends */
    net_free(n);
    server_stop(s);
    server_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_with_what_its_header_says),
        cmocka_unit_test(an_empty_file_is_a_file),
        cmocka_unit_test(a_file_of_unknown_size_ends_where_the_server_ends_it),
        cmocka_unit_test(chunks_have_no_size_and_trailers_say_nothing),
        cmocka_unit_test(a_header_field_that_is_too_long_or_holds_a_nul_is_left_out),
        cmocka_unit_test(what_comes_while_somebody_else_is_asked_is_kept),
        cmocka_unit_test(a_part_that_nobody_asked_for_is_no_file),
        cmocka_unit_test(a_refusal_is_given_with_its_body),
        cmocka_unit_test(what_is_no_key_is_never_asked_for),
        cmocka_unit_test(no_server_at_the_first_try_is_told_at_once),
        cmocka_unit_test(a_signal_ends_a_download_and_its_pauses),
        cmocka_unit_test(a_download_that_is_given_up_ends_its_transfer),
    };

    return cmocka_run_group_tests(tests, plain_environment, NULL);
}
