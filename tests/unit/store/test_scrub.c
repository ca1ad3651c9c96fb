/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of a sealed record in the raw files of the embedded store: nothing, once its upload
 * has ended and store_scrub was called. Records are marked with bytes that are searched for. */
#include "sqlite_dir.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { MARK_LEN = 16, PAGE = 2048 };

/* Bytes that occur nowhere else: a tag's own. */
static void
mark_of(unsigned tag, uint8_t ret_mark[MARK_LEN])
{
    uint32_t h = (tag + 1) * 2654435761u;

    for (unsigned i = 0; i < MARK_LEN; i++) {
        h = h * 1664525 + 1013904223;
        ret_mark[i] = (uint8_t)(h >> 24);
    }
}

/* Put an upload whose sealed record is its mark again and again. */
static void
put_marked(struct store *s, unsigned tag, size_t sealed_len)
{
    struct record rec = sample(tag);
    uint8_t mark[MARK_LEN];

    mark_of(tag, mark);
    rec.sealed_len = sealed_len;
    for (size_t i = 0; i < sealed_len; i++)
        rec.sealed[i] = mark[i % MARK_LEN];
    assert_ok(store_put(s, &rec));
}

static bool
is_left(const struct dir *d, unsigned tag)
{
    uint8_t mark[MARK_LEN];

    mark_of(tag, mark);
    return dir_holds(d, mark, MARK_LEN);
}

static void
remove_upload(struct store *s, unsigned tag)
{
    struct share_id id = id_of(tag);

    assert_ok(store_remove(s, &id, ENDED_REVOKED, T0));
}

static void
a_live_record_is_in_the_files(void **state)
{
    struct dir *d = *state;

    dir_open(d);
    put_marked(d->s, 1, 400);
    assert_true(is_left(d, 1));
    assert_ok(store_scrub(d->s));
    assert_true(is_left(d, 1));
    assert_false(is_left(d, 2));
}

static void
a_removed_record_is_gone_after_scrub_and_not_before(void **state)
{
    static const size_t lens[] = {MARK_LEN, 400, 2100, 4000, RECORD_SEALED_MAX};
    struct dir *d = *state;

    dir_open(d);
    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        put_marked(d->s, i, lens[i]);
        put_marked(d->s, 100 + i, lens[i]);
        remove_upload(d->s, i);
        assert_true(is_left(d, i));
        assert_ok(store_scrub(d->s));
        assert_false(is_left(d, i));
        assert_true(is_left(d, 100 + i));
    }
}

static void
a_record_that_ended_by_itself_is_gone_after_scrub_and_not_before(void **state)
{
    struct store_claim c = {.id = id_of(1), .now_s = T0, .lease_s = 60};
    struct store_span all = {0, 100};
    struct dir *d = *state;
    struct lease_id lease;
    struct record rec;
    bool ended = false;
    unsigned n = 0;

    dir_open(d);
    put_marked(d->s, 1, 400);
    put_marked(d->s, 2, 400);
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(store_claim(d->s, &c, &rec, &lease));
        assert_ok(store_settle(d->s, &c.id, &lease, &all, T0, &ended));
    }
    assert_true(ended);
    assert_true(is_left(d, 1));
    assert_ok(store_scrub(d->s));
    assert_false(is_left(d, 1));
    assert_true(is_left(d, 2));
    assert_ok(store_end_due(d->s, EXPIRES, 10, &n));
    assert_int_equal(1, n);
    assert_true(is_left(d, 2));
    assert_ok(store_scrub(d->s));
    assert_false(is_left(d, 2));
}

/* ---- while others read ---- */

struct reading {
    struct store *s;
    atomic_bool stop;
    atomic_uint n, failed;
};

static void *
read_all_the_time(void *arg)
{
    struct reading *r = arg;
    struct share_state st;
    struct record got;

    for (unsigned i = 0; !atomic_load(&r->stop); i++) {
        struct share_id id = id_of(i % 20);
        enum err e = store_lookup(r->s, &id, T0, &got);

        if (store_status(r->s, &id, T0, &st) != ERR_OK || (e != ERR_OK && e != ERR_GONE))
            atomic_fetch_add(&r->failed, 1);
        atomic_fetch_add(&r->n, 1);
    }
    return NULL;
}

