/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/mender.h"

#include "base/clock.h"
#include "base/cond.h"
#include "redis/node.h"

#include <pthread.h>
#include <time.h>

struct rd_mender {
    pthread_t thread;
    pthread_mutex_t lock; /* of the rest; taken before a node's, never after */
    pthread_cond_t change;
    struct rd_node **nodes;
    size_t n, cap;
    struct rd_node *in_hand; /* being mended, without the lock */
    bool is_stopping;
};

/* The node that is to be tried first, and when; NULL: none is away. */
static struct rd_node *
next_due(const struct rd_mender *m, int64_t *ret_due_ms)
{
    struct rd_node *next = NULL;
    int64_t due_ms;

    for (size_t i = 0; i < m->n; i++) {
        due_ms = rd_node_due_ms(m->nodes[i]);
        if (due_ms >= 0 && (next == NULL || due_ms < *ret_due_ms)) {
            next = m->nodes[i];
            *ret_due_ms = due_ms;
        }
    }
    return next;
}

static void *
run(void *arg)
{
    struct rd_mender *m = arg;
    struct rd_node *next;
    int64_t due_ms = 0;

    (void)pthread_mutex_lock(&m->lock);
    while (!m->is_stopping) {
        next = next_due(m, &due_ms);
        if (next == NULL) {
            (void)pthread_cond_wait(&m->change, &m->lock);
        } else if (due_ms > clock_mono_ms()) {
            (void)cond_wait_until(&m->change, &m->lock, due_ms);
        } else {
            m->in_hand = next;
            (void)pthread_mutex_unlock(&m->lock);
            rd_node_mend(next);
            (void)pthread_mutex_lock(&m->lock);
            m->in_hand = NULL;
            (void)pthread_cond_broadcast(&m->change);
        }
    }
    (void)pthread_mutex_unlock(&m->lock);
    return NULL;
}

static bool
init_locks(struct rd_mender *m)
{
    if (!cond_init(&m->change))
        return false;
    if (pthread_mutex_init(&m->lock, NULL) != 0) {
        (void)pthread_cond_destroy(&m->change);
        return false;
    }
    return true;
}

static void
destroy_locks(struct rd_mender *m)
{
    (void)pthread_mutex_destroy(&m->lock);
    (void)pthread_cond_destroy(&m->change);
}

enum err
rd_mender_new(struct rd_mender **ret_mender)
{
    struct rd_mender *m = calloc(1, sizeof(*m));

    if (m == NULL || !init_locks(m)) {
        free(m);
        return err_set(ERR_NOMEM, "no memory for a thread");
    }
    if (pthread_create(&m->thread, NULL, run, m) != 0) {
        destroy_locks(m);
        free(m);
        return err_set(ERR_NOMEM, "no thread to be had");
    }
    *ret_mender = m;
    return ERR_OK;
}

void
rd_mender_free(struct rd_mender *m)
{
    if (m == NULL)
        return;
    (void)pthread_mutex_lock(&m->lock);
    m->is_stopping = true;
    (void)pthread_cond_broadcast(&m->change);
    (void)pthread_mutex_unlock(&m->lock);
    (void)pthread_join(m->thread, NULL);
    destroy_locks(m);
    free(m->nodes);
    free(m);
}

enum err
rd_mender_add(struct rd_mender *m, struct rd_node *n)
{
    struct rd_node **nodes;
    enum err e = ERR_OK;

    (void)pthread_mutex_lock(&m->lock);
    if (m->n == m->cap) {
        nodes = realloc(m->nodes, (m->cap + 8) * sizeof(struct rd_node *));
        if (nodes == NULL) {
            e = err_set(ERR_NOMEM, "no memory for a server");
            goto out;
        }
        m->nodes = nodes;
        m->cap += 8;
    }
    m->nodes[m->n++] = n;
    (void)pthread_cond_broadcast(&m->change); /* it may be away already */
out:
    (void)pthread_mutex_unlock(&m->lock);
    return e;
}

void
rd_mender_remove(struct rd_mender *m, struct rd_node *n)
{
    (void)pthread_mutex_lock(&m->lock);
    while (m->in_hand == n)
        (void)pthread_cond_wait(&m->change, &m->lock);
    for (size_t i = 0; i < m->n; i++) {
        if (m->nodes[i] == n) {
            m->nodes[i] = m->nodes[--m->n];
            break;
        }
    }
    (void)pthread_mutex_unlock(&m->lock);
}

void
rd_mender_wake(struct rd_mender *m)
{
    (void)pthread_mutex_lock(&m->lock);
    (void)pthread_cond_broadcast(&m->change);
    (void)pthread_mutex_unlock(&m->lock);
}
