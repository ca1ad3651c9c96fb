/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include "base/mem.h"
#include "base/rnd.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 0x80,
    IV_AT = 9, /* version, time */
    KEY_HALF = FERNET_KEY_LEN / 2,
    AROUND_LEN = FERNET_HEAD_LEN + FERNET_MAC_LEN, /* what is not ciphertext */
    STEP_MAX = 1 << 30,                            /* libcrypto counts a step in an int */
};

/* ---- the format ---- */

uint64_t
fernet_token_len(uint64_t plain_len)
{
    return AROUND_LEN + (plain_len / FERNET_BLOCK_LEN + 1) * FERNET_BLOCK_LEN;
}

void
fernet_head(int64_t now_s, const uint8_t iv[FERNET_BLOCK_LEN], uint8_t *ret_head)
{
    uint64_t t = (uint64_t)now_s;

    ret_head[0] = VERSION;
    for (unsigned i = 0; i < 8; i++)
        ret_head[1 + i] = (uint8_t)(t >> (56 - 8 * i));
    memcpy(ret_head + IV_AT, iv, FERNET_BLOCK_LEN);
}

const uint8_t *
fernet_head_iv(const uint8_t *head)
{
    return head + IV_AT;
}

bool
fernet_is_version(uint8_t byte)
{
    return byte == VERSION;
}

bool
fernet_is_len(uint64_t len)
{
    return len >= FERNET_LEN_MIN && (len - AROUND_LEN) % FERNET_BLOCK_LEN == 0;
}

size_t
fernet_pad_len(const uint8_t block[FERNET_BLOCK_LEN])
{
    size_t n = block[FERNET_BLOCK_LEN - 1];

    if (n < 1 || n > FERNET_BLOCK_LEN)
        return 0;
    for (size_t i = FERNET_BLOCK_LEN - n; i < FERNET_BLOCK_LEN; i++) {
        if (block[i] != n)
            return 0;
    }
    return n;
}

enum err
fernet_refuse(void)
{
    return err_set(ERR_INTEGRITY, "a token is not what was sealed");
}

/* ---- the two halves of the key ---- */

enum err
fernet_mac_init(struct hmac *h, const struct secret *key)
{
    assert(secret_len(key) == FERNET_KEY_LEN);
    return hmac_init(h, secret_bytes(key), KEY_HALF);
}

enum err
fernet_aes_new(const struct secret *key, enum fernet_way way, EVP_CIPHER_CTX **ret_ctx)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    assert(secret_len(key) == FERNET_KEY_LEN);
    if (ctx == NULL ||
        EVP_CipherInit_ex(ctx, EVP_aes_128_cbc(), NULL, secret_bytes(key) + KEY_HALF, NULL,
                          way == FERNET_ENCRYPT) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, way == FERNET_ENCRYPT) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return crypt_failed("set up AES");
    }
    *ret_ctx = ctx;
    return ERR_OK;
}

enum err
fernet_aes_begin(EVP_CIPHER_CTX *ctx, const uint8_t iv[FERNET_BLOCK_LEN])
{
    if (EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, -1) != 1)
        return crypt_failed("set an IV");
    return ERR_OK;
}

enum err
fernet_aes_add(EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t *ret, size_t *ret_len)
{
    size_t given = 0;

    while (len > 0) {
        size_t step = len < STEP_MAX ? len : STEP_MAX;
        int n = 0;

        if (EVP_CipherUpdate(ctx, ret + given, &n, in, (int)step) != 1)
            return crypt_failed("run AES");
        given += (size_t)n;
        in += step;
        len -= step;
    }
    *ret_len = given;
    return ERR_OK;
}

enum err
fernet_aes_finish(EVP_CIPHER_CTX *ctx, uint8_t *ret)
{
    int n = 0;

    if (EVP_CipherFinal_ex(ctx, ret, &n) != 1)
        return crypt_failed("finish AES");
    assert(n == FERNET_BLOCK_LEN);
    return ERR_OK;
}

/* ---- small tokens ---- */

