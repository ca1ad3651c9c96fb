/* SPDX-License-Identifier: Apache-2.0 */
/* What is left to do on a connection after its reply: wait until the peer has acknowledged the
 * last byte of a stream, or read what it still sends, so that a refusal reaches it. A close with
 * unread bytes makes the system send a reset, which can overtake the reply. */
#include "http/http_int.h"

#include "base/clock.h"
#include "base/cond.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_STEP_MS = 1,
    LAST_STEP_MS = 50,
    SETTLE_MS = 20 * 1000,
    DROP_MS = 2 * 1000,
    DROP_BYTES = 1024 * 1024,
    PAUSE_SHARE = 8, /* who adds a settling waits for this part of how late the thread is */
    PAUSE_MAX_MS = 100,
};

struct entry {
    struct entry *next;
    bool is_drop;
    struct settle settle; /* of a drop only fd is used */
    size_t n_dropped;
    int64_t step_ms, next_ms, end_ms;
};

struct lingers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct entry *incoming; /* by lock */
    bool is_stopping;       /* by lock */
    _Atomic size_t n_drops, n_settles;
    _Atomic int64_t late_ms; /* how much later than it should the thread looks at an entry */
    size_t max_drops;
    pthread_t thread;
};

/* What of the stream the peer does not have, and whether that can still change. */
static bool
settle_missing(const struct settle *st, uint64_t *ret_missing)
{
    struct sock_progress p;

    if (st->fd < 0 || !sock_progress(st->fd, st->is_unix, &p)) {
        *ret_missing = UINT64_MAX;
        return false;
    }
    if (st->is_unix)
        *ret_missing = p.is_dead ? UINT64_MAX : p.unacked;
    else
        *ret_missing = p.acked >= st->target ? 0 : st->target - p.acked;
    return !p.is_dead && *ret_missing > 0;
}

static void
settle_end(struct settle *st, uint64_t missing)
{
    if (st->fd >= 0)
        (void)close(st->fd);
    st->sent(st->ctx, st->left, missing < st->left ? st->left - missing : 0);
}

/* Read what has come in. False: no more can come, or enough has. */
static bool
drop_some(struct entry *en)
{
    uint8_t junk[4096];
    ssize_t n;

    for (;;) {
        n = recv(en->settle.fd, junk, sizeof(junk), MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        en->n_dropped += (size_t)n;
        if (n == 0 || en->n_dropped >= DROP_BYTES)
            return false;
    }
}

/* One look at an entry whose time has come. True: it is over and was freed. */
static bool
step(struct lingers *l, struct entry *en, int64_t now_ms, bool is_last)
{
    uint64_t missing = 0;
    bool goes_on;

    is_last = is_last || now_ms >= en->end_ms;
    goes_on = en->is_drop ? drop_some(en) : settle_missing(&en->settle, &missing);
    if (goes_on && !is_last) {
        /* The library says goodbye before it closes; by now it has. */
        if (en->is_drop && en->step_ms == LAST_STEP_MS)
            (void)shutdown(en->settle.fd, SHUT_WR);
        en->step_ms = en->step_ms * 2 < LAST_STEP_MS ? en->step_ms * 2 : LAST_STEP_MS;
        en->next_ms = now_ms + en->step_ms;
        return false;
    }
    if (en->is_drop) {
        (void)close(en->settle.fd);
        atomic_fetch_sub(&l->n_drops, 1);
    } else {
        settle_end(&en->settle, missing);
        atomic_fetch_sub(&l->n_settles, 1);
    }
    free(en);
    return true;
}

/* Wait for a new entry, the end, or `until_ms`; take the new entries. Returns is_stopping. */
static bool
collect(struct lingers *l, struct entry **active, int64_t until_ms)
{
    struct entry *en;
    int rc = 0;
    bool is_stopping;

    (void)pthread_mutex_lock(&l->lock);
    while (l->incoming == NULL && !l->is_stopping && rc == 0) {
        if (*active == NULL)
            rc = pthread_cond_wait(&l->wake, &l->lock);
        else
            rc = cond_wait_until(&l->wake, &l->lock, until_ms);
    }
    while ((en = l->incoming) != NULL) {
        l->incoming = en->next;
        en->next = *active;
        *active = en;
    }
    is_stopping = l->is_stopping;
    (void)pthread_mutex_unlock(&l->lock);
    return is_stopping;
}

static void *
run(void *arg)
{
    struct lingers *l = arg;
    struct entry *active = NULL;
    int64_t until_ms = 0;
    bool is_stopping = false;

    while (!is_stopping || active != NULL) {
        int64_t now_ms;

        is_stopping = collect(l, &active, until_ms);
        now_ms = clock_mono_ms();
        until_ms = now_ms + LAST_STEP_MS;
        for (struct entry **at = &active; *at != NULL;) {
            struct entry *en = *at, *next = en->next;

            if (en->next_ms <= now_ms)
                atomic_store(&l->late_ms, clock_mono_ms() - en->next_ms);
            if ((is_stopping || en->next_ms <= now_ms) && step(l, en, now_ms, is_stopping)) {
                *at = next;
                continue;
            }
            if (en->next_ms < until_ms)
                until_ms = en->next_ms;
            at = &en->next;
        }
    }
    return NULL;
}

enum err
lingers_new(size_t max_drops, struct lingers **ret_lingers)
{
    struct lingers *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return err_set(ERR_NOMEM, "no memory for the lingering connections");
    l->max_drops = max_drops;
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)cond_init(&l->wake);
    if (pthread_create(&l->thread, NULL, run, l) != 0) {
        (void)pthread_cond_destroy(&l->wake);
        (void)pthread_mutex_destroy(&l->lock);
        free(l);
        return err_set(ERR_UNAVAIL, "cannot start a thread");
    }
    *ret_lingers = l;
    return ERR_OK;
}

