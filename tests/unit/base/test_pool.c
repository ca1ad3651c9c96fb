/* SPDX-License-Identifier: Apache-2.0 */
/* pool: every job runs once, in its order, and none is left behind when the pool ends. */
#include "testing.h"

#include "base/mem.h"
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { N_JOBS = 2000 };

struct shared {
    atomic_uint n_run;
    pthread_mutex_t gate; /* held by a test to keep jobs waiting */
    unsigned order[N_JOBS];
};

struct job {
    struct pool_job job;
    struct shared *shared;
    unsigned number;
    atomic_uint n_run;
};

static void
run_counted(struct pool_job *self)
{
    struct job *j = CONTAINER_OF(self, struct job, job);
    unsigned at = atomic_fetch_add(&j->shared->n_run, 1);

    j->shared->order[at] = j->number;
    (void)atomic_fetch_add(&j->n_run, 1);
}

static void
run_and_free(struct pool_job *self)
{
    struct job *j = CONTAINER_OF(self, struct job, job);

    (void)atomic_fetch_add(&j->shared->n_run, 1);
    free(j);
}

static void
run_behind_gate(struct pool_job *self)
{
    struct job *j = CONTAINER_OF(self, struct job, job);

    (void)pthread_mutex_lock(&j->shared->gate);
    (void)atomic_fetch_add(&j->shared->n_run, 1);
    (void)pthread_mutex_unlock(&j->shared->gate);
}

static void
jobs_of_one_thread_run_in_their_order(void **state)
{
    static struct shared shared;
    static struct job jobs[N_JOBS];
    struct pool *p = NULL;

    (void)state;
    assert_ok(pool_new(1, &p));
    for (unsigned i = 0; i < N_JOBS; i++) {
        jobs[i] = (struct job){.job.run = run_counted, .shared = &shared, .number = i};
        pool_submit(p, &jobs[i].job);
    }
    pool_free(p);
    assert_int_equal(N_JOBS, shared.n_run);
    for (unsigned i = 0; i < N_JOBS; i++)
        assert_int_equal(i, shared.order[i]);
}

static void
every_job_runs_exactly_once_on_several_threads(void **state)
{
    static struct shared shared;
    static struct job jobs[N_JOBS];
    struct pool *p = NULL;

    (void)state;
    assert_ok(pool_new(4, &p));
    for (unsigned i = 0; i < N_JOBS; i++) {
        jobs[i] = (struct job){.job.run = run_counted, .shared = &shared, .number = i};
        pool_submit(p, &jobs[i].job);
    }
    pool_free(p);
    assert_int_equal(N_JOBS, shared.n_run);
    for (unsigned i = 0; i < N_JOBS; i++)
        assert_int_equal(1, jobs[i].n_run);
}

static void
a_job_may_free_itself(void **state)
{
    static struct shared shared;
    struct pool *p = NULL;

    (void)state;
    assert_ok(pool_new(2, &p));
    for (unsigned i = 0; i < 100; i++) {
        struct job *j = calloc(1, sizeof(*j));

        assert_non_null(j);
        *j = (struct job){.job.run = run_and_free, .shared = &shared};
        pool_submit(p, &j->job);
    }
    pool_free(p);
    assert_int_equal(100, shared.n_run);
}

static void
jobs_are_pending_until_they_have_run(void **state)
{
    static struct shared shared = {.gate = PTHREAD_MUTEX_INITIALIZER};
    const struct timespec pause = {.tv_nsec = 1000000};
    struct job jobs[5];
    struct pool *p = NULL;

    (void)state;
    assert_ok(pool_new(2, &p));
    assert_int_equal(0, pool_n_pending(p));
    assert_int_equal(0, pthread_mutex_lock(&shared.gate));
    for (unsigned i = 0; i < ARRAY_LEN(jobs); i++) {
        jobs[i] = (struct job){.job.run = run_behind_gate, .shared = &shared};
        pool_submit(p, &jobs[i].job);
    }
    assert_int_equal(5, pool_n_pending(p));
    assert_int_equal(0, pthread_mutex_unlock(&shared.gate));
    for (unsigned i = 0; i < 10000 && pool_n_pending(p) > 0; i++)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(0, pool_n_pending(p));
    assert_int_equal(5, shared.n_run);
    pool_free(p);
}

struct chain {
    struct pool_job job;
    struct pool *pool;
    struct job next;
};

static void
run_and_submit(struct pool_job *self)
{
    struct chain *c = CONTAINER_OF(self, struct chain, job);

    pool_submit(c->pool, &c->next.job);
}

static void
a_job_may_submit_another(void **state)
{
    static struct shared shared;
    struct chain chain = {.job.run = run_and_submit};
    struct pool *p = NULL;

    (void)state;
    assert_ok(pool_new(1, &p));
    chain.pool = p;
    chain.next = (struct job){.job.run = run_counted, .shared = &shared};
    pool_submit(p, &chain.job);
    pool_free(p);
    assert_int_equal(1, shared.n_run);
}

static void
a_pool_without_work_ends(void **state)
{
    struct pool *p = NULL;

    (void)state;
    assert_ok(pool_new(8, &p));
    pool_free(p);
    pool_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_of_one_thread_run_in_their_order),
        cmocka_unit_test(every_job_runs_exactly_once_on_several_threads),
        cmocka_unit_test(a_job_may_free_itself),
        cmocka_unit_test(jobs_are_pending_until_they_have_run),
        cmocka_unit_test(a_job_may_submit_another),
        cmocka_unit_test(a_pool_without_work_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
