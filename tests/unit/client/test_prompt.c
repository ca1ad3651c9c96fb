/* SPDX-License-Identifier: Apache-2.0 */
/* Questions at a terminal: a child asks at a pseudo-terminal of its own, and the terminal is as it
 * was whatever happens. Lines of standard input. */
#include "testing.h"

#include "client/interrupt.h"
#include "client/term.h"
#include "crypt/crypt.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { WAIT_MS = 30000, PATIENCE_S = 60, SHOWN_LEN = 8192, LONGEST = 2048 };

struct asked {
    pid_t pid;
    int master, slave; /* ours stays open: the terminal lives on */
    int answer;        /* "ERR line" comes here */
    char shown[SHOWN_LEN];
    size_t n_shown;
};

static void
tell(int fd, enum err e, const struct secret *line)
{
    char text[LONGEST + 64];
    int n = snprintf(text, sizeof(text), "%s %.*s", err_name(e),
                     line == NULL ? 0 : (int)secret_len(line),
                     line == NULL ? "" : (const char *)secret_bytes(line));

    if (n < 0 || write(fd, text, (size_t)n) != n)
        _exit(3);
}

static void
ask_in_child(const char *name, bool is_hidden, int answer)
{
    struct secret *line = NULL;
    enum err e;
    int tty;

    (void)alarm(PATIENCE_S);
    if (setsid() < 0 || (tty = open(name, O_RDWR)) < 0 || ioctl(tty, TIOCSCTTY, 0) != 0)
        _exit(2);
    interrupt_init();
    e = term_ask("Code: ", is_hidden, &line);
    tell(answer, e, line);
    secret_free(line);
    if (e == ERR_CLOSED)
        interrupt_end();
    _exit(0);
}

/* Gather what is shown until `text` was; false when it never comes. */
static bool
wait_for(struct asked *a, const char *text)
{
    struct pollfd ready = {.fd = a->master, .events = POLLIN};

    while (strstr(a->shown, text) == NULL) {
        ssize_t n;

        if (poll(&ready, 1, WAIT_MS) != 1)
            return false;
        n = read(a->master, a->shown + a->n_shown, sizeof(a->shown) - 1 - a->n_shown);
        if (n <= 0)
            return false;
        a->n_shown += (size_t)n;
        a->shown[a->n_shown] = '\0';
    }
    return true;
}

static bool
has_echo(const struct asked *a)
{
    struct termios t;

    assert_int_equal(tcgetattr(a->slave, &t), 0);
    return (t.c_lflag & ECHO) != 0;
}

static void
begin(struct asked *a, bool is_hidden)
{
    int fds[2];

    memset(a, 0, sizeof(*a));
    a->master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(a->master >= 0 && grantpt(a->master) == 0 && unlockpt(a->master) == 0);
    a->slave = open(ptsname(a->master), O_RDWR | O_NOCTTY);
    assert_true(a->slave >= 0);
    assert_true(has_echo(a));
    assert_int_equal(pipe(fds), 0);
    a->answer = fds[0];
    a->pid = fork();
    assert_true(a->pid >= 0);
    if (a->pid == 0)
        ask_in_child(ptsname(a->master), is_hidden, fds[1]);
    (void)close(fds[1]);
    assert_true(wait_for(a, "Code: "));
    assert_int_equal(has_echo(a), !is_hidden);
}

static void
type(const struct asked *a, const char *text)
{
    assert_int_equal(write(a->master, text, strlen(text)), strlen(text));
}

/* The child's answer; its wait status is returned. */
static int
finish(struct asked *a, char ret_answer[LONGEST + 64])
{
    size_t len = 0;
    ssize_t n;
    int status;

    while ((n = read(a->answer, ret_answer + len, LONGEST + 63 - len)) > 0)
        len += (size_t)n;
    ret_answer[len] = '\0';
    assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
    assert_true(has_echo(a));
    return status;
}

static void
drop(struct asked *a)
{
    (void)close(a->answer);
    (void)close(a->slave);
    (void)close(a->master);
}

static void
a_hidden_answer_is_not_shown(void **state)
{
    char answer[LONGEST + 64];
    struct asked a;

    (void)state;
    begin(&a, true);
    type(&a, "velvet canyon\n");
    assert_int_equal(finish(&a, answer), 0);
    assert_string_equal(answer, "OK velvet canyon");
    assert_true(wait_for(&a, "\r\n"));
    assert_null(strstr(a.shown, "velvet"));
    drop(&a);
}

static void
an_open_answer_is_shown_and_can_be_mended(void **state)
{
    char answer[LONGEST + 64];
    struct asked a;

    (void)state;
    begin(&a, false);
    type(&a, "velvetx\x7f canyon\n");
    assert_int_equal(finish(&a, answer), 0);
    assert_string_equal(answer, "OK velvet canyon");
    assert_true(wait_for(&a, "velvetx"));
    drop(&a);
}

static void
an_interrupt_restores_the_terminal_and_ends_by_its_signal(void **state)
{
    char answer[LONGEST + 64];
    struct asked a;
    int status;

    (void)state;
    begin(&a, true);
    type(&a, "velv\x03");
    status = finish(&a, answer);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    assert_string_equal(answer, "CLOSED ");
    drop(&a);
    begin(&a, true);
    assert_int_equal(kill(a.pid, SIGTERM), 0);
    status = finish(&a, answer);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    drop(&a);
}

