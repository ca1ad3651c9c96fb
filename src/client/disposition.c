/* SPDX-License-Identifier: Apache-2.0 */
/* The name in a Content-Disposition (RFC 6266). Read leniently, as browsers do: what cannot be read
 * is passed over, and the name that comes out is cleaned before anything is called so. */
#include "client/reply.h"

#include "base/enc.h"
#include "base/text.h"

#include <string.h>

enum { NAME_LEN = 256 };

/* name=value, or name="value" with the quotes still around it. */
struct param {
    const char *name, *value;
    size_t name_len, value_len;
};

static const char *
skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

/* The end of a quoted string that begins at `s`; one without an end is as long as the text. */
static const char *
quoted_end(const char *s)
{
    for (s++; *s != '\0' && *s != '"'; s++)
        if (*s == '\\' && s[1] != '\0')
            s++;
    return *s == '"' ? s + 1 : s;
}

/* The next parameter behind a ';'. `*at` moves on; false at the end. */
static bool
next_param(const char **at, struct param *ret)
{
    const char *s = *at;

    while (*s != '\0' && *s != ';') /* a quoted ';' is no end */
        s = *s == '"' ? quoted_end(s) : s + 1;
    if (*s == '\0')
        return false;
    s = skip_blanks(s + 1);
    *ret = (struct param){.name = s, .name_len = strcspn(s, "=; \t\"")};
    s = skip_blanks(s + ret->name_len);
    if (*s == '=') {
        s = skip_blanks(s + 1);
        ret->value = s;
        s = *s == '"' ? quoted_end(s) : s + strcspn(s, "; \t");
        ret->value_len = (size_t)(s - ret->value);
    }
    *at = s;
    return true;
}

static bool
is_named(const struct param *p, const char *name)
{
    return p->value != NULL && p->name_len == strlen(name) &&
           text_same_n(p->name, name, p->name_len);
}

/* What was read, if it is a name. */
static bool
give(const char *name, size_t len, char ret_name[NAME_LEN])
{
    if (len == 0 || memchr(name, '\0', len) != NULL || !text_is_utf8(name, len))
        return false;
    memcpy(ret_name, name, len);
    ret_name[len] = '\0';
    return true;
}

static bool
plain_name(const struct param *p, char ret_name[NAME_LEN])
{
    const char *s = p->value, *end = s + p->value_len;
    bool is_quoted = p->value_len > 0 && *s == '"';
    char name[NAME_LEN];
    size_t len = 0;

    if (is_quoted) {
        s++;
        if (end - s < 1 || end[-1] != '"')
            return false;
        end--;
    }
    for (; s < end; s++) {
        if (is_quoted && *s == '\\' && ++s == end)
            return false;
        if (len == NAME_LEN - 1)
            return false;
        name[len++] = *s;
    }
    return give(name, len, ret_name);
}

/* charset'language'percent-encoded (RFC 8187). */
static bool
extended_name(const struct param *p, char ret_name[NAME_LEN])
{
    static const char charset[] = "UTF-8'";
    const char *end = p->value + p->value_len, *s;
    char name[NAME_LEN];
    size_t len = 0;

    if (p->value_len < sizeof(charset) || !text_same_n(p->value, charset, sizeof(charset) - 1))
        return false;
    s = memchr(p->value + sizeof(charset) - 1, '\'', p->value_len - (sizeof(charset) - 1));
    if (s == NULL)
        return false;
    for (s++; s < end; s++) {
        uint8_t byte = (uint8_t)*s;

        if (*s == '%') {
            const char digits[3] = {s[1], s[1] != '\0' ? s[2] : '\0', '\0'};

            if (end - s < 3 || hex_decode(digits, &byte, 1) != ERR_OK)
                return false;
            s += 2;
        }
        if (len == NAME_LEN - 1)
            return false;
        name[len++] = (char)byte;
    }
    return give(name, len, ret_name);
}

void
reply_filename(const char *disposition, char ret_name[NAME_LEN])
{
    bool has_extended = false, has_plain = false;
    struct param p;

    ret_name[0] = '\0';
    while (!has_extended && next_param(&disposition, &p)) {
        if (is_named(&p, "filename*"))
            has_extended = extended_name(&p, ret_name);
        else if (!has_plain && is_named(&p, "filename"))
            has_plain = plain_name(&p, ret_name);
    }
}
