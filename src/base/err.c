/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef err_set /* the analyzer's */

enum { SENTENCE_MAX = 256 };

static _Thread_local char sentence[SENTENCE_MAX];

enum err
err_set(enum err code, const char *fmt, ...)
{
    char next[SENTENCE_MAX]; /* the old sentence may be one of the arguments */
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(next, sizeof(next), fmt, ap);
    va_end(ap);
    memcpy(sentence, next, strlen(next) + 1);
    return code;
}

const char *
err_sentence(void)
{
    return sentence;
}

const char *
err_name(enum err code)
{
    static const char *const names[ERR_N] = {
        [ERR_OK] = "OK",           [ERR_NOMEM] = "NOMEM",       [ERR_IO] = "IO",
        [ERR_SYNTAX] = "SYNTAX",   [ERR_FIELD] = "FIELD",       [ERR_NOTFOUND] = "NOTFOUND",
        [ERR_GONE] = "GONE",       [ERR_TAKEN] = "TAKEN",       [ERR_EXISTS] = "EXISTS",
        [ERR_DENIED] = "DENIED",   [ERR_LIMITED] = "LIMITED",   [ERR_BLOCKED] = "BLOCKED",
        [ERR_TOOBIG] = "TOOBIG",   [ERR_NOLENGTH] = "NOLENGTH", [ERR_TYPE] = "TYPE",
        [ERR_NOSPACE] = "NOSPACE", [ERR_RANGE] = "RANGE",       [ERR_INTEGRITY] = "INTEGRITY",
        [ERR_UNAVAIL] = "UNAVAIL", [ERR_METHOD] = "METHOD",     [ERR_UNSUPPORTED] = "UNSUPPORTED",
        [ERR_TIMEOUT] = "TIMEOUT", [ERR_CLOSED] = "CLOSED",
    };

    return (unsigned)code < ERR_N ? names[code] : "?";
}
