/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded store when the world fails: a full disk, a failing sync, and a process that is
 * killed at any moment. What was answered stays; what was refused leaves nothing. */
#include "sqlite_dir.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

/* ---- system calls that fail ---- */

static int fail_with; /* errno of every write and sync, 0 for none */

static ssize_t
failing_write(int fd, const void *bytes, size_t len)
{
    errno = fail_with;
    return fail_with != 0 ? -1 : write(fd, bytes, len);
}

static ssize_t
failing_pwrite(int fd, const void *bytes, size_t len, off_t off)
{
    errno = fail_with;
    return fail_with != 0 ? -1 : pwrite(fd, bytes, len, off);
}

static int
faults_setup(void **state)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    fail_with = 0;
    (void)vfs->xSetSystemCall(vfs, "write", (sqlite3_syscall_ptr)failing_write);
    (void)vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)failing_pwrite);
    (void)vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)failing_pwrite);
    return dir_setup(state);
}

static int
faults_teardown(void **state)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    (void)vfs->xSetSystemCall(vfs, NULL, NULL);
    return dir_teardown(state);
}

static void
assert_stats(uint64_t n_live, uint64_t stored_bytes, struct store *s)
{
    struct store_stats st;

    assert_ok(store_stats(s, &st));
    assert_int_equal(n_live, st.n_live);
    assert_int_equal(stored_bytes, st.stored_bytes);
}

static void
a_put_on_a_full_disk_leaves_nothing(void **state)
{
    struct dir *d = *state;
    struct record one = sample(1), two = sample(2);

    dir_open(d);
    assert_ok(store_put(d->s, &one));
    fail_with = ENOSPC;
    assert_err(ERR_NOSPACE, store_put(d->s, &two));
    assert_int_equal(SHARE_UNKNOWN, phase_of(d->s, 2, T0));
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 1, T0)); /* reading goes on */
    assert_stats(1, 173, d->s);
    fail_with = 0;
    assert_ok(store_put(d->s, &two));
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 2, T0));
    assert_stats(2, 2 * 173, d->s);
}

static void
steps_that_fail_take_and_give_nothing(void **state)
{
    struct store_claim c = {.id = id_of(1), .now_s = T0, .lease_s = 60};
    struct dir *d = *state;
    struct lease_id lease;
    struct record rec = sample(1), got;
    struct counter counter = {77, 77};
    struct doomed_blob doomed;
    unsigned n = 77;

    dir_open(d);
    assert_ok(store_put(d->s, &rec));
    assert_ok(store_claim(d->s, &c, &got, &lease));
    fail_with = EIO;
    assert_err(ERR_IO, store_claim(d->s, &c, &got, &lease));
    assert_err(ERR_IO, store_release(d->s, &rec.id, &lease));
    assert_err(ERR_IO, store_take_preview(d->s, &rec.id, T0, &got));
    assert_err(ERR_IO, store_remove(d->s, &rec.id, ENDED_REVOKED, T0));
    assert_err(ERR_IO, store_end_due(d->s, EXPIRES, 10, &n));
    assert_err(ERR_IO, store_count(d->s, "fails:a", 1, 60, T0, &counter));
    assert_err(ERR_IO, store_ping(d->s));
    assert_int_equal(77, n);
    assert_int_equal(77, counter.value);
    fail_with = 0;
    assert_ok(store_lookup(d->s, &rec.id, T0, &got));
    assert_int_equal(2, got.uses_left);
    assert_false(got.preview_taken);
    assert_err(ERR_NOTFOUND, store_take_doomed(d->s, T0, 60, &doomed));
    assert_ok(store_peek(d->s, "fails:a", T0, &counter));
    assert_int_equal(0, counter.value);
    assert_stats(1, 173, d->s);
    assert_ok(store_ping(d->s));
    assert_ok(store_release(d->s, &rec.id, &lease));
}

static void
a_counter_whose_deletion_failed_is_still_found(void **state)
{
    struct dir *d = *state;
    struct counter counter;
    unsigned n;

    dir_open(d);
    assert_ok(store_count(d->s, "fails:a", 4, 60, T0, &counter));
    fail_with = EIO;
    assert_err(ERR_IO, store_end_due(d->s, T0 + 60, 10, &n));
    fail_with = 0;
    assert_ok(store_peek(d->s, "fails:a", T0, &counter));
    assert_int_equal(4, counter.value);
    assert_ok(store_end_due(d->s, T0 + 60, 10, &n));
    assert_ok(store_peek(d->s, "fails:a", T0, &counter));
    assert_int_equal(0, counter.value);
}

static void
a_store_that_cannot_be_written_is_not_opened(void **state)
{
    struct dir *d = *state;

    fail_with = ENOSPC;
    assert_err(ERR_NOSPACE, store_sqlite_open(d->path, TOMBSTONE_S, &d->s));
    assert_null(d->s);
    fail_with = 0;
    dir_open(d);
    assert_ok(store_ping(d->s));
}

