/* SPDX-License-Identifier: Apache-2.0 */
/* Secret memory: what it holds, that it is wiped, that there is enough of it and an end to it. */
#include "unit/crypt/tokens.h"

static void
a_new_secret_is_zero_and_as_long_as_asked(void **state)
{
    static const uint8_t zeros[100];
    struct secret *s = NULL;

    (void)state;
    assert_ok(secret_new(sizeof(zeros), &s));
    assert_int_equal(sizeof(zeros), secret_len(s));
    assert_memory_equal(zeros, secret_bytes(s), sizeof(zeros));
    secret_free(s);
}

static void
a_copy_holds_the_bytes_and_not_their_place(void **state)
{
    uint8_t bytes[] = {1, 2, 3};
    struct secret *s = NULL;

    (void)state;
    assert_ok(secret_copy(bytes, sizeof(bytes), &s));
    bytes[1] = 9;
    assert_int_equal(3, secret_len(s));
    assert_int_equal(2, secret_bytes(s)[1]);
    secret_bytes_mut(s)[1] = 7;
    assert_int_equal(7, secret_bytes(s)[1]);
    secret_free(s);
}

static void
an_empty_secret_is_a_secret(void **state)
{
    struct secret *s = NULL;

    (void)state;
    assert_ok(secret_copy(NULL, 0, &s));
    assert_int_equal(0, secret_len(s));
    secret_free(s);
}

static void
two_random_secrets_differ(void **state)
{
    struct secret *a = NULL, *b = NULL;

    (void)state;
    assert_ok(secret_random(32, &a));
    assert_ok(secret_random(32, &b));
    assert_memory_not_equal(secret_bytes(a), secret_bytes(b), 32);
    secret_free(a);
    secret_free(b);
}

static void
a_freed_secret_leaves_zeros_behind(void **state)
{
    enum { LEN = 256, LINKS = 64 }; /* the heap writes its links over the first bytes */
    static const uint8_t zeros[LEN - LINKS];
    struct secret *s = NULL;
    const uint8_t *place;

    (void)state;
    assert_ok(secret_new(LEN, &s));
    memset(secret_bytes_mut(s), 0xa5, LEN);
    place = secret_bytes(s);
    secret_free(s);
    assert_memory_equal(zeros, place + LINKS, sizeof(zeros)); /* still mapped: it is our heap */
}

static void
freeing_no_secret_is_a_no_op(void **state)
{
    (void)state;
    secret_free(NULL);
}

static void
thousands_of_secrets_fit_then_no_more_until_some_are_freed(void **state)
{
    enum { MANY = 100000, AT_LEAST = 20000 };
    struct secret **all = calloc(MANY, sizeof(*all)), *one_more = NULL;
    size_t n = 0;
    enum err e = ERR_OK;

    (void)state;
    assert_non_null(all);
    while (n < MANY && e == ERR_OK) {
        e = secret_new(FERNET_KEY_LEN, &all[n]);
        if (e == ERR_OK)
            n++;
    }
    assert_int_equal(ERR_NOMEM, e);
    assert_null(all[n]);
    assert_true(n >= AT_LEAST);
    assert_err(ERR_NOMEM, secret_random(FERNET_KEY_LEN, &one_more));
    assert_err(ERR_NOMEM, secret_copy("key", 3, &one_more));
    assert_null(one_more);
    secret_free(all[n / 2]);
    all[n / 2] = NULL;
    assert_ok(secret_new(FERNET_KEY_LEN, &one_more));
    secret_free(one_more);
    for (size_t i = 0; i < n; i++)
        secret_free(all[i]);
    free(all);
}

static void
a_secret_larger_than_the_heap_is_no_memory(void **state)
{
    struct secret *s = NULL;

    (void)state;
    assert_err(ERR_NOMEM, secret_new(64 * MIB, &s));
    assert_null(s);
}

static void
a_second_heap_is_refused(void **state)
{
    bool locked = false;

    (void)state;
    assert_err(ERR_UNAVAIL, crypt_init(&locked));
}

static void
the_heap_stays_while_a_secret_lives(void **state)
{
    struct secret *s = NULL;
    bool locked;

    (void)state;
    assert_ok(secret_copy("alive", 5, &s));
    crypt_done();
    assert_memory_equal("alive", secret_bytes(s), 5);
    assert_err(ERR_UNAVAIL, crypt_init(&locked));
    secret_free(s);
    crypt_done();
    assert_ok(crypt_init(&locked));
}

static void
random_fill_writes_every_byte_and_not_one_more(void **state)
{
    static const size_t lens[] = {0, 1, 100, MIB, MIB + 1};
    uint8_t *bytes = malloc(MIB + 2);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        size_t n_zero = 0;

        memset(bytes, 0, MIB + 2);
        assert_ok(crypt_random_fill(bytes, lens[i]));
        for (size_t at = 0; at < lens[i]; at++)
            n_zero += bytes[at] == 0;
        assert_true(n_zero <= lens[i] / 128 + 3); /* expected: 1 in 256 */
        assert_int_equal(0, bytes[lens[i]]);
    }
    free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_secret_is_zero_and_as_long_as_asked),
        cmocka_unit_test(a_copy_holds_the_bytes_and_not_their_place),
        cmocka_unit_test(an_empty_secret_is_a_secret),
        cmocka_unit_test(two_random_secrets_differ),
        cmocka_unit_test(a_freed_secret_leaves_zeros_behind),
        cmocka_unit_test(freeing_no_secret_is_a_no_op),
        cmocka_unit_test(thousands_of_secrets_fit_then_no_more_until_some_are_freed),
        cmocka_unit_test(a_secret_larger_than_the_heap_is_no_memory),
        cmocka_unit_test(a_second_heap_is_refused),
        cmocka_unit_test(the_heap_stays_while_a_secret_lives),
        cmocka_unit_test(random_fill_writes_every_byte_and_not_one_more),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
