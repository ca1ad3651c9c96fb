/* SPDX-License-Identifier: Apache-2.0 */
/* sent: what a sender is told; its commands are run by a real shell. */
#include "testing.h"

#include "client/qr.h"
#include "client/sent.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS "velvet-canyon-oboe-thrift-magnet-acorn"
#define ID    "abcdefghijklmnopqrstuvwx23"
#define HASH  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct world {
    struct e2e_meta meta;
    struct receipt receipt;
    struct share_code code;
    struct sent sent;
};

static int
begin(void **state)
{
    static struct world w;

    memset(&w, 0, sizeof(w));
    w.meta = (struct e2e_meta){.name = "report.pdf", .type = "application/pdf", .size_bytes = 1536};
    for (unsigned i = 0; i < SHA256_LEN; i++)
        w.meta.sha256[i] = (uint8_t)(i % 16 * 0x11);
    w.receipt = (struct receipt){.key = ID,
                                 .server = "https://drop.example/x",
                                 .burn_token = "burn-token_1",
                                 .expiry = "2026-01-01T12:10:00Z",
                                 .expires_at_s = 1767269400,
                                 .uses = 1};
    w.code = (struct share_code){.n_words = 6, .text = WORDS};
    w.sent = (struct sent){.meta = &w.meta,
                           .receipt = &w.receipt,
                           .code = &w.code,
                           .server = "http://127.0.0.1:8000",
                           .is_e2e = true,
                           .is_kept = true,
                           .now_s = 1767269400 - 600};
    *state = &w;
    return 0;
}

static void
make_plain(struct world *w)
{
    w->code = (struct share_code){.n_words = 4, .text = "velvet-canyon-oboe-thrift"};
    memcpy(w->receipt.key, w->code.text, sizeof(w->receipt.key));
    w->sent.is_e2e = false;
}

static const char *
told(struct buf *b, enum err (*tell)(const struct sent *, struct buf *), const struct sent *s)
{
    buf_init(b, SENT_TEXT_MAX);
    assert_ok(tell(s, b));
    return buf_text(b);
}

static void
the_result_is_the_code_alone(void **state)
{
    struct world *w = *state;
    struct buf b;

    buf_init(&b, SENT_TEXT_MAX);
    assert_ok(sent_result(&w->sent, false, &b));
    assert_string_equal(WORDS "\n", buf_text(&b));
    buf_done(&b);
}

static void
check_text(const json_t *json, const char *name, const char *want)
{
    const char *got = json_string_value(json_object_get(json, name));

    assert_non_null(got);
    assert_string_equal(want, got);
}

static json_t *
object_of(const struct sent *s)
{
    struct buf b;
    json_t *json;

    buf_init(&b, SENT_TEXT_MAX);
    assert_ok(sent_result(s, true, &b));
    assert_int_equal('\n', b.data[b.len - 1]);
    assert_ptr_equal(strchr(buf_text(&b), '\n'), buf_text(&b) + b.len - 1); /* one line */
    json = json_loads(buf_text(&b), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    buf_done(&b);
    return json;
}

static void
the_object_says_all_that_scripts_want(void **state)
{
    struct world *w = *state;
    json_t *json = object_of(&w->sent);

    assert_int_equal(10, json_object_size(json));
    check_text(json, "code", WORDS);
    check_text(json, "link", "https://drop.example/x/#" WORDS);
    check_text(json, "download_url", "https://drop.example/x/download/" ID);
    check_text(json, "burn_token", "burn-token_1");
    check_text(json, "expires_at", "2026-01-01T12:10:00Z");
    check_text(json, "name", "report.pdf");
    check_text(json, "sha256", HASH);
    check_text(json, "encryption", "age");
    assert_int_equal(1, json_integer_value(json_object_get(json, "uses")));
    assert_int_equal(1536, json_integer_value(json_object_get(json, "size")));
    json_decref(json);
    make_plain(w);
    json = object_of(&w->sent);
    assert_true(json_is_null(json_object_get(json, "encryption")));
    check_text(json, "link", "https://drop.example/x/#velvet-canyon-oboe-thrift");
    json_decref(json);
}

static void
any_name_comes_back_from_the_object(void **state)
{
    static const char name[] = "a\"b\\c\nd\te\x01/\x7fGr\xc3\xbc\xc3\x9f"
                               "e";
    struct world *w = *state;
    json_t *json;

    memcpy(w->meta.name, name, sizeof(name));
    json = object_of(&w->sent);
    check_text(json, "name", name);
    json_decref(json);
}

static void
links_begin_as_the_server_says_but_never_fall_back_to_http(void **state)
{
    struct world *w = *state;

    assert_string_equal("https://drop.example/x", sent_base(&w->sent));
    memcpy(w->receipt.server, "http://drop.example", 20);
    assert_string_equal("http://drop.example", sent_base(&w->sent)); /* by http it went */
    w->sent.server = "https://drop.example";
    assert_string_equal("https://drop.example", sent_base(&w->sent));
    w->receipt.server[0] = '\0';
    assert_string_equal("https://drop.example", sent_base(&w->sent));
}

static void
what_a_shell_could_run_is_no_beginning_of_a_link(void **state)
{
    static const char *const said[] = {"https://h$(touch x)", "https://h;id;", "https://h/a&b",
                                       "https://h/`id`",      "https://h/a|b", "https://h/*",
                                       "https://h/a'b",       "https://h/!a"};
    static const char plain[] = "https://[::1]:8000/~files/a-b_c.d%20e";
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        (void)snprintf(w->receipt.server, sizeof(w->receipt.server), "%s", said[i]);
        assert_ptr_equal(w->sent.server, sent_base(&w->sent));
    }
    (void)snprintf(w->receipt.server, sizeof(w->receipt.server), "%s", plain);
    assert_string_equal(plain, sent_base(&w->sent));
}

