/* SPDX-License-Identifier: Apache-2.0 */
/* Received files come to their place whole, under a harmless name, over nothing that was there; or
 * not at all. */
#include "folder.h"

#include "client/outfile.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>

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

static struct outfile *
opened(const char *dir, const char *path, bool force, const char *text)
{
    struct outfile_cfg cfg = {.dir = dir, .path = path, .force = force};
    struct outfile *o = NULL;

    assert_ok(outfile_open(&cfg, &o));
    assert_ok(sink_write(outfile_sink(o), (const uint8_t *)text, strlen(text)));
    assert_ok(sink_finish(outfile_sink(o)));
    return o;
}

/* Receive `text` under a sender's name; it must be called `want` then. */
static void
received_as(const struct test_folder *f, const char *name, bool force, const char *want)
{
    struct outfile *o = opened(f->path, NULL, force, "new");
    char got[OUTFILE_NAME_LEN];

    assert_ok(outfile_commit(o, name, got));
    outfile_free(o);
    assert_string_equal(got, want);
    folder_holds(f, want, "new");
}

/* ---- whole or not at all ---- */

static void
a_file_gets_its_name_only_at_the_commit(void **state)
{
    struct test_folder *f = *state;
    struct outfile *o = opened(f->path, NULL, false, "hello");

    assert_false(outfile_is_stdout(o));
    assert_false(folder_has(f, "a.txt"));
    assert_int_equal(folder_n(f), 1);
    assert_ok(outfile_commit(o, "a.txt", NULL));
    outfile_free(o);
    folder_holds(f, "a.txt", "hello");
    assert_int_equal(folder_mode(f, "a.txt"), 0600);
    assert_int_equal(folder_n(f), 1);
}

static void
without_a_commit_nothing_stays(void **state)
{
    struct test_folder *f = *state;

    outfile_free(opened(f->path, NULL, false, "hello"));
    assert_int_equal(folder_n(f), 0);
    outfile_free(opened(NULL, folder_path(f, "b"), true, "hello"));
    assert_int_equal(folder_n(f), 0);
    outfile_free(NULL);
}

static void
a_commit_that_fails_leaves_nothing(void **state)
{
    struct test_folder *f = *state;
    struct outfile *o = opened(NULL, folder_path(f, "a"), false, "new");
    char name[OUTFILE_NAME_LEN] = "untouched";

    folder_write(f, "a", "old");
    assert_err(ERR_IO, outfile_commit(o, NULL, name));
    outfile_free(o);
    assert_string_equal(name, "untouched");
    folder_holds(f, "a", "old");
    assert_int_equal(folder_n(f), 1);
}

static void
much_is_written_in_order(void **state)
{
    struct test_folder *f = *state;
    struct outfile *o = opened(f->path, NULL, false, "");
    static uint8_t piece[256 * 1024], got[sizeof(piece)];
    int fd;

    for (unsigned i = 0; i < 20; i++) {
        memset(piece, (int)i, sizeof(piece));
        assert_ok(sink_write(outfile_sink(o), piece, sizeof(piece)));
    }
    sink_free(outfile_sink(o)); /* does nothing */
    assert_ok(outfile_commit(o, "big", NULL));
    outfile_free(o);
    fd = openat(f->fd, "big", O_RDONLY | O_CLOEXEC);
    for (unsigned i = 0; i < 20; i++) {
        memset(piece, (int)i, sizeof(piece));
        assert_int_equal(read(fd, got, sizeof(got)), sizeof(got));
        assert_memory_equal(got, piece, sizeof(got));
    }
    assert_int_equal(read(fd, got, 1), 0);
    (void)close(fd);
}

/* ---- names of senders ---- */

static void
a_taken_name_is_numbered_and_what_was_there_stays(void **state)
{
    struct test_folder *f = *state;

    folder_write(f, "report.pdf", "old");
    received_as(f, "report.pdf", false, "report-1.pdf");
    received_as(f, "report.pdf", false, "report-2.pdf");
    assert_int_equal(mkdirat(f->fd, "notes", 0700), 0);
    received_as(f, "notes", false, "notes-1");
    folder_holds(f, "report.pdf", "old");
    assert_int_equal(folder_n(f), 5);
}

