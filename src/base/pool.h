/* SPDX-License-Identifier: Apache-2.0 */
/* pool: threads that run jobs in the order given. A job is a struct inside the caller's own, so
 * that handing one over cannot fail. Thread-safe. */
#ifndef MAYFLY_BASE_POOL_H
#define MAYFLY_BASE_POOL_H

#include "base/err.h"

#include <stddef.h>

struct pool;

struct pool_job {
    struct pool_job *next;              /* the pool's, while the job waits */
    void (*run)(struct pool_job *self); /* may free the job's memory */
};

/* Start `n_threads` (1 to 256). ERR_NOMEM, or ERR_UNAVAIL when the system gives no thread. */
MUST_CHECK enum err pool_new(unsigned n_threads, struct pool **ret_pool);

/* Run `job` on one of the threads. The caller keeps its memory alive until `run` is called. */
void pool_submit(struct pool *p, struct pool_job *job);

/* Jobs waiting or running now. */
size_t pool_n_pending(struct pool *p);

/* Run everything that was submitted, then end the threads. NULL is a no-op. */
void pool_free(struct pool *p);

#endif
