/* SPDX-License-Identifier: Apache-2.0 */
/* The storage folder itself: what is made, which folders are refused, free space, ping. */
#include "unit/blob/blob_testing.h"

static enum err
try_open(const char *path)
{
    struct blob_dir_opts opts = {.path = path, .sync = true, .shred_passes = 1};
    struct blobs *b = NULL;
    enum err e = blob_dir_open(&opts, &b);

    assert_true((e == ERR_OK) == (b != NULL)); /* untouched on failure */
    blobs_free(b);
    return e;
}

static void
opening_makes_256_private_subfolders(void **state)
{
    struct place *p = *state;
    char sub[PATH_MAX];
    struct stat st;

    for (unsigned i = 0; i < 256; i++) {
        (void)snprintf(sub, sizeof(sub), "%s/%02x", p->storage, i);
        assert_int_equal(lstat(sub, &st), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_int_equal(st.st_mode & 0777, 0700);
    }
    assert_int_equal(lstat(p->storage, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void
opening_twice_keeps_what_is_there(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 1000);
    struct blobs *again = open_storage(p->storage, 1, NULL);
    struct reader *r = NULL;

    assert_ok(blob_open(again, &name, &r));
    assert_int_equal(r->size_bytes, 1000);
    reader_free(r);
    blobs_free(again);
}

static void
a_missing_parent_folder_is_made(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/a/b/c//", p->root);
    assert_ok(try_open(path));
    (void)snprintf(path, sizeof(path), "%s/a/b/c/7f", p->root);
    assert_true(is_there(path));
}

static void
an_empty_or_overlong_path_is_refused(void **state)
{
    char path[PATH_MAX + 10];

    (void)state;
    assert_err(ERR_SYNTAX, try_open(""));
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_err(ERR_SYNTAX, try_open(path));
}

static void
a_folder_that_others_can_write_to_is_refused(void **state)
{
    struct place *p = *state;

    assert_int_equal(chmod(p->storage, 0770), 0);
    assert_err(ERR_DENIED, try_open(p->storage));
    assert_int_equal(chmod(p->storage, 0702), 0);
    assert_err(ERR_DENIED, try_open(p->storage));
    assert_int_equal(chmod(p->storage, 0750),
                     0); /* to read the list of names is the owner's call */
    assert_ok(try_open(p->storage));
}

static void
a_subfolder_that_others_can_write_to_is_refused(void **state)
{
    struct place *p = *state;
    char sub[PATH_MAX];

    (void)snprintf(sub, sizeof(sub), "%s/e9", p->storage);
    assert_int_equal(chmod(sub, 0720), 0);
    assert_err(ERR_DENIED, try_open(p->storage));
    assert_int_equal(chmod(sub, 0700), 0);
    assert_ok(try_open(p->storage));
}

static void
a_folder_of_another_user_is_refused(void **state)
{
    struct place *p = *state;
    char sub[PATH_MAX];

    if (geteuid() != 0)
        skip(); /* only root can give a folder away */
    assert_int_equal(chown(p->storage, 65534, 65534), 0);
    assert_err(ERR_DENIED, try_open(p->storage));
    assert_int_equal(chown(p->storage, 0, 0), 0);
    (void)snprintf(sub, sizeof(sub), "%s/00", p->storage);
    assert_int_equal(chown(sub, 65534, 65534), 0);
    assert_err(ERR_DENIED, try_open(p->storage));
}

static void
a_link_is_not_followed_to_the_storage(void **state)
{
    struct place *p = *state;
    char link[PATH_MAX], with_slashes[PATH_MAX];

    (void)snprintf(link, sizeof(link), "%s/link", p->root);
    (void)snprintf(with_slashes, sizeof(with_slashes), "%s/link//", p->root);
    assert_int_equal(symlink(p->storage, link), 0);
    assert_err(ERR_IO, try_open(link));
    assert_err(ERR_IO, try_open(with_slashes));
    assert_ok(try_open(p->storage));
}

static void
a_link_is_not_followed_to_a_subfolder(void **state)
{
    struct place *p = *state;
    char sub[PATH_MAX], elsewhere[PATH_MAX];

    (void)snprintf(sub, sizeof(sub), "%s/42", p->storage);
    (void)snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", p->root);
    assert_int_equal(rename(sub, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, sub), 0);
    assert_err(ERR_IO, try_open(p->storage));
}

static void
a_subfolder_that_was_opened_up_later_is_an_io_error(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 10);
    struct reader *r = NULL;
    char sub[PATH_MAX];

    (void)snprintf(sub, sizeof(sub), "%s/%02x", p->storage, name.b[0]);
    assert_int_equal(chmod(sub, 0777), 0);
    assert_err(ERR_IO, blob_open(p->blobs, &name, &r)); /* DENIED would mean a wrong token */
    assert_null(r);
    assert_err(ERR_IO, blob_shred(p->blobs, &name, NULL));
}

static void
a_file_is_no_storage(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/file", p->root);
    make_file(path, "x");
    assert_err(ERR_IO, try_open(path));
}

static void
up_to_35_passes_are_accepted(void **state)
{
    struct place *p = *state;
    struct blob_dir_opts opts = {.path = p->storage, .shred_passes = 35};
    struct blobs *b = NULL;

    assert_ok(blob_dir_open(&opts, &b));
    blobs_free(b);
    b = NULL;
    opts.shred_passes = 36;
    assert_err(ERR_FIELD, blob_dir_open(&opts, &b));
    assert_null(b);
}

static void
space_is_what_an_ordinary_user_may_use(void **state)
{
    struct place *p = *state;
    struct blob_space space = {0};

    assert_ok(blob_space(p->blobs, &space));
    assert_true(space.total_bytes > 0);
    assert_true(space.free_bytes <= space.total_bytes);
}

static void
ping_writes_and_leaves_nothing(void **state)
{
    struct place *p = *state;

    assert_ok(blob_ping(p->blobs));
    assert_int_equal(n_files(p, NULL), 0);
}

static void
ping_fails_when_nothing_can_be_written(void **state)
{
    struct place *p = *state;

    for (unsigned i = 0; i < 256; i++) { /* the subfolders vanish: also root cannot write then */
        char sub[PATH_MAX];

        (void)snprintf(sub, sizeof(sub), "%s/%02x", p->storage, i);
        assert_int_equal(rmdir(sub), 0);
    }
    assert_err(ERR_IO, blob_ping(p->blobs));
}

static void
ping_fails_when_the_path_leads_elsewhere(void **state)
{
    struct place *p = *state;
    char moved[PATH_MAX];

    (void)snprintf(moved, sizeof(moved), "%s/moved", p->root);
    assert_int_equal(rename(p->storage, moved), 0);
    assert_err(ERR_IO, blob_ping(p->blobs)); /* nothing is there */
    assert_int_equal(mkdir(p->storage, 0700), 0);
    assert_err(ERR_IO, blob_ping(p->blobs)); /* something else */
    assert_int_equal(rmdir(p->storage), 0);
    assert_int_equal(symlink(moved, p->storage), 0);
    assert_err(ERR_IO, blob_ping(p->blobs)); /* a link, which the next start would refuse */
    assert_int_equal(unlink(p->storage), 0);
    assert_int_equal(rename(moved, p->storage), 0);
    assert_ok(blob_ping(p->blobs));
}

static void
freeing_nothing_is_a_no_op(void **state)
{
    (void)state;
    blobs_free(NULL);
    blob_writer_free(NULL);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(opening_makes_256_private_subfolders),
        CASE(opening_twice_keeps_what_is_there),
        CASE(a_missing_parent_folder_is_made),
        CASE(an_empty_or_overlong_path_is_refused),
        CASE(a_folder_that_others_can_write_to_is_refused),
        CASE(a_subfolder_that_others_can_write_to_is_refused),
        CASE(a_folder_of_another_user_is_refused),
        CASE(a_link_is_not_followed_to_the_storage),
        CASE(a_link_is_not_followed_to_a_subfolder),
        CASE(a_subfolder_that_was_opened_up_later_is_an_io_error),
        CASE(a_file_is_no_storage),
        CASE(up_to_35_passes_are_accepted),
        CASE(space_is_what_an_ordinary_user_may_use),
        CASE(ping_writes_and_leaves_nothing),
        CASE(ping_fails_when_nothing_can_be_written),
        CASE(ping_fails_when_the_path_leads_elsewhere),
        CASE(freeing_nothing_is_a_no_op),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
