/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/clock.h"
#include "base/cond.h"

#include <errno.h>

struct pair {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_set;
};

static void *
set(void *arg)
{
    struct pair *p = arg;

    (void)pthread_mutex_lock(&p->lock);
    p->is_set = true;
    (void)pthread_cond_signal(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void
a_wait_ends_at_its_time_and_not_before(void **state)
{
    struct pair p = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int64_t at_ms;

    (void)state;
    assert_true(cond_init(&p.changed));
    (void)pthread_mutex_lock(&p.lock);
    at_ms = clock_mono_ms() + 30;
    while (cond_wait_until(&p.changed, &p.lock, at_ms) == 0) /* it may wake up for no reason */
        ;
    assert_true(clock_mono_ms() >= at_ms);
    assert_int_equal(ETIMEDOUT, cond_wait_until(&p.changed, &p.lock, at_ms)); /* it has passed */
    (void)pthread_mutex_unlock(&p.lock);
    (void)pthread_cond_destroy(&p.changed);
}

static void
a_signal_ends_a_wait(void **state)
{
    struct pair p = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int64_t at_ms = clock_mono_ms() + 60000;
    pthread_t thread;

    (void)state;
    assert_true(cond_init(&p.changed));
    (void)pthread_mutex_lock(&p.lock);
    assert_int_equal(0, pthread_create(&thread, NULL, set, &p));
    while (!p.is_set)
        assert_int_equal(0, cond_wait_until(&p.changed, &p.lock, at_ms));
    (void)pthread_mutex_unlock(&p.lock);
    assert_int_equal(0, pthread_join(thread, NULL));
    (void)pthread_cond_destroy(&p.changed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_at_its_time_and_not_before),
        cmocka_unit_test(a_signal_ends_a_wait),
    };

    return cmocka_run_group_tests_name("base cond", tests, NULL, NULL);
}
