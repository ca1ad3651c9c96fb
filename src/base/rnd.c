/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rnd.h"

#include "base/enc.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum { BATCH = 64 * 16 };

enum err
rnd_bytes(void *ret_bytes, size_t len)
{
    uint8_t *p = ret_bytes;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(ERR_IO, "the kernel gives no random bytes: %s", strerror(errno));
        p += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

enum err
rnd_below(uint32_t n, uint32_t *ret_number)
{
    uint32_t limit, x;
    enum err e;

    assert(n > 0);
    limit = UINT32_MAX - UINT32_MAX % n; /* a multiple of n: numbers from here on are refused */
    do {
        e = rnd_bytes(&x, sizeof(x));
        if (e != ERR_OK)
            return e;
    } while (x >= limit);
    *ret_number = x % n;
    return ERR_OK;
}

void
rnd_uuid(char ret_text[UUID_TEXT_LEN])
{
    static _Thread_local uint8_t batch[BATCH]; /* one system call for 64 ids */
    static _Thread_local size_t used = BATCH;
    static const uint8_t group_len[] = {4, 2, 2, 2, 6};
    uint8_t *b;
    char *out = ret_text;

    if (used == BATCH) {
        if (rnd_bytes(batch, BATCH) != ERR_OK)
            memset(batch, 0, BATCH); /* a request id is for reading logs: better zero than none */
        used = 0;
    }
    b = batch + used;
    used += 16;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (size_t g = 0; g < sizeof(group_len); g++) {
        if (g > 0)
            *out++ = '-';
        hex_encode(b, group_len[g], out);
        out += (size_t)2 * group_len[g];
        b += group_len[g];
    }
    *out = '\0';
}
