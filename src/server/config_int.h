/* SPDX-License-Identifier: Apache-2.0 */
/* config_int: the table of settings, private to the config*.c files. */
#ifndef MAYFLY_SERVER_CONFIG_INT_H
#define MAYFLY_SERVER_CONFIG_INT_H

#include "server/config.h"

enum { CONFIG_VALUE_MAX = 8191 }; /* bytes; what a line of the file can hold too */

enum setting_kind {
    SETTING_NUMBER,  /* unsigned */
    SETTING_COUNT,   /* uint64_t */
    SETTING_SECONDS, /* int64_t */
    SETTING_HOURS,   /* int64_t, in seconds */
    SETTING_SIZE,    /* uint64_t */
    SETTING_BOOL,
    SETTING_RATE,
    SETTING_PATH, /* char *, and so are those below to SETTING_TOKEN */
    SETTING_URL,
    SETTING_TYPES,
    SETTING_PROXIES,
    SETTING_ORIGINS,
    SETTING_REDIS, /* as store_redis_check_url takes it */
    SETTING_TOKEN,
    SETTING_LISTEN,
    SETTING_LEVEL,
    SETTING_ADDRESSES, /* bool: in full */
    SETTING_LATER,     /* known, but not to be had in this version */
    SETTING_KINDS
};

struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset; /* of its field in struct config */
    uint64_t min, max;
    const char *fallback; /* its default as text; NULL: not set */
    const char *help;
};

enum { CONFIG_SETTINGS_MAX = 64 };

extern const struct setting config_settings[];
extern const size_t config_n_settings; /* at most CONFIG_SETTINGS_MAX */

/* The setting called by these `len` characters; NULL when there is none. */
const struct setting *config_find(const char *name, size_t len);

/* Read `value`, which is not empty, into the setting's field of `c`. */
MUST_CHECK enum err config_read_value(const struct setting *s, const char *value, struct config *c);

/* Whether `text` can be an upload token: 1 to 512 visible ASCII characters. */
bool config_is_token(const char *text);

/* Put the content of UPLOAD_TOKEN_FILE, without one line end, into `c->upload_token`. */
MUST_CHECK enum err config_read_token_file(struct config *c);

/* Put the content of REDIS_PASSWORD_FILE, without one line end, into `c->redis_password`. */
MUST_CHECK enum err config_read_redis_password_file(struct config *c);

/* Put "<where>: " in front of this thread's sentence; returns `e`. */
enum err config_named(const char *where, enum err e);

#endif
