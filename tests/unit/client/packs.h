/* SPDX-License-Identifier: Apache-2.0 */
/* packs: folders to pack from, and what comes out of a pack. */
#ifndef MAYFLY_TESTS_PACKS_H
#define MAYFLY_TESTS_PACKS_H

#include "testing.h"

#include "base/buf.h"
#include "client/pack.h"
#include "client/term.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALL_MAX = 64 * 1024 * 1024 };

static char folder[32];

static inline void
remove_tree(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_tree(fd, e->d_name);
    }
    if (d != NULL)
        (void)closedir(d);
    if (unlinkat(dir_fd, name, 0) != 0)
        (void)unlinkat(dir_fd, name, AT_REMOVEDIR);
}

/* Each test stands in an empty folder of its own. */
static inline int
begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/mayfly-pack-XXXXXX");
    term_set_quiet(true);
    return mkdtemp(folder) == NULL ? -1 : chdir(folder);
}

static inline int
end(void **state)
{
    (void)state;
    if (chdir("/") != 0)
        return -1;
    remove_tree(AT_FDCWD, folder);
    return access(folder, F_OK) == 0 ? -1 : 0;
}

/* ---- what there is ---- */

static inline void
write_bytes(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(len, write(fd, bytes, len));
    assert_int_equal(0, close(fd));
}

static inline void
write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static inline void
make_folder(const char *path)
{
    assert_int_equal(0, mkdir(path, 0700));
}

/* A list of paths, for the calls below. */
#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline enum err
open_paths(const char *const *paths, struct pack *ret, size_t *ret_failed)
{
    char *copies[8] = {NULL};
    size_t n = 0;
    enum err e;

    for (; paths[n] != NULL; n++) {
        assert_true(n < 8);
        copies[n] = strdup(paths[n]);
        assert_non_null(copies[n]);
    }
    e = pack_open(copies, n, ret, ret_failed);
    for (size_t i = 0; i < n; i++)
        free(copies[i]);
    return e;
}

static inline struct pack
open_ok(const char *const *paths)
{
    struct pack p;
    size_t failed = 99;

    assert_ok(open_paths(paths, &p, &failed));
    assert_int_equal(99, failed);
    return p;
}

/* All that is left of it, read `cap` at a time; the source is freed. */
static inline enum err
drain(struct source *s, size_t cap, struct buf *ret)
{
    uint8_t *piece = malloc(cap);
    size_t n = 1;
    enum err e = ERR_OK;

    assert_non_null(piece);
    while (e == ERR_OK && n > 0) {
        e = source_read(s, piece, cap, &n);
        if (e == ERR_OK)
            e = buf_add(ret, piece, n);
    }
    free(piece);
    source_free(s);
    return e;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

#endif
