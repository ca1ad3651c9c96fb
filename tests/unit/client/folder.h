/* SPDX-License-Identifier: Apache-2.0 */
/* folder: a temporary folder for a test, and what is in it. */
#ifndef MAYFLY_TESTS_CLIENT_FOLDER_H
#define MAYFLY_TESTS_CLIENT_FOLDER_H

#include "testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct test_folder {
    char path[64];
    int fd;
};

static inline int
folder_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void
folder_open(struct test_folder *f)
{
    (void)snprintf(f->path, sizeof(f->path), "/tmp/mayfly-client-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->fd >= 0);
}

static inline void
folder_close(struct test_folder *f)
{
    (void)close(f->fd);
    (void)nftw(f->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of `name` in it; valid until the next call. */
static inline const char *
folder_path(const struct test_folder *f, const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    return path;
}

static inline void
folder_write(const struct test_folder *f, const char *name, const char *text)
{
    int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

/* The file, no link, holds exactly this text. */
static inline void
folder_holds(const struct test_folder *f, const char *name, const char *text)
{
    char got[4096] = "";
    int fd = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        fail_msg("no file %s", name);
    n = read(fd, got, sizeof(got) - 1);
    (void)close(fd);
    assert_true(n >= 0);
    got[n] = '\0';
    assert_string_equal(got, text);
}

static inline bool
folder_has(const struct test_folder *f, const char *name)
{
    struct stat st;

    return fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Permission bits of an entry. */
static inline unsigned
folder_mode(const struct test_folder *f, const char *name)
{
    struct stat st;

    assert_int_equal(fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

/* How many entries there are; hidden ones too. */
static inline size_t
folder_n(const struct test_folder *f)
{
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    struct dirent *d;
    size_t n = 0;

    assert_non_null(dir);
    while ((d = readdir(dir)) != NULL)
        n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    (void)closedir(dir);
    return n;
}

#endif
