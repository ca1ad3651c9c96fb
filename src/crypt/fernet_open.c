/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROOM = 64 * 1024,
    TAIL_LEN = FERNET_BLOCK_LEN + FERNET_MAC_LEN, /* held back until the MAC was seen */
};

struct fernet_source {
    struct source source;
    struct source *token;
    EVP_CIPHER_CTX *aes;
    struct hmac mac;
    uint64_t token_len;              /* bytes of the token seen so far */
    bool is_begun, is_end, is_whole; /* head read; nothing follows in `in`; MAC and padding right */
    uint8_t spill[FERNET_BLOCK_LEN]; /* plaintext that did not fit in the caller's bytes */
    size_t spill_at, spill_end;
    size_t at, used; /* of `in` */
    uint8_t in[ROOM];
};

/* Make `in` hold as much as it can, or all there is. */
static enum err
fill(struct fernet_source *s)
{
    memmove(s->in, s->in + s->at, s->used - s->at);
    s->used -= s->at;
    s->at = 0;
    while (!s->is_end && s->used < ROOM) {
        size_t n = 0;
        enum err e = source_read(s->token, s->in + s->used, ROOM - s->used, &n);

        if (e != ERR_OK)
            return e;
        s->is_end = n == 0;
        s->used += n;
        s->token_len += n;
    }
    return ERR_OK;
}

static enum err
take_head(struct fernet_source *s)
{
    enum err e;

    if (s->used < FERNET_LEN_MIN || !fernet_is_version(s->in[0]))
        return fernet_refuse();
    e = hmac_add(&s->mac, s->in, FERNET_HEAD_LEN);
    if (e == ERR_OK)
        e = fernet_aes_begin(s->aes, fernet_head_iv(s->in));
    s->at = FERNET_HEAD_LEN;
    s->is_begun = true;
    return e;
}

/* Decrypt `len` bytes, whole blocks, to `ret`. */
static enum err
decrypt(struct fernet_source *s, size_t len, uint8_t *ret)
{
    size_t n = 0;
    enum err e = hmac_add(&s->mac, s->in + s->at, len);

    if (e == ERR_OK)
        e = fernet_aes_add(s->aes, s->in + s->at, len, ret, &n);
    s->at += len;
    return e;
}

/* The last block and the MAC are all that is left: the token is whole or it is refused. */
static enum err
take_tail(struct fernet_source *s)
{
    uint8_t mac[FERNET_MAC_LEN];
    size_t pad_len;
    enum err e;

    e = decrypt(s, FERNET_BLOCK_LEN, s->spill);
    if (e == ERR_OK)
        e = hmac_final(&s->mac, mac);
    if (e != ERR_OK)
        goto out;
    if (!mem_equal(mac, s->in + s->at, FERNET_MAC_LEN)) {
        e = fernet_refuse();
        goto out;
    }
    pad_len = fernet_pad_len(s->spill);
    if (pad_len == 0) {
        e = fernet_refuse();
        goto out;
    }
    s->is_whole = true;
    s->spill_at = 0;
    s->spill_end = FERNET_BLOCK_LEN - pad_len;
out:
    mem_wipe(mac, sizeof(mac));
    return e;
}

/* With nothing spilled: decrypt on, to the caller's bytes where a block fits, else to the spill. */
static enum err
advance(struct fernet_source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    size_t ready, n;
    enum err e = ERR_OK;

    if (s->used - s->at < TAIL_LEN + FERNET_BLOCK_LEN)
        e = fill(s);
    if (e == ERR_OK && !s->is_begun)
        e = take_head(s);
    if (e != ERR_OK)
        return e;
    if (s->is_end && !fernet_is_len(s->token_len))
        return fernet_refuse();
    ready = (s->used - s->at - TAIL_LEN) / FERNET_BLOCK_LEN * FERNET_BLOCK_LEN;
    if (ready == 0)
        return take_tail(s);
    n = cap / FERNET_BLOCK_LEN * FERNET_BLOCK_LEN;
    n = n < ready ? n : ready;
    if (n == 0) {
        s->spill_at = 0;
        s->spill_end = FERNET_BLOCK_LEN;
        return decrypt(s, FERNET_BLOCK_LEN, s->spill);
    }
    e = decrypt(s, n, ret_bytes);
    if (e == ERR_OK)
        *ret_len = n;
    return e;
}

static enum err
open_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct fernet_source *s = (struct fernet_source *)source;
    size_t n = 0;
    enum err e;

    while (s->spill_at == s->spill_end && !s->is_whole) {
        e = advance(s, ret_bytes, cap, &n);
        if (e == ERR_OK && n > 0)
            *ret_len = n;
        if (e != ERR_OK || n > 0)
            return e;
    }
    n = s->spill_end - s->spill_at < cap ? s->spill_end - s->spill_at : cap;
    memcpy(ret_bytes, s->spill + s->spill_at, n);
    s->spill_at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
open_free(struct source *source)
{
    struct fernet_source *s = (struct fernet_source *)source;

    source_free(s->token);
    EVP_CIPHER_CTX_free(s->aes);
    hmac_done(&s->mac);
    mem_wipe(s->spill, sizeof(s->spill));
    free(s);
}

enum err
fernet_source_new(struct source **token, const struct secret *key, struct source **ret_source)
{
    static const struct source_ops ops = {open_read, open_free};
    struct fernet_source *s = malloc(sizeof(*s));
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a stage");
    memset(s, 0, offsetof(struct fernet_source, in));
    s->source.ops = &ops;
    e = fernet_mac_init(&s->mac, key);
    if (e == ERR_OK)
        e = fernet_aes_new(key, FERNET_DECRYPT, &s->aes);
    if (e != ERR_OK)
        goto out;
    s->token = *token;
    *token = NULL;
    *ret_source = &s->source;
    s = NULL;
out:
    if (s != NULL)
        open_free(&s->source);
    return e;
}
