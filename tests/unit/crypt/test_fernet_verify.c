/* SPDX-License-Identifier: Apache-2.0 */
/* The pass over a whole token: what it accepts and refuses, and which hash it tells. */
#include "unit/crypt/disk.h"

static void
a_whole_token_is_verified_and_hashed_at_every_size(void **state)
{
    static const struct fernet_sizes *const by[] = {&tiny, &in_memory, &real};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes) * ARRAY_LEN(by); i++) {
        size_t len = sizes[i / ARRAY_LEN(by)];
        uint8_t *plain = plain_of(len), want[SHA256_LEN], got[SHA256_LEN];
        struct fernet_verified *v = NULL;
        struct disk d;

        disk_of(len, &d);
        assert_ok(crypt_sha256(plain, len, want));
        assert_ok(verify(&d, by[i % ARRAY_LEN(by)], &v, got));
        assert_memory_equal(want, got, SHA256_LEN);
        assert_int_equal(len, fernet_verified_len(v));
        fernet_verified_free(v);
        assert_int_equal(1, d.n_freed);
        buf_done(&d.token);
        free(plain);
    }
}

static void
a_token_up_to_1_mib_is_read_once_and_a_larger_one_in_chunks(void **state)
{
    struct secret *key = test_key();
    uint8_t sha256[SHA256_LEN];
    struct fernet_verified *v = NULL;
    struct reader *r;
    struct disk d;

    (void)state;
    disk_of(MIB - FERNET_LEN_MIN, &d); /* one block short of MIB: tokens are 57 + 16 n long */
    assert_true(d.token.len <= MIB && d.token.len + FERNET_BLOCK_LEN > MIB);
    r = &d.reader;
    assert_ok(fernet_verify(&r, key, &v, sha256));
    assert_int_equal(1, d.n_reads);
    assert_int_equal(1, d.n_freed); /* no longer needed */
    fernet_verified_free(v);
    buf_done(&d.token);

    disk_of(MIB, &d);
    r = &d.reader;
    assert_ok(fernet_verify(&r, key, &v, sha256));
    assert_int_equal(1 + 17 + 1, d.n_reads); /* head, chunks, MAC */
    assert_int_equal(65536, d.longest);
    assert_int_equal(0, d.n_freed);
    fernet_verified_free(v);
    assert_int_equal(1, d.n_freed);
    buf_done(&d.token);
    secret_free(key);
}

/* Not accepted; the hash is told, and is not that of what was sealed. */
static void
is_refused(struct disk *d, const struct fernet_sizes *by, size_t plain_len)
{
    uint8_t *plain = plain_of(plain_len), sealed[SHA256_LEN], got[SHA256_LEN];
    struct fernet_verified *v = NULL;

    assert_ok(crypt_sha256(plain, plain_len, sealed));
    memcpy(got, sealed, sizeof(got));
    assert_err(ERR_INTEGRITY, verify(d, by, &v, got));
    assert_null(v);
    assert_memory_not_equal(sealed, got, SHA256_LEN);
    free(plain);
}

static void
a_token_with_any_bit_flipped_is_refused(void **state)
{
    struct disk d;

    (void)state;
    disk_of(100, &d);
    for (size_t bit = 0; bit < d.token.len * 8; bit++) {
        flip(&d, bit);
        is_refused(&d, &tiny, 100);
        is_refused(&d, &in_memory, 100);
        flip(&d, bit);
    }
    buf_done(&d.token);
}

static void
a_long_token_with_a_bit_flipped_is_refused(void **state)
{
    static const size_t lens[] = {65537, MIB + 3};
    uint32_t x = 5;

    (void)state;
    for (size_t l = 0; l < ARRAY_LEN(lens); l++) {
        struct disk d;

        disk_of(lens[l], &d);
        for (int i = 0; i < 12; i++) {
            size_t bit = next_number(&x) % (d.token.len * 8);

            flip(&d, bit);
            is_refused(&d, &real, lens[l]);
            flip(&d, bit);
        }
        buf_done(&d.token);
    }
}

static void
a_token_cut_anywhere_or_made_longer_is_refused(void **state)
{
    struct disk d;
    size_t len;

    (void)state;
    disk_of(100, &d);
    len = d.token.len;
    assert_ok(buf_add(&d.token, "0123456789abcdef", 16));
    for (d.reader.size_bytes = 0; d.reader.size_bytes <= len + 16; d.reader.size_bytes++) {
        if (d.reader.size_bytes == len)
            continue;
        is_refused(&d, &tiny, 100);
        is_refused(&d, &in_memory, 100);
    }
    buf_done(&d.token);
}

static void
a_refused_token_tells_the_hash_of_all_that_was_decrypted(void **state)
{
    static const struct fernet_sizes *const by[] = {&tiny, &in_memory};
    static const uint8_t zeros[SHA256_LEN];
    uint8_t plain[112], want[SHA256_LEN], got[SHA256_LEN], *start = plain_of(100);
    struct fernet_verified *v = NULL;
    struct disk d;

    (void)state;
    disk_of(100, &d);
    memcpy(plain, start, 100);
    memset(plain + 100, 12, 12); /* a wrong MAC: the padding is hashed, not judged */
    assert_ok(crypt_sha256(plain, sizeof(plain), want));
    for (size_t i = 0; i < ARRAY_LEN(by); i++) {
        flip(&d, (d.token.len - 1) * 8); /* in the MAC */
        assert_err(ERR_INTEGRITY, verify(&d, by[i], &v, got));
        assert_memory_equal(want, got, SHA256_LEN);
        flip(&d, (d.token.len - 1) * 8);
        flip(&d, 0); /* in the version: not a token, nothing is decrypted */
        assert_err(ERR_INTEGRITY, verify(&d, by[i], &v, got));
        assert_memory_equal(zeros, got, SHA256_LEN);
        flip(&d, 0);
    }
    buf_done(&d.token);
    free(start);
}

