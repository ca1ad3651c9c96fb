/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include "base/mem.h"
#include "base/rnd.h"

#include <stdlib.h>
#include <string.h>

enum {
    SMALL_MAX = 1 << 20,
    CHUNK_MIN = 64 * 1024, /* also the step through a small token: it stays in the cache */
    GMAC_KEY_LEN = 16,
    GMAC_NONCE_LEN = 12,
};

/* ---- the keyed tag of a chunk ---- */

/* GMAC is AES-GCM that encrypts nothing (NIST SP 800-38D). The key is known to this object only
 * and no tag ever leaves it: who changes the blob below has one blind guess for each download,
 * right with a chance of less than 2^-64 times the blocks of a chunk (2^-48 at 1 MiB). */
enum err
fernet_gmac_new(EVP_CIPHER_CTX **ret_ctx)
{
    EVP_CIPHER_CTX *ctx = NULL;
    uint8_t key[GMAC_KEY_LEN];
    enum err e = rnd_bytes(key, sizeof(key));

    if (e != ERR_OK)
        goto out;
    ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL || EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, NULL) != 1) {
        e = crypt_failed("set up GMAC");
        goto out;
    }
    *ret_ctx = ctx;
    ctx = NULL;
out:
    mem_wipe(key, sizeof(key));
    EVP_CIPHER_CTX_free(ctx);
    return e;
}

/* Each chunk has its own nonce, so a chunk cannot stand in for another. */
enum err
fernet_gmac(EVP_CIPHER_CTX *ctx, uint64_t index, const uint8_t *bytes, size_t len,
            uint8_t ret_tag[FERNET_TAG_LEN])
{
    uint8_t nonce[GMAC_NONCE_LEN] = {0}, none[FERNET_BLOCK_LEN];
    int n = 0;

    for (unsigned i = 0; i < 8; i++)
        nonce[GMAC_NONCE_LEN - 1 - i] = (uint8_t)(index >> (8 * i));
    if (EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(ctx, NULL, &n, bytes, (int)len) != 1 ||
        EVP_EncryptFinal_ex(ctx, none, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, FERNET_TAG_LEN, ret_tag) != 1)
        return crypt_failed("compute a GMAC");
    return ERR_OK;
}

size_t
fernet_chunk_len(uint64_t cipher_len, size_t chunk_min)
{
    size_t chunk = chunk_min;

    while ((cipher_len + chunk - 1) / chunk * FERNET_TAG_LEN > (uint64_t)2 * chunk)
        chunk *= 2;
    return chunk;
}

/* ---- one pass over the token ---- */

struct pass {
    struct fernet_verified *v;
    EVP_MD_CTX *sha;
    struct hmac mac;
    uint8_t last[FERNET_BLOCK_LEN]; /* the last decrypted block: it holds the padding */
    uint8_t found_mac[FERNET_MAC_LEN];
    uint8_t sha256[SHA256_LEN];
};

static enum err
pass_init(struct pass *p, const struct secret *key, struct fernet_verified *v)
{
    enum err e;

    *p = (struct pass){.v = v};
    e = crypt_sha256_new(&p->sha);
    if (e == ERR_OK)
        e = fernet_mac_init(&p->mac, key);
    if (e == ERR_OK)
        e = fernet_aes_new(key, FERNET_DECRYPT, &v->aes);
    return e;
}

static void
pass_done(struct pass *p)
{
    EVP_MD_CTX_free(p->sha);
    hmac_done(&p->mac);
    mem_wipe(p, sizeof(*p));
}

static enum err
pass_head(struct pass *p, const uint8_t head[FERNET_HEAD_LEN])
{
    enum err e;

    if (!fernet_is_version(head[0]))
        return fernet_refuse();
    e = hmac_add(&p->mac, head, FERNET_HEAD_LEN);
    if (e == ERR_OK)
        e = fernet_aes_begin(p->v->aes, fernet_head_iv(head));
    return e;
}

