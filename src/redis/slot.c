/* SPDX-License-Identifier: Apache-2.0 */
/* redis/slot: which slot of a Redis Cluster a key belongs to. */
#include "redis/link.h"
#include "redis/map.h"

#include <string.h>

/* CRC-16/XMODEM (polynomial 0x1021, start 0, not reflected), four bits at a time. */
static unsigned
crc16(const char *bytes, size_t len)
{
    static const uint16_t table[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
    };
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned byte = (unsigned char)bytes[i];

        crc = ((crc << 4) & 0xffff) ^ table[(crc >> 12) ^ (byte >> 4)];
        crc = ((crc << 4) & 0xffff) ^ table[(crc >> 12) ^ (byte & 15)];
    }
    return crc;
}

unsigned
rd_slot(const char *key, size_t len)
{
    const char *open = len > 0 ? memchr(key, '{', len) : NULL;
    const char *tag, *close;
    size_t rest;

    if (open == NULL)
        return crc16(key, len) % RD_SLOTS;
    tag = open + 1;
    rest = len - (size_t)(tag - key);
    close = rest > 0 ? memchr(tag, '}', rest) : NULL;
    if (close == NULL || close == tag)
        return crc16(key, len) % RD_SLOTS;
    return crc16(tag, (size_t)(close - tag)) % RD_SLOTS;
}
