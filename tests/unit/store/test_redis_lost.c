/* SPDX-License-Identifier: Apache-2.0 */
/* The shared store when Redis does not have what was put there: scripts forgotten, keys dropped by
 * its own clock, everything gone after a restart, values that are not ours. No use is then handed
 * out that was not granted, and no blob is left without an end as long as the index names it. */
#include "testing.h"

#include "base/clock.h"
#include "redis_server.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    T0 = 100000,
    EXPIRES = T0 + 600,
    TOMBSTONE_S = 5000,
    SIZE = 10,
    STORED = 173,
    MANY = 40, /* more than are ended in one go */
    WAIT_MS = 20000,
};

#define ID_1 "1d000000000000000000000000000001" /* of upload 1 */

struct room {
    struct redis_server server;
    struct store *s;
};

static struct share_id
id_of(unsigned tag)
{
    struct share_id id = {{0x1d}};

    id.b[ID_LEN - 1] = (uint8_t)tag;
    return id;
}

static struct blob_name
blob_of(unsigned tag)
{
    struct blob_name blob = {{0xb1}};

    blob.b[ID_LEN - 1] = (uint8_t)tag;
    return blob;
}

static enum err
try_put(struct store *s, unsigned tag)
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

    return store_put(s, &rec);
}

static enum err
try_claim(struct store *s, unsigned tag, struct lease_id *ret_lease)
{
    struct store_claim c = {id_of(tag), {{0xc1}}, T0, 60};
    struct record rec;

    return store_claim(s, &c, &rec, ret_lease);
}

static enum err
try_lookup(struct store *s, unsigned tag)
{
    struct share_id id = id_of(tag);
    struct record rec;

    return store_lookup(s, &id, T0, &rec);
}

static enum err
try_preview(struct store *s, unsigned tag)
{
    struct share_id id = id_of(tag);
    struct record rec;

    return store_take_preview(s, &id, T0, &rec);
}

static enum err
try_resume(struct store *s, unsigned tag)
{
    struct store_claim c = {id_of(tag), {{0xc1}}, T0, 60};
    struct lease_id lease;
    struct record rec;

    return store_resume(s, &c, 0, &rec, &lease);
}

static enum share_phase
phase_of(struct store *s, unsigned tag)
{
    struct share_id id = id_of(tag);
    struct share_state st;

    assert_ok(store_status(s, &id, T0, &st));
    return st.phase;
}

static unsigned
end_due(struct store *s, int64_t now_s)
{
    unsigned n = 0;

    assert_ok(store_end_due(s, now_s, 1000, &n));
    return n;
}

/* Just now: this node's own steps count at once. */
static void
assert_stats(uint64_t n_live, uint64_t stored_bytes, struct store *s)
{
    struct store_stats st;

    assert_ok(store_stats(s, &st));
    assert_int_equal(n_live, st.n_live);
    assert_int_equal(stored_bytes, st.stored_bytes);
}

#define redis_does(r, ...) assert_true(redis_server_does(&(r)->server, __VA_ARGS__))

/* ---- scripts ---- */

static void
scripts_that_redis_forgot_are_sent_again(void **state)
{
    struct room *r = *state;
    struct share_id one = id_of(1), two = id_of(2);
    struct store_span some = {0, SIZE - 1};
    struct blob_name blob = blob_of(1);
    struct doomed_blob doomed;
    struct counter counter;
    struct lease_id lease;
    bool ended;

#define FORGET() redis_does(r, "SCRIPT FLUSH")
    FORGET();
    assert_ok(try_put(r->s, 1));
    FORGET();
    assert_ok(try_claim(r->s, 1, &lease));
    FORGET();
    assert_ok(store_settle(r->s, &one, &lease, &some, T0, &ended));
    FORGET();
    assert_ok(store_renew(r->s, &one, &lease, T0, 60));
    FORGET();
    assert_ok(store_release(r->s, &one, &lease));
    FORGET();
    assert_ok(try_preview(r->s, 1));
    FORGET();
    assert_ok(try_lookup(r->s, 1));
    FORGET();
    assert_ok(store_count(r->s, "fails:a", 1, 60, T0, &counter));
    assert_ok(try_put(r->s, 2));
    FORGET();
    assert_ok(store_remove(r->s, &two, ENDED_REVOKED, T0));
    FORGET();
    assert_int_equal(1, end_due(r->s, EXPIRES));
    FORGET();
    assert_ok(store_take_doomed(r->s, EXPIRES, 30, &doomed));
    FORGET();
    assert_ok(store_hold_doomed(r->s, &blob, EXPIRES + 60));
    FORGET();
    assert_ok(store_forget_doomed(r->s, &blob));
    assert_stats(0, STORED, r->s);
#undef FORGET
}

