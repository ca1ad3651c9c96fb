/* SPDX-License-Identifier: Apache-2.0 */
/* http_model: for the tests of http/gate, two readers of a request's raw bytes that share no code
 * with it.
 *
 * model_read does to the bytes what libmicrohttpd 0.9.75 does: it takes the header apart in place,
 * as loosely as the library, and gives what the gate gets to see of it.
 * strict_read reads the same bytes as RFC 9112 wants them read. What the library lets through must
 * pass the gate exactly when it passes here, and must mean the same. */
#ifndef MAYFLY_TESTS_HTTP_MODEL_H
#define MAYFLY_TESTS_HTTP_MODEL_H

#include "http/gate.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MODEL_FIELDS_MAX = 200, MODEL_FOLDS_MAX = 200 };

struct model {
    bool is_whole;   /* the library has a whole header and asks the handler */
    bool is_chunked; /* how the library goes on with the body */
    bool is_unknown; /* until the connection closes */
    uint64_t body_len;

    struct gate_request request;
    const char *head;
    size_t head_len;
    size_t skipped_len; /* bytes before the request line that it passed over */

    bool folds_in_place; /* what the library does when its memory is nearly full */
    char *bytes, *target;
    size_t len, at;
    struct gate_field fields[MODEL_FIELDS_MAX];
    char *folds[MODEL_FOLDS_MAX];
    size_t n_folds;
};

/* ---- the library's reading ---- */

/* The next line, its CR LF or LF overwritten with NUL; NULL when there is no whole one. */
static inline char *
model_line(struct model *m, size_t *ret_len)
{
    char *line = m->bytes + m->at;

    for (size_t pos = m->at; pos < m->len; pos++) {
        bool is_crlf = m->bytes[pos] == '\r' && pos + 1 < m->len && m->bytes[pos + 1] == '\n';

        if (!is_crlf && m->bytes[pos] != '\n')
            continue;
        *ret_len = pos - m->at;
        m->bytes[pos++] = '\0';
        if (is_crlf)
            m->bytes[pos++] = '\0';
        m->at = pos;
        return line;
    }
    return NULL;
}

/* Take the query apart where it lies: no escape is undone, as the daemon is told so. */
static inline void
model_query(char *args)
{
    char *end = args + strlen(args), *p = args;

    while (p < end) {
        char *amper = strchr(p, '&'), *next = amper != NULL ? amper + 1 : end, *equals;

        if (amper != NULL)
            *amper = '\0';
        equals = strchr(p, '=');
        if (equals != NULL)
            *equals = '\0';
        for (char *c = p; c < next; c++) {
            if (*c == '+')
                *c = ' ';
        }
        p = next;
    }
}

static inline bool
model_request_line(struct model *m, char *line, size_t len)
{
    char *uri = memchr(line, ' ', len), *version, *args;

    if (uri == NULL || uri == line)
        return false;
    *uri++ = '\0';
    m->request.method = line;
    while (*uri == ' ' && (size_t)(uri - line) < len)
        uri++;
    if ((size_t)(uri - line) == len)
        return false;
    version = line + len - 1;
    while (*version == ' ' && version > uri)
        version--;
    while (*version != ' ' && version > uri)
        version--;
    if (version == uri)
        return false;
    *version++ = '\0';
    m->request.version = version;
    if (len - (size_t)(version - line) != 8 || memcmp(version, "HTTP/1.", 7) != 0 ||
        version[7] < '0' || version[7] > '9')
        return false;
    if (memchr(uri, ' ', (size_t)(version - 1 - uri)) != NULL)
        return false;        /* MHD_OPTION_STRICT_FOR_CLIENT is 1 */
    m->target = strdup(uri); /* the URI log callback is called here */
    if (m->target == NULL)
        abort();
    m->request.target = m->target;
    args = memchr(uri, '?', (size_t)(version - 1 - uri));
    if (args != NULL) {
        *args = '\0';
        model_query(args + 1);
    }
    return true;
}

/* Append a folded line to what the library takes for the line before it. */
static inline char *
model_fold(struct model *m, char *last, const char *line)
{
    size_t last_len = strlen(last), len;
    char *block;

    line += strspn(line, " \t");
    len = strlen(line);
    if (m->folds_in_place) {
        memmove(last + last_len, line, len + 1);
        return last;
    }
    block = m->n_folds < MODEL_FOLDS_MAX ? malloc(last_len + len + 1) : NULL;
    if (block == NULL)
        return NULL;
    memcpy(block, last, last_len);
    memcpy(block + last_len, line, len + 1);
    memset(last, 0, last_len + 1);
    m->folds[m->n_folds++] = block;
    return block;
}