static void
with_force_a_taken_name_is_replaced(void **state)
{
    struct test_folder *f = *state;

    folder_write(f, "a.txt", "old");
    received_as(f, "a.txt", true, "a.txt");
    assert_int_equal(folder_n(f), 1);
}

static void
with_force_a_folder_pipe_or_socket_is_not_replaced(void **state)
{
    struct test_folder *f = *state;

    assert_int_equal(mkdirat(f->fd, "a", 0700), 0);
    received_as(f, "a", true, "a-1");
    assert_int_equal(mkfifoat(f->fd, "p.x", 0600), 0);
    received_as(f, "p.x", true, "p-1.x");
    assert_int_equal(folder_n(f), 4);
}

static void
nothing_is_written_through_a_link(void **state)
{
    struct test_folder *f = *state;

    folder_write(f, "precious", "old");
    assert_int_equal(symlinkat("precious", f->fd, "a"), 0);
    assert_int_equal(symlinkat("nowhere", f->fd, "b"), 0);
    received_as(f, "a", false, "a-1");
    received_as(f, "b", false, "b-1");
    received_as(f, "a", true, "a"); /* the link itself is replaced */
    received_as(f, "b", true, "b");
    folder_holds(f, "precious", "old");
    assert_false(folder_has(f, "nowhere"));
}

static void
hostile_names_stay_in_the_folder(void **state)
{
    static const char *const names[][2] = {
        {"../x", "x"},
        {"/etc/x1", "x1"},
        {"..", "file"},
        {"", "file-1"},
        {"/", "file-2"},
        {"..\\..\\boot.ini", "boot.ini"},
        {"a\x1b[31mb\r\n.txt", "a[31mb.txt"},
        {"\xe2\x80\xaegpj.exe", "gpj.exe"},
        {"\xff\xfe", "file-3"},
        {".env", "_env"},
        {"..hidden", "_.hidden"},
        {"-rf", "_rf"},
        {".tar", "_tar"},
        {"...", "file-4"},
        {"\xc3\xa4.txt", "\xc3\xa4.txt"},
    };
    struct test_folder *f = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        received_as(f, names[i][0], false, names[i][1]);
    assert_int_equal(folder_n(f), sizeof(names) / sizeof(names[0]));
}

static void
the_longest_name_can_be_numbered(void **state)
{
    struct test_folder *f = *state;
    char name[300], want[300];

    memset(name, 'n', sizeof(name));
    memcpy(name + 251, ".txt", 5);
    received_as(f, name, false, name);
    (void)snprintf(want, sizeof(want), "%.249s-1.txt", name);
    received_as(f, name, false, want);
    assert_int_equal(strlen(want), 255);
}

static void
a_long_name_is_cut_at_a_whole_character(void **state)
{
    struct test_folder *f = *state;
    char name[300] = "", want[300];

    for (size_t i = 0; i < 127; i++)
        (void)snprintf(name + 2 * i, 3, "\xc3\xa4");
    received_as(f, name, false, name);
    (void)snprintf(want, sizeof(want), "%.252s-1", name);
    received_as(f, name, false, want);
}

/* ---- paths of the user's ---- */

static void
a_path_is_taken_as_it_is(void **state)
{
    struct test_folder *f = *state;
    char name[OUTFILE_NAME_LEN];
    struct outfile *o;

    o = opened("/nowhere at all", folder_path(f, ".mine"), false, "x");
    assert_ok(outfile_commit(o, "theirs", name));
    outfile_free(o);
    assert_string_equal(name, ".mine");
    folder_holds(f, ".mine", "x");
    assert_int_equal(folder_n(f), 1);
}

