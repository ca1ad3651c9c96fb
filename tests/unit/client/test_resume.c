/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads that go on where a connection broke. */
#include "script_download.h"

#include <fcntl.h>

/* ---- connections that break ---- */

static void
five_cuts_end_in_one_whole_file(void **state)
{
    static const struct step steps[] = {
        {FULL, 0, 1000, CUT},
        {PART("1000"), 1000, 1, RESET},
        {PART("1001"), 1001, 998999, CUT},
        {PART("1000000"), 1000000, 1500000, CUT},
        {PART("2500000"), 2500000, 499999, CUT},
        {PART("2999999"), 2999999, 1, WELL},
    };
    static const char *const ranges[] = {"", "1000-", "1001-", "1000000-", "2500000-", "2999999-"};
    static const size_t caps[] = {1000, 300000};
    struct result r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
        struct server *s = PLAY(steps, caps[i], &r);

        is_whole(&r, SIZE);
        assert_int_equal(r.n_resumed, 5);
        asked_ranges(s, ranges, 6);
        server_free(s);
    }
}

static void
a_stall_is_a_break(void **state)
{
    static const struct step steps[] = {{FULL, 0, 5000, STALL},
                                        {PART("5000"), 5000, 2995000, WELL}};
    static const char *const ranges[] = {"", "5000-"};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    is_whole(&r, SIZE);
    asked_ranges(s, ranges, 2);
    server_free(s);
}

static void
a_break_before_the_header_is_tried_again_from_the_first_byte(void **state)
{
    static const struct step steps[] = {
        {NULL, 0, 0, RESET}, {NULL, 0, 0, CUT}, {PART("0"), 0, SIZE, WELL}};
    static const char *const ranges[] = {"", "0-", "0-"};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    is_whole(&r, SIZE);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.file.size_bytes, SIZE);
    asked_ranges(s, ranges, 3);
    server_free(s);
}

static void
a_break_between_header_and_first_byte_goes_on_at_0(void **state)
{
    static const struct step steps[] = {{FULL, 0, 0, CUT}, {PART("0"), 0, SIZE, WELL}};
    static const struct step full[] = {{FULL, 0, 0, CUT}, {FULL, 0, SIZE, WELL}};
    static const char *const ranges[] = {"", "0-"};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    is_whole(&r, SIZE);
    asked_ranges(s, ranges, 2);
    server_free(s);
    s = PLAY(full, 4096, &r); /* through a proxy that knows no ranges */
    is_whole(&r, SIZE);
    asked_ranges(s, ranges, 2);
    server_free(s);
}

static void
an_empty_file_has_no_range_to_ask_for(void **state)
{
    static const struct step steps[] = {
        {NULL, 0, 0, CUT},
        {"HTTP/1.1 416 Range\r\nContent-Range: bytes */0\r\nContent-Length: 0", 0, 0, WELL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-SHA256: e3b0", 0, 0, WELL},
    };
    static const char *const ranges[] = {"", "0-", ""};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    is_whole(&r, 0);
    assert_string_equal(r.file.sha256, "e3b0");
    asked_ranges(s, ranges, 3);
    server_free(s);
}

static void
a_length_shorter_than_promised_is_a_break(void **state)
{
    static const struct step steps[] = {
        {FULL, 0, 1000, CUT},
        {PART("1000") "\r\nContent-Length: 500", 1000, 500, WELL},
        {PART("1500") "\r\nContent-Length: 2998500", 1500, 2998500, WELL},
    };
    static const char *const ranges[] = {"", "1000-", "1500-"};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    is_whole(&r, SIZE);
    asked_ranges(s, ranges, 3);
    server_free(s);
}

/* Without a length, chunks that are cut are the only break that is seen. */
static void
serve_unknown(struct server *s, int fd, unsigned nth)
{
    char piece[1000];

    for (size_t i = 0; i < sizeof(piece); i++)
        piece[i] = (char)byte_at(i);
    if (!hear_head(s, fd))
        return;
    if (nth > 0) {
        say(fd, s->ctx);
        say_bytes(fd, piece + 500, strstr(s->ctx, " 206 ") != NULL ? 500 : 0);
        return;
    }
    say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"e1\"\r\n\r\n3e8\r\n");
    say_bytes(fd, piece, 500);
}

