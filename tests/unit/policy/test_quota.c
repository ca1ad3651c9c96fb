/* SPDX-License-Identifier: Apache-2.0 */
/* quota: promises are kept within the quota and above the floor of the disk, whatever is asked for
 * and by however many threads. */
#include "testing.h"

#include "policy/quota.h"

#include <pthread.h>

#define MIB ((uint64_t)1 << 20)

/* A large empty disk: its floor is 256 MiB. */
static struct quota_now
roomy_with(uint64_t stored_bytes)
{
    return (struct quota_now){
        .stored_bytes = stored_bytes, .disk_free_bytes = MIB * MIB, .disk_total_bytes = MIB * MIB};
}

static void
promises_fill_the_quota_to_the_byte(void **state)
{
    struct quota_now now = roomy_with(400);
    struct quota *q = NULL;

    (void)state;
    assert_ok(quota_new(1000, &q));
    assert_ok(quota_reserve(q, &now, 300));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 301));
    assert_ok(quota_reserve(q, &now, 300));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 1));
    assert_ok(quota_reserve(q, &now, 0));
    quota_free(q);
}

static void
a_promise_given_back_can_be_given_again(void **state)
{
    struct quota_now now = roomy_with(0);
    struct quota *q = NULL;

    (void)state;
    assert_ok(quota_new(1000, &q));
    assert_ok(quota_reserve(q, &now, 1000));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 1));
    quota_release(q, 400);
    assert_ok(quota_reserve(q, &now, 400));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 1));
    quota_release(q, 1000);
    now = roomy_with(600); /* what was stored of it counts from now on */
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 401));
    assert_ok(quota_reserve(q, &now, 400));
    quota_free(q);
}

static void
a_store_above_its_quota_takes_nothing(void **state)
{
    struct quota_now now = roomy_with(1001); /* the setting was made smaller */
    struct quota *q = NULL;

    (void)state;
    assert_ok(quota_new(1000, &q));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 0));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 1));
    now = roomy_with(1000);
    assert_ok(quota_reserve(q, &now, 0));
    quota_free(q);
}

static void
numbers_near_the_end_do_not_wrap(void **state)
{
    struct quota_now now = roomy_with(1000);
    struct quota *q = NULL;

    (void)state;
    assert_ok(quota_new(UINT64_MAX, &q));
    now.disk_free_bytes = UINT64_MAX;
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, UINT64_MAX));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, UINT64_MAX - 999));
    assert_ok(quota_reserve(q, &now, UINT64_MAX / 2));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, UINT64_MAX / 2 + 2));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, UINT64_MAX));
    now.stored_bytes = UINT64_MAX;
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 1));
    quota_free(q);
}

static void
the_floor_is_a_twentieth_and_at_most_256_mib(void **state)
{
    (void)state;
    assert_int_equal(0, quota_floor(0));
    assert_int_equal(50, quota_floor(1000));
    assert_int_equal(256 * MIB - 1, quota_floor(20 * 256 * MIB - 1));
    assert_int_equal(256 * MIB, quota_floor(20 * 256 * MIB));
    assert_int_equal(256 * MIB, quota_floor(UINT64_MAX));
}

static void
uploads_leave_the_floor_of_the_disk_free(void **state)
{
    struct quota_now now = {.disk_free_bytes = 150, .disk_total_bytes = 1000}; /* floor 50 */
    struct quota *q = NULL;

    (void)state;
    assert_ok(quota_new(MIB, &q));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 101));
    assert_ok(quota_reserve(q, &now, 60));
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 41)); /* promises count for the disk too */
    assert_ok(quota_reserve(q, &now, 40));
    quota_release(q, 100);
    now.disk_free_bytes = 49;
    assert_err(ERR_NOSPACE, quota_reserve(q, &now, 0));
    now.disk_free_bytes = 50;
    assert_ok(quota_reserve(q, &now, 0));
    quota_free(q);
}

enum { N_THREADS = 4, N_ROUNDS = 5000 };

struct shared {
    struct quota *q;
    unsigned n_won[N_THREADS];
};

struct one {
    struct shared *shared;
    unsigned i;
};

static void *
reserve_and_release(void *arg)
{
    struct one *one = arg;
    struct quota_now now = roomy_with(0);

    for (unsigned i = 0; i < N_ROUNDS; i++) {
        if (quota_reserve(one->shared->q, &now, 10) == ERR_OK)
            quota_release(one->shared->q, 10);
        if (quota_reserve(one->shared->q, &now, 1) == ERR_OK)
            one->shared->n_won[one->i]++; /* kept */
    }
    return NULL;
}

static void
threads_together_get_exactly_the_quota(void **state)
{
    struct quota_now now = roomy_with(0);
    struct shared shared = {.q = NULL};
    struct one ones[N_THREADS];
    pthread_t threads[N_THREADS];
    unsigned n = 0;

    (void)state;
    assert_ok(quota_new(7000, &shared.q));
    for (unsigned i = 0; i < N_THREADS; i++) {
        ones[i] = (struct one){&shared, i};
        assert_int_equal(0, pthread_create(&threads[i], NULL, reserve_and_release, &ones[i]));
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        assert_int_equal(0, pthread_join(threads[i], NULL));
        n += shared.n_won[i];
    }
    assert_int_equal(7000, n);
    assert_err(ERR_NOSPACE, quota_reserve(shared.q, &now, 1));
    quota_free(shared.q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promises_fill_the_quota_to_the_byte),
        cmocka_unit_test(a_promise_given_back_can_be_given_again),
        cmocka_unit_test(a_store_above_its_quota_takes_nothing),
        cmocka_unit_test(numbers_near_the_end_do_not_wrap),
        cmocka_unit_test(the_floor_is_a_twentieth_and_at_most_256_mib),
        cmocka_unit_test(uploads_leave_the_floor_of_the_disk_free),
        cmocka_unit_test(threads_together_get_exactly_the_quota),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
