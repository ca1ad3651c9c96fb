/* SPDX-License-Identifier: Apache-2.0 */
/* The end of life: store_remove, store_end_due, store_next_due, store_take_doomed,
 * store_forget_doomed, store_scrub, store_stats. */
#include "store_contract.h"

static void
put(struct store *s, unsigned tag, uint32_t uses)
{
    struct record rec = sample(tag);

    rec.uses_total = rec.uses_left = uses;
    assert_ok(store_put(s, &rec));
}

static void
assert_stats(uint64_t n_live, uint64_t stored_bytes, struct store *s)
{
    struct store_stats st = {77, 77};

    assert_ok(store_stats(s, &st));
    assert_int_equal(n_live, st.n_live);
    assert_int_equal(stored_bytes, st.stored_bytes);
}

static int64_t
first(int64_t a_s, int64_t b_s)
{
    return a_s < b_s ? a_s : b_s;
}

/* ---- remove ---- */

static void
remove_leaves_a_tombstone_that_tells_how_and_when(void **state)
{
    struct fixture *f = *state;
    struct share_id one = id_of(1), two = id_of(2), three = id_of(3);
    struct share_state st;

    put(f->s, 1, 3);
    put(f->s, 2, 1);
    put(f->s, 3, 1);
    (void)claim(f->s, 1, 1, T0);
    assert_ok(store_remove(f->s, &one, ENDED_REVOKED, T0 + 7));
    assert_ok(store_remove(f->s, &two, ENDED_USES, T0 + 8));
    assert_ok(store_remove(f->s, &three, ENDED_EXPIRY, T0 + 9));
    st = status(f->s, 1, T0 + 10);
    assert_ended(ENDED_REVOKED, T0 + 7, st);
    assert_int_equal(EXPIRES, st.expires_at_s);
    assert_int_equal(3, st.uses_total);
    assert_int_equal(2, st.uses_left);
    assert_ended(ENDED_USES, T0 + 8, status(f->s, 2, T0 + 10));
    assert_ended(ENDED_EXPIRY, T0 + 9, status(f->s, 3, T0 + 10));
}

static void
remove_of_what_has_ended_is_gone(void **state)
{
    struct fixture *f = *state;
    struct share_id one = id_of(1), two = id_of(2);

    put(f->s, 1, 1);
    put(f->s, 2, 1);
    assert_ok(store_remove(f->s, &one, ENDED_REVOKED, T0 + 7));
    assert_err(ERR_GONE, store_remove(f->s, &one, ENDED_REVOKED, T0 + 8));
    assert_ended(ENDED_REVOKED, T0 + 7, status(f->s, 1, T0 + 8));
    assert_err(ERR_GONE, store_remove(f->s, &two, ENDED_REVOKED, EXPIRES));
    assert_ended(ENDED_EXPIRY, EXPIRES, status(f->s, 2, EXPIRES));
    assert_ok(store_remove(f->s, &two, ENDED_REVOKED, EXPIRES - 1));
}

static void
remove_of_what_never_was_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct share_id none = id_of(1);

    assert_err(ERR_NOTFOUND, store_remove(f->s, &none, ENDED_REVOKED, T0));
    assert_unknown(status(f->s, 1, T0));
    assert_next_due(f, INT64_MAX, T0);
}

static void
remove_of_a_used_up_upload_needs_a_lease_that_runs(void **state)
{
    struct fixture *f = *state;
    struct share_id one = id_of(1), two = id_of(2);

    put(f->s, 1, 1);
    put(f->s, 2, 1);
    (void)claim(f->s, 1, 1, T0);
    (void)claim(f->s, 2, 1, T0);
    assert_ok(store_remove(f->s, &one, ENDED_REVOKED, T0 + LEASE_S - 1));
    assert_ended(ENDED_REVOKED, T0 + LEASE_S - 1, status(f->s, 1, T0 + LEASE_S));
    assert_err(ERR_GONE, store_remove(f->s, &two, ENDED_REVOKED, T0 + LEASE_S));
    assert_ended(ENDED_USES, T0, status(f->s, 2, T0 + LEASE_S));
}

