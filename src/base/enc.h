/* SPDX-License-Identifier: Apache-2.0 */
/* enc: hexadecimal, base64, base64url and base32 (RFC 4648 sections 4 to 6). Thread-safe, no
 * allocation. */
#ifndef MAYFLY_BASE_ENC_H
#define MAYFLY_BASE_ENC_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters of an encoding, without the NUL. */
#define HEX_LEN(n)    ((n)*2)
#define B64URL_LEN(n) (((n)*4 + 2) / 3)
#define B32_LEN(n)    (((n)*8 + 4) / 5)

/* Lower-case hex of `len` bytes and a NUL: writes HEX_LEN(len) + 1 characters. */
void hex_encode(const uint8_t *bytes, size_t len, char *ret_text);

/* Exactly HEX_LEN(len) hex digits of either case. ERR_SYNTAX otherwise; output untouched. */
MUST_CHECK enum err hex_decode(const char *text, uint8_t *ret_bytes, size_t len);

/* The value of a hex digit of either case; -1 for anything else. */
int hex_value(char c);

/* base64url without padding and a NUL: writes B64URL_LEN(len) + 1 characters. */
void b64url_encode(const uint8_t *bytes, size_t len, char *ret_text);

/* Decode base64url, with or without padding, canonical bits only. `ret_bytes` holds `cap` bytes.
 * ERR_SYNTAX: not base64url; ERR_TOOBIG: more than `cap` bytes; output untouched. */
MUST_CHECK enum err b64url_decode(const char *text, size_t text_len, uint8_t *ret_bytes, size_t cap,
                                  size_t *ret_len);

/* Whether there is nothing in `text` but the digits of base64url, without padding. */
bool b64url_is(const char *text);

/* Base64 with "+" and "/", both ways without padding, and without a NUL: writes B64URL_LEN(len)
 * characters, and says how many. Errors as b64url_decode's. */
size_t b64_encode(const uint8_t *bytes, size_t len, uint8_t *ret_text);
MUST_CHECK enum err b64_decode(const uint8_t *text, size_t text_len, uint8_t *ret_bytes, size_t cap,
                               size_t *ret_len);

/* Base32 in lower case, without padding, and a NUL: writes B32_LEN(len) + 1 characters. */
void b32_encode(const uint8_t *bytes, size_t len, char *ret_text);

#endif
