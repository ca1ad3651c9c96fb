/* SPDX-License-Identifier: Apache-2.0 */
/* The scan: orphans and unfinished writes go; known blobs, what a living writer holds,
 * and everything that is not ours stay. */
#include "unit/blob/blob_testing.h"

#include "blob/blob_dir_int.h"

#include <sys/file.h>

/* A store that knows up to four blobs, and counts the questions. */
struct book {
    struct blob_name known[4];
    size_t n_known;
    unsigned n_asked;
    enum err answer;
};

static enum err
look_up(void *ctx, const struct blob_name *name, bool *ret_known)
{
    struct book *book = ctx;

    book->n_asked++;
    if (book->answer != ERR_OK)
        return err_set(book->answer, "the store is away");
    *ret_known = false;
    for (size_t i = 0; i < book->n_known; i++) {
        if (mem_equal(&book->known[i], name, sizeof(*name)))
            *ret_known = true;
    }
    return ERR_OK;
}

static void
known_blobs_stay_and_unknown_ones_are_shredded(void **state)
{
    struct place *p = *state;
    struct blob_name kept = put_blob(p->blobs, 100), orphan = put_blob(p->blobs, 100);
    struct book book = {.known = {kept}, .n_known = 1};
    struct blob_scan scan = {look_up, &book, 9, 9, 9};
    struct reader *r = NULL, *before = NULL;
    uint8_t byte;

    assert_ok(blob_open(p->blobs, &orphan, &before));
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_kept, 1);
    assert_int_equal(scan.n_shredded, 1);
    assert_int_equal(scan.n_foreign, 0);
    assert_int_equal(book.n_asked, 2);
    assert_err(ERR_INTEGRITY, reader_read_at(before, 0, &byte, 1)); /* cut, not only unlinked */
    assert_err(ERR_NOTFOUND, blob_open(p->blobs, &orphan, &r));
    assert_ok(blob_open(p->blobs, &kept, &r));
    reader_free(r);
    reader_free(before);
}

static void
an_empty_storage_has_nothing_to_scan(void **state)
{
    struct place *p = *state;
    struct book book = {.n_known = 0};
    struct blob_scan scan = {look_up, &book, 9, 9, 9};

    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_kept + scan.n_shredded + scan.n_foreign, 0);
    assert_int_equal(book.n_asked, 0);
}

/* A process that dies between its first byte and its commit. */
static int
die_while_writing(void *ctx)
{
    struct place *p = ctx;
    struct blob_writer *w = NULL;

    if (blob_create(p->blobs, &w) != ERR_OK)
        return 1;
    return sink_write(blob_writer_sink(w), (const uint8_t *)"half", 4) == ERR_OK ? 0 : 2;
}

static void
an_unfinished_write_is_shredded_after_its_writer_died(void **state)
{
    struct place *p = *state;
    struct book book = {.n_known = 0};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};

    assert_int_equal(in_child(die_while_writing, p), 0);
    assert_int_equal(n_files(p, NULL), 1);
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_shredded, 1);
    assert_int_equal(book.n_asked, 0); /* no record can name it */
    assert_int_equal(n_files(p, NULL), 0);
}

/* Another node on the same storage, which knows nothing, scans. */
static int
scan_in_child(void *ctx)
{
    struct place *p = ctx;
    struct book book = {.n_known = 0};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};

    if (blob_scan_orphans(p->blobs, &scan) != ERR_OK || book.n_asked != 0)
        return 99;
    return (int)(scan.n_shredded * 10 + scan.n_kept);
}

static void
what_a_living_writer_holds_is_kept_unasked(void **state)
{
    struct place *p = *state;
    struct blob_writer *writing = begin_blob(p->blobs, 100), *committed = begin_blob(p->blobs, 100);
    struct blob_name name, other;
    struct reader *r = NULL;
    uint64_t size;

    assert_ok(blob_commit(committed, &name, &size));
    assert_int_equal(in_child(scan_in_child, p), 2);
    assert_int_equal(scan_in_child(p), 2); /* also from within the same process */
    assert_ok(blob_commit(writing, &other, &size));
    blob_writer_free(writing);
    blob_writer_free(committed);
    assert_ok(blob_open(p->blobs, &name, &r));
    reader_free(r);
    assert_ok(blob_open(p->blobs, &other, &r));
    reader_free(r);
}

static void
what_a_writer_let_go_of_is_asked_about(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 100);
    struct book book = {.n_known = 0};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};
    struct reader *r = NULL;

    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(book.n_asked, 1);
    assert_err(ERR_NOTFOUND, blob_open(p->blobs, &name, &r));
}

static void
an_error_of_the_store_ends_the_scan_and_shreds_nothing(void **state)
{
    struct place *p = *state;
    struct book book = {.answer = ERR_UNAVAIL};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};

    (void)put_blob(p->blobs, 100);
    (void)put_blob(p->blobs, 100);
    assert_err(ERR_UNAVAIL, blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(book.n_asked, 1);
    assert_int_equal(scan.n_shredded, 0);
    assert_int_equal(n_files(p, NULL), 2);
}

