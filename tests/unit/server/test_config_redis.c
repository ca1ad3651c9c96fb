/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of the Redis: which fit together, the file of the password, and that no sentence
 * tells anything of the URL. */
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "server/config.h"

static char *no_env[] = {NULL};

static enum err
parse(const char *file, struct config *ret)
{
    return config_parse(file, strlen(file), no_env, ret);
}

static void
the_settings_of_a_redis_are_read(void **state)
{
    struct config c;

    (void)state;
    assert_ok(
        parse("REDIS_URL=redis://ann:p%40w@h:7/3\nREDIS_ALLOW_OPEN=on\nPEPPER_FILE=/p\n", &c));
    assert_string_equal(c.redis_url, "redis://ann:p%40w@h:7/3");
    assert_true(c.redis_allow_open);
    assert_null(c.redis_password_file);
    assert_null(c.redis_ca_file);
    config_done(&c);
    assert_null(c.redis_url);
    assert_ok(parse("REDIS_URL=rediss://ann:@h\nREDIS_PASSWORD_FILE=/p\nREDIS_CA_FILE=/c\n"
                    "REDIS_ALLOW_OPEN=off\n",
                    &c));
    assert_string_equal(c.redis_url, "rediss://ann:@h");
    assert_string_equal(c.redis_password_file, "/p");
    assert_string_equal(c.redis_ca_file, "/c");
    assert_null(c.redis_password); /* no file is opened here */
    assert_false(c.redis_allow_open);
    config_done(&c);
}

static void
what_fits_together_is_taken_and_what_does_not_is_refused(void **state)
{
    static const char two[] = "REDIS_URL holds a password and REDIS_PASSWORD_FILE is set: drop one";
    static const char user[] = "REDIS_URL names a user without a password: add it there or set "
                               "REDIS_PASSWORD_FILE";
    static const char tls[] = "REDIS_CA_FILE is for TLS, but REDIS_URL is neither rediss:// nor "
                              "rediss+sentinel://";
    static const struct {
        const char *url, *more, *sentence; /* NULL: taken */
    } cases[] = {
        {"redis://h", "", NULL},
        {"redis://h", "REDIS_PASSWORD_FILE=/p\n", NULL},
        {"unix://ann:@/s", "REDIS_PASSWORD_FILE=/p\n", NULL},
        {"redis://ann:pw@h", "", NULL},
        {"redis://:pw@h", "REDIS_PASSWORD_FILE=/p\n", two},
        {"redis://ann:pw@h", "REDIS_PASSWORD_FILE=/p\n", two},
        {"unix://:pw@/s", "REDIS_PASSWORD_FILE=/p\n", two},
        {"redis://ann:@h", "", user},
        {"rediss://ann:@h", "REDIS_CA_FILE=/c\nREDIS_ALLOW_OPEN=on\n", user},
        {"rediss://h", "REDIS_CA_FILE=/c\n", NULL},
        {"rediss+sentinel://h/m", "REDIS_CA_FILE=/c\n", NULL},
        {"redis://h", "REDIS_CA_FILE=/c\n", tls},
        {"redis+sentinel://h/m", "REDIS_CA_FILE=/c\n", tls},
        {"unix:///s", "REDIS_CA_FILE=/c\n", tls},
        {"", "REDIS_ALLOW_OPEN=off\n", NULL},
        {"", "REDIS_ALLOW_OPEN=1\n", "REDIS_ALLOW_OPEN is set, but REDIS_URL is not"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config c = {.max_uses = 77};
        char file[160];

        (void)snprintf(file, sizeof(file), "REDIS_URL=%s\n%s", cases[i].url, cases[i].more);
        if (cases[i].sentence == NULL) {
            assert_ok(parse(file, &c));
            config_done(&c);
            continue;
        }
        assert_err(ERR_FIELD, parse(file, &c));
        assert_string_equal(err_sentence(), cases[i].sentence);
        assert_int_equal(c.max_uses, 77);
    }
}

static void
no_sentence_holds_a_part_of_the_url(void **state)
{
    static const char *const bad[] = {
        "REDIS_URL=redis://annabel:tunafish@haddock:x",
        "REDIS_URL=redis://annabel:tuna@fish@haddock",
        "REDIS_URL=redis://annabel:tunafish@haddock/1/2",
        "REDIS_URL=redis://tunafish@haddock",
        "REDIS_URL=redis://annabel:tuna%zzfish@haddock",
        "REDIS_URL=haddock://annabel:tunafish@haddock",
        "REDIS_URL=redis://annabel:tunafish@haddock\nREDIS_CA_FILE=/c",
        "REDIS_URL=redis://annabel:tunafish@haddock\nREDIS_PASSWORD_FILE=/p",
        "REDIS_URL=redis://annabel:@haddock",
    };
    static const char *const parts[] = {"annabel", "tuna", "fish", "haddock"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct config c;

        if (parse(bad[i], &c) == ERR_OK)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err_sentence(), "REDIS_URL"));
        for (size_t j = 0; j < ARRAY_LEN(parts); j++)
            assert_null(strstr(err_sentence(), parts[j]));
    }
}

/* ---- files ---- */

struct place {
    char dir[32];
    char settings[64], file[64];
};

static int
make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/mayfly-test-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->settings, sizeof(p->settings), "%s/settings", p->dir);
    (void)snprintf(p->file, sizeof(p->file), "%s/file", p->dir);
    *state = p;
    return 0;
}

