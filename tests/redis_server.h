/* SPDX-License-Identifier: Apache-2.0 */
/* redis_server: a real redis-server of a test's own, on a unix socket in a temporary folder and, if
 * asked for, on free ports of 127.0.0.1. Persistence is off; its log lies in the folder. Nothing
 * waits longer than some seconds. It ends with the thread that started it, whatever happens, so
 * start it on one that lasts (the main thread). Not thread-safe. Errors: `enum err` and a sentence,
 * so that programs without cmocka can use it too. */
#ifndef MAYFLY_TESTS_REDIS_SERVER_H
#define MAYFLY_TESTS_REDIS_SERVER_H

#include "base/err.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct redis_server_opts {
    bool has_tcp;       /* a port without TLS */
    bool has_tls;       /* a port with TLS; `config` names the certificate and so on */
    bool is_sentinel;   /* run as a Sentinel; it writes to its configuration in the folder */
    const char *config; /* more lines of redis.conf, which win over ours; NULL: none */
};

/* To be read; all zero: none. The addresses stay the same as long as it lives. */
struct redis_server {
    char dir[64]; /* mode 0700; removed at the end with the files in it */
    char unix_path[96];
    uint16_t port, tls_port; /* 0: none */
    pid_t pid;               /* 0: it does not run */
    bool is_sentinel;
};

/* Start one, and wait until it answers. `opts` NULL: all defaults. ERR_NOTFOUND: there is no
 * redis-server on this machine; ERR_UNAVAIL: it does not start (its log goes to stderr). End it
 * with redis_server_done. */
MUST_CHECK enum err redis_server_start(const struct redis_server_opts *opts,
                                       struct redis_server *ret_server);

/* The same at the same addresses, with the same configuration and without its data; ended first
 * when it runs. ERR_UNAVAIL: it does not start; the addresses stay known. */
MUST_CHECK enum err redis_server_restart(struct redis_server *s);

/* SIGSTOP: it keeps its connections and the kernel takes new ones, but it does not answer. */
void redis_server_pause(const struct redis_server *s);
void redis_server_resume(const struct redis_server *s);

/* SIGKILL, also while it is paused; waits for its end. No-op when it does not run. */
void redis_server_kill(struct redis_server *s);

/* Kill it and remove its folder. Done again, or on one that is all zero, it is a no-op. */
void redis_server_done(struct redis_server *s);

/* A connection to its unix socket that gives up after 5 s; NULL: none to be had. Free with
 * redisFree. */
redisContext *redis_server_connect(const struct redis_server *s);

/* Send one command (as redisCommand) on a connection of its own; whether it was answered, and not
 * with an error. */
__attribute__((format(printf, 2, 3))) bool redis_server_does(const struct redis_server *s,
                                                             const char *fmt, ...);

#endif
