/* SPDX-License-Identifier: Apache-2.0 */
/* A download: claim (or continue) -> verify the whole blob -> stream what was verified -> settle.
 */
#include "base/log.h"
#include "base/mem.h"
#include "vault/vault_int.h"

#include <stdlib.h>
#include <string.h>

struct vault_download {
    struct vault *v;
    struct vault_download *prev, *next; /* vault's list, under its lock */
    atomic_bool is_revoked;
    struct share_id id;
    struct lease_id lease;
    bool has_lease, took_use, is_settled;
    struct vault_meta meta;
    char *e2e_meta; /* NULL: there is none */
    int64_t expires_at_s;
    uint32_t uses_left;
    uint64_t stored_bytes;
    struct secret *file_key; /* until it was verified */
    struct reader *blob;     /* until it was verified */
    struct fernet_verified *verified;
    uint64_t from; /* first byte of the stream */
};

/* ---- the list of those that run ---- */

static void
enlist(struct vault_download *d)
{
    struct vault *v = d->v;

    (void)pthread_mutex_lock(&v->lock);
    d->next = v->downloads;
    if (d->next != NULL)
        d->next->prev = d;
    v->downloads = d;
    (void)pthread_mutex_unlock(&v->lock);
}

static void
delist(struct vault_download *d)
{
    struct vault *v = d->v;

    (void)pthread_mutex_lock(&v->lock);
    if (d->prev != NULL)
        d->prev->next = d->next;
    else
        v->downloads = d->next;
    if (d->next != NULL)
        d->next->prev = d->prev;
    (void)pthread_mutex_unlock(&v->lock);
}

void
vault_revoke_downloads(struct vault *v, const struct share_id *id)
{
    (void)pthread_mutex_lock(&v->lock);
    for (struct vault_download *d = v->downloads; d != NULL; d = d->next) {
        if (mem_equal(d->id.b, id->b, sizeof(id->b)))
            atomic_store(&d->is_revoked, true);
    }
    (void)pthread_mutex_unlock(&v->lock);
}

/* ---- has it ended? ---- */

static bool
is_over(const struct vault_download *d)
{
    return atomic_load(&d->is_revoked) || d->v->cfg.now_s() >= d->expires_at_s;
}

/* The same, where it matters to know what other nodes did. */
static bool
has_ended(const struct vault_download *d)
{
    struct vault *v = d->v;

    if (is_over(d) || !store_is_shared(v->cfg.store))
        return is_over(d);
    return store_renew(v->cfg.store, &d->id, &d->lease, v->cfg.now_s(), v->cfg.lease_s) ==
           ERR_NOTFOUND;
}

/* ---- claim ---- */

/* Continue a lease of this client. ERR_NOTFOUND: there is none; ERR_RANGE: beyond the end. */
static enum err
resume(struct vault_download *d, const struct vault_wish *wish, const struct store_claim *claim,
       struct record *ret_rec)
{
    struct record rec;
    uint64_t from = wish->from;
    enum err e;

    e = store_lookup(d->v->cfg.store, &d->id, claim->now_s, &rec);
    if (e != ERR_OK)
        return e;
    if (wish->is_suffix)
        from = wish->from < rec.size_bytes ? rec.size_bytes - wish->from : 0;
    if (from >= rec.size_bytes || (wish->is_suffix && wish->from == 0))
        return err_set(ERR_RANGE, "a range that begins beyond the end");
    e = store_resume(d->v->cfg.store, claim, from, ret_rec, &d->lease);
    /* What the client's system has acknowledged may have died with the client, unread: a download
     * that broke off, and so lacks the last byte, may go on from before what it seems to have. */
    if (e == ERR_NOTFOUND)
        e = store_resume(d->v->cfg.store, claim, rec.size_bytes - 1, ret_rec, &d->lease);
    return e;
}

static enum err
claim(struct vault_download *d, const struct vault_wish *wish, struct record *ret_rec)
{
    struct vault *v = d->v;
    struct store_claim c = {.id = d->id, .now_s = v->cfg.now_s(), .lease_s = v->cfg.lease_s};
    enum err e;

    e = vault_client_of(v, &wish->client, &c.client);
    if (e != ERR_OK)
        return e;
    e = wish->has_range ? resume(d, wish, &c, ret_rec) : ERR_NOTFOUND;
    if (e == ERR_NOTFOUND) {
        e = store_claim(v->cfg.store, &c, ret_rec, &d->lease);
        d->took_use = e == ERR_OK;
    }
    d->has_lease = e == ERR_OK;
    return e;
}

