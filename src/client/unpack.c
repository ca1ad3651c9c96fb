/* SPDX-License-Identifier: Apache-2.0 */
#include "client/unpack_int.h"

#include "base/fs.h"
#include "base/mem.h"
#include "client/interrupt.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_LEN = 256 * 1024, CHAIN_MAX = 40 /* as many links as Linux follows */ };

/* Of a stranger's permissions: no setuid and the like, and nobody but us may write. */
enum { MODE_MAX = 0755 };

size_t
unpack_n(const struct unpack *u)
{
    return u->tops.n;
}

const char *
unpack_name(const struct unpack *u, size_t i)
{
    return u->tops.v[i];
}

size_t
unpack_n_left_out(const struct unpack *u)
{
    return u->n_left_out;
}

/* ---- making ---- */

static bool
is_empty(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *d;
    bool is = dir != NULL;

    if (dir == NULL) {
        fs_close(&fd);
        return false;
    }
    while (is && (d = readdir(dir)) != NULL)
        is = strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0;
    (void)closedir(dir);
    return is;
}

/* What is opened is not what was made, when another user who may rename in the folder was quick.
 * All that is in it will be removed should this fail: so nothing must be in it. */
static enum err
make_root(struct unpack *u)
{
    char temp[PLACE_TEMP_LEN];
    enum err e = place_temp_name("", temp);
    int fd;

    if (e != ERR_OK)
        return e;
    if (mkdirat(u->dir, temp, 0700) != 0)
        return err_set(ERR_IO, "no folder can be made in the folder: %s", strerror(errno));
    (void)snprintf(u->temp, sizeof(u->temp), "%s", temp);
    u->is_out = false;
    fd = openat(u->dir, temp, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set(ERR_IO, "the folder cannot be opened: %s", strerror(errno));
    if (!is_empty(fd)) {
        fs_close(&fd);
        return err_set(ERR_IO, "the folder that was made became another one");
    }
    u->root = fd;
    return ERR_OK;
}

enum err
unpack_new(const char *dir, struct unpack **ret_unpack)
{
    struct unpack *u = calloc(1, sizeof(*u));
    mode_t mask = umask(077); /* to read it is to set it */
    enum err e;

    (void)umask(mask);

    if (u == NULL)
        return err_set(ERR_NOMEM, "no memory for a tar");
    u->dir = u->root = -1;
    u->mode_mask = MODE_MAX & ~(unsigned)mask;
    u->is_out = true;
    e = place_open_dir(dir != NULL ? dir : ".", &u->dir);
    if (e == ERR_OK)
        e = make_root(u);
    if (e != ERR_OK) {
        unpack_free(u);
        return e;
    }
    *ret_unpack = u;
    return ERR_OK;
}

/* ---- what libarchive reads ---- */

static enum err
read_piece(struct unpack *u, size_t *ret_len)
{
    size_t n = 0;

    if (u->failed == ERR_OK && !u->is_ended)
        u->failed = source_read(u->tar, u->piece, PIECE_LEN, &n);
    if (u->failed != ERR_OK)
        return u->failed;
    u->is_ended = n == 0;
    *ret_len = n;
    return ERR_OK;
}

static la_ssize_t
give_piece(struct archive *a, void *ctx, const void **ret_bytes)
{
    struct unpack *u = ctx;
    size_t n = 0;

    if (read_piece(u, &n) != ERR_OK) {
        archive_set_error(a, EIO, "the source failed");
        return ARCHIVE_FATAL;
    }
    *ret_bytes = u->piece;
    return (la_ssize_t)n;
}

/* Only tar, and nothing compressed: what we do not open cannot be wrong. */
static enum err
open_archive(struct unpack *u, struct archive **ret_archive)
{
    struct archive *a = archive_read_new();

    if (a == NULL || archive_read_support_format_tar(a) != ARCHIVE_OK) {
        (void)archive_read_free(a);
        return err_set(ERR_NOMEM, "no memory for a tar");
    }
    *ret_archive = a;
    if (archive_read_open(a, u, NULL, give_piece, NULL) == ARCHIVE_OK)
        return ERR_OK;
    return u->failed != ERR_OK ? u->failed : err_set(ERR_INTEGRITY, "this is no tar");
}

static enum err
next_entry(struct unpack *u, struct archive *a, struct archive_entry **ret_entry)
{
    int r;

    *ret_entry = NULL;
    if (interrupt_seen())
        return err_set(ERR_CLOSED, "interrupted");
    r = archive_read_next_header(a, ret_entry);
    if (u->failed != ERR_OK)
        return u->failed;
    if (r == ARCHIVE_EOF) {
        *ret_entry = NULL;
        return ERR_OK;
    }
    /* A warning is about names that cannot be read as they are, or a header that is odd. */
    if (r != ARCHIVE_OK && u->n_entries == 0)
        return err_set(ERR_INTEGRITY, "this is no tar, or a damaged one");
    if (r != ARCHIVE_OK)
        return err_set(ERR_INTEGRITY, "the tar is damaged");
    if (u->n_entries++ >= UNPACK_ENTRIES_MAX)
        return err_set(ERR_INTEGRITY, "the tar has more than %d entries", UNPACK_ENTRIES_MAX);
    return ERR_OK;
}

static enum err
read_entries(struct unpack *u, struct archive *a)
{
    struct archive_entry *entry = NULL;
    enum err e;

    do {
        e = next_entry(u, a, &entry);
        if (e == ERR_OK && entry != NULL)
            e = unpack_entry(u, a, entry);
    } while (e == ERR_OK && entry != NULL);
    return e;
}

/* What follows the end of the tar is of no interest, but of the sender's hash. */
static enum err
read_rest(struct unpack *u)
{
    size_t n = 1;
    enum err e = ERR_OK;

    while (e == ERR_OK && n > 0) {
        n = 0;
        e = read_piece(u, &n);
    }
    return e;
}

/* ---- when all is there ---- */

static int
deepest_first(const void *a, const void *b)
{
    return strcmp(((const struct folder *)b)->path, ((const struct folder *)a)->path);
}

static enum err
check_folders(struct unpack *u)
{
    if (u->n_folders > 0)
        qsort(u->folders, u->n_folders, sizeof(*u->folders), deepest_first);
    for (size_t i = 1; i < u->n_folders; i++) {
        if (strcmp(u->folders[i].path, u->folders[i - 1].path) == 0)
            return err_set(ERR_INTEGRITY, "the tar has an entry twice");
    }
    return ERR_OK;
}

static enum err
remove_link(const struct unpack *u, const char *path)
{
    struct way *w = malloc(sizeof(*w));
    int dir = -1;
    enum err e;

    if (w == NULL)
        return err_set(ERR_NOMEM, "no memory for a path");
    e = way_read(path, w);
    if (e == ERR_OK)
        e = way_open(u->root, w, w->n - 1, false, &dir);
    if (e == ERR_OK && unlinkat(dir, w->parts[w->n - 1], 0) != 0)
        e = err_set(ERR_IO, "a link cannot be removed: %s", strerror(errno));
    fs_close(&dir);
    free(w);
    return e;
}

/* One pass of drop_links. */
static enum err
drop_some(struct unpack *u, size_t *ret_n)
{
    struct stat st;
    enum err e = ERR_OK;

    *ret_n = 0;
    for (size_t i = 0; e == ERR_OK && i < u->links.n; i++) {
        if (u->links.v[i][0] == '\0' ||
            fstatat(u->root, u->wanted.v[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        e = remove_link(u, u->links.v[i]);
        u->links.v[i][0] = '\0';
        (*ret_n)++;
    }
    u->n_left_out += *ret_n;
    return e;
}

/* A link to a top entry that did not come would lead to what the user has of that name. Without it
 * others may lead nowhere in turn. */
static enum err
drop_links(struct unpack *u)
{
    size_t n = 1;
    enum err e = ERR_OK;

    for (unsigned i = 0; e == ERR_OK && n > 0; i++) {
        if (i > CHAIN_MAX)
            return err_set(ERR_INTEGRITY, "the tar has too many links to links");
        e = drop_some(u, &n);
    }
    return e;
}

static enum err
list_tops(struct unpack *u)
{
    int fd = openat(u->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *d;
    enum err e = ERR_OK;

    if (dir == NULL) {
        e = err_set(ERR_IO, "the folder cannot be read: %s", strerror(errno));
        fs_close(&fd);
        return e;
    }
    while (e == ERR_OK && (errno = 0, d = readdir(dir)) != NULL) {
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            e = names_add(&u->tops, d->d_name);
    }
    if (e == ERR_OK && errno != 0)
        e = err_set(ERR_IO, "the folder cannot be read: %s", strerror(errno));
    (void)closedir(dir);
    names_sort(&u->tops);
    return e;
}

/* ---- the run ---- */

static enum err
read_all(struct unpack *u)
{
    struct archive *a = NULL;
    enum err e = open_archive(u, &a);

    if (e == ERR_OK)
        e = read_entries(u, a);
    if (e == ERR_OK)
        e = read_rest(u);
    (void)archive_read_free(a);
    if (e == ERR_OK)
        e = check_folders(u);
    if (e == ERR_OK)
        e = drop_links(u);
    if (e == ERR_OK)
        e = list_tops(u);
    return e;
}

enum err
unpack_run(struct unpack *u, struct source *tar)
{
    /* Names of a tar are UTF-8 whatever the user's locale is; libarchive asks that one. */
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), old = (locale_t)0;
    enum err e;

    u->piece = malloc(PIECE_LEN);
    if (u->piece == NULL) {
        e = err_set(ERR_NOMEM, "no memory for a piece of the tar");
        goto out;
    }
    u->tar = tar;
    if (utf8 != (locale_t)0)
        old = uselocale(utf8);
    e = read_all(u);
    if (old != (locale_t)0)
        (void)uselocale(old);
    mem_wipe(u->piece, PIECE_LEN); /* plaintext */
out:
    free(u->piece);
    u->piece = NULL;
    u->tar = NULL;
    if (utf8 != (locale_t)0)
        freelocale(utf8);
    return e;
}
