/* SPDX-License-Identifier: Apache-2.0 */
#include "client/outfile.h"

#include "base/fs.h"
#include "client/interrupt.h"
#include "client/place.h"
#include "policy/filename.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert((int)OUTFILE_NAME_LEN == (int)PLACE_NAME_LEN &&
                   (int)OUTFILE_NAME_LEN == (int)FILENAME_TEXT_LEN,
               "names of one length");

enum { EXT_LEN_MAX = 32 };

struct outfile {
    struct sink sink;
    int dir, fd; /* -1: standard output */
    bool force, is_stdout, is_named;
    char temp[PLACE_TEMP_LEN];
    char name[OUTFILE_NAME_LEN]; /* of the user's own; "": the sender's */
};

/* ---- writing ---- */

/* Unlike a file a pipe may keep us waiting for as long as it likes, but not when interrupted. */
static enum err
write_stdout(const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = interrupt_seen() ? -1 : write(STDOUT_FILENO, bytes, len);

        if (interrupt_seen())
            return err_set(ERR_CLOSED, "interrupted");
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(ERR_IO, "standard output: %s", strerror(errno));
        bytes += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

static enum err
outfile_write(struct sink *sink, const uint8_t *bytes, size_t len)
{
    const struct outfile *o = (const struct outfile *)sink;
    enum err e;

    if (o->is_stdout)
        return write_stdout(bytes, len);
    e = fs_write_all(o->fd, bytes, len);
    return e == ERR_NOSPACE ? err_set(ERR_IO, "%s", err_sentence()) : e; /* NOSPACE: a server's */
}

static enum err
outfile_finish(struct sink *sink)
{
    (void)sink; /* the commit makes it durable */
    return ERR_OK;
}

struct sink *
outfile_sink(struct outfile *o)
{
    return &o->sink;
}

bool
outfile_is_stdout(const struct outfile *o)
{
    return o->is_stdout;
}

/* ---- opening ---- */

/* The folder and the last part of a path of the user's. */
static enum err
split(const char *path, char ret_dir[PATH_MAX], char ret_name[OUTFILE_NAME_LEN])
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    size_t dir_len = slash == NULL ? 0 : (size_t)(slash - path);

    if (path[0] == '\0')
        return err_set(ERR_IO, "the path is empty");
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(ERR_IO, "this is a folder; a file is needed");
    if (dir_len >= PATH_MAX || strlen(name) >= OUTFILE_NAME_LEN)
        return err_set(ERR_IO, "the path is too long");
    if (slash == NULL)
        (void)snprintf(ret_dir, PATH_MAX, ".");
    else
        (void)snprintf(ret_dir, PATH_MAX, "%.*s", dir_len == 0 ? 1 : (int)dir_len, path);
    (void)snprintf(ret_name, OUTFILE_NAME_LEN, "%s", name);
    return ERR_OK;
}

/* Whether what has the name may be overwritten: files and links; not a folder, and no device, pipe
 * or socket, which people mean to write into and which would be gone. */
static bool
is_replaceable(int dir, const char *name)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return true;
    return S_ISREG(st.st_mode) || S_ISLNK(st.st_mode);
}

