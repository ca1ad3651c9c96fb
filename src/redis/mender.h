/* SPDX-License-Identifier: Apache-2.0 */
/* redis/mender: the thread of a link that brings back the nodes that are away: RD_RETRY_MS after
 * they left, then each time later up to RD_RETRY_MAX_MS. Thread-safe. */
#ifndef MAYFLY_REDIS_MENDER_H
#define MAYFLY_REDIS_MENDER_H

#include "base/err.h"

struct rd_mender;
struct rd_node;

/* Start the thread. ERR_NOMEM: no memory, or no thread. */
MUST_CHECK enum err rd_mender_new(struct rd_mender **ret_mender);

/* Stop it, and wait until it has ended: as long as the attempt that it is in. Its nodes are left
 * alone. NULL is a no-op. */
void rd_mender_free(struct rd_mender *m);

/* Look after a node from now on. ERR_NOMEM. */
MUST_CHECK enum err rd_mender_add(struct rd_mender *m, struct rd_node *n);

/* No longer, from when this returns on; waits while the node is being mended. Not to be called out
 * of a node's `find`. No-op for one that was not added. */
void rd_mender_remove(struct rd_mender *m, struct rd_node *n);

/* A node has gone away. Never waits for an attempt; not to be called with a node locked. */
void rd_mender_wake(struct rd_mender *m);

#endif