static void
a_wrong_padding_under_a_right_mac_is_refused(void **state)
{
    static const struct fernet_sizes *const by[] = {&tiny, &in_memory};
    static const uint8_t iv[FERNET_BLOCK_LEN];
    uint8_t plain[80], want[SHA256_LEN], got[SHA256_LEN], mac[SHA256_LEN];
    struct secret *key = test_key();
    struct fernet_verified *v = NULL;
    struct hmac h = {0};
    struct disk d;

    (void)state;
    disk_of(0, &d);
    memset(plain, 0x22, sizeof(plain)); /* 0x22 is not a length of padding */
    d.token.len = 0;
    assert_ok(fernet_seal_iv(key, NOW_S, iv, plain, sizeof(plain), &d.token));
    d.token.len -= FERNET_BLOCK_LEN + FERNET_MAC_LEN;
    assert_ok(fernet_mac_init(&h, key));
    assert_ok(hmac_add(&h, d.token.data, d.token.len));
    assert_ok(hmac_final(&h, mac));
    assert_ok(buf_add(&d.token, mac, sizeof(mac)));
    d.reader.size_bytes = d.token.len;
    assert_ok(crypt_sha256(plain, sizeof(plain), want));
    for (size_t i = 0; i < ARRAY_LEN(by); i++) {
        assert_err(ERR_INTEGRITY, verify(&d, by[i], &v, got));
        assert_null(v);
        assert_memory_equal(want, got, SHA256_LEN);
    }
    hmac_done(&h);
    buf_done(&d.token);
    secret_free(key);
}

static void
a_read_that_fails_leaves_the_outputs(void **state)
{
    static const struct fernet_sizes *const by[] = {&tiny, &in_memory};
    static const unsigned n_reads[] = {1 + 4 + 1, 1};
    uint8_t sha256[SHA256_LEN], before[SHA256_LEN];
    struct fernet_verified *v = NULL;
    struct disk d;

    (void)state;
    disk_of(100, &d);
    memset(before, 0x5a, sizeof(before));
    memset(sha256, 0x5a, sizeof(sha256));
    for (size_t i = 0; i < ARRAY_LEN(by); i++) {
        for (d.fail_at = 1; d.fail_at <= n_reads[i]; d.fail_at++) {
            d.n_reads = 0;
            assert_err(ERR_IO, verify(&d, by[i], &v, sha256));
            assert_null(v);
            assert_memory_equal(before, sha256, sizeof(before));
        }
        d.n_reads = 0;
        assert_ok(verify(&d, by[i], &v, sha256)); /* fail_at is one read too late */
        fernet_verified_free(v);
        v = NULL;
        memset(sha256, 0x5a, sizeof(sha256));
    }
    buf_done(&d.token);
}

static void
a_key_that_is_not_the_sealers_is_refused(void **state)
{
    struct secret *key = NULL;
    struct fernet_verified *v = NULL;
    uint8_t sha256[SHA256_LEN];
    struct reader *r;
    struct disk d;

    (void)state;
    disk_of(100, &d);
    r = &d.reader;
    assert_ok(secret_random(FERNET_KEY_LEN, &key));
    assert_err(ERR_INTEGRITY, fernet_verify(&r, key, &v, sha256));
    assert_null(v);
    buf_done(&d.token);
    secret_free(key);
}

static void
tags_stay_within_two_chunks(void **state)
{
    static const struct {
        uint64_t cipher_len;
        size_t chunk;
    } want[] = {
        {16, 65536},
        {UINT64_C(1) << 30, 65536},
        {(UINT64_C(1) << 30) + 16, 131072},
        {UINT64_C(10) << 30, 262144},
        {UINT64_C(1) << 40, 2 * MIB},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_int_equal(want[i].chunk, fernet_chunk_len(want[i].cipher_len, 65536));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_token_is_verified_and_hashed_at_every_size),
        cmocka_unit_test(a_token_up_to_1_mib_is_read_once_and_a_larger_one_in_chunks),
        cmocka_unit_test(a_token_with_any_bit_flipped_is_refused),
        cmocka_unit_test(a_long_token_with_a_bit_flipped_is_refused),
        cmocka_unit_test(a_token_cut_anywhere_or_made_longer_is_refused),
        cmocka_unit_test(a_refused_token_tells_the_hash_of_all_that_was_decrypted),
        cmocka_unit_test(a_wrong_padding_under_a_right_mac_is_refused),
        cmocka_unit_test(a_read_that_fails_leaves_the_outputs),
        cmocka_unit_test(a_key_that_is_not_the_sealers_is_refused),
        cmocka_unit_test(tags_stay_within_two_chunks),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
