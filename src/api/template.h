/* SPDX-License-Identifier: Apache-2.0 */
/* template: a text with slots, "{{name}}". Pure functions. Private to api. */
#ifndef MAYFLY_API_TEMPLATE_H
#define MAYFLY_API_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct slot {
    const char *name, *value;
    bool is_html; /* the value is HTML of ours; else it is text and is escaped */
};

/* Append `text` with its slots filled. ERR_IO: a slot that is not among the `n`, or one that does
 * not end: a mistake in the template, so what was appended is of no use. ERR_NOMEM, ERR_TOOBIG. */
MUST_CHECK enum err template_fill(const char *text, const struct slot *slots, size_t n,
                                  struct buf *ret);

enum { SIZE_TEXT_LEN = 32 };

/* A size for people: "100 MiB", "1.5 GiB". Rounded down: what is promised must fit. */
void size_text(uint64_t bytes, char ret_text[SIZE_TEXT_LEN]);

#endif
