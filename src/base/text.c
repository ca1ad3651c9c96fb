/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <string.h>

enum err
text_u64(const char *text, size_t len, uint64_t max, uint64_t *ret_number)
{
    uint64_t x = 0;

    if (len == 0)
        return err_set(ERR_SYNTAX, "a number is empty");
    for (size_t i = 0; i < len; i++) {
        if (!text_is_digit(text[i]))
            return err_set(ERR_SYNTAX, "not a decimal number");
    }
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');

        if (x > (UINT64_MAX - digit) / 10 || x * 10 + digit > max)
            return err_set(ERR_RANGE, "a number is larger than %llu", (unsigned long long)max);
        x = x * 10 + digit;
    }
    *ret_number = x;
    return ERR_OK;
}

enum err
text_size(const char *text, uint64_t max, uint64_t *ret_bytes)
{
    size_t len = strlen(text);
    unsigned shift = 0;
    uint64_t x;
    enum err e;

    if (len > 0) {
        switch (text_lower(text[len - 1])) {
        case 'k':
            shift = 10;
            break;
        case 'm':
            shift = 20;
            break;
        case 'g':
            shift = 30;
            break;
        default:
            break;
        }
    }
    e = text_u64(text, shift > 0 ? len - 1 : len, max >> shift, &x);
    if (e == ERR_OK)
        *ret_bytes = x << shift;
    return e;
}

enum err
text_bool(const char *text, bool *ret_value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"on", true},   {"true", true},   {"1", true},
                 {"off", false}, {"false", false}, {"0", false}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text_same(text, words[i].word)) {
            *ret_value = words[i].value;
            return ERR_OK;
        }
    }
    return err_set(ERR_SYNTAX, "not one of on, off, true, false, 1, 0");
}

bool
text_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

char
text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
text_same_n(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text_lower(a[i]) != text_lower(b[i]))
            return false;
    }
    return true;
}

bool
text_same(const char *a, const char *b)
{
    size_t len = strlen(a);

    return strlen(b) == len && text_same_n(a, b, len);
}

bool
text_begins(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strnlen(text, len) == len && text_same_n(text, prefix, len);
}

bool
text_is_blank(const char *text)
{
    return text[strspn(text, " \t")] == '\0';
}

bool
text_next(const char **list, const char **ret_entry, size_t *ret_len)
{
    const char *entry = *list, *end;

    if (entry == NULL)
        return false;
    end = strchrnul(entry, ',');
    *list = *end == '\0' ? NULL : end + 1;
    while (entry < end && (*entry == ' ' || *entry == '\t'))
        entry++;
    while (end > entry && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *ret_entry = entry;
    *ret_len = (size_t)(end - entry);
    return true;
}

size_t
text_utf8(const uint8_t *s, size_t len, uint32_t *ret_char)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n;
    uint32_t c;

    if (len == 0)
        return 0;
    if (s[0] < 0x80) {
        n = 1;
        c = s[0];
    } else if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        n = 2;
        c = s[0] & 0x1f;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        n = 3;
        c = s[0] & 0x0f;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        n = 4;
        c = s[0] & 0x07;
    } else {
        return 0;
    }
    if (n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
        return 0;
    if (ret_char != NULL)
        *ret_char = c;
    return n;
}

bool
text_is_plain(const char *text, size_t len)
{
    const uint8_t *at = (const uint8_t *)text;
    uint32_t c = 0;
    size_t n;

    for (; len > 0; at += n, len -= n) {
        n = text_utf8(at, len, &c);
        if (n == 0 || c < 0x20 || (c >= 0x7f && c <= 0x9f))
            return false;
    }
    return true;
}

bool
text_is_utf8(const void *bytes, size_t len)
{
    const uint8_t *s = bytes;

    while (len > 0) {
        size_t n = text_utf8(s, len, NULL);

        if (n == 0)
            return false;
        s += n;
        len -= n;
    }
    return true;
}
