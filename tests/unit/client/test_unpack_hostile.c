/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong tars leave nothing behind, and nothing around them changes. */
#include "unpack_testing.h"

#include "client/unpack_int.h"

static const struct hostile {
    const char *what;
    struct tar_entry entries[5];
} hostile_tars[] = {
    {"an absolute path", {{'f', "/tmp/evil", "x", 0}, TAR_LAST}},
    {"an absolute folder", {{'d', "/", NULL, 0}, TAR_LAST}},
    {"two slashes", {{'f', "//evil", "x", 0}, TAR_LAST}},
    {"a path that leads up", {{'f', "../evil", "x", 0}, TAR_LAST}},
    {"a path that overwrites outside", {{'f', "../precious", "x", 0}, TAR_LAST}},
    {"a path that leads up later", {{'f', "a/../../evil", "x", 0}, TAR_LAST}},
    {"a path with dots that stays", {{'f', "a/../b", "x", 0}, TAR_LAST}},
    {"dots at the end", {{'d', "a/..", NULL, 0}, TAR_LAST}},
    {"dots alone", {{'d', "..", NULL, 0}, TAR_LAST}},
    {"a file that is a dot", {{'f', ".", "x", 0}, TAR_LAST}},
    {"a file through a link",
     {{'d', "a", NULL, 0}, {'l', "l", "a", 0}, {'f', "l/f", "x", 0}, TAR_LAST}},
    {"a file over a link", {{'f', "a", "x", 0}, {'l', "l", "a", 0}, {'f', "l", "y", 0}, TAR_LAST}},
    {"a folder over a link",
     {{'d', "a", NULL, 0}, {'l', "l", "a", 0}, {'d', "l", NULL, 0}, TAR_LAST}},
    {"a link over a folder",
     {{'d', "a", NULL, 0}, {'d', "l", NULL, 0}, {'l', "l", "a", 0}, TAR_LAST}},
    {"a link through a link",
     {{'d', "a", NULL, 0}, {'l', "l", "a", 0}, {'l', "l/m", "../../precious", 0}, TAR_LAST}},
    {"a hard link outside", {{'h', "h", "../precious", 0}, TAR_LAST}},
    {"a hard link to an absolute path", {{'h', "h", "/etc/passwd", 0}, TAR_LAST}},
    {"a hard link to what the user has", {{'h', "h", "mine", 0}, TAR_LAST}},
    {"a hard link to nothing", {{'h', "h", "a/b/c", 0}, TAR_LAST}},
    {"a hard link to a folder", {{'d', "a", NULL, 0}, {'h', "h", "a", 0}, TAR_LAST}},
    {"a hard link to a link",
     {{'f', "a", "x", 0}, {'l', "l", "a", 0}, {'h', "h", "l", 0}, TAR_LAST}},
    {"a hard link through a link",
     {{'f', "a/f", "x", 0}, {'l', "l", "a", 0}, {'h', "h", "l/f", 0}, TAR_LAST}},
    {"a hard link to itself", {{'h', "h", "h", 0}, TAR_LAST}},
    {"a hard link to the top", {{'h', "h", ".", 0}, TAR_LAST}},
    {"a hard link over a file",
     {{'f', "a", "x", 0}, {'f', "h", "y", 0}, {'h', "h", "a", 0}, TAR_LAST}},
    {"a pipe", {{'p', "p", NULL, 0}, TAR_LAST}},
    {"a character device", {{'c', "c", NULL, 0}, TAR_LAST}},
    {"a block device", {{'b', "b", NULL, 0}, TAR_LAST}},
    {"a file twice", {{'f', "a", "x", 0}, {'f', "a", "y", 0}, TAR_LAST}},
    {"a file twice in other words", {{'f', "a/b", "x", 0}, {'f', "./a//b", "y", 0}, TAR_LAST}},
    {"a folder twice",
     {{'d', "a", NULL, 0}, {'f', "a/b", "x", 0}, {'d', "./a/", NULL, 0700}, TAR_LAST}},
    {"a link twice", {{'f', "a", "x", 0}, {'l', "l", "a", 0}, {'l', "l", "a", 0}, TAR_LAST}},
    {"a file and a folder", {{'f', "a", "x", 0}, {'d', "a", NULL, 0}, TAR_LAST}},
    {"a file as a folder", {{'f', "a", "x", 0}, {'f', "a/b", "y", 0}, TAR_LAST}},
    {"two names that become one", {{'f', ".a", "x", 0}, {'f', "_a", "y", 0}, TAR_LAST}},
    {"a control character", {{'f', "a\x1b[2Jb", "x", 0}, TAR_LAST}},
    {"a line feed", {{'f', "a\nb", "x", 0}, TAR_LAST}},
    {"a DEL", {{'f', "a\x7f", "x", 0}, TAR_LAST}},
    {"a C1 control character",
     {{'f',
       "a\xc2\x9b"
       "31m",
       "x", 0},
      TAR_LAST}},
    {"no UTF-8", {{'f', "a\xff", "x", 0}, TAR_LAST}},
    {"a good file before a wrong one",
     {{'f', "good", "x", 0}, {'f', "d/good", "x", 0}, {'f', "../evil", "x", 0}, TAR_LAST}},
};

