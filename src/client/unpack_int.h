/* SPDX-License-Identifier: Apache-2.0 */
/* unpack_int: the parts of unpack. unpack_check judges texts, unpack_write makes entries in the
 * private folder, unpack_move takes them out of it. */
#ifndef MAYFLY_CLIENT_UNPACK_INT_H
#define MAYFLY_CLIENT_UNPACK_INT_H

#include "client/names.h"
#include "client/place.h"
#include "client/unpack.h"

#include <stdint.h>
#include <sys/types.h>

struct archive;
struct archive_entry;

enum {
    UNPACK_PATH_LEN = 4096, /* of a path or link, with a NUL */
    UNPACK_DEPTH_MAX = 256,
    UNPACK_ENTRIES_MAX = 1000000,
    UNPACK_KEPT_MAX = 256 * 1024 * 1024, /* bytes of names and paths that are kept in memory */
};

/* A folder that the tar has an entry for. What it says of it counts only at the very end: until
 * then we must be able to write into it. By then another may have its name, where others can
 * rename what is in the folder that it went to. */
struct folder {
    char *path;
    dev_t dev; /* which one it is */
    ino_t ino;
    unsigned mode;
    bool has_time;
    int64_t time_s;
    long time_ns;
};

struct unpack {
    int dir, root; /* where it goes, and the private folder in it; both O_PATH */
    char temp[PLACE_TEMP_LEN];
    unsigned mode_mask; /* what a tar's permissions may be */
    bool is_out;        /* the private folder has a name, was never made, or has what is not ours to
                           remove: it stays */

    struct names tops;          /* what is in `root`, sorted, after the run */
    struct names links, wanted; /* links into other tops, and in turn which */
    size_t n_left_out;
    struct folder *folders;
    size_t n_folders, cap_folders;
    size_t n_entries, n_kept;

    struct source *tar; /* during the run */
    uint8_t *piece;
    bool is_ended;
    enum err failed; /* what the source said */
};

/* ---- unpack_check: pure ---- */

/* A path of the tar, in parts: without "." and empty ones, not leading up, not absolute, valid
 * UTF-8 without control characters. */
struct way {
    size_t n; /* 0: the top itself */
    const char *parts[UNPACK_DEPTH_MAX];
    char text[UNPACK_PATH_LEN];
};

/* ERR_INTEGRITY: not such a path. The first part is made tame (place.h). NULL: not valid. */
MUST_CHECK enum err way_read(const char *path, struct way *ret);

/* Whether a symbolic link at `at` may have this text: relative, with ".." only in front, not above
 * the top and not the top itself. Then it leads to something inside wherever other such links
 * stand on its way: going up is done through the real folders that it lies in, and what follows
 * only goes down. `ret_top` is the top entry that it leads into. ERR_INTEGRITY. */
MUST_CHECK enum err link_check(const struct way *at, const char *target,
                               char ret_top[PLACE_NAME_LEN]);

/* ---- unpack_write ---- */

/* Make one entry, with its data. Errors as unpack_run's. */
MUST_CHECK enum err unpack_entry(struct unpack *u, struct archive *a, struct archive_entry *entry);

/* Open the folder of the first `n` parts, following no link; those that are missing are made when
 * `makes`. O_PATH; the caller closes. ERR_INTEGRITY: a part is missing, or no folder; ERR_IO. */
MUST_CHECK enum err way_open(int from, const struct way *w, size_t n, bool makes, int *ret_fd);

/* The path again, '/' between its parts; the caller frees. NULL: no memory. */
char *way_text(const struct way *w);

#endif
