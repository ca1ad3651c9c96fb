/* SPDX-License-Identifier: Apache-2.0 */
#include "base/enc.h"

#include <stdbool.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

/* The two base64 alphabets differ in their last two digits only. */
static const char std_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char b32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";

void
hex_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
    for (size_t i = 0; i < len; i++) {
        *ret_text++ = hex_digits[bytes[i] >> 4];
        *ret_text++ = hex_digits[bytes[i] & 15];
    }
    *ret_text = '\0';
}

int
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

/* ---- base64, base32 ---- */

/* Write a digit for every `width` bits; how many were written. */
static size_t
encode(const char *digits, unsigned width, const uint8_t *bytes, size_t len, char *ret_text)
{
    uint32_t bits = 0;
    unsigned n_bits = 0, last = (1U << width) - 1;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        n_bits += 8;
        while (n_bits >= width) {
            n_bits -= width;
            ret_text[n++] = digits[bits >> n_bits & last];
        }
        bits &= (1U << n_bits) - 1;
    }
    if (n_bits > 0)
        ret_text[n++] = digits[bits << (width - n_bits) & last];
    return n;
}

/* 64 for what is no digit. */
static uint32_t
value_of(const char digits[65], char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == digits[62] ? 62 : c == digits[63] ? 63 : 64;
}

/* Decode digits without padding: canonical ones only, so that the bits of the last one that belong
 * to no byte are zero. */
static enum err
decode(const char digits[65], const char *text, size_t n_digits, uint8_t *ret_bytes, size_t cap,
       size_t *ret_len)
{
    uint32_t bits = 0, spare = n_digits % 4 == 2 ? 15 : n_digits % 4 == 3 ? 3 : 0;
    unsigned n_bits = 0;
    size_t n = 0;

    if (n_digits % 4 == 1)
        return err_set(ERR_SYNTAX, "not base64: wrong length");
    if (n_digits / 4 * 3 + n_digits % 4 * 3 / 4 > cap)
        return err_set(ERR_TOOBIG, "base64 of more than %zu bytes", cap);
    for (size_t i = 0; i < n_digits; i++) {
        if (value_of(digits, text[i]) > 63)
            return err_set(ERR_SYNTAX, "not base64: wrong character");
    }
    if (n_digits > 0 && (value_of(digits, text[n_digits - 1]) & spare) != 0)
        return err_set(ERR_SYNTAX, "not base64: bits left over");
    for (size_t i = 0; i < n_digits; i++) {
        bits = bits << 6 | value_of(digits, text[i]);
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

bool
b64url_is(const char *text)
{
    return text[strspn(text, url_digits)] == '\0';
}

size_t
b64_encode(const uint8_t *bytes, size_t len, uint8_t *ret_text)
{
    return encode(std_digits, 6, bytes, len, (char *)ret_text);
}

enum err
b64_decode(const uint8_t *text, size_t text_len, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    return decode(std_digits, (const char *)text, text_len, ret_bytes, cap, ret_len);
}

void
b64url_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
    ret_text[encode(url_digits, 6, bytes, len, ret_text)] = '\0';
}

enum err
b64url_decode(const char *text, size_t text_len, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    size_t n_digits = text_len;

    while (n_digits > 0 && text_len - n_digits < 2 && text[n_digits - 1] == '=')
        n_digits--;
    if (n_digits != text_len && text_len % 4 != 0)
        return err_set(ERR_SYNTAX, "not base64: wrong length");
    return decode(url_digits, text, n_digits, ret_bytes, cap, ret_len);
}

void
b32_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
    ret_text[encode(b32_digits, 5, bytes, len, ret_text)] = '\0';
}
