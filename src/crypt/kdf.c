/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

enum { HKDF_LEN_MAX = 255 * SHA256_LEN };

/* RFC 5869 section 2.2. A salt that is not given is a key of zeros, and to HMAC that is the same
 * as an empty key. */
static enum err
extract(const struct secret *ikm, const uint8_t *salt, size_t salt_len, uint8_t ret_prk[SHA256_LEN])
{
    struct hmac h = {0};
    enum err e;

    e = hmac_init(&h, salt, salt_len);
    if (e == ERR_OK)
        e = hmac_add(&h, secret_bytes(ikm), secret_len(ikm));
    if (e == ERR_OK)
        e = hmac_final(&h, ret_prk);
    hmac_done(&h);
    return e;
}

/* RFC 5869 section 2.3: the blocks T(1), T(2), ... in turn. */
struct expansion {
    uint8_t prk[SHA256_LEN];
    uint8_t block[SHA256_LEN]; /* T(n) */
    uint8_t n;
    const void *info;
    size_t info_len;
};

static enum err
next_block(struct expansion *x)
{
    size_t before_len = x->n == 0 ? 0 : SHA256_LEN; /* T(0) is empty */
    struct hmac h = {0};
    enum err e;

    x->n++;
    e = hmac_init(&h, x->prk, sizeof(x->prk));
    if (e == ERR_OK)
        e = hmac_add(&h, x->block, before_len);
    if (e == ERR_OK)
        e = hmac_add(&h, x->info, x->info_len);
    if (e == ERR_OK)
        e = hmac_add(&h, &x->n, 1);
    if (e == ERR_OK)
        e = hmac_final(&h, x->block);
    hmac_done(&h);
    return e;
}

enum err
crypt_hkdf(const struct secret *ikm, const void *info, size_t info_len, size_t out_len,
           struct secret **ret_key)
{
    struct expansion x = {.info = info, .info_len = info_len};
    struct secret *key = NULL;
    enum err e;

    assert(out_len >= 1 && out_len <= HKDF_LEN_MAX);
    e = secret_new(out_len, &key);
    if (e != ERR_OK)
        goto out;
    e = extract(ikm, NULL, 0, x.prk);
    for (size_t done = 0; e == ERR_OK && done < out_len; done += SHA256_LEN) {
        e = next_block(&x);
        if (e == ERR_OK)
            memcpy(secret_bytes_mut(key) + done, x.block,
                   out_len - done < SHA256_LEN ? out_len - done : SHA256_LEN);
    }
    if (e != ERR_OK)
        goto out;
    *ret_key = key;
    key = NULL;
out:
    secret_free(key);
    mem_wipe(&x, sizeof(x));
    return e;
}

enum err
crypt_hkdf_salted(const struct secret *ikm, const uint8_t *salt, size_t salt_len, const char *info,
                  struct secret **ret_key)
{
    struct expansion x = {.info = info, .info_len = strlen(info)};
    struct secret *key = NULL;
    enum err e;

    e = secret_new(SHA256_LEN, &key);
    if (e == ERR_OK)
        e = extract(ikm, salt, salt_len, x.prk);
    if (e == ERR_OK)
        e = next_block(&x);
    if (e != ERR_OK)
        goto out;
    memcpy(secret_bytes_mut(key), x.block, SHA256_LEN);
    *ret_key = key;
    key = NULL;
out:
    secret_free(key);
    mem_wipe(&x, sizeof(x));
    return e;
}