static void
a_removed_record_is_gone_after_scrub_while_readers_are_busy(void **state)
{
    struct dir *d = *state;
    struct reading r = {.n = 0};
    pthread_t threads[4];
    unsigned n_left = 0;
    enum err e = ERR_OK;

    dir_open(d);
    r.s = d->s;
    for (unsigned i = 0; i < 20; i++)
        put_marked(d->s, i, 1000);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, read_all_the_time, &r));
    for (unsigned i = 0; i < 20 && e == ERR_OK; i++) {
        unsigned seen = atomic_load(&r.n);
        struct share_id id = id_of(i);

        e = store_remove(d->s, &id, ENDED_REVOKED, T0);
        while (atomic_load(&r.n) < seen + 20 && i % 4 == 0)
            (void)usleep(100); /* they are really reading */
        if (e == ERR_OK)
            e = store_scrub(d->s);
        n_left += is_left(d, i);
    }
    atomic_store(&r.stop, true); /* before a test that fails leaves them with a freed store */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(0, pthread_join(threads[i], NULL));
    assert_ok(e);
    assert_int_equal(0, n_left);
    assert_int_equal(0, r.failed);
    assert_true(r.n >= 100);
}

static void
a_scrub_that_a_foreign_reader_delays_can_be_repeated(void **state)
{
    struct dir *d = *state;
    char path[PATH_LEN];
    sqlite3 *db = NULL;

    dir_open(d);
    put_marked(d->s, 1, 400);
    dir_path(d, "mayfly.db", path);
    assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
    assert_int_equal(SQLITE_OK,
                     sqlite3_exec(db, "BEGIN; SELECT count(*) FROM uploads", NULL, NULL, NULL));
    remove_upload(d->s, 1);
    assert_err(ERR_UNAVAIL, store_scrub(d->s));
    assert_true(is_left(d, 1));
    assert_int_equal(SHARE_ENDED, phase_of(d->s, 1, T0));
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    assert_ok(store_scrub(d->s));
    assert_false(is_left(d, 1));
    assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

/* ---- where SQLite's own deletion is not enough ---- */

static void
sealed_bytes_lie_in_overflow_pages_only(void **state)
{
    static const size_t lens[] = {
        MARK_LEN, 100, 232, 400, 1000, 2030, 2036, 2044, 2100, 6000, RECORD_SEALED_MAX};
    struct dir *d = *state;
    uint8_t *all, mark[MARK_LEN];
    size_t len = 0, found = 0;

    dir_open(d);
    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
        put_marked(d->s, i, lens[i]);
    dir_close(d);
    all = dir_read(d, "mayfly.db", &len);
    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        const uint8_t *at = all;

        mark_of(i, mark);
        while ((at = memmem(at, len - (size_t)(at - all), mark, MARK_LEN)) != NULL) {
            /* The kind of a page of a tree is its first byte, never 0; an overflow page begins
             * with the number of the next one, which is small here. */
            assert_int_equal(0, all[(size_t)(at - all) / PAGE * PAGE]);
            at++;
            found++;
        }
    }
    free(all);
    assert_true(found > sizeof(lens) / sizeof(lens[0]));
}

static void
nothing_is_left_of_many_records_that_came_and_went(void **state)
{
    enum { N = 1500 };
    static bool is_live[N];
    struct dir *d = *state;
    uint32_t random = 1;
    unsigned n = 0, dead = 0;
    uint8_t *all, mark[MARK_LEN];
    size_t len = 0;

    memset(is_live, 0, sizeof(is_live));
    dir_open(d);
    while (n < N) {
        random = random * 1664525 + 1013904223;
        if ((random >> 10) % 100 < (n / 200 % 2 == 0 ? 70u : 40u)) {
            put_marked(d->s, n, MARK_LEN + (random >> 16) % 2500);
            is_live[n++] = true;
        } else if (n > 0 && is_live[(random >> 12) % n]) {
            remove_upload(d->s, (random >> 12) % n);
            is_live[(random >> 12) % n] = false;
            dead++;
        }
    }
    assert_ok(store_scrub(d->s));
    all = dir_read(d, "mayfly.db", &len);
    for (unsigned i = 0; i < N; i++) {
        mark_of(i, mark);
        assert_int_equal(is_live[i], memmem(all, len, mark, MARK_LEN) != NULL);
    }
    free(all);
    all = dir_read(d, "mayfly.db-wal", &len);
    assert_int_equal(0, len);
    free(all);
    assert_in_range(dead, 100, N);
}

/* ---- the log ---- */

/* What ftruncate is called with, seen through the system calls that SQLite lets be replaced. */
static struct {
    unsigned n_calls, n_zero; /* of them on a log, and on one that held only zeros */
    bool fail;
} truncations;

static int
watch_ftruncate(int fd, off_t len)
{
    uint8_t *all;
    struct stat st;
    bool zero = true;

    if (truncations.fail && len == 0) { /* the database is cut to its length, too */
        errno = EIO;
        return -1;
    }
    if (len == 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
        all = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (all != MAP_FAILED) {
            for (off_t i = 0; i < st.st_size; i++)
                zero = zero && all[i] == 0;
            (void)munmap(all, (size_t)st.st_size);
            truncations.n_calls++;
            truncations.n_zero += zero;
        }
    }
    return ftruncate(fd, len);
}

