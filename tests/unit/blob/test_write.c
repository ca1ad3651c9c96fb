/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and reading: what commit and abort leave behind, what readers see, failing disks. */
#include "unit/blob/blob_testing.h"

#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>

static void
what_was_written_is_read_anywhere(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 300000);
    uint8_t want[300000], got[300000];
    struct reader *r = NULL;

    fill_pattern(want, sizeof(want));
    assert_ok(blob_open(p->blobs, &name, &r));
    assert_int_equal(r->size_bytes, sizeof(want));
    assert_ok(reader_read_at(r, 0, got, sizeof(got)));
    assert_memory_equal(got, want, sizeof(want));
    assert_ok(reader_read_at(r, 123457, got, 1000));
    assert_memory_equal(got, want + 123457, 1000);
    assert_err(ERR_INTEGRITY, reader_read_at(r, 299999, got, 2));
    reader_free(r);
}

static void
an_empty_blob_is_a_blob(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 0);
    struct reader *r = NULL;

    assert_ok(blob_open(p->blobs, &name, &r));
    assert_int_equal(r->size_bytes, 0);
    reader_free(r);
}

static void
many_small_writes_make_one_blob(void **state)
{
    struct place *p = *state;
    struct blob_writer *w = NULL;
    struct reader *r = NULL;
    struct blob_name name;
    uint64_t size = 0;
    uint8_t got[1000];

    assert_ok(blob_create(p->blobs, &w));
    for (unsigned i = 0; i < 1000; i++)
        assert_ok(sink_write(blob_writer_sink(w), &(uint8_t){(uint8_t)i}, 1));
    sink_free(blob_writer_sink(w)); /* does nothing: the sink is the writer's */
    assert_ok(blob_commit(w, &name, &size));
    blob_writer_free(w);
    assert_int_equal(size, 1000);
    assert_ok(blob_open(p->blobs, &name, &r));
    assert_ok(reader_read_at(r, 0, got, sizeof(got)));
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(got[i], (uint8_t)i);
    reader_free(r);
}

/* More than the step after which the disk is started early. */
static void
a_large_blob_is_whole(void **state)
{
    enum { CHUNK = 1 << 20, N = 20 };
    struct place *p = *state;
    struct blob_writer *w = NULL;
    struct reader *r = NULL;
    struct blob_name name;
    uint64_t size = 0;
    uint8_t *chunk = malloc(CHUNK);

    assert_non_null(chunk);
    assert_ok(blob_create(p->blobs, &w));
    for (int i = 0; i < N; i++) {
        memset(chunk, i, CHUNK);
        assert_ok(sink_write(blob_writer_sink(w), chunk, CHUNK));
    }
    assert_ok(blob_commit(w, &name, &size));
    blob_writer_free(w);
    assert_int_equal(size, (uint64_t)N * CHUNK);
    assert_ok(blob_open(p->blobs, &name, &r));
    for (int i = 0; i < N; i++) {
        assert_ok(reader_read_at(r, (uint64_t)i * CHUNK, chunk, CHUNK));
        assert_int_equal(chunk[0], i);
        assert_int_equal(chunk[CHUNK - 1], i);
    }
    reader_free(r);
    free(chunk);
}