/* "name: value": the colon becomes a NUL, which in a line that begins with it is taken for the end
 * of the header later on. */
static inline bool
model_header_line(char *line, char **ret_last, char **ret_value)
{
    char *colon = strchr(line, ':');

    if (colon == NULL)
        return false;
    *colon++ = '\0';
    *ret_last = line;
    *ret_value = colon + strspn(colon, " \t");
    return true;
}

/* A line after the first: what was before it is whole now, or goes on in it. */
static inline bool
model_next_line(struct model *m, char *line, char **last, char **value)
{
    if (*line == ' ' || *line == '\t') {
        *last = model_fold(m, *last, line);
        return *last != NULL;
    }
    if (m->request.n_fields == MODEL_FIELDS_MAX)
        return false;
    m->fields[m->request.n_fields++] =
        (struct gate_field){*last, *value, strlen(*last), strlen(*value)};
    return *line == '\0' || model_header_line(line, last, value);
}

/* Header lines up to the empty one. */
static inline bool
model_headers(struct model *m)
{
    char *last = NULL, *value = NULL, *line;
    size_t len;

    line = model_line(m, &len);
    if (line == NULL || *line == '\0')
        return line != NULL;
    if (!model_header_line(line, &last, &value))
        return false;
    while ((line = model_line(m, &len)) != NULL) {
        if (!model_next_line(m, line, &last, &value))
            return false;
        if (*line == '\0')
            return true;
    }
    return false;
}

static inline const struct gate_field *
model_find(const struct model *m, const char *name)
{
    for (size_t i = 0; i < m->request.n_fields; i++) {
        if (strcasecmp(m->fields[i].name, name) == 0)
            return &m->fields[i];
    }
    return NULL;
}

/* How the library finds the body's end. False: it refuses the length, or a missing Host, by itself
 * (MHD_OPTION_STRICT_FOR_CLIENT is 1). */
static inline bool
model_framing(struct model *m)
{
    const struct gate_field *coding = model_find(m, "Transfer-Encoding");
    const struct gate_field *length = model_find(m, "Content-Length");

    if (m->request.version[7] != '0' && model_find(m, "Host") == NULL)
        return false;
    if (coding != NULL) {
        m->is_chunked = strcasecmp(coding->value, "chunked") == 0;
        m->is_unknown = !m->is_chunked;
        return true;
    }
    if (length == NULL)
        return true;
    for (size_t i = 0; i < length->value_len; i++) {
        unsigned digit = (unsigned)length->value[i] - '0';

        if (digit > 9 || m->body_len > (UINT64_MAX - digit) / 10)
            return false;
        m->body_len = m->body_len * 10 + digit;
    }
    m->is_unknown = m->body_len == UINT64_MAX; /* MHD_SIZE_UNKNOWN */
    return length->value_len > 0;
}

/* Read raw bytes. `m` is then to be given to model_done. */
static inline void
model_read(struct model *m, const void *raw, size_t len, bool folds_in_place)
{
    char *line;
    size_t line_len;

    memset(m, 0, sizeof(*m));
    m->folds_in_place = folds_in_place;
    m->request.fields = m->fields;
    m->len = len;
    m->bytes = malloc(len + 1); /* exact: reads beyond are seen */
    if (m->bytes == NULL)
        abort();
    memcpy(m->bytes, raw, len);
    m->bytes[len] = '\0';
    do {
        m->skipped_len = m->at;
        line = model_line(m, &line_len);
    } while (line != NULL && *line == '\0');
    if (line == NULL || !model_request_line(m, line, line_len) || !model_headers(m))
        return;
    m->head = line;
    m->head_len = (size_t)(m->bytes + m->at - line);
    m->is_whole = model_framing(m);
}

static inline void
model_done(struct model *m)
{
    for (size_t i = 0; i < m->n_folds; i++)
        free(m->folds[i]);
    free(m->target);
    free(m->bytes);
}

/* ---- the strict reading ---- */

struct strict {
    bool is_legal;
    bool is_plain_host; /* no Host, or one of letters only: nothing to disagree on */
    bool is_chunked, has_length;
    uint64_t body_len;
    unsigned n_host, n_length, n_coding, n_fields;
    bool is_1_1;
};

static inline bool
strict_is_token(const char *s, size_t len)
{
    static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < len; i++) {
        if (memchr(chars, s[i], sizeof(chars) - 1) == NULL)
            return false;
    }
    return len > 0;
}

