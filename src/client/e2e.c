/* SPDX-License-Identifier: Apache-2.0 */
#include "client/e2e.h"

#include "base/enc.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

static const char id_info[] = "mayfly e2e id v1", meta_info[] = "mayfly e2e meta v1";

enum {
    ID_KEY_LEN = 16,
    AROUND_LEN = GCM_NONCE_LEN + GCM_TAG_LEN,
    SEALED_MAX = E2E_META_MAX / 4 * 3,
    JSON_MAX = SEALED_MAX - AROUND_LEN,
    ESCAPED_LEN = 6, /* of a control character in JSON, the longest of all */
    FRAME_LEN = sizeof("{'name':'','type':'','size':9223372036854775807,'sha256':''}") - 1,
};

_Static_assert(FRAME_LEN + ESCAPED_LEN * (E2E_NAME_LEN + E2E_TYPE_LEN) + HEX_LEN(SHA256_LEN) <=
                   JSON_MAX,
               "metadata of every kind fits");

/* ---- derivations ---- */

enum err
e2e_passphrase(const struct share_code *code, struct secret **ret_passphrase)
{
    assert(code->n_words == CODE_WORDS_E2E);
    return secret_copy(code->text, strnlen(code->text, sizeof(code->text)), ret_passphrase);
}

static enum err
derive(const struct share_code *code, const char *info, size_t len, struct secret **ret_key)
{
    struct secret *words = NULL;
    enum err e = e2e_passphrase(code, &words);

    if (e == ERR_OK)
        e = crypt_hkdf(words, info, strlen(info), len, ret_key);
    secret_free(words);
    return e;
}

enum err
e2e_id(const struct share_code *code, char ret_id[CODE_ID_LEN + 1])
{
    struct secret *key = NULL;
    enum err e = derive(code, id_info, ID_KEY_LEN, &key);

    _Static_assert(B32_LEN(ID_KEY_LEN) == CODE_ID_LEN, "an id is 16 bytes");
    if (e == ERR_OK)
        b32_encode(secret_bytes(key), ID_KEY_LEN, ret_id);
    secret_free(key);
    return e;
}

/* ---- the JSON within ---- */

static bool
is_text(const char *text, size_t cap)
{
    size_t len = strnlen(text, cap);

    return len < cap && text_is_utf8(text, len);
}

/* Write the JSON, compact, and say how long it is. */
static enum err
json_write(const struct e2e_meta *meta, char ret_text[JSON_MAX], size_t *ret_len)
{
    char hex[HEX_LEN(SHA256_LEN) + 1];
    json_t *json;
    size_t len;

    if (!is_text(meta->name, sizeof(meta->name)) || !is_text(meta->type, sizeof(meta->type)))
        return err_set(ERR_FIELD, "the name or type of the file is no UTF-8, or too long");
    if (meta->size_bytes > INT64_MAX)
        return err_set(ERR_FIELD, "the file is too large");
    hex_encode(meta->sha256, SHA256_LEN, hex);
    json = json_pack("{s:s, s:s, s:I, s:s}", "name", meta->name, "type", meta->type, "size",
                     (json_int_t)meta->size_bytes, "sha256", hex);
    len = json == NULL ? 0 : json_dumpb(json, ret_text, JSON_MAX, JSON_COMPACT);
    json_decref(json);
    if (len == 0 || len > JSON_MAX)
        return err_set(ERR_NOMEM, "no memory for the description of the file");
    *ret_len = len;
    return ERR_OK;
}

/* Copy the text `name` of `json` to `ret`; false when there is none that fits. Needs no look for
 * NUL: jansson takes none within a text. */
static bool
take_text(const json_t *json, const char *name, size_t cap, char *ret)
{
    const json_t *value = json_object_get(json, name);

    if (!json_is_string(value) || json_string_length(value) >= cap)
        return false;
    memcpy(ret, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static bool
take_hash(const json_t *json, uint8_t ret_hash[SHA256_LEN])
{
    char hex[HEX_LEN(SHA256_LEN) + 1];

    return take_text(json, "sha256", sizeof(hex), hex) && strpbrk(hex, "ABCDEF") == NULL &&
           hex_decode(hex, ret_hash, SHA256_LEN) == ERR_OK;
}

static enum err
json_read(const struct buf *text, struct e2e_meta *ret_meta)
{
    json_error_t why;
    json_t *json = json_loadb(buf_text(text), text->len, JSON_REJECT_DUPLICATES, &why);
    const json_t *size = json_object_get(json, "size");
    struct e2e_meta meta = {0};
    bool is_meta = json_is_integer(size) && json_integer_value(size) >= 0 &&
                   take_text(json, "name", sizeof(meta.name), meta.name) &&
                   take_text(json, "type", sizeof(meta.type), meta.type) &&
                   take_hash(json, meta.sha256);
    bool is_starved = json == NULL && json_error_code(&why) == json_error_out_of_memory;

    if (is_meta) {
        meta.size_bytes = (uint64_t)json_integer_value(size);
        *ret_meta = meta;
    }
    json_decref(json);
    if (is_starved)
        return err_set(ERR_NOMEM, "no memory for the description of the file");
    if (!is_meta)
        return err_set(ERR_INTEGRITY, "the description of the file is in a form that is unknown");
    return ERR_OK;
}

/* ---- sealed ---- */

enum err
e2e_meta_len(const struct e2e_meta *meta, size_t *ret_len)
{
    char json[JSON_MAX];
    size_t len = 0;
    enum err e = json_write(meta, json, &len);

    if (e == ERR_OK)
        *ret_len = B64URL_LEN(len + AROUND_LEN);
    mem_wipe(json, sizeof(json));
    return e;
}

enum err
e2e_meta_seal(const struct share_code *code, const struct e2e_meta *meta,
              char ret_text[E2E_META_MAX + 1])
{
    struct secret *key = NULL;
    char json[JSON_MAX];
    struct buf sealed;
    size_t len = 0;
    enum err e;

    buf_init(&sealed, SEALED_MAX);
    e = json_write(meta, json, &len);
    if (e == ERR_OK)
        e = derive(code, meta_info, GCM_KEY_LEN, &key);
    if (e == ERR_OK)
        e = crypt_gcm_seal(key, json, len, &sealed);
    if (e == ERR_OK)
        b64url_encode(sealed.data, sealed.len, ret_text);
    buf_done(&sealed);
    secret_free(key);
    mem_wipe(json, sizeof(json));
    return e;
}

static enum err
refuse(void)
{
    return err_set(ERR_INTEGRITY,
                   "the description of the file is not what was sealed with this code");
}

enum err
e2e_meta_open(const struct share_code *code, const char *text, struct e2e_meta *ret_meta)
{
    size_t text_len = strnlen(text, E2E_META_MAX + 1), len = 0;
    uint8_t sealed[SEALED_MAX];
    struct secret *key = NULL;
    struct buf json;
    enum err e;

    if (text_len > E2E_META_MAX || strchr(text, '=') != NULL ||
        b64url_decode(text, text_len, sealed, sizeof(sealed), &len) != ERR_OK)
        return refuse();
    buf_init(&json, JSON_MAX);
    e = derive(code, meta_info, GCM_KEY_LEN, &key);
    if (e == ERR_OK)
        e = crypt_gcm_open(key, sealed, len, &json);
    if (e == ERR_INTEGRITY)
        e = refuse();
    if (e == ERR_OK)
        e = json_read(&json, ret_meta);
    buf_done(&json);
    secret_free(key);
    return e;
}
