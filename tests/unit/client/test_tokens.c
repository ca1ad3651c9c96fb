/* SPDX-License-Identifier: Apache-2.0 */
/* tokens: what is kept, how private, and what is forgotten. */
#include "testing.h"

#include "client/tokens.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UPLOADS "state/mayfly/uploads"

static const char server[] = "https://drop.example", key[] = "velvet-canyon-oboe-thrift",
                  token[] = "0123456789abcdefABCDEF-_";

static char folder[32];

static int
begin(void **state)
{
    char path[64];
    bool locked;

    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/mayfly-tokens-XXXXXX");
    if (mkdtemp(folder) == NULL || chdir(folder) != 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/state", folder);
    if (setenv("XDG_STATE_HOME", path, 1) != 0 || unsetenv("HOME") != 0)
        return -1;
    return crypt_init(&locked) == ERR_OK ? 0 : -1;
}

static void
empty(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;

    if (d == NULL)
        return;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            unlinkat(dirfd(d), e->d_name, 0) != 0)
            (void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
    }
    (void)closedir(d);
}

static int
end(void **state)
{
    (void)state;
    crypt_done();
    empty(UPLOADS);
    (void)rmdir(UPLOADS);
    (void)rmdir("state/mayfly");
    (void)rmdir("state");
    empty("home/.local/state/mayfly/uploads");
    (void)rmdir("home/.local/state/mayfly/uploads");
    (void)rmdir("home/.local/state/mayfly");
    (void)rmdir("home/.local/state");
    (void)rmdir("home/.local");
    (void)rmdir("home");
    return chdir("/") != 0 ? -1 : rmdir(folder);
}

/* How many files there are; the path of one of them. */
static size_t
listing(char ret_path[300])
{
    DIR *d = opendir(UPLOADS);
    struct dirent *e;
    size_t n = 0;

    if (d == NULL)
        return 0;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (void)snprintf(ret_path, 300, UPLOADS "/%s", e->d_name);
        n++;
    }
    (void)closedir(d);
    return n;
}

static void
write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(0, fclose(f));
}

static bool
is_kept(const char *of)
{
    char got_server[SERVER_TEXT_LEN];
    struct secret *got = NULL;
    enum err e = tokens_get(of, got_server, &got);

    secret_free(got);
    if (e != ERR_OK)
        assert_int_equal(ERR_NOTFOUND, e);
    return e == ERR_OK;
}

static void
what_is_put_is_got_until_it_is_forgotten(void **state)
{
    char got_server[SERVER_TEXT_LEN];
    struct secret *got = NULL;

    (void)state;
    assert_ok(tokens_put(server, key, token, 1000));
    assert_ok(tokens_get(key, got_server, &got));
    assert_string_equal(server, got_server);
    assert_int_equal(strlen(token), secret_len(got));
    assert_memory_equal(token, secret_bytes(got), secret_len(got));
    secret_free(got);
    got = NULL;
    assert_err(ERR_NOTFOUND, tokens_get("velvet-canyon-oboe-thrifty", got_server, &got));
    assert_null(got);
    tokens_forget("velvet-canyon-oboe-thrifty", server);
    assert_true(is_kept(key));
    tokens_forget(key, "http://another.example"); /* which may say what it likes */
    assert_true(is_kept(key));
    tokens_forget(key, server);
    assert_false(is_kept(key));
    tokens_forget(key, server); /* and again */
}

static void
a_second_put_replaces_the_first(void **state)
{
    char got_server[SERVER_TEXT_LEN], path[300];
    struct secret *got = NULL;

    (void)state;
    assert_ok(tokens_put(server, key, token, 1000));
    assert_ok(tokens_put("http://127.0.0.1:8000", key, "other", 2000));
    assert_int_equal(1, listing(path));
    assert_ok(tokens_get(key, got_server, &got));
    assert_string_equal("http://127.0.0.1:8000", got_server);
    assert_memory_equal("other", secret_bytes(got), 5);
    secret_free(got);
    tokens_forget(key, "http://127.0.0.1:8000");
}

