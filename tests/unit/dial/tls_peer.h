/* SPDX-License-Identifier: Apache-2.0 */
/* tls_peer: a peer that speaks TLS, with an authority of the test's own. */
#ifndef MAYFLY_TESTS_DIAL_TLS_PEER_H
#define MAYFLY_TESTS_DIAL_TLS_PEER_H

#include "certs.h"
#include "peer.h"

#include <openssl/err.h>

/* The names that the good certificate is valid for. */
#define GOOD_NAMES "DNS:redis.test,DNS:*.nodes.test,IP:127.0.0.1,IP:::1"

struct authority {
    struct identity ca, good;
    char dir[32], ca_file[64];
};

struct tls_peer {
    struct peer peer; /* first: `serve` gets it */
    SSL_CTX *ctx;
    void (*talk)(struct tls_peer *p, SSL *ssl); /* once hands are shaken */
    int shaken;                                 /* what SSL_accept said */
    unsigned long error;                        /* and why */
    char name[64];                              /* that the client asked for (SNI) */
    void *arg;
};

static inline int
authority_setup(void **state)
{
    struct authority *a = calloc(1, sizeof(*a));

    assert_non_null(a);
    a->ca = identity_new(&(struct cert_spec){.name = "Test Authority", .is_ca = true});
    a->good =
        identity_new(&(struct cert_spec){.name = "a redis", .san = GOOD_NAMES, .issuer = &a->ca});
    (void)snprintf(a->dir, sizeof(a->dir), "/tmp/dial.XXXXXX");
    assert_non_null(mkdtemp(a->dir));
    (void)snprintf(a->ca_file, sizeof(a->ca_file), "%s/ca.pem", a->dir);
    identity_save(&a->ca, a->ca_file);
    *state = a;
    return 0;
}

static inline int
authority_teardown(void **state)
{
    struct authority *a = *state;

    (void)unlink(a->ca_file);
    (void)rmdir(a->dir);
    identity_free(&a->ca);
    identity_free(&a->good);
    free(a);
    return 0;
}

static inline void
tls_peer_serve(struct peer *peer, int fd)
{
    struct tls_peer *p = (struct tls_peer *)peer;
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    const char *name;
    sigset_t pipe;
    SSL *ssl = SSL_new(p->ctx);

    /* libssl's own sockets raise it; only this thread is not to be ended by that. */
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    (void)SSL_set_fd(ssl, fd);
    p->shaken = SSL_accept(ssl);
    p->error = ERR_peek_error();
    name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)snprintf(p->name, sizeof(p->name), "%s", name != NULL ? name : "");
    (void)sem_post(&peer->did);
    if (p->shaken == 1 && p->talk != NULL)
        p->talk(p, ssl);
    SSL_free(ssl);
    ERR_clear_error();
}

/* `id` is what it shows; settings of p->ctx can be changed before tls_peer_start. */
static inline void
tls_peer_init(struct tls_peer *p, const struct identity *id,
              void (*talk)(struct tls_peer *p, SSL *ssl))
{
    *p = (struct tls_peer){.ctx = SSL_CTX_new(TLS_server_method()), .talk = talk};
    assert_non_null(p->ctx);
    assert_int_equal(1, SSL_CTX_use_certificate(p->ctx, id->cert));
    assert_int_equal(1, SSL_CTX_use_PrivateKey(p->ctx, id->key));
}

static inline bool
tls_peer_start(struct tls_peer *p, sa_family_t family)
{
    return peer_start(&p->peer, family, tls_peer_serve, NULL);
}

static inline void
tls_peer_end(struct tls_peer *p)
{
    peer_end(&p->peer);
    SSL_CTX_free(p->ctx);
}

/* Read until the client closes, send nothing. */
static inline void
tls_stay_silent(struct tls_peer *p, SSL *ssl)
{
    char bytes[4096];

    (void)p;
    while (SSL_read(ssl, bytes, sizeof(bytes)) > 0)
        continue;
}

static inline struct dial_tls *
tls_of(const char *ca_file)
{
    struct dial_tls *tls = NULL;

    assert_ok(dial_tls_new(ca_file, &tls));
    return tls;
}

#endif
