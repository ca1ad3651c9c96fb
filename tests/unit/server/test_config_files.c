/* SPDX-License-Identifier: Apache-2.0 */
/* The files around the settings: the settings file itself, the token's, the TLS pair, the checks
 * of --check-config; and that secrets leave the environment block. */
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "server/config.h"

#define TOKEN "correct-horse-battery-staple"
#define REDIS "redis://ann:swordfish-and-chips@127.0.0.1"

static char *no_env[] = {NULL};

struct place {
    char dir[32];
    char *path[16]; /* of files made so far, to be removed */
    size_t n;
};

static int
make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/mayfly-test-XXXXXX");
    *state = p;
    return mkdtemp(p->dir) == NULL ? -1 : 0;
}

static int
remove_place(void **state)
{
    struct place *p = *state;
    int rc;

    for (size_t i = 0; i < p->n; i++) {
        (void)unlink(p->path[i]);
        free(p->path[i]);
    }
    rc = rmdir(p->dir);
    free(p);
    return rc;
}

/* Make a file of `len` bytes; its path. */
static const char *
file_of(struct place *p, const char *name, const void *bytes, size_t len)
{
    char *path = NULL;
    int fd;

    assert_true(p->n < 16);
    assert_true(asprintf(&path, "%s/%s", p->dir, name) > 0);
    p->path[p->n++] = path;
    fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_ok(fs_write_all(fd, bytes, len));
    fs_close(&fd);
    return path;
}

/* config_load with a file of these settings. */
static enum err
load(struct place *p, const char *text, struct config *ret)
{
    return config_load(file_of(p, "settings", text, strlen(text)), no_env, ret);
}

static void
settings_are_loaded_from_a_file(void **state)
{
    struct config c;

    assert_ok(load(*state, "# mine\nMAX_USES=9\n", &c));
    assert_int_equal(c.max_uses, 9);
    config_done(&c);
    assert_ok(config_load(NULL, no_env, &c));
    assert_int_equal(c.max_uses, 5);
    config_done(&c);
}

static void
a_settings_file_that_cannot_be_read_stops_the_start(void **state)
{
    struct place *p = *state;
    struct config c = {.max_uses = 77};
    char *big = calloc(1, 300000);

    assert_err(ERR_NOTFOUND, config_load("/tmp/mayfly-no-such-file", no_env, &c));
    assert_string_equal(err_sentence(), "settings file: no such file");
    assert_err(ERR_IO, config_load(p->dir, no_env, &c));
    assert_string_equal(err_sentence(), "settings file: not a regular file");
    assert_non_null(big);
    memset(big, '\n', 300000);
    assert_err(ERR_TOOBIG, config_load(file_of(p, "big", big, 300000), no_env, &c));
    assert_int_equal(c.max_uses, 77);
    free(big);
}

static void
the_token_is_read_from_its_file_without_the_line_end(void **state)
{
    static const char *const good[] = {TOKEN, TOKEN "\n", TOKEN "\r\n"};
    struct place *p = *state;
    char text[128];
    struct config c;

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof(text), "UPLOAD_TOKEN_FILE=%s\n",
                       file_of(p, "token", good[i], strlen(good[i])));
        assert_ok(load(p, text, &c));
        assert_string_equal(c.upload_token, TOKEN);
        config_done(&c);
    }
}

static void
a_token_file_that_holds_no_token_is_refused(void **state)
{
    static const char *const bad[] = {"", "\n", "two words\n", "a\nb\n", " a", "\xc3\xa9\n"};
    struct place *p = *state;
    char text[128];
    struct config c;

    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(text, sizeof(text), "UPLOAD_TOKEN_FILE=%s\n",
                       file_of(p, "token", bad[i], strlen(bad[i])));
        assert_err(ERR_SYNTAX, load(p, text, &c));
        assert_string_equal(err_sentence(),
                            "UPLOAD_TOKEN_FILE must hold 1 to 512 visible ASCII characters "
                            "without blanks, and nothing else");
    }
    (void)file_of(p, "token", "a\0b", 3); /* a NUL must not cut the token short */
    assert_err(ERR_SYNTAX, load(p, text, &c));
    assert_err(ERR_NOTFOUND, load(p, "UPLOAD_TOKEN_FILE=/tmp/mayfly-no-such-file\n", &c));
    assert_string_equal(err_sentence(), "UPLOAD_TOKEN_FILE: no such file");
}

