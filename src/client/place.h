/* SPDX-License-Identifier: Apache-2.0 */
/* place: names in a folder that is held by descriptor: a temporary one, and one that is given only
 * when nobody has it. What outfile and unpack share. No call follows a link in the last part. */
#ifndef MAYFLY_CLIENT_PLACE_H
#define MAYFLY_CLIENT_PLACE_H

#include "base/err.h"

enum {
    PLACE_NAME_LEN = 256, /* of any name in a folder, with a NUL */
    PLACE_TEMP_LEN = 48,
};

/* Open a folder to work in ("": ERR_IO). It need not be readable. The caller closes. ERR_IO. */
MUST_CHECK enum err place_open_dir(const char *path, int *ret_fd);

/* ".mayfly-<random><ending>"; `ending` has at most 8 characters. ERR_IO: no random numbers. */
MUST_CHECK enum err place_temp_name(const char *ending, char ret_name[PLACE_TEMP_LEN]);

/* A stranger's name in front of which stands a dot or a hyphen would be hidden, or read by programs
 * as an option: that one character becomes '_'. */
void place_tame(char *name);

/* Rename a file, link or folder, but never over anything. 0, or the errno; EEXIST: the name is
 * taken. */
int place_rename(int from_dir, const char *from, int to_dir, const char *to);

/* What place_rename does where the file system cannot rename in that way: the name is taken by an
 * empty file or folder, which then is replaced. */
int place_rename_in_two(int from_dir, const char *from, int to_dir, const char *to);

/* `try` makes something of this name, and says 0 or an errno. Call it with `stem` + `ext`, then,
 * while it says EEXIST, with `stem`-1 + `ext`, `stem`-2 + `ext` and so on; the stem is cut at a
 * whole character so that each fits. 0 and the name, or the errno. */
int place_numbered(const char *stem, const char *ext, int (*try)(void *ctx, const char *name),
                   void *ctx, char ret_name[PLACE_NAME_LEN]);

/* Make names in the folder durable; where that cannot be, nothing is lost but the promise. */
void place_sync_dir(int dir);

#endif
