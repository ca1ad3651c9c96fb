/* SPDX-License-Identifier: Apache-2.0 */
/* blob: ciphertext at rest. Knows names and bytes; never keys, codes or records.
 * Backend: blob_dir (a folder; later an object store). A `struct blobs` is thread-safe; a writer
 * and a reader belong to one thread at a time. Sizes are bytes. */
#ifndef MAYFLY_BLOB_BLOB_H
#define MAYFLY_BLOB_BLOB_H

#include "base/err.h"
#include "base/ids.h"
#include "stream/stream.h"

#include <stdbool.h>
#include <stdint.h>

struct blobs; /* opaque; see blob_int.h for backends */

/* ---- writing: a sink, then commit ---- */

struct blob_writer;

/* Begin a blob under a fresh random name. Until commit it is invisible, and gone after a crash
 * and the next start. ERR_NOSPACE, ERR_IO, ERR_NOMEM, ERR_UNAVAIL (no free name). */
MUST_CHECK enum err blob_create(struct blobs *b, struct blob_writer **ret_writer);

/* The sink to push ciphertext into. Owned by the writer: sink_free of it does nothing. */
struct sink *blob_writer_sink(struct blob_writer *w);

/* Put the blob under its name; with sync on, bytes and directory entry are durable on return.
 * ERR_NOSPACE, ERR_IO: nothing is left. The writer stays open, and keeps other nodes' start-up
 * scans off the blob, until it is freed: free it after the record was put. */
MUST_CHECK enum err blob_commit(struct blob_writer *w, struct blob_name *ret_name,
                                uint64_t *ret_size);

/* Remove the blob again, committed or not (the record could not be put). A committed one is
 * shredded, as its record may have been put after all: call on a worker. One that was not is only
 * cut and unlinked, which is quick: its key was never stored. */
void blob_abort(struct blob_writer *w);

/* Free the writer; a blob that was not committed is removed. NULL is a no-op. */
void blob_writer_free(struct blob_writer *w);

/* ---- reading ---- */

/* ERR_NOTFOUND: no such blob; ERR_IO, ERR_NOMEM. Never follows a link. The caller frees the
 * reader, which goes on reading the same file whatever happens to its name. */
MUST_CHECK enum err blob_open(struct blobs *b, const struct blob_name *name,
                              struct reader **ret_reader);

/* ---- the end ---- */

/* Called between the pieces and after each pass of a long overwriting, some thousand times for a
 * gigabyte: on the thread that overwrites. */
struct blob_progress {
    void (*step)(void *ctx);
    void *ctx;
};

/* Overwrite the bytes in place with random ones, pass by pass and each made durable, truncate,
 * unlink, make the directory durable. A blob that is not there is no error: it was finished
 * before. A blob whose writer was committed but not freed is shredded all the same, and two may
 * shred the same blob at once. Where the file system needs room to overwrite and has none, it is
 * only truncated and removed, with a log line. `progress` may be NULL.
 * ERR_IO, ERR_NOMEM: some step failed and the blob is still there; try again later. */
MUST_CHECK enum err blob_shred(struct blobs *b, const struct blob_name *name,
                               const struct blob_progress *progress);

/* Visit everything in the storage, and shred what `is_known` denies, as well as
 * unfinished writes. What a living writer holds is kept unasked. Names and kinds of file that are
 * not ours are left alone and counted; links are never followed. An error of `is_known` ends the
 * scan with that error; a blob that cannot be shredded does not, but is the scan's error at its
 * end (ERR_IO, ERR_NOMEM). */
struct blob_scan {
    enum err (*is_known)(void *ctx, const struct blob_name *name, bool *ret_known);
    void *ctx;
    uint64_t n_kept, n_shredded, n_foreign; /* out, also after an error */
};
MUST_CHECK enum err blob_scan_orphans(struct blobs *b, struct blob_scan *scan);

/* ---- the storage ---- */

/* Leave a mark that blobs of `owner`, a store, lie here and may be wanted until `until_s`; its
 * time is only ever prolonged. `ret_alone`: at `now_s` no other owner's blobs may be wanted; marks
 * that are past their time are removed. ERR_NOSPACE, ERR_IO. */
struct blob_owner {
    struct store_name name;
    int64_t now_s, until_s;
};
MUST_CHECK enum err blob_mark_owner(struct blobs *b, const struct blob_owner *owner,
                                    bool *ret_alone);

struct blob_space {
    uint64_t free_bytes, total_bytes; /* of the file system, for an ordinary user */
};
MUST_CHECK enum err blob_space(struct blobs *b, struct blob_space *ret_space);

/* Whether the storage can be written to, and is still what its path leads to: makes, writes and
 * removes a small file. */
MUST_CHECK enum err blob_ping(struct blobs *b);

void blobs_free(struct blobs *b); /* NULL is a no-op */

/* ---- backends ---- */

struct blob_dir_opts {
    const char *path;
    bool sync;             /* STORAGE_SYNC */
    unsigned shred_passes; /* 0 to 35; 0 only truncates and unlinks. Synced whatever `sync` is */
    /* Random bytes in bulk for overwriting; NULL: from the kernel. */
    enum err (*random_fill)(void *ret_bytes, size_t len);
};

/* Open, or make (mode 0700), a storage folder: <path>/<aa>/<32 hex>. ERR_DENIED: it or a subfolder
 * belongs to another user, or group or others can write to it; ERR_FIELD: too many passes;
 * ERR_SYNTAX: no path; ERR_IO, also when the last component is a link. `opts` is not kept. */
MUST_CHECK enum err blob_dir_open(const struct blob_dir_opts *opts, struct blobs **ret_blobs);

#endif
