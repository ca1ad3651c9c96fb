/* SPDX-License-Identifier: Apache-2.0 */
/* unpack: a tar of a stranger into a folder. Extracts into a fresh private folder inside it and
 * moves the top entries to their place only at the commit, so that nothing half or wrong is ever
 * seen. One of two users of libarchive. */
#ifndef MAYFLY_CLIENT_UNPACK_H
#define MAYFLY_CLIENT_UNPACK_H

#include "base/err.h"
#include "stream/stream.h"

#include <stdbool.h>
#include <stddef.h>

struct unpack;

/* Make the private folder inside `dir`. ERR_IO: it cannot be made. */
MUST_CHECK enum err unpack_new(const char *dir, struct unpack **ret_unpack);

/* Extract the tar that `tar` (borrowed, read to its end, also what follows the tar's end) gives.
 * Only files, folders and links that stay inside are taken: ERR_INTEGRITY for absolute paths, "..",
 * links out of the tree or through a link, devices, pipes, entries that come twice, and for what is
 * no tar. Owners, setuid, setgid and sticky bits are dropped; names with control characters are
 * refused. ERR_IO: the disk. Else what the source said. */
MUST_CHECK enum err unpack_run(struct unpack *u, struct source *tar);

/* Move the top entries to `dir`. Without `force` nothing is overwritten: ERR_IO, and nothing was
 * moved, when one of the names is there already. With it files and links are replaced; a folder
 * in the way is ERR_IO all the same. */
MUST_CHECK enum err unpack_commit(struct unpack *u, bool force);

/* Names of the top entries, sorted. */
size_t unpack_n(const struct unpack *u);
const char *unpack_name(const struct unpack *u, size_t i);

/* Remove the private folder with all that is still in it. NULL is a no-op. */
void unpack_free(struct unpack *u);

#endif
