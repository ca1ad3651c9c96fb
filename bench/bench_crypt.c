/* SPDX-License-Identifier: Apache-2.0 */
/* bench_crypt: how fast the stages of crypt are beside their bound, which is libcrypto doing the
 * same work one after the other over the same 64 KiB chunk. Processor time, best of five. */
#include "base/buf.h"
#include "crypt/age.h"
#include "crypt/crypt.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHUNK = 64 * 1024, N_CHUNKS = 2048, N_CALLS = 200000, N_TRIES = 5 };

static struct secret *key;
static uint8_t chunk[CHUNK];

static void
must(bool is_ok, const char *what)
{
    if (is_ok)
        return;
    (void)fprintf(stderr, "bench_crypt: %s failed: %s\n", what, err_sentence());
    exit(1);
}

static double
seconds_of(void (*work)(void *arg), void *arg)
{
    double best = 0;

    for (int i = 0; i < N_TRIES; i++) {
        struct timespec a, b;
        double s;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        work(arg);
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
        if (i == 0 || s < best)
            best = s;
    }
    return best;
}

/* ---- the bound ---- */

/* SHA-256 and HMAC-SHA256 of each chunk, and AES-128-CBC of it in between when `arg` says so. */
static void
bound(void *arg)
{
    static uint8_t cipher[CHUNK];
    const bool *with_aes = arg;
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
    const uint8_t *k = secret_bytes(key);
    char name[] = "SHA256";
    OSSL_PARAM params[2] = {{"digest", OSSL_PARAM_UTF8_STRING, name, sizeof(name) - 1, 0},
                            {NULL, 0, NULL, 0, 0}};
    int n = 0;

    must(EVP_DigestInit_ex(sha, EVP_sha256(), NULL) == 1, "SHA-256");
    must(EVP_MAC_init(mac, k, 16, params) == 1, "HMAC");
    must(EVP_EncryptInit_ex(aes, EVP_aes_128_cbc(), NULL, k + 16, k) == 1, "AES");
    for (int i = 0; i < N_CHUNKS; i++) {
        must(EVP_DigestUpdate(sha, chunk, CHUNK) == 1, "SHA-256");
        if (*with_aes)
            must(EVP_EncryptUpdate(aes, cipher, &n, chunk, CHUNK) == 1, "AES");
        must(EVP_MAC_update(mac, *with_aes ? cipher : chunk, CHUNK) == 1, "HMAC");
    }
    EVP_MD_CTX_free(sha);
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(hmac);
    EVP_CIPHER_CTX_free(aes);
}

/* ---- sealing ---- */

static enum err
drop_write(struct sink *s, const uint8_t *bytes, size_t len)
{
    (void)s;
    (void)bytes;
    (void)len;
    return ERR_OK;
}

static enum err
drop_finish(struct sink *s)
{
    (void)s;
    return ERR_OK;
}

static void
drop_free(struct sink *s)
{
    (void)s;
}

/* Seal N_CHUNKS chunks into `arg`, a sink; the sealer frees it. */
static void
seal_into(void *arg)
{
    struct sink *next = arg;
    struct fernet_sealer *sealer = NULL;
    struct sink *s;

    must(fernet_sealer_new(key, 0, &next, &sealer) == ERR_OK, "sealer");
    s = fernet_sealer_sink(sealer);
    for (int i = 0; i < N_CHUNKS; i++)
        must(sink_write(s, chunk, CHUNK) == ERR_OK, "seal");
    must(sink_finish(s) == ERR_OK, "seal");
    sink_free(s);
}

static void
seal(void *arg)
{
    static const struct sink_ops ops = {drop_write, drop_finish, drop_free};
    struct sink drop = {&ops};

    (void)arg;
    seal_into(&drop);
}

/* ---- verifying, then reading ---- */

struct token {
    struct reader reader;
    struct buf bytes;
};

