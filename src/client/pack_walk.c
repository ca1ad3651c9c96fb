/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pack_int.h"

#include "base/text.h"
#include "client/interrupt.h"
#include "client/names.h"
#include "client/term.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 256 /* each folder on the way holds a descriptor */ };

/* A folder on the way. */
struct level {
    int fd;
    struct names names; /* sorted */
    size_t at, path_len;
};

struct walk {
    const struct pack_roots *roots;
    size_t root; /* next of them */
    bool opens_files;
    size_t depth;
    size_t path_len;
    uint64_t n_left_out;
    struct level levels[DEPTH_MAX];
    char path[PATH_MAX], link[PATH_MAX];
};

/* ---- sentences ---- */

static enum err
fail(const struct walk *w, const char *what)
{
    char shown[TERM_SHOWN_LEN];

    if (w->depth == 0 && !w->opens_files)
        return err_set(ERR_IO, "%s", what); /* who calls says of what */
    term_shown(w->path, shown);
    return err_set(ERR_IO, "%s %s", shown, what);
}

static enum err
fail_errno(const struct walk *w)
{
    char what[128];

    (void)snprintf(what, sizeof(what), "cannot be read: %s", strerror(errno));
    return fail(w, what);
}

/* ---- folders ---- */

static void
level_done(struct level *l)
{
    names_done(&l->names);
    if (l->fd >= 0)
        (void)close(l->fd);
    *l = (struct level){.fd = -1};
}

static enum err
read_names(const struct walk *w, struct level *l)
{
    int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0); /* closedir closes the one that it was given */
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    enum err e = ERR_OK;

    if (dir == NULL) {
        e = fail_errno(w);
        if (fd >= 0)
            (void)close(fd);
        return e;
    }
    while (e == ERR_OK) {
        struct dirent *d;

        errno = 0;
        d = readdir(dir);
        if (d == NULL && errno != 0)
            e = fail_errno(w);
        if (d == NULL)
            break;
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            e = names_add(&l->names, d->d_name);
    }
    (void)closedir(dir);
    names_sort(&l->names);
    return e;
}

/* Go into the folder `fd`, which is taken in every case. */
static enum err
enter(struct walk *w, int fd)
{
    struct level *l = &w->levels[w->depth];
    enum err e;

    if (w->depth == DEPTH_MAX) {
        (void)close(fd);
        return fail(w, "is a folder too deep in others");
    }
    *l = (struct level){.fd = fd, .path_len = w->path_len};
    e = read_names(w, l);
    w->depth++;
    return e;
}

/* ---- entries ---- */

static enum err
set_path(struct walk *w, size_t base_len, const char *name)
{
    size_t len = strlen(name), at = base_len == 0 ? 0 : base_len + 1;

    if (len >= sizeof(w->path) - at)
        return err_set(ERR_IO, "a path inside a folder is too long");
    if (at > 0)
        w->path[base_len] = '/';
    memcpy(w->path + at, name, len + 1);
    w->path_len = at + len;
    if (!text_is_plain(name, len)) /* a receiver would refuse all of the tar */
        return fail(w, "has a name that is no UTF-8, or with a control character: rename it");
    return ERR_OK;
}

/* An open file or folder, taken in every case. False in `ret_is_there`: it is neither. */
static enum err
take(struct walk *w, int fd, struct walk_entry *ret, bool *ret_is_there)
{
    enum err e = ERR_OK;

    *ret_is_there = true;
    ret->fd = -1;
    if (fstat(fd, &ret->st) != 0) {
        e = fail_errno(w);
    } else if (S_ISDIR(ret->st.st_mode)) {
        ret->kind = WALK_FOLDER;
        return enter(w, fd);
    } else if (!S_ISREG(ret->st.st_mode)) {
        *ret_is_there = false;
    } else {
        ret->kind = WALK_FILE;
        if (w->opens_files) {
            ret->fd = fd;
            return ERR_OK;
        }
    }
    (void)close(fd);
    return e;
}

