/* SPDX-License-Identifier: Apache-2.0 */
/* sniff_testing: the built helper program, and a look at its processes from outside. */
#ifndef MAYFLY_TESTS_SNIFF_TESTING_H
#define MAYFLY_TESTS_SNIFF_TESTING_H

#include "testing.h"

#include "base/clock.h"
#include "sniff/sniff.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define UNUSED_FN __attribute__((unused))

enum { TIMEOUT_MS = 5000 }; /* generous: other tests share the machine */

/* <build>/mayfly-sniff, beside this program's folder <build>/tests. */
UNUSED_FN static void
helper_path(char ret_path[PATH_MAX])
{
    char self[PATH_MAX - 32];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(n > 0);
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    (void)snprintf(ret_path, PATH_MAX, "%s/../mayfly-sniff", self);
}

UNUSED_FN static struct sniff *
start_helper(unsigned timeout_ms)
{
    struct sniff *s = NULL;
    char path[PATH_MAX];

    helper_path(path);
    assert_ok(sniff_new(path, timeout_ms, &s));
    return s;
}

UNUSED_FN static void
pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

/* The only child of `pid`, or -1. */
UNUSED_FN static pid_t
child_of(pid_t pid)
{
    char path[64];
    long child = -1;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    f = fopen(path, "r");
    if (f == NULL)
        return -1;
    if (fscanf(f, "%ld", &child) != 1)
        child = -1;
    (void)fclose(f);
    return (pid_t)child;
}

/* The same, once there is one that is not `not_this`; tries for up to 5 s. */
UNUSED_FN static pid_t
wait_for_child(pid_t pid, pid_t not_this)
{
    pid_t child = -1;

    for (int i = 0; i < 500; i++) {
        child = child_of(pid);
        if (child > 0 && child != not_this)
            return child;
        pause_ms(10);
    }
    fail_msg("process %d has no child", (int)pid);
    return -1;
}

/* The number behind `key` in /proc/<pid>/status; -1: not there. */
UNUSED_FN static long
status_of(pid_t pid, const char *key)
{
    char path[64], line[256];
    long value = -1;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "r");
    if (f == NULL)
        return -1;
    while (value < 0 && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            value = strtol(line + strlen(key) + 1, NULL, 10);
    }
    (void)fclose(f);
    return value;
}

UNUSED_FN static bool
is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

/* Whether the process ends within 5 s. */
UNUSED_FN static bool
ends_soon(pid_t pid)
{
    for (int i = 0; i < 500 && is_alive(pid); i++)
        pause_ms(10);
    return !is_alive(pid);
}

#endif