enum err
vault_open(struct vault *v, const struct vault_wish *wish, struct vault_download **ret_download)
{
    struct vault_download *d = calloc(1, sizeof(*d));
    struct sealed_part part = {0};
    struct record rec;
    enum err e;

    if (d == NULL)
        return err_set(ERR_NOMEM, "no memory for a download");
    d->v = v;
    e = vault_id_of(v, wish->code, &d->id);
    enlist(d); /* before the claim: a burn that comes after it must find us */
    if (e == ERR_OK)
        e = claim(d, wish, &rec);
    if (e != ERR_OK)
        goto out;
    e = record_open(v, wish->code, &rec, &part);
    if (e != ERR_OK)
        goto out;
    d->file_key = part.file_key;
    d->meta = part.meta;
    d->e2e_meta = part.e2e_meta;
    d->expires_at_s = rec.expires_at_s;
    d->uses_left = rec.uses_left;
    d->stored_bytes = rec.stored_bytes;
    e = blob_open(v->cfg.blobs, &rec.blob, &d->blob);
    if (e == ERR_NOTFOUND && has_ended(d))
        e = err_set(ERR_GONE, "the upload ended when it was opened");
    else if (e == ERR_NOTFOUND) /* a record without its blob is our fault, not the client's */
        e = err_set(ERR_IO, "the blob of a live record is missing");
out:
    mem_wipe(&part, sizeof(part));
    mem_wipe(&rec, sizeof(rec));
    if (e == ERR_OK)
        *ret_download = d;
    else
        vault_download_free(d);
    return e;
}

const struct vault_meta *
vault_download_meta(const struct vault_download *d)
{
    return &d->meta;
}

const char *
vault_download_e2e_meta(const struct vault_download *d)
{
    return d->e2e_meta == NULL ? "" : d->e2e_meta;
}

uint32_t
vault_download_uses_left(const struct vault_download *d)
{
    return d->uses_left;
}

uint64_t
vault_download_stored_bytes(const struct vault_download *d)
{
    return d->stored_bytes;
}

int64_t
vault_download_expires_at_s(const struct vault_download *d)
{
    return d->expires_at_s;
}

/* ---- verify ---- */

enum err
vault_download_verify(struct vault_download *d, uint8_t ret_actual[SHA256_LEN])
{
    uint8_t actual[SHA256_LEN] = {0};
    enum err e;

    e = fernet_verify(&d->blob, d->file_key, &d->verified, actual);
    secret_free(d->file_key);
    d->file_key = NULL;
    if (e == ERR_OK && (!mem_equal(actual, d->meta.sha256, sizeof(actual)) ||
                        fernet_verified_len(d->verified) != d->meta.size_bytes))
        e = err_set(ERR_INTEGRITY, "a blob holds another file than its record says");
    if (e != ERR_OK && has_ended(d)) /* its blob may be half overwritten by now */
        return err_set(ERR_GONE, "the upload ended while it was verified");
    if (e == ERR_INTEGRITY)
        memcpy(ret_actual, actual, sizeof(actual));
    return e;
}

/* ---- stream ---- */

struct guarded_source {
    struct source source;
    struct source *next;
    struct vault_download *d;
    int64_t renewed_at_s; /* or tried */
};

enum {
    BURN_SEEN_S = 2,      /* how long a stream may not notice what another node ended */
    RENEW_SHARE_MAX = 10, /* looking for it takes at most a tenth of the time of all streams */
};

/* The lease must not end. With a shared store this is also how we see that the upload has. */
static bool
must_renew(const struct guarded_source *g, int64_t now_s)
{
    struct vault *v = g->d->v;
    int64_t since_s = now_s - g->renewed_at_s;

    if (since_s < 0 || since_s >= (v->cfg.lease_s + 3) / 4)
        return true;
    return store_is_shared(v->cfg.store) && since_s >= BURN_SEEN_S &&
           vault_mono_ms(v) >= atomic_load_explicit(&v->calm_until_ms, memory_order_relaxed);
}

