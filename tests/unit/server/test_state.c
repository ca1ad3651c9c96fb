/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder and the pepper: made once, kept, guarded, used by one server at a time. */
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "server/state.h"

struct place {
    char dir[32], state[48], pepper[64], file[48];
};

static int
make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/mayfly-test-XXXXXX");
    if (mkdtemp(p->dir) == NULL)
        return -1;
    (void)snprintf(p->state, sizeof(p->state), "%s/state", p->dir);
    (void)snprintf(p->pepper, sizeof(p->pepper), "%s/pepper", p->state);
    (void)snprintf(p->file, sizeof(p->file), "%s/file", p->dir);
    *state = p;
    return 0;
}

static int
remove_place(void **state)
{
    struct place *p = *state;
    int rc;

    (void)unlink(p->pepper);
    (void)unlink(p->file);
    (void)rmdir(p->state);
    rc = rmdir(p->dir); /* fails when a temporary file was left behind */
    free(p);
    return rc;
}

static void
write_file(const char *path, const void *bytes, size_t len, mode_t mode)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    assert_true(fd >= 0);
    assert_ok(fs_write_all(fd, bytes, len));
    fs_close(&fd);
    assert_int_equal(chmod(path, mode), 0);
}

static void
the_pepper_is_made_once_and_found_again(void **state)
{
    static const uint8_t zeros[32];
    struct place *p = *state;
    uint8_t first[32];
    struct state *s;
    struct stat st;

    assert_ok(state_open(p->state, NULL, &s));
    assert_true(state_is_new(s));
    assert_int_equal(secret_len(state_pepper(s)), 32);
    memcpy(first, secret_bytes(state_pepper(s)), 32);
    assert_memory_not_equal(first, zeros, 32);
    assert_int_equal(fstat(state_dir_fd(s), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    state_close(s);
    assert_int_equal(stat(p->pepper, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);

    assert_ok(state_open(p->state, NULL, &s));
    assert_false(state_is_new(s));
    assert_memory_equal(secret_bytes(state_pepper(s)), first, 32);
    state_close(s);
}

static void
two_folders_have_two_peppers(void **state)
{
    struct place *p = *state;
    uint8_t first[32];
    struct state *s;

    assert_ok(state_open(p->state, NULL, &s));
    memcpy(first, secret_bytes(state_pepper(s)), 32);
    state_close(s);
    assert_int_equal(unlink(p->pepper), 0);
    assert_ok(state_open(p->state, NULL, &s));
    assert_memory_not_equal(secret_bytes(state_pepper(s)), first, 32);
    state_close(s);
}

static void
a_folder_in_use_is_refused_until_it_is_closed(void **state)
{
    struct place *p = *state;
    struct state *s, *second = NULL;

    assert_ok(state_open(p->state, NULL, &s));
    assert_err(ERR_EXISTS, state_open(p->state, NULL, &second));
    assert_string_equal(err_sentence(), "STATE_PATH is in use by another mayflyd");
    assert_null(second);
    state_close(s);
    assert_ok(state_open(p->state, NULL, &second));
    state_close(second);
}

static void
a_folder_that_others_may_write_to_is_refused(void **state)
{
    struct place *p = *state;
    struct state *s;

    assert_int_equal(mkdir(p->state, 0700), 0);
    assert_int_equal(chmod(p->state, 0770), 0);
    assert_err(ERR_DENIED, state_open(p->state, NULL, &s));
    assert_string_equal(err_sentence(), "STATE_PATH: group or others can write to the folder");
    assert_int_equal(chmod(p->state, 0755), 0);
    assert_ok(state_open(p->state, NULL, &s));
    state_close(s);
}

static void
a_start_that_was_cut_off_leaves_no_half_pepper(void **state)
{
    struct place *p = *state;
    char temp[80];
    struct state *s;

    assert_int_equal(mkdir(p->state, 0700), 0);
    (void)snprintf(temp, sizeof(temp), "%s/.pepper.new", p->state);
    write_file(temp, "half", 4, 0600);
    assert_ok(state_open(p->state, NULL, &s));
    assert_true(state_is_new(s));
    state_close(s);
    assert_int_not_equal(access(temp, F_OK), 0);
}

static void
a_pepper_of_the_wrong_length_is_refused_and_kept(void **state)
{
    static const uint8_t bytes[33] = {1};
    static const size_t lens[] = {0, 31, 33};
    struct place *p = *state;
    struct state *s;
    struct stat st;

    assert_int_equal(mkdir(p->state, 0700), 0);
    for (size_t i = 0; i < 3; i++) {
        write_file(p->pepper, bytes, lens[i], 0600);
        assert_err(ERR_INTEGRITY, state_open(p->state, NULL, &s));
        assert_string_equal(err_sentence(),
                            "the pepper in STATE_PATH is not exactly 32 bytes long");
        assert_int_equal(stat(p->pepper, &st), 0);
        assert_int_equal(st.st_size, lens[i]);
    }
}

static void
a_link_in_the_place_of_the_own_pepper_is_not_followed(void **state)
{
    static const uint8_t bytes[32] = {1};
    struct place *p = *state;
    struct state *s;

    assert_int_equal(mkdir(p->state, 0700), 0);
    write_file(p->file, bytes, 32, 0600);
    assert_int_equal(symlink(p->file, p->pepper), 0);
    assert_err(ERR_IO, state_open(p->state, NULL, &s));
}

static void
a_pepper_file_is_used_and_none_is_made(void **state)
{
    static const uint8_t bytes[32] = {1, 2, 3};
    struct place *p = *state;
    struct state *s;

    write_file(p->file, bytes, 32, 0400);
    assert_ok(state_open(p->state, p->file, &s));
    assert_memory_equal(secret_bytes(state_pepper(s)), bytes, 32);
    assert_false(state_is_new(s));
    state_close(s);
    assert_int_not_equal(access(p->pepper, F_OK), 0);
}

static void
a_pepper_file_that_is_missing_wrong_or_writable_by_others_is_refused(void **state)
{
    static const uint8_t bytes[33] = {1};
    struct place *p = *state;
    struct state *s = NULL;

    assert_err(ERR_NOTFOUND, state_open(p->state, p->file, &s));
    assert_string_equal(err_sentence(), "PEPPER_FILE: no such file");
    write_file(p->file, bytes, 33, 0600);
    assert_err(ERR_INTEGRITY, state_open(p->state, p->file, &s));
    assert_string_equal(err_sentence(), "PEPPER_FILE is not exactly 32 bytes long");
    write_file(p->file, bytes, 32, 0620);
    assert_err(ERR_DENIED, state_open(p->state, p->file, &s));
    assert_string_equal(err_sentence(), "group or others can write to PEPPER_FILE");
    assert_err(ERR_IO, state_open(p->state, p->dir, &s));
    assert_string_equal(err_sentence(), "PEPPER_FILE is not a regular file");
    assert_null(s);
}

static void
a_pepper_file_that_others_can_read_is_used(void **state)
{
    static const uint8_t bytes[32] = {1};
    struct place *p = *state;
    struct state *s;

    log_set_level(LOG_OFF); /* the warning */
    write_file(p->file, bytes, 32, 0444);
    assert_ok(state_open(p->state, p->file, &s));
    assert_memory_equal(secret_bytes(state_pepper(s)), bytes, 32);
    state_close(s);
}

static void
a_state_path_that_is_a_file_is_refused(void **state)
{
    struct place *p = *state;
    struct state *s;

    write_file(p->file, "", 0, 0600);
    assert_err(ERR_IO, state_open(p->file, NULL, &s));
    assert_memory_equal(err_sentence(), "STATE_PATH: ", 12);
    state_close(NULL);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        TEST(the_pepper_is_made_once_and_found_again),
        TEST(two_folders_have_two_peppers),
        TEST(a_folder_in_use_is_refused_until_it_is_closed),
        TEST(a_folder_that_others_may_write_to_is_refused),
        TEST(a_start_that_was_cut_off_leaves_no_half_pepper),
        TEST(a_pepper_of_the_wrong_length_is_refused_and_kept),
        TEST(a_link_in_the_place_of_the_own_pepper_is_not_followed),
        TEST(a_pepper_file_is_used_and_none_is_made),
        TEST(a_pepper_file_that_is_missing_wrong_or_writable_by_others_is_refused),
        TEST(a_pepper_file_that_others_can_read_is_used),
        TEST(a_state_path_that_is_a_file_is_refused),
    };
    bool locked;
    int rc;

    if (crypt_init(&locked) != ERR_OK)
        return 99;
    rc = cmocka_run_group_tests_name("server state", tests, NULL, NULL);
    crypt_done();
    return rc;
}
