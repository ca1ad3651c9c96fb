/* SPDX-License-Identifier: Apache-2.0 */
/* receive_testing: a file, and what servers and senders say of it. */
#ifndef MAYFLY_TESTS_RECEIVE_TESTING_H
#define MAYFLY_TESTS_RECEIVE_TESTING_H

#include "testing.h"

#include "base/enc.h"
#include "base/mem.h"
#include "client/receive.h"
#include "crypt/age.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIX   "velvet-canyon-oboe-thrift-cargo-ember"
#define OTHER "velvet-canyon-oboe-thrift-cargo-empty"

enum { LONG_LEN = 3 * AGE_CHUNK_LEN + 17 };

static uint8_t plain[LONG_LEN];
static struct share_code code, other;

static inline int
set_up(void **state)
{
    bool locked;

    (void)state;
    for (size_t i = 0; i < LONG_LEN; i++)
        plain[i] = (uint8_t)(i * 13 + i / 509);
    if (words_parse(words_builtin(), 6, SIX, &code) != ERR_OK ||
        words_parse(words_builtin(), 6, OTHER, &other) != ERR_OK)
        return -1;
    return crypt_init(&locked) == ERR_OK ? 0 : -1;
}

static inline int
tear_down(void **state)
{
    (void)state;
    crypt_done();
    return 0;
}

/* A header as a server gives it with a plain file of `len` bytes of `plain`. */
static inline struct net_file
plain_file(size_t len)
{
    struct net_file f = {.size_bytes = len,
                         .disposition = "attachment; filename=\"a.txt\"",
                         .type = "text/plain",
                         .uses_left = "2"};
    uint8_t hash[SHA256_LEN];

    assert_ok(crypt_sha256(plain, len, hash));
    hex_encode(hash, sizeof(hash), f.sha256);
    return f;
}

/* The same of an end-to-end file: its own metadata, and the server's view of it. */
static inline struct net_file
sealed_file(size_t len, const char *name)
{
    struct e2e_meta m = {.type = "text/x-mine", .size_bytes = len};
    struct net_file f = {.size_bytes = age_file_len(len, 1),
                         .disposition = "attachment; filename=\"mayfly.age\"",
                         .type = "application/octet-stream",
                         .uses_left = "0"};

    (void)snprintf(m.name, sizeof(m.name), "%s", name);
    assert_ok(crypt_sha256(plain, len, m.sha256));
    assert_ok(e2e_meta_seal(&code, &m, f.meta));
    return f;
}

#endif
