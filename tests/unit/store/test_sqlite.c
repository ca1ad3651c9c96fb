/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the embedded store: whose folder and file it accepts, how it makes them, and what it
 * leaves behind in the process. */
#include "sqlite_dir.h"

#include <pthread.h>
#include <sqlite3.h>

static void
assert_refused(enum err want, const char *sentence, struct dir *d)
{
    struct store *s = NULL;

    assert_err(want, store_sqlite_open(d->path, TOMBSTONE_S, &s));
    assert_null(s);
    if (strstr(err_sentence(), sentence) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err_sentence(), sentence);
}

/* Run SQL on the closed store's file. */
static void
tamper(struct dir *d, const char *sql)
{
    char path[PATH_LEN];
    sqlite3 *db = NULL;

    dir_path(d, "mayfly.db", path);
    assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL));
    assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

/* ---- folder and files ---- */

static mode_t
mode_of(struct dir *d, const char *name)
{
    char path[PATH_LEN];
    struct stat st;

    dir_path(d, name, path);
    assert_int_equal(0, stat(path, &st));
    return st.st_mode & 07777;
}

static void
files_are_for_the_owner_only_whatever_the_umask(void **state)
{
    static const mode_t masks[] = {0, 0777};
    struct dir *d = *state;
    struct record rec = sample(1);
    mode_t before;

    for (unsigned i = 0; i < 2; i++) {
        before = umask(masks[i]);
        dir_open(d);
        (void)umask(before);
        rec.id = id_of(i);
        assert_ok(store_put(d->s, &rec));
        assert_int_equal(0600, mode_of(d, "mayfly.db"));
        assert_int_equal(0600, mode_of(d, "mayfly.db-wal"));
        assert_int_equal(0600, mode_of(d, "mayfly.db-shm"));
        assert_int_equal(0600, mode_of(d, "mayfly.lock"));
        dir_close(d);
    }
}

static void
a_database_that_others_could_read_is_closed_to_them(void **state)
{
    struct dir *d = *state;
    char path[PATH_LEN];

    dir_open(d);
    dir_close(d);
    dir_path(d, "mayfly.db", path);
    assert_int_equal(0, chmod(path, 0644));
    dir_open(d);
    assert_int_equal(0600, mode_of(d, "mayfly.db"));
}

static void
a_missing_folder_is_made_for_the_owner_only(void **state)
{
    struct dir *d = *state, inner = {.path = ""};
    char path[PATH_LEN];
    struct stat st;

    dir_path(d, "state", path);
    (void)snprintf(inner.path, sizeof(inner.path), "%s", path);
    dir_open(&inner);
    assert_int_equal(0, stat(path, &st));
    assert_int_equal(0700, st.st_mode & 07777);
    dir_close(&inner);
    dir_path(&inner, "mayfly.db", path);
    assert_int_equal(0, unlink(path));
    dir_path(&inner, "mayfly.lock", path);
    assert_int_equal(0, unlink(path));
}

static void
a_folder_that_others_can_write_to_is_refused(void **state)
{
    struct dir *d = *state;

    assert_int_equal(0, chmod(d->path, 0770));
    assert_refused(ERR_DENIED, "write to the folder", d);
    assert_int_equal(0, chmod(d->path, 0750));
    dir_open(d);
}

static void
a_link_in_place_of_the_database_is_not_followed(void **state)
{
    struct dir *d = *state;
    char path[PATH_LEN];
    uint8_t *bytes;
    size_t len = 0;

    dir_write(d, "victim", "precious", 8, 0);
    dir_path(d, "mayfly.db", path);
    assert_int_equal(0, symlink("victim", path));
    assert_refused(ERR_IO, "mayfly.db", d);
    bytes = dir_read(d, "victim", &len);
    assert_int_equal(8, len);
    assert_memory_equal("precious", bytes, 8);
    free(bytes);
}

static void
a_folder_in_place_of_the_database_is_refused(void **state)
{
    struct dir *d = *state;
    char path[PATH_LEN];

    dir_path(d, "mayfly.db", path);
    assert_int_equal(0, mkdir(path, 0700));
    assert_refused(ERR_IO, "mayfly.db", d);
}

/* ---- one user at a time ---- */

static void
a_second_daemon_is_refused_until_the_first_has_gone(void **state)
{
    struct dir *d = *state;
    struct record rec = sample(1);

    dir_open(d);
    assert_ok(store_put(d->s, &rec));
    assert_refused(ERR_UNAVAIL, "another mayflyd uses this state folder", d);
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 1, T0));
    assert_ok(store_ping(d->s)); /* the refused one has not broken the locks of the first */
    dir_close(d);
    dir_open(d);
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 1, T0));
}

/* ---- whose database ---- */

