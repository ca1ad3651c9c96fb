/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

int64_t
clock_now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec;
}

int64_t
clock_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_mono_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

void
clock_text(int64_t at_s, char ret_text[CLOCK_TEXT_LEN])
{
    static const int64_t first = -62167219200, last = 253402300799; /* years 0 and 9999 */
    time_t t = at_s < first ? first : at_s > last ? last : at_s;
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    (void)strftime(ret_text, CLOCK_TEXT_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (tm.tm_year + 1900 < 1000) /* strftime does not pad the year */
        (void)snprintf(ret_text, CLOCK_TEXT_LEN, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                       (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
                       (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                       (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}
