/* SPDX-License-Identifier: Apache-2.0 */
/* multipart/form-data, as curl, browsers and libraries send it and as nobody should. Every body is
 * pushed whole, byte by byte, and cut in two at each place: the events must be the same. */
#include "testing.h"

#include "base/buf.h"
#include "base/mem.h"
#include "http/multipart.h"

#include <stdlib.h>
#include <string.h>

#define TYPE "multipart/form-data; boundary=XbX"
#define CD   "Content-Disposition: form-data; "

/* ---- events as text: "<name|filename>" or "<name>" data "." ---- */

struct recorder {
    struct buf log;
    bool in_part;
    int fail_at; /* the event that fails; 0: none */
    int n;
};

static enum err
record(struct recorder *r, const char *text, size_t len)
{
    if (++r->n == r->fail_at)
        return err_set(ERR_NOSPACE, "the test's own error");
    return buf_add(&r->log, text, len);
}

static enum err
on_begin(void *ctx, const struct multipart_part *part)
{
    struct recorder *r = ctx;
    char text[2048];
    int n;

    assert_false(r->in_part);
    r->in_part = true;
    if (part->filename != NULL)
        n = snprintf(text, sizeof(text), "<%s|%s>", part->name, part->filename);
    else
        n = snprintf(text, sizeof(text), "<%s>", part->name);
    return record(r, text, (size_t)n);
}

static enum err
on_data(void *ctx, const uint8_t *bytes, size_t len)
{
    struct recorder *r = ctx;

    assert_true(r->in_part);
    assert_true(len > 0);
    return record(r, (const char *)bytes, len);
}

static enum err
on_end(void *ctx)
{
    struct recorder *r = ctx;

    assert_true(r->in_part);
    r->in_part = false;
    return record(r, ".", 1);
}

static const struct multipart_events events = {NULL, on_begin, on_data, on_end};

/* Push `body` in pieces: the first of `first` bytes, the others of `step`. Each piece is a block
 * of its own, so that a read beyond it is seen. */
static enum err
run(const char *type, const char *body, size_t len, size_t first, size_t step, struct recorder *r)
{
    struct multipart_events ev = events;
    struct multipart *m = NULL;
    size_t at = 0, n = first;
    enum err e;

    ev.ctx = r;
    e = multipart_new(type, &ev, &m);
    while (e == ERR_OK && at < len) {
        uint8_t *piece;

        if (n > len - at)
            n = len - at;
        piece = malloc(n > 0 ? n : 1);
        assert_non_null(piece);
        memcpy(piece, body + at, n);
        e = multipart_push(m, piece, n);
        free(piece);
        at += n;
        n = step;
    }
    if (e == ERR_OK)
        e = multipart_finish(m);
    multipart_free(m);
    return e;
}

static void
recorder_init(struct recorder *r)
{
    *r = (struct recorder){0};
    buf_init(&r->log, 1 << 20);
}

static void
check_cut(const char *type, const char *body, size_t len, size_t first, size_t step, enum err want,
          const char *want_log)
{
    struct recorder r;
    enum err e;

    recorder_init(&r);
    e = run(type, body, len, first, step, &r);
    if (e != want)
        fail_msg("%s (%s) for %.300s", err_name(e), e == ERR_OK ? "" : err_sentence(), body);
    if (want_log != NULL)
        assert_string_equal(buf_text(&r.log), want_log);
    buf_done(&r.log);
}

static void
check(const char *type, const char *body, size_t len, enum err want, const char *want_log)
{
    check_cut(type, body, len, len, 1, want, want_log);
    check_cut(type, body, len, 1, 1, want, want_log);
    check_cut(type, body, len, 3, 7, want, want_log);
    for (size_t cut = 0; cut <= len && len < 600; cut++)
        check_cut(type, body, len, cut, len, want, want_log);
}

static void
assert_form(const char *body, const char *want_log)
{
    check(TYPE, body, strlen(body), ERR_OK, want_log);
}

static void
assert_refused(const char *body)
{
    check(TYPE, body, strlen(body), ERR_SYNTAX, NULL);
}

