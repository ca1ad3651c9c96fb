/* SPDX-License-Identifier: Apache-2.0 */
/* What is derived from six words, against tests/data/e2e-vectors.json, which an implementation in
 * Python made, and everything that must not open. */
#include "testing.h"

#include "base/enc.h"
#include "base/mem.h"
#include "client/e2e.h"
#include "crypt/age.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *vectors;

static int
set_up(void **state)
{
    json_error_t why;
    bool locked;

    (void)state;
    vectors = json_load_file(TESTS_DATA "/e2e-vectors.json", 0, &why);
    return vectors != NULL && crypt_init(&locked) == ERR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    json_decref(vectors);
    crypt_done();
    return 0;
}

static json_t *
list(const char *name, size_t n_min)
{
    json_t *l = json_object_get(vectors, name);

    assert_true(json_array_size(l) >= n_min);
    return l;
}

static const char *
text_of(const json_t *vector, const char *name)
{
    const char *text = json_string_value(json_object_get(vector, name));

    if (text == NULL)
        fail_msg("a vector without %s", name);
    return text;
}

static struct share_code
code_of(const char *text)
{
    struct share_code code;

    assert_ok(words_parse(words_builtin(), CODE_WORDS_E2E, text, &code));
    return code;
}

static struct e2e_meta
meta_of(const json_t *vector)
{
    const char *name = text_of(vector, "name"), *type = text_of(vector, "type");
    struct e2e_meta meta = {0};

    assert_true(strlen(name) < sizeof(meta.name) && strlen(type) < sizeof(meta.type));
    memcpy(meta.name, name, strlen(name));
    memcpy(meta.type, type, strlen(type));
    meta.size_bytes = (uint64_t)json_integer_value(json_object_get(vector, "size"));
    assert_ok(hex_decode(text_of(vector, "sha256"), meta.sha256, SHA256_LEN));
    return meta;
}

static void
assert_same_meta(const struct e2e_meta *want, const struct e2e_meta *got)
{
    assert_string_equal(want->name, got->name);
    assert_string_equal(want->type, got->type);
    assert_true(want->size_bytes == got->size_bytes);
    assert_memory_equal(want->sha256, got->sha256, SHA256_LEN);
}

static void
ids_and_passphrases_are_those_of_the_vectors(void **state)
{
    json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(list("vectors", 8), i, v)
    {
        struct share_code code = code_of(text_of(v, "code")), parsed;
        struct secret *passphrase = NULL;
        char id[CODE_ID_LEN + 1];

        assert_ok(e2e_id(&code, id));
        assert_string_equal(text_of(v, "id"), id);
        assert_ok(words_parse_id(id, &parsed));
        assert_ok(e2e_passphrase(&code, &passphrase));
        assert_int_equal(strlen(text_of(v, "passphrase")), secret_len(passphrase));
        assert_memory_equal(text_of(v, "passphrase"), secret_bytes(passphrase),
                            secret_len(passphrase));
        secret_free(passphrase);
    }
}

static void
ids_with_a_wrong_tail_are_none(void **state)
{
    json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(list("not_ids", 5), i, v)
    {
        struct share_code code;

        if (words_parse_id(text_of(v, "id"), &code) != ERR_NOTFOUND)
            fail_msg("%s was taken", text_of(v, "why"));
    }
}

static void
sealed_metadata_of_the_vectors_opens(void **state)
{
    json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(list("vectors", 8), i, v)
    {
        struct share_code code = code_of(text_of(v, "code"));
        struct e2e_meta want = meta_of(v), got;

        assert_ok(e2e_meta_open(&code, text_of(v, "sealed"), &got));
        assert_same_meta(&want, &got);
    }
}

/* The JSON within what we seal is that of the vector, and as long. */
static void
what_we_seal_is_the_json_of_the_vectors_under_their_key(void **state)
{
    json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(list("vectors", 8), i, v)
    {
        struct share_code code = code_of(text_of(v, "code"));
        struct e2e_meta meta = meta_of(v);
        uint8_t bytes[E2E_META_MAX], key_bytes[GCM_KEY_LEN];
        char sealed[E2E_META_MAX + 1], again[E2E_META_MAX + 1];
        struct secret *key = NULL;
        struct buf json;
        size_t len = 0;

        buf_init(&json, E2E_META_MAX);
        assert_ok(e2e_meta_seal(&code, &meta, sealed));
        assert_int_equal(strlen(text_of(v, "sealed")), strlen(sealed));
        assert_ok(e2e_meta_len(&meta, &len));
        assert_int_equal(strlen(sealed), len);
        assert_ok(hex_decode(text_of(v, "meta_key"), key_bytes, sizeof(key_bytes)));
        assert_ok(secret_copy(key_bytes, sizeof(key_bytes), &key));
        assert_ok(b64url_decode(sealed, strlen(sealed), bytes, sizeof(bytes), &len));
        assert_ok(crypt_gcm_open(key, bytes, len, &json));
        assert_string_equal(text_of(v, "meta"), buf_text(&json));
        assert_ok(e2e_meta_seal(&code, &meta, again));
        assert_string_not_equal(sealed, again); /* a nonce of its own */
        buf_done(&json);
        secret_free(key);
    }
}

