/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), HMAC-SHA256 (RFC 4231) and HKDF (RFC 5869) against published vectors, and
 * HKDF at other lengths against values of another implementation (Python's cryptography). */
#include "unit/crypt/tokens.h"

#include "base/enc.h"
#include "crypt/crypt_int.h"

#include <pthread.h>

static void
is_hex(const char *want, const uint8_t *bytes, size_t len)
{
    char text[2 * 256 + 1];

    assert_true(len <= 256);
    hex_encode(bytes, len, text);
    assert_string_equal(want, text);
}

static void
sha256_gives_the_published_hashes(void **state)
{
    static const char *const vectors[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t hash[SHA256_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        assert_ok(crypt_sha256(vectors[i][0], strlen(vectors[i][0]), hash));
        is_hex(vectors[i][1], hash, sizeof(hash));
    }
}

static void
sha256_of_a_million_letters_is_the_published_one(void **state)
{
    uint8_t *letters = malloc(1000000), hash[SHA256_LEN];
    EVP_MD_CTX *ctx = NULL;

    (void)state;
    assert_non_null(letters);
    memset(letters, 'a', 1000000);
    assert_ok(crypt_sha256_new(&ctx));
    for (size_t at = 0, step = 1; at < 1000000; at += step, step = step % 997 + 1) {
        if (step > 1000000 - at)
            step = 1000000 - at;
        assert_ok(crypt_sha256_add(ctx, letters + at, step));
    }
    assert_ok(crypt_sha256_final(ctx, hash));
    is_hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", hash, sizeof(hash));
    EVP_MD_CTX_free(ctx);
    free(letters);
}

/* RFC 4231: keys are a byte repeated, a word, or 1 to 25; so are the data. */
static const struct {
    int key_byte;
    size_t key_len;
    const char *key;
    int data_byte;
    size_t data_len;
    const char *data;
    const char *mac;
} macs[] = {
    {0x0b, 20, NULL, 0, 0, "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {0, 0, "Jefe", 0, 0, "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {0xaa, 20, NULL, 0xdd, 50, NULL,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {0, 0,
     "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
     "\x17\x18\x19",
     0xcd, 50, NULL, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {0x0c, 20, NULL, 0, 0, "Test With Truncation", "a3b6167473100ee06e0c796c2955552b"},
    {0xaa, 131, NULL, 0, 0, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {0xaa, 131, NULL, 0, 0,
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static size_t
expand(int byte, size_t len, const char *text, uint8_t ret_bytes[256])
{
    if (text == NULL)
        memset(ret_bytes, byte, len);
    else
        memcpy(ret_bytes, text, len = strlen(text));
    return len;
}

static void
the_prf_gives_the_published_macs(void **state)
{
    uint8_t key_bytes[256], data[256], mac[SHA256_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(macs); i++) {
        size_t key_len = expand(macs[i].key_byte, macs[i].key_len, macs[i].key, key_bytes);
        size_t data_len = expand(macs[i].data_byte, macs[i].data_len, macs[i].data, data);
        struct secret *key = NULL;
        struct crypt_prf *prf = NULL;

        assert_ok(secret_copy(key_bytes, key_len, &key));
        assert_ok(crypt_prf_new(key, &prf));
        for (int again = 0; again < 2; again++) { /* a use leaves the key as it was */
            assert_ok(crypt_prf(prf, data, data_len, mac));
            is_hex(macs[i].mac, mac, strlen(macs[i].mac) / 2);
        }
        crypt_prf_free(prf);
        secret_free(key);
    }
}

static void
an_hmac_is_the_same_in_one_piece_and_in_many(void **state)
{
    uint8_t *bytes = plain_of(1000), one[SHA256_LEN], many[SHA256_LEN];
    struct hmac h = {0};

    (void)state;
    assert_ok(hmac_init(&h, bytes, 40));
    assert_ok(hmac_add(&h, bytes, 1000));
    assert_ok(hmac_final(&h, one));
    hmac_done(&h);
    assert_ok(hmac_init(&h, bytes, 40));
    for (size_t i = 0; i < 1000; i++)
        assert_ok(hmac_add(&h, bytes + i, 1));
    assert_ok(hmac_final(&h, many));
    hmac_done(&h);
    hmac_done(&h); /* an empty one */
    assert_memory_equal(one, many, sizeof(one));
    free(bytes);
}

static void
another_key_gives_another_mac(void **state)
{
    struct crypt_prf *a = NULL, *b = NULL;
    uint8_t mac_a[SHA256_LEN], mac_b[SHA256_LEN];
    struct secret *key = test_key();

    (void)state;
    assert_ok(crypt_prf_new(key, &a));
    secret_bytes_mut(key)[31] ^= 1; /* `a` has its own state by now */
    assert_ok(crypt_prf_new(key, &b));
    assert_ok(crypt_prf(a, "data", 4, mac_a));
    assert_ok(crypt_prf(b, "data", 4, mac_b));
    assert_memory_not_equal(mac_a, mac_b, SHA256_LEN);
    crypt_prf_free(a);
    crypt_prf_free(b);
    crypt_prf_free(NULL);
    secret_free(key);
}

struct many_calls {
    const struct crypt_prf *prf;
    const uint8_t *want; /* of each number from 0 to N_DATA - 1 */
    unsigned n_wrong;
};

enum { N_DATA = 64, N_ROUNDS = 40, N_THREADS = 4 };

static void *
call_many(void *arg)
{
    struct many_calls *m = arg;
    uint8_t mac[SHA256_LEN];

    for (unsigned i = 0; i < N_ROUNDS * N_DATA; i++) {
        uint32_t data = i % N_DATA;

        if (crypt_prf(m->prf, &data, sizeof(data), mac) != ERR_OK ||
            !mem_equal(mac, m->want + (size_t)data * SHA256_LEN, SHA256_LEN))
            m->n_wrong++;
    }
    return NULL;
}

static void
one_prf_serves_many_threads(void **state)
{
    struct secret *key = test_key();
    struct crypt_prf *prf = NULL;
    uint8_t want[N_DATA * SHA256_LEN];
    struct many_calls calls[N_THREADS];
    pthread_t threads[N_THREADS];

    (void)state;
    assert_ok(crypt_prf_new(key, &prf));
    for (uint32_t i = 0; i < N_DATA; i++)
        assert_ok(crypt_prf(prf, &i, sizeof(i), want + (size_t)i * SHA256_LEN));
    for (size_t i = 0; i < N_THREADS; i++) {
        calls[i] = (struct many_calls){.prf = prf, .want = want};
        assert_int_equal(0, pthread_create(&threads[i], NULL, call_many, &calls[i]));
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(0, pthread_join(threads[i], NULL));
        assert_int_equal(0, calls[i].n_wrong);
    }
    crypt_prf_free(prf);
    secret_free(key);
}

/* `ikm` is `ikm_len` bytes: `first` and on, each larger by `step`. */
static struct secret *
derive(unsigned first, unsigned step, size_t ikm_len, const char *info, size_t out_len)
{
    struct secret *ikm = NULL, *key = NULL;

    assert_ok(secret_new(ikm_len, &ikm));
    for (size_t i = 0; i < ikm_len; i++)
        secret_bytes_mut(ikm)[i] = (uint8_t)(first + i * step);
    assert_ok(crypt_hkdf(ikm, info, strlen(info), out_len, &key));
    assert_int_equal(out_len, secret_len(key));
    secret_free(ikm);
    return key;
}

static void
hkdf_gives_the_published_key_for_an_empty_salt(void **state)
{
    struct secret *key = derive(0x0b, 0, 22, "", 42); /* RFC 5869, test case 3 */

    (void)state;
    is_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
           secret_bytes(key), 42);
    secret_free(key);
}

static void
hkdf_binds_the_info_and_goes_on_for_as_long_as_asked(void **state)
{
    static const char want[] =
        "0c567a585ff362c023560f4f1acc2e9121a77decbb6c614f211df778424ffe52e7c5ba8c5970ca07bdf4d1b40b"
        "329c37a2e970c3cb74fa761339c60d8a6b05a280435f06ff73bb066258b0ec939f726755bc299ebae8dce45c87"
        "14c3760b102bc90cbf54";
    static const size_t lens[] = {1, 31, 32, 33, 64, 100};
    char start[sizeof(want)];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct secret *key = derive(0, 1, 32, "mayfly record v1velvet-canyon-oboe-thrift", lens[i]);

        memcpy(start, want, sizeof(want));
        start[2 * lens[i]] = '\0';
        is_hex(start, secret_bytes(key), lens[i]);
        secret_free(key);
    }
}

static void
hkdf_reaches_its_longest_output(void **state)
{
    struct secret *key = derive(0, 1, 32, "", 8160);
    uint8_t hash[SHA256_LEN];

    (void)state;
    is_hex("6e9a5f711ead9389353207b23ba95c33948a7ee25fc4191bc4603756e36bd204",
           secret_bytes(key) + 8160 - 32, 32);
    assert_ok(crypt_sha256(secret_bytes(key), 8160, hash));
    is_hex("a14009847bae8981c6a0d1538e37c5408187db21af4ec1d42aea4f611a664901", hash, 32);
    secret_free(key);
}

static void
hkdf_of_another_info_is_another_key(void **state)
{
    struct secret *a = derive(0, 1, 32, "mayfly record v1a", 32);
    struct secret *b = derive(0, 1, 32, "mayfly record v1b", 32);

    (void)state;
    assert_memory_not_equal(secret_bytes(a), secret_bytes(b), 32);
    secret_free(a);
    secret_free(b);
}

static void
hkdf_without_room_for_the_key_leaves_the_output(void **state)
{
    struct secret *ikm = test_key(), *hog[64] = {0}, *key = NULL;
    size_t n = 0;

    (void)state;
    for (size_t len = MIB; len >= 32; len /= 2) {
        while (n < ARRAY_LEN(hog) && secret_new(len, &hog[n]) == ERR_OK)
            n++;
    }
    assert_true(n < ARRAY_LEN(hog));
    assert_err(ERR_NOMEM, crypt_hkdf(ikm, "info", 4, 32, &key));
    assert_null(key);
    for (size_t i = 0; i < n; i++)
        secret_free(hog[i]);
    assert_ok(crypt_hkdf(ikm, "info", 4, 32, &key));
    secret_free(key);
    secret_free(ikm);
}

/* RFC 5869 appendix A.1, A.2 and A.3, cut to 32 bytes. */
static void
hkdf_with_a_salt_gives_the_published_keys(void **state)
{
    uint8_t ikm[80], salt[80];
    char info[81] = {0};
    static const struct {
        size_t ikm_len, salt_len, info_len;
        bool is_counted;
        const char *okm;
    } cases[] = {
        {22, 13, 10, false, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"},
        {80, 80, 80, true, "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"},
        {22, 0, 0, false, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct secret *key = NULL, *okm = NULL;

        for (size_t b = 0; b < 80; b++) {
            ikm[b] = cases[i].is_counted ? (uint8_t)b : 0x0b;
            salt[b] = (uint8_t)(b + (cases[i].is_counted ? 0x60 : 0));
            info[b] = (char)(b + (cases[i].is_counted ? 0xb0 : 0xf0));
        }
        info[cases[i].info_len] = '\0';
        assert_ok(secret_copy(ikm, cases[i].ikm_len, &key));
        assert_ok(crypt_hkdf_salted(key, salt, cases[i].salt_len, info, &okm));
        assert_int_equal(SHA256_LEN, secret_len(okm));
        is_hex(cases[i].okm, secret_bytes(okm), SHA256_LEN);
        secret_free(okm);
        secret_free(key);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_hashes),
        cmocka_unit_test(sha256_of_a_million_letters_is_the_published_one),
        cmocka_unit_test(the_prf_gives_the_published_macs),
        cmocka_unit_test(an_hmac_is_the_same_in_one_piece_and_in_many),
        cmocka_unit_test(another_key_gives_another_mac),
        cmocka_unit_test(one_prf_serves_many_threads),
        cmocka_unit_test(hkdf_gives_the_published_key_for_an_empty_salt),
        cmocka_unit_test(hkdf_binds_the_info_and_goes_on_for_as_long_as_asked),
        cmocka_unit_test(hkdf_reaches_its_longest_output),
        cmocka_unit_test(hkdf_of_another_info_is_another_key),
        cmocka_unit_test(hkdf_without_room_for_the_key_leaves_the_output),
        cmocka_unit_test(hkdf_with_a_salt_gives_the_published_keys),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