static void
a_newer_format_is_refused_and_left_alone(void **state)
{
    struct dir *d = *state;
    struct record rec = sample(1);

    dir_open(d);
    assert_ok(store_put(d->s, &rec));
    dir_close(d);
    tamper(d, "PRAGMA user_version = 2");
    assert_refused(ERR_INTEGRITY, "newer mayfly (format 2)", d);
    tamper(d, "PRAGMA user_version = 0");
    assert_refused(ERR_INTEGRITY, "no format number", d);
    tamper(d, "PRAGMA user_version = 1");
    dir_open(d);
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 1, T0));
}

static void
a_database_of_another_program_is_refused_and_left_alone(void **state)
{
    struct dir *d = *state;
    uint8_t *before, *after;
    size_t len_before = 0, len_after = 0;

    tamper(d, "CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('x')");
    before = dir_read(d, "mayfly.db", &len_before);
    assert_refused(ERR_INTEGRITY, "another program", d);
    after = dir_read(d, "mayfly.db", &len_after);
    assert_int_equal(len_before, len_after);
    assert_memory_equal(before, after, len_before);
    free(before);
    free(after);
    tamper(d, "PRAGMA application_id = 7");
    assert_refused(ERR_INTEGRITY, "another program", d);
}

static void
the_log_of_another_program_is_left_alone(void **state)
{
    struct dir *d = *state;
    char path[PATH_LEN];
    uint8_t *before, *after;
    size_t len_before = 0, len_after = 0;
    sqlite3 *db = NULL;

    dir_path(d, "mayfly.db", path);
    assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE t (x)",
                                             NULL, NULL, NULL));
    before = dir_read(d, "mayfly.db-wal", &len_before);
    assert_non_null(before);
    assert_refused(ERR_INTEGRITY, "another program", d);
    after = dir_read(d, "mayfly.db-wal", &len_after);
    assert_non_null(after);
    assert_int_equal(len_before, len_after);
    assert_memory_equal(before, after, len_before);
    free(before);
    free(after);
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL));
    assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

static void
a_file_that_is_no_database_is_refused_and_left_alone(void **state)
{
    struct dir *d = *state;
    char text[5000];
    uint8_t *after;
    size_t len = 0;

    memset(text, 't', sizeof(text));
    dir_write(d, "mayfly.db", text, sizeof(text), 0);
    assert_refused(ERR_INTEGRITY, "mayfly.db", d);
    after = dir_read(d, "mayfly.db", &len);
    assert_int_equal(sizeof(text), len);
    assert_memory_equal(text, after, len);
    free(after);
}

static void
an_empty_file_becomes_a_store(void **state)
{
    struct dir *d = *state;

    dir_write(d, "mayfly.db", "", 0, 0);
    dir_open(d);
    assert_ok(store_ping(d->s));
}

static void
a_damaged_database_is_refused(void **state)
{
    struct dir *d = *state;
    uint8_t junk[512];
    size_t len = 0;

    dir_open(d);
    for (unsigned i = 0; i < 200; i++) {
        struct record rec = sample(i);

        assert_ok(store_put(d->s, &rec));
    }
    dir_close(d);
    free(dir_read(d, "mayfly.db", &len));
    memset(junk, 0xee, sizeof(junk));
    for (size_t off = 2048; off < len; off += 16384) /* page headers here and there */
        dir_write(d, "mayfly.db", junk, sizeof(junk), (long)off);
    assert_refused(ERR_INTEGRITY, "mayfly.db", d);
}

static void
a_database_that_was_cut_short_is_refused(void **state)
{
    struct dir *d = *state;
    char path[PATH_LEN];
    size_t len = 0;

    dir_open(d);
    for (unsigned i = 0; i < 100; i++) {
        struct record rec = sample(i);

        assert_ok(store_put(d->s, &rec));
    }
    dir_close(d);
    free(dir_read(d, "mayfly.db", &len));
    dir_path(d, "mayfly.db", path);
    assert_int_equal(0, truncate(path, (off_t)(len / 2)));
    assert_refused(ERR_INTEGRITY, "mayfly.db", d);
}

static void
a_row_that_was_tampered_with_is_an_integrity_error(void **state)
{
    struct dir *d = *state;
    struct record rec = sample(1), got;

    dir_open(d);
    assert_ok(store_put(d->s, &rec));
    dir_close(d);
    tamper(d, "UPDATE uploads SET uses_left = -1");
    dir_open(d);
    assert_err(ERR_INTEGRITY, store_lookup(d->s, &rec.id, T0, &got));
    dir_close(d);
    tamper(d, "UPDATE uploads SET uses_left = 1, burn_hash = x'00'");
    dir_open(d);
    assert_err(ERR_INTEGRITY, store_lookup(d->s, &rec.id, T0, &got));
    dir_close(d);
    tamper(d, "UPDATE uploads SET burn_hash = zeroblob(32), sealed_len = 6145");
    dir_open(d);
    assert_err(ERR_INTEGRITY, store_lookup(d->s, &rec.id, T0, &got));
    dir_close(d);
    tamper(d, "UPDATE uploads SET sealed_len = 400");
    dir_open(d);
    assert_ok(store_lookup(d->s, &rec.id, T0, &got));
}

