/* SPDX-License-Identifier: Apache-2.0 */
/* log: one JSON object a line on stderr. Values are escaped here, so that no outside text can
 * forge a line or a field. Never give it a code, key, file name or content. Thread-safe: a line
 * is one write. A line that is too long loses its last fields, never its form. */
#ifndef MAYFLY_BASE_LOG_H
#define MAYFLY_BASE_LOG_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_field {
    const char *key;
    const char *text; /* NULL: the number counts */
    int64_t number;
};

#define LOG_TEXT(k, t)                                                                             \
    {                                                                                              \
        .key = (k), .text = (t)                                                                    \
    }
#define LOG_INT(k, n)                                                                              \
    {                                                                                              \
        .key = (k), .number = (int64_t)(n)                                                         \
    }

/* Lines below `level` are dropped. The one mutable global beside the error sentence. */
void log_set_level(enum log_level level);

/* debug, info, warn, error or off. ERR_SYNTAX. */
MUST_CHECK enum err log_level_parse(const char *text, enum log_level *ret_level);

/* Write {"time":…,"level":…,"event":…, fields…}. `fields` may be NULL with n = 0. */
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* An error where it is handled: its name and this thread's sentence, and `what` was being done. */
void log_err(enum log_level level, const char *what, enum err e);

#endif
