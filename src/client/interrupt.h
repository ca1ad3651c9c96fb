/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt: SIGINT, SIGTERM and SIGHUP become a flag, so that what was half written is removed
 * before the process ends by the same signal. SIGPIPE and SIGXFSZ (a file larger than the limit)
 * are ignored: writing says so itself. */
#ifndef MAYFLY_CLIENT_INTERRUPT_H
#define MAYFLY_CLIENT_INTERRUPT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

void interrupt_init(void);
bool interrupt_seen(void);

/* Wait so long. ERR_CLOSED: a signal was seen before or meanwhile. */
MUST_CHECK enum err interrupt_pause(int64_t ms);

/* End the process by the signal that was seen; returns when there was none. */
void interrupt_end(void);

#endif
