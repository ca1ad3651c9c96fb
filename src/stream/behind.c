/* SPDX-License-Identifier: Apache-2.0 */
/* Writing behind: one piece is on its way while the next one is made. */
#include "stream/stream.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 64 * 1024, INLINE_BYTES = 8 * 1024 };

struct behind_sink {
    struct sink sink;
    struct sink *next; /* of whoever is at work: the job while is_busy, else the pusher */
    struct pool *pool;
    struct pool_job job;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    bool is_busy;    /* by lock */
    enum err failed; /* by lock; of the job that was last */
    uint8_t *piece;  /* PIECE_BYTES, from the first job on */
    size_t piece_len;
};

static void
write_piece(struct pool_job *job)
{
    struct behind_sink *b = CONTAINER_OF(job, struct behind_sink, job);
    enum err e = sink_write(b->next, b->piece, b->piece_len);

    (void)pthread_mutex_lock(&b->lock);
    b->failed = e;
    b->is_busy = false;
    (void)pthread_cond_signal(&b->idle);
    (void)pthread_mutex_unlock(&b->lock); /* from here on it may be freed */
}

/* Wait until nothing is on its way, and tell what became of it. */
static enum err
wait_idle(struct behind_sink *b)
{
    enum err e;

    (void)pthread_mutex_lock(&b->lock);
    while (b->is_busy)
        (void)pthread_cond_wait(&b->idle, &b->lock);
    e = b->failed;
    (void)pthread_mutex_unlock(&b->lock);
    return e == ERR_OK ? e : err_set(e, "a write behind failed: %s", err_name(e));
}

static enum err
submit(struct behind_sink *b, const uint8_t *bytes, size_t len)
{
    if (b->piece == NULL)
        b->piece = malloc(PIECE_BYTES);
    if (b->piece == NULL)
        return err_set(ERR_NOMEM, "no memory for a piece to write");
    memcpy(b->piece, bytes, len);
    b->piece_len = len;
    b->job.run = write_piece;
    b->is_busy = true; /* no job runs: nobody else looks */
    pool_submit(b->pool, &b->job);
    return ERR_OK;
}

static enum err
behind_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    struct behind_sink *b = (struct behind_sink *)s;
    enum err e = wait_idle(b);

    while (e == ERR_OK && len > 0) {
        size_t n = len < PIECE_BYTES ? len : PIECE_BYTES;

        e = n < INLINE_BYTES ? sink_write(b->next, bytes, n) : submit(b, bytes, n);
        bytes += n;
        len -= n;
        if (e == ERR_OK && len > 0)
            e = wait_idle(b);
    }
    return e;
}

static enum err
behind_finish(struct sink *s)
{
    struct behind_sink *b = (struct behind_sink *)s;
    enum err e = wait_idle(b);

    return e == ERR_OK ? sink_finish(b->next) : e;
}

static void
behind_free(struct sink *s)
{
    struct behind_sink *b = (struct behind_sink *)s;

    (void)wait_idle(b);
    sink_free(b->next);
    if (b->piece != NULL)
        mem_wipe(b->piece, PIECE_BYTES);
    free(b->piece);
    (void)pthread_cond_destroy(&b->idle);
    (void)pthread_mutex_destroy(&b->lock);
    free(b);
}

enum err
sink_behind_new(struct pool *pool, struct sink **next, struct sink **ret_sink)
{
    static const struct sink_ops ops = {behind_write, behind_finish, behind_free};
    struct behind_sink *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return err_set(ERR_NOMEM, "no memory for a stage");
    *b = (struct behind_sink){.sink = {&ops}, .next = *next, .pool = pool};
    (void)pthread_mutex_init(&b->lock, NULL);
    (void)pthread_cond_init(&b->idle, NULL);
    *next = NULL;
    *ret_sink = &b->sink;
    return ERR_OK;
}
