/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/age_int.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char begin_mark[] = "-----BEGIN AGE ENCRYPTED FILE-----";
static const char end_mark[] = "-----END AGE ENCRYPTED FILE-----";

enum { SPACE_MAX = 1024, END = -1 };

enum armor_at {
    BEFORE, /* the begin mark */
    LINES,
    END_MARK, /* a line was short, so that no other may follow */
    AFTER,
};

struct armor {
    struct source source;
    struct source *file;
    enum armor_at where;
    bool is_end; /* nothing follows in `in` */
    size_t at, used;
    size_t line_at, line_len; /* of `line` */
    uint8_t line[AGE_LINE_BYTES];
    uint8_t in[AGE_ARMOR_ROOM];
};

static enum err
refuse(void)
{
    return err_set(ERR_SYNTAX, "not in the form of an armored age file");
}

/* The next byte, which stays; END when there is none. */
static enum err
peek(struct armor *a, int *ret_byte)
{
    size_t n = 0;
    enum err e;

    if (a->at == a->used && !a->is_end) {
        e = source_read(a->file, a->in, AGE_ARMOR_ROOM, &n);
        if (e != ERR_OK)
            return e;
        a->at = 0;
        a->used = n;
        a->is_end = n == 0;
    }
    *ret_byte = a->at < a->used ? a->in[a->at] : END;
    return ERR_OK;
}

static enum err
take(struct armor *a, int *ret_byte)
{
    enum err e = peek(a, ret_byte);

    if (e == ERR_OK && *ret_byte != END)
        a->at++;
    return e;
}

/* RFC 7468 section 3. */
static bool
is_space(int byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static enum err
skip_space(struct armor *a)
{
    int byte = END;

    for (int n = 0; n <= SPACE_MAX; n++) {
        enum err e = peek(a, &byte);

        if (e != ERR_OK || !is_space(byte))
            return e;
        a->at++;
    }
    return refuse();
}

static enum err
take_mark(struct armor *a, const char *mark)
{
    for (size_t i = 0; mark[i] != '\0'; i++) {
        int byte = END;
        enum err e = take(a, &byte);

        if (e != ERR_OK)
            return e;
        if (byte != mark[i])
            return refuse();
    }
    return ERR_OK;
}

/* Characters up to a LF or CR LF, at most AGE_COLUMNS. */
static enum err
take_line(struct armor *a, uint8_t *ret_text, size_t *ret_len)
{
    size_t n = 0;
    int byte = END;
    enum err e = take(a, &byte);

    while (e == ERR_OK && byte != '\n' && byte != '\r') {
        if (byte == END || n == AGE_COLUMNS)
            return refuse();
        ret_text[n++] = (uint8_t)byte;
        e = take(a, &byte);
    }
    if (e == ERR_OK && byte == '\r')
        e = take(a, &byte);
    if (e == ERR_OK && byte != '\n')
        return refuse();
    if (e == ERR_OK)
        *ret_len = n;
    return e;
}

/* A line of the body, decoded. */
static enum err
take_body(struct armor *a)
{
    uint8_t text[AGE_COLUMNS];
    size_t len = 0, n_digits;
    enum err e = take_line(a, text, &len);

    if (e != ERR_OK)
        return e;
    if (len == 0 || len % 4 != 0)
        return refuse();
    n_digits = len;
    while (text[n_digits - 1] == '=' && len - n_digits < 2)
        n_digits--;
    if (b64_decode(text, n_digits, a->line, sizeof(a->line), &a->line_len) != ERR_OK)
        return refuse();
    a->line_at = 0;
    if (n_digits < AGE_COLUMNS)
        a->where = END_MARK;
    return ERR_OK;
}

static enum err
take_begin(struct armor *a)
{
    uint8_t none[AGE_COLUMNS];
    size_t len = 0;
    enum err e = skip_space(a);

    if (e == ERR_OK)
        e = take_mark(a, begin_mark);
    if (e == ERR_OK)
        e = take_line(a, none, &len);
    if (e == ERR_OK && len > 0)
        e = refuse();
    if (e == ERR_OK)
        a->where = LINES;
    return e;
}

static enum err
take_end(struct armor *a)
{
    int byte = END;
    enum err e = take_mark(a, end_mark);

    if (e == ERR_OK)
        e = skip_space(a);
    if (e == ERR_OK)
        e = peek(a, &byte);
    if (e == ERR_OK && byte != END)
        e = refuse();
    if (e == ERR_OK)
        a->where = AFTER;
    return e;
}

/* With nothing left of a line: one step on. */
static enum err
advance(struct armor *a)
{
    int byte = END;
    enum err e;

    if (a->where == BEFORE)
        return take_begin(a);
    e = peek(a, &byte);
    if (e != ERR_OK)
        return e;
    return a->where == END_MARK || byte == end_mark[0] ? take_end(a) : take_body(a);
}

static enum err
armor_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct armor *a = (struct armor *)s;
    size_t n;

    while (a->line_at == a->line_len && a->where != AFTER) {
        enum err e = advance(a);

        if (e != ERR_OK)
            return e;
    }
    n = a->line_len - a->line_at < cap ? a->line_len - a->line_at : cap;
    memcpy(ret_bytes, a->line + a->line_at, n);
    a->line_at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
armor_free(struct source *s)
{
    source_free(((struct armor *)s)->file);
    free(s);
}

bool
age_is_armor(uint8_t first)
{
    return first == (uint8_t)begin_mark[0] || is_space(first);
}

enum err
age_armor_new(struct source **file, const uint8_t *bytes, size_t len, struct source **ret_source)
{
    static const struct source_ops ops = {armor_read, armor_free};
    struct armor *a = malloc(sizeof(*a));

    assert(len <= AGE_ARMOR_ROOM);
    if (a == NULL)
        return err_set(ERR_NOMEM, "no memory for a stage");
    *a = (struct armor){.source = {&ops}, .file = *file, .used = len};
    if (len > 0)
        memcpy(a->in, bytes, len);
    *file = NULL;
    *ret_source = &a->source;
    return ERR_OK;
}
