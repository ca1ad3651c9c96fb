/* SPDX-License-Identifier: Apache-2.0 */
/* enc: hex, base64 and base32, with the vectors of RFC 4648 and every way to be wrong. */
#include "testing.h"

#include "base/enc.h"
#include "base/mem.h"
#include "base/rnd.h"

#include <string.h>

static void
hex_goes_there_and_back(void **state)
{
    uint8_t bytes[256], back[256];
    char text[HEX_LEN(256) + 1];

    (void)state;
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    hex_encode(bytes, 256, text);
    assert_int_equal(512, strlen(text));
    assert_memory_equal("000102030405060708090a0b0c0d0e0f10", text, 34);
    assert_ok(hex_decode(text, back, 256));
    assert_memory_equal(bytes, back, 256);
    hex_encode(bytes, 0, text);
    assert_string_equal("", text);
    assert_ok(hex_decode("", back, 0));
    assert_ok(hex_decode("aBcDeF", back, 3));
    assert_memory_equal("\xab\xcd\xef", back, 3);
}

static void
what_is_not_exactly_so_many_hex_digits_is_refused(void **state)
{
    static const char *const texts[] = {"",     "a",    "ab",    "abc",  "abcde",  "abcdef",
                                        "abcg", "ab c", " abcd", "0xab", "ab\ncd", "abc\xc3"};
    uint8_t bytes[2] = {7, 7};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (hex_decode(texts[i], bytes, 2) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken as two bytes of hex", texts[i]);
    }
    assert_memory_equal("\7\7", bytes, 2);
    assert_err(ERR_SYNTAX, hex_decode("a", bytes, 0));
}

struct vector {
    const char *bytes;
    const char *text;
    const char *padded;
};

static const struct vector vectors[] = {
    {"", "", ""},
    {"f", "Zg", "Zg=="},
    {"fo", "Zm8", "Zm8="},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg", "Zm9vYg=="},
    {"fooba", "Zm9vYmE", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xff\xef\xbe", "_---", "_---"},
};

static void
the_vectors_of_the_rfc_hold(void **state)
{
    uint8_t bytes[16];
    char text[32];
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];

        b64url_encode((const uint8_t *)v->bytes, strlen(v->bytes), text);
        assert_string_equal(v->text, text);
        assert_int_equal(B64URL_LEN(strlen(v->bytes)), strlen(text));
        assert_ok(b64url_decode(v->text, strlen(v->text), bytes, 6, &len));
        assert_int_equal(strlen(v->bytes), len);
        assert_memory_equal(v->bytes, bytes, len);
        assert_ok(b64url_decode(v->padded, strlen(v->padded), bytes, 6, &len));
        assert_int_equal(strlen(v->bytes), len);
        assert_memory_equal(v->bytes, bytes, len);
    }
}

static void
what_is_no_canonical_base64url_is_refused(void **state)
{
    static const char *const texts[] = {
        "A",     "AAAAA",  "A===",  "=",    "==",   "====",       "AA=",      "AAA==",
        "AAAA=", "AAAA==", "AA===", "A=A=", "AA=A", "+/AA",       "AA A",     "AAAA\n",
        " AAA",  "Zh",     "Zm9=",  "Zm-",  "AAA*", "AA\xc3\xa9", "Zg==Zg==", "AAA\x7f",
    };
    uint8_t bytes[16];
    size_t len = 77;

    (void)state;
    memset(bytes, 7, sizeof(bytes));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (b64url_decode(texts[i], strlen(texts[i]), bytes, 16, &len) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken as base64url", texts[i]);
    }
    assert_err(ERR_SYNTAX, b64url_decode("AA\0A", 4, bytes, 16, &len));
    assert_int_equal(77, len);
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(7, bytes[i]);
}

static void
more_bytes_than_there_is_room_for_are_refused(void **state)
{
    uint8_t bytes[3] = {7, 7, 7};
    size_t len = 77;

    (void)state;
    assert_err(ERR_TOOBIG, b64url_decode("Zm9v", 4, bytes, 2, &len));
    assert_err(ERR_TOOBIG, b64url_decode("Zg", 2, bytes, 0, &len));
    assert_int_equal(77, len);
    assert_memory_equal("\7\7\7", bytes, 3);
    assert_ok(b64url_decode("Zm9v", 4, bytes, 3, &len));
}

static void
random_bytes_go_there_and_back(void **state)
{
    uint8_t bytes[100], back[100];
    char text[B64URL_LEN(100) + 1];
    size_t len;

    (void)state;
    for (size_t n = 0; n <= 100; n++) {
        assert_ok(rnd_bytes(bytes, n));
        b64url_encode(bytes, n, text);
        assert_int_equal(B64URL_LEN(n), strlen(text));
        assert_ok(b64url_decode(text, strlen(text), back, n, &len));
        assert_int_equal(n, len);
        assert_memory_equal(bytes, back, n);
    }
}

