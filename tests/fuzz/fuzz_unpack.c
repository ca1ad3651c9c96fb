/* SPDX-License-Identifier: Apache-2.0 */
/* Tars of strangers: whatever the bytes are, nothing appears outside the private folder before the
 * commit, only tame names after it, no link leads out, and nothing stays when it failed. */
#include "client/unpack.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char base[] = "/dev/shm/mayfly-fuzz-XXXXXX", base_real[PATH_MAX];
static bool is_open;

static void
remove_base(void)
{
    (void)rmdir(base);
}

/* One folder for all runs: each leaves it empty. A file with holes may ask for any size. */
static bool
open_base(void)
{
    const struct rlimit small = {16 << 20, 16 << 20};

    if (is_open)
        return true;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &small) != 0 || mkdtemp(base) == NULL)
        return false;
    (void)atexit(remove_base);
    is_open = realpath(base, base_real) != NULL;
    return is_open;
}

static struct dirent *
next_entry(DIR *dir)
{
    struct dirent *d;

    do
        d = readdir(dir);
    while (d != NULL && (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0));
    return d;
}

static size_t
n_in_base(void)
{
    DIR *dir = opendir(base);
    size_t n = 0;

    assert(dir != NULL);
    while (next_entry(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

/* Where it leads, when it leads anywhere, is below the folder. */
static void
check_link(int dir, const char *name)
{
    char path[PATH_MAX], real[PATH_MAX];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
    if (realpath(path, real) != NULL)
        assert(strncmp(real, base_real, strlen(base_real)) == 0 && real[strlen(base_real)] == '/');
}

static void
check_entry(int dir, const char *name, const struct stat *st)
{
    assert(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode));
    if (S_ISLNK(st->st_mode))
        check_link(dir, name);
    else
        assert((st->st_mode & 07022) == 0);
    for (const char *c = name; *c != '\0'; c++)
        assert((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void
each_entry(int parent, const char *name, void (*visit)(int dir, const char *name, bool is_folder))
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *d;
    struct stat st;

    assert(dir != NULL);
    while ((d = next_entry(dir)) != NULL) {
        assert(fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0);
        visit(fd, d->d_name, S_ISDIR(st.st_mode));
    }
    (void)closedir(dir);
}

static void
check(int dir, const char *name, bool is_folder)
{
    struct stat st;

    assert(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
    check_entry(dir, name, &st);
    if (is_folder && geteuid() != 0)
        assert(fchmodat(dir, name, 0700, 0) == 0);
    if (is_folder)
        each_entry(dir, name, check);
}

static void
clear(int dir, const char *name, bool is_folder)
{
    if (is_folder)
        each_entry(dir, name, clear);
    assert(unlinkat(dir, name, is_folder ? AT_REMOVEDIR : 0) == 0);
}

static void
commit(struct unpack *u)
{
    size_t n = unpack_n(u);

    for (size_t i = 0; i < n; i++) {
        const char *name = unpack_name(u, i);

        assert(name[0] != '.' && name[0] != '-' && strchr(name, '/') == NULL);
    }
    assert(unpack_commit(u, false) == ERR_OK);
    assert(n_in_base() == n + 1);
    each_entry(AT_FDCWD, base, check);
}

/* What looks like a header gets the sum that it should have, or hardly any change of one would be
 * read. An input that ends with an odd byte is read as it is. */
static void
mend(uint8_t *data, size_t size)
{
    char text[8];

    if (size == 0 || data[size - 1] % 2 != 0)
        return;
    for (size_t at = 0; size - at >= 512; at += 512) {
        unsigned sum = 8 * ' ';

        if (memcmp(data + at + 257, "ustar", 5) != 0)
            continue;
        for (size_t i = 0; i < 512; i++)
            sum += i >= 148 && i < 156 ? 0 : data[at + i];
        (void)snprintf(text, sizeof(text), "%06o", sum);
        memcpy(data + at + 148, text, 7);
        data[at + 155] = ' ';
    }
}

static void
run(const uint8_t *data, size_t size)
{
    struct unpack *u = NULL;
    struct source *s = NULL;
    enum err e;

    if (source_of_bytes(data, size, &s) != ERR_OK)
        return;
    if (unpack_new(base, &u) == ERR_OK) {
        e = unpack_run(u, s);
        assert(n_in_base() == 1);
        if (e == ERR_OK)
            commit(u);
        unpack_free(u);
        if (e == ERR_OK)
            each_entry(AT_FDCWD, base, clear);
        assert(n_in_base() == 0);
    }
    source_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *mended = malloc(size + 1);

    if (mended != NULL && open_base()) {
        if (size > 0)
            memcpy(mended, data, size);
        mend(mended, size);
        run(mended, size);
    }
    free(mended);
    return 0;
}
