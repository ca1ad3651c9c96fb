/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/age_int.h"

#include "base/mem.h"

#include <assert.h>
#include <openssl/err.h>
#include <string.h>

static const char scrypt_label[] = "age-encryption.org/v1/scrypt";

enum {
    LABEL_LEN = sizeof(scrypt_label) - 1,
    SCRYPT_R = 8,
    SCRYPT_P = 1,
    SCRYPT_BLOCK = 128 * SCRYPT_R, /* bytes; it works on 2^work of them, and a few more */
    SCRYPT_MORE = 16,
};

enum err
age_refuse(void)
{
    return err_set(ERR_INTEGRITY, "the age file is damaged, cut off or goes on after its end");
}

/* ---- ChaCha20-Poly1305 ---- */

enum err
age_aead_new(const struct secret *key, enum age_way way, EVP_CIPHER_CTX **ret_ctx)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    assert(secret_len(key) == AGE_KEY_LEN);
    if (ctx == NULL || EVP_CipherInit_ex(ctx, EVP_chacha20_poly1305(), NULL, secret_bytes(key),
                                         NULL, way == AGE_SEAL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return crypt_failed("begin ChaCha20-Poly1305");
    }
    *ret_ctx = ctx;
    return ERR_OK;
}

enum err
age_aead_seal(EVP_CIPHER_CTX *ctx, const uint8_t nonce[AGE_NONCE_LEN], const uint8_t *plain,
              size_t len, uint8_t *ret)
{
    int n = 0;

    assert(len <= AGE_CHUNK_LEN);
    if (EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(ctx, ret, &n, plain, (int)len) != 1 ||
        EVP_EncryptFinal_ex(ctx, ret + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AGE_TAG_LEN, ret + len) != 1)
        return crypt_failed("seal with ChaCha20-Poly1305");
    return ERR_OK;
}

enum err
age_aead_open(EVP_CIPHER_CTX *ctx, const uint8_t nonce[AGE_NONCE_LEN], const uint8_t *sealed,
              size_t len, uint8_t *ret)
{
    uint8_t tag[AGE_TAG_LEN], none[1];
    int n = 0;

    assert(len >= AGE_TAG_LEN && len <= AGE_CHUNK_LEN + AGE_TAG_LEN);
    len -= AGE_TAG_LEN;
    memcpy(tag, sealed + len, AGE_TAG_LEN); /* libcrypto takes it from bytes that may change */
    if (EVP_DecryptInit_ex(ctx, NULL, NULL, NULL, nonce) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AGE_TAG_LEN, tag) != 1 ||
        EVP_DecryptUpdate(ctx, ret, &n, sealed, (int)len) != 1)
        return crypt_failed("open with ChaCha20-Poly1305");
    if (EVP_DecryptFinal_ex(ctx, none, &n) != 1) {
        ERR_clear_error();
        return age_refuse();
    }
    return ERR_OK;
}

void
age_chunk_nonce(uint64_t index, bool is_last, uint8_t ret_nonce[AGE_NONCE_LEN])
{
    memset(ret_nonce, 0, AGE_NONCE_LEN);
    for (size_t i = 0; i < sizeof(index); i++)
        ret_nonce[AGE_NONCE_LEN - 2 - i] = (uint8_t)(index >> 8 * i);
    ret_nonce[AGE_NONCE_LEN - 1] = is_last;
}

/* ---- the file key ---- */

/* The key that wraps the file key. */
static enum err
stretch(const struct secret *passphrase, const struct age_header *h, struct secret **ret_key)
{
    uint8_t salt[LABEL_LEN + AGE_SALT_LEN];
    struct secret *key = NULL;
    uint64_t n;
    enum err e;

    assert(h->work >= 1 && h->work <= AGE_WORK_LIMIT);
    n = UINT64_C(1) << h->work;
    memcpy(salt, scrypt_label, LABEL_LEN);
    memcpy(salt + LABEL_LEN, h->salt, AGE_SALT_LEN);
    e = secret_new(AGE_KEY_LEN, &key);
    if (e != ERR_OK)
        return e;
    if (EVP_PBE_scrypt((const char *)secret_bytes(passphrase), secret_len(passphrase), salt,
                       sizeof(salt), n, SCRYPT_R, SCRYPT_P, (n + SCRYPT_MORE) * SCRYPT_BLOCK,
                       secret_bytes_mut(key), AGE_KEY_LEN) != 1) {
        secret_free(key);
        return crypt_failed("run scrypt");
    }
    *ret_key = key;
    return ERR_OK;
}

/* A cipher under the stretched passphrase. Its one nonce is zero: each salt makes a key of its own.
 */
static enum err
wrapper_new(const struct secret *passphrase, const struct age_header *h, enum age_way way,
            EVP_CIPHER_CTX **ret_ctx)
{
    struct secret *key = NULL;
    enum err e = stretch(passphrase, h, &key);

    if (e == ERR_OK)
        e = age_aead_new(key, way, ret_ctx);
    secret_free(key);
    return e;
}

static const uint8_t wrap_nonce[AGE_NONCE_LEN];

enum err
age_wrap(const struct secret *passphrase, const struct secret *file_key, struct age_header *header)
{
    EVP_CIPHER_CTX *ctx = NULL;
    enum err e = wrapper_new(passphrase, header, AGE_SEAL, &ctx);

    if (e == ERR_OK)
        e = age_aead_seal(ctx, wrap_nonce, secret_bytes(file_key), AGE_FILE_KEY_LEN, header->body);
    EVP_CIPHER_CTX_free(ctx);
    return e;
}

enum err
age_unwrap(const struct secret *passphrase, const struct age_header *header,
           struct secret **ret_file_key)
{
    struct secret *file_key = NULL;
    EVP_CIPHER_CTX *ctx = NULL;
    enum err e;

    e = secret_new(AGE_FILE_KEY_LEN, &file_key);
    if (e == ERR_OK)
        e = wrapper_new(passphrase, header, AGE_OPEN, &ctx);
    if (e != ERR_OK)
        goto out;
    e = age_aead_open(ctx, wrap_nonce, header->body, AGE_WRAPPED_LEN, secret_bytes_mut(file_key));
    if (e == ERR_INTEGRITY)
        e = err_set(ERR_DENIED, "the age file is not under this passphrase");
    if (e != ERR_OK)
        goto out;
    *ret_file_key = file_key;
    file_key = NULL;
out:
    secret_free(file_key);
    EVP_CIPHER_CTX_free(ctx);
    return e;
}

/* ---- what is derived from it ---- */

enum err
age_header_mac(const struct secret *file_key, const uint8_t *bytes, size_t len,
               uint8_t ret_mac[AGE_MAC_LEN])
{
    struct secret *key = NULL;
    struct hmac h = {0};
    enum err e;

    e = crypt_hkdf_salted(file_key, NULL, 0, "header", &key);
    if (e == ERR_OK)
        e = hmac_init(&h, secret_bytes(key), AGE_KEY_LEN);
    if (e == ERR_OK)
        e = hmac_add(&h, bytes, len);
    if (e == ERR_OK)
        e = hmac_final(&h, ret_mac);
    hmac_done(&h);
    secret_free(key);
    return e;
}

enum err
age_payload_new(const struct secret *file_key, const uint8_t start[AGE_START_LEN], enum age_way way,
                EVP_CIPHER_CTX **ret_ctx)
{
    struct secret *key = NULL;
    enum err e;

    e = crypt_hkdf_salted(file_key, start, AGE_START_LEN, "payload", &key);
    if (e == ERR_OK)
        e = age_aead_new(key, way, ret_ctx);
    secret_free(key);
    return e;
}
