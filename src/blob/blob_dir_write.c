/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob_dir_int.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/rnd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    NAME_TRIES = 8,
    FLUSH_STEP = 8 * 1024 * 1024, /* hand this much to the disk while more is coming */
};

enum writer_state {
    WRITING,   /* there is a .part file */
    BROKEN,    /* the same, but a write into it failed */
    COMMITTED, /* the blob is under its name */
    REMOVED,
};

struct dir_writer {
    struct blob_writer writer;
    struct blob_dir *dir;
    struct blob_name name;
    char file[BLOB_FILE_LEN], part[BLOB_PART_LEN];
    int sub_fd, fd;
    enum writer_state state;
    uint64_t size, flushed;
};

static struct dir_writer *
writer_of(struct blob_writer *w)
{
    return CONTAINER_OF(w, struct dir_writer, writer);
}

/* ---- the sink ---- */

static enum err
part_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    struct dir_writer *w = writer_of(CONTAINER_OF(s, struct blob_writer, sink));
    enum err e;

    assert(w->state == WRITING);
    e = fs_write_all(w->fd, bytes, len);
    if (e != ERR_OK) {
        w->state = BROKEN;
        return e;
    }
    w->size += len;
    /* Start the disk early, or the sync at the end pays for the whole file at once. A hint: what
     * goes wrong here, the sync will report. */
    if (w->dir->sync && w->size - w->flushed >= FLUSH_STEP) {
        (void)sync_file_range(w->fd, (off_t)w->flushed, (off_t)(w->size - w->flushed),
                              SYNC_FILE_RANGE_WRITE);
        w->flushed = w->size;
    }
    return ERR_OK;
}

static enum err
part_finish(struct sink *s)
{
    (void)s; /* nothing is held back; making it durable is commit's */
    return ERR_OK;
}

static void
part_free(struct sink *s)
{
    (void)s; /* lives and dies with its writer */
}

/* ---- the end of a write ---- */

/* An unfinished file is only cut and unlinked, which takes no time on whatever thread a client
 * went away: its key was never stored. A committed one may already be named by a record whose
 * store did not answer, so it gets the full treatment. */
static void
writer_abort(struct blob_writer *bw)
{
    struct dir_writer *w = writer_of(bw);

    if (w->state == REMOVED)
        return;
    if (w->state != COMMITTED) {
        (void)!ftruncate(w->fd, 0); /* frees the space even while a scan has the file open */
        (void)unlinkat(w->sub_fd, w->part, 0);
    } else if (blob_dir_destroy(w->dir, w->sub_fd, w->file, w->fd, NULL) != ERR_OK) {
        (void)unlinkat(w->sub_fd, w->file, 0); /* at least nobody finds it */
    }
    w->state = REMOVED;
}

/* Without RENAME_NOREPLACE (some network file systems) a link does the same in two steps; a crash
 * between them leaves both names, and the next scan removes both. */
static enum err
move_in_place(const struct dir_writer *w)
{
    if (renameat2(w->sub_fd, w->part, w->sub_fd, w->file, RENAME_NOREPLACE) == 0)
        return ERR_OK;
    if (errno != EINVAL && errno != ENOSYS)
        return blob_dir_error("rename");
    if (linkat(w->sub_fd, w->part, w->sub_fd, w->file, 0) != 0)
        return blob_dir_error("link");
    if (unlinkat(w->sub_fd, w->part, 0) != 0) {
        enum err e = blob_dir_error("unlink");

        (void)unlinkat(w->sub_fd, w->file, 0);
        return e;
    }
    return ERR_OK;
}

static enum err
sync_data(int fd)
{
    while (fdatasync(fd) != 0) {
        if (errno != EINTR)
            return blob_dir_error("fdatasync");
    }
    return ERR_OK;
}

