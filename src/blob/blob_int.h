/* SPDX-License-Identifier: Apache-2.0 */
/* blob_int: what a backend of blob fills in. A backend's struct begins with `struct blobs`, its
 * writer's with `struct blob_writer`; the promises are those of blob.h. */
#ifndef MAYFLY_BLOB_BLOB_INT_H
#define MAYFLY_BLOB_BLOB_INT_H

#include "blob/blob.h"

struct blobs_ops {
    enum err (*create)(struct blobs *b, struct blob_writer **ret_writer);
    enum err (*open)(struct blobs *b, const struct blob_name *name, struct reader **ret_reader);
    enum err (*shred)(struct blobs *b, const struct blob_name *name,
                      const struct blob_progress *progress);
    enum err (*scan_orphans)(struct blobs *b, struct blob_scan *scan);
    enum err (*mark_owner)(struct blobs *b, const struct blob_owner *owner, bool *ret_alone);
    enum err (*space)(struct blobs *b, struct blob_space *ret_space);
    enum err (*ping)(struct blobs *b);
    void (*free)(struct blobs *b);
};

struct blobs {
    const struct blobs_ops *ops;
};

struct blob_writer_ops {
    enum err (*commit)(struct blob_writer *w, struct blob_name *ret_name, uint64_t *ret_size);
    void (*abort)(struct blob_writer *w);
    void (*free)(struct blob_writer *w);
};

struct blob_writer {
    const struct blob_writer_ops *ops;
    struct sink sink;
};

#endif