/* A form of one part with this header, CR LF at its end included, and the data "x". */
static void
assert_header(const char *header, const char *want_log)
{
    char body[12000];

    (void)snprintf(body, sizeof(body), "--XbX\r\n%s\r\nx\r\n--XbX--\r\n", header);
    check(TYPE, body, strlen(body), want_log == NULL ? ERR_SYNTAX : ERR_OK, want_log);
}

/* ---- forms ---- */

static void
parts_come_in_their_order(void **state)
{
    (void)state;
    assert_form("--XbX\r\n" CD "name=\"expiry\"\r\n\r\n15\r\n"
                "--XbX\r\n" CD "name=\"file\"; filename=\"a.txt\"\r\n"
                "Content-Type: text/plain\r\n\r\nhello\r\nworld\r\n\r\n"
                "--XbX\r\n" CD "name=\"uses\"\r\n\r\n2\r\n--XbX--\r\n",
                "<expiry>15.<file|a.txt>hello\r\nworld\r\n.<uses>2.");
}

static void
a_part_may_be_empty(void **state)
{
    (void)state;
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\n--XbX--", "<a>.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n--XbX--", "<a>."); /* RFC 2046: no body at all */
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n--XbX\r\n" CD "name=b\r\n\r\n\r\n--XbX--",
                "<a>.<b>.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\n\r\n--XbX--", "<a>\r\n.");
}

static void
a_form_may_have_no_part_but_must_have_an_end(void **state)
{
    (void)state;
    assert_form("--XbX--", "");
    assert_form("--XbX--\r\n", "");
    assert_refused("");
    assert_refused("\r\n");
    assert_refused("--XbX");
    assert_refused("--XbX-");
    assert_refused("--XbX\r\n");
    assert_refused("--XbX--\r");
}

static void
what_only_begins_like_a_boundary_is_data(void **state)
{
    (void)state;
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n-\r\n--XbX--", "<a>-.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n--Xb\r\n--XbX--", "<a>--Xb.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\n--Xb\r\r\n--Xb\r\n--X\r\n--XbX--",
                "<a>\r\n--Xb\r\r\n--Xb\r\n--X.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\r\n\n--XbX\n--XbX--\r\n--XbX--",
                "<a>\r\r\n\n--XbX\n--XbX--.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\nx--XbX--\r\n--xbx--\r\n--XbX--",
                "<a>x--XbX--\r\n--xbx--.");
    assert_form("--XbX\r\n" CD "name=a\r\n\r\n\r\n\r\n\r\n--XbX--", "<a>\r\n\r\n.");
}

static void
a_boundary_that_goes_on_otherwise_is_refused(void **state)
{
    (void)state;
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbXy\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX-\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX-x\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX \t--\r\n");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--x\r\n");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX---\r\n");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--\n");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--\rx");
    assert_refused("--XbX\n" CD "name=a\r\n\r\nx\r\n--XbX--");
    assert_refused("--XbX\rx" CD "name=a\r\n\r\nx\r\n--XbX--");
    assert_refused("--XbXy\r\n--XbX--");
}

static void
only_crlf_ends_a_line(void **state)
{
    (void)state;
    assert_refused("--XbX\n" CD "name=a\n\nx\n--XbX--\n");
    assert_refused("--XbX\r\n" CD "name=a\n\r\nx\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\nx\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\nX: yz\n\r\nx\r\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\n--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\r\n\r\nx\r--XbX--");
    assert_refused("--XbX\r\n" CD "name=a\rX: y\r\n\r\nx\r\n--XbX--");
}

static void
blanks_may_follow_a_boundary(void **state)
{
    (void)state;
    assert_form("--XbX \t \r\n" CD "name=a\r\n\r\nx\r\n--XbX\t\r\n" CD "name=b\r\n\r\ny"
                "\r\n--XbX-- \t\r\n",
                "<a>x.<b>y.");
    assert_form("--XbX-- ", "");
}

static void
preamble_and_epilogue_are_ignored(void **state)
{
    (void)state;
    assert_form("This is\r\n--Xb\r\nno part.\r\n--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--\r\n"
                "nor this\r\n--XbX\r\n" CD "name=b\r\n\r\ny\r\n--XbX--",
                "<a>x.");
    assert_form("\r\n--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--", "<a>x.");
    assert_refused("x--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX--x");
}

