/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what was verified: every range of it, and bytes that change after the pass. */
#include "unit/crypt/disk.h"

static void
range_is(struct disk *d, const struct fernet_sizes *by, const uint8_t *plain, uint64_t from,
         uint64_t len, size_t cap)
{
    uint8_t sha256[SHA256_LEN];
    struct fernet_verified *v = NULL;
    struct source *source = NULL;
    struct buf got;

    buf_init(&got, SIZE_MAX / 2);
    assert_ok(verify(d, by, &v, sha256));
    assert_ok(fernet_verified_source(&v, from, len, &source));
    assert_null(v);
    assert_ok(drain(source, cap, &got));
    assert_int_equal(len, got.len);
    if (len > 0)
        assert_memory_equal(plain + from, got.data, len);
    buf_done(&got);
}

static void
every_range_of_a_short_token_reads_right(void **state)
{
    enum { LEN = 75 };
    uint8_t *plain = plain_of(LEN);
    struct disk d;

    (void)state;
    disk_of(LEN, &d);
    for (size_t from = 0; from <= LEN; from++) {
        for (size_t len = 0; len <= LEN - from; len++) {
            range_is(&d, &tiny, plain, from, len, 1 + (from + len) % 50);
            range_is(&d, &in_memory, plain, from, len, 1 + (from + len) % 50);
        }
    }
    buf_done(&d.token);
    free(plain);
}

static void
random_ranges_read_right_at_every_size(void **state)
{
    uint32_t x = 31;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        uint8_t *plain = plain_of(sizes[i]);
        struct disk d;

        disk_of(sizes[i], &d);
        range_is(&d, &real, plain, 0, sizes[i], 2 * MIB);
        for (int n = 0; n < 6; n++) {
            size_t from = next_number(&x) % (sizes[i] + 1);
            size_t len = next_number(&x) % (sizes[i] - from + 1);

            range_is(&d, &real, plain, from, len, 1 + next_number(&x) % 100000);
        }
        buf_done(&d.token);
        free(plain);
    }
}

static void
ranges_around_the_edges_of_real_chunks_read_right(void **state)
{
    enum { LEN = MIB + 3, CHUNK = 65536 };
    static const size_t froms[] = {0,     1,         15,        16,  CHUNK - 17, CHUNK - 1,
                                   CHUNK, CHUNK + 1, MIB - 100, MIB, MIB + 2,    MIB + 3};
    uint8_t *plain = plain_of(LEN);
    struct disk d;

    (void)state;
    disk_of(LEN, &d);
    for (size_t i = 0; i < ARRAY_LEN(froms); i++) {
        size_t left = LEN - froms[i];

        range_is(&d, &real, plain, froms[i], left, 32768);
        range_is(&d, &real, plain, froms[i], left < 40 ? left : 40, 7);
    }
    buf_done(&d.token);
    free(plain);
}

static void
a_range_beyond_the_end_is_refused_and_takes_nothing(void **state)
{
    static const struct fernet_sizes *const by[] = {&tiny, &in_memory};
    static const uint64_t wrong[][2] = {{0, 101}, {101, 0},        {100, 1},
                                        {50, 51}, {1, UINT64_MAX}, {UINT64_MAX, 1}};
    uint8_t sha256[SHA256_LEN];
    struct fernet_verified *v = NULL;
    struct source *source = NULL;
    struct disk d;

    (void)state;
    disk_of(100, &d);
    for (size_t i = 0; i < ARRAY_LEN(by); i++) {
        assert_ok(verify(&d, by[i], &v, sha256));
        for (size_t w = 0; w < ARRAY_LEN(wrong); w++) {
            assert_err(ERR_RANGE, fernet_verified_source(&v, wrong[w][0], wrong[w][1], &source));
            assert_non_null(v);
            assert_null(source);
        }
        fernet_verified_free(v);
        v = NULL;
    }
    fernet_verified_free(NULL);
    buf_done(&d.token);
}

/* Verify, then change the bit of the token, then read all: what comes is what was sealed, up to
 * the start of the chunk that the bit is in. Returns how it ended. */
static enum err
read_after_change(struct disk *d, const struct fernet_sizes *by, size_t plain_len, size_t bit,
                  struct buf *ret_got)
{
    uint8_t sha256[SHA256_LEN], *plain = plain_of(plain_len);
    struct fernet_verified *v = NULL;
    struct source *source = NULL;
    enum err e;

    buf_init(ret_got, SIZE_MAX / 2);
    assert_ok(verify(d, by, &v, sha256));
    flip(d, bit);
    assert_ok(fernet_verified_source(&v, 0, plain_len, &source));
    e = drain(source, 4096, ret_got);
    flip(d, bit);
    assert_true(ret_got->len <= plain_len);
    if (ret_got->len > 0)
        assert_memory_equal(plain, ret_got->data, ret_got->len);
    free(plain);
    return e;
}

