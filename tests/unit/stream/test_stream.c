/* SPDX-License-Identifier: Apache-2.0 */
/* stream: sources, sinks and readers in memory, the limit, and who frees what. */
#include "testing.h"

#include "base/mem.h"
#include "stream/stream.h"

#include <string.h>

/* ---- a sink that remembers how it was treated ---- */

struct spy {
    struct sink sink;
    unsigned n_writes, n_finishes, n_frees;
    size_t len;
    enum err answer;
};

static enum err
spy_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    struct spy *spy = CONTAINER_OF(s, struct spy, sink);

    (void)bytes;
    spy->n_writes++;
    spy->len += len;
    return spy->answer;
}

static enum err
spy_finish(struct sink *s)
{
    struct spy *spy = CONTAINER_OF(s, struct spy, sink);

    spy->n_finishes++;
    return spy->answer;
}

static void
spy_free(struct sink *s)
{
    CONTAINER_OF(s, struct spy, sink)->n_frees++;
}

static const struct sink_ops spy_ops = {spy_write, spy_finish, spy_free};

/* ---- sources ---- */

static void
a_source_gives_its_bytes_in_pieces_and_then_none(void **state)
{
    char original[] = "abcdefg";
    struct source *s = NULL;
    uint8_t got[8];
    size_t n;

    (void)state;
    assert_ok(source_of_bytes(original, 7, &s));
    memset(original, 'x', 7); /* the source has a copy */
    assert_ok(source_read(s, got, 3, &n));
    assert_int_equal(3, n);
    assert_memory_equal("abc", got, 3);
    assert_ok(source_read(s, got, 3, &n));
    assert_int_equal(3, n);
    assert_ok(source_read(s, got, 8, &n));
    assert_int_equal(1, n);
    assert_int_equal('g', got[0]);
    for (int i = 0; i < 3; i++) {
        assert_ok(source_read(s, got, 8, &n));
        assert_int_equal(0, n);
    }
    source_free(s);
    source_free(NULL);
}

static void
a_source_of_nothing_is_at_its_end(void **state)
{
    struct source *s = NULL;
    uint8_t got[1];
    size_t n = 7;

    (void)state;
    assert_ok(source_of_bytes(NULL, 0, &s));
    assert_ok(source_read(s, got, 1, &n));
    assert_int_equal(0, n);
    source_free(s);
}

/* ---- sinks ---- */

static void
a_buffer_takes_what_is_pushed(void **state)
{
    struct sink *s = NULL;
    struct buf b;

    (void)state;
    buf_init(&b, 6);
    assert_ok(sink_to_buf(&b, &s));
    assert_ok(sink_write(s, (const uint8_t *)"abc", 3));
    assert_ok(sink_write(s, (const uint8_t *)"", 0));
    assert_ok(sink_write(s, (const uint8_t *)"def", 3));
    assert_err(ERR_TOOBIG, sink_write(s, (const uint8_t *)"g", 1));
    assert_ok(sink_finish(s));
    sink_free(s);
    assert_string_equal("abcdef", buf_text(&b)); /* borrowed: still there */
    buf_done(&b);
    sink_free(NULL);
}

static void
a_limit_lets_exactly_so_many_bytes_through(void **state)
{
    struct spy spy = {.sink = {&spy_ops}};
    struct sink *next = &spy.sink, *s = NULL;

    (void)state;
    assert_ok(sink_limit_new(5, &next, &s));
    assert_null(next);
    assert_ok(sink_write(s, (const uint8_t *)"abc", 3));
    assert_ok(sink_write(s, (const uint8_t *)"de", 2));
    assert_ok(sink_write(s, (const uint8_t *)"", 0));
    assert_ok(sink_finish(s));
    assert_int_equal(5, spy.len);
    assert_int_equal(1, spy.n_finishes);
    assert_int_equal(0, spy.n_frees);
    sink_free(s);
    assert_int_equal(1, spy.n_frees);
}

static void
one_byte_above_the_limit_does_not_pass(void **state)
{
    struct spy spy = {.sink = {&spy_ops}};
    struct sink *next = &spy.sink, *s = NULL;

    (void)state;
    assert_ok(sink_limit_new(5, &next, &s));
    assert_ok(sink_write(s, (const uint8_t *)"abc", 3));
    assert_err(ERR_TOOBIG, sink_write(s, (const uint8_t *)"def", 3));
    assert_int_equal(3, spy.len); /* not even a part of it */
    assert_int_equal(1, spy.n_writes);
    assert_int_equal(0, spy.n_finishes);
    sink_free(s); /* an abort */
    assert_int_equal(0, spy.n_finishes);
    assert_int_equal(1, spy.n_frees);
}

