/* SPDX-License-Identifier: Apache-2.0 */
/* store_contract: what the contract tests of the store share. Each file brings one table of tests;
 * test_store.c runs every table against every backend. A test gets a `struct fixture` with a fresh
 * store; it may call fixture_reopen, but must not ask which backend it is. What store.h leaves open
 * to a shared store is known to the helpers here alone. */
#ifndef MAYFLY_TESTS_STORE_CONTRACT_H
#define MAYFLY_TESTS_STORE_CONTRACT_H

#include "testing.h"

#include "store/store.h"

#include <string.h>

/* A backend, and the place where its stores keep what they know: a folder, a server. */
struct backend {
    const char *name;
    bool is_shared; /* several stores may use a place at once; it drops things by its own clock */
    enum err (*begin)(void **ret_place); /* once, before all tests */
    enum err (*clear)(void *place);      /* make it empty; no store uses it */
    enum err (*open)(void *place, int64_t tombstone_s, struct store **ret_store);
    void (*end)(void *place);
};

extern const struct backend sqlite_backend, redis_backend, cluster_backend;

struct fixture {
    const struct backend *backend;
    void *place;
    struct store *s;
};

/* Close the store and open it again, as a restart of the server does. */
void fixture_reopen(struct fixture *f);

/* Another store at the same place, as on another node; the caller frees. For shared ones only. */
struct store *fixture_open(struct fixture *f);

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

/* store_next_due says `want_s`; a shared store may say something earlier. */
void assert_next_due(const struct fixture *f, int64_t want_s, int64_t now_s);

/* The same where store_end_due(now_s) was just called and left nothing to do: then what it says
 * lies ahead, else the sweeper would ask again and again. */
void assert_next_due_ahead(const struct fixture *f, int64_t want_s, int64_t now_s);

/* When store_next_due calls for dropping a tombstone or counter that runs out at `at_s`: never, in
 * a shared store. */
int64_t drop_due(const struct fixture *f, int64_t at_s);

/* The time after the clock was put back to `to_s`, where tombstones and counters have run out, the
 * last one at `ran_out_s`. They are gone for good when store_end_due has dropped them; but a shared
 * store drops them by its own clock, so it may show them again to who asks for an earlier time, and
 * the clock is put back no further than to `ran_out_s`. */
int64_t clock_back(const struct fixture *f, int64_t to_s, int64_t ran_out_s);

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

extern const struct contract_tests store_node_tests; /* for shared ones only */

#endif
