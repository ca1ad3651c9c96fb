/* SPDX-License-Identifier: Apache-2.0 */
/* fs: whole reads and writes, private folders, and everything that is not a plain file. */
#include "testing.h"

#include "base/fs.h"
#include "base/rnd.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mayfly-fs-XXXXXX";

static int
make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : chdir(folder);
}

static int
remove_folder(void **state)
{
    (void)state;
    return chdir("/") != 0 ? -1 : rmdir(folder); /* each test has cleaned up behind itself */
}

static void
what_is_written_is_read(void **state)
{
    static uint8_t bytes[300000], back[300000];
    int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_true(fd >= 0);
    assert_ok(rnd_bytes(bytes, sizeof(bytes)));
    assert_ok(fs_write_all(fd, bytes, 100000));
    assert_ok(fs_write_all(fd, bytes + 100000, 200000));
    assert_ok(fs_write_all(fd, NULL, 0));
    assert_ok(fs_read_at(fd, back, sizeof(back), 0));
    assert_memory_equal(bytes, back, sizeof(back));
    assert_ok(fs_write_at(fd, "xyz", 3, 1000));
    assert_ok(fs_read_at(fd, back, 5, 999));
    assert_int_equal(bytes[999], back[0]);
    assert_memory_equal("xyz", back + 1, 3);
    assert_int_equal(bytes[1003], back[4]);
    fs_close(&fd);
    assert_int_equal(-1, fd);
    fs_close(&fd); /* and again */
    assert_int_equal(0, unlink("file"));
}

static void
a_read_beyond_the_end_is_a_matter_of_integrity(void **state)
{
    uint8_t bytes[8];
    int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_true(fd >= 0);
    assert_ok(fs_write_all(fd, "12345", 5));
    assert_ok(fs_read_at(fd, bytes, 5, 0));
    assert_ok(fs_read_at(fd, bytes, 0, 5));
    assert_err(ERR_INTEGRITY, fs_read_at(fd, bytes, 6, 0));
    assert_err(ERR_INTEGRITY, fs_read_at(fd, bytes, 1, 5));
    assert_err(ERR_INTEGRITY, fs_read_at(fd, bytes, 1, 1000000));
    fs_close(&fd);
    assert_int_equal(0, unlink("file"));
}

static void
errors_of_the_system_are_told_apart(void **state)
{
    uint8_t byte = 0;
    int full = open("/dev/full", O_RDWR | O_CLOEXEC), none = -1;
    int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_true(full >= 0 && read_only >= 0);
    assert_err(ERR_NOSPACE, fs_write_all(full, "x", 1));
    assert_err(ERR_IO, fs_write_all(read_only, "x", 1));
    assert_err(ERR_IO, fs_write_at(read_only, "x", 1, 0));
    assert_err(ERR_IO, fs_write_all(none, "x", 1));
    assert_err(ERR_IO, fs_read_at(none, &byte, 1, 0));
    assert_err(ERR_IO, fs_sync(none));
    fs_close(&full);
    fs_close(&read_only);
}

static void
a_file_is_read_whole_up_to_the_ceiling(void **state)
{
    static uint8_t bytes[10000];
    int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct buf b;

    (void)state;
    assert_true(fd >= 0 && dir_fd >= 0);
    assert_ok(rnd_bytes(bytes, sizeof(bytes)));
    assert_ok(fs_write_all(fd, bytes, sizeof(bytes)));
    buf_init(&b, sizeof(bytes));
    assert_ok(fs_read_file(AT_FDCWD, "file", &b));
    assert_int_equal(sizeof(bytes), b.len);
    assert_memory_equal(bytes, b.data, b.len);
    buf_done(&b);
    assert_ok(fs_read_file(dir_fd, "file", &b));
    assert_int_equal(sizeof(bytes), b.len);
    buf_done(&b);
    buf_init(&b, sizeof(bytes) - 1);
    assert_err(ERR_TOOBIG, fs_read_file(AT_FDCWD, "file", &b));
    buf_done(&b);
    fs_close(&fd);
    fs_close(&dir_fd);
    assert_int_equal(0, unlink("file"));
}

static void
what_is_no_plain_file_is_not_read(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    assert_err(ERR_NOTFOUND, fs_read_file(AT_FDCWD, "nothing", &b));
    assert_err(ERR_IO, fs_read_file(AT_FDCWD, "/dev/zero", &b));
    assert_err(ERR_IO, fs_read_file(AT_FDCWD, ".", &b));
    assert_int_equal(0, mkfifo("fifo", 0600));
    assert_err(ERR_IO, fs_read_file(AT_FDCWD, "fifo", &b)); /* and does not wait for a writer */
    assert_int_equal(0, unlink("fifo"));
    assert_int_equal(0, symlink("loop", "loop"));
    assert_err(ERR_IO, fs_read_file(AT_FDCWD, "loop", &b));
    assert_int_equal(0, unlink("loop"));
    assert_int_equal(0, b.len);
    buf_done(&b);
}

