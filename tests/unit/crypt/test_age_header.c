/* SPDX-License-Identifier: Apache-2.0 */
/* The header of an age file: read in its one form, told from what is not one, as early as can be.
 * The many malformed ones are in tests/data/age (test_age_vectors). */
#include "unit/crypt/ages.h"

#include <limits.h>

#define SALT "ZGVmZ2hpamtsbW5vcHFycw"
#define BODY "9+akYER7eHUEqhQQeuLNhHEPZtU7nNBZdc27rwB8WWI"
#define MAC  "NjDzh/HpB6esi2OnjopIHQLn8csRAC0oN1M+wWq7ivk"

static const char version[] = "age-encryption.org/v1\n";
static const char whole[] = "age-encryption.org/v1\n-> scrypt " SALT " 10\n" BODY "\n--- " MAC "\n";

static enum age_form
form_of(const char *text, struct age_header *ret)
{
    return age_header_read((const uint8_t *)text, strlen(text), ret);
}

static enum age_look
look(const char *text, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1); /* its own block: the sanitizer sees its end */
    enum age_look l;

    assert_non_null(exact);
    memcpy(exact, text, len);
    l = age_look(exact, len);
    free(exact);
    return l;
}

/* ---- reading and writing ---- */

static void
a_header_is_read_into_its_parts(void **state)
{
    struct age_header h;
    uint8_t bytes[32];
    size_t n = 0;

    (void)state;
    assert_int_equal(AGE_WELL_FORMED, form_of(whole, &h));
    assert_true(h.is_scrypt);
    assert_int_equal(10, h.work);
    assert_int_equal(strlen(whole), h.len);
    assert_int_equal(strlen(whole) - 45, h.maced_len);
    assert_memory_equal("defghijklmnopqrs", h.salt, AGE_SALT_LEN);
    assert_ok(b64_decode((const uint8_t *)BODY, 43, bytes, 32, &n));
    assert_memory_equal(bytes, h.body, 32);
    assert_ok(b64_decode((const uint8_t *)MAC, 43, bytes, 32, &n));
    assert_memory_equal(bytes, h.mac, 32);
}

static void
what_follows_the_header_is_not_part_of_it(void **state)
{
    struct age_header h;
    struct buf file;

    (void)state;
    buf_init(&file, 1000);
    assert_ok(buf_add_text(&file, whole));
    assert_ok(buf_add_text(&file, "\n-> scrypt x\n--- \n"));
    assert_int_equal(AGE_WELL_FORMED, age_header_read(file.data, file.len, &h));
    assert_int_equal(strlen(whole), h.len);
    buf_done(&file);
}

static void
what_is_written_is_read_as_it_was(void **state)
{
    (void)state;
    for (unsigned work = 1; work <= AGE_WORK_LIMIT; work++) {
        struct age_header h = {.work = work}, back;
        uint8_t text[AGE_HEAD_LEN_MAX];
        size_t n;

        assert_ok(crypt_random_fill(h.salt, sizeof(h.salt)));
        assert_ok(crypt_random_fill(h.body, sizeof(h.body)));
        assert_ok(crypt_random_fill(h.mac, sizeof(h.mac)));
        n = age_header_write(&h, text);
        h.maced_len = n;
        n += age_header_write_mac(h.mac, text + n);
        assert_int_equal(work < 10 ? AGE_HEAD_LEN_MAX - 1 : AGE_HEAD_LEN_MAX, n);
        assert_int_equal(AGE_WELL_FORMED, age_header_read(text, n, &back));
        assert_true(back.is_scrypt);
        assert_int_equal(work, back.work);
        assert_int_equal(n, back.len);
        assert_int_equal(h.maced_len, back.maced_len);
        assert_memory_equal(h.salt, back.salt, sizeof(h.salt));
        assert_memory_equal(h.body, back.body, sizeof(h.body));
        assert_memory_equal(h.mac, back.mac, sizeof(h.mac));
    }
}

static void
a_header_that_is_not_well_formed_leaves_the_output_untouched(void **state)
{
    struct age_header h = {.work = 77, .len = 78};
    struct age_header before = h;

    (void)state;
    for (size_t len = 0; len < strlen(whole); len++) {
        assert_int_equal(AGE_PARTIAL, age_header_read((const uint8_t *)whole, len, &h));
        assert_memory_equal(&before, &h, sizeof(h));
    }
    assert_int_equal(AGE_MALFORMED, form_of("age-encryption.org/v2\n", &h));
    assert_memory_equal(&before, &h, sizeof(h));
}

static void
too_large_work_factors_are_all_alike(void **state)
{
    static const struct {
        const char *text;
        unsigned work;
    } cases[] = {{"23", 23},
                 {"99", 99},
                 {"4294967295", UINT_MAX},
                 {"4294967296", UINT_MAX},
                 {"4294967306", UINT_MAX},
                 {"18446744073709551626", UINT_MAX}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct age_header h = {.is_scrypt = false};
        struct buf file;

        buf_init(&file, 1000);
        assert_ok(buf_addf(&file, "%s-> scrypt " SALT " %s\n" BODY "\n--- " MAC "\n", version,
                           cases[i].text));
        assert_int_equal(AGE_WELL_FORMED, age_header_read(file.data, file.len, &h));
        assert_true(h.is_scrypt);
        assert_int_equal(cases[i].work, h.work);
        buf_done(&file);
    }
}

