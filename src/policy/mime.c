/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/mime.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LEN = 127 }; /* of a type and of a subtype, RFC 6838 section 4.2 */

/* Length of the restricted-name of RFC 6838 section 4.2 at `s`; 0 when there is none. */
static size_t
name_len(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && (text_is_alpha(s[n]) || text_is_digit(s[n]) ||
                       (n > 0 && memchr("!#$&-^_.+", s[n], 9) != NULL)))
        n++;
    return n <= NAME_MAX_LEN ? n : 0;
}

/* Whether `s` is type/subtype or, where `may_be_pattern`, also type/ * or * / *. */
static bool
is_type(const char *s, size_t len, bool may_be_pattern)
{
    size_t n = name_len(s, len);

    if (may_be_pattern && len == 3 && memcmp(s, "*/*", 3) == 0)
        return true;
    if (n == 0 || n == len || s[n] != '/')
        return false;
    s += n + 1;
    len -= n + 1;
    if (may_be_pattern && len == 1 && *s == '*')
        return true;
    return len > 0 && name_len(s, len) == len;
}

/* A lower-case copy; NULL when there is no memory. */
static char *
lower_copy(const char *s, size_t len)
{
    char *copy = malloc(len + 1);

    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < len; i++)
        copy[i] = text_lower(s[i]);
    copy[len] = '\0';
    return copy;
}

static enum err
add(struct mime_rules *r, const char *entry, size_t len)
{
    if (!is_type(entry, len, true))
        return err_set(ERR_SYNTAX, "not a type/subtype or type/*: \"%.*s\"",
                       (int)(len < 64 ? len : 64), entry);
    r->patterns[r->n] = lower_copy(entry, len);
    if (r->patterns[r->n] == NULL)
        return err_set(ERR_NOMEM, "no memory for a list of types");
    r->n++;
    return ERR_OK;
}

enum err
mime_rules_parse(const char *list, struct mime_rules *ret_rules)
{
    struct mime_rules r = {0};
    const char *entry;
    size_t len, n_max = 1;
    enum err e = ERR_OK;

    if (text_is_blank(list)) {
        *ret_rules = r;
        return ERR_OK;
    }
    for (const char *comma = list; (comma = strchr(comma, ',')) != NULL; comma++)
        n_max++;
    r.patterns = calloc(n_max, sizeof(*r.patterns));
    if (r.patterns == NULL)
        return err_set(ERR_NOMEM, "no memory for a list of types");
    while (e == ERR_OK && text_next(&list, &entry, &len))
        e = add(&r, entry, len);
    if (e == ERR_OK)
        *ret_rules = r;
    else
        mime_rules_done(&r);
    return e;
}

void
mime_rules_done(struct mime_rules *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->patterns[i]);
    free(r->patterns);
    *r = (struct mime_rules){0};
}

static bool
matches(const char *pattern, const char *type)
{
    size_t len = strlen(pattern);

    if (strcmp(pattern, "*/*") == 0)
        return true;
    if (pattern[len - 1] == '*')
        return strnlen(type, len - 1) == len - 1 && text_same_n(type, pattern, len - 1);
    return text_same(type, pattern);
}

bool
mime_is_allowed(const struct mime_rules *r, const char *type)
{
    if (r->n == 0)
        return true;
    if (!is_type(type, strlen(type), false))
        return false;
    for (size_t i = 0; i < r->n; i++) {
        if (matches(r->patterns[i], type))
            return true;
    }
    return false;
}