static enum err
renew(struct guarded_source *g, int64_t now_s)
{
    struct vault *v = g->d->v;
    int64_t from_ms = vault_mono_ms(v), took_ms;
    enum err e;

    e = store_renew(v->cfg.store, &g->d->id, &g->d->lease, now_s, v->cfg.lease_s);
    g->renewed_at_s = now_s;
    took_ms = vault_mono_ms(v) - from_ms;
    if (took_ms > 0)
        atomic_store_explicit(&v->calm_until_ms, from_ms + RENEW_SHARE_MAX * took_ms,
                              memory_order_relaxed);
    return e;
}

/* The upload may end, and the lease must not, while the stream runs. A store that is away cuts
 * nothing: the lease still runs for a while. */
static enum err
keep_alive(struct guarded_source *g)
{
    struct vault *v = g->d->v;
    int64_t now_s = v->cfg.now_s();
    bool has_failed;
    enum err e;

    if (is_over(g->d))
        return err_set(ERR_GONE, "the upload ended while it was sent");
    if (!must_renew(g, now_s))
        return ERR_OK;
    e = renew(g, now_s);
    if (e == ERR_NOTFOUND)
        return err_set(ERR_GONE, "the upload, or its lease, ended while it was sent");
    has_failed = atomic_exchange(&v->renewals_fail, e != ERR_OK);
    if (e != ERR_OK && !has_failed) /* once, not for each stream */
        log_err(LOG_WARN, "renewing leases", e);
    return ERR_OK;
}

static enum err
guarded_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct guarded_source *g = (struct guarded_source *)s;
    enum err e = keep_alive(g);

    if (e == ERR_OK)
        e = source_read(g->next, ret_bytes, cap, ret_len);
    if (e == ERR_INTEGRITY && has_ended(g->d))
        e = err_set(ERR_GONE, "the upload ended while it was sent");
    return e;
}

static void
guarded_free(struct source *s)
{
    source_free(((struct guarded_source *)s)->next);
    free(s);
}

enum err
vault_download_source(struct vault_download *d, uint64_t from, uint64_t len,
                      struct source **ret_source)
{
    static const struct source_ops ops = {guarded_read, guarded_free};
    struct guarded_source *g = malloc(sizeof(*g));
    enum err e;

    if (g == NULL)
        return err_set(ERR_NOMEM, "no memory for a stream");
    *g = (struct guarded_source){
        .source = {&ops},
        .d = d,
        .renewed_at_s = d->v->cfg.now_s(),
    };
    e = fernet_verified_source(&d->verified, from, len, &g->next);
    if (e != ERR_OK) {
        free(g);
        return e;
    }
    d->from = from;
    *ret_source = &g->source;
    return ERR_OK;
}

/* ---- settle ---- */

static enum err
give_back(struct vault_download *d)
{
    enum err e;

    if (!d->took_use)
        return ERR_OK; /* a continued lease: it just goes on */
    e = store_release(d->v->cfg.store, &d->id, &d->lease);
    return e == ERR_NOTFOUND ? ERR_OK : e; /* the upload has ended: nothing to give back */
}

enum err
vault_download_settle(struct vault_download *d, uint64_t left, uint64_t acked, bool *ret_ended)
{
    struct store_span span = {d->from, d->from + acked};
    struct vault *v = d->v;
    bool ended = false;
    enum err e;

    if (d->is_settled || !d->has_lease)
        return ERR_OK;
    d->is_settled = true;
    if (left == 0)
        return give_back(d);
    if (acked == 0 && d->meta.size_bytes > 0)
        return ERR_OK; /* spent, nothing covered: the lease waits for the client */
    e = store_settle(v->cfg.store, &d->id, &d->lease, &span, v->cfg.now_s(), &ended);
    if (e == ERR_NOTFOUND)
        return ERR_OK;        /* ended meanwhile */
    if (e != ERR_OK || ended) /* without an answer it may have been the end */
        atomic_store(&v->must_scrub, true);
    if (e == ERR_OK && ended)
        *ret_ended = true;
    return e;
}

void
vault_download_free(struct vault_download *d)
{
    bool ended;

    if (d == NULL)
        return;
    if (vault_download_settle(d, 0, 0, &ended) != ERR_OK)
        log_err(LOG_WARN, "giving a use back", ERR_UNAVAIL);
    delist(d);
    fernet_verified_free(d->verified);
    reader_free(d->blob);
    secret_free(d->file_key);
    mem_wipe(&d->meta, sizeof(d->meta));
    if (d->e2e_meta != NULL)
        mem_wipe(d->e2e_meta, strlen(d->e2e_meta));
    free(d->e2e_meta);
    free(d);
}