/* `n` times `fill` between `front` and `back`. */
static void
assert_filled(const char *front, char fill, size_t n, const char *back, enum err want)
{
    size_t front_len = strlen(front), len = front_len + n + strlen(back);
    char *body = malloc(len + 1);

    assert_non_null(body);
    memcpy(body, front, front_len);
    memset(body + front_len, fill, n);
    memcpy(body + front_len + n, back, len - front_len - n + 1);
    check(TYPE, body, len, want, NULL);
    free(body);
}

static void
what_is_ignored_has_a_ceiling(void **state)
{
    const size_t max = MULTIPART_SKIP_MAX;

    (void)state;
    assert_filled("", 'p', max, "\r\n--XbX--", ERR_OK);
    assert_filled("", 'p', max + 1, "\r\n--XbX--", ERR_SYNTAX);
    assert_filled("--XbX--\r\n", 'e', max, "", ERR_OK);
    assert_filled("--XbX--\r\n", 'e', max + 1, "", ERR_SYNTAX);
    assert_filled("--XbX", ' ', max, "\r\n" CD "name=a\r\n\r\n--XbX--", ERR_OK);
    assert_filled("--XbX", ' ', max + 1, "\r\n" CD "name=a\r\n\r\n--XbX--", ERR_SYNTAX);
    assert_filled("--XbX--", ' ', max, "\r\n", ERR_OK);
    assert_filled("--XbX--", ' ', max + 1, "\r\n", ERR_SYNTAX);
}

static void
data_of_any_size_and_kind_passes_whole(void **state)
{
    static const char front[] = "--XbX\r\n" CD "name=a\r\n\r\n", back[] = "\r\n--XbX--\r\n";
    static const size_t steps[] = {1, 2, 5, 64, 1000, 65536};
    enum { N = 100000 };
    size_t front_len = sizeof(front) - 1, len = front_len + N + sizeof(back) - 1;
    char *body = malloc(len);
    uint32_t x = 1;

    (void)state;
    assert_non_null(body);
    memcpy(body, front, front_len);
    for (size_t i = 0; i < N; i++) { /* mostly bytes of the delimiter, some NUL and 0xff */
        x = x * 1664525 + 1013904223;
        body[front_len + i] = "\r\n-Xb\0\xff\r\n-"[(x >> 16) % 10];
        if (i >= 4 && memcmp(body + front_len + i - 4, "--XbX", 5) == 0)
            body[front_len + i] = 'Y';
    }
    memcpy(body + front_len + N, back, sizeof(back) - 1);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct recorder r;

        recorder_init(&r);
        assert_ok(run(TYPE, body, len, steps[i], steps[i], &r));
        assert_int_equal(r.log.len, N + 4);
        assert_memory_equal(r.log.data + 3, body + front_len, N);
        buf_done(&r.log);
    }
    free(body);
}

/* ---- part headers ---- */

static void
the_usual_forms_of_names_are_read(void **state)
{
    (void)state;
    /* curl before and since 7.81, browsers, Python requests, Go, .NET */
    assert_header(CD "name=\"f\"; filename=\"a \\\"b\\\" \\\\c.txt\"\r\n", "<f|a \"b\" \\c.txt>x.");
    assert_header(CD "name=\"f\"; filename=\"a %22b%22%0D%0A.txt\"\r\n", "<f|a \"b\"\r\n.txt>x.");
    assert_header(CD "name=\"f\"; filename=\"C:\\dir\\new.txt\"\r\n", "<f|C:\\dir\\new.txt>x.");
    assert_header(CD "name=\"f\"; filename=\"r\xc3\xa9sum\xc3\xa9.pdf\"\r\n",
                  "<f|r\xc3\xa9sum\xc3\xa9.pdf>x.");
    assert_header(CD "name=\"f\"; filename*=utf-8''r%C3%A9.pdf\r\n", "<f|r\xc3\xa9.pdf>x.");
    assert_header(CD "name=f; filename=r_.pdf; filename*=utf-8''r%C3%A9.pdf\r\n",
                  "<f|r\xc3\xa9.pdf>x.");
    assert_header(CD "name=f; filename*=UTF-8'en'%e2%82%ac; filename=\"e.pdf\"\r\n",
                  "<f|\xe2\x82\xac>x.");
    assert_header(CD "name=\"f\"; filename=\"\"\r\n", "<f|>x.");
    assert_header(CD "name=\"f;filename=x\"\r\n", "<f;filename=x>x.");
    assert_header(CD "name=\"a%22b\"\r\n", "<a\"b>x.");
    assert_header("content-disposition:FORM-DATA;NAME=f\r\n", "<f>x.");
    assert_header("Content-Disposition:  form-data ;  name=f ; x=\"y\" \t\r\n", "<f>x.");
    assert_header("X-Other: \xc3\xa9 anything;;;\r\n" CD "name=f\r\nX-Empty:\r\n", "<f>x.");
}

