/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256-GCM of small things: the published cases without associated data (McGrew and Viega, "The
 * Galois/Counter Mode of Operation", test cases 13 to 15, which NIST took over), every damaged bit,
 * every cut. */
#include "unit/crypt/tokens.h"

#include "base/enc.h"
#include "crypt/crypt_int.h"

enum { AROUND = GCM_NONCE_LEN + GCM_TAG_LEN, BIG = 1000 };

static const struct {
    const char *key, *nonce, *plain, *sealed; /* hex */
} vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "5"
     "25b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "8"
     "38c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c"},
};

static void
the_published_cases_are_sealed_and_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        uint8_t key_bytes[GCM_KEY_LEN], nonce[GCM_NONCE_LEN], plain[64];
        size_t len = strlen(vectors[i].plain) / 2;
        char text[HEX_LEN(64 + AROUND) + 1];
        struct secret *key = NULL;
        struct buf sealed, opened;

        buf_init(&sealed, BIG);
        buf_init(&opened, BIG);
        assert_ok(hex_decode(vectors[i].key, key_bytes, sizeof(key_bytes)));
        assert_ok(hex_decode(vectors[i].nonce, nonce, sizeof(nonce)));
        assert_ok(hex_decode(vectors[i].plain, plain, len));
        assert_ok(secret_copy(key_bytes, sizeof(key_bytes), &key));
        assert_ok(crypt_gcm_seal_nonce(key, nonce, plain, len, &sealed));
        assert_int_equal(len + AROUND, sealed.len);
        assert_memory_equal(nonce, sealed.data, GCM_NONCE_LEN);
        hex_encode(sealed.data + GCM_NONCE_LEN, len + GCM_TAG_LEN, text);
        assert_string_equal(vectors[i].sealed, text);
        assert_ok(crypt_gcm_open(key, sealed.data, sealed.len, &opened));
        assert_int_equal(len, opened.len);
        assert_memory_equal(plain, opened.data, len);
        buf_done(&sealed);
        buf_done(&opened);
        secret_free(key);
    }
}

/* plain_of(len) under test_key, in `ret`, which is set up here. */
static void
sealed_of(size_t len, struct buf *ret)
{
    struct secret *key = test_key();
    uint8_t *plain = plain_of(len);

    buf_init(ret, SIZE_MAX / 2);
    assert_ok(crypt_gcm_seal(key, plain, len, ret));
    assert_int_equal(len + AROUND, ret->len);
    free(plain);
    secret_free(key);
}

static void
what_is_sealed_opens_at_every_size(void **state)
{
    struct secret *key = test_key();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        uint8_t *plain = plain_of(sizes[i]);
        struct buf sealed, opened;

        buf_init(&opened, SIZE_MAX / 2);
        sealed_of(sizes[i], &sealed);
        assert_ok(crypt_gcm_open(key, sealed.data, sealed.len, &opened));
        assert_int_equal(sizes[i], opened.len);
        assert_memory_equal(plain, opened.data, sizes[i]);
        buf_done(&sealed);
        buf_done(&opened);
        free(plain);
    }
    secret_free(key);
}

/* Nothing of `sealed` opens under `key`, and what was in the buffer stays. */
static void
is_refused(const struct secret *key, const uint8_t *sealed, size_t len)
{
    struct buf ret;

    buf_init(&ret, BIG);
    assert_ok(buf_add_text(&ret, "before"));
    assert_err(ERR_INTEGRITY, crypt_gcm_open(key, sealed, len, &ret));
    assert_string_equal("before", buf_text(&ret));
    buf_done(&ret);
}

static void
every_damaged_bit_is_seen(void **state)
{
    struct secret *key = test_key();
    struct buf sealed;

    (void)state;
    for (size_t len = 0; len <= 33; len += 11) {
        sealed_of(len, &sealed);
        for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
            sealed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            is_refused(key, sealed.data, sealed.len);
            sealed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        buf_done(&sealed);
    }
    secret_free(key);
}

static void
every_cut_and_every_addition_is_seen(void **state)
{
    struct secret *key = test_key();
    struct buf sealed;

    (void)state;
    sealed_of(40, &sealed);
    for (size_t len = 0; len < sealed.len; len++) {
        is_refused(key, sealed.data, len);
        is_refused(key, sealed.data + sealed.len - len, len);
    }
    assert_ok(buf_add(&sealed, "", 1));
    is_refused(key, sealed.data, sealed.len);
    buf_done(&sealed);
    secret_free(key);
}

static void
another_key_opens_nothing(void **state)
{
    struct secret *key = test_key();
    struct buf sealed;

    (void)state;
    sealed_of(40, &sealed);
    for (size_t bit = 0; bit < 8 * (size_t)GCM_KEY_LEN; bit++) {
        secret_bytes_mut(key)[bit / 8] ^= (uint8_t)(1U << bit % 8);
        is_refused(key, sealed.data, sealed.len);
        secret_bytes_mut(key)[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    buf_done(&sealed);
    secret_free(key);
}

static void
no_two_seals_are_the_same(void **state)
{
    struct buf a, b;

    (void)state;
    sealed_of(16, &a);
    sealed_of(16, &b);
    assert_memory_not_equal(a.data, b.data, GCM_NONCE_LEN);
    assert_memory_not_equal(a.data + GCM_NONCE_LEN, b.data + GCM_NONCE_LEN, 16);
    buf_done(&a);
    buf_done(&b);
}

static void
seals_are_appended_up_to_the_ceiling(void **state)
{
    struct secret *key = test_key();
    struct buf sealed, opened;

    (void)state;
    buf_init(&sealed, 3 + 10 + AROUND);
    buf_init(&opened, 3 + 10);
    assert_ok(buf_add_text(&sealed, "abc"));
    assert_ok(buf_add_text(&opened, "xyz"));
    assert_err(ERR_TOOBIG, crypt_gcm_seal(key, "0123456789+", 11, &sealed));
    assert_string_equal("abc", buf_text(&sealed));
    assert_ok(crypt_gcm_seal(key, "0123456789", 10, &sealed));
    assert_memory_equal("abc", sealed.data, 3);
    assert_ok(crypt_gcm_open(key, sealed.data + 3, sealed.len - 3, &opened));
    assert_string_equal("xyz0123456789", buf_text(&opened));
    assert_err(ERR_TOOBIG, crypt_gcm_open(key, sealed.data + 3, sealed.len - 3, &opened));
    assert_string_equal("xyz0123456789", buf_text(&opened));
    buf_done(&sealed);
    buf_done(&opened);
    secret_free(key);
}

static void
more_than_libcrypto_can_count_is_refused_unread(void **state)
{
    struct secret *key = test_key();
    uint8_t byte = 0;
    struct buf ret;

    (void)state;
    buf_init(&ret, SIZE_MAX / 2);
    assert_err(ERR_TOOBIG, crypt_gcm_seal(key, &byte, (size_t)1 << 31, &ret));
    assert_err(ERR_INTEGRITY, crypt_gcm_open(key, &byte, (size_t)1 << 32, &ret));
    assert_int_equal(0, ret.len);
    buf_done(&ret);
    secret_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_cases_are_sealed_and_opened),
        cmocka_unit_test(what_is_sealed_opens_at_every_size),
        cmocka_unit_test(every_damaged_bit_is_seen),
        cmocka_unit_test(every_cut_and_every_addition_is_seen),
        cmocka_unit_test(another_key_opens_nothing),
        cmocka_unit_test(no_two_seals_are_the_same),
        cmocka_unit_test(seals_are_appended_up_to_the_ceiling),
        cmocka_unit_test(more_than_libcrypto_can_count_is_refused_unread),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
