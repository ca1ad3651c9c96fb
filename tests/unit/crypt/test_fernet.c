/* SPDX-License-Identifier: Apache-2.0 */
/* Small Fernet tokens: the published vectors (github.com/fernet/spec), every size around a block,
 * and every way to damage one. The published cases of an expired token and of one from the future
 * must open here: the time in a token is written and never judged. */
#include "unit/crypt/tokens.h"

#include "base/enc.h"
#include "crypt/crypt_int.h"

static const char spec_key[] = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
static const char spec_token[] =
    "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4"
    "IwqDA==";

enum { SPEC_NOW_S = 499162800 }; /* 1985-10-26T01:20:00-07:00 */

static struct secret *
key_of_spec(void)
{
    struct secret *key = NULL;
    size_t n = 0;

    assert_ok(secret_new(FERNET_KEY_LEN, &key));
    assert_ok(b64url_decode(spec_key, strlen(spec_key), secret_bytes_mut(key), FERNET_KEY_LEN, &n));
    assert_int_equal(FERNET_KEY_LEN, n);
    return key;
}

static void
the_published_token_is_made(void **state)
{
    static const uint8_t iv[FERNET_BLOCK_LEN] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                 8, 9, 10, 11, 12, 13, 14, 15};
    struct secret *key = key_of_spec();
    uint8_t want[128];
    struct buf token;
    size_t n = 0;

    (void)state;
    buf_init(&token, 1000);
    assert_ok(b64url_decode(spec_token, strlen(spec_token), want, sizeof(want), &n));
    assert_ok(fernet_seal_iv(key, SPEC_NOW_S, iv, "hello", 5, &token));
    assert_int_equal(n, token.len);
    assert_memory_equal(want, token.data, n);
    buf_done(&token);
    secret_free(key);
}

static enum err
open_text(const char *text, struct buf *ret)
{
    struct secret *key = key_of_spec();
    uint8_t token[256];
    size_t n = 0;
    enum err e = b64url_decode(text, strlen(text), token, sizeof(token), &n);

    if (e == ERR_OK)
        e = fernet_open(key, token, n, ret);
    secret_free(key);
    return e;
}

static void
the_published_token_opens(void **state)
{
    struct buf plain;

    (void)state;
    buf_init(&plain, 1000);
    assert_ok(open_text(spec_token, &plain));
    assert_string_equal("hello", buf_text(&plain));
    buf_done(&plain);
}

static void
the_published_invalid_tokens_are_refused(void **state)
{
    static const struct {
        const char *why, *token;
        enum err e;
    } invalid[] = {
        {"incorrect mac",
         "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-"
         "szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUF"
         "BQUFBQQ==",
         ERR_INTEGRITY},
        {"too short", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==", ERR_INTEGRITY},
        {"invalid base64",
         "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-"
         "szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p"
         "1YsUD2Q==",
         ERR_SYNTAX},
        {"payload size not multiple of block size",
         "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_"
         "v7mrfy"
         "udzUm",
         ERR_INTEGRITY},
        {"payload padding error",
         "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-"
         "JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbk"
         "uKNqOhw==",
         ERR_INTEGRITY},
        {"incorrect IV",
         "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-"
         "fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIv"
         "cZjK1zQ==",
         ERR_INTEGRITY},
    };
    struct buf plain;

    (void)state;
    buf_init(&plain, 1000);
    for (size_t i = 0; i < ARRAY_LEN(invalid); i++) {
        enum err e = open_text(invalid[i].token, &plain);

        if (e != invalid[i].e || plain.len != 0)
            fail_msg("%s: %s", invalid[i].why, err_name(e));
    }
    buf_done(&plain);
}

static void
the_time_in_a_token_is_not_judged(void **state)
{
    static const char *const tokens[] = {
        /* published as "far-future TS" and "expired TTL"; both are tokens of nothing */
        "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-"
        "iX9b_q"
        "XQcw==",
        "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-"
        "p1Ys"
        "UD2Q==",
    };
    struct buf plain;

    (void)state;
    buf_init(&plain, 1000);
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        assert_ok(open_text(tokens[i], &plain));
        assert_int_equal(0, plain.len);
    }
    buf_done(&plain);
}

