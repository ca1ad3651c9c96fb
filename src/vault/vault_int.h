/* SPDX-License-Identifier: Apache-2.0 */
/* vault_int: private to vault. */
#ifndef MAYFLY_VAULT_VAULT_INT_H
#define MAYFLY_VAULT_VAULT_INT_H

#include "vault/vault.h"

#include <pthread.h>
#include <stdatomic.h>

struct vault {
    struct vault_cfg cfg;
    struct crypt_prf *prf;            /* HMAC under the pepper */
    pthread_mutex_t lock;             /* guards the list of downloads; no call is made under it */
    struct vault_download *downloads; /* those that run, for revocation */
    atomic_bool must_scrub;           /* a record was removed since the last sweep */
    _Atomic int64_t calm_until_ms; /* monotonic: no stream asks the store before, if it can wait */
    atomic_bool renewals_fail;     /* said in the log */
};

/* What a sealed record holds beside the clear columns. */
struct sealed_part {
    struct secret *file_key;
    struct vault_meta meta; /* its size_bytes is not sealed: the record has it */
    char *e2e_meta;         /* NULL: there is none */
};

/* Give `part` a copy of an end-to-end upload's text. ERR_TOOBIG: above VAULT_E2E_META_MAX. */
MUST_CHECK enum err sealed_part_set_e2e_meta(struct sealed_part *part, const void *text,
                                             size_t len);

/* Wipe and free all that it owns. */
void sealed_part_done(struct sealed_part *part);

/* id = HMAC-SHA256(pepper, code), cut to 128 bits. */
MUST_CHECK enum err vault_id_of(struct vault *v, const struct share_code *code,
                                struct share_id *ret_id);

/* A client address under the pepper, so that leases name nobody. */
MUST_CHECK enum err vault_client_of(struct vault *v, const struct netaddr *addr,
                                    struct client_id *ret_client);

/* Seal key, hash, name, type and an end-to-end upload's text into rec->sealed, or open it again.
 * Opening: ERR_INTEGRITY when it was not sealed under this pepper and code; on success the caller
 * ends `ret_part` with sealed_part_done. */
MUST_CHECK enum err record_seal(struct vault *v, const struct share_code *code,
                                const struct sealed_part *part, struct record *rec);
MUST_CHECK enum err record_open(struct vault *v, const struct share_code *code,
                                const struct record *rec, struct sealed_part *ret_part);

/* Milliseconds, for spans only. */
int64_t vault_mono_ms(const struct vault *v);

/* Cut the downloads of `id` that run. */
void vault_revoke_downloads(struct vault *v, const struct share_id *id);

#endif
