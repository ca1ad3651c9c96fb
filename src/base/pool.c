/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct pool_job *first, **last;
    size_t n_pending;
    bool stop;
    unsigned n_threads;
    pthread_t threads[];
};

static void *
worker(void *arg)
{
    struct pool *p = arg;

    (void)pthread_mutex_lock(&p->lock);
    for (;;) {
        struct pool_job *job = p->first;

        if (job == NULL && p->stop)
            break;
        if (job == NULL) {
            (void)pthread_cond_wait(&p->work, &p->lock);
            continue;
        }
        p->first = job->next;
        if (p->first == NULL)
            p->last = &p->first;
        (void)pthread_mutex_unlock(&p->lock);
        job->run(job);
        (void)pthread_mutex_lock(&p->lock);
        p->n_pending--;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum err
pool_new(unsigned n_threads, struct pool **ret_pool)
{
    struct pool *p;
    int rc = 0;

    assert(n_threads >= 1 && n_threads <= 256);
    p = calloc(1, sizeof(*p) + n_threads * sizeof(p->threads[0]));
    if (p == NULL)
        return err_set(ERR_NOMEM, "no memory for a pool of threads");
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    p->last = &p->first;
    for (; p->n_threads < n_threads; p->n_threads++) {
        rc = pthread_create(&p->threads[p->n_threads], NULL, worker, p);
        if (rc != 0)
            break;
    }
    if (rc != 0) {
        pool_free(p);
        return err_set(ERR_UNAVAIL, "cannot start a thread: %s", strerror(rc));
    }
    *ret_pool = p;
    return ERR_OK;
}

void
pool_submit(struct pool *p, struct pool_job *job)
{
    job->next = NULL;
    (void)pthread_mutex_lock(&p->lock);
    *p->last = job;
    p->last = &job->next;
    p->n_pending++;
    (void)pthread_cond_signal(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
}

size_t
pool_n_pending(struct pool *p)
{
    size_t n;

    (void)pthread_mutex_lock(&p->lock);
    n = p->n_pending;
    (void)pthread_mutex_unlock(&p->lock);
    return n;
}

void
pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->stop = true;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        (void)pthread_join(p->threads[i], NULL);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}