static void
an_unknown_size_is_learned_from_the_rest(void **state)
{
    static const struct {
        const char *head;
        enum err read;
        size_t got;
    } rows[] = {
        {"HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes 500-999/1000\r\n\r\n",
         ERR_OK, 1000},
        /* all was there, but for the last chunk that says so */
        {"HTTP/1.1 416 Range\r\nContent-Range: bytes */500\r\nContent-Length: 0\r\n\r\n", ERR_OK,
         500},
        {"HTTP/1.1 416 Range\r\nContent-Range: bytes */501\r\nContent-Length: 0\r\n\r\n",
         ERR_INTEGRITY, 500},
        {"HTTP/1.1 416 Range\r\nContent-Length: 0\r\n\r\n", ERR_DENIED, 500},
    };
    struct result r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server *s = server_start(serve_unknown, (void *)(uintptr_t)rows[i].head);
        struct net *n = quick_net(s->url);
        char line[256];

        fetch(n, 4096, &r);
        assert_int_equal(r.opened, ERR_OK);
        assert_int_equal(r.read, rows[i].read);
        assert_int_equal(r.got, rows[i].got);
        assert_true(r.is_right);
        net_free(n);
        server_stop(s);
        assert_int_equal(s->n_heads, 2);
        assert_string_equal(asked(s, 1, "Range", line), "Range: bytes=500-");
        server_free(s);
    }
}

static void
a_proxy_that_says_busy_is_asked_again(void **state)
{
    static const struct step steps[] = {
        {FULL, 0, 1000, CUT},
        {"HTTP/1.1 502 Bad gateway\r\nContent-Length: 3", 0, 3, WELL},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 3", 0, 3, WELL},
        {"HTTP/1.1 504 Late\r\nContent-Length: 3", 0, 3, WELL},
        {PART("1000"), 1000, 2999000, WELL},
    };
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    is_whole(&r, SIZE);
    assert_int_equal(s->n_heads, 5);
    assert_int_equal(r.n_resumed, 1);
    server_free(s);
}

static void
it_gives_up_after_8_tries_in_a_row_without_a_byte(void **state)
{
    static const struct step steps[] = {
        {FULL, 0, 1000, CUT},         {PART("1000"), 1000, 0, CUT},
        {PART("1000"), 1000, 0, CUT}, {PART("1000"), 1000, 0, CUT},
        {PART("1000"), 1000, 0, CUT}, {PART("1000"), 1000, 0, CUT},
        {PART("1000"), 1000, 0, CUT}, {PART("1000"), 1000, 0, CUT},
        {PART("1000"), 1000, 5, CUT}, /* the 8th brings some */
        {PART("1005"), 1005, 0, CUT},
    };
    static const struct step silent[] = {{NULL, 0, 0, CUT}};
    static const struct step busy[] = {{FULL, 0, 1000, CUT},
                                       {"HTTP/1.1 503 Busy\r\nContent-Length: 0", 0, 0, WELL}};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    assert_int_equal(r.opened, ERR_OK);
    assert_int_equal(r.read, ERR_CLOSED);
    assert_int_equal(r.got, 1005);
    assert_true(r.is_right);
    assert_string_equal(r.sentence, "the connection broke off");
    assert_int_equal(s->n_heads, 1 + 8 + 8);
    server_free(s);
    s = PLAY(silent, 4096, &r);
    assert_int_equal(r.opened, ERR_CLOSED);
    assert_int_equal(r.status, 0);
    assert_int_equal(s->n_heads, 8);
    server_free(s);
    s = PLAY(busy, 4096, &r);
    assert_int_equal(r.read, ERR_UNAVAIL);
    assert_string_equal(r.sentence, "the server cannot answer now");
    assert_int_equal(s->n_heads, 1 + 8);
    server_free(s);
}

/* ---- servers that lie, and refuse ---- */

static void
the_rest_of_another_file_is_refused(void **state)
{
    static const char *const heads[] = {
        "HTTP/1.1 206 Partial\r\nETag: \"e2\"\r\nContent-Range: bytes 1000-2999999/3000000",
        "HTTP/1.1 206 Partial\r\nContent-Range: bytes 1000-2999999/3000000",
        "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes 999-2999999/3000000",
        "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes 1001-2999999/3000000",
        "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes 1000-2999998/3000000",
        "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes 1000-3000000/3000001",
        "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes 1000-2999999/*",
        "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes */3000000",
        "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes 1000-/3000000",
        "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: lines 1000-2999999/3000000",
        "HTTP/1.1 206 Partial\r\nETag: \"e1\"",
        "HTTP/1.1 416 Range\r\nContent-Range: bytes */999\r\nContent-Length: 0",
        "HTTP/1.1 416 Range\r\nContent-Range: bytes */3000000\r\nContent-Length: 0",
    };
    struct result r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct step steps[] = {{FULL, 0, 1000, CUT}, {heads[i], 1000, 2999000, WELL}};
        struct server *s;

        if (strstr(heads[i], " 416 ") != NULL)
            steps[1].n = 0;
        s = PLAY(steps, 4096, &r);
        if (r.read != ERR_INTEGRITY)
            fail_msg("%s: %s", heads[i], err_name(r.read));
        assert_string_equal(r.sentence, "the server goes on with another file than it began");
        assert_int_equal(r.got, 1000);
        assert_int_equal(s->n_heads, 2); /* and it is not asked again */
        server_free(s);
    }
}

