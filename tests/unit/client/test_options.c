/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what is understood, what is refused and how, and that codes leave argv. */
#include "testing.h"

#include "base/mem.h"
#include "base/text.h"
#include "client/options.h"
#include "client/options_int.h"
#include "words/words.h"

#include <stdlib.h>
#include <string.h>

enum { ARGS_MAX = 40 };

/* A command line in memory of its own, as the kernel gives it: parsing may overwrite it. */
struct line {
    int argc;
    char *argv[ARGS_MAX + 1];
    char *owned[ARGS_MAX]; /* argv gets another order */
};

static void
line_init(struct line *l, const char *const *words)
{
    memset(l, 0, sizeof(*l));
    l->owned[l->argc++] = strdup("mayfly");
    for (; *words != NULL; words++) {
        assert_true(l->argc < ARGS_MAX);
        l->owned[l->argc++] = strdup(*words);
    }
    memcpy(l->argv, l->owned, sizeof(l->owned));
}

static void
line_done(struct line *l)
{
    for (int i = 0; i < l->argc; i++)
        free(l->owned[i]);
}

#define LINE(l, ...)                                                                               \
    const char *const words_##l[] = {__VA_ARGS__, NULL};                                           \
    struct line l;                                                                                 \
    line_init(&l, words_##l)

#define REFUSED(sentence, ...)                                                                     \
    do {                                                                                           \
        LINE(refused, __VA_ARGS__);                                                                \
        struct options o_ = {.uses = 77};                                                          \
        assert_err(ERR_FIELD, options_parse(refused.argc, refused.argv, &o_));                     \
        assert_string_equal(err_sentence(), sentence);                                             \
        assert_int_equal(o_.uses, 77);                                                             \
        line_done(&refused);                                                                       \
    } while (0)

static void
options_of_send_are_all_read(void **state)
{
    struct options o;
    LINE(l, "send", "--plain", "-e", "30", "--uses=3", "-n", "Z\xc3\xbcrich.pdf", "--qr", "--json",
         "-q", "--upload-token-file", "t", "-s", "drop.example", "--cacert=ca", "--proxy",
         "socks5://[::1]:9", "a", "b");

    (void)state;
    assert_ok(options_parse(l.argc, l.argv, &o));
    assert_int_equal(o.command, COMMAND_SEND);
    assert_true(o.is_plain && o.has_qr && o.is_json && o.is_quiet);
    assert_false(o.is_forced || o.has_extract || o.is_watching);
    assert_int_equal(o.expiry_min, 30);
    assert_int_equal(o.uses, 3);
    assert_string_equal(o.name, "Z\xc3\xbcrich.pdf");
    assert_string_equal(o.token_file, "t");
    assert_string_equal(o.server, "drop.example");
    assert_string_equal(o.ca_file, "ca");
    assert_string_equal(o.proxy, "socks5://[::1]:9");
    assert_string_equal(l.owned[17], ""); /* it may hold a password */
    assert_int_equal(o.n_args, 2);
    assert_string_equal(o.args[0], "a");
    assert_string_equal(o.args[1], "b");
    assert_null(o.target);
    options_done(&o);
    line_done(&l);
}

static void
what_is_not_given_is_not_set(void **state)
{
    struct options o;
    LINE(l, "send", "-");

    (void)state;
    assert_ok(options_parse(l.argc, l.argv, &o));
    assert_false(o.is_plain || o.is_quiet || o.is_json || o.has_qr);
    assert_true(o.expiry_min == 0 && o.uses == 0 && o.max_work == 0);
    assert_true(o.server == NULL && o.ca_file == NULL && o.proxy == NULL && o.name == NULL);
    assert_true(o.output == NULL && o.dir == NULL && o.token_file == NULL);
    assert_string_equal(o.args[0], "-");
    options_done(&o);
    line_done(&l);
}

static void
options_may_follow_operands_until_two_dashes(void **state)
{
    struct options o;
    LINE(l, "send", "a", "--plain", "b", "--", "--qr", "-x");

    (void)state;
    assert_ok(options_parse(l.argc, l.argv, &o));
    assert_true(o.is_plain && !o.has_qr);
    assert_int_equal(o.n_args, 4);
    assert_string_equal(o.args[1], "b");
    assert_string_equal(o.args[2], "--qr");
    assert_string_equal(o.args[3], "-x");
    options_done(&o);
    line_done(&l);
}

static void
options_of_get_and_decrypt_are_all_read(void **state)
{
    struct options o;
    LINE(l, "get", "-xfC", "dir", "a-b-c", "--json");
    LINE(m, "decrypt", "-o", "-", "--force", "--max-work", "22", "in.age");

    (void)state;
    assert_ok(options_parse(l.argc, l.argv, &o));
    assert_true(o.has_extract && o.is_forced && o.is_json);
    assert_string_equal(o.dir, "dir");
    options_done(&o);
    line_done(&l);
    assert_ok(options_parse(m.argc, m.argv, &o));
    assert_string_equal(o.output, "-");
    assert_true(o.is_forced);
    assert_int_equal(o.max_work, 22);
    assert_int_equal(o.n_args, 1);
    options_done(&o);
    line_done(&m);
}

static void
options_of_status_and_burn_are_all_read(void **state)
{
    struct options o;
    LINE(l, "status", "-w", "--json");
    LINE(m, "burn", "--token-file", "t", "--json", "-q");

    (void)state;
    assert_ok(options_parse(l.argc, l.argv, &o));
    assert_true(o.command == COMMAND_STATUS && o.is_watching && o.is_json && o.target == NULL);
    options_done(&o);
    line_done(&l);
    assert_ok(options_parse(m.argc, m.argv, &o));
    assert_true(o.command == COMMAND_BURN && o.is_json && o.is_quiet);
    assert_string_equal(o.token_file, "t");
    options_done(&o);
    line_done(&m);
}

static void
a_code_is_moved_out_of_argv(void **state)
{
    static const char *const commands[] = {"get", "preview", "status", "burn"};
    static const char code[] = "velvet canyon oboe thrift";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct options o;
        LINE(l, commands[i], "velvet", "canyon", "-q", "oboe", "thrift", "--server=drop.example");

        assert_ok(options_parse(l.argc, l.argv, &o));
        assert_int_equal(secret_len(o.target), strlen(code));
        assert_memory_equal(secret_bytes(o.target), code, strlen(code));
        assert_string_equal(o.server, "drop.example");
        assert_int_equal(o.n_args, 0);
        for (int k = 2; k < l.argc; k++)
            assert_true(l.owned[k][0] == '\0' || l.owned[k][0] == '-');
        assert_memory_equal(l.owned[2], "\0\0\0\0\0", 6);
        options_done(&o);
        line_done(&l);
    }
}

