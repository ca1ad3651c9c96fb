/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_scrub: no trace of a removed record in the store's own files. secure_delete has zeroed it
 * in the pages, but the write-ahead log still holds the pages as they were, and the database
 * itself until a checkpoint. */
#include "store/sqlite_int.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAL_HEADER_LEN = 32, ZEROS_LEN = 1 << 16 };

static enum err
checkpoint(struct sq_conn *c, int mode)
{
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, mode, NULL, NULL);

    return rc == SQLITE_OK ? ERR_OK : sq_err(rc);
}

/* While none of our readers is at work. SQLite would wait for them as well, but by trying again
 * for a while; on a busy machine that fails when one of them is not given the processor. */
static enum err
checkpoint_alone(struct sqlite_store *s, int mode)
{
    enum err e;

    (void)pthread_rwlock_wrlock(&s->gate);
    e = checkpoint(&s->writer, mode);
    (void)pthread_rwlock_unlock(&s->gate);
    return e;
}

static enum err
overwrite(int fd, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[ZEROS_LEN];
    enum err e = ERR_OK;

    for (uint64_t at = from; e == ERR_OK && at < to; at += ZEROS_LEN)
        e = fs_write_at(fd, zeros, to - at < ZEROS_LEN ? (size_t)(to - at) : ZEROS_LEN, at);
    if (e == ERR_OK)
        e = fs_sync(fd);
    return e;
}

/* Truncating alone would leave the log's bytes in blocks that the disk may keep for long. The
 * header goes first and durably: with it valid, a crash half way would make the next start replay
 * the frames that are left, old pages over new ones; without it the log is empty. */
static enum err
overwrite_log(int dir_fd)
{
    struct stat st;
    enum err e;
    int fd;

    fd = openat(dir_fd, "mayfly.db-wal", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_OK : err_set(ERR_IO, "mayfly.db-wal: %s", strerror(errno));
    if (fstat(fd, &st) != 0)
        e = err_set(ERR_IO, "mayfly.db-wal: %s", strerror(errno));
    else if (st.st_size <= WAL_HEADER_LEN)
        e = ERR_OK;
    else
        e = overwrite(fd, 0, WAL_HEADER_LEN);
    if (e == ERR_OK && st.st_size > WAL_HEADER_LEN)
        e = overwrite(fd, WAL_HEADER_LEN, (uint64_t)st.st_size);
    fs_close(&fd);
    return e;
}

/* Under the lock nobody writes, so that after RESTART the log stays copied and unread: SQLite sends
 * readers of a fully copied log to the database, and begins it anew at the next write. */
static enum err
scrub(struct sqlite_store *s)
{
    enum err e;

    /* PASSIVE copies, and syncs, beside the readers; what it left, RESTART copies. */
    e = checkpoint(&s->writer, SQLITE_CHECKPOINT_PASSIVE);
    if (e == ERR_OK)
        e = checkpoint_alone(s, SQLITE_CHECKPOINT_RESTART);
    if (e == ERR_OK)
        e = overwrite_log(s->dir_fd);
    if (e == ERR_OK)
        e = checkpoint_alone(s, SQLITE_CHECKPOINT_TRUNCATE);
    return e;
}

enum err
sq_scrub(struct store *store)
{
    struct sqlite_store *s = sq_of(store);
    enum err e = ERR_OK;

    (void)pthread_mutex_lock(&s->write_lock);
    if (s->must_scrub) {
        (void)sqlite3_busy_timeout(s->writer.db, SQ_BUSY_SCRUB_MS);
        e = scrub(s);
        (void)sqlite3_busy_timeout(s->writer.db, SQ_BUSY_MS);
        s->must_scrub = e != ERR_OK;
    }
    (void)pthread_mutex_unlock(&s->write_lock);
    return e;
}
