/* SPDX-License-Identifier: Apache-2.0 */
/* ids: the opaque names that modules hand to each other. None of them is a secret. */
#ifndef MAYFLY_BASE_IDS_H
#define MAYFLY_BASE_IDS_H

#include <stdint.h>

enum { ID_LEN = 16, SHA256_LEN = 32 };

/* An upload, as stores and logs may know it: HMAC-SHA256(pepper, code) cut to 128 bits. */
struct share_id {
    uint8_t b[ID_LEN];
};

/* A blob on the disk: random, unrelated to the share id. */
struct blob_name {
    uint8_t b[ID_LEN];
};

/* A store, as the storage knows whose blobs lie in it: random; zeros for an embedded one. */
struct store_name {
    uint8_t b[ID_LEN];
};

/* One claim on an upload: random. */
struct lease_id {
    uint8_t b[ID_LEN];
};

/* A client address as leases know it: HMAC under the pepper, so that a store names nobody. */
struct client_id {
    uint8_t b[ID_LEN];
};

#endif
