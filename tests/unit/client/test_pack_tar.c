/* SPDX-License-Identifier: Apache-2.0 */
/* pack: what is sent of folders and of several files, read back by libarchive. */
#include "packs.h"

#include "base/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CONTENT_MAX = 4 * 1024 * 1024 };

/* What a tar says: a line for each entry, "TYPE MODE PATH[ -> LINK][=CONTENT]". */
static void
list_tar(const struct buf *tar, struct buf *ret)
{
    static char content[CONTENT_MAX];
    struct archive *a = archive_read_new();
    struct archive_entry *e;
    int got;

    assert_non_null(a);
    assert_int_equal(ARCHIVE_OK, archive_read_support_format_tar(a));
    assert_int_equal(ARCHIVE_OK, archive_read_open_memory(a, tar->data, tar->len));
    while ((got = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
        unsigned type = archive_entry_filetype(e);
        la_ssize_t n = archive_read_data(a, content, sizeof(content) - 1);

        assert_true(n >= 0);
        content[n] = '\0';
        assert_int_equal(0, archive_entry_uid(e));
        assert_int_equal(0, archive_entry_gid(e));
        assert_true(archive_entry_uname(e) == NULL || archive_entry_uname(e)[0] == '\0');
        assert_ok(buf_addf(ret, "%c %03o %s",
                           type == AE_IFDIR   ? 'd'
                           : type == AE_IFLNK ? 'l'
                                              : 'f',
                           archive_entry_perm(e), archive_entry_pathname(e)));
        if (type == AE_IFLNK)
            assert_ok(buf_addf(ret, " -> %s", archive_entry_symlink(e)));
        if (type == AE_IFREG)
            assert_ok(buf_addf(ret, "=%s", content));
        assert_ok(buf_add_text(ret, "\n"));
    }
    assert_int_equal(ARCHIVE_EOF, got);
    assert_int_equal(ARCHIVE_OK, archive_read_free(a));
}

static void
check_tar(const char *const *paths, size_t cap, const char *want)
{
    struct pack p = open_ok(paths);
    struct buf tar, list;

    buf_init(&tar, ALL_MAX);
    buf_init(&list, ALL_MAX);
    assert_true(p.is_tar);
    assert_string_equal("application/x-tar", p.type);
    assert_ok(drain(p.source, cap, &tar));
    assert_int_equal(p.len, tar.len);
    list_tar(&tar, &list);
    assert_string_equal(want, buf_text(&list));
    buf_done(&tar);
    buf_done(&list);
}

/* ---- what is in it ---- */

static void
a_folder_is_a_tar_in_order_with_links_as_links(void **state)
{
    static const char want[] = "d 750 photos/\n"
                               "d 700 photos/2020/\n"
                               "f 640 photos/2020/a=aa\n"
                               "f 600 photos/2020/b=\n"
                               "f 755 photos/Z=zz\n"
                               "l 777 photos/away -> /etc/passwd\n"
                               "d 700 photos/empty/\n"
                               "l 777 photos/gone -> nowhere\n"
                               "l 777 photos/in -> 2020\n"
                               "f 600 photos/z=z\n";

    (void)state;
    make_folder("top");
    make_folder("top/photos");
    assert_int_equal(0, chmod("top/photos", 0750));
    make_folder("top/photos/empty");
    make_folder("top/photos/2020");
    write_text("top/photos/2020/b", "");
    write_text("top/photos/2020/a", "aa");
    assert_int_equal(0, chmod("top/photos/2020/a", 0640));
    write_text("top/photos/z", "z");
    write_text("top/photos/Z", "zz");
    assert_int_equal(0, chmod("top/photos/Z", 04755)); /* the special bits stay here */
    assert_int_equal(0, symlink("2020", "top/photos/in"));
    assert_int_equal(0, symlink("/etc/passwd", "top/photos/away"));
    assert_int_equal(0, symlink("nowhere", "top/photos/gone"));
    check_tar(PATHS("top/photos/"), 100000, want);
    check_tar(PATHS("top/photos/"), 1, want);
    check_tar(PATHS("top/photos/"), 513, want);
}

static void
several_paths_are_one_tar_sorted_by_their_last_names(void **state)
{
    const char *const *paths = PATHS("b/zebra", "b/", "a/apple", "link");
    struct pack p;

    (void)state;
    make_folder("a");
    make_folder("b");
    write_text("a/apple", "A");
    write_text("b/zebra", "Z");
    assert_int_equal(0, symlink("b", "link"));
    check_tar(paths, 4096,
              "f 600 apple=A\nd 700 b/\nf 600 b/zebra=Z\nd 700 link/\nf 600 link/zebra=Z\n"
              "f 600 zebra=Z\n");
    p = open_ok(paths);
    assert_string_equal("files.tar", p.name);
    source_free(p.source);
    p = open_ok(PATHS("b/"));
    assert_string_equal("b.tar", p.name);
    source_free(p.source);
}

static void
a_dot_is_called_as_its_folder_is(void **state)
{
    char want[64];
    struct pack p;

    (void)state;
    make_folder("here");
    assert_int_equal(0, chdir("here"));
    p = open_ok(PATHS("."));
    assert_string_equal("here.tar", p.name);
    source_free(p.source);
    check_tar(PATHS("."), 1000, "d 700 here/\n");
    assert_int_equal(0, chdir(".."));
    p = open_ok(PATHS("here/.."));
    (void)snprintf(want, sizeof(want), "%s.tar", folder + sizeof("/tmp/") - 1);
    assert_string_equal(want, p.name);
    source_free(p.source);
}

static void
pipes_and_sockets_are_left_out(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "dir/socket"};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pack p;
    size_t failed = 99;

    (void)state;
    make_folder("dir");
    write_text("dir/file", "x");
    assert_int_equal(0, mkfifo("pipe", 0600));
    assert_int_equal(0, mkfifo("dir/pipe", 0600));
    assert_true(s >= 0);
    assert_int_equal(0, bind(s, (struct sockaddr *)&at, sizeof(at)));
    check_tar(PATHS("dir"), 1000, "d 700 dir/\nf 600 dir/file=x\n");
    check_tar(PATHS("dir", "pipe", "dir/socket"), 1000, "d 700 dir/\nf 600 dir/file=x\n");
    assert_err(ERR_IO,
               open_paths(PATHS("pipe", "dir/socket"), &p, &failed)); /* nothing would be left */
    assert_int_equal(0, close(s));
}

