/* SPDX-License-Identifier: Apache-2.0 */
/* unpack_testing: a folder to extract tars into, and what must not change around it. */
#ifndef MAYFLY_TESTS_CLIENT_UNPACK_TESTING_H
#define MAYFLY_TESTS_CLIENT_UNPACK_TESTING_H

#include "folder.h"
#include "tars.h"

#include "base/mem.h"
#include "client/unpack.h"

/* A folder `out` to extract into, and beside it a file that must stay as it is. */
struct place {
    struct test_folder top, out;
};

static inline int
set_up(void **state)
{
    static struct place p;

    (void)umask(022);
    folder_open(&p.top);
    folder_write(&p.top, "precious", "old");
    assert_int_equal(mkdirat(p.top.fd, "out", 0700), 0);
    (void)snprintf(p.out.path, sizeof(p.out.path), "%.40s/out", p.top.path);
    p.out.fd = open(p.out.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(p.out.fd >= 0);
    folder_write(&p.out, "mine", "old");
    *state = &p;
    return 0;
}

static inline int
tear_down(void **state)
{
    struct place *p = *state;

    (void)close(p->out.fd);
    folder_close(&p->top);
    return 0;
}

static inline void
nothing_came(const struct place *p)
{
    assert_int_equal(folder_n(&p->top), 2);
    assert_int_equal(folder_n(&p->out), 1);
    folder_holds(&p->top, "precious", "old");
    folder_holds(&p->out, "mine", "old");
}

static inline enum err
run_bytes(const struct place *p, const void *bytes, size_t len, struct unpack **ret_unpack)
{
    struct source *s = NULL;
    uint8_t rest;
    size_t n = 1;
    enum err e;

    assert_ok(source_of_bytes(bytes, len, &s));
    assert_ok(unpack_new(p->out.path, ret_unpack));
    e = unpack_run(*ret_unpack, s);
    if (e == ERR_OK) {
        assert_ok(source_read(s, &rest, 1, &n));
        assert_int_equal(n, 0); /* all was read */
    }
    source_free(s);
    return e;
}

static inline struct unpack *
run_entries(const struct place *p, const struct tar_entry *entries)
{
    struct unpack *u = NULL;
    struct buf b;

    tar_of(entries, &b);
    assert_ok(run_bytes(p, b.data, b.len, &u));
    buf_done(&b);
    return u;
}

static inline void
extract(const struct place *p, const struct tar_entry *entries)
{
    struct unpack *u = run_entries(p, entries);

    assert_ok(unpack_commit(u, false));
    unpack_free(u);
}

#endif
