/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/age_int.h"

static const uint8_t digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
age_b64_encode(const uint8_t *bytes, size_t len, uint8_t *ret_text)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        n_bits += 8;
        while (n_bits >= 6) {
            n_bits -= 6;
            ret_text[n++] = digits[bits >> n_bits & 63];
        }
        bits &= (1U << n_bits) - 1;
    }
    if (n_bits > 0)
        ret_text[n++] = digits[bits << (6 - n_bits) & 63];
    return n;
}

/* 64 for what is no digit. */
static uint32_t
value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Whether all are digits, and the bits of the last one that belong to no byte are zero. */
static bool
is_canonical(const uint8_t *text, size_t len)
{
    uint32_t spare = len % 4 == 2 ? 15 : len % 4 == 3 ? 3 : 0;

    for (size_t i = 0; i < len; i++) {
        if (value_of(text[i]) > 63)
            return false;
    }
    return len % 4 != 1 && (len == 0 || (value_of(text[len - 1]) & spare) == 0);
}

bool
age_b64_decode(const uint8_t *text, size_t text_len, uint8_t *ret_bytes, size_t cap,
               size_t *ret_len)
{
    size_t n = 0;
    uint32_t bits = 0;
    unsigned n_bits = 0;

    if (text_len / 4 * 3 + text_len % 4 * 3 / 4 > cap || !is_canonical(text, text_len))
        return false;
    for (size_t i = 0; i < text_len; i++) {
        bits = bits << 6 | value_of(text[i]);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            ret_bytes[n++] = (uint8_t)(bits >> n_bits);
            bits &= (1U << n_bits) - 1;
        }
    }
    *ret_len = n;
    return true;
}
