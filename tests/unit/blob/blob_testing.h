/* SPDX-License-Identifier: Apache-2.0 */
/* blob_testing: a storage folder of its own for each test, and looking into it from outside. */
#ifndef MAYFLY_TESTS_BLOB_TESTING_H
#define MAYFLY_TESTS_BLOB_TESTING_H

#include "testing.h"

#include "base/enc.h"
#include "base/mem.h"
#include "blob/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNUSED_FN __attribute__((unused))

struct place {
    char root[64];     /* a temporary folder */
    char storage[128]; /* <root>/storage */
    struct blobs *blobs;
};

UNUSED_FN static struct blobs *
open_storage(const char *path, unsigned passes, enum err (*fill)(void *, size_t))
{
    struct blob_dir_opts opts = {path, true, passes, fill};
    struct blobs *b = NULL;

    assert_ok(blob_dir_open(&opts, &b));
    return b;
}

UNUSED_FN static int
set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return -1;
    (void)signal(SIGXFSZ, SIG_IGN); /* as the server does: a full file is an error, no death */
    (void)snprintf(p->root, sizeof(p->root), "/tmp/mayfly-blob-XXXXXX");
    if (mkdtemp(p->root) == NULL)
        return -1;
    (void)snprintf(p->storage, sizeof(p->storage), "%s/storage", p->root);
    p->blobs = open_storage(p->storage, 1, NULL);
    *state = p;
    return 0;
}

UNUSED_FN static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

UNUSED_FN static int
tear_down(void **state)
{
    struct place *p = *state;
    int rc;

    blobs_free(p->blobs);
    rc = nftw(p->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(p);
    return rc;
}

/* Bytes that no random filler makes by chance: the same text again and again. */
UNUSED_FN static void
fill_pattern(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)("ciphertext"[i % 10]);
}

UNUSED_FN static struct blob_writer *
begin_blob(struct blobs *b, size_t len)
{
    struct blob_writer *w = NULL;
    uint8_t *bytes = malloc(len + 1);

    assert_non_null(bytes);
    fill_pattern(bytes, len);
    assert_ok(blob_create(b, &w));
    assert_ok(sink_write(blob_writer_sink(w), bytes, len));
    assert_ok(sink_finish(blob_writer_sink(w)));
    free(bytes);
    return w;
}

UNUSED_FN static struct blob_name
put_blob(struct blobs *b, size_t len)
{
    struct blob_writer *w = begin_blob(b, len);
    struct blob_name name;
    uint64_t size = 0;

    assert_ok(blob_commit(w, &name, &size));
    assert_int_equal(size, len);
    blob_writer_free(w);
    return name;
}

/* <storage>/<aa>/<32 hex><suffix> */
UNUSED_FN static void
path_of(const struct place *p, const struct blob_name *name, const char *suffix,
        char ret_path[PATH_MAX])
{
    char sub[HEX_LEN(1) + 1], file[HEX_LEN(ID_LEN) + 1];

    hex_encode(name->b, 1, sub);
    hex_encode(name->b, ID_LEN, file);
    (void)snprintf(ret_path, PATH_MAX, "%s/%s/%s%s", p->storage, sub, file, suffix);
}

UNUSED_FN static bool
is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

UNUSED_FN static void
make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

UNUSED_FN static void
assert_file_holds(const char *path, const char *text)
{
    char got[256] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(read(fd, got, sizeof(got) - 1), strlen(text));
    assert_string_equal(got, text);
    (void)close(fd);
}

/* How many files of any kind lie in the 256 subfolders; `ret_path` is the last one's. */
UNUSED_FN static unsigned
n_files(const struct place *p, char ret_path[PATH_MAX])
{
    char sub[PATH_MAX];
    unsigned n = 0;

    for (unsigned i = 0; i < 256; i++) {
        struct dirent *entry;
        DIR *list;

        (void)snprintf(sub, sizeof(sub), "%s/%02x", p->storage, i);
        list = opendir(sub);
        assert_non_null(list);
        while ((entry = readdir(list)) != NULL) {
            if (entry->d_name[0] == '.')
                continue;
            n++;
            if (ret_path != NULL)
                (void)snprintf(ret_path, PATH_MAX, "%.3900s/%.190s", sub, entry->d_name);
        }
        (void)closedir(list);
    }
    return n;
}

/* Run `body` in another process; its return value is the exit status. A body makes no assertions
 * of cmocka's, which would not stop the child. */
UNUSED_FN static int
in_child(int (*body)(void *), void *ctx)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(body(ctx));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#endif
