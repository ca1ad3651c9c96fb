/* SPDX-License-Identifier: Apache-2.0 */
/* pack_int: what pack is made of: operands, the walk through them, and the tar of that. */
#ifndef MAYFLY_CLIENT_PACK_INT_H
#define MAYFLY_CLIENT_PACK_INT_H

#include "base/err.h"
#include "stream/stream.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* ---- operands (pack_roots.c) ---- */

/* What the user named, sorted by the names that they have in the tar. */
struct pack_roots {
    struct pack_root {
        char *path, *name;
        size_t index; /* in the command line */
    } * all;
    size_t n;
};

/* Copies. ERR_FIELD: two have one name; ERR_NOMEM; ERR_IO: "." and the like cannot be named.
 * `ret_failed` says which operand. */
MUST_CHECK enum err pack_roots_new(char *const *paths, size_t n, struct pack_roots *ret,
                                   size_t *ret_failed);
void pack_roots_free(struct pack_roots *r);

/* ---- the walk (pack_walk.c) ---- */

enum walk_kind { WALK_END, WALK_FILE, WALK_FOLDER, WALK_LINK };

struct walk_entry {
    enum walk_kind kind;
    const char *path; /* in the tar; until the next step, as `link` */
    const char *link; /* where a link points to */
    int fd;           /* of a file: the caller closes it; -1 when files are not opened */
    struct stat st;
};

/* Steps through the operands and all that is in them: names in order, a folder before what is in
 * it. Operands that are links are followed, nothing else is. Holds one descriptor and the names of
 * each folder on the way. */
struct walk;

/* `roots` is borrowed. Without `opens_files` it is a look ahead: files are only asked whether they
 * can be read. */
MUST_CHECK enum err walk_new(const struct pack_roots *roots, bool opens_files,
                             struct walk **ret_walk);
void walk_free(struct walk *w); /* NULL is a no-op */

/* The next entry; at the end its kind is WALK_END. ERR_IO: something cannot be read; the sentence
 * names it (but not an operand in a look ahead); ERR_CLOSED: interrupted. */
MUST_CHECK enum err walk_next(struct walk *w, struct walk_entry *ret_entry);

size_t walk_root(const struct walk *w); /* index of the operand it is in */
uint64_t walk_n_left_out(const struct walk *w);

/* ---- the tar (pack_tar.c) ---- */

/* How long it will be if nothing changes, and what is left out. ERR_IO: as above, or there is
 * nothing in it. */
MUST_CHECK enum err tar_measure(const struct pack_roots *roots, uint64_t *ret_len,
                                uint64_t *ret_n_left_out, size_t *ret_failed);

/* Gives exactly `len` bytes: where something is gone since that was measured, zeros at the end;
 * ERR_IO of a read when there is more. Takes what is in `roots`, which is then empty; on failure it
 * stays the caller's. */
MUST_CHECK enum err tar_source_new(struct pack_roots *roots, uint64_t len,
                                   struct source **ret_source);

#endif
