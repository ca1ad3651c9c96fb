/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_dir: a state folder of its own for each test of the embedded store, and looks into its
 * files behind the store's back. */
#ifndef MAYFLY_TESTS_SQLITE_DIR_H
#define MAYFLY_TESTS_SQLITE_DIR_H

#include "testing.h"

#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { T0 = 100000, EXPIRES = T0 + 600, TOMBSTONE_S = 5000, PATH_LEN = 128 };

struct dir {
    char path[PATH_LEN];
    struct store *s;
};

static inline int
dir_setup(void **state)
{
    struct dir *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return -1;
    (void)snprintf(d->path, sizeof(d->path), "%s/mayfly-sqlite-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(d->path) == NULL) {
        free(d);
        return -1;
    }
    *state = d;
    return 0;
}

static inline void
dir_path(const struct dir *d, const char *name, char ret_path[PATH_LEN])
{
    int len = snprintf(ret_path, PATH_LEN, "%s/%s", d->path, name);

    assert_in_range(len, 1, PATH_LEN - 1);
}

static inline int
dir_teardown(void **state)
{
    struct dir *d = *state;
    struct dirent *entry;
    DIR *dir;

    store_free(d->s);
    dir = opendir(d->path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0)
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    }
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(d->path);
    free(d);
    return 0;
}

static inline void
dir_open(struct dir *d)
{
    assert_ok(store_sqlite_open(d->path, TOMBSTONE_S, &d->s));
}

static inline void
dir_close(struct dir *d)
{
    store_free(d->s);
    d->s = NULL;
}

/* The whole file; the caller frees. NULL: there is none. */
static inline uint8_t *
dir_read(const struct dir *d, const char *name, size_t *ret_len)
{
    char path[PATH_LEN];
    uint8_t *bytes;
    struct stat st;
    FILE *f;

    dir_path(d, name, path);
    f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    assert_int_equal(0, fstat(fileno(f), &st));
    *ret_len = (size_t)st.st_size;
    bytes = malloc(*ret_len + 1);
    assert_non_null(bytes);
    assert_int_equal(*ret_len, fread(bytes, 1, *ret_len, f));
    (void)fclose(f);
    return bytes;
}

/* Whether any file of the folder holds these bytes. */
static inline bool
dir_holds(const struct dir *d, const void *bytes, size_t len)
{
    static const char *const names[] = {"mayfly.db", "mayfly.db-wal", "mayfly.db-shm",
                                        "mayfly.lock"};
    bool found = false;
    uint8_t *all;
    size_t n = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        all = dir_read(d, names[i], &n);
        found = found || (all != NULL && memmem(all, n, bytes, len) != NULL);
        free(all);
    }
    return found;
}

/* Overwrite bytes of a file, or make it. */
static inline void
dir_write(const struct dir *d, const char *name, const void *bytes, size_t len, long off)
{
    char path[PATH_LEN];
    int fd;

    dir_path(d, name, path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(len, pwrite(fd, bytes, len, off));
    (void)close(fd);
}

static inline struct share_id
id_of(unsigned tag)
{
    struct share_id id = {{0x1d, (uint8_t)(tag >> 16), (uint8_t)(tag >> 8), (uint8_t)tag}};

    return id;
}

static inline struct record
sample(unsigned tag)
{
    struct record rec = {
        .id = id_of(tag),
        .blob = {{0xb1, (uint8_t)(tag >> 16), (uint8_t)(tag >> 8), (uint8_t)tag}},
        .size_bytes = 100,
        .stored_bytes = 173,
        .created_at_s = T0,
        .expires_at_s = EXPIRES,
        .uses_total = 3,
        .uses_left = 3,
        .sealed_len = 400,
    };

    memset(rec.sealed, 0x5e, rec.sealed_len);
    return rec;
}

static inline enum share_phase
phase_of(struct store *s, unsigned tag, int64_t now_s)
{
    struct share_id id = id_of(tag);
    struct share_state st;

    assert_ok(store_status(s, &id, now_s, &st));
    return st.phase;
}

#endif
