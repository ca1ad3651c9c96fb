/* SPDX-License-Identifier: Apache-2.0 */
/* What a server of a Redis Cluster may say about where a slot is. The bytes are read as an error
 * reply, and as a recipe for a reply to CLUSTER SLOTS: whatever passes is within its limits, and a
 * redirect that passes reads back as itself. */
#include "redis/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool claim)
{
    if (!claim)
        abort();
}

static void
check_host(const struct rd_host *h)
{
    size_t len = strnlen(h->name, sizeof(h->name));

    must(len > 0 && len < sizeof(h->name) && h->port > 0);
    must(strspn(h->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_") ==
         len);
}

static void
check_redirect(const char *text, size_t len)
{
    struct rd_redirect r = {.slot = 7777}, again;
    char line[RD_HOST_LEN + 64];

    if (rd_redirect_read(text, len, "asked", &r) != ERR_OK) {
        must(r.slot == 7777 && r.to.name[0] == '\0');
        return;
    }
    must(r.slot < RD_SLOTS);
    check_host(&r.to);
    (void)snprintf(line, sizeof(line), "%s %u %s:%u", r.is_ask ? "ASK" : "MOVED", r.slot, r.to.name,
                   r.to.port);
    must(rd_redirect_read(line, strlen(line), "other", &again) == ERR_OK);
    must(again.is_ask == r.is_ask && again.slot == r.slot && again.to.port == r.to.port &&
         strcmp(again.to.name, r.to.name) == 0);
}

/* ---- a reply out of a recipe ---- */

enum { DEPTH_MAX = 4, REPLIES_MAX = 512 };

struct recipe {
    const uint8_t *at, *end;
    size_t n;
    redisReply all[REPLIES_MAX];
    redisReply *elements[REPLIES_MAX];
    size_t n_elements;
};

static unsigned
next(struct recipe *c)
{
    return c->at < c->end ? *c->at++ : 0;
}

static void
make_array(struct recipe *c, redisReply *r, unsigned n)
{
    if (n > REPLIES_MAX - c->n_elements)
        n = (unsigned)(REPLIES_MAX - c->n_elements);
    r->type = REDIS_REPLY_ARRAY;
    r->elements = n;
    r->element = c->elements + c->n_elements;
    c->n_elements += n;
}

static void
make_leaf(struct recipe *c, redisReply *r, unsigned kind)
{
    unsigned high;

    switch (kind) {
    case 1:
        high = next(c);
        r->type = REDIS_REPLY_INTEGER;
        r->integer = high << 8 | next(c);
        break;
    case 2:
        r->type = REDIS_REPLY_STRING;
        r->len = next(c) % 40;
        if (r->len > (size_t)(c->end - c->at))
            r->len = (size_t)(c->end - c->at);
        r->str = (char *)(uintptr_t)c->at;
        c->at += r->len;
        break;
    case 3:
        r->type = REDIS_REPLY_INTEGER;
        r->integer = -1;
        break;
    default:
        r->type = REDIS_REPLY_NIL;
    }
}

static redisReply *
make(struct recipe *c, int depth)
{
    redisReply *r;
    unsigned kind = next(c) % 5;

    if (c->n == REPLIES_MAX)
        return NULL;
    r = &c->all[c->n++];
    if (kind != 0 || depth == DEPTH_MAX) {
        make_leaf(c, r, kind);
        return r;
    }
    make_array(c, r, next(c) % 8);
    for (size_t i = 0; i < r->elements; i++)
        r->element[i] = make(c, depth + 1);
    return r;
}

static void
check_map(const uint8_t *data, size_t size)
{
    static struct rd_map map;
    static struct recipe c;
    redisReply *r;

    memset(&c, 0, sizeof(c));
    c.at = data;
    c.end = data + size;
    r = make(&c, 0);
    if (r == NULL || rd_map_read(r, "asked", &map) != ERR_OK)
        return;
    must(r->type == REDIS_REPLY_ARRAY && map.n_hosts <= RD_MASTERS_MAX);
    for (size_t i = 0; i < map.n_hosts; i++)
        check_host(&map.hosts[i]);
    for (size_t i = 0; i < RD_SLOTS; i++)
        must(map.of_slot[i] == RD_NOBODY || map.of_slot[i] < map.n_hosts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size > 0 ? size : 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    check_redirect(text, size);
    check_map(data, size);
    free(text);
    return 0;
}