static void
the_token_moves_to_secret_memory(void **state)
{
    char variable[] = "UPLOAD_TOKEN=" TOKEN;
    char *env[] = {variable, NULL};
    struct secret *token = NULL;
    struct config c;

    (void)state;
    assert_ok(config_load(NULL, env, &c));
    assert_ok(config_take_token(&c, &token));
    assert_null(c.upload_token);
    assert_int_equal(secret_len(token), strlen(TOKEN));
    assert_memory_equal(secret_bytes(token), TOKEN, strlen(TOKEN));
    secret_free(token);
    token = NULL;
    assert_ok(config_take_token(&c, &token));
    assert_null(token);
    config_done(&c);
}

static void
secrets_are_wiped_from_the_environment_also_when_loading_fails(void **state)
{
    static const char *const file[] = {NULL, "/tmp/mayfly-no-such-file"};
    static const char zeros[sizeof(REDIS) - 1];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char first[] = "UPLOAD_TOKEN=" TOKEN, second[] = "UPLOAD_TOKEN=" TOKEN;
        char url[] = "REDIS_URL=" REDIS, url_again[] = "REDIS_URL=" REDIS;
        char other[] = "UPLOAD_TOKENS=" TOKEN;
        char *env[] = {first, other, second, url, url_again, NULL};
        struct config c = {0};

        if (i == 0)
            assert_ok(config_load(file[i], env, &c));
        else
            assert_err(ERR_NOTFOUND, config_load(file[i], env, &c));
        assert_memory_equal(first + 13, zeros, sizeof(TOKEN) - 1);
        assert_memory_equal(second + 13, zeros, sizeof(TOKEN) - 1);
        assert_memory_equal(url, "REDIS_URL=", 10);
        assert_memory_equal(url + 10, zeros, sizeof(REDIS) - 1);
        assert_memory_equal(url_again + 10, zeros, sizeof(REDIS) - 1);
        assert_string_equal(other, "UPLOAD_TOKENS=" TOKEN);
        config_done(&c);
    }
}

static bool
holds(const char *bytes, ssize_t len, const char *text)
{
    return memmem(bytes, (size_t)len, text, strlen(text)) != NULL;
}

/* In a process that was started with secrets: whether /proc still shows them. */
static int
look_at_environ(void)
{
    char before[65536], after[65536];
    struct config c;
    ssize_t n_before, n_after;
    int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);

    n_before = read(fd, before, sizeof(before));
    if (n_before <= 0 || !holds(before, n_before, TOKEN) || !holds(before, n_before, REDIS))
        return 2;
    if (config_load(NULL, environ, &c) != ERR_OK || strcmp(c.upload_token, TOKEN) != 0 ||
        strcmp(c.redis_url, REDIS) != 0)
        return 3;
    config_done(&c);
    n_after = pread(fd, after, sizeof(after), 0);
    (void)close(fd);
    if (n_after != n_before)
        return 4;
    return holds(after, n_after, TOKEN) || holds(after, n_after, "swordfish") ? 5 : 0;
}