static void
is_refused(const char *why, const struct share_code *code, const char *sealed)
{
    struct e2e_meta meta, before;
    enum err e;

    memset(&meta, 0xa5, sizeof(meta));
    before = meta;
    e = e2e_meta_open(code, sealed, &meta);
    if (e != ERR_INTEGRITY)
        fail_msg("%s: %s", why, err_name(e));
    assert_memory_equal(&before, &meta, sizeof(meta));
}

static void
what_is_not_the_metadata_of_this_code_is_refused(void **state)
{
    json_t *v;
    size_t i;

    (void)state;
    json_array_foreach(list("refused", 40), i, v)
    {
        struct share_code code = code_of(text_of(v, "code"));

        is_refused(text_of(v, "why"), &code, text_of(v, "sealed"));
    }
}

static void
every_flipped_character_of_sealed_metadata_is_seen(void **state)
{
    const json_t *v = json_array_get(list("vectors", 8), 0);
    struct share_code code = code_of(text_of(v, "code"));
    char sealed[E2E_META_MAX + 1] = {0};

    (void)state;
    memcpy(sealed, text_of(v, "sealed"), strlen(text_of(v, "sealed")));
    for (size_t i = 0; sealed[i] != '\0'; i++) {
        char was = sealed[i];

        sealed[i] = was == 'A' ? 'B' : 'A';
        is_refused("a flipped character", &code, sealed);
        sealed[i] = was;
    }
    for (size_t len = strlen(sealed); len > 0; len--) {
        sealed[len - 1] = '\0';
        is_refused("cut", &code, sealed);
    }
}

/* `json` sealed under the key of the first vector, into `ret_text`. */
static void
seal_json(const char *json, char ret_text[E2E_META_MAX + 1])
{
    const json_t *v = json_array_get(list("vectors", 8), 0);
    uint8_t key_bytes[GCM_KEY_LEN];
    struct secret *key = NULL;
    struct buf sealed;

    buf_init(&sealed, E2E_META_MAX);
    assert_ok(hex_decode(text_of(v, "meta_key"), key_bytes, sizeof(key_bytes)));
    assert_ok(secret_copy(key_bytes, sizeof(key_bytes), &key));
    assert_ok(crypt_gcm_seal(key, json, strlen(json), &sealed));
    assert_true(B64URL_LEN(sealed.len) <= E2E_META_MAX);
    b64url_encode(sealed.data, sealed.len, ret_text);
    buf_done(&sealed);
    secret_free(key);
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static void
fields_in_another_order_and_unknown_ones_are_no_harm(void **state)
{
    const json_t *v = json_array_get(list("vectors", 8), 0);
    struct share_code code = code_of(text_of(v, "code"));
    struct e2e_meta want = {.name = "a\xc3\xa4", .type = "x", .size_bytes = INT64_MAX}, got;
    char sealed[E2E_META_MAX + 1];

    (void)state;
    seal_json(" {\"sha256\": \"" ZEROS "\", \"more\": [{\"name\": 5}], \"size\": "
              "9223372036854775807,\n\"type\":\"x\", \"name\":\"a\\u00e4\"}\n",
              sealed);
    assert_ok(e2e_meta_open(&code, sealed, &got));
    assert_same_meta(&want, &got);
    seal_json("{\"sha256\":\"" ZEROS
              "\",\"size\":9223372036854775808,\"type\":\"x\",\"name\":\"a\"}",
              sealed);
    is_refused("a size of 2^63", &code, sealed);
}

static void
json_that_is_nested_deeply_is_refused(void **state)
{
    const json_t *v = json_array_get(list("vectors", 8), 0);
    struct share_code code = code_of(text_of(v, "code"));
    char json[3001] = {0}, sealed[E2E_META_MAX + 1];

    (void)state;
    memset(json, '[', sizeof(json) - 1);
    seal_json(json, sealed);
    is_refused("deep", &code, sealed);
}

static void
what_cannot_be_said_in_json_is_not_sealed(void **state)
{
    struct share_code code = code_of("aim-art-bok-cod-cut-dab");
    char sealed[E2E_META_MAX + 1] = "before";
    struct e2e_meta bad[4] = {
        {.name = "a\xff"}, {.type = "\xc3"}, {.size_bytes = (uint64_t)INT64_MAX + 1}, {.name = ""}};
    struct e2e_meta good = {.name = "a", .type = "b", .size_bytes = INT64_MAX};
    size_t len = 77;

    (void)state;
    memset(bad[3].name, 'n', sizeof(bad[3].name)); /* without an end */
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_err(ERR_FIELD, e2e_meta_seal(&code, &bad[i], sealed));
        assert_err(ERR_FIELD, e2e_meta_len(&bad[i], &len));
    }
    assert_string_equal("before", sealed);
    assert_int_equal(77, len);
    assert_ok(e2e_meta_seal(&code, &good, sealed));
}

