/* SPDX-License-Identifier: Apache-2.0 */
/* Each case in a child: the flag is never taken back. */
#include "testing.h"

#include "base/clock.h"
#include "client/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The wait status of a child that runs `body`; it ends with 0 when it returns. */
static int
in_child(void (*body)(int sig), int sig)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(20);
        body(sig);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
child_must(bool claim)
{
    if (!claim)
        _exit(99);
}

static void
raise_and_end(int sig)
{
    interrupt_init();
    child_must(!interrupt_seen());
    interrupt_end(); /* nothing was seen: comes back */
    (void)raise(sig);
    child_must(interrupt_seen());
    interrupt_end();
    child_must(false);
}

static void
a_signal_becomes_a_flag_and_then_the_end(void **state)
{
    static const int sigs[] = {SIGINT, SIGTERM, SIGHUP};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int status = in_child(raise_and_end, sigs[i]);

        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), sigs[i]);
    }
}

static void
raise_two(int sig)
{
    interrupt_init();
    (void)raise(sig);
    (void)raise(SIGHUP);
    interrupt_end();
}

static void
the_first_signal_is_the_one_that_ends(void **state)
{
    int status = in_child(raise_two, SIGTERM);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void
end_while_blocked(int sig)
{
    sigset_t set;

    interrupt_init();
    (void)raise(sig);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, sig);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    interrupt_end();
}

static void
the_end_comes_also_where_the_signal_is_blocked(void **state)
{
    int status = in_child(end_while_blocked, SIGINT);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

static void
ignore_first(int sig)
{
    (void)signal(sig, SIG_IGN);
    interrupt_init();
    (void)raise(sig);
    child_must(!interrupt_seen());
    interrupt_end();
}

static void
what_was_ignored_stays_ignored(void **state)
{
    (void)state;
    assert_int_equal(in_child(ignore_first, SIGHUP), 0);
    assert_int_equal(in_child(ignore_first, SIGINT), 0);
}

static void
write_to_nobody(int sig)
{
    int fd[2];

    (void)sig;
    interrupt_init();
    child_must(pipe(fd) == 0 && close(fd[0]) == 0);
    child_must(write(fd[1], "x", 1) == -1 && errno == EPIPE);
    child_must(!interrupt_seen());
}

static void
write_beyond_the_limit(int sig)
{
    const struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
    FILE *file = tmpfile();

    (void)sig;
    interrupt_init();
    child_must(file != NULL && setrlimit(RLIMIT_FSIZE, &limit) == 0);
    child_must(write(fileno(file), "x", 1) == 1);
    child_must(write(fileno(file), "x", 1) == -1 && errno == EFBIG);
    child_must(!interrupt_seen());
}

static void
a_file_larger_than_the_limit_is_an_error_of_the_write(void **state)
{
    (void)state;
    assert_int_equal(in_child(write_beyond_the_limit, 0), 0);
}

static void
a_pipe_that_nobody_reads_is_an_error_of_the_write(void **state)
{
    (void)state;
    assert_int_equal(in_child(write_to_nobody, 0), 0);
}

/* From another process until it was heard: a first one may come too early. */
static void
keep_signalling(int sig)
{
    pid_t self = getpid();

    if (fork() != 0)
        return;
    for (int i = 0; i < 200 && kill(self, sig) == 0; i++)
        (void)usleep(50 * 1000);
    _exit(0);
}

static void
read_until_signal(int sig)
{
    int fd[2];
    char c;

    interrupt_init();
    child_must(pipe(fd) == 0);
    keep_signalling(sig);
    child_must(read(fd[0], &c, 1) == -1 && errno == EINTR);
    child_must(interrupt_seen());
}

static void
a_read_that_waits_comes_back_to_see_the_flag(void **state)
{
    (void)state;
    assert_int_equal(in_child(read_until_signal, SIGINT), 0);
}

static void
pause_undisturbed(int sig)
{
    int64_t before_ms = clock_mono_ms();

    (void)sig;
    interrupt_init();
    child_must(interrupt_pause(-1) == ERR_OK && interrupt_pause(0) == ERR_OK);
    child_must(interrupt_pause(250) == ERR_OK);
    child_must(clock_mono_ms() - before_ms >= 250);
}

static void
a_pause_lasts_as_long_as_was_said(void **state)
{
    (void)state;
    assert_int_equal(in_child(pause_undisturbed, 0), 0);
}

static void
pause_until_signal(int sig)
{
    interrupt_init();
    keep_signalling(sig);
    child_must(interrupt_pause(3600 * 1000) == ERR_CLOSED);
    child_must(interrupt_pause(3600 * 1000) == ERR_CLOSED); /* seen before */
}

static void
a_signal_ends_a_pause(void **state)
{
    (void)state;
    assert_int_equal(in_child(pause_until_signal, SIGINT), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_becomes_a_flag_and_then_the_end),
        cmocka_unit_test(the_first_signal_is_the_one_that_ends),
        cmocka_unit_test(the_end_comes_also_where_the_signal_is_blocked),
        cmocka_unit_test(what_was_ignored_stays_ignored),
        cmocka_unit_test(a_pipe_that_nobody_reads_is_an_error_of_the_write),
        cmocka_unit_test(a_file_larger_than_the_limit_is_an_error_of_the_write),
        cmocka_unit_test(a_read_that_waits_comes_back_to_see_the_flag),
        cmocka_unit_test(a_pause_lasts_as_long_as_was_said),
        cmocka_unit_test(a_signal_ends_a_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
