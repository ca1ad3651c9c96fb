/* SPDX-License-Identifier: Apache-2.0 */
/* sealed: what is uploaded, opened again by the reader of age files. */
#include "testing.h"

#include "base/mem.h"
#include "client/sealed.h"
#include "crypt/age.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1024 * 1024 };

static uint8_t bytes[BYTES_MAX];

/* A source of the first `len` of `bytes`, in pieces of up to `step`; then `end`. */
struct feed {
    struct source source;
    size_t len, at, step;
    enum err end;
    bool *was_freed;
};

static enum err
feed_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct feed *f = (struct feed *)s;
    size_t n = f->len - f->at;

    n = n < cap ? n : cap;
    n = n < f->step ? n : f->step;
    if (n == 0 && f->end != ERR_OK)
        return err_set(f->end, "the end of the feed");
    memcpy(ret_bytes, bytes + f->at, n);
    f->at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
feed_free(struct source *s)
{
    *((struct feed *)s)->was_freed = true;
    free(s);
}

static struct source *
feed_new(size_t len, size_t step, enum err end, bool *was_freed)
{
    static const struct source_ops ops = {feed_read, feed_free};
    struct feed *f = malloc(sizeof(*f));

    assert_non_null(f);
    *f = (struct feed){{&ops}, len, 0, step, end, was_freed};
    *was_freed = false;
    return &f->source;
}

static int
begin(void **state)
{
    static struct secret *words;
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return -1;
    if (crypt_random_fill(bytes, sizeof(bytes)) != ERR_OK)
        return -1;
    *state = &words;
    return secret_copy("velvet-canyon", 13, &words) == ERR_OK ? 0 : -1;
}

static int
end(void **state)
{
    secret_free(*(struct secret **)*state);
    crypt_done();
    return 0;
}

/* All of it, read `cap` at a time. */
static enum err
read_all(struct source *s, size_t cap, struct buf *b)
{
    static uint8_t piece[BYTES_MAX];
    size_t n = 1;
    enum err e = ERR_OK;

    while (e == ERR_OK && n > 0) {
        e = source_read(s, piece, cap, &n);
        if (e == ERR_OK)
            e = buf_add(b, piece, n);
    }
    return e;
}

static void
check_result(struct sealed *s, size_t len)
{
    uint8_t got[SHA256_LEN], want[SHA256_LEN];
    uint64_t got_len;

    assert_ok(crypt_sha256(bytes, len, want));
    sealed_result(s, got, &got_len);
    assert_memory_equal(want, got, SHA256_LEN);
    assert_int_equal(len, got_len);
}

static void
check_plain(size_t len, size_t step, size_t cap)
{
    bool was_freed;
    struct source *plain = feed_new(len, step, ERR_OK, &was_freed);
    struct sealed *s;
    struct buf b;
    uint8_t more[1];
    size_t n = 1;

    buf_init(&b, 2 * BYTES_MAX);
    assert_ok(sealed_new(&plain, NULL, NULL, &s));
    assert_null(plain);
    assert_ok(read_all(sealed_source(s), cap, &b));
    assert_int_equal(len, b.len);
    if (len > 0)
        assert_memory_equal(bytes, b.data, len);
    check_result(s, len);
    assert_ok(source_read(sealed_source(s), more, 1, &n)); /* an end stays one */
    assert_int_equal(0, n);
    source_free(sealed_source(s));
    assert_true(was_freed);
    buf_done(&b);
}

static void
plain_bytes_pass_and_are_hashed(void **state)
{
    (void)state;
    check_plain(0, 1, 100);
    check_plain(1, 1, 100);
    check_plain(1000, 7, 3);
    check_plain(BYTES_MAX, 65536, 262144);
}

