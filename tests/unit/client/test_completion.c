/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts, run by the shells that they are for. zsh and fish are asked only where they
 * are installed; the text for them is looked at everywhere. */
#include "testing.h"

#include "base/fs.h"
#include "base/mem.h"
#include "client/options_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/mayfly-completion-XXXXXX";

static void
in_folder(const char *name, char ret_path[128])
{
    (void)snprintf(ret_path, 128, "%s/%s", folder, name);
}

static void
write_file(const char *name, const char *text)
{
    char path[128];
    int fd;

    in_folder(name, path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_ok(fs_write_all(fd, text, strlen(text)));
    (void)close(fd);
}

/* Run a shell in the folder; its exit status, and what it printed. */
static int
run(const char *const *argv, char *ret_text, size_t size)
{
    size_t len = 0;
    int fds[2], status;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(folder) != 0 || dup2(fds[1], 1) != 1 || dup2(fds[1], 2) != 2 ||
            setenv("HOME", folder, 1) != 0)
            _exit(126);
        (void)close(fds[0]);
        execvp(argv[0], (char *const *)(const void *)argv);
        _exit(127);
    }
    (void)close(fds[1]);
    while ((n = read(fds[0], ret_text + len, size - 1 - len)) > 0)
        len += (size_t)n;
    ret_text[len] = '\0';
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
script_into(const char *shell, const char *name)
{
    struct buf b;

    buf_init(&b, 65536);
    assert_ok(options_completion(shell, &b));
    write_file(name, buf_text(&b));
    buf_done(&b);
}

/* What bash offers behind the words, the last of which is being typed; each on a line. */
static void
bash_offers(const char *want, const char *words)
{
    char script[1024], got[8192];
    const char *const argv[] = {"bash", "--norc", "-c", script, NULL};

    (void)snprintf(script, sizeof(script),
                   "set -eu; compopt() { :; }; . ./mayfly.bash; COMP_WORDS=(%s); "
                   "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mayfly; "
                   "for w in \"${COMPREPLY[@]}\"; do printf '%%s\\n' \"$w\"; done | LC_ALL=C sort",
                   words);
    assert_int_equal(run(argv, got, sizeof(got)), 0);
    assert_string_equal(got, want);
}

static void
bash_offers_the_commands(void **state)
{
    (void)state;
    bash_offers("--help\n--version\nburn\ncompletion\ndecrypt\nget\nhelp\npreview\nsend\nstatus\n",
                "mayfly ''");
    bash_offers("send\nstatus\n", "mayfly s");
    bash_offers("", "mayfly x");
    bash_offers("get\n", "mayfly help ge");
    bash_offers("bash\n", "mayfly completion b");
}

static void
bash_offers_the_options_of_the_command(void **state)
{
    (void)state;
    bash_offers("--qr\n--quiet\n", "mayfly send --q");
    bash_offers("--quiet\n", "mayfly get --q");
    bash_offers("--max-work\n", "mayfly decrypt file --m");
    bash_offers("", "mayfly burn --watch");
    bash_offers("--watch\n", "mayfly status --w");
    bash_offers("", "mayfly sned --q");
}

static void
bash_offers_files_and_folders_where_they_go(void **state)
{
    (void)state;
    bash_offers("b folder\n", "mayfly get -C ''");
    bash_offers("b folder\n", "mayfly get --directory = ''");
    bash_offers("a file\n", "mayfly send 'a '");
    bash_offers("a file\n", "mayfly burn --token-file a");
    bash_offers("a file\n", "mayfly get --cacert = a");
}

static void
bash_offers_nothing_where_only_people_know(void **state)
{
    (void)state;
    bash_offers("", "mayfly get ''"); /* a code */
    bash_offers("", "mayfly send --expiry ''");
    bash_offers("", "mayfly send --server = ''");
    bash_offers("", "mayfly send -n ''");
}

/* Whether the shell is there; a test that needs it is skipped otherwise. */
static void
need(const char *shell)
{
    const char *const argv[] = {shell, "-c", "exit 0", NULL};
    char got[256];

    if (run(argv, got, sizeof(got)) != 0)
        skip();
}