static void
a_token_opens_to_what_was_sealed_at_every_size(void **state)
{
    struct secret *key = test_key();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes) + 64; i++) {
        size_t len = i < ARRAY_LEN(sizes) ? sizes[i] : i - ARRAY_LEN(sizes);
        uint8_t *plain = plain_of(len);
        struct buf token, opened;

        token_of(len, &token);
        assert_int_equal(fernet_token_len(len), token.len);
        buf_init(&opened, len); /* exactly the room that is needed */
        assert_ok(fernet_open(key, token.data, token.len, &opened));
        assert_int_equal(len, opened.len);
        if (len > 0)
            assert_memory_equal(plain, opened.data, len);
        buf_done(&token);
        buf_done(&opened);
        free(plain);
    }
    secret_free(key);
}

static void
a_token_begins_with_the_version_and_the_time(void **state)
{
    static const uint8_t want[] = {0x80, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
    struct secret *key = test_key();
    struct buf token;

    (void)state;
    buf_init(&token, 1000);
    assert_ok(fernet_seal(key, 0x0102030405060708, "x", 1, &token));
    assert_memory_equal(want, token.data, sizeof(want));
    buf_done(&token);
    secret_free(key);
}

static void
two_tokens_of_the_same_text_have_nothing_but_the_time_in_common(void **state)
{
    struct buf a, b;

    (void)state;
    token_of(40, &a);
    token_of(40, &b);
    assert_memory_equal(a.data, b.data, 9);
    assert_memory_not_equal(a.data + 9, b.data + 9, FERNET_BLOCK_LEN);
    assert_memory_not_equal(a.data + FERNET_HEAD_LEN, b.data + FERNET_HEAD_LEN, FERNET_BLOCK_LEN);
    buf_done(&a);
    buf_done(&b);
}

/* Refused, and the buffer that was there before is left alone. */
static void
is_refused(const struct secret *key, const uint8_t *token, size_t len)
{
    struct buf before;

    buf_init(&before, 2 * MIB);
    assert_ok(buf_add_text(&before, "before"));
    assert_err(ERR_INTEGRITY, fernet_open(key, token, len, &before));
    assert_string_equal("before", buf_text(&before));
    buf_done(&before);
}

static void
a_token_with_any_bit_flipped_is_refused(void **state)
{
    struct secret *key = test_key();
    struct buf token;

    (void)state;
    token_of(37, &token);
    for (size_t bit = 0; bit < token.len * 8; bit++) {
        token.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        is_refused(key, token.data, token.len);
        token.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_done(&token);
    secret_free(key);
}

static void
a_long_token_with_a_bit_flipped_is_refused(void **state)
{
    struct secret *key = test_key();
    struct buf token;
    uint32_t x = 7;

    (void)state;
    token_of(65537, &token);
    for (int i = 0; i < 100; i++) {
        size_t bit = next_number(&x) % (token.len * 8);

        token.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        is_refused(key, token.data, token.len);
        token.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_done(&token);
    secret_free(key);
}

static void
a_token_cut_anywhere_or_made_longer_is_refused(void **state)
{
    struct secret *key = test_key();
    struct buf token;
    size_t len;

    (void)state;
    token_of(64, &token);
    len = token.len;
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1); /* a read behind the cut would be seen */

        assert_non_null(exact);
        memcpy(exact, token.data, cut);
        is_refused(key, exact, cut);
        free(exact);
    }
    assert_ok(buf_add(&token, "0123456789abcdef", 16));
    is_refused(key, token.data, len + 1);
    is_refused(key, token.data, len + 16);
    buf_done(&token);
    secret_free(key);
}

static void
a_token_does_not_open_with_another_key(void **state)
{
    struct secret *key = test_key();
    struct buf token;

    (void)state;
    token_of(20, &token);
    secret_bytes_mut(key)[0] ^= 1; /* the half that signs */
    is_refused(key, token.data, token.len);
    buf_done(&token);
    secret_free(key);
}

/* A right MAC over a last block of the given plaintext bytes, taken as they are. */
static void
forge_padding(const struct secret *key, const uint8_t block[FERNET_BLOCK_LEN], struct buf *ret)
{
    static const uint8_t iv[FERNET_BLOCK_LEN];
    uint8_t mac[SHA256_LEN];
    struct hmac h = {0};

    assert_ok(fernet_seal_iv(key, NOW_S, iv, block, FERNET_BLOCK_LEN, ret));
    ret->len -= FERNET_BLOCK_LEN + FERNET_MAC_LEN; /* without the block of padding behind it */
    assert_ok(fernet_mac_init(&h, key));
    assert_ok(hmac_add(&h, ret->data, ret->len));
    assert_ok(hmac_final(&h, mac));
    hmac_done(&h);
    assert_ok(buf_add(ret, mac, sizeof(mac)));
}

static void
all_of_the_padding_is_checked(void **state)
{
    struct secret *key = test_key();

    (void)state;
    for (unsigned n = 0; n <= 17; n++) {
        for (unsigned wrong = 0; wrong <= n && wrong < FERNET_BLOCK_LEN; wrong++) {
            uint8_t block[FERNET_BLOCK_LEN] = "0123456789abcde";
            struct buf token, plain;

            for (unsigned i = 0; i < n && i < FERNET_BLOCK_LEN; i++)
                block[FERNET_BLOCK_LEN - 1 - i] = (uint8_t)n;
            block[FERNET_BLOCK_LEN - 1] = (uint8_t)n;
            if (wrong > 0) /* one byte of it, counted from the end; 0: none */
                block[FERNET_BLOCK_LEN - wrong] ^= 0x40;
            buf_init(&token, 1000);
            buf_init(&plain, 1000);
            forge_padding(key, block, &token);
            if (n >= 1 && n <= 16 && wrong == 0) {
                assert_ok(fernet_open(key, token.data, token.len, &plain));
                assert_int_equal(FERNET_BLOCK_LEN - n, plain.len);
            } else {
                is_refused(key, token.data, token.len);
            }
            buf_done(&token);
            buf_done(&plain);
        }
    }
    secret_free(key);
}

static void
a_buffer_without_the_room_is_left_as_it_was(void **state)
{
    struct secret *key = test_key();
    struct buf token, small;

    (void)state;
    token_of(20, &token);
    buf_init(&small, 25);
    assert_ok(buf_add_text(&small, "before"));
    assert_err(ERR_TOOBIG, fernet_open(key, token.data, token.len, &small));
    assert_err(ERR_TOOBIG, fernet_seal(key, NOW_S, "x", 1, &small));
    assert_string_equal("before", buf_text(&small));
    buf_done(&small);
    buf_done(&token);
    secret_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_token_is_made),
        cmocka_unit_test(the_published_token_opens),
        cmocka_unit_test(the_published_invalid_tokens_are_refused),
        cmocka_unit_test(the_time_in_a_token_is_not_judged),
        cmocka_unit_test(a_token_opens_to_what_was_sealed_at_every_size),
        cmocka_unit_test(a_token_begins_with_the_version_and_the_time),
        cmocka_unit_test(two_tokens_of_the_same_text_have_nothing_but_the_time_in_common),
        cmocka_unit_test(a_token_with_any_bit_flipped_is_refused),
        cmocka_unit_test(a_long_token_with_a_bit_flipped_is_refused),
        cmocka_unit_test(a_token_cut_anywhere_or_made_longer_is_refused),
        cmocka_unit_test(a_token_does_not_open_with_another_key),
        cmocka_unit_test(all_of_the_padding_is_checked),
        cmocka_unit_test(a_buffer_without_the_room_is_left_as_it_was),
    };

    return cmocka_run_group_tests(tests, set_up_heap, tear_down_heap);
}
