/* SPDX-License-Identifier: Apache-2.0 */
#include "http/multipart_int.h"

#include "base/text.h"
#include "http/lex.h"

#include <string.h>

/* ---- the boundary ---- */

static bool
is_boundary_char(char c)
{
    return text_is_alpha(c) || text_is_digit(c) ||
           (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL);
}

static enum err
check_boundary(const struct lex_param *p)
{
    if (p->value_len == 0 || p->value_len > MULTIPART_BOUNDARY_MAX)
        return err_set(ERR_SYNTAX, "a boundary is not 1 to %d characters", MULTIPART_BOUNDARY_MAX);
    for (size_t i = 0; i < p->value_len; i++) {
        if (!is_boundary_char(p->value[i]))
            return err_set(ERR_SYNTAX, "a boundary holds a character that is not allowed");
    }
    if (p->value[p->value_len - 1] == ' ')
        return err_set(ERR_SYNTAX, "a boundary ends with a space");
    return ERR_OK;
}

enum err
multipart_boundary(const char *content_type, char *ret_text, size_t *ret_len)
{
    struct lex_param p, boundary = {0};
    const char *s = content_type, *end;
    size_t len, type_len;
    enum err e;

    if (content_type == NULL)
        return err_set(ERR_SYNTAX, "no Content-Type");
    len = strlen(s);
    lex_trim(&s, &len);
    end = s + len;
    for (type_len = 0; type_len < len && s[type_len] != ';' && !lex_is_blank(s[type_len]);)
        type_len++;
    if (!lex_same(s, type_len, "multipart/form-data"))
        return err_set(ERR_SYNTAX, "the Content-Type is not multipart/form-data");
    for (s += type_len; s < end;) {
        e = lex_param(&s, end, &p);
        if (e != ERR_OK)
            return e;
        if (!lex_same(p.name, p.name_len, "boundary"))
            continue;
        if (boundary.name != NULL)
            return err_set(ERR_SYNTAX, "more than one boundary");
        boundary = p;
    }
    if (boundary.value == NULL)
        return err_set(ERR_SYNTAX, "no boundary");
    e = check_boundary(&boundary);
    if (e != ERR_OK)
        return e;
    memcpy(ret_text, boundary.value, boundary.value_len);
    *ret_len = boundary.value_len;
    return ERR_OK;
}

/* ---- values of parameters ---- */

/* Browsers write exactly these three escapes in quoted values and leave backslashes alone (WHATWG
 * HTML); command lines escape the quote and the backslash (RFC 9110). A backslash before anything
 * else is kept: it is one of a Windows path. */
static char
unquote_byte(const char **at, const char *end)
{
    static const struct {
        char escape[4], plain;
    } escapes[] = {{"%22", '"'}, {"%0D", '\r'}, {"%0A", '\n'}};
    const char *s = *at;

    if (end - s >= 2 && s[0] == '\\' && (s[1] == '"' || s[1] == '\\')) {
        *at += 2;
        return s[1];
    }
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (end - s >= 3 && memcmp(s, escapes[i].escape, 3) == 0) {
            *at += 3;
            return escapes[i].plain;
        }
    }
    *at += 1;
    return *s;
}

static enum err
take_value(const struct lex_param *p, char *ret_text, size_t max)
{
    const char *at = p->value, *end = at + p->value_len;
    size_t len = 0;

    while (at < end) {
        char c = p->is_quoted ? unquote_byte(&at, end) : *at++;

        if (len == max)
            return err_set(ERR_SYNTAX, "a name of more than %zu bytes in a part", max);
        ret_text[len++] = c;
    }
    ret_text[len] = '\0';
    return ERR_OK;
}

