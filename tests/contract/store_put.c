/* SPDX-License-Identifier: Apache-2.0 */
/* Putting an upload, and reading it: store_put, store_lookup, store_status, store_take_preview,
 * store_knows_blob, and that a restart keeps all. */
#include "store_contract.h"

static void
a_record_comes_back_as_it_was_put(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;

    rec.preview_taken = true;
    rec.uses_left = 1;
    assert_ok(store_put(f->s, &rec));
    assert_ok(store_lookup(f->s, &rec.id, T0, &got));
    assert_same_record(&rec, &got);
}

static void
a_record_that_was_never_put_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got, before;
    struct share_id other = id_of(2);

    memset(&got, 0x77, sizeof(got));
    before = got;
    assert_ok(store_put(f->s, &rec));
    assert_err(ERR_NOTFOUND, store_lookup(f->s, &other, T0, &got));
    assert_memory_equal(&before, &got, sizeof(got));
    assert_unknown(status(f->s, 2, T0));
}

static void
sealed_records_of_many_sizes_up_to_the_largest_are_kept(void **state)
{
    struct fixture *f = *state;
    struct record rec, got;

    for (unsigned len = 0; len <= RECORD_SEALED_MAX; len += len < 6000 ? 37 : 1) {
        rec = sample(len);
        rec.sealed_len = len;
        for (size_t k = 0; k < len; k++)
            rec.sealed[k] = (uint8_t)(k * 31 + len + 1);
        assert_ok(store_put(f->s, &rec));
        assert_ok(store_lookup(f->s, &rec.id, T0, &got));
        assert_same_record(&rec, &got);
    }
    assert_int_equal(RECORD_SEALED_MAX, got.sealed_len);
}

static void
a_sealed_record_above_the_largest_is_refused(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;

    rec.sealed_len = RECORD_SEALED_MAX + 1;
    assert_err(ERR_TOOBIG, store_put(f->s, &rec));
    assert_err(ERR_NOTFOUND, store_lookup(f->s, &rec.id, T0, &got));
}

static void
a_size_that_no_file_has_is_refused(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;

    rec.size_bytes = (uint64_t)INT64_MAX + 1;
    assert_err(ERR_TOOBIG, store_put(f->s, &rec));
    rec.size_bytes = INT64_MAX;
    rec.stored_bytes = (uint64_t)INT64_MAX + 1;
    assert_err(ERR_TOOBIG, store_put(f->s, &rec));
    rec.stored_bytes = INT64_MAX;
    assert_ok(store_put(f->s, &rec));
    assert_ok(store_lookup(f->s, &rec.id, T0, &got));
    assert_same_record(&rec, &got);
}

static void
an_id_in_use_is_refused_and_the_first_stays(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), second = sample(1), got;

    second.size_bytes = 7;
    second.blob = blob_of(2);
    assert_ok(store_put(f->s, &rec));
    assert_err(ERR_EXISTS, store_put(f->s, &second));
    assert_ok(store_lookup(f->s, &rec.id, T0, &got));
    assert_same_record(&rec, &got);
}

static void
an_id_with_a_tombstone_is_refused_until_its_time(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);

    assert_ok(store_put(f->s, &rec));
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0 + 10));
    assert_err(ERR_EXISTS, store_put(f->s, &rec));
    rec.created_at_s = T0 + 10 + TOMBSTONE_S - 1;
    rec.expires_at_s = rec.created_at_s + 600;
    assert_err(ERR_EXISTS, store_put(f->s, &rec));
    rec.created_at_s += 1;
    assert_ok(store_put(f->s, &rec));
    assert_active(2, status(f->s, 1, rec.created_at_s));
}

static void
an_id_used_again_after_its_tombstone_ends_again(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);

    assert_ok(store_put(f->s, &rec));
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0));
    rec.created_at_s = T0 + TOMBSTONE_S;
    rec.expires_at_s = rec.created_at_s + 600;
    assert_ok(store_put(f->s, &rec));
    assert_ok(store_remove(f->s, &rec.id, ENDED_USES, rec.created_at_s + 1));
    assert_ended(ENDED_USES, rec.created_at_s + 1, status(f->s, 1, rec.created_at_s + 2));
}

static void
lookup_ends_at_the_second_of_expiry(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;

    assert_ok(store_put(f->s, &rec));
    assert_ok(store_lookup(f->s, &rec.id, EXPIRES - 1, &got));
    assert_err(ERR_GONE, store_lookup(f->s, &rec.id, EXPIRES, &got));
}

static void
lookup_of_a_used_up_upload_needs_a_lease(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;

    rec.uses_left = rec.uses_total = 1;
    assert_ok(store_put(f->s, &rec));
    (void)claim(f->s, 1, 1, T0);
    assert_ok(store_lookup(f->s, &rec.id, T0 + LEASE_S - 1, &got));
    assert_int_equal(0, got.uses_left);
    assert_err(ERR_GONE, store_lookup(f->s, &rec.id, T0 + LEASE_S, &got));
}

