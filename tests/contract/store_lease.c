/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a lease: store_settle, store_resume, store_renew. */
#include "store_contract.h"

/* An upload with `uses` uses and `size` bytes. */
static void
put(struct store *s, unsigned tag, uint32_t uses, uint64_t size)
{
    struct record rec = sample(tag);

    rec.uses_total = rec.uses_left = uses;
    rec.size_bytes = size;
    assert_ok(store_put(s, &rec));
}

/* ---- settle ---- */

static void
the_last_byte_of_the_last_use_ends_the_upload(void **state)
{
    struct fixture *f = *state;
    struct record got;
    struct share_id id = id_of(1);
    struct lease_id lease;

    put(f->s, 1, 1, SIZE);
    lease = claim(f->s, 1, 1, T0 + 3);
    assert_false(settle(f->s, 1, &lease, 0, SIZE - 1, T0 + 4));
    assert_ok(store_lookup(f->s, &id, T0 + 4, &got));
    assert_true(settle(f->s, 1, &lease, SIZE - 1, SIZE, T0 + 5));
    assert_err(ERR_GONE, store_lookup(f->s, &id, T0 + 5, &got));
    assert_ended(ENDED_USES, T0 + 3, status(f->s, 1, T0 + 5));
}

static void
a_full_settle_with_uses_left_ends_the_lease_only(void **state)
{
    struct fixture *f = *state;
    struct lease_id lease;

    put(f->s, 1, 2, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_false(settle(f->s, 1, &lease, 0, SIZE, T0));
    assert_active(1, status(f->s, 1, T0));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 0, T0, &lease));
}

static void
a_full_settle_while_another_lease_runs_ends_the_lease_only(void **state)
{
    struct fixture *f = *state;
    struct lease_id a, b;

    put(f->s, 1, 2, SIZE);
    a = claim(f->s, 1, 1, T0);
    b = claim(f->s, 1, 2, T0 + 10);
    assert_false(settle(f->s, 1, &b, 0, SIZE, T0 + 11));
    assert_true(settle(f->s, 1, &a, 0, SIZE, T0 + 12));
    assert_ended(ENDED_USES, T0 + 10, status(f->s, 1, T0 + 12));
}

static void
a_lease_that_is_over_does_not_hold_the_upload(void **state)
{
    struct fixture *f = *state;
    struct lease_id b;

    put(f->s, 1, 2, SIZE);
    (void)claim(f->s, 1, 1, T0);
    b = claim(f->s, 1, 2, T0 + 10);
    assert_true(settle(f->s, 1, &b, 0, SIZE, T0 + LEASE_S));
}

static void
a_lease_that_is_over_can_be_settled_until_it_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct store_span all = {0, SIZE};
    struct share_id id = id_of(2);
    struct lease_id a, b;
    bool ended = false;

    put(f->s, 1, 1, SIZE);
    put(f->s, 2, 2, SIZE);
    a = claim(f->s, 1, 1, T0);
    b = claim(f->s, 2, 1, T0);
    assert_true(settle(f->s, 1, &a, 0, SIZE, T0 + LEASE_S));
    assert_int_equal(0, end_due(f->s, T0 + LEASE_S));
    assert_err(ERR_NOTFOUND, store_settle(f->s, &id, &b, &all, T0 + LEASE_S, &ended));
    assert_false(ended);
}

static void
settle_needs_the_lease_of_that_upload(void **state)
{
    struct fixture *f = *state;
    struct store_span all = {0, SIZE};
    struct share_id two = id_of(2), none = id_of(3), one = id_of(1);
    struct lease_id lease, other = {{9}};
    bool ended = true;

    put(f->s, 1, 1, SIZE);
    put(f->s, 2, 1, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_err(ERR_NOTFOUND, store_settle(f->s, &two, &lease, &all, T0, &ended));
    assert_err(ERR_NOTFOUND, store_settle(f->s, &none, &lease, &all, T0, &ended));
    assert_err(ERR_NOTFOUND, store_settle(f->s, &one, &other, &all, T0, &ended));
    assert_true(ended);
    assert_true(settle(f->s, 1, &lease, 0, SIZE, T0));
    assert_err(ERR_NOTFOUND, store_settle(f->s, &one, &lease, &all, T0, &ended));
}

static void
spans_in_any_order_that_overlap_and_touch_cover_the_upload(void **state)
{
    struct fixture *f = *state;
    struct lease_id lease;

    put(f->s, 1, 1, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_false(settle(f->s, 1, &lease, 60, 80, T0));
    assert_false(settle(f->s, 1, &lease, 0, 30, T0));
    assert_false(settle(f->s, 1, &lease, 20, 61, T0));
    assert_false(settle(f->s, 1, &lease, 10, 20, T0)); /* had before */
    assert_true(settle(f->s, 1, &lease, 80, SIZE, T0));
}

static void
one_missing_byte_does_not_cover_the_upload(void **state)
{
    struct fixture *f = *state;
    struct lease_id lease, found;

    put(f->s, 1, 1, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_false(settle(f->s, 1, &lease, 0, 50, T0));
    assert_false(settle(f->s, 1, &lease, 51, SIZE, T0));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 49, T0, &found));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 51, T0, &found));
    assert_ok(try_resume(f->s, 1, 1, 50, T0, &found));
    assert_true(settle(f->s, 1, &lease, 50, 51, T0));
}