/* charset'language'percent-encoded (RFC 5987, RFC 8187), UTF-8 only. */
static enum err
take_ext_value(const struct lex_param *p, char *ret_text, size_t max)
{
    const char *at = p->value, *end = at + p->value_len, *quote;
    size_t len = 0;

    if (p->is_quoted)
        return err_set(ERR_SYNTAX, "a filename* is quoted");
    quote = memchr(at, '\'', (size_t)(end - at));
    if (quote == NULL || !lex_same(at, (size_t)(quote - at), "UTF-8"))
        return err_set(ERR_SYNTAX, "the charset of a filename* is not UTF-8");
    quote = memchr(quote + 1, '\'', (size_t)(end - quote) - 1);
    if (quote == NULL)
        return err_set(ERR_SYNTAX, "a filename* has no language mark");
    for (at = quote + 1; at < end;) {
        int c = lex_percent(at, (size_t)(end - at));

        if (*at == '%' && c <= 0)
            return err_set(ERR_SYNTAX, "a broken escape or a NUL in a filename*");
        if (len == max)
            return err_set(ERR_SYNTAX, "a name of more than %zu bytes in a part", max);
        ret_text[len++] = c > 0 ? (char)c : *at;
        at += c > 0 ? 3 : 1;
    }
    ret_text[len] = '\0';
    return text_is_utf8(ret_text, len) ? ERR_OK : err_set(ERR_SYNTAX, "a filename* is not UTF-8");
}

/* ---- the header lines ---- */

static enum err
once(bool *seen)
{
    if (*seen)
        return err_set(ERR_SYNTAX, "a part says the same thing twice");
    *seen = true;
    return ERR_OK;
}

static enum err
read_disposition_param(struct part_head *head, const struct lex_param *p)
{
    enum err e = ERR_OK;

    if (lex_same(p->name, p->name_len, "name")) {
        e = once(&head->has_name);
        if (e == ERR_OK)
            e = take_value(p, head->name, MULTIPART_NAME_MAX);
    } else if (lex_same(p->name, p->name_len, "filename")) {
        char ignored[MULTIPART_FILENAME_MAX + 1]; /* checked also where filename* wins */

        e = once(&head->has_filename);
        if (e == ERR_OK)
            e = take_value(p, head->has_filename_ext ? ignored : head->filename,
                           MULTIPART_FILENAME_MAX);
    } else if (lex_same(p->name, p->name_len, "filename*")) {
        e = once(&head->has_filename_ext);
        if (e == ERR_OK)
            e = take_ext_value(p, head->filename, MULTIPART_FILENAME_MAX);
    }
    return e;
}

static enum err
read_disposition(struct part_head *head, const char *s, size_t len)
{
    const char *at = s, *end = s + len;
    size_t type_len = lex_token(s, len);
    struct lex_param p;
    enum err e;

    e = once(&head->has_disposition);
    if (e != ERR_OK)
        return e;
    if (!lex_same(s, type_len, "form-data"))
        return err_set(ERR_SYNTAX, "the Content-Disposition of a part is not form-data");
    for (at += type_len; at < end;) {
        e = lex_param(&at, end, &p);
        if (e == ERR_OK)
            e = read_disposition_param(head, &p);
        if (e != ERR_OK)
            return e;
    }
    if (!head->has_name || head->name[0] == '\0')
        return err_set(ERR_SYNTAX, "a part has no name");
    return ERR_OK;
}

static enum err
read_type(struct part_head *head, const char *s, size_t len)
{
    static const char nested[] = "multipart/";

    if (len >= sizeof(nested) - 1 && text_same_n(s, nested, sizeof(nested) - 1))
        return err_set(ERR_SYNTAX, "a multipart within a part");
    return once(&head->has_type);
}

static enum err
read_encoding(struct part_head *head, const char *s, size_t len)
{
    if (!lex_same(s, len, "7bit") && !lex_same(s, len, "8bit") && !lex_same(s, len, "binary"))
        return err_set(ERR_SYNTAX, "a part is encoded");
    return once(&head->has_encoding);
}

enum err
part_head_line(struct part_head *head, const char *line, size_t len)
{
    size_t name_len = lex_token(line, len);
    const char *s = line + name_len + 1;

    for (size_t i = 0; i < len; i++) {
        if (lex_is_control(line[i]) && line[i] != '\t')
            return err_set(ERR_SYNTAX, "a control character in the header of a part");
    }
    /* A folded line begins with a blank and so has no name: nobody sends them any more. */
    if (name_len == 0 || name_len == len || line[name_len] != ':')
        return err_set(ERR_SYNTAX, "a header line of a part is not name: value");
    len -= name_len + 1;
    lex_trim(&s, &len);
    if (lex_same(line, name_len, "Content-Disposition"))
        return read_disposition(head, s, len);
    if (lex_same(line, name_len, "Content-Type"))
        return read_type(head, s, len);
    if (lex_same(line, name_len, "Content-Transfer-Encoding"))
        return read_encoding(head, s, len);
    return ERR_OK;
}