/* ---- kill -9 ---- */

enum { TAGS = 2000 };

/* What the child has done: one is written after each call that came back. */
struct done {
    unsigned tag;
    char what; /* p(ut), c(laim), r(emove) */
};

static void
tell(int fd, unsigned tag, char what)
{
    struct done done;

    memset(&done, 0, sizeof(done));
    done.tag = tag;
    done.what = what;
    if (write(fd, &done, sizeof(done)) != (ssize_t)sizeof(done))
        _exit(1);
}

/* Put and claim each upload, remove every third, until killed. */
static void
live_dangerously(const struct dir *d, int fd)
{
    struct store *s = NULL;
    struct lease_id lease;
    struct record got;

    if (store_sqlite_open(d->path, TOMBSTONE_S, &s) != ERR_OK)
        _exit(1);
    for (unsigned tag = 0; tag < TAGS; tag++) {
        struct store_claim c = {.id = id_of(tag), .now_s = T0, .lease_s = 60};
        struct record rec = sample(tag);

        if (store_put(s, &rec) != ERR_OK)
            _exit(1);
        tell(fd, tag, 'p');
        if (store_claim(s, &c, &got, &lease) != ERR_OK)
            _exit(1);
        tell(fd, tag, 'c');
        if (tag % 3 == 0) {
            if (store_remove(s, &rec.id, ENDED_REVOKED, T0) != ERR_OK)
                _exit(1);
            tell(fd, tag, 'r');
        }
        if (tag % 20 == 19 && store_scrub(s) != ERR_OK)
            _exit(1);
    }
    _exit(0);
}

/* Compare upload `tag` with what was told of it; 1 when the store is one step ahead. */
static unsigned
is_ahead(struct store *s, unsigned tag, const char *told)
{
    struct share_id id = id_of(tag);
    struct share_state st;
    unsigned stage, want = (unsigned)strlen(told);

    assert_ok(store_status(s, &id, T0, &st));
    if (st.phase == SHARE_UNKNOWN)
        stage = 0;
    else if (st.phase == SHARE_ENDED)
        stage = 3;
    else
        stage = st.uses_left == 3 ? 1 : 2;
    assert_in_range(stage, want, want + 1);
    return stage - want;
}

static void
kill_after(struct dir *d, unsigned n_done)
{
    static char told[TAGS + 1][4];
    struct store_stats stats;
    struct done done;
    unsigned ahead = 0, n_live = 0, last = 0;
    int pipe_fds[2], how = 0;
    pid_t pid;

    memset(told, 0, sizeof(told));
    assert_int_equal(0, pipe(pipe_fds));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        live_dangerously(d, pipe_fds[1]);
    (void)close(pipe_fds[1]);
    for (unsigned n = 0; read(pipe_fds[0], &done, sizeof(done)) == (ssize_t)sizeof(done); n++) {
        if (n == n_done)
            assert_int_equal(0, kill(pid, SIGKILL));
        assert_in_range(done.tag, 0, TAGS - 1);
        told[done.tag][strlen(told[done.tag])] = done.what;
        last = done.tag;
    }
    (void)close(pipe_fds[0]);
    assert_int_equal(pid, waitpid(pid, &how, 0));
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);

    dir_open(d); /* the lock has gone with the process */
    for (unsigned tag = 0; tag <= last + 1; tag++) {
        ahead += is_ahead(d->s, tag, told[tag]);
        n_live += phase_of(d->s, tag, T0) == SHARE_ACTIVE;
    }
    assert_in_range(ahead, 0, 1);
    assert_ok(store_stats(d->s, &stats));
    assert_int_equal(n_live, stats.n_live);
    assert_ok(store_ping(d->s));
}

static void
what_was_answered_before_a_kill_is_there_after_it(void **state)
{
    struct dir *d = *state;

    kill_after(d, 137);
}

static void
a_kill_at_the_first_steps_leaves_a_store_that_opens(void **state)
{
    struct dir *d = *state;

    kill_after(d, 0);
}

static void
a_kill_after_many_steps_loses_nothing(void **state)
{
    struct dir *d = *state;

    kill_after(d, 1500);
}

#define FAULT_TEST(f) cmocka_unit_test_setup_teardown(f, faults_setup, faults_teardown)
#define DIR_TEST(f)   cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(a_put_on_a_full_disk_leaves_nothing),
        FAULT_TEST(steps_that_fail_take_and_give_nothing),
        FAULT_TEST(a_counter_whose_deletion_failed_is_still_found),
        FAULT_TEST(a_store_that_cannot_be_written_is_not_opened),
        DIR_TEST(what_was_answered_before_a_kill_is_there_after_it),
        DIR_TEST(a_kill_at_the_first_steps_leaves_a_store_that_opens),
        DIR_TEST(a_kill_after_many_steps_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
