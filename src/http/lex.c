/* SPDX-License-Identifier: Apache-2.0 */
#include "http/lex.h"

#include "base/text.h"

#include <string.h>

bool
lex_is_tchar(char c)
{
    return text_is_alpha(c) || text_is_digit(c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
lex_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool
lex_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

int
lex_hex(char c)
{
    if (text_is_digit(c))
        return c - '0';
    c = text_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
lex_percent(const char *s, size_t len)
{
    if (len < 3 || s[0] != '%' || lex_hex(s[1]) < 0 || lex_hex(s[2]) < 0)
        return -1;
    return lex_hex(s[1]) * 16 + lex_hex(s[2]);
}

size_t
lex_token(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && lex_is_tchar(s[n]))
        n++;
    return n;
}

bool
lex_is_token(const char *s, size_t len)
{
    return len > 0 && lex_token(s, len) == len;
}

bool
lex_same(const char *s, size_t len, const char *word)
{
    return strlen(word) == len && text_same_n(s, word, len);
}

void
lex_trim(const char **s, size_t *len)
{
    while (*len > 0 && lex_is_blank(**s)) {
        (*s)++;
        (*len)--;
    }
    while (*len > 0 && lex_is_blank((*s)[*len - 1]))
        (*len)--;
}

/* Characters of the quoted string at `s` with both its quotes; 0 when it does not end. */
static size_t
quoted_len(const char *s, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        if (s[i] == '"')
            return i + 1;
        if (s[i] == '\\')
            i++;
    }
    return 0;
}

bool
lex_member(const char **at, const char *end, const char **ret_s, size_t *ret_len)
{
    while (*at < end) {
        const char *s = *at, *p = s;
        size_t len;

        while (p < end && *p != ',') {
            size_t n = *p == '"' ? quoted_len(p, (size_t)(end - p)) : 1;

            p += n > 0 ? n : (size_t)(end - p); /* an open quote takes the rest along */
        }
        len = (size_t)(p - s);
        *at = p < end ? p + 1 : end;
        lex_trim(&s, &len);
        if (len > 0) {
            *ret_s = s;
            *ret_len = len;
            return true;
        }
    }
    return false;
}

static const char *
skip_blanks(const char *p, const char *end)
{
    while (p < end && lex_is_blank(*p))
        p++;
    return p;
}

enum err
lex_param(const char **at, const char *end, struct lex_param *ret_param)
{
    const char *p = skip_blanks(*at, end);
    struct lex_param param = {0};
    size_t n;

    if (p == end || *p != ';')
        return err_set(ERR_SYNTAX, "a parameter has no semicolon before it");
    p = skip_blanks(p + 1, end);
    param.name = p;
    param.name_len = lex_token(p, (size_t)(end - p));
    p += param.name_len;
    if (param.name_len == 0 || p == end || *p != '=')
        return err_set(ERR_SYNTAX, "a parameter is not name=value");
    p++;
    if (p < end && *p == '"') {
        n = quoted_len(p, (size_t)(end - p));
        if (n == 0)
            return err_set(ERR_SYNTAX, "a quoted string has no end");
        param.is_quoted = true;
        param.value = p + 1;
        param.value_len = n - 2;
    } else {
        n = lex_token(p, (size_t)(end - p));
        if (n == 0)
            return err_set(ERR_SYNTAX, "a parameter has no value");
        param.value = p;
        param.value_len = n;
    }
    *at = p + n;
    *ret_param = param;
    return ERR_OK;
}
