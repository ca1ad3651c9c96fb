/* SPDX-License-Identifier: Apache-2.0 */
#include "script_server.h"

#include "base/mem.h"
#include "client/interrupt.h"

#include <fcntl.h>
#include <signal.h>

#define CREATED "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"

/* ---- a source of so many bytes, which are all different for a long while ---- */

struct maker {
    struct source source;
    uint64_t at, len;
    enum err e;   /* at the end, instead of it */
    size_t piece; /* at most so much at once; 0: what is asked for */
    int64_t pause_us;
    atomic_int *gate; /* waits before the last byte until this is set */
};

static uint8_t
byte_at(uint64_t i)
{
    return (uint8_t)(i ^ (i >> 8) * 31 ^ (i >> 16) * 131);
}

static enum err
maker_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct maker *m = CONTAINER_OF(s, struct maker, source);
    size_t n = cap;

    if (m->piece != 0 && n > m->piece)
        n = m->piece;
    if (n > m->len - m->at)
        n = (size_t)(m->len - m->at);
    if (n == 0 && m->e != ERR_OK)
        return err_set(m->e, "the source is broken");
    if (m->pause_us > 0)
        (void)usleep((useconds_t)m->pause_us);
    for (int i = 0; m->gate != NULL && m->at > 0 && atomic_load(m->gate) == 0 && i < 500; i++)
        (void)usleep(10 * 1000);
    for (size_t i = 0; i < n; i++)
        ret_bytes[i] = byte_at(m->at + i);
    m->at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
maker_free(struct source *s)
{
    (void)s;
}

static const struct source_ops maker_ops = {maker_read, maker_free};

static struct maker
maker(uint64_t len)
{
    return (struct maker){.source = {&maker_ops}, .len = len};
}

/* ---- forms ---- */

/* The bytes of a part of the form that `s` got: its header and its content. */
static const char *
part(const struct server *s, unsigned nth, const char **ret_content, size_t *ret_len)
{
    static char head[2048];
    const char *text = buf_text(&s->body), *end = text + s->body.len, *from, *to, *blank;
    size_t mark = strcspn(text, "\r");

    for (from = text; nth > 0; nth--) {
        from = memmem(from + mark, (size_t)(end - from) - mark, text, mark);
        assert_non_null(from);
    }
    to = memmem(from + mark, (size_t)(end - from) - mark, text, mark);
    if (to == NULL) /* behind the last mark */
        return NULL;
    blank = memmem(from, (size_t)(to - from), "\r\n\r\n", 4);
    assert_non_null(blank);
    (void)snprintf(head, sizeof(head), "%.*s", (int)(blank - from - (ptrdiff_t)mark - 2),
                   from + mark + 2);
    *ret_content = blank + 4;
    *ret_len = (size_t)(to - 2 - *ret_content);
    return head;
}

static void
is_part(const struct server *s, unsigned nth, const char *head, const void *content, size_t len)
{
    const char *got = NULL, *got_head;
    size_t got_len = 0;

    got_head = part(s, nth, &got, &got_len);
    assert_non_null(got_head);
    assert_string_equal(got_head, head);
    assert_int_equal(got_len, len);
    assert_memory_equal(got, content, len);
}

static void
is_file(const struct server *s, unsigned nth, const char *filename, uint64_t len)
{
    static const char type[] = "Content-Type: application/octet-stream";
    bool is_type_first = strncmp(filename, "filename*", 9) == 0; /* as libcurl puts it */
    const char *got = NULL, *head;
    char want[512];
    size_t got_len = 0;

    (void)snprintf(want, sizeof(want), "%s%sContent-Disposition: form-data; name=\"file\"; %s%s%s",
                   is_type_first ? type : "", is_type_first ? "\r\n" : "", filename,
                   is_type_first ? "" : "\r\n", is_type_first ? "" : type);
    head = part(s, nth, &got, &got_len);
    assert_non_null(head);
    assert_string_equal(head, want);
    assert_int_equal(got_len, len);
    for (size_t i = 0; i < got_len; i++)
        if ((uint8_t)got[i] != byte_at(i))
            fail_msg("byte %zu is wrong", i);
}

static void
is_end(const struct server *s, unsigned nth)
{
    const char *got;
    size_t len;

    assert_null(part(s, nth, &got, &len));
}

static void
serve_created(struct server *s, int fd, unsigned nth)
{
    char line[256];

    (void)nth;
    if (!hear_head(s, fd))
        return;
    if (asked(s, s->n_heads - 1, "Expect", line)[0] != '\0')
        say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    if (hear_body(s, fd))
        say(fd, CREATED);
}