static void
hostile_tars_leave_nothing(void **state)
{
    struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(hostile_tars); i++) {
        struct unpack *u = NULL;
        struct buf b;
        enum err e;

        tar_of(hostile_tars[i].entries, &b);
        e = run_bytes(p, b.data, b.len, &u);
        unpack_free(u);
        buf_done(&b);
        if (e != ERR_INTEGRITY)
            fail_msg("%s: %s (%s)", hostile_tars[i].what, err_name(e), err_sentence());
        nothing_came(p);
    }
}

/* One link too many in each: the last entry. */
static const struct hostile wrong_links[] = {
    {"an absolute link", {{'l', "l", "/etc/passwd", 0}, TAR_LAST}},
    {"a link up", {{'l', "l", "..", 0}, TAR_LAST}},
    {"a link to a file outside", {{'l', "l", "../precious", 0}, TAR_LAST}},
    {"a link up from below", {{'l', "a/l", "../../precious", 0}, TAR_LAST}},
    {"a link up behind a folder",
     {{'d', "a", NULL, 0}, {'l', "l", "a/../../precious", 0}, TAR_LAST}},
    {"a link up and back in by name", {{'l', "l", "../out/mine", 0}, TAR_LAST}},
    {"a link to the top", {{'l', "a/l", "..", 0}, TAR_LAST}},
    {"a link to the folder itself", {{'l', "l", ".", 0}, TAR_LAST}},
    {"a link to what the user has", {{'l', "l", "mine", 0}, TAR_LAST}},
    {"a link from below to what the user has", {{'l', "a/l", "../mine", 0}, TAR_LAST}},
    {"up through a link",
     {{'d', "a/b/c", NULL, 0},
      {'l', "a/b/c/l", "../../../a", 0},
      {'l', "z", "a/b/c/l/../..", 0},
      TAR_LAST}},
    {"a link up to what is in the tar too",
     {{'f', "mine too", "x", 0}, {'l', "l", "../mine too", 0}, TAR_LAST}},
    {"up through a link that lies deep",
     {{'d', "x", NULL, 0},
      {'l', "a/b/c/l", "../../../x", 0},
      {'l', "a/b/c/z", "l/../../precious", 0},
      TAR_LAST}},
    {"a control character in a link", {{'f', "a", "x", 0}, {'l', "l", "a/\a", 0}, TAR_LAST}},
};

static bool
has_link(const struct test_folder *f, const char *name)
{
    struct stat st;

    return fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

static void
links_that_lead_out_are_left_out(void **state)
{
    static const char *const names[] = {"l", "z", "a/l", "a/b/c/z"};
    struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(wrong_links); i++) {
        struct test_folder in = p->out;
        struct unpack *u = run_entries(p, wrong_links[i].entries);
        char name[UNPACK_NAME_LEN];

        if (unpack_n_left_out(u) != 1)
            fail_msg("%s: %zu left out", wrong_links[i].what, unpack_n_left_out(u));
        assert_ok(unpack_commit_as(u, "in", name));
        in.fd = openat(p->out.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            if (has_link(&in, names[k]))
                fail_msg("%s: there is a link", wrong_links[i].what);
        }
        (void)close(in.fd);
        unpack_free(u);
    }
    folder_holds(&p->top, "precious", "old");
    folder_holds(&p->out, "mine", "old");
}

