/* SPDX-License-Identifier: Apache-2.0 */
#include "server/sweeper.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    N_SHREDDERS = 2,
    TICK_MS = 1000,          /* the longest sleep: a step of the wall clock is seen within it */
    COALESCE_MS = 20,        /* wakes that come closer together make one round */
    POLL_MS = 100,           /* while blobs wait for a thread that shreds */
    RETRY_MS = 100,          /* after a failure, twice as long after each further one */
    RETRY_MAX_MS = 5000,     /* of a sweep: keys must end soon */
    SHRED_MAX_MS = 60000,    /* of a shredder: a broken disk stays broken for a while */
    RECOVER_MAX_MS = 600000, /* of a recovery: orphans have no deadline */
};

struct shredder {
    struct pool_job job;
    struct sweeper *sweeper;
    bool is_busy;
    unsigned n_failed; /* in a row */
    int64_t not_before_ms;
};

struct sweeper {
    struct sweeper_work work;
    struct pool *pool;
    pthread_t thread;

    pthread_mutex_t lock; /* of all below; never held while `work` is called */
    pthread_cond_t changed;
    bool stop, woken, is_running;
    struct shredder shredders[N_SHREDDERS];
    struct sweeper_stats stats;
    int64_t last_run_at_s;  /* wall clock; 0: not yet */
    int64_t last_run_ms;    /* monotonic; at first the start */
    int64_t last_late_ms;   /* of the last round that did not fail */
    int64_t started_now_ms; /* wall clock */
    bool is_recovering;
    unsigned n_recover_failed; /* in a row */
    int64_t recover_at_ms;     /* monotonic; INT64_MAX: no more */
};

static bool
is_stopping(struct sweeper *s)
{
    bool stop;

    (void)pthread_mutex_lock(&s->lock);
    stop = s->stop;
    (void)pthread_mutex_unlock(&s->lock);
    return stop;
}

static int64_t
backoff_ms(unsigned n_failed, int64_t max_ms)
{
    int64_t ms = n_failed > 16 ? max_ms : (int64_t)RETRY_MS << (n_failed - 1);

    return ms < max_ms ? ms : max_ms;
}

static void
count_failure(struct sweeper *s, const char *what, enum err e)
{
    log_err(LOG_ERROR, what, e);
    (void)pthread_mutex_lock(&s->lock);
    s->stats.n_failures++;
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- the threads that shred ---- */

/* Whether it is time for a recovery, which no other thread is at; with the lock held. */
static bool
must_recover(const struct sweeper *s)
{
    return !s->is_recovering && clock_mono_ms() >= s->recover_at_ms;
}

/* When to recover next, after one that ended with `e`; with the lock held. */
static int64_t
next_recovery_ms(struct sweeper *s, enum err e)
{
    s->n_recover_failed = e == ERR_OK ? 0 : s->n_recover_failed + 1;
    if (e != ERR_OK)
        return clock_mono_ms() + backoff_ms(s->n_recover_failed, RECOVER_MAX_MS);
    return s->work.recover_every_ms > 0 ? clock_mono_ms() + s->work.recover_every_ms : INT64_MAX;
}

/* The orphans of a crash, when it is time for them. What fails has a pause of its own: this thread
 * goes on shredding. */
static void
recover(struct sweeper *s)
{
    struct log_field field;
    uint64_t n = 0;
    bool is_mine;
    enum err e;

    (void)pthread_mutex_lock(&s->lock);
    is_mine = must_recover(s);
    s->is_recovering = s->is_recovering || is_mine;
    (void)pthread_mutex_unlock(&s->lock);
    if (!is_mine)
        return;
    e = s->work.recover(s->work.ctx, &n);
    if (e != ERR_OK) {
        count_failure(s, "shredding blobs without a record", e);
    } else if (n > 0) {
        field = (struct log_field)LOG_INT("blobs", n);
        log_event(LOG_INFO, "recovered", &field, 1);
    }
    (void)pthread_mutex_lock(&s->lock);
    s->is_recovering = false;
    s->stats.has_recovered = s->stats.has_recovered || e == ERR_OK;
    s->stats.n_recovered += n;
    s->recover_at_ms = next_recovery_ms(s, e);
    (void)pthread_mutex_unlock(&s->lock);
}

static void
note_shredded(struct sweeper *s, const struct doomed_blob *blob)
{
    static const char *const how[] = {
        [ENDED_USES] = "uses", [ENDED_EXPIRY] = "expiry", [ENDED_REVOKED] = "revoked"};
    const struct log_field fields[] = {
        LOG_TEXT("ended_by", how[blob->ended_by]),
        LOG_INT("bytes", blob->stored_bytes),
        LOG_INT("after_s", s->work.now_ms() / 1000 - blob->ended_at_s),
    };

    log_event(LOG_INFO, "destroyed", fields, ARRAY_LEN(fields));
    (void)pthread_mutex_lock(&s->lock);
    s->stats.n_shredded++;
    (void)pthread_mutex_unlock(&s->lock);
}

/* Shred until nothing waits, something fails or the sweeper stops. */
static void
shred(struct pool_job *job)
{
    struct shredder *me = CONTAINER_OF(job, struct shredder, job);
    struct sweeper *s = me->sweeper;
    struct doomed_blob blob = {0};
    bool ok = true, has_shredded = false;
    enum err e = ERR_OK;

    while (e == ERR_OK && !is_stopping(s)) {
        e = s->work.shred_next(s->work.ctx, &blob);
        if (e != ERR_OK)
            break;
        has_shredded = true;
        note_shredded(s, &blob);
    }
    if (e != ERR_OK && e != ERR_NOTFOUND) {
        count_failure(s, "shredding a blob", e);
        ok = false;
    }
    if (!is_stopping(s))
        recover(s); /* after what is due: that has 10 s, orphans have no deadline */

    (void)pthread_mutex_lock(&s->lock);
    me->n_failed = ok ? 0 : me->n_failed + 1;
    me->not_before_ms = ok ? 0 : clock_mono_ms() + backoff_ms(me->n_failed, SHRED_MAX_MS);
    me->is_busy = false;
    s->woken = s->woken || has_shredded; /* others may wait since; without progress, no hurry */
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

/* Give work to the shredders that are free and not waiting after a failure. */
static void
start_shredders(struct sweeper *s, bool has_doomed)
{
    struct shredder *started[N_SHREDDERS];
    int64_t now_ms = clock_mono_ms();
    size_t n = 0;

    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < N_SHREDDERS && !s->stop; i++) {
        struct shredder *one = &s->shredders[i];
        bool has_work = has_doomed || (i == 0 && must_recover(s));

        if (!has_work || one->is_busy || now_ms < one->not_before_ms)
            continue;
        one->is_busy = true;
        started[n++] = one;
    }
    (void)pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < n; i++)
        pool_submit(s->pool, &started[i]->job);
}