static void
only_three_escapes_are_undone_and_only_in_quotes(void **state)
{
    (void)state;
    assert_header(CD "name=f; filename=\"%0d%0a%23%00%2522%2\"\r\n", "<f|%0d%0a%23%00%2522%2>x.");
    assert_header(CD "name=f; filename=a%22b\r\n", "<f|a%22b>x.");
}

static void
names_that_cannot_be_read_are_refused(void **state)
{
    static const char *const bad[] = {
        CD "filename=\"a\"",
        CD "name=",
        CD "name=\"\"",
        CD "name",
        CD "name=f;",
        CD "name=f;;filename=x",
        CD "name = f",
        CD "name=f filename=x",
        CD "name=f; filename=a b",
        CD "name=f, filename=a",
        CD "name=f\xc3\xa9",
        CD "name=\"f",
        CD "name=\"f\\\"",
        CD "name=\"f\"x",
        CD "name='f'; =x",
        CD "name*=utf-8''f",
        CD "name=f; name=f",
        CD "name=f; filename=a; filename=b",
        CD "name=f; filename*=utf-8''a; filename*=utf-8''b",
        CD "name=f; filename*=\"utf-8''a\"",
        CD "name=f; filename*=iso-8859-1''a",
        CD "name=f; filename*=utf-8'a",
        CD "name=f; filename*=a",
        CD "name=f; filename*=utf-8''%",
        CD "name=f; filename*=utf-8''%4",
        CD "name=f; filename*=utf-8''%zz",
        CD "name=f; filename*=utf-8''%00",
        CD "name=f; filename*=utf-8''%ff",
        CD "name=f; filename*=utf-8''%c3",
        "Content-Disposition: attachment; name=f",
        "Content-Disposition: form-data",
        "Content-Disposition: form-datax; name=f",
        "Content-Disposition:",
        "Content-Disposition : form-data; name=f",
        "Content-Type: text/plain",
        "",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char header[256];

        (void)snprintf(header, sizeof(header), "%s%s", bad[i], bad[i][0] != '\0' ? "\r\n" : "");
        assert_header(header, NULL);
    }
}

static void
a_repeated_or_encoded_or_nested_part_is_refused(void **state)
{
    (void)state;
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: 7bit\r\n", "<f>x.");
    assert_header(CD "name=f\r\ncontent-transfer-encoding: 8BIT\r\n", "<f>x.");
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: binary \r\n", "<f>x.");
    assert_header(CD "name=f\r\nContent-Type: multi/part\r\n", "<f>x.");
    assert_header(CD "name=f\r\nContent-Type:\r\n", "<f>x.");

    assert_header(CD "name=f\r\n" CD "name=f\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: base64\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: quoted-printable\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Transfer-Encoding:\r\n", NULL);
    assert_header(CD "name=f\r\nContent-Transfer-Encoding: 7bit\r\n"
                     "Content-Transfer-Encoding: 7bit\r\n",
                  NULL);
    assert_header(CD "name=f\r\nContent-Type: Multipart/mixed; boundary=y\r\n", NULL);
}

