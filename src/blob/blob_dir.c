/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob_dir_int.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/rnd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { READAHEAD_USUAL = 128 * 1024 }; /* what the kernel reads ahead without being told more */

struct blob_dir *
blob_dir_of(struct blobs *b)
{
    return CONTAINER_OF(b, struct blob_dir, blobs);
}

enum err
blob_dir_error(const char *what)
{
    enum err e = errno == ENOSPC || errno == EDQUOT ? ERR_NOSPACE : ERR_IO;

    return err_set(e, "storage: %s: %s", what, strerror(errno));
}

enum err
blob_dir_public_err(enum err e)
{
    return e == ERR_DENIED ? ERR_IO : e;
}

enum err
blob_dir_open_sub(const struct blob_dir *d, uint8_t first, int *ret_fd)
{
    char sub[BLOB_SUB_LEN];
    struct stat st;
    enum err e;
    int fd;

    hex_encode(&first, 1, sub);
    fd = openat(d->root_fd, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return blob_dir_error("open a subfolder");
    if (fstat(fd, &st) != 0) {
        e = blob_dir_error("stat a subfolder");
    } else if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        e = err_set(ERR_DENIED, "storage: subfolder %s is not ours alone to write to", sub);
    } else {
        *ret_fd = fd;
        return ERR_OK;
    }
    fs_close(&fd);
    return e;
}

enum err
blob_dir_open_file(int sub_fd, const char *file, int flags, int *ret_fd, struct stat *ret_stat)
{
    struct stat st;
    enum err e;
    int fd;

    fd = openat(sub_fd, file, flags | BLOB_OPEN_FLAGS);
    if (fd < 0 && errno == ENOENT)
        return err_set(ERR_NOTFOUND, "storage: no such blob");
    if (fd < 0 && errno == ELOOP)
        return err_set(ERR_DENIED, "storage: a blob's name is taken by a link");
    if (fd < 0)
        return blob_dir_error("open a blob");
    if (fstat(fd, &st) != 0) {
        e = blob_dir_error("stat a blob");
    } else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
        e = err_set(ERR_DENIED, "storage: a blob's name is taken by something else");
    } else {
        *ret_fd = fd;
        *ret_stat = st;
        return ERR_OK;
    }
    fs_close(&fd);
    return e;
}

/* ---- reading ---- */

struct dir_reader {
    struct reader reader;
    int fd;
};

static enum err
dir_read_at(struct reader *r, uint64_t off, uint8_t *ret_bytes, size_t len)
{
    return fs_read_at(CONTAINER_OF(r, struct dir_reader, reader)->fd, ret_bytes, len, off);
}

static void
dir_reader_free(struct reader *r)
{
    struct dir_reader *d = CONTAINER_OF(r, struct dir_reader, reader);

    fs_close(&d->fd);
    free(d);
}

static enum err
dir_open(struct blobs *b, const struct blob_name *name, struct reader **ret_reader)
{
    static const struct reader_ops ops = {dir_read_at, dir_reader_free};
    char file[BLOB_FILE_LEN];
    struct dir_reader *r = NULL;
    int sub_fd = -1, fd = -1;
    struct stat st;
    enum err e;

    hex_encode(name->b, ID_LEN, file);
    e = blob_dir_open_sub(blob_dir_of(b), name->b[0], &sub_fd);
    if (e != ERR_OK)
        goto out;
    e = blob_dir_open_file(sub_fd, file, O_RDONLY, &fd, &st);
    if (e != ERR_OK)
        goto out;
    r = malloc(sizeof(*r));
    if (r == NULL) {
        e = err_set(ERR_NOMEM, "no memory for a reader");
        goto out;
    }
    if (st.st_size > READAHEAD_USUAL) /* it is read from end to end, twice: only a hint */
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *r = (struct dir_reader){.reader = {&ops, (uint64_t)st.st_size}, .fd = fd};
    fd = -1;
    *ret_reader = &r->reader;
out:
    fs_close(&fd);
    fs_close(&sub_fd);
    return blob_dir_public_err(e);
}

/* ---- the storage ---- */