static void
a_tombstone_is_forgotten_at_its_time(void **state)
{
    struct fixture *f = *state;
    struct share_id one = id_of(1);
    int64_t back_s = clock_back(f, T0, T0 + TOMBSTONE_S);

    put(f->s, 1, 1);
    assert_ok(store_remove(f->s, &one, ENDED_REVOKED, T0));
    assert_ended(ENDED_REVOKED, T0, status(f->s, 1, T0 + TOMBSTONE_S - 1));
    assert_unknown(status(f->s, 1, T0 + TOMBSTONE_S));
    assert_int_equal(0, end_due(f->s, T0 + TOMBSTONE_S - 1));
    assert_ended(ENDED_REVOKED, T0, status(f->s, 1, T0));
    assert_int_equal(0, end_due(f->s, T0 + TOMBSTONE_S));
    assert_unknown(status(f->s, 1, back_s)); /* also for a clock that steps back */
    assert_err(ERR_NOTFOUND, store_remove(f->s, &one, ENDED_REVOKED, back_s));
}

/* ---- end_due ---- */

static void
what_expired_ends_at_its_expiry_however_late(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;

    assert_ok(store_put(f->s, &rec));
    assert_int_equal(0, end_due(f->s, EXPIRES - 1));
    assert_ok(store_lookup(f->s, &rec.id, EXPIRES - 1, &got));
    assert_int_equal(1, end_due(f->s, EXPIRES + 3000));
    assert_ended(ENDED_EXPIRY, EXPIRES, status(f->s, 1, EXPIRES + 3000));
    assert_err(ERR_GONE, store_lookup(f->s, &rec.id, T0, &got));
    assert_int_equal(0, end_due(f->s, EXPIRES + 3000));
}

static void
what_is_used_up_ends_when_its_last_lease_is_over(void **state)
{
    struct fixture *f = *state;

    put(f->s, 1, 2);
    (void)claim(f->s, 1, 1, T0);
    (void)claim(f->s, 1, 2, T0 + 20);
    assert_int_equal(0, end_due(f->s, T0 + LEASE_S));
    assert_int_equal(0, end_due(f->s, T0 + 20 + LEASE_S - 1));
    assert_int_equal(1, end_due(f->s, T0 + 20 + LEASE_S));
    assert_ended(ENDED_USES, T0 + 20, status(f->s, 1, T0 + 200));
}

static void
an_upload_with_uses_left_does_not_end_with_its_lease(void **state)
{
    struct fixture *f = *state;

    put(f->s, 1, 2);
    (void)claim(f->s, 1, 1, T0);
    assert_int_equal(0, end_due(f->s, T0 + LEASE_S));
    assert_active(1, status(f->s, 1, T0 + LEASE_S));
}

static void
end_due_ends_no_more_than_it_was_told(void **state)
{
    struct fixture *f = *state;
    unsigned n = 77;

    for (unsigned i = 0; i < 150; i++)
        put(f->s, i, 1);
    assert_ok(store_end_due(f->s, EXPIRES, 0, &n));
    assert_int_equal(0, n);
    assert_stats(150, 150 * STORED, f->s);
    assert_ok(store_end_due(f->s, EXPIRES, 1, &n));
    assert_int_equal(1, n);
    assert_ok(store_end_due(f->s, EXPIRES, 100, &n));
    assert_int_equal(100, n);
    assert_stats(49, 150 * STORED, f->s);
    assert_next_due(f, 0, EXPIRES); /* blobs are waiting */
    assert_ok(store_end_due(f->s, EXPIRES, 100, &n));
    assert_int_equal(49, n);
    assert_ok(store_end_due(f->s, EXPIRES, 100, &n));
    assert_int_equal(0, n);
}

