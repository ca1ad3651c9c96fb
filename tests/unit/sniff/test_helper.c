/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's processes: how they are confined, and that their death, sleep or overload never
 * costs more than the time limit and never a wrong answer afterwards. */
#include "unit/sniff/sniff_testing.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { SHORT_MS = 300, RESTART_PAUSE_MS = 1100 };

static const char pdf[] = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";

/* Ask about a PDF; `ret_ms` is how long it took. */
static const char *
ask(struct sniff *s, int64_t *ret_ms)
{
    static char type[MIME_TEXT_LEN];
    int64_t start = clock_mono_ms();

    sniff_type(s, (const uint8_t *)pdf, sizeof(pdf) - 1, type);
    if (ret_ms != NULL)
        *ret_ms = clock_mono_ms() - start;
    return type;
}

/* The helper that a test has started is this program's only child. */
static pid_t
helper_pid(void)
{
    return wait_for_child(getpid(), -1);
}

/* ---- how they are confined ---- */

static void
wait_for_seccomp(pid_t child)
{
    for (int i = 0; i < 500 && status_of(child, "Seccomp") != 2; i++)
        pause_ms(10);
}

static void
the_child_is_under_seccomp_without_new_privileges(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    pid_t helper = helper_pid(), child = wait_for_child(helper, -1);

    (void)state;
    wait_for_seccomp(child);
    assert_int_equal(status_of(child, "Seccomp"), 2);
    assert_int_equal(status_of(child, "NoNewPrivs"), 1);
    assert_int_equal(status_of(helper, "NoNewPrivs"), 1);
    assert_int_equal(status_of(getpid(), "Seccomp"), 0); /* the number means something */
    sniff_free(s);
}

static unsigned
n_descriptors(pid_t pid)
{
    struct dirent *entry;
    char path[64];
    unsigned n = 0;
    DIR *list;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    list = opendir(path);
    if (list == NULL)
        return UINT_MAX;
    while ((entry = readdir(list)) != NULL)
        n += entry->d_name[0] != '.';
    (void)closedir(list);
    return n;
}

static void
the_processes_inherit_no_descriptor_but_their_socket(void **state)
{
    int secret = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    struct sniff *s = start_helper(TIMEOUT_MS);
    pid_t helper = helper_pid(), child = wait_for_child(helper, -1);

    (void)state;
    assert_true(secret >= 0);
    wait_for_seccomp(child);
    if (n_descriptors(helper) == UINT_MAX) { /* not dumpable: only root may look */
        sniff_free(s);
        (void)close(secret);
        skip();
    }
    assert_int_equal(n_descriptors(helper), 5); /* 0 to 2 are /dev/null, two sockets */
    assert_int_equal(n_descriptors(child), 1);
    sniff_free(s);
    (void)close(secret);
}

static void
the_processes_have_an_empty_environment(void **state)
{
    struct sniff *s = NULL;
    char path[64], byte;
    int fd;

    (void)state;
    assert_int_equal(setenv("MAGIC", "/nonexistent", 1), 0); /* would lead libmagic astray */
    s = start_helper(TIMEOUT_MS);
    assert_int_equal(unsetenv("MAGIC"), 0);
    assert_string_equal(ask(s, NULL), "application/pdf");
    (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)helper_pid());
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        assert_int_equal(read(fd, &byte, 1), 0);
        (void)close(fd);
    }
    sniff_free(s);
}

static void
each_question_has_a_child_of_its_own(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    pid_t helper = helper_pid(), first = wait_for_child(helper, -1), second;

    (void)state;
    assert_string_equal(ask(s, NULL), "application/pdf");
    second = wait_for_child(helper, first);
    assert_false(is_alive(first));
    assert_string_equal(ask(s, NULL), "application/pdf");
    (void)wait_for_child(helper, second);
    sniff_free(s);
}

static void
the_helper_is_small(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    pid_t helper = helper_pid();
    long own_kb, all_kb;

    (void)state;
    for (int i = 0; i < 50; i++)
        assert_string_equal(ask(s, NULL), "application/pdf");
    own_kb = status_of(helper, "RssAnon");
    all_kb = status_of(helper, "VmRSS");
    print_message("helper: %ld kB of its own, %ld kB with the shared database\n", own_kb, all_kb);
    assert_in_range(own_kb, 1, 4096);
    assert_in_range(all_kb, 1, 20480);
    sniff_free(s);
}

/* ---- trouble with the child ---- */

static void
a_child_that_dies_idle_is_replaced_before_anyone_notices(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    pid_t child = wait_for_child(helper_pid(), -1);

    (void)state;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_true(ends_soon(child));
    assert_string_equal(ask(s, NULL), "application/pdf");
    sniff_free(s);
}

