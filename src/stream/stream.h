/* SPDX-License-Identifier: Apache-2.0 */
/* stream: bytes on their way. A source is pulled, a sink is pushed, a reader is read anywhere.
 * A stage is a struct whose first member is one of these; it knows only its `next`.
 * One stream belongs to one thread at a time. Lengths and offsets are bytes. */
#ifndef MAYFLY_STREAM_STREAM_H
#define MAYFLY_STREAM_STREAM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"

#include <stddef.h>
#include <stdint.h>

/* ---- source: pulled ---- */

struct source;

struct source_ops {
    enum err (*read)(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len);
    void (*free)(struct source *s); /* NULL: a part of something that is freed as a whole */
};

struct source {
    const struct source_ops *ops;
};

/* Up to `cap` (not 0) bytes; 0 bytes only at the end. After an error the source may only be
 * freed. */
MUST_CHECK enum err source_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len);
void source_free(struct source *s); /* NULL is a no-op */

/* A source over a copy of `len` bytes; wiped on free. */
MUST_CHECK enum err source_of_bytes(const void *bytes, size_t len, struct source **ret_source);

/* ---- sink: pushed ---- */

struct sink;

struct sink_ops {
    enum err (*write)(struct sink *s, const uint8_t *bytes, size_t len);
    enum err (*finish)(struct sink *s);
    void (*free)(struct sink *s); /* NULL: as above */
};

struct sink {
    const struct sink_ops *ops;
};

/* Push bytes; all are taken or it is an error, after which the sink may only be freed. */
MUST_CHECK enum err sink_write(struct sink *s, const uint8_t *bytes, size_t len);

/* Nothing more comes: flush and finish the stages below too. */
MUST_CHECK enum err sink_finish(struct sink *s);

/* Free this stage and those below that it owns; without finish first, that is an abort.
 * NULL is a no-op. */
void sink_free(struct sink *s);

/* A stage that lets `max` bytes through: one more is ERR_TOOBIG. Takes `*next`, sets it NULL;
 * on failure `*next` stays the caller's. */
MUST_CHECK enum err sink_limit_new(uint64_t max, struct sink **next, struct sink **ret_sink);

/* An end that appends to `b` (borrowed), whose ceiling holds. */
MUST_CHECK enum err sink_to_buf(struct buf *b, struct sink **ret_sink);

/* A stage that writes to `*next` from a thread of `pool`, a piece of up to 64 KiB behind, so that
 * the thread that pushes can make the next piece meanwhile. Pieces under 8 KiB are passed on at
 * once when nothing is behind. An error of `*next` comes with the next call. The pool is borrowed,
 * its jobs must be short, and it outlives the sink. Takes `*next`, sets it NULL; on failure
 * `*next` stays the caller's. */
MUST_CHECK enum err sink_behind_new(struct pool *pool, struct sink **next, struct sink **ret_sink);

/* ---- reader: read anywhere, any number of times, size known ---- */

struct reader;

struct reader_ops {
    enum err (*read_at)(struct reader *r, uint64_t off, uint8_t *ret_bytes, size_t len);
    void (*free)(struct reader *r);
};

struct reader {
    const struct reader_ops *ops;
    uint64_t size_bytes;
};

/* Exactly `len` bytes at `off`. ERR_INTEGRITY: there are fewer; ERR_IO. */
MUST_CHECK enum err reader_read_at(struct reader *r, uint64_t off, uint8_t *ret_bytes, size_t len);
void reader_free(struct reader *r); /* NULL is a no-op */

/* A reader over a copy of `len` bytes. */
MUST_CHECK enum err reader_of_bytes(const void *bytes, size_t len, struct reader **ret_reader);

#endif
