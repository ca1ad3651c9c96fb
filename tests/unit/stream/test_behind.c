/* SPDX-License-Identifier: Apache-2.0 */
/* Writing behind: the bytes and their order, errors that come one call later, freeing in the
 * middle. */
#include "testing.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "stream/stream.h"

enum { PIECE = 64 * 1024, TOTAL = 1000003 };

/* An end that is slow, remembers, and fails once it holds `fail_at` bytes. */
struct slow_end {
    struct sink sink;
    struct buf got;
    size_t fail_at;
    long sleep_ns;
    bool is_finished;
    atomic_bool *is_freed;
};

static enum err
slow_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    struct slow_end *e = (struct slow_end *)s;
    const struct timespec span = {.tv_nsec = e->sleep_ns};

    (void)nanosleep(&span, NULL);
    if (e->got.len >= e->fail_at)
        return err_set(ERR_NOSPACE, "full");
    return buf_add(&e->got, bytes, len);
}

static enum err
slow_finish(struct sink *s)
{
    ((struct slow_end *)s)->is_finished = true;
    return ERR_OK;
}

static void
slow_free(struct sink *s)
{
    struct slow_end *e = (struct slow_end *)s;

    buf_done(&e->got);
    atomic_store(e->is_freed, true);
    free(e);
}

struct room {
    struct pool *pool;
    struct slow_end *end;
    struct sink *sink;
    atomic_bool is_freed;
};

static int
setup(void **state)
{
    static const struct sink_ops ops = {slow_write, slow_finish, slow_free};
    struct room *r = calloc(1, sizeof(*r));
    struct sink *next;

    assert_non_null(r);
    assert_ok(pool_new(2, &r->pool));
    r->end = calloc(1, sizeof(*r->end));
    assert_non_null(r->end);
    r->end->sink.ops = &ops;
    r->end->fail_at = SIZE_MAX;
    r->end->sleep_ns = 200000;
    r->end->is_freed = &r->is_freed;
    buf_init(&r->end->got, 16 * 1024 * 1024);
    next = &r->end->sink;
    assert_ok(sink_behind_new(r->pool, &next, &r->sink));
    assert_null(next);
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct room *r = *state;

    sink_free(r->sink);
    assert_true(r->is_freed);
    pool_free(r->pool);
    free(r);
    return 0;
}

static void
every_byte_comes_in_order_whatever_the_cuts(void **state)
{
    static const size_t cuts[] = {PIECE, 1, 100, 8191, 8192, 8193, PIECE - 1, PIECE + 1, 3 * PIECE};
    struct room *r = *state;
    uint8_t *bytes = malloc(TOTAL);
    size_t at = 0;

    assert_non_null(bytes);
    for (size_t i = 0; i < TOTAL; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    for (size_t i = 0; at < TOTAL; i++) {
        size_t n = cuts[i % ARRAY_LEN(cuts)];

        n = n < TOTAL - at ? n : TOTAL - at;
        assert_ok(sink_write(r->sink, bytes + at, n));
        at += n;
    }
    assert_ok(sink_finish(r->sink));
    assert_true(r->end->is_finished);
    assert_int_equal(r->end->got.len, TOTAL);
    assert_memory_equal(r->end->got.data, bytes, TOTAL);
    free(bytes);
}

static void
the_pushed_bytes_may_change_as_soon_as_they_were_pushed(void **state)
{
    struct room *r = *state;
    uint8_t piece[PIECE];

    for (int i = 0; i < 8; i++) {
        memset(piece, i, sizeof(piece));
        assert_ok(sink_write(r->sink, piece, sizeof(piece)));
    }
    memset(piece, 0xff, sizeof(piece));
    assert_ok(sink_finish(r->sink));
    for (size_t i = 0; i < r->end->got.len; i += 4096)
        assert_int_equal(r->end->got.data[i], i / PIECE);
}

static void
a_failed_write_is_told_by_the_next_call(void **state)
{
    struct room *r = *state;
    static const uint8_t piece[PIECE];

    r->end->fail_at = 1;
    assert_ok(sink_write(r->sink, piece, sizeof(piece)));
    assert_ok(sink_write(r->sink, piece, sizeof(piece))); /* fails behind our back */
    assert_err(ERR_NOSPACE, sink_write(r->sink, piece, sizeof(piece)));
}

static void
a_failed_write_is_told_by_finish_which_then_does_not_finish(void **state)
{
    struct room *r = *state;
    static const uint8_t piece[PIECE];

    r->end->fail_at = 0;
    assert_ok(sink_write(r->sink, piece, sizeof(piece)));
    assert_err(ERR_NOSPACE, sink_finish(r->sink));
    assert_false(r->end->is_finished);
}

static void
a_small_piece_is_passed_on_at_once(void **state)
{
    struct room *r = *state;

    assert_ok(sink_write(r->sink, (const uint8_t *)"abc", 3));
    assert_int_equal(r->end->got.len, 3);
    r->end->fail_at = 0;
    assert_err(ERR_NOSPACE, sink_write(r->sink, (const uint8_t *)"abc", 3));
}

static void
freeing_waits_for_what_is_on_its_way(void **state)
{
    struct room *r = *state;
    static const uint8_t piece[PIECE];

    r->end->sleep_ns = 20000000;
    assert_ok(sink_write(r->sink, piece, sizeof(piece)));
    assert_false(r->is_freed);
    /* teardown frees the sink while the write sleeps; the sanitizers watch */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_byte_comes_in_order_whatever_the_cuts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_pushed_bytes_may_change_as_soon_as_they_were_pushed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_write_is_told_by_the_next_call, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_write_is_told_by_finish_which_then_does_not_finish,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_small_piece_is_passed_on_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_waits_for_what_is_on_its_way, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
