/* SPDX-License-Identifier: Apache-2.0 */
/* The end of life: records first, blobs after, and what is left over of a crash. */
#include "base/log.h"
#include "base/rnd.h"
#include "vault/vault_int.h"

enum {
    SWEEP_BATCH = 256,
    /* Another node takes over what is not held: one that died must not keep it for long, one that
     * is at it may miss a renewal. */
    SHRED_HOLD_S = 30,
    SHRED_RENEW_MS = 10 * 1000,
    /* A storage's mark outlasts the last upload by some rounds of vault_recover, which is called
     * every hour, but not while one still shreds. */
    MARK_SLACK_S = 6 * 3600,
};

enum err
vault_sweep(struct vault *v, unsigned *ret_n)
{
    unsigned total = 0, n = 0;
    enum err e;

    do {
        e = store_end_due(v->cfg.store, v->cfg.now_s(), SWEEP_BATCH, &n);
        if (e != ERR_OK) {
            atomic_store(&v->must_scrub, true); /* it may have ended some before it failed */
            return e;
        }
        total += n;
    } while (n == SWEEP_BATCH);
    /* Set the flag back first: a removal that comes meanwhile is scrubbed by the next sweep. */
    if (atomic_exchange(&v->must_scrub, false) || total > 0) {
        e = store_scrub(v->cfg.store);
        if (e != ERR_OK) {
            atomic_store(&v->must_scrub, true);
            return e;
        }
    }
    *ret_n = total;
    return ERR_OK;
}

/* ---- doomed blobs ---- */

struct hold {
    struct vault *v;
    const struct blob_name *blob;
    int64_t renew_at_ms; /* monotonic */
};

/* A hold that is lost harms nothing: two that overwrite the same blob both make noise of it. */
static void
keep_hold(void *ctx)
{
    struct hold *h = ctx;
    enum err e;

    if (vault_mono_ms(h->v) < h->renew_at_ms)
        return;
    e = store_hold_doomed(h->v->cfg.store, h->blob, h->v->cfg.now_s() + SHRED_HOLD_S);
    if (e != ERR_OK && e != ERR_NOTFOUND)
        log_err(LOG_WARN, "holding a blob while it is destroyed", e);
    /* Not found: another node has finished it. */
    h->renew_at_ms = e == ERR_NOTFOUND ? INT64_MAX : vault_mono_ms(h->v) + SHRED_RENEW_MS;
}

enum err
vault_shred_next(struct vault *v, struct doomed_blob *ret_blob)
{
    struct doomed_blob doomed;
    struct hold hold = {v, &doomed.blob, vault_mono_ms(v) + SHRED_RENEW_MS};
    const struct blob_progress progress = {keep_hold, &hold};
    enum err e;

    e = store_take_doomed(v->cfg.store, v->cfg.now_s(), SHRED_HOLD_S, &doomed);
    if (e == ERR_OK)
        e = blob_shred(v->cfg.blobs, &doomed.blob, &progress);
    if (e == ERR_OK)
        e = store_forget_doomed(v->cfg.store, &doomed.blob);
    if (e == ERR_OK)
        *ret_blob = doomed;
    return e;
}

enum err
vault_next_due(struct vault *v, int64_t *ret_at_s)
{
    if (atomic_load(&v->must_scrub)) {
        *ret_at_s = v->cfg.now_s();
        return ERR_OK;
    }
    return store_next_due(v->cfg.store, ret_at_s);
}

/* ---- orphans ---- */

static enum err
is_known(void *ctx, const struct blob_name *name, bool *ret_known)
{
    struct vault *v = ctx;

    return store_knows_blob(v->cfg.store, name, ret_known);
}

enum err
vault_mark_storage(struct vault *v, bool *ret_alone)
{
    int64_t now_s = v->cfg.now_s();
    struct blob_owner owner = {.now_s = now_s, .until_s = now_s + v->cfg.max_life_s + MARK_SLACK_S};
    struct store_name want;
    enum err e;

    e = rnd_bytes(want.b, sizeof(want.b));
    if (e == ERR_OK)
        e = store_identity(v->cfg.store, &want, &owner.name);
    if (e == ERR_OK)
        e = blob_mark_owner(v->cfg.blobs, &owner, ret_alone);
    return e;
}

enum err
vault_recover(struct vault *v, uint64_t *ret_n)
{
    struct blob_scan scan = {.is_known = is_known, .ctx = v};
    bool is_alone = false;
    enum err e = vault_mark_storage(v, &is_alone);

    if (e == ERR_OK && !is_alone)
        e = err_set(ERR_DENIED, "the storage belongs to another store, too: blobs without a record "
                                "are left until its uploads have passed their time");
    if (e == ERR_OK)
        e = blob_scan_orphans(v->cfg.blobs, &scan);
    if (e == ERR_OK)
        *ret_n = scan.n_shredded;
    return e;
}
