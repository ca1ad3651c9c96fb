/* SPDX-License-Identifier: Apache-2.0 */
/* Options before the environment before the file before the defaults; what cannot be right; and
 * tokens, which leave the environment. */
#include "testing.h"

#include "base/fs.h"
#include "base/mem.h"
#include "client/settings.h"
#include "client/settings_file.h"
#include "client/term.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 256, ENV_MAX = 8 };

static char folder[] = "/tmp/mayfly-settings-XXXXXX";

/* A path in the test's folder, in one of a few places that take turns. */
static const char *
in_folder(const char *name)
{
    static char paths[4][PATH_LEN];
    static unsigned turn;
    char *path = paths[turn++ % ARRAY_LEN(paths)];

    (void)snprintf(path, PATH_LEN, "%s/%s", folder, name);
    return path;
}

static const char *
write_file(const char *name, const char *bytes, size_t len, mode_t mode)
{
    const char *path = in_folder(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_ok(fs_write_all(fd, bytes, len));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
    return path;
}

static void
write_config(const char *text)
{
    (void)write_file("xdg/mayfly/config", text, strlen(text), 0600);
}

/* An environment in memory of its own: loading wipes in it. */
struct env {
    char text[ENV_MAX][PATH_LEN + 32];
    char *list[ENV_MAX + 1];
};

static void
env_init(struct env *e, const char *const *variables)
{
    size_t n = 0;

    memset(e, 0, sizeof(*e));
    (void)snprintf(e->text[n], sizeof(e->text[n]), "XDG_CONFIG_HOME=%s", in_folder("xdg"));
    e->list[n] = e->text[n];
    for (n = 1; *variables != NULL; variables++, n++) {
        assert_true(n < ENV_MAX);
        (void)snprintf(e->text[n], sizeof(e->text[n]), "%s", *variables);
        e->list[n] = e->text[n];
    }
}

#define ENV(e, ...)                                                                                \
    const char *const variables_##e[] = {__VA_ARGS__};                                             \
    struct env e;                                                                                  \
    env_init(&e, variables_##e)

static void
refused(enum err want, const char *sentence, const struct options *o, struct env *e)
{
    struct settings s = {.uses = 77};

    assert_err(want, settings_load(o, e->list, &s));
    assert_string_equal(err_sentence(), sentence);
    assert_int_equal(s.uses, 77);
}

static void
is_token(const char *want, const struct secret *token)
{
    assert_non_null(token);
    assert_int_equal(secret_len(token), strlen(want));
    assert_memory_equal(secret_bytes(token), want, strlen(want));
}

/* ---- who wins ---- */

static void
nothing_said_means_the_defaults(void **state)
{
    struct options o = {.command = COMMAND_SEND};
    struct settings s;
    char *none[] = {NULL};
    ENV(e, NULL);

    (void)state;
    (void)unlink(in_folder("xdg/mayfly/config"));
    for (int i = 0; i < 2; i++) {
        assert_ok(settings_load(&o, i == 0 ? e.list : none, &s));
        assert_string_equal(s.server, "http://127.0.0.1:8000");
        assert_false(s.has_server);
        assert_true(s.ca_file[0] == '\0' && s.proxy[0] == '\0');
        assert_true(s.expiry_min == 0 && s.uses == 0);
        assert_true(s.upload_token == NULL && s.burn_token == NULL);
        settings_done(&s);
    }
}

static void
the_file_sets_everything(void **state)
{
    struct options o = {.command = COMMAND_SEND};
    struct settings s;
    char home[PATH_LEN], text[1024];
    ENV(e, home, NULL);

    (void)state;
    (void)snprintf(home, sizeof(home), "HOME=%s", folder);
    env_init(&e, variables_e);
    (void)snprintf(text, sizeof(text),
                   "# mine\r\n\n  server = Drop.Example/x/ \ncacert=%s\nproxy=socks5h://p:1\n"
                   "expiry=30\n\tuses=2\ntoken-file=~/token",
                   write_file("ca", "", 0, 0600));
    write_config(text);
    (void)write_file("token", "upload-me\n", 10, 0600);
    assert_ok(settings_load(&o, e.list, &s));
    assert_string_equal(s.server, "https://drop.example/x");
    assert_true(s.has_server);
    assert_string_equal(s.ca_file, in_folder("ca"));
    assert_string_equal(s.proxy, "socks5h://p:1");
    assert_true(s.expiry_min == 30 && s.uses == 2);
    is_token("upload-me", s.upload_token);
    settings_done(&s);
}

static void
the_environment_wins_over_the_file_and_options_over_both(void **state)
{
    struct options o = {.command = COMMAND_SEND};
    struct settings s;
    ENV(e, "MAYFLY_SERVER=http://localhost:1", "MAYFLY_UPLOAD_TOKEN=env", NULL);

    (void)state;
    write_config("server=file.example\nproxy=http://file:1\nexpiry=1\nuses=1\ntoken-file=/none\n");
    assert_ok(settings_load(&o, e.list, &s));
    assert_string_equal(s.server, "http://localhost:1");
    assert_true(s.has_server && s.expiry_min == 1);
    is_token("env", s.upload_token);
    settings_done(&s);

    env_init(&e, variables_e);
    o.server = "option.example";
    o.proxy = "http://option:1";
    o.ca_file = write_file("ca2", "", 0, 0600);
    o.expiry_min = o.uses = 9;
    o.token_file = write_file("token2", "option", 6, 0600);
    assert_ok(settings_load(&o, e.list, &s));
    assert_string_equal(s.server, "https://option.example");
    assert_string_equal(s.proxy, "http://option:1");
    assert_string_equal(s.ca_file, o.ca_file);
    assert_true(s.expiry_min == 9 && s.uses == 9);
    is_token("option", s.upload_token);
    settings_done(&s);
}

static void
an_empty_variable_says_nothing(void **state)
{
    struct options o = {.command = COMMAND_BURN};
    struct settings s;
    ENV(e, "MAYFLY_SERVER=", "MAYFLY_BURN_TOKEN=", NULL);

    (void)state;
    write_config("");
    assert_ok(settings_load(&o, e.list, &s));
    assert_string_equal(s.server, "http://127.0.0.1:8000");
    assert_false(s.has_server);
    assert_null(s.burn_token);
    settings_done(&s);
}

static void
without_xdg_the_file_is_below_home(void **state)
{
    struct options o = {.command = COMMAND_GET};
    struct settings s;
    char home[PATH_LEN], *list[] = {home, NULL, NULL};
    char relative[] = "XDG_CONFIG_HOME=xdg";

    (void)state;
    (void)snprintf(home, sizeof(home), "HOME=%s", folder);
    assert_int_equal(mkdir(in_folder(".config"), 0700), 0);
    assert_int_equal(mkdir(in_folder(".config/mayfly"), 0700), 0);
    (void)write_file(".config/mayfly/config", "uses=5\n", 7, 0644);
    for (int i = 0; i < 2; i++) {
        list[1] = i == 0 ? NULL : relative; /* to be ignored, says its specification */
        assert_ok(settings_load(&o, list, &s));
        assert_int_equal(s.uses, 5);
        settings_done(&s);
    }
}

/* ---- tokens ---- */

static void
tokens_leave_the_environment_whatever_happens(void **state)
{
    struct options o = {.command = COMMAND_BURN};
    struct settings s;
    ENV(e, "MAYFLY_BURN_TOKEN=burn", "MAYFLY_UPLOAD_TOKEN=up", "MAYFLY_UPLOAD_TOKEN=twice", NULL);

    (void)state;
    write_config("");
    assert_ok(settings_load(&o, e.list, &s));
    is_token("burn", s.burn_token);
    assert_null(s.upload_token); /* not what this command needs */
    settings_done(&s);
    for (size_t i = 1; i <= 3; i++) {
        const char *value = strchr(e.text[i], '=') + 1;

        assert_memory_equal(value, "\0\0\0", 3);
    }
    env_init(&e, variables_e);
    write_config("nonsense=1\n");
    assert_err(ERR_FIELD, settings_load(&o, e.list, &s));
    assert_string_equal(e.text[1], "MAYFLY_BURN_TOKEN=");
    assert_string_equal(e.text[2], "MAYFLY_UPLOAD_TOKEN=");
}

static void
a_token_file_is_one_line_of_512_bytes_at_most(void **state)
{
    static const char *const bad[] = {"",      "\n", "a b\n", "a\nb\n",
                                      "a\n\n", " a", "a\t",   "\xc3\xbc"};
    struct options o = {.command = COMMAND_BURN};
    struct settings s;
    char longest[514];
    ENV(e, NULL);

    (void)state;
    write_config("");
    memset(longest, 't', sizeof(longest));
    memcpy(longest + 512, "\r\n", 2);
    o.token_file = write_file("token", longest, 514, 0600);
    assert_ok(settings_load(&o, e.list, &s));
    assert_int_equal(secret_len(s.burn_token), 512);
    settings_done(&s);
    longest[512] = 't';
    o.token_file = write_file("token", longest, 514, 0600);
    refused(ERR_FIELD, "the token's file: a token is one line of 1 to 512 characters", &o, &e);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        o.token_file = write_file("token", bad[i], strlen(bad[i]), 0600);
        assert_err(ERR_FIELD, settings_load(&o, e.list, &s));
    }
    o.token_file = write_file("token", "a\0b", 3, 0600);
    assert_err(ERR_FIELD, settings_load(&o, e.list, &s));
}

static void
a_file_that_was_named_must_be_there(void **state)
{
    struct options o = {.command = COMMAND_SEND};
    ENV(e, NULL);

    (void)state;
    write_config("");
    o.token_file = in_folder("missing");
    refused(ERR_IO, "the token's file: it cannot be opened: No such file or directory", &o, &e);
    o.token_file = NULL;
    write_config("token-file=/nowhere/at/all\n");
    assert_err(ERR_IO,
               (o.command = COMMAND_SEND, settings_load(&o, e.list, &(struct settings){0})));
    write_config("");
    o.ca_file = in_folder("missing");
    refused(ERR_IO, "the file of certificates cannot be opened: No such file or directory", &o, &e);
}

static void
a_token_that_is_not_needed_is_not_missed(void **state)
{
    struct options o = {.command = COMMAND_GET};
    struct settings s;
    ENV(e, "MAYFLY_BURN_TOKEN=a b", NULL);

    (void)state;
    write_config("token-file=/nowhere/at/all\n");
    assert_ok(settings_load(&o, e.list, &s));
    assert_true(s.upload_token == NULL && s.burn_token == NULL);
    settings_done(&s);
}

static void
a_token_file_for_all_to_read_is_worth_a_note(void **state)
{
    struct options o = {.command = COMMAND_BURN};
    struct settings s;
    char got[256] = "";
    int fds[2], was;
    ENV(e, NULL);

    (void)state;
    write_config("");
    o.token_file = write_file("open-token", "t", 1, 0644);
    assert_int_equal(pipe(fds), 0);
    was = dup(STDERR_FILENO);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    for (int i = 0; i < 2; i++) {
        assert_ok(settings_load(&o, e.list, &s));
        settings_done(&s);
        o.token_file = write_file("open-token", "t", 1, 0600); /* not a second note */
    }
    (void)fflush(stderr);
    assert_int_equal(dup2(was, STDERR_FILENO), STDERR_FILENO);
    (void)close(was);
    (void)close(fds[1]);
    assert_true(read(fds[0], got, sizeof(got) - 1) > 0);
    (void)close(fds[0]);
    assert_string_equal(got, "Note: others can read the token's file: chmod go-r\n");
}

/* ---- what cannot be right ---- */

static void
a_file_that_others_can_write_is_refused(void **state)
{
    static const char sentence[] = "the configuration file: others can write to it: chmod go-w";
    struct options o = {.command = COMMAND_GET};
    struct settings s;
    ENV(e, NULL);

    (void)state;
    (void)write_file("xdg/mayfly/config", "", 0, 0620);
    refused(ERR_FIELD, sentence, &o, &e);
    (void)write_file("xdg/mayfly/config", "", 0, 0602);
    refused(ERR_FIELD, sentence, &o, &e);
    (void)write_file("xdg/mayfly/config", "", 0, 0644);
    assert_ok(settings_load(&o, e.list, &s));
    settings_done(&s);
}

static void
a_folder_in_the_files_place_is_refused(void **state)
{
    struct options o = {.command = COMMAND_GET};
    ENV(e, NULL);

    (void)state;
    (void)unlink(in_folder("xdg/mayfly/config"));
    assert_int_equal(mkdir(in_folder("xdg/mayfly/config"), 0700), 0);
    refused(ERR_FIELD, "the configuration file: it is no file", &o, &e);
    assert_int_equal(rmdir(in_folder("xdg/mayfly/config")), 0);
}

static void
a_wrong_server_says_who_named_it(void **state)
{
    struct options o = {.command = COMMAND_GET};
    ENV(e, "MAYFLY_SERVER=ftp://x", NULL);

    (void)state;
    write_config("server=file.example\n");
    refused(ERR_FIELD, "MAYFLY_SERVER: an address begins with http:// or https://", &o, &e);
    o.server = "a b";
    refused(ERR_FIELD, "--server: this is no address of a server", &o, &e);
    o.server = "fine.example";
    write_config("\n\nserver=a?b\n");
    refused(ERR_FIELD,
            "the configuration file: line 3: the address of a server has no query and no fragment",
            &o, &e);
}

static void
what_is_too_long_is_refused_and_not_cut(void **state)
{
    char longer[SETTINGS_PATH_LEN + 1];
    struct options o = {.command = COMMAND_GET, .proxy = longer};
    ENV(e, NULL);

    (void)state;
    write_config("");
    memset(longer, 'p', sizeof(longer));
    longer[SETTINGS_PATH_LEN] = '\0';
    refused(ERR_FIELD, "--proxy takes at most 1023 bytes", &o, &e);
}

/* ---- the file's bytes ---- */

static void
parse_refuses(const char *sentence, const char *text)
{
    struct settings_file f = {.uses = 77};

    assert_err(ERR_FIELD, settings_file_parse(text, strlen(text), &f));
    assert_string_equal(err_sentence(), sentence);
    assert_int_equal(f.uses, 77);
}

static void
every_mistake_in_the_file_is_told_with_its_line(void **state)
{
    (void)state;
    parse_refuses("line 1: this is not NAME=value", "server");
    parse_refuses("line 2: the names are server, cacert, proxy, expiry, uses and token-file",
                  "uses=1\ninsecure=1\n");
    parse_refuses("line 1: the names are server, cacert, proxy, expiry, uses and token-file",
                  "Server=x\n");
    parse_refuses("line 1: the names are server, cacert, proxy, expiry, uses and token-file", "=x");
    parse_refuses("line 3: uses stands there twice", "uses=1\n\nuses=1\n");
    parse_refuses("line 1: uses has no value", "uses= \n");
    parse_refuses("line 1: a value begins with a quote: write it without", "proxy=\"x\"\n");
    parse_refuses("line 1: there is a control character", "proxy=a\x1b\n");
    parse_refuses("line 1: there is a control character", "# \x07\n");
    parse_refuses("line 1: there is a control character", "proxy=a\rb\n");
    parse_refuses("line 1: expiry takes a number from 1 to 525600", "expiry=0\n");
    parse_refuses("line 1: uses takes a number from 1 to 10000", "uses=10001\n");
    parse_refuses("line 1: cacert takes a path that begins with / or ~/", "cacert=ca.pem\n");
    parse_refuses("line 1: token-file takes a path that begins with / or ~/",
                  "token-file=~root/t\n");
}

static void
a_value_of_the_file_has_a_longest_length(void **state)
{
    char text[SETTINGS_PATH_LEN + 8];
    struct settings_file f;

    (void)state;
    memset(text, 'p', sizeof(text));
    memcpy(text, "proxy=", 6);
    assert_ok(settings_file_parse(text, 6 + SETTINGS_PATH_LEN - 1, &f));
    assert_int_equal(strlen(f.proxy), SETTINGS_PATH_LEN - 1);
    assert_err(ERR_FIELD, settings_file_parse(text, 6 + SETTINGS_PATH_LEN, &f));
    assert_string_equal(err_sentence(), "line 1: the value of proxy is too long");
}

static int
set_up(void **state)
{
    bool locked;

    (void)state;
    if (crypt_init(&locked) != ERR_OK || mkdtemp(folder) == NULL)
        return -1;
    return mkdir(in_folder("xdg"), 0700) != 0 ? -1 : mkdir(in_folder("xdg/mayfly"), 0700);
}

static int
tear_down(void **state)
{
    static const char *const files[] = {
        "xdg/mayfly/config", ".config/mayfly/config", "ca", "ca2", "token", "token2", "open-token"};
    static const char *const folders[] = {"xdg/mayfly", "xdg", ".config/mayfly", ".config"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        (void)unlink(in_folder(files[i]));
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        (void)rmdir(in_folder(folders[i]));
    crypt_done();
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_means_the_defaults),
        cmocka_unit_test(the_file_sets_everything),
        cmocka_unit_test(the_environment_wins_over_the_file_and_options_over_both),
        cmocka_unit_test(an_empty_variable_says_nothing),
        cmocka_unit_test(without_xdg_the_file_is_below_home),
        cmocka_unit_test(tokens_leave_the_environment_whatever_happens),
        cmocka_unit_test(a_token_file_is_one_line_of_512_bytes_at_most),
        cmocka_unit_test(a_file_that_was_named_must_be_there),
        cmocka_unit_test(a_token_that_is_not_needed_is_not_missed),
        cmocka_unit_test(a_token_file_for_all_to_read_is_worth_a_note),
        cmocka_unit_test(a_file_that_others_can_write_is_refused),
        cmocka_unit_test(a_folder_in_the_files_place_is_refused),
        cmocka_unit_test(a_wrong_server_says_who_named_it),
        cmocka_unit_test(what_is_too_long_is_refused_and_not_cut),
        cmocka_unit_test(every_mistake_in_the_file_is_told_with_its_line),
        cmocka_unit_test(a_value_of_the_file_has_a_longest_length),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
