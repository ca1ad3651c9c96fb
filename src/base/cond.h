/* SPDX-License-Identifier: Apache-2.0 */
/* cond: condition variables whose waits end by the monotonic clock (clock_mono_ms). */
#ifndef MAYFLY_BASE_COND_H
#define MAYFLY_BASE_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* False: the system has none to give. End it with pthread_cond_destroy. */
bool cond_init(pthread_cond_t *c);

/* Wait, with the lock held, until it is signalled or `at_ms` has come. 0, or ETIMEDOUT. */
int cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t at_ms);

#endif
