/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a blob: its bytes are overwritten where they lie, then cut off, then unlinked. An
 * earlier system opened the file for appending, and so wrote its random bytes behind the old ones;
 * the first tests look at the old bytes' place through a descriptor opened before. */
#include "unit/blob/blob_testing.h"

#include "base/rnd.h"
#include "blob/blob_dir_int.h"

#include <pthread.h>
#include <sys/mount.h>

enum { LEN = 600 * 1024 + 7 }; /* two whole blocks and a piece */

static int
open_behind(const struct place *p, const struct blob_name *name)
{
    char path[PATH_MAX];
    int fd;

    path_of(p, name, "", path);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* How many of the old pattern's 16-byte pieces are still where they were. */
static unsigned
n_old_pieces(int fd, size_t len)
{
    uint8_t *old = malloc(len), *now = malloc(len);
    unsigned n = 0;

    assert_non_null(old);
    assert_non_null(now);
    fill_pattern(old, len);
    assert_int_equal(pread(fd, now, len, 0), len);
    for (size_t i = 0; i + 16 <= len; i += 16)
        n += memcmp(old + i, now + i, 16) == 0;
    n += memcmp(old + len - 4, now + len - 4, 4) == 0;
    free(old);
    free(now);
    return n;
}

static void
after_the_overwrite_the_old_bytes_are_gone_from_their_place(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, LEN);
    int fd = open_behind(p, &name), fd2 = open_behind(p, &name);
    struct stat st;

    assert_int_equal(n_old_pieces(fd, LEN), LEN / 16 + 1);
    assert_ok(blob_dir_overwrite(blob_dir_of(p->blobs), fd2, LEN, NULL));
    assert_int_equal(n_old_pieces(fd, LEN), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, LEN); /* in place: nothing was appended */
    (void)close(fd);
    (void)close(fd2);
}

/* The same through blob_shred itself, with its own way of opening the file: the second pass asks
 * for its first random bytes when the first pass is over and nothing is truncated yet. */
static struct {
    int fd; /* opened before; -1: nobody looks */
    unsigned n_fills, n_old_after_first_pass;
    uint64_t n_bytes;
    off_t size_after_first_pass;
} seen = {.fd = -1};

enum { BLOCKS = 3 }; /* of LEN bytes */

static enum err
watching_fill(void *ret_bytes, size_t len)
{
    struct stat st;

    if (seen.fd >= 0 && seen.n_fills == BLOCKS) {
        seen.n_old_after_first_pass = n_old_pieces(seen.fd, LEN);
        assert_int_equal(fstat(seen.fd, &st), 0);
        seen.size_after_first_pass = st.st_size;
    }
    seen.n_fills++;
    seen.n_bytes += len;
    return rnd_bytes(ret_bytes, len);
}

static void
shred_overwrites_in_place_before_it_truncates(void **state)
{
    struct place *p = *state;
    struct blobs *b = open_storage(p->storage, 2, watching_fill);
    struct blob_name name = put_blob(b, LEN);
    struct stat st;

    seen.fd = open_behind(p, &name);
    seen.n_fills = 0;
    seen.n_bytes = 0;
    seen.n_old_after_first_pass = UINT_MAX;
    assert_ok(blob_shred(b, &name, NULL));
    assert_int_equal(seen.n_old_after_first_pass, 0);
    assert_int_equal(seen.size_after_first_pass, LEN);
    assert_int_equal(seen.n_fills, 2 * BLOCKS);
    assert_int_equal(seen.n_bytes, 2 * LEN);
    assert_int_equal(fstat(seen.fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_nlink, 0);
    (void)close(seen.fd);
    seen.fd = -1;
    blobs_free(b);
}

static void
each_pass_writes_other_bytes(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 4096);
    int fd = open_behind(p, &name);
    uint8_t first[4096], second[4096];

    assert_ok(blob_dir_overwrite(blob_dir_of(p->blobs), fd, 4096, NULL));
    assert_int_equal(pread(fd, first, sizeof(first), 0), sizeof(first));
    assert_ok(blob_dir_overwrite(blob_dir_of(p->blobs), fd, 4096, NULL));
    assert_int_equal(pread(fd, second, sizeof(second), 0), sizeof(second));
    assert_memory_not_equal(first, second, 2048);
    assert_memory_not_equal(first + 2048, second + 2048, 2048);
    (void)close(fd);
}

static void
zero_passes_only_truncate_and_unlink(void **state)
{
    struct place *p = *state;
    struct blobs *b = open_storage(p->storage, 0, watching_fill);
    struct blob_name name = put_blob(b, 1000);
    int fd = open_behind(p, &name);
    struct stat st;

    seen.n_fills = 0;
    assert_ok(blob_shred(b, &name, NULL));
    assert_int_equal(seen.n_fills, 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_nlink, 0);
    (void)close(fd);
    blobs_free(b);
}

