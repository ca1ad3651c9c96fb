/* SPDX-License-Identifier: Apache-2.0 */
/* certs: certificates made for a test. */
#ifndef MAYFLY_TESTS_DIAL_CERTS_H
#define MAYFLY_TESTS_DIAL_CERTS_H

#include "testing.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>

enum { HOUR_S = 3600 };

struct identity {
    EVP_PKEY *key;
    X509 *cert;
};

struct cert_spec {
    const char *name;              /* common name */
    const char *san;               /* subjectAltName, as "DNS:a,IP:::1"; NULL: none */
    const char *usage;             /* extendedKeyUsage; NULL: any */
    const struct identity *issuer; /* NULL: self-signed */
    bool is_ca;
    long from_s, until_s; /* from now on; both 0: the hours around now */
};

static inline void
add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(ext);
    assert_int_equal(1, X509_add_ext(cert, ext, -1));
    X509_EXTENSION_free(ext);
}

static inline struct identity
identity_new(const struct cert_spec *spec)
{
    static long serial;
    struct identity id = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
    const struct identity *issuer = spec->issuer != NULL ? spec->issuer : &id;
    bool is_now = spec->from_s == 0 && spec->until_s == 0;
    X509_NAME *name;

    assert_true(id.key != NULL && id.cert != NULL);
    name = X509_get_subject_name(id.cert);
    assert_int_equal(1, X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                   (const unsigned char *)spec->name, -1, -1, 0));
    assert_int_equal(1, X509_set_version(id.cert, X509_VERSION_3));
    assert_int_equal(1, ASN1_INTEGER_set(X509_get_serialNumber(id.cert), ++serial));
    assert_int_equal(1, X509_set_issuer_name(id.cert, X509_get_subject_name(issuer->cert)));
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(id.cert), is_now ? -HOUR_S : spec->from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(id.cert), is_now ? HOUR_S : spec->until_s));
    assert_int_equal(1, X509_set_pubkey(id.cert, id.key));
    add_extension(id.cert, NID_basic_constraints, spec->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (spec->san != NULL)
        add_extension(id.cert, NID_subject_alt_name, spec->san);
    if (spec->usage != NULL)
        add_extension(id.cert, NID_ext_key_usage, spec->usage);
    assert_true(X509_sign(id.cert, issuer->key, EVP_sha256()) > 0);
    return id;
}

static inline void
identity_free(struct identity *id)
{
    EVP_PKEY_free(id->key);
    X509_free(id->cert);
    *id = (struct identity){0};
}

/* Append the certificate to a file. */
static inline void
identity_save(const struct identity *id, const char *path)
{
    FILE *f = fopen(path, "a");

    assert_non_null(f);
    assert_int_equal(1, PEM_write_X509(f, id->cert));
    assert_int_equal(0, fclose(f));
}

#endif