/* "/" and visible ASCII. Characters that RFC 3986 wants encoded, but browsers and curl send, pass;
 * a fragment does not, nor does an encoded NUL. */
static inline bool
strict_is_target(const char *s, size_t len)
{
    if (len == 0 || s[0] != '/')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < 0x21 || s[i] > 0x7e || s[i] == '#')
            return false;
        if (len - i >= 3 && memcmp(s + i, "%00", 3) == 0)
            return false;
    }
    return true;
}

static inline bool
strict_request_line(struct strict *st, const char *s, size_t len)
{
    const char *first = memchr(s, ' ', len), *second;

    if (first == NULL || !strict_is_token(s, (size_t)(first - s)))
        return false;
    first++;
    second = memchr(first, ' ', len - (size_t)(first - s));
    if (second == NULL || !strict_is_target(first, (size_t)(second - first)))
        return false;
    second++;
    st->is_1_1 = len - (size_t)(second - s) == 8 && memcmp(second, "HTTP/1.1", 8) == 0;
    return st->is_1_1 || (len - (size_t)(second - s) == 8 && memcmp(second, "HTTP/1.0", 8) == 0);
}

static inline bool
strict_named(const char *s, size_t len, const char *name)
{
    return strlen(name) == len && strncasecmp(s, name, len) == 0;
}

/* uri-host [ ":" port ], roughly: the gate may be stricter where it is not plain. */
static inline bool
strict_host(struct strict *st, const char *s, size_t len)
{
    static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    bool is_plain = true;

    for (size_t i = 0; i < len; i++) {
        is_plain = is_plain && memchr(chars, s[i], sizeof(chars) - 1) != NULL;
        if (memchr(chars, s[i], sizeof(chars) - 1) == NULL &&
            memchr("0123456789.-_:[]", s[i], 16) == NULL)
            return false;
    }
    st->is_plain_host = is_plain && len < 64;
    return len > 0;
}

static inline bool
strict_length(struct strict *st, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)s[i] - '0';

        if (digit > 9 || st->body_len > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        st->body_len = st->body_len * 10 + digit;
    }
    return len > 0;
}

/* token ":" OWS value OWS. Blanks behind a value that frames the body are legal by RFC 9112 and
 * refused by us, as the library does not know them: that is the one knowing difference. */
static inline bool
strict_field(struct strict *st, const char *s, size_t len)
{
    const char *colon = memchr(s, ':', len), *value;
    size_t name_len = colon != NULL ? (size_t)(colon - s) : 0, value_len;
    bool has_blank;

    if (colon == NULL || !strict_is_token(s, name_len))
        return false;
    value = colon + 1;
    value_len = len - name_len - 1;
    for (size_t i = 0; i < value_len; i++) {
        if ((value[i] >= 0 && value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f)
            return false;
    }
    for (; value_len > 0 && (*value == ' ' || *value == '\t'); value_len--)
        value++;
    has_blank = value_len > 0 && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t');
    st->n_fields++;
    if (strict_named(s, name_len, "host")) {
        for (; value_len > 0 && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t');)
            value_len--;
        return ++st->n_host == 1 && strict_host(st, value, value_len);
    }
    if (strict_named(s, name_len, "content-length")) {
        st->has_length = true;
        return ++st->n_length == 1 && !has_blank && strict_length(st, value, value_len);
    }
    if (strict_named(s, name_len, "transfer-encoding")) {
        st->is_chunked = true;
        return ++st->n_coding == 1 && strict_named(value, value_len, "chunked");
    }
    return true;
}

/* Read a header that must be whole; what follows it is not looked at. */
static inline void
strict_read(struct strict *st, const char *s, size_t len)
{
    size_t n_lines = 0;

    memset(st, 0, sizeof(*st));
    st->is_plain_host = true;
    for (;;) {
        size_t line_len = 0;

        while (line_len < len && s[line_len] != '\r' && s[line_len] != '\n')
            line_len++;
        if (len - line_len < 2 || s[line_len] != '\r' || s[line_len + 1] != '\n')
            return;
        if (line_len == 0)
            break;
        if (n_lines++ == 0 ? !strict_request_line(st, s, line_len) : !strict_field(st, s, line_len))
            return;
        s += line_len + 2;
        len -= line_len + 2;
    }
    if (n_lines == 0 || (st->is_1_1 && st->n_host != 1) || st->n_fields > GATE_FIELDS_MAX)
        return;
    if (st->n_coding > 0 && (!st->is_1_1 || st->n_length > 0))
        return;
    st->is_legal = true;
}

#endif
