/* SPDX-License-Identifier: Apache-2.0 */
/* sweeper: the thread that ends uploads when they are due, and two more that overwrite their blobs,
 * so that a slow disk never delays the end of a key. It asks for the next due time once a second
 * or earlier, whatever the wall clock does. What fails is tried again, later each time.
 * Knows the vault only as a few calls. Thread-safe after sweeper_new. */
#ifndef MAYFLY_SERVER_SWEEPER_H
#define MAYFLY_SERVER_SWEEPER_H

#include "api/api.h"
#include "base/err.h"
#include "vault/vault.h"

#include <stdbool.h>
#include <stdint.h>

struct sweeper;

/* The work, as vault.h says of the calls of the same names. All must be thread-safe. */
struct sweeper_work {
    void *ctx;
    enum err (*next_due)(void *ctx, int64_t *ret_at_s);
    enum err (*sweep)(void *ctx, unsigned *ret_n);
    enum err (*shred_next)(void *ctx, struct doomed_blob *ret_blob);
    enum err (*recover)(void *ctx, uint64_t *ret_n); /* on a thread that shreds; or NULL */
    int64_t (*now_ms)(void);                         /* the wall clock: clock_now_ms */
    int64_t recover_every_ms; /* after one that succeeded; 0: then no more. Monotonic */
};

/* That of a vault (borrowed, alive as the sweeper is) and the system's clock. */
void sweeper_work_of_vault(struct vault *v, struct sweeper_work *ret_work);

/* Start the threads; the first sweep and the first recovery begin at once. ERR_NOMEM, ERR_UNAVAIL.
 */
MUST_CHECK enum err sweeper_new(const struct sweeper_work *work, struct sweeper **ret_sweeper);

/* Something may be due earlier than it was: look again within 20 ms. Cheap: many wakes make one
 * look. Fits struct app's wake_sweeper. */
void sweeper_wake(void *sweeper);

/* Fits struct app's sweeper_health. `lag_s` is how late the last sweep was, counted from the start
 * for what was due before, or for how long sweeps have failed or hung by now. */
void sweeper_health(void *sweeper, struct sweeper_health *ret_health);

struct sweeper_stats {
    uint64_t n_ended, n_shredded, n_recovered; /* uploads; blobs; blobs without a record */
    uint64_t n_failures;                       /* calls that failed */
    bool has_recovered;                        /* at least once */
};
void sweeper_stats(struct sweeper *s, struct sweeper_stats *ret_stats);

/* Begin no more work, and wait at most `timeout_ms` for what runs. False: a blob is still being
 * overwritten; the process may exit all the same, as the next start finishes it. */
bool sweeper_stop(struct sweeper *s, int timeout_ms);

/* Stop, and wait as long as it takes. NULL is a no-op. */
void sweeper_free(struct sweeper *s);

#endif
