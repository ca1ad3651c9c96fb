/* SPDX-License-Identifier: Apache-2.0 */
/* sealed: what is uploaded of a plaintext: the same bytes, or an age file of them, made while they
 * are read. It hashes the plaintext that passes. Belongs to one thread. */
#ifndef MAYFLY_CLIENT_SEALED_H
#define MAYFLY_CLIENT_SEALED_H

#include "base/err.h"
#include "client/term.h"
#include "crypt/crypt.h"
#include "stream/stream.h"

#include <stdint.h>

struct sealed;

/* Without `passphrase` (NULL) the bytes pass as they are; with it (borrowed for this call, which
 * runs scrypt) they become an age file for it, of work factor AGE_WORK_OURS. `progress` (borrowed,
 * or NULL) is told of the plaintext. Takes `*plain` and sets it NULL; on failure `*plain` stays the
 * caller's. Errors as crypt_hash_new's and age_sealer_new's. */
MUST_CHECK enum err sealed_new(struct source **plain, const struct secret *passphrase,
                               struct progress *progress, struct sealed **ret_sealed);

/* The bytes to upload; source_free of it frees the whole, and there is no other way to. A read
 * gives an error of the plaintext's source as it is. */
struct source *sealed_source(struct sealed *s);

/* SHA-256 and length of the plaintext, when the source gave its end. */
void sealed_result(const struct sealed *s, uint8_t ret_sha256[SHA256_LEN], uint64_t *ret_len);

#endif
