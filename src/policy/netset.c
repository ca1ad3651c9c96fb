/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/netset.h"

#include "base/rnd.h"

#include <stddef.h>
#include <stdlib.h>

enum { WAYS = 4, ROWS = NETSET_N / WAYS };

struct entry {
    struct netaddr net;
    struct netset_times times; /* until_s is 0 where the entry is free */
};

struct netset {
    uint64_t seed[2]; /* so that nobody can choose networks that push out a certain other */
    struct entry rows[ROWS][WAYS];
};

enum err
netset_new(struct netset **ret_set)
{
    struct netset *s = calloc(1, sizeof(*s));
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for a set of networks");
    e = rnd_bytes(s->seed, sizeof(s->seed));
    if (e != ERR_OK) {
        netset_free(s);
        return e;
    }
    *ret_set = s;
    return ERR_OK;
}

void
netset_free(struct netset *s)
{
    free(s);
}

static uint64_t
mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
    return x ^ x >> 32;
}

static size_t
row_of(const struct netset *s, const struct netaddr *net)
{
    uint64_t high = 0, low = 0;

    for (int i = 0; i < 8; i++) {
        high = high << 8 | net->b[i];
        low = low << 8 | net->b[i + 8];
    }
    return mix(mix(high ^ s->seed[0]) ^ low ^ s->seed[1]) % ROWS;
}

struct netset_times
netset_get(const struct netset *s, const struct netaddr *net, int64_t now_s)
{
    const struct entry *row = s->rows[row_of(s, net)];

    for (int i = 0; i < WAYS; i++) {
        if (row[i].times.until_s > now_s && netaddr_equal(&row[i].net, net))
            return row[i].times;
    }
    return (struct netset_times){0};
}

void
netset_put(struct netset *s, const struct netaddr *net, struct netset_times times)
{
    struct entry *row = s->rows[row_of(s, net)], *chosen = row;

    for (int i = 0; i < WAYS; i++) {
        if (netaddr_equal(&row[i].net, net)) {
            chosen = &row[i];
            break;
        }
        if (row[i].times.until_s < chosen->times.until_s)
            chosen = &row[i];
    }
    *chosen = (struct entry){.net = *net, .times = times};
}