static enum err
dir_space(struct blobs *b, struct blob_space *ret_space)
{
    struct statvfs fs;
    uint64_t reserved;

    if (fstatvfs(blob_dir_of(b)->root_fd, &fs) != 0)
        return blob_dir_error("statvfs");
    reserved = fs.f_bfree > fs.f_bavail ? fs.f_bfree - fs.f_bavail : 0; /* for root only */
    ret_space->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    ret_space->total_bytes = ((uint64_t)fs.f_blocks - reserved) * fs.f_frsize;
    return ERR_OK;
}

/* The next start opens whatever lies at the path: what is stored elsewhere would be lost to it. */
static enum err
check_place(const struct blob_dir *d)
{
    struct stat ours, there;

    if (fstat(d->root_fd, &ours) != 0 ||
        fstatat(AT_FDCWD, d->path, &there, AT_SYMLINK_NOFOLLOW) != 0)
        return blob_dir_error("look at the folder");
    if (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino)
        return err_set(ERR_IO, "storage: another folder lies where it was");
    return ERR_OK;
}

/* As an upload does it, so that what a crash leaves of it is removed like one. */
static enum err
dir_ping(struct blobs *b)
{
    static const uint8_t bytes[64] = {0};
    struct blob_writer *w = NULL;
    enum err e;

    e = check_place(blob_dir_of(b));
    if (e == ERR_OK)
        e = blob_create(b, &w);
    if (e == ERR_OK)
        e = sink_write(blob_writer_sink(w), bytes, sizeof(bytes));
    blob_writer_free(w);
    return e;
}

static void
dir_free(struct blobs *b)
{
    struct blob_dir *d = blob_dir_of(b);

    fs_close(&d->root_fd);
    free(d);
}

/* ---- opening ---- */

/* As fs_open_private_dir, which must see the last component bare: "link/" would be followed. */
static enum err
open_root(struct blob_dir *d, const char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0 || len >= sizeof(d->path))
        return err_set(ERR_SYNTAX, "storage: the path is empty or too long");
    memcpy(d->path, path, len);
    d->path[len] = '\0';
    return fs_open_private_dir(d->path, &d->root_fd);
}

/* All of them at the start: a subfolder made later would cost its upload one more sync. */
static enum err
make_subs(const struct blob_dir *d)
{
    char sub[BLOB_SUB_LEN];
    enum err e;

    for (unsigned i = 0; i < BLOB_N_SUBS; i++) {
        uint8_t first = (uint8_t)i;
        int fd = -1;

        hex_encode(&first, 1, sub);
        if (mkdirat(d->root_fd, sub, 0700) != 0 && errno != EEXIST)
            return blob_dir_error("make a subfolder");
        e = blob_dir_open_sub(d, first, &fd);
        if (e != ERR_OK)
            return e;
        fs_close(&fd);
    }
    return d->sync ? fs_sync(d->root_fd) : ERR_OK;
}

enum err
blob_dir_open(const struct blob_dir_opts *opts, struct blobs **ret_blobs)
{
    static const struct blobs_ops ops = {
        .create = blob_dir_create,
        .open = dir_open,
        .shred = blob_dir_shred,
        .scan_orphans = blob_dir_scan_orphans,
        .mark_owner = blob_dir_mark_owner,
        .space = dir_space,
        .ping = dir_ping,
        .free = dir_free,
    };
    struct blob_dir *d = NULL;
    enum err e;

    if (opts->shred_passes > BLOB_SHRED_PASSES_MAX)
        return err_set(ERR_FIELD, "storage: more than %d shred passes", BLOB_SHRED_PASSES_MAX);
    d = malloc(sizeof(*d));
    if (d == NULL)
        return err_set(ERR_NOMEM, "no memory for the storage");
    *d = (struct blob_dir){
        .blobs = {&ops},
        .root_fd = -1,
        .sync = opts->sync,
        .shred_passes = opts->shred_passes,
        .random_fill = opts->random_fill == NULL ? rnd_bytes : opts->random_fill,
    };
    e = open_root(d, opts->path);
    if (e == ERR_OK)
        e = make_subs(d);
    if (e != ERR_OK) {
        dir_free(&d->blobs);
        return e;
    }
    *ret_blobs = &d->blobs;
    return ERR_OK;
}
