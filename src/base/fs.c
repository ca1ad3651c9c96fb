/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sentences hold no path: a file's name can be a caller's, and the caller says which file it is. */
static enum err
io_error(const char *what)
{
    enum err e = errno == ENOSPC || errno == EDQUOT ? ERR_NOSPACE : ERR_IO;

    return err_set(e, "%s: %s", what, strerror(errno));
}

enum err
fs_write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_error("write");
        p += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

enum err
fs_write_at(int fd, const void *bytes, size_t len, uint64_t off)
{
    const uint8_t *p = bytes;

    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_error("write");
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

enum err
fs_read_at(int fd, void *ret_bytes, size_t len, uint64_t off)
{
    uint8_t *p = ret_bytes;

    while (len > 0) {
        ssize_t n = pread(fd, p, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_error("read");
        if (n == 0)
            return err_set(ERR_INTEGRITY, "a file is shorter than it was");
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

static enum err
read_all(int fd, struct buf *b)
{
    uint8_t chunk[4096];
    enum err e = ERR_OK;

    while (e == ERR_OK) {
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            e = io_error("read");
        else if (n == 0)
            break;
        else
            e = buf_add(b, chunk, (size_t)n);
    }
    explicit_bzero(chunk, sizeof(chunk)); /* pepper and tokens are read this way */
    return e;
}

enum err
fs_read_file(int dir_fd, const char *path, struct buf *b)
{
    struct stat st;
    enum err e;
    int fd;

    fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? err_set(ERR_NOTFOUND, "no such file") : io_error("open");
    if (fstat(fd, &st) != 0)
        e = io_error("stat");
    else if (!S_ISREG(st.st_mode))
        e = err_set(ERR_IO, "not a regular file");
    else
        e = read_all(fd, b);
    (void)close(fd);
    return e;
}

/* A copy without slashes at the end: behind a link they would make the system follow it. */
static enum err
copy_path(const char *path, char ret_path[PATH_MAX])
{
    size_t len = strlen(path);

    if (len == 0 || len >= PATH_MAX)
        return err_set(ERR_SYNTAX, "a folder's path is empty or too long");
    while (len > 1 && path[len - 1] == '/')
        len--;
    memcpy(ret_path, path, len);
    ret_path[len] = '\0';
    return ERR_OK;
}

/* Make every missing folder on the way to `path`. */
static enum err
make_dirs(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return io_error("mkdir");
    }
    return ERR_OK;
}

enum err
fs_open_private_dir(const char *path, int *ret_fd)
{
    char folder[PATH_MAX];
    struct stat st;
    enum err e;
    int fd;

    e = copy_path(path, folder);
    if (e == ERR_OK)
        e = make_dirs(folder);
    if (e != ERR_OK)
        return e;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return io_error("open");
    if (fstat(fd, &st) != 0) {
        e = io_error("stat");
    } else if (st.st_uid != geteuid()) {
        e = err_set(ERR_DENIED, "the folder belongs to another user");
    } else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        e = err_set(ERR_DENIED, "group or others can write to the folder");
    } else {
        *ret_fd = fd;
        return ERR_OK;
    }
    (void)close(fd);
    return e;
}

enum err
fs_sync(int fd)
{
    while (fsync(fd) != 0) {
        if (errno != EINTR)
            return io_error("fsync");
    }
    return ERR_OK;
}

void
fs_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}