static void
base64_of_every_length_comes_back(void **state)
{
    uint8_t bytes[100], text[200], back[100];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 151 + 7);
    for (size_t len = 0; len <= 100; len++) {
        size_t n = b64_encode(bytes, len, text), back_len = 999;

        assert_int_equal(B64URL_LEN(len), n);
        assert_ok(b64_decode(text, n, back, len, &back_len));
        assert_int_equal(len, back_len);
        assert_memory_equal(bytes, back, len);
        assert_true(len == 0 || b64_decode(text, n, back, len - 1, &back_len) != ERR_OK);
    }
}

static void
base64_is_that_of_the_rfc(void **state)
{
    static const char *const texts[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
    uint8_t text[8];

    (void)state;
    for (size_t len = 0; len < ARRAY_LEN(texts); len++) {
        assert_int_equal(strlen(texts[len]), b64_encode((const uint8_t *)"foobar", len, text));
        assert_memory_equal(texts[len], text, strlen(texts[len]));
    }
}

static void
base64_is_refused_in_every_other_form(void **state)
{
    static const char *const texts[] = {"A",   "AAAAA", "Zg==", "Zm8=", "Zh",    "Zm9",
                                        "Z g", "Zg\n",  "Z-",   "Z_",   "\377A", "Zm9v\r"};
    uint8_t bytes[10];
    size_t n = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_err(ERR_SYNTAX,
                   b64_decode((const uint8_t *)texts[i], strlen(texts[i]), bytes, 10, &n));
    for (unsigned c = 0; c < 256; c++) {
        const uint8_t text[] = {'A', (uint8_t)c, 'A', 'A'};
        bool is_digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        (c >= '0' && c <= '9') || c == '+' || c == '/';

        assert_int_equal(is_digit, b64_decode(text, 4, bytes, 10, &n) == ERR_OK);
    }
    assert_int_equal(3, n);
}

static void
base32_is_that_of_the_rfc(void **state)
{
    static const char *const texts[] = {"",        "my",       "mzxq",      "mzxw6",
                                        "mzxw6yq", "mzxw6ytb", "mzxw6ytboi"};
    char text[B32_LEN(6) + 1];

    (void)state;
    for (size_t len = 0; len < ARRAY_LEN(texts); len++) {
        b32_encode((const uint8_t *)"foobar", len, text);
        assert_string_equal(texts[len], text);
        assert_int_equal(B32_LEN(len), strlen(text));
    }
}

/* There is no decoder, so what is lost would not be missed otherwise. */
static void
every_bit_changes_exactly_the_base32_digit_that_holds_it(void **state)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t bytes[16];
    char text[B32_LEN(16) + 2], other[B32_LEN(16) + 1];

    (void)state;
    text[B32_LEN(16) + 1] = 'x'; /* not to be written */
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 151 + 7);
    b32_encode(bytes, sizeof(bytes), text);
    assert_int_equal(B32_LEN(16), strlen(text));
    assert_int_equal('x', text[B32_LEN(16) + 1]);
    assert_int_equal(B32_LEN(16), strspn(text, digits));
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(0x80U >> bit % 8);
        b32_encode(bytes, sizeof(bytes), other);
        for (size_t i = 0; i < B32_LEN(16); i++) {
            ptrdiff_t was = strchr(digits, text[i]) - digits,
                      is = strchr(digits, other[i]) - digits;

            assert_int_equal(i == bit / 5 ? 16 >> bit % 5 : 0, was ^ is);
        }
        bytes[bit / 8] ^= (uint8_t)(0x80U >> bit % 8);
    }
}

static void
digits_are_told_from_what_is_none(void **state)
{
    (void)state;
    assert_int_equal(hex_value('0'), 0);
    assert_int_equal(hex_value('f'), 15);
    assert_int_equal(hex_value('A'), 10);
    for (const char *c = "/:@G`g \xff"; *c != '\0'; c++)
        assert_int_equal(hex_value(*c), -1);
    assert_int_equal(hex_value('\0'), -1);
    assert_true(b64url_is(""));
    assert_true(b64url_is("AZaz09-_"));
    assert_false(b64url_is("AA=="));
    assert_false(b64url_is("A+"));
    assert_false(b64url_is("A/"));
    assert_false(b64url_is("A A"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(what_is_not_exactly_so_many_hex_digits_is_refused),
        cmocka_unit_test(the_vectors_of_the_rfc_hold),
        cmocka_unit_test(what_is_no_canonical_base64url_is_refused),
        cmocka_unit_test(more_bytes_than_there_is_room_for_are_refused),
        cmocka_unit_test(random_bytes_go_there_and_back),
        cmocka_unit_test(base64_of_every_length_comes_back),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(base64_is_refused_in_every_other_form),
        cmocka_unit_test(base32_is_that_of_the_rfc),
        cmocka_unit_test(every_bit_changes_exactly_the_base32_digit_that_holds_it),
        cmocka_unit_test(digits_are_told_from_what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