static void
the_headline_says_what_the_server_can_read(void **state)
{
    struct world *w = *state;
    struct buf b;

    assert_string_equal("Sent report.pdf (1.5 KiB), encrypted end to end.\n",
                        told(&b, sent_headline, &w->sent));
    buf_done(&b);
    make_plain(w);
    memcpy(w->meta.name, "a\033[2Jb", 7);
    assert_string_equal("Sent a?[2Jb (1.5 KiB), not end to end: the server could read it.\n",
                        told(&b, sent_headline, &w->sent));
    buf_done(&b);
}

static void
the_advice_fits_what_was_sent(void **state)
{
    struct world *w = *state;
    struct buf b;

    assert_string_equal("Link:     https://drop.example/x/#" WORDS "\n"
                        "Get it:   mayfly get " WORDS "\n"
                        "      or: curl -s https://drop.example/x/download/" ID
                        " | age -d > report.pdf\n"
                        "Ends:     at 2026-01-01 12:10:00 UTC (in 10:00), or after 1 download\n"
                        "Burn it:  mayfly burn " WORDS "\n",
                        told(&b, sent_advice, &w->sent));
    buf_done(&b);
    make_plain(w);
    w->sent.has_server = true;
    w->sent.is_kept = false;
    w->receipt.uses = 3;
    assert_string_equal(
        "Link:     https://drop.example/x/#velvet-canyon-oboe-thrift\n"
        "Get it:   mayfly get velvet-canyon-oboe-thrift -s https://drop.example/x\n"
        "      or: curl -OJ https://drop.example/x/download/velvet-canyon-oboe-thrift\n"
        "Ends:     at 2026-01-01 12:10:00 UTC (in 10:00), or after 3 downloads\n",
        told(&b, sent_advice, &w->sent));
    buf_done(&b);
}

/* ---- in a shell ---- */

/* Run `script` in an empty folder, which is removed; what it prints goes to `ret_said`. */
static void
run_script(const char *script, char ret_said[1024])
{
    char folder[] = "/tmp/mayfly-sent-XXXXXX";
    int fds[2], status = -1;
    size_t len = 0;
    pid_t child;
    ssize_t n;

    assert_non_null(mkdtemp(folder));
    assert_int_equal(0, pipe(fds));
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (dup2(fds[1], STDOUT_FILENO) == STDOUT_FILENO && chdir(folder) == 0)
            (void)execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(99);
    }
    assert_int_equal(0, close(fds[1]));
    while ((n = read(fds[0], ret_said + len, 1023 - len)) > 0)
        len += (size_t)n;
    ret_said[len] = '\0';
    assert_int_equal(0, close(fds[0]));
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_int_equal(0, status);
    assert_int_equal(0, rmdir(folder)); /* the script has left nothing else */
}