static void
a_limit_of_nothing_passes_an_empty_file(void **state)
{
    struct spy spy = {.sink = {&spy_ops}};
    struct sink *next = &spy.sink, *s = NULL;

    (void)state;
    assert_ok(sink_limit_new(0, &next, &s));
    assert_ok(sink_write(s, (const uint8_t *)"", 0));
    assert_err(ERR_TOOBIG, sink_write(s, (const uint8_t *)"a", 1));
    sink_free(s);
}

static void
a_limit_hands_on_the_errors_of_the_stage_below(void **state)
{
    struct spy spy = {.sink = {&spy_ops}, .answer = ERR_NOSPACE};
    struct sink *next = &spy.sink, *s = NULL;

    (void)state;
    assert_ok(sink_limit_new(UINT64_MAX, &next, &s));
    assert_err(ERR_NOSPACE, sink_write(s, (const uint8_t *)"a", 1));
    assert_err(ERR_NOSPACE, sink_finish(s));
    sink_free(s);
    assert_int_equal(1, spy.n_frees);
}

static void
limits_may_be_stacked(void **state)
{
    struct sink *s = NULL, *inner = NULL, *outer = NULL;
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_ok(sink_to_buf(&b, &s));
    assert_ok(sink_limit_new(3, &s, &inner));
    assert_ok(sink_limit_new(10, &inner, &outer));
    assert_ok(sink_write(outer, (const uint8_t *)"abc", 3));
    assert_err(ERR_TOOBIG, sink_write(outer, (const uint8_t *)"d", 1));
    sink_free(outer); /* frees all three */
    assert_string_equal("abc", buf_text(&b));
    buf_done(&b);
}

/* ---- readers ---- */

static void
a_reader_reads_anywhere_and_again(void **state)
{
    char original[] = "abcdefg";
    struct reader *r = NULL;
    uint8_t got[8];

    (void)state;
    assert_ok(reader_of_bytes(original, 7, &r));
    memset(original, 'x', 7);
    assert_int_equal(7, r->size_bytes);
    assert_ok(reader_read_at(r, 4, got, 3));
    assert_memory_equal("efg", got, 3);
    assert_ok(reader_read_at(r, 0, got, 7));
    assert_memory_equal("abcdefg", got, 7);
    assert_ok(reader_read_at(r, 4, got, 3));
    assert_memory_equal("efg", got, 3);
    assert_ok(reader_read_at(r, 7, got, 0));
    reader_free(r);
    reader_free(NULL);
}

static void
a_read_beyond_the_end_is_refused(void **state)
{
    struct reader *r = NULL;
    uint8_t got[8] = {7};

    (void)state;
    assert_ok(reader_of_bytes("abcdefg", 7, &r));
    assert_err(ERR_INTEGRITY, reader_read_at(r, 0, got, 8));
    assert_err(ERR_INTEGRITY, reader_read_at(r, 7, got, 1));
    assert_err(ERR_INTEGRITY, reader_read_at(r, 8, got, 0));
    assert_err(ERR_INTEGRITY, reader_read_at(r, UINT64_MAX, got, 1));
    assert_err(ERR_INTEGRITY, reader_read_at(r, 1, got, SIZE_MAX)); /* the sum would wrap */
    assert_int_equal(7, got[0]);
    reader_free(r);
    assert_ok(reader_of_bytes(NULL, 0, &r));
    assert_err(ERR_INTEGRITY, reader_read_at(r, 0, got, 1));
    assert_ok(reader_read_at(r, 0, got, 0));
    reader_free(r);
}

static void
a_stage_that_is_a_part_of_something_is_left_when_it_is_freed(void **state)
{
    static const struct source_ops source_ops = {NULL, NULL};
    static const struct sink_ops sink_ops = {NULL, NULL, NULL};
    struct source source = {&source_ops};
    struct sink sink = {&sink_ops};

    (void)state;
    source_free(&source);
    sink_free(&sink);
    source_free(NULL);
    sink_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_gives_its_bytes_in_pieces_and_then_none),
        cmocka_unit_test(a_source_of_nothing_is_at_its_end),
        cmocka_unit_test(a_buffer_takes_what_is_pushed),
        cmocka_unit_test(a_limit_lets_exactly_so_many_bytes_through),
        cmocka_unit_test(one_byte_above_the_limit_does_not_pass),
        cmocka_unit_test(a_limit_of_nothing_passes_an_empty_file),
        cmocka_unit_test(a_limit_hands_on_the_errors_of_the_stage_below),
        cmocka_unit_test(limits_may_be_stacked),
        cmocka_unit_test(a_reader_reads_anywhere_and_again),
        cmocka_unit_test(a_read_beyond_the_end_is_refused),
        cmocka_unit_test(a_stage_that_is_a_part_of_something_is_left_when_it_is_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
