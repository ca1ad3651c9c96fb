/* SPDX-License-Identifier: Apache-2.0 */
#include "dial/dial.h"

#include "base/buf.h"
#include "base/fs.h"
#include "dial/dial_int.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum {
    CA_FILE_MAX = 8 << 20, /* the system's bundle has 200 KB */
    HOST_MAX = 255,        /* a DNS name, RFC 1035 section 2.3.4 */
};

struct dial_tls {
    SSL_CTX *ctx;
    BIO_METHOD
    *socket; /* how libssl moves bytes: by dial.c, so within deadlines, without SIGPIPE */
};

/* ---- below libssl ---- */

static int
socket_write(BIO *bio, const char *bytes, int len)
{
    struct dial *d = BIO_get_data(bio);
    enum err e = dial_sock_write(d, bytes, (size_t)len, d->deadline_ms);

    BIO_clear_retry_flags(bio);
    if (e == ERR_OK)
        return len;
    d->io_err = e;
    return -1;
}

static int
socket_read(BIO *bio, char *ret_bytes, int cap)
{
    struct dial *d = BIO_get_data(bio);
    size_t n = 0;
    enum err e = ERR_TIMEOUT;

    BIO_clear_retry_flags(bio);
    if (d->deadline_ms != DIAL_NO_WAIT || d->n_looks++ < DIAL_LOOKS_MAX)
        e = dial_sock_read(d, ret_bytes, (size_t)cap, d->deadline_ms, &n);
    if (e == ERR_OK)
        return (int)n;
    d->io_err = e;
    if (e == ERR_TIMEOUT)
        BIO_set_retry_read(bio); /* so that libssl can go on after a look that never waits */
    return -1;
}

static long
socket_ctrl(BIO *bio, int what, long number, void *ptr)
{
    (void)bio;
    (void)number;
    (void)ptr;
    return what == BIO_CTRL_FLUSH ? 1 : 0; /* nothing is held back */
}

static BIO_METHOD *
new_socket_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "dial");

    if (m != NULL && BIO_meth_set_write(m, socket_write) == 1 &&
        BIO_meth_set_read(m, socket_read) == 1 && BIO_meth_set_ctrl(m, socket_ctrl) == 1)
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* ---- what is trusted ---- */

static enum err
no_memory(void)
{
    ERR_clear_error();
    return err_set(ERR_NOMEM, "no memory for TLS");
}

/* In place of libcrypto's own, which would ask at the terminal. */
static int
no_passphrase(char *ret_text, int cap, int is_writing, void *user)
{
    (void)ret_text;
    (void)cap;
    (void)is_writing;
    (void)user;
    return -1;
}

/* All certificates of the PEM text; other things in it are passed over. */
static enum err
add_certificates(X509_STORE *store, BIO *pem)
{
    unsigned n = 0;
    X509 *cert;

    ERR_clear_error();
    while ((cert = PEM_read_bio_X509_AUX(pem, NULL, no_passphrase, NULL)) != NULL) {
        int is_added = X509_STORE_add_cert(store, cert);

        X509_free(cert);
        if (is_added != 1)
            return no_memory();
        n++;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        ERR_clear_error();
        return err_set(ERR_SYNTAX, "the CA file has a certificate that cannot be read");
    }
    ERR_clear_error();
    return n > 0 ? ERR_OK : err_set(ERR_SYNTAX, "the CA file has no certificate in PEM");
}

static enum err
load_ca_file(SSL_CTX *ctx, const char *ca_file)
{
    struct buf text;
    BIO *pem = NULL;
    enum err e;

    buf_init(&text, CA_FILE_MAX);
    e = fs_read_file(AT_FDCWD, ca_file, &text);
    if (e == ERR_TOOBIG)
        e = err_set(ERR_SYNTAX, "the CA file is larger than %d bytes", CA_FILE_MAX);
    else if (e != ERR_OK)
        e = err_set(e, "the CA file cannot be read: %s", err_sentence());
    if (e != ERR_OK)
        goto out;
    pem = BIO_new_mem_buf(buf_text(&text), (int)text.len);
    e = pem == NULL ? no_memory() : add_certificates(SSL_CTX_get_cert_store(ctx), pem);
out:
    (void)BIO_free(pem);
    buf_done(&text);
    return e;
}

enum err
dial_tls_new(const char *ca_file, struct dial_tls **ret_tls)
{
    struct dial_tls *tls = calloc(1, sizeof(*tls));
    enum err e = ERR_OK;

    if (tls != NULL) {
        tls->ctx = SSL_CTX_new(TLS_client_method());
        tls->socket = new_socket_method();
    }
    if (tls == NULL || tls->ctx == NULL || tls->socket == NULL) {
        dial_tls_free(tls);
        return no_memory();
    }
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
    /* Sessions are not taken up again, so there is no use for the tickets to do so. */
    (void)SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(tls->ctx,
                              SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    SSL_CTX_set_read_ahead(tls->ctx, 1); /* a record with one call instead of two */
    if (SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1 ||
        (ca_file == NULL && SSL_CTX_set_default_verify_paths(tls->ctx) != 1))
        e = no_memory();
    else if (ca_file != NULL)
        e = load_ca_file(tls->ctx, ca_file);
    if (e != ERR_OK) {
        dial_tls_free(tls);
        return e;
    }
    *ret_tls = tls;
    return ERR_OK;
}

void
dial_tls_free(struct dial_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->ctx);
    BIO_meth_free(tls->socket);
    free(tls);
}

/* ---- shaking hands ---- */

