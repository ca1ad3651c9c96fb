/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob_dir_int.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* One subfolder of a scan. */
struct visit {
    const struct blob_dir *dir;
    struct blob_scan *scan;
    uint8_t first;
    int sub_fd;
    enum err *failed; /* what went wrong first with a single blob; the scan goes on */
};

/* Whether `file` is how we spell a name (lower case, so that no blob has two), or a write of it. */
static bool
is_ours(const char *file, uint8_t first, struct blob_name *ret_name, bool *ret_part)
{
    char hex[BLOB_FILE_LEN], again[BLOB_FILE_LEN];
    size_t len = strnlen(file, BLOB_PART_LEN);
    const char *rest = file + BLOB_FILE_LEN - 1;

    if (len < BLOB_FILE_LEN - 1)
        return false;
    (void)snprintf(hex, sizeof(hex), "%.*s", BLOB_FILE_LEN - 1, file);
    if (hex_decode(hex, ret_name->b, ID_LEN) != ERR_OK)
        return false;
    hex_encode(ret_name->b, ID_LEN, again);
    *ret_part = strcmp(rest, ".part") == 0;
    return strcmp(hex, again) == 0 && ret_name->b[0] == first && (*rest == '\0' || *ret_part);
}

/* Whether `file` still names the open file: between opening and locking it, its writer may have
 * moved or removed it and let go. */
static bool
is_still(const struct visit *v, const char *file, const struct stat *opened)
{
    struct stat st;

    return fstatat(v->sub_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == opened->st_ino &&
           st.st_dev == opened->st_dev;
}

static void
note_failed(struct visit *v, enum err e)
{
    log_err(LOG_WARN, "scan: a blob cannot be dealt with", e);
    if (*v->failed == ERR_OK)
        *v->failed = e;
}

static void
destroy(struct visit *v, const char *file, int fd, const struct stat *st, bool is_part)
{
    enum err e = ERR_OK;

    /* A commit that a crash cut in half has left two names for one file: take this one off, and
     * leave the bytes to what is decided about the other. */
    if (is_part && st->st_nlink > 1) {
        if (unlinkat(v->sub_fd, file, 0) != 0)
            e = blob_dir_error("unlink");
    } else {
        e = blob_dir_destroy(v->dir, v->sub_fd, file, fd, NULL);
    }
    if (e == ERR_OK)
        v->scan->n_shredded++;
    else
        note_failed(v, e);
}

static enum err
visit_blob(struct visit *v, const char *file, const struct blob_name *name, bool is_part)
{
    bool known = false;
    enum err e;
    struct stat st;
    int fd = -1;

    e = blob_dir_open_file(v->sub_fd, file, O_RDWR, &fd, &st);
    if (e == ERR_DENIED)
        v->scan->n_foreign++;
    else if (e != ERR_OK && e != ERR_NOTFOUND) /* not there: gone since the folder was read */
        note_failed(v, e);
    if (e != ERR_OK)
        return ERR_OK;
    /* The lock before the question: a record is put while its writer holds the lock, so what is
     * not known now will never be. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            v->scan->n_kept++;
        else
            e = blob_dir_error("lock");
        goto out;
    }
    if (!is_still(v, file, &st))
        goto out;
    if (!is_part)
        e = v->scan->is_known(v->scan->ctx, name, &known);
    if (e != ERR_OK)
        goto out;
    if (known)
        v->scan->n_kept++;
    else
        destroy(v, file, fd, &st, is_part);
out:
    fs_close(&fd);
    return e;
}

/* A plain file by its folder entry; file systems that do not say are asked. */
static bool
is_regular(int dir_fd, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_REG;
    return fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static bool
is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Closing the DIR closes its descriptor. */
enum err
blob_dir_open_list(int dir_fd, DIR **ret_list)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);

    if (list == NULL) {
        (void)blob_dir_error("list a folder"); /* only its sentence: see the code in the open */
        fs_close(&fd);
        return ERR_IO;
    }
    *ret_list = list;
    return ERR_OK;
}

static enum err
visit_sub(struct visit *v)
{
    struct blob_name name;
    struct dirent *entry;
    DIR *list = NULL;
    bool is_part;
    enum err e;

    e = blob_dir_open_sub(v->dir, v->first, &v->sub_fd);
    if (e != ERR_OK)
        return e;
    e = blob_dir_open_list(v->sub_fd, &list);
    while (e == ERR_OK) {
        errno = 0;
        entry = readdir(list);
        if (entry == NULL) {
            if (errno != 0)
                e = blob_dir_error("list a folder");
            break;
        }
        if (is_dots(entry->d_name))
            continue;
        if (is_ours(entry->d_name, v->first, &name, &is_part) && is_regular(v->sub_fd, entry))
            e = visit_blob(v, entry->d_name, &name, is_part);
        else
            v->scan->n_foreign++;
    }
    if (list != NULL)
        (void)closedir(list);
    fs_close(&v->sub_fd);
    return e;
}

/* Everything beside the subfolders. Those are opened by their names, never by what is listed. */
static enum err
count_strangers(const struct blob_dir *d, uint64_t *n)
{
    struct dirent *entry;
    uint8_t first;
    char sub[BLOB_SUB_LEN];
    DIR *list = NULL;
    enum err e = blob_dir_open_list(d->root_fd, &list);

    if (e != ERR_OK)
        return e;
    for (errno = 0; (entry = readdir(list)) != NULL; errno = 0) {
        if (is_dots(entry->d_name) || blob_dir_is_mark(entry->d_name))
            continue;
        if (hex_decode(entry->d_name, &first, 1) != ERR_OK) {
            (*n)++;
            continue;
        }
        hex_encode(&first, 1, sub);
        if (strcmp(sub, entry->d_name) != 0)
            (*n)++;
    }
    if (errno != 0)
        e = blob_dir_error("list the folder");
    (void)closedir(list);
    return e;
}

enum err
blob_dir_scan_orphans(struct blobs *b, struct blob_scan *scan)
{
    const struct blob_dir *d = blob_dir_of(b);
    enum err e, failed = ERR_OK;

    scan->n_kept = scan->n_shredded = scan->n_foreign = 0;
    e = count_strangers(d, &scan->n_foreign);
    for (unsigned i = 0; e == ERR_OK && i < BLOB_N_SUBS; i++) {
        struct visit v = {d, scan, (uint8_t)i, -1, &failed};

        e = visit_sub(&v);
    }
    return blob_dir_public_err(e == ERR_OK ? failed : e);
}
