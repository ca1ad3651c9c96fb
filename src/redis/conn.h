/* SPDX-License-Identifier: Apache-2.0 */
/* redis/conn: one connection to one server, logged in. Commands are put into it, sent together, and
 * their replies are taken out in the same order; what a reply says is for the caller. One thread at
 * a time. Deadlines are absolute, in milliseconds of clock_mono_ms.
 *
 * After any error only rd_conn_free: what comes later would be taken for another's reply. */
#ifndef MAYFLY_REDIS_CONN_H
#define MAYFLY_REDIS_CONN_H

#include "dial/dial.h"
#include "redis/link.h"

#include <stdint.h>

struct rd_login {         /* how every connection of a link begins; outlives them */
    struct dial_tls *tls; /* NULL: in the clear */
    const char *user;     /* "": the default user */
    const char *password; /* a secret; "" with no user: no login at all */
    unsigned database;
};

struct rd_conn;

/* Connect and log in; `host` is what the certificate must be valid for. ERR_TIMEOUT; ERR_UNAVAIL:
 * not to be reached, or it cannot take us for now; ERR_DENIED: the certificate, user or password is
 * not right; ERR_UNSUPPORTED: it has no such database; ERR_CLOSED, ERR_IO, ERR_INTEGRITY: it
 * hangs up, or is no Redis; ERR_NOMEM. */
MUST_CHECK enum err rd_conn_open(const struct rd_login *login, const struct dial_addr *addr,
                                 const char *host, int64_t deadline_ms, struct rd_conn **ret_conn);

/* Put a command behind those that are yet to be sent. ERR_TOOBIG: more than 16 MiB in all;
 * ERR_NOMEM. */
MUST_CHECK enum err rd_conn_add(struct rd_conn *c, const struct rd_command *command);

/* Send what was put in. Errors as dial_write's. */
MUST_CHECK enum err rd_conn_send(struct rd_conn *c, int64_t deadline_ms);

/* The next reply, which may be an error reply and is the caller's to free with freeReplyObject.
 * Errors as dial_read's, and ERR_INTEGRITY: it is no reply or passes the limits of redis/parser.h;
 * ERR_NOMEM. */
MUST_CHECK enum err rd_conn_reply(struct rd_conn *c, int64_t deadline_ms, redisReply **ret_reply);

/* Whether a part of the next reply has come. */
bool rd_conn_has_begun(const struct rd_conn *c);

/* Whether nothing has come that was not asked for, not even the end. One system call. */
bool rd_conn_is_quiet(struct rd_conn *c);

void rd_conn_free(struct rd_conn *c); /* NULL is a no-op */

#endif