static void
check_age(const struct secret *words, size_t len, size_t step, size_t cap)
{
    bool was_freed;
    struct source *plain = feed_new(len, step, ERR_OK, &was_freed), *file, *opened;
    struct sealed *s;
    struct buf sealed, back;
    uint8_t more[1];
    size_t n = 1;

    buf_init(&sealed, 2 * BYTES_MAX);
    buf_init(&back, 2 * BYTES_MAX);
    assert_ok(sealed_new(&plain, words, NULL, &s));
    assert_null(plain);
    assert_ok(read_all(sealed_source(s), cap, &sealed));
    assert_int_equal(age_file_len(len, AGE_WORK_OURS), sealed.len);
    check_result(s, len);
    assert_ok(source_read(sealed_source(s), more, 1, &n));
    assert_int_equal(0, n);
    source_free(sealed_source(s));
    assert_true(was_freed);

    assert_ok(source_of_bytes(sealed.data, sealed.len, &file));
    assert_ok(age_source_new(&file, words, AGE_WORK_OURS, &opened));
    assert_ok(read_all(opened, 65536, &back));
    assert_int_equal(len, back.len);
    if (len > 0)
        assert_memory_equal(bytes, back.data, len);
    source_free(opened);
    buf_done(&sealed);
    buf_done(&back);
}

static void
an_age_file_of_any_length_opens_again(void **state)
{
    static const size_t lens[] = {
        0,        1, AGE_CHUNK_LEN, AGE_CHUNK_LEN + 1, 2 * AGE_CHUNK_LEN, 3 * AGE_CHUNK_LEN + 1,
        BYTES_MAX};
    const struct secret *words = *(struct secret **)*state;

    for (size_t i = 0; i < ARRAY_LEN(lens); i++)
        check_age(words, lens[i], BYTES_MAX, 100000);
}

static void
pieces_and_reads_of_any_size_give_the_same_file(void **state)
{
    const struct secret *words = *(struct secret **)*state;

    check_age(words, 300, 7, 1);
    check_age(words, 300000, 1000, 99);
    check_age(words, BYTES_MAX, AGE_CHUNK_LEN - 1, BYTES_MAX);
    check_age(words, BYTES_MAX, 2 * AGE_CHUNK_LEN, 1000);
    check_age(words, BYTES_MAX, 2 * AGE_CHUNK_LEN + 1, 2 * AGE_CHUNK_LEN + 1);
}

static void
another_passphrase_opens_nothing(void **state)
{
    bool was_freed;
    struct source *plain = feed_new(100, 100, ERR_OK, &was_freed), *file, *opened = NULL;
    struct secret *other;
    struct sealed *s;
    struct buf b;

    buf_init(&b, BYTES_MAX);
    assert_ok(sealed_new(&plain, *(struct secret **)*state, NULL, &s));
    assert_ok(read_all(sealed_source(s), 1000, &b));
    source_free(sealed_source(s));
    assert_ok(secret_copy("velvet-canyoN", 13, &other));
    assert_ok(source_of_bytes(b.data, b.len, &file));
    assert_err(ERR_DENIED, age_source_new(&file, other, AGE_WORK_OURS, &opened));
    secret_free(other);
    buf_done(&b);
}

static void
an_error_of_the_plaintext_comes_out_and_no_end_does(void **state)
{
    const struct secret *words[] = {NULL, *(struct secret **)*state};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        bool was_freed;
        struct source *plain = feed_new(200000, 50000, ERR_IO, &was_freed);
        struct sealed *s;
        struct buf b;

        buf_init(&b, BYTES_MAX);
        assert_ok(sealed_new(&plain, words[i], NULL, &s));
        assert_err(ERR_IO, read_all(sealed_source(s), 65536, &b));
        assert_string_equal("the end of the feed", err_sentence());
        assert_true(b.len < age_file_len(200000, AGE_WORK_OURS));
        source_free(sealed_source(s));
        assert_true(was_freed);
        buf_done(&b);
    }
}

static void
when_it_cannot_be_made_the_plaintext_stays_the_callers(void **state)
{
    bool was_freed;
    struct source *plain = feed_new(100, 100, ERR_OK, &was_freed);
    struct sealed *s = NULL;
    struct secret *empty;

    (void)state;
    assert_ok(secret_new(0, &empty));
    assert_err(ERR_FIELD, sealed_new(&plain, empty, NULL, &s));
    assert_non_null(plain);
    assert_null(s);
    assert_false(was_freed);
    source_free(plain);
    secret_free(empty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_bytes_pass_and_are_hashed),
        cmocka_unit_test(an_age_file_of_any_length_opens_again),
        cmocka_unit_test(pieces_and_reads_of_any_size_give_the_same_file),
        cmocka_unit_test(another_passphrase_opens_nothing),
        cmocka_unit_test(an_error_of_the_plaintext_comes_out_and_no_end_does),
        cmocka_unit_test(when_it_cannot_be_made_the_plaintext_stays_the_callers),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