static void
empty_reversed_and_far_spans_add_nothing(void **state)
{
    struct fixture *f = *state;
    struct lease_id lease;

    put(f->s, 1, 1, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_false(settle(f->s, 1, &lease, 5, 5, T0));
    assert_false(settle(f->s, 1, &lease, 90, 10, T0));
    assert_false(settle(f->s, 1, &lease, SIZE, UINT64_MAX, T0));
    assert_ok(try_resume(f->s, 1, 1, 0, T0, &lease));
    assert_ok(try_resume(f->s, 1, 1, SIZE - 1, T0, &lease));
    assert_true(settle(f->s, 1, &lease, 0, UINT64_MAX, T0)); /* cut at the end */
}

static void
an_empty_upload_is_covered_by_nothing(void **state)
{
    struct fixture *f = *state;
    struct lease_id lease;

    put(f->s, 1, 1, 0);
    lease = claim(f->s, 1, 1, T0);
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 0, T0, &lease));
    assert_true(settle(f->s, 1, &lease, 0, 0, T0));
    assert_ended(ENDED_USES, T0, status(f->s, 1, T0));
}

static void
beyond_the_most_spans_the_smallest_is_forgotten(void **state)
{
    enum { STEP = 100, BIG = 50 };
    struct fixture *f = *state;
    struct lease_id lease, found;
    uint64_t last = (uint64_t)LEASE_SPANS_MAX * STEP;

    put(f->s, 1, 1, 1000000);
    lease = claim(f->s, 1, 1, T0);
    for (uint64_t i = 0; i < LEASE_SPANS_MAX; i++) /* span 7 is the smallest */
        assert_false(settle(f->s, 1, &lease, i * STEP, i * STEP + (i == 7 ? 2 : BIG), T0));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, (uint64_t)7 * STEP, T0, &found));
    assert_false(settle(f->s, 1, &lease, last, last + BIG, T0));
    assert_ok(try_resume(f->s, 1, 1, (uint64_t)7 * STEP, T0, &found));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, last, T0, &found));
    assert_false(settle(f->s, 1, &lease, 7 * STEP, 7 * STEP + 1, T0)); /* the smallest is itself */
    assert_ok(try_resume(f->s, 1, 1, (uint64_t)7 * STEP, T0, &found));
    assert_false(settle(f->s, 1, &lease, BIG + 1, 1000000, T0)); /* swallows the others */
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, (uint64_t)7 * STEP, T0, &found));
}

static void
bytes_of_an_upload_of_the_largest_size_are_counted(void **state)
{
    struct fixture *f = *state;
    struct lease_id lease, found;

    put(f->s, 1, 1, INT64_MAX);
    lease = claim(f->s, 1, 1, T0);
    assert_false(settle(f->s, 1, &lease, 1, INT64_MAX, T0));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, (uint64_t)INT64_MAX - 1, T0, &found));
    assert_ok(try_resume(f->s, 1, 1, 0, T0, &found));
    assert_true(settle(f->s, 1, &lease, 0, 1, T0));
}

/* ---- resume ---- */

static void
resume_finds_the_lease_and_takes_no_use(void **state)
{
    struct fixture *f = *state;
    struct store_claim c = {.id = id_of(1), .client = {{0xc1, 1}}, .now_s = T0, .lease_s = 60};
    struct record rec = sample(1), got;
    struct lease_id lease, found;

    assert_ok(store_put(f->s, &rec));
    lease = claim(f->s, 1, 1, T0);
    assert_ok(store_resume(f->s, &c, 10, &got, &found));
    assert_memory_equal(&lease, &found, sizeof(lease));
    rec.uses_left = 1;
    assert_same_record(&rec, &got);
    assert_active(1, status(f->s, 1, T0));
}

