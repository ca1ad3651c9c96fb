/* SPDX-License-Identifier: Apache-2.0 */
/* The gate, over requests as raw bytes: a model of the library's loose reader says what the gate
 * gets to see, a strict reader of RFC 9112 says independently what it should decide. */
#include "testing.h"

#include "base/mem.h"
#include "http/gate.h"
#include "http_model.h"

/* What becomes of a request: passed, refused by the gate (400, 501), or by the library alone. */
enum fate { PASS, BAD, CODING, LIBRARY };

struct probe {
    const char *raw;
    size_t len;
    enum fate fate;
};

#define PROBE(fate, raw)                                                                           \
    {                                                                                              \
        (raw), sizeof(raw) - 1, (fate)                                                             \
    }
#define GET  "GET / HTTP/1.1\r\nHost: h\r\n"
#define POST "POST /upload/ HTTP/1.1\r\nHost: h\r\n"
#define END  "\r\n"

static const struct probe probes[] = {
    /* As curl, browsers, requests, nginx and HAProxy send them. */
    PROBE(PASS, "GET /health/ HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: curl/7.88.1\r\n"
                "Accept: */*\r\n\r\n"),
    PROBE(PASS,
          "PUT /report%20final.pdf HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: curl/8.5\r\n"
          "Accept: */*\r\nContent-Length: 1234\r\nExpect: 100-continue\r\n\r\n"),
    PROBE(PASS, "GET /download/a-b-c-d?x=1&y=%20+z&&=&q HTTP/1.1\r\nHost: example.com\r\n"
                "Connection: keep-alive\r\n"
                "sec-ch-ua: \"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\n"
                "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
                "Accept-Encoding: gzip, deflate, br\r\nCookie: a=b; c=\"d\"\r\n\r\n"),
    PROBE(PASS,
          "POST /upload/ HTTP/1.1\r\nHost: [::1]:8000\r\nUser-Agent: python-requests/2.28.1\r\n"
          "Accept-Encoding: gzip, deflate\r\nContent-Length: 0\r\n"
          "Content-Type: multipart/form-data; boundary=x\r\n\r\n"),
    PROBE(PASS, "POST /upload/ HTTP/1.0\r\nHost: mayfly_app\r\nX-Forwarded-For: 192.0.2.1\r\n"
                "Connection: close\r\nContent-Length: 5\r\n\r\nhello"),
    PROBE(PASS, "POST /upload HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello"),
    PROBE(PASS, "GET / HTTP/1.0\r\n\r\n"),
    PROBE(PASS, "GET / HTTP/1.0\r\nHost: h\r\n\r\n"),
    PROBE(PASS, GET END),
    PROBE(PASS, "\r\n\r\n" GET END),
    PROBE(PASS, "GET /a{b}|c\\d^e`f[g]\"h<i>'j HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(PASS, "M-SEARCH / HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(PASS, GET "X-Empty:\r\nX-Blank: \t \r\nX-Trailing: a b \t\r\nX:y\r\n" END),
    PROBE(PASS, GET "X-Utf8: \xc3\xa9\r\nX-Tab: a\tb\r\nX-Colon: a:b: c\r\n" END),
    PROBE(PASS, "GET / HTTP/1.1\r\nHost: \t h \r\n\r\n"),
    PROBE(PASS, POST "Content-Length: 005\r\n\r\nhello"),
    PROBE(PASS, POST "Content-Length:5\r\n\r\nhello"),
    PROBE(PASS, POST "Content-Length: \t 5\r\n\r\nhello"),
    PROBE(PASS, POST "Content-Length: 922337203685477579\r\n" END),
    PROBE(PASS, POST "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n"),

    /* Two ways to find the end of the body. */
    PROBE(BAD, POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
    PROBE(BAD, POST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG"),
    PROBE(BAD, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    PROBE(BAD, POST "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: 5, 5\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: +5\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: -1\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: 0x5\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: 5 5\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: 5 \r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: 5.0\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: \"5\"\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length:\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: \x0b"
                        "5\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: 18446744073709551616\r\n\r\nhello"),
    PROBE(LIBRARY, POST "Content-Length: 99999999999999999999999\r\n\r\nhello"),
    PROBE(BAD, POST "Content-Length: 18446744073709551615\r\n\r\nhello"),
    PROBE(BAD, POST "Content-Length: 9223372036854775808\r\n\r\nhello"),
    PROBE(BAD, POST "Content-Length : 5\r\n\r\nhello"),
    PROBE(BAD, POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    PROBE(BAD, POST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
    PROBE(BAD, POST "Transfer-Encoding\x0b: chunked\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    PROBE(CODING,
          POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    PROBE(CODING,
          POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: gzip\r\n" END),
    PROBE(CODING, POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"),
    PROBE(CODING, POST "Transfer-Encoding:\r\n" END),
    PROBE(BAD, POST "Transfer-Encoding:\x0b"
                    "chunked\r\n\r\n0\r\n\r\n"),
    PROBE(BAD, POST "Transfer-Encoding:\x0c"
                    "chunked\r\n\r\n0\r\n\r\n"),
    PROBE(BAD, "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),

    /* Lines that end, or begin, otherwise. */
    PROBE(BAD, POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    PROBE(BAD, POST "Transfer-Encoding: x\r\n\tchunked\r\n\r\n0\r\n\r\n"),
    PROBE(BAD, GET "X: a\r\n b\r\n" END),
    PROBE(BAD, GET "X: a\r\n b\r\n c\r\nY: d\r\n" END),
    PROBE(BAD, GET "X: a\r\n \r\n" END),
    PROBE(BAD, GET "X: a\r\n\tTransfer-Encoding: chunked\r\n" END),
    PROBE(LIBRARY, "GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\n\tX: y\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\nHost: h\n\n"),
    PROBE(BAD, "GET / HTTP/1.1\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: h\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: h\r\n\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: h\n\n"),
    PROBE(BAD, POST "X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    PROBE(LIBRARY, POST "X: a\r\n\rTransfer-Encoding\r\n\r\n"),
    PROBE(BAD, POST "X: a\rTransfer-Encoding: chunked\r\n" END),
    PROBE(BAD, POST "X: a\r\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    PROBE(BAD, POST "\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    PROBE(LIBRARY, "GET / HTTP/1.1\rHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, GET),
    PROBE(LIBRARY, "GET / HTTP/1.1\r\nHost: h\r\n\r"),

    /* Bytes that end a text for some. */
    PROBE(BAD, GET "X: a\0b\r\n" END),
    PROBE(BAD, GET "X: a\0\r\n" END),
    PROBE(BAD, GET "X: a\0\0Y: b\r\n" END),
    PROBE(BAD, GET "X: \0\r\n" END),
    PROBE(LIBRARY, GET "X\0: a\r\n" END),
    PROBE(LIBRARY, GET "X\0Y: a\r\n" END),
    PROBE(BAD, GET "\0X: a\r\n" END),
    PROBE(BAD, GET "\0\r\n" END),
    PROBE(BAD, "GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET\0 / HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET /?a\0=b HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET / HTTP/1.1\0\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET /a%00 HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET /?a=%00 HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, GET "X: \x01\r\n" END),
    PROBE(BAD, GET "X: \x7f\r\n" END),
    PROBE(BAD, GET "X\xc3\xa9: a\r\n" END),
    PROBE(BAD, GET "X Y: a\r\n" END),
    PROBE(BAD, GET "X(: a\r\n" END),
    PROBE(BAD, GET ": a\r\n" END),
    PROBE(BAD, GET ":\r\n" END),
    PROBE(BAD, GET ":\r\nTransfer-Encoding: chunked\r\n" END),
    PROBE(BAD, "GET / HTTP/1.0\r\n: a\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.0\r\n:\n\r\n"),
    PROBE(LIBRARY, GET "X\r\n" END),

    /* Whom a request is for. */
    PROBE(LIBRARY, "GET / HTTP/1.1\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: a<script>\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.0\r\nHost: a\"b\r\n\r\n"),
    PROBE(LIBRARY, "GET / HTTP/1.1\r\nHost : h\r\n\r\n"),

    /* The request line. */
    PROBE(BAD, "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET upload HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET ?a HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET / x HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, " GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "G(T / HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "G\xc3\xa9T / HTTP/1.1\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.2\r\nHost: h\r\n\r\n"),
    PROBE(BAD, "GET / HTTP/1.9\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET / HTTP/0.9\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET / HTTP/1.10\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET / http/1.1\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET /\r\nHost: h\r\n\r\n"),
    PROBE(LIBRARY, "GET /\r\n"),
    PROBE(LIBRARY, "GET\r\nHost: h\r\n\r\n"),
};

static enum err
judge(const struct model *m, struct gate_verdict *ret_verdict)
{
    enum err e = gate_check_layout(&m->request, m->head, m->head_len);

    return e == ERR_OK ? gate_check(&m->request, ret_verdict) : e;
}

static enum fate
fate_of(const struct model *m, struct gate_verdict *ret_verdict)
{
    enum err e;

    if (!m->is_whole)
        return LIBRARY;
    e = judge(m, ret_verdict);
    assert_true(e == ERR_OK || e == ERR_SYNTAX || e == ERR_UNSUPPORTED);
    return e == ERR_OK ? PASS : e == ERR_UNSUPPORTED ? CODING : BAD;
}

static void
every_probe_has_its_fate(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(probes); i++) {
        const struct probe *p = &probes[i / 2];
        struct gate_verdict verdict;
        struct model m;
        enum fate fate;

        model_read(&m, p->raw, p->len, i % 2 == 1);
        fate = fate_of(&m, &verdict);
        if (fate != p->fate)
            fail_msg("fate %d, expected %d (%s): %s", fate, p->fate, err_sentence(), p->raw);
        model_done(&m);
    }
}

static void
only_what_is_legal_passes_and_it_means_the_same_to_all(void **state)
{
    size_t n_pass = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
        const struct probe *p = &probes[i];
        struct gate_verdict verdict = {0};
        struct strict st;
        struct model m;
        bool passes;

        model_read(&m, p->raw, p->len, false);
        strict_read(&st, p->raw + m.skipped_len, p->len - m.skipped_len);
        passes = fate_of(&m, &verdict) == PASS;
        if (passes != st.is_legal)
            fail_msg("the gate says %d, RFC 9112 %d: %s", passes, st.is_legal, p->raw);
        if (passes) {
            assert_false(m.is_unknown);
            assert_int_equal(verdict.is_chunked, m.is_chunked);
            assert_int_equal(verdict.is_chunked, st.is_chunked);
            assert_int_equal(verdict.has_length, st.has_length || st.is_chunked);
            assert_true(verdict.body_len == (st.is_chunked ? UINT64_MAX : st.body_len));
            assert_true(verdict.is_chunked || verdict.body_len == m.body_len);
            assert_int_equal(verdict.has_body, verdict.body_len > 0);
            n_pass++;
        }
        model_done(&m);
    }
    assert_int_equal(n_pass, 20);
}

static void
the_verdict_says_what_body_follows(void **state)
{
    static const struct {
        const char *name, *value;
        struct gate_verdict want;
    } bodies[] = {
        {"X", "", {false, false, false, 0}},
        {"Content-Length", "0", {true, false, false, 0}},
        {"CONTENT-LENGTH", "9223372036854775807", {true, true, false, INT64_MAX}},
        {"transfer-encoding", "Chunked", {true, true, true, UINT64_MAX}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        const struct gate_field fields[] = {
            {"Host", "h", 4, 1},
            {bodies[i].name, bodies[i].value, strlen(bodies[i].name), strlen(bodies[i].value)},
        };
        const struct gate_request r = {"POST", "/", "HTTP/1.1", fields, ARRAY_LEN(fields)};
        struct gate_verdict v;

        assert_ok(gate_check(&r, &v));
        assert_int_equal(v.has_length, bodies[i].want.has_length);
        assert_int_equal(v.has_body, bodies[i].want.has_body);
        assert_int_equal(v.is_chunked, bodies[i].want.is_chunked);
        assert_true(v.body_len == bodies[i].want.body_len);
    }
}

static void
a_refusal_leaves_the_verdict_alone(void **state)
{
    const struct gate_field fields[] = {{"Host", "h", 4, 1}, {"Content-Length", "x", 14, 1}};
    const struct gate_request r = {"POST", "/", "HTTP/1.1", fields, ARRAY_LEN(fields)};
    struct gate_verdict v = {.body_len = 77};

    (void)state;
    assert_err(ERR_SYNTAX, gate_check(&r, &v));
    assert_true(v.body_len == 77 && !v.has_length && !v.has_body && !v.is_chunked);
}

static void
fields_have_a_ceiling(void **state)
{
    struct gate_field fields[GATE_FIELDS_MAX + 1];
    struct gate_request r = {"GET", "/", "HTTP/1.1", fields, GATE_FIELDS_MAX};
    struct gate_verdict v;

    (void)state;
    fields[0] = (struct gate_field){"Host", "h", 4, 1};
    for (size_t i = 1; i < ARRAY_LEN(fields); i++)
        fields[i] = (struct gate_field){"X", "", 1, 0};
    assert_ok(gate_check(&r, &v));
    r.n_fields++;
    assert_err(ERR_TOOBIG, gate_check(&r, &v));
}

/* Lies about where things are, which no reader should tell but a broken one might. */
static void
a_layout_that_is_not_its_request_is_refused(void **state)
{
    static const char raw[] = "PUT /a?b HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n";
    struct gate_field *f;
    struct model m;

    (void)state;
    model_read(&m, raw, sizeof(raw) - 1, false);
    f = m.fields;
    assert_int_equal(m.request.n_fields, 2);
    assert_ok(gate_check_layout(&m.request, m.head, m.head_len));
    for (size_t len = 0; len < m.head_len; len++)
        assert_err(ERR_SYNTAX, gate_check_layout(&m.request, m.head, len));
#define ASSERT_LIE(lvalue, lie)                                                                    \
    do {                                                                                           \
        __typeof__(lvalue) truth_ = (lvalue);                                                      \
        (lvalue) = (lie);                                                                          \
        assert_err(ERR_SYNTAX, gate_check_layout(&m.request, m.head, m.head_len));                 \
        (lvalue) = truth_;                                                                         \
        assert_ok(gate_check_layout(&m.request, m.head, m.head_len));                              \
    } while (0)
    ASSERT_LIE(m.request.method, "PU");
    ASSERT_LIE(m.request.method, "PUTS");
    ASSERT_LIE(m.request.method, "GET");
    ASSERT_LIE(m.request.target, "/b?b");
    ASSERT_LIE(m.request.target, "/a?");
    ASSERT_LIE(m.request.target, "/a?bc");
    ASSERT_LIE(m.request.target, "/a%3f");
    ASSERT_LIE(m.request.version, "HTTP/1.1");
    ASSERT_LIE(m.request.version, m.request.version + 1);
    ASSERT_LIE(m.request.n_fields, 1);
    ASSERT_LIE(m.request.n_fields, 0);
    ASSERT_LIE(f[0].name, "Host");
    ASSERT_LIE(f[0].name_len, 3);
    ASSERT_LIE(f[0].name_len, 5);
    ASSERT_LIE(f[0].name_len, SIZE_MAX);
    ASSERT_LIE(f[0].value, f[0].value + 1);
    ASSERT_LIE(f[0].value, f[0].value - 1);
    ASSERT_LIE(f[0].value_len, 0);
    ASSERT_LIE(f[0].value_len, 2);
    ASSERT_LIE(f[1].value_len, SIZE_MAX - 10);
    ASSERT_LIE(f[1].name, f[0].name);
#undef ASSERT_LIE
    m.request.n_fields = 1; /* one field whose value runs over the next line */
    f[0].value_len = (size_t)(f[1].value - f[0].value);
    assert_err(ERR_SYNTAX, gate_check_layout(&m.request, m.head, m.head_len));
    m.request.n_fields = 2;
    f[0].value_len = 1;
    m.request.method = "PU"; /* a word that is cut where no NUL is, the next one made longer */
    m.request.target = "?xxxx";
    assert_err(ERR_SYNTAX, gate_check_layout(&m.request, m.head, m.head_len));
    model_done(&m);
}

/* What the header says of itself: these leave no trace in memory. Should the library once refuse
 * or show them, this test fails and the words can go. */
static void
some_bare_line_feeds_look_like_crlf(void **state)
{
    static const struct probe blind[] = {
        PROBE(PASS, "GET / HTTP/1.1\r\nHost: h\0\nX: y\r\n\r\n"),
        PROBE(PASS, "GET / HTTP/1.1\r\nHost: h\r\n\0\n"),
        PROBE(PASS, "GET / HTTP/1.1\r\nHost: h\n\0\r\n"),
        PROBE(PASS, "GET / HTTP/1.1\r\nHost: h\0\r\n\n"),
        PROBE(BAD, "GET / HTTP/1.1\r\nHost: h\0\r\nX: y\r\n\r\n"),
        PROBE(BAD, "GET / HTTP/1.1\r\nHost: h\n\0\0\r\n"),
        PROBE(BAD, "GET / HTTP/1.1\r\nHost: h\n\0x\n"),
        PROBE(PASS, "GET / HTTP/1.1\r\nHost: h\r\n:\n"),
        PROBE(PASS, "GET / HTTP/1.1\r\nHost: h\n:\r\n"),
        PROBE(BAD, "GET / HTTP/1.1\r\nHost: h\n:\n"),
        PROBE(PASS, "\0what\r\n\n\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        PROBE(LIBRARY, "GET / HTTP/1.1\0\nHost: h\r\n\r\n"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(blind); i++) {
        struct gate_verdict v;
        struct model m;

        model_read(&m, blind[i].raw, blind[i].len, false);
        assert_int_equal(fate_of(&m, &v), blind[i].fate);
        model_done(&m);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_probe_has_its_fate),
        cmocka_unit_test(only_what_is_legal_passes_and_it_means_the_same_to_all),
        cmocka_unit_test(the_verdict_says_what_body_follows),
        cmocka_unit_test(a_refusal_leaves_the_verdict_alone),
        cmocka_unit_test(fields_have_a_ceiling),
        cmocka_unit_test(a_layout_that_is_not_its_request_is_refused),
        cmocka_unit_test(some_bare_line_feeds_look_like_crlf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
