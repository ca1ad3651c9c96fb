/* SPDX-License-Identifier: Apache-2.0 */
#include "client/interrupt.h"

#include "base/mem.h"

#include <signal.h>
#include <stddef.h>

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
}

bool
interrupt_seen(void)
{
    return seen != 0;
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
