/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of store.h, one body against every backend. A new backend is one entry in
 * `backends`. This file holds the fixture; the tests are in store_*.c beside it. */
#include "store_contract.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct backend backends[] = {
    {"sqlite", store_sqlite_open},
};

static const struct contract_tests *const tables[] = {
    &store_put_tests,   &store_claim_tests,  &store_lease_tests, &store_end_tests,
    &store_count_tests, &store_thread_tests, &store_model_tests,
};

/* ---- what the tests share ---- */

struct share_id
id_of(unsigned tag)
{
    struct share_id id = {{0x1d, (uint8_t)(tag >> 16), (uint8_t)(tag >> 8), (uint8_t)tag}};

    return id;
}

struct blob_name
blob_of(unsigned tag)
{
    struct blob_name blob = {{0xb1, (uint8_t)(tag >> 16), (uint8_t)(tag >> 8), (uint8_t)tag}};

    return blob;
}

struct record
sample(unsigned tag)
{
    struct record rec = {
        .id = id_of(tag),
        .blob = blob_of(tag),
        .size_bytes = SIZE,
        .stored_bytes = STORED,
        .created_at_s = T0,
        .expires_at_s = EXPIRES,
        .uses_total = 2,
        .uses_left = 2,
        .sealed_len = 400,
    };

    memset(rec.burn_hash, 0xb0, sizeof(rec.burn_hash));
    memset(rec.sealed, 0x5e, rec.sealed_len);
    rec.sealed[0] = (uint8_t)tag;
    return rec;
}

static struct store_claim
claim_of(unsigned tag, unsigned client, int64_t now_s)
{
    struct store_claim c = {
        .id = id_of(tag),
        .client = {{0xc1, (uint8_t)client}},
        .now_s = now_s,
        .lease_s = LEASE_S,
    };

    return c;
}

enum err
try_claim(struct store *s, unsigned tag, unsigned client, int64_t now_s, struct record *ret_rec,
          struct lease_id *ret_lease)
{
    struct store_claim c = claim_of(tag, client, now_s);

    return store_claim(s, &c, ret_rec, ret_lease);
}

struct lease_id
claim(struct store *s, unsigned tag, unsigned client, int64_t now_s)
{
    struct lease_id lease;
    struct record rec;

    assert_ok(try_claim(s, tag, client, now_s, &rec, &lease));
    return lease;
}

enum err
try_resume(struct store *s, unsigned tag, unsigned client, uint64_t from, int64_t now_s,
           struct lease_id *ret_lease)
{
    struct store_claim c = claim_of(tag, client, now_s);
    struct record rec;

    return store_resume(s, &c, from, &rec, ret_lease);
}

bool
settle(struct store *s, unsigned tag, const struct lease_id *lease, uint64_t from, uint64_t to,
       int64_t now_s)
{
    struct store_span span = {from, to};
    struct share_id id = id_of(tag);
    bool ended = false;

    assert_ok(store_settle(s, &id, lease, &span, now_s, &ended));
    return ended;
}

unsigned
end_due(struct store *s, int64_t now_s)
{
    unsigned n = 0;

    assert_ok(store_end_due(s, now_s, 1000, &n));
    return n;
}

struct share_state
status(struct store *s, unsigned tag, int64_t now_s)
{
    struct share_id id = id_of(tag);
    struct share_state st;

    memset(&st, 0xff, sizeof(st));
    assert_ok(store_status(s, &id, now_s, &st));
    return st;
}

void
assert_same_record(const struct record *want, const struct record *got)
{
    assert_memory_equal(&want->id, &got->id, sizeof(want->id));
    assert_memory_equal(&want->blob, &got->blob, sizeof(want->blob));
    assert_int_equal(want->size_bytes, got->size_bytes);
    assert_int_equal(want->stored_bytes, got->stored_bytes);
    assert_int_equal(want->created_at_s, got->created_at_s);
    assert_int_equal(want->expires_at_s, got->expires_at_s);
    assert_int_equal(want->uses_total, got->uses_total);
    assert_int_equal(want->uses_left, got->uses_left);
    assert_int_equal(want->preview_taken, got->preview_taken);
    assert_memory_equal(want->burn_hash, got->burn_hash, sizeof(want->burn_hash));
    assert_int_equal(want->sealed_len, got->sealed_len);
    assert_memory_equal(want->sealed, got->sealed, want->sealed_len);
}

/* ---- the fixture ---- */

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    f->backend = *state;
    /* In memory where that is to be had: thousands of commits, each with a sync. */
    (void)snprintf(f->dir, sizeof(f->dir), "%s/mayfly-store-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(f->dir) == NULL || f->backend->open(f->dir, TOMBSTONE_S, &f->s) != ERR_OK) {
        (void)fprintf(stderr, "set-up: %s\n", err_sentence());
        free(f);
        return -1;
    }
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    struct dirent *entry;
    DIR *dir;

    store_free(f->s);
    dir = opendir(f->dir);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

void
fixture_reopen(struct fixture *f)
{
    store_free(f->s);
    f->s = NULL;
    assert_ok(f->backend->open(f->dir, TOMBSTONE_S, &f->s));
}

/* Every test of every table, with the fixture of one backend. */
static int
run(const struct backend *backend)
{
    struct CMUnitTest all[256];
    size_t n = 0;

    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        for (size_t i = 0; i < tables[t]->n && n < 256; i++) {
            all[n] = tables[t]->tests[i];
            all[n].setup_func = setup;
            all[n].teardown_func = teardown;
            all[n].initial_state = (void *)(uintptr_t)backend;
            n++;
        }
    }
    return _cmocka_run_group_tests(backend->name, all, n, NULL, NULL);
}

int
main(void)
{
    int failed = 0;

    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
        failed += run(&backends[i]);
    return failed > 255 ? 255 : failed;
}
