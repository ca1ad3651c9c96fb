/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sealed.h"

#include "base/mem.h"
#include "client/spill.h"
#include "crypt/age.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_LEN = 2 * AGE_CHUNK_LEN,
    WAIT_MAX = PIECE_LEN + AGE_CHUNK_LEN, /* of one piece, behind what the sealer held back */
};

struct sealed {
    struct source source;
    struct sink end; /* where the sealer pushes to */
    struct source *plain;
    struct crypt_hash *hash;
    struct progress *progress;
    struct sink *sealer; /* NULL: plain */
    struct spill spill;
    uint64_t len;
    bool is_ended;
    uint8_t sha256[SHA256_LEN];
    uint8_t piece[PIECE_LEN]; /* not touched when plain */
};

/* ---- where the sealer's output goes ---- */

static enum err
end_write(struct sink *sink, const uint8_t *bytes, size_t len)
{
    return spill_put(&CONTAINER_OF(sink, struct sealed, end)->spill, bytes, len);
}

static enum err
end_finish(struct sink *sink)
{
    (void)sink;
    return ERR_OK;
}

/* ---- reading ---- */

/* Plaintext, counted and hashed; its end when `*ret_len` is 0. */
static enum err
read_plain(struct sealed *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    size_t n = 0;
    enum err e;

    e = source_read(s->plain, ret_bytes, cap, &n);
    if (e != ERR_OK)
        return e;
    if (n == 0) {
        s->is_ended = true;
        e = crypt_hash_final(s->hash, s->sha256);
    } else {
        e = crypt_hash_add(s->hash, ret_bytes, n);
        s->len += n;
        progress_add(s->progress, n);
    }
    *ret_len = n;
    return e;
}

static enum err
plain_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct sealed *s = (struct sealed *)source;

    *ret_len = 0;
    return s->is_ended ? ERR_OK : read_plain(s, ret_bytes, cap, ret_len);
}

static enum err
age_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct sealed *s = (struct sealed *)source;
    enum err e = ERR_OK;
    size_t n;

    spill_begin(&s->spill, ret_bytes, cap);
    while (e == ERR_OK && s->spill.given == 0 && !s->is_ended) {
        e = read_plain(s, s->piece, sizeof(s->piece), &n);
        if (e == ERR_OK)
            e = n > 0 ? sink_write(s->sealer, s->piece, n) : sink_finish(s->sealer);
    }
    n = spill_end(&s->spill);
    if (e == ERR_OK)
        *ret_len = n;
    return e;
}

/* ---- making and freeing ---- */

static void
sealed_free(struct source *source)
{
    struct sealed *s = (struct sealed *)source;

    if (s->sealer != NULL)
        mem_wipe(s->piece, sizeof(s->piece));
    sink_free(s->sealer);
    crypt_hash_free(s->hash);
    source_free(s->plain);
    spill_done(&s->spill);
    free(s);
}

enum err
sealed_new(struct source **plain, const struct secret *passphrase, struct progress *progress,
           struct sealed **ret_sealed)
{
    static const struct source_ops plain_ops = {plain_read, sealed_free};
    static const struct source_ops age_ops = {age_read, sealed_free};
    static const struct sink_ops end_ops = {end_write, end_finish, NULL};
    struct sealed *s = malloc(sizeof(*s));
    struct sink *end;
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for what is sent");
    memset(s, 0, offsetof(struct sealed, piece));
    s->source.ops = passphrase == NULL ? &plain_ops : &age_ops;
    s->end.ops = &end_ops;
    s->progress = progress;
    spill_init(&s->spill, WAIT_MAX);
    end = &s->end;
    e = crypt_hash_new(&s->hash);
    if (e == ERR_OK && passphrase != NULL)
        e = age_sealer_new(passphrase, AGE_WORK_OURS, &end, &s->sealer);
    if (e != ERR_OK) {
        sealed_free(&s->source);
        return e;
    }
    s->plain = *plain;
    *plain = NULL;
    *ret_sealed = s;
    return ERR_OK;
}

struct source *
sealed_source(struct sealed *s)
{
    return &s->source;
}

void
sealed_result(const struct sealed *s, uint8_t ret_sha256[SHA256_LEN], uint64_t *ret_len)
{
    assert(s->is_ended);
    memcpy(ret_sha256, s->sha256, SHA256_LEN);
    *ret_len = s->len;
}
