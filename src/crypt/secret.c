/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt.h"

#include "base/rnd.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* Only the bytes lie on the secure heap: the struct holds nothing worth hiding. */
struct secret {
    uint8_t *bytes;
    size_t len;
};

enum err
secret_new(size_t len, struct secret **ret_secret)
{
    struct secret *s;

    /* Without its heap, libcrypto would silently give ordinary memory. */
    assert(CRYPTO_secure_malloc_initialized());
    s = malloc(sizeof(*s));
    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a secret");
    s->len = len;
    s->bytes = OPENSSL_secure_zalloc(len > 0 ? len : 1);
    if (s->bytes == NULL) {
        free(s);
        return err_set(ERR_NOMEM, "the secure heap has no room for %zu bytes", len);
    }
    *ret_secret = s;
    return ERR_OK;
}

enum err
secret_random(size_t len, struct secret **ret_secret)
{
    struct secret *s = NULL;
    enum err e;

    e = secret_new(len, &s);
    if (e != ERR_OK)
        goto out;
    e = rnd_bytes(s->bytes, len);
    if (e != ERR_OK)
        goto out;
    *ret_secret = s;
    s = NULL;
out:
    secret_free(s);
    return e;
}

enum err
secret_copy(const void *bytes, size_t len, struct secret **ret_secret)
{
    struct secret *s = NULL;
    enum err e = secret_new(len, &s);

    if (e != ERR_OK)
        return e;
    if (len > 0)
        memcpy(s->bytes, bytes, len);
    *ret_secret = s;
    return ERR_OK;
}

const uint8_t *
secret_bytes(const struct secret *s)
{
    return s->bytes;
}

uint8_t *
secret_bytes_mut(struct secret *s)
{
    return s->bytes;
}

size_t
secret_len(const struct secret *s)
{
    return s->len;
}

void
secret_free(struct secret *s)
{
    if (s == NULL)
        return;
    OPENSSL_secure_clear_free(s->bytes, s->len);
    free(s);
}
