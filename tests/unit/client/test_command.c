/* SPDX-License-Identifier: Apache-2.0 */
/* What all commands share: where the code comes from, which server is asked, how results leave. */
#include "script_server.h"

#include "base/mem.h"
#include "client/command.h"
#include "client/term.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
replace(int fd, int by)
{
    assert_int_equal(dup2(by, fd), fd);
    (void)close(by);
}

/* Let standard input be these bytes. */
static void
feed(const char *bytes, size_t len)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], bytes, len), len);
    (void)close(fds[1]);
    replace(STDIN_FILENO, fds[0]);
}

static enum err
target_of(const char *argument, struct target *ret_target)
{
    struct secret *s = NULL;
    struct options o = {.command = COMMAND_GET};
    struct command_ctx c = {.options = &o};
    enum err e;

    if (argument != NULL)
        assert_ok(secret_copy(argument, strlen(argument), &s));
    o.target = s;
    e = command_target(&c, ret_target);
    secret_free(s);
    return e;
}

static void
an_argument_is_the_target_and_input_is_left(void **state)
{
    struct target t;
    char rest[8];

    (void)state;
    feed("other", 5);
    assert_ok(target_of("Velvet canyon.OBOE", &t));
    assert_string_equal(t.key, "velvet-canyon-oboe");
    assert_int_equal(read(STDIN_FILENO, rest, sizeof(rest)), 5);
    target_wipe(&t);
}

static void
without_an_argument_the_first_line_of_input_counts(void **state)
{
    struct target t;
    char rest[8];

    (void)state;
    feed("https://drop.example/#velvet-canyon-oboe-thrift\r\nrest", 53);
    assert_ok(target_of(NULL, &t));
    assert_string_equal(t.server, "https://drop.example");
    assert_string_equal(t.key, "velvet-canyon-oboe-thrift");
    assert_int_equal(read(STDIN_FILENO, rest, sizeof(rest)), 4);
    target_wipe(&t);
}

static void
no_code_anywhere_is_a_usage_error(void **state)
{
    struct target t = {.is_e2e = true};

    (void)state;
    feed("", 0);
    assert_err(ERR_FIELD, target_of(NULL, &t));
    assert_string_equal(err_sentence(), "no code was given, and none is on standard input");
    feed("\n", 1);
    assert_err(ERR_FIELD, target_of(NULL, &t));
    feed("velvet\0-canyon-oboe\n", 20);
    assert_err(ERR_NOTFOUND, target_of(NULL, &t));
    feed("velvet\n", 7);
    assert_err(ERR_NOTFOUND, target_of(NULL, &t));
    assert_true(t.is_e2e);
}

/* What command_net notes on stderr. */
static void
net_notes(const char *server, const char *settings_server, char *ret_text, size_t size)
{
    struct settings s = {0};
    struct options o = {0};
    struct command_ctx c = {.options = &o, .settings = &s};
    struct net *net = NULL;
    int fds[2], was = dup(STDERR_FILENO);
    ssize_t n;

    (void)snprintf(s.server, sizeof(s.server), "%s", settings_server);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    assert_ok(command_net(&c, server, &net));
    net_free(net);
    (void)fflush(stderr);
    replace(STDERR_FILENO, was);
    (void)close(fds[1]);
    n = read(fds[0], ret_text, size - 1);
    (void)close(fds[0]);
    ret_text[n > 0 ? n : 0] = '\0';
}

static void
who_can_be_listened_to_is_told(void **state)
{
    char text[512];

    (void)state;
    net_notes(NULL, "http://drop.example", text, sizeof(text));
    assert_string_equal(text, "Note: http://drop.example is http: what is sent can be read and "
                              "changed on its way.\n");
    net_notes("http://other.example", "https://drop.example", text, sizeof(text));
    assert_non_null(strstr(text, "http://other.example is http"));
    net_notes("", "https://drop.example", text, sizeof(text));
    assert_string_equal(text, "");
    net_notes("http://127.0.0.1:8000", "http://drop.example", text, sizeof(text));
    assert_string_equal(text, "");
}

/* ---- small requests ---- */