static void
a_bit_that_changes_after_the_pass_stops_its_chunk(void **state)
{
    enum { LEN = 100, CHUNK = 32, FIRST_BLOCK = FERNET_HEAD_LEN - FERNET_BLOCK_LEN };
    struct disk d;

    (void)state;
    disk_of(LEN, &d);
    for (size_t bit = 0; bit < d.token.len * 8; bit++) {
        size_t at = bit / 8;
        struct buf got;
        enum err e = read_after_change(&d, &tiny, LEN, bit, &got);

        if (at < FIRST_BLOCK || at >= d.token.len - FERNET_MAC_LEN) {
            assert_int_equal(ERR_OK, e); /* version, time and MAC are not needed any more */
            assert_int_equal(LEN, got.len);
        } else {
            size_t chunk = at < FERNET_HEAD_LEN ? 0 : (at - FERNET_HEAD_LEN) / CHUNK;

            assert_int_equal(ERR_INTEGRITY, e);
            assert_int_equal(chunk * CHUNK, got.len);
        }
        buf_done(&got);
    }
    buf_done(&d.token);
}

static void
a_bit_that_changes_after_the_pass_stops_a_real_chunk(void **state)
{
    enum { LEN = MIB + 3, CHUNK = 65536 };
    struct disk d;
    uint32_t x = 77;

    (void)state;
    disk_of(LEN, &d);
    for (int i = 0; i < 8; i++) {
        size_t at = FERNET_HEAD_LEN + next_number(&x) % (LEN - 3);
        struct buf got;

        assert_err(ERR_INTEGRITY, read_after_change(&d, &real, LEN, 8 * at + 3, &got));
        assert_int_equal((at - FERNET_HEAD_LEN) / CHUNK * CHUNK, got.len);
        buf_done(&got);
    }
    buf_done(&d.token);
}

static void
a_small_token_does_not_care_what_changes_after_the_pass(void **state)
{
    struct buf got;
    struct disk d;

    (void)state;
    disk_of(100, &d);
    assert_ok(read_after_change(&d, &in_memory, 100, 8 * 60, &got));
    assert_int_equal(100, got.len);
    buf_done(&got);
    buf_done(&d.token);
}

static void
a_chunk_in_the_place_of_another_is_refused(void **state)
{
    enum { FROM = 3, TO = 1, CHUNK = 32, WITH_BLOCK_BEFORE = FERNET_BLOCK_LEN + CHUNK };
    uint8_t sha256[SHA256_LEN], *chunk_0;
    struct fernet_verified *v = NULL;
    struct source *source = NULL;
    struct buf got;
    struct disk d;

    (void)state;
    disk_of(CHUNK * 6, &d);
    assert_ok(verify(&d, &tiny, &v, sha256));
    chunk_0 = d.token.data + FERNET_HEAD_LEN - FERNET_BLOCK_LEN;
    memmove(chunk_0 + TO * CHUNK, chunk_0 + FROM * CHUNK, WITH_BLOCK_BEFORE);
    buf_init(&got, 1000);
    assert_ok(fernet_verified_source(&v, TO * CHUNK, CHUNK, &source));
    assert_err(ERR_INTEGRITY, drain(source, 100, &got));
    assert_int_equal(0, got.len);
    buf_done(&got);
    buf_done(&d.token);
}

static void
a_read_that_fails_after_the_pass_gives_nothing_of_its_chunk(void **state)
{
    uint8_t sha256[SHA256_LEN];
    struct fernet_verified *v = NULL;
    struct source *source = NULL;
    struct buf got;
    struct disk d;

    (void)state;
    disk_of(100, &d);
    assert_ok(verify(&d, &tiny, &v, sha256));
    d.fail_at = d.n_reads + 3;
    buf_init(&got, 1000);
    assert_ok(fernet_verified_source(&v, 0, 100, &source));
    assert_err(ERR_IO, drain(source, 100, &got));
    assert_int_equal(64, got.len);
    assert_int_equal(1, d.n_freed);
    buf_done(&got);
    buf_done(&d.token);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_range_of_a_short_token_reads_right),
        cmocka_unit_test(random_ranges_read_right_at_every_size),
        cmocka_unit_test(ranges_around_the_edges_of_real_chunks_read_right),
        cmocka_unit_test(a_range_beyond_the_end_is_refused_and_takes_nothing),
        cmocka_unit_test(a_bit_that_changes_after_the_pass_stops_its_chunk),
        cmocka_unit_test(a_bit_that_changes_after_the_pass_stops_a_real_chunk),
        cmocka_unit_test(a_small_token_does_not_care_what_changes_after_the_pass),
        cmocka_unit_test(a_chunk_in_the_place_of_another_is_refused),
        cmocka_unit_test(a_read_that_fails_after_the_pass_gives_nothing_of_its_chunk),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
