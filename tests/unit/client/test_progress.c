/* SPDX-License-Identifier: Apache-2.0 */
/* The line of progress: what it says, that it fits, and that it is gone afterwards. */
#include "testing.h"

#include "client/term.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static const struct progress_state half = {.verb = "Sending",
                                           .done = 5 * MIB,
                                           .total = 10 * MIB,
                                           .elapsed_ms = 5000,
                                           .rate = MIB,
                                           .columns = 79};

static void
reads_as(const char *want, const struct progress_state *s)
{
    char text[PROGRESS_TEXT_LEN];

    progress_text(s, text);
    assert_string_equal(text, want);
}

static void
it_says_share_amount_rate_and_time_left(void **state)
{
    (void)state;
    reads_as("Sending  50 %  5.0 MiB of 10.0 MiB  1.0 MiB/s  0:05 left", &half);
}

static void
time_left_is_rounded_up(void **state)
{
    struct progress_state s = half;

    (void)state;
    s.done++;
    reads_as("Sending  50 %  5.0 MiB of 10.0 MiB  1.0 MiB/s  0:05 left", &s);
    s.done = 10 * MIB - 1;
    reads_as("Sending  99 %  9.9 MiB of 10.0 MiB  1.0 MiB/s  0:01 left", &s);
}

static void
nothing_is_left_at_the_end(void **state)
{
    struct progress_state s = half;

    (void)state;
    s.done = s.total;
    reads_as("Sending  100 %  10.0 MiB of 10.0 MiB  1.0 MiB/s", &s);
    s.done = s.total + 1; /* a file that grew */
    reads_as("Sending  100 %  10.0 MiB of 10.0 MiB  1.0 MiB/s", &s);
    s = (struct progress_state){.verb = "Sending", .columns = 79};
    reads_as("Sending  100 %  0 B of 0 B", &s);
}

static void
an_unknown_end_shows_the_time_that_passed(void **state)
{
    struct progress_state s = half;

    (void)state;
    s.total = UINT64_MAX;
    s.elapsed_ms = 65999;
    reads_as("Sending  5.0 MiB  1.0 MiB/s  1:05", &s);
}

static void
nobody_guesses_before_there_is_a_rate(void **state)
{
    struct progress_state s = half;

    (void)state;
    s.rate = 0;
    reads_as("Sending  50 %  5.0 MiB of 10.0 MiB", &s);
}

static void
numbers_at_their_limits_do_not_overflow(void **state)
{
    struct progress_state s = half;

    (void)state;
    s.total = UINT64_MAX - 1;
    s.done = UINT64_MAX - 2;
    s.rate = 1;
    reads_as("Sending  99 %  15.9 EiB of 15.9 EiB  1 B/s  0:01 left", &s);
    s.done = 0;
    reads_as("Sending  0 %  0 B of 15.9 EiB  1 B/s  2562047788015215:30:07 left", &s);
}

static void
no_width_is_ever_passed(void **state)
{
    char text[PROGRESS_TEXT_LEN];

    (void)state;
    for (unsigned columns = 0; columns < 400; columns++) {
        struct progress_state s = half;

        s.columns = columns;
        progress_text(&s, text);
        assert_true(strlen(text) <= columns);
    }
}

static void
a_narrow_terminal_shows_the_most_important(void **state)
{
    struct progress_state s = half;

    (void)state;
    s.columns = 50;
    reads_as("Sending  50 %  5.0 MiB  1.0 MiB/s  0:05 left", &s);
    s.columns = 39;
    reads_as("Sending  50 %  1.0 MiB/s  0:05 left", &s);
    s.columns = 30;
    reads_as("Sending  50 %  0:05 left", &s);
    s.columns = 20;
    reads_as("Sending  50 %", &s);
    s.columns = 4;
    reads_as("Send", &s);
}

