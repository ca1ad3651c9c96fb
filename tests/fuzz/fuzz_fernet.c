/* SPDX-License-Identifier: Apache-2.0 */
/* Fernet tokens of outside bytes. The first byte says what the rest is:
 *   0: a token as it comes. The three openers agree on it, whatever it is.
 *   1: a token without its MAC; the right one is put behind it. They agree, and it opens when its
 *      form and padding hold, so that the way behind the MAC is seen too.
 *   2: where and how to damage (a position in two bytes, a mask), and a plaintext. Sealed, it opens
 *      to itself; sealed and damaged, never. */
#include "crypt/crypt_int.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 16 };

/* Small chunks, so that a short input has several. */
static const struct fernet_sizes in_chunks = {72, 32}, in_memory = {UINT64_MAX, 32};

static void
require(bool claim)
{
    if (!claim)
        abort();
}

static struct secret *
fixed_key(void)
{
    static bool is_ready;
    struct secret *key = NULL;
    bool locked;

    if (!is_ready)
        require(crypt_init(&locked) == ERR_OK);
    is_ready = true;
    require(secret_copy("0123456789abcdefFEDCBA9876543210", FERNET_KEY_LEN, &key) == ERR_OK);
    return key;
}

/* Read `s` by pieces of `cap`, and free it. */
static enum err
drain(struct source *s, size_t cap, struct buf *ret)
{
    uint8_t piece[256];
    size_t n = 1;
    enum err e = ERR_OK;

    while (e == ERR_OK && n > 0) {
        e = source_read(s, piece, cap, &n);
        require(e != ERR_OK || n <= cap);
        if (e == ERR_OK)
            e = buf_add(ret, piece, n);
    }
    source_free(s);
    return e;
}

static enum err
by_source(const struct secret *key, const uint8_t *token, size_t len, struct buf *ret)
{
    struct source *below = NULL, *plain = NULL;

    require(source_of_bytes(token, len, &below) == ERR_OK);
    require(fernet_source_new(&below, key, &plain) == ERR_OK);
    return drain(plain, 1 + len % 256, ret);
}

static enum err
by_verify(const struct secret *key, const struct fernet_sizes *sizes, const uint8_t *token,
          size_t len, struct buf *ret)
{
    uint8_t told[SHA256_LEN], found[SHA256_LEN];
    struct reader *below = NULL;
    struct fernet_verified *v = NULL;
    struct source *plain = NULL;
    enum err e;

    require(reader_of_bytes(token, len, &below) == ERR_OK);
    e = fernet_verify_sized(&below, key, sizes, &v, told);
    require(below == NULL);
    if (e != ERR_OK)
        return e;
    require(fernet_verified_source(&v, 0, fernet_verified_len(v), &plain) == ERR_OK);
    e = drain(plain, 1 + len % 256, ret);
    require(e == ERR_OK);
    require(crypt_sha256(ret->data, ret->len, found) == ERR_OK);
    require(mem_equal(told, found, SHA256_LEN));
    return e;
}

/* All ways to open `token` come to the same end, which is returned with the plaintext. */
static enum err
open_by_all(const struct secret *key, const uint8_t *token, size_t len, struct buf *ret)
{
    struct buf got[3];
    enum err e = fernet_open(key, token, len, ret), others[3];

    require(e == ERR_OK || (e == ERR_INTEGRITY && ret->len == 0));
    for (size_t i = 0; i < 3; i++)
        buf_init(&got[i], 2 * INPUT_MAX);
    others[0] = by_source(key, token, len, &got[0]);
    others[1] = by_verify(key, &in_chunks, token, len, &got[1]);
    others[2] = by_verify(key, &in_memory, token, len, &got[2]);
    for (size_t i = 0; i < 3; i++) {
        require(others[i] == e);
        if (e == ERR_OK)
            require(got[i].len == ret->len && mem_equal(got[i].data, ret->data, ret->len));
        buf_done(&got[i]);
    }
    return e;
}

static void
with_right_mac(const struct secret *key, const uint8_t *body, size_t len)
{
    uint8_t mac[SHA256_LEN];
    struct buf token, plain;
    struct hmac h = {0};
    bool is_form = len > 0 && fernet_is_version(body[0]) && fernet_is_len(len + FERNET_MAC_LEN);
    enum err e;

    buf_init(&token, 2 * INPUT_MAX);
    buf_init(&plain, 2 * INPUT_MAX);
    require(fernet_mac_init(&h, key) == ERR_OK && hmac_add(&h, body, len) == ERR_OK);
    require(hmac_final(&h, mac) == ERR_OK);
    hmac_done(&h);
    require(buf_add(&token, body, len) == ERR_OK);
    require(buf_add(&token, mac, sizeof(mac)) == ERR_OK);
    e = open_by_all(key, token.data, token.len, &plain);
    require(is_form || e == ERR_INTEGRITY);
    require(e != ERR_OK || fernet_token_len(plain.len) == token.len);
    buf_done(&token);
    buf_done(&plain);
}

static void
sealed_then_damaged(const struct secret *key, const uint8_t *data, size_t size)
{
    struct buf token, plain;
    size_t at;

    if (size < 3)
        return;
    buf_init(&token, 2 * INPUT_MAX);
    buf_init(&plain, 2 * INPUT_MAX);
    require(fernet_seal(key, (int64_t)size, data + 3, size - 3, &token) == ERR_OK);
    require(open_by_all(key, token.data, token.len, &plain) == ERR_OK);
    require(plain.len == size - 3 && mem_equal(plain.data, data + 3, plain.len));
    plain.len = 0;
    at = (size_t)(data[0] << 8 | data[1]) % token.len;
    if (data[2] == 0)
        token.len = at; /* no bit to flip: cut there */
    else
        token.data[at] ^= data[2];
    require(open_by_all(key, token.data, token.len, &plain) == ERR_INTEGRITY);
    buf_done(&token);
    buf_done(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct secret *key;
    struct buf plain;

    if (size == 0 || size > INPUT_MAX)
        return 0;
    key = fixed_key();
    buf_init(&plain, 2 * INPUT_MAX);
    if (data[0] % 3 == 0)
        (void)open_by_all(key, data + 1, size - 1, &plain);
    else if (data[0] % 3 == 1)
        with_right_mac(key, data + 1, size - 1);
    else
        sealed_then_damaged(key, data + 1, size - 1);
    buf_done(&plain);
    secret_free(key);
    return 0;
}
