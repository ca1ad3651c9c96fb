/* SPDX-License-Identifier: Apache-2.0 */
/* forms: multipart bodies and the events that they give. Every body is pushed whole, byte by byte,
 * and cut in two at each place: the events must be the same. */
#ifndef MAYFLY_TESTS_UNIT_HTTP_FORMS_H
#define MAYFLY_TESTS_UNIT_HTTP_FORMS_H

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

static inline enum err
record(struct recorder *r, const char *text, size_t len)
{
    if (++r->n == r->fail_at)
        return err_set(ERR_NOSPACE, "the test's own error");
    return buf_add(&r->log, text, len);
}

static inline enum err
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

static inline enum err
on_data(void *ctx, const uint8_t *bytes, size_t len)
{
    struct recorder *r = ctx;

    assert_true(r->in_part);
    assert_true(len > 0);
    return record(r, (const char *)bytes, len);
}

static inline enum err
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
static inline enum err
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

static inline void
recorder_init(struct recorder *r)
{
    *r = (struct recorder){0};
    buf_init(&r->log, 1 << 20);
}

static inline void
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

static inline void
check(const char *type, const char *body, size_t len, enum err want, const char *want_log)
{
    check_cut(type, body, len, len, 1, want, want_log);
    check_cut(type, body, len, 1, 1, want, want_log);
    check_cut(type, body, len, 3, 7, want, want_log);
    for (size_t cut = 0; cut <= len && len < 600; cut++)
        check_cut(type, body, len, cut, len, want, want_log);
}

static inline void
assert_form(const char *body, const char *want_log)
{
    check(TYPE, body, strlen(body), ERR_OK, want_log);
}

static inline void
assert_refused(const char *body)
{
    check(TYPE, body, strlen(body), ERR_SYNTAX, NULL);
}

/* A form of one part with this header, CR LF at its end included, and the data "x". */
static inline void
assert_header(const char *header, const char *want_log)
{
    char body[12000];

    (void)snprintf(body, sizeof(body), "--XbX\r\n%s\r\nx\r\n--XbX--\r\n", header);
    check(TYPE, body, strlen(body), want_log == NULL ? ERR_SYNTAX : ERR_OK, want_log);
}

/* `n` times `fill` between `front` and `back`. */
static inline void
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

#endif
