/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/vault.h"

#include "base/enc.h"
#include "base/mem.h"
#include "vault/vault_int.h"

#include <stdlib.h>
#include <string.h>

enum { MAC_INPUT_MAX = CODE_TEXT_LEN + 32 };

/* A running stream renews its lease a second after it was made, at the earliest. */
enum { LEASE_MIN_S = 2 };

enum err
vault_new(const struct vault_cfg *cfg, struct vault **ret_vault)
{
    struct vault *v = calloc(1, sizeof(*v));
    enum err e;

    if (v == NULL)
        return err_set(ERR_NOMEM, "no memory for the vault");
    e = crypt_prf_new(cfg->pepper, &v->prf);
    if (e != ERR_OK) {
        free(v);
        return e;
    }
    v->cfg = *cfg;
    if (v->cfg.lease_s < LEASE_MIN_S)
        v->cfg.lease_s = LEASE_MIN_S;
    v->calm_until_ms = INT64_MIN;
    (void)pthread_mutex_init(&v->lock, NULL);
    *ret_vault = v;
    return ERR_OK;
}

int64_t
vault_mono_ms(const struct vault *v)
{
    return v->cfg.mono_ms != NULL ? v->cfg.mono_ms() : v->cfg.now_s() * 1000;
}

void
vault_free(struct vault *v)
{
    if (v == NULL)
        return;
    crypt_prf_free(v->prf);
    (void)pthread_mutex_destroy(&v->lock);
    free(v);
}

/* HMAC under the pepper of a label and some bytes, cut to `len`. Labels hold a blank, which no code
 * does, so that no input of one kind is one of another. */
static enum err
derive(struct vault *v, const char *label, const void *bytes, size_t n, uint8_t *ret, size_t len)
{
    uint8_t input[MAC_INPUT_MAX], mac[SHA256_LEN];
    size_t label_len = strlen(label);
    enum err e;

    if (label_len + n > sizeof(input))
        return err_set(ERR_TOOBIG, "too long an input of a derivation");
    memcpy(input, label, label_len);
    memcpy(input + label_len, bytes, n);
    e = crypt_prf(v->prf, input, label_len + n, mac);
    if (e == ERR_OK)
        memcpy(ret, mac, len);
    mem_wipe(input, sizeof(input));
    mem_wipe(mac, sizeof(mac));
    return e;
}

enum err
vault_id_of(struct vault *v, const struct share_code *code, struct share_id *ret_id)
{
    return derive(v, "", code->text, strlen(code->text), ret_id->b, sizeof(ret_id->b));
}

enum err
vault_client_of(struct vault *v, const struct netaddr *addr, struct client_id *ret_client)
{
    uint8_t bytes[1 + sizeof(addr->b)];

    bytes[0] = (uint8_t)addr->family;
    memcpy(bytes + 1, addr->b, sizeof(addr->b));
    return derive(v, "mayfly client v1", bytes, sizeof(bytes), ret_client->b,
                  sizeof(ret_client->b));
}

enum err
vault_etag(struct vault *v, const struct share_code *code, char ret_etag[VAULT_ETAG_LEN])
{
    uint8_t tag[16];
    enum err e;

    e = derive(v, "mayfly etag v1", code->text, strlen(code->text), tag, sizeof(tag));
    if (e == ERR_OK)
        hex_encode(tag, sizeof(tag), ret_etag);
    return e;
}

enum err
vault_preview(struct vault *v, const struct share_code *code, struct vault_preview *ret_preview)
{
    struct sealed_part part = {0};
    struct share_id id;
    struct record rec;
    enum err e;

    e = vault_id_of(v, code, &id);
    if (e == ERR_OK)
        e = store_take_preview(v->cfg.store, &id, v->cfg.now_s(), &rec);
    if (e == ERR_OK)
        e = record_open(v, code, &rec, &part);
    if (e != ERR_OK)
        return e;
    *ret_preview = (struct vault_preview){
        .meta = part.meta,
        .e2e_meta = part.e2e_meta,
        .created_at_s = rec.created_at_s,
        .expires_at_s = rec.expires_at_s,
        .uses_left = rec.uses_left,
    };
    part.e2e_meta = NULL;
    sealed_part_done(&part);
    return ERR_OK;
}