static void
a_tombstone_past_its_time_when_it_is_made_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);

    assert_ok(store_put(f->s, &rec));
    assert_int_equal(1, end_due(f->s, EXPIRES + TOMBSTONE_S));
    assert_unknown(status(f->s, 1, EXPIRES + TOMBSTONE_S));
    rec.created_at_s = clock_back(f, T0, EXPIRES + TOMBSTONE_S);
    rec.expires_at_s = rec.created_at_s + 600;
    assert_ok(store_put(f->s, &rec));
}

static void
many_tombstones_and_counters_are_dropped_in_one_call(void **state)
{
    struct fixture *f = *state;
    struct counter counter;
    char name[32];

    for (unsigned i = 0; i < 600; i++) {
        put(f->s, i, 1);
        (void)snprintf(name, sizeof(name), "fails:%u", i);
        assert_ok(store_count(f->s, name, 1, 10, T0, &counter));
    }
    assert_int_equal(600, end_due(f->s, EXPIRES));
    for (unsigned i = 0; i < 600; i++) {
        struct blob_name blob = blob_of(i);

        assert_ok(store_forget_doomed(f->s, &blob));
    }
    assert_next_due_ahead(f, drop_due(f, EXPIRES + TOMBSTONE_S), EXPIRES);
    assert_int_equal(0, end_due(f->s, EXPIRES + TOMBSTONE_S));
    assert_next_due_ahead(f, INT64_MAX, EXPIRES + TOMBSTONE_S);
    assert_stats(0, 0, f->s);
}

/* ---- next_due ---- */

static void
nothing_is_due_in_an_empty_store(void **state)
{
    struct fixture *f = *state;

    assert_next_due(f, INT64_MAX, T0);
    assert_int_equal(0, end_due(f->s, T0));
    assert_next_due_ahead(f, INT64_MAX, T0);
}

static void
next_due_is_the_earliest_of_expiries_leases_and_tombstones(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), later = sample(2);
    struct share_id one = id_of(1);

    later.expires_at_s = EXPIRES + TOMBSTONE_S;
    assert_ok(store_put(f->s, &later));
    assert_next_due(f, EXPIRES + TOMBSTONE_S, T0);
    assert_ok(store_put(f->s, &rec));
    assert_next_due(f, EXPIRES, T0);
    (void)claim(f->s, 2, 1, T0);
    assert_next_due(f, T0 + LEASE_S, T0);
    assert_int_equal(0, end_due(f->s, T0 + LEASE_S));
    assert_next_due_ahead(f, EXPIRES, T0 + LEASE_S);
    assert_ok(store_remove(f->s, &one, ENDED_REVOKED, T0));
    assert_ok(store_forget_doomed(f->s, &rec.blob));
    assert_next_due(f, first(drop_due(f, T0 + TOMBSTONE_S), EXPIRES + TOMBSTONE_S), T0);
}

static void
next_due_is_at_once_for_a_doomed_blob_until_somebody_holds_it(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct doomed_blob doomed;

    assert_ok(store_put(f->s, &rec));
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0));
    assert_next_due(f, 0, T0);
    assert_ok(store_take_doomed(f->s, T0, 30, &doomed));
    assert_next_due(f, T0 + 30, T0);
    assert_int_equal(0, end_due(f->s, T0));
    assert_next_due_ahead(f, T0 + 30, T0);
    assert_ok(store_forget_doomed(f->s, &rec.blob));
    assert_next_due(f, drop_due(f, T0 + TOMBSTONE_S), T0);
}

static void
next_due_is_at_once_for_a_used_up_upload_without_a_lease(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);

    rec.uses_left = 0;
    assert_ok(store_put(f->s, &rec));
    assert_next_due(f, 0, T0);
    assert_int_equal(1, end_due(f->s, T0));
}

static void
next_due_lets_counters_wait_a_minute(void **state)
{
    struct fixture *f = *state;
    struct counter counter;

    assert_ok(store_count(f->s, "fails:x", 1, 10, T0, &counter));
    assert_next_due(f, drop_due(f, T0 + 10 + 60), T0);
    assert_int_equal(0, end_due(f->s, T0 + 9));
    assert_next_due_ahead(f, drop_due(f, T0 + 10 + 60), T0 + 9);
    assert_int_equal(0, end_due(f->s, T0 + 10));
    assert_next_due_ahead(f, INT64_MAX, T0 + 10);
}

