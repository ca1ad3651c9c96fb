/* SPDX-License-Identifier: Apache-2.0 */
/* quota: space is promised before it is used. Counts bytes of blobs; thread-safe. */
#ifndef MAYFLY_POLICY_QUOTA_H
#define MAYFLY_POLICY_QUOTA_H

#include "base/err.h"

#include <stdint.h>

struct quota;

/* `max_bytes` in all (MAX_STORAGE_SIZE). ERR_NOMEM. */
MUST_CHECK enum err quota_new(uint64_t max_bytes, struct quota **ret_quota);
void quota_free(struct quota *q); /* NULL is a no-op */

struct quota_now {
    uint64_t stored_bytes;    /* in blobs now, as the store says */
    uint64_t disk_free_bytes; /* of the file system */
    uint64_t disk_total_bytes;
};

/* Promise `bytes`, given what is stored now and what was promised before and not given back.
 * ERR_NOSPACE: the quota, or the floor of free disk space, would be passed. */
MUST_CHECK enum err quota_reserve(struct quota *q, const struct quota_now *now, uint64_t bytes);

/* Give a promise back: the upload has ended, and what it stored shows in stored_bytes. */
void quota_release(struct quota *q, uint64_t bytes);

/* Disk space that uploads leave free: 5 % of the file system, at most 256 MiB. */
uint64_t quota_floor(uint64_t disk_total_bytes);

#endif
