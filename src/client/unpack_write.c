/* SPDX-License-Identifier: Apache-2.0 */
/* Entries are made by calls that take a folder's descriptor and follow no link, instead of by
 * libarchive's writer: that one works with paths from the current folder of the process, and its
 * care for links is a check before each use of a path. */
#include "client/unpack_int.h"

#include "base/fs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT_COST = 128 /* in memory, of an entry beside its path */ };

static enum err
fail_twice(void)
{
    return err_set(ERR_INTEGRITY, "the tar has an entry twice");
}

static enum err
fail_made(void)
{
    return errno == EEXIST
               ? fail_twice()
               : err_set(ERR_IO, "what is in the tar cannot be written: %s", strerror(errno));
}

static enum err
open_folder(int dir, const char *name, bool makes, int *ret_fd)
{
    const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir, name, flags);

    if (fd < 0 && errno == ENOENT && makes) {
        if (mkdirat(dir, name, 0700) != 0)
            return fail_made();
        fd = openat(dir, name, flags);
    }
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP || errno == ENOENT))
        return err_set(ERR_INTEGRITY, "the tar has a path through what is no folder of it");
    if (fd < 0)
        return err_set(ERR_IO, "a folder cannot be opened: %s", strerror(errno));
    *ret_fd = fd;
    return ERR_OK;
}

enum err
way_open(int from, const struct way *w, size_t n, bool makes, int *ret_fd)
{
    int at = from, next = -1;
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        e = open_folder(at, w->parts[i], makes, &next);
        if (at != from)
            fs_close(&at);
        at = next;
    }
    if (e == ERR_OK && at == from) {
        at = fcntl(from, F_DUPFD_CLOEXEC, 0);
        if (at < 0)
            e = err_set(ERR_IO, "a folder cannot be opened: %s", strerror(errno));
    }
    if (e == ERR_OK)
        *ret_fd = at;
    return e;
}

char *
way_text(const struct way *w)
{
    size_t len = 1;
    char *text, *to;

    for (size_t i = 0; i < w->n; i++)
        len += strlen(w->parts[i]) + 1;
    text = to = calloc(1, len);
    for (size_t i = 0; text != NULL && i < w->n; i++) {
        if (i > 0)
            *to++ = '/';
        to = stpcpy(to, w->parts[i]);
    }
    return text;
}

/* ---- files ---- */

static enum err
write_block(int fd, const void *bytes, size_t len, int64_t off, int64_t size)
{
    enum err e;

    if (off < 0 || off > size || (uint64_t)len > (uint64_t)(size - off))
        return err_set(ERR_INTEGRITY, "the tar has a file that is longer than it says");
    if (len == 0)
        return ERR_OK;
    e = fs_write_at(fd, bytes, len, (uint64_t)off);
    return e == ERR_NOSPACE ? err_set(ERR_IO, "%s", err_sentence()) : e;
}

static enum err
write_data(struct unpack *u, struct archive *a, int fd, int64_t size)
{
    const void *bytes = NULL;
    size_t len = 0;
    la_int64_t off = 0;
    enum err e = ERR_OK;
    int r;

    for (;;) {
        r = archive_read_data_block(a, &bytes, &len, &off);
        if (r == ARCHIVE_EOF)
            break;
        if (u->failed != ERR_OK)
            return u->failed;
        if (r != ARCHIVE_OK)
            return err_set(ERR_INTEGRITY, "the tar is damaged");
        e = write_block(fd, bytes, len, off, size);
        if (e != ERR_OK)
            return e;
    }
    /* Of a file with holes the last one, too. */
    if (ftruncate(fd, (off_t)size) != 0)
        return err_set(ERR_IO, "a file cannot be written: %s", strerror(errno));
    return ERR_OK;
}

static struct timespec
time_of(struct archive_entry *entry)
{
    struct timespec t = {.tv_sec = 0, .tv_nsec = UTIME_OMIT};

    if (archive_entry_mtime_is_set(entry)) {
        t.tv_sec = archive_entry_mtime(entry);
        t.tv_nsec = archive_entry_mtime_nsec(entry);
    }
    return t;
}

/* Permissions and times are not worth a failure: some file systems have none. */
static enum err
make_file(struct unpack *u, struct archive *a, struct archive_entry *entry, int dir,
          const char *name)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, time_of(entry)};
    int64_t size = archive_entry_size(entry);
    enum err e;
    int fd;

    if (!archive_entry_size_is_set(entry) || size < 0)
        return err_set(ERR_INTEGRITY, "the tar has a file without a size");
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_made();
    e = write_data(u, a, fd, size);
    if (e == ERR_OK) {
        (void)fchmod(fd, archive_entry_perm(entry) & u->mode_mask);
        (void)futimens(fd, times);
    }
    fs_close(&fd);
    return e;
}

/* ---- links ---- */

static enum err
make_link(struct unpack *u, struct archive_entry *entry, int dir, const struct way *at)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, time_of(entry)};
    const char *target = archive_entry_symlink(entry), *name = at->parts[at->n - 1];
    char top[PLACE_NAME_LEN], *path = NULL;
    enum err e = ERR_OK;

    if (link_check(at, target, top) != ERR_OK) {
        u->n_left_out++;
        return ERR_OK;
    }
    if (symlinkat(target, dir, name) != 0)
        return fail_made();
    (void)utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
    if (strcmp(top, at->parts[0]) == 0)
        return ERR_OK;
    path = way_text(at);
    if (path == NULL)
        return err_set(ERR_NOMEM, "no memory for a path");
    e = names_add(&u->links, path);
    if (e == ERR_OK)
        e = names_add(&u->wanted, top);
    free(path);
    return e;
}