/* ---- doomed ---- */

static void
an_ended_upload_dooms_its_blob(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct doomed_blob doomed;
    struct lease_id lease;

    rec.uses_total = rec.uses_left = 1;
    assert_ok(store_put(f->s, &rec));
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, T0, 30, &doomed));
    lease = claim(f->s, 1, 1, T0 + 2);
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, T0 + 2, 30, &doomed));
    assert_true(settle(f->s, 1, &lease, 0, SIZE, T0 + 4));
    assert_ok(store_take_doomed(f->s, T0 + 5, 30, &doomed));
    assert_memory_equal(&rec.blob, &doomed.blob, sizeof(rec.blob));
    assert_int_equal(STORED, doomed.stored_bytes);
    assert_int_equal(T0 + 2, doomed.ended_at_s);
    assert_int_equal(ENDED_USES, doomed.ended_by);
}

static void
a_doomed_blob_is_held_by_one_until_its_hold_is_over(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct doomed_blob doomed, before;

    assert_ok(store_put(f->s, &rec));
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0));
    assert_ok(store_take_doomed(f->s, T0, 30, &doomed));
    memset(&doomed, 0x77, sizeof(doomed));
    before = doomed;
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, T0 + 29, 30, &doomed));
    assert_memory_equal(&before, &doomed, sizeof(doomed));
    assert_ok(store_take_doomed(f->s, T0 + 30, 30, &doomed));
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, T0 + 59, INT64_MAX, &doomed));
    assert_ok(store_take_doomed(f->s, T0 + 60, INT64_MAX, &doomed));
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, INT64_MAX - 1, 30, &doomed));
}

static void
a_hold_can_be_made_longer_until_the_blob_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct doomed_blob doomed;

    assert_ok(store_put(f->s, &rec));
    assert_err(ERR_NOTFOUND, store_hold_doomed(f->s, &rec.blob, T0 + 60)); /* it is not doomed */
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0));
    assert_ok(store_take_doomed(f->s, T0, 30, &doomed));
    assert_ok(store_hold_doomed(f->s, &rec.blob, T0 + 60));
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, T0 + 59, 30, &doomed));
    assert_ok(store_take_doomed(f->s, T0 + 60, 30, &doomed));
    assert_ok(store_forget_doomed(f->s, &rec.blob));
    assert_err(ERR_NOTFOUND, store_hold_doomed(f->s, &rec.blob, T0 + 99));
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, T0 + 100, 30, &doomed));
}

static void
each_doomed_blob_is_taken_once(void **state)
{
    struct fixture *f = *state;
    struct doomed_blob doomed;
    bool seen[5] = {false};

    for (unsigned i = 0; i < 5; i++)
        put(f->s, i, 1);
    assert_int_equal(5, end_due(f->s, EXPIRES));
    for (unsigned i = 0; i < 5; i++) {
        assert_ok(store_take_doomed(f->s, EXPIRES, 30, &doomed));
        assert_in_range(doomed.blob.b[3], 0, 4);
        assert_false(seen[doomed.blob.b[3]]);
        seen[doomed.blob.b[3]] = true;
    }
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, EXPIRES, 30, &doomed));
}

static void
forgetting_a_doomed_blob_twice_is_no_error(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct doomed_blob doomed;
    struct blob_name never = blob_of(9);

    assert_ok(store_put(f->s, &rec));
    assert_ok(store_forget_doomed(f->s, &rec.blob)); /* not doomed: its record stays */
    assert_active(2, status(f->s, 1, T0));
    assert_stats(1, STORED, f->s);
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0));
    assert_ok(store_forget_doomed(f->s, &rec.blob));
    assert_ok(store_forget_doomed(f->s, &rec.blob));
    assert_ok(store_forget_doomed(f->s, &never));
    assert_stats(0, 0, f->s);
    assert_err(ERR_NOTFOUND, store_take_doomed(f->s, T0, 30, &doomed));
}

