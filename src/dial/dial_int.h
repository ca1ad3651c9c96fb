/* SPDX-License-Identifier: Apache-2.0 */
/* dial_int: a stream from the inside. dial.c moves bytes over the socket, tls.c wraps them. */
#ifndef MAYFLY_DIAL_DIAL_INT_H
#define MAYFLY_DIAL_DIAL_INT_H

#include "dial/dial.h"

#include <openssl/ssl.h>

enum {
    DIAL_NO_WAIT = -1,  /* a deadline: look, and never wait */
    DIAL_LOOKS_MAX = 4, /* at the socket, in one look whether a TLS stream is quiet */
};

struct dial {
    int fd;
    int64_t late_ms; /* the deadline that a read has already been late for */
    /* With TLS: */
    SSL *ssl;            /* NULL: without */
    int64_t deadline_ms; /* of the call that is running */
    enum err io_err;     /* why the socket failed in it */
    unsigned n_looks;    /* at the socket, under DIAL_NO_WAIT */
    bool is_broken;      /* a call has failed, so there is nothing to be said to the peer */
};

/* Bytes over the socket, as dial_write and dial_read. */
MUST_CHECK enum err dial_sock_write(struct dial *d, const void *bytes, size_t len,
                                    int64_t deadline_ms);
MUST_CHECK enum err dial_sock_read(struct dial *d, void *ret_bytes, size_t cap, int64_t deadline_ms,
                                   size_t *ret_len);

/* Shake hands on a connected socket; the errors of dial_open. */
MUST_CHECK enum err dial_tls_shake(struct dial *d, struct dial_tls *tls, const char *host,
                                   int64_t deadline_ms);

/* As their namesakes without "tls". */
MUST_CHECK enum err dial_tls_write(struct dial *d, const void *bytes, size_t len,
                                   int64_t deadline_ms);
MUST_CHECK enum err dial_tls_read(struct dial *d, void *ret_bytes, size_t cap, int64_t deadline_ms,
                                  size_t *ret_len);
bool dial_tls_is_quiet(struct dial *d);

/* Say goodbye where that needs no waiting, and free the TLS half. */
void dial_tls_end(struct dial *d);

#endif
