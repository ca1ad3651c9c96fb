/* SPDX-License-Identifier: Apache-2.0 */
/* filename: what a client calls a file, made harmless. Pure function. */
#ifndef MAYFLY_POLICY_FILENAME_H
#define MAYFLY_POLICY_FILENAME_H

#include <stddef.h>

enum { FILENAME_TEXT_LEN = 256 }; /* 255 bytes of UTF-8 and a NUL */

/* Clean `raw` (`len` bytes, any): the part after the last / or \; without control characters (C0,
 * DEL, C1), bidirectional ones (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), the shell's
 * ; | & $ ` < > and bytes that are no UTF-8; without blanks around it; at most 255 bytes, cut at
 * a whole character with the extension (up to 32 bytes from the last dot) kept; "file" when
 * nothing, or only dots, are left. */
void filename_clean(const char *raw, size_t len, char ret_name[FILENAME_TEXT_LEN]);

#endif