/* The user named it: it is followed when it is a link. */
static enum err
visit_root(struct walk *w, struct walk_entry *ret, bool *ret_is_there)
{
    const struct pack_root *r = &w->roots->all[w->root++];
    enum err e = set_path(w, 0, r->name);
    int fd;

    if (e != ERR_OK)
        return e;
    fd = open(r->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno != ENXIO) /* which is what a socket says */
        return fail_errno(w);
    if (fd >= 0)
        e = take(w, fd, ret, ret_is_there);
    if (e == ERR_OK && !*ret_is_there)
        w->n_left_out++;
    return e;
}

static enum err
visit_link(struct walk *w, int dir_fd, const char *name, struct walk_entry *ret)
{
    ssize_t n = readlinkat(dir_fd, name, w->link, sizeof(w->link));

    if (n < 0)
        return fail_errno(w);
    if ((size_t)n >= sizeof(w->link))
        return fail(w, "points to a path that is too long");
    w->link[n] = '\0';
    ret->kind = WALK_LINK;
    ret->fd = -1;
    return ERR_OK;
}

/* It was looked at without being opened, as to open a device or a pipe can do something. What is
 * opened then must be what was seen. */
static enum err
visit_open(struct walk *w, int dir_fd, const char *name, struct walk_entry *ret)
{
    bool is_folder = S_ISDIR(ret->st.st_mode), is_there = false;
    int fd;
    enum err e;

    if (!is_folder && !w->opens_files) {
        ret->kind = WALK_FILE;
        ret->fd = -1;
        return faccessat(dir_fd, name, R_OK, AT_EACCESS) == 0 ? ERR_OK : fail_errno(w);
    }
    fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(w);
    e = take(w, fd, ret, &is_there);
    if (e == ERR_OK && is_there && is_folder == (ret->kind == WALK_FOLDER))
        return ERR_OK;
    if (ret->fd >= 0)
        (void)close(ret->fd);
    return e != ERR_OK ? e : fail(w, "became something else while it was read");
}

static enum err
visit(struct walk *w, struct walk_entry *ret, bool *ret_is_there)
{
    struct level *l = &w->levels[w->depth - 1];
    const char *name = l->names.v[l->at++];
    enum err e = set_path(w, l->path_len, name);

    if (e != ERR_OK)
        return e;
    if (fstatat(l->fd, name, &ret->st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return ERR_OK; /* gone before anybody looked: as if it had never been there */
        return fail_errno(w);
    }
    *ret_is_there = true;
    if (S_ISLNK(ret->st.st_mode))
        return visit_link(w, l->fd, name, ret);
    if (S_ISREG(ret->st.st_mode) || S_ISDIR(ret->st.st_mode))
        return visit_open(w, l->fd, name, ret);
    *ret_is_there = false;
    w->n_left_out++;
    return ERR_OK;
}

enum err
walk_next(struct walk *w, struct walk_entry *ret_entry)
{
    struct walk_entry entry = {.kind = WALK_END, .fd = -1};
    bool is_there = false;
    enum err e = ERR_OK;

    while (e == ERR_OK && !is_there) {
        struct level *l = w->depth > 0 ? &w->levels[w->depth - 1] : NULL;

        if (interrupt_seen())
            return err_set(ERR_CLOSED, "interrupted");
        if (l != NULL && l->at == l->names.n) {
            level_done(l);
            w->depth--;
        } else if (l != NULL) {
            e = visit(w, &entry, &is_there);
        } else if (w->root < w->roots->n) {
            e = visit_root(w, &entry, &is_there);
        } else {
            break;
        }
    }
    if (e != ERR_OK)
        return e;
    if (!is_there)
        entry.kind = WALK_END;
    entry.path = w->path;
    entry.link = w->link;
    *ret_entry = entry;
    return ERR_OK;
}

/* ---- making and freeing ---- */

enum err
walk_new(const struct pack_roots *roots, bool opens_files, struct walk **ret_walk)
{
    struct walk *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return err_set(ERR_NOMEM, "no memory for a walk");
    w->roots = roots;
    w->opens_files = opens_files;
    *ret_walk = w;
    return ERR_OK;
}

void
walk_free(struct walk *w)
{
    if (w == NULL)
        return;
    while (w->depth > 0)
        level_done(&w->levels[--w->depth]);
    free(w);
}

size_t
walk_root(const struct walk *w)
{
    assert(w->root > 0);
    return w->roots->all[w->root - 1].index;
}

uint64_t
walk_n_left_out(const struct walk *w)
{
    return w->n_left_out;
}
