/* SPDX-License-Identifier: Apache-2.0 */
/* ground: what handlers stand on in these tests: a real vault in a folder of its own, and counters
 * that are none of a store's. */
#ifndef MAYFLY_TESTS_UNIT_API_GROUND_H
#define MAYFLY_TESTS_UNIT_API_GROUND_H

#include "../policy/counters_fake.h"
#include "testing.h"

#include "remove_tree.h"

#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { T0 = 1000000 };

struct ground {
    char dir[64];
    struct secret *pepper;
    struct store *store;
    struct blobs *blobs;
    struct vault *vault;
    struct fake counters;
};

static inline int64_t
test_now(void)
{
    return T0;
}

static inline void
ground_open(struct ground *g)
{
    char storage[80];
    const struct blob_dir_opts opts = {.path = storage, .shred_passes = 1};
    struct vault_cfg cfg = {
        .words = words_builtin(), .code_words = 4, .lease_s = 600, .now_s = test_now};

    memset(g, 0, sizeof(*g));
    (void)pthread_mutex_init(&g->counters.lock, NULL);
    (void)snprintf(g->dir, sizeof(g->dir), "/tmp/mayfly-api-XXXXXX");
    assert_non_null(mkdtemp(g->dir));
    (void)snprintf(storage, sizeof(storage), "%s/storage", g->dir);
    assert_ok(secret_random(VAULT_PEPPER_LEN, &g->pepper));
    assert_ok(store_sqlite_open(g->dir, 86400, &g->store));
    assert_ok(blob_dir_open(&opts, &g->blobs));
    cfg.store = g->store;
    cfg.blobs = g->blobs;
    cfg.pepper = g->pepper;
    assert_ok(vault_new(&cfg, &g->vault));
}

static inline void
ground_close(struct ground *g)
{
    vault_free(g->vault);
    blobs_free(g->blobs);
    store_free(g->store);
    secret_free(g->pepper);
    remove_tree(g->dir);
    (void)pthread_mutex_destroy(&g->counters.lock);
}

#endif
