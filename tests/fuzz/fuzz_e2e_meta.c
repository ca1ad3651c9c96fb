/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata of an end-to-end upload. The first byte says what the rest is:
 *   0: what a server gives. It opens to nothing.
 *   1: JSON that was sealed with the right key, so that the way behind the tag is seen too. It is
 *      refused, or opens to metadata that seals and opens to itself.
 *   2: metadata: a name, a NUL, a type, a NUL, a size. Sealed, it opens to itself; with a character
 *      changed, never. */
#include "client/e2e.h"

#include "base/enc.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { JSON_MAX = E2E_META_MAX / 4 * 3 - GCM_NONCE_LEN - GCM_TAG_LEN };

static struct share_code code;
static struct secret *key; /* of the metadata under `code` */

static void
require(bool claim)
{
    if (!claim)
        abort();
}

static void
set_up(void)
{
    static const char info[] = "mayfly e2e meta v1";
    struct secret *words = NULL;
    bool locked;

    require(crypt_init(&locked) == ERR_OK);
    require(words_parse(words_builtin(), CODE_WORDS_E2E, "velvet-canyon-oboe-thrift-cargo-ember",
                        &code) == ERR_OK);
    require(e2e_passphrase(&code, &words) == ERR_OK);
    require(crypt_hkdf(words, info, sizeof(info) - 1, GCM_KEY_LEN, &key) == ERR_OK);
    secret_free(words);
}

/* It opens, or is refused as a whole. */
static bool
opens(const char *text, struct e2e_meta *ret_meta)
{
    struct e2e_meta before = *ret_meta;
    enum err e = e2e_meta_open(&code, text, ret_meta);

    require(e == ERR_OK || (e == ERR_INTEGRITY && err_sentence()[0] != '\0' &&
                            memcmp(&before, ret_meta, sizeof(before)) == 0));
    return e == ERR_OK;
}

static bool
is_same(const struct e2e_meta *a, const struct e2e_meta *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->type, b->type) == 0 &&
           a->size_bytes == b->size_bytes && mem_equal(a->sha256, b->sha256, SHA256_LEN);
}

/* `meta` can be sealed: it opens to itself, and not when the character at `at` is another. */
static void
check_meta(const struct e2e_meta *meta, size_t at)
{
    char text[E2E_META_MAX + 1];
    struct e2e_meta got;
    size_t len = 0;

    memset(&got, 0xa5, sizeof(got));
    require(strnlen(meta->name, sizeof(meta->name)) < sizeof(meta->name));
    require(strnlen(meta->type, sizeof(meta->type)) < sizeof(meta->type));
    require(meta->size_bytes <= INT64_MAX);
    require(e2e_meta_seal(&code, meta, text) == ERR_OK);
    require(e2e_meta_len(meta, &len) == ERR_OK && len == strlen(text) && len <= E2E_META_MAX);
    require(opens(text, &got) && is_same(meta, &got));
    text[at % len] = text[at % len] == 'A' ? 'B' : 'A';
    require(!opens(text, &got));
}

static void
check_json(const uint8_t *json, size_t len)
{
    char text[E2E_META_MAX + 1];
    struct e2e_meta got;
    struct buf sealed;

    if (len > JSON_MAX)
        return;
    memset(&got, 0xa5, sizeof(got));
    buf_init(&sealed, E2E_META_MAX);
    require(crypt_gcm_seal(key, json, len, &sealed) == ERR_OK);
    b64url_encode(sealed.data, sealed.len, text);
    if (opens(text, &got))
        check_meta(&got, len);
    buf_done(&sealed);
}

/* Take up to a NUL from `*data` into `ret`, as much as fits. */
static void
take(const uint8_t **data, size_t *size, size_t cap, char *ret)
{
    const uint8_t *end = memchr(*data, '\0', *size);
    size_t len = end == NULL ? *size : (size_t)(end - *data), used = len < cap ? len : cap;

    memcpy(ret, *data, used);
    *data += len + (end != NULL);
    *size -= len + (end != NULL);
}

static void
check_fields(const uint8_t *data, size_t size)
{
    struct e2e_meta meta = {0};
    char text[E2E_META_MAX + 1] = "before";

    take(&data, &size, sizeof(meta.name), meta.name);
    take(&data, &size, sizeof(meta.type), meta.type);
    for (size_t i = 0; i < size && i < 8; i++)
        meta.size_bytes = meta.size_bytes << 8 | data[i];
    memset(meta.sha256, (int)size, SHA256_LEN);
    if (e2e_meta_seal(&code, &meta, text) == ERR_OK)
        check_meta(&meta, size * 31);
    else
        require(strcmp(text, "before") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct e2e_meta got;
    char *text;

    if (key == NULL)
        set_up();
    if (size == 0)
        return 0;
    memset(&got, 0xa5, sizeof(got));
    if (data[0] % 3 == 1) {
        check_json(data + 1, size - 1);
    } else if (data[0] % 3 == 2) {
        check_fields(data + 1, size - 1);
    } else {
        text = strndup((const char *)data + 1, size - 1);
        require(text != NULL);
        require(!opens(text, &got));
        free(text);
    }
    return 0;
}
