/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/quota.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct quota {
    pthread_mutex_t lock;
    uint64_t max_bytes;
    uint64_t promised_bytes; /* never above max_bytes */
};

enum err
quota_new(uint64_t max_bytes, struct quota **ret_quota)
{
    struct quota *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return err_set(ERR_NOMEM, "no memory for a quota");
    (void)pthread_mutex_init(&q->lock, NULL);
    q->max_bytes = max_bytes;
    *ret_quota = q;
    return ERR_OK;
}

void
quota_free(struct quota *q)
{
    if (q == NULL)
        return;
    (void)pthread_mutex_destroy(&q->lock);
    free(q);
}

uint64_t
quota_floor(uint64_t disk_total_bytes)
{
    static const uint64_t most = 256 << 20;
    uint64_t part = disk_total_bytes / 20;

    return part < most ? part : most;
}

/* Whether `a` + `b` + `c` is at most `max`, without ever computing a sum that could wrap. */
static bool
fits(uint64_t a, uint64_t b, uint64_t c, uint64_t max)
{
    return a <= max && b <= max - a && c <= max - a - b;
}

enum err
quota_reserve(struct quota *q, const struct quota_now *now, uint64_t bytes)
{
    uint64_t floor_bytes = quota_floor(now->disk_total_bytes);
    bool is_in_quota, is_on_disk;

    (void)pthread_mutex_lock(&q->lock);
    is_in_quota = fits(now->stored_bytes, q->promised_bytes, bytes, q->max_bytes);
    is_on_disk = fits(floor_bytes, q->promised_bytes, bytes, now->disk_free_bytes);
    if (is_in_quota && is_on_disk)
        q->promised_bytes += bytes;
    (void)pthread_mutex_unlock(&q->lock);
    if (!is_in_quota)
        return err_set(ERR_NOSPACE, "the storage quota is used up");
    if (!is_on_disk)
        return err_set(ERR_NOSPACE, "the disk is nearly full");
    return ERR_OK;
}

void
quota_release(struct quota *q, uint64_t bytes)
{
    (void)pthread_mutex_lock(&q->lock);
    assert(bytes <= q->promised_bytes);
    q->promised_bytes -= bytes;
    (void)pthread_mutex_unlock(&q->lock);
}