static void
folder_and_file_are_private_and_show_no_code(void **state)
{
    char path[300], text[1024] = "";
    struct stat st;
    FILE *f;

    (void)state;
    (void)umask(0);
    assert_ok(tokens_put(server, key, token, 1000));
    (void)umask(077);
    assert_int_equal(1, listing(path));
    assert_null(strstr(path, "velvet"));
    assert_int_equal(strlen(UPLOADS) + 1 + 26, strlen(path));
    assert_int_equal(0, stat(path, &st));
    assert_int_equal(S_IFREG | 0600, st.st_mode);
    assert_int_equal(0, stat(UPLOADS, &st));
    assert_int_equal(S_IFDIR | 0700, st.st_mode);
    f = fopen(path, "re");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
    assert_int_equal(0, fclose(f));
    assert_null(strstr(text, "velvet"));
    tokens_forget(key, server);
}

static void
a_folder_that_others_can_write_to_is_refused(void **state)
{
    char got_server[SERVER_TEXT_LEN], path[300];
    struct secret *got = NULL;

    (void)state;
    assert_ok(tokens_put(server, key, token, 1000));
    assert_int_equal(0, chmod(UPLOADS, 0770));
    assert_err(ERR_IO, tokens_put(server, "other-code-of-mine", token, 1000));
    assert_err(ERR_IO, tokens_get(key, got_server, &got));
    tokens_sweep(5000);
    assert_int_equal(1, listing(path));
    assert_int_equal(0, chmod(UPLOADS, 0700));
    tokens_forget(key, server);
}

static void
a_link_in_place_of_the_folder_is_refused(void **state)
{
    (void)state;
    empty(UPLOADS);
    (void)rmdir(UPLOADS);
    (void)mkdir("state", 0700);
    (void)mkdir("state/mayfly", 0700);
    assert_int_equal(0, mkdir("elsewhere", 0700));
    assert_int_equal(0, symlink("../../elsewhere", UPLOADS));
    assert_err(ERR_IO, tokens_put(server, key, token, 1000));
    assert_int_equal(0, unlink(UPLOADS));
    assert_int_equal(0, rmdir("elsewhere"));
}

static void
a_look_makes_no_folder(void **state)
{
    struct stat st;

    (void)state;
    empty(UPLOADS);
    (void)rmdir(UPLOADS);
    (void)rmdir("state/mayfly");
    (void)rmdir("state");
    assert_false(is_kept(key));
    tokens_forget(key, server);
    tokens_sweep(1000);
    assert_int_equal(-1, stat("state", &st));
}

static void
the_sweep_forgets_what_has_ended(void **state)
{
    (void)state;
    assert_ok(tokens_put(server, "ends-at-thousand", token, 1000));
    assert_ok(tokens_put(server, "ends-one-later", token, 1001));
    tokens_sweep(1000);
    assert_true(is_kept("ends-at-thousand"));
    tokens_sweep(1001);
    assert_false(is_kept("ends-at-thousand"));
    assert_true(is_kept("ends-one-later"));
    tokens_sweep(1002);
    assert_false(is_kept("ends-one-later"));
}

/* The file of `key` says `text` instead. */
static void
damage(const char *text)
{
    char path[300];

    assert_ok(tokens_put(server, key, token, 1000));
    assert_int_equal(1, listing(path));
    write_text(path, text);
}

static void
a_damaged_file_is_no_token_and_is_swept(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "server=s\ntoken=t\n",
        "server=s\ntoken=t\nends=12",
        "server=s\ntoken=t\nends=\n",
        "server=s\ntoken=t\nends=-1\n",
        "server=s\ntoken=t\nends=9223372036854775808\n",
        "server=s\ntoken=t\nends=99999999999999999999999999\n",
        "server=\ntoken=t\nends=12\n",
        "server=s\ntoken=\nends=12\n",
        "token=t\nserver=s\nends=12\n",
        "server=s\ntoken=t\nends=12\nmore=1\n",
    };
    char got_server[SERVER_TEXT_LEN], path[300], longer[2000];
    struct secret *got = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        damage(texts[i]);
        assert_err(ERR_IO, tokens_get(key, got_server, &got));
        tokens_sweep(0);
        assert_int_equal(0, listing(path));
    }
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    damage(longer);
    assert_err(ERR_IO, tokens_get(key, got_server, &got));
    tokens_sweep(0);
    assert_int_equal(0, listing(path));
    damage("server=s\ntoken=t\nends=9223372036854775807\n"); /* the twin: it is a whole one */
    assert_true(is_kept(key));
    tokens_sweep(INT64_MAX);
    assert_true(is_kept(key));
    tokens_forget(key, "s");
}