static void
names_that_are_not_ours_are_counted_and_left(void **state)
{
    static const char *const strangers[] = {
        "README",                                       /* beside the subfolders */
        "zz",                                           /* looks like one, and is none */
        "AB",                                           /* not how we spell it */
        "ab/notes.txt",                                 /* in a subfolder */
        "ab/ab0102030405060708090a0b0c0d0e",            /* too short */
        "ab/ab0102030405060708090a0b0c0d0e0f0",         /* too long */
        "ab/AB0102030405060708090a0b0c0d0e0f",          /* not how we spell it */
        "ab/cd0102030405060708090a0b0c0d0e0f",          /* in the wrong subfolder */
        "ab/ab0102030405060708090a0b0c0d0e0f.part.bak", /* more than .part */
        "ab/ab0102030405060708090a0b0c0d0e0f.tmp",      /* not .part */
    };
    struct place *p = *state;
    struct book book = {.n_known = 0};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", p->storage, strangers[i]);
        make_file(path, "not ours");
    }
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_foreign, ARRAY_LEN(strangers));
    assert_int_equal(scan.n_shredded, 0);
    assert_int_equal(book.n_asked, 0);
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", p->storage, strangers[i]);
        assert_file_holds(path, "not ours");
    }
}

static void
links_and_odd_kinds_under_a_blobs_name_are_left(void **state)
{
    static const struct blob_name names[] = {{{1, 1}}, {{1, 2}}, {{1, 3}}, {{1, 4}}};
    struct place *p = *state;
    struct book book = {.n_known = 0};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};
    char path[PATH_MAX], target[PATH_MAX];

    (void)snprintf(target, sizeof(target), "%s/target", p->root);
    make_file(target, "precious");
    path_of(p, &names[0], "", path);
    assert_int_equal(symlink(target, path), 0);
    path_of(p, &names[1], ".part", path);
    assert_int_equal(symlink(target, path), 0);
    path_of(p, &names[2], "", path);
    assert_int_equal(mkdir(path, 0700), 0);
    path_of(p, &names[3], ".part", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_foreign, 4);
    assert_int_equal(scan.n_shredded, 0);
    assert_file_holds(target, "precious");
    assert_int_equal(n_files(p, NULL), 4);
}

static void
a_file_of_another_user_is_left(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 100);
    struct book book = {.n_known = 0};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};
    char path[PATH_MAX];

    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    path_of(p, &name, "", path);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_foreign, 1);
    assert_true(is_there(path));
}

/* A commit by link and unlink that a crash cut in half. */
static void
of_two_names_for_one_blob_the_unfinished_one_goes(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 100);
    struct book book = {.known = {name}, .n_known = 1};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};
    char path[PATH_MAX], part[PATH_MAX];
    struct reader *r = NULL;
    uint8_t got[100], want[100];

    path_of(p, &name, "", path);
    path_of(p, &name, ".part", part);
    assert_int_equal(link(path, part), 0);
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_kept, 1);
    assert_false(is_there(part));
    assert_ok(blob_open(p->blobs, &name, &r));
    assert_ok(reader_read_at(r, 0, got, sizeof(got)));
    fill_pattern(want, sizeof(want));
    assert_memory_equal(got, want, sizeof(want));
    reader_free(r);
}

static enum err
failing_fill(void *ret_bytes, size_t len)
{
    (void)ret_bytes;
    (void)len;
    return err_set(ERR_IO, "no random bytes today");
}

static void
an_orphan_that_resists_does_not_stop_the_scan(void **state)
{
    struct place *p = *state;
    struct blobs *broken = open_storage(p->storage, 1, failing_fill);
    struct book book = {.n_known = 0};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};

    (void)put_blob(p->blobs, 100);
    (void)put_blob(p->blobs, 0); /* nothing to overwrite, so this one can go */
    (void)put_blob(p->blobs, 100);
    assert_err(ERR_IO, blob_scan_orphans(broken, &scan));
    assert_int_equal(book.n_asked, 3);
    assert_int_equal(scan.n_shredded, 1);
    assert_int_equal(n_files(p, NULL), 2);
    blobs_free(broken);
}

static void
a_second_scan_leaves_what_a_first_one_holds(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 100);
    struct book book = {.n_known = 0};
    struct blob_scan scan = {look_up, &book, 0, 0, 0};
    char path[PATH_MAX];
    int fd;

    path_of(p, &name, "", path);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_kept, 1);
    assert_int_equal(book.n_asked, 0);
    (void)close(fd);
    assert_ok(blob_scan_orphans(p->blobs, &scan));
    assert_int_equal(scan.n_shredded, 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(known_blobs_stay_and_unknown_ones_are_shredded),
        CASE(an_empty_storage_has_nothing_to_scan),
        CASE(an_unfinished_write_is_shredded_after_its_writer_died),
        CASE(what_a_living_writer_holds_is_kept_unasked),
        CASE(what_a_writer_let_go_of_is_asked_about),
        CASE(an_error_of_the_store_ends_the_scan_and_shreds_nothing),
        CASE(names_that_are_not_ours_are_counted_and_left),
        CASE(links_and_odd_kinds_under_a_blobs_name_are_left),
        CASE(a_file_of_another_user_is_left),
        CASE(of_two_names_for_one_blob_the_unfinished_one_goes),
        CASE(an_orphan_that_resists_does_not_stop_the_scan),
        CASE(a_second_scan_leaves_what_a_first_one_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