static void
echo_stays_off_after_a_stop(void **state)
{
    char answer[LONGEST + 64];
    struct termios t;
    struct asked a;
    int status;

    (void)state;
    begin(&a, true);
    assert_int_equal(kill(a.pid, SIGSTOP), 0);
    assert_int_equal(waitpid(a.pid, &status, WUNTRACED), a.pid);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(tcgetattr(a.slave, &t), 0); /* what a shell does */
    t.c_lflag |= ECHO;
    assert_int_equal(tcsetattr(a.slave, TCSANOW, &t), 0);
    assert_int_equal(kill(a.pid, SIGCONT), 0);
    for (int i = 0; i < 3000 && has_echo(&a); i++)
        (void)usleep(10 * 1000);
    assert_false(has_echo(&a));
    type(&a, "velvet\n");
    assert_int_equal(finish(&a, answer), 0);
    assert_string_equal(answer, "OK velvet");
    drop(&a);
}

static void
no_answer_is_an_error(void **state)
{
    char answer[LONGEST + 64];
    struct asked a;

    (void)state;
    for (int i = 0; i < 2; i++) {
        begin(&a, true);
        type(&a, i == 0 ? "\n" : "\x04");
        assert_int_equal(finish(&a, answer), 0);
        assert_string_equal(answer, "FIELD ");
        drop(&a);
    }
}

static void
an_endless_answer_is_refused(void **state)
{
    char answer[LONGEST + 64], line[LONGEST + 3];
    struct asked a;

    (void)state;
    memset(line, 'a', sizeof(line));
    line[LONGEST] = '\n';
    line[LONGEST + 1] = '\0';
    begin(&a, true);
    type(&a, line);
    assert_int_equal(finish(&a, answer), 0);
    assert_int_equal(strlen(answer), 3 + LONGEST);
    drop(&a);
    line[LONGEST] = 'a';
    line[LONGEST + 1] = '\n';
    line[LONGEST + 2] = '\0';
    begin(&a, true);
    type(&a, line);
    assert_int_equal(finish(&a, answer), 0);
    assert_string_equal(answer, "FIELD ");
    drop(&a);
}

static void
without_a_terminal_there_is_nobody_to_ask(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        struct secret *line = NULL;

        (void)alarm(PATIENCE_S);
        if (setsid() < 0) /* which leaves the terminal */
            _exit(2);
        _exit(term_ask("Code: ", true, &line) == ERR_FIELD ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- standard input ---- */

/* Let standard input be these bytes. */
static void
feed(const char *bytes, size_t len)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], bytes, len), len);
    (void)close(fds[1]);
    assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
    (void)close(fds[0]);
}

static void
reads(const char *want)
{
    struct secret *line = NULL;

    assert_ok(term_read_line(&line));
    assert_int_equal(secret_len(line), strlen(want));
    assert_memory_equal(secret_bytes(line), want, strlen(want));
    secret_free(line);
}

static void
a_line_is_read_and_the_rest_is_left(void **state)
{
    char rest[16] = "";

    (void)state;
    feed("velvet canyon\r\nnext\nlast", 24);
    reads("velvet canyon");
    reads("next");
    assert_int_equal(read(STDIN_FILENO, rest, sizeof(rest)), 4);
    assert_string_equal(rest, "last");
    feed("no end", 6);
    reads("no end");
}

static void
no_line_and_a_blank_one_are_errors(void **state)
{
    struct secret *line = NULL;

    (void)state;
    feed("", 0);
    assert_err(ERR_FIELD, term_read_line(&line));
    feed("\nx", 2);
    assert_err(ERR_FIELD, term_read_line(&line));
    feed("\r\n", 2);
    assert_err(ERR_FIELD, term_read_line(&line));
    assert_null(line);
}

static void
a_line_of_2048_bytes_is_the_longest(void **state)
{
    struct secret *line = NULL;
    char bytes[LONGEST + 3];

    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes + LONGEST, "\r\n", 2);
    feed(bytes, LONGEST + 2);
    assert_ok(term_read_line(&line));
    assert_int_equal(secret_len(line), LONGEST);
    secret_free(line);
    line = NULL;
    memcpy(bytes + LONGEST, "a\n", 2);
    feed(bytes, LONGEST + 2);
    assert_err(ERR_FIELD, term_read_line(&line));
    assert_null(line);
}

static int
set_up(void **state)
{
    bool locked;

    (void)state;
    return crypt_init(&locked) == ERR_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hidden_answer_is_not_shown),
        cmocka_unit_test(an_open_answer_is_shown_and_can_be_mended),
        cmocka_unit_test(an_interrupt_restores_the_terminal_and_ends_by_its_signal),
        cmocka_unit_test(echo_stays_off_after_a_stop),
        cmocka_unit_test(no_answer_is_an_error),
        cmocka_unit_test(an_endless_answer_is_refused),
        cmocka_unit_test(without_a_terminal_there_is_nobody_to_ask),
        cmocka_unit_test(a_line_is_read_and_the_rest_is_left),
        cmocka_unit_test(no_line_and_a_blank_one_are_errors),
        cmocka_unit_test(a_line_of_2048_bytes_is_the_longest),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
