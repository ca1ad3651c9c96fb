/* SPDX-License-Identifier: Apache-2.0 */
/* type: which MIME type a sender says of a file. A hint for people and browsers, no more: what it
 * really is a receiver finds out. Pure. */
#ifndef MAYFLY_CLIENT_TYPE_H
#define MAYFLY_CLIENT_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TYPE_LOOK_LEN = 4096 /* bytes of a beginning that tell enough */ };

/* The type by the end of the name, in any case; NULL when it says nothing. */
const char *type_by_name(const char *name);

/* Whether `len` bytes are UTF-8 text: no control characters but tab, line feed, form feed and
 * carriage return. A character that is cut off at the end is one. Nothing is no text. */
bool type_is_text(const uint8_t *bytes, size_t len);

/* By the name, else text/plain or application/octet-stream by the beginning. */
const char *type_of(const char *name, const uint8_t *bytes, size_t len);

#endif
