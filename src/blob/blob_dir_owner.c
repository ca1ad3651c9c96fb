/* SPDX-License-Identifier: Apache-2.0 */
/* Whose blobs lie here: a mark for each store, so that none takes another's blobs for orphans. */
#include "blob/blob_dir_int.h"

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = ".store-";

enum { PREFIX_LEN = sizeof(prefix) - 1, MARK_LEN = PREFIX_LEN + HEX_LEN(ID_LEN) + 1 };

bool
blob_dir_is_mark(const char *file)
{
    const char *hex = file + PREFIX_LEN;

    return strncmp(file, prefix, PREFIX_LEN) == 0 && strlen(hex) == HEX_LEN(ID_LEN) &&
           strspn(hex, "0123456789abcdef") == HEX_LEN(ID_LEN);
}

static enum err
open_mark(const struct blob_dir *d, const char *file, int *ret_fd, bool *ret_is_new)
{
    const int flags = O_RDWR | BLOB_OPEN_FLAGS;
    int fd = openat(d->root_fd, file, flags | O_CREAT | O_EXCL, 0600);

    *ret_is_new = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = openat(d->root_fd, file, flags);
    if (fd < 0)
        return blob_dir_error("open the mark of the store");
    *ret_fd = fd;
    return ERR_OK;
}

/* Other nodes of the same store, which may allow longer lives, set the time too. */
static enum err
prolong(const struct blob_dir *d, const char *file, int64_t until_s)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = until_s}};
    bool is_new = false;
    struct stat st;
    enum err e;
    int fd = -1;

    e = open_mark(d, file, &fd, &is_new);
    if (e != ERR_OK)
        return e;
    if (fstat(fd, &st) != 0)
        e = blob_dir_error("stat the mark of the store");
    else if ((is_new || st.st_mtim.tv_sec < until_s) && futimens(fd, times) != 0)
        e = blob_dir_error("set the time of the mark of the store");
    if (e == ERR_OK && d->sync)
        e = fs_sync(fd);
    if (e == ERR_OK && d->sync && is_new)
        e = fs_sync(d->root_fd);
    fs_close(&fd);
    return e;
}

/* Whether another owner's mark holds; one that is past its time goes. */
static enum err
look_at(const struct blob_dir *d, const char *file, int64_t now_s, bool *ret_holds)
{
    struct stat st;

    *ret_holds = false;
    if (fstatat(d->root_fd, file, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? ERR_OK : blob_dir_error("stat a mark");
    *ret_holds = st.st_mtim.tv_sec > now_s;
    if (!*ret_holds && unlinkat(d->root_fd, file, 0) != 0 && errno != ENOENT)
        return blob_dir_error("remove a mark");
    return ERR_OK;
}

enum err
blob_dir_mark_owner(struct blobs *b, const struct blob_owner *owner, bool *ret_alone)
{
    const struct blob_dir *d = blob_dir_of(b);
    bool is_alone = true, holds = false;
    struct dirent *entry;
    char mine[MARK_LEN];
    DIR *list = NULL;
    enum err e;

    memcpy(mine, prefix, PREFIX_LEN);
    hex_encode(owner->name.b, ID_LEN, mine + PREFIX_LEN);
    e = prolong(d, mine, owner->until_s);
    if (e == ERR_OK)
        e = blob_dir_open_list(d->root_fd, &list);
    while (e == ERR_OK) {
        errno = 0;
        entry = readdir(list);
        if (entry == NULL) {
            if (errno != 0)
                e = blob_dir_error("list the folder");
            break;
        }
        if (!blob_dir_is_mark(entry->d_name) || strcmp(entry->d_name, mine) == 0)
            continue;
        e = look_at(d, entry->d_name, owner->now_s, &holds);
        is_alone = is_alone && !holds;
    }
    if (list != NULL)
        (void)closedir(list);
    if (e == ERR_OK)
        *ret_alone = is_alone;
    return e;
}
