/* SPDX-License-Identifier: Apache-2.0 */
/* crypt: the only user of libcrypto. Secret memory, key derivation, Fernet.
 * Knows keys and tokens, never files, codes or stores. Objects belong to one thread at a time,
 * but a `struct secret` that nobody changes and a `struct crypt_prf` may be shared.
 *
 * Keys lie on the secure heap. What libcrypto makes of a key to work with it (AES round keys, hash
 * states) lies on the ordinary heap while the object that uses it lives, and is wiped with it.
 * Every call that can use libcrypto can say ERR_NOMEM, or ERR_UNAVAIL when libcrypto refuses. */
#ifndef MAYFLY_CRYPT_CRYPT_H
#define MAYFLY_CRYPT_CRYPT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/ids.h"
#include "stream/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set up the secure heap (2 MiB; locked, guarded, not dumped). Call once, before threads.
 * ERR_UNAVAIL: no such heap could be made, or there is one already. `ret_locked` is false when the
 * system did not let the pages be locked: usable, but worth a warning. */
MUST_CHECK enum err crypt_init(bool *ret_locked);

/* Give the secure heap back. Does nothing while a secret lives. */
void crypt_done(void);

/* ---- secret memory ---- */

struct secret; /* bytes on the secure heap; wiped on free; nothing prints it */

/* ERR_NOMEM: the secure heap is full (room for 65,536 secrets of up to 32 bytes). New secrets: all
 * zero, random, or a copy of `bytes`. */
MUST_CHECK enum err secret_new(size_t len, struct secret **ret_secret);
MUST_CHECK enum err secret_random(size_t len, struct secret **ret_secret);
MUST_CHECK enum err secret_copy(const void *bytes, size_t len, struct secret **ret_secret);

const uint8_t *secret_bytes(const struct secret *s);
uint8_t *secret_bytes_mut(struct secret *s);
size_t secret_len(const struct secret *s);
void secret_free(struct secret *s); /* NULL is a no-op */

/* ---- hashes, derivation, random bytes in bulk ---- */

MUST_CHECK enum err crypt_sha256(const void *bytes, size_t len, uint8_t ret_hash[SHA256_LEN]);

/* SHA-256 of what comes in pieces. After crypt_hash_final only free. */
struct crypt_hash;
MUST_CHECK enum err crypt_hash_new(struct crypt_hash **ret_hash);
MUST_CHECK enum err crypt_hash_add(struct crypt_hash *h, const void *bytes, size_t len);
MUST_CHECK enum err crypt_hash_final(struct crypt_hash *h, uint8_t ret_hash[SHA256_LEN]);
void crypt_hash_free(struct crypt_hash *h); /* NULL is a no-op */

/* HMAC-SHA256 (RFC 2104) with a key that is set up once; crypt_prf may run on many threads. */
struct crypt_prf;
MUST_CHECK enum err crypt_prf_new(const struct secret *key, struct crypt_prf **ret_prf);
MUST_CHECK enum err crypt_prf(const struct crypt_prf *prf, const void *bytes, size_t len,
                              uint8_t ret_mac[SHA256_LEN]);
void crypt_prf_free(struct crypt_prf *prf); /* NULL is a no-op */

/* HKDF-SHA256 (RFC 5869) with an empty salt: `out_len` (1 to 8160) bytes. */
MUST_CHECK enum err crypt_hkdf(const struct secret *ikm, const void *info, size_t info_len,
                               size_t out_len, struct secret **ret_key);

/* Random bytes as fast as the processor makes them (libcrypto's DRBG), for overwriting. */
MUST_CHECK enum err crypt_random_fill(void *ret_bytes, size_t len);

/* ---- AES-256-GCM (NIST SP 800-38D), for small things in memory ----
 *
 * nonce (12, random, fresh) || ciphertext || tag (16), without associated data. One key may seal
 * no more than a few: nonces are random. */

enum { GCM_KEY_LEN = 32, GCM_NONCE_LEN = 12, GCM_TAG_LEN = 16 };

/* `ret` is appended to; on error it is as before. ERR_TOOBIG: its ceiling. Opening gives
 * nothing before the tag was checked: ERR_INTEGRITY when a bit is not as it was. */
MUST_CHECK enum err crypt_gcm_seal(const struct secret *key, const void *plain, size_t len,
                                   struct buf *ret);
