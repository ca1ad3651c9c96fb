/* SPDX-License-Identifier: Apache-2.0 */
/* fs: files by descriptor, with short transfers and EINTR dealt with. Thread-safe. */
#ifndef MAYFLY_BASE_FS_H
#define MAYFLY_BASE_FS_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Write all `len` bytes at the descriptor's position, or at `off`. ERR_NOSPACE: disk or quota
 * full; ERR_IO otherwise. How much was written is then unspecified. */
MUST_CHECK enum err fs_write_all(int fd, const void *bytes, size_t len);
MUST_CHECK enum err fs_write_at(int fd, const void *bytes, size_t len, uint64_t off);

/* Read exactly `len` bytes at `off`. ERR_INTEGRITY: the file is shorter; ERR_IO. */
MUST_CHECK enum err fs_read_at(int fd, void *ret_bytes, size_t len, uint64_t off);

/* Append the whole regular file `path`, relative to `dir_fd` (AT_FDCWD), to `b`, whose ceiling
 * bounds it. ERR_NOTFOUND, ERR_TOOBIG, ERR_IO. */
MUST_CHECK enum err fs_read_file(int dir_fd, const char *path, struct buf *b);

/* Make the missing folders of `path` (mode 0700), open the last one without following a link in
 * it (also when a slash follows). ERR_DENIED: it is not ours, or group or others can write to it;
 * ERR_SYNTAX: no path; ERR_IO. The caller closes. */
MUST_CHECK enum err fs_open_private_dir(const char *path, int *ret_fd);

/* Make the directory's entries durable. */
MUST_CHECK enum err fs_sync(int fd);

/* Close unless negative; sets -1. */
void fs_close(int *fd);

#endif
