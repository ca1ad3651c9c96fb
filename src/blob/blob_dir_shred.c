/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob_dir_int.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHRED_BLOCK = 256 * 1024 };

static void
step(const struct blob_progress *progress)
{
    if (progress != NULL)
        progress->step(progress->ctx);
}

enum err
blob_dir_overwrite(const struct blob_dir *d, int fd, uint64_t len,
                   const struct blob_progress *progress)
{
    size_t block_len = len < SHRED_BLOCK ? (size_t)len : SHRED_BLOCK;
    uint8_t *block = NULL;
    enum err e = ERR_OK;

    if (len == 0)
        return ERR_OK;
    block = malloc(block_len);
    if (block == NULL)
        return err_set(ERR_NOMEM, "no memory for overwriting");
    for (uint64_t off = 0; e == ERR_OK && off < len; off += block_len) {
        size_t n = len - off < block_len ? (size_t)(len - off) : block_len;

        e = d->random_fill(block, n);
        if (e == ERR_OK)
            e = fs_write_at(fd, block, n, off);
        step(progress);
    }
    while (e == ERR_OK && fdatasync(fd) != 0) {
        if (errno != EINTR)
            e = blob_dir_error("fdatasync");
    }
    step(progress);
    free(block);
    return e;
}

static enum err
overwrite_all(const struct blob_dir *d, int fd, const struct blob_progress *progress)
{
    struct stat st;
    enum err e = ERR_OK;

    if (fstat(fd, &st) != 0)
        return blob_dir_error("stat");
    for (unsigned pass = 0; e == ERR_OK && pass < d->shred_passes; pass++)
        e = blob_dir_overwrite(d, fd, (uint64_t)st.st_size, progress);
    /* Only a file system that writes elsewhere (copy-on-write) needs room to overwrite: the old
     * bytes would have stayed anyway, and keeping the blob would keep the disk full for ever. */
    if (e == ERR_NOSPACE) {
        log_err(LOG_WARN, "shred: no room to overwrite, only removed", e);
        e = ERR_OK;
    }
    return e;
}

enum err
blob_dir_destroy(const struct blob_dir *d, int sub_fd, const char *file, int fd,
                 const struct blob_progress *progress)
{
    enum err e = overwrite_all(d, fd, progress);

    if (e != ERR_OK)
        return e;
    if (ftruncate(fd, 0) != 0)
        return blob_dir_error("truncate");
    e = fs_sync(fd);
    if (e != ERR_OK)
        return e;
    if (unlinkat(sub_fd, file, 0) != 0 && errno != ENOENT)
        return blob_dir_error("unlink");
    return fs_sync(sub_fd);
}

/* Takes no lock. Whoever asks has ended the record of this name, so a writer that still holds it
 * has done its work and is only waiting to be freed; two who shred the same blob at once write
 * random bytes over random bytes, and both find it gone. Writes in progress have other names. */
enum err
blob_dir_shred(struct blobs *b, const struct blob_name *name, const struct blob_progress *progress)
{
    const struct blob_dir *d = blob_dir_of(b);
    char file[BLOB_FILE_LEN];
    int sub_fd = -1, fd = -1;
    struct stat st;
    enum err e;

    hex_encode(name->b, ID_LEN, file);
    e = blob_dir_open_sub(d, name->b[0], &sub_fd);
    if (e != ERR_OK)
        goto out;
    e = blob_dir_open_file(sub_fd, file, O_RDWR, &fd, &st);
    if (e == ERR_NOTFOUND)
        e = fs_sync(sub_fd); /* an earlier try may have failed at just this last step */
    else if (e == ERR_OK)
        e = blob_dir_destroy(d, sub_fd, file, fd, progress);
out:
    fs_close(&fd);
    fs_close(&sub_fd);
    return blob_dir_public_err(e);
}
