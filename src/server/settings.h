/* SPDX-License-Identifier: Apache-2.0 */
/* settings: the lines of a settings file. A pure reader of bytes; knows no setting.
 *
 *     line    = blanks [ "#" comment | NAME "=" value ] blanks
 *     NAME    = an upper-case letter, then upper-case letters, digits and "_"
 *     value   = everything after the first "=", without blanks (space, tab) at its ends
 *
 * Lines end with LF or CRLF; the last one may lack it. Inside a value nothing is special: no
 * quotes, no escapes, no "$", and a "#" is a "#". A value that begins with a quote is refused, as
 * other readers of such files would take the quotes off and we would not. */
#ifndef MAYFLY_SERVER_SETTINGS_H
#define MAYFLY_SERVER_SETTINGS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { SETTINGS_LINE_MAX = 8192, SETTINGS_FILE_MAX = 256 * 1024 }; /* bytes */

struct settings_reader {
    const char *at, *end;
    unsigned line; /* of what was read last, from 1 */
};

struct settings_pair { /* points into the reader's bytes; not NUL-terminated */
    const char *name, *value;
    size_t name_len, value_len;
    unsigned line;
};

/* Read `len` bytes, which are borrowed as long as the reader is used. */
void settings_reader_init(struct settings_reader *r, const char *bytes, size_t len);

/* The next NAME=value; blank lines and comments are skipped. `ret_has` is false at the end, and
 * `ret_pair` then untouched. ERR_SYNTAX: the sentence says what is wrong, without the line number;
 * that is `r->line`, and reading may not go on. */
MUST_CHECK enum err settings_next(struct settings_reader *r, struct settings_pair *ret_pair,
                                  bool *ret_has);

#endif
