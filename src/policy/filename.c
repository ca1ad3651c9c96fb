/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/filename.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { NAME_MAX_LEN = FILENAME_TEXT_LEN - 1, EXTENSION_MAX_LEN = 32 };

static bool
is_forbidden(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c <= 0x9f))
        return true;
    if (c < 0x80)
        return strchr(";|&$`<>/\\", (int)c) != NULL;
    return c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* What is left of a name, read from its start. It is never copied as a whole, since it can be as
 * long as the request. */
struct rest {
    const uint8_t *at;
    size_t len;
};

/* The next character that stays; its length, or 0 at the end. */
static size_t
next_kept(struct rest *r, const uint8_t **ret_char)
{
    uint32_t c;
    size_t n;

    for (; r->len > 0; r->at += n, r->len -= n) {
        n = text_utf8(r->at, r->len, &c);
        if (n > 0 && !is_forbidden(c)) {
            *ret_char = r->at;
            r->at += n;
            r->len -= n;
            return n;
        }
        if (n == 0)
            n = 1;
    }
    return 0;
}

static struct rest
after_last_separator(const char *raw, size_t len)
{
    size_t at = len;

    while (at > 0 && raw[at - 1] != '/' && raw[at - 1] != '\\')
        at--;
    return (struct rest){(const uint8_t *)raw + at, len - at};
}

struct measure {
    size_t len;       /* of the cleaned name, blanks at its ends left out */
    size_t n_leading; /* blanks before it */
    size_t dot;       /* where its last dot is; len when it has none */
};

static struct measure
measure(struct rest r)
{
    struct measure m = {0};
    const uint8_t *c;
    size_t at = 0, dot = SIZE_MAX, n;

    while ((n = next_kept(&r, &c)) > 0) {
        if (*c == ' ' && m.len == 0) {
            m.n_leading++;
            continue;
        }
        if (*c == '.')
            dot = at;
        at += n;
        if (*c != ' ')
            m.len = at;
    }
    m.dot = dot < m.len ? dot : m.len;
    return m;
}

/* Write the bytes [0, head) and [tail, m.len) of the cleaned name, whole characters only. */
static size_t
copy_parts(struct rest r, const struct measure *m, size_t head, size_t tail, char *ret_name)
{
    size_t at = 0, len = 0, skip = m->n_leading, n;
    bool is_head = true;
    const uint8_t *c;

    while ((n = next_kept(&r, &c)) > 0 && at + n <= m->len) {
        if (skip > 0) {
            skip--;
            continue;
        }
        is_head = is_head && at + n <= head;
        if (is_head || at >= tail) {
            memcpy(ret_name + len, c, n);
            len += n;
        }
        at += n;
    }
    return len;
}

void
filename_clean(const char *raw, size_t len, char ret_name[FILENAME_TEXT_LEN])
{
    struct rest r = after_last_separator(raw, len);
    struct measure m = measure(r);
    size_t extension = m.len - m.dot, n;

    if (extension > EXTENSION_MAX_LEN)
        extension = 0;
    if (m.len <= NAME_MAX_LEN)
        n = copy_parts(r, &m, m.len, m.len, ret_name);
    else
        n = copy_parts(r, &m, NAME_MAX_LEN - extension, m.len - extension, ret_name);
    while (n > 0 && ret_name[n - 1] == ' ') /* the cut may have left one */
        n--;
    ret_name[n] = '\0';
    if (strspn(ret_name, ". ") == n)
        memcpy(ret_name, "file", sizeof("file"));
}