static void
one_dash_or_nothing_is_no_target(void **state)
{
    struct options o;
    LINE(l, "get", "-");
    LINE(m, "get");
    LINE(n, "get", "-", "x");

    (void)state;
    assert_ok(options_parse(l.argc, l.argv, &o));
    assert_null(o.target);
    assert_ok(options_parse(m.argc, m.argv, &o));
    assert_null(o.target);
    assert_ok(options_parse(n.argc, n.argv, &o));
    assert_int_equal(secret_len(o.target), 3);
    options_done(&o);
    line_done(&l);
    line_done(&m);
    line_done(&n);
}

static void
a_target_has_a_longest_length(void **state)
{
    char longest[2048 + 1], longer[2048 - 1 + 1];
    struct options o;

    (void)state;
    memset(longest, 'a', sizeof(longest));
    longest[2048] = '\0';
    memset(longer, 'a', sizeof(longer));
    longer[2047] = '\0';
    LINE(l, "get", longest);
    assert_ok(options_parse(l.argc, l.argv, &o));
    assert_int_equal(secret_len(o.target), 2048);
    options_done(&o);
    line_done(&l);
    REFUSED("a code or link has at most 2048 characters", "get", longer, "a");
}

static void
a_refusal_repeats_no_code_and_wipes_it_too(void **state)
{
    struct options o;
    LINE(l, "get", "velvet-canyon", "--nonsense", "-o", "x", "-x");

    (void)state;
    REFUSED("unknown option; see mayfly get --help", "get", "--velvet-canyon");
    REFUSED("unknown option; see mayfly burn --help", "burn", "velvet", "-z");
    REFUSED("an option lacks its value; see mayfly get --help", "get", "velvet", "-o");
    assert_err(ERR_FIELD, options_parse(l.argc, l.argv, &o));
    assert_string_equal(l.owned[2], "");
    line_done(&l);
}

static void
wrong_options_are_named_where_they_are_no_code(void **state)
{
    (void)state;
    REFUSED("--nonsense is no option; see mayfly send --help", "send", "--nonsense", "a");
    REFUSED("-z is no option; see mayfly send --help", "send", "-qz", "a");
    REFUSED("-x is no option; see mayfly send --help", "send", "-x", "a"); /* that of get */
    REFUSED("--a?b is no option; see mayfly send --help", "send",
            "--a\x1b"
            "b");
    REFUSED("-e takes a value; see mayfly send --help", "send", "-e");
    REFUSED("--expiry takes a value; see mayfly send --help", "send", "--expiry");
    REFUSED("--json takes no value; see mayfly get --help", "get", "--json=1");
    REFUSED("--server is no option; see mayfly decrypt --help", "decrypt", "--server");
}

