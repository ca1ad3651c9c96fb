/* SPDX-License-Identifier: Apache-2.0 */
/* listen: where the server can be reached. Reads the entries of LISTEN, makes the sockets.
 * Call from one thread, before others start. */
#ifndef MAYFLY_SERVER_LISTEN_H
#define MAYFLY_SERVER_LISTEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LISTEN_MAX = 16,      /* entries */
    LISTEN_FDS_MAX = 32,  /* sockets: a name can have several addresses */
    LISTEN_HOST_LEN = 254 /* a host name or a socket's path (107 bytes), and a NUL */
};

struct listen_addr {
    bool is_unix;
    bool is_v6; /* was written in brackets */
    uint16_t port;
    char host[LISTEN_HOST_LEN]; /* name, IPv4 or IPv6 without brackets; the path when is_unix */
};

/* `host:port`, `[v6]:port` or `unix:/path`; port 0 is any free port. ERR_SYNTAX. */
MUST_CHECK enum err listen_parse(const char *text, size_t len, struct listen_addr *ret_addr);

struct listeners {
    size_t n;
    struct listener {
        int fd;          /* listening, non-blocking; -1 once it was given away */
        char *unix_path; /* owned; NULL for TCP */
    } all[LISTEN_FDS_MAX];
};

/* Bind and listen on all `n` entries. `[::]` takes IPv4 too, unless another entry is IPv4 on the
 * same port. A unix socket gets mode 0660; one left over from a dead server is replaced, one that
 * is answered is not. The sentence names the entry. ERR_EXISTS: the address is in use;
 * ERR_DENIED: not allowed; ERR_NOTFOUND: no such host, folder or address here; ERR_IO, ERR_NOMEM.
 * On error nothing stays. */
MUST_CHECK enum err listeners_open(const struct listen_addr *addrs, size_t n,
                                   struct listeners *ret_listeners);

/* Close what was not given away, and remove the unix sockets that nobody answers on any more: close
 * first those that were given away. */
void listeners_close(struct listeners *l);

/* The address of a listening socket as the setting writes it, with its real port. Text of at most
 * `cap` - 1 bytes; "?" when the system does not say. */
void listen_text(int fd, char *ret_text, size_t cap);

#endif
