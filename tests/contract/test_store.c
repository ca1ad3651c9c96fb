/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of store.h, one body against every backend, or the one whose name is given. A new
 * backend is a file backend_*.c and an entry in `backends`. This file holds the fixture; the tests
 * are in store_*.c beside it. */
#include "store_contract.h"

#include <stdio.h>
#include <stdlib.h>

static const struct backend *const backends[] = {
    &sqlite_backend,
    &redis_backend,
    &cluster_backend,
};

static const struct contract_tests *const tables[] = {
    &store_put_tests,   &store_claim_tests,  &store_lease_tests, &store_end_tests,
    &store_count_tests, &store_thread_tests, &store_model_tests, &store_node_tests,
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

/* ---- what is left open to a shared store ---- */

static int64_t
next_due(const struct fixture *f)
{
    int64_t at = -1;

    assert_ok(store_next_due(f->s, &at));
    return at;
}

void
assert_next_due(const struct fixture *f, int64_t want_s, int64_t now_s)
{
    int64_t got_s = next_due(f), latest_s = want_s > now_s ? want_s : now_s;

    if (f->backend->is_shared ? got_s > latest_s : got_s != want_s)
        fail_msg("next due is %lld, not %lld", (long long)got_s, (long long)want_s);
}

void
assert_next_due_ahead(const struct fixture *f, int64_t want_s, int64_t now_s)
{
    int64_t got_s = next_due(f);

    assert_next_due(f, want_s, now_s);
    if (got_s <= now_s)
        fail_msg("next due is %lld, still", (long long)got_s);
}

int64_t
drop_due(const struct fixture *f, int64_t at_s)
{
    return f->backend->is_shared ? INT64_MAX : at_s;
}

int64_t
clock_back(const struct fixture *f, int64_t to_s, int64_t ran_out_s)
{
    return f->backend->is_shared && ran_out_s > to_s ? ran_out_s : to_s;
}

/* ---- the fixture ---- */

static int
setup(void **state)
{
    const struct fixture *empty = *state;
    struct fixture *f = malloc(sizeof(*f));

    if (f == NULL)
        return -1;
    *f = *empty;
    if (f->backend->clear(f->place) != ERR_OK ||
        f->backend->open(f->place, TOMBSTONE_S, &f->s) != ERR_OK) {
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

    store_free(f->s);
    free(f);
    return 0;
}

void
fixture_reopen(struct fixture *f)
{
    store_free(f->s);
    f->s = NULL;
    assert_ok(f->backend->open(f->place, TOMBSTONE_S, &f->s));
}

struct store *
fixture_open(struct fixture *f)
{
    struct store *s = NULL;

    assert_ok(f->backend->open(f->place, TOMBSTONE_S, &s));
    return s;
}

/* Every test of every table, with the fixture of one backend. */
static int
run(const struct backend *backend)
{
    struct fixture empty = {.backend = backend};
    struct CMUnitTest all[256];
    size_t n = 0;
    int failed;

    if (backend->begin(&empty.place) != ERR_OK) {
        (void)fprintf(stderr, "%s: %s\n", backend->name, err_sentence());
        return 1;
    }
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        if (tables[t] == &store_node_tests && !backend->is_shared)
            continue;
        for (size_t i = 0; i < tables[t]->n && n < 256; i++) {
            all[n] = tables[t]->tests[i];
            all[n].setup_func = setup;
            all[n].teardown_func = teardown;
            all[n].initial_state = &empty;
            n++;
        }
    }
    failed = _cmocka_run_group_tests(backend->name, all, n, NULL, NULL);
    backend->end(empty.place);
    return failed;
}

int
main(int argc, char **argv)
{
    int failed = 0, n = 0;

    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (argc > 1 && strcmp(argv[1], backends[i]->name) != 0)
            continue;
        failed += run(backends[i]);
        n++;
    }
    return n == 0 || failed > 255 ? 255 : failed;
}