/* ---- the thread that sweeps ---- */

/* How late a sweep of what was due at `due_s` is; what was due before the start counts from it. */
static int64_t
late_ms(const struct sweeper *s, int64_t due_s)
{
    int64_t due_ms = due_s > INT64_MAX / 1000 ? INT64_MAX : due_s * 1000;
    int64_t now_ms = s->work.now_ms();

    if (due_ms < s->started_now_ms)
        due_ms = s->started_now_ms;
    return now_ms > due_ms ? now_ms - due_ms : 0;
}

/* End all that is due. `ret_due_s` is when something is next; `ret_late_ms` is 0 when nothing
 * ended. */
static enum err
end_due(struct sweeper *s, int64_t *ret_due_s, int64_t *ret_late_ms)
{
    int64_t due_s = INT64_MAX, late = 0;
    uint64_t n_ended = 0;
    unsigned n = 1;
    enum err e = s->work.next_due(s->work.ctx, &due_s);

    if (e == ERR_OK && due_s <= s->work.now_ms() / 1000) {
        while (e == ERR_OK && n > 0 && !is_stopping(s)) {
            n = 0;
            e = s->work.sweep(s->work.ctx, &n);
            n_ended += n;
        }
        if (n_ended > 0)
            late = late_ms(s, due_s);
        if (e == ERR_OK)
            e = s->work.next_due(s->work.ctx, &due_s);
    }
    (void)pthread_mutex_lock(&s->lock);
    s->stats.n_ended += n_ended;
    (void)pthread_mutex_unlock(&s->lock);
    if (e == ERR_OK) {
        *ret_due_s = due_s;
        *ret_late_ms = late;
    }
    return e;
}

/* One round; how long to sleep after it. */
static int64_t
run_once(struct sweeper *s, unsigned *n_failed)
{
    int64_t due_s = 0, late = 0, now_ms;
    enum err e = end_due(s, &due_s, &late);

    if (e != ERR_OK) {
        count_failure(s, "sweeping", e);
        (*n_failed)++;
        start_shredders(s, false);
        return backoff_ms(*n_failed, RETRY_MAX_MS);
    }
    *n_failed = 0;
    now_ms = s->work.now_ms();
    (void)pthread_mutex_lock(&s->lock);
    s->last_run_at_s = now_ms / 1000;
    s->last_run_ms = clock_mono_ms();
    s->last_late_ms = late;
    (void)pthread_mutex_unlock(&s->lock);

    start_shredders(s, due_s <= now_ms / 1000);
    if (due_s <= now_ms / 1000)
        return POLL_MS;
    if (due_s - now_ms / 1000 > TICK_MS / 1000)
        return TICK_MS;
    return due_s * 1000 - now_ms;
}

