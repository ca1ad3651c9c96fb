/* SPDX-License-Identifier: Apache-2.0 */
/* pack: what is sent of one file and of standard input. */
#include "packs.h"

#include "client/interrupt.h"

#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- a file ---- */

static void
check_file(const char *path, const char *name, const char *type, const char *content)
{
    struct pack p = open_ok(PATHS(path));
    struct buf b;

    buf_init(&b, ALL_MAX);
    assert_false(p.is_tar);
    assert_int_equal(strlen(content), p.len);
    assert_string_equal(name, p.name);
    assert_string_equal(type, p.type);
    assert_ok(drain(p.source, 5, &b));
    assert_string_equal(content, buf_text(&b));
    buf_done(&b);
}

static void
a_file_is_sent_as_it_is_under_its_last_name(void **state)
{
    (void)state;
    make_folder("a b");
    write_text("a b/report.PDF", "hello, world\n");
    write_text("a b/notes", "hello\n");
    write_bytes("a b/empty", "", 0);
    assert_int_equal(0, symlink("report.PDF", "a b/link.txt"));
    check_file("a b/report.PDF", "report.PDF", "application/pdf", "hello, world\n");
    check_file("./a b/../a b//notes", "notes", "text/plain", "hello\n");
    check_file("a b/empty", "empty", "application/octet-stream", "");
    check_file("a b/link.txt", "link.txt", "text/plain", "hello, world\n"); /* named: followed */
}

static void
a_name_that_is_no_utf8_can_be_sealed_all_the_same(void **state)
{
    char longest[NAME_MAX + 1];
    struct pack p;

    (void)state;
    write_text("caf\xe9.txt", "x");
    check_file("caf\xe9.txt", "caf_.txt", "text/plain", "x");
    memset(longest, 'n', NAME_MAX);
    longest[NAME_MAX] = '\0';
    write_text(longest, "x");
    check_file(longest, longest, "text/plain", "x");
    assert_int_equal(0, unlink(longest));
    make_folder(longest);
    p = open_ok(PATHS(longest));
    assert_int_equal(E2E_NAME_LEN - 1, strlen(p.name));
    assert_string_equal("nn.tar", p.name + strlen(p.name) - 6);
    source_free(p.source);
}

static void
a_file_that_changes_its_size_is_an_error(void **state)
{
    const char *path = "file";
    char text[1000];
    struct pack p;
    struct buf b;
    uint8_t piece[100];
    size_t n;

    (void)state;
    memset(text, 'x', sizeof(text));
    buf_init(&b, ALL_MAX);
    write_bytes(path, text, sizeof(text));
    p = open_ok(PATHS(path));
    assert_ok(source_read(p.source, piece, sizeof(piece), &n));
    assert_int_equal(sizeof(piece), n);
    assert_int_equal(0, truncate(path, 500));
    assert_err(ERR_IO, drain(p.source, 100, &b));
    assert_string_equal("the file changed its size while it was read", err_sentence());

    write_bytes(path, text, sizeof(text));
    p = open_ok(PATHS(path));
    assert_int_equal(0, truncate(path, 1001));
    assert_err(ERR_IO, drain(p.source, 100, &b));
    buf_done(&b);
}

static void
what_cannot_be_read_is_an_error_of_its_path(void **state)
{
    struct pack p;
    size_t failed = 99;

    (void)state;
    write_text("there", "x");
    assert_int_equal(0, mkfifo("pipe", 0600));
    assert_err(ERR_IO, open_paths(PATHS("nowhere"), &p, &failed));
    assert_int_equal(0, failed);
    assert_string_equal("cannot be read: No such file or directory", err_sentence());
    assert_err(ERR_IO, open_paths(PATHS("there", "nowhere"), &p, &failed));
    assert_int_equal(1, failed);
    assert_string_equal("cannot be read: No such file or directory", err_sentence());
    failed = 99;
    assert_err(ERR_IO, open_paths(PATHS("pipe"), &p, &failed));
    assert_int_equal(0, failed);
}

