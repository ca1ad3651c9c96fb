/* SPDX-License-Identifier: Apache-2.0 */
/* pump: all of a source into a sink, by pieces. */
#ifndef MAYFLY_CLIENT_PUMP_H
#define MAYFLY_CLIENT_PUMP_H

#include "base/err.h"
#include "stream/stream.h"

/* Read `source` to its end and write it to `to`, which is finished then; both are borrowed. Errors
 * of either as they are; ERR_CLOSED: interrupted by a signal (interrupt.h). */
MUST_CHECK enum err pump(struct source *source, struct sink *to);

#endif