static void
zsh_reads_its_script(void **state)
{
    static const char *const check[] = {"zsh", "-n", "_mayfly", NULL};
    static const char *const load[] = {"zsh", "-fc",
                                       "fpath=($PWD $fpath); autoload -Uz compinit; "
                                       "compinit -u -d dump; print $_comps[mayfly]; "
                                       "autoload +X _mayfly && print loaded",
                                       NULL};
    char got[8192];

    (void)state;
    need("zsh");
    assert_int_equal(run(check, got, sizeof(got)), 0);
    assert_string_equal(got, "");
    assert_int_equal(run(load, got, sizeof(got)), 0);
    assert_string_equal(got, "_mayfly\nloaded\n");
}

/* What a question of fish's own, complete -C, gives. */
static void
fish_offers(const char *want, const char *line)
{
    char script[512], got[8192];
    const char *const argv[] = {"fish", "--no-config", "-c", script, NULL};

    (void)snprintf(script, sizeof(script),
                   "source mayfly.fish; complete -C'%s' | string replace -r '\\t.*' ''; "
                   "true",
                   line);
    assert_int_equal(run(argv, got, sizeof(got)), 0);
    assert_string_equal(got, want);
}

static void
fish_offers_commands_options_and_files(void **state)
{
    (void)state;
    need("fish");
    fish_offers("send\nstatus\n", "mayfly s");
    fish_offers("--qr\n--quiet\n", "mayfly send --q");
    fish_offers("b folder/\n", "mayfly get -C b");
    fish_offers("", "mayfly get ");
    fish_offers("bash\n", "mayfly completion b");
}

static void
every_script_knows_every_command_and_option(void **state)
{
    static const char *const before[] = {"--", "--", "-l "};

    (void)state;
    for (size_t s = 0; s < N_SHELLS; s++) {
        struct buf b;

        buf_init(&b, 65536);
        assert_ok(options_completion(option_shells[s], &b));
        for (size_t i = 0; i < N_COMMANDS; i++)
            assert_non_null(strstr(buf_text(&b), option_commands[i].name));
        for (size_t i = 0; i < n_options; i++) {
            char name[48];

            (void)snprintf(name, sizeof(name), "%s%s", before[s], option_table[i].name);
            assert_non_null(strstr(buf_text(&b), name));
        }
        buf_done(&b);
    }
}

static void
an_unknown_shell_and_a_full_buffer_give_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 65536);
    assert_err(ERR_FIELD, options_completion("tcsh", &b));
    assert_err(ERR_FIELD, options_completion("", &b));
    assert_int_equal(b.len, 0);
    buf_done(&b);
    for (size_t s = 0; s < N_SHELLS; s++) {
        buf_init(&b, 700);
        assert_ok(buf_add_text(&b, "x"));
        assert_err(ERR_TOOBIG, options_completion(option_shells[s], &b));
        assert_string_equal(buf_text(&b), "x");
        buf_done(&b);
    }
}

static int
set_up(void **state)
{
    char path[128];

    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    script_into("bash", "mayfly.bash");
    script_into("zsh", "_mayfly");
    script_into("fish", "mayfly.fish");
    write_file("a file", "");
    in_folder("b folder", path);
    return mkdir(path, 0700);
}

static int
tear_down(void **state)
{
    static const char *const rm[] = {"rm", "-r", "--", folder, NULL};
    char got[256];

    (void)state;
    return run(rm, got, sizeof(got));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bash_offers_the_commands),
        cmocka_unit_test(bash_offers_the_options_of_the_command),
        cmocka_unit_test(bash_offers_files_and_folders_where_they_go),
        cmocka_unit_test(bash_offers_nothing_where_only_people_know),
        cmocka_unit_test(zsh_reads_its_script),
        cmocka_unit_test(fish_offers_commands_options_and_files),
        cmocka_unit_test(every_script_knows_every_command_and_option),
        cmocka_unit_test(an_unknown_shell_and_a_full_buffer_give_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