void
vault_preview_done(struct vault_preview *pv)
{
    if (pv->e2e_meta != NULL)
        mem_wipe(pv->e2e_meta, strlen(pv->e2e_meta));
    free(pv->e2e_meta);
    mem_wipe(pv, sizeof(*pv));
}

enum err
vault_status(struct vault *v, const struct share_code *code, struct share_state *ret_state)
{
    struct share_id id;
    enum err e = vault_id_of(v, code, &id);

    if (e == ERR_OK)
        e = store_status(v->cfg.store, &id, v->cfg.now_s(), ret_state);
    return e;
}

enum err
vault_size(struct vault *v, const struct share_code *code, uint64_t *ret_size_bytes)
{
    struct share_id id;
    struct record rec;
    enum err e = vault_id_of(v, code, &id);

    if (e == ERR_OK)
        e = store_lookup(v->cfg.store, &id, v->cfg.now_s(), &rec);
    if (e == ERR_OK)
        *ret_size_bytes = rec.size_bytes;
    return e;
}

/* Whether `token` is the one whose SHA-256 is `want`. */
static enum err
check_burn_token(const char *token, const uint8_t want[SHA256_LEN])
{
    uint8_t bytes[B64URL_LEN(SHA256_LEN)], hash[SHA256_LEN];
    size_t len = 0;
    enum err e;

    e = b64url_decode(token, strnlen(token, VAULT_TOKEN_LEN), bytes, sizeof(bytes), &len);
    if (e == ERR_OK)
        e = crypt_sha256(bytes, len, hash);
    if (e != ERR_OK || len != SHA256_LEN || !mem_equal(hash, want, SHA256_LEN))
        e = e == ERR_NOMEM ? e : err_set(ERR_DENIED, "not the burn token of this upload");
    mem_wipe(bytes, sizeof(bytes));
    return e;
}

enum err
vault_burn(struct vault *v, const struct share_code *code, const char *token)
{
    int64_t now_s = v->cfg.now_s();
    struct share_id id;
    struct record rec;
    enum err e;

    e = vault_id_of(v, code, &id);
    if (e == ERR_OK)
        e = store_lookup(v->cfg.store, &id, now_s, &rec);
    if (e == ERR_OK)
        e = check_burn_token(token, rec.burn_hash);
    if (e != ERR_OK)
        return e;
    e = store_remove(v->cfg.store, &id, ENDED_REVOKED, now_s);
    if (e != ERR_NOTFOUND && e != ERR_GONE) /* also when the answer was lost: it may be done */
        atomic_store(&v->must_scrub, true);
    if (e == ERR_OK)
        vault_revoke_downloads(v, &id);
    return e;
}

enum err
vault_n_live(struct vault *v, uint64_t *ret_n)
{
    struct store_stats st;
    enum err e = store_stats(v->cfg.store, &st);

    if (e == ERR_OK)
        *ret_n = st.n_live;
    return e;
}

enum err
vault_stats(struct vault *v, struct vault_stats *ret_stats)
{
    struct blob_space space;
    struct store_stats st;
    enum err e;

    e = store_stats(v->cfg.store, &st);
    if (e == ERR_OK)
        e = blob_space(v->cfg.blobs, &space);
    if (e == ERR_OK)
        *ret_stats =
            (struct vault_stats){st.n_live, st.stored_bytes, space.free_bytes, space.total_bytes};
    return e;
}

void
vault_ping(struct vault *v, enum err *ret_store, enum err *ret_blobs)
{
    *ret_store = store_ping(v->cfg.store);
    *ret_blobs = blob_ping(v->cfg.blobs);
}