/* What is said on stderr while `paths` are opened. */
static void
note_of(const char *path, char ret_note[200])
{
    struct pack p;
    size_t failed;
    ssize_t len;
    int pipe_fds[2], old = dup(STDERR_FILENO);
    enum err e;

    assert_int_equal(0, pipe(pipe_fds));
    assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
    term_set_quiet(false);
    e = open_paths(PATHS(path), &p, &failed);
    term_set_quiet(true);
    assert_true(dup2(old, STDERR_FILENO) >= 0);
    assert_int_equal(0, close(old));
    assert_int_equal(0, close(pipe_fds[1]));
    assert_int_equal(ERR_OK, e);
    len = read(pipe_fds[0], ret_note, 199);
    assert_true(len >= 0);
    ret_note[len] = '\0';
    assert_int_equal(0, close(pipe_fds[0]));
    source_free(p.source);
}

static void
what_is_left_out_is_counted_in_a_note(void **state)
{
    char note[200];

    (void)state;
    make_folder("dir");
    note_of("dir", note);
    assert_string_equal("", note);
    assert_int_equal(0, mkfifo("dir/pipe", 0600));
    assert_int_equal(0, mkfifo("dir/qipe", 0600));
    note_of("dir", note);
    assert_non_null(strstr(note, "2 pipes, sockets or devices"));
}

static void
names_that_are_long_or_not_ascii_come_back(void **state)
{
    char name[256], want[2000];

    (void)state;
    memset(name, 'n', 255);
    name[255] = '\0';
    make_folder("t");
    assert_int_equal(0, chdir("t"));
    write_text(name, "x");
    assert_int_equal(0, symlink(name, "link"));
    assert_int_equal(0, chdir(".."));
    (void)snprintf(want, sizeof(want), "d 700 t/\nl 777 t/link -> %s\nf 600 t/%s=x\n", name, name);
    check_tar(PATHS("t"), 1000, want);
}

