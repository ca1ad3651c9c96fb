/* SPDX-License-Identifier: Apache-2.0 */
/* The source of a token's plaintext: at every size and by pieces of every size; a damaged token
 * never comes to a good end, and its last block never comes out. */
#include "unit/crypt/tokens.h"

/* A source that gives at most `step` bytes at a time, and fails once `fail_at` were given. */
struct trickle {
    struct source source;
    const struct buf *bytes;
    size_t at, step, fail_at;
    unsigned n_freed;
};

static enum err
trickle_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct trickle *t = (struct trickle *)s;
    size_t n = t->bytes->len - t->at;

    if (t->at >= t->fail_at)
        return err_set(ERR_IO, "the test's disk is gone");
    n = n < t->step ? n : t->step;
    n = n < cap ? n : cap;
    memcpy(ret_bytes, t->bytes->data + t->at, n);
    t->at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
trickle_free(struct source *s)
{
    ((struct trickle *)s)->n_freed++;
}

static struct trickle
trickle_of(const struct buf *bytes, size_t step)
{
    static const struct source_ops ops = {trickle_read, trickle_free};

    return (struct trickle){.source = {&ops}, .bytes = bytes, .step = step, .fail_at = SIZE_MAX};
}

/* Read the token that `t` gives by pieces of `cap`. */
static enum err
open_by(struct trickle *t, size_t cap, struct buf *ret_plain)
{
    struct secret *key = test_key();
    struct source *token = &t->source, *plain = NULL;
    enum err e;

    assert_ok(fernet_source_new(&token, key, &plain));
    assert_null(token);
    secret_free(key); /* borrowed for that call only */
    e = drain(plain, cap, ret_plain);
    assert_int_equal(1, t->n_freed);
    return e;
}

static void
gives_plain(size_t len, size_t cap, size_t step)
{
    uint8_t *plain = plain_of(len);
    struct buf token, opened;
    struct trickle t;

    token_of(len, &token);
    t = trickle_of(&token, step);
    buf_init(&opened, SIZE_MAX / 2);
    assert_ok(open_by(&t, cap, &opened));
    assert_int_equal(len, opened.len);
    if (len > 0)
        assert_memory_equal(plain, opened.data, len);
    buf_done(&opened);
    buf_done(&token);
    free(plain);
}

static void
a_token_is_read_at_every_size_by_every_piece(void **state)
{
    static const size_t caps[] = {7, 16, 100, 4096, 65536, 2 * MIB};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (size_t c = 0; c < ARRAY_LEN(caps); c++) {
            gives_plain(sizes[i], caps[c], SIZE_MAX);
            gives_plain(sizes[i], caps[c], 1 + 997 * c);
        }
    }
}

static void
a_token_is_read_byte_by_byte_on_both_sides(void **state)
{
    (void)state;
    for (size_t len = 0; len < 100; len++)
        gives_plain(len, 1, 1);
    gives_plain(65537, 1, 1);
}

static void
the_end_stays_the_end(void **state)
{
    struct secret *key = test_key();
    struct source *bytes = NULL, *plain = NULL;
    struct buf token;
    uint8_t piece[100];
    size_t n = 0;

    (void)state;
    token_of(20, &token);
    assert_ok(source_of_bytes(token.data, token.len, &bytes));
    assert_ok(fernet_source_new(&bytes, key, &plain));
    for (size_t left = 20; left > 0; left -= n)
        assert_ok(source_read(plain, piece, sizeof(piece), &n));
    for (int again = 0; again < 3; again++) {
        assert_ok(source_read(plain, piece, sizeof(piece), &n));
        assert_int_equal(0, n);
    }
    source_free(plain);
    buf_done(&token);
    secret_free(key);
}

/* Refused; what came out before is not the whole, and is what was sealed as far as it goes when
 * only the end is damaged. */