static void
shred_takes_the_named_blob_and_no_other(void **state)
{
    struct place *p = *state;
    struct blob_name gone = put_blob(p->blobs, 1000), kept = put_blob(p->blobs, 1000);
    struct reader *r = NULL;
    uint8_t got[1000], want[1000];

    assert_ok(blob_shred(p->blobs, &gone, NULL));
    assert_err(ERR_NOTFOUND, blob_open(p->blobs, &gone, &r));
    assert_ok(blob_open(p->blobs, &kept, &r));
    assert_ok(reader_read_at(r, 0, got, sizeof(got)));
    fill_pattern(want, sizeof(want));
    assert_memory_equal(got, want, sizeof(want));
    reader_free(r);
}

static void
shredding_twice_is_no_error(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 0);

    assert_ok(blob_shred(p->blobs, &name, NULL));
    assert_ok(blob_shred(p->blobs, &name, NULL));
    assert_int_equal(n_files(p, NULL), 0);
}

static void
a_reader_opened_before_sees_that_the_blob_is_gone(void **state)
{
    struct place *p = *state;
    struct blob_name name = put_blob(p->blobs, 1000);
    struct reader *r = NULL;
    uint8_t byte;

    assert_ok(blob_open(p->blobs, &name, &r));
    assert_ok(reader_read_at(r, 0, &byte, 1));
    assert_ok(blob_shred(p->blobs, &name, NULL));
    assert_err(ERR_INTEGRITY, reader_read_at(r, 0, &byte, 1));
    reader_free(r);
}

/* The record can end (its code was burned, its time was short) before the writer that put it has
 * been freed. */
static void
a_committed_blob_is_shredded_though_its_writer_lives(void **state)
{
    struct place *p = *state;
    struct blob_writer *w = begin_blob(p->blobs, 1000);
    struct blob_name name;
    uint64_t size;

    assert_ok(blob_commit(w, &name, &size));
    assert_ok(blob_shred(p->blobs, &name, NULL));
    assert_int_equal(n_files(p, NULL), 0);
    blob_abort(w); /* finds nothing more to do, and makes nothing */
    blob_writer_free(w);
    assert_int_equal(n_files(p, NULL), 0);
}

static void
a_write_in_progress_is_never_shredded_by_its_name(void **state)
{
    struct place *p = *state;
    struct blob_writer *w = begin_blob(p->blobs, 1000);
    struct blob_name name, later;
    char path[PATH_MAX], *hex;
    uint64_t size;

    assert_int_equal(n_files(p, path), 1);
    path[strlen(path) - 5] = '\0';
    hex = strrchr(path, '/') + 1;
    assert_ok(hex_decode(hex, name.b, ID_LEN));
    assert_ok(blob_shred(p->blobs, &name, NULL)); /* not there yet, so nothing to do */
    assert_ok(blob_commit(w, &later, &size));
    assert_memory_equal(&name, &later, sizeof(name));
    assert_int_equal(size, 1000);
    assert_int_equal(n_files(p, NULL), 1);
    blob_writer_free(w);
}

static void
a_link_in_the_blobs_place_keeps_its_target(void **state)
{
    struct place *p = *state;
    struct blob_name name = {{0xcd, 1}};
    char path[PATH_MAX], target[PATH_MAX];

    (void)snprintf(target, sizeof(target), "%s/target", p->root);
    make_file(target, "precious");
    path_of(p, &name, "", path);
    assert_int_equal(symlink(target, path), 0);
    assert_err(ERR_IO, blob_shred(p->blobs, &name, NULL));
    assert_file_holds(target, "precious");
    assert_true(is_there(path));
}

static enum err
failing_fill(void *ret_bytes, size_t len)
{
    (void)ret_bytes;
    (void)len;
    return err_set(ERR_IO, "no random bytes today");
}

static void
a_blob_that_cannot_be_overwritten_stays_for_a_later_try(void **state)
{
    struct place *p = *state;
    struct blobs *broken = open_storage(p->storage, 1, failing_fill);
    struct blob_name name = put_blob(broken, 1000);
    struct reader *r = NULL;

    assert_err(ERR_IO, blob_shred(broken, &name, NULL));
    assert_ok(blob_open(broken, &name, &r));
    reader_free(r);
    assert_ok(blob_shred(p->blobs, &name, NULL));
    assert_int_equal(n_files(p, NULL), 0);
    blobs_free(broken);
}

/* ---- progress, and company ---- */

struct watcher {
    const struct place *p;
    struct blobs *b;
    const struct blob_name *name;
    int fd; /* opened before */
    unsigned n_steps, n_old[16];
    unsigned shred_at; /* another shred runs from end to end in this step; 0: in none */
};

static void
watch(void *ctx)
{
    struct watcher *w = ctx;
    struct stat st;

    w->n_steps++;
    assert_int_equal(fstat(w->fd, &st), 0);
    if (w->n_steps == w->shred_at)
        assert_ok(blob_shred(w->b, w->name, NULL));
    else if (st.st_size == LEN && w->n_steps < ARRAY_LEN(w->n_old))
        w->n_old[w->n_steps] = n_old_pieces(w->fd, LEN);
}

