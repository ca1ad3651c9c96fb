/* SPDX-License-Identifier: Apache-2.0 */
#include "store_contract.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DIR_LEN = 64 };

static enum err
begin(void **ret_place)
{
    char *dir = malloc(DIR_LEN);

    if (dir == NULL)
        return err_set(ERR_NOMEM, "out of memory");
    /* In memory where that is to be had: thousands of commits, each with a sync. */
    (void)snprintf(dir, DIR_LEN, "%s/mayfly-store-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(dir) == NULL) {
        free(dir);
        return err_set(ERR_IO, "no folder for the store");
    }
    *ret_place = dir;
    return ERR_OK;
}

static enum err
clear(void *place)
{
    DIR *dir = opendir(place);
    struct dirent *entry;

    if (dir == NULL)
        return err_set(ERR_IO, "the store's folder cannot be read");
    while ((entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
    return ERR_OK;
}

static enum err
open_at(void *place, int64_t tombstone_s, struct store **ret_store)
{
    return store_sqlite_open(place, tombstone_s, ret_store);
}

static void
end(void *place)
{
    (void)clear(place);
    (void)rmdir(place);
    free(place);
}

const struct backend sqlite_backend = {"sqlite", false, begin, clear, open_at, end};