static void
sentences_repeat_nothing_of_the_code(void **state)
{
    struct share_code code = code_of("aim-art-bok-cod-cut-dab");
    struct e2e_meta meta;

    (void)state;
    assert_err(ERR_INTEGRITY, e2e_meta_open(&code, "AAAA", &meta));
    assert_non_null(strstr(err_sentence(), "sealed"));
    assert_null(strstr(err_sentence(), "bok"));
}

/* ---- the age files ---- */

static enum err
open_age(const json_t *vector, const char *code_text, struct buf *ret)
{
    const char *text = text_of(vector, "age");
    struct share_code code = code_of(code_text);
    struct source *file = NULL, *plain = NULL;
    struct secret *passphrase = NULL;
    uint8_t bytes[4096], piece[100];
    size_t len = 0, n = 1, n_digits = strcspn(text, "=");
    enum err e;

    assert_ok(b64_decode((const uint8_t *)text, n_digits, bytes, sizeof(bytes), &len));
    assert_int_equal(AGE_LOOK_YES, age_look(bytes, len));
    assert_ok(source_of_bytes(bytes, len, &file));
    assert_ok(e2e_passphrase(&code, &passphrase));
    e = age_source_new(&file, passphrase, AGE_WORK_OURS, &plain);
    secret_free(passphrase);
    while (e == ERR_OK && n > 0) {
        e = source_read(plain, piece, sizeof(piece), &n);
        if (e == ERR_OK)
            e = buf_add(ret, piece, n);
    }
    source_free(plain);
    return e;
}

static void
age_files_of_the_vectors_open_and_have_the_hash_of_their_metadata(void **state)
{
    size_t i, n_files = 0;
    json_t *v;

    (void)state;
    json_array_foreach(list("vectors", 8), i, v)
    {
        uint8_t want[4096], hash[SHA256_LEN];
        struct e2e_meta meta = meta_of(v);
        size_t len = 0;
        struct buf got;

        if (json_object_get(v, "age") == NULL)
            continue;
        n_files++;
        buf_init(&got, sizeof(want));
        assert_ok(open_age(v, text_of(v, "code"), &got));
        assert_ok(b64_decode((const uint8_t *)text_of(v, "plain"),
                             strcspn(text_of(v, "plain"), "="), want, sizeof(want), &len));
        assert_int_equal(len, got.len);
        assert_int_equal(len, meta.size_bytes);
        assert_memory_equal(want, buf_text(&got), len);
        assert_ok(crypt_sha256(buf_text(&got), got.len, hash));
        assert_memory_equal(meta.sha256, hash, SHA256_LEN);
        got.len = 0;
        assert_err(ERR_DENIED, open_age(v, "dab-art-bok-cod-cut-aim", &got));
        assert_int_equal(0, got.len);
        buf_done(&got);
    }
    assert_int_equal(2, n_files);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_passphrases_are_those_of_the_vectors),
        cmocka_unit_test(ids_with_a_wrong_tail_are_none),
        cmocka_unit_test(sealed_metadata_of_the_vectors_opens),
        cmocka_unit_test(what_we_seal_is_the_json_of_the_vectors_under_their_key),
        cmocka_unit_test(what_is_not_the_metadata_of_this_code_is_refused),
        cmocka_unit_test(every_flipped_character_of_sealed_metadata_is_seen),
        cmocka_unit_test(fields_in_another_order_and_unknown_ones_are_no_harm),
        cmocka_unit_test(json_that_is_nested_deeply_is_refused),
        cmocka_unit_test(what_cannot_be_said_in_json_is_not_sealed),
        cmocka_unit_test(sentences_repeat_nothing_of_the_code),
        cmocka_unit_test(age_files_of_the_vectors_open_and_have_the_hash_of_their_metadata),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
