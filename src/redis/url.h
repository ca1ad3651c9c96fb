/* SPDX-License-Identifier: Apache-2.0 */
/* redis/url: where a Redis is, out of the text of REDIS_URL. A pure reader of text.
 *
 *     redis://  [[user]:[password]@] host[:port] *("," host[:port]) ["/" [database]]
 *     rediss:// the same, over TLS
 *     unix://   [[user]:[password]@] /path/of/the/socket ["?db=" database]
 *     redis+sentinel://  [[user]:[password]@] host[:port] *("," host[:port])
 *                        "/" service ["/" [database]]
 *     rediss+sentinel:// the same, TLS to Sentinels and Redis alike
 *
 * The scheme's case does not matter. The port's default is 6379, of Sentinels 26379. A host is a
 * name, an IPv4 address or a bracketed IPv6 address. Several hosts of redis:// are places to learn
 * about one Cluster, or to find one server. User, password, path and service are percent-decoded;
 * the text itself is visible ASCII, where "@", "/", "?", "#" and "%" in a user or password must be
 * encoded. A lone "password@" without a colon is refused, since tools disagree on what it is; a
 * user without a password is for a password that comes from elsewhere. No other query, and no
 * fragment. (The redis and rediss schemes as IANA has them registered, with lists of hosts and the
 * other schemes as most clients spell them.) */
#ifndef MAYFLY_REDIS_URL_H
#define MAYFLY_REDIS_URL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RD_HOSTS_MAX = 8,
    RD_HOST_LEN = 256, /* of each text with its NUL, from here on */
    RD_PATH_LEN = 108, /* what a unix socket can have */
    RD_USER_LEN = 128,
    RD_PASSWORD_LEN = 513,
    RD_SERVICE_LEN = 128,
    RD_DATABASE_MAX = 65535,
};

struct rd_host {
    char name[RD_HOST_LEN]; /* without brackets */
    uint16_t port;
};

struct rd_url {
    bool is_tls, is_sentinel;
    char unix_path[RD_PATH_LEN]; /* "": TCP to the hosts */
    size_t n_hosts;
    struct rd_host hosts[RD_HOSTS_MAX];
    char service[RD_SERVICE_LEN];   /* of Sentinels */
    char user[RD_USER_LEN];         /* "": the default user */
    char password[RD_PASSWORD_LEN]; /* a secret; "": none; any bytes but NUL */
    unsigned database;
};

/* Texts of `ret_url` but the password hold no control characters. ERR_SYNTAX: not one of those
 * above, or a part longer than its place; the sentence says what is wrong and never holds a part of
 * the text. `ret_url` is to be wiped with rd_url_wipe. */
MUST_CHECK enum err rd_url_parse(const char *text, struct rd_url *ret_url);

void rd_url_wipe(struct rd_url *u);

#endif