static void
is_refused(const struct buf *token, size_t plain_len, size_t cap)
{
    struct trickle t = trickle_of(token, SIZE_MAX);
    struct buf opened;

    buf_init(&opened, SIZE_MAX / 2);
    assert_err(ERR_INTEGRITY, open_by(&t, cap, &opened));
    assert_true(opened.len <= plain_len / FERNET_BLOCK_LEN * FERNET_BLOCK_LEN);
    buf_done(&opened);
}

static void
a_token_with_any_bit_flipped_is_refused(void **state)
{
    struct buf token;

    (void)state;
    token_of(37, &token);
    for (size_t bit = 0; bit < token.len * 8; bit++) {
        token.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        is_refused(&token, 37, 1 + bit % 40);
        token.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_done(&token);
}

static void
a_long_token_with_a_bit_flipped_is_refused(void **state)
{
    struct buf token;
    uint32_t x = 11;

    (void)state;
    token_of(MIB + 3, &token);
    for (int i = 0; i < 12; i++) {
        size_t bit = next_number(&x) % (token.len * 8);

        token.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        is_refused(&token, MIB + 3, 65536);
        token.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_done(&token);
}

static void
a_token_cut_anywhere_or_made_longer_is_refused(void **state)
{
    struct buf token;
    size_t len;

    (void)state;
    token_of(64, &token);
    len = token.len;
    for (token.len = 0; token.len < len; token.len++)
        is_refused(&token, 64, 4096);
    assert_ok(buf_add(&token, "0123456789abcdef", 16));
    is_refused(&token, 80, 4096);
    token.len = len + 1;
    is_refused(&token, 80, 4096);
    buf_done(&token);
}

static void
a_long_token_cut_around_its_end_is_refused(void **state)
{
    struct buf token;
    size_t len;

    (void)state;
    token_of(65536 * 2, &token);
    len = token.len;
    for (size_t cut = 1; cut <= 100; cut++) {
        token.len = len - cut;
        is_refused(&token, 65536 * 2, 65536);
    }
    buf_done(&token);
}

static void
a_token_of_nothing_or_of_another_version_gives_nothing(void **state)
{
    struct buf token, opened;
    struct trickle t;

    (void)state;
    token_of(1000, &token);
    buf_init(&opened, 2000);
    token.data[0] = 0x81;
    t = trickle_of(&token, SIZE_MAX);
    assert_err(ERR_INTEGRITY, open_by(&t, 4096, &opened));
    assert_int_equal(0, opened.len);
    token.len = 0;
    t = trickle_of(&token, SIZE_MAX);
    assert_err(ERR_INTEGRITY, open_by(&t, 4096, &opened));
    assert_int_equal(0, opened.len);
    buf_done(&opened);
    buf_done(&token);
}

static void
an_error_below_comes_up_as_it_is(void **state)
{
    struct buf token, opened;

    (void)state;
    token_of(65536 * 3, &token);
    for (size_t at = 0; at < token.len; at += 65536) {
        struct trickle t = trickle_of(&token, 1000);

        t.fail_at = at;
        buf_init(&opened, SIZE_MAX / 2);
        assert_err(ERR_IO, open_by(&t, 4096, &opened));
        assert_true(opened.len <= at + 1000);
        buf_done(&opened);
    }
    buf_done(&token);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_read_at_every_size_by_every_piece),
        cmocka_unit_test(a_token_is_read_byte_by_byte_on_both_sides),
        cmocka_unit_test(the_end_stays_the_end),
        cmocka_unit_test(a_token_with_any_bit_flipped_is_refused),
        cmocka_unit_test(a_long_token_with_a_bit_flipped_is_refused),
        cmocka_unit_test(a_token_cut_anywhere_or_made_longer_is_refused),
        cmocka_unit_test(a_long_token_cut_around_its_end_is_refused),
        cmocka_unit_test(a_token_of_nothing_or_of_another_version_gives_nothing),
        cmocka_unit_test(an_error_below_comes_up_as_it_is),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