static void
a_path_without_a_folder_is_of_the_current_one(void **state)
{
    struct test_folder *f = *state;
    int was = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct outfile *o;

    assert_int_equal(fchdir(f->fd), 0);
    o = opened(NULL, "plain", false, "x");
    assert_ok(outfile_commit(o, "", NULL));
    outfile_free(o);
    o = opened(NULL, NULL, false, "y");
    assert_ok(outfile_commit(o, "named", NULL));
    outfile_free(o);
    assert_int_equal(fchdir(was), 0);
    (void)close(was);
    folder_holds(f, "plain", "x");
    folder_holds(f, "named", "y");
}

static void
refused_path(const struct test_folder *f, const char *name, bool force)
{
    struct outfile_cfg cfg = {.path = folder_path(f, name), .force = force};
    struct outfile *o = NULL;
    size_t n = folder_n(f);

    assert_err(ERR_IO, outfile_open(&cfg, &o));
    assert_null(o);
    assert_int_equal(folder_n(f), n);
}

static void
a_path_that_cannot_be_written_is_known_before(void **state)
{
    struct test_folder *f = *state;
    char name[400];

    folder_write(f, "file", "old");
    assert_int_equal(mkdirat(f->fd, "folder", 0700), 0);
    assert_int_equal(mkfifoat(f->fd, "pipe", 0600), 0);
    assert_int_equal(symlinkat("file", f->fd, "link"), 0);
    refused_path(f, "file", false);
    refused_path(f, "link", false);
    refused_path(f, "folder", false);
    refused_path(f, "folder", true);
    refused_path(f, "folder/", true);
    refused_path(f, "folder/.", true);
    refused_path(f, "folder/..", true);
    refused_path(f, "pipe", true); /* meant to be written into, and would be gone */
    refused_path(f, "missing/x", false);
    refused_path(f, "file/x", false);
    memset(name, 'n', sizeof(name));
    name[300] = '\0';
    refused_path(f, name, false);
    folder_holds(f, "file", "old");
}

static void
an_empty_path_and_a_missing_folder_are_refused(void **state)
{
    struct outfile_cfg empty = {.path = ""}, missing = {.dir = "/nowhere/at/all"};
    struct outfile *o = NULL;

    (void)state;
    assert_err(ERR_IO, outfile_open(&empty, &o));
    assert_err(ERR_IO, outfile_open(&missing, &o));
    assert_null(o);
}

static void
a_path_is_overwritten_with_force_and_a_link_replaced(void **state)
{
    struct test_folder *f = *state;
    struct outfile *o;

    folder_write(f, "file", "old");
    folder_write(f, "precious", "old");
    assert_int_equal(symlinkat("precious", f->fd, "link"), 0);
    o = opened(NULL, folder_path(f, "file"), true, "new");
    assert_ok(outfile_commit(o, NULL, NULL));
    outfile_free(o);
    o = opened(NULL, folder_path(f, "link"), true, "new");
    assert_ok(outfile_commit(o, NULL, NULL));
    outfile_free(o);
    folder_holds(f, "file", "new");
    folder_holds(f, "link", "new");
    folder_holds(f, "precious", "old");
}

static void
a_folder_that_came_meanwhile_is_not_replaced_with_force(void **state)
{
    struct test_folder *f = *state;
    struct outfile *o = opened(NULL, folder_path(f, "x"), true, "new");

    assert_int_equal(mkdirat(f->fd, "x", 0700), 0);
    assert_err(ERR_IO, outfile_commit(o, NULL, NULL));
    outfile_free(o);
    assert_int_equal(folder_n(f), 1);
}

static void
a_folder_that_was_moved_keeps_its_file(void **state)
{
    struct test_folder *f = *state;
    struct outfile *o;

    assert_int_equal(mkdirat(f->fd, "a", 0700), 0);
    assert_int_equal(mkdirat(f->fd, "trap", 0700), 0);
    o = opened(folder_path(f, "a"), NULL, false, "x");
    assert_int_equal(renameat(f->fd, "a", f->fd, "b"), 0);
    assert_int_equal(symlinkat("trap", f->fd, "a"), 0);
    assert_ok(outfile_commit(o, "x", NULL));
    outfile_free(o);
    folder_holds(f, "b/x", "x");
    assert_false(folder_has(f, "trap/x"));
}

