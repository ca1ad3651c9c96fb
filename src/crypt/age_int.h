/* SPDX-License-Identifier: Apache-2.0 */
/* age_int: what the files of age share with each other, and with their tests. */
#ifndef MAYFLY_CRYPT_AGE_INT_H
#define MAYFLY_CRYPT_AGE_INT_H

#include "base/enc.h"
#include "crypt/age.h"
#include "crypt/crypt_int.h"

enum {
    AGE_KEY_LEN = 32,      /* of every key but the file key */
    AGE_FILE_KEY_LEN = 16, /* made for each file; all else is derived from it */
    AGE_SALT_LEN = 16,
    AGE_TAG_LEN = 16,
    AGE_WRAPPED_LEN = AGE_FILE_KEY_LEN + AGE_TAG_LEN,
    AGE_MAC_LEN = SHA256_LEN,
    AGE_START_LEN = 16, /* the nonce in front of the payload */
    AGE_NONCE_LEN = 12, /* of a chunk */

    AGE_HEADER_MAX = 16 * 1024, /* of a file for anyone; what is longer is not read */
    AGE_COLUMNS = 64,           /* of base64 in a line: 48 bytes */
    AGE_LINE_BYTES = AGE_COLUMNS / 4 * 3,
};

/* ---- age_header.c ---- */

struct age_header {
    bool is_scrypt; /* else it is for others, and what follows up to `body` is not set */
    unsigned work;  /* from 1; UINT_MAX for what is larger */
    uint8_t salt[AGE_SALT_LEN];
    uint8_t body[AGE_WRAPPED_LEN];
    uint8_t mac[AGE_MAC_LEN];
    size_t maced_len; /* the MAC is over so many of the bytes */
    size_t len;
};

enum age_form { AGE_MALFORMED, AGE_PARTIAL, AGE_WELL_FORMED };

/* Read the header that `bytes` begins with. Only when it is well-formed `ret_header` is set.
 * AGE_PARTIAL: more bytes are needed to tell. */
enum age_form age_header_read(const uint8_t *bytes, size_t len, struct age_header *ret_header);

/* Write a header for a passphrase in two steps, as the MAC is over the first: from `work`, `salt`
 * and `body`, then from `mac`. Each returns the length written; both fit in AGE_HEAD_LEN_MAX. */
size_t age_header_write(const struct age_header *header, uint8_t *ret_text);
size_t age_header_write_mac(const uint8_t mac[AGE_MAC_LEN], uint8_t *ret_text);

/* ---- age_keys.c ---- */

enum age_way { AGE_OPEN, AGE_SEAL };

/* ChaCha20-Poly1305 (RFC 8439) under `key`, for any number of chunks without associated data. The
 * caller frees with EVP_CIPHER_CTX_free, which wipes. */
MUST_CHECK enum err age_aead_new(const struct secret *key, enum age_way way,
                                 EVP_CIPHER_CTX **ret_ctx);

/* `ret` takes `len` bytes and the tag; it may be `plain`. */
MUST_CHECK enum err age_aead_seal(EVP_CIPHER_CTX *ctx, const uint8_t nonce[AGE_NONCE_LEN],
                                  const uint8_t *plain, size_t len, uint8_t *ret);

/* `len` bytes, of which the last are the tag; `ret` takes the rest and may be `sealed`.
 * ERR_INTEGRITY: the tag is wrong; what lies in `ret` then is not to be used. */
MUST_CHECK enum err age_aead_open(EVP_CIPHER_CTX *ctx, const uint8_t nonce[AGE_NONCE_LEN],
                                  const uint8_t *sealed, size_t len, uint8_t *ret);

/* The nonce of chunk number `index`. */
void age_chunk_nonce(uint64_t index, bool is_last, uint8_t ret_nonce[AGE_NONCE_LEN]);

/* Wrap the file key: sets `body`, from `work` and `salt`. */
MUST_CHECK enum err age_wrap(const struct secret *passphrase, const struct secret *file_key,
                             struct age_header *header);

/* ERR_DENIED: not under this passphrase. */
MUST_CHECK enum err age_unwrap(const struct secret *passphrase, const struct age_header *header,
                               struct secret **ret_file_key);

MUST_CHECK enum err age_header_mac(const struct secret *file_key, const uint8_t *bytes, size_t len,
                                   uint8_t ret_mac[AGE_MAC_LEN]);

/* The cipher of the payload that begins with `start`. */
MUST_CHECK enum err age_payload_new(const struct secret *file_key,
                                    const uint8_t start[AGE_START_LEN], enum age_way way,
                                    EVP_CIPHER_CTX **ret_ctx);

/* ERR_INTEGRITY, with the same sentence for every damage of a payload. */
enum err age_refuse(void);

/* ---- age_armor.c ---- */

enum { AGE_ARMOR_ROOM = 4096 };

/* Whether a file that begins with this byte can only be an armored one. */
bool age_is_armor(uint8_t first);

/* A source of the binary form of what `*file` gives after the `len` (up to AGE_ARMOR_ROOM) bytes
 * that were already read. A read is ERR_SYNTAX when it is not strict armor: lines of 64 columns
 * that end in LF or CR LF, the last one perhaps shorter, canonical base64 with its padding, white
 * space only around it and not more than 1 KiB at either side. It ends only when all that was
 * seen. Takes `*file`, sets it NULL; on failure `*file` stays the caller's. */
MUST_CHECK enum err age_armor_new(struct source **file, const uint8_t *bytes, size_t len,
                                  struct source **ret_source);

#endif