/* As bytes: what a reader makes of them in the C locale is its own. */
static bool
has_bytes(const struct buf *b, const char *bytes)
{
    return memmem(b->data, b->len, bytes, strlen(bytes)) != NULL;
}

static void
names_in_utf8_are_so_in_the_tar(void **state)
{
    struct buf tar;

    (void)state;
    buf_init(&tar, ALL_MAX);
    make_folder("t");
    write_text("t/Gr\xc3\xbc\xc3\x9f"
               "e",
               "x");
    assert_ok(drain(open_ok(PATHS("t")).source, 1000, &tar));
    assert_true(has_bytes(&tar, " path=t/Gr\xc3\xbc\xc3\x9f"
                                "e\n"));
    assert_false(has_bytes(&tar, "hdrcharset"));
    buf_done(&tar);
}

static void
large_files_pass_whole(void **state)
{
    static uint8_t bytes[3 * 1024 * 1024 + 1];
    struct pack p;
    struct buf tar;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13 | 1);
    make_folder("t");
    write_bytes("t/large", bytes, sizeof(bytes));
    write_text("t/small", "s");
    buf_init(&tar, ALL_MAX);
    p = open_ok(PATHS("t"));
    assert_ok(drain(p.source, 77777, &tar));
    assert_int_equal(p.len, tar.len);
    assert_non_null(memmem(tar.data, tar.len, bytes, sizeof(bytes)));
    buf_done(&tar);
}

static void
times_are_kept_in_whole_seconds(void **state)
{
    const struct timespec at[2] = {{.tv_sec = 1234567890}, {1234567890, 987654321}};
    struct archive *a = archive_read_new();
    struct archive_entry *e;
    struct buf tar;

    (void)state;
    write_text("t", "x");
    buf_init(&tar, ALL_MAX);
    make_folder("u");
    assert_int_equal(0, rename("t", "u/t"));
    assert_int_equal(0, utimensat(AT_FDCWD, "u/t", at, 0));
    assert_int_equal(0, utimensat(AT_FDCWD, "u", at, 0));
    assert_ok(drain(open_ok(PATHS("u")).source, 1000, &tar));
    assert_int_equal(ARCHIVE_OK, archive_read_support_format_tar(a));
    assert_int_equal(ARCHIVE_OK, archive_read_open_memory(a, tar.data, tar.len));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ARCHIVE_OK, archive_read_next_header(a, &e));
        assert_int_equal(1234567890, archive_entry_mtime(e));
    }
    assert_int_equal(ARCHIVE_OK, archive_read_free(a));
    assert_true(tar.len <= 4 * 512 + 512); /* no header beside: two, a block, and the end */
    buf_done(&tar);
}

/* Open a tar of "t", change something, and read it. */
static enum err
changed_meanwhile(void (*change)(void))
{
    struct pack p = open_ok(PATHS("t"));
    struct buf b;
    enum err e;

    change();
    buf_init(&b, ALL_MAX);
    e = drain(p.source, 1000, &b);
    buf_done(&b);
    return e;
}

static void
nothing(void)
{
}

static void
lose_folder(void)
{
    assert_int_equal(0, rename("t", "was-t"));
}

static void
lose_file(void)
{
    assert_int_equal(0, unlink("t/file"));
}

static void
add_file(void)
{
    write_text("t/more", "y");
}

static void
the_length_is_exact_whatever_happens(void **state)
{
    char path[300] = "t/";
    struct pack p;
    struct buf tar;

    (void)state;
    memset(path + 2, 'n', 250); /* takes a header of its own */
    make_folder("t");
    write_text(path, "x");
    write_text("t/file", "x");
    buf_init(&tar, ALL_MAX);
    p = open_ok(PATHS("t"));
    lose_file();
    assert_ok(drain(p.source, 1000, &tar));
    assert_int_equal(p.len, tar.len);
    assert_int_equal(ERR_IO, changed_meanwhile(add_file));
    assert_string_equal("there is more in it than before it was read", err_sentence());
    buf_done(&tar);
}