static void
many_ends_after_the_scripts_were_forgotten_are_each_made_once(void **state)
{
    struct room *r = *state;

    for (unsigned i = 0; i < MANY; i++)
        assert_ok(try_put(r->s, i));
    redis_does(r, "SCRIPT FLUSH");
    assert_int_equal(MANY, end_due(r->s, EXPIRES));
    assert_int_equal(0, end_due(r->s, EXPIRES));
    assert_stats(0, (uint64_t)MANY * STORED, r->s);
}

/* ---- keys that are gone ---- */

/* Its blob must come up, and then all is forgotten. */
static void
assert_only_blob_1_is_left(struct room *r, int64_t now_s)
{
    struct blob_name blob = blob_of(1);
    struct doomed_blob doomed;

    assert_stats(0, STORED, r->s);
    assert_ok(store_take_doomed(r->s, now_s, 30, &doomed));
    assert_memory_equal(&blob, &doomed.blob, sizeof(blob));
    assert_int_equal(STORED, doomed.stored_bytes);
    assert_ok(store_forget_doomed(r->s, &blob));
    assert_stats(0, 0, r->s);
}

static void
a_record_without_its_sealed_part_is_not_to_be_had(void **state)
{
    struct room *r = *state;
    struct lease_id lease;

    assert_ok(try_put(r->s, 1));
    assert_ok(try_claim(r->s, 1, &lease));
    redis_does(r, "DEL sealed:{" ID_1 "}");
    assert_err(ERR_GONE, try_lookup(r->s, 1));
    assert_err(ERR_GONE, try_claim(r->s, 1, &lease));
    assert_err(ERR_GONE, try_preview(r->s, 1));
    assert_err(ERR_NOTFOUND, try_resume(r->s, 1));
    assert_err(ERR_EXISTS, try_put(r->s, 1));
    assert_int_equal(1, end_due(r->s, EXPIRES));
    assert_only_blob_1_is_left(r, EXPIRES);
}

static void
the_blob_of_a_record_that_redis_dropped_is_doomed_when_it_was_due(void **state)
{
    struct room *r = *state;
    struct lease_id lease;
    struct doomed_blob doomed;
    int64_t at_s = INT64_MAX;

    assert_ok(try_put(r->s, 1));
    assert_ok(try_claim(r->s, 1, &lease));
    redis_does(r, "DEL upload:{" ID_1 "} sealed:{" ID_1 "} leases:{" ID_1 "}");
    assert_int_equal(SHARE_UNKNOWN, phase_of(r->s, 1));
    assert_err(ERR_NOTFOUND, try_lookup(r->s, 1));
    assert_err(ERR_NOTFOUND, try_claim(r->s, 1, &lease));
    assert_err(ERR_NOTFOUND, try_resume(r->s, 1));
    assert_ok(store_next_due(r->s, &at_s));
    assert_in_range(at_s, 0, EXPIRES);
    assert_int_equal(0, end_due(r->s, T0));
    assert_err(ERR_NOTFOUND, store_take_doomed(r->s, T0, 30, &doomed));
    (void)end_due(r->s, EXPIRES);
    assert_only_blob_1_is_left(r, EXPIRES);
}

static void
an_id_put_again_after_a_loss_keeps_the_new_blob(void **state)
{
    struct room *r = *state;
    struct blob_name old = blob_of(1), new = blob_of(2);
    struct record rec = {
        .id = id_of(1),
        .blob = new,
        .size_bytes = SIZE,
        .stored_bytes = STORED,
        .created_at_s = T0,
        .expires_at_s = EXPIRES + 100,
        .uses_total = 1,
        .uses_left = 1,
    };
    struct doomed_blob doomed;

    assert_ok(try_put(r->s, 1));
    redis_does(r, "DEL upload:{" ID_1 "} sealed:{" ID_1 "}");
    assert_ok(store_put(r->s, &rec));
    (void)end_due(r->s, EXPIRES);
    assert_int_equal(SHARE_ACTIVE, phase_of(r->s, 1));
    assert_ok(store_take_doomed(r->s, EXPIRES, 30, &doomed));
    assert_memory_equal(&old, &doomed.blob, sizeof(old));
    assert_err(ERR_NOTFOUND, store_take_doomed(r->s, EXPIRES, 30, &doomed));
    assert_stats(1, 2 * STORED, r->s);
}

/* After a restart the first calls may find the old connections broken, and fail in time. */
static void
await_ping(struct store *s)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;

    while (store_ping(s) != ERR_OK) {
        if (clock_mono_ms() > until_ms)
            fail_msg("Redis is back, and the store does not see it: %s", err_sentence());
        (void)usleep(10000);
    }
}