/* A name goes to the server as well (SNI, RFC 6066 section 3), without the dot of its root.
 * libssl takes the empty name for "verify none", and one that begins with a dot for all below. */
static enum err
expect_name(SSL *ssl, const char *host)
{
    char name[HOST_MAX + 1];
    size_t len = strlen(host);

    if (len > 0 && host[len - 1] == '.')
        len--;
    if (len == 0 || len > HOST_MAX || host[0] == '.')
        return err_set(ERR_DENIED, "not a host name that a certificate could be valid for");
    memcpy(name, host, len);
    name[len] = '\0';
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(ssl, name) != 1 || SSL_set_tlsext_host_name(ssl, name) != 1)
        return no_memory();
    return ERR_OK;
}

static enum err
expect_host(SSL *ssl, const char *host)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(host, "%"); /* a zone is this machine's affair */
    uint8_t b[sizeof(struct in6_addr)];
    size_t n_bytes = 0;

    if (len < sizeof(address)) {
        memcpy(address, host, len);
        address[len] = '\0';
        if (inet_pton(AF_INET6, address, b) == 1)
            n_bytes = sizeof(struct in6_addr);
        else if (inet_pton(AF_INET, host, b) == 1)
            n_bytes = sizeof(struct in_addr);
    }
    if (n_bytes == 0)
        return expect_name(ssl, host);
    return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), b, n_bytes) == 1 ? ERR_OK : no_memory();
}

/* What came of a call that has failed. */
static enum err
failed(struct dial *d, int result, const char *what, enum err protocol_error)
{
    int kind = SSL_get_error(d->ssl, result);
    unsigned long error = ERR_peek_error();
    const char *why = ERR_reason_error_string(error);
    long trust = SSL_get_verify_result(d->ssl);

    d->is_broken = true;
    ERR_clear_error();
    if (kind == SSL_ERROR_ZERO_RETURN)
        return err_set(ERR_CLOSED, "the server has closed the connection");
    if (kind != SSL_ERROR_SSL && d->io_err != ERR_OK)
        return d->io_err; /* with the sentence that it has */
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        return no_memory();
    if (trust != X509_V_OK)
        why = X509_verify_cert_error_string(trust);
    return err_set(protocol_error, "TLS: cannot %s: %s", what, why != NULL ? why : "unknown error");
}

/* Before every call into libssl. */
static void
begin(struct dial *d, int64_t deadline_ms)
{
    ERR_clear_error();
    d->deadline_ms = deadline_ms;
    d->io_err = ERR_OK;
    d->n_looks = 0;
}

enum err
dial_tls_shake(struct dial *d, struct dial_tls *tls, const char *host, int64_t deadline_ms)
{
    BIO *bio = NULL;
    int result;
    enum err e;

    d->is_broken = true; /* until it stands */
    d->ssl = SSL_new(tls->ctx);
    bio = d->ssl == NULL ? NULL : BIO_new(tls->socket);
    if (bio == NULL)
        return no_memory();
    BIO_set_data(bio, d);
    BIO_set_init(bio, 1);
    SSL_set_bio(d->ssl, bio, bio); /* takes it */
    e = expect_host(d->ssl, host);
    if (e != ERR_OK)
        return e;
    begin(d, deadline_ms);
    result = SSL_connect(d->ssl);
    if (result != 1) {
        e = failed(d, result, "shake hands with the server", ERR_DENIED);
        return e == ERR_CLOSED ? err_set(ERR_UNAVAIL, "the server breaks off the TLS handshake")
                               : e;
    }
    d->is_broken = false;
    return ERR_OK;
}

/* ---- bytes ---- */

enum err
dial_tls_write(struct dial *d, const void *bytes, size_t len, int64_t deadline_ms)
{
    size_t n = 0;
    int result;

    if (len == 0)
        return ERR_OK;
    begin(d, deadline_ms);
    result = SSL_write_ex(d->ssl, bytes, len, &n);
    return result == 1 ? ERR_OK : failed(d, result, "send to the server", ERR_IO);
}

enum err
dial_tls_read(struct dial *d, void *ret_bytes, size_t cap, int64_t deadline_ms, size_t *ret_len)
{
    size_t n = 0;
    int result;

    begin(d, deadline_ms);
    result = SSL_read_ex(d->ssl, ret_bytes, cap, &n);
    if (result != 1)
        return failed(d, result, "receive from the server", ERR_IO);
    *ret_len = n;
    return ERR_OK;
}

/* Session tickets and new keys are no answer: libssl takes them on its way to the next byte. A
 * piece of a record may be one. */
bool
dial_tls_is_quiet(struct dial *d)
{
    char byte;
    size_t n = 0;
    int result;
    bool is_quiet;

    begin(d, DIAL_NO_WAIT);
    result = SSL_peek_ex(d->ssl, &byte, 1, &n);
    is_quiet = result != 1 && SSL_get_error(d->ssl, result) == SSL_ERROR_WANT_READ &&
               d->n_looks <= DIAL_LOOKS_MAX && SSL_has_pending(d->ssl) == 0 &&
               strcmp(SSL_rstate_string(d->ssl), "RH") == 0; /* waits for a record's header */
    ERR_clear_error();
    return is_quiet;
}

void
dial_tls_end(struct dial *d)
{
    if (d->ssl == NULL)
        return;
    begin(d, DIAL_NO_WAIT);
    if (!d->is_broken)
        (void)SSL_shutdown(d->ssl); /* sends, and does not wait for an answer */
    ERR_clear_error();
    SSL_free(d->ssl);
    d->ssl = NULL;
}