static void
numbers_have_their_range(void **state)
{
    static const char *const bad[] = {
        "0", "-1", "525601", "1.5", "5m", " 5", "+5", "0x5", "99999999999999999999"};
    struct options o;
    LINE(l, "send", "-e", "525600", "-u", "10000", "a");

    (void)state;
    assert_ok(options_parse(l.argc, l.argv, &o));
    assert_true(o.expiry_min == 525600 && o.uses == 10000);
    options_done(&o);
    line_done(&l);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        REFUSED("--expiry takes a number from 1 to 525600", "send", "a", "-e", bad[i]);
    REFUSED("--uses takes a number from 1 to 10000", "send", "a", "-u", "10001");
    REFUSED("--max-work takes a number from 1 to 22", "decrypt", "--max-work=23");
    REFUSED("--server takes a value that is not empty", "send", "--server=", "a");
    REFUSED("--output takes a value that is not empty", "get", "-o", "");
}

static void
contradictions_are_refused(void **state)
{
    struct options o;
    LINE(fine, "send", "--qr", "--json", "a");

    (void)state;
    REFUSED("--output cannot go with --directory", "get", "-o", "f", "-C", "d", "a-b-c");
    REFUSED("--output cannot go with --extract", "get", "-x", "-o", "f");
    REFUSED("--json and the file cannot both go to standard output", "get", "-o-", "--json");
    REFUSED("--name takes text without control characters", "send", "-n", "a\nb", "f");
    REFUSED("--name takes text without control characters", "send", "-n", "a\xc2\x9b", "f");
    REFUSED("--name takes text without control characters", "send", "-n", "a\xff", "f");
    assert_ok(options_parse(fine.argc, fine.argv, &o));
    options_done(&o);
    line_done(&fine);
}

static void
names_have_a_longest_length(void **state)
{
    char name[257];
    struct options o;

    (void)state;
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    REFUSED("--name takes at most 255 bytes", "send", "-n", name, "f");
    LINE(l, "send", "-n", name + 1, "f");
    assert_ok(options_parse(l.argc, l.argv, &o));
    options_done(&o);
    line_done(&l);
}

static void
operands_are_counted(void **state)
{
    (void)state;
    REFUSED("nothing to send: name a file, or - for standard input", "send", "--plain");
    REFUSED("too many arguments; see mayfly decrypt --help", "decrypt", "a", "b");
    REFUSED("something is missing; see mayfly completion --help", "completion");
    REFUSED("too many arguments; see mayfly help --help", "help", "a", "b");
}

static void
the_command_comes_first(void **state)
{
    char *none[] = {NULL};
    struct options o;

    (void)state;
    REFUSED("the command comes before its options; see mayfly --help", "-q", "send", "a");
    REFUSED("unknown command; see mayfly --help", "sned", "a");
    REFUSED("unknown command; see mayfly --help", "");
    assert_err(ERR_FIELD, options_parse(0, none, &o));
    assert_string_equal(err_sentence(), "no command; see mayfly --help");
}

static void
help_and_version_are_commands_too(void **state)
{
    static const char *const lines[][4] = {
        {"--help"}, {"-h"}, {"help"}, {"get", "--help"}, {"get", "-qh", "x"}, {"help", "get"}};
    struct options o;
    LINE(v, "--version");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct line l;

        line_init(&l, lines[i]);
        assert_ok(options_parse(l.argc, l.argv, &o));
        assert_int_equal(o.command, COMMAND_HELP);
        assert_int_equal(o.n_args, i < 3 ? 0 : 1);
        if (i >= 3)
            assert_string_equal(o.args[0], "get");
        options_done(&o);
        line_done(&l);
    }
    assert_ok(options_parse(v.argc, v.argv, &o));
    assert_int_equal(o.command, COMMAND_VERSION);
    line_done(&v);
}

/* ---- the table and its help ---- */

static void
the_table_is_of_one_piece(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_options; i++) {
        const struct option_def *a = &option_table[i];

        assert_true(a->commands != 0 && a->help[strlen(a->help) - 1] != '.');
        assert_true((a->value == VALUE_NONE) == (a->value_name == NULL));
        assert_true((a->value == VALUE_NUMBER) == (a->max > 0));
        assert_null(strpbrk(a->help, "`$\n")); /* what shells would read */
        for (size_t k = 0; k < i; k++) {
            const struct option_def *b = &option_table[k];

            assert_false((a->commands & b->commands) != 0 && strcmp(a->name, b->name) == 0);
            assert_false((a->commands & b->commands) != 0 && a->letter != 0 &&
                         a->letter == b->letter);
            if (strcmp(a->name, b->name) == 0) /* completion goes by the name alone */
                assert_int_equal(a->value, b->value);
        }
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        assert_null(strpbrk(option_commands[i].help, "`$\n"));
}