static void
names_are_fresh_and_files_are_private(void **state)
{
    struct place *p = *state;
    struct blob_name a = put_blob(p->blobs, 5), b = put_blob(p->blobs, 5);
    char path[PATH_MAX];
    struct stat st;

    assert_memory_not_equal(&a, &b, sizeof(a));
    path_of(p, &a, "", path);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
before_commit_there_is_only_a_part_file(void **state)
{
    struct place *p = *state;
    struct blob_writer *w = begin_blob(p->blobs, 100);
    char path[PATH_MAX];
    struct blob_name name;
    uint64_t size;

    assert_int_equal(n_files(p, path), 1);
    assert_string_equal(path + strlen(path) - 5, ".part");
    assert_ok(blob_commit(w, &name, &size));
    assert_int_equal(n_files(p, path), 1);
    assert_string_not_equal(path + strlen(path) - 5, ".part");
    blob_writer_free(w);
    assert_int_equal(n_files(p, NULL), 1);
}

static void
a_writer_freed_without_commit_leaves_nothing(void **state)
{
    struct place *p = *state;

    blob_writer_free(begin_blob(p->blobs, 100));
    assert_int_equal(n_files(p, NULL), 0);
}

static void
abort_before_commit_leaves_nothing(void **state)
{
    struct place *p = *state;
    struct blob_writer *w = begin_blob(p->blobs, 100);

    blob_abort(w);
    assert_int_equal(n_files(p, NULL), 0);
    blob_abort(w); /* twice is no error */
    blob_writer_free(w);
}

static void
abort_after_commit_shreds_the_blob(void **state)
{
    struct place *p = *state;
    struct blob_writer *w = begin_blob(p->blobs, 100);
    struct reader *before = NULL, *after = NULL;
    struct blob_name name;
    uint64_t size;
    uint8_t byte;

    assert_ok(blob_commit(w, &name, &size));
    assert_ok(blob_open(p->blobs, &name, &before));
    blob_abort(w);
    assert_int_equal(n_files(p, NULL), 0);
    assert_err(ERR_NOTFOUND, blob_open(p->blobs, &name, &after));
    assert_null(after);
    assert_err(ERR_INTEGRITY, reader_read_at(before, 0, &byte, 1));
    reader_free(before);
    blob_writer_free(w);
}

static void
an_abort_takes_only_its_own_blob(void **state)
{
    struct place *p = *state;
    struct blob_name kept = put_blob(p->blobs, 10);
    struct reader *r = NULL;

    blob_writer_free(begin_blob(p->blobs, 100));
    assert_ok(blob_open(p->blobs, &kept, &r));
    reader_free(r);
}

static void
a_blob_that_never_was_is_not_found(void **state)
{
    struct place *p = *state;
    struct blob_name name = {{1, 2, 3}};
    struct reader *r = NULL;

    assert_err(ERR_NOTFOUND, blob_open(p->blobs, &name, &r));
    assert_null(r);
}

static void
a_link_in_a_blobs_place_is_not_followed(void **state)
{
    struct place *p = *state;
    struct blob_name name = {{0xab, 1}};
    char path[PATH_MAX], secret[PATH_MAX];
    struct reader *r = NULL;

    (void)snprintf(secret, sizeof(secret), "%s/secret", p->root);
    make_file(secret, "not a blob");
    path_of(p, &name, "", path);
    assert_int_equal(symlink(secret, path), 0);
    assert_err(ERR_IO, blob_open(p->blobs, &name, &r));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0); /* nor is a folder a blob, nor a pipe waited for */
    assert_err(ERR_IO, blob_open(p->blobs, &name, &r));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_err(ERR_IO, blob_open(p->blobs, &name, &r));
    assert_null(r);
}

static void
a_commit_does_not_replace_what_is_there(void **state)
{
    struct place *p = *state;
    struct blob_writer *w = begin_blob(p->blobs, 100);
    struct blob_name name = {{9}}, untouched = name;
    char path[PATH_MAX];
    uint64_t size = 77;

    assert_int_equal(n_files(p, path), 1);
    path[strlen(path) - 5] = '\0'; /* without .part: where the commit wants to go */
    make_file(path, "first");
    assert_err(ERR_IO, blob_commit(w, &name, &size));
    assert_memory_equal(&name, &untouched, sizeof(name));
    assert_int_equal(size, 77);
    blob_writer_free(w);
    assert_file_holds(path, "first");
    assert_int_equal(n_files(p, NULL), 1);
}

