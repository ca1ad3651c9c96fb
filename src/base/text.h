/* SPDX-License-Identifier: Apache-2.0 */
/* text: strict readers for small pieces of outside text. Thread-safe, no allocation.
 * Every reader takes the whole text or nothing: no leading space, sign, or trailing rest. */
#ifndef MAYFLY_BASE_TEXT_H
#define MAYFLY_BASE_TEXT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decimal number from 0 to `max`. ERR_SYNTAX: not one; ERR_RANGE: larger than `max`. */
MUST_CHECK enum err text_u64(const char *text, size_t len, uint64_t max, uint64_t *ret_number);

/* A number of bytes with an optional suffix k, M or G (1024-based, either case). As text_u64. */
MUST_CHECK enum err text_size(const char *text, uint64_t max, uint64_t *ret_bytes);

/* on, true, 1 or off, false, 0, in any case. ERR_SYNTAX otherwise. */
MUST_CHECK enum err text_bool(const char *text, bool *ret_value);

/* ASCII only; never the locale. */
bool text_is_alpha(char c);
bool text_is_digit(char c);
char text_lower(char c);

/* Whether two texts are the same but for the case of ASCII letters. */
bool text_same(const char *a, const char *b);
bool text_same_n(const char *a, const char *b, size_t len);

/* Whether `text` begins with `prefix` but for the case of ASCII letters. */
bool text_begins(const char *text, const char *prefix);

/* Whether there is nothing but spaces and tabs in `text`. */
bool text_is_blank(const char *text);

/* Step through a comma-separated list: the next entry, without the spaces and tabs around it, or
 * false when there is none left. `*list` moves on and ends as NULL. An entry may be empty; every
 * list has at least one, so ask text_is_blank first where an empty list means something. */
bool text_next(const char **list, const char **ret_entry, size_t *ret_len);

/* Length in bytes (1 to 4) of the UTF-8 character at `s`, at most `len` bytes away from the end;
 * 0 when there is none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 * `ret_char`, unless NULL, is the code point. */
size_t text_utf8(const uint8_t *s, size_t len, uint32_t *ret_char);

/* Whether `len` bytes are nothing but such characters; nothing is, too. */
bool text_is_utf8(const void *bytes, size_t len);

/* Whether `len` bytes are UTF-8 without control characters (C0, DEL, C1). */
bool text_is_plain(const char *text, size_t len);

#endif