static enum err
send_to(const char *url, const struct net_upload *u, struct net_reply *r)
{
    struct net *n = quick_net(url);
    enum err e;

    net_reply_init(r);
    n->limits.stall_ms = 2000;
    e = net_upload(n, u, r);
    net_free(n);
    return e;
}

/* ---- what is sent ---- */

static void
a_form_has_its_fields_then_the_file(void **state)
{
    static const struct net_field fields[] = {{"expiry", "10"}, {"id", "a\"b%c"}};
    static const uint64_t lens[] = {0, 1, 70000, 3000000};
    char line[256], want[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct server *s = server_start(serve_created, NULL);
        struct maker m = maker(lens[i]);
        struct net_upload u = {.fields = fields,
                               .n_fields = 2,
                               .filename = "na\xc3\xafve x.txt",
                               .source = &m.source,
                               .len = lens[i]};
        struct net_reply r;

        assert_ok(send_to(s->url, &u, &r));
        server_stop(s);
        assert_int_equal(r.status, 201);
        assert_string_equal(buf_text(&r.body), "{}");
        assert_int_equal(strncmp(s->heads[0], "POST /upload/ HTTP/1.1\r\n", 24), 0);
        (void)snprintf(want, sizeof(want), "Content-Length: %zu", s->body.len);
        assert_string_equal(asked(s, 0, "Content-Length", line), want);
        assert_string_equal(asked(s, 0, "Authorization", line), "");
        is_part(s, 0, "Content-Disposition: form-data; name=\"expiry\"", "10", 2);
        is_part(s, 1, "Content-Disposition: form-data; name=\"id\"", "a\"b%c", 5);
        is_file(s, 2, "filename=\"na\xc3\xafve x.txt\"", lens[i]);
        is_end(s, 3);
        net_reply_done(&r);
        server_free(s);
    }
}

static void
a_file_of_unknown_length_goes_in_chunks(void **state)
{
    static const uint64_t lens[] = {0, 1, 1200000};
    char line[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct server *s = server_start(serve_created, NULL);
        struct maker m = maker(lens[i]);
        struct net_upload u = {.filename = "x", .source = &m.source, .len = UINT64_MAX};
        struct net_reply r;

        m.piece = i == 2 ? 9999 : 0;
        assert_ok(send_to(s->url, &u, &r));
        server_stop(s);
        assert_int_equal(r.status, 201);
        assert_string_equal(asked(s, 0, "Transfer-Encoding", line), "Transfer-Encoding: chunked");
        assert_string_equal(asked(s, 0, "Content-Length", line), "");
        is_file(s, 0, "filename=\"x\"", lens[i]);
        is_end(s, 1);
        net_reply_done(&r);
        server_free(s);
    }
}

static void
the_token_is_sent_as_a_header(void **state)
{
    struct server *s = server_start(serve_created, NULL);
    struct maker m = maker(3);
    struct secret *token = NULL;
    struct net_upload u = {.filename = "x", .source = &m.source, .len = 3};
    struct net_reply r;
    char line[256];

    (void)state;
    assert_ok(secret_copy("t0ken", 5, &token));
    u.bearer = token;
    assert_ok(send_to(s->url, &u, &r));
    server_stop(s);
    assert_string_equal(asked(s, 0, "Authorization", line), "Authorization: Bearer t0ken");
    secret_free(token);
    net_reply_done(&r);
    server_free(s);
}

