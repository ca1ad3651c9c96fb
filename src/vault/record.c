/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed part of a record, in clear (docs/formats.md):
 *   version | Fernet key of the blob, 32 | SHA-256 of the plaintext, 32
 *   | length, 2, big-endian | file name, UTF-8 | length, 2 | MIME type, ASCII
 *   | with version 0x02: length, 2 | what the sender sealed about the file
 * sealed as one Fernet token under HKDF-SHA256(pepper, info = "mayfly record v1" || code).
 * Version 0x02 is for end-to-end uploads, 0x01 for all others. */
#include "base/mem.h"
#include "vault/vault_int.h"

#include <stdlib.h>
#include <string.h>

enum {
    VERSION_PLAIN = 0x01,
    VERSION_E2E = 0x02,
    FIXED_LEN = 1 + FERNET_KEY_LEN + SHA256_LEN,
    /* each text has two bytes of length in front instead of its NUL */
    PLAIN_MAX =
        FIXED_LEN + 2 + VAULT_NAME_LEN - 1 + 2 + VAULT_TYPE_LEN - 1 + 2 + VAULT_E2E_META_MAX,
    TOKEN_MAX =
        FERNET_HEAD_LEN + (PLAIN_MAX / FERNET_BLOCK_LEN + 1) * FERNET_BLOCK_LEN + FERNET_MAC_LEN,
};
_Static_assert((int)TOKEN_MAX <= (int)RECORD_SEALED_MAX, "a store takes every record");

static const char info_label[] = "mayfly record v1";

enum err
sealed_part_set_e2e_meta(struct sealed_part *part, const void *text, size_t len)
{
    char *copy;

    if (len > VAULT_E2E_META_MAX)
        return err_set(ERR_TOOBIG, "the text of an end-to-end upload is too long");
    copy = malloc(len + 1);
    if (copy == NULL)
        return err_set(ERR_NOMEM, "no memory for the text of an end-to-end upload");
    memcpy(copy, text, len);
    copy[len] = '\0';
    part->e2e_meta = copy;
    return ERR_OK;
}

void
sealed_part_done(struct sealed_part *part)
{
    secret_free(part->file_key);
    if (part->e2e_meta != NULL)
        mem_wipe(part->e2e_meta, strlen(part->e2e_meta));
    free(part->e2e_meta);
    mem_wipe(part, sizeof(*part));
}

/* The key that seals the record of `code`. The caller frees it. */
static enum err
record_key(struct vault *v, const struct share_code *code, struct secret **ret_key)
{
    char info[sizeof(info_label) + CODE_TEXT_LEN];
    size_t label_len = sizeof(info_label) - 1, code_len = strlen(code->text);
    enum err e;

    memcpy(info, info_label, label_len);
    memcpy(info + label_len, code->text, code_len);
    e = crypt_hkdf(v->cfg.pepper, info, label_len + code_len, FERNET_KEY_LEN, ret_key);
    mem_wipe(info, sizeof(info));
    return e;
}

static enum err
add_text(struct buf *b, const char *text)
{
    size_t len = strlen(text);
    const uint8_t head[2] = {(uint8_t)(len >> 8), (uint8_t)len};
    enum err e = buf_add(b, head, sizeof(head));

    return e == ERR_OK ? buf_add(b, text, len) : e;
}

enum err
record_seal(struct vault *v, const struct share_code *code, const struct sealed_part *part,
            struct record *rec)
{
    const uint8_t version = code->n_words == 0 ? VERSION_E2E : VERSION_PLAIN;
    struct secret *key = NULL;
    struct buf plain, token;
    enum err e;

