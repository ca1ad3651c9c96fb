/* SPDX-License-Identifier: Apache-2.0 */
/* redis/node: one server as the threads that call it share it: its idle connections, and whether it
 * is away. Knows addresses, never names: those are looked up by the mender (redis/mender.h) alone.
 * Thread-safe. Deadlines are absolute, in milliseconds of clock_mono_ms. */
#ifndef MAYFLY_REDIS_NODE_H
#define MAYFLY_REDIS_NODE_H

#include "redis/conn.h"

enum { RD_IDLE_MAX = 64, RD_IDLE_MS = 5 * 60 * 1000 };

struct rd_place { /* a plain value */
    struct dial_addr addr;
    char host[RD_HOST_LEN]; /* what its certificate must be valid for */
};

/* Look for the server anew: connect to it, log in, see that it serves (rd_look). May take long, as
 * names are looked up here. Called by one thread at a time. */
typedef enum err (*rd_find_fn)(void *ctx, struct rd_place *ret_place, struct rd_conn **ret_conn);

struct rd_mender;
struct rd_node;

struct rd_node_opts {
    const struct rd_login *login; /* outlives the node */
    rd_find_fn find;              /* how the mender brings it back; NULL: it stays away */
    void *ctx;                    /* of `find` */
    struct rd_mender *mender;     /* told when it goes away; NULL with no `find` */
    struct rd_place place;
};

/* `conn`, which may hold NULL, becomes its first idle connection with ERR_OK. A new node is not
 * away. The caller adds it to the mender, and before it is freed removes it there. ERR_NOMEM. */
MUST_CHECK enum err rd_node_new(const struct rd_node_opts *opts, struct rd_conn **conn,
                                struct rd_node **ret_node);
void rd_node_free(struct rd_node *n); /* when no call is in it; NULL is a no-op */

/* Send `count` commands and wait for their replies, which may be error replies and are the
 * caller's. ret_errs[i] says how command i fared and ret_replies[i] is its reply, NULL with an
 * error; ERR_OK when all have one. ERR_UNAVAIL: the server is away (then nothing was sent), or went
 * away, or hung up: the command may have been done. ERR_INTEGRITY: its reply is none. ERR_TOOBIG,
 * ERR_NOMEM. Takes at most RD_CONNECT_MS to connect, RD_CALL_MS for all replies, and no longer than
 * the deadline.
 *
 * When a connection that had lain idle broke before a reply began, the commands without a reply
 * that are idempotent are sent again, once, on a fresh one. An error reply that says so makes the
 * node away. */
MUST_CHECK enum err rd_node_exchange(struct rd_node *n, const struct rd_command *cs, size_t count,
                                     int64_t deadline_ms, enum err *ret_errs,
                                     redisReply **ret_replies);

bool rd_node_is_away(struct rd_node *n);

/* A copy of where it is. */
void rd_node_place(struct rd_node *n, struct rd_place *ret_place);

/* ---- for the mender ---- */

/* When to try next to bring it back, in milliseconds of clock_mono_ms; -1: it is not away. */
int64_t rd_node_due_ms(struct rd_node *n);

/* Try. */
void rd_node_mend(struct rd_node *n);

#endif
