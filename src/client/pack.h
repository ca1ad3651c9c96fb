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
    uint64_t len; /* exact, also of a tar; UINT64_MAX: a pipe's, not known before its end */
    char name[E2E_NAME_LEN], type[E2E_TYPE_LEN]; /* "report.pdf", "photos.tar", "files.tar" */
    bool is_tar;
};

/* Open `paths` ("-": standard input, only alone; its name is "stdin"). A folder, or more than one
 * path, becomes a tar: entries begin with the last part of each path, sorted, with times (whole
 * seconds) and permission bits, without owners; links are kept as links (but a path that is one is
 * followed), files that are one (hard links) are written each; sockets, devices and pipes are left
 * out and counted in a note. Nothing is followed out of a folder. The type is told by the name,
 * else text/plain when the beginning is UTF-8 text, else application/octet-stream; a tar is
 * application/x-tar. What comes first of a pipe is waited for.
 *
 * ERR_IO: a path cannot be read, or is neither file nor folder, or there is nothing in the tar; or
 * a name for it is no UTF-8 or has a control character, which no receiver takes. ERR_FIELD: two
 * paths have the same last part, "-" is not alone, or there is none; ERR_CLOSED: interrupted.
 * `ret_failed` is set to the index of the path that it is about, if it is about one. A read is
 * ERR_IO when a file has changed its size since, or cannot be read; the sentence names a file of a
 * tar. Memory is bounded but for the names within the folders on the way. */
MUST_CHECK enum err pack_open(char *const *paths, size_t n, struct pack *ret_pack,
                              size_t *ret_failed);

#endif
