/* SPDX-License-Identifier: Apache-2.0 */
/* spill: the inside of a source whose bytes are made by something that pushes. What is pushed goes
 * to whoever is reading just now, without a copy in between; what has no room there waits. */
#ifndef MAYFLY_CLIENT_SPILL_H
#define MAYFLY_CLIENT_SPILL_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct spill {
    uint8_t *room; /* of a read that is under way; NULL else */
    size_t room_len, given;
    struct buf wait;
    size_t wait_at;
};

void spill_init(struct spill *s, size_t wait_max);
void spill_done(struct spill *s); /* wipes */

/* A read of up to `cap` bytes begins; what waits is given first. */
void spill_begin(struct spill *s, uint8_t *ret_bytes, size_t cap);

/* ERR_TOOBIG: more would wait than the ceiling allows; ERR_NOMEM. */
MUST_CHECK enum err spill_put(struct spill *s, const void *bytes, size_t len);

/* The read ends: how much it was given. */
size_t spill_end(struct spill *s);

#endif
