/* SPDX-License-Identifier: Apache-2.0 */
/* What a Redis answers, in pieces: it never passes the limits, and comes to the same replies
 * however it was cut. The first byte says how: into pieces of so many bytes. */
#include "redis/parser.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int holds)
{
    if (!holds)
        abort();
}

/* Mix what a reply says into `sum`, so that two runs can be compared; count its elements. */
static void
look(const redisReply *r, uint64_t *sum, size_t *n_elements, size_t depth)
{
    check(depth <= 9);
    *sum = *sum * 31 + (uint64_t)r->type;
    switch (r->type) {
    case REDIS_REPLY_ARRAY:
        check(r->elements <= RD_ARRAY_MAX);
        *n_elements += r->elements;
        check(*n_elements <= RD_ELEMENTS_MAX);
        for (size_t i = 0; i < r->elements; i++)
            look(r->element[i], sum, n_elements, depth + 1);
        break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        check(r->len <= RD_REPLY_MAX && r->str[r->len] == '\0');
        for (size_t i = 0; i < r->len; i++)
            *sum = *sum * 31 + (uint8_t)r->str[i];
        break;
    case REDIS_REPLY_INTEGER:
        *sum = *sum * 31 + (uint64_t)r->integer;
        break;
    default:
        check(r->type == REDIS_REPLY_NIL);
    }
}

/* Take out what is whole. */
static enum err
take(struct rd_parser *p, uint64_t *sum)
{
    redisReply *reply = NULL;
    size_t n_elements;
    enum err e;

    while ((e = rd_parser_next(p, &reply)) == ERR_OK && reply != NULL) {
        n_elements = 0;
        look(reply, sum, &n_elements, 0);
        freeReplyObject(reply);
        reply = NULL;
    }
    return e;
}

static uint64_t
run(const uint8_t *bytes, size_t len, size_t piece)
{
    struct rd_parser *p = NULL;
    uint64_t sum = 1;
    size_t at = 0, n;
    enum err e;

    e = rd_parser_new(&p);
    check(e == ERR_OK);
    for (; at < len && e == ERR_OK; at += n) {
        n = len - at < piece ? len - at : piece;
        e = rd_parser_feed(p, bytes + at, n);
        if (e == ERR_OK)
            e = take(p, &sum);
    }
    check(e == ERR_OK || e == ERR_INTEGRITY);
    if (e != ERR_OK) {
        check(rd_parser_feed(p, "+OK\r\n", 5) == ERR_INTEGRITY); /* it stays so */
        sum++;
    } else {
        sum = sum * 2 + rd_parser_is_empty(p);
    }
    rd_parser_free(p);
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = size > 0 ? (size_t)data[0] % 64 + 1 : 1;

    if (size == 0 || size > RD_REPLY_MAX)
        return 0;
    check(run(data + 1, size - 1, piece) == run(data + 1, size - 1, size));
    return 0;
}