/* A header of one stanza for others, `len` bytes long. */
static void
long_header(size_t len, struct buf *ret)
{
    size_t rest = len - strlen(version) - strlen("-> \nAA\n--- " MAC "\n");

    buf_init(ret, SIZE_MAX / 2);
    assert_ok(buf_addf(ret, "%s-> ", version));
    for (size_t i = 0; i < rest; i++)
        assert_ok(buf_add_text(ret, "x"));
    assert_ok(buf_add_text(ret, "\nAA\n--- " MAC "\n"));
    assert_int_equal(len, ret->len);
}

static void
a_header_of_16_kib_is_read_and_a_longer_one_is_not(void **state)
{
    struct buf file, opened;

    (void)state;
    buf_init(&opened, 0);
    long_header(AGE_HEADER_MAX, &file);
    for (size_t step = 1; step <= AGE_HEADER_MAX; step *= 4) {
        struct trickle t = trickle_of(&file, step);

        assert_err(ERR_DENIED, open_with("phrase", &t, 10, &opened));
    }
    buf_done(&file);
    long_header(AGE_HEADER_MAX + 1, &file);
    assert_err(ERR_SYNTAX, open_age(&file, 10, &opened));
    buf_done(&file);
    long_header(1 << 20, &file);
    assert_err(ERR_SYNTAX, open_age(&file, 10, &opened));
    buf_done(&file);
    buf_done(&opened);
}

/* ---- looking ---- */

static void
a_look_says_yes_as_soon_as_the_header_is_whole(void **state)
{
    (void)state;
    assert_int_equal(AGE_HEAD_LEN_MAX, strlen(whole));
    for (size_t len = 0; len < strlen(whole); len++)
        assert_int_equal(AGE_LOOK_MORE, look(whole, len));
    assert_int_equal(AGE_LOOK_YES, look(whole, strlen(whole)));
}

static void
a_look_agrees_with_the_source_on_what_was_sealed(void **state)
{
    struct buf file;

    (void)state;
    age_of(CHUNK, &file);
    assert_int_equal(AGE_LOOK_MORE, age_look(file.data, HEAD - 1));
    for (size_t len = HEAD; len < 400; len++)
        assert_int_equal(AGE_LOOK_YES, age_look(file.data, len));
    assert_int_equal(AGE_LOOK_YES, age_look(file.data, file.len));
    buf_done(&file);
}

static void
a_look_says_no_as_soon_as_the_version_differs(void **state)
{
    (void)state;
    for (size_t at = 0; at < strlen(version); at++) {
        char text[sizeof(whole)];

        memcpy(text, whole, sizeof(whole));
        text[at] ^= 1;
        assert_int_equal(AGE_LOOK_MORE, look(text, at));
        for (size_t len = at + 1; len < sizeof(whole); len++)
            assert_int_equal(AGE_LOOK_NO, look(text, len));
    }
}

static void
a_look_never_asks_for_more_than_the_longest_header(void **state)
{
    char text[400];

    (void)state;
    memset(text, 'A', sizeof(text));
    memcpy(text, version, strlen(version));
    assert_int_equal(AGE_LOOK_MORE, look(text, AGE_HEAD_LEN_MAX - 1));
    for (size_t len = AGE_HEAD_LEN_MAX; len < sizeof(text); len++)
        assert_int_equal(AGE_LOOK_NO, look(text, len));
}

static void
a_look_says_no_to_what_no_passphrase_or_nobody_opens(void **state)
{
    static const char *const stanzas[] = {
        "-> X25519 " BODY "\n" BODY "\n",
        "-> Scrypt " SALT " 10\n" BODY "\n",
        "-> scrypt " SALT " 23\n" BODY "\n",
        "-> scrypt " SALT " 99\n" BODY "\n",
        "-> scrypt " SALT " 010\n" BODY "\n",
        "-> scrypt " SALT "\n" BODY "\n",
        "",
    };
    static const char armored[] = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3Jn";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stanzas); i++) {
        struct buf file;

        buf_init(&file, 1000);
        assert_ok(buf_addf(&file, "%s%s--- " MAC "\n", version, stanzas[i]));
        assert_int_equal(AGE_LOOK_NO, age_look(file.data, file.len));
        buf_done(&file);
    }
    assert_int_equal(AGE_LOOK_NO, look(armored, strlen(armored)));
    assert_int_equal(AGE_LOOK_NO, look("just text", 9));
}

static void
a_look_says_no_to_a_second_stanza(void **state)
{
    struct buf file;

    (void)state;
    buf_init(&file, 1000);
    assert_ok(buf_addf(&file, "%s-> scrypt " SALT " 1\n" BODY "\n-> a\n\n--- " MAC "\n", version));
    assert_int_equal(AGE_LOOK_NO, age_look(file.data, file.len));
    buf_done(&file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_read_into_its_parts),
        cmocka_unit_test(what_follows_the_header_is_not_part_of_it),
        cmocka_unit_test(what_is_written_is_read_as_it_was),
        cmocka_unit_test(a_header_that_is_not_well_formed_leaves_the_output_untouched),
        cmocka_unit_test(too_large_work_factors_are_all_alike),
        cmocka_unit_test(a_header_of_16_kib_is_read_and_a_longer_one_is_not),
        cmocka_unit_test(a_look_says_yes_as_soon_as_the_header_is_whole),
        cmocka_unit_test(a_look_agrees_with_the_source_on_what_was_sealed),
        cmocka_unit_test(a_look_says_no_as_soon_as_the_version_differs),
        cmocka_unit_test(a_look_never_asks_for_more_than_the_longest_header),
        cmocka_unit_test(a_look_says_no_to_what_no_passphrase_or_nobody_opens),
        cmocka_unit_test(a_look_says_no_to_a_second_stanza),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
