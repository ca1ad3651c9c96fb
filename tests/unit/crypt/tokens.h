/* SPDX-License-Identifier: Apache-2.0 */
/* tokens: keys, plaintexts and tokens for the tests of crypt. */
#ifndef MAYFLY_TESTS_UNIT_CRYPT_TOKENS_H
#define MAYFLY_TESTS_UNIT_CRYPT_TOKENS_H

#include "testing.h"

#include "base/buf.h"
#include "base/mem.h"
#include "crypt/crypt.h"

#include <stdlib.h>
#include <string.h>

enum { NOW_S = 1767225600, MIB = 1 << 20 };

/* Around a block, around the 64 KiB that stages work in, and beyond the 1 MiB kept in memory. */
static const size_t sizes[] = {0, 1, 15, 16, 17, 65535, 65536, 65537, MIB + 3};

static inline int
set_up_heap(void **state)
{
    bool locked;

    (void)state;
    return crypt_init(&locked) == ERR_OK ? 0 : -1;
}

static inline int
tear_down_heap(void **state)
{
    (void)state;
    crypt_done();
    return 0;
}

/* The same key each time: byte i is 3 i + 1. */
static inline struct secret *
test_key(void)
{
    struct secret *key = NULL;

    assert_ok(secret_new(FERNET_KEY_LEN, &key));
    for (size_t i = 0; i < FERNET_KEY_LEN; i++)
        secret_bytes_mut(key)[i] = (uint8_t)(3 * i + 1);
    return key;
}

/* A small generator (xorshift), so that a failure can be had again. `x` is not 0. */
static inline uint32_t
next_number(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

/* `len` bytes without a pattern; the caller frees. */
static inline uint8_t *
plain_of(size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    uint32_t x = 2463534242U;

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)next_number(&x);
    return bytes;
}

/* The token of plain_of(len) under test_key, in `ret`, which is set up here. */
static inline void
token_of(size_t len, struct buf *ret)
{
    struct secret *key = test_key();
    uint8_t *plain = plain_of(len);

    buf_init(ret, SIZE_MAX / 2);
    assert_ok(fernet_seal(key, NOW_S, plain, len, ret));
    free(plain);
    secret_free(key);
}

/* Read a source to its end by pieces of `cap`, into `ret`; frees it. */
static inline enum err
drain(struct source *s, size_t cap, struct buf *ret)
{
    uint8_t *piece = malloc(cap);
    size_t n = 1;
    enum err e = ERR_OK;

    assert_non_null(piece);
    while (e == ERR_OK && n > 0) {
        e = source_read(s, piece, cap, &n);
        if (e == ERR_OK) {
            assert_true(n <= cap);
            e = buf_add(ret, piece, n);
        }
    }
    free(piece);
    source_free(s);
    return e;
}

#endif
