/* SPDX-License-Identifier: Apache-2.0 */
/* process: what the daemon asks of the system for itself: hardening, signals, its share of the
 * machine. Call from the main thread, before others start. */
#ifndef MAYFLY_SERVER_PROCESS_H
#define MAYFLY_SERVER_PROCESS_H

#include "base/err.h"
#include "server/config.h"

/* First thing in main: no core dumps, not dumpable (no ptrace by the same user, /proc/self closed
 * to it), no new privileges by exec, umask 077, as many open files as the hard limit allows.
 * ERR_UNAVAIL: the system refused one of them. */
MUST_CHECK enum err process_harden(void);

/* Block SIGTERM, SIGINT and SIGHUP in this thread and those it will start, and ignore SIGPIPE.
 * ERR_UNAVAIL. */
MUST_CHECK enum err process_signals_init(void);

enum process_event {
    PROCESS_TIMEOUT,
    PROCESS_STOP,  /* SIGTERM or SIGINT */
    PROCESS_RELOAD /* SIGHUP */
};

/* Wait for one of the signals that process_signals_init blocked; `timeout_ms` -1 waits for ever. */
enum process_event process_wait(int timeout_ms);

/* From now on SIGTERM and SIGINT end the process at once: for the second one, during a slow stop.
 * One that is pending does so in this call. */
void process_signals_fatal(void);

/* The settings whose 0 means "fit the machine", as numbers. */
struct process_plan {
    unsigned io_threads, worker_threads, max_connections;
};

/* Call after process_harden, which raises the limit of open files. ERR_FIELD: MAX_CONNECTIONS is
 * more than that limit bears. */
MUST_CHECK enum err process_plan(const struct config *c, struct process_plan *ret_plan);

/* The same from plain numbers: `n_cpus` processors, `n_files` open files. */
MUST_CHECK enum err process_plan_for(const struct config *c, unsigned n_cpus, uint64_t n_files,
                                     struct process_plan *ret_plan);

#endif
