/* SPDX-License-Identifier: Apache-2.0 */
/* ages: age files, and streams that watch or fail, for the tests of age. */
#ifndef MAYFLY_TESTS_UNIT_CRYPT_AGES_H
#define MAYFLY_TESTS_UNIT_CRYPT_AGES_H

#include "unit/crypt/tokens.h"

#include "crypt/age_int.h"

enum { CHUNK = AGE_CHUNK_LEN, SEALED = AGE_CHUNK_LEN + AGE_TAG_LEN };

/* With a work factor of 1: the shortest header, and no time for scrypt. */
enum { HEAD = AGE_HEAD_LEN_MAX - 1, FRONT = HEAD + AGE_START_LEN };

/* Around the chunks, as a plaintext. */
static const size_t age_sizes[] = {
    0, 1, 17, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK, MIB + 3};

static inline struct secret *
phrase_of(const char *text)
{
    struct secret *phrase = NULL;

    assert_ok(secret_copy(text, strlen(text), &phrase));
    return phrase;
}

/* A sealer under "phrase" with a work factor of 1 above `next`, which it takes. */
static inline struct sink *
sealer_over(struct sink *next)
{
    struct secret *phrase = phrase_of("phrase");
    struct sink *sealer = NULL;

    assert_ok(age_sealer_new(phrase, 1, &next, &sealer));
    assert_null(next);
    secret_free(phrase); /* borrowed for that call only */
    return sealer;
}

/* The age file of plain_of(len), in `ret`, which is set up here. */
static inline void
age_of(size_t len, struct buf *ret)
{
    uint8_t *plain = plain_of(len);
    struct sink *end = NULL, *sealer;

    buf_init(ret, SIZE_MAX / 2);
    assert_ok(sink_to_buf(ret, &end));
    sealer = sealer_over(end);
    assert_ok(sink_write(sealer, plain, len));
    assert_ok(sink_finish(sealer));
    sink_free(sealer);
    free(plain);
}

/* A source that gives at most `step` bytes at a time, and fails once `fail_at` were given. */
struct trickle {
    struct source source;
    const struct buf *bytes;
    size_t at, step, fail_at;
    unsigned n_freed;
};

static inline enum err
trickle_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct trickle *t = (struct trickle *)s;
    size_t n = t->bytes->len - t->at;

    if (t->at >= t->fail_at)
        return err_set(ERR_IO, "the test's disk is gone");
    n = n < t->step ? n : t->step;
    n = n < cap ? n : cap;
    n = n < t->fail_at - t->at ? n : t->fail_at - t->at;
    if (n > 0)
        memcpy(ret_bytes, t->bytes->data + t->at, n);
    t->at += n;
    *ret_len = n;
    return ERR_OK;
}

static inline void
trickle_free(struct source *s)
{
    ((struct trickle *)s)->n_freed++;
}

static inline struct trickle
trickle_of(const struct buf *bytes, size_t step)
{
    static const struct source_ops ops = {trickle_read, trickle_free};

    return (struct trickle){.source = {&ops}, .bytes = bytes, .step = step, .fail_at = SIZE_MAX};
}

/* Open the file that `t` gives with `phrase` and read it by pieces of `cap`; `t` is freed once. */
static inline enum err
open_with(const char *phrase, struct trickle *t, size_t cap, struct buf *ret_plain)
{
    struct secret *secret = phrase_of(phrase);
    struct source *file = &t->source, *plain = NULL;
    enum err e = age_source_new(&file, secret, AGE_WORK_MAX, &plain);

    assert_null(file);
    secret_free(secret);
    if (e == ERR_OK)
        e = drain(plain, cap, ret_plain);
    else
        assert_null(plain);
    assert_int_equal(1, t->n_freed);
    return e;
}

static inline enum err
open_age(const struct buf *file, size_t cap, struct buf *ret_plain)
{
    struct trickle t = trickle_of(file, SIZE_MAX);

    return open_with("phrase", &t, cap, ret_plain);
}

#endif