static enum err
token_read_at(struct reader *r, uint64_t off, uint8_t *ret_bytes, size_t len)
{
    memcpy(ret_bytes, ((struct token *)r)->bytes.data + off, len);
    return ERR_OK;
}

static void
token_free(struct reader *r)
{
    (void)r;
}

static struct fernet_verified *
verified(struct token *t)
{
    struct reader *r = &t->reader;
    struct fernet_verified *v = NULL;
    uint8_t sha256[SHA256_LEN];

    must(fernet_verify(&r, key, &v, sha256) == ERR_OK, "verify");
    return v;
}

static void
verify(void *arg)
{
    fernet_verified_free(verified(arg));
}

static void
verify_and_read(void *arg)
{
    static uint8_t out[CHUNK];
    struct fernet_verified *v = verified(arg);
    struct source *s = NULL;
    size_t n = 1;

    must(fernet_verified_source(&v, 0, fernet_verified_len(v), &s) == ERR_OK, "range");
    while (n > 0)
        must(source_read(s, out, sizeof(out), &n) == ERR_OK, "read");
    source_free(s);
}

/* ---- age ---- */

/* ChaCha20-Poly1305 of each chunk, with nothing around it. */
static void
age_bound(void *arg)
{
    static uint8_t cipher[CHUNK];
    uint8_t nonce[12] = {0}, tag[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;

    (void)arg;
    must(EVP_EncryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, secret_bytes(key), NULL) == 1,
         "ChaCha20");
    for (int i = 0; i < N_CHUNKS; i++)
        must(EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, nonce) == 1 &&
                 EVP_EncryptUpdate(ctx, cipher, &n, chunk, CHUNK) == 1 &&
                 EVP_EncryptFinal_ex(ctx, cipher, &n) == 1 &&
                 EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, sizeof(tag), tag) == 1,
             "ChaCha20");
    EVP_CIPHER_CTX_free(ctx);
}

/* Seal N_CHUNKS chunks into `next`, which is taken, by pieces of `piece` bytes. */
static void
age_seal_into(struct sink *next, size_t piece)
{
    struct sink *s = NULL;

    must(age_sealer_new(key, 1, &next, &s) == ERR_OK, "age");
    for (int i = 0; i < N_CHUNKS; i++)
        for (size_t at = 0; at < CHUNK; at += piece)
            must(sink_write(s, chunk + at, piece) == ERR_OK, "age");
    must(sink_finish(s) == ERR_OK, "age");
    sink_free(s);
}

static void
age_seal(void *arg)
{
    static const struct sink_ops ops = {drop_write, drop_finish, drop_free};
    struct sink drop = {&ops};

    age_seal_into(&drop, *(size_t *)arg);
}

/* A source over bytes that it does not own. */
struct view {
    struct source source;
    const struct buf *bytes;
    size_t at;
};

static enum err
view_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct view *v = (struct view *)s;
    size_t n = v->bytes->len - v->at < cap ? v->bytes->len - v->at : cap;

    memcpy(ret_bytes, v->bytes->data + v->at, n);
    v->at += n;
    *ret_len = n;
    return ERR_OK;
}

static void
view_free(struct source *s)
{
    (void)s;
}

static void
age_open(void *arg)
{
    static const struct source_ops ops = {view_read, view_free};
    static uint8_t out[CHUNK];
    struct view v = {.source = {&ops}, .bytes = arg};
    struct source *file = &v.source, *s = NULL;
    size_t n = 1;

    must(age_source_new(&file, key, 1, &s) == ERR_OK, "age");
    while (n > 0)
        must(source_read(s, out, sizeof(out), &n) == ERR_OK, "age");
    source_free(s);
}