/* Who tries the example must not be told that one of its words is none. */
static void
the_code_of_the_example_could_be_one(void **state)
{
    static const char before[] = "$ mayfly get ";
    struct share_code code;
    const char *at, *end;
    char text[128];
    struct buf b;

    (void)state;
    buf_init(&b, 64 * 1024);
    assert_ok(options_help(COMMAND_HELP, &b));
    at = strstr(buf_text(&b), before);
    assert_non_null(at);
    at += strlen(before);
    end = strchr(at, '\n');
    assert_true(end != NULL && (size_t)(end - at) < sizeof(text));
    memcpy(text, at, (size_t)(end - at));
    text[end - at] = '\0';
    assert_ok(words_parse(words_builtin(), CODE_WORDS_E2E, text, &code));
    text[0] = 'q';
    assert_err(ERR_NOTFOUND, words_parse(words_builtin(), CODE_WORDS_E2E, text, &code));
    buf_done(&b);
}

static void
every_command_is_found_by_its_name(void **state)
{
    enum command command = COMMAND_N;

    (void)state;
    for (unsigned i = 0; i < N_COMMANDS; i++) {
        assert_ok(options_command(option_commands[i].name, &command));
        assert_int_equal(command, i);
    }
    assert_err(ERR_FIELD, options_command("ge", &command));
    assert_err(ERR_FIELD, options_command("", &command));
}

static void
help_names_every_option_and_fits_80_columns(void **state)
{
    struct buf b;

    (void)state;
    for (unsigned c = 0; c < N_COMMANDS; c++) {
        buf_init(&b, 65536);
        assert_ok(options_help((enum command)c, &b));
        for (size_t i = 0; i < n_options && c != COMMAND_HELP; i++) {
            char name[40];
            bool is_there;

            (void)snprintf(name, sizeof(name), " --%s%s", option_table[i].name,
                           option_table[i].value == VALUE_NONE ? "" : " ");
            is_there = strstr(buf_text(&b), name) != NULL;
            assert_int_equal(is_there, (option_table[i].commands & COMMAND_BIT(c)) != 0);
        }
        for (const char *at = buf_text(&b); *at != '\0'; at += strcspn(at, "\n") + 1) {
            assert_true(strcspn(at, "\n") < 80);
            assert_true(at[0] == '\n' || at[strcspn(at, "\n") - 1] != ' ');
        }
        buf_done(&b);
    }
}

static void
help_for_all_shows_commands_exit_codes_environment_and_files(void **state)
{
    static const char *const must[] = {"\n  7  ",
                                       "\n  6  ",
                                       "MAYFLY_SERVER",
                                       "MAYFLY_UPLOAD_TOKEN",
                                       "MAYFLY_BURN_TOKEN",
                                       "~/.config/mayfly/config",
                                       "~/.local/state/mayfly"};
    struct buf b;

    (void)state;
    buf_init(&b, 65536);
    assert_ok(options_help(COMMAND_HELP, &b));
    for (size_t i = 0; i < ARRAY_LEN(must); i++)
        assert_non_null(strstr(buf_text(&b), must[i]));
    for (size_t i = 0; i < N_COMMANDS; i++)
        assert_non_null(strstr(buf_text(&b), option_commands[i].help));
    buf_done(&b);
    buf_init(&b, 100);
    assert_err(ERR_TOOBIG, options_help(COMMAND_HELP, &b));
    buf_done(&b);
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
        cmocka_unit_test(options_of_send_are_all_read),
        cmocka_unit_test(what_is_not_given_is_not_set),
        cmocka_unit_test(options_may_follow_operands_until_two_dashes),
        cmocka_unit_test(options_of_get_and_decrypt_are_all_read),
        cmocka_unit_test(options_of_status_and_burn_are_all_read),
        cmocka_unit_test(a_code_is_moved_out_of_argv),
        cmocka_unit_test(one_dash_or_nothing_is_no_target),
        cmocka_unit_test(a_target_has_a_longest_length),
        cmocka_unit_test(a_refusal_repeats_no_code_and_wipes_it_too),
        cmocka_unit_test(wrong_options_are_named_where_they_are_no_code),
        cmocka_unit_test(numbers_have_their_range),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(names_have_a_longest_length),
        cmocka_unit_test(operands_are_counted),
        cmocka_unit_test(the_command_comes_first),
        cmocka_unit_test(help_and_version_are_commands_too),
        cmocka_unit_test(the_table_is_of_one_piece),
        cmocka_unit_test(the_code_of_the_example_could_be_one),
        cmocka_unit_test(every_command_is_found_by_its_name),
        cmocka_unit_test(help_names_every_option_and_fits_80_columns),
        cmocka_unit_test(help_for_all_shows_commands_exit_codes_environment_and_files),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
