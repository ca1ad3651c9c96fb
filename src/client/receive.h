/* SPDX-License-Identifier: Apache-2.0 */
/* receive: the plaintext of a download, and whether it is what was sent. Pure but for the source
 * that it reads. Belongs to one thread. */
#ifndef MAYFLY_CLIENT_RECEIVE_H
#define MAYFLY_CLIENT_RECEIVE_H

#include "base/err.h"
#include "client/e2e.h"
#include "client/net.h"
#include "client/term.h"
#include "crypt/crypt.h"
#include "stream/stream.h"

#include <stdbool.h>
#include <stdint.h>

/* What is said of a file before it came: by its sender, or, of a plain one, by the server. */
struct received {
    char name[E2E_NAME_LEN]; /* neither clean nor fit to be shown; never empty */
    char type[E2E_TYPE_LEN]; /* not fit to be shown; "": not said */
    uint64_t size_bytes;     /* UINT64_MAX: not said */
    bool has_sha256;
    uint8_t sha256[SHA256_LEN];
    bool has_uses_left;
    unsigned uses_left;
};

/* With `code` (borrowed) it is an end-to-end file. Without metadata its name is the server's,
 * without ".age", and the rest is not said. ERR_INTEGRITY: the metadata are not of this code; a
 * plain file without its hash. */
MUST_CHECK enum err receive_details(const struct net_file *f, const struct share_code *code,
                                    struct received *ret);

/* Whether it says that it is a tar: by its type, or its name. */
bool received_is_tar(const struct received *r);

struct receive;

/* Over what `download` gives: an age file for `passphrase`, which runs scrypt, or without one
 * (NULL) the file itself. `details` is copied; the others are borrowed, `passphrase` for this call,
 * `progress` may be NULL. What the download itself said comes back as it was, here and in reads;
 * all else that is wrong with the bytes is ERR_INTEGRITY: who has the words knows that they are the
 * right ones, as they led to the file. */
MUST_CHECK enum err receive_new(struct source *download, const struct secret *passphrase,
                                const struct received *details, struct progress *progress,
                                struct receive **ret_receive);

/* The plaintext; belongs to the receive. Of an age file no byte comes out that was not proven; of
 * another none is before the end. */
struct source *receive_source(struct receive *r);

/* After the end of the source: whether size and hash are those of `details`, as far as they were
 * said. ERR_INTEGRITY: they are not. The hash and length of what came. */
MUST_CHECK enum err receive_check(const struct receive *r, uint8_t ret_sha256[SHA256_LEN],
                                  uint64_t *ret_len);

void receive_free(struct receive *r); /* NULL is a no-op */

#endif
