/* SPDX-License-Identifier: Apache-2.0 */
/* vault: the domain. An upload goes in, a code comes out, the file dies. Joins words, crypt, store
 * and blob; knows no HTTP and no policy. Thread-safe but for a put or a download, which belong to
 * one thread at a time. Times are Unix seconds, UTC; the clock is given at the start. */
#ifndef MAYFLY_VAULT_VAULT_H
#define MAYFLY_VAULT_VAULT_H

#include "base/err.h"
#include "base/ids.h"
#include "base/netaddr.h"
#include "blob/blob.h"
#include "crypt/crypt.h"
#include "store/store.h"
#include "stream/stream.h"
#include "words/words.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    VAULT_PEPPER_LEN = 32,
    VAULT_NAME_LEN = 256,      /* file name: 255 bytes and a NUL */
    VAULT_TYPE_LEN = 128,      /* MIME type with a NUL */
    VAULT_TOKEN_LEN = 44,      /* burn token: 43 base64url characters and a NUL */
    VAULT_ETAG_LEN = 33,       /* 32 hex digits and a NUL */
    VAULT_E2E_META_MAX = 4096, /* bytes of what a sender sealed about an end-to-end upload */
};

struct vault;

struct vault_cfg {
    struct store *store; /* all borrowed, alive as the vault is */
    struct blobs *blobs;
    const struct words *words;
    const struct secret *pepper; /* VAULT_PEPPER_LEN bytes */
    unsigned code_words;         /* KEY_WORDS */
    int64_t lease_s;             /* LEASE_SECONDS; 1 counts as 2 */
    int64_t max_life_s;          /* MAX_EXPIRY_MINUTES: none of its uploads is put for longer */
    int64_t (*now_s)(void);
    int64_t (*mono_ms)(void); /* for spans; NULL: made of now_s */
    struct pool *writers;     /* for writing blobs behind; NULL: written by who pushes */
};

MUST_CHECK enum err vault_new(const struct vault_cfg *cfg, struct vault **ret_vault);
void vault_free(struct vault *v); /* NULL is a no-op */

/* What the sender said and what was found out about a file. */
struct vault_meta {
    char name[VAULT_NAME_LEN];
    char type[VAULT_TYPE_LEN];
    uint8_t sha256[SHA256_LEN]; /* of the plaintext */
    uint64_t size_bytes;
};

/* ---- put ---- */

struct vault_put;

struct vault_receipt {
    struct share_code code; /* a secret: wipe with vault_receipt_wipe */
    char burn_token[VAULT_TOKEN_LEN];
    struct vault_meta meta;
    int64_t created_at_s, expires_at_s;
    uint32_t uses;
};

/* Begin an upload of at most `max_bytes` of plaintext. */
MUST_CHECK enum err vault_put_new(struct vault *v, uint64_t max_bytes, struct vault_put **ret_put);

/* Push plaintext. ERR_TOOBIG, ERR_NOSPACE, ERR_IO: then only free. */
MUST_CHECK enum err vault_put_write(struct vault_put *p, const uint8_t *bytes, size_t len);

/* What the sender wants; borrowed. */
struct vault_terms {
    const char *name, *type;
    int64_t ttl_s;
    uint32_t uses;
    const struct share_code *id; /* end to end: the sender's choice; NULL: a code is drawn */
    const char *e2e_meta; /* text that goes with `id`, sealed by the sender; NULL or "": none */
};

/* Seal, make durable, put the record: after ERR_OK the upload is live and survives a crash; after
 * an error nothing is left of it. Blocks for the syncs: call on a worker.
 * ERR_TOOBIG: a text is too long. Of an end-to-end upload ERR_SYNTAX: it does not begin as an age
 * file for a passphrase; ERR_EXISTS: the id is in use, or was lately. */
MUST_CHECK enum err vault_put_commit(struct vault_put *p, const struct vault_terms *terms,
                                     struct vault_receipt *ret_receipt);

/* Without a commit before, nothing stays. NULL is a no-op. */
void vault_put_free(struct vault_put *p);
void vault_receipt_wipe(struct vault_receipt *r);

/* ---- download: claim, verify, stream, settle ---- */

struct vault_download;

struct vault_wish {
    const struct share_code *code;
    struct netaddr client;
    bool has_range; /* a Range that may continue a lease of this client */
    uint64_t from;  /* its first byte, where the range has one */
    bool is_suffix; /* its first byte depends on the size: `from` is the suffix's length */
};

/* Take a use, or continue a lease when `has_range`; unseal the record. ERR_NOTFOUND: never issued;
 * ERR_GONE (ask vault_status how). ERR_RANGE: the range begins beyond the end, nothing was taken.
 * Takes microseconds. */
MUST_CHECK enum err vault_open(struct vault *v, const struct vault_wish *wish,
                               struct vault_download **ret_download);

