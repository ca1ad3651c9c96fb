/* SPDX-License-Identifier: Apache-2.0 */
/* outfile: where a received file goes: a temporary file beside its place, which gets its name only
 * when all of it was found right; or standard output. A stranger's name never leaves the folder. */
#ifndef MAYFLY_CLIENT_OUTFILE_H
#define MAYFLY_CLIENT_OUTFILE_H

#include "base/err.h"
#include "stream/stream.h"

#include <stdbool.h>
#include <stddef.h>

struct outfile;

struct outfile_cfg {
    const char *dir;  /* the folder for a name of the sender's; NULL: "." */
    const char *path; /* a path of the user's own; "-": standard output; NULL: the sender's name */
    bool force;       /* overwrite */
};

/* Make the temporary file (0600), so that what cannot be written is known before a use is taken.
 * ERR_IO: it cannot be made; `path` is there already and not forced, or is neither a file nor a
 * link; standard output is closed, or is a pipe that nobody reads any more. */
MUST_CHECK enum err outfile_open(const struct outfile_cfg *cfg, struct outfile **ret_outfile);

/* The end of a chain that writes into it; freed with the outfile, sink_free of it does nothing.
 * ERR_IO: the disk, also when it is full; the pipe that nobody reads. */
struct sink *outfile_sink(struct outfile *o);

/* Make it durable and give it its name. With `path` that; else `name`, cleaned (filename_clean), a
 * '.' or '-' in front made '_': without force a name that is taken becomes "name-1.ext",
 * "name-2.ext" and so on (with force too, when no file or link has it), and a name that the file
 * system refuses becomes "file", so that a use that was taken is never lost for a name. Nothing is
 * ever written through a link. For standard output: nothing to do. `ret_name` (unless NULL) is what
 * it is called now in its folder, "-" for standard output. ERR_IO: another file came there
 * meanwhile (path), or the disk. Once only. */
enum { OUTFILE_NAME_LEN = 256 };
MUST_CHECK enum err outfile_commit(struct outfile *o, const char *name,
                                   char ret_name[OUTFILE_NAME_LEN]);

bool outfile_is_stdout(const struct outfile *o);

/* Without a commit the temporary file is removed. NULL is a no-op. */
void outfile_free(struct outfile *o);

#endif
