/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"

#include "blob/blob_int.h"

enum err
blob_create(struct blobs *b, struct blob_writer **ret_writer)
{
    return b->ops->create(b, ret_writer);
}

struct sink *
blob_writer_sink(struct blob_writer *w)
{
    return &w->sink;
}

enum err
blob_commit(struct blob_writer *w, struct blob_name *ret_name, uint64_t *ret_size)
{
    return w->ops->commit(w, ret_name, ret_size);
}

void
blob_abort(struct blob_writer *w)
{
    w->ops->abort(w);
}

void
blob_writer_free(struct blob_writer *w)
{
    if (w != NULL)
        w->ops->free(w);
}

enum err
blob_open(struct blobs *b, const struct blob_name *name, struct reader **ret_reader)
{
    return b->ops->open(b, name, ret_reader);
}

enum err
blob_shred(struct blobs *b, const struct blob_name *name, const struct blob_progress *progress)
{
    return b->ops->shred(b, name, progress);
}

enum err
blob_scan_orphans(struct blobs *b, struct blob_scan *scan)
{
    return b->ops->scan_orphans(b, scan);
}

enum err
blob_mark_owner(struct blobs *b, const struct blob_owner *owner, bool *ret_alone)
{
    return b->ops->mark_owner(b, owner, ret_alone);
}

enum err
blob_space(struct blobs *b, struct blob_space *ret_space)
{
    return b->ops->space(b, ret_space);
}

enum err
blob_ping(struct blobs *b)
{
    return b->ops->ping(b);
}

void
blobs_free(struct blobs *b)
{
    if (b != NULL)
        b->ops->free(b);
}