static void
a_redis_that_restarts_empty_is_a_new_store(void **state)
{
    struct room *r = *state;
    struct doomed_blob doomed;
    struct lease_id lease;

    assert_ok(try_put(r->s, 1));
    assert_ok(try_claim(r->s, 1, &lease));
    redis_server_kill(&r->server);
    assert_err(ERR_UNAVAIL, try_claim(r->s, 1, &lease));
    assert_err(ERR_UNAVAIL, try_put(r->s, 2));
    assert_ok(redis_server_restart(&r->server));
    await_ping(r->s);
    assert_int_equal(SHARE_UNKNOWN, phase_of(r->s, 1));
    assert_err(ERR_NOTFOUND, try_claim(r->s, 1, &lease));
    assert_int_equal(0, end_due(r->s, EXPIRES));
    assert_err(ERR_NOTFOUND, store_take_doomed(r->s, EXPIRES, 30, &doomed));
    assert_ok(try_put(r->s, 1));
    assert_ok(try_claim(r->s, 1, &lease));
    assert_stats(1, STORED, r->s);
}

/* ---- values that are not ours ---- */

static void
a_key_of_another_type_is_damage(void **state)
{
    struct room *r = *state;
    struct counter counter = {77, 77};
    struct share_state st = {.uses_left = 77};
    struct share_id one = id_of(1);
    struct lease_id lease;

    redis_does(r, "SET upload:{" ID_1 "} x");
    assert_err(ERR_INTEGRITY, store_status(r->s, &one, T0, &st));
    assert_int_equal(77, st.uses_left);
    assert_err(ERR_INTEGRITY, try_claim(r->s, 1, &lease));
    assert_err(ERR_INTEGRITY, try_put(r->s, 1));
    redis_does(r, "SET fails:a x");
    assert_err(ERR_INTEGRITY, store_peek(r->s, "fails:a", T0, &counter));
    assert_err(ERR_INTEGRITY, store_count(r->s, "fails:a", 1, 60, T0, &counter));
    assert_int_equal(77, counter.value);
    assert_ok(store_ping(r->s)); /* and nothing worse */
}

static void
a_field_that_is_no_number_is_damage(void **state)
{
    static const char *const fields[] = {"size_bytes",   "stored_bytes", "created_at_s",
                                         "expires_at_s", "uses_total",   "uses_left",
                                         "blob",         "burn_hash",    "preview_taken"};
    static const char *const values[] = {"", "x", "-", "99999999999999999999", "1x"};
    struct room *r = *state;
    char field[40];

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
            enum err e;

            redis_does(r, "FLUSHALL");
            assert_ok(try_put(r->s, 1));
            assert_ok(try_lookup(r->s, 1));
            (void)snprintf(field, sizeof(field), "%s", fields[i]);
            redis_does(r, "HSET upload:{" ID_1 "} %s %s", field, values[k]);
            e = try_lookup(r->s, 1);
            if (e != ERR_INTEGRITY && e != ERR_GONE) /* ended is as good as damaged */
                fail_msg("%s=%s: %s", field, values[k], err_name(e));
        }
    }
}

static void
a_lease_that_is_damaged_takes_no_other_with_it(void **state)
{
    struct room *r = *state;
    struct share_id one = id_of(1), two = id_of(2);
    struct lease_id lease, other;

    assert_ok(try_put(r->s, 1));
    assert_ok(try_put(r->s, 2));
    assert_ok(try_claim(r->s, 1, &lease));
    assert_ok(try_claim(r->s, 2, &other));
    redis_does(r, "HSET leases:{" ID_1 "} 00112233445566778899aabbccddeeff junk");
    assert_err(ERR_INTEGRITY, try_resume(r->s, 1));
    assert_ok(store_renew(r->s, &one, &lease, T0, 60));
    assert_ok(try_resume(r->s, 2));
    assert_ok(store_renew(r->s, &two, &other, T0, 60));
}

/* ---- */

static int
setup(void **state)
{
    struct room *r = calloc(1, sizeof(*r));
    char url[128];
    struct store_redis_opts opts = {.url = url, .tombstone_s = TOMBSTONE_S};

    if (r == NULL)
        return -1;
    *state = r;
    if (redis_server_start(NULL, &r->server) != ERR_OK)
        return -1;
    (void)snprintf(url, sizeof(url), "unix://%s", r->server.unix_path);
    return store_redis_open(&opts, &r->s) != ERR_OK ? -1 : 0;
}

static int
teardown(void **state)
{
    struct room *r = *state;

    store_free(r->s);
    redis_server_done(&r->server);
    free(r);
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
    test(scripts_that_redis_forgot_are_sent_again),
    test(many_ends_after_the_scripts_were_forgotten_are_each_made_once),
    test(a_record_without_its_sealed_part_is_not_to_be_had),
    test(the_blob_of_a_record_that_redis_dropped_is_doomed_when_it_was_due),
    test(an_id_put_again_after_a_loss_keeps_the_new_blob),
    test(a_redis_that_restarts_empty_is_a_new_store),
    test(a_key_of_another_type_is_damage),
    test(a_field_that_is_no_number_is_damage),
    test(a_lease_that_is_damaged_takes_no_other_with_it),
};

int
main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
