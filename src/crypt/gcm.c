/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include "base/mem.h"
#include "base/rnd.h"

#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

enum {
    AROUND_LEN = GCM_NONCE_LEN + GCM_TAG_LEN, /* what is not ciphertext */
    PLAIN_MAX = INT_MAX - AROUND_LEN,         /* libcrypto counts in an int */
};

/* The nonce has libcrypto's default length. */
static enum err
begin(const struct secret *key, const uint8_t *nonce, bool is_seal, EVP_CIPHER_CTX **ret_ctx)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    assert(secret_len(key) == GCM_KEY_LEN);
    if (ctx == NULL ||
        EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, secret_bytes(key), nonce, is_seal) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return crypt_failed("begin AES-GCM");
    }
    *ret_ctx = ctx;
    return ERR_OK;
}

/* Write nonce, ciphertext and tag to `ret_sealed`, which has room for them. */
static enum err
seal_into(const struct secret *key, const uint8_t *nonce, const void *plain, size_t len,
          uint8_t *ret_sealed)
{
    uint8_t *at = ret_sealed + GCM_NONCE_LEN;
    EVP_CIPHER_CTX *ctx = NULL;
    int n = 0;
    enum err e = begin(key, nonce, true, &ctx);

    if (e != ERR_OK)
        return e;
    memcpy(ret_sealed, nonce, GCM_NONCE_LEN);
    if ((len > 0 && EVP_EncryptUpdate(ctx, at, &n, plain, (int)len) != 1) ||
        EVP_EncryptFinal_ex(ctx, at + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, at + len) != 1)
        e = crypt_failed("seal with AES-GCM");
    EVP_CIPHER_CTX_free(ctx);
    return e;
}

enum err
crypt_gcm_seal_nonce(const struct secret *key, const uint8_t nonce[GCM_NONCE_LEN],
                     const void *plain, size_t len, struct buf *ret)
{
    uint8_t *sealed;
    enum err e;

    if (len > PLAIN_MAX)
        return err_set(ERR_TOOBIG, "too much to seal at once");
    sealed = malloc(len + AROUND_LEN);
    if (sealed == NULL)
        return err_set(ERR_NOMEM, "no memory to seal %zu bytes", len);
    e = seal_into(key, nonce, plain, len, sealed);
    if (e == ERR_OK)
        e = buf_add(ret, sealed, len + AROUND_LEN);
    free(sealed);
    return e;
}

enum err
crypt_gcm_seal(const struct secret *key, const void *plain, size_t len, struct buf *ret)
{
    uint8_t nonce[GCM_NONCE_LEN];
    enum err e = rnd_bytes(nonce, sizeof(nonce));

    if (e != ERR_OK)
        return e;
    return crypt_gcm_seal_nonce(key, nonce, plain, len, ret);
}

static enum err
refuse(void)
{
    return err_set(ERR_INTEGRITY, "sealed bytes are not what was sealed");
}

/* Write `len` bytes of plaintext to `plain`; they are not to be used unless ERR_OK. */
static enum err
open_into(const struct secret *key, const uint8_t *sealed, size_t len, uint8_t *plain)
{
    const uint8_t *at = sealed + GCM_NONCE_LEN;
    uint8_t tag[GCM_TAG_LEN], none[1];
    EVP_CIPHER_CTX *ctx = NULL;
    int n = 0;
    enum err e = begin(key, sealed, false, &ctx);

    if (e != ERR_OK)
        return e;
    memcpy(tag, at + len, GCM_TAG_LEN); /* libcrypto takes it from bytes that may change */
    if ((len > 0 && EVP_DecryptUpdate(ctx, plain, &n, at, (int)len) != 1) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) != 1) {
        e = crypt_failed("open with AES-GCM");
    } else if (EVP_DecryptFinal_ex(ctx, none, &n) != 1) {
        ERR_clear_error();
        e = refuse();
    }
    EVP_CIPHER_CTX_free(ctx);
    return e;
}

enum err
crypt_gcm_open(const struct secret *key, const uint8_t *sealed, size_t len, struct buf *ret)
{
    size_t plain_len = len - AROUND_LEN;
    uint8_t *plain;
    enum err e;

    if (len < AROUND_LEN || plain_len > PLAIN_MAX)
        return refuse();
    plain = malloc(plain_len + 1);
    if (plain == NULL)
        return err_set(ERR_NOMEM, "no memory to open %zu bytes", plain_len);
    e = open_into(key, sealed, plain_len, plain);
    if (e == ERR_OK)
        e = buf_add(ret, plain, plain_len);
    mem_wipe(plain, plain_len);
    free(plain);
    return e;
}
