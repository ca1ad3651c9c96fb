/* SPDX-License-Identifier: Apache-2.0 */
/* state: the folder of what outlives a restart (STATE_PATH), and the pepper. The folder may lie in
 * RAM or on a disk. One server at a time uses it. Call from one thread. */
#ifndef MAYFLY_SERVER_STATE_H
#define MAYFLY_SERVER_STATE_H

#include "base/err.h"
#include "crypt/crypt.h"

#include <stdbool.h>

struct state;

/* Open, or make (0700), the folder `path` and lock it; read the pepper from `pepper_file`, or, when
 * that is NULL, from `pepper` in the folder, which is made of 32 random bytes at the first start:
 * mode 0600, whole or not there at all, durable.
 * ERR_EXISTS: another server uses the folder. ERR_DENIED: it or the pepper file belongs to someone
 * else, or group or others may write to it. ERR_NOTFOUND: no such pepper file. ERR_INTEGRITY: a
 * pepper that is not 32 bytes long. ERR_IO, ERR_NOSPACE, ERR_NOMEM.
 * A pepper that group or others may read is used, as containers mount secrets so, and logged as a
 * warning. The secure heap must be up (crypt_init). */
MUST_CHECK enum err state_open(const char *path, const char *pepper_file, struct state **ret_state);

const struct secret *state_pepper(const struct state *s);
int state_dir_fd(const struct state *s);

/* Whether this start made the pepper: blobs of earlier ones cannot be opened any more. */
bool state_is_new(const struct state *s);

/* Unlock and close; the pepper is wiped from memory. NULL is a no-op. */
void state_close(struct state *s);

#endif