static int
remove_place(void **state)
{
    struct place *p = *state;
    int rc;

    (void)unlink(p->settings);
    (void)unlink(p->file);
    rc = rmdir(p->dir);
    free(p);
    return rc;
}

static void
write_file(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_ok(fs_write_all(fd, bytes, len));
    fs_close(&fd);
}

/* config_load with this URL and `name` set to the place's file. */
static enum err
load(const struct place *p, const char *url, const char *name, struct config *ret)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "REDIS_URL=%s\n%s=%s\n", url, name, p->file);
    write_file(p->settings, text, strlen(text));
    return config_load(p->settings, no_env, ret);
}

static enum err
load_password(const struct place *p, const void *bytes, size_t len, struct config *ret)
{
    write_file(p->file, bytes, len);
    return load(p, "redis://h", "REDIS_PASSWORD_FILE", ret);
}

static void
the_password_is_read_from_its_file_without_the_line_end(void **state)
{
    static const char *const good[][2] = {
        {"pw", "pw"},
        {"pw\n", "pw"},
        {"pw\r\n", "pw"},
        {" p w \n", " p w "},
        {"p%40w\n", "p%40w"},
        {"p@:/?#w\n", "p@:/?#w"},
        {"p\xc3\xa9\n", "p\xc3\xa9"},
    };
    char longest[513];
    struct config c;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(load_password(*state, good[i][0], strlen(good[i][0]), &c));
        assert_string_equal(c.redis_password, good[i][1]);
        config_done(&c);
        assert_null(c.redis_password);
    }
    memset(longest, 'x', 512);
    longest[512] = '\n';
    assert_ok(load_password(*state, longest, 513, &c));
    assert_int_equal(strlen(c.redis_password), 512);
    config_done(&c);
}

static void
a_file_that_holds_no_password_is_refused(void **state)
{
    static const char wanted[] = "REDIS_PASSWORD_FILE must hold one line of 1 to 512 bytes without "
                                 "control characters, and nothing else";
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"", 0},     {"\n", 1},   {"\r\n", 2},    {"a\nb\n", 4},    {"a\n\n", 3},
               {"a\0b", 3}, {"a\tb", 3}, {"a\x7f\n", 3}, {"\xef\r\r\n", 4}};
    struct place *p = *state;
    struct config c = {.max_uses = 77};
    char longer[513];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_err(ERR_SYNTAX, load_password(p, bad[i].bytes, bad[i].len, &c));
        assert_string_equal(err_sentence(), wanted);
    }
    memset(longer, 'x', 513);
    assert_err(ERR_SYNTAX, load_password(p, longer, 513, &c));
    assert_string_equal(err_sentence(), wanted);
    (void)unlink(p->file);
    assert_err(ERR_NOTFOUND, load(p, "redis://h", "REDIS_PASSWORD_FILE", &c));
    assert_string_equal(err_sentence(), "REDIS_PASSWORD_FILE: no such file");
    assert_int_equal(c.max_uses, 77);
}

static void
url_and_password_move_to_secret_memory_as_texts(void **state)
{
    static const char url_text[] = "redis://ann:@h";
    struct secret *url = NULL, *password = NULL;
    struct place *p = *state;
    struct config c;

    write_file(p->file, "pw\n", 3);
    assert_ok(load(p, url_text, "REDIS_PASSWORD_FILE", &c));
    assert_ok(config_take_redis(&c, &url, &password));
    assert_null(c.redis_url);
    assert_null(c.redis_password);
    assert_int_equal(secret_len(url), sizeof(url_text));
    assert_memory_equal(secret_bytes(url), url_text, sizeof(url_text));
    assert_int_equal(secret_len(password), 3);
    assert_memory_equal(secret_bytes(password), "pw", 3);
    secret_free(url);
    secret_free(password);
    url = password = NULL;
    assert_ok(config_take_redis(&c, &url, &password)); /* and nothing is left to be taken */
    assert_null(url);
    assert_null(password);
    config_done(&c);
}

static void
the_ca_file_is_checked(void **state)
{
    struct place *p = *state;
    struct config c;

    assert_ok(load(p, "rediss://h", "REDIS_CA_FILE", &c));
    assert_err(ERR_NOTFOUND, config_check_files(&c));
    assert_string_equal(err_sentence(), "REDIS_CA_FILE: no such file");
    write_file(p->file, "", 0);
    assert_err(ERR_SYNTAX, config_check_files(&c));
    assert_string_equal(err_sentence(), "REDIS_CA_FILE: not a PEM file");
    write_file(p->file, "CERT\n", 5);
    assert_ok(config_check_files(&c));
    config_done(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_settings_of_a_redis_are_read),
        cmocka_unit_test(what_fits_together_is_taken_and_what_does_not_is_refused),
        cmocka_unit_test(no_sentence_holds_a_part_of_the_url),
        cmocka_unit_test_setup_teardown(the_password_is_read_from_its_file_without_the_line_end,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_file_that_holds_no_password_is_refused, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(url_and_password_move_to_secret_memory_as_texts, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(the_ca_file_is_checked, make_place, remove_place),
    };
    bool locked;
    int rc;

    if (crypt_init(&locked) != ERR_OK)
        return 99;
    rc = cmocka_run_group_tests_name("server config redis", tests, NULL, NULL);
    crypt_done();
    return rc;
}