static void
what_is_gone_before_it_is_read_is_left_out_but_not_the_path_itself(void **state)
{
    (void)state;
    make_folder("t");
    write_text("t/file", "x");
    assert_int_equal(ERR_OK, changed_meanwhile(nothing));
    assert_int_equal(ERR_OK, changed_meanwhile(lose_file));
    assert_int_equal(ERR_IO, changed_meanwhile(lose_folder));
    assert_string_equal("t cannot be read: No such file or directory", err_sentence());
}

static void
a_file_of_a_folder_that_changes_its_size_is_named(void **state)
{
    static uint8_t bytes[1024 * 1024];
    struct pack p;
    struct buf b;
    uint8_t piece[2000];
    size_t n;

    (void)state;
    make_folder("t");
    buf_init(&b, ALL_MAX);
    for (int i = 0; i < 2; i++) { /* shorter, longer */
        write_bytes("t/file\xe2\x80\xae", bytes, sizeof(bytes));
        p = open_ok(PATHS("t"));
        assert_ok(source_read(p.source, piece, sizeof(piece), &n));
        assert_int_equal(0, truncate("t/file\xe2\x80\xae", i == 0 ? 1000 : 1024 * 1024 + 1));
        assert_err(ERR_IO, drain(p.source, 1000, &b));
        assert_string_equal("t/file? changed its size while it was read", err_sentence());
    }
    buf_done(&b);
}

static void
names_that_no_receiver_takes_are_told_before_anything_is_sent(void **state)
{
    static const char *const names[] = {"t/a\nb", "t/a\x1b[2J", "t/\x7f", "t/\xc2\x9b", "t/a\xff"};
    struct pack p;
    size_t failed = 99;

    (void)state;
    make_folder("t");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        write_text(names[i], "x");
        assert_err(ERR_IO, open_paths(PATHS("t"), &p, &failed));
        assert_non_null(strstr(err_sentence(), "rename it"));
        assert_int_equal(0, unlink(names[i]));
    }
    p = open_ok(PATHS("t"));
    source_free(p.source);
}

static void
folders_too_deep_are_an_error_and_descriptors_come_back(void **state)
{
    char name[2] = "d";
    struct pack p;
    size_t failed = 99;
    int before, after;

    (void)state;
    before = dup(STDIN_FILENO);
    assert_int_equal(0, close(before));
    make_folder("top");
    assert_int_equal(0, chdir("top"));
    for (int i = 0; i < 255; i++) {
        make_folder(name);
        assert_int_equal(0, chdir(name));
    }
    assert_int_equal(0, chdir(folder));
    p = open_ok(PATHS("top")); /* 256 are not */
    source_free(p.source);
    assert_err(ERR_IO, open_paths(PATHS(folder), &p, &failed));
    assert_int_equal(0, failed);
    after = dup(STDIN_FILENO);
    assert_int_equal(0, close(after));
    assert_int_equal(before, after);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_folder_is_a_tar_in_order_with_links_as_links),
        CASE(several_paths_are_one_tar_sorted_by_their_last_names),
        CASE(a_dot_is_called_as_its_folder_is),
        CASE(pipes_and_sockets_are_left_out),
        CASE(what_is_left_out_is_counted_in_a_note),
        CASE(names_that_are_long_or_not_ascii_come_back),
        CASE(names_in_utf8_are_so_in_the_tar),
        CASE(large_files_pass_whole),
        CASE(times_are_kept_in_whole_seconds),
        CASE(the_length_is_exact_whatever_happens),
        CASE(what_is_gone_before_it_is_read_is_left_out_but_not_the_path_itself),
        CASE(a_file_of_a_folder_that_changes_its_size_is_named),
        CASE(names_that_no_receiver_takes_are_told_before_anything_is_sent),
        CASE(folders_too_deep_are_an_error_and_descriptors_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
