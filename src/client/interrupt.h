/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt: SIGINT, SIGTERM and SIGHUP become a flag, so that what was half written is removed
 * before the process ends by the same signal. SIGPIPE is ignored: writing says so itself. */
#ifndef MAYFLY_CLIENT_INTERRUPT_H
#define MAYFLY_CLIENT_INTERRUPT_H

#include <stdbool.h>

void interrupt_init(void);
bool interrupt_seen(void);

/* End the process by the signal that was seen; returns when there was none. */
void interrupt_end(void);

#endif