static void
a_child_that_hangs_costs_the_time_limit_and_is_replaced(void **state)
{
    struct sniff *s = start_helper(SHORT_MS);
    pid_t child = wait_for_child(helper_pid(), -1);
    int64_t took_ms;

    (void)state;
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_string_equal(ask(s, &took_ms), SNIFF_UNKNOWN);
    assert_in_range(took_ms, SHORT_MS - 1, SHORT_MS + 1000);
    assert_true(ends_soon(child));
    assert_string_equal(ask(s, NULL), "application/pdf");
    assert_string_equal(ask(s, NULL), "application/pdf");
    sniff_free(s);
}

static void *
kill_later(void *ctx)
{
    pause_ms(200);
    (void)kill(*(pid_t *)ctx, SIGKILL);
    return NULL;
}

static void
a_child_that_dies_over_a_question_makes_it_unknown_at_once(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    pid_t child = wait_for_child(helper_pid(), -1);
    pthread_t killer;
    int64_t took_ms;

    (void)state;
    assert_int_equal(kill(child, SIGSTOP), 0); /* it will have the question, and not answer */
    assert_int_equal(pthread_create(&killer, NULL, kill_later, &child), 0);
    assert_string_equal(ask(s, &took_ms), SNIFF_UNKNOWN);
    assert_in_range(took_ms, 100, TIMEOUT_MS / 2);
    assert_int_equal(pthread_join(killer, NULL), 0);
    assert_string_equal(ask(s, NULL), "application/pdf");
    sniff_free(s);
}

/* ---- trouble with the helper ---- */

static void
a_helper_that_was_killed_is_started_again(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    pid_t helper = helper_pid(), child = wait_for_child(helper, -1);

    (void)state;
    pause_ms(RESTART_PAUSE_MS);
    assert_int_equal(kill(helper, SIGKILL), 0);
    assert_true(ends_soon(child)); /* dies with its parent */
    assert_string_equal(ask(s, NULL), "application/pdf");
    assert_int_not_equal(helper_pid(), helper);
    sniff_free(s);
}

static void
a_helper_is_started_at_most_once_a_second(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    int64_t took_ms;

    (void)state;
    assert_int_equal(kill(helper_pid(), SIGKILL), 0);
    assert_string_equal(ask(s, &took_ms), SNIFF_UNKNOWN);
    assert_in_range(took_ms, 0, 900); /* at once: nobody waits for the second to pass */
    assert_string_equal(ask(s, NULL), SNIFF_UNKNOWN);
    pause_ms(RESTART_PAUSE_MS);
    assert_string_equal(ask(s, NULL), "application/pdf");
    sniff_free(s);
}

static void
a_helper_that_hangs_is_ended_after_two_questions(void **state)
{
    struct sniff *s = start_helper(SHORT_MS);
    pid_t helper = helper_pid();
    int64_t took_ms;

    (void)state;
    pause_ms(RESTART_PAUSE_MS);
    assert_int_equal(kill(helper, SIGSTOP), 0);
    assert_string_equal(ask(s, &took_ms), SNIFF_UNKNOWN);
    assert_in_range(took_ms, SHORT_MS - 1, SHORT_MS + 1000);
    assert_true(is_alive(helper));
    assert_string_equal(ask(s, NULL), SNIFF_UNKNOWN);
    assert_false(is_alive(helper));
    assert_string_equal(ask(s, NULL), "application/pdf");
    sniff_free(s);
}

static void
a_helper_that_only_slept_is_not_ended_and_its_stale_answer_is_dropped(void **state)
{
    struct sniff *s = start_helper(SHORT_MS);
    pid_t helper = helper_pid();
    char type[MIME_TEXT_LEN];

    (void)state;
    assert_int_equal(kill(helper, SIGSTOP), 0);
    assert_string_equal(ask(s, NULL), SNIFF_UNKNOWN); /* its answer comes late */
    assert_int_equal(kill(helper, SIGCONT), 0);
    pause_ms(100);
    sniff_type(s, (const uint8_t *)"GIF89a\1\0\1\0", 10, type);
    assert_string_equal(type, "image/gif");
    assert_int_equal(helper_pid(), helper);
    sniff_free(s);
}

static void
signals_for_the_whole_group_do_not_end_the_helper(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    struct sniff *s = start_helper(TIMEOUT_MS);
    pid_t helper = helper_pid();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        assert_int_equal(kill(helper, signals[i]), 0);
    assert_string_equal(ask(s, NULL), "application/pdf");
    assert_int_equal(helper_pid(), helper);
    sniff_free(s);
}

/* ---- starting and ending ---- */

static void
nothing_is_left_after_free(void **state)
{
    struct sniff *s = start_helper(TIMEOUT_MS);
    pid_t helper = helper_pid(), child = wait_for_child(helper, -1);

    (void)state;
    sniff_free(s);
    assert_false(is_alive(helper));
    assert_true(ends_soon(child));
    assert_int_equal(child_of(getpid()), -1);
    sniff_free(NULL);
}