static void
a_link_to_a_link_that_is_left_out_is_left_out_too(void **state)
{
    struct place *p = *state;
    struct unpack *u = run_entries(p, (const struct tar_entry[]){{'l', "a", "b", 0},
                                                                 {'l', "b", "c", 0},
                                                                 {'l', "c", "mine", 0},
                                                                 {'f', "good", "x", 0},
                                                                 {0, NULL, NULL, 0}});

    assert_int_equal(unpack_n_left_out(u), 3);
    assert_int_equal(unpack_n(u), 1);
    assert_ok(unpack_commit(u, false));
    unpack_free(u);
    folder_holds(&p->out, "good", "x");
    folder_holds(&p->out, "mine", "old");
    assert_int_equal(folder_n(&p->out), 2);
}

static void
chains_of_such_links_have_a_limit(void **state)
{
    static struct tar_entry chain[60];
    static char names[60][8];
    struct place *p = *state;
    struct unpack *u = NULL;
    struct buf b;

    for (size_t i = 0; i < 59; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "l%02zu", i);
        chain[i] = (struct tar_entry){'l', names[i], i == 58 ? "mine" : names[i + 1], 0};
    }
    tar_of(chain, &b);
    assert_err(ERR_INTEGRITY, run_bytes(p, b.data, b.len, &u));
    unpack_free(u);
    buf_done(&b);
    nothing_came(p);
}

static void
refused(const struct place *p, const void *bytes, size_t len)
{
    struct unpack *u = NULL;

    assert_err(ERR_INTEGRITY, run_bytes(p, bytes, len, &u));
    unpack_free(u);
    nothing_came(p);
}

static void
what_is_no_tar_is_refused(void **state)
{
    static uint8_t noise[4096];
    static const char gzip[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03",
                      cpio[] = "070707000000000000000000000000000000000001000000";
    struct place *p = *state;

    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)(i * 167 + i / 13);
    refused(p, "", 0);
    refused(p, "x", 1);
    refused(p, "#!/bin/sh\n", 10);
    refused(p, noise, sizeof(noise));
    refused(p, gzip, sizeof(gzip) - 1);
    refused(p, cpio, sizeof(cpio) - 1);
}

static void
a_tar_that_is_cut_inside_an_entry_is_refused(void **state)
{
    static const struct tar_entry tree[] = {
        {'f', "a", "0123456789", 0}, {'f', "b", "0123456789", 0}, {0, NULL, NULL, 0}};
    struct place *p = *state;
    struct buf b;

    tar_of(tree, &b);
    for (size_t len = 1; len < 2 * 1024; len += 97) {
        if (len % 512 != 0)
            refused(p, b.data, len);
    }
    refused(p, b.data, 512); /* the header alone */
    refused(p, b.data, 1024 + 512);
    buf_done(&b);
}

static void
a_damaged_header_is_refused(void **state)
{
    static const struct tar_entry tree[] = {
        {'f', "a", "x", 0}, {'f', "b", "y", 0}, {0, NULL, NULL, 0}};
    struct place *p = *state;
    struct buf b;

    tar_of(tree, &b);
    for (size_t at = 0; at < 512; at += 37) {
        b.data[1024 + at] ^= 0x04;
        refused(p, b.data, b.len);
        b.data[1024 + at] ^= 0x04;
    }
    buf_done(&b);
}

static void
one_file_refused(const struct place *p, const char *name)
{
    const struct tar_entry one[] = {{'f', name, "x", 0}, {0, NULL, NULL, 0}};
    struct buf b;

    tar_of(one, &b);
    refused(p, b.data, b.len);
    buf_done(&b);
}

static void
names_and_paths_have_a_limit(void **state)
{
    static char name[8192];
    struct place *p = *state;

    memset(name, 'n', 256);
    one_file_refused(p, name);
    name[255] = '\0';
    extract(p, (const struct tar_entry[]){{'f', name, "x", 0}, {0, NULL, NULL, 0}});
    folder_holds(&p->out, name, "x");
    assert_int_equal(unlinkat(p->out.fd, name, 0), 0);
    for (size_t i = 0; i < 4096; i++)
        name[i] = i % 100 == 99 ? '/' : 'n';
    name[4096] = '\0';
    one_file_refused(p, name);
}

