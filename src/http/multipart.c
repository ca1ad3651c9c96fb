/* SPDX-License-Identifier: Apache-2.0 */
#include "http/multipart.h"

#include "base/mem.h"
#include "http/lex.h"
#include "http/multipart_int.h"

#include <stdlib.h>
#include <string.h>

/* Where the next byte belongs. A delimiter is CR LF "--" boundary; the start of the body and of a
 * part's data count as the CR LF of one (RFC 2046 section 5.1.1). */
enum state {
    IN_PREAMBLE,
    AFTER_DELIMITER, /* "--" ends the body, CR LF begins a part */
    AFTER_DASH,
    IN_PADDING, /* blanks between a delimiter and its line's end */
    AFTER_CR,
    IN_HEADERS,
    IN_DATA,
    AFTER_CLOSE,
    AFTER_CLOSE_CR,
    IN_EPILOGUE,
    FAILED,
};

struct multipart {
    struct multipart_events events;
    enum state state;
    bool in_part; /* part_begin was called, part_end not yet */
    size_t n_parts;
    size_t skipped_len; /* of the preamble, a padding or the epilogue, so far */

    /* Of the delimiter, the first `matched` bytes are the last that were pushed. They are kept
     * back without a copy: if they turn out to be data, `delimiter` itself holds them. The first
     * `implied` of them were never sent. */
    char delimiter[4 + MULTIPART_BOUNDARY_MAX];
    size_t delimiter_len, matched, implied;

    struct part_head head;
    size_t headers_len, line_len;
    char line[MULTIPART_HEADERS_MAX];
};

/* A delimiter may come now, at the start of a line. */
static void
begin_line(struct multipart *m, enum state state)
{
    m->state = state;
    m->matched = m->implied = 2;
}

enum err
multipart_new(const char *content_type, const struct multipart_events *events,
              struct multipart **ret_multipart)
{
    struct multipart *m = calloc(1, sizeof(*m));
    size_t len = 0;
    enum err e;

    if (m == NULL)
        return err_set(ERR_NOMEM, "no memory for a form");
    memcpy(m->delimiter, "\r\n--", 4);
    e = multipart_boundary(content_type, m->delimiter + 4, &len);
    if (e != ERR_OK)
        goto out;
    m->delimiter_len = 4 + len;
    m->events = *events;
    begin_line(m, IN_PREAMBLE);
    *ret_multipart = m;
    m = NULL;
out:
    multipart_free(m);
    return e;
}

void
multipart_free(struct multipart *m)
{
    if (m != NULL)
        mem_wipe(m, sizeof(*m)); /* names of files, and perhaps a token */
    free(m);
}

/* Drop bytes that mean nothing, but not without end. */
static enum err
skip(struct multipart *m, size_t len)
{
    if (len > MULTIPART_SKIP_MAX - m->skipped_len)
        return err_set(ERR_SYNTAX, "too many bytes outside the parts of a form");
    m->skipped_len += len;
    return ERR_OK;
}

/* ---- data and preamble ---- */

/* Bytes that are no part of a delimiter. */
static enum err
pass(struct multipart *m, const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return ERR_OK;
    if (m->state == IN_PREAMBLE)
        return skip(m, len);
    return m->events.part_data(m->events.ctx, bytes, len);
}

/* The delimiter is whole; `len` bytes came before it. */
static enum err
pass_last(struct multipart *m, const uint8_t *bytes, size_t len)
{
    enum err e = pass(m, bytes, len);

    m->state = AFTER_DELIMITER;
    m->matched = m->implied = 0;
    m->skipped_len = 0;
    return e;
}

/* How many bytes from `s` on are those of the delimiter from its byte `from` on. */
static size_t
match(const struct multipart *m, size_t from, const uint8_t *s, const uint8_t *end)
{
    size_t n = 0;

    while (s + n < end && from + n < m->delimiter_len && s[n] == (uint8_t)m->delimiter[from + n])
        n++;
    return n;
}

/* Go on with a delimiter that began in an earlier push (or was implied). */
static enum err
resume_match(struct multipart *m, const uint8_t **at, const uint8_t *end)
{
    size_t n = match(m, m->matched, *at, end), matched = m->matched + n, implied = m->implied;

    *at += n;
    if (matched == m->delimiter_len)
        return pass_last(m, NULL, 0);
    m->matched = matched;
    if (*at == end)
        return ERR_OK;
    m->matched = m->implied = 0;
    return pass(m, (const uint8_t *)m->delimiter + implied, matched - implied);
}

/* How many bytes at the end may be the start of a delimiter. CR stands only at its start, as
 * boundaries have none: so the last CR is the only place to begin. */
static size_t
held_len(const struct multipart *m, const uint8_t *s, const uint8_t *end)
{
    size_t len = (size_t)(end - s), max = m->delimiter_len - 1;
    const uint8_t *cr = memrchr(len > max ? end - max : s, '\r', len > max ? max : len);

    return cr != NULL && match(m, 0, cr, end) == (size_t)(end - cr) ? (size_t)(end - cr) : 0;
}

