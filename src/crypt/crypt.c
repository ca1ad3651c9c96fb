/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

/* Room for 65,536 file keys; locked memory is scarce, so not more. */
enum { SECURE_HEAP_LEN = 2 << 20, SECURE_HEAP_MIN = 32 };

enum err
crypt_failed(const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);
    enum err e = ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE ? ERR_NOMEM : ERR_UNAVAIL;

    ERR_clear_error();
    return err_set(e, "libcrypto cannot %s: %s", what, reason == NULL ? "no reason given" : reason);
}

enum err
crypt_init(bool *ret_locked)
{
    int rc = CRYPTO_secure_malloc_init(SECURE_HEAP_LEN, SECURE_HEAP_MIN);

    if (rc == 0)
        return err_set(ERR_UNAVAIL, "no secure heap could be made");
    *ret_locked = rc == 1; /* 2: there, but its pages are not locked or not guarded */
    return ERR_OK;
}

void
crypt_done(void)
{
    (void)CRYPTO_secure_malloc_done(); /* does nothing while a secret lives */
}

enum err
crypt_sha256_new(EVP_MD_CTX **ret_ctx)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return crypt_failed("begin a SHA-256");
    }
    *ret_ctx = ctx;
    return ERR_OK;
}

enum err
crypt_sha256_add(EVP_MD_CTX *ctx, const void *bytes, size_t len)
{
    if (EVP_DigestUpdate(ctx, bytes, len) != 1)
        return crypt_failed("hash");
    return ERR_OK;
}

enum err
crypt_sha256_final(EVP_MD_CTX *ctx, uint8_t ret_hash[SHA256_LEN])
{
    if (EVP_DigestFinal_ex(ctx, ret_hash, NULL) != 1)
        return crypt_failed("finish a hash");
    return ERR_OK;
}

enum err
crypt_sha256(const void *bytes, size_t len, uint8_t ret_hash[SHA256_LEN])
{
    if (EVP_Digest(bytes, len, ret_hash, NULL, EVP_sha256(), NULL) != 1)
        return crypt_failed("hash");
    return ERR_OK;
}

enum err
crypt_random_fill(void *ret_bytes, size_t len)
{
    uint8_t *p = ret_bytes;

    while (len > 0) {
        size_t n = len < 1 << 20 ? len : 1 << 20; /* RAND_bytes takes an int */

        if (RAND_bytes(p, (int)n) != 1)
            return crypt_failed("make random bytes");
        p += n;
        len -= n;
    }
    return ERR_OK;
}
