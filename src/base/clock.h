/* SPDX-License-Identifier: Apache-2.0 */
/* clock: the time. Wall times are Unix seconds, UTC; spans are measured on the monotonic clock.
 * Code that decides takes the time as an argument; only server, http and client ask here.
 * Thread-safe. */
#ifndef MAYFLY_BASE_CLOCK_H
#define MAYFLY_BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT_LEN = 21 }; /* "2026-01-01T12:00:00Z" and a NUL */

/* Seconds since 1970-01-01T00:00:00Z. */
int64_t clock_now_s(void);

/* The same in milliseconds. */
int64_t clock_now_ms(void);

/* Milliseconds, and microseconds, since an unspecified start; never goes back. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* RFC 3339, UTC, whole seconds; years outside 0 to 9999 are shown as the nearer end. */
void clock_text(int64_t at_s, char ret_text[CLOCK_TEXT_LEN]);

#endif
