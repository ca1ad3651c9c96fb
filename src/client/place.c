/* SPDX-License-Identifier: Apache-2.0 */
#include "client/place.h"

#include "base/enc.h"
#include "base/fs.h"
#include "base/rnd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RANDOM_LEN = 16, NUMBER_MAX = 99999 };

enum err
place_open_dir(const char *path, int *ret_fd)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_set(ERR_IO, "the folder cannot be opened: %s", strerror(errno));
    *ret_fd = fd;
    return ERR_OK;
}

enum err
place_temp_name(const char *ending, char ret_name[PLACE_TEMP_LEN])
{
    uint8_t random[RANDOM_LEN];
    char text[B32_LEN(RANDOM_LEN) + 1];
    enum err e = rnd_bytes(random, sizeof(random));

    if (e != ERR_OK)
        return e;
    b32_encode(random, sizeof(random), text);
    assert(strlen(ending) <= 8);
    (void)snprintf(ret_name, PLACE_TEMP_LEN, ".mayfly-%s%s", text, ending);
    return ERR_OK;
}

void
place_tame(char *name)
{
    if (name[0] == '.' || name[0] == '-')
        name[0] = '_';
}

int
place_rename_in_two(int from_dir, const char *from, int to_dir, const char *to)
{
    struct stat st;
    int fd, was;

    if (fstatat(from_dir, from, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    if (S_ISDIR(st.st_mode)) {
        if (mkdirat(to_dir, to, 0700) != 0)
            return errno;
    } else {
        fd = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return errno;
        (void)close(fd);
    }
    if (renameat(from_dir, from, to_dir, to) == 0)
        return 0;
    was = errno;
    (void)unlinkat(to_dir, to, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
    return was;
}

int
place_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    return place_rename_in_two(from_dir, from, to_dir, to);
}

/* `stem`, `-number` and `ext` in one name; of the stem as much as fits, in whole characters. */
static void
join(const char *stem, const char *ext, unsigned number, char ret_name[PLACE_NAME_LEN])
{
    char tail[PLACE_NAME_LEN];
    size_t tail_len, len = strlen(stem);

    if (number == 0)
        (void)snprintf(tail, sizeof(tail), "%s", ext);
    else
        (void)snprintf(tail, sizeof(tail), "-%u%s", number, ext);
    tail_len = strlen(tail);
    if (len > PLACE_NAME_LEN - 1 - tail_len)
        len = PLACE_NAME_LEN - 1 - tail_len;
    while (len > 0 && ((unsigned char)stem[len] & 0xc0) == 0x80)
        len--;
    memcpy(ret_name, stem, len);
    memcpy(ret_name + len, tail, tail_len + 1);
}

int
place_numbered(const char *stem, const char *ext, int (*try)(void *ctx, const char *name),
               void *ctx, char ret_name[PLACE_NAME_LEN])
{
    char name[PLACE_NAME_LEN];
    int why = EEXIST;

    assert(strlen(ext) < PLACE_NAME_LEN / 2);
    for (unsigned i = 0; why == EEXIST && i <= NUMBER_MAX; i++) {
        join(stem, ext, i, name);
        why = try(ctx, name);
    }
    if (why == 0)
        (void)snprintf(ret_name, PLACE_NAME_LEN, "%s", name);
    return why;
}

void
place_sync_dir(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        (void)fsync(fd);
    fs_close(&fd);
}