    buf_init(&plain, PLAIN_MAX);
    buf_init(&token, sizeof(rec->sealed));
    e = record_key(v, code, &key);
    if (e == ERR_OK)
        e = buf_add(&plain, &version, 1);
    if (e == ERR_OK)
        e = buf_add(&plain, secret_bytes(part->file_key), FERNET_KEY_LEN);
    if (e == ERR_OK)
        e = buf_add(&plain, part->meta.sha256, SHA256_LEN);
    if (e == ERR_OK)
        e = add_text(&plain, part->meta.name);
    if (e == ERR_OK)
        e = add_text(&plain, part->meta.type);
    if (e == ERR_OK && version == VERSION_E2E)
        e = add_text(&plain, part->e2e_meta == NULL ? "" : part->e2e_meta);
    if (e == ERR_OK)
        e = fernet_seal(key, rec->created_at_s, plain.data, plain.len, &token);
    if (e == ERR_OK) {
        memcpy(rec->sealed, token.data, token.len);
        rec->sealed_len = token.len;
    }
    secret_free(key);
    buf_done(&plain);
    buf_done(&token);
    return e;
}

/* Take a text of at most cap - 1 bytes off the front of `p`, which moves on behind it. */
static enum err
take_text(const uint8_t **p, size_t *left, size_t cap, const uint8_t **ret_text, size_t *ret_len)
{
    size_t len;

    if (*left < 2)
        return err_set(ERR_INTEGRITY, "a sealed record is too short");
    len = (size_t)((*p)[0] << 8 | (*p)[1]);
    if (len > *left - 2 || len >= cap)
        return err_set(ERR_INTEGRITY, "a sealed record has a wrong length");
    *ret_text = *p + 2;
    *ret_len = len;
    *p += 2 + len;
    *left -= 2 + len;
    return ERR_OK;
}

static enum err
copy_text(const uint8_t **p, size_t *left, char *ret_text, size_t cap)
{
    const uint8_t *text = NULL;
    size_t len = 0;
    enum err e = take_text(p, left, cap, &text, &len);

    if (e != ERR_OK)
        return e;
    memcpy(ret_text, text, len);
    ret_text[len] = '\0';
    return ERR_OK;
}

static enum err
take_e2e_meta(const uint8_t **p, size_t *left, struct sealed_part *part)
{
    const uint8_t *text = NULL;
    size_t len = 0;
    enum err e = take_text(p, left, VAULT_E2E_META_MAX + 1, &text, &len);

    return e == ERR_OK && len > 0 ? sealed_part_set_e2e_meta(part, text, len) : e;
}

/* What was taken before an error stays in `part`. */
static enum err
parse(const struct buf *plain, struct sealed_part *part)
{
    const uint8_t *p = plain->data;
    size_t left = plain->len;
    uint8_t version;
    enum err e;

    if (left < FIXED_LEN || (p[0] != VERSION_PLAIN && p[0] != VERSION_E2E))
        return err_set(ERR_INTEGRITY, "a sealed record of another version");
    version = p[0];
    memcpy(part->meta.sha256, p + 1 + FERNET_KEY_LEN, SHA256_LEN);
    p += FIXED_LEN;
    left -= FIXED_LEN;
    e = copy_text(&p, &left, part->meta.name, sizeof(part->meta.name));
    if (e == ERR_OK)
        e = copy_text(&p, &left, part->meta.type, sizeof(part->meta.type));
    if (e == ERR_OK && version == VERSION_E2E)
        e = take_e2e_meta(&p, &left, part);
    if (e == ERR_OK && left > 0)
        e = err_set(ERR_INTEGRITY, "a sealed record has bytes left over");
    if (e == ERR_OK)
        e = secret_copy(plain->data + 1, FERNET_KEY_LEN, &part->file_key);
    return e;
}

enum err
record_open(struct vault *v, const struct share_code *code, const struct record *rec,
            struct sealed_part *ret_part)
{
    struct sealed_part part = {0};
    struct secret *key = NULL;
    struct buf plain;
    enum err e;

    buf_init(&plain, PLAIN_MAX);
    e = record_key(v, code, &key);
    if (e == ERR_OK)
        e = fernet_open(key, rec->sealed, rec->sealed_len, &plain);
    if (e == ERR_OK)
        e = parse(&plain, &part);
    if (e == ERR_OK) {
        part.meta.size_bytes = rec->size_bytes;
        *ret_part = part;
        part = (struct sealed_part){0};
    }
    secret_free(key);
    buf_done(&plain);
    sealed_part_done(&part);
    return e;
}
