/* SPDX-License-Identifier: Apache-2.0 */
/* store_sqlite: opening the embedded store, and its vtable. */
#include "store/sqlite_int.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err
sq_stats(struct store *store, struct store_stats *ret_stats)
{
    struct sqlite_store *s = sq_of(store);

    ret_stats->n_live = atomic_load_explicit(&s->n_live, memory_order_relaxed);
    ret_stats->stored_bytes = atomic_load_explicit(&s->stored_bytes, memory_order_relaxed);
    return ERR_OK;
}

static enum err
sq_ping(struct store *store)
{
    struct sqlite_store *s = sq_of(store);
    struct sq_use u;
    enum err e = sq_begin(s);

    if (e != ERR_OK)
        return e;
    u = sq_use(&s->writer, SQ_PING);
    return sq_end(s, sq_run(&u));
}

/* It is kept in memory as a rule: a name of its own would be new after each start of the machine,
 * and the blobs of the one before could not go at once. */
static enum err
sq_identity(struct store *store, const struct store_name *want, struct store_name *ret_name)
{
    (void)store;
    (void)want;
    *ret_name = (struct store_name){{0}};
    return ERR_OK;
}

static void
sq_free(struct store *store)
{
    struct sqlite_store *s = sq_of(store);

    for (size_t i = 0; i < SQ_READERS; i++) {
        sq_conn_close(&s->readers[i].conn);
        (void)pthread_mutex_destroy(&s->readers[i].lock);
    }
    /* The last close removes the log; overwrite it before. When that fails the next start does. */
    if (s->writer.db != NULL)
        (void)!sq_scrub(store);
    sq_conn_close(&s->writer);
    (void)pthread_rwlock_destroy(&s->gate);
    (void)pthread_mutex_destroy(&s->write_lock);
    fs_close(&s->lock_fd);
    fs_close(&s->dir_fd);
    free(s);
}

/* ---- opening ---- */

/* Two daemons on one folder would each believe their own totals and filter. The lock goes with the
 * process, however it ends. */
static enum err
lock_folder(struct sqlite_store *s)
{
    s->lock_fd = openat(s->dir_fd, "mayfly.lock",
                        O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    if (s->lock_fd < 0 || fchmod(s->lock_fd, 0600) != 0)
        return err_set(ERR_IO, "mayfly.lock: %s", strerror(errno));
    while (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR)
            continue;
        if (errno == EWOULDBLOCK)
            return err_set(ERR_UNAVAIL, "another mayflyd uses this state folder");
        return err_set(ERR_IO, "mayfly.lock: %s", strerror(errno));
    }
    return ERR_OK;
}

/* SQLite gives its log and shared memory the mode of the database, so that is made here, before
 * SQLite opens it: closing a descriptor of it later would drop SQLite's locks. */
