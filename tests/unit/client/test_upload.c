/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads that arrive, and sources that do not do what was said of them. */
#include "script_upload.h"

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
    };

    return cmocka_run_group_tests(tests, plain_environment, NULL);
}