static void
malformed_header_lines_are_refused(void **state)
{
    static const char nul[] = "--XbX\r\n" CD "name=\"f\0\"\r\n\r\nx\r\n--XbX--";
    static const char nul_line[] = "--XbX\r\n" CD "name=f\r\n\0: y\r\n\r\nx\r\n--XbX--";

    (void)state;
    assert_header(CD "name=f\r\n X-Folded: y\r\n", NULL);
    assert_header(CD "name=f;\r\n\tfilename=x\r\n", NULL);
    assert_header(CD "name=f\r\nno colon\r\n", NULL);
    assert_header(CD "name=f\r\n: no name\r\n", NULL);
    assert_header(CD "name=f\r\nX Y: z\r\n", NULL);
    assert_header(CD "name=f\r\nX: a\x01\r\n", NULL);
    assert_header(CD "name=f\r\nX: a\x7f\r\n", NULL);
    check(TYPE, nul, sizeof(nul) - 1, ERR_SYNTAX, NULL);
    check(TYPE, nul_line, sizeof(nul_line) - 1, ERR_SYNTAX, NULL);
}

static void
names_and_headers_have_ceilings(void **state)
{
    char long_name[MULTIPART_FILENAME_MAX + 2], header[9000], want[2048];
    const size_t rest = strlen(CD "name=f\r\nX: \r\n\r\n");

    (void)state;
    memset(long_name, 'n', sizeof(long_name));
    (void)snprintf(header, sizeof(header), CD "name=%.64s; filename=%.1024s\r\n", long_name,
                   long_name);
    (void)snprintf(want, sizeof(want), "<%.64s|%.1024s>x.", long_name, long_name);
    assert_header(header, want);
    (void)snprintf(header, sizeof(header), CD "name=%.65s\r\n", long_name);
    assert_header(header, NULL);
    (void)snprintf(header, sizeof(header), CD "name=f; filename=\"%.1025s\"\r\n", long_name);
    assert_header(header, NULL);
    (void)snprintf(header, sizeof(header), CD "name=f; filename*=utf-8''%.1025s\r\n", long_name);
    assert_header(header, NULL);
    (void)snprintf(header, sizeof(header), CD "name=f; filename*=utf-8''a; filename=%.1025s\r\n",
                   long_name);
    assert_header(header, NULL);

    assert_filled("--XbX\r\n" CD "name=f\r\nX: ", 'h', MULTIPART_HEADERS_MAX - rest,
                  "\r\n\r\nx\r\n--XbX--", ERR_OK);
    assert_filled("--XbX\r\n" CD "name=f\r\nX: ", 'h', MULTIPART_HEADERS_MAX - rest + 1,
                  "\r\n\r\nx\r\n--XbX--", ERR_SYNTAX);
}

static void
parts_have_a_ceiling(void **state)
{
    static const char part[] = "--XbX\r\n" CD "name=f\r\n\r\n\r\n", end[] = "--XbX--";

    (void)state;
    for (size_t n = MULTIPART_PARTS_MAX; n <= MULTIPART_PARTS_MAX + 1; n++) {
        struct buf b;

        buf_init(&b, 65536);
        for (size_t i = 0; i < n; i++)
            assert_ok(buf_add_text(&b, part));
        assert_ok(buf_add_text(&b, end));
        check(TYPE, buf_text(&b), b.len, n > MULTIPART_PARTS_MAX ? ERR_SYNTAX : ERR_OK, NULL);
        buf_done(&b);
    }
}

/* ---- the boundary ---- */