static int
stop_watching(void **state)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    (void)vfs->xSetSystemCall(vfs, "ftruncate", NULL);
    return dir_teardown(state);
}

static void
start_watching(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    truncations.n_calls = truncations.n_zero = 0;
    truncations.fail = false;
    assert_int_equal(SQLITE_OK,
                     vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)watch_ftruncate));
}

static void
the_log_is_overwritten_before_it_is_truncated(void **state)
{
    struct dir *d = *state;

    start_watching();
    dir_open(d);
    truncations.n_calls = truncations.n_zero = 0;
    put_marked(d->s, 1, 5000);
    remove_upload(d->s, 1);
    assert_ok(store_scrub(d->s));
    assert_int_equal(1, truncations.n_calls);
    assert_int_equal(1, truncations.n_zero);
    put_marked(d->s, 2, 5000);
    assert_ok(store_scrub(d->s)); /* nothing was removed: nothing to do */
    assert_int_equal(1, truncations.n_calls);
    remove_upload(d->s, 2);
    dir_close(d);
    assert_int_equal(2, truncations.n_calls);
    assert_int_equal(2, truncations.n_zero);
}

static void
a_scrub_that_failed_can_be_repeated(void **state)
{
    struct dir *d = *state;

    start_watching();
    dir_open(d);
    put_marked(d->s, 1, 5000);
    put_marked(d->s, 2, 5000);
    remove_upload(d->s, 1);
    truncations.fail = true;
    assert_err(ERR_IO, store_scrub(d->s));
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 2, T0));
    assert_int_equal(SHARE_ENDED, phase_of(d->s, 1, T0));
    put_marked(d->s, 3, 5000); /* the log of zeros is begun anew */
    truncations.fail = false;
    assert_ok(store_scrub(d->s));
    assert_false(is_left(d, 1));
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 2, T0));
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 3, T0));
    dir_close(d);
    dir_open(d);
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 3, T0));
}

/* In a child that dies without closing anything. */
static void
die_with(struct dir *d, bool in_scrub)
{
    pid_t pid = fork();
    int how = 0;

    assert_true(pid >= 0);
    if (pid == 0) {
        if (store_sqlite_open(d->path, TOMBSTONE_S, &d->s) != ERR_OK)
            _exit(1);
        put_marked(d->s, 1, 5000);
        put_marked(d->s, 2, 5000);
        remove_upload(d->s, 1);
        if (in_scrub) {
            start_watching();
            truncations.fail = true;
            if (store_scrub(d->s) != ERR_IO)
                _exit(2);
        }
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(pid, waitpid(pid, &how, 0));
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

static void
what_a_dead_process_removed_is_gone_after_the_next_start(void **state)
{
    struct dir *d = *state;

    die_with(d, false);
    assert_true(is_left(d, 1));
    dir_open(d);
    assert_false(is_left(d, 1));
    assert_int_equal(SHARE_ENDED, phase_of(d->s, 1, T0));
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 2, T0));
}

static void
a_process_that_died_in_a_scrub_has_lost_nothing(void **state)
{
    struct dir *d = *state;

    die_with(d, true);
    assert_false(is_left(d, 1));
    dir_open(d);
    assert_int_equal(SHARE_ENDED, phase_of(d->s, 1, T0));
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 2, T0));
    assert_true(is_left(d, 2));
}

#define DIR_TEST(f)   cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
#define WATCH_TEST(f) cmocka_unit_test_setup_teardown(f, dir_setup, stop_watching)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DIR_TEST(a_live_record_is_in_the_files),
        DIR_TEST(a_removed_record_is_gone_after_scrub_and_not_before),
        DIR_TEST(a_record_that_ended_by_itself_is_gone_after_scrub_and_not_before),
        DIR_TEST(a_removed_record_is_gone_after_scrub_while_readers_are_busy),
        DIR_TEST(a_scrub_that_a_foreign_reader_delays_can_be_repeated),
        DIR_TEST(sealed_bytes_lie_in_overflow_pages_only),
        DIR_TEST(nothing_is_left_of_many_records_that_came_and_went),
        WATCH_TEST(the_log_is_overwritten_before_it_is_truncated),
        WATCH_TEST(a_scrub_that_failed_can_be_repeated),
        DIR_TEST(what_a_dead_process_removed_is_gone_after_the_next_start),
        DIR_TEST(a_process_that_died_in_a_scrub_has_lost_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