/* The line of the advice that begins with `part`, pasted into a shell whose curl, age and mayfly
 * say what they were given, one word a line. A file of the name `file` must come of it. */
static void
paste(const struct sent *s, const char *part, const char *file, char ret_said[1024])
{
    static const char tools[] =
        "say() { printf '%s\\n' \"$@\" >&3; }\n" /* at once: both sides of a pipe say it */
        "curl() { say curl \"$@\"; }\nage() { say age \"$@\"; }\n"
        "mayfly() { say mayfly \"$@\"; }\nexec 3>&1\n";
    const char *line;
    struct buf b, script;

    line = strstr(told(&b, sent_advice, s), part);
    assert_non_null(line);
    buf_init(&script, SENT_TEXT_MAX);
    assert_ok(buf_addf(&script, "%s%.*s\n", tools, (int)strcspn(line, "\n"), line));
    if (file != NULL)
        assert_ok(buf_addf(&script, "rm -- '%s' || exit 98\n", file));
    run_script(buf_text(&script), ret_said);
    buf_done(&script);
    buf_done(&b);
}

static void
a_name_cannot_break_out_of_the_command(void **state)
{
    static const char *const names[][2] = {
        {"plain.txt", "plain.txt"},
        {"two words.txt", "two words.txt"},
        {"$(touch x).txt", "(touch x).txt"},
        {"`touch x`;touch y", "touch xtouch y"},
        {"../../up", "up"},
        {"-rf", "-rf"},
        {"a\nb", "ab"},
        {"*", "*"},
    };
    struct world *w = *state;
    char said[1024];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(w->meta.name, sizeof(w->meta.name), "%s", names[i][0]);
        paste(&w->sent, "curl -s", names[i][1], said);
        assert_non_null(strstr(said, "curl\n-s\nhttps://drop.example/x/download/" ID "\n"));
        assert_non_null(strstr(said, "age\n-d\n"));
    }
    (void)snprintf(w->meta.name, sizeof(w->meta.name), "it's");
    paste(&w->sent, "curl -s", "it'\\''s", said);
}

static void
an_address_cannot_break_out_of_the_command(void **state)
{
    static const char server[] = "https://drop.example/$(touch x);touch${IFS}y'&[a]";
    struct world *w = *state;
    char said[1024], want[1024];

    w->receipt.server[0] = '\0';
    w->sent.server = server; /* which its user typed so */
    w->sent.has_server = true;
    (void)snprintf(want, sizeof(want), "mayfly\nget\n%s\n-s\n%s\n", WORDS, server);
    paste(&w->sent, "mayfly get", NULL, said);
    assert_string_equal(want, said);
    make_plain(w);
    (void)snprintf(want, sizeof(want), "curl\n-OJ\n%s/download/%s\n", server, w->receipt.key);
    paste(&w->sent, "curl -OJ", NULL, said);
    assert_string_equal(want, said);
}

static void
the_picture_is_of_the_link(void **state)
{
    struct world *w = *state;
    struct buf got, want;

    buf_init(&got, 8 * SENT_TEXT_MAX);
    buf_init(&want, 8 * SENT_TEXT_MAX);
    assert_ok(sent_picture(&w->sent, false, &got));
    assert_ok(qr_draw("https://drop.example/x/#" WORDS, false, &want));
    assert_string_equal(buf_text(&want), buf_text(&got));
    buf_done(&got);
    buf_done(&want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_result_is_the_code_alone, begin),
        cmocka_unit_test_setup(the_object_says_all_that_scripts_want, begin),
        cmocka_unit_test_setup(any_name_comes_back_from_the_object, begin),
        cmocka_unit_test_setup(links_begin_as_the_server_says_but_never_fall_back_to_http, begin),
        cmocka_unit_test_setup(what_a_shell_could_run_is_no_beginning_of_a_link, begin),
        cmocka_unit_test_setup(the_headline_says_what_the_server_can_read, begin),
        cmocka_unit_test_setup(the_advice_fits_what_was_sent, begin),
        cmocka_unit_test_setup(a_name_cannot_break_out_of_the_command, begin),
        cmocka_unit_test_setup(an_address_cannot_break_out_of_the_command, begin),
        cmocka_unit_test_setup(the_picture_is_of_the_link, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
