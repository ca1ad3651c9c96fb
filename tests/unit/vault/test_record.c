/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed records byte by byte: both versions are read as docs/formats.md says, and nothing else. */
#include "testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vault/vault_int.h"

static int64_t
test_now(void)
{
    return 1000000;
}

struct room {
    struct secret *pepper;
    struct vault *vault;
    struct share_code code, id;
};

static int
setup(void **state)
{
    struct room *r = calloc(1, sizeof(*r));
    struct vault_cfg cfg = {.words = words_builtin(), .code_words = 4, .now_s = test_now};

    assert_non_null(r);
    assert_ok(secret_random(VAULT_PEPPER_LEN, &r->pepper));
    cfg.pepper = r->pepper;
    assert_ok(vault_new(&cfg, &r->vault));
    assert_ok(words_parse(cfg.words, 4, "zoom-zoom-zoom-zoom", &r->code));
    assert_ok(words_parse_id("abcdefghijklmnopqrstuvwxy4", &r->id));
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct room *r = *state;

    vault_free(r->vault);
    secret_free(r->pepper);
    free(r);
    return 0;
}

static struct secret *
key_of(struct room *r, const struct share_code *code)
{
    struct secret *key = NULL;
    char info[160];

    (void)snprintf(info, sizeof(info), "mayfly record v1%s", code->text);
    assert_ok(crypt_hkdf(r->pepper, info, strlen(info), FERNET_KEY_LEN, &key));
    return key;
}

/* Seal bytes of the test's own as the record of `code`, and open it. */
static enum err
open_bytes(struct room *r, const struct share_code *code, const void *bytes, size_t len,
           struct sealed_part *ret_part)
{
    struct secret *key = key_of(r, code);
    struct record rec = {.size_bytes = 7};
    struct buf token;

    buf_init(&token, sizeof(rec.sealed));
    assert_ok(fernet_seal(key, test_now(), bytes, len, &token));
    memcpy(rec.sealed, token.data, token.len);
    rec.sealed_len = token.len;
    buf_done(&token);
    secret_free(key);
    return record_open(r->vault, code, &rec, ret_part);
}

/* A record's plaintext: version, key (all 1), hash (all 2), name "ab", type "t/x", then `rest`. */
static size_t
plain_of(uint8_t version, const void *rest, size_t rest_len, uint8_t *ret)
{
    size_t len = 0;

    ret[len++] = version;
    memset(ret + len, 1, FERNET_KEY_LEN);
    len += FERNET_KEY_LEN;
    memset(ret + len, 2, SHA256_LEN);
    len += SHA256_LEN;
    memcpy(ret + len, "\0\2ab\0\3t/x", 9);
    len += 9;
    memcpy(ret + len, rest, rest_len);
    return len + rest_len;
}

static enum err
open_plain(struct room *r, const struct share_code *code, uint8_t version, const void *rest,
           size_t rest_len, struct sealed_part *ret_part)
{
    uint8_t plain[8192];

    return open_bytes(r, code, plain, plain_of(version, rest, rest_len, plain), ret_part);
}

static void
assert_part(const struct sealed_part *part, const char *e2e_meta)
{
    assert_string_equal(part->meta.name, "ab");
    assert_string_equal(part->meta.type, "t/x");
    assert_int_equal(part->meta.size_bytes, 7);
    assert_int_equal(part->meta.sha256[31], 2);
    assert_int_equal(secret_bytes(part->file_key)[31], 1);
    if (e2e_meta == NULL)
        assert_null(part->e2e_meta);
    else
        assert_string_equal(part->e2e_meta, e2e_meta);
}

static void
both_versions_are_read(void **state)
{
    struct room *r = *state;
    struct sealed_part part;

    assert_ok(open_plain(r, &r->code, 1, "", 0, &part));
    assert_part(&part, NULL);
    sealed_part_done(&part);
    assert_ok(open_plain(r, &r->id, 2, "\0\0", 2, &part));
    assert_part(&part, NULL);
    sealed_part_done(&part);
    assert_ok(open_plain(r, &r->id, 2, "\0\4meta", 6, &part));
    assert_part(&part, "meta");
    sealed_part_done(&part);
}

static void
the_longest_text_is_read_and_one_byte_more_is_not(void **state)
{
    uint8_t rest[2 + VAULT_E2E_META_MAX + 1];
    struct room *r = *state;
    struct sealed_part part;

    memset(rest, 'm', sizeof(rest));
    rest[0] = VAULT_E2E_META_MAX >> 8;
    rest[1] = VAULT_E2E_META_MAX & 0xff;
    assert_ok(open_plain(r, &r->id, 2, rest, sizeof(rest) - 1, &part));
    assert_int_equal(strlen(part.e2e_meta), VAULT_E2E_META_MAX);
    sealed_part_done(&part);
    rest[1]++;
    assert_err(ERR_INTEGRITY, open_plain(r, &r->id, 2, rest, sizeof(rest), &part));
}

