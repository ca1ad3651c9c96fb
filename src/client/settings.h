/* SPDX-License-Identifier: Apache-2.0 */
/* settings: options, then the environment, then the file $XDG_CONFIG_HOME/mayfly/config (else
 * ~/.config/mayfly/config), then defaults. The file has NAME=value lines: server, cacert, proxy,
 * expiry, uses, token-file; blank lines and # comments. Secrets taken from the environment
 * (MAYFLY_UPLOAD_TOKEN, MAYFLY_BURN_TOKEN) are wiped there. */
#ifndef MAYFLY_CLIENT_SETTINGS_H
#define MAYFLY_CLIENT_SETTINGS_H

#include "base/err.h"
#include "client/options.h"
#include "client/target.h"
#include "crypt/crypt.h"

#include <stdbool.h>

enum { SETTINGS_PATH_LEN = 1024 };

struct settings {
    char server[SERVER_TEXT_LEN]; /* default: http://127.0.0.1:8000 */
    bool has_server;              /* said by someone, not the default */
    char ca_file[SETTINGS_PATH_LEN], proxy[SETTINGS_PATH_LEN]; /* "": not set */
    unsigned expiry_min, uses;                                 /* 0: the server's default */
    struct secret *upload_token, *burn_token;                  /* NULL: none */
};

/* ERR_FIELD: a value that cannot be right, an unknown name in the file; the sentence says where.
 * ERR_IO: a file that was named cannot be read. */
MUST_CHECK enum err settings_load(const struct options *o, char **environment,
                                  struct settings *ret);
void settings_done(struct settings *s);

#endif
