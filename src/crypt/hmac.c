/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { SHA256_BLOCK = 64, IPAD = 0x36, OPAD = 0x5c };

/* A hash that has taken in the padded key xored with `pad`. */
static enum err
keyed_hash(const uint8_t padded_key[SHA256_BLOCK], uint8_t pad, EVP_MD_CTX **ret_ctx)
{
    uint8_t block[SHA256_BLOCK];
    EVP_MD_CTX *ctx = NULL;
    enum err e;

    for (size_t i = 0; i < SHA256_BLOCK; i++)
        block[i] = (uint8_t)(padded_key[i] ^ pad);
    e = crypt_sha256_new(&ctx);
    if (e != ERR_OK)
        goto out;
    e = crypt_sha256_add(ctx, block, sizeof(block));
    if (e != ERR_OK)
        goto out;
    *ret_ctx = ctx;
    ctx = NULL;
out:
    mem_wipe(block, sizeof(block));
    EVP_MD_CTX_free(ctx);
    return e;
}

enum err
hmac_init(struct hmac *h, const uint8_t *key, size_t key_len)
{
    uint8_t padded_key[SHA256_BLOCK] = {0};
    enum err e = ERR_OK;

    *h = (struct hmac){0};
    if (key_len > SHA256_BLOCK)
        e = crypt_sha256(key, key_len, padded_key);
    else if (key_len > 0)
        memcpy(padded_key, key, key_len);
    if (e == ERR_OK)
        e = keyed_hash(padded_key, IPAD, &h->inner);
    if (e == ERR_OK)
        e = keyed_hash(padded_key, OPAD, &h->outer);
    if (e != ERR_OK)
        hmac_done(h);
    mem_wipe(padded_key, sizeof(padded_key));
    return e;
}

enum err
hmac_add(struct hmac *h, const void *bytes, size_t len)
{
    return crypt_sha256_add(h->inner, bytes, len);
}

enum err
hmac_final(struct hmac *h, uint8_t ret_mac[SHA256_LEN])
{
    uint8_t inner[SHA256_LEN];
    enum err e;

    e = crypt_sha256_final(h->inner, inner);
    if (e == ERR_OK)
        e = crypt_sha256_add(h->outer, inner, sizeof(inner));
    if (e == ERR_OK)
        e = crypt_sha256_final(h->outer, ret_mac);
    mem_wipe(inner, sizeof(inner));
    return e;
}

void
hmac_done(struct hmac *h)
{
    EVP_MD_CTX_free(h->inner); /* wipes its state */
    EVP_MD_CTX_free(h->outer);
    *h = (struct hmac){0};
}

/* ---- the PRF: a keyed pair that is only ever copied ---- */

struct crypt_prf {
    struct hmac keyed;
};

enum err
crypt_prf_new(const struct secret *key, struct crypt_prf **ret_prf)
{
    struct crypt_prf *prf = malloc(sizeof(*prf));
    enum err e;

    if (prf == NULL)
        return err_set(ERR_NOMEM, "no memory for a keyed function");
    e = hmac_init(&prf->keyed, secret_bytes(key), secret_len(key));
    if (e != ERR_OK) {
        free(prf);
        return e;
    }
    *ret_prf = prf;
    return ERR_OK;
}

/* Finish the hash that `begun` is the start of, in `ctx`. Copying only reads `begun`, which is
 * what lets threads share it. */
static bool
hash_on(EVP_MD_CTX *ctx, const EVP_MD_CTX *begun, const void *bytes, size_t len,
        uint8_t ret_hash[SHA256_LEN])
{
    return EVP_MD_CTX_copy_ex(ctx, begun) == 1 && EVP_DigestUpdate(ctx, bytes, len) == 1 &&
           EVP_DigestFinal_ex(ctx, ret_hash, NULL) == 1;
}

enum err
crypt_prf(const struct crypt_prf *prf, const void *bytes, size_t len, uint8_t ret_mac[SHA256_LEN])
{
    uint8_t inner[SHA256_LEN], mac[SHA256_LEN];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    enum err e = ERR_OK;

    if (ctx == NULL || !hash_on(ctx, prf->keyed.inner, bytes, len, inner) ||
        !hash_on(ctx, prf->keyed.outer, inner, sizeof(inner), mac))
        e = crypt_failed("compute an HMAC");
    else
        memcpy(ret_mac, mac, sizeof(mac));
    mem_wipe(inner, sizeof(inner));
    mem_wipe(mac, sizeof(mac));
    EVP_MD_CTX_free(ctx);
    return e;
}

void
crypt_prf_free(struct crypt_prf *prf)
{
    if (prf == NULL)
        return;
    hmac_done(&prf->keyed);
    free(prf);
}
