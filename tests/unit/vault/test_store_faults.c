/* SPDX-License-Identifier: Apache-2.0 */
/* What the vault does when its store fails half way: keys are still made unrecoverable. The store
 * is one that does nothing but answer as it is told, and counts. */
#include "testing.h"

#include "remove_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store_int.h"
#include "vault/vault.h"

enum { T0 = 1000000, NEXT_AT_S = T0 + 500 };

struct fake_store {
    struct store store;
    enum err put, lookup, remove, end_due, scrub; /* the answers */
    unsigned n_put, n_removed, n_swept, n_scrubbed;
    struct share_id put_id, removed_id;
    struct blob_name put_blob;
    bool finds_what_was_put; /* a look-up's blob is the one of the last put; else zeros */
};

static struct fake_store *
fake_of(struct store *s)
{
    return (struct fake_store *)s;
}

static enum err
fake_put(struct store *s, const struct record *rec)
{
    fake_of(s)->n_put++;
    fake_of(s)->put_id = rec->id;
    fake_of(s)->put_blob = rec->blob;
    return fake_of(s)->put;
}

static enum err
fake_remove(struct store *s, const struct share_id *id, enum ended_by how, int64_t now_s)
{
    (void)how;
    (void)now_s;
    fake_of(s)->n_removed++;
    fake_of(s)->removed_id = *id;
    return fake_of(s)->remove;
}

static enum err
fake_lookup(struct store *s, const struct share_id *id, int64_t now_s, struct record *ret_rec)
{
    (void)id;
    (void)now_s;
    if (fake_of(s)->lookup == ERR_OK)
        *ret_rec = (struct record){.id = fake_of(s)->put_id};
    if (fake_of(s)->lookup == ERR_OK && fake_of(s)->finds_what_was_put)
        ret_rec->blob = fake_of(s)->put_blob;
    return fake_of(s)->lookup;
}

static enum err
fake_end_due(struct store *s, int64_t now_s, unsigned max, unsigned *ret_n)
{
    (void)now_s;
    (void)max;
    fake_of(s)->n_swept++;
    if (fake_of(s)->end_due == ERR_OK)
        *ret_n = 0;
    return fake_of(s)->end_due;
}

static enum err
fake_scrub(struct store *s)
{
    fake_of(s)->n_scrubbed++;
    return fake_of(s)->scrub;
}

static enum err
fake_next_due(struct store *s, int64_t *ret_at_s)
{
    (void)s;
    *ret_at_s = NEXT_AT_S;
    return ERR_OK;
}

static const struct store_ops fake_ops = {
    .put = fake_put,
    .lookup = fake_lookup,
    .remove = fake_remove,
    .end_due = fake_end_due,
    .scrub = fake_scrub,
    .next_due = fake_next_due,
};

struct room {
    char dir[64];
    struct fake_store fake;
    struct secret *pepper;
    struct blobs *blobs;
    struct vault *vault;
};

static int64_t
test_now(void)
{
    return T0;
}

static int
setup(void **state)
{
    struct room *r = calloc(1, sizeof(*r));
    struct blob_dir_opts opts = {.shred_passes = 0};
    struct vault_cfg cfg = {
        .words = words_builtin(), .code_words = 4, .lease_s = 600, .now_s = test_now};

    assert_non_null(r);
    r->fake.store.ops = &fake_ops;
    r->fake.lookup = ERR_UNAVAIL;
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/mayfly-vault-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    opts.path = r->dir;
    assert_ok(secret_random(VAULT_PEPPER_LEN, &r->pepper));
    assert_ok(blob_dir_open(&opts, &r->blobs));
    cfg.store = &r->fake.store;
    cfg.blobs = r->blobs;
    cfg.pepper = r->pepper;
    assert_ok(vault_new(&cfg, &r->vault));
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct room *r = *state;

    vault_free(r->vault);
    blobs_free(r->blobs);
    secret_free(r->pepper);
    remove_tree(r->dir);
    free(r);
    return 0;
}

static enum err
put(struct room *r)
{
    const struct vault_terms terms = {
        .name = "notes.txt", .type = "text/plain", .ttl_s = 600, .uses = 1};
    struct vault_receipt receipt;
    struct vault_put *p = NULL;
    enum err e;

    assert_ok(vault_put_new(r->vault, 100, &p));
    assert_ok(vault_put_write(p, (const uint8_t *)"what is sent", 12));
    e = vault_put_commit(p, &terms, &receipt);
    vault_put_free(p);
    if (e == ERR_OK)
        vault_receipt_wipe(&receipt);
    return e;
}

