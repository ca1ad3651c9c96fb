/* SPDX-License-Identifier: Apache-2.0 */
#include "http/range.h"

#include "base/text.h"
#include "http/lex.h"

#include <string.h>

/* A number of digits at `*at`. One too large for us is as good as the largest: no file reaches it.
 * False when there is no digit. */
static bool
take_number(const char **at, const char *end, uint64_t *ret_number)
{
    uint64_t x = 0;
    const char *p = *at;

    while (p < end && text_is_digit(*p)) {
        uint64_t digit = (uint64_t)(*p++ - '0');

        x = x > (UINT64_MAX - digit) / 10 ? UINT64_MAX : x * 10 + digit;
    }
    if (p == *at)
        return false;
    *at = p;
    *ret_number = x;
    return true;
}

/* "0-99", "100-" or "-50", the whole text. */
static bool
parse_one(const char *s, size_t len, struct range_spec *ret_spec)
{
    struct range_spec spec = {.kind = RANGE_FROM, .last = UINT64_MAX};
    const char *end = s + len;

    if (!take_number(&s, end, &spec.first))
        spec.kind = RANGE_SUFFIX;
    if (s == end || *s++ != '-')
        return false;
    if (!take_number(&s, end, &spec.last) && spec.kind == RANGE_SUFFIX)
        return false;
    if (s != end || (spec.kind == RANGE_FROM && spec.last < spec.first))
        return false;
    *ret_spec = spec;
    return true;
}

enum err
range_parse(const char *header, struct range_spec *ret_spec)
{
    struct range_spec spec = {.kind = RANGE_NONE};
    const char *at, *end, *s;
    size_t len, unit_len, n = 0;

    if (header == NULL) {
        *ret_spec = spec;
        return ERR_OK;
    }
    s = header;
    len = strlen(header);
    lex_trim(&s, &len);
    end = s + len;
    unit_len = lex_token(s, len);
    if (!lex_same(s, unit_len, "bytes")) {
        *ret_spec = spec;
        return ERR_OK;
    }
    if (unit_len == len || s[unit_len] != '=')
        return err_set(ERR_RANGE, "a byte range without '='");
    at = s + unit_len + 1;
    while (lex_member(&at, end, &s, &len)) {
        if (!parse_one(s, len, &spec))
            return err_set(ERR_RANGE, "a malformed byte range");
        n++;
    }
    if (n == 0)
        return err_set(ERR_RANGE, "an empty byte range");
    if (n > 1)
        spec = (struct range_spec){.kind = RANGE_NONE};
    *ret_spec = spec;
    return ERR_OK;
}

enum err
range_fit(const struct range_spec *spec, uint64_t size_bytes, uint64_t *ret_from, uint64_t *ret_len)
{
    uint64_t from = 0, len = size_bytes;

    if (spec->kind == RANGE_FROM) {
        if (spec->first >= size_bytes)
            return err_set(ERR_RANGE, "a byte range behind the end");
        from = spec->first;
        len = (spec->last < size_bytes ? spec->last + 1 : size_bytes) - from;
    } else if (spec->kind == RANGE_SUFFIX) {
        /* Content-Range has no words for a part without bytes. */
        if (spec->last == 0 || size_bytes == 0)
            return err_set(ERR_RANGE, "a byte range without bytes");
        len = spec->last < size_bytes ? spec->last : size_bytes;
        from = size_bytes - len;
    }
    *ret_from = from;
    *ret_len = len;
    return ERR_OK;
}

bool
range_if(const char *if_range, const char *etag)
{
    const char *s = if_range;
    size_t len;

    if (if_range == NULL)
        return true;
    len = strlen(s);
    lex_trim(&s, &len);
    return etag[0] == '"' && len == strlen(etag) && memcmp(s, etag, len) == 0;
}