static mode_t
mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(0, stat(path, &st));
    return st.st_mode & 07777;
}

static void
folders_are_made_private(void **state)
{
    char path[PATH_MAX];
    mode_t old_mask = umask(0);
    int fd = -1;

    (void)state;
    assert_ok(fs_open_private_dir("a/b//c", &fd));
    assert_ok(fs_sync(fd));
    fs_close(&fd);
    assert_int_equal(0700, mode_of("a"));
    assert_int_equal(0700, mode_of("a/b"));
    assert_int_equal(0700, mode_of("a/b/c"));
    assert_ok(fs_open_private_dir("a/b/c", &fd)); /* it is there already */
    fs_close(&fd);
    (void)snprintf(path, sizeof(path), "%s/a/d/", folder);
    assert_ok(fs_open_private_dir(path, &fd));
    fs_close(&fd);
    assert_int_equal(0700, mode_of("a/d"));
    (void)umask(old_mask);
    assert_int_equal(0, rmdir("a/d"));
    assert_int_equal(0, rmdir("a/b/c"));
    assert_int_equal(0, rmdir("a/b"));
    assert_int_equal(0, rmdir("a"));
}

static void
folders_that_others_can_write_to_are_refused(void **state)
{
    static const mode_t refused[] = {0770, 0720, 0707, 0702, 0777, 01777};
    static const mode_t taken[] = {0700, 0755, 0750, 0705};
    int fd = -1;

    (void)state;
    assert_int_equal(0, mkdir("a", 0700));
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(0, chmod("a", refused[i]));
        assert_err(ERR_DENIED, fs_open_private_dir("a", &fd));
    }
    assert_int_equal(-1, fd);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        assert_int_equal(0, chmod("a", taken[i]));
        assert_ok(fs_open_private_dir("a", &fd));
        fs_close(&fd);
    }
    assert_int_equal(0, rmdir("a"));
}

static void
folders_of_others_are_refused(void **state)
{
    int fd = -1;

    (void)state;
    if (geteuid() == 0) { /* give one away; as a plain user the system's are others' */
        assert_int_equal(0, mkdir("a", 0700));
        assert_int_equal(0, chown("a", 12345, 12345));
        assert_err(ERR_DENIED, fs_open_private_dir("a", &fd));
        assert_int_equal(0, rmdir("a"));
    } else {
        assert_err(ERR_DENIED, fs_open_private_dir("/usr", &fd));
    }
    assert_int_equal(-1, fd);
}

static void
a_link_is_not_followed_to_a_folder(void **state)
{
    int fd = -1;

    (void)state;
    assert_int_equal(0, mkdir("a", 0700));
    assert_int_equal(0, mkdir("a/in", 0700));
    assert_int_equal(0, symlink("a", "link"));
    assert_err(ERR_IO, fs_open_private_dir("link", &fd));
    assert_err(ERR_IO, fs_open_private_dir("link/", &fd));
    assert_err(ERR_IO, fs_open_private_dir("link///", &fd));
    assert_int_equal(-1, fd);
    assert_ok(fs_open_private_dir("link/in", &fd)); /* on the way it is the system's business */
    fs_close(&fd);
    assert_int_equal(0, unlink("link"));
    assert_int_equal(0, rmdir("a/in"));
    assert_int_equal(0, rmdir("a"));
}

static void
paths_that_lead_nowhere_are_refused(void **state)
{
    char path[PATH_MAX + 10];
    int fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    fs_close(&fd);
    assert_err(ERR_SYNTAX, fs_open_private_dir("", &fd));
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_err(ERR_SYNTAX, fs_open_private_dir(path, &fd));
    assert_err(ERR_IO, fs_open_private_dir("file", &fd));
    assert_err(ERR_IO, fs_open_private_dir("file/a", &fd));
    assert_int_equal(-1, fd);
    assert_int_equal(0, unlink("file"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_read_beyond_the_end_is_a_matter_of_integrity),
        cmocka_unit_test(errors_of_the_system_are_told_apart),
        cmocka_unit_test(a_file_is_read_whole_up_to_the_ceiling),
        cmocka_unit_test(what_is_no_plain_file_is_not_read),
        cmocka_unit_test(folders_are_made_private),
        cmocka_unit_test(folders_that_others_can_write_to_are_refused),
        cmocka_unit_test(folders_of_others_are_refused),
        cmocka_unit_test(a_link_is_not_followed_to_a_folder),
        cmocka_unit_test(paths_that_lead_nowhere_are_refused),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
