/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/age_int.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEALED_LEN = AGE_CHUNK_LEN + AGE_TAG_LEN,
    ROOM = SEALED_LEN + 1, /* a chunk, and the byte that tells that it is not the last */
};

struct age_source {
    struct source source;
    struct source *file; /* in its binary form */
    EVP_CIPHER_CTX *aead;
    uint64_t index; /* of the next chunk */
    bool is_armored;
    bool is_end;          /* nothing follows in `in` */
    bool is_last;         /* the last chunk was opened */
    size_t at, plain_len; /* of the chunk that was opened, at the front of `in` */
    size_t next, used;    /* of `in`: what is not opened yet */
    uint8_t in[ROOM];
};

/* One read more, so that `in` has up to `want` bytes. */
static enum err
read_on(struct age_source *s, size_t want)
{
    size_t n = 0;
    enum err e = source_read(s->file, s->in + s->used, want - s->used, &n);

    if (e != ERR_OK)
        return e;
    s->is_end = n == 0;
    s->used += n;
    return ERR_OK;
}

/* Move what is not opened to the front of `in`, and make it `want` bytes, or all there is. */
static enum err
fill(struct age_source *s, size_t want)
{
    enum err e = ERR_OK;

    memmove(s->in, s->in + s->next, s->used - s->next);
    s->used -= s->next;
    s->next = 0;
    while (e == ERR_OK && !s->is_end && s->used < want)
        e = read_on(s, want);
    return e;
}

/* ---- the header ---- */

/* The first bytes tell whether a stage for the armor is needed below. */
static enum err
detect(struct age_source *s)
{
    struct source *armor = NULL;
    enum err e = read_on(s, AGE_ARMOR_ROOM);

    if (e != ERR_OK || s->is_end || !age_is_armor(s->in[0]))
        return e;
    e = age_armor_new(&s->file, s->in, s->used, &armor);
    if (e != ERR_OK)
        return e;
    s->file = armor;
    s->is_armored = true;
    s->used = 0;
    return ERR_OK;
}

static enum err
read_header(struct age_source *s, struct age_header *ret)
{
    enum age_form form = age_header_read(s->in, s->used, ret);
    enum err e;

    while (form == AGE_PARTIAL && !s->is_end && s->used < AGE_HEADER_MAX) {
        e = read_on(s, AGE_HEADER_MAX);
        if (e != ERR_OK)
            return e;
        form = age_header_read(s->in, s->used, ret);
    }
    if (form == AGE_PARTIAL && !s->is_end)
        return err_set(ERR_SYNTAX, "an age header of more than %d bytes", AGE_HEADER_MAX);
    if (form != AGE_WELL_FORMED)
        return err_set(ERR_SYNTAX, "not an age file, or not in its exact form");
    return ERR_OK;
}

/* The file key, if all of the header is as it was made. */
static enum err
unlock(const struct age_source *s, const struct age_header *h, const struct secret *passphrase,
       unsigned work_max, struct secret **ret_file_key)
{
    uint8_t mac[AGE_MAC_LEN];
    struct secret *file_key = NULL;
    enum err e;

    if (!h->is_scrypt)
        return err_set(ERR_DENIED, "the age file is not for a passphrase");
    if (h->work > work_max)
        return err_set(ERR_TOOBIG, "the age file wants more than 2^%u KiB of memory", work_max);
    e = age_unwrap(passphrase, h, &file_key);
    if (e == ERR_OK)
        e = age_header_mac(file_key, s->in, h->maced_len, mac);
    if (e == ERR_OK && !mem_equal(mac, h->mac, AGE_MAC_LEN))
        e = err_set(ERR_INTEGRITY, "the header of the age file is not as it was made");
    if (e == ERR_OK) {
        *ret_file_key = file_key;
        file_key = NULL;
    }
    secret_free(file_key);
    return e;
}

/* Once the header holds, what goes wrong is damage: the armor of a chunk too. */
static enum err
fill_payload(struct age_source *s, size_t want)
{
    enum err e = fill(s, want);

    return e == ERR_SYNTAX && s->is_armored ? age_refuse() : e;
}

static enum err
begin(struct age_source *s, const struct secret *passphrase, unsigned work_max)
{
    struct age_header h = {.is_scrypt = false};
    struct secret *file_key = NULL;
    enum err e;

    e = detect(s);
    if (e == ERR_OK)
        e = read_header(s, &h);
    if (e == ERR_OK)
        e = unlock(s, &h, passphrase, work_max, &file_key);
    if (e != ERR_OK)
        return e;
    s->next = h.len;
    e = fill_payload(s, AGE_START_LEN);
    if (e == ERR_OK && s->used < AGE_START_LEN)
        e = age_refuse();
    if (e == ERR_OK)
        e = age_payload_new(file_key, s->in, AGE_OPEN, &s->aead);
    s->next = AGE_START_LEN;
    secret_free(file_key);
    return e;
}

/* ---- the payload ---- */

/* Open the next chunk where it lies. It is the last when nothing follows it, and its nonce says so
 * too: neither a cut nor a byte more can hide. */
static enum err
open_chunk(struct age_source *s)
{
    uint8_t nonce[AGE_NONCE_LEN];
    size_t len;
    bool is_last;
    enum err e;

    s->at = s->plain_len = 0;
    e = fill_payload(s, ROOM);
    if (e != ERR_OK)
        return e;
    is_last = s->used < ROOM;
    len = is_last ? s->used : SEALED_LEN;
    if (len < AGE_TAG_LEN || (len == AGE_TAG_LEN && s->index > 0))
        return age_refuse(); /* only the one chunk of an empty file is empty */
    age_chunk_nonce(s->index++, is_last, nonce);
    e = age_aead_open(s->aead, nonce, s->in, len, s->in);
    if (e != ERR_OK)
        return e;
    s->is_last = is_last;
    s->plain_len = len - AGE_TAG_LEN;
    s->next = len;
    return ERR_OK;
}

static enum err
age_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct age_source *s = (struct age_source *)source;
    size_t n;

    if (s->at == s->plain_len && !s->is_last) {
        enum err e = open_chunk(s);

        if (e != ERR_OK)
            return e;
    }
    n = s->plain_len - s->at < cap ? s->plain_len - s->at : cap;
    memcpy(ret_bytes, s->in + s->at, n);
    s->at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
age_free(struct source *source)
{
    struct age_source *s = (struct age_source *)source;

    EVP_CIPHER_CTX_free(s->aead);
    source_free(s->file);
    mem_wipe(s->in, sizeof(s->in)); /* plaintext */
    free(s);
}

enum err
age_source_new(struct source **file, const struct secret *passphrase, unsigned work_max,
               struct source **ret_source)
{
    static const struct source_ops ops = {age_read, age_free};
    struct age_source *s = malloc(sizeof(*s));
    enum err e;

    assert(work_max >= 1 && work_max <= AGE_WORK_LIMIT);
    if (s == NULL) {
        source_free(*file);
        *file = NULL;
        return err_set(ERR_NOMEM, "no memory for a stage");
    }
    memset(s, 0, offsetof(struct age_source, in));
    s->source.ops = &ops;
    s->file = *file;
    *file = NULL;
    e = begin(s, passphrase, work_max);
    if (e != ERR_OK) {
        age_free(&s->source);
        return e;
    }
    *ret_source = &s->source;
    return ERR_OK;
}