static void
serve_answer(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (hear_head(s, fd))
        say(fd, s->ctx);
}

/* Ask once; the request's first line. */
static enum err
asks(const char *answer, const struct secret *token, struct net_reply *r, char ret_line[64])
{
    struct server *s = server_start(serve_answer, (void *)(uintptr_t)answer);
    struct net *n = quick_net(s->url);
    enum err e = command_ask(n, "burn", "velvet-canyon-oboe", token, r);

    net_free(n);
    server_stop(s);
    (void)snprintf(ret_line, 64, "%.*s", (int)strcspn(s->heads[0], "\r"), s->heads[0]);
    server_free(s);
    return e;
}

static void
a_burn_token_makes_a_question_an_order(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    struct secret *token = NULL;
    struct net_reply r;
    char line[64];

    (void)state;
    net_reply_init(&r);
    assert_ok(secret_copy("tok", 3, &token));
    assert_ok(asks(answer, NULL, &r, line));
    assert_string_equal(line, "GET /burn/velvet-canyon-oboe HTTP/1.1");
    assert_ok(asks(answer, token, &r, line));
    assert_string_equal(line, "POST /burn/velvet-canyon-oboe HTTP/1.1");
    assert_string_equal(buf_text(&r.body), "{}");
    net_reply_done(&r);
    secret_free(token);
}

static void
an_answer_that_is_no_200_is_an_error(void **state)
{
    struct net_reply r;
    char line[64];

    (void)state;
    net_reply_init(&r);
    assert_err(ERR_GONE, asks("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", NULL, &r, line));
    assert_err(ERR_UNAVAIL,
               asks("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", NULL, &r, line));
    assert_err(ERR_CLOSED, asks("", NULL, &r, line));
    net_reply_done(&r);
}

/* ---- results ---- */

/* Print into a pipe, or nowhere when it has no reader; the result and what came. */
static enum err
printed(json_t *object, bool has_reader, char *ret_text, size_t size)
{
    int fds[2], was = dup(STDOUT_FILENO);
    ssize_t n = 0;
    enum err e;

    (void)fflush(stdout);
    assert_int_equal(pipe(fds), 0);
    replace(STDOUT_FILENO, fds[1]);
    if (!has_reader)
        (void)close(fds[0]);
    e = command_print_json(object);
    replace(STDOUT_FILENO, was);
    if (has_reader) {
        n = read(fds[0], ret_text, size - 1);
        (void)close(fds[0]);
    }
    ret_text[n > 0 ? n : 0] = '\0';
    return e;
}

static void
json_is_one_line_of_ascii(void **state)
{
    char text[256];

    (void)state;
    assert_ok(printed(json_pack("{s:s, s:i}", "name", "a\n\x1b\xe2\x80\xae", "n", 5), true, text,
                      sizeof(text)));
    assert_string_equal(text, "{\"name\":\"a\\n\\u001B\\u202E\",\"n\":5}\n");
    assert_err(ERR_NOMEM, printed(NULL, true, text, sizeof(text)));
    assert_string_equal(text, "");
}

static void
a_pipe_that_nobody_reads_is_a_local_error(void **state)
{
    char text[16];
    struct sigaction ignore = {.sa_handler = SIG_IGN}, was;

    (void)state;
    assert_int_equal(sigaction(SIGPIPE, &ignore, &was), 0);
    assert_err(ERR_IO, printed(json_pack("{}"), false, text, sizeof(text)));
    assert_int_equal(sigaction(SIGPIPE, &was, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_argument_is_the_target_and_input_is_left),
        cmocka_unit_test(without_an_argument_the_first_line_of_input_counts),
        cmocka_unit_test(no_code_anywhere_is_a_usage_error),
        cmocka_unit_test(who_can_be_listened_to_is_told),
        cmocka_unit_test(a_burn_token_makes_a_question_an_order),
        cmocka_unit_test(an_answer_that_is_no_200_is_an_error),
        cmocka_unit_test(json_is_one_line_of_ascii),
        cmocka_unit_test(a_pipe_that_nobody_reads_is_a_local_error),
    };

    return cmocka_run_group_tests(tests, plain_environment, NULL);
}
