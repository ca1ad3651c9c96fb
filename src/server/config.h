/* SPDX-License-Identifier: Apache-2.0 */
/* config: the settings of the daemon, read once at start from the environment and a file.
 * The file's form is in settings.h; config_help tells every name. The environment wins. An empty
 * value is the same as none: the next source, at last the default, counts. Every failure is one
 * sentence that names the setting and what it accepts, and never holds its value when that is a
 * secret. Not thread-safe; the parsed struct may be read by all threads. */
#ifndef MAYFLY_SERVER_CONFIG_H
#define MAYFLY_SERVER_CONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "crypt/crypt.h"
#include "policy/rate.h"
#include "server/listen.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct config_listen {
    size_t n; /* at least 1 */
    struct listen_addr all[LISTEN_MAX];
};

/* Texts are owned. Paths and URLs are NULL when not set; lists are never NULL. */
struct config {
    struct config_listen listen;
    char *public_url; /* http(s)://authority[/path] without a slash at its end */

    char *storage_path;
    char *state_path;
    char *pepper_file;
    char *wordlist_path; /* NULL: the built-in list */

    char *redis_url; /* a secret, until config_take_redis; NULL: the embedded store */
    char *redis_password_file, *redis_ca_file;
    char *redis_password; /* that file's, a secret, until config_take_redis */
    bool redis_allow_open;

    uint64_t max_file_bytes, max_storage_bytes;
    unsigned max_expiry_minutes, max_uses, key_words;
    int64_t lease_s, tombstone_s;
    unsigned shred_passes;
    bool storage_sync;

    struct rate upload_rate, health_rate;
    uint64_t fail_limit;
    int64_t fail_window_s, block_window_s;

    char *allowed_mime_types; /* as mime_rules_parse reads it */
    char *trusted_proxies;    /* as trusted_parse reads it */
    char *cors_origins;       /* "*", "" for none, or origins in lower case joined by ',' */

    enum log_level log_level;
    bool log_full_addresses;
    char *tls_cert_file, *tls_key_file;                   /* both or none */
    unsigned io_threads, worker_threads, max_connections; /* 0: see process_plan */

    char *upload_token_file;
    char *upload_token; /* a secret, until config_take_token */
};

/* Read the settings from `env` (as environ) and, unless NULL, from the file `path`, and the secrets
 * in UPLOAD_TOKEN_FILE and REDIS_PASSWORD_FILE. The values of UPLOAD_TOKEN and REDIS_URL in `env`
 * are wiped in place, on failure too: the strings of environ are what /proc/<pid>/environ shows.
 * config_done after ERR_OK.
 * ERR_NOTFOUND, ERR_IO, ERR_TOOBIG: a file cannot be read; ERR_SYNTAX: a line or value that is not
 * one, or an unknown name in the file; ERR_FIELD: values that contradict each other;
 * ERR_UNSUPPORTED: a setting that this version does not have yet; ERR_NOMEM. */
MUST_CHECK enum err config_load(const char *path, char **env, struct config *ret_config);

/* The same with the settings file's bytes given; opens no file, not those of secrets either. */
MUST_CHECK enum err config_parse(const char *bytes, size_t len, char **env,
                                 struct config *ret_config);

/* Whether the files that settings name can be opened, for --check-config. ERR_NOTFOUND, ERR_IO,
 * ERR_TOOBIG, ERR_SYNTAX (no PEM); ERR_INTEGRITY: a pepper that is not 32 bytes long. */
MUST_CHECK enum err config_check_files(const struct config *c);

/* Move the upload token to the secure heap and wipe the plain copy; NULL when there is none.
 * ERR_NOMEM: the plain copy stays. */
MUST_CHECK enum err config_take_token(struct config *c, struct secret **ret_token);

/* The same for the URL of the Redis and the password of REDIS_PASSWORD_FILE, which are texts: their
 * NULs are in the secrets too. */
MUST_CHECK enum err config_take_redis(struct config *c, struct secret **ret_url,
                                      struct secret **ret_password);

/* Read TLS_CERT_FILE and TLS_KEY_FILE (PEM) anew, at start and on SIGHUP; both are set. Buffers
 * are initialised here, and are to be given to buf_done only after ERR_OK. ERR_NOTFOUND, ERR_IO,
 * ERR_TOOBIG, ERR_NOMEM. */
MUST_CHECK enum err config_read_tls(const struct config *c, struct buf *ret_cert,
                                    struct buf *ret_key);

void config_done(struct config *c); /* wipes and frees the texts */

/* All settings with their defaults and what they are for. */
void config_help(FILE *out);

#endif
