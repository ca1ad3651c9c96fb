/* SPDX-License-Identifier: Apache-2.0 */
/* link_fixture: a fake server that begins well, and a link to it. What was opened is closed. */
#ifndef MAYFLY_TESTS_LINK_FIXTURE_H
#define MAYFLY_TESTS_LINK_FIXTURE_H

#include "redis_calls.h"
#include "redis_fake.h"

#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>

struct fixture {
    struct fake fake;
    struct rd_link *link;
    size_t n_files; /* open before */
};

static inline size_t
count_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

static inline int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    f->n_files = count_files();
    fake_start(&f->fake, FAKE_ECHO);
    assert_ok(open_unix(f->fake.path, &f->link));
    *state = f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    rd_link_free(f->link);
    fake_done(&f->fake);
    assert_int_equal(f->n_files, count_files()); /* whatever happened, all is closed */
    free(f);
    return 0;
}

/* Each behaviour below begins with a connection that lies idle and is in order. */
static inline void
behave(struct fixture *f, enum fake_manner manner, const char *text)
{
    assert_ok(echo(f->link, "good"));
    f->fake.text = text;
    f->fake.n_commands = 0;
    f->fake.manner = (int)manner;
}

#endif
