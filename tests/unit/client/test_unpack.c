/* SPDX-License-Identifier: Apache-2.0 */
/* Right tars come out as they were packed, and come to their place whole or not at all. */
#include "unpack_testing.h"

#include <locale.h>

enum { NOBODY = 65534 };

/* ---- what is right ---- */

static void
a_tree_comes_out_as_it_was(void **state)
{
    static const struct tar_entry tree[] = {
        {'d', "photos/", NULL, 0755},
        {'f', "photos/a.jpg", "aaa", 0640},
        {'f', "photos/run", "#!", 0755},
        {'d', "photos/empty/", NULL, 0700},
        {'f', "photos/empty file", "", 0400},
        {'d', "photos/deep/er/", NULL, 0711},
        {'f', "photos/deep/er/b", "bbb", 0600},
        {'l', "photos/link", "deep/er/b", 0},
        {'l', "photos/deep/up", "../a.jpg", 0},
        {'l', "photos/deep/er/to top", "../../../photos/run", 0},
        {'l', "photos/dangling", "nothing/here", 0},
        {'l', "photos/folder", "./deep/", 0},
        {'h', "photos/twin", "photos/a.jpg", 0},
        {'f', "top.txt", "ttt", 0644},
        {0, NULL, NULL, 0},
    };
    struct place *p = *state;
    struct stat a, b;
    char link[64] = "";

    extract(p, tree);
    assert_int_equal(folder_n(&p->out), 3);
    folder_holds(&p->out, "photos/a.jpg", "aaa");
    folder_holds(&p->out, "photos/empty file", "");
    folder_holds(&p->out, "photos/deep/er/b", "bbb");
    folder_holds(&p->out, "photos/twin", "aaa");
    folder_holds(&p->out, "top.txt", "ttt");
    assert_int_equal(folder_mode(&p->out, "photos"), 0755);
    assert_int_equal(folder_mode(&p->out, "photos/a.jpg"), 0640);
    assert_int_equal(folder_mode(&p->out, "photos/run"), 0755);
    assert_int_equal(folder_mode(&p->out, "photos/empty"), 0700);
    assert_int_equal(folder_mode(&p->out, "photos/empty file"), 0400);
    assert_int_equal(folder_mode(&p->out, "photos/deep"), 0700); /* the tar said nothing */
    assert_int_equal(folder_mode(&p->out, "photos/deep/er"), 0711);
    assert_int_equal(readlinkat(p->out.fd, "photos/deep/up", link, sizeof(link)), 8);
    assert_memory_equal(link, "../a.jpg", 8);
    assert_int_equal(fstatat(p->out.fd, "photos/a.jpg", &a, 0), 0);
    assert_int_equal(fstatat(p->out.fd, "photos/deep/up", &b, 0), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    assert_int_equal(fstatat(p->out.fd, "photos/twin", &b, 0), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    assert_int_equal(a.st_uid, geteuid());
    assert_int_equal(fstatat(p->out.fd, "photos/deep/er/to top", &b, 0), 0);
    assert_int_equal(folder_n(&p->top), 2);
}

static void
times_are_kept_of_folders_too(void **state)
{
    static const struct tar_entry tree[] = {
        {'d', "d", NULL, 0}, {'f', "d/f", "x", 0}, {'l', "d/l", "f", 0}, {0, NULL, NULL, 0}};
    struct place *p = *state;
    struct stat st;

    extract(p, tree);
    assert_int_equal(fstatat(p->out.fd, "d", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mtime, TAR_TIME_S);
    assert_int_equal(fstatat(p->out.fd, "d/f", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mtime, TAR_TIME_S);
    assert_int_equal(fstatat(p->out.fd, "d/l", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mtime, TAR_TIME_S);
}

static void
nothing_is_seen_before_the_commit_but_the_private_folder(void **state)
{
    static const struct tar_entry tree[] = {
        {'d', "d", NULL, 0}, {'f', "d/f", "x", 0}, {'f', "a", "x", 0}, {0, NULL, NULL, 0}};
    struct place *p = *state;
    struct unpack *u = run_entries(p, tree);

    assert_int_equal(unpack_n(u), 2);
    assert_string_equal(unpack_name(u, 0), "a");
    assert_string_equal(unpack_name(u, 1), "d");
    assert_false(folder_has(&p->out, "a") || folder_has(&p->out, "d"));
    assert_int_equal(folder_n(&p->out), 2);
    unpack_free(u);
    nothing_came(p);
    unpack_free(NULL);
}

static void
special_bits_and_writing_by_others_are_dropped(void **state)
{
    static const struct tar_entry tree[] = {
        {'f', "setuid", "x", 04755}, {'f', "setgid", "x", 02755}, {'d', "sticky", NULL, 01777},
        {'f', "open", "x", 0666},    {'d', "group", NULL, 02770}, {0, NULL, NULL, 0},
    };
    struct place *p = *state;

    extract(p, tree);
    assert_int_equal(folder_mode(&p->out, "setuid"), 0755);
    assert_int_equal(folder_mode(&p->out, "setgid"), 0755);
    assert_int_equal(folder_mode(&p->out, "sticky"), 0755);
    assert_int_equal(folder_mode(&p->out, "open"), 0644);
    assert_int_equal(folder_mode(&p->out, "group"), 0750);
}

static void
the_umask_counts_for_files_and_folders(void **state)
{
    static const struct tar_entry entries[] = {
        {'f', "f", "x", 0755}, {'d', "d", NULL, 0755}, {'f', "d/g", "x", 0644}, TAR_LAST};
    struct place *p = *state;
    mode_t was = umask(027);

    extract(p, entries);
    assert_int_equal(umask(was), 027); /* it is as it was */
    assert_int_equal(folder_mode(&p->out, "f"), 0750);
    assert_int_equal(folder_mode(&p->out, "d"), 0750);
    assert_int_equal(folder_mode(&p->out, "d/g"), 0640);
}

static void
hidden_names_and_options_at_the_top_become_harmless(void **state)
{
    static const struct tar_entry tree[] = {
        {'d', ".ssh", NULL, 0},      {'f', ".ssh/authorized_keys", "x", 0},
        {'f', ".bashrc", "x", 0},    {'f', "-rf", "x", 0},
        {'f', "d/.hidden", "x", 0},  {'h', ".ssh/twin", ".ssh/authorized_keys", 0},
        {'f', "./-leading", "x", 0}, {0, NULL, NULL, 0},
    };
    struct place *p = *state;

    extract(p, tree);
    assert_int_equal(folder_n(&p->out), 6);
    folder_holds(&p->out, "_ssh/authorized_keys", "x");
    folder_holds(&p->out, "_ssh/twin", "x");
    folder_holds(&p->out, "_bashrc", "x");
    folder_holds(&p->out, "_rf", "x");
    folder_holds(&p->out, "_leading", "x");
    folder_holds(&p->out, "d/.hidden", "x");
}

static void
dots_and_slashes_that_say_nothing_are_passed_over(void **state)
{
    static const struct tar_entry tree[] = {
        {'d', "./", NULL, 0700},       {'d', "./a/", NULL, 0},    {'f', "./a//b/./c", "x", 0},
        {'f', "a/later/file", "x", 0}, {'d', "a/later", NULL, 0}, {0, NULL, NULL, 0},
    };
    struct place *p = *state;

    extract(p, tree);
    folder_holds(&p->out, "a/b/c", "x");
    folder_holds(&p->out, "a/later/file", "x");
    assert_int_equal(folder_mode(&p->out, "a/later"), 0755);
}

static void
names_are_utf8_in_every_format_and_locale(void **state)
{
    static int (*const formats[])(struct archive *) = {
        archive_write_set_format_pax, archive_write_set_format_ustar,
        archive_write_set_format_gnutar, archive_write_set_format_v7tar};
    struct place *p = *state;
    struct archive *a;
    struct unpack *u;
    struct buf b;
    char name[64];

    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        locale_t was = uselocale(utf8);

        (void)snprintf(name, sizeof(name),
                       "gr\xc3\xbc\xc3\x9f"
                       "e \xe6\x97\xa5 %zu",
                       i);
        a = tar_begin(&b, formats[i]);
        tar_put(a, &(struct tar_entry){'f', name, "x", 0});
        tar_end(a);
        (void)uselocale(was);
        freelocale(utf8);
        assert_ok(run_bytes(p, b.data, b.len, &u));
        assert_ok(unpack_commit(u, false));
        unpack_free(u);
        buf_done(&b);
        folder_holds(&p->out, name, "x");
    }
}

static void
a_tar_of_nothing_is_a_tar(void **state)
{
    static const struct tar_entry none[] = {{0, NULL, NULL, 0}},
                                  dot[] = {{'d', ".", NULL, 0}, {0, NULL, NULL, 0}};
    struct place *p = *state;
    struct unpack *u = run_entries(p, none);

    assert_int_equal(unpack_n(u), 0);
    assert_ok(unpack_commit(u, false));
    unpack_free(u);
    extract(p, dot);
    nothing_came(p);
}

static void
what_follows_the_end_is_read_and_ignored(void **state)
{
    static const struct tar_entry one[] = {{'f', "a", "x", 0}, {0, NULL, NULL, 0}},
                                  two[] = {{'f', "/etc/b", "x", 0}, {0, NULL, NULL, 0}};
    static uint8_t rest[700 * 1024];
    struct place *p = *state;
    struct unpack *u;
    struct buf b, more;

    tar_of(one, &b);
    tar_of(two, &more);
    assert_ok(buf_add(&b, more.data, more.len));
    assert_ok(buf_add(&b, rest, sizeof(rest)));
    assert_ok(run_bytes(p, b.data, b.len, &u));
    assert_ok(unpack_commit(u, false));
    unpack_free(u);
    buf_done(&b);
    buf_done(&more);
    assert_int_equal(folder_n(&p->out), 2);
}

static void
a_big_file_and_one_with_holes_come_out_whole(void **state)
{
    static uint8_t bytes[3 << 20], got[3 << 20];
    struct place *p = *state;
    struct archive_entry *e = archive_entry_new();
    struct archive *a;
    struct unpack *u;
    struct stat st;
    struct buf b;
    int fd;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 31 + i / 65536);
    memset(bytes, 0, 1 << 20);
    memset(bytes + (2 << 20), 0, 1 << 20);
    a = tar_begin(&b, archive_write_set_format_pax);
    archive_entry_copy_pathname(e, "holes");
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_size(e, sizeof(bytes));
    archive_entry_sparse_add_entry(e, 1 << 20, 1 << 20);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, bytes, sizeof(bytes)), sizeof(bytes));
    archive_entry_sparse_clear(e);
    archive_entry_copy_pathname(e, "big");
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, bytes, sizeof(bytes)), sizeof(bytes));
    archive_entry_free(e);
    tar_end(a);
    assert_true(b.len < 5 << 20); /* the holes are not in it */
    assert_ok(run_bytes(p, b.data, b.len, &u));
    assert_ok(unpack_commit(u, false));
    unpack_free(u);
    buf_done(&b);
    for (int i = 0; i < 2; i++) {
        fd = openat(p->out.fd, i == 0 ? "holes" : "big", O_RDONLY | O_CLOEXEC);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, sizeof(bytes));
        assert_int_equal(read(fd, got, sizeof(got)), sizeof(got));
        assert_memory_equal(got, bytes, sizeof(got));
        (void)close(fd);
    }
}