static void
proc_environ_no_longer_shows_secrets(void **state)
{
    char self[] = "/proc/self/exe", how[] = "--look-at-environ", variable[] = "UPLOAD_TOKEN=" TOKEN;
    char url[] = "REDIS_URL=" REDIS;
    char asan[] = "ASAN_OPTIONS=detect_leaks=0", path[] = "PATH=/usr/bin:/bin";
    char *argv[] = {self, how, NULL}, *env[] = {path, variable, url, asan, NULL};
    int status = -1;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execve(self, argv, env);
        _exit(99);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
the_tls_pair_is_read_anew_each_time(void **state)
{
    struct place *p = *state;
    struct buf cert, key;
    char text[256];
    struct config c;

    (void)snprintf(text, sizeof(text), "TLS_CERT_FILE=%s/cert\nTLS_KEY_FILE=%s/key\n", p->dir,
                   p->dir);
    assert_ok(load(p, text, &c));
    assert_err(ERR_NOTFOUND, config_read_tls(&c, &cert, &key));
    assert_string_equal(err_sentence(), "TLS_CERT_FILE: no such file");
    (void)file_of(p, "cert", "CERT\n", 5);
    assert_err(ERR_NOTFOUND, config_read_tls(&c, &cert, &key));
    assert_string_equal(err_sentence(), "TLS_KEY_FILE: no such file");
    (void)file_of(p, "key", "", 0);
    assert_err(ERR_SYNTAX, config_read_tls(&c, &cert, &key));
    assert_string_equal(err_sentence(), "TLS_KEY_FILE: not a PEM file");
    assert_err(ERR_SYNTAX, config_check_files(&c));
    (void)file_of(p, "key", "KEY\n", 4);
    assert_ok(config_check_files(&c));
    assert_ok(config_read_tls(&c, &cert, &key));
    assert_string_equal(buf_text(&cert), "CERT\n");
    assert_string_equal(buf_text(&key), "KEY\n");
    buf_done(&cert);
    buf_done(&key);
    config_done(&c);
}

static void
files_that_settings_name_are_checked(void **state)
{
    struct place *p = *state;
    uint8_t pepper[33] = {0};
    char text[256];
    struct config c;

    (void)snprintf(text, sizeof(text), "PEPPER_FILE=%s/pepper\nDICEWARE_WORDLIST_PATH=%s/words\n",
                   p->dir, p->dir);
    assert_ok(load(p, text, &c));
    assert_err(ERR_NOTFOUND, config_check_files(&c));
    assert_string_equal(err_sentence(), "PEPPER_FILE: No such file or directory");
    (void)file_of(p, "pepper", pepper, 33);
    assert_err(ERR_INTEGRITY, config_check_files(&c));
    assert_string_equal(err_sentence(), "PEPPER_FILE is not exactly 32 bytes long");
    (void)file_of(p, "pepper", pepper, 32);
    assert_err(ERR_NOTFOUND, config_check_files(&c));
    assert_string_equal(err_sentence(), "DICEWARE_WORDLIST_PATH: No such file or directory");
    (void)file_of(p, "words", "a\n", 2);
    assert_ok(config_check_files(&c));
    config_done(&c);
    (void)snprintf(text, sizeof(text), "DICEWARE_WORDLIST_PATH=%s\n", p->dir);
    assert_ok(load(p, text, &c));
    assert_err(ERR_IO, config_check_files(&c));
    assert_string_equal(err_sentence(), "DICEWARE_WORDLIST_PATH: not a regular file");
    config_done(&c);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(settings_are_loaded_from_a_file, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_settings_file_that_cannot_be_read_stops_the_start,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(the_token_is_read_from_its_file_without_the_line_end,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_token_file_that_holds_no_token_is_refused, make_place,
                                        remove_place),
        cmocka_unit_test(the_token_moves_to_secret_memory),
        cmocka_unit_test(secrets_are_wiped_from_the_environment_also_when_loading_fails),
        cmocka_unit_test(proc_environ_no_longer_shows_secrets),
        cmocka_unit_test_setup_teardown(the_tls_pair_is_read_anew_each_time, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(files_that_settings_name_are_checked, make_place,
                                        remove_place),
    };
    bool locked;
    int rc;

    if (argc == 2 && strcmp(argv[1], "--look-at-environ") == 0)
        return look_at_environ();
    if (crypt_init(&locked) != ERR_OK)
        return 99;
    rc = cmocka_run_group_tests_name("server config files", tests, NULL, NULL);
    crypt_done();
    return rc;
}
