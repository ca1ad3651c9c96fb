/* SPDX-License-Identifier: Apache-2.0 */
/* What the process asks of the system: hardening and signals, tried in children so that the test
 * program stays as it was; and how it fits itself to the machine. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/process.h"

/* Run `body` in a child; its wait status. What the body returns is the exit status. */
static int
in_child(int (*body)(void))
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(body());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int
harden_and_look(void)
{
    struct rlimit core = {1, 1}, files = {64, 0}, hard;

    if (getrlimit(RLIMIT_NOFILE, &hard) != 0)
        return 1;
    files.rlim_max = hard.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        return 2;
    (void)umask(0);
    if (process_harden() != ERR_OK)
        return 3;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0)
        return 4;
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 5;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 6;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur != hard.rlim_max)
        return 7;
    return umask(0) == 077 ? 0 : 8;
}

static void
hardening_does_all_that_it_promises(void **state)
{
    int status = in_child(harden_and_look);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int
take_signals(void)
{
    int64_t from_ms;
    int pipe_fd[2];

    if (process_signals_init() != ERR_OK)
        return 1;
    from_ms = clock_mono_ms();
    if (process_wait(50) != PROCESS_TIMEOUT || clock_mono_ms() - from_ms < 49)
        return 2;
    (void)kill(getpid(), SIGHUP);
    if (process_wait(-1) != PROCESS_RELOAD)
        return 3;
    (void)kill(getpid(), SIGTERM);
    if (process_wait(1000) != PROCESS_STOP)
        return 4;
    (void)kill(getpid(), SIGINT);
    if (process_wait(-1) != PROCESS_STOP)
        return 5;
    if (pipe(pipe_fd) != 0 || close(pipe_fd[0]) != 0)
        return 6;
    return write(pipe_fd[1], "x", 1) < 0 && errno == EPIPE ? 0 : 7; /* SIGPIPE would kill */
}

static void
signals_are_told_and_never_kill(void **state)
{
    int status = in_child(take_signals);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int
stop_twice(void)
{
    if (process_signals_init() != ERR_OK)
        return 1;
    (void)kill(getpid(), SIGTERM);
    if (process_wait(-1) != PROCESS_STOP)
        return 2;
    process_signals_fatal();
    (void)kill(getpid(), SIGTERM);
    return 3; /* must not come so far */
}

static void
the_second_signal_to_stop_ends_the_process(void **state)
{
    int status = in_child(stop_twice);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void
zeros_become_what_the_machine_has(void **state)
{
    const struct config c = {0};
    struct process_plan p;

    (void)state;
    assert_ok(process_plan_for(&c, 1, 1024, &p));
    assert_int_equal(p.io_threads, 1);
    assert_int_equal(p.worker_threads, 2);
    assert_int_equal(p.max_connections, (1024 - 64 - 4 * 3) / 2);
    assert_ok(process_plan_for(&c, 8, 1 << 20, &p));
    assert_int_equal(p.io_threads, 8);
    assert_int_equal(p.worker_threads, 8);
    assert_int_equal(p.max_connections, 65536);
    assert_ok(process_plan_for(&c, 500, UINT64_MAX, &p)); /* RLIM_INFINITY */
    assert_int_equal(p.io_threads, 64);
    assert_int_equal(p.worker_threads, 64);
    assert_int_equal(p.max_connections, 65536);
}

static void
threads_that_wait_for_redis_are_three_for_each_processor(void **state)
{
    char url[] = "redis://h";
    struct config c = {.redis_url = url};
    struct process_plan p;

    (void)state;
    assert_ok(process_plan_for(&c, 2, 1 << 20, &p));
    assert_int_equal(p.io_threads, 6);
    assert_int_equal(p.worker_threads, 2);
    c.io_threads = 1;
    assert_ok(process_plan_for(&c, 2, 1 << 20, &p));
    assert_int_equal(p.io_threads, 1);
}

static void
numbers_that_were_set_are_kept(void **state)
{
    const struct config c = {.io_threads = 3, .worker_threads = 1, .max_connections = 100};
    struct process_plan p;

    (void)state;
    assert_ok(process_plan_for(&c, 8, 1024, &p));
    assert_int_equal(p.io_threads, 3);
    assert_int_equal(p.worker_threads, 1);
    assert_int_equal(p.max_connections, 100);
}

static void
more_connections_than_the_limit_of_files_bears_are_refused(void **state)
{
    struct config c = {.io_threads = 1, .worker_threads = 1, .max_connections = 476};
    struct process_plan p = {.io_threads = 77};

    (void)state;
    assert_ok(process_plan_for(&c, 1, 1024, &p));
    p.io_threads = 77;
    c.max_connections = 477;
    assert_err(ERR_FIELD, process_plan_for(&c, 1, 1024, &p));
    assert_string_equal(err_sentence(),
                        "MAX_CONNECTIONS is 477, but the limit of 1024 open files bears 476");
    assert_int_equal(p.io_threads, 77);
}

static void
a_limit_of_files_that_makes_no_server_is_refused(void **state)
{
    const struct config c = {.io_threads = 1, .worker_threads = 1};
    struct process_plan p;

    (void)state;
    assert_ok(process_plan_for(&c, 1, 104, &p));
    assert_int_equal(p.max_connections, 16);
    assert_err(ERR_FIELD, process_plan_for(&c, 1, 103, &p));
    assert_string_equal(err_sentence(),
                        "the limit of 103 open files is too low: raise it to 104 or more");
    assert_err(ERR_FIELD, process_plan_for(&c, 1, 0, &p));
}

static void
the_plan_of_this_machine_has_threads_and_connections(void **state)
{
    const struct config c = {0};
    struct process_plan p;

    (void)state;
    assert_ok(process_plan(&c, &p));
    assert_in_range(p.io_threads, 1, 64);
    assert_in_range(p.worker_threads, 2, 64);
    assert_in_range(p.max_connections, 16, 65536);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hardening_does_all_that_it_promises),
        cmocka_unit_test(signals_are_told_and_never_kill),
        cmocka_unit_test(the_second_signal_to_stop_ends_the_process),
        cmocka_unit_test(zeros_become_what_the_machine_has),
        cmocka_unit_test(threads_that_wait_for_redis_are_three_for_each_processor),
        cmocka_unit_test(numbers_that_were_set_are_kept),
        cmocka_unit_test(more_connections_than_the_limit_of_files_bears_are_refused),
        cmocka_unit_test(a_limit_of_files_that_makes_no_server_is_refused),
        cmocka_unit_test(the_plan_of_this_machine_has_threads_and_connections),
    };

    return cmocka_run_group_tests_name("server process", tests, NULL, NULL);
}