/* Whoever resumed may have had bytes, and may still be having them. */
static void
a_lease_that_was_resumed_is_not_given_back(void **state)
{
    struct fixture *f = *state;
    struct share_id id = id_of(1);
    struct lease_id lease, found;

    put(f->s, 1, 1, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_ok(try_resume(f->s, 1, 1, 0, T0 + 1, &found));
    assert_err(ERR_NOTFOUND, store_release(f->s, &id, &lease));
    assert_ended(ENDED_USES, T0, status(f->s, 1, T0 + 2));
    fixture_reopen(f);
    assert_err(ERR_NOTFOUND, store_release(f->s, &id, &lease));
    assert_false(settle(f->s, 1, &lease, 1, SIZE, T0 + 3)); /* it goes on */
    assert_true(settle(f->s, 1, &lease, 0, 1, T0 + 4));
}

static void
a_lease_that_was_only_renewed_is_given_back(void **state)
{
    struct fixture *f = *state;
    struct share_id id = id_of(1);
    struct lease_id lease;

    put(f->s, 1, 1, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_ok(store_renew(f->s, &id, &lease, T0 + 1, LEASE_S));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 2, 0, T0 + 1, &lease)); /* a stranger's try */
    assert_ok(store_release(f->s, &id, &lease));
    assert_active(1, status(f->s, 1, T0 + 2));
}

static void
resume_is_for_the_same_client_and_upload(void **state)
{
    struct fixture *f = *state;
    struct lease_id found, before;

    put(f->s, 1, 2, SIZE);
    put(f->s, 2, 2, SIZE);
    (void)claim(f->s, 1, 1, T0);
    memset(&found, 0x77, sizeof(found));
    before = found;
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 2, 0, T0, &found));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 2, 1, 0, T0, &found));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 3, 1, 0, T0, &found));
    assert_memory_equal(&before, &found, sizeof(found));
    assert_ok(try_resume(f->s, 1, 1, 0, T0, &found));
}

static void
resume_takes_the_newest_lease_that_lacks_the_byte(void **state)
{
    struct fixture *f = *state;
    struct lease_id old, new, found;

    put(f->s, 1, 2, SIZE);
    old = claim(f->s, 1, 1, T0);
    new = claim(f->s, 1, 1, T0);
    assert_ok(try_resume(f->s, 1, 1, 50, T0, &found));
    assert_memory_equal(&new, &found, sizeof(new));
    assert_false(settle(f->s, 1, &new, 40, 60, T0));
    assert_ok(try_resume(f->s, 1, 1, 50, T0, &found));
    assert_memory_equal(&old, &found, sizeof(old));
    assert_ok(try_resume(f->s, 1, 1, 60, T0, &found));
    assert_memory_equal(&new, &found, sizeof(new));
    assert_false(settle(f->s, 1, &old, 50, 51, T0));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 50, T0, &found));
}

static void
resume_beyond_the_last_byte_finds_nothing(void **state)
{
    struct fixture *f = *state;
    struct lease_id found;

    put(f->s, 1, 1, SIZE);
    (void)claim(f->s, 1, 1, T0);
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, SIZE, T0, &found));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, UINT64_MAX, T0, &found));
    assert_ok(try_resume(f->s, 1, 1, SIZE - 1, T0, &found));
}

static void
resume_of_a_lease_that_is_over_finds_nothing(void **state)
{
    struct fixture *f = *state;
    struct lease_id found;

    put(f->s, 1, 1, SIZE);
    (void)claim(f->s, 1, 1, T0);
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 0, T0 + LEASE_S, &found));
    assert_ok(try_resume(f->s, 1, 1, 0, T0 + LEASE_S - 1, &found));
    assert_ok(try_resume(f->s, 1, 1, 0, T0 + LEASE_S, &found)); /* it was renewed */
}

static void
resume_after_the_upload_was_removed_finds_nothing(void **state)
{
    struct fixture *f = *state;
    struct share_id id = id_of(1);
    struct lease_id found;

    put(f->s, 1, 1, SIZE);
    (void)claim(f->s, 1, 1, T0);
    assert_ok(store_remove(f->s, &id, ENDED_REVOKED, T0));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 0, T0, &found));
}

/* ---- renew ---- */

static void
renew_lets_a_lease_last_longer(void **state)
{
    struct fixture *f = *state;
    struct share_id id = id_of(1);
    struct lease_id lease, found;

    put(f->s, 1, 1, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_ok(store_renew(f->s, &id, &lease, T0 + LEASE_S - 1, LEASE_S));
    assert_ok(try_resume(f->s, 1, 1, 0, T0 + 2 * LEASE_S - 2, &found));
    assert_ok(store_renew(f->s, &id, &lease, T0 + 100, 5)); /* may also be less */
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 0, T0 + 105, &found));
    assert_ok(try_resume(f->s, 1, 1, 0, T0 + 104, &found));
}