static void
lookup_of_a_removed_upload_is_gone_and_later_not_found(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;

    assert_ok(store_put(f->s, &rec));
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0));
    assert_err(ERR_GONE, store_lookup(f->s, &rec.id, T0 + TOMBSTONE_S - 1, &got));
    assert_err(ERR_NOTFOUND, store_lookup(f->s, &rec.id, T0 + TOMBSTONE_S, &got));
}

/* ---- status ---- */

static void
status_tells_the_limits_of_a_live_upload(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct share_state st;

    rec.uses_total = 5;
    rec.uses_left = 3;
    assert_ok(store_put(f->s, &rec));
    st = status(f->s, 1, EXPIRES - 1);
    assert_active(3, st);
    assert_int_equal(5, st.uses_total);
    assert_int_equal(EXPIRES, st.expires_at_s);
}

static void
status_at_the_second_of_expiry_is_ended_by_expiry(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);

    assert_ok(store_put(f->s, &rec));
    assert_active(2, status(f->s, 1, EXPIRES - 1));
    assert_ended(ENDED_EXPIRY, EXPIRES, status(f->s, 1, EXPIRES));
    assert_ended(ENDED_EXPIRY, EXPIRES, status(f->s, 1, EXPIRES + 100));
}

static void
status_after_the_last_claim_is_ended_by_uses_at_that_claim(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);

    assert_ok(store_put(f->s, &rec));
    (void)claim(f->s, 1, 1, T0 + 5);
    assert_active(1, status(f->s, 1, T0 + 5));
    (void)claim(f->s, 1, 2, T0 + 9);
    assert_ended(ENDED_USES, T0 + 9, status(f->s, 1, T0 + 9));
}

static void
status_of_a_used_up_upload_whose_expiry_passed_is_ended_by_uses(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);

    assert_ok(store_put(f->s, &rec));
    (void)claim(f->s, 1, 1, T0 + 5);
    (void)claim(f->s, 1, 2, T0 + 9);
    assert_ended(ENDED_USES, T0 + 9, status(f->s, 1, EXPIRES + 1));
    assert_int_equal(1, end_due(f->s, EXPIRES + 1));
    assert_ended(ENDED_USES, T0 + 9, status(f->s, 1, EXPIRES + 1));
}

/* ---- preview ---- */

static void
a_preview_is_had_once(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got, untouched;

    memset(&untouched, 0x77, sizeof(untouched));
    assert_ok(store_put(f->s, &rec));
    assert_ok(store_take_preview(f->s, &rec.id, T0, &got));
    rec.preview_taken = true;
    assert_same_record(&rec, &got);
    got = untouched;
    assert_err(ERR_TAKEN, store_take_preview(f->s, &rec.id, T0, &got));
    assert_memory_equal(&untouched, &got, sizeof(got));
    assert_active(2, status(f->s, 1, T0));
}

static void
a_preview_of_what_is_not_live_is_refused(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;

    assert_err(ERR_NOTFOUND, store_take_preview(f->s, &rec.id, T0, &got));
    assert_ok(store_put(f->s, &rec));
    assert_err(ERR_GONE, store_take_preview(f->s, &rec.id, EXPIRES, &got));
    assert_ok(store_take_preview(f->s, &rec.id, EXPIRES - 1, &got));
    assert_err(ERR_GONE, store_take_preview(f->s, &rec.id, EXPIRES, &got)); /* not TAKEN */
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0));
    assert_err(ERR_GONE, store_take_preview(f->s, &rec.id, T0, &got));
    assert_err(ERR_NOTFOUND, store_take_preview(f->s, &rec.id, T0 + TOMBSTONE_S, &got));
}

static void
a_preview_of_a_used_up_upload_is_gone_until_a_use_comes_back(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;
    struct lease_id lease;

    rec.uses_left = rec.uses_total = 1;
    assert_ok(store_put(f->s, &rec));
    lease = claim(f->s, 1, 1, T0);
    assert_err(ERR_GONE, store_take_preview(f->s, &rec.id, T0, &got));
    assert_ok(store_release(f->s, &rec.id, &lease));
    assert_ok(store_take_preview(f->s, &rec.id, T0, &got));
}

/* ---- blobs, restart ---- */

static void
a_blob_is_known_from_put_until_it_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct blob_name other = blob_of(2);
    struct doomed_blob doomed;
    bool known = true;

    assert_ok(store_knows_blob(f->s, &rec.blob, &known));
    assert_false(known);
    assert_ok(store_put(f->s, &rec));
    assert_ok(store_knows_blob(f->s, &rec.blob, &known));
    assert_true(known);
    assert_ok(store_knows_blob(f->s, &other, &known));
    assert_false(known);
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0));
    assert_ok(store_knows_blob(f->s, &rec.blob, &known));
    assert_true(known);
    assert_ok(store_take_doomed(f->s, T0, 60, &doomed));
    assert_ok(store_knows_blob(f->s, &rec.blob, &known));
    assert_true(known);
    assert_ok(store_forget_doomed(f->s, &rec.blob));
    assert_ok(store_knows_blob(f->s, &rec.blob, &known));
    assert_false(known);
}