/* The tar, with `room` bytes of names left, must come to this. */
static void
near_the_limit(const struct place *p, const struct tar_entry *entries, size_t room, enum err want)
{
    struct source *tar = NULL;
    struct unpack *u = NULL;
    struct buf b;

    tar_of(entries, &b);
    assert_ok(source_of_bytes(b.data, b.len, &tar));
    assert_ok(unpack_new(p->out.path, &u));
    u->n_kept = UNPACK_KEPT_MAX - room;
    assert_int_equal(want, unpack_run(u, tar));
    unpack_free(u);
    source_free(tar);
    buf_done(&b);
    nothing_came(p);
}

/* Paths of 4 KiB are kept in memory for each folder and link. */
static void
names_in_memory_have_a_limit(void **state)
{
    static const struct tar_entry kept[][2] = {{{'d', "0123456789", NULL, 0}, TAR_LAST},
                                               {{'d', "in/0123456789", NULL, 0}, TAR_LAST},
                                               {{'f', "0123456789", NULL, 0}, TAR_LAST},
                                               {{'l', "in/0123456789", "x", 0}, TAR_LAST}};
    static const struct tar_entry inside[] = {{'f', "in/0123456789", NULL, 0}, TAR_LAST};
    struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        near_the_limit(p, kept[i], 0, ERR_INTEGRITY);
        near_the_limit(p, kept[i], 200, ERR_OK);
    }
    near_the_limit(p, inside, 0, ERR_OK); /* of these nothing is kept */
}

static void
folders_in_each_other_have_a_limit(void **state)
{
    static char path[1024];
    struct place *p = *state;
    struct unpack *u;

    for (size_t i = 0; i < 257; i++)
        (void)snprintf(path + 2 * i, 3, "d/");
    path[2 * 257 - 1] = '\0';
    one_file_refused(p, path);
    path[2 * 256 - 1] = '\0';
    u = run_entries(p, (const struct tar_entry[]){
                           {'f', path, "x", 0}, {'d', "e", NULL, 0}, {0, NULL, NULL, 0}});
    unpack_free(u);
    nothing_came(p);
}

struct broken {
    struct source source;
    const struct buf *bytes;
    size_t at, until;
};

static enum err
broken_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct broken *b = (struct broken *)s;
    size_t n = b->until - b->at < cap ? b->until - b->at : cap;

    if (n == 0)
        return err_set(ERR_CLOSED, "the connection broke");
    n = n < 700 ? n : 700;
    memcpy(ret_bytes, b->bytes->data + b->at, n);
    b->at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
an_error_of_the_source_is_given_back_wherever_it_comes(void **state)
{
    static const struct source_ops ops = {broken_read, NULL};
    static const struct tar_entry tree[] = {
        {'d', "d", NULL, 0}, {'f', "d/a", "x", 0}, {'f', "d/b", "y", 0}, {0, NULL, NULL, 0}};
    struct place *p = *state;
    struct buf b;

    tar_of(tree, &b);
    for (size_t until = 0; until <= b.len; until += 256) {
        struct broken broken = {{&ops}, &b, 0, until};
        struct unpack *u = NULL;

        assert_ok(unpack_new(p->out.path, &u));
        assert_err(ERR_CLOSED, unpack_run(u, &broken.source));
        assert_string_equal(err_sentence(), "the connection broke");
        unpack_free(u);
        nothing_came(p);
    }
    buf_done(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(hostile_tars_leave_nothing),
        T(links_that_lead_out_are_left_out),
        T(a_link_to_a_link_that_is_left_out_is_left_out_too),
        T(chains_of_such_links_have_a_limit),
        T(what_is_no_tar_is_refused),
        T(a_tar_that_is_cut_inside_an_entry_is_refused),
        T(a_damaged_header_is_refused),
        T(names_and_paths_have_a_limit),
        T(names_in_memory_have_a_limit),
        T(folders_in_each_other_have_a_limit),
        T(an_error_of_the_source_is_given_back_wherever_it_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
