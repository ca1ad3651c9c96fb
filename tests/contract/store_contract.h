/* SPDX-License-Identifier: Apache-2.0 */
/* store_contract: what the contract tests of the store share. Each file brings one table of tests;
 * test_store.c runs every table against every backend. A test gets a `struct fixture` with a fresh
 * store; it may call fixture_reopen, but must not ask which backend it is. */
#ifndef MAYFLY_TESTS_STORE_CONTRACT_H
#define MAYFLY_TESTS_STORE_CONTRACT_H

#include "testing.h"

#include "store/store.h"

#include <string.h>

struct backend {
    const char *name;
    enum err (*open)(const char *dir, int64_t tombstone_s, struct store **ret_store);
};

struct fixture {
    const struct backend *backend;
    char dir[64]; /* a folder of this test alone */
    struct store *s;
};

/* Close the store and open it again, as a restart of the server does. */
void fixture_reopen(struct fixture *f);

/* The sample upload: 100 bytes, 2 uses, from T0 to T0 + 600. */
enum {
    T0 = 100000,
    EXPIRES = T0 + 600,
    LEASE_S = 60,
    TOMBSTONE_S = 5000,
    SIZE = 100,
    STORED = 173
};

/* Names by a small number; different numbers give different names. */
struct share_id id_of(unsigned tag);
struct blob_name blob_of(unsigned tag);
struct record sample(unsigned tag);

/* Claim as client number `client`, with a lease of LEASE_S. */
enum err try_claim(struct store *s, unsigned tag, unsigned client, int64_t now_s,
                   struct record *ret_rec, struct lease_id *ret_lease);

/* The same where it must succeed. */
struct lease_id claim(struct store *s, unsigned tag, unsigned client, int64_t now_s);

/* As try_claim, for store_resume. */
enum err try_resume(struct store *s, unsigned tag, unsigned client, uint64_t from, int64_t now_s,
                    struct lease_id *ret_lease);

/* Settle from..to; whether the upload ended. */
bool settle(struct store *s, unsigned tag, const struct lease_id *lease, uint64_t from, uint64_t to,
            int64_t now_s);

unsigned end_due(struct store *s, int64_t now_s);
struct share_state status(struct store *s, unsigned tag, int64_t now_s);

#define assert_ended(how, at, state)                                                               \
    do {                                                                                           \
        struct share_state st_ = (state);                                                          \
        assert_int_equal(SHARE_ENDED, st_.phase);                                                  \
        assert_int_equal((how), st_.ended_by);                                                     \
        assert_int_equal((at), st_.ended_at_s);                                                    \
    } while (0)

#define assert_active(uses, state)                                                                 \
    do {                                                                                           \
        struct share_state st_ = (state);                                                          \
        assert_int_equal(SHARE_ACTIVE, st_.phase);                                                 \
        assert_int_equal((uses), st_.uses_left);                                                   \
    } while (0)

#define assert_unknown(state) assert_int_equal(SHARE_UNKNOWN, (state).phase)

void assert_same_record(const struct record *want, const struct record *got);

/* ---- the tables ---- */

struct contract_tests {
    const struct CMUnitTest *tests;
    size_t n;
};

#define CONTRACT_TESTS(name, table)                                                                \
    const struct contract_tests name = {(table), sizeof(table) / sizeof((table)[0])}

extern const struct contract_tests store_put_tests, store_claim_tests, store_lease_tests,
    store_end_tests, store_count_tests, store_thread_tests, store_model_tests;

#endif