/* What a terminal gets while `run` draws on it. */
static void
on_terminal(const char *term, void (*run)(void), char *ret_text, size_t size)
{
    struct winsize narrow = {.ws_row = 24, .ws_col = 40};
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave, was;
    struct pollfd ready = {.fd = master, .events = POLLIN};
    size_t len = 0;

    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0 && ioctl(slave, TIOCSWINSZ, &narrow) == 0);
    (void)fflush(stderr);
    was = dup(STDERR_FILENO);
    assert_int_equal(dup2(slave, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(setenv("TERM", term, 1), 0);
    run();
    (void)fflush(stderr);
    assert_int_equal(dup2(was, STDERR_FILENO), STDERR_FILENO);
    (void)close(was);
    while (len < size - 1 && poll(&ready, 1, 200) == 1) {
        ssize_t n = read(master, ret_text + len, size - 1 - len);

        if (n <= 0)
            break;
        len += (size_t)n;
    }
    ret_text[len] = '\0';
    (void)close(slave);
    (void)close(master);
}

static void
transfer(void)
{
    struct progress *p = progress_new("Sending", 1000);

    assert_non_null(p);
    for (int i = 0; i < 5; i++) {
        (void)usleep(110 * 1000); /* so that each is drawn */
        progress_add(p, 100);
    }
    term_note("a note");
    progress_free(p);
}

static void
a_line_is_drawn_anew_within_the_width_and_cleared(void **state)
{
    char text[8192], *line;
    unsigned n = 0;

    (void)state;
    on_terminal("xterm", transfer, text, sizeof(text));
    assert_memory_equal(text, "\rSending  0 %  0 B of 1000 B\x1b[K\r", 31);
    assert_non_null(strstr(text, "Sending  50 %  "));
    assert_non_null(strstr(text, "\r\x1b[Ka note\r\n")); /* no progress hangs on it */
    for (line = text; (line = strchr(line, '\r')) != NULL; n++) {
        line++;
        assert_true(strcspn(line, "\r\x1b") < 40);
    }
    assert_true(n >= 7);
    line = strstr(text, "a note\r\n") + 8;
    assert_string_equal(line, ""); /* nothing was drawn since, so nothing is to be cleared */
}

static void
leave(void)
{
    struct progress *p = progress_new("Receiving", UINT64_MAX);

    assert_non_null(p);
    progress_free(p);
}

static void
what_was_drawn_is_cleared_at_the_end(void **state)
{
    char text[256];

    (void)state;
    on_terminal("xterm", leave, text, sizeof(text));
    assert_string_equal(text, "\rReceiving  0 B  0:00\x1b[K\r\x1b[K");
}

static void
draw_none(void)
{
    assert_null(progress_new("Sending", 10));
    progress_add(NULL, 5);
    progress_free(NULL);
}

static void
draw_none_when_quiet(void)
{
    term_set_quiet(true);
    draw_none();
    term_set_quiet(false);
}

static void
quiet_and_dumb_terminals_get_nothing(void **state)
{
    char text[64];

    (void)state;
    on_terminal("xterm", draw_none_when_quiet, text, sizeof(text));
    assert_string_equal(text, "");
    on_terminal("dumb", draw_none, text, sizeof(text));
    assert_string_equal(text, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_share_amount_rate_and_time_left),
        cmocka_unit_test(time_left_is_rounded_up),
        cmocka_unit_test(nothing_is_left_at_the_end),
        cmocka_unit_test(an_unknown_end_shows_the_time_that_passed),
        cmocka_unit_test(nobody_guesses_before_there_is_a_rate),
        cmocka_unit_test(numbers_at_their_limits_do_not_overflow),
        cmocka_unit_test(no_width_is_ever_passed),
        cmocka_unit_test(a_narrow_terminal_shows_the_most_important),
        cmocka_unit_test(a_line_is_drawn_anew_within_the_width_and_cleared),
        cmocka_unit_test(what_was_drawn_is_cleared_at_the_end),
        cmocka_unit_test(quiet_and_dumb_terminals_get_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
