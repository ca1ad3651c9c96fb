/* SPDX-License-Identifier: Apache-2.0 */
/* err: the one error type of the program, and one sentence per thread that says what happened.
 * The sentence is set where the error is born and logged once, where it is handled.
 * It never holds a code, a key, a file name or file content. Thread-safe (thread-local). */
#ifndef MAYFLY_BASE_ERR_H
#define MAYFLY_BASE_ERR_H

#define MUST_CHECK           __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, va) __attribute__((format(printf, fmt, va)))

enum err {
    ERR_OK = 0,
    ERR_NOMEM,       /* no memory (or no locked memory) */
    ERR_IO,          /* the system refused a read, write, sync or open */
    ERR_SYNTAX,      /* outside bytes that cannot be parsed: a malformed request, file or setting */
    ERR_FIELD,       /* well-formed, but a field is missing or out of its range */
    ERR_NOTFOUND,    /* never issued, or no such thing */
    ERR_GONE,        /* was there; expired, used up or revoked */
    ERR_TAKEN,       /* may be had once, and was had */
    ERR_EXISTS,      /* the name is in use */
    ERR_DENIED,      /* a missing or wrong token */
    ERR_LIMITED,     /* too many requests: a rate limit */
    ERR_BLOCKED,     /* too many failures: the guard */
    ERR_TOOBIG,      /* larger than its ceiling */
    ERR_NOLENGTH,    /* a body without a length */
    ERR_TYPE,        /* a type that is not allowed */
    ERR_NOSPACE,     /* the quota or the disk is full */
    ERR_RANGE,       /* a byte range outside the file */
    ERR_INTEGRITY,   /* bytes that are not what was written */
    ERR_UNAVAIL,     /* a backend does not answer; try again */
    ERR_METHOD,      /* this path, but not with this method */
    ERR_UNSUPPORTED, /* a transfer coding or feature that we do not have */
    ERR_TIMEOUT,     /* the peer was too slow */
    ERR_CLOSED,      /* the peer is gone */
    ERR_N
};

/* Set this thread's sentence and return `code`, so that `return err_set(...)` reads well. The
 * old sentence may be an argument of the new one. What is longer than 255 bytes is cut. */
enum err err_set(enum err code, const char *fmt, ...) PRINTF_LIKE(2, 3);
#ifdef __clang_analyzer__ /* it sees one file at a time, so tell it what comes back */
#define err_set(code, ...) ((void)err_set(code, __VA_ARGS__), (code))
#endif

/* The last sentence set on this thread; "" when there was none. Valid until the next err_set. */
const char *err_sentence(void);

/* The name of a code, such as "NOTFOUND"; "?" for a number that is none. */
const char *err_name(enum err code);

#endif