/* Root may write everywhere, so the folders' permissions only count for others. */
static bool
become_nobody(const struct place *p)
{
    if (geteuid() != 0)
        return false;
    assert_int_equal(chown(p->top.path, NOBODY, NOBODY), 0);
    assert_int_equal(chown(p->out.path, NOBODY, NOBODY), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    return true;
}

static void
become_root(bool was_root)
{
    if (was_root)
        assert_int_equal(seteuid(0), 0);
}

static const struct tar_entry closed_tree[] = {
    {'d', "closed", NULL, 0555},
    {'f', "closed/a", "x", 0400},
    {'d', "closed/none", NULL, 01000},
    {'f', "closed/none/b", "x", 01000},
    {'d', "closed/none/c", NULL, 0500},
    {'f', "closed/none/c/d", "x", 0444},
    {0, NULL, NULL, 0},
};

static void
folders_that_forbid_writing_are_filled_and_moved(void **state)
{
    struct place *p = *state;
    bool was_root = become_nobody(p);

    extract(p, closed_tree);
    become_root(was_root);
    assert_int_equal(folder_mode(&p->out, "closed"), 0555);
    folder_holds(&p->out, "closed/a", "x");
    if (was_root) {
        assert_int_equal(folder_mode(&p->out, "closed/none"), 0);
        assert_int_equal(folder_mode(&p->out, "closed/none/b"), 0);
        folder_holds(&p->out, "closed/none/c/d", "x");
    }
}

static void
folders_that_forbid_writing_are_removed(void **state)
{
    struct place *p = *state;
    bool was_root = become_nobody(p);

    unpack_free(run_entries(p, closed_tree));
    become_root(was_root);
    nothing_came(p);
}

/* ---- the commit ---- */

static const struct tar_entry two_tops[] = {{'f', "a", "new", 0},
                                            {'d', "d", NULL, 0},
                                            {'f', "d/f", "new", 0},
                                            {'f', "z", "new", 0},
                                            TAR_LAST};

static void
nothing_is_moved_when_one_name_is_taken(void **state)
{
    struct place *p = *state;
    struct unpack *u = run_entries(p, two_tops);

    folder_write(&p->out, "z", "old");
    assert_err(ERR_IO, unpack_commit(u, false));
    assert_false(folder_has(&p->out, "a") || folder_has(&p->out, "d"));
    unpack_free(u);
    folder_holds(&p->out, "z", "old");
    assert_int_equal(folder_n(&p->out), 2);
}

static void
a_dangling_link_takes_a_name_too(void **state)
{
    struct place *p = *state;
    struct unpack *u = run_entries(p, two_tops);

    assert_int_equal(symlinkat("../evil", p->out.fd, "a"), 0);
    assert_err(ERR_IO, unpack_commit(u, false));
    unpack_free(u);
    assert_false(folder_has(&p->top, "evil"));
    assert_int_equal(folder_n(&p->out), 2);
}

static void
with_force_files_and_links_are_replaced(void **state)
{
    struct place *p = *state;
    struct unpack *u = run_entries(p, two_tops);

    assert_int_equal(symlinkat("../precious", p->out.fd, "a"), 0);
    folder_write(&p->out, "d", "a file where a folder comes");
    folder_write(&p->out, "z", "old");
    assert_ok(unpack_commit(u, true));
    unpack_free(u);
    folder_holds(&p->out, "a", "new");
    folder_holds(&p->out, "d/f", "new");
    folder_holds(&p->out, "z", "new");
    folder_holds(&p->top, "precious", "old");
    assert_int_equal(folder_n(&p->out), 4);
}

static void
with_force_a_folder_or_a_pipe_in_the_way_is_kept(void **state)
{
    struct place *p = *state;
    struct unpack *u = run_entries(p, two_tops);

    folder_write(&p->out, "a", "old");
    assert_int_equal(mkdirat(p->out.fd, "z", 0700), 0);
    folder_write(&p->out, "z/kept", "old");
    assert_err(ERR_IO, unpack_commit(u, true));
    folder_holds(&p->out, "a", "old");
    folder_holds(&p->out, "z/kept", "old");
    assert_false(folder_has(&p->out, "d"));
    assert_int_equal(unlinkat(p->out.fd, "z/kept", 0), 0);
    assert_int_equal(unlinkat(p->out.fd, "z", AT_REMOVEDIR), 0);
    assert_int_equal(mkfifoat(p->out.fd, "z", 0600), 0);
    assert_err(ERR_IO, unpack_commit(u, true));
    unpack_free(u);
    assert_int_equal(folder_n(&p->out), 3);
}

/* In a folder like /tmp nobody can move the files of others. */
static void
a_commit_that_fails_half_way_is_taken_back(void **state)
{
    struct place *p = *state;
    struct unpack *u;

    if (geteuid() != 0)
        skip();
    folder_write(&p->out, "z", "of root");
    assert_int_equal(chmod(p->top.path, 0755), 0);
    assert_int_equal(fchmod(p->out.fd, 01777), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    folder_write(&p->out, "a", "old");
    u = run_entries(p, two_tops);
    assert_err(ERR_IO, unpack_commit(u, true));
    unpack_free(u);
    assert_int_equal(seteuid(0), 0);
    folder_holds(&p->out, "a", "old");
    folder_holds(&p->out, "z", "of root");
    assert_false(folder_has(&p->out, "d"));
    assert_int_equal(folder_n(&p->out), 3);
}

static void
after_a_refused_commit_all_can_go_to_a_folder_of_its_own(void **state)
{
    struct place *p = *state;
    struct unpack *u = run_entries(p, two_tops);
    char name[UNPACK_NAME_LEN];

    folder_write(&p->out, "z", "old");
    assert_int_equal(mkdirat(p->out.fd, "photos", 0700), 0);
    assert_err(ERR_IO, unpack_commit(u, false));
    assert_ok(unpack_commit_as(u, "../photos", name));
    unpack_free(u);
    assert_string_equal(name, "photos-1");
    folder_holds(&p->out, "photos-1/a", "new");
    folder_holds(&p->out, "photos-1/d/f", "new");
    folder_holds(&p->out, "photos-1/z", "new");
    folder_holds(&p->out, "z", "old");
    assert_int_equal(folder_mode(&p->out, "photos-1/d"), 0755);
    assert_int_equal(folder_n(&p->out), 4);
}

/* ---- who may rename what is in the folder, too ---- */

/* The name of the private folder. */
static void
private_name(const struct place *p, char ret_name[64])
{
    DIR *dir = opendir(p->out.path);
    struct dirent *d;

    assert_non_null(dir);
    ret_name[0] = '\0';
    while ((d = readdir(dir)) != NULL) {
        if (strncmp(d->d_name, ".mayfly-", 8) == 0)
            (void)snprintf(ret_name, 64, "%.63s", d->d_name);
    }
    (void)closedir(dir);
    assert_string_not_equal(ret_name, "");
}

static void
a_folder_that_took_the_name_of_the_private_one_is_not_emptied(void **state)
{
    struct place *p = *state;
    struct unpack *u = run_entries(p, two_tops);
    char name[64];

    private_name(p, name);
    assert_int_equal(mkdirat(p->out.fd, "precious", 0700), 0);
    assert_int_equal(renameat(p->out.fd, "mine", p->out.fd, "precious/mine"), 0);
    assert_int_equal(renameat(p->out.fd, name, p->out.fd, "moved"), 0);
    assert_int_equal(renameat(p->out.fd, "precious", p->out.fd, name), 0);
    unpack_free(u);
    assert_int_equal(renameat(p->out.fd, name, p->out.fd, "precious"), 0);
    folder_holds(&p->out, "precious/mine", "old");
    assert_false(folder_has(&p->out, "moved/a")); /* what was ours is empty all the same */
    assert_int_equal(folder_n(&p->out), 2);
}

/* As unpack_commit opens the folders again by their names, to give them their permissions. */
static void
a_folder_that_took_the_name_of_an_entry_keeps_its_permissions(void **state)
{
    struct place *p = *state;
    struct unpack *u = run_entries(p, two_tops);
    char name[64], path[80];

    private_name(p, name);
    (void)snprintf(path, sizeof(path), "%s/d", name);
    assert_int_equal(renameat(p->out.fd, path, p->out.fd, "moved"), 0);
    assert_int_equal(mkdirat(p->out.fd, path, 0700), 0);
    assert_ok(unpack_commit(u, false));
    unpack_free(u);
    assert_int_equal(folder_mode(&p->out, "d"), 0700);
    assert_int_equal(folder_mode(&p->out, "moved"), 0700);
}

static void
a_folder_that_is_missing_or_no_folder_is_known_before(void **state)
{
    struct place *p = *state;
    struct unpack *u = NULL;

    assert_err(ERR_IO, unpack_new(folder_path(&p->top, "missing"), &u));
    assert_err(ERR_IO, unpack_new(folder_path(&p->top, "precious"), &u));
    assert_err(ERR_IO, unpack_new("", &u));
    assert_null(u);
    nothing_came(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_tree_comes_out_as_it_was),
        T(times_are_kept_of_folders_too),
        T(nothing_is_seen_before_the_commit_but_the_private_folder),
        T(special_bits_and_writing_by_others_are_dropped),
        T(the_umask_counts_for_files_and_folders),
        T(hidden_names_and_options_at_the_top_become_harmless),
        T(dots_and_slashes_that_say_nothing_are_passed_over),
        T(names_are_utf8_in_every_format_and_locale),
        T(a_tar_of_nothing_is_a_tar),
        T(what_follows_the_end_is_read_and_ignored),
        T(a_big_file_and_one_with_holes_come_out_whole),
        T(folders_that_forbid_writing_are_filled_and_moved),
        T(folders_that_forbid_writing_are_removed),
        T(nothing_is_moved_when_one_name_is_taken),
        T(a_dangling_link_takes_a_name_too),
        T(with_force_files_and_links_are_replaced),
        T(with_force_a_folder_or_a_pipe_in_the_way_is_kept),
        T(a_commit_that_fails_half_way_is_taken_back),
        T(after_a_refused_commit_all_can_go_to_a_folder_of_its_own),
        T(a_folder_that_took_the_name_of_the_private_one_is_not_emptied),
        T(a_folder_that_took_the_name_of_an_entry_keeps_its_permissions),
        T(a_folder_that_is_missing_or_no_folder_is_known_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