/* As when the daemon crashes: nobody is there to end the helper. */
static void
the_helper_ends_when_the_daemon_does(void **state)
{
    pid_t daemon, helper = -1, child;
    int status, pipe_fds[2];

    (void)state;
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    daemon = fork();
    assert_true(daemon >= 0);
    if (daemon == 0) {
        (void)start_helper(TIMEOUT_MS);
        helper = child_of(getpid());
        child = wait_for_child(helper, -1);
        _exit(write(pipe_fds[1], &helper, sizeof(helper)) +
                          write(pipe_fds[1], &child, sizeof(child)) ==
                      2 * sizeof(pid_t)
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(daemon, &status, 0), daemon);
    assert_int_equal(status, 0);
    assert_int_equal(read(pipe_fds[0], &helper, sizeof(helper)), sizeof(helper));
    assert_int_equal(read(pipe_fds[0], &child, sizeof(child)), sizeof(child));
    assert_true(ends_soon(helper));
    assert_true(ends_soon(child));
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

static void
a_program_that_is_not_there_is_not_found(void **state)
{
    struct sniff *s = NULL;

    (void)state;
    assert_err(ERR_NOTFOUND, sniff_new("/nonexistent/mayfly-sniff", TIMEOUT_MS, &s));
    assert_null(s);
}

static void
a_program_that_is_not_the_helper_does_not_start(void **state)
{
    struct sniff *s = NULL;

    (void)state;
    assert_err(ERR_UNAVAIL, sniff_new("/bin/true", TIMEOUT_MS, &s));
    assert_err(ERR_UNAVAIL, sniff_new("/etc/passwd", TIMEOUT_MS, &s)); /* not a program at all */
    assert_null(s);
    assert_int_equal(child_of(getpid()), -1);
}

static void
the_program_alone_says_what_it_is_for(void **state)
{
    char path[PATH_MAX];
    pid_t pid;
    int status;

    (void)state;
    helper_path(path);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(2);
        (void)close(3);
        (void)execl(path, path, (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
}

/* ---- many at once ---- */

static void *
ask_often(void *ctx)
{
    static const struct {
        const char *bytes, *type;
    } files[] = {{"%PDF-1.7\n", "application/pdf"}, {"GIF89a\1\1\1\1", "image/gif"}};
    char type[MIME_TEXT_LEN];

    for (size_t i = 0; i < 50; i++) {
        sniff_type(ctx, (const uint8_t *)files[i % 2].bytes, strlen(files[i % 2].bytes), type);
        if (strcmp(type, files[i % 2].type) != 0)
            return ctx;
    }
    return NULL;
}

static void
threads_get_their_own_answers(void **state)
{
    struct sniff *s = start_helper(2 * TIMEOUT_MS);
    pthread_t threads[4];
    void *failed;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, s), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    sniff_free(s);
}

static void *
ask_and_wait(void *ctx)
{
    char type[MIME_TEXT_LEN];

    sniff_type(ctx, (const uint8_t *)pdf, sizeof(pdf) - 1, type);
    return NULL;
}

static void
waiting_for_others_counts_into_the_time_limit(void **state)
{
    struct sniff *s = start_helper(SHORT_MS);
    pid_t child = wait_for_child(helper_pid(), -1);
    pthread_t threads[3];
    int64_t start = clock_mono_ms();

    (void)state;
    assert_int_equal(kill(child, SIGSTOP), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_and_wait, s), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_in_range(clock_mono_ms() - start, SHORT_MS - 1, 2 * SHORT_MS - 1);
    sniff_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_child_is_under_seccomp_without_new_privileges),
        cmocka_unit_test(the_processes_inherit_no_descriptor_but_their_socket),
        cmocka_unit_test(the_processes_have_an_empty_environment),
        cmocka_unit_test(each_question_has_a_child_of_its_own),
        cmocka_unit_test(the_helper_is_small),
        cmocka_unit_test(a_child_that_dies_idle_is_replaced_before_anyone_notices),
        cmocka_unit_test(a_child_that_hangs_costs_the_time_limit_and_is_replaced),
        cmocka_unit_test(a_child_that_dies_over_a_question_makes_it_unknown_at_once),
        cmocka_unit_test(a_helper_that_was_killed_is_started_again),
        cmocka_unit_test(a_helper_is_started_at_most_once_a_second),
        cmocka_unit_test(a_helper_that_hangs_is_ended_after_two_questions),
        cmocka_unit_test(a_helper_that_only_slept_is_not_ended_and_its_stale_answer_is_dropped),
        cmocka_unit_test(signals_for_the_whole_group_do_not_end_the_helper),
        cmocka_unit_test(nothing_is_left_after_free),
        cmocka_unit_test(the_helper_ends_when_the_daemon_does),
        cmocka_unit_test(a_program_that_is_not_there_is_not_found),
        cmocka_unit_test(a_program_that_is_not_the_helper_does_not_start),
        cmocka_unit_test(the_program_alone_says_what_it_is_for),
        cmocka_unit_test(threads_get_their_own_answers),
        cmocka_unit_test(waiting_for_others_counts_into_the_time_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