/* Write the whole token of `len` bytes to `ret_token`, which has room for it. */
static enum err
seal_into(const struct secret *key, const uint8_t *head, const void *plain, size_t len,
          uint8_t *ret_token)
{
    uint8_t *at = ret_token + FERNET_HEAD_LEN;
    EVP_CIPHER_CTX *aes = NULL;
    struct hmac mac = {0};
    size_t n = 0;
    enum err e;

    memcpy(ret_token, head, FERNET_HEAD_LEN);
    e = fernet_aes_new(key, FERNET_ENCRYPT, &aes);
    if (e == ERR_OK)
        e = fernet_aes_begin(aes, fernet_head_iv(head));
    if (e == ERR_OK)
        e = fernet_aes_add(aes, plain, len, at, &n);
    if (e == ERR_OK)
        e = fernet_aes_finish(aes, at + n);
    if (e != ERR_OK)
        goto out;
    at += n + FERNET_BLOCK_LEN;
    e = fernet_mac_init(&mac, key);
    if (e == ERR_OK)
        e = hmac_add(&mac, ret_token, (size_t)(at - ret_token));
    if (e == ERR_OK)
        e = hmac_final(&mac, at);
out:
    EVP_CIPHER_CTX_free(aes);
    hmac_done(&mac);
    return e;
}

enum err
fernet_seal_iv(const struct secret *key, int64_t now_s, const uint8_t iv[FERNET_BLOCK_LEN],
               const void *plain, size_t len, struct buf *ret)
{
    uint8_t head[FERNET_HEAD_LEN], *token = NULL;
    size_t token_len;
    enum err e;

    if (len > SIZE_MAX - FERNET_LEN_MIN)
        return err_set(ERR_TOOBIG, "a token of more than the memory");
    token_len = (size_t)fernet_token_len(len);
    token = malloc(token_len);
    if (token == NULL)
        return err_set(ERR_NOMEM, "no memory for a token of %zu bytes", token_len);
    fernet_head(now_s, iv, head);
    e = seal_into(key, head, plain, len, token);
    if (e == ERR_OK)
        e = buf_add(ret, token, token_len);
    free(token);
    return e;
}

enum err
fernet_seal(const struct secret *key, int64_t now_s, const void *plain, size_t len, struct buf *ret)
{
    uint8_t iv[FERNET_BLOCK_LEN];
    enum err e = rnd_bytes(iv, sizeof(iv));

    if (e != ERR_OK)
        return e;
    return fernet_seal_iv(key, now_s, iv, plain, len, ret);
}

/* Whether the MAC at the end is that of all before it. */
static enum err
check_mac(const struct secret *key, const uint8_t *token, size_t len)
{
    uint8_t mac[FERNET_MAC_LEN];
    struct hmac h = {0};
    enum err e;

    e = fernet_mac_init(&h, key);
    if (e == ERR_OK)
        e = hmac_add(&h, token, len - FERNET_MAC_LEN);
    if (e == ERR_OK)
        e = hmac_final(&h, mac);
    if (e == ERR_OK && !mem_equal(mac, token + len - FERNET_MAC_LEN, FERNET_MAC_LEN))
        e = fernet_refuse();
    mem_wipe(mac, sizeof(mac)); /* of a forged token, it would be the key to it */
    hmac_done(&h);
    return e;
}

enum err
fernet_open(const struct secret *key, const uint8_t *token, size_t len, struct buf *ret)
{
    size_t cipher_len, n = 0, pad_len;
    EVP_CIPHER_CTX *aes = NULL;
    uint8_t *plain = NULL;
    enum err e;

    if (!fernet_is_len(len) || !fernet_is_version(token[0]))
        return fernet_refuse();
    cipher_len = len - AROUND_LEN;
    e = check_mac(key, token, len);
    if (e != ERR_OK)
        return e;
    plain = malloc(cipher_len);
    if (plain == NULL)
        return err_set(ERR_NOMEM, "no memory for a plaintext of %zu bytes", cipher_len);
    e = fernet_aes_new(key, FERNET_DECRYPT, &aes);
    if (e == ERR_OK)
        e = fernet_aes_begin(aes, fernet_head_iv(token));
    if (e == ERR_OK)
        e = fernet_aes_add(aes, token + FERNET_HEAD_LEN, cipher_len, plain, &n);
    if (e != ERR_OK)
        goto out;
    pad_len = fernet_pad_len(plain + cipher_len - FERNET_BLOCK_LEN);
    e = pad_len == 0 ? fernet_refuse() : buf_add(ret, plain, cipher_len - pad_len);
out:
    mem_wipe(plain, cipher_len);
    free(plain);
    EVP_CIPHER_CTX_free(aes);
    return e;
}
