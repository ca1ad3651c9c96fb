/* SPDX-License-Identifier: Apache-2.0 */
#include "crypt/crypt_int.h"

#include <assert.h>
#include <stdlib.h>

struct crypt_hash {
    EVP_MD_CTX *ctx;
    bool is_final;
};

enum err
crypt_hash_new(struct crypt_hash **ret_hash)
{
    struct crypt_hash *h = calloc(1, sizeof(*h));
    enum err e;

    if (h == NULL)
        return err_set(ERR_NOMEM, "no memory for a hash");
    e = crypt_sha256_new(&h->ctx);
    if (e != ERR_OK) {
        free(h);
        return e;
    }
    *ret_hash = h;
    return ERR_OK;
}

enum err
crypt_hash_add(struct crypt_hash *h, const void *bytes, size_t len)
{
    assert(!h->is_final);
    return crypt_sha256_add(h->ctx, bytes, len);
}

enum err
crypt_hash_final(struct crypt_hash *h, uint8_t ret_hash[SHA256_LEN])
{
    assert(!h->is_final);
    h->is_final = true;
    return crypt_sha256_final(h->ctx, ret_hash);
}

void
crypt_hash_free(struct crypt_hash *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx); /* wipes */
    free(h);
}
