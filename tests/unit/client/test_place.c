/* SPDX-License-Identifier: Apache-2.0 */
/* Names are given only when nobody has them, on file systems of every kind. */
#include "folder.h"

#include "client/place.h"

#include <errno.h>

static int
set_up(void **state)
{
    static struct test_folder f;

    folder_open(&f);
    *state = &f;
    return 0;
}

static int
tear_down(void **state)
{
    folder_close(*state);
    return 0;
}

typedef int rename_fn(int from_dir, const char *from, int to_dir, const char *to);

static void
renames(struct test_folder *f, rename_fn *rename_one)
{
    folder_write(f, "file", "mine");
    folder_write(f, "taken", "theirs");
    assert_int_equal(mkdirat(f->fd, "folder", 0700), 0);
    assert_int_equal(mkdirat(f->fd, "full", 0700), 0);
    folder_write(f, "folder/in", "in");
    assert_int_equal(symlinkat("file", f->fd, "link"), 0);
    assert_int_equal(symlinkat("nowhere", f->fd, "dangling"), 0);

    assert_int_equal(rename_one(f->fd, "file", f->fd, "taken"), EEXIST);
    assert_int_equal(rename_one(f->fd, "file", f->fd, "full"), EEXIST);
    assert_int_equal(rename_one(f->fd, "file", f->fd, "dangling"), EEXIST);
    assert_int_equal(rename_one(f->fd, "folder", f->fd, "full"), EEXIST);
    assert_int_equal(rename_one(f->fd, "link", f->fd, "taken"), EEXIST);
    assert_int_equal(rename_one(f->fd, "missing", f->fd, "new"), ENOENT);
    folder_holds(f, "taken", "theirs");
    assert_false(folder_has(f, "new"));

    assert_int_equal(rename_one(f->fd, "link", f->fd, "full/link"), 0);
    assert_int_equal(rename_one(f->fd, "file", f->fd, "full/file"), 0);
    assert_int_equal(rename_one(f->fd, "folder", f->fd, "full/folder"), 0);
    folder_holds(f, "full/file", "mine");
    folder_holds(f, "full/folder/in", "in");
    assert_false(folder_has(f, "file") || folder_has(f, "folder") || folder_has(f, "link"));
}

static void
nothing_is_renamed_over_anything(void **state)
{
    renames(*state, place_rename);
}

static void
nothing_is_renamed_over_anything_in_two_steps_either(void **state)
{
    renames(*state, place_rename_in_two);
}

static void
a_rename_in_two_steps_that_fails_leaves_nothing(void **state)
{
    struct test_folder *f = *state;

    assert_int_equal(mkdirat(f->fd, "folder", 0700), 0);
    assert_int_equal(place_rename_in_two(f->fd, "folder", f->fd, "folder/in"), EINVAL);
    assert_false(folder_has(f, "folder/in"));
}

static void
temporary_names_are_hidden_and_differ(void **state)
{
    char a[PLACE_TEMP_LEN], b[PLACE_TEMP_LEN];

    (void)state;
    assert_ok(place_temp_name(".part", a));
    assert_ok(place_temp_name(".part", b));
    assert_memory_equal(a, ".mayfly-", 8);
    assert_string_equal(a + strlen(a) - 5, ".part");
    assert_int_equal(strlen(a), 8 + 26 + 5);
    assert_string_not_equal(a, b);
}

struct tries {
    int n, taken, then;
};

static int
try_one(void *ctx, const char *name)
{
    struct tries *t = ctx;

    (void)name;
    return t->n++ < t->taken ? EEXIST : t->then;
}

static void
numbering_ends_at_the_first_free_name_or_at_an_error(void **state)
{
    struct tries many = {.taken = 1000}, other = {.taken = 2, .then = EACCES},
                 all = {.taken = 1000000};
    char name[PLACE_NAME_LEN] = "untouched";

    (void)state;
    assert_int_equal(place_numbered("a", ".b", try_one, &other, name), EACCES);
    assert_int_equal(other.n, 3);
    assert_int_equal(place_numbered("a", ".b", try_one, &all, name), EEXIST);
    assert_string_equal(name, "untouched");
    assert_int_equal(place_numbered("a", ".b", try_one, &many, name), 0);
    assert_string_equal(name, "a-1000.b");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_is_renamed_over_anything),
        T(nothing_is_renamed_over_anything_in_two_steps_either),
        T(a_rename_in_two_steps_that_fails_leaves_nothing),
        T(temporary_names_are_hidden_and_differ),
        T(numbering_ends_at_the_first_free_name_or_at_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
