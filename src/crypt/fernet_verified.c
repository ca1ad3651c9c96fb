/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static size_t
least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* Read chunk `index` into our own memory and see that it is what was verified. From then on the
 * bytes below may change as they like. */
static enum err
load(struct fernet_verified *v, uint64_t index)
{
    uint64_t off = index * v->chunk;
    size_t len = FERNET_BLOCK_LEN + least(v->cipher_len - off, v->chunk);
    uint8_t tag[FERNET_TAG_LEN];
    enum err e;

    /* The block before the chunk is ciphertext, or the IV, which ends the head. */
    v->loaded = UINT64_MAX;
    e = reader_read_at(v->token, FERNET_HEAD_LEN - FERNET_BLOCK_LEN + off, v->buf, len);
    if (e == ERR_OK)
        e = fernet_gmac(v->gmac, index, v->buf, len, tag);
    if (e != ERR_OK)
        return e;
    if (!mem_equal(tag, v->tags + index * FERNET_TAG_LEN, FERNET_TAG_LEN))
        return err_set(ERR_INTEGRITY, "a token changed after it was verified");
    v->loaded = index;
    return ERR_OK;
}

/* Decrypt the blocks at `at`, of the loaded chunk: whole ones straight to the caller, or else the
 * one of which the caller has room for, or wants, only a part. `ret_len` is 0 then. */
static enum err
decrypt(struct fernet_verified *v, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    size_t in_chunk = (size_t)(v->at % v->chunk), skip = in_chunk % FERNET_BLOCK_LEN;
    const uint8_t *before = v->buf + in_chunk - skip; /* the block before, which is the IV */
    size_t want = least(v->end - v->at, least(v->chunk - in_chunk, cap));
    size_t whole = skip > 0 ? 0 : want / FERNET_BLOCK_LEN * FERNET_BLOCK_LEN, n = 0;
    enum err e;

    e = fernet_aes_begin(v->aes, before);
    if (e == ERR_OK && whole > 0)
        e = fernet_aes_add(v->aes, before + FERNET_BLOCK_LEN, whole, ret_bytes, &n);
    else if (e == ERR_OK)
        e = fernet_aes_add(v->aes, before + FERNET_BLOCK_LEN, FERNET_BLOCK_LEN, v->spill, &n);
    if (e != ERR_OK)
        return e;
    if (whole == 0)
        v->spill_at = skip;
    *ret_len = whole;
    return ERR_OK;
}

static enum err
chunks_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct fernet_verified *v = (struct fernet_verified *)source;
    size_t n = 0;
    enum err e = ERR_OK;

    if (v->at < v->end && v->spill_at == FERNET_BLOCK_LEN) {
        if (v->at / v->chunk != v->loaded)
            e = load(v, v->at / v->chunk);
        if (e == ERR_OK)
            e = decrypt(v, ret_bytes, cap, &n);
        if (e != ERR_OK)
            return e;
    }
    if (n == 0) {
        n = least(v->end - v->at, least(FERNET_BLOCK_LEN - v->spill_at, cap));
        memcpy(ret_bytes, v->spill + v->spill_at, n);
        v->spill_at += n;
    }
    v->at += n;
    *ret_len = n;
    return ERR_OK;
}

static enum err
memory_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct fernet_verified *v = (struct fernet_verified *)source;
    size_t n = least(v->end - v->at, cap);

    memcpy(ret_bytes, v->buf + FERNET_HEAD_LEN + v->at, n);
    v->at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
verified_source_free(struct source *source)
{
    fernet_verified_free((struct fernet_verified *)source);
}

uint64_t
fernet_verified_len(const struct fernet_verified *v)
{
    return v->plain_len;
}

enum err
fernet_verified_source(struct fernet_verified **v, uint64_t from, uint64_t len,
                       struct source **ret_source)
{
    static const struct source_ops chunks = {chunks_read, verified_source_free},
                                   memory = {memory_read, verified_source_free};
    struct fernet_verified *own = *v;

    if (from > own->plain_len || len > own->plain_len - from)
        return err_set(ERR_RANGE, "a range beyond the end of a plaintext");
    own->source.ops = own->token == NULL ? &memory : &chunks;
    own->at = from;
    own->end = from + len;
    own->loaded = UINT64_MAX;
    own->spill_at = FERNET_BLOCK_LEN;
    *v = NULL;
    *ret_source = &own->source;
    return ERR_OK;
}

void
fernet_verified_free(struct fernet_verified *v)
{
    if (v == NULL)
        return;
    reader_free(v->token);
    if (v->buf != NULL)
        mem_wipe(v->buf, v->buf_len);
    free(v->buf);
    free(v->tags);
    EVP_CIPHER_CTX_free(v->aes);
    EVP_CIPHER_CTX_free(v->gmac);
    mem_wipe(v, sizeof(*v)); /* the spilled block */
    free(v);
}