/* ---- what a restart and the end leave ---- */

static void
a_doomed_blob_held_by_the_process_before_can_be_taken_at_once(void **state)
{
    struct dir *d = *state;
    struct record rec = sample(1);
    struct doomed_blob doomed;

    dir_open(d);
    assert_ok(store_put(d->s, &rec));
    assert_ok(store_remove(d->s, &rec.id, ENDED_REVOKED, T0));
    assert_ok(store_take_doomed(d->s, T0, 1000000, &doomed));
    assert_err(ERR_NOTFOUND, store_take_doomed(d->s, T0, 1000000, &doomed));
    dir_close(d);
    dir_open(d);
    assert_ok(store_take_doomed(d->s, T0, 1000000, &doomed));
    assert_memory_equal(&rec.blob, &doomed.blob, sizeof(rec.blob));
}

static void
the_tombstone_time_of_the_settings_is_used(void **state)
{
    struct dir *d = *state;
    struct record rec = sample(1);

    assert_ok(store_sqlite_open(d->path, 10, &d->s));
    assert_ok(store_put(d->s, &rec));
    assert_ok(store_remove(d->s, &rec.id, ENDED_REVOKED, T0));
    assert_int_equal(SHARE_ENDED, phase_of(d->s, 1, T0 + 9));
    assert_int_equal(SHARE_UNKNOWN, phase_of(d->s, 1, T0 + 10));
    dir_close(d);
    assert_ok(store_sqlite_open(d->path, 0, &d->s));
    rec = sample(2);
    assert_ok(store_put(d->s, &rec));
    assert_ok(store_remove(d->s, &rec.id, ENDED_REVOKED, T0));
    assert_int_equal(SHARE_UNKNOWN, phase_of(d->s, 2, T0));
}

static unsigned
open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

static void *
read_once(void *arg)
{
    struct record got;
    struct share_id id = id_of(1);

    return store_lookup(arg, &id, T0, &got) == ERR_OK ? NULL : arg;
}

static void
threads_and_stores_that_end_leave_no_descriptor(void **state)
{
    struct dir *d = *state;
    struct record rec = sample(1);
    unsigned before = open_descriptors(), opened;
    pthread_t threads[8];
    void *failed;

    dir_open(d);
    assert_ok(store_put(d->s, &rec));
    opened = open_descriptors();
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(0, pthread_create(&threads[i], NULL, read_once, d->s));
        for (unsigned i = 0; i < 8; i++) {
            assert_int_equal(0, pthread_join(threads[i], &failed));
            assert_null(failed);
        }
    }
    assert_int_equal(opened, open_descriptors()); /* nothing is opened after the start */
    dir_close(d);
    assert_int_equal(before, open_descriptors());
    dir_write(d, "mayfly.db", "no database, this", 17, 0);
    assert_refused(ERR_INTEGRITY, "", d);
    assert_int_equal(before, open_descriptors());
}

static void
a_store_that_was_closed_leaves_no_log(void **state)
{
    struct dir *d = *state;
    struct record rec = sample(1);
    size_t len;

    dir_open(d);
    assert_ok(store_put(d->s, &rec));
    dir_close(d);
    assert_null(dir_read(d, "mayfly.db-wal", &len));
    assert_null(dir_read(d, "mayfly.db-shm", &len));
    dir_open(d);
    assert_int_equal(SHARE_ACTIVE, phase_of(d->s, 1, T0));
}

#define DIR_TEST(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DIR_TEST(files_are_for_the_owner_only_whatever_the_umask),
        DIR_TEST(a_database_that_others_could_read_is_closed_to_them),
        DIR_TEST(a_missing_folder_is_made_for_the_owner_only),
        DIR_TEST(a_folder_that_others_can_write_to_is_refused),
        DIR_TEST(a_link_in_place_of_the_database_is_not_followed),
        DIR_TEST(a_folder_in_place_of_the_database_is_refused),
        DIR_TEST(a_second_daemon_is_refused_until_the_first_has_gone),
        DIR_TEST(a_newer_format_is_refused_and_left_alone),
        DIR_TEST(a_database_of_another_program_is_refused_and_left_alone),
        DIR_TEST(the_log_of_another_program_is_left_alone),
        DIR_TEST(a_file_that_is_no_database_is_refused_and_left_alone),
        DIR_TEST(an_empty_file_becomes_a_store),
        DIR_TEST(a_damaged_database_is_refused),
        DIR_TEST(a_database_that_was_cut_short_is_refused),
        DIR_TEST(a_row_that_was_tampered_with_is_an_integrity_error),
        DIR_TEST(a_doomed_blob_held_by_the_process_before_can_be_taken_at_once),
        DIR_TEST(the_tombstone_time_of_the_settings_is_used),
        DIR_TEST(threads_and_stores_that_end_leave_no_descriptor),
        DIR_TEST(a_store_that_was_closed_leaves_no_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