static void
names_that_could_be_read_in_two_ways_are_encoded(void **state)
{
    static const struct {
        const char *name, *sent;
    } rows[] = {
        {"a b;c=d'e.tar.gz", "filename=\"a b;c=d'e.tar.gz\""},
        {"a%22b", "filename*=UTF-8''a%2522b"},
        {"a\"b\\c", "filename*=UTF-8''a%22b%5Cc"},
        {"a\r\nX: y", "filename*=UTF-8''a%0D%0AX%3A%20y"},
        {"\xc3\xa4%", "filename*=UTF-8''%C3%A4%25"},
        {"\xe4%", "filename=\"\xe4%\""}, /* no UTF-8: cannot be encoded */
        {"\xe4\r\n\"", "filename=\"\xe4%0D%0A%22\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server *s = server_start(serve_created, NULL);
        struct maker m = maker(5);
        struct net_upload u = {.filename = rows[i].name, .source = &m.source, .len = 5};
        struct net_reply r;

        assert_ok(send_to(s->url, &u, &r));
        server_stop(s);
        is_file(s, 0, rows[i].sent, 5);
        is_end(s, 1);
        net_reply_done(&r);
        server_free(s);
    }
}

/* ---- the late field ---- */

struct late {
    struct maker *m;
    const char *value;
    enum err e;
    unsigned n_calls;
};

static enum err
late_value(void *ctx, char ret_value[NET_LATE_MAX + 1])
{
    struct late *l = ctx;

    l->n_calls++;
    if (l->m->at != l->m->len) /* only when the file was read */
        return err_set(ERR_SYNTAX, "called too early");
    if (l->e != ERR_OK)
        return err_set(l->e, "no late value");
    memcpy(ret_value, l->value, strlen(l->value) + 1);
    return ERR_OK;
}

static void
a_late_field_is_asked_for_once_and_stands_behind_the_file(void **state)
{
    static const uint64_t lens[] = {0, 1, 300000};

    (void)state;
    for (size_t i = 0; i < 3 * ARRAY_LEN(lens); i++) {
        struct server *s = server_start(serve_created, NULL);
        struct maker m = maker(lens[i / 3]);
        struct late l = {.m = &m, .value = "late-text"};
        struct net_upload u = {.filename = "x",
                               .source = &m.source,
                               .len = lens[i / 3],
                               .late_name = "meta",
                               .late_len = 9,
                               .late = late_value,
                               .ctx = &l};
        struct net_reply r;

        if (i % 3 > 0)
            u.len = UINT64_MAX;
        if (i % 3 > 1)
            u.late_len = SIZE_MAX;
        assert_ok(send_to(s->url, &u, &r));
        server_stop(s);
        assert_int_equal(l.n_calls, 1);
        is_file(s, 0, "filename=\"x\"", lens[i / 3]);
        is_part(s, 1, "Content-Disposition: form-data; name=\"meta\"", "late-text", 9);
        is_end(s, 2);
        net_reply_done(&r);
        server_free(s);
    }
}

static void
a_late_field_of_another_length_or_with_an_error_ends_the_upload(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct server *s = server_start(serve_created, NULL);
        struct maker m = maker(100000);
        struct late l = {.m = &m, .value = "late-text", .e = i % 2 == 0 ? ERR_OK : ERR_FIELD};
        struct net_upload u = {.filename = "x",
                               .source = &m.source,
                               .len = i < 2 ? 100000 : UINT64_MAX,
                               .late_name = "meta",
                               .late_len = 10,
                               .late = late_value,
                               .ctx = &l};
        struct net_reply r;

        assert_err(i % 2 == 0 ? ERR_IO : ERR_FIELD, send_to(s->url, &u, &r));
        if (i % 2 == 1)
            assert_string_equal(err_sentence(), "no late value");
        assert_int_equal(r.status, 0);
        assert_int_equal(l.n_calls, 1);
        server_stop(s);
        server_free(s);
    }
}

/* ---- sources that are not what they should be ---- */

static void
a_source_of_another_length_ends_the_upload(void **state)
{
    static const struct {
        uint64_t said, is;
    } rows[] = {{10, 9}, {10, 11}, {0, 1}, {2000000, 1999999}, {2000000, 2000001}, {1, 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct server *s = server_start(serve_created, NULL);
        struct maker m = maker(rows[i].is);
        struct net_upload u = {.filename = "x", .source = &m.source, .len = rows[i].said};
        struct net_reply r;

        assert_err(ERR_IO, send_to(s->url, &u, &r));
        assert_string_equal(err_sentence(), rows[i].is < rows[i].said
                                                ? "the file became shorter while it was read"
                                                : "the file became longer while it was read");
        assert_int_equal(r.status, 0);
        server_stop(s);
        server_free(s);
    }
}

static void
an_error_of_the_source_is_given_back_as_it_is(void **state)
{
    static const uint64_t lens[] = {0, 1, 500000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct server *s = server_start(serve_created, NULL);
        struct maker m = maker(lens[i]);
        struct net_upload u = {.filename = "x", .source = &m.source, .len = lens[i] + 1000};
        struct net_reply r;

        m.e = ERR_INTEGRITY;
        assert_err(ERR_INTEGRITY, send_to(s->url, &u, &r));
        assert_string_equal(err_sentence(), "the source is broken");
        m = maker(lens[i]);
        m.e = ERR_INTEGRITY;
        u.len = UINT64_MAX;
        assert_err(ERR_INTEGRITY, send_to(s->url, &u, &r));
        server_stop(s);
        server_free(s);
    }
}

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
        cmocka_unit_test(a_form_has_its_fields_then_the_file),
        cmocka_unit_test(a_file_of_unknown_length_goes_in_chunks),
        cmocka_unit_test(the_token_is_sent_as_a_header),
        cmocka_unit_test(names_that_could_be_read_in_two_ways_are_encoded),
        cmocka_unit_test(a_late_field_is_asked_for_once_and_stands_behind_the_file),
        cmocka_unit_test(a_late_field_of_another_length_or_with_an_error_ends_the_upload),
        cmocka_unit_test(a_source_of_another_length_ends_the_upload),
        cmocka_unit_test(an_error_of_the_source_is_given_back_as_it_is),
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