static int64_t
next_due(struct room *r)
{
    int64_t at_s = 0;

    assert_ok(vault_next_due(r->vault, &at_s));
    return at_s;
}

static void
a_sweep_that_ended_nothing_scrubs_nothing(void **state)
{
    struct room *r = *state;
    unsigned n = 7;

    assert_ok(vault_sweep(r->vault, &n));
    assert_int_equal(n, 0);
    assert_int_equal(r->fake.n_scrubbed, 0);
    assert_int_equal(next_due(r), NEXT_AT_S);
}

/* The store may have ended uploads before it failed, and says no number of them then. */
static void
a_sweep_that_failed_is_followed_by_a_scrub(void **state)
{
    struct room *r = *state;
    unsigned n = 7;

    r->fake.end_due = ERR_IO;
    assert_err(ERR_IO, vault_sweep(r->vault, &n));
    assert_int_equal(n, 7);
    assert_int_equal(next_due(r), T0);
    r->fake.end_due = ERR_OK;
    assert_ok(vault_sweep(r->vault, &n));
    assert_int_equal(n, 0);
    assert_int_equal(r->fake.n_scrubbed, 1);
    assert_int_equal(next_due(r), NEXT_AT_S);
}

static void
a_scrub_that_failed_is_tried_again(void **state)
{
    struct room *r = *state;
    unsigned n;

    r->fake.end_due = ERR_IO;
    assert_err(ERR_IO, vault_sweep(r->vault, &n));
    r->fake.end_due = ERR_OK;
    r->fake.scrub = ERR_UNAVAIL;
    assert_err(ERR_UNAVAIL, vault_sweep(r->vault, &n));
    assert_int_equal(next_due(r), T0);
    r->fake.scrub = ERR_OK;
    assert_ok(vault_sweep(r->vault, &n));
    assert_int_equal(r->fake.n_scrubbed, 2);
}

static void
a_record_that_may_have_been_put_is_taken_back_and_scrubbed(void **state)
{
    struct room *r = *state;
    unsigned n;

    r->fake.put = ERR_UNAVAIL;
    assert_err(ERR_UNAVAIL, put(r));
    assert_int_equal(r->fake.n_removed, 1);
    assert_memory_equal(&r->fake.put_id, &r->fake.removed_id, sizeof(r->fake.put_id));
    assert_int_equal(next_due(r), T0);
    assert_ok(vault_sweep(r->vault, &n));
    assert_int_equal(r->fake.n_scrubbed, 1);
}

/* A code drawn twice is as good as never; but when a look says so, it is believed. */
static void
a_record_under_our_code_is_taken_back_unless_it_is_seen_to_be_anothers(void **state)
{
    struct room *r = *state;

    r->fake.put = ERR_UNAVAIL;
    r->fake.lookup = ERR_OK;
    assert_err(ERR_UNAVAIL, put(r));
    assert_int_equal(r->fake.n_removed, 0);
    r->fake.finds_what_was_put = true;
    assert_err(ERR_UNAVAIL, put(r));
    assert_int_equal(r->fake.n_removed, 1);
}

static void
a_record_that_was_not_put_is_not_taken_back(void **state)
{
    struct room *r = *state;

    r->fake.put = ERR_NOSPACE;
    assert_err(ERR_NOSPACE, put(r));
    r->fake.put = ERR_OK;
    assert_ok(put(r));
    assert_int_equal(r->fake.n_put, 2);
    assert_int_equal(r->fake.n_removed, 0);
}

static void
codes_that_are_all_in_use_end_the_drawing(void **state)
{
    struct room *r = *state;

    r->fake.put = ERR_EXISTS;
    assert_err(ERR_UNAVAIL, put(r));
    assert_in_range(r->fake.n_put, 2, 100);
    assert_int_equal(r->fake.n_removed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sweep_that_ended_nothing_scrubs_nothing),
        TEST(a_sweep_that_failed_is_followed_by_a_scrub),
        TEST(a_scrub_that_failed_is_tried_again),
        TEST(a_record_that_may_have_been_put_is_taken_back_and_scrubbed),
        TEST(a_record_under_our_code_is_taken_back_unless_it_is_seen_to_be_anothers),
        TEST(a_record_that_was_not_put_is_not_taken_back),
        TEST(codes_that_are_all_in_use_end_the_drawing),
    };
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
