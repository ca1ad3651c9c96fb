/* SPDX-License-Identifier: Apache-2.0 */
#include "sniff/sniff_int.h"

#include "base/clock.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The socket first, as it may have any number; the daemon's own descriptors stay out. Standard
 * error too: what libmagic could print there would forge log lines. */
static int
give_descriptors(posix_spawn_file_actions_t *actions, int fd)
{
    int rc = posix_spawn_file_actions_adddup2(actions, fd, SNIFF_WIRE_FD);

    for (int i = STDIN_FILENO; rc == 0 && i <= STDERR_FILENO; i++)
        rc = posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, SNIFF_WIRE_FD + 1);
    return rc;
}

/* No signal blocked or ignored as the daemon has them, and no part in its terminal: an interrupt
 * there is the daemon's, which still finishes uploads after it. */
static int
give_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    int rc;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &all);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                POSIX_SPAWN_SETSID);
    return rc;
}

/* 0 or an errno. */
static int
spawn(const char *path, int fd, pid_t *ret_pid)
{
    char name[] = "mayfly-sniff";
    char *argv[] = {name, NULL}, *env[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc;

    rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return rc;
    }
    rc = give_descriptors(&actions, fd);
    if (rc == 0)
        rc = give_attributes(&attr);
    if (rc == 0)
        rc = posix_spawn(ret_pid, path, &actions, &attr, argv, env);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc;
}

enum err
sniff_helper_start(const char *path, struct sniff_helper *ret_helper)
{
    int fds[2], rc;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return err_set(ERR_UNAVAIL, "no socket for the type helper: %s", strerror(errno));
    rc = spawn(path, fds[1], &pid);
    fs_close(&fds[1]);
    if (rc != 0) {
        fs_close(&fds[0]);
        return err_set(rc == ENOENT ? ERR_NOTFOUND : ERR_UNAVAIL, "the type helper: %s",
                       strerror(rc));
    }
    *ret_helper = (struct sniff_helper){.pid = pid, .fd = fds[0]};
    return ERR_OK;
}

void
sniff_helper_end(struct sniff_helper *h)
{
    fs_close(&h->fd);
    if (h->pid > 0) {
        (void)kill(h->pid, SIGKILL); /* its child dies with it */
        while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    h->pid = -1;
}

enum err
sniff_helper_wait(const struct sniff_helper *h, short events, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd p = {.fd = h->fd, .events = events};
        int64_t left = deadline_ms - clock_mono_ms();
        int n;

        if (left <= 0)
            return err_set(ERR_TIMEOUT, "the type helper is too slow");
        n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0)
            return ERR_OK;
        if (n < 0 && errno != EINTR)
            return err_set(ERR_IO, "poll: %s", strerror(errno));
    }
}