static void
a_write_beyond_the_file_size_limit_leaves_nothing(void **state)
{
    struct place *p = *state;
    struct rlimit old, low;
    struct blob_writer *w = NULL;
    struct blob_name name;
    uint8_t bytes[5000] = {0};
    uint64_t size;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = (struct rlimit){.rlim_cur = 8000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    assert_ok(blob_create(p->blobs, &w));
    assert_ok(sink_write(blob_writer_sink(w), bytes, sizeof(bytes)));
    assert_err(ERR_IO, sink_write(blob_writer_sink(w), bytes, sizeof(bytes)));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_err(ERR_IO, blob_commit(w, &name, &size)); /* half a blob is never committed */
    assert_int_equal(n_files(p, NULL), 0);
    blob_writer_free(w);
}

static void
a_full_disk_is_nospace_and_leaves_nothing(void **state)
{
    struct place *p = *state, tiny = {.blobs = NULL};
    struct blob_writer *w = NULL;
    uint8_t bytes[4096] = {0};
    enum err e = ERR_OK;

    (void)snprintf(tiny.storage, sizeof(tiny.storage), "%s/tiny", p->root);
    assert_int_equal(mkdir(tiny.storage, 0700), 0);
    if (mount("none", tiny.storage, "tmpfs", MS_NOSUID | MS_NODEV, "size=256k,mode=0700") != 0)
        skip(); /* not root, or not allowed here */
    tiny.blobs = open_storage(tiny.storage, 1, NULL);
    assert_ok(blob_create(tiny.blobs, &w));
    for (int i = 0; e == ERR_OK && i < 100; i++)
        e = sink_write(blob_writer_sink(w), bytes, sizeof(bytes));
    blob_writer_free(w);
    assert_int_equal(e, ERR_NOSPACE);
    assert_int_equal(n_files(&tiny, NULL), 0);
    assert_ok(blob_ping(tiny.blobs)); /* the room is there again */
    blobs_free(tiny.blobs);
    assert_int_equal(umount(tiny.storage), 0);
}

/* The rule that keeps scans of other nodes away, seen from another process. */
static int
lock_in_child(void *ctx)
{
    int fd = open(ctx, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return 2;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : 1;
}

static void
a_writer_holds_its_lock_until_it_is_freed(void **state)
{
    struct place *p = *state;
    struct blob_writer *w = begin_blob(p->blobs, 100);
    char path[PATH_MAX];
    struct blob_name name;
    uint64_t size;

    assert_int_equal(n_files(p, path), 1);
    assert_int_equal(in_child(lock_in_child, path), 1);
    assert_ok(blob_commit(w, &name, &size));
    path_of(p, &name, "", path);
    assert_int_equal(in_child(lock_in_child, path), 1);
    blob_writer_free(w);
    assert_int_equal(in_child(lock_in_child, path), 0);
}

static void
without_sync_the_blob_is_the_same(void **state)
{
    struct place *p = *state;
    struct blob_dir_opts opts = {.path = p->storage, .sync = false, .shred_passes = 1};
    struct blobs *b = NULL;
    struct reader *r = NULL;
    struct blob_name name;

    assert_ok(blob_dir_open(&opts, &b));
    name = put_blob(b, 4321);
    assert_ok(blob_open(p->blobs, &name, &r));
    assert_int_equal(r->size_bytes, 4321);
    reader_free(r);
    blobs_free(b);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_written_is_read_anywhere),
        CASE(an_empty_blob_is_a_blob),
        CASE(many_small_writes_make_one_blob),
        CASE(a_large_blob_is_whole),
        CASE(names_are_fresh_and_files_are_private),
        CASE(before_commit_there_is_only_a_part_file),
        CASE(a_writer_freed_without_commit_leaves_nothing),
        CASE(abort_before_commit_leaves_nothing),
        CASE(abort_after_commit_shreds_the_blob),
        CASE(an_abort_takes_only_its_own_blob),
        CASE(a_blob_that_never_was_is_not_found),
        CASE(a_link_in_a_blobs_place_is_not_followed),
        CASE(a_commit_does_not_replace_what_is_there),
        CASE(a_write_beyond_the_file_size_limit_leaves_nothing),
        CASE(a_full_disk_is_nospace_and_leaves_nothing),
        CASE(a_writer_holds_its_lock_until_it_is_freed),
        CASE(without_sync_the_blob_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
