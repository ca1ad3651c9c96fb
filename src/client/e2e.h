/* SPDX-License-Identifier: Apache-2.0 */
/* e2e: what clients derive from the six words of an end-to-end upload (docs/end-to-end.md). Knows
 * no network and no files. Every derivation is HKDF-SHA256 of the words joined by '-', with an
 * empty salt. Vectors: tests/data/e2e-vectors.json. */
#ifndef MAYFLY_CLIENT_E2E_H
#define MAYFLY_CLIENT_E2E_H

#include "base/err.h"
#include "base/ids.h"
#include "crypt/crypt.h"
#include "words/words.h"

#include <stddef.h>
#include <stdint.h>

enum {
    E2E_META_MAX = 4096, /* bytes of sealed metadata, as text */
    E2E_NAME_LEN = 256,
    E2E_TYPE_LEN = 128,
};

/* What the sender says of the file; sealed, so that only receivers read it. */
struct e2e_meta {
    char name[E2E_NAME_LEN]; /* as the sender gave it: a receiver cleans it before use */
    char type[E2E_TYPE_LEN];
    uint64_t size_bytes;
    uint8_t sha256[SHA256_LEN]; /* of the plaintext */
};

/* base32(HKDF(info = "mayfly e2e id v1", 16 bytes)), 26 lower-case characters without padding. */
MUST_CHECK enum err e2e_id(const struct share_code *code, char ret_id[CODE_ID_LEN + 1]);

/* The passphrase of the age file: the words joined by '-'. The caller frees. */
MUST_CHECK enum err e2e_passphrase(const struct share_code *code, struct secret **ret_passphrase);

/* base64url without padding of nonce (12, random) || AES-256-GCM(JSON) || tag (16) under
 * HKDF(info = "mayfly e2e meta v1", 32 bytes). The JSON is compact, with the fields name, type,
 * size, sha256 (lower-case hex) in this order; it fits whatever is in `meta`. ERR_FIELD: a name or
 * type that is no UTF-8 or has no end, a size of 2^63 or more. */
MUST_CHECK enum err e2e_meta_seal(const struct share_code *code, const struct e2e_meta *meta,
                                  char ret_text[E2E_META_MAX + 1]);

/* Length in characters of what e2e_meta_seal will give: it does not depend on the hash. */
MUST_CHECK enum err e2e_meta_len(const struct e2e_meta *meta, size_t *ret_len);

/* ERR_INTEGRITY: not what was sealed with this code; or sealed, but not the JSON of the format, or
 * with texts that do not fit. Fields that we do not know are passed over. */
MUST_CHECK enum err e2e_meta_open(const struct share_code *code, const char *text,
                                  struct e2e_meta *ret_meta);

#endif
