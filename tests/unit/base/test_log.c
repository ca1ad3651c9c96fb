/* SPDX-License-Identifier: Apache-2.0 */
/* log: one well-formed line an event, whatever the values are; no value can forge another. */
#include "testing.h"

#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 16];
static int pipe_fds[2], old_stderr;

static void
begin(enum log_level level)
{
    log_set_level(level);
    assert_int_equal(0, pipe(pipe_fds));
    old_stderr = dup(STDERR_FILENO);
    assert_true(old_stderr >= 0);
    assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
}

/* Give stderr back; what was written is then in `text`. */
static void
end(void)
{
    size_t len = 0;
    ssize_t n;

    assert_true(dup2(old_stderr, STDERR_FILENO) >= 0);
    assert_int_equal(0, close(old_stderr));
    assert_int_equal(0, close(pipe_fds[1]));
    while ((n = read(pipe_fds[0], text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    assert_int_equal(0, n);
    text[len] = '\0';
    assert_int_equal(0, close(pipe_fds[0]));
    log_set_level(LOG_INFO);
}

/* The one line, behind its time, is exactly this. */
static void
line_is(const char *want)
{
    static const char head[] = "{\"time\":\"2026-01-01T12:00:00Z\",";

    assert_int_equal(0, strncmp(head, text, 9));
    assert_int_equal(strlen(want), strlen(text) - (sizeof(head) - 1));
    assert_string_equal(want, text + sizeof(head) - 1);
}

static void
an_event_is_one_line_of_json(void **state)
{
    const struct log_field fields[] = {LOG_TEXT("route", "/status/{key}"), LOG_INT("status", 200),
                                       LOG_INT("least", INT64_MIN), LOG_INT("most", INT64_MAX)};

    (void)state;
    begin(LOG_INFO);
    log_event(LOG_INFO, "request", fields, ARRAY_LEN(fields));
    end();
    line_is("\"level\":\"info\",\"event\":\"request\",\"route\":\"/status/{key}\",\"status\":200,"
            "\"least\":-9223372036854775808,\"most\":9223372036854775807}\n");
}

static void
an_event_needs_no_fields(void **state)
{
    (void)state;
    begin(LOG_INFO);
    log_event(LOG_WARN, "started", NULL, 0);
    end();
    line_is("\"level\":\"warn\",\"event\":\"started\"}\n");
}

static void
one_value(const char *value, const char *want)
{
    const struct log_field field = LOG_TEXT("v", value);
    char line[512];

    begin(LOG_INFO);
    log_event(LOG_INFO, "e", &field, 1);
    end();
    (void)snprintf(line, sizeof(line), "\"level\":\"info\",\"event\":\"e\",\"v\":\"%s\"}\n", want);
    line_is(line);
}

static void
no_value_can_forge_a_line_or_a_field(void **state)
{
    (void)state;
    one_value("x\",\"status\":\"200", "x\\\",\\\"status\\\":\\\"200");
    one_value("x\"}\n{\"time\":\"now", "x\\\"}\\u000a{\\\"time\\\":\\\"now");
    one_value("back\\", "back\\\\");
    one_value("\r\n\t\b\x01\x1f\x7f", "\\u000d\\u000a\\u0009\\u0008\\u0001\\u001f\\u007f");
    one_value("\x1b[31m", "\\u001b[31m");
    one_value("\xc2\x9b"
              "31m\xc2\x85",
              "\\u009b31m\\u0085"); /* C1 */
    one_value("", "");
}

static void
text_in_utf8_stays_and_other_bytes_are_shown_as_such(void **state)
{
    (void)state;
    one_value("\xc3\xa9\xe6\x8a\xa5\xf0\x9f\x90\x9d", "\xc3\xa9\xe6\x8a\xa5\xf0\x9f\x90\x9d");
    one_value("a\xff"
              "b\xc3",
              "a\\ufffdb\\ufffd");
    one_value("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");
    one_value("\xc2\xa0", "\xc2\xa0"); /* the first that is not C1 */
}

static void
a_line_that_is_too_long_loses_fields_but_not_its_form(void **state)
{
    char long_value[2000], line[200];
    const struct log_field fields[] = {LOG_INT("a", 1), LOG_TEXT("long", long_value),
                                       LOG_INT("b", 2)};

    (void)state;
    memset(long_value, '"', sizeof(long_value) - 1);
    long_value[sizeof(long_value) - 1] = '\0';
    begin(LOG_INFO);
    log_event(LOG_INFO, "e", fields, 3);
    end();
    (void)snprintf(line, sizeof(line), "\"level\":\"info\",\"event\":\"e\",\"a\":1,\"b\":2}\n");
    line_is(line);
}

/* At every length around the limit the line ends as it must. */
static void
lines_near_the_limit_keep_their_form(void **state)
{
    char value[1100];
    const struct log_field field = LOG_TEXT("v", value);
    unsigned n_whole = 0, n_dropped = 0;

    (void)state;
    for (size_t len = 900; len < 1050; len++) {
        memset(value, 'x', len);
        value[len] = '\0';
        begin(LOG_INFO);
        log_event(LOG_INFO, "e", &field, 1);
        end();
        assert_in_range(strlen(text), 20, 1024);
        if (strstr(text, "\"v\"") != NULL) {
            assert_string_equal("x\"}\n", text + strlen(text) - 4);
            assert_int_equal(len, strspn(strstr(text, "\"v\"") + 5, "x"));
            n_whole++;
        } else {
            assert_string_equal("\"e\"}\n", text + strlen(text) - 5);
            n_dropped++;
        }
    }
    assert_true(n_whole > 10 && n_dropped > 10);
}

static void
lines_below_the_level_are_dropped(void **state)
{
    (void)state;
    begin(LOG_WARN);
    log_event(LOG_DEBUG, "a", NULL, 0);
    log_event(LOG_INFO, "b", NULL, 0);
    end();
    assert_string_equal("", text);
    begin(LOG_WARN);
    log_event(LOG_ERROR, "c", NULL, 0);
    end();
    line_is("\"level\":\"error\",\"event\":\"c\"}\n");
    begin(LOG_OFF);
    log_event(LOG_ERROR, "d", NULL, 0);
    end();
    assert_string_equal("", text);
    begin(LOG_DEBUG);
    log_event(LOG_OFF, "e", NULL, 0); /* off is no level to log at */
    end();
    assert_string_equal("", text);
}

static void
levels_are_read(void **state)
{
    static const char *const wrong[] = {"", "warning", "inf", "infoo", "0", "trace", " info"};
    enum log_level level = LOG_OFF;

    (void)state;
    assert_ok(log_level_parse("debug", &level));
    assert_int_equal(LOG_DEBUG, level);
    assert_ok(log_level_parse("INFO", &level));
    assert_int_equal(LOG_INFO, level);
    assert_ok(log_level_parse("Warn", &level));
    assert_int_equal(LOG_WARN, level);
    assert_ok(log_level_parse("off", &level));
    assert_int_equal(LOG_OFF, level);
    assert_ok(log_level_parse("error", &level));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_err(ERR_SYNTAX, log_level_parse(wrong[i], &level));
    assert_int_equal(LOG_ERROR, level);
}

static void
errors_are_logged_with_their_sentence(void **state)
{
    (void)state;
    begin(LOG_INFO);
    log_err(LOG_ERROR, "committing a blob", err_set(ERR_NOSPACE, "write: \"full\""));
    end();
    line_is("\"level\":\"error\",\"event\":\"error\",\"doing\":\"committing a blob\","
            "\"error\":\"NOSPACE\",\"detail\":\"write: \\\"full\\\"\"}\n");
}

enum { N_THREADS = 4, N_LINES = 50 };

static void *
log_lines(void *arg)
{
    const struct log_field field = LOG_TEXT("v", arg);

    for (int i = 0; i < N_LINES; i++)
        log_event(LOG_INFO, "e", &field, 1);
    return NULL;
}

static void
lines_of_threads_do_not_mix(void **state)
{
    static char values[N_THREADS][101];
    pthread_t threads[N_THREADS];
    unsigned n = 0;

    (void)state;
    begin(LOG_INFO);
    for (int i = 0; i < N_THREADS; i++) {
        memset(values[i], 'a' + i, 100);
        assert_int_equal(0, pthread_create(&threads[i], NULL, log_lines, values[i]));
    }
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(0, pthread_join(threads[i], NULL));
    end();
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; n++) {
        const char *value = strstr(line, "\"v\":\"");

        assert_non_null(value);
        assert_int_equal(100, strspn(value + 5, (char[]){value[5], '\0'}));
        assert_string_equal("\"}", value + 105);
    }
    assert_int_equal(N_THREADS * N_LINES, n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_of_json),
        cmocka_unit_test(an_event_needs_no_fields),
        cmocka_unit_test(no_value_can_forge_a_line_or_a_field),
        cmocka_unit_test(text_in_utf8_stays_and_other_bytes_are_shown_as_such),
        cmocka_unit_test(a_line_that_is_too_long_loses_fields_but_not_its_form),
        cmocka_unit_test(lines_near_the_limit_keep_their_form),
        cmocka_unit_test(lines_below_the_level_are_dropped),
        cmocka_unit_test(levels_are_read),
        cmocka_unit_test(errors_are_logged_with_their_sentence),
        cmocka_unit_test(lines_of_threads_do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
