/* SPDX-License-Identifier: Apache-2.0 */
/* pack: what is sent, as one stream of plaintext: a file, standard input, or a tar (POSIX pax, by
 * libarchive) of a folder or several of either. One of two users of libarchive. */
#ifndef MAYFLY_CLIENT_PACK_H
#define MAYFLY_CLIENT_PACK_H

#include "base/err.h"
#include "client/e2e.h"
#include "stream/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pack {
    struct source *source; /* the plaintext; the caller frees it */
    uint64_t len;          /* exact; UINT64_MAX: not known before its end */
    uint64_t estimate;     /* for a progress bar: bytes of all files; UINT64_MAX: not known */
    char name[E2E_NAME_LEN], type[E2E_TYPE_LEN]; /* "report.pdf", "photos.tar", "files.tar" */
    bool is_tar;
};

/* Open `paths` ("-": standard input, only alone). A folder, or more than one path, becomes a tar:
 * entries begin with the last part of each path, sorted, with times and permission bits, without
 * owners; links are kept as links; sockets, devices and pipes are left out and counted in a note.
 * Nothing is followed out of a folder. The type is told by the name, else text/plain when the
 * beginning is UTF-8 text, else application/octet-stream; a tar is application/x-tar.
 * ERR_IO: a path cannot be read, `ret_failed` (index) says which; ERR_FIELD: two paths have the
 * same last part, "-" is not alone, or there is none. A read is ERR_IO when a file has changed its
 * size since. Memory is bounded but for the names within one folder. */
MUST_CHECK enum err pack_open(char *const *paths, size_t n, struct pack *ret_pack,
                              size_t *ret_failed);

#endif
