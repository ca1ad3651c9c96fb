/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cond.h"

#include <time.h>

bool
cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    int rc;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    rc = pthread_cond_init(c, &attr);
    (void)pthread_condattr_destroy(&attr);
    return rc == 0;
}

int
cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, int64_t at_ms)
{
    const struct timespec at = {.tv_sec = (time_t)(at_ms / 1000),
                                .tv_nsec = (long)(at_ms % 1000) * 1000000};

    return pthread_cond_timedwait(c, lock, &at);
}