/* Pass on all up to the next delimiter. */
static enum err
scan(struct multipart *m, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *s = *at, *found;

    if (m->matched > 0)
        return resume_match(m, at, end);
    found = memmem(s, (size_t)(end - s), m->delimiter, m->delimiter_len);
    if (found == NULL) {
        m->matched = held_len(m, s, end);
        *at = end;
        return pass(m, s, (size_t)(end - s) - m->matched);
    }
    *at = found + m->delimiter_len;
    return pass_last(m, s, (size_t)(found - s));
}

/* ---- the rest of a delimiter's line ---- */

static enum err
end_part(struct multipart *m)
{
    if (!m->in_part)
        return ERR_OK;
    m->in_part = false;
    return m->events.part_end(m->events.ctx);
}

static enum err
begin_headers(struct multipart *m)
{
    enum err e = end_part(m);

    if (e != ERR_OK)
        return e;
    if (m->n_parts == MULTIPART_PARTS_MAX)
        return err_set(ERR_SYNTAX, "more than %d parts in a form", MULTIPART_PARTS_MAX);
    m->n_parts++;
    m->state = IN_HEADERS;
    m->head = (struct part_head){0};
    m->headers_len = m->line_len = 0;
    return ERR_OK;
}

static enum err
begin_close(struct multipart *m)
{
    m->state = AFTER_CLOSE;
    return end_part(m);
}

/* A boundary that only begins as ours is refused: RFC 2046 takes it for ours, other readers for
 * data, and no honest sender lets it happen. */
static enum err
step(struct multipart *m, char c)
{
    enum state s = m->state;

    if (lex_is_blank(c) && (s == AFTER_DELIMITER || s == IN_PADDING)) {
        m->state = IN_PADDING;
        return skip(m, 1);
    }
    if (lex_is_blank(c) && s == AFTER_CLOSE)
        return skip(m, 1);
    if (c == '-' && s == AFTER_DELIMITER) {
        m->state = AFTER_DASH;
        return ERR_OK;
    }
    if (c == '-' && s == AFTER_DASH)
        return begin_close(m);
    if (c == '\r' && (s == AFTER_DELIMITER || s == IN_PADDING || s == AFTER_CLOSE)) {
        m->state = s == AFTER_CLOSE ? AFTER_CLOSE_CR : AFTER_CR;
        return ERR_OK;
    }
    if (c == '\n' && s == AFTER_CR)
        return begin_headers(m);
    if (c == '\n' && s == AFTER_CLOSE_CR) {
        m->state = IN_EPILOGUE;
        return ERR_OK;
    }
    return err_set(ERR_SYNTAX, "a boundary is followed by something else than its line's end");
}

/* ---- headers ---- */

static enum err
begin_part(struct multipart *m)
{
    struct part_head *h = &m->head;
    struct multipart_part part = {.name = h->name};

    if (!h->has_disposition)
        return err_set(ERR_SYNTAX, "a part has no Content-Disposition");
    if (h->has_filename || h->has_filename_ext)
        part.filename = h->filename;
    begin_line(m, IN_DATA);
    m->in_part = true;
    return m->events.part_begin(m->events.ctx, &part);
}

static enum err
read_headers(struct multipart *m, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *s = *at, *lf = memchr(s, '\n', (size_t)(end - s));
    size_t n = (size_t)((lf != NULL ? lf + 1 : end) - s), len;

    if (n > MULTIPART_HEADERS_MAX - m->headers_len)
        return err_set(ERR_SYNTAX, "the header of a part is too long");
    memcpy(m->line + m->line_len, s, n);
    m->line_len += n;
    m->headers_len += n;
    *at = s + n;
    if (lf == NULL)
        return ERR_OK;
    len = m->line_len;
    m->line_len = 0;
    if (len < 2 || m->line[len - 2] != '\r')
        return err_set(ERR_SYNTAX, "a header line of a part ends without CR LF");
    return len == 2 ? begin_part(m) : part_head_line(&m->head, m->line, len - 2);
}

/* ---- */

enum err
multipart_push(struct multipart *m, const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes, *end = bytes + len;
    enum err e = ERR_OK;

    while (at < end && e == ERR_OK) {
        switch (m->state) {
        case IN_PREAMBLE:
        case IN_DATA:
            e = scan(m, &at, end);
            break;
        case IN_HEADERS:
            e = read_headers(m, &at, end);
            break;
        case IN_EPILOGUE:
            e = skip(m, (size_t)(end - at));
            at = end;
            break;
        case FAILED:
            return err_set(ERR_SYNTAX, "a form goes on after an error");
        default:
            e = step(m, (char)*at++);
            break;
        }
    }
    if (e != ERR_OK)
        m->state = FAILED;
    return e;
}

enum err
multipart_finish(struct multipart *m)
{
    if (m->state != AFTER_CLOSE && m->state != IN_EPILOGUE)
        return err_set(ERR_SYNTAX, "a form ends before its closing boundary");
    return ERR_OK;
}