static enum err
writer_commit(struct blob_writer *bw, struct blob_name *ret_name, uint64_t *ret_size)
{
    struct dir_writer *w = writer_of(bw);
    enum err e = ERR_OK;

    assert(w->state == WRITING || w->state == BROKEN);
    if (w->state == BROKEN)
        e = err_set(ERR_IO, "storage: a write failed before");
    if (e == ERR_OK && w->dir->sync)
        e = sync_data(w->fd);
    if (e == ERR_OK)
        e = move_in_place(w);
    if (e == ERR_OK) {
        w->state = COMMITTED;
        if (w->dir->sync)
            e = fs_sync(w->sub_fd);
    }
    if (e != ERR_OK) {
        writer_abort(bw);
        return e;
    }
    *ret_name = w->name;
    *ret_size = w->size;
    return ERR_OK;
}

static void
writer_free(struct blob_writer *bw)
{
    struct dir_writer *w = writer_of(bw);

    if (w->state != COMMITTED)
        writer_abort(bw);
    fs_close(&w->fd); /* lets go of the lock */
    fs_close(&w->sub_fd);
    free(w);
}

/* ---- the beginning ---- */

/* Make the .part file under a fresh name and lock it. `ret_again`: the name was in use, or a scan
 * came between making and locking and has taken the file for an orphan. */
static enum err
make_part(struct dir_writer *w, bool *ret_again)
{
    struct stat st;

    w->fd = openat(w->sub_fd, w->part, O_RDWR | O_CREAT | O_EXCL | BLOB_OPEN_FLAGS, 0600);
    if (w->fd < 0 && errno == EEXIST) {
        *ret_again = true;
        return ERR_OK;
    }
    if (w->fd < 0)
        return blob_dir_error("make a file");
    if (flock(w->fd, LOCK_EX | LOCK_NB) != 0) {
        *ret_again = errno == EWOULDBLOCK;
        return *ret_again ? ERR_OK : blob_dir_error("lock");
    }
    if (fstat(w->fd, &st) != 0)
        return blob_dir_error("stat");
    *ret_again = st.st_nlink == 0;
    return ERR_OK;
}

/* One try; without success nothing is open, and nothing left. */
static enum err
begin(struct dir_writer *w, bool *ret_again)
{
    enum err e;

    *ret_again = false;
    e = rnd_bytes(w->name.b, ID_LEN);
    if (e != ERR_OK)
        return e;
    hex_encode(w->name.b, ID_LEN, w->file);
    (void)snprintf(w->part, sizeof(w->part), "%s.part", w->file);
    e = blob_dir_open_sub(w->dir, w->name.b[0], &w->sub_fd);
    if (e != ERR_OK)
        return e;
    e = make_part(w, ret_again);
    if (e == ERR_OK && !*ret_again)
        return ERR_OK;
    if (w->fd >= 0)
        (void)unlinkat(w->sub_fd, w->part, 0);
    fs_close(&w->fd);
    fs_close(&w->sub_fd);
    return e;
}

enum err
blob_dir_create(struct blobs *b, struct blob_writer **ret_writer)
{
    static const struct blob_writer_ops ops = {writer_commit, writer_abort, writer_free};
    static const struct sink_ops sink_ops = {part_write, part_finish, part_free};
    struct dir_writer *w = malloc(sizeof(*w));
    bool again = true;
    enum err e = ERR_OK;

    if (w == NULL)
        return err_set(ERR_NOMEM, "no memory for a writer");
    *w = (struct dir_writer){
        .writer = {&ops, {&sink_ops}}, .dir = blob_dir_of(b), .sub_fd = -1, .fd = -1};
    for (int i = 0; again && e == ERR_OK && i < NAME_TRIES; i++)
        e = begin(w, &again);
    if (e == ERR_OK && again)
        e = err_set(ERR_UNAVAIL, "storage: no free name in %d tries", NAME_TRIES);
    if (e != ERR_OK) {
        free(w);
        return blob_dir_public_err(e);
    }
    w->state = WRITING;
    *ret_writer = &w->writer;
    return ERR_OK;
}
