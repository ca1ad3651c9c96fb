/* SPDX-License-Identifier: Apache-2.0 */
/* The sweeper, with a vault that is a handful of numbers: when it sweeps, what runs beside it, how
 * it bears failures. Times are generous upwards, so that a busy machine fails no test. */
#include "testing.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/sweeper.h"

enum { LONG_MS = 10000 };

/* The vault's state. `due_s` is when `n_live` uploads end; ended ones are doomed. */
static struct {
    pthread_mutex_t lock;
    int64_t due_s, ended_at_ms;
    unsigned n_live, n_doomed, n_orphans;
    unsigned n_asked, n_swept, n_shredded, n_recovered, n_recover_tries, n_held;
    unsigned fail_due, fail_sweep, fail_shred, fail_recover; /* so many calls from now on */
    bool hold_shred;                                         /* a disk that does not answer */
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Atomic int64_t clock_step_ms; /* added to the wall clock */

static int64_t
now_ms(void)
{
    return clock_now_ms() + clock_step_ms;
}

static bool
take(unsigned *n)
{
    if (*n == 0)
        return false;
    (*n)--;
    return true;
}

static enum err
fake_next_due(void *ctx, int64_t *ret_at_s)
{
    enum err e = ERR_OK;

    (void)ctx;
    (void)pthread_mutex_lock(&world.lock);
    world.n_asked++;
    if (take(&world.fail_due))
        e = err_set(ERR_UNAVAIL, "no answer");
    else if (world.n_doomed > 0)
        *ret_at_s = 0;
    else
        *ret_at_s = world.n_live > 0 ? world.due_s : INT64_MAX;
    (void)pthread_mutex_unlock(&world.lock);
    return e;
}

static enum err
fake_sweep(void *ctx, unsigned *ret_n)
{
    enum err e = ERR_OK;

    (void)ctx;
    (void)pthread_mutex_lock(&world.lock);
    world.n_swept++;
    if (take(&world.fail_sweep)) {
        e = err_set(ERR_UNAVAIL, "no answer");
    } else if (world.n_live > 0 && now_ms() / 1000 >= world.due_s) {
        world.n_doomed += world.n_live;
        *ret_n = world.n_live;
        world.n_live = 0;
        world.ended_at_ms = now_ms();
    } else {
        *ret_n = 0;
    }
    (void)pthread_mutex_unlock(&world.lock);
    return e;
}

static enum err
fake_shred(void *ctx, struct doomed_blob *ret_blob)
{
    enum err e = ERR_OK;

    (void)ctx;
    (void)pthread_mutex_lock(&world.lock);
    world.n_held += world.n_doomed > 0 && world.hold_shred ? 1 : 0;
    while (world.n_doomed > 0 && world.hold_shred) {
        (void)pthread_mutex_unlock(&world.lock);
        (void)usleep(1000);
        (void)pthread_mutex_lock(&world.lock);
    }
    if (world.n_doomed > 0 && take(&world.fail_shred)) {
        e = err_set(ERR_IO, "the disk is broken");
    } else if (take(&world.n_doomed)) {
        world.n_shredded++;
        *ret_blob = (struct doomed_blob){.stored_bytes = 73, .ended_by = ENDED_EXPIRY};
    } else {
        e = err_set(ERR_NOTFOUND, "none");
    }
    (void)pthread_mutex_unlock(&world.lock);
    return e;
}

static enum err
fake_recover(void *ctx, uint64_t *ret_n)
{
    enum err e = ERR_OK;

    (void)ctx;
    (void)pthread_mutex_lock(&world.lock);
    world.n_recover_tries++;
    if (take(&world.fail_recover)) {
        e = err_set(ERR_IO, "the disk is broken");
    } else {
        world.n_recovered++;
        *ret_n = world.n_orphans;
    }
    (void)pthread_mutex_unlock(&world.lock);
    return e;
}

static const struct sweeper_work work = {
    .next_due = fake_next_due,
    .sweep = fake_sweep,
    .shred_next = fake_shred,
    .recover = fake_recover,
    .now_ms = now_ms,
};

static int
fresh_world(void **state)
{
    (void)state;
    (void)pthread_mutex_lock(&world.lock);
    world.due_s = world.ended_at_ms = 0;
    world.n_live = world.n_doomed = world.n_orphans = 0;
    world.n_asked = world.n_swept = world.n_shredded = world.n_recovered = world.n_held = 0;
    world.n_recover_tries = 0;
    world.fail_due = world.fail_sweep = world.fail_shred = world.fail_recover = 0;
    world.hold_shred = false;
    (void)pthread_mutex_unlock(&world.lock);
    clock_step_ms = 0;
    log_set_level(LOG_OFF);
    return 0;
}

static unsigned
get(const unsigned *n)
{
    unsigned value;

    (void)pthread_mutex_lock(&world.lock);
    value = *n;
    (void)pthread_mutex_unlock(&world.lock);
    return value;
}

static void
set(unsigned *n, unsigned value)
{
    (void)pthread_mutex_lock(&world.lock);
    *n = value;
    (void)pthread_mutex_unlock(&world.lock);
}

static void
put_uploads(unsigned n, int64_t due_s)
{
    (void)pthread_mutex_lock(&world.lock);
    world.n_live = n;
    world.due_s = due_s;
    (void)pthread_mutex_unlock(&world.lock);
}

/* Wait until the number is reached; false after a long time. */
static bool
comes_to(const unsigned *n, unsigned value, int64_t at_most_ms)
{
    int64_t until_ms = clock_mono_ms() + at_most_ms;

    while (get(n) < value) {
        if (clock_mono_ms() >= until_ms)
            return false;
        (void)usleep(2000);
    }
    return true;
}

/* ---- the tests ---- */

static void
what_was_due_before_the_start_ends_and_is_shredded_at_once(void **state)
{
    struct sweeper_health h;
    struct sweeper_stats st;
    struct sweeper *s;

    (void)state;
    put_uploads(3, 1000); /* long ago: the server was down */
    assert_ok(sweeper_new(&work, &s));
    assert_true(comes_to(&world.n_shredded, 3, LONG_MS));
    sweeper_health(s, &h);
    assert_true(h.is_running);
    assert_in_range(h.lag_s, 0, 5); /* counted from the start, not from 1970 */
    assert_int_equal(h.n_failures, 0);
    assert_true(h.last_run_at_s >= clock_now_s() - 10);
    assert_true(sweeper_stop(s, LONG_MS));
    sweeper_stats(s, &st);
    assert_int_equal(st.n_ended, 3);
    assert_int_equal(st.n_shredded, 3);
    sweeper_free(s);
}

static void
an_upload_ends_at_its_second_and_not_before(void **state)
{
    struct sweeper *s;
    int64_t due_s;

    (void)state;
    assert_ok(sweeper_new(&work, &s));
    due_s = clock_now_s() + 2;
    put_uploads(1, due_s); /* nobody wakes the sweeper */
    assert_true(comes_to(&world.n_shredded, 1, LONG_MS));
    (void)pthread_mutex_lock(&world.lock);
    assert_in_range(world.ended_at_ms, due_s * 1000, due_s * 1000 + 900);
    (void)pthread_mutex_unlock(&world.lock);
    sweeper_free(s);
}

static void
a_wake_is_answered_soon_and_many_make_one_look(void **state)
{
    struct sweeper *s;
    unsigned n_before;
    int64_t from_ms;

    (void)state;
    assert_ok(sweeper_new(&work, &s));
    assert_true(comes_to(&world.n_recovered, 1, LONG_MS));
    (void)usleep(100 * 1000); /* it sleeps now */
    put_uploads(1, 1000);
    from_ms = clock_mono_ms();
    sweeper_wake(s);
    assert_true(comes_to(&world.n_swept, 1, LONG_MS));
    assert_in_range(clock_mono_ms() - from_ms, 0, 500);
    assert_true(comes_to(&world.n_shredded, 1, LONG_MS));

    n_before = get(&world.n_asked);
    from_ms = clock_mono_ms();
    while (clock_mono_ms() - from_ms < 200)
        sweeper_wake(s);
    /* At most a look in 20 ms; each asks once, as nothing is due. Some slack for the last sweep. */
    assert_in_range(get(&world.n_asked) - n_before, 1, (clock_mono_ms() - from_ms) / 20 + 4);
    sweeper_free(s);
}

static void
an_idle_sweeper_looks_about_once_a_second(void **state)
{
    struct sweeper *s;
    unsigned n_before;
    int64_t from_ms;

    (void)state;
    assert_ok(sweeper_new(&work, &s));
    assert_true(comes_to(&world.n_recovered, 1, LONG_MS));
    (void)usleep(200 * 1000);
    n_before = get(&world.n_asked);
    from_ms = clock_mono_ms();
    (void)usleep(2200 * 1000);
    assert_in_range(get(&world.n_asked) - n_before, 1, (clock_mono_ms() - from_ms) / 1000 + 1);
    assert_int_equal(get(&world.n_swept), 0);
    sweeper_free(s);
}

static void
a_step_of_the_wall_clock_is_seen_within_a_tick(void **state)
{
    struct sweeper *s;

    (void)state;
    put_uploads(1, clock_now_s() + 3600);
    assert_ok(sweeper_new(&work, &s));
    assert_true(comes_to(&world.n_asked, 1, LONG_MS));
    assert_false(comes_to(&world.n_swept, 1, 100));
    clock_step_ms = 3601 * 1000;
    assert_true(comes_to(&world.n_shredded, 1, LONG_MS));
    sweeper_free(s);
}

static void
a_slow_disk_does_not_delay_the_end_of_keys(void **state)
{
    struct sweeper *s;

    (void)state;
    world.hold_shred = true; /* no thread runs yet */
    put_uploads(5, 1000);
    assert_ok(sweeper_new(&work, &s));
    for (int64_t until = clock_mono_ms() + LONG_MS; get(&world.n_live) > 0;)
        assert_true(clock_mono_ms() < until && usleep(1000) == 0);
    put_uploads(7, 1000); /* both threads are stuck in the disk now */
    sweeper_wake(s);
    assert_true(comes_to(&world.n_doomed, 12, LONG_MS));
    assert_int_equal(get(&world.n_shredded), 0);
    (void)pthread_mutex_lock(&world.lock);
    world.hold_shred = false;
    (void)pthread_mutex_unlock(&world.lock);
    assert_true(comes_to(&world.n_shredded, 12, LONG_MS));
    sweeper_free(s);
}

static void
a_stop_does_not_wait_for_a_disk_that_hangs(void **state)
{
    struct sweeper *s;
    int64_t from_ms;

    (void)state;
    world.hold_shred = true; /* no thread runs yet */
    world.n_doomed = 1;
    assert_ok(sweeper_new(&work, &s));
    assert_true(comes_to(&world.n_held, 1, LONG_MS));
    from_ms = clock_mono_ms();
    assert_false(sweeper_stop(s, 100));
    assert_in_range(clock_mono_ms() - from_ms, 100, 5000);
    (void)pthread_mutex_lock(&world.lock);
    world.hold_shred = false;
    (void)pthread_mutex_unlock(&world.lock);
    assert_true(sweeper_stop(s, LONG_MS));
    sweeper_free(s);
}

static void
failed_sweeps_are_counted_tried_again_and_shown_as_lag(void **state)
{
    struct sweeper_health h;
    struct sweeper *s;

    (void)state;
    put_uploads(1, 1000);
    world.fail_sweep = 1000; /* no thread runs yet */
    assert_ok(sweeper_new(&work, &s));
    assert_true(comes_to(&world.n_swept, 4, LONG_MS));
    (void)usleep(2100 * 1000);
    sweeper_health(s, &h);
    assert_true(h.n_failures >= 4);
    assert_true(h.lag_s >= 1);
    assert_int_equal(h.last_run_at_s, 0);
    assert_true(get(&world.n_swept) < 12); /* later each time */
    set(&world.fail_sweep, 0);
    assert_true(comes_to(&world.n_shredded, 1, LONG_MS));
    /* The round after the late one finds nothing late. */
    for (int64_t until = clock_mono_ms() + LONG_MS; h.lag_s > 0; sweeper_health(s, &h))
        assert_true(clock_mono_ms() < until && usleep(1000) == 0);
    assert_true(h.last_run_at_s > 0);
    sweeper_free(s);
}

static void
a_wake_does_not_shorten_the_pause_after_a_failure(void **state)
{
    struct sweeper *s;
    int64_t from_ms;

    (void)state;
    world.fail_due = 1000; /* no thread runs yet */
    assert_ok(sweeper_new(&work, &s));
    from_ms = clock_mono_ms();
    while (clock_mono_ms() - from_ms < 500)
        sweeper_wake(s);
    /* At 0, 100, 300 ms; 20 ms apart it would be 25. */
    assert_in_range(get(&world.n_asked), 1, (clock_mono_ms() - from_ms) / 100 + 1);
    sweeper_free(s);
}

static void
a_failed_shred_is_counted_and_tried_again(void **state)
{
    struct sweeper_stats st;
    struct sweeper *s;

    (void)state;
    world.fail_shred = 3; /* no thread runs yet */
    put_uploads(2, 1000);
    assert_ok(sweeper_new(&work, &s));
    assert_true(comes_to(&world.n_shredded, 2, LONG_MS));
    assert_true(sweeper_stop(s, LONG_MS));
    sweeper_stats(s, &st);
    assert_int_equal(st.n_failures, 3);
    assert_int_equal(st.n_shredded, 2);
    sweeper_free(s);
}

static void
orphans_are_recovered_once_also_after_a_failure(void **state)
{
    struct sweeper_stats st = {0};
    struct sweeper *s;

    (void)state;
    world.fail_recover = 2; /* no thread runs yet */
    world.n_orphans = 4;
    assert_ok(sweeper_new(&work, &s));
    for (int64_t until = clock_mono_ms() + LONG_MS; !st.has_recovered; sweeper_stats(s, &st))
        assert_true(clock_mono_ms() < until && usleep(1000) == 0);
    assert_int_equal(st.n_recovered, 4);
    assert_int_equal(st.n_failures, 2);
    put_uploads(1, 1000);
    sweeper_wake(s);
    assert_true(comes_to(&world.n_shredded, 1, LONG_MS));
    assert_true(sweeper_stop(s, LONG_MS));
    assert_int_equal(get(&world.n_recovered), 1);
    sweeper_free(s);
}

static void
orphans_are_recovered_again_when_it_is_time(void **state)
{
    struct sweeper_work again = work;
    struct sweeper_stats st;
    struct sweeper *s;

    (void)state;
    again.recover_every_ms = 50;
    world.n_orphans = 2; /* no thread runs yet */
    assert_ok(sweeper_new(&again, &s));
    assert_true(comes_to(&world.n_recovered, 3, LONG_MS));
    assert_true(sweeper_stop(s, LONG_MS));
    sweeper_stats(s, &st);
    assert_int_equal(st.n_recovered, 2 * get(&world.n_recovered));
    assert_int_equal(st.n_failures, 0);
    sweeper_free(s);
}

static void
orphans_are_not_recovered_again_before_it_is_time(void **state)
{
    struct sweeper_work again = work;
    struct sweeper *s;

    (void)state;
    again.recover_every_ms = 3600 * 1000;
    assert_ok(sweeper_new(&again, &s));
    assert_true(comes_to(&world.n_recovered, 1, LONG_MS));
    clock_step_ms = 7200 * 1000; /* the wall clock says nothing of how long it was */
    assert_false(comes_to(&world.n_recovered, 2, 1500));
    sweeper_free(s);
}

static void
a_failing_recovery_holds_up_no_end_and_no_shredding(void **state)
{
    struct sweeper_health h;
    struct sweeper *s;
    int64_t from_ms;

    (void)state;
    world.fail_recover = UINT_MAX; /* no thread runs yet */
    assert_ok(sweeper_new(&work, &s));
    assert_true(comes_to(&world.n_recover_tries, 3, LONG_MS));
    from_ms = clock_mono_ms();
    for (unsigned n = 1; n <= 20; n++) {
        put_uploads(1, 1000);
        sweeper_wake(s);
        assert_true(comes_to(&world.n_shredded, n, LONG_MS));
    }
    /* Were the threads that shred held up by it, each for twice as long every time: minutes. */
    assert_in_range(clock_mono_ms() - from_ms, 0, 20000);
    sweeper_health(s, &h);
    assert_true(h.n_failures >= 3); /* that is how /health/ shows it */
    assert_in_range(get(&world.n_recover_tries), 3, 12);
    sweeper_free(s);
}

static void
after_a_stop_nothing_is_begun(void **state)
{
    struct sweeper_health h;
    struct sweeper *s;

    (void)state;
    assert_ok(sweeper_new(&work, &s));
    assert_true(sweeper_stop(s, LONG_MS));
    put_uploads(1, 1000);
    sweeper_wake(s);
    (void)usleep(100 * 1000);
    assert_int_equal(get(&world.n_swept), 0);
    sweeper_health(s, &h);
    assert_false(h.is_running);
    sweeper_free(s);
    sweeper_free(NULL);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh_world)
    const struct CMUnitTest tests[] = {
        TEST(what_was_due_before_the_start_ends_and_is_shredded_at_once),
        TEST(an_upload_ends_at_its_second_and_not_before),
        TEST(a_wake_is_answered_soon_and_many_make_one_look),
        TEST(an_idle_sweeper_looks_about_once_a_second),
        TEST(a_step_of_the_wall_clock_is_seen_within_a_tick),
        TEST(a_slow_disk_does_not_delay_the_end_of_keys),
        TEST(a_stop_does_not_wait_for_a_disk_that_hangs),
        TEST(failed_sweeps_are_counted_tried_again_and_shown_as_lag),
        TEST(a_wake_does_not_shorten_the_pause_after_a_failure),
        TEST(a_failed_shred_is_counted_and_tried_again),
        TEST(orphans_are_recovered_once_also_after_a_failure),
        TEST(orphans_are_recovered_again_when_it_is_time),
        TEST(orphans_are_not_recovered_again_before_it_is_time),
        TEST(a_failing_recovery_holds_up_no_end_and_no_shredding),
        TEST(after_a_stop_nothing_is_begun),
    };

    return cmocka_run_group_tests_name("server sweeper", tests, NULL, NULL);
}