static enum err
make_file(int dir_fd)
{
    enum err e = ERR_OK;
    struct stat st;
    int fd;

    fd = openat(dir_fd, "mayfly.db",
                O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return err_set(ERR_IO, "mayfly.db: %s", strerror(errno));
    if (fstat(fd, &st) != 0 || fchmod(fd, 0600) != 0)
        e = err_set(ERR_IO, "mayfly.db: %s", strerror(errno));
    else if (!S_ISREG(st.st_mode))
        e = err_set(ERR_IO, "mayfly.db is not a regular file");
    fs_close(&fd);
    return e;
}

/* Whose database is it? Nothing is written before that is clear. */
static enum err
check_database(struct sq_conn *c)
{
    int64_t app = 0, version = 0, n_objects = 0;
    bool is_whole = false;
    enum err e;

    e = sq_query_int(c, "PRAGMA application_id", &app);
    if (e == ERR_OK)
        e = sq_query_int(c, "PRAGMA user_version", &version);
    if (e == ERR_OK)
        e = sq_query_int(c, "SELECT count(*) FROM sqlite_schema", &n_objects);
    if (e != ERR_OK)
        return e;
    if (app == 0 && version == 0 && n_objects == 0)
        return sq_exec(c, sq_schema);
    if (app != SQ_APPLICATION_ID)
        return err_set(ERR_INTEGRITY, "mayfly.db is a database of another program");
    if (version > SQ_VERSION)
        return err_set(ERR_INTEGRITY, "mayfly.db was made by a newer mayfly (format %lld)",
                       (long long)version);
    if (version < SQ_VERSION)
        return err_set(ERR_INTEGRITY, "mayfly.db is damaged: it has no format number");
    e = sq_query_is(c, "PRAGMA quick_check(1)", "ok", &is_whole);
    if (e == ERR_OK && !is_whole)
        e = err_set(ERR_INTEGRITY, "mayfly.db is damaged");
    return e;
}

static enum err
set_wal(struct sq_conn *c)
{
    bool is_wal = false;
    enum err e = sq_query_is(c, "PRAGMA journal_mode = WAL", "wal", &is_wal);

    if (e == ERR_OK && !is_wal)
        e = err_set(ERR_IO, "the state folder's file system cannot share memory between processes");
    return e;
}

static enum err
open_connections(struct sqlite_store *s, const char *dir)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/mayfly.db", dir);
    enum err e;

    if (len < 0 || (size_t)len >= sizeof(path))
        return err_set(ERR_IO, "the state folder's path is too long");
    e = sq_conn_open(path, &s->writer);
    if (e == ERR_OK)
        e = check_database(&s->writer);
    if (e == ERR_OK)
        e = set_wal(&s->writer);
    if (e == ERR_OK) /* ours: the last close may end the log */
        (void)sqlite3_db_config(s->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    /* All at once: later the process may be out of descriptors, or confined. */
    for (size_t i = 0; e == ERR_OK && i < SQ_READERS; i++) {
        e = sq_conn_open(path, &s->readers[i].conn);
        if (e == ERR_OK)
            e = sq_exec(&s->readers[i].conn, "PRAGMA query_only = ON");
    }
    return e;
}

/* What is kept in memory; holds on doomed blobs, which were this process's predecessor's. */
static enum err
load(struct sqlite_store *s)
{
    struct sq_use u = sq_use(&s->writer, SQ_ALL_BYTES);
    uint64_t n_live = 0, stored_bytes = 0;
    enum err e;

    while (sq_row(&u)) {
        n_live += (uint64_t)sq_column(&u, 0);
        stored_bytes += (uint64_t)sq_column(&u, 1);
    }
    e = sq_close(&u);
    if (e == ERR_OK)
        e = sq_load_counters(s);
    if (e == ERR_OK)
        e = sq_exec(&s->writer, "UPDATE doomed SET held_until_s = NULL");
    atomic_store(&s->n_live, n_live);
    atomic_store(&s->stored_bytes, stored_bytes);
    return e;
}

static void
init_locks(struct sqlite_store *s)
{
    pthread_rwlockattr_t attr;

    (void)pthread_mutex_init(&s->write_lock, NULL);
    for (size_t i = 0; i < SQ_READERS; i++)
        (void)pthread_mutex_init(&s->readers[i].lock, NULL);
    /* A checkpoint that waits goes before readers that come: else it might never have its turn. */
    (void)pthread_rwlockattr_init(&attr);
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&s->gate, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
}

static const struct store_ops sqlite_ops = {
    .put = sq_put,
    .claim = sq_claim,
    .resume = sq_resume,
    .release = sq_release,
    .settle = sq_settle,
    .renew = sq_renew,
    .take_preview = sq_take_preview,
    .lookup = sq_lookup,
    .status = sq_status,
    .remove = sq_remove,
    .end_due = sq_end_due,
    .scrub = sq_scrub,
    .take_doomed = sq_take_doomed,
    .hold_doomed = sq_hold_doomed,
    .forget_doomed = sq_forget_doomed,
    .next_due = sq_next_due,
    .knows_blob = sq_knows_blob,
    .count = sq_count,
    .peek = sq_peek,
    .stats = sq_stats,
    .ping = sq_ping,
    .identity = sq_identity,
    .free = sq_free,
};

enum err
store_sqlite_open(const char *dir, int64_t tombstone_s, struct store **ret_store)
{
    struct sqlite_store *s = calloc(1, sizeof(*s));
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a store");
    s->store.ops = &sqlite_ops;
    s->tombstone_s = tombstone_s > 0 ? tombstone_s : 0;
    s->dir_fd = s->lock_fd = -1;
    init_locks(s);
    e = fs_open_private_dir(dir, &s->dir_fd);
    if (e == ERR_OK)
        e = lock_folder(s);
    if (e == ERR_OK)
        e = make_file(s->dir_fd);
    if (e == ERR_OK)
        e = open_connections(s, dir);
    if (e == ERR_OK)
        e = load(s);
    if (e == ERR_OK) {
        s->must_scrub = true; /* a predecessor may have died before it did */
        e = sq_scrub(&s->store);
    }
    if (e != ERR_OK) {
        sq_free(&s->store);
        return e;
    }
    *ret_store = &s->store;
    return ERR_OK;
}