const struct vault_meta *vault_download_meta(const struct vault_download *d);
const char *vault_download_e2e_meta(const struct vault_download *d); /* "": there is none */
uint32_t vault_download_uses_left(const struct vault_download *d);
uint64_t vault_download_stored_bytes(const struct vault_download *d); /* what verify will read */
int64_t vault_download_expires_at_s(const struct vault_download *d);

/* Read the whole blob; what is streamed later is what was found whole here. Blocks as long as that
 * takes: call on a worker when it is large. ERR_INTEGRITY: `ret_actual` is the hash that was
 * found; the use is given back when the download is freed. */
MUST_CHECK enum err vault_download_verify(struct vault_download *d, uint8_t ret_actual[SHA256_LEN]);

/* The source of the verified bytes from..from+len. Call once. It keeps the lease alive while it is
 * pulled, and ends with ERR_GONE once the upload was revoked or has expired. It must be freed
 * before vault_download_settle. */
MUST_CHECK enum err vault_download_source(struct vault_download *d, uint64_t from, uint64_t len,
                                          struct source **ret_source);

/* The stream is over: `left` bytes of it were handed to the system, `acked` the client has. With
 * left = 0 a use that this download took is given back (an empty file, which has no byte to send,
 * is settled with left = 1). When everything was covered, and no use
 * and no lease is left, the upload has ended (`ret_ended`): the sweeper should be woken. */
MUST_CHECK enum err vault_download_settle(struct vault_download *d, uint64_t left, uint64_t acked,
                                          bool *ret_ended);

/* A download that was never settled counts as left = 0. NULL is a no-op. */
void vault_download_free(struct vault_download *d);

/* ---- preview, status, burn ---- */

struct vault_preview {
    struct vault_meta meta;
    char *e2e_meta; /* NULL: there is none */
    int64_t created_at_s, expires_at_s;
    uint32_t uses_left;
};

/* ERR_NOTFOUND, ERR_GONE, ERR_TAKEN (had before). The caller ends it with vault_preview_done. */
MUST_CHECK enum err vault_preview(struct vault *v, const struct share_code *code,
                                  struct vault_preview *ret_preview);
void vault_preview_done(struct vault_preview *pv);

/* Takes nothing. SHARE_UNKNOWN is ERR_OK here. */
MUST_CHECK enum err vault_status(struct vault *v, const struct share_code *code,
                                 struct share_state *ret_state);

/* End the upload now; downloads that run are cut, those on other nodes within a few seconds.
 * ERR_DENIED: wrong token; ERR_NOTFOUND, ERR_GONE. */
MUST_CHECK enum err vault_burn(struct vault *v, const struct share_code *code, const char *token);

/* The strong ETag of an upload, 32 hex digits: the same for all of its life, tells nothing about
 * its content, and is known without a look-up. */
MUST_CHECK enum err vault_etag(struct vault *v, const struct share_code *code,
                               char ret_etag[VAULT_ETAG_LEN]);

/* The size of an upload in bytes; takes nothing. ERR_NOTFOUND, ERR_GONE. */
MUST_CHECK enum err vault_size(struct vault *v, const struct share_code *code,
                               uint64_t *ret_size_bytes);

/* ---- the whole ---- */

struct vault_stats {
    uint64_t n_live, stored_bytes;
    uint64_t disk_free_bytes, disk_total_bytes; /* of the storage's file system */
};
MUST_CHECK enum err vault_stats(struct vault *v, struct vault_stats *ret_stats);

/* Live uploads: cheap enough for every request. */
MUST_CHECK enum err vault_n_live(struct vault *v, uint64_t *ret_n);

/* Whether the store and the storage work, each with a real write. Blocks on the disk. */
void vault_ping(struct vault *v, enum err *ret_store, enum err *ret_blobs);

/* ---- the end of life ---- */

/* End what is due and make its keys unrecoverable: quick. `ret_n` uploads ended. */
MUST_CHECK enum err vault_sweep(struct vault *v, unsigned *ret_n);

/* Destroy one doomed blob: as slow as the disk. ERR_NOTFOUND: nothing is waiting. When the store is
 * away, what was begun is destroyed all the same, and forgotten by a later call. */
MUST_CHECK enum err vault_shred_next(struct vault *v, struct doomed_blob *ret_blob);

/* When vault_sweep or vault_shred_next next have work. */
MUST_CHECK enum err vault_next_due(struct vault *v, int64_t *ret_at_s);

/* Mark the storage as this store's: before the first put, else another store that uses it, too,
 * could take what is put for orphans. `ret_alone`: no other store's uploads may be live in it. */
MUST_CHECK enum err vault_mark_storage(struct vault *v, bool *ret_alone);

/* Mark the storage again, and shred blobs that no record names: `ret_n` of them. At start, and
 * every hour, as the mark's time passes. ERR_DENIED: another store's uploads may be live in the
 * storage; nothing is shredded. */
MUST_CHECK enum err vault_recover(struct vault *v, uint64_t *ret_n);

#endif
