/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include "base/mem.h"
#include "base/rnd.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What is pushed on is this long, but for the last push, so that the stage below writes whole
 * pages. AES can run up to one block ahead of it; the end adds a block of padding and the MAC. */
enum {
    PUSH_LEN = 64 * 1024,
    ROOM = PUSH_LEN + FERNET_BLOCK_LEN + FERNET_MAC_LEN,
};

struct fernet_sealer {
    struct sink sink;
    struct sink *next;
    EVP_MD_CTX *sha;
    EVP_CIPHER_CTX *aes;
    struct hmac mac;
    uint64_t plain_len;
    uint8_t sha256[SHA256_LEN];
    bool is_finished;
    size_t used; /* of `out`; below PUSH_LEN between calls */
    uint8_t out[ROOM];
};

/* MAC and push the first `len` bytes that wait, and move the few behind them to the front. */
static enum err
push(struct fernet_sealer *s, size_t len)
{
    enum err e = hmac_add(&s->mac, s->out, len);

    if (e == ERR_OK)
        e = sink_write(s->next, s->out, len);
    if (e != ERR_OK)
        return e;
    memmove(s->out, s->out + len, s->used - len);
    s->used -= len;
    return ERR_OK;
}

/* Hash and encrypt in steps that fill `out`: plaintext goes from the caller's memory to
 * ciphertext, and is never copied. */
static enum err
sealer_write(struct sink *sink, const uint8_t *bytes, size_t len)
{
    struct fernet_sealer *s = (struct fernet_sealer *)sink;

    assert(!s->is_finished);
    while (len > 0) {
        size_t step = PUSH_LEN - s->used < len ? PUSH_LEN - s->used : len, n = 0;
        enum err e = crypt_sha256_add(s->sha, bytes, step);

        if (e == ERR_OK)
            e = fernet_aes_add(s->aes, bytes, step, s->out + s->used, &n);
        if (e != ERR_OK)
            return e;
        s->used += n;
        s->plain_len += step;
        bytes += step;
        len -= step;
        if (s->used >= PUSH_LEN)
            e = push(s, PUSH_LEN);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static enum err
sealer_finish(struct sink *sink)
{
    struct fernet_sealer *s = (struct fernet_sealer *)sink;
    enum err e;

    assert(!s->is_finished);
    e = crypt_sha256_final(s->sha, s->sha256);
    if (e == ERR_OK)
        e = fernet_aes_finish(s->aes, s->out + s->used);
    if (e != ERR_OK)
        return e;
    s->used += FERNET_BLOCK_LEN;
    e = hmac_add(&s->mac, s->out, s->used);
    if (e == ERR_OK)
        e = hmac_final(&s->mac, s->out + s->used);
    if (e != ERR_OK)
        return e;
    s->used += FERNET_MAC_LEN;
    e = sink_write(s->next, s->out, s->used);
    if (e == ERR_OK)
        e = sink_finish(s->next);
    if (e == ERR_OK)
        s->is_finished = true;
    return e;
}

static void
sealer_free(struct sink *sink)
{
    struct fernet_sealer *s = (struct fernet_sealer *)sink;

    EVP_MD_CTX_free(s->sha);
    EVP_CIPHER_CTX_free(s->aes);
    hmac_done(&s->mac);
    sink_free(s->next);
    mem_wipe(s->sha256, sizeof(s->sha256)); /* tells a guessed plaintext from others */
    free(s);
}

enum err
fernet_sealer_new(const struct secret *key, int64_t now_s, struct sink **next,
                  struct fernet_sealer **ret_sealer)
{
    static const struct sink_ops ops = {sealer_write, sealer_finish, sealer_free};
    struct fernet_sealer *s = malloc(sizeof(*s));
    uint8_t iv[FERNET_BLOCK_LEN];
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a sealer");
    memset(s, 0, offsetof(struct fernet_sealer, out)); /* not the 64 KiB that are written anyway */
    s->sink.ops = &ops;
    e = rnd_bytes(iv, sizeof(iv));
    if (e == ERR_OK)
        e = crypt_sha256_new(&s->sha);
    if (e == ERR_OK)
        e = fernet_mac_init(&s->mac, key);
    if (e == ERR_OK)
        e = fernet_aes_new(key, FERNET_ENCRYPT, &s->aes);
    if (e == ERR_OK)
        e = fernet_aes_begin(s->aes, iv);
    if (e != ERR_OK)
        goto out;
    fernet_head(now_s, iv, s->out);
    s->used = FERNET_HEAD_LEN;
    s->next = *next;
    *next = NULL;
    *ret_sealer = s;
    s = NULL;
out:
    if (s != NULL)
        sealer_free(&s->sink);
    return e;
}

struct sink *
fernet_sealer_sink(struct fernet_sealer *s)
{
    return &s->sink;
}

void
fernet_sealer_result(const struct fernet_sealer *s, uint8_t ret_sha256[SHA256_LEN],
                     uint64_t *ret_plain_len)
{
    assert(s->is_finished);
    memcpy(ret_sha256, s->sha256, SHA256_LEN);
    *ret_plain_len = s->plain_len;
}