static void *
run(void *arg)
{
    struct sweeper *s = arg;
    unsigned n_failed = 0;

    (void)pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        int64_t ended_ms, wait_ms, soon_ms;

        s->woken = false;
        (void)pthread_mutex_unlock(&s->lock);
        wait_ms = run_once(s, &n_failed);
        ended_ms = clock_mono_ms();
        (void)pthread_mutex_lock(&s->lock);
        /* After a failure a wake must not shorten the pause. */
        soon_ms = ended_ms + (n_failed == 0 && wait_ms > COALESCE_MS ? COALESCE_MS : wait_ms);
        while (!s->stop) {
            int64_t until_ms = s->woken ? soon_ms : ended_ms + wait_ms;

            if (clock_mono_ms() >= until_ms)
                break;
            (void)cond_wait_until(&s->changed, &s->lock, until_ms);
        }
    }
    s->is_running = false;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- from outside ---- */

static void
init_sync(struct sweeper *s)
{
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)cond_init(&s->changed);
}

enum err
sweeper_new(const struct sweeper_work *work, struct sweeper **ret_sweeper)
{
    struct sweeper *s = calloc(1, sizeof(*s));
    enum err e;
    int rc;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for the sweeper");
    s->work = *work;
    s->stats.has_recovered = work->recover == NULL;
    s->recover_at_ms = work->recover == NULL ? INT64_MAX : INT64_MIN;
    s->last_run_ms = clock_mono_ms();
    s->started_now_ms = work->now_ms();
    for (size_t i = 0; i < N_SHREDDERS; i++)
        s->shredders[i] = (struct shredder){.job.run = shred, .sweeper = s};
    e = pool_new(N_SHREDDERS, &s->pool);
    if (e != ERR_OK) {
        free(s);
        return e;
    }
    init_sync(s);
    s->is_running = true;
    rc = pthread_create(&s->thread, NULL, run, s);
    if (rc != 0) {
        pool_free(s->pool);
        (void)pthread_cond_destroy(&s->changed);
        (void)pthread_mutex_destroy(&s->lock);
        free(s);
        return err_set(ERR_UNAVAIL, "cannot start the sweeper: %s", strerror(rc));
    }
    *ret_sweeper = s;
    return ERR_OK;
}

void
sweeper_wake(void *sweeper)
{
    struct sweeper *s = sweeper;

    (void)pthread_mutex_lock(&s->lock);
    if (!s->woken) {
        s->woken = true;
        (void)pthread_cond_broadcast(&s->changed);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void
sweeper_health(void *sweeper, struct sweeper_health *ret_health)
{
    struct sweeper *s = sweeper;
    int64_t silent_ms;

    (void)pthread_mutex_lock(&s->lock);
    silent_ms = clock_mono_ms() - s->last_run_ms - TICK_MS;
    *ret_health = (struct sweeper_health){
        .is_running = s->is_running,
        .last_run_at_s = s->last_run_at_s,
        .lag_s = (silent_ms > s->last_late_ms ? silent_ms : s->last_late_ms) / 1000,
        .n_failures = s->stats.n_failures,
    };
    (void)pthread_mutex_unlock(&s->lock);
}

void
sweeper_stats(struct sweeper *s, struct sweeper_stats *ret_stats)
{
    (void)pthread_mutex_lock(&s->lock);
    *ret_stats = s->stats;
    (void)pthread_mutex_unlock(&s->lock);
}

static bool
is_idle(const struct sweeper *s)
{
    for (size_t i = 0; i < N_SHREDDERS; i++) {
        if (s->shredders[i].is_busy)
            return false;
    }
    return !s->is_running;
}

bool
sweeper_stop(struct sweeper *s, int timeout_ms)
{
    int64_t until_ms = clock_mono_ms() + timeout_ms;
    bool idle;

    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_broadcast(&s->changed);
    while (!is_idle(s) && clock_mono_ms() < until_ms)
        (void)cond_wait_until(&s->changed, &s->lock, until_ms);
    idle = is_idle(s);
    (void)pthread_mutex_unlock(&s->lock);
    return idle;
}

void
sweeper_free(struct sweeper *s)
{
    if (s == NULL)
        return;
    (void)sweeper_stop(s, 0);
    (void)pthread_join(s->thread, NULL);
    pool_free(s->pool);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
