/* SPDX-License-Identifier: Apache-2.0 */
/* An upload: plaintext is pushed through limit -> seal -> (behind) -> blob, then the record makes
 * it live. */
#include "base/enc.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "crypt/age.h"
#include "vault/vault_int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS_MAX = 8 }; /* tries for a code that is not in use; one nearly always does */

struct vault_put {
    struct vault *v;
    struct secret *file_key;
    struct blob_writer *writer;
    struct fernet_sealer *sealer; /* owned by the chain */
    struct sink *chain;
    uint8_t head[AGE_HEAD_LEN_MAX]; /* the first bytes, to tell an age file by */
    size_t head_len;
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
    size_t room = sizeof(p->head) - p->head_len, n = len < room ? len : room;

    if (n > 0)
        memcpy(p->head + p->head_len, bytes, n);
    p->head_len += n;
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

/* Whether the record under this id may be taken for the one that we tried to put. A drawn code is
 * nobody else's, unless a look says so; but whoever sends an id may send somebody else's, and then
 * only a look can say that the record is ours. */
static bool
is_ours(struct vault *v, const struct share_code *code, const struct record *rec)
{
    struct record found;
    bool is_same;

    if (store_lookup(v->cfg.store, &rec->id, rec->created_at_s, &found) != ERR_OK)
        return code->n_words > 0;
    is_same = mem_equal(found.blob.b, rec->blob.b, sizeof(rec->blob.b));
    mem_wipe(&found, sizeof(found));
    return is_same;
}

/* The store did not answer: the record may be there, of an upload that nobody was told of. */
static void
take_back(struct vault *v, const struct share_code *code, const struct record *rec)
{
    enum err e = ERR_NOTFOUND;

    if (is_ours(v, code, rec))
        e = store_remove(v->cfg.store, &rec->id, ENDED_REVOKED, rec->created_at_s);
    atomic_store(&v->must_scrub, true);
    if (e != ERR_OK && e != ERR_NOTFOUND)
        log_err(LOG_WARN, "taking back a record that may have been put", e);
}

/* Seal the record under that code, or id, and put it. */
static enum err
put_record(struct vault_put *p, const struct share_code *code, const struct sealed_part *part,
           struct record *rec)
{
    enum err e = vault_id_of(p->v, code, &rec->id);

    if (e == ERR_OK)
        e = record_seal(p->v, code, part, rec);
    if (e != ERR_OK)
        return e;
    e = store_put(p->v->cfg.store, rec);
    if (e != ERR_UNAVAIL)
        return e;
    take_back(p->v, code, rec);
    return err_set(ERR_UNAVAIL, "the store did not say whether it has put an upload");
}

/* Draw a code and put the record under it; again when the code's id is in use. */
static enum err
draw_and_put(struct vault_put *p, const struct sealed_part *part, struct record *rec,
             struct share_code *ret_code)
{
    const struct vault_cfg *cfg = &p->v->cfg;
    enum err e = ERR_EXISTS;

    for (int i = 0; e == ERR_EXISTS && i < DRAWS_MAX; i++) {
        e = words_draw(cfg->words, cfg->code_words, ret_code);
        if (e == ERR_OK)
            e = put_record(p, ret_code, part, rec);
    }
    if (e == ERR_EXISTS)
        return err_set(ERR_UNAVAIL, "no free code was drawn: too few words for so many uploads");
    return e;
}

/* The sealed part and its record, under the sender's id or a code of ours. */
static enum err
make_live(struct vault_put *p, const struct vault_terms *terms, struct record *rec,
          struct vault_receipt *receipt)
{
    struct sealed_part part = {.meta = receipt->meta};
    enum err e = ERR_OK;

    if (terms->e2e_meta != NULL && terms->e2e_meta[0] != '\0')
        e = sealed_part_set_e2e_meta(&part, terms->e2e_meta, strlen(terms->e2e_meta));
    part.file_key = p->file_key;
    if (e == ERR_OK && terms->id != NULL) {
        receipt->code = *terms->id;
        e = put_record(p, &receipt->code, &part, rec);
    } else if (e == ERR_OK) {
        e = draw_and_put(p, &part, rec, &receipt->code);
    }
    part.file_key = NULL; /* borrowed */
    sealed_part_done(&part);
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

/* What can be judged before anything is made durable. */
static enum err
check_terms(const struct vault_put *p, const struct vault_terms *terms)
{
    assert(terms->id == NULL ? terms->e2e_meta == NULL : terms->id->n_words == 0);
    if (strlen(terms->name) >= VAULT_NAME_LEN || strlen(terms->type) >= VAULT_TYPE_LEN)
        return err_set(ERR_TOOBIG, "a file name or type is too long");
    if (terms->id != NULL && age_look(p->head, p->head_len) != AGE_LOOK_YES)
        return err_set(ERR_SYNTAX, "an end-to-end upload does not begin as an age file");
    return ERR_OK;
}

enum err
vault_put_commit(struct vault_put *p, const struct vault_terms *terms,
                 struct vault_receipt *ret_receipt)
{
    struct vault_receipt receipt = {.uses = terms->uses};
    struct record rec = {.uses_total = terms->uses, .uses_left = terms->uses};
    enum err e = check_terms(p, terms);

    if (e != ERR_OK)
        goto out;
    memcpy(receipt.meta.name, terms->name, strlen(terms->name));
    memcpy(receipt.meta.type, terms->type, strlen(terms->type));
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
    rec.expires_at_s = receipt.expires_at_s = rec.created_at_s + terms->ttl_s;
    e = make_live(p, terms, &rec, &receipt);
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
    mem_wipe(p->head, sizeof(p->head));
    free(p);
}

void
vault_receipt_wipe(struct vault_receipt *r)
{
    mem_wipe(r, sizeof(*r));
}
