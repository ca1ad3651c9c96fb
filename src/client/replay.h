/* SPDX-License-Identifier: Apache-2.0 */
/* replay: a pipe that can be read from its beginning more than once, as long as no more than its
 * beginning was read: for trying a second passphrase on an age file. Belongs to one thread. */
#ifndef MAYFLY_CLIENT_REPLAY_H
#define MAYFLY_CLIENT_REPLAY_H

#include "base/err.h"
#include "stream/stream.h"

enum { REPLAY_MAX = 32 * 1024 /* bytes that are kept */ };

struct replay;

/* Over `below`, borrowed for as long as a source of this is read. */
MUST_CHECK enum err replay_new(struct source *below, struct replay **ret_replay);

/* All that `below` gives, from its first byte on; the one before it may only be freed then. The
 * replay outlives it. ERR_TOOBIG: more than REPLAY_MAX bytes were read, or replay_stop was called.
 * Reads give the errors of `below` as they are, and the same one again. */
MUST_CHECK enum err replay_source(struct replay *r, struct source **ret_source);

/* Keep nothing more: there will be no other source. */
void replay_stop(struct replay *r);

void replay_free(struct replay *r); /* NULL is a no-op; wipes */

#endif
