/* SPDX-License-Identifier: Apache-2.0 */
/* fernet_tool: seal and open tokens from standard input to standard output, so that another
 * implementation can be set against ours (tests/e2e/test_fernet_interop.py). Tokens are in their
 * binary form. The key, base64url, is an argument: this is for tests only.
 *
 *   fernet_tool seal|seal-small|open-small|open-source|open-verified KEY
 *
 * Exit code 0; 1 with the sentence when the token is refused; 2 for a wrong call. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/enc.h"
#include "base/mem.h"
#include "crypt/crypt.h"

#include <stdio.h>
#include <string.h>

enum { INPUT_MAX = 64 << 20, PIECE = 10007 };

static enum err
seal(const struct secret *key, const struct buf *in, struct buf *ret)
{
    struct fernet_sealer *sealer = NULL;
    struct sink *end = NULL;
    enum err e = sink_to_buf(ret, &end);

    if (e == ERR_OK)
        e = fernet_sealer_new(key, clock_now_s(), &end, &sealer);
    for (size_t at = 0, n; e == ERR_OK && at < in->len; at += n) {
        n = in->len - at < PIECE ? in->len - at : PIECE;
        e = sink_write(fernet_sealer_sink(sealer), in->data + at, n);
    }
    if (e == ERR_OK)
        e = sink_finish(fernet_sealer_sink(sealer));
    if (sealer != NULL)
        sink_free(fernet_sealer_sink(sealer));
    sink_free(end);
    return e;
}

static enum err
seal_small(const struct secret *key, const struct buf *in, struct buf *ret)
{
    return fernet_seal(key, clock_now_s(), in->data, in->len, ret);
}

static enum err
open_small(const struct secret *key, const struct buf *in, struct buf *ret)
{
    return fernet_open(key, in->data, in->len, ret);
}

/* Frees `s`. */
static enum err
drain(struct source *s, struct buf *ret)
{
    uint8_t piece[PIECE];
    size_t n = 1;
    enum err e = ERR_OK;

    while (e == ERR_OK && n > 0) {
        e = source_read(s, piece, sizeof(piece), &n);
        if (e == ERR_OK)
            e = buf_add(ret, piece, n);
    }
    source_free(s);
    return e;
}

static enum err
open_source(const struct secret *key, const struct buf *in, struct buf *ret)
{
    struct source *token = NULL, *plain = NULL;
    enum err e = source_of_bytes(in->data, in->len, &token);

    if (e == ERR_OK)
        e = fernet_source_new(&token, key, &plain);
    if (e == ERR_OK)
        e = drain(plain, ret);
    source_free(token);
    return e;
}

static enum err
open_verified(const struct secret *key, const struct buf *in, struct buf *ret)
{
    uint8_t sha256[SHA256_LEN];
    struct reader *token = NULL;
    struct fernet_verified *v = NULL;
    struct source *plain = NULL;
    enum err e = reader_of_bytes(in->data, in->len, &token);

    if (e == ERR_OK)
        e = fernet_verify(&token, key, &v, sha256);
    if (e == ERR_OK)
        e = fernet_verified_source(&v, 0, fernet_verified_len(v), &plain);
    if (e == ERR_OK)
        e = drain(plain, ret);
    fernet_verified_free(v);
    return e;
}

static const struct {
    const char *name;
    enum err (*run)(const struct secret *key, const struct buf *in, struct buf *ret);
} verbs[] = {
    {"seal", seal},
    {"seal-small", seal_small},
    {"open-small", open_small},
    {"open-source", open_source},
    {"open-verified", open_verified},
};

/* All of standard input through `verb` to standard output. */
static enum err
run(size_t verb, const struct secret *key)
{
    struct buf in, ret;
    uint8_t piece[PIECE];
    size_t n;
    enum err e = ERR_OK;

    buf_init(&in, INPUT_MAX);
    buf_init(&ret, INPUT_MAX);
    while (e == ERR_OK && (n = fread(piece, 1, sizeof(piece), stdin)) > 0)
        e = buf_add(&in, piece, n);
    if (e == ERR_OK)
        e = verbs[verb].run(key, &in, &ret);
    if (e == ERR_OK && fwrite(ret.data, 1, ret.len, stdout) != ret.len)
        e = err_set(ERR_IO, "standard output is closed");
    buf_done(&in);
    buf_done(&ret);
    return e;
}

int
main(int argc, char **argv)
{
    struct secret *key = NULL;
    size_t verb = 0, n = 0;
    bool locked;
    enum err e;

    while (argc == 3 && verb < ARRAY_LEN(verbs) && strcmp(argv[1], verbs[verb].name) != 0)
        verb++;
    if (argc != 3 || verb == ARRAY_LEN(verbs)) {
        (void)fprintf(stderr, "usage: %s VERB KEY\n", argv[0]);
        return 2;
    }
    e = crypt_init(&locked);
    if (e == ERR_OK)
        e = secret_new(FERNET_KEY_LEN, &key);
    if (e == ERR_OK)
        e = b64url_decode(argv[2], strlen(argv[2]), secret_bytes_mut(key), FERNET_KEY_LEN, &n);
    if (e != ERR_OK || n != FERNET_KEY_LEN) {
        (void)fprintf(stderr, "%s: not a key\n", argv[0]);
        secret_free(key);
        return 2;
    }
    e = run(verb, key);
    if (e != ERR_OK)
        (void)fprintf(stderr, "%s: %s: %s\n", argv[0], err_name(e), err_sentence());
    secret_free(key);
    crypt_done();
    return e == ERR_OK ? 0 : 1;
}
