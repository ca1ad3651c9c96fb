/* SPDX-License-Identifier: Apache-2.0 */
/* The sweeper's work on a real vault. */
#include "server/sweeper.h"

#include "base/clock.h"

/* A shared store can lose records while we run: one that was emptied, or a node that died. The
 * vault's mark of the storage counts on it. */
enum { RECOVER_EVERY_S = 3600 };

static enum err
next_due(void *ctx, int64_t *ret_at_s)
{
    return vault_next_due(ctx, ret_at_s);
}

static enum err
sweep(void *ctx, unsigned *ret_n)
{
    return vault_sweep(ctx, ret_n);
}

static enum err
shred_next(void *ctx, struct doomed_blob *ret_blob)
{
    return vault_shred_next(ctx, ret_blob);
}

static enum err
recover(void *ctx, uint64_t *ret_n)
{
    return vault_recover(ctx, ret_n);
}

void
sweeper_work_of_vault(struct vault *v, struct sweeper_work *ret_work)
{
    *ret_work = (struct sweeper_work){
        .ctx = v,
        .next_due = next_due,
        .sweep = sweep,
        .shred_next = shred_next,
        .recover = recover,
        .now_ms = clock_now_ms,
        .recover_every_ms = RECOVER_EVERY_S * 1000,
    };
}
