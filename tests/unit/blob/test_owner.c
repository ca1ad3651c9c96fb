/* SPDX-License-Identifier: Apache-2.0 */
/* Whose storage it is: a mark for each store, which holds until its time and then goes. */
#include "unit/blob/blob_testing.h"

enum { T0 = 100000 };

static const struct store_name one = {{0x01, 0xab}}, two = {{0x02, 0xcd}};

static bool
is_alone(struct place *p, const struct store_name *name, int64_t now_s, int64_t until_s)
{
    const struct blob_owner owner = {*name, now_s, until_s};
    bool alone;

    assert_ok(blob_mark_owner(p->blobs, &owner, &alone));
    return alone;
}

static void
mark_path(const struct place *p, const struct store_name *name, char ret_path[PATH_MAX])
{
    char hex[HEX_LEN(ID_LEN) + 1];

    hex_encode(name->b, ID_LEN, hex);
    (void)snprintf(ret_path, PATH_MAX, "%s/.store-%s", p->storage, hex);
}

static int64_t
mark_time(const struct place *p, const struct store_name *name)
{
    char path[PATH_MAX];
    struct stat st;

    mark_path(p, name, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 0);
    return st.st_mtim.tv_sec;
}

static bool
has_mark(const struct place *p, const struct store_name *name)
{
    char path[PATH_MAX];

    mark_path(p, name, path);
    return is_there(path);
}

static void
the_only_owner_is_alone_again_and_again(void **state)
{
    struct place *p = *state;

    assert_true(is_alone(p, &one, T0, T0 + 100));
    assert_int_equal(mark_time(p, &one), T0 + 100);
    assert_true(is_alone(p, &one, T0 + 50, T0 + 150));
    assert_int_equal(mark_time(p, &one), T0 + 150);
}

static void
of_two_owners_neither_is_alone(void **state)
{
    struct place *p = *state;

    assert_true(is_alone(p, &one, T0, T0 + 100));
    assert_false(is_alone(p, &two, T0 + 1, T0 + 101));
    assert_false(is_alone(p, &one, T0 + 2, T0 + 102));
    assert_true(has_mark(p, &one) && has_mark(p, &two));
}

static void
a_mark_holds_until_its_second_and_then_goes(void **state)
{
    struct place *p = *state;

    assert_true(is_alone(p, &one, T0, T0 + 100));
    assert_false(is_alone(p, &two, T0 + 99, T0 + 199));
    assert_true(has_mark(p, &one));
    assert_true(is_alone(p, &two, T0 + 100, T0 + 200));
    assert_false(has_mark(p, &one));
    assert_true(has_mark(p, &two));
}

static void
the_own_mark_stays_when_it_is_past_its_time(void **state)
{
    struct place *p = *state;

    assert_true(is_alone(p, &one, T0, T0 + 100));
    assert_true(is_alone(p, &one, T0 + 1000, T0 + 100));
    assert_true(has_mark(p, &one));
}

/* Another node of the same store may allow longer lives. */
static void
a_mark_is_never_shortened(void **state)
{
    struct place *p = *state;

    assert_true(is_alone(p, &one, T0, T0 + 500));
    assert_true(is_alone(p, &one, T0 + 1, T0 + 100));
    assert_int_equal(mark_time(p, &one), T0 + 500);
    assert_false(is_alone(p, &two, T0 + 499, T0 + 600));
}

static enum err
deny(void *ctx, const struct blob_name *name, bool *ret_known)
{
    (void)ctx;
    (void)name;
    *ret_known = false;
    return ERR_OK;
}

static void
a_scan_leaves_marks_alone_and_counts_only_what_looks_like_them(void **state)
{
    static const char *const others[] = {".store",
                                         ".store-",
                                         ".store-0102",
                                         ".store-0102030405060708090A0B0C0D0E0F00",
                                         ".store-0102030405060708090a0b0c0d0e0f001",
                                         "store-0102030405060708090a0b0c0d0e0f00"};
    struct blob_scan scan = {.is_known = deny};
    struct place *p = *state;
    char path[PATH_MAX];

    assert_true(is_alone(p, &one, T0, T0 + 100));
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_foreign, 0);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", p->storage, others[i]);
        make_file(path, "x");
    }
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_foreign, ARRAY_LEN(others));
    assert_true(is_alone(p, &two, T0 + 100, T0 + 200)); /* long past what these files' times say */
    assert_int_equal(scan.n_shredded, 0);
}

static void
a_link_in_place_of_a_mark_is_not_followed(void **state)
{
    const struct blob_owner owner = {one, T0, T0 + 100};
    struct place *p = *state;
    char path[PATH_MAX], target[PATH_MAX];
    struct stat before, after;
    bool alone = true;

    (void)snprintf(target, sizeof(target), "%s/target", p->root);
    make_file(target, "precious");
    assert_int_equal(stat(target, &before), 0);
    mark_path(p, &one, path);
    assert_int_equal(symlink(target, path), 0);
    assert_err(ERR_IO, blob_mark_owner(p->blobs, &owner, &alone));
    assert_true(alone);
    assert_int_equal(stat(target, &after), 0);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_file_holds(target, "precious");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_only_owner_is_alone_again_and_again),
        CASE(of_two_owners_neither_is_alone),
        CASE(a_mark_holds_until_its_second_and_then_goes),
        CASE(the_own_mark_stays_when_it_is_past_its_time),
        CASE(a_mark_is_never_shortened),
        CASE(a_scan_leaves_marks_alone_and_counts_only_what_looks_like_them),
        CASE(a_link_in_place_of_a_mark_is_not_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
