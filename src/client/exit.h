/* SPDX-License-Identifier: Apache-2.0 */
/* exit: what `mayfly` ends with, and how errors become that. Pure.
 * In the client an error means: ERR_FIELD a wrong command line or setting; ERR_IO a local file or
 * terminal (also what the file system calls not found, full or denied); ERR_NOTFOUND, ERR_GONE,
 * ERR_TAKEN the upload; ERR_DENIED, ERR_LIMITED, ERR_BLOCKED, ERR_TOOBIG, ERR_TYPE, ERR_NOSPACE,
 * ERR_EXISTS the server's refusal; ERR_UNAVAIL, ERR_TIMEOUT, ERR_CLOSED, ERR_SYNTAX no server, or
 * none that speaks our language; ERR_INTEGRITY bytes that are not what was sent. */
#ifndef MAYFLY_CLIENT_EXIT_H
#define MAYFLY_CLIENT_EXIT_H

#include "base/err.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,     /* the command line or a setting */
    EXIT_NOTFOUND = 2,  /* never issued, or no such code */
    EXIT_GONE = 3,      /* downloaded, expired or burned */
    EXIT_REFUSED = 4,   /* refused or blocked by the server */
    EXIT_NETWORK = 5,   /* no answer, or none to work with */
    EXIT_INTEGRITY = 6, /* not what was sent: nothing was kept */
    EXIT_LOCAL = 7,     /* a local file, the terminal, memory */
};

enum exit_code exit_of(enum err e);

#endif
