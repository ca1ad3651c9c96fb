/* SPDX-License-Identifier: Apache-2.0 */
/* dial: a stream of bytes to another server over a unix socket, TCP, or TLS over TCP, where no call
 * waits past its deadline. Knows no protocol above. The only user of libssl. An address and a TLS
 * context may be used by all threads; a stream belongs to one thread at a time.
 * Deadlines are absolute, in milliseconds of clock_mono_ms. */
#ifndef MAYFLY_DIAL_DIAL_H
#define MAYFLY_DIAL_DIAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* ---- addresses ---- */

enum { DIAL_ADDRS_MAX = 8, DIAL_TEXT_LEN = 128 };

struct dial_addr { /* a plain value */
    struct sockaddr_storage sa;
    socklen_t len;
};

struct dial_addrs {
    size_t n; /* at least 1 */
    struct dial_addr all[DIAL_ADDRS_MAX];
};

/* The addresses of a host name, or of a numeric address ("::1" without brackets), in the resolver's
 * order. Blocks for as long as the system's resolver does; a numeric one never blocks.
 * ERR_UNAVAIL: no such name, or no answer; ERR_NOMEM. */
MUST_CHECK enum err dial_resolve(const char *host, uint16_t port, struct dial_addrs *ret_addrs);

/* That of a unix socket. ERR_TOOBIG: a path that no socket can have; ERR_SYNTAX: an empty one. */
MUST_CHECK enum err dial_unix_addr(const char *path, struct dial_addr *ret_addr);

/* Whether what is sent there never leaves this machine: a unix socket, 127.0.0.0/8, ::1, and both
 * as IPv4-mapped IPv6. */
bool dial_is_local(const struct dial_addr *addr);

/* As text for a log: "127.0.0.1:6379", "[::1]:6379", "unix:/path". */
void dial_text(const struct dial_addr *addr, char ret_text[DIAL_TEXT_LEN]);

/* ---- TLS ---- */

struct dial_tls;

/* What verifies servers: the CA certificates of `ca_file` (PEM), or when that is NULL the system's.
 * TLS 1.2 and newer. The file is read now, the system's certificates may be read at each handshake.
 * ERR_NOTFOUND, ERR_IO: the file cannot be read; ERR_SYNTAX: no certificate in it, or one that is
 * broken; ERR_NOMEM. Outlives its streams. */
MUST_CHECK enum err dial_tls_new(const char *ca_file, struct dial_tls **ret_tls);
void dial_tls_free(struct dial_tls *tls); /* NULL is a no-op */

/* ---- streams ---- */

struct dial;

/* Connect; with `tls` also shake hands, and verify that the certificate is valid for `host` (a name
 * or a numeric address; not used without `tls`). ERR_TIMEOUT: not done by the deadline;
 * ERR_UNAVAIL: refused or unreachable, also if only during the handshake; ERR_DENIED: the
 * certificate is not to be trusted, no common version of TLS, or no TLS at all; ERR_NOMEM, ERR_IO.
 * The caller frees the stream. */
MUST_CHECK enum err dial_open(const struct dial_addr *addr, struct dial_tls *tls, const char *host,
                              int64_t deadline_ms, struct dial **ret_dial);

/* Send all. ERR_TIMEOUT: some may have been sent; ERR_CLOSED: the peer is gone; ERR_IO. After an
 * error only dial_free. */
MUST_CHECK enum err dial_write(struct dial *d, const void *bytes, size_t len, int64_t deadline_ms);

/* Receive what is there, at least one byte, at most `cap` (not 0). What is there already is taken
 * even past the deadline, but with the same deadline only once, so that reading on and on ends.
 * ERR_TIMEOUT: nothing came; ERR_CLOSED: the peer is gone (with TLS also when it did not say so);
 * ERR_IO. After an error only dial_free. */
MUST_CHECK enum err dial_read(struct dial *d, void *ret_bytes, size_t cap, int64_t deadline_ms,
                              size_t *ret_len);

/* Whether nothing has come since, not even the end: a stream that lay idle can be used. What TLS
 * sends for itself (session tickets, new keys) does not count. Never waits. Costs one system call,
 * with TLS another one when something is there. */
bool dial_is_quiet(struct dial *d);

void dial_free(struct dial *d); /* closes, without waiting; NULL is a no-op */

#endif
