/* SPDX-License-Identifier: Apache-2.0 */
/* nodes: two vaults, as two nodes have them, on one storage and one store (see relay.h), with the
 * test's own clocks. */
#ifndef MAYFLY_TESTS_VAULT_NODES_H
#define MAYFLY_TESTS_VAULT_NODES_H

#include "relay.h"

#include "remove_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rnd.h"
#include "vault/vault.h"

/* A blob of FILE_LEN is too large to be sent from memory, and is overwritten in PIECES a pass. */
enum { FILE_LEN = 2000000, PIECES = 8, PASSES = 2 };
enum { LEASE_S = 600, LIFE_S = 3600, TTL_S = 3000 };

static int64_t now_s, mono_ms;
static void (*on_fill)(void *ctx); /* called for each piece that is overwritten */
static void *on_fill_ctx;

static inline int64_t
test_now(void)
{
    return now_s;
}

static inline int64_t
test_mono(void)
{
    return mono_ms;
}

static inline void
pass_ms(int64_t ms)
{
    mono_ms += ms;
    now_s += ms / 1000;
}

static inline enum err
test_fill(void *ret_bytes, size_t len)
{
    if (on_fill != NULL)
        on_fill(on_fill_ctx);
    return rnd_bytes(ret_bytes, len);
}

struct room {
    char dir[64];
    struct store *inner;
    struct relay relay;
    struct blobs *blobs;
    struct secret *pepper;
    struct vault *a, *b;
    uint8_t *file; /* FILE_LEN bytes */
};

static inline struct vault *
new_vault(struct room *r, struct store *s)
{
    const struct vault_cfg cfg = {
        .store = s,
        .blobs = r->blobs,
        .words = words_builtin(),
        .pepper = r->pepper,
        .code_words = 4,
        .lease_s = LEASE_S,
        .max_life_s = LIFE_S,
        .now_s = test_now,
        .mono_ms = test_mono,
    };
    struct vault *v = NULL;

    assert_ok(vault_new(&cfg, &v));
    return v;
}

/* An embedded store in a folder of its own, as a fresh or an emptied one. */
static inline struct store *
new_inner(struct room *r, const char *name)
{
    struct store *s = NULL;
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/%s", r->dir, name);
    assert_ok(store_sqlite_open(path, 86400, &s));
    return s;
}

static inline int
set_up(void **state)
{
    struct blob_dir_opts opts = {.shred_passes = PASSES, .random_fill = test_fill};
    struct room *r = calloc(1, sizeof(*r));
    char path[96];

    assert_non_null(r);
    now_s = 1000000;
    mono_ms = 5000;
    on_fill = NULL;
    log_set_level(LOG_OFF);
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/mayfly-nodes-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(path, sizeof(path), "%s/storage", r->dir);
    opts.path = path;
    r->file = malloc(FILE_LEN);
    assert_non_null(r->file);
    for (size_t i = 0; i < FILE_LEN; i++)
        r->file[i] = (uint8_t)(i * i >> 7);
    assert_ok(secret_random(VAULT_PEPPER_LEN, &r->pepper));
    assert_ok(blob_dir_open(&opts, &r->blobs));
    r->inner = new_inner(r, "state");
    relay_init(&r->relay, r->inner, &mono_ms, true);
    r->a = new_vault(r, &r->relay.store);
    r->b = new_vault(r, &r->relay.store);
    *state = r;
    return 0;
}

static inline int
tear_down(void **state)
{
    struct room *r = *state;

    vault_free(r->a);
    vault_free(r->b);
    blobs_free(r->blobs);
    store_free(r->inner);
    secret_free(r->pepper);
    free(r->file);
    remove_tree(r->dir);
    free(r);
    return 0;
}

static inline enum err
try_put(struct room *r, struct vault *v, uint32_t uses, struct vault_receipt *ret)
{
    const struct vault_terms terms = {
        .name = "notes.txt", .type = "text/plain", .ttl_s = TTL_S, .uses = uses};
    struct vault_put *p = NULL;
    enum err e;

    assert_ok(vault_put_new(v, FILE_LEN, &p));
    assert_ok(vault_put_write(p, r->file, FILE_LEN));
    e = vault_put_commit(p, &terms, ret);
    vault_put_free(p);
    return e;
}

static inline enum err
begin(struct vault *v, const struct vault_receipt *rc, struct vault_download **ret)
{
    const struct vault_wish wish = {
        .code = &rc->code,
        .client = {.family = NETADDR_V4, .bits = 32, .b = {192, 0, 2, 1}},
    };

    return vault_open(v, &wish, ret);
}

/* How many blobs lie in the storage. */
static inline enum err
count_blob(void *ctx, const struct blob_name *name, bool *ret_known)
{
    (void)ctx;
    (void)name;
    *ret_known = true;
    return ERR_OK;
}

static inline uint64_t
n_blobs(struct room *r)
{
    struct blob_scan scan = {.is_known = count_blob};

    assert_ok(blob_scan_orphans(r->blobs, &scan));
    assert_int_equal(scan.n_foreign, 0);
    return scan.n_kept;
}

/* Uploads with a record. */
static inline uint64_t
n_live(struct room *r)
{
    struct store_stats st;

    assert_ok(store_stats(r->inner, &st));
    return st.n_live;
}

#endif
