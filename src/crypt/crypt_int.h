/* SPDX-License-Identifier: Apache-2.0 */
/* crypt_int: what the files of crypt share with each other, and with their tests. */
#ifndef MAYFLY_CRYPT_CRYPT_INT_H
#define MAYFLY_CRYPT_CRYPT_INT_H

#include "crypt/crypt.h"

#include <openssl/evp.h>

/* libcrypto refused to do `what`: ERR_NOMEM when it says so, else ERR_UNAVAIL. Empties its error
 * queue, which would otherwise grow with the thread. */
enum err crypt_failed(const char *what);

/* A SHA-256 that is begun; the caller frees it with EVP_MD_CTX_free. */
MUST_CHECK enum err crypt_sha256_new(EVP_MD_CTX **ret_ctx);
MUST_CHECK enum err crypt_sha256_add(EVP_MD_CTX *ctx, const void *bytes, size_t len);
MUST_CHECK enum err crypt_sha256_final(EVP_MD_CTX *ctx, uint8_t ret_hash[SHA256_LEN]);

/* ---- hmac.c: HMAC-SHA256 (RFC 2104) as a stream ----
 *
 * Made of two hashes and not of libcrypto's MAC object: that one keeps a second copy of the key on
 * the secure heap for each context, so that every copy of a context takes the one process-wide
 * lock of that heap, on every request. */
struct hmac {
    EVP_MD_CTX *inner, *outer; /* NULL: not there; both have taken in the key */
};

/* Set up `h`; on failure it is empty. hmac_done wipes and frees, also an empty one. */
MUST_CHECK enum err hmac_init(struct hmac *h, const uint8_t *key, size_t key_len);
MUST_CHECK enum err hmac_add(struct hmac *h, const void *bytes, size_t len);
MUST_CHECK enum err hmac_final(struct hmac *h, uint8_t ret_mac[SHA256_LEN]);
void hmac_done(struct hmac *h);

/* ---- kdf.c ---- */

/* As crypt_hkdf, with a salt; gives SHA256_LEN bytes. */
MUST_CHECK enum err crypt_hkdf_salted(const struct secret *ikm, const uint8_t *salt,
                                      size_t salt_len, const char *info, struct secret **ret_key);

/* ---- gcm.c ---- */

/* As crypt_gcm_seal, with the nonce of a published test vector. */
MUST_CHECK enum err crypt_gcm_seal_nonce(const struct secret *key,
                                         const uint8_t nonce[GCM_NONCE_LEN], const void *plain,
                                         size_t len, struct buf *ret);

/* ---- fernet.c: the format, and AES-128-CBC in pieces ---- */

enum fernet_way { FERNET_DECRYPT, FERNET_ENCRYPT };

/* Encrypting adds the padding in aes_finish; decrypting leaves it in place. The key is not used
 * before aes_begin. The caller frees with EVP_CIPHER_CTX_free, which wipes. */
MUST_CHECK enum err fernet_aes_new(const struct secret *key, enum fernet_way way,
                                   EVP_CIPHER_CTX **ret_ctx);
MUST_CHECK enum err fernet_aes_begin(EVP_CIPHER_CTX *ctx, const uint8_t iv[FERNET_BLOCK_LEN]);

/* `ret` may be `in`. Decrypting takes whole blocks and gives as many bytes as it takes. */
MUST_CHECK enum err fernet_aes_add(EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t *ret,
                                   size_t *ret_len);
/* The last block, padded: FERNET_BLOCK_LEN bytes. */
MUST_CHECK enum err fernet_aes_finish(EVP_CIPHER_CTX *ctx, uint8_t *ret);

MUST_CHECK enum err fernet_mac_init(struct hmac *h, const struct secret *key);

/* Write the first FERNET_HEAD_LEN bytes of a token. */
void fernet_head(int64_t now_s, const uint8_t iv[FERNET_BLOCK_LEN], uint8_t *ret_head);

/* The IV within a head. */
const uint8_t *fernet_head_iv(const uint8_t *head);

/* Whether a token can begin with this byte, and be this long. */
bool fernet_is_version(uint8_t byte);
bool fernet_is_len(uint64_t len);

/* Bytes of padding (1 to 16) in the last decrypted block; 0 when it is not PKCS #7. Only ever
 * asked about a block whose MAC was right, so it need not hide where it fails. */
size_t fernet_pad_len(const uint8_t block[FERNET_BLOCK_LEN]);

/* ERR_INTEGRITY, with the same sentence for every cause. */
enum err fernet_refuse(void);

/* As fernet_seal, with the IV of a published test vector. */
MUST_CHECK enum err fernet_seal_iv(const struct secret *key, int64_t now_s,
                                   const uint8_t iv[FERNET_BLOCK_LEN], const void *plain,
                                   size_t len, struct buf *ret);

/* ---- fernet_verify.c, fernet_verified.c ---- */

enum { FERNET_TAG_LEN = 8 };

/* Where tokens begin to be read in chunks, and the smallest chunk (a multiple of 16, a power of
 * two). fernet_verify uses 1 MiB and 64 KiB; tests use less to see every edge cheaply. */
struct fernet_sizes {
    uint64_t small_max;
    size_t chunk_min;
};

struct fernet_verified {
    struct source source; /* what fernet_verified_source hands out: this very object */
    struct reader *token; /* NULL: the whole plaintext is in `buf` */
    uint8_t *buf;         /* token in chunks: one block before a chunk, and the chunk */
    size_t buf_len;
    uint64_t cipher_len, plain_len;
    size_t chunk;  /* of ciphertext, in bytes */
    uint8_t *tags; /* FERNET_TAG_LEN for each chunk, in turn */
    EVP_CIPHER_CTX *aes, *gmac;
    uint64_t at, end;                /* of the plaintext still to be given */
    uint64_t loaded;                 /* the chunk in `buf`, found whole; UINT64_MAX: none */
    uint8_t spill[FERNET_BLOCK_LEN]; /* a block of which the reader wants only a part */
    size_t spill_at;                 /* FERNET_BLOCK_LEN: nothing left of it */
};

/* As fernet_verify. */
MUST_CHECK enum err fernet_verify_sized(struct reader **token, const struct secret *key,
                                        const struct fernet_sizes *sizes,
                                        struct fernet_verified **ret_verified,
                                        uint8_t ret_sha256[SHA256_LEN]);

/* Smallest power of two >= `chunk_min` that keeps the tags within two chunks. */
size_t fernet_chunk_len(uint64_t cipher_len, size_t chunk_min);

/* A fresh keyed tag function for the chunks of one token; the caller frees. */
MUST_CHECK enum err fernet_gmac_new(EVP_CIPHER_CTX **ret_ctx);

/* The tag of chunk number `index`: `len` bytes, of which the first block is the one before it. */
MUST_CHECK enum err fernet_gmac(EVP_CIPHER_CTX *ctx, uint64_t index, const uint8_t *bytes,
                                size_t len, uint8_t ret_tag[FERNET_TAG_LEN]);

#endif
