/* SPDX-License-Identifier: Apache-2.0 */
#include "client/interrupt.h"

#include "base/clock.h"
#include "base/mem.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

enum { NAP_MS = 100 };

static volatile sig_atomic_t seen; /* the first signal; 0: none */

static void
note(int sig)
{
    if (seen == 0)
        seen = sig;
}

/* Without SA_RESTART: a read of a terminal or pipe must come back to see the flag. */
void
interrupt_init(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction sa = {.sa_handler = note}, was;

    (void)sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        /* What was ignored stays so: nohup, or a job in the background of a script. */
        if (sigaction(ends[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
            (void)sigaction(ends[i], &sa, NULL);
    }
    sa.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &sa, NULL);
    (void)sigaction(SIGXFSZ, &sa, NULL);
}

bool
interrupt_seen(void)
{
    return seen != 0;
}

/* In naps: a signal that comes just before one does not end it. */
enum err
interrupt_pause(int64_t ms)
{
    int64_t until_ms = clock_mono_ms() + ms, left_ms = ms;

    while (seen == 0 && left_ms > 0) {
        struct timespec nap = {.tv_nsec = (left_ms < NAP_MS ? left_ms : NAP_MS) * 1000000};

        (void)nanosleep(&nap, NULL);
        left_ms = until_ms - clock_mono_ms();
    }
    return seen == 0 ? ERR_OK : err_set(ERR_CLOSED, "interrupted");
}

void
interrupt_end(void)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};
    int sig = (int)seen;
    sigset_t one;

    if (sig == 0)
        return;
    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(sig, &sa, NULL);
    (void)sigemptyset(&one);
    (void)sigaddset(&one, sig);
    (void)sigprocmask(SIG_UNBLOCK, &one, NULL);
    (void)raise(sig);
}
