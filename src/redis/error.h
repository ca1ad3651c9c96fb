/* SPDX-License-Identifier: Apache-2.0 */
/* redis/error: what an error reply means to us. Outside bytes: only the first word is looked at,
 * against a list, and nothing of the rest is ever kept. Pure, thread-safe. */
#ifndef MAYFLY_REDIS_ERROR_H
#define MAYFLY_REDIS_ERROR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { RD_WORD_LEN = 24 };

struct rd_error {
    enum err err;           /* as rd_link_call would return it; never ERR_OK */
    bool is_away;           /* the server as a whole is of no use to us for now */
    bool is_denied;         /* it does not know us, or does not allow us this command */
    bool is_redirect;       /* MOVED, ASK: nothing was done, another server may */
    char word[RD_WORD_LEN]; /* upper-case letters only; "?" when it begins with no such word */
};

/* Read an error reply of `len` bytes, without its "-". */
void rd_error_read(const char *text, size_t len, struct rd_error *ret_error);

/* Read it, set the sentence to its word, and return its code. */
enum err rd_error_set(const char *text, size_t len);

#endif