/* ---- stats, scrub ---- */

static void
stats_count_what_is_live_and_what_is_stored(void **state)
{
    struct fixture *f = *state;
    struct record one = sample(1), two = sample(2);

    assert_stats(0, 0, f->s);
    assert_ok(store_put(f->s, &one));
    two.stored_bytes = 1000;
    assert_ok(store_put(f->s, &two));
    assert_err(ERR_EXISTS, store_put(f->s, &two));
    assert_stats(2, STORED + 1000, f->s);
    assert_ok(store_remove(f->s, &one.id, ENDED_REVOKED, T0));
    assert_err(ERR_GONE, store_remove(f->s, &one.id, ENDED_REVOKED, T0));
    assert_stats(1, STORED + 1000, f->s);
    fixture_reopen(f);
    assert_stats(1, STORED + 1000, f->s);
    assert_ok(store_forget_doomed(f->s, &one.blob));
    assert_stats(1, 1000, f->s);
    assert_int_equal(1, end_due(f->s, EXPIRES));
    assert_stats(0, 1000, f->s);
}

static void
scrub_keeps_what_is_live(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;
    struct share_id two = id_of(2);

    assert_ok(store_scrub(f->s));
    assert_ok(store_put(f->s, &rec));
    put(f->s, 2, 1);
    assert_ok(store_remove(f->s, &two, ENDED_REVOKED, T0));
    assert_ok(store_scrub(f->s));
    assert_ok(store_scrub(f->s));
    assert_ok(store_lookup(f->s, &rec.id, T0, &got));
    assert_same_record(&rec, &got);
    assert_ended(ENDED_REVOKED, T0, status(f->s, 2, T0));
    put(f->s, 3, 1);
    fixture_reopen(f);
    assert_active(1, status(f->s, 3, T0));
    assert_active(2, status(f->s, 1, T0));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(remove_leaves_a_tombstone_that_tells_how_and_when),
    cmocka_unit_test(remove_of_what_has_ended_is_gone),
    cmocka_unit_test(remove_of_what_never_was_is_not_found),
    cmocka_unit_test(remove_of_a_used_up_upload_needs_a_lease_that_runs),
    cmocka_unit_test(a_tombstone_is_forgotten_at_its_time),
    cmocka_unit_test(what_expired_ends_at_its_expiry_however_late),
    cmocka_unit_test(what_is_used_up_ends_when_its_last_lease_is_over),
    cmocka_unit_test(an_upload_with_uses_left_does_not_end_with_its_lease),
    cmocka_unit_test(end_due_ends_no_more_than_it_was_told),
    cmocka_unit_test(a_tombstone_past_its_time_when_it_is_made_is_not_kept),
    cmocka_unit_test(many_tombstones_and_counters_are_dropped_in_one_call),
    cmocka_unit_test(nothing_is_due_in_an_empty_store),
    cmocka_unit_test(next_due_is_the_earliest_of_expiries_leases_and_tombstones),
    cmocka_unit_test(next_due_is_at_once_for_a_doomed_blob_until_somebody_holds_it),
    cmocka_unit_test(next_due_is_at_once_for_a_used_up_upload_without_a_lease),
    cmocka_unit_test(next_due_lets_counters_wait_a_minute),
    cmocka_unit_test(an_ended_upload_dooms_its_blob),
    cmocka_unit_test(a_doomed_blob_is_held_by_one_until_its_hold_is_over),
    cmocka_unit_test(a_hold_can_be_made_longer_until_the_blob_is_forgotten),
    cmocka_unit_test(each_doomed_blob_is_taken_once),
    cmocka_unit_test(forgetting_a_doomed_blob_twice_is_no_error),
    cmocka_unit_test(stats_count_what_is_live_and_what_is_stored),
    cmocka_unit_test(scrub_keeps_what_is_live),
};

CONTRACT_TESTS(store_end_tests, tests);