static void
age_rows(double mb)
{
    size_t whole = CHUNK, small = 4096;
    double bound_s = seconds_of(age_bound, NULL), s;
    struct sink *end = NULL;
    struct buf file;

    (void)printf("bound: ChaCha20-Poly1305          %7.0f MB/s\n", mb / bound_s);
    s = seconds_of(age_seal, &whole);
    (void)printf("age, sealing                      %7.0f MB/s   %.3f of the bound\n", mb / s,
                 bound_s / s);
    s = seconds_of(age_seal, &small);
    (void)printf("age, sealing 4 KiB at a time      %7.0f MB/s   %.3f of the bound\n", mb / s,
                 bound_s / s);
    buf_init(&file, SIZE_MAX / 2);
    must(sink_to_buf(&file, &end) == ERR_OK, "buffer");
    age_seal_into(end, CHUNK);
    s = seconds_of(age_open, &file);
    (void)printf("age, opening                      %7.0f MB/s   %.3f of the bound\n", mb / s,
                 bound_s / s);
    buf_done(&file);
}

/* ---- small things ---- */

static void
prf(void *arg)
{
    uint8_t mac[SHA256_LEN];

    for (int i = 0; i < N_CALLS; i++)
        must(crypt_prf(arg, chunk, 40, mac) == ERR_OK, "prf");
}

/* What one record costs: its key, and the token under it. */
static void
records(void *arg)
{
    struct buf *token = arg;

    for (int i = 0; i < N_CALLS / 10; i++) {
        struct secret *record_key = NULL;
        struct buf plain;

        buf_init(&plain, 1000);
        must(crypt_hkdf(key, "info", 4, FERNET_KEY_LEN, &record_key) == ERR_OK, "hkdf");
        must(fernet_open(key, token->data, token->len, &plain) == ERR_OK, "open");
        buf_done(&plain);
        secret_free(record_key);
    }
}

int
main(void)
{
    static const struct reader_ops ops = {token_read_at, token_free};
    const double mb = (double)CHUNK * N_CHUNKS / 1e6;
    bool locked, yes = true, no = false;
    double all, hashes, s, s_verify;
    struct token t = {.reader = {&ops, 0}};
    struct crypt_prf *p = NULL;
    struct buf record;
    struct sink *end = NULL;

    must(crypt_init(&locked) == ERR_OK, "secure heap");
    must(secret_random(FERNET_KEY_LEN, &key) == ERR_OK, "key");
    must(crypt_random_fill(chunk, sizeof(chunk)) == ERR_OK, "random");
    all = seconds_of(bound, &yes);
    hashes = seconds_of(bound, &no);
    s = seconds_of(seal, NULL);
    (void)printf("bound: AES-CBC + SHA-256 + HMAC   %7.0f MB/s\n", mb / all);
    (void)printf("sealer                            %7.0f MB/s   %.3f of the bound (>= 0.95)\n",
                 mb / s, all / s);
    buf_init(&t.bytes, SIZE_MAX / 2);
    must(sink_to_buf(&t.bytes, &end) == ERR_OK, "buffer");
    seal_into(end);
    t.reader.size_bytes = t.bytes.len;
    s_verify = seconds_of(verify, &t);
    (void)printf("bound: SHA-256 + HMAC             %7.0f MB/s\n", mb / hashes);
    (void)printf("verify                            %7.0f MB/s   %.3f of its time (<= 1.25)\n",
                 mb / s_verify, s_verify / hashes);
    s = seconds_of(verify_and_read, &t) - s_verify;
    (void)printf("read what was verified            %7.0f MB/s\n", mb / s);
    buf_done(&t.bytes);
    must(crypt_prf_new(key, &p) == ERR_OK, "prf");
    (void)printf("prf                               %7.0f ns      (< 1500)\n",
                 seconds_of(prf, p) / N_CALLS * 1e9);
    buf_init(&record, 1000);
    must(fernet_seal(key, 0, chunk, 200, &record) == ERR_OK, "seal");
    (void)printf("HKDF and opening of a record      %7.0f ns\n",
                 seconds_of(records, &record) / (N_CALLS / 10.0) * 1e9);
    buf_done(&record);
    age_rows(mb);
    crypt_prf_free(p);
    secret_free(key);
    crypt_done();
    return 0;
}
