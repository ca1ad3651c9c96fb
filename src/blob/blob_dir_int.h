/* SPDX-License-Identifier: Apache-2.0 */
/* blob_dir_int: what the files of the folder backend share.
 *
 * On the disk: <path>/<aa>/<32 hex>, aa = the first byte of the name. A write in progress is
 * <32 hex>.part beside its later place. Its writer holds flock(LOCK_EX) on the open file from its
 * first byte until it is freed, so that no scan (of this node or of another one on the same
 * storage) takes a blob for an orphan before its record is put. <path>/.store-<32 hex> is an
 * owner's mark: an empty file whose modification time is the time that it holds until.
 *
 * A `struct blob_dir` does not change after it was opened: that makes it thread-safe. */
#ifndef MAYFLY_BLOB_BLOB_DIR_INT_H
#define MAYFLY_BLOB_BLOB_DIR_INT_H

#include "base/enc.h"
#include "blob/blob_int.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

enum {
    BLOB_FILE_LEN = HEX_LEN(ID_LEN) + 1,                    /* a blob's file name and a NUL */
    BLOB_PART_LEN = HEX_LEN(ID_LEN) + (int)sizeof(".part"), /* the same while it is written */
    BLOB_SUB_LEN = HEX_LEN(1) + 1,                          /* a subfolder's name and a NUL */
    BLOB_N_SUBS = 256,
    BLOB_SHRED_PASSES_MAX = 35,
};

struct blob_dir {
    struct blobs blobs;
    char path[PATH_MAX]; /* without slashes at its end */
    int root_fd;
    bool sync;
    unsigned shred_passes;
    enum err (*random_fill)(void *ret_bytes, size_t len);
};

struct blob_dir *blob_dir_of(struct blobs *b);

/* Flags for every file here: no link, terminal, or wait for the other end of a pipe. */
#define BLOB_OPEN_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

/* What callers of blob.h get to see: ERR_DENIED is theirs for a wrong token, and only an answer to
 * opening the storage; later it is ERR_IO like any other trouble with it. */
enum err blob_dir_public_err(enum err e);

/* An error of the system call `what`, from errno. Sentences hold no name. */
enum err blob_dir_error(const char *what);

/* Open the subfolder of names that begin with `first`. ERR_DENIED: not ours alone; ERR_IO. */
MUST_CHECK enum err blob_dir_open_sub(const struct blob_dir *d, uint8_t first, int *ret_fd);

/* Open a regular file of ours in a subfolder. ERR_NOTFOUND; ERR_DENIED: it is of another kind, or
 * another user's; ERR_IO. */
MUST_CHECK enum err blob_dir_open_file(int sub_fd, const char *file, int flags, int *ret_fd,
                                       struct stat *ret_stat);

/* blob_dir_write.c: the writer. */
enum err blob_dir_create(struct blobs *b, struct blob_writer **ret_writer);

/* blob_dir_shred.c: one pass over the first `len` bytes of `fd`, in place and made durable. The
 * file keeps its length. On its own so that a test can look at the old bytes' place after it. */
MUST_CHECK enum err blob_dir_overwrite(const struct blob_dir *d, int fd, uint64_t len,
                                       const struct blob_progress *progress);

/* Overwrite, truncate, unlink `file` (open for reading and writing as `fd`), sync the folder. */
MUST_CHECK enum err blob_dir_destroy(const struct blob_dir *d, int sub_fd, const char *file, int fd,
                                     const struct blob_progress *progress);
enum err blob_dir_shred(struct blobs *b, const struct blob_name *name,
                        const struct blob_progress *progress);

/* blob_dir_owner.c: whether `file`, in the storage's own folder, is the mark of an owner. */
bool blob_dir_is_mark(const char *file);
enum err blob_dir_mark_owner(struct blobs *b, const struct blob_owner *owner, bool *ret_alone);

/* blob_dir_scan.c */
enum err blob_dir_open_list(int dir_fd, DIR **ret_list); /* reads through a descriptor of its own */
enum err blob_dir_scan_orphans(struct blobs *b, struct blob_scan *scan);

#endif