/* ---- standard output, and what fails ---- */

static void
standard_output_gets_the_bytes_and_a_closed_pipe_is_an_error(void **state)
{
    int ends[2], was = dup(STDOUT_FILENO);
    struct outfile *o;
    char got[8] = "", name[OUTFILE_NAME_LEN];
    enum err broken;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)fflush(stdout);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    o = opened("/nowhere", "-", true, "hello");
    assert_true(outfile_is_stdout(o));
    assert_ok(outfile_commit(o, "x", name));
    assert_int_equal(read(ends[0], got, sizeof(got)), 5);
    (void)close(ends[0]);
    broken = sink_write(outfile_sink(o), (const uint8_t *)"more", 4);
    outfile_free(o);
    assert_true(dup2(was, STDOUT_FILENO) >= 0);
    (void)close(was);
    (void)close(ends[1]);
    assert_string_equal(got, "hello");
    assert_string_equal(name, "-");
    assert_int_equal(broken, ERR_IO);
}

static void
a_standard_output_that_cannot_be_written_to_is_known_before(void **state)
{
    const struct outfile_cfg cfg = {.path = "-"};
    int was = dup(STDOUT_FILENO), null = open("/dev/null", O_RDONLY | O_CLOEXEC), ends[2];
    struct outfile *o = NULL;
    enum err unread, closed, read_only;

    (void)state;
    (void)fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    unread = outfile_open(&cfg, &o);
    (void)close(STDOUT_FILENO);
    closed = outfile_open(&cfg, &o);
    assert_true(dup2(null, STDOUT_FILENO) >= 0);
    read_only = outfile_open(&cfg, &o);
    assert_true(dup2(was, STDOUT_FILENO) >= 0);
    (void)close(was);
    (void)close(null);
    (void)close(ends[1]);
    assert_int_equal(unread, ERR_IO);
    assert_int_equal(closed, ERR_IO);
    assert_int_equal(read_only, ERR_IO);
    assert_null(o);
}

static void
a_full_disk_is_an_error_of_ours_and_leaves_nothing(void **state)
{
    static uint8_t piece[128 * 1024];
    struct test_folder *f = *state;
    struct outfile *o = NULL;
    enum err e = ERR_OK;
    int n;

    if (mount("tmpfs", f->path, "tmpfs", 0, "size=1m") != 0)
        skip(); /* only root can */
    o = opened(f->path, NULL, false, "x");
    for (n = 0; n < 20 && e == ERR_OK; n++)
        e = sink_write(outfile_sink(o), piece, sizeof(piece));
    outfile_free(o);
    (void)umount2(f->path, MNT_DETACH);
    assert_int_equal(e, ERR_IO);
    assert_true(n > 5);
    assert_int_equal(folder_n(f), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_file_gets_its_name_only_at_the_commit),
        T(without_a_commit_nothing_stays),
        T(a_commit_that_fails_leaves_nothing),
        T(much_is_written_in_order),
        T(a_taken_name_is_numbered_and_what_was_there_stays),
        T(with_force_a_taken_name_is_replaced),
        T(with_force_a_folder_pipe_or_socket_is_not_replaced),
        T(nothing_is_written_through_a_link),
        T(hostile_names_stay_in_the_folder),
        T(the_longest_name_can_be_numbered),
        T(a_long_name_is_cut_at_a_whole_character),
        T(a_path_is_taken_as_it_is),
        T(a_path_without_a_folder_is_of_the_current_one),
        T(a_path_that_cannot_be_written_is_known_before),
        T(an_empty_path_and_a_missing_folder_are_refused),
        T(a_path_is_overwritten_with_force_and_a_link_replaced),
        T(a_folder_that_came_meanwhile_is_not_replaced_with_force),
        T(a_folder_that_was_moved_keeps_its_file),
        T(standard_output_gets_the_bytes_and_a_closed_pipe_is_an_error),
        T(a_standard_output_that_cannot_be_written_to_is_known_before),
        T(a_full_disk_is_an_error_of_ours_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