static void
a_shred_reports_after_each_piece_and_each_pass(void **state)
{
    struct place *p = *state;
    struct blobs *b = open_storage(p->storage, 2, NULL);
    struct blob_name name = put_blob(b, LEN), empty = put_blob(b, 0);
    struct watcher w = {.p = p, .fd = open_behind(p, &name)};
    const struct blob_progress progress = {watch, &w};

    assert_ok(blob_shred(b, &name, &progress));
    assert_int_equal(w.n_steps, 2 * (BLOCKS + 1));
    assert_true(w.n_old[1] > w.n_old[2] && w.n_old[2] > w.n_old[3]);
    assert_int_equal(w.n_old[BLOCKS], 0);
    w.n_steps = 0;
    assert_ok(blob_shred(b, &name, &progress)); /* gone: nothing to report */
    assert_ok(blob_shred(b, &empty, &progress));
    assert_int_equal(w.n_steps, 0);
    (void)close(w.fd);
    blobs_free(b);
}

/* As another node does when the first is stuck for longer than it holds the blob. */
static void
a_shred_that_is_overtaken_ends_well_wherever_it_was(void **state)
{
    struct place *p = *state;
    struct blobs *b = open_storage(p->storage, 2, NULL);

    for (unsigned at = 1; at <= 2 * (BLOCKS + 1); at++) {
        struct blob_name name = put_blob(b, LEN);
        struct watcher w = {.p = p, .b = p->blobs, .name = &name, .shred_at = at};
        const struct blob_progress progress = {watch, &w};
        struct stat st;

        w.fd = open_behind(p, &name);
        assert_ok(blob_shred(b, &name, &progress));
        assert_true(w.n_steps >= at);
        assert_int_equal(n_files(p, NULL), 0);
        assert_int_equal(fstat(w.fd, &st), 0);
        assert_int_equal(st.st_size, 0);
        (void)close(w.fd);
    }
    blobs_free(b);
}

struct rival {
    struct blobs *b;
    struct blob_name name;
    pthread_barrier_t *start;
    enum err e;
};

static void *
shred_with_others(void *arg)
{
    struct rival *r = arg;

    (void)pthread_barrier_wait(r->start);
    r->e = blob_shred(r->b, &r->name, NULL);
    return NULL;
}

static void
two_who_shred_one_blob_at_once_both_end_well(void **state)
{
    struct place *p = *state;
    struct blobs *b = open_storage(p->storage, 3, NULL);
    pthread_barrier_t start;

    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    for (unsigned round = 0; round < 20; round++) {
        struct blob_name name = put_blob(b, LEN);
        struct rival r[2] = {{b, name, &start, ERR_IO}, {p->blobs, name, &start, ERR_IO}};
        pthread_t threads[2];

        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, shred_with_others, &r[i]), 0);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_int_equal(r[i].e, ERR_OK);
        }
        assert_int_equal(n_files(p, NULL), 0);
    }
    (void)pthread_barrier_destroy(&start);
    blobs_free(b);
}

/* A file with a hole stands for a copy-on-write file system: overwriting needs room. */
static void
a_full_disk_does_not_keep_a_blob_alive(void **state)
{
    struct place *p = *state, tiny = {.blobs = NULL};
    struct blob_name name = {{0xef, 1}};
    char path[PATH_MAX];
    int fd;

    (void)snprintf(tiny.storage, sizeof(tiny.storage), "%s/tiny", p->root);
    assert_int_equal(mkdir(tiny.storage, 0700), 0);
    if (mount("none", tiny.storage, "tmpfs", MS_NOSUID | MS_NODEV, "size=256k,mode=0700") != 0)
        skip(); /* not root, or not allowed here */
    tiny.blobs = open_storage(tiny.storage, 1, NULL);
    path_of(&tiny, &name, "", path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1024 * 1024), 0);
    assert_err(ERR_NOSPACE, blob_dir_overwrite(blob_dir_of(tiny.blobs), fd, 1024 * 1024, NULL));
    (void)close(fd);
    assert_ok(blob_shred(tiny.blobs, &name, NULL));
    assert_int_equal(n_files(&tiny, NULL), 0);
    blobs_free(tiny.blobs);
    assert_int_equal(umount(tiny.storage), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(after_the_overwrite_the_old_bytes_are_gone_from_their_place),
        CASE(shred_overwrites_in_place_before_it_truncates),
        CASE(each_pass_writes_other_bytes),
        CASE(zero_passes_only_truncate_and_unlink),
        CASE(shred_takes_the_named_blob_and_no_other),
        CASE(shredding_twice_is_no_error),
        CASE(a_reader_opened_before_sees_that_the_blob_is_gone),
        CASE(a_committed_blob_is_shredded_though_its_writer_lives),
        CASE(a_write_in_progress_is_never_shredded_by_its_name),
        CASE(a_link_in_the_blobs_place_keeps_its_target),
        CASE(a_blob_that_cannot_be_overwritten_stays_for_a_later_try),
        CASE(a_shred_reports_after_each_piece_and_each_pass),
        CASE(a_shred_that_is_overtaken_ends_well_wherever_it_was),
        CASE(two_who_shred_one_blob_at_once_both_end_well),
        CASE(a_full_disk_does_not_keep_a_blob_alive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