static void
a_link_in_place_of_a_file_is_not_followed(void **state)
{
    char got_server[SERVER_TEXT_LEN], path[300];
    struct secret *got = NULL;

    (void)state;
    assert_ok(tokens_put(server, key, token, 1000));
    assert_int_equal(1, listing(path));
    assert_int_equal(0, rename(path, "moved"));
    assert_int_equal(0, symlink("../../../moved", path));
    assert_err(ERR_IO, tokens_get(key, got_server, &got));
    assert_ok(tokens_put(server, key, token, 1000)); /* replaces the link, not its target */
    assert_true(is_kept(key));
    assert_int_equal(0, unlink("moved"));
    tokens_forget(key, server);
}

static void
the_sweep_leaves_names_that_are_none_of_ours(void **state)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char path[300];

    (void)state;
    assert_ok(tokens_put(server, key, token, 1000));
    write_text(UPLOADS "/notes.txt", "mine");
    write_text(UPLOADS "/.new-0123456789abcdef", "half");
    write_text(UPLOADS "/.new-fedcba9876543210", "half");
    assert_int_equal(0, utimensat(AT_FDCWD, UPLOADS "/.new-fedcba9876543210", old, 0));
    tokens_sweep(1000 + 3600); /* an hour old is not older than an hour */
    assert_int_equal(3, listing(path));
    tokens_sweep(1000 + 3601);
    assert_int_equal(2, listing(path));
    assert_int_equal(-1, access(UPLOADS "/.new-fedcba9876543210", F_OK));
    assert_int_equal(0, unlink(UPLOADS "/notes.txt"));
    assert_int_equal(0, unlink(UPLOADS "/.new-0123456789abcdef"));
}

static void
what_cannot_be_written_in_lines_is_not_kept(void **state)
{
    char path[300], longer[600];

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_err(ERR_IO, tokens_put("https://a\ntoken=b", key, token, 1000));
    assert_err(ERR_IO, tokens_put(server, key, "a\nb", 1000));
    assert_err(ERR_IO, tokens_put(server, key, "", 1000));
    assert_err(ERR_IO, tokens_put("", key, token, 1000));
    assert_err(ERR_IO, tokens_put(longer, key, token, 1000));
    assert_err(ERR_IO, tokens_put(server, key, longer, 1000));
    assert_int_equal(0, listing(path));
}

static void
without_a_state_folder_it_is_in_the_home_folder(void **state)
{
    char home[64], old[64];
    struct stat st;

    (void)state;
    (void)snprintf(old, sizeof(old), "%s", getenv("XDG_STATE_HOME"));
    (void)snprintf(home, sizeof(home), "%s/home", folder);
    assert_int_equal(0, setenv("XDG_STATE_HOME", "relative", 1)); /* counts as not set */
    assert_err(ERR_IO, tokens_put(server, key, token, 1000));
    assert_int_equal(0, setenv("HOME", home, 1));
    assert_ok(tokens_put(server, key, token, 1000));
    assert_int_equal(0, stat("home/.local/state/mayfly/uploads", &st));
    assert_int_equal(-1, stat("relative", &st));
    assert_true(is_kept(key));
    tokens_forget(key, server);
    assert_int_equal(0, unsetenv("HOME"));
    assert_int_equal(0, setenv("XDG_STATE_HOME", old, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_got_until_it_is_forgotten),
        cmocka_unit_test(a_second_put_replaces_the_first),
        cmocka_unit_test(folder_and_file_are_private_and_show_no_code),
        cmocka_unit_test(a_folder_that_others_can_write_to_is_refused),
        cmocka_unit_test(a_link_in_place_of_the_folder_is_refused),
        cmocka_unit_test(a_look_makes_no_folder),
        cmocka_unit_test(the_sweep_forgets_what_has_ended),
        cmocka_unit_test(a_damaged_file_is_no_token_and_is_swept),
        cmocka_unit_test(a_link_in_place_of_a_file_is_not_followed),
        cmocka_unit_test(the_sweep_leaves_names_that_are_none_of_ours),
        cmocka_unit_test(what_cannot_be_written_in_lines_is_not_kept),
        cmocka_unit_test(without_a_state_folder_it_is_in_the_home_folder),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
