/* SPDX-License-Identifier: Apache-2.0 */
/* Taking uses and giving them back: store_claim, store_release. */
#include "store_contract.h"

static void
claim_hands_out_exactly_the_granted_uses(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;
    struct lease_id a, b, c;

    assert_ok(store_put(f->s, &rec));
    assert_ok(try_claim(f->s, 1, 1, T0, &got, &a));
    rec.uses_left = 1;
    assert_same_record(&rec, &got);
    assert_ok(try_claim(f->s, 1, 1, T0, &got, &b));
    rec.uses_left = 0;
    assert_same_record(&rec, &got);
    assert_memory_not_equal(&a, &b, sizeof(a));
    assert_err(ERR_GONE, try_claim(f->s, 1, 1, T0, &got, &c));
}

static void
a_refused_claim_touches_no_output(void **state)
{
    struct fixture *f = *state;
    struct lease_id lease, lease_before;
    struct record got, before;

    memset(&got, 0x77, sizeof(got));
    memset(&lease, 0x77, sizeof(lease));
    before = got;
    lease_before = lease;
    assert_err(ERR_NOTFOUND, try_claim(f->s, 1, 1, T0, &got, &lease));
    assert_memory_equal(&before, &got, sizeof(got));
    assert_memory_equal(&lease_before, &lease, sizeof(lease));
}

static void
claim_at_the_second_of_expiry_is_too_late(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;
    struct lease_id lease;

    assert_ok(store_put(f->s, &rec));
    assert_err(ERR_GONE, try_claim(f->s, 1, 1, EXPIRES, &got, &lease));
    assert_ok(try_claim(f->s, 1, 1, EXPIRES - 1, &got, &lease));
}

static void
claim_of_a_removed_upload_is_gone_and_later_not_found(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;
    struct lease_id lease;

    assert_ok(store_put(f->s, &rec));
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0));
    assert_err(ERR_GONE, try_claim(f->s, 1, 1, T0 + TOMBSTONE_S - 1, &got, &lease));
    assert_err(ERR_NOTFOUND, try_claim(f->s, 1, 1, T0 + TOMBSTONE_S, &got, &lease));
}

static void
claims_of_one_upload_leave_another_alone(void **state)
{
    struct fixture *f = *state;
    struct record one = sample(1), two = sample(2);

    assert_ok(store_put(f->s, &one));
    assert_ok(store_put(f->s, &two));
    (void)claim(f->s, 1, 1, T0);
    assert_active(1, status(f->s, 1, T0));
    assert_active(2, status(f->s, 2, T0));
}

static void
a_clock_that_steps_back_makes_claims_possible_again(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;
    struct lease_id lease;

    assert_ok(store_put(f->s, &rec));
    assert_err(ERR_GONE, try_claim(f->s, 1, 1, EXPIRES + 9, &got, &lease));
    (void)claim(f->s, 1, 1, T0 - 500);
    (void)claim(f->s, 1, 1, T0 - 900);
    assert_ended(ENDED_USES, T0 - 900, status(f->s, 1, T0));
}

/* ---- release ---- */

static void
release_gives_the_use_back_and_makes_the_upload_live_again(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct lease_id a, b;

    assert_ok(store_put(f->s, &rec));
    a = claim(f->s, 1, 1, T0);
    b = claim(f->s, 1, 2, T0 + 1);
    assert_ended(ENDED_USES, T0 + 1, status(f->s, 1, T0 + 1));
    assert_ok(store_release(f->s, &rec.id, &a));
    assert_active(1, status(f->s, 1, T0 + 1));
    assert_ok(store_release(f->s, &rec.id, &b));
    assert_active(2, status(f->s, 1, T0 + 1));
}

static void
a_use_given_back_can_be_claimed_and_sets_the_time_of_the_end(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;
    struct lease_id lease;

    rec.uses_total = rec.uses_left = 1;
    assert_ok(store_put(f->s, &rec));
    lease = claim(f->s, 1, 1, T0 + 3);
    assert_ok(store_release(f->s, &rec.id, &lease));
    (void)claim(f->s, 1, 2, T0 + 7);
    assert_ended(ENDED_USES, T0 + 7, status(f->s, 1, T0 + 7));
    assert_err(ERR_GONE, try_claim(f->s, 1, 1, T0 + 7, &got, &lease));
}

