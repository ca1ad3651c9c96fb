/* SPDX-License-Identifier: Apache-2.0 */
#include "client/unpack_int.h"

#include "base/fs.h"
#include "client/term.h"
#include "policy/filename.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is overwritten waits in the private folder; no top entry begins with a dot. */
enum { ASIDE_LEN = 32 };

static void
aside_name(size_t i, char ret[ASIDE_LEN])
{
    (void)snprintf(ret, ASIDE_LEN, ".aside-%zu", i);
}

/* ---- what is in the way ---- */

static bool
is_replaceable(const struct stat *st)
{
    return S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
}

static enum err
fail_taken(const char *name, const char *what)
{
    char shown[TERM_SHOWN_LEN];

    term_shown(name, shown);
    return err_set(ERR_IO, "%s: %s", what, shown);
}

static enum err
check_ways(const struct unpack *u, bool force)
{
    struct stat st;

    for (size_t i = 0; i < u->tops.n; i++) {
        if (fstatat(u->dir, u->tops.v[i], &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* what is wrong here is wrong when it is moved */
        if (!force)
            return fail_taken(u->tops.v[i], "it is there already");
        if (!is_replaceable(&st))
            return fail_taken(u->tops.v[i], "what is in the way is no file");
    }
    return ERR_OK;
}

/* Looked at again where it is now ours alone: it may be another since it was checked. */
static enum err
set_aside(const struct unpack *u, size_t i)
{
    const char *name = u->tops.v[i];
    char aside[ASIDE_LEN];
    struct stat st;

    aside_name(i, aside);
    if (renameat(u->dir, name, u->root, aside) != 0)
        return errno == ENOENT ? ERR_OK : fail_taken(name, strerror(errno));
    if (fstatat(u->root, aside, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_replaceable(&st))
        return ERR_OK;
    return fail_taken(name, "what is in the way is no file");
}

/* ---- moving ---- */

static enum err
move_one(const struct unpack *u, size_t i, bool force)
{
    const char *name = u->tops.v[i];
    enum err e = force ? set_aside(u, i) : ERR_OK;
    int why;

    if (e != ERR_OK)
        return e;
    why = place_rename(u->root, name, u->dir, name);
    if (why == EEXIST)
        return fail_taken(name, "it is there already");
    return why == 0 ? ERR_OK : fail_taken(name, strerror(why));
}

/* Back to how it was: the first `n` were moved, of one more what was there may be aside. What
 * cannot go back is the user's, so the private folder stays then. */
static void
move_back(struct unpack *u, size_t n)
{
    char aside[ASIDE_LEN];
    int why;

    for (size_t i = n + 1; i-- > 0;) {
        if (i < n)
            (void)place_rename(u->dir, u->tops.v[i], u->root, u->tops.v[i]);
        aside_name(i, aside);
        why = place_rename(u->root, aside, u->dir, u->tops.v[i]);
        if (why != 0 && why != ENOENT)
            u->is_out = true;
    }
}

static enum err
move_all(struct unpack *u, bool force)
{
    for (size_t i = 0; i < u->tops.n; i++) {
        enum err e = move_one(u, i, force);

        if (e != ERR_OK) {
            move_back(u, i);
            return e;
        }
    }
    return ERR_OK;
}

/* ---- permissions and times of folders ---- */

static void
finish_folder(int base, const struct folder *f, struct way *w)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = f->time_s, .tv_nsec = f->time_ns}};
    struct stat st;
    int dir = -1, fd;

    if (way_read(f->path, w) != ERR_OK || way_open(base, w, w->n - 1, false, &dir) != ERR_OK)
        return;
    fd = openat(dir, w->parts[w->n - 1], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino) {
        (void)fchmod(fd, f->mode);
        if (f->has_time)
            (void)futimens(fd, times);
    }
    fs_close(&fd);
    fs_close(&dir);
}

/* The last thing of all, as a folder that may not be written to cannot be moved. They are sorted
 * deepest first. What cannot be set is no failure: some file systems have none of it. */
static void
finish_folders(const struct unpack *u, int base)
{
    struct way *w = malloc(sizeof(*w));

    for (size_t i = 0; w != NULL && i < u->n_folders; i++)
        finish_folder(base, &u->folders[i], w);
    free(w);
}

/* One call for what may be many files. */
static enum err
make_durable(const struct unpack *u)
{
    int fd = openat(u->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = ERR_OK;

    if (fd < 0 || (syncfs(fd) != 0 && errno != ENOSYS))
        e = err_set(ERR_IO, "what was in the tar cannot be written: %s", strerror(errno));
    fs_close(&fd);
    return e;
}

enum err
unpack_commit(struct unpack *u, bool force)
{
    enum err e = check_ways(u, force);

    if (e == ERR_OK)
        e = make_durable(u);
    if (e == ERR_OK)
        e = move_all(u, force);
    if (e != ERR_OK)
        return e;
    finish_folders(u, u->dir);
    place_sync_dir(u->dir);
    return ERR_OK;
}

static int
name_root(void *ctx, const char *name)
{
    const struct unpack *u = ctx;

    return place_rename(u->dir, u->temp, u->dir, name);
}

enum err
unpack_commit_as(struct unpack *u, const char *name, char ret_name[UNPACK_NAME_LEN])
{
    char clean[FILENAME_TEXT_LEN];
    enum err e;
    int why;

    filename_clean(name, strlen(name), clean);
    place_tame(clean);
    e = make_durable(u);
    if (e != ERR_OK)
        return e;
    why = place_numbered(clean, "", name_root, u, ret_name);
    if (why != 0)
        return err_set(ERR_IO, "the folder cannot be given a name: %s", strerror(why));
    u->is_out = true;
    finish_folders(u, u->root);
    place_sync_dir(u->dir);
    return ERR_OK;
}

/* ---- removing ---- */

static void remove_folder(int parent, const char *name);

/* Remove what is in it; false when nothing was there to remove. */
static bool
empty_folder(DIR *dir)
{
    struct dirent *d;
    bool found = false;

    rewinddir(dir);
    while ((d = readdir(dir)) != NULL) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), d->d_name, 0) == 0)
            found = true;
        else if (errno == EISDIR || errno == EPERM)
            remove_folder(dirfd(dir), d->d_name);
    }
    return found;
}

/* Takes `fd`. Every folder in it is one that we made, with permissions of our own until it was
 * moved. No deeper than UNPACK_DEPTH_MAX. Some file systems pass over names while others are
 * removed, so look again as long as there was one. */
static void
empty_all(int fd)
{
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (dir == NULL) {
        fs_close(&fd);
        return;
    }
    while (empty_folder(dir))
        ;
    (void)closedir(dir);
}

static void
remove_folder(int parent, const char *name)
{
    empty_all(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* By its descriptor: its name may have become that of another folder, which is not ours to empty.
 * An empty one is no loss. */
static void
remove_root(const struct unpack *u)
{
    if (u->root >= 0)
        empty_all(openat(u->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    (void)unlinkat(u->dir, u->temp, AT_REMOVEDIR);
}

void
unpack_free(struct unpack *u)
{
    if (u == NULL)
        return;
    if (!u->is_out)
        remove_root(u);
    for (size_t i = 0; i < u->n_folders; i++)
        free(u->folders[i].path);
    free(u->folders);
    names_done(&u->tops);
    names_done(&u->links);
    names_done(&u->wanted);
    fs_close(&u->root);
    fs_close(&u->dir);
    free(u);
}
