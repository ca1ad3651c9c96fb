/* SPDX-License-Identifier: Apache-2.0 */
/* disk: a token below a reader whose bytes the test may change. Small chunks bring every edge of
 * them within reach; the real sizes are tried too. */
#ifndef MAYFLY_TESTS_UNIT_CRYPT_DISK_H
#define MAYFLY_TESTS_UNIT_CRYPT_DISK_H

#include "unit/crypt/tokens.h"

#include "crypt/crypt_int.h"

/* Kept in memory up to 72 bytes, that is never; chunks of 32 bytes and more, or the real ones. */
static const struct fernet_sizes tiny = {72, 32}, in_memory = {UINT64_MAX, 32},
                                 real = {MIB, 64 * 1024};

/* A reader of bytes that the test may change, which counts and can fail. */
struct disk {
    struct reader reader;
    struct buf token;
    unsigned n_reads, n_freed, fail_at; /* fail_at: the read that fails; 0 for never */
    size_t longest;
};

static inline enum err
disk_read_at(struct reader *r, uint64_t off, uint8_t *ret_bytes, size_t len)
{
    struct disk *d = (struct disk *)r;

    if (++d->n_reads == d->fail_at)
        return err_set(ERR_IO, "the test's disk is gone");
    d->longest = len > d->longest ? len : d->longest;
    memcpy(ret_bytes, d->token.data + off, len);
    return ERR_OK;
}

static inline void
disk_free(struct reader *r)
{
    ((struct disk *)r)->n_freed++;
}

static inline void
disk_of(size_t plain_len, struct disk *ret_disk)
{
    static const struct reader_ops ops = {disk_read_at, disk_free};

    *ret_disk = (struct disk){.reader = {&ops, 0}};
    token_of(plain_len, &ret_disk->token);
    ret_disk->reader.size_bytes = ret_disk->token.len;
}

static inline enum err
verify(struct disk *d, const struct fernet_sizes *by, struct fernet_verified **ret_verified,
       uint8_t ret_sha256[SHA256_LEN])
{
    struct secret *key = test_key();
    struct reader *r = &d->reader;
    unsigned n_freed = d->n_freed;
    enum err e = fernet_verify_sized(&r, key, by, ret_verified, ret_sha256);

    assert_null(r); /* taken, on failure too */
    if (e != ERR_OK)
        assert_int_equal(n_freed + 1, d->n_freed);
    secret_free(key);
    return e;
}

static inline void
flip(struct disk *d, size_t bit)
{
    d->token.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

#endif
