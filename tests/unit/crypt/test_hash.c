/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 in pieces, against the examples of FIPS 180-4 (csrc.nist.gov) and against SHA-256 in one
 * piece. */
#include "unit/crypt/tokens.h"

#include "base/enc.h"

/* Hash `bytes` by pieces of `step`. */
static void
hash_by(const uint8_t *bytes, size_t len, size_t step, uint8_t ret_hash[SHA256_LEN])
{
    struct crypt_hash *h = NULL;

    assert_ok(crypt_hash_new(&h));
    for (size_t at = 0; at < len; at += step)
        assert_ok(crypt_hash_add(h, bytes + at, step < len - at ? step : len - at));
    assert_ok(crypt_hash_final(h, ret_hash));
    crypt_hash_free(h);
}

static void
the_published_hashes_come_out_by_pieces_of_every_size(void **state)
{
    static const char *const vectors[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "mnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    uint8_t hash[SHA256_LEN];
    char text[HEX_LEN(SHA256_LEN) + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        for (size_t step = 1; step <= strlen(vectors[i][0]) + 1; step++) {
            hash_by((const uint8_t *)vectors[i][0], strlen(vectors[i][0]), step, hash);
            hex_encode(hash, sizeof(hash), text);
            assert_string_equal(vectors[i][1], text);
        }
    }
}

static void
large_pieces_give_the_hash_of_the_whole(void **state)
{
    uint8_t *bytes = plain_of(MIB + 3), want[SHA256_LEN], hash[SHA256_LEN];

    (void)state;
    assert_ok(crypt_sha256(bytes, MIB + 3, want));
    hash_by(bytes, MIB + 3, 65536, hash);
    assert_memory_equal(want, hash, SHA256_LEN);
    bytes[MIB + 2] ^= 1;
    hash_by(bytes, MIB + 3, 65536, hash);
    assert_memory_not_equal(want, hash, SHA256_LEN);
    free(bytes);
}

static void
a_piece_of_nothing_changes_nothing(void **state)
{
    static const uint8_t abc[] = {'a', 'b', 'c'};
    struct crypt_hash *h = NULL;
    uint8_t want[SHA256_LEN], hash[SHA256_LEN];

    (void)state;
    assert_ok(crypt_sha256(abc, sizeof(abc), want));
    assert_ok(crypt_hash_new(&h));
    assert_ok(crypt_hash_add(h, abc, 0));
    assert_ok(crypt_hash_add(h, abc, 2));
    assert_ok(crypt_hash_add(h, abc + 2, 0));
    assert_ok(crypt_hash_add(h, abc + 2, 1));
    assert_ok(crypt_hash_final(h, hash));
    assert_memory_equal(want, hash, SHA256_LEN);
    crypt_hash_free(h);
    crypt_hash_free(NULL);
}

static void
two_hashes_do_not_mix(void **state)
{
    struct crypt_hash *a = NULL, *b = NULL;
    uint8_t want_a[SHA256_LEN], want_b[SHA256_LEN], hash[SHA256_LEN];

    (void)state;
    assert_ok(crypt_sha256("aa", 2, want_a));
    assert_ok(crypt_sha256("bb", 2, want_b));
    assert_ok(crypt_hash_new(&a));
    assert_ok(crypt_hash_new(&b));
    for (int i = 0; i < 2; i++) {
        assert_ok(crypt_hash_add(a, "a", 1));
        assert_ok(crypt_hash_add(b, "b", 1));
    }
    assert_ok(crypt_hash_final(a, hash));
    assert_memory_equal(want_a, hash, SHA256_LEN);
    assert_ok(crypt_hash_final(b, hash));
    assert_memory_equal(want_b, hash, SHA256_LEN);
    crypt_hash_free(a);
    crypt_hash_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_hashes_come_out_by_pieces_of_every_size),
        cmocka_unit_test(large_pieces_give_the_hash_of_the_whole),
        cmocka_unit_test(a_piece_of_nothing_changes_nothing),
        cmocka_unit_test(two_hashes_do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
