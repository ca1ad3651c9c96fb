/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/age_int.h"

#include "base/mem.h"
#include "base/rnd.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_MAX = AGE_HEAD_LEN_MAX + AGE_START_LEN };

struct age_sealer {
    struct sink sink;
    struct sink *next;
    EVP_CIPHER_CTX *aead;
    uint64_t index;  /* of the next chunk */
    size_t head_len; /* waits in front of it; 0 after the first */
    size_t used;     /* plaintext that waits behind: a chunk is the last only when no more comes */
    bool is_finished;
    uint8_t out[HEAD_MAX + AGE_CHUNK_LEN + AGE_TAG_LEN];
};

/* Seal `len` bytes, which may be those that wait, as the next chunk, and push it. */
static enum err
push(struct age_sealer *s, const uint8_t *plain, size_t len, bool is_last)
{
    uint8_t nonce[AGE_NONCE_LEN];
    enum err e;

    age_chunk_nonce(s->index++, is_last, nonce);
    e = age_aead_seal(s->aead, nonce, plain, len, s->out + s->head_len);
    if (e == ERR_OK)
        e = sink_write(s->next, s->out, s->head_len + len + AGE_TAG_LEN);
    s->head_len = 0;
    s->used = 0;
    return e;
}

/* A chunk that lies whole in the caller's bytes is sealed from there. */
static enum err
sealer_write(struct sink *sink, const uint8_t *bytes, size_t len)
{
    struct age_sealer *s = (struct age_sealer *)sink;
    enum err e = ERR_OK;

    assert(!s->is_finished);
    while (e == ERR_OK && len > 0) {
        size_t room = AGE_CHUNK_LEN - s->used, step = room < len ? room : len;

        if (room == 0) {
            e = push(s, s->out + s->head_len, AGE_CHUNK_LEN, false);
            continue;
        }
        if (s->used == 0 && len > AGE_CHUNK_LEN) {
            e = push(s, bytes, AGE_CHUNK_LEN, false);
        } else {
            memcpy(s->out + s->head_len + s->used, bytes, step);
            s->used += step;
        }
        bytes += step;
        len -= step;
    }
    return e;
}

static enum err
sealer_finish(struct sink *sink)
{
    struct age_sealer *s = (struct age_sealer *)sink;
    enum err e;

    assert(!s->is_finished);
    s->is_finished = true;
    e = push(s, s->out + s->head_len, s->used, true);
    if (e == ERR_OK)
        e = sink_finish(s->next);
    return e;
}

static void
sealer_free(struct sink *sink)
{
    struct age_sealer *s = (struct age_sealer *)sink;

    EVP_CIPHER_CTX_free(s->aead);
    sink_free(s->next);
    mem_wipe(s->out, sizeof(s->out)); /* plaintext, when this is an abort */
    free(s);
}

/* Fresh keys; the header and the nonce of the payload wait in `out`. */
static enum err
begin(struct age_sealer *s, const struct secret *passphrase, unsigned work)
{
    struct age_header h = {.work = work};
    struct secret *file_key = NULL;
    uint8_t *start;
    enum err e;

    e = secret_random(AGE_FILE_KEY_LEN, &file_key);
    if (e == ERR_OK)
        e = rnd_bytes(h.salt, sizeof(h.salt));
    if (e == ERR_OK)
        e = age_wrap(passphrase, file_key, &h);
    if (e != ERR_OK)
        goto out;
    s->head_len = age_header_write(&h, s->out);
    e = age_header_mac(file_key, s->out, s->head_len, h.mac);
    if (e != ERR_OK)
        goto out;
    s->head_len += age_header_write_mac(h.mac, s->out + s->head_len);
    start = s->out + s->head_len;
    s->head_len += AGE_START_LEN;
    e = rnd_bytes(start, AGE_START_LEN);
    if (e == ERR_OK)
        e = age_payload_new(file_key, start, AGE_SEAL, &s->aead);
out:
    secret_free(file_key);
    return e;
}

enum err
age_sealer_new(const struct secret *passphrase, unsigned work, struct sink **next,
               struct sink **ret_sink)
{
    static const struct sink_ops ops = {sealer_write, sealer_finish, sealer_free};
    struct age_sealer *s;
    enum err e;

    if (secret_len(passphrase) == 0)
        return err_set(ERR_FIELD, "an empty passphrase");
    if (work < 1 || work > AGE_WORK_LIMIT)
        return err_set(ERR_FIELD, "a work factor that is not from 1 to %d", AGE_WORK_LIMIT);
    s = malloc(sizeof(*s));
    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a sealer");
    memset(s, 0, offsetof(struct age_sealer, out));
    s->sink.ops = &ops;
    e = begin(s, passphrase, work);
    if (e != ERR_OK) {
        sealer_free(&s->sink);
        return e;
    }
    s->next = *next;
    *next = NULL;
    *ret_sink = &s->sink;
    return ERR_OK;
}

uint64_t
age_file_len(uint64_t plain_len, unsigned work)
{
    uint64_t n_chunks = plain_len == 0 ? 1 : (plain_len - 1) / AGE_CHUNK_LEN + 1;
    uint64_t head_len = AGE_HEAD_LEN_MAX - (work < 10); /* a digit less */

    assert(plain_len < UINT64_C(1) << 63);
    return head_len + AGE_START_LEN + plain_len + n_chunks * AGE_TAG_LEN;
}