void
lingers_free(struct lingers *l)
{
    if (l == NULL)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->is_stopping = true;
    (void)pthread_cond_signal(&l->wake);
    (void)pthread_mutex_unlock(&l->lock);
    (void)pthread_join(l->thread, NULL);
    (void)pthread_cond_destroy(&l->wake);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

static void
push(struct lingers *l, struct entry *en, int64_t limit_ms)
{
    int64_t now_ms = clock_mono_ms();

    en->step_ms = FIRST_STEP_MS;
    en->next_ms = now_ms + FIRST_STEP_MS;
    en->end_ms = now_ms + limit_ms;
    (void)pthread_mutex_lock(&l->lock);
    en->next = l->incoming;
    l->incoming = en;
    (void)pthread_cond_signal(&l->wake);
    (void)pthread_mutex_unlock(&l->lock);
}

/* Settling asks the store, one entry after the other. Whoever finishes replies faster than that is
 * slowed down here, or entries, each with a descriptor, would pile up without bound. */
static void
wait_for_thread(struct lingers *l)
{
    int64_t ms = atomic_load(&l->late_ms) / PAUSE_SHARE;
    struct timespec span;

    if (ms <= 0)
        return;
    ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
    span = (struct timespec){.tv_nsec = (long)ms * 1000000};
    (void)nanosleep(&span, NULL);
}

void
lingers_settle(struct lingers *l, const struct settle *settle)
{
    struct entry *en = settle->fd < 0 ? NULL : calloc(1, sizeof(*en));
    struct settle now = *settle;
    uint64_t missing;

    if (en == NULL) {
        (void)settle_missing(&now, &missing);
        settle_end(&now, missing);
        return;
    }
    en->settle = *settle;
    atomic_fetch_add(&l->n_settles, 1);
    push(l, en, SETTLE_MS);
    wait_for_thread(l);
}

void
lingers_drop(struct lingers *l, int fd)
{
    struct entry *en = NULL;

    if (fd < 0)
        return;
    if (atomic_fetch_add(&l->n_drops, 1) < l->max_drops)
        en = calloc(1, sizeof(*en));
    if (en == NULL) {
        atomic_fetch_sub(&l->n_drops, 1);
        (void)close(fd);
        return;
    }
    en->is_drop = true;
    en->settle.fd = fd;
    push(l, en, DROP_MS);
}

size_t
lingers_n_settles(struct lingers *l)
{
    return atomic_load(&l->n_settles);
}