static void
what_is_neither_version_to_the_byte_is_refused(void **state)
{
    static const struct {
        uint8_t version;
        const char *rest;
        size_t len;
    } wrong[] = {
        {0, "", 0},
        {3, "\0\0", 2},
        {1, "\0\0", 2},
        {1, "x", 1},
        {2, "", 0},
        {2, "\0", 1},
        {2, "\0\4met", 5},
        {2, "\0\4meta!", 7},
        {2,
         "\xff\xff"
         "m",
         3},
        {0x80, "\0\4meta", 6},
    };
    struct room *r = *state;
    struct sealed_part part;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_err(ERR_INTEGRITY,
                   open_plain(r, &r->id, wrong[i].version, wrong[i].rest, wrong[i].len, &part));
}

/* What record_seal writes, in clear; the caller ends `ret`. */
static void
sealed_in_clear(struct room *r, const struct share_code *code, struct sealed_part *part,
                struct buf *ret)
{
    struct record rec = {.created_at_s = test_now()};
    struct secret *key = key_of(r, code);

    buf_init(ret, 8192);
    assert_ok(record_seal(r->vault, code, part, &rec));
    assert_ok(fernet_open(key, rec.sealed, rec.sealed_len, ret));
    secret_free(key);
}

static void
a_code_gets_version_1_and_an_id_version_2(void **state)
{
    uint8_t want[256];
    struct room *r = *state;
    struct sealed_part part = {.meta = {.name = "ab", .type = "t/x"}};
    struct buf clear;

    assert_ok(secret_new(FERNET_KEY_LEN, &part.file_key));
    memset(secret_bytes_mut(part.file_key), 1, FERNET_KEY_LEN);
    memset(part.meta.sha256, 2, SHA256_LEN);
    sealed_in_clear(r, &r->code, &part, &clear);
    assert_int_equal(clear.len, plain_of(1, "", 0, want));
    assert_memory_equal(clear.data, want, clear.len);
    buf_done(&clear);
    sealed_in_clear(r, &r->id, &part, &clear);
    assert_int_equal(clear.len, plain_of(2, "\0\0", 2, want));
    assert_memory_equal(clear.data, want, clear.len);
    buf_done(&clear);
    assert_ok(sealed_part_set_e2e_meta(&part, "meta", 4));
    sealed_in_clear(r, &r->id, &part, &clear);
    assert_int_equal(clear.len, plain_of(2, "\0\4meta", 6, want));
    assert_memory_equal(clear.data, want, clear.len);
    buf_done(&clear);
    sealed_part_done(&part);
}

static void
the_longest_of_all_texts_fit_into_a_store(void **state)
{
    struct room *r = *state;
    struct record rec = {.size_bytes = 1};
    struct sealed_part part = {.meta = {.sha256 = {0}}}, got;
    char meta[VAULT_E2E_META_MAX + 1];

    memset(meta, 'm', sizeof(meta));
    memset(part.meta.name, 'n', VAULT_NAME_LEN - 1);
    memset(part.meta.type, 't', VAULT_TYPE_LEN - 1);
    assert_ok(secret_random(FERNET_KEY_LEN, &part.file_key));
    assert_err(ERR_TOOBIG, sealed_part_set_e2e_meta(&part, meta, sizeof(meta)));
    assert_null(part.e2e_meta);
    assert_ok(sealed_part_set_e2e_meta(&part, meta, sizeof(meta) - 1));
    assert_ok(record_seal(r->vault, &r->id, &part, &rec));
    assert_in_range(rec.sealed_len, 4500, RECORD_SEALED_MAX);
    assert_ok(record_open(r->vault, &r->id, &rec, &got));
    assert_string_equal(got.meta.name, part.meta.name);
    assert_string_equal(got.meta.type, part.meta.type);
    assert_string_equal(got.e2e_meta, part.e2e_meta);
    sealed_part_done(&got);
    assert_err(ERR_INTEGRITY, record_open(r->vault, &r->code, &rec, &got)); /* another key */
    sealed_part_done(&part);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_versions_are_read),
        TEST(the_longest_text_is_read_and_one_byte_more_is_not),
        TEST(what_is_neither_version_to_the_byte_is_refused),
        TEST(a_code_gets_version_1_and_an_id_version_2),
        TEST(the_longest_of_all_texts_fit_into_a_store),
    };
    bool locked;

    if (crypt_init(&locked) != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