static void
what_makes_no_sense_together_is_refused(void **state)
{
    struct pack p;
    size_t failed = 99;

    (void)state;
    make_folder("a");
    make_folder("b");
    make_folder("b/x");
    write_text("a/x", "x");
    write_text("a/y", "y");
    assert_err(ERR_FIELD, pack_open(NULL, 0, &p, &failed));
    assert_err(ERR_FIELD, open_paths(PATHS("a/x", "-"), &p, &failed));
    assert_int_equal(99, failed);
    assert_err(ERR_FIELD, open_paths(PATHS("a/x", "a/y", "b/x/"), &p, &failed));
    assert_int_equal(2, failed);
    assert_err(ERR_FIELD, open_paths(PATHS(".", "./"), &p, &failed));
    assert_int_equal(1, failed);
}

/* ---- standard input ---- */

/* Standard input is `fd` (taken) while it is opened. */
static struct pack
open_stdin_of(int fd)
{
    int old = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    struct pack p;

    assert_true(dup2(fd, STDIN_FILENO) >= 0);
    assert_int_equal(0, close(fd));
    p = open_ok(PATHS("-"));
    if (old >= 0) {
        assert_true(dup2(old, STDIN_FILENO) >= 0);
        assert_int_equal(0, close(old));
    }
    return p;
}

static void
check_pipe(const void *bytes, size_t len, const char *type)
{
    struct pack p;
    struct buf b;
    int fds[2];

    buf_init(&b, ALL_MAX);
    assert_int_equal(0, pipe(fds));
    assert_int_equal(len, write(fds[1], bytes, len));
    assert_int_equal(0, close(fds[1]));
    p = open_stdin_of(fds[0]);
    assert_true(p.len == UINT64_MAX);
    assert_false(p.is_tar);
    assert_string_equal("stdin", p.name);
    assert_string_equal(type, p.type);
    assert_ok(drain(p.source, 3000, &b));
    assert_int_equal(len, b.len);
    if (len > 0)
        assert_memory_equal(bytes, b.data, len);
    buf_done(&b);
}

static void
a_pipe_on_standard_input_is_sent_to_its_end(void **state)
{
    static char text[50000];

    (void)state;
    memset(text, 'x', sizeof(text));
    check_pipe("hello\n", 6, "text/plain");
    check_pipe("\0\1\2", 3, "application/octet-stream");
    check_pipe("", 0, "application/octet-stream");
    check_pipe(text, sizeof(text), "text/plain");
}

static void
a_file_on_standard_input_is_sent_from_where_it_stands(void **state)
{
    struct pack p;
    struct buf b;
    int fd;

    (void)state;
    buf_init(&b, ALL_MAX);
    write_text("file", "0123456789");
    fd = open("file", O_RDONLY | O_CLOEXEC);
    assert_int_equal(4, lseek(fd, 4, SEEK_SET));
    p = open_stdin_of(fd);
    assert_int_equal(6, p.len);
    assert_string_equal("stdin", p.name);
    assert_ok(drain(p.source, 100, &b));
    assert_string_equal("456789", buf_text(&b));
    buf_done(&b);
}

/* In a child, as the flag stays: an interrupted one neither waits for a pipe nor walks on. */
static void
interrupted(void)
{
    char name[] = "-", dir[] = ".", *from_pipe = name, *folder_here = dir;
    struct pack p;
    size_t failed = 99;
    int fds[2];

    interrupt_init();
    if (raise(SIGTERM) != 0 || pipe(fds) != 0 || dup2(fds[0], STDIN_FILENO) < 0)
        _exit(1);
    if (pack_open(&from_pipe, 1, &p, &failed) != ERR_CLOSED)
        _exit(2);
    _exit(pack_open(&folder_here, 1, &p, &failed) == ERR_CLOSED && failed == 99 ? 0 : 3);
}

static void
an_interrupt_ends_waiting_and_walking(void **state)
{
    pid_t child = fork();
    int status = -1;

    (void)state;
    if (child == 0)
        interrupted();
    assert_true(child > 0);
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_int_equal(0, status);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_file_is_sent_as_it_is_under_its_last_name),
        CASE(a_name_that_is_no_utf8_can_be_sealed_all_the_same),
        CASE(a_file_that_changes_its_size_is_an_error),
        CASE(what_cannot_be_read_is_an_error_of_its_path),
        CASE(what_makes_no_sense_together_is_refused),
        CASE(a_pipe_on_standard_input_is_sent_to_its_end),
        CASE(a_file_on_standard_input_is_sent_from_where_it_stands),
        CASE(an_interrupt_ends_waiting_and_walking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
