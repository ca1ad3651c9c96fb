/* SPDX-License-Identifier: Apache-2.0 */
#include "server/settings.h"

#include <string.h>

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool
is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool
is_name(const char *s, size_t len)
{
    if (len == 0 || !is_upper(s[0]))
        return false;
    for (size_t i = 1; i < len; i++) {
        if (!is_upper(s[i]) && !(s[i] >= '0' && s[i] <= '9') && s[i] != '_')
            return false;
    }
    return true;
}

/* Cut the blanks off both ends of the range. */
static void
trim(const char **from, const char **to)
{
    while (*from < *to && is_blank(**from))
        (*from)++;
    while (*from < *to && is_blank((*to)[-1]))
        (*to)--;
}

static enum err
check_bytes(const char *from, const char *to)
{
    if (to - from > SETTINGS_LINE_MAX)
        return err_set(ERR_SYNTAX, "a line is longer than %d bytes", SETTINGS_LINE_MAX);
    for (const char *s = from; s < to; s++) {
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return err_set(ERR_SYNTAX, "a line holds a control character");
    }
    return ERR_OK;
}

/* One line without its end, trimmed and not empty. */
static enum err
read_pair(const char *from, const char *to, struct settings_pair *ret_pair)
{
    const char *equals = memchr(from, '=', (size_t)(to - from));
    const char *value;

    if (equals == NULL)
        return err_set(ERR_SYNTAX, "a line is not NAME=value, a comment or blank");
    if (!is_name(from, (size_t)(equals - from)))
        return err_set(ERR_SYNTAX, "what is before \"=\" is not a name: upper-case letters, digits "
                                   "and \"_\" only, without blanks");
    value = equals + 1;
    trim(&value, &to);
    if (value < to && (*value == '"' || *value == '\''))
        return err_set(ERR_SYNTAX, "a value begins with a quote: write NAME=value without quotes");
    ret_pair->name = from;
    ret_pair->name_len = (size_t)(equals - from);
    ret_pair->value = value;
    ret_pair->value_len = (size_t)(to - value);
    return ERR_OK;
}

void
settings_reader_init(struct settings_reader *r, const char *bytes, size_t len)
{
    *r = (struct settings_reader){.at = bytes, .end = bytes + len};
}

enum err
settings_next(struct settings_reader *r, struct settings_pair *ret_pair, bool *ret_has)
{
    enum err e;

    while (r->at < r->end) {
        const char *from = r->at;
        const char *to = memchr(from, '\n', (size_t)(r->end - from));

        r->at = to == NULL ? r->end : to + 1;
        r->line++;
        if (to == NULL)
            to = r->end;
        else if (to > from && to[-1] == '\r')
            to--;
        e = check_bytes(from, to);
        if (e != ERR_OK)
            return e;
        trim(&from, &to);
        if (from == to || *from == '#')
            continue;
        e = read_pair(from, to, ret_pair);
        if (e != ERR_OK)
            return e;
        ret_pair->line = r->line;
        *ret_has = true;
        return ERR_OK;
    }
    *ret_has = false;
    return ERR_OK;
}
