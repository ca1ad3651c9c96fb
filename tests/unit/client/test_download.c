/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads, whole and in pieces. A script is one step a connection: what it answers, and how it
 * ends. */
#include "script_server.h"

#include "base/mem.h"
#include "client/interrupt.h"
#include "client/reply.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { SIZE = 3000000 };

/* How a connection ends after `n` bytes of its body. */
enum end { WELL, CUT, RESET, STALL };

struct step {
    const char *head; /* without the blank line; NULL: nothing is said */
    uint64_t from;
    size_t n;
    enum end end;
};

struct script {
    const struct step *steps;
    unsigned n;
};

static uint8_t
byte_at(uint64_t i)
{
    return (uint8_t)(i ^ (i >> 8) * 31 ^ (i >> 16) * 131);
}

static void
serve(struct server *s, int fd, unsigned nth)
{
    const struct script *script = s->ctx;
    const struct step *step = &script->steps[nth < script->n ? nth : script->n - 1];
    char *body;

    if (!hear_head(s, fd))
        return;
    if (step->head != NULL) {
        say(fd, step->head);
        say(fd, "\r\n\r\n");
    }
    body = malloc(step->n + 1);
    for (size_t i = 0; body != NULL && i < step->n; i++)
        body[i] = (char)byte_at(step->from + i);
    if (body != NULL)
        say_bytes(fd, body, step->n);
    free(body);
    if (step->end == RESET)
        reset(fd);
    if (step->end == STALL)
        while (more(s, fd))
            ;
}

#define FULL                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\nETag: \"e1\"\r\n"                               \
    "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=\"a.txt\"\r\n"          \
    "X-SHA256: 0123\r\nX-Uses-Remaining: 4\r\nX-Mayfly-Meta: bWV0YQ"
#define PART(from) /* from there to the end of 3,000,000 */                                        \
    "HTTP/1.1 206 Partial\r\nETag: \"e1\"\r\nContent-Range: bytes " from "-2999999/3000000"

struct result {
    enum err opened, read; /* of the end of reading */
    unsigned status, n_resumed;
    uint64_t got;
    bool is_right; /* each byte */
    struct net_file file;
    char sentence[256];
};

/* The whole of a download, in reads of `cap` bytes. */
static void
fetch(struct net *n, size_t cap, struct result *ret)
{
    uint8_t *piece = malloc(cap);
    struct net_download *d = NULL;
    struct net_reply r;
    size_t len = 1;

    *ret = (struct result){.is_right = true};
    net_reply_init(&r);
    assert_non_null(piece);
    ret->opened = net_download_open(n, "velvet-canyon-oboe", &d, &r);
    ret->status = r.status;
    if (ret->opened == ERR_OK && d != NULL) {
        ret->file = *net_download_file(d);
        while (ret->read == ERR_OK && len > 0) {
            ret->read = source_read(net_download_source(d), piece, cap, &len);
            for (size_t i = 0; ret->read == ERR_OK && i < len; i++)
                ret->is_right &= piece[i] == byte_at(ret->got + i);
            ret->got += ret->read == ERR_OK ? len : 0;
        }
        ret->n_resumed = net_download_n_resumed(d);
    }
    (void)snprintf(ret->sentence, sizeof(ret->sentence), "%s", err_sentence());
    net_download_free(d);
    net_reply_done(&r);
    free(piece);
}

static struct server *
play(const struct step *steps, unsigned n, size_t cap, struct result *ret)
{
    struct script *script = malloc(sizeof(*script));
    struct server *s;
    struct net *net;

    assert_non_null(script);
    *script = (struct script){steps, n};
    s = server_start(serve, script);
    net = quick_net(s->url);
    net->limits.stall_ms = 300;
    fetch(net, cap, ret);
    net_free(net);
    server_stop(s);
    free(script);
    return s;
}

/* A script, what it must come to, and how many requests that takes. */
#define PLAY(steps, cap, ret) play(steps, ARRAY_LEN(steps), cap, ret)

static void
is_whole(const struct result *r, uint64_t size)
{
    if (r->opened != ERR_OK || r->read != ERR_OK)
        fail_msg("opened %s, read %s: %s", err_name(r->opened), err_name(r->read), r->sentence);
    assert_int_equal(r->got, size);
    assert_true(r->is_right);
}

/* Range of the requests, in order; "" for none. */
static void
asked_ranges(const struct server *s, const char *const *ranges, unsigned n)
{
    char line[256], want[64];

    assert_int_equal(s->n_heads, n);
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(want, sizeof(want), "%s%s", ranges[i][0] != '\0' ? "Range: bytes=" : "",
                       ranges[i]);
        assert_string_equal(asked(s, i, "Range", line), want);
        assert_string_equal(asked(s, i, "If-Range", line), "");
        assert_int_equal(strncmp(s->heads[i], "GET /download/velvet-canyon-oboe HTTP/1.1\r\n", 43),
                         0);
    }
}

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
    assert_string_equal(r.sentence, "The server cannot do this now (status 503)");
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

static void
interrupted_child(const char *url, int64_t pause_ms)
{
    struct net *n = quick_net(url);
    pid_t self = getpid();
    struct result r;

    (void)alarm(20);
    interrupt_init();
    n->limits.pause_ms = n->limits.pause_max_ms = pause_ms;
    if (fork() == 0) {
        (void)usleep(300 * 1000);
        (void)kill(self, SIGINT);
        _exit(0);
    }
    fetch(n, 4096, &r);
    if (r.opened != ERR_OK || r.read != ERR_CLOSED || strcmp(r.sentence, "interrupted") != 0)
        _exit(1);
    net_free(n);
    interrupt_end();
    _exit(2);
}

static void
a_signal_ends_a_download_and_its_pauses(void **state)
{
    static const struct step steps[2][1] = {{{FULL, 0, 1000, STALL}}, {{FULL, 0, 1000, CUT}}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct script script = {steps[i], 1};
        struct server *s = server_start(serve, &script);
        int status = 0;
        pid_t pid = fork();

        if (pid == 0)
            interrupted_child(s->url, 60 * 1000);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGINT);
        server_stop(s);
        server_free(s);
    }
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
        cmocka_unit_test(a_part_that_nobody_asked_for_is_no_file),
        cmocka_unit_test(the_whole_file_again_is_not_taken_for_the_rest),
        cmocka_unit_test(a_refusal_is_given_with_its_body),
        cmocka_unit_test(a_refusal_of_the_rest_is_told_as_one),
        cmocka_unit_test(what_is_no_key_is_never_asked_for),
        cmocka_unit_test(no_server_at_the_first_try_is_told_at_once),
        cmocka_unit_test(a_server_that_goes_away_later_is_tried_again),
        cmocka_unit_test(a_signal_ends_a_download_and_its_pauses),
        cmocka_unit_test(a_download_that_is_given_up_ends_its_transfer),
    };

    return cmocka_run_group_tests(tests, plain_environment, NULL);
}
