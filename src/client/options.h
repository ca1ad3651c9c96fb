/* SPDX-License-Identifier: Apache-2.0 */
/* options: the command line. One table of commands and options, from which parsing, help and the
 * completion of shells are made; a test holds the manual page against it. Pure. */
#ifndef MAYFLY_CLIENT_OPTIONS_H
#define MAYFLY_CLIENT_OPTIONS_H

#include "base/buf.h"
#include "base/err.h"
#include "crypt/crypt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that can be asked for; servers allow less. */
enum { OPTIONS_EXPIRY_MAX = 525600 /* minutes: a year */, OPTIONS_USES_MAX = 10000 };

enum command {
    COMMAND_SEND,
    COMMAND_GET,
    COMMAND_PREVIEW,
    COMMAND_STATUS,
    COMMAND_BURN,
    COMMAND_DECRYPT,
    COMMAND_COMPLETION,
    COMMAND_HELP,    /* --help, -h; `args[0]`, when there is one, names a command */
    COMMAND_VERSION, /* --version */
    COMMAND_N
};

/* What was typed. Texts are borrowed from argv, but secrets are moved out of it: their place in
 * argv is overwritten, so that other processes do not see them for longer than needed. */
struct options {
    enum command command;
    char **args; /* paths of send, the file of decrypt, the shell of completion */
    size_t n_args;
    /* The code or link of get, preview, status, burn, without a NUL; NULL: not given, or "-". */
    struct secret *target;

    const char *server, *ca_file, *proxy; /* NULL: not given */
    char *owned_proxy;                    /* the same: it may hold a password, so it was moved */
    bool is_plain, is_quiet, is_json, has_qr, is_forced, has_extract, is_watching;
    unsigned expiry_min, uses; /* 0: not given */
    const char *name;          /* send --name */
    const char *output, *dir;  /* get -o, -C; decrypt -o */
    const char *token_file;    /* send: upload token; burn: burn token */
    unsigned max_work;         /* decrypt --max-work; 0: not given */
};

/* ERR_FIELD: the sentence says what is wrong; it repeats no argument of get, preview, status or
 * burn. On ERR_OK the caller calls options_done. */
MUST_CHECK enum err options_parse(int argc, char **argv, struct options *ret);
void options_done(struct options *o);

/* The command of that name. ERR_FIELD: there is none. */
MUST_CHECK enum err options_command(const char *name, enum command *ret_command);

/* Help for one command; for COMMAND_HELP that for all. */
MUST_CHECK enum err options_help(enum command command, struct buf *ret);

/* The completion script for "bash", "zsh" or "fish". ERR_FIELD: another shell. */
MUST_CHECK enum err options_completion(const char *shell, struct buf *ret);

#endif