/* All that is in the private folder came from this tar, so what is there may be linked to. */
static enum err
make_hardlink(struct unpack *u, const char *target, int dir, const char *name)
{
    struct way *to = malloc(sizeof(*to));
    struct stat st;
    int to_dir = -1;
    enum err e;

    if (to == NULL)
        return err_set(ERR_NOMEM, "no memory for a path");
    e = way_read(target, to);
    if (e == ERR_OK && to->n == 0)
        e = err_set(ERR_INTEGRITY, "the tar has a link to what is no file of it");
    if (e == ERR_OK)
        e = way_open(u->root, to, to->n - 1, false, &to_dir);
    if (e == ERR_OK && (fstatat(to_dir, to->parts[to->n - 1], &st, AT_SYMLINK_NOFOLLOW) != 0 ||
                        !S_ISREG(st.st_mode)))
        e = err_set(ERR_INTEGRITY, "the tar has a link to what is no file of it");
    if (e == ERR_OK && linkat(to_dir, to->parts[to->n - 1], dir, name, 0) != 0)
        e = fail_made();
    fs_close(&to_dir);
    free(to);
    return e;
}

/* ---- folders ---- */

static enum err
make_folder(struct unpack *u, struct archive_entry *entry, const struct way *at)
{
    struct timespec t = time_of(entry);
    struct folder *f;
    struct stat st;
    int fd = -1;
    enum err e;

    e = way_open(u->root, at, at->n, true, &fd);
    if (e == ERR_OK && fstat(fd, &st) != 0)
        e = err_set(ERR_IO, "a folder cannot be opened: %s", strerror(errno));
    fs_close(&fd);
    if (e != ERR_OK)
        return e;
    if (u->n_folders == u->cap_folders) {
        size_t cap = u->cap_folders == 0 ? 64 : u->cap_folders * 2;
        struct folder *more = reallocarray(u->folders, cap, sizeof(*more));

        if (more == NULL)
            return err_set(ERR_NOMEM, "no memory for %zu folders", cap);
        u->folders = more;
        u->cap_folders = cap;
    }
    f = &u->folders[u->n_folders];
    *f = (struct folder){.path = way_text(at),
                         .dev = st.st_dev,
                         .ino = st.st_ino,
                         .mode = archive_entry_perm(entry) & u->mode_mask,
                         .has_time = t.tv_nsec != UTIME_OMIT,
                         .time_s = t.tv_sec,
                         .time_ns = t.tv_nsec};
    if (f->path == NULL)
        return err_set(ERR_NOMEM, "no memory for a path");
    u->n_folders++;
    return ERR_OK;
}

/* ---- entries ---- */

static enum err
make_in_folder(struct unpack *u, struct archive *a, struct archive_entry *entry,
               const struct way *at)
{
    const char *hardlink = archive_entry_hardlink(entry), *name = at->parts[at->n - 1];
    int dir = -1;
    enum err e = way_open(u->root, at, at->n - 1, true, &dir);

    if (e != ERR_OK)
        return e;
    if (hardlink != NULL)
        e = make_hardlink(u, hardlink, dir, name);
    else if (archive_entry_filetype(entry) == AE_IFREG)
        e = make_file(u, a, entry, dir, name);
    else if (archive_entry_filetype(entry) == AE_IFLNK)
        e = make_link(u, entry, dir, at);
    else
        e = err_set(ERR_INTEGRITY, "the tar has a device, a pipe or something unknown");
    fs_close(&dir);
    return e;
}

/* Of a file in a folder no more is kept in memory than a top name that it may bring; of all else
 * its path. */
static enum err
count_kept(struct unpack *u, const struct way *at, bool is_kept)
{
    is_kept = is_kept || at->n == 1;
    for (size_t i = 0; is_kept && i < at->n; i++)
        u->n_kept += strlen(at->parts[i]) + 1;
    u->n_kept += is_kept ? KEPT_COST : 0;
    if (u->n_kept > UNPACK_KEPT_MAX)
        return err_set(ERR_INTEGRITY, "the tar has too many long names");
    return ERR_OK;
}

enum err
unpack_entry(struct unpack *u, struct archive *a, struct archive_entry *entry)
{
    bool is_folder =
        archive_entry_hardlink(entry) == NULL && archive_entry_filetype(entry) == AE_IFDIR;
    bool is_link = archive_entry_filetype(entry) == AE_IFLNK;
    struct way *at = malloc(sizeof(*at));
    enum err e;

    if (at == NULL)
        return err_set(ERR_NOMEM, "no memory for a path");
    e = way_read(archive_entry_pathname(entry), at);
    if (e == ERR_OK)
        e = count_kept(u, at, is_folder || is_link);
    if (e == ERR_OK && is_folder)
        e = at->n == 0 ? ERR_OK : make_folder(u, entry, at); /* "./" is the folder that we made */
    else if (e == ERR_OK && at->n == 0)
        e = err_set(ERR_INTEGRITY, "the tar has an entry without a name");
    else if (e == ERR_OK)
        e = make_in_folder(u, a, entry, at);
    free(at);
    return e;
}