static void
boundaries_are_tokens_or_quoted(void **state)
{
    static const struct {
        const char *type, *boundary;
    } good[] = {
        {"multipart/form-data; boundary=a", "a"},
        {"Multipart/Form-Data;BOUNDARY=a", "a"},
        {" multipart/form-data ; charset=utf-8; boundary=\"a\" ", "a"},
        {"multipart/form-data; boundary=\"a b'()+_,-./:=?\"", "a b'()+_,-./:=?"},
        {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
         "----WebKitFormBoundary7MA4YWxkTrZu0gW"},
        {"multipart/form-data; boundary=------------------------d74496d66958873e",
         "------------------------d74496d66958873e"},
        {"multipart/form-data; boundary="
         "1234567890123456789012345678901234567890123456789012345678901234567890",
         "1234567890123456789012345678901234567890123456789012345678901234567890"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char body[512];

        (void)snprintf(body, sizeof(body), "--%s\r\n" CD "name=f\r\n\r\n--%.1s\r\n--%s--\r\n",
                       good[i].boundary, "!", good[i].boundary);
        check(good[i].type, body, strlen(body), ERR_OK, "<f>--!.");
    }
}

static void
other_types_and_boundaries_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "multipart/form-data",
        "multipart/form-data;",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a ",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a; boundary=a",
        "multipart/form-data; boundary=a;",
        "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=a/b",
        "multipart/form-data; boundary=a*b",
        "multipart/form-data; boundary=\"a\\\"b\"",
        "multipart/form-data; boundary=\"a\tb\"",
        "multipart/form-data; boundary=\"a\r\nb\"",
        "multipart/form-data; boundary=\"\xc3\xa9\"",
        "multipart/form-data, boundary=a",
        "multipart/form-data boundary=a",
        "multipart/form-datax; boundary=a",
        "multipart/mixed; boundary=a",
        "application/x-www-form-urlencoded",
        ("multipart/form-data; boundary="
         "12345678901234567890123456789012345678901234567890123456789012345678901"),
    };
    struct multipart *m = NULL;

    (void)state;
    assert_err(ERR_SYNTAX, multipart_new(NULL, &events, &m));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (multipart_new(bad[i], &events, &m) != ERR_SYNTAX)
            fail_msg("%s", bad[i]);
        assert_null(m);
    }
    multipart_free(NULL);
}

/* ---- errors ---- */

static void
the_error_of_an_event_ends_all(void **state)
{
    static const char body[] =
        "--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX\r\n" CD "name=b\r\n\r\ny\r\n--XbX--";

    (void)state;
    for (int at = 1; at <= 6; at++) {
        struct recorder r;

        recorder_init(&r);
        r.fail_at = at;
        assert_err(ERR_NOSPACE, run(TYPE, body, sizeof(body) - 1, 1, 1, &r));
        assert_int_equal(r.n, at);
        buf_done(&r.log);
    }
}

static void
nothing_goes_on_after_an_error(void **state)
{
    static const char bad[] = "--XbX\r\n" CD "name=a\r\n\r\nx\r\n--XbX!",
                      more[] = "\r\n--XbX--\r\n";
    struct multipart_events ev = events;
    struct multipart *m = NULL;
    struct recorder r;

    (void)state;
    recorder_init(&r);
    ev.ctx = &r;
    assert_ok(multipart_new(TYPE, &ev, &m));
    assert_err(ERR_SYNTAX, multipart_push(m, (const uint8_t *)bad, sizeof(bad) - 1));
    assert_err(ERR_SYNTAX, multipart_push(m, (const uint8_t *)more, sizeof(more) - 1));
    assert_err(ERR_SYNTAX, multipart_finish(m));
    assert_string_equal(buf_text(&r.log), "<a>x"); /* its end was not told */
    multipart_free(m);
    buf_done(&r.log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_in_their_order),
        cmocka_unit_test(a_part_may_be_empty),
        cmocka_unit_test(a_form_may_have_no_part_but_must_have_an_end),
        cmocka_unit_test(what_only_begins_like_a_boundary_is_data),
        cmocka_unit_test(a_boundary_that_goes_on_otherwise_is_refused),
        cmocka_unit_test(only_crlf_ends_a_line),
        cmocka_unit_test(blanks_may_follow_a_boundary),
        cmocka_unit_test(preamble_and_epilogue_are_ignored),
        cmocka_unit_test(what_is_ignored_has_a_ceiling),
        cmocka_unit_test(data_of_any_size_and_kind_passes_whole),
        cmocka_unit_test(the_usual_forms_of_names_are_read),
        cmocka_unit_test(only_three_escapes_are_undone_and_only_in_quotes),
        cmocka_unit_test(names_that_cannot_be_read_are_refused),
        cmocka_unit_test(a_repeated_or_encoded_or_nested_part_is_refused),
        cmocka_unit_test(malformed_header_lines_are_refused),
        cmocka_unit_test(names_and_headers_have_ceilings),
        cmocka_unit_test(parts_have_a_ceiling),
        cmocka_unit_test(boundaries_are_tokens_or_quoted),
        cmocka_unit_test(other_types_and_boundaries_are_refused),
        cmocka_unit_test(the_error_of_an_event_ends_all),
        cmocka_unit_test(nothing_goes_on_after_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