/* MAC `len` bytes of ciphertext, decrypt them where they lie, and hash. */
static enum err
pass_blocks(struct pass *p, uint8_t *bytes, size_t len, bool is_last)
{
    size_t n = 0, hashed = is_last ? len - FERNET_BLOCK_LEN : len;
    enum err e;

    e = hmac_add(&p->mac, bytes, len);
    if (e == ERR_OK)
        e = fernet_aes_add(p->v->aes, bytes, len, bytes, &n);
    if (e == ERR_OK)
        e = crypt_sha256_add(p->sha, bytes, hashed);
    if (e == ERR_OK && is_last)
        memcpy(p->last, bytes + hashed, FERNET_BLOCK_LEN);
    return e;
}

/* The verdict. The padding of a token with a wrong MAC is not looked at: its last block is hashed
 * whole, and the hash is not that of any file that ends there. */
static enum err
pass_end(struct pass *p)
{
    uint8_t mac[FERNET_MAC_LEN];
    size_t pad_len = 0;
    enum err e, verdict = ERR_OK;

    e = hmac_final(&p->mac, mac);
    if (e != ERR_OK)
        goto out;
    if (mem_equal(mac, p->found_mac, sizeof(mac)))
        pad_len = fernet_pad_len(p->last);
    if (pad_len == 0)
        verdict = fernet_refuse();
    e = crypt_sha256_add(p->sha, p->last, FERNET_BLOCK_LEN - pad_len);
    if (e == ERR_OK)
        e = crypt_sha256_final(p->sha, p->sha256);
    if (e == ERR_OK)
        e = verdict;
    p->v->plain_len = p->v->cipher_len - pad_len;
out:
    mem_wipe(mac, sizeof(mac));
    return e;
}

/* ---- a small token: read once, decrypted where it lies ---- */

static enum err
verify_small(struct pass *p)
{
    struct fernet_verified *v = p->v;
    uint8_t *cipher;
    enum err e;

    v->buf_len = (size_t)v->token->size_bytes;
    v->buf = malloc(v->buf_len);
    if (v->buf == NULL)
        return err_set(ERR_NOMEM, "no memory for a token of %zu bytes", v->buf_len);
    e = reader_read_at(v->token, 0, v->buf, v->buf_len);
    if (e == ERR_OK)
        e = pass_head(p, v->buf);
    cipher = v->buf + FERNET_HEAD_LEN;
    for (size_t at = 0, len; e == ERR_OK && at < v->cipher_len; at += len) {
        len = (size_t)v->cipher_len - at < CHUNK_MIN ? (size_t)v->cipher_len - at : CHUNK_MIN;
        e = pass_blocks(p, cipher + at, len, at + len == v->cipher_len);
    }
    if (e != ERR_OK)
        return e;
    memcpy(p->found_mac, cipher + v->cipher_len, FERNET_MAC_LEN);
    reader_free(v->token);
    v->token = NULL;
    EVP_CIPHER_CTX_free(v->aes);
    v->aes = NULL;
    return pass_end(p);
}

/* ---- a large token: read in chunks, a tag kept of each ---- */

static enum err
make_room(struct fernet_verified *v, size_t chunk_min)
{
    size_t chunk = fernet_chunk_len(v->cipher_len, chunk_min);
    size_t n = (size_t)((v->cipher_len + chunk - 1) / chunk);

    v->chunk = chunk;
    v->buf_len = FERNET_BLOCK_LEN + chunk;
    v->buf = malloc(v->buf_len);
    v->tags = malloc(n * FERNET_TAG_LEN);
    if (v->buf == NULL || v->tags == NULL)
        return err_set(ERR_NOMEM, "no memory for the tags of %zu chunks", n);
    return fernet_gmac_new(&v->gmac);
}

/* `buf` is the last block of ciphertext (or the IV) before the chunk, then the chunk. A tag covers
 * both, as both are needed to decrypt it. */