static enum err
check_free(const struct outfile *o)
{
    struct stat st;

    if (fstatat(o->dir, o->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? ERR_OK
                               : err_set(ERR_IO, "the path cannot be used: %s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return err_set(ERR_IO, "this is a folder; a file is needed");
    if (!o->force)
        return err_set(ERR_IO, "it is there already; --force overwrites it");
    if (!is_replaceable(o->dir, o->name))
        return err_set(ERR_IO, "it is there already and is no file");
    return ERR_OK;
}

static enum err
make_temp(struct outfile *o)
{
    char temp[PLACE_TEMP_LEN];
    enum err e = place_temp_name(".part", temp);

    if (e != ERR_OK)
        return e;
    o->fd = openat(o->dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (o->fd < 0)
        return err_set(ERR_IO, "no file can be made in the folder: %s", strerror(errno));
    (void)snprintf(o->temp, sizeof(o->temp), "%s", temp);
    return ERR_OK;
}

/* Whether it can be written to, as far as can be seen without a byte. */
static enum err
check_stdout(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    int flags = fcntl(STDOUT_FILENO, F_GETFL);

    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
        return err_set(ERR_IO, "standard output is closed");
    if (poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0)
        return err_set(ERR_IO, "nobody reads standard output any more");
    return ERR_OK;
}

static enum err
open_file(struct outfile *o, const struct outfile_cfg *cfg)
{
    char dir[PATH_MAX];
    enum err e = ERR_OK;

    if (cfg->path != NULL)
        e = split(cfg->path, dir, o->name);
    if (e == ERR_OK)
        e = place_open_dir(cfg->path != NULL ? dir : cfg->dir != NULL ? cfg->dir : ".", &o->dir);
    if (e == ERR_OK && cfg->path != NULL)
        e = check_free(o);
    if (e == ERR_OK)
        e = make_temp(o);
    return e;
}

enum err
outfile_open(const struct outfile_cfg *cfg, struct outfile **ret_outfile)
{
    static const struct sink_ops ops = {outfile_write, outfile_finish, NULL};
    struct outfile *o = calloc(1, sizeof(*o));
    enum err e;

    if (o == NULL)
        return err_set(ERR_NOMEM, "no memory for a file");
    o->sink.ops = &ops;
    o->dir = o->fd = -1;
    o->force = cfg->force;
    o->is_stdout = cfg->path != NULL && strcmp(cfg->path, "-") == 0;
    e = o->is_stdout ? check_stdout() : open_file(o, cfg);
    if (e != ERR_OK) {
        outfile_free(o);
        return e;
    }
    *ret_outfile = o;
    return ERR_OK;
}

/* ---- naming ---- */

/* Some file systems cannot do it, which is no failure to write. */
static enum err
make_durable(int fd)
{
    while (fsync(fd) != 0) {
        if (errno == EINVAL || errno == EROFS || errno == EOPNOTSUPP)
            break;
        if (errno != EINTR)
            return err_set(ERR_IO, "the file cannot be written: %s", strerror(errno));
    }
    return ERR_OK;
}

static int
place(void *ctx, const char *name)
{
    const struct outfile *o = ctx;

    if (!o->force || !is_replaceable(o->dir, name))
        return place_rename(o->dir, o->temp, o->dir, name);
    return renameat(o->dir, o->temp, o->dir, name) == 0 ? 0 : errno;
}

static enum err
place_by_path(struct outfile *o, char ret_name[OUTFILE_NAME_LEN])
{
    int why = place(o, o->name);

    if (why == EEXIST)
        return err_set(ERR_IO, "another file of this name has come meanwhile");
    if (why != 0)
        return err_set(ERR_IO, "the file cannot be given its name: %s", strerror(why));
    (void)snprintf(ret_name, OUTFILE_NAME_LEN, "%s", o->name);
    return ERR_OK;
}

/* Whether the file system does not take a name for what it is, not for what is there. */
static bool
is_name_refused(int why)
{
    return why == ENAMETOOLONG || why == EINVAL || why == EILSEQ;
}

static enum err
place_by_name(struct outfile *o, const char *raw, char ret_name[OUTFILE_NAME_LEN])
{
    char stem[FILENAME_TEXT_LEN], ext[EXT_LEN_MAX + 1] = "";
    char *dot;
    int why;

    filename_clean(raw, strlen(raw), stem);
    place_tame(stem);
    dot = strrchr(stem, '.');
    if (dot != NULL && strlen(dot) <= EXT_LEN_MAX) {
        (void)snprintf(ext, sizeof(ext), "%s", dot);
        *dot = '\0';
    }
    why = place_numbered(stem, ext, place, o, ret_name);
    if (is_name_refused(why)) /* what was received is worth more than what it is called */
        why = place_numbered("file", "", place, o, ret_name);
    if (why != 0)
        return err_set(ERR_IO, "the file cannot be given a name: %s", strerror(why));
    return ERR_OK;
}

enum err
outfile_commit(struct outfile *o, const char *name, char ret_name[OUTFILE_NAME_LEN])
{
    char named[OUTFILE_NAME_LEN] = "-";
    enum err e = ERR_OK;

    assert(!o->is_named);
    if (!o->is_stdout) {
        e = make_durable(o->fd);
        if (e == ERR_OK && o->name[0] != '\0')
            e = place_by_path(o, named);
        else if (e == ERR_OK)
            e = place_by_name(o, name, named);
        if (e != ERR_OK)
            return e;
        o->is_named = true;
        place_sync_dir(o->dir);
    }
    if (ret_name != NULL)
        (void)snprintf(ret_name, OUTFILE_NAME_LEN, "%s", named);
    return ERR_OK;
}

void
outfile_free(struct outfile *o)
{
    if (o == NULL)
        return;
    if (!o->is_named && o->temp[0] != '\0')
        (void)unlinkat(o->dir, o->temp, 0);
    fs_close(&o->fd);
    fs_close(&o->dir);
    free(o);
}
