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

/* Make the private folder inside `dir` (NULL: "."). ERR_IO: it cannot be made. */
MUST_CHECK enum err unpack_new(const char *dir, struct unpack **ret_unpack);

/* Extract the tar that `tar` (borrowed, read to its end, also what follows the tar's end) gives.
 * Only files, folders and links that stay inside are taken: ERR_INTEGRITY for absolute paths, "..",
 * paths through a link, hard links to what did not come, devices, pipes, entries that come twice,
 * more than 1,000,000 entries, 256 folders in each other or 256 MiB of names, and for what is no
 * tar. Symbolic links are left out and counted when they lead out of the tree or to what did not
 * come, or go up other than in front: honest folders have such, and the use is taken. Owners,
 * setuid, setgid, sticky bits, the permission to write for others than the owner and what the umask
 * denies are dropped; names with control characters or that are no UTF-8 are refused. In front of a
 * top name '.' and '-' become '_', as outfile's. ERR_IO: the disk; ERR_CLOSED: interrupted. Else
 * what the source said. After an error only free. */
MUST_CHECK enum err unpack_run(struct unpack *u, struct source *tar);

/* Move the top entries to `dir`. Without `force` nothing is overwritten: ERR_IO, and nothing was
 * moved, when one of the names is there already. With it files and links are replaced; a folder
 * in the way is ERR_IO all the same. */
MUST_CHECK enum err unpack_commit(struct unpack *u, bool force);

/* Instead of that, or after its ERR_IO: the private folder itself becomes a folder of this name,
 * cleaned and numbered as outfile_commit does it, so that a use that was taken is not lost for
 * names. ERR_IO. */
enum { UNPACK_NAME_LEN = 256 };
MUST_CHECK enum err unpack_commit_as(struct unpack *u, const char *name,
                                     char ret_name[UNPACK_NAME_LEN]);

/* Names of the top entries, sorted; after unpack_run. */
size_t unpack_n(const struct unpack *u);
const char *unpack_name(const struct unpack *u, size_t i);

/* Symbolic links that were left out; after unpack_run. */
size_t unpack_n_left_out(const struct unpack *u);

/* Remove the private folder with all that is still in it. NULL is a no-op. */
void unpack_free(struct unpack *u);

#endif