static void
release_gives_a_use_back_only_once(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct lease_id lease;

    assert_ok(store_put(f->s, &rec));
    lease = claim(f->s, 1, 1, T0);
    assert_ok(store_release(f->s, &rec.id, &lease));
    assert_err(ERR_NOTFOUND, store_release(f->s, &rec.id, &lease));
    assert_active(2, status(f->s, 1, T0));
}

static void
release_needs_the_lease_of_that_upload(void **state)
{
    struct fixture *f = *state;
    struct record one = sample(1), two = sample(2);
    struct lease_id lease, other = {{9}};
    struct share_id none = id_of(3);

    assert_ok(store_put(f->s, &one));
    assert_ok(store_put(f->s, &two));
    lease = claim(f->s, 1, 1, T0);
    (void)claim(f->s, 2, 1, T0);
    assert_err(ERR_NOTFOUND, store_release(f->s, &two.id, &lease));
    assert_err(ERR_NOTFOUND, store_release(f->s, &one.id, &other));
    assert_err(ERR_NOTFOUND, store_release(f->s, &none, &lease));
    assert_active(1, status(f->s, 1, T0));
    assert_active(1, status(f->s, 2, T0));
}

static void
release_after_a_full_settle_gives_nothing_back(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct lease_id lease;

    assert_ok(store_put(f->s, &rec));
    lease = claim(f->s, 1, 1, T0);
    assert_false(settle(f->s, 1, &lease, 0, SIZE, T0));
    assert_err(ERR_NOTFOUND, store_release(f->s, &rec.id, &lease));
    assert_active(1, status(f->s, 1, T0));
}

static void
release_of_a_lease_that_was_dropped_gives_nothing_back(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct lease_id lease;

    assert_ok(store_put(f->s, &rec));
    lease = claim(f->s, 1, 1, T0);
    assert_int_equal(0, end_due(f->s, T0 + LEASE_S));
    assert_err(ERR_NOTFOUND, store_release(f->s, &rec.id, &lease));
    assert_active(1, status(f->s, 1, T0 + LEASE_S));
}

static void
release_after_the_upload_was_removed_gives_nothing_back(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1);
    struct lease_id lease;

    assert_ok(store_put(f->s, &rec));
    lease = claim(f->s, 1, 1, T0);
    assert_ok(store_remove(f->s, &rec.id, ENDED_REVOKED, T0 + 1));
    assert_err(ERR_NOTFOUND, store_release(f->s, &rec.id, &lease));
    assert_ended(ENDED_REVOKED, T0 + 1, status(f->s, 1, T0 + 1));
}

static void
a_use_given_back_after_expiry_does_not_revive(void **state)
{
    struct fixture *f = *state;
    struct record rec = sample(1), got;
    struct lease_id lease;

    rec.uses_total = rec.uses_left = 1;
    assert_ok(store_put(f->s, &rec));
    lease = claim(f->s, 1, 1, EXPIRES - 1);
    assert_ok(store_release(f->s, &rec.id, &lease));
    assert_ended(ENDED_EXPIRY, EXPIRES, status(f->s, 1, EXPIRES));
    assert_err(ERR_GONE, try_claim(f->s, 1, 1, EXPIRES, &got, &lease));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(claim_hands_out_exactly_the_granted_uses),
    cmocka_unit_test(a_refused_claim_touches_no_output),
    cmocka_unit_test(claim_at_the_second_of_expiry_is_too_late),
    cmocka_unit_test(claim_of_a_removed_upload_is_gone_and_later_not_found),
    cmocka_unit_test(claims_of_one_upload_leave_another_alone),
    cmocka_unit_test(a_clock_that_steps_back_makes_claims_possible_again),
    cmocka_unit_test(release_gives_the_use_back_and_makes_the_upload_live_again),
    cmocka_unit_test(a_use_given_back_can_be_claimed_and_sets_the_time_of_the_end),
    cmocka_unit_test(release_gives_a_use_back_only_once),
    cmocka_unit_test(release_needs_the_lease_of_that_upload),
    cmocka_unit_test(release_after_a_full_settle_gives_nothing_back),
    cmocka_unit_test(release_of_a_lease_that_was_dropped_gives_nothing_back),
    cmocka_unit_test(release_after_the_upload_was_removed_gives_nothing_back),
    cmocka_unit_test(a_use_given_back_after_expiry_does_not_revive),
};

CONTRACT_TESTS(store_claim_tests, tests);