static void
a_restart_keeps_uploads_leases_tombstones_and_counters(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), ended = sample(2), got;
    struct lease_id lease;
    struct counter count;
    struct store_stats before, after;

    assert_ok(store_put(f->s, &rec));
    assert_ok(store_put(f->s, &ended));
    lease = claim(f->s, 1, 1, T0);
    assert_false(settle(f->s, 1, &lease, 0, 40, T0));
    assert_ok(store_remove(f->s, &ended.id, ENDED_REVOKED, T0 + 1));
    assert_ok(store_count(f->s, "fails:download:192.0.2.1", 3, 600, T0, &count));
    assert_ok(store_stats(f->s, &before));
    fixture_reopen(f);
    assert_ok(store_lookup(f->s, &rec.id, T0, &got));
    rec.uses_left = 1;
    assert_same_record(&rec, &got);
    assert_ended(ENDED_REVOKED, T0 + 1, status(f->s, 2, T0 + 1));
    assert_ok(store_peek(f->s, "fails:download:192.0.2.1", T0, &count));
    assert_int_equal(3, count.value);
    assert_ok(store_stats(f->s, &after));
    assert_int_equal(before.n_live, after.n_live);
    assert_int_equal(before.stored_bytes, after.stored_bytes);
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 39, T0, &lease));
    assert_ok(try_resume(f->s, 1, 1, 40, T0, &lease));
}

static void
huge_times_and_numbers_are_kept(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;
    struct share_state st;

    rec.created_at_s = INT64_MIN;
    rec.expires_at_s = INT64_MAX;
    rec.uses_total = rec.uses_left = UINT32_MAX;
    assert_ok(store_put(f->s, &rec));
    assert_ok(store_lookup(f->s, &rec.id, INT64_MAX - 1, &got));
    assert_same_record(&rec, &got);
    (void)claim(f->s, 1, 1, INT64_MAX - 1); /* now + lease does not wrap */
    st = status(f->s, 1, INT64_MAX - 1);
    assert_active(UINT32_MAX - 1, st);
    assert_ended(ENDED_EXPIRY, INT64_MAX, status(f->s, 1, INT64_MAX));
    assert_int_equal(1, end_due(f->s, INT64_MAX));
}

static void
a_ping_answers(void **state)
{
    struct fixture *f = *state;

    assert_ok(store_ping(f->s));
    assert_ok(store_ping(f->s));
}

static void
a_store_takes_a_name_once_and_keeps_it(void **state)
{
    static const struct store_name wants[] = {{{0x0a, 1}}, {{0x0b, 2}}, {{0x0c, 3}}}, zeros;
    struct fixture *f = *state;
    struct store_name name;

    for (unsigned i = 0; i < 3; i++) {
        if (i == 2)
            fixture_reopen(f);
        memset(&name, 0xff, sizeof(name));
        assert_ok(store_identity(f->s, &wants[i], &name));
        assert_memory_equal(&name, store_is_shared(f->s) ? &wants[0] : &zeros, sizeof(name));
    }
}

static void
freeing_no_store_does_nothing(void **state)
{
    (void)state;
    store_free(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_record_comes_back_as_it_was_put),
    cmocka_unit_test(a_record_that_was_never_put_is_not_found),
    cmocka_unit_test(sealed_records_of_many_sizes_up_to_the_largest_are_kept),
    cmocka_unit_test(a_sealed_record_above_the_largest_is_refused),
    cmocka_unit_test(a_size_that_no_file_has_is_refused),
    cmocka_unit_test(an_id_in_use_is_refused_and_the_first_stays),
    cmocka_unit_test(an_id_with_a_tombstone_is_refused_until_its_time),
    cmocka_unit_test(an_id_used_again_after_its_tombstone_ends_again),
    cmocka_unit_test(lookup_ends_at_the_second_of_expiry),
    cmocka_unit_test(lookup_of_a_used_up_upload_needs_a_lease),
    cmocka_unit_test(lookup_of_a_removed_upload_is_gone_and_later_not_found),
    cmocka_unit_test(status_tells_the_limits_of_a_live_upload),
    cmocka_unit_test(status_at_the_second_of_expiry_is_ended_by_expiry),
    cmocka_unit_test(status_after_the_last_claim_is_ended_by_uses_at_that_claim),
    cmocka_unit_test(status_of_a_used_up_upload_whose_expiry_passed_is_ended_by_uses),
    cmocka_unit_test(a_preview_is_had_once),
    cmocka_unit_test(a_preview_of_what_is_not_live_is_refused),
    cmocka_unit_test(a_preview_of_a_used_up_upload_is_gone_until_a_use_comes_back),
    cmocka_unit_test(a_blob_is_known_from_put_until_it_is_forgotten),
    cmocka_unit_test(a_restart_keeps_uploads_leases_tombstones_and_counters),
    cmocka_unit_test(huge_times_and_numbers_are_kept),
    cmocka_unit_test(a_ping_answers),
    cmocka_unit_test(a_store_takes_a_name_once_and_keeps_it),
    cmocka_unit_test(freeing_no_store_does_nothing),
};

CONTRACT_TESTS(store_put_tests, tests);