static enum err
verify_chunk(struct pass *p, uint64_t index)
{
    struct fernet_verified *v = p->v;
    uint64_t off = index * v->chunk, left = v->cipher_len - off;
    uint8_t *cipher = v->buf + FERNET_BLOCK_LEN, before_next[FERNET_BLOCK_LEN];
    size_t len = left < v->chunk ? (size_t)left : v->chunk;
    enum err e;

    e = reader_read_at(v->token, FERNET_HEAD_LEN + off, cipher, len);
    if (e == ERR_OK)
        e = fernet_gmac(v->gmac, index, v->buf, FERNET_BLOCK_LEN + len,
                        v->tags + index * FERNET_TAG_LEN);
    if (e != ERR_OK)
        return e;
    memcpy(before_next, cipher + len - FERNET_BLOCK_LEN, FERNET_BLOCK_LEN);
    e = pass_blocks(p, cipher, len, left == len);
    memcpy(v->buf, before_next, FERNET_BLOCK_LEN);
    return e;
}

static enum err
verify_large(struct pass *p, size_t chunk_min)
{
    struct fernet_verified *v = p->v;
    uint8_t head[FERNET_HEAD_LEN];
    enum err e;

    e = make_room(v, chunk_min);
    if (e == ERR_OK)
        e = reader_read_at(v->token, 0, head, sizeof(head));
    if (e == ERR_OK)
        e = pass_head(p, head);
    if (e != ERR_OK)
        goto out;
    memcpy(v->buf, fernet_head_iv(head), FERNET_BLOCK_LEN);
    for (uint64_t i = 0; e == ERR_OK && i * v->chunk < v->cipher_len; i++)
        e = verify_chunk(p, i);
    if (e == ERR_OK)
        e = reader_read_at(v->token, FERNET_HEAD_LEN + v->cipher_len, p->found_mac, FERNET_MAC_LEN);
    if (e == ERR_OK)
        e = pass_end(p);
out:
    if (v->buf != NULL)
        mem_wipe(v->buf, v->buf_len); /* plaintext of the last chunk */
    return e;
}

enum err
fernet_verify_sized(struct reader **token, const struct secret *key,
                    const struct fernet_sizes *sizes, struct fernet_verified **ret_verified,
                    uint8_t ret_sha256[SHA256_LEN])
{
    struct fernet_verified *v = calloc(1, sizeof(*v));
    struct pass p = {0};
    enum err e;

    if (v == NULL) {
        e = err_set(ERR_NOMEM, "no memory to verify a token");
        goto out;
    }
    v->token = *token;
    *token = NULL;
    e = pass_init(&p, key, v);
    if (e != ERR_OK)
        goto out;
    if (!fernet_is_len(v->token->size_bytes)) {
        e = fernet_refuse();
        goto out;
    }
    v->cipher_len = v->token->size_bytes - FERNET_HEAD_LEN - FERNET_MAC_LEN;
    if (v->token->size_bytes <= sizes->small_max)
        e = verify_small(&p);
    else
        e = verify_large(&p, sizes->chunk_min);
    if (e != ERR_OK)
        goto out;
    *ret_verified = v;
    v = NULL;
out:
    if (e == ERR_OK || e == ERR_INTEGRITY)
        memcpy(ret_sha256, p.sha256, SHA256_LEN); /* zeros when the pass did not come to its end */
    pass_done(&p);
    fernet_verified_free(v);
    reader_free(*token);
    *token = NULL;
    return e;
}

enum err
fernet_verify(struct reader **token, const struct secret *key,
              struct fernet_verified **ret_verified, uint8_t ret_sha256[SHA256_LEN])
{
    static const struct fernet_sizes sizes = {SMALL_MAX, CHUNK_MIN};

    return fernet_verify_sized(token, key, &sizes, ret_verified, ret_sha256);
}
