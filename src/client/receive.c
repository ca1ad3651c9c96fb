/* SPDX-License-Identifier: Apache-2.0 */
#include "client/receive.h"

#include "base/enc.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/reply.h"
#include "crypt/age.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USES_MAX = 1000000, SENTENCE_LEN = 256 };

/* ---- what is said of it ---- */

static void
set_uses(const struct net_file *f, struct received *r)
{
    uint64_t n = 0;

    r->has_uses_left = text_u64(f->uses_left, strlen(f->uses_left), USES_MAX, &n) == ERR_OK;
    r->uses_left = (unsigned)n;
}

static void
set_name(const struct net_file *f, const char *ending, struct received *r)
{
    size_t len, end = strlen(ending);

    reply_filename(f->disposition, r->name);
    len = strlen(r->name);
    if (end > 0 && len > end && text_same(r->name + len - end, ending))
        r->name[len - end] = '\0';
    if (r->name[0] == '\0')
        (void)snprintf(r->name, sizeof(r->name), "file");
}

static enum err
open_meta(const struct net_file *f, const struct share_code *code, struct received *r)
{
    struct e2e_meta meta;
    enum err e;

    if (f->meta[0] == '\0') {
        set_name(f, ".age", r);
        return ERR_OK;
    }
    e = e2e_meta_open(code, f->meta, &meta);
    if (e == ERR_INTEGRITY)
        return err_set(e, "what the server says of the file is not what its sender said");
    if (e != ERR_OK)
        return e;
    (void)snprintf(r->name, sizeof(r->name), "%s", meta.name[0] != '\0' ? meta.name : "file");
    memcpy(r->type, meta.type, sizeof(r->type));
    memcpy(r->sha256, meta.sha256, sizeof(r->sha256));
    r->has_sha256 = true;
    r->size_bytes = meta.size_bytes;
    mem_wipe(&meta, sizeof(meta));
    return ERR_OK;
}

static enum err
read_header(const struct net_file *f, struct received *r)
{
    set_name(f, "", r);
    (void)snprintf(r->type, sizeof(r->type), "%.*s", (int)sizeof(r->type) - 1, f->type);
    r->size_bytes = f->size_bytes;
    r->has_sha256 = true;
    if (hex_decode(f->sha256, r->sha256, sizeof(r->sha256)) != ERR_OK)
        return err_set(ERR_INTEGRITY, "the server does not say the hash of the file");
    return ERR_OK;
}

enum err
receive_details(const struct net_file *f, const struct share_code *code, struct received *ret)
{
    struct received r = {.size_bytes = UINT64_MAX};
    enum err e = code != NULL ? open_meta(f, code, &r) : read_header(f, &r);

    if (e == ERR_OK) {
        set_uses(f, &r);
        *ret = r;
    }
    mem_wipe(&r, sizeof(r));
    return e;
}

bool
received_is_tar(const struct received *r)
{
    static const char type[] = "application/x-tar";
    size_t len = strlen(r->name);
    char after = text_begins(r->type, type) ? r->type[sizeof(type) - 1] : 'x';

    if (after == '\0' || after == ';' || after == ' ')
        return true;
    return len > 4 && text_same(r->name + len - 4, ".tar");
}

/* ---- the bytes ---- */

/* Stands on the download and knows afterwards whether an error was that one's: the stage above has
 * the same codes for what is wrong with the file. */
struct tap {
    struct source source;
    struct source *below;
    enum err failed;
    char sentence[SENTENCE_LEN];
};

struct receive {
    struct source source;
    struct tap tap;
    struct source *age; /* NULL: plain */
    struct crypt_hash *hash;
    struct progress *progress;
    struct received details;
    uint64_t len;
    bool is_ended;
    uint8_t sha256[SHA256_LEN];
};

static enum err
tap_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct tap *t = CONTAINER_OF(source, struct tap, source);

    t->failed = source_read(t->below, ret_bytes, cap, ret_len);
    if (t->failed != ERR_OK)
        (void)snprintf(t->sentence, sizeof(t->sentence), "%s", err_sentence());
    return t->failed;
}

/* What an error of the age stage means to who has the right words. */
static enum err
told(const struct receive *r, enum err e)
{
    if (e != ERR_OK && r->tap.failed != ERR_OK)
        return err_set(r->tap.failed, "%s", r->tap.sentence);
    switch (e) {
    case ERR_SYNTAX:
    case ERR_DENIED:
    case ERR_INTEGRITY:
        return err_set(ERR_INTEGRITY, "what came is not what was sent: it is damaged or replaced");
    case ERR_TOOBIG:
        return err_set(ERR_INTEGRITY, "what came asks for more memory than any sender's file");
    default:
        return e;
    }
}

static enum err
add(struct receive *r, const uint8_t *bytes, size_t n)
{
    if (n == 0) {
        r->is_ended = true;
        return crypt_hash_final(r->hash, r->sha256);
    }
    r->len += n;
    if (r->len > r->details.size_bytes) /* before it fills the disk */
        return err_set(ERR_INTEGRITY, "what came is longer than what was sent");
    progress_add(r->progress, n);
    return crypt_hash_add(r->hash, bytes, n);
}

static enum err
receive_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct receive *r = (struct receive *)source;
    size_t n = 0;
    enum err e = ERR_OK;

    if (!r->is_ended) {
        e = source_read(r->age != NULL ? r->age : &r->tap.source, ret_bytes, cap, &n);
        e = e == ERR_OK ? add(r, ret_bytes, n) : told(r, e);
    }
    if (e == ERR_OK)
        *ret_len = n;
    return e;
}

enum err
receive_new(struct source *download, const struct secret *passphrase,
            const struct received *details, struct progress *progress, struct receive **ret_receive)
{
    static const struct source_ops ops = {receive_read, NULL}, tap_ops = {tap_read, NULL};
    struct receive *r = calloc(1, sizeof(*r));
    struct source *file;
    enum err e;

    if (r == NULL)
        return err_set(ERR_NOMEM, "no memory for what is received");
    r->source.ops = &ops;
    r->tap.source.ops = &tap_ops;
    r->tap.below = download;
    r->details = *details;
    r->progress = progress;
    file = &r->tap.source;
    e = crypt_hash_new(&r->hash);
    if (e == ERR_OK && passphrase != NULL)
        e = told(r, age_source_new(&file, passphrase, AGE_WORK_MAX, &r->age));
    if (e != ERR_OK) {
        receive_free(r);
        return e;
    }
    *ret_receive = r;
    return ERR_OK;
}

struct source *
receive_source(struct receive *r)
{
    return &r->source;
}

enum err
receive_check(const struct receive *r, uint8_t ret_sha256[SHA256_LEN], uint64_t *ret_len)
{
    assert(r->is_ended);
    if (r->details.size_bytes != UINT64_MAX && r->len != r->details.size_bytes)
        return err_set(ERR_INTEGRITY, "what came is shorter than what was sent");
    if (r->details.has_sha256 && !mem_equal(r->sha256, r->details.sha256, SHA256_LEN))
        return err_set(ERR_INTEGRITY, "what came is not what was sent: its hash is another");
    memcpy(ret_sha256, r->sha256, SHA256_LEN);
    *ret_len = r->len;
    return ERR_OK;
}

void
receive_free(struct receive *r)
{
    if (r == NULL)
        return;
    source_free(r->age);
    crypt_hash_free(r->hash);
    mem_wipe(r, sizeof(*r));
    free(r);
}