static void
more_bytes_than_the_file_has_are_refused(void **state)
{
    static const struct step steps[] = {{FULL, 0, 1000, CUT}, {PART("1000"), 1000, 2999001, WELL}};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    assert_int_equal(r.read, ERR_INTEGRITY);
    assert_string_equal(r.sentence, "the server sends more than the file has");
    assert_true(r.is_right && r.got <= SIZE);
    server_free(s);
}

static void
the_whole_file_again_is_not_taken_for_the_rest(void **state)
{
    static const struct step steps[] = {{FULL, 0, 1000, CUT}, {FULL, 0, SIZE, WELL}};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    assert_int_equal(r.read, ERR_UNAVAIL);
    assert_string_equal(r.sentence, "the server cannot go on where the connection broke off");
    assert_int_equal(r.got, 1000);
    assert_int_equal(s->n_heads, 2);
    server_free(s);
}

static void
a_refusal_of_the_rest_is_told_as_one(void **state)
{
    static const struct step steps[] = {
        {FULL, 0, 1000, CUT},
        {"HTTP/1.1 410 Gone\r\nContent-Length: 67\r\n\r\n"
         "{\"ended_by\":\"revoked\",\"ended_at\":\"2026-01-01T12:03:00Z\",\"k\":\"12345678\"}",
         0, 0, WELL}};
    struct result r;
    struct server *s = PLAY(steps, 4096, &r);

    (void)state;
    assert_int_equal(r.read, ERR_GONE);
    assert_int_equal(r.got, 1000);
    assert_int_equal(s->n_heads, 2);
    server_free(s);
}

/* Stops listening after its first connection. */
static void
serve_once(struct server *s, int fd, unsigned nth)
{
    int other = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)nth;
    if (!hear_head(s, fd))
        return;
    say(fd, FULL "\r\n\r\n");
    say_bytes(fd, "\0\1\2", 3);
    (void)dup2(other, s->listener);
    (void)close(other);
    atomic_store(&s->is_ending, true);
}

static void
a_server_that_goes_away_later_is_tried_again(void **state)
{
    struct server *s = server_start(serve_once, NULL);
    struct net *n = quick_net(s->url);
    struct result r;

    (void)state;
    n->limits.pause_ms = 10;
    n->limits.pause_max_ms = 40;
    fetch(n, 4096, &r);
    assert_int_equal(r.opened, ERR_OK);
    assert_int_equal(r.read, ERR_UNAVAIL);
    assert_int_equal(r.got, 3);
    assert_string_equal(r.sentence, "no connection to the server");
    net_free(n);
    server_stop(s);
    server_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_cuts_end_in_one_whole_file),
        cmocka_unit_test(a_stall_is_a_break),
        cmocka_unit_test(a_break_before_the_header_is_tried_again_from_the_first_byte),
        cmocka_unit_test(a_break_between_header_and_first_byte_goes_on_at_0),
        cmocka_unit_test(an_empty_file_has_no_range_to_ask_for),
        cmocka_unit_test(a_length_shorter_than_promised_is_a_break),
        cmocka_unit_test(an_unknown_size_is_learned_from_the_rest),
        cmocka_unit_test(a_proxy_that_says_busy_is_asked_again),
        cmocka_unit_test(it_gives_up_after_8_tries_in_a_row_without_a_byte),
        cmocka_unit_test(the_rest_of_another_file_is_refused),
        cmocka_unit_test(more_bytes_than_the_file_has_are_refused),
        cmocka_unit_test(the_whole_file_again_is_not_taken_for_the_rest),
        cmocka_unit_test(a_refusal_of_the_rest_is_told_as_one),
        cmocka_unit_test(a_server_that_goes_away_later_is_tried_again),
    };

    return cmocka_run_group_tests(tests, plain_environment, NULL);
}