MUST_CHECK enum err crypt_gcm_open(const struct secret *key, const uint8_t *sealed, size_t len,
                                   struct buf *ret);

/* ---- Fernet (github.com/fernet/spec), in its binary form, without the base64url ----
 *
 * token = 0x80 || time (8 bytes, big-endian, seconds) || IV (16) || AES-128-CBC with PKCS #7
 *         padding || HMAC-SHA256 (32) over all before it
 * key   = 32 bytes: 16 for the HMAC, then 16 for AES. The time is written and never judged. */

enum {
    FERNET_KEY_LEN = 32,
    FERNET_HEAD_LEN = 25,
    FERNET_MAC_LEN = 32,
    FERNET_BLOCK_LEN = 16,
    FERNET_LEN_MIN = 73, /* token of nothing: head, one block of padding, MAC */
};

/* Length of the token of a plaintext of `plain_len` bytes. */
uint64_t fernet_token_len(uint64_t plain_len);

/* Small tokens in memory. `ret` is appended to; on error it is as before.
 * Opening checks everything before it decrypts: ERR_INTEGRITY when a bit is not as it was. */
MUST_CHECK enum err fernet_seal(const struct secret *key, int64_t now_s, const void *plain,
                                size_t len, struct buf *ret);
MUST_CHECK enum err fernet_open(const struct secret *key, const uint8_t *token, size_t len,
                                struct buf *ret);

/* The seal stage: a sink that takes plaintext and pushes the token into `*next`, 64 KiB at a time.
 * It hashes, encrypts and MACs each chunk in one visit, in that much memory whatever the size.
 * Takes `*next` and sets it NULL; on failure `*next` stays the caller's. `key` is borrowed only for
 * this call. A fresh random IV is made. */
struct fernet_sealer;
MUST_CHECK enum err fernet_sealer_new(const struct secret *key, int64_t now_s, struct sink **next,
                                      struct fernet_sealer **ret_sealer);

/* The sealer as a sink; sink_free of it frees the sealer, and there is no other way to. */
struct sink *fernet_sealer_sink(struct fernet_sealer *s);

/* After a sink_finish that was ERR_OK: the SHA-256 and the length of the plaintext. */
void fernet_sealer_result(const struct fernet_sealer *s, uint8_t ret_sha256[SHA256_LEN],
                          uint64_t *ret_plain_len);

/* A source of the plaintext of the token that `*token` gives, in bounded memory. Plaintext comes
 * out before the MAC was seen: the last read says ERR_INTEGRITY when the token is not whole, and
 * who cannot bear that uses fernet_verify. Takes `*token`, sets it NULL; on failure `*token` stays
 * the caller's. `key` is borrowed only for this call. */
MUST_CHECK enum err fernet_source_new(struct source **token, const struct secret *key,
                                      struct source **ret_source);

/* A token that was read once from end to end and found whole. It keeps the reader, and a keyed
 * tag (GMAC, 8 bytes, fresh key) of every chunk, so that what is read later is provably what was
 * verified. A token up to 1 MiB is kept decrypted in memory instead. */
struct fernet_verified;

/* Read all of `*token`: check its form and MAC, hash its plaintext. Takes `*token` and sets it
 * NULL, on failure too; `key` is borrowed only for this call.
 * ERR_INTEGRITY: not what was sealed. `ret_sha256` then still tells a hash: of all that was
 * decrypted, the last block with its padding, which is not judged when the MAC is wrong (so it is
 * never the hash of what was sealed); or zeros when the length, the version byte or a read was
 * wrong. Any other error: outputs untouched. */
MUST_CHECK enum err fernet_verify(struct reader **token, const struct secret *key,
                                  struct fernet_verified **ret_verified,
                                  uint8_t ret_sha256[SHA256_LEN]);

uint64_t fernet_verified_len(const struct fernet_verified *v); /* of the plaintext */

/* A source of `len` bytes of plaintext from `from`. Takes `*v`, sets it NULL. ERR_RANGE: they are
 * not all within the plaintext; `*v` stays the caller's. A read is ERR_INTEGRITY, and gives nothing
 * of that chunk, when the bytes below have changed since they were verified. */
MUST_CHECK enum err fernet_verified_source(struct fernet_verified **v, uint64_t from, uint64_t len,
                                           struct source **ret_source);

void fernet_verified_free(struct fernet_verified *v); /* NULL is a no-op */

#endif
