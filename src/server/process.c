/* SPDX-License-Identifier: Apache-2.0 */
#include "server/process.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
    FILES_APART = 64,         /* listening sockets, databases, logs, epoll, the helper */
    FILES_PER_THREAD = 4,     /* an epoll, a wake-up, a database's reader */
    FILES_PER_CONNECTION = 2, /* its socket and its blob */
    CONNECTIONS_MIN = 16,     /* fewer make no server */
    CONNECTIONS_AUTO = 65536, /* memory, not files, is the bound beyond this */
    THREADS_AUTO = 64,
    IO_WAITING = 3, /* I/O threads for each processor when they wait for a store elsewhere */
};

static enum err
refused(const char *what)
{
    return err_set(ERR_UNAVAIL, "the system refuses to %s: %s", what, strerror(errno));
}

enum err
process_harden(void)
{
    static const struct rlimit none = {0, 0};
    struct rlimit files;

    (void)umask(077);
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return refused("turn core dumps off");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return refused("make the process not dumpable");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refused("give up new privileges");
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return refused("tell the limit of open files");
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        return refused("raise the limit of open files");
    return ERR_OK;
}

/* ---- signals ---- */

static void
our_signals(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set);
    (void)sigaddset(ret_set, SIGTERM);
    (void)sigaddset(ret_set, SIGINT);
    (void)sigaddset(ret_set, SIGHUP);
}

enum err
process_signals_init(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    our_signals(&set);
    errno = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (errno != 0)
        return refused("block signals");
    if (sigaction(SIGPIPE, &ignore, NULL) != 0)
        return refused("ignore SIGPIPE");
    return ERR_OK;
}

enum process_event
process_wait(int timeout_ms)
{
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    sigset_t set;
    int got;

    our_signals(&set);
    do { /* a stop and continue of the process interrupts the wait */
        got = timeout_ms < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &timeout);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return PROCESS_TIMEOUT;
    return got == SIGHUP ? PROCESS_RELOAD : PROCESS_STOP;
}

void
process_signals_fatal(void)
{
    struct sigaction fatal = {.sa_handler = SIG_DFL};
    sigset_t set;

    (void)sigaction(SIGTERM, &fatal, NULL);
    (void)sigaction(SIGINT, &fatal, NULL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- the machine ---- */

enum err
process_plan_for(const struct config *c, unsigned n_cpus, uint64_t n_files,
                 struct process_plan *ret_plan)
{
    struct process_plan p = {.io_threads = c->io_threads,
                             .worker_threads = c->worker_threads,
                             .max_connections = c->max_connections};
    unsigned n_auto = n_cpus < 1 ? 1 : n_cpus > THREADS_AUTO ? THREADS_AUTO : n_cpus;
    uint64_t apart, bears;

    if (p.io_threads == 0)
        p.io_threads = c->redis_url == NULL ? n_auto : IO_WAITING * n_auto;
    if (p.worker_threads == 0)
        p.worker_threads = n_auto < 2 ? 2 : n_auto;
    apart = FILES_APART + (uint64_t)FILES_PER_THREAD * (p.io_threads + p.worker_threads);
    bears = n_files < apart ? 0 : (n_files - apart) / FILES_PER_CONNECTION;
    if (bears < CONNECTIONS_MIN)
        return err_set(ERR_FIELD,
                       "the limit of %" PRIu64 " open files is too low: raise it to %" PRIu64
                       " or more",
                       n_files, apart + (uint64_t)FILES_PER_CONNECTION * CONNECTIONS_MIN);
    if (p.max_connections > bears)
        return err_set(ERR_FIELD,
                       "MAX_CONNECTIONS is %u, but the limit of %" PRIu64
                       " open files bears %" PRIu64,
                       p.max_connections, n_files, bears);
    if (p.max_connections == 0)
        p.max_connections = bears > CONNECTIONS_AUTO ? CONNECTIONS_AUTO : (unsigned)bears;
    *ret_plan = p;
    return ERR_OK;
}

enum err
process_plan(const struct config *c, struct process_plan *ret_plan)
{
    struct rlimit files;
    cpu_set_t cpus;
    int n_cpus = 1;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return refused("tell the limit of open files");
    /* What we may run on, not what the machine has: in a container the two differ. */
    if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
        n_cpus = CPU_COUNT(&cpus);
    return process_plan_for(c, (unsigned)n_cpus, files.rlim_cur, ret_plan);
}
