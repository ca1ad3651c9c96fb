/* SPDX-License-Identifier: Apache-2.0 */
/* age: files in the age v1 format (c2sp.org/age) that a passphrase opens, as streams in bounded
 * memory. Knows bytes and passphrases, never codes, words or file names.
 *
 * file   = header || nonce (16) || chunks of 64 KiB, each with a tag of 16 bytes
 * header = text: the version, one stanza `scrypt` with salt, work factor and wrapped file key, a
 * MAC
 *
 * A work factor w makes scrypt take 2^w KiB of memory and time in proportion, once for each file.
 * Objects belong to one thread at a time. Call crypt_init first. */
#ifndef MAYFLY_CRYPT_AGE_H
#define MAYFLY_CRYPT_AGE_H

#include "crypt/crypt.h"

enum {
    AGE_CHUNK_LEN = 64 * 1024,
    AGE_HEAD_LEN_MAX = 150, /* of the header of a file that a passphrase opens */

    /* For a passphrase of six random words: 32 MiB. */
    AGE_WORK_OURS = 15,
    /* The most that a reader should bear unasked: 512 MiB. `age -p` writes 18, and tools that aim
     * at a second of work write 19 on today's processors. */
    AGE_WORK_MAX = 19,
    /* The most that anyone can ask for: 4 GiB, the limit of the age tool too. */
    AGE_WORK_LIMIT = 22,
};

/* Length of the file that age_sealer_new makes of `plain_len` bytes (below 2^63) with `work`. */
uint64_t age_file_len(uint64_t plain_len, unsigned work);

/* The seal stage: a sink that takes plaintext and pushes an age file into `*next`, a chunk at a
 * time. The file key, salt and nonce are fresh and random. This call runs scrypt, and pushes
 * nothing yet. Takes `*next` and sets it NULL; on failure `*next` stays the caller's. `passphrase`
 * is borrowed only for this call. ERR_FIELD: it is empty, which other tools refuse, or `work` is
 * not from 1 to AGE_WORK_LIMIT. */
MUST_CHECK enum err age_sealer_new(const struct secret *passphrase, unsigned work,
                                   struct sink **next, struct sink **ret_sink);

/* A source of the plaintext of the age file, binary or armored, that `*file` gives. Nothing comes
 * out that was not proven: each chunk after its tag, and the last one when nothing follows it.
 * This call reads the header and runs scrypt. Takes `*file` and sets it NULL, on failure too;
 * `passphrase` is borrowed only for this call.
 * ERR_SYNTAX: not an age file, or a header or armor that is not exactly as the format says.
 * ERR_DENIED: well-formed, but the passphrase is wrong or the file is not for a passphrase at all.
 * ERR_TOOBIG: the work factor is above `work_max` (1 to AGE_WORK_LIMIT); scrypt was not run.
 * ERR_INTEGRITY: the MAC of the header is wrong or the nonce is cut off. Of a read: a chunk, or its
 * armor, is not what was sealed, or is not where it was, or the file was cut or goes on.
 * Else what the file below said. */
MUST_CHECK enum err age_source_new(struct source **file, const struct secret *passphrase,
                                   unsigned work_max, struct source **ret_source);

/* Whether a file that begins with these bytes begins as a binary age file for a passphrase: the
 * version, then a whole header with one scrypt stanza alone, its work factor within AGE_WORK_LIMIT.
 * AGE_LOOK_MORE only when `len` is below AGE_HEAD_LEN_MAX; at the end of a file that is a no. */
enum age_look { AGE_LOOK_NO, AGE_LOOK_YES, AGE_LOOK_MORE };
enum age_look age_look(const uint8_t *bytes, size_t len);

#endif
