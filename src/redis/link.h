/* SPDX-License-Identifier: Apache-2.0 */
/* redis/link: commands to a Redis, and their replies. One server, a Redis Cluster, or the master
 * that Sentinels name. Knows nothing of uploads. Thread-safe.
 *
 * A thread that calls has a connection for itself as long as the call lasts; connections that lie
 * idle are kept, so there are about as many as threads. Connecting takes at most 250 ms, a call 1
 * s, both counted to the end and not anew with each byte. hiredis formats commands and parses
 * replies; sockets are dial's.
 *
 * A server that was found away (unreachable, hung, loading, a replica, refusing our password) is
 * left alone: every call to it fails at once, until a thread of the link's own, which tries again
 * 50 ms later and then later each time up to 1 s, has it back. */
#ifndef MAYFLY_REDIS_LINK_H
#define MAYFLY_REDIS_LINK_H

#include "base/err.h"
#include "redis/url.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

enum { RD_CONNECT_MS = 250, RD_CALL_MS = 1000, RD_RETRY_MS = 50, RD_RETRY_MAX_MS = 1000 };

struct rd_link;

struct rd_link_opts {
    const struct rd_url *url; /* copied */
    const char *ca_file;      /* for TLS; NULL: the system's */
    bool allow_open;          /* take a server that serves strangers over a network, too */
};

/* Connect, log in and look what it is. ERR_UNAVAIL: it cannot be reached, is no Redis, or is older
 * than 6; ERR_DENIED: it refuses our user or password, its certificate is not to be trusted, or
 * (unless `allow_open`) it is not on this machine and answers without a password, which is tried on
 * a second connection; ERR_UNSUPPORTED: it has no database of this number (a Cluster has none
 * but 0), or is a Cluster behind a unix socket or Sentinels; ERR_NOTFOUND, ERR_SYNTAX, ERR_IO: the
 * CA file; ERR_NOMEM. No sentence holds the password.
 */
MUST_CHECK enum err rd_link_open(const struct rd_link_opts *opts, struct rd_link **ret_link);

void rd_link_free(struct rd_link *l); /* NULL is a no-op */

/* Whether commands on keys of different slots go to different servers, so that a script may only
 * name keys of one slot. */
bool rd_link_is_cluster(const struct rd_link *l);

/* One command. Arguments are bytes and stay the caller's. */
struct rd_command {
    int argc;
    const char *const *argv;
    const size_t *lens;
    int i_key;          /* which argument is the key that says where it goes; 0: it has none */
    bool is_idempotent; /* done twice is as good as once: it may be sent again on a fresh
                         * connection when the first one broke */
};

/* Send, and wait for the reply, which is not an error reply and which the caller frees with
 * freeReplyObject. ERR_NOTFOUND: NOSCRIPT, nothing was done. ERR_UNAVAIL: the server is away, or
 * did not answer in time, or refuses for now (OOM, READONLY, LOADING, MISCONF, CLUSTERDOWN,
 * NOPERM...); the command may have been done when its reply was lost, and was not when the server
 * refused. ERR_INTEGRITY: any other error reply (WRONGTYPE: what is stored is not what we store; an
 * error in a script), or bytes that are no reply. ERR_NOMEM. The sentence has the error reply's
 * first word only. */
MUST_CHECK enum err rd_link_call(struct rd_link *l, const struct rd_command *c,
                                 redisReply **ret_reply);

/* Many commands, sent before the first reply is waited for where they go to the same server.
 * `ret_errs[i]` is what rd_link_call would have returned for command i, and ret_replies[i] its
 * reply, NULL with an error. ERR_OK when all are. The time limit holds for all together. */
MUST_CHECK enum err rd_link_calls(struct rd_link *l, const struct rd_command *cs, size_t n,
                                  enum err *ret_errs, redisReply **ret_replies);

/* The slot of a key, 0 to 16383: CRC16 of what stands between the first "{" and the next "}", when
 * there is something, else of the whole key (Redis Cluster specification, "Hash tags"). */
unsigned rd_slot(const char *key, size_t len);

#endif
