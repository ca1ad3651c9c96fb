/* SPDX-License-Identifier: Apache-2.0 */
#include "base/enc.h"

#include <stdbool.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char b64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
hex_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
    for (size_t i = 0; i < len; i++) {
        *ret_text++ = hex_digits[bytes[i] >> 4];
        *ret_text++ = hex_digits[bytes[i] & 15];
    }
    *ret_text = '\0';
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum err
hex_decode(const char *text, uint8_t *ret_bytes, size_t len)
{
    if (strnlen(text, HEX_LEN(len) + 1) != HEX_LEN(len))
        return err_set(ERR_SYNTAX, "not %zu hex digits", HEX_LEN(len));
    for (size_t i = 0; i < HEX_LEN(len); i++) {
        if (hex_value(text[i]) < 0)
            return err_set(ERR_SYNTAX, "not a hex digit");
    }
    for (size_t i = 0; i < len; i++)
        ret_bytes[i] =
            (uint8_t)((unsigned)hex_value(text[2 * i]) << 4 | (unsigned)hex_value(text[2 * i + 1]));
    return ERR_OK;
}

void
b64url_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        n_bits += 8;
        while (n_bits >= 6) {
            n_bits -= 6;
            *ret_text++ = b64_digits[bits >> n_bits & 63];
        }
        bits &= (1U << n_bits) - 1;
    }
    if (n_bits > 0)
        *ret_text++ = b64_digits[bits << (6 - n_bits) & 63];
    *ret_text = '\0';
}

static int
b64url_value(char c)
{
    const char *at = c == '\0' ? NULL : strchr(b64_digits, c);

    return at == NULL ? -1 : (int)(at - b64_digits);
}

/* Whether all are digits, and the bits of the last one that belong to no byte are zero. */
static bool
is_b64url(const char *text, size_t n_digits)
{
    unsigned spare = n_digits % 4 == 2 ? 15 : n_digits % 4 == 3 ? 3 : 0;

    for (size_t i = 0; i < n_digits; i++) {
        if (b64url_value(text[i]) < 0)
            return false;
    }
    return n_digits == 0 || ((unsigned)b64url_value(text[n_digits - 1]) & spare) == 0;
}

enum err
b64url_decode(const char *text, size_t text_len, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    size_t n_digits = text_len, n = 0;
    uint32_t bits = 0;
    unsigned n_bits = 0;

    while (n_digits > 0 && text_len - n_digits < 2 && text[n_digits - 1] == '=')
        n_digits--;
    if (n_digits % 4 == 1 || (n_digits != text_len && text_len % 4 != 0))
        return err_set(ERR_SYNTAX, "not base64url: wrong length");
    if (n_digits / 4 * 3 + (n_digits % 4 == 0 ? 0 : n_digits % 4 - 1) > cap)
        return err_set(ERR_TOOBIG, "base64url of more than %zu bytes", cap);
    if (!is_b64url(text, n_digits))
        return err_set(ERR_SYNTAX, "not base64url: wrong character or bits left over");
    for (size_t i = 0; i < n_digits; i++) {
        bits = bits << 6 | (uint32_t)b64url_value(text[i]);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            ret_bytes[n++] = (uint8_t)(bits >> n_bits);
            bits &= (1U << n_bits) - 1;
        }
    }
    *ret_len = n;
    return ERR_OK;
}