static void
renew_at_the_second_of_its_end_is_too_late(void **state)
{
    struct fixture *f = *state;
    struct share_id id = id_of(1);
    struct lease_id lease;

    put(f->s, 1, 1, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_err(ERR_NOTFOUND, store_renew(f->s, &id, &lease, T0 + LEASE_S, LEASE_S));
    assert_ok(store_renew(f->s, &id, &lease, T0 + LEASE_S - 1, LEASE_S));
}

static void
no_lease_lasts_beyond_the_expiry(void **state)
{
    struct fixture *f = *state;
    struct share_id id = id_of(1);
    struct lease_id lease, found;

    put(f->s, 1, 1, SIZE);
    lease = claim(f->s, 1, 1, EXPIRES - 10);
    assert_next_due(f, EXPIRES, EXPIRES - 10);
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 0, EXPIRES, &found));
    assert_ok(store_renew(f->s, &id, &lease, EXPIRES - 1, INT64_MAX));
    assert_err(ERR_NOTFOUND, store_renew(f->s, &id, &lease, EXPIRES, LEASE_S));
    assert_ok(try_resume(f->s, 1, 1, 0, EXPIRES - 1, &found));
    assert_err(ERR_NOTFOUND, try_resume(f->s, 1, 1, 0, EXPIRES, &found));
}

static void
renew_needs_the_lease_of_that_upload(void **state)
{
    struct fixture *f = *state;
    struct share_id one = id_of(1), two = id_of(2), none = id_of(3);
    struct lease_id lease, other = {{9}};

    put(f->s, 1, 1, SIZE);
    put(f->s, 2, 1, SIZE);
    lease = claim(f->s, 1, 1, T0);
    assert_err(ERR_NOTFOUND, store_renew(f->s, &two, &lease, T0, LEASE_S));
    assert_err(ERR_NOTFOUND, store_renew(f->s, &none, &lease, T0, LEASE_S));
    assert_err(ERR_NOTFOUND, store_renew(f->s, &one, &other, T0, LEASE_S));
    assert_ok(store_remove(f->s, &one, ENDED_REVOKED, T0));
    assert_err(ERR_NOTFOUND, store_renew(f->s, &one, &lease, T0, LEASE_S));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_last_byte_of_the_last_use_ends_the_upload),
    cmocka_unit_test(a_full_settle_with_uses_left_ends_the_lease_only),
    cmocka_unit_test(a_full_settle_while_another_lease_runs_ends_the_lease_only),
    cmocka_unit_test(a_lease_that_is_over_does_not_hold_the_upload),
    cmocka_unit_test(a_lease_that_is_over_can_be_settled_until_it_is_dropped),
    cmocka_unit_test(settle_needs_the_lease_of_that_upload),
    cmocka_unit_test(spans_in_any_order_that_overlap_and_touch_cover_the_upload),
    cmocka_unit_test(one_missing_byte_does_not_cover_the_upload),
    cmocka_unit_test(empty_reversed_and_far_spans_add_nothing),
    cmocka_unit_test(an_empty_upload_is_covered_by_nothing),
    cmocka_unit_test(beyond_the_most_spans_the_smallest_is_forgotten),
    cmocka_unit_test(bytes_of_an_upload_of_the_largest_size_are_counted),
    cmocka_unit_test(resume_finds_the_lease_and_takes_no_use),
    cmocka_unit_test(a_lease_that_was_resumed_is_not_given_back),
    cmocka_unit_test(a_lease_that_was_only_renewed_is_given_back),
    cmocka_unit_test(resume_is_for_the_same_client_and_upload),
    cmocka_unit_test(resume_takes_the_newest_lease_that_lacks_the_byte),
    cmocka_unit_test(resume_beyond_the_last_byte_finds_nothing),
    cmocka_unit_test(resume_of_a_lease_that_is_over_finds_nothing),
    cmocka_unit_test(resume_after_the_upload_was_removed_finds_nothing),
    cmocka_unit_test(renew_lets_a_lease_last_longer),
    cmocka_unit_test(renew_at_the_second_of_its_end_is_too_late),
    cmocka_unit_test(no_lease_lasts_beyond_the_expiry),
    cmocka_unit_test(renew_needs_the_lease_of_that_upload),
};

CONTRACT_TESTS(store_lease_tests, tests);
