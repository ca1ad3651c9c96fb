/* SPDX-License-Identifier: Apache-2.0 */
/* rnd: random numbers from the kernel's CSPRNG (getrandom), ids made of them. Thread-safe. */
#ifndef MAYFLY_BASE_RND_H
#define MAYFLY_BASE_RND_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { UUID_TEXT_LEN = 37 }; /* 36 characters and a NUL */

/* Fill `len` bytes. ERR_IO when the kernel has none to give; the bytes are then unspecified. */
MUST_CHECK enum err rnd_bytes(void *ret_bytes, size_t len);

/* A number from 0 to n - 1, each exactly as likely (rejection, no modulo bias). n is not 0. */
MUST_CHECK enum err rnd_below(uint32_t n, uint32_t *ret_number);

/* A version 4 UUID (RFC 9562) in lower case. For request ids: not a secret. */
void rnd_uuid(char ret_text[UUID_TEXT_LEN]);

#endif
