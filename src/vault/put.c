/* SPDX-License-Identifier: Apache-2.0 */
/* An upload: plaintext is pushed through limit -> seal -> (behind) -> blob, then the record makes
 * it live. */
#include "base/enc.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "vault/vault_int.h"

#include <stdlib.h>
#include <string.h>

enum { DRAWS_MAX = 8 }; /* tries for a code that is not in use; one nearly always does */

struct vault_put {
    struct vault *v;
    struct secret *file_key;
    struct blob_writer *writer;
    struct fernet_sealer *sealer; /* owned by the chain */
    struct sink *chain;
};

enum err
vault_put_new(struct vault *v, uint64_t max_bytes, struct vault_put **ret_put)
{
    struct vault_put *p = calloc(1, sizeof(*p));
    struct sink *next = NULL, *behind = NULL;
    enum err e;

    if (p == NULL)
        return err_set(ERR_NOMEM, "no memory for an upload");
    p->v = v;
    e = secret_random(FERNET_KEY_LEN, &p->file_key);
    if (e == ERR_OK)
        e = blob_create(v->cfg.blobs, &p->writer);
    if (e != ERR_OK)
        goto out;
    next = blob_writer_sink(p->writer);
    if (v->cfg.writers != NULL)
        e = sink_behind_new(v->cfg.writers, &next, &behind);
    if (e != ERR_OK)
        goto out;
    if (behind != NULL)
        next = behind;
    e = fernet_sealer_new(p->file_key, v->cfg.now_s(), &next, &p->sealer);
    if (e != ERR_OK)
        goto out;
    next = fernet_sealer_sink(p->sealer);
    e = sink_limit_new(max_bytes, &next, &p->chain);
out:
    if (e == ERR_OK) {
        *ret_put = p;
        return ERR_OK;
    }
    sink_free(next);
    vault_put_free(p);
    return e;
}

enum err
vault_put_write(struct vault_put *p, const uint8_t *bytes, size_t len)
{
    return sink_write(p->chain, bytes, len);
}

/* A fresh burn token: its text for the sender, its hash for the store. */
static enum err
draw_burn_token(char ret_text[VAULT_TOKEN_LEN], uint8_t ret_hash[SHA256_LEN])
{
    uint8_t token[SHA256_LEN];
    enum err e = rnd_bytes(token, sizeof(token));

    if (e == ERR_OK)
        e = crypt_sha256(token, sizeof(token), ret_hash);
    if (e == ERR_OK)
        b64url_encode(token, sizeof(token), ret_text);
    mem_wipe(token, sizeof(token));
    return e;
}

/* The store did not answer: the record may be there, of an upload that nobody was told of. */
static void
take_back(struct vault *v, const struct record *rec)
{
    enum err e = store_remove(v->cfg.store, &rec->id, ENDED_REVOKED, rec->created_at_s);

    atomic_store(&v->must_scrub, true);
    if (e != ERR_OK && e != ERR_NOTFOUND)
        log_err(LOG_WARN, "taking back a record that may have been put", e);
}

/* Draw a code, seal the record under it, put it; again when the code's id is in use. */
static enum err
put_record(struct vault_put *p, struct record *rec, struct vault_receipt *receipt)
{
    const struct vault_cfg *cfg = &p->v->cfg;
    struct sealed_part part = {.file_key = p->file_key, .meta = receipt->meta};
    enum err e = ERR_EXISTS;

    for (int i = 0; e == ERR_EXISTS && i < DRAWS_MAX; i++) {
        e = words_draw(cfg->words, cfg->code_words, &receipt->code);
        if (e == ERR_OK)
            e = vault_id_of(p->v, &receipt->code, &rec->id);
        if (e == ERR_OK)
            e = record_seal(p->v, &receipt->code, &part, rec);
        if (e == ERR_OK)
            e = store_put(cfg->store, rec);
    }
    mem_wipe(&part, sizeof(part));
    if (e == ERR_EXISTS)
        return err_set(ERR_UNAVAIL, "no free code was drawn: too few words for so many uploads");
    if (e == ERR_UNAVAIL)
        take_back(p->v, rec);
    return e;
}

/* The chain first: a write may still be behind, on another thread. */
static void
abort_put(struct vault_put *p)
{
    sink_free(p->chain);
    p->chain = NULL;
    blob_abort(p->writer);
}

enum err
vault_put_commit(struct vault_put *p, const char *name, const char *type, int64_t ttl_s,
                 uint32_t uses, struct vault_receipt *ret_receipt)
{
    struct vault_receipt receipt = {.uses = uses};
    struct record rec = {.uses_total = uses, .uses_left = uses};
    enum err e;

    if (strlen(name) >= sizeof(receipt.meta.name) || strlen(type) >= sizeof(receipt.meta.type))
        return err_set(ERR_TOOBIG, "a file name or type is too long");
    memcpy(receipt.meta.name, name, strlen(name));
    memcpy(receipt.meta.type, type, strlen(type));
    e = sink_finish(p->chain);
    if (e != ERR_OK)
        goto out;
    fernet_sealer_result(p->sealer, receipt.meta.sha256, &receipt.meta.size_bytes);
    e = blob_commit(p->writer, &rec.blob, &rec.stored_bytes);
    if (e == ERR_OK)
        e = draw_burn_token(receipt.burn_token, rec.burn_hash);
    if (e != ERR_OK)
        goto out;
    rec.size_bytes = receipt.meta.size_bytes;
    rec.created_at_s = receipt.created_at_s = p->v->cfg.now_s();
    rec.expires_at_s = receipt.expires_at_s = rec.created_at_s + ttl_s;
    e = put_record(p, &rec, &receipt);
out:
    if (e == ERR_OK)
        *ret_receipt = receipt;
    else
        abort_put(p);
    vault_receipt_wipe(&receipt);
    mem_wipe(&rec, sizeof(rec));
    return e;
}

void
vault_put_free(struct vault_put *p)
{
    if (p == NULL)
        return;
    sink_free(p->chain);
    blob_writer_free(p->writer);
    secret_free(p->file_key);
    free(p);
}

void
vault_receipt_wipe(struct vault_receipt *r)
{
    mem_wipe(r, sizeof(*r));
}
