/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections each network has. */
#include "http/http_int.h"

#include <stdlib.h>
#include <string.h>

enum { N_BUCKETS = 4096, V6_NET_BITS = 64 };

struct net {
    struct net *next;
    struct netaddr addr;
    unsigned n;
};

struct nets {
    pthread_mutex_t lock;
    unsigned max;
    uint64_t seed; /* so that nobody can choose addresses that share a bucket */
    struct net *buckets[N_BUCKETS];
};

enum err
nets_new(unsigned max_per_network, struct nets **ret_nets)
{
    struct nets *n = calloc(1, sizeof(*n));
    enum err e;

    if (n == NULL)
        return err_set(ERR_NOMEM, "no memory for the table of networks");
    e = rnd_bytes(&n->seed, sizeof(n->seed));
    if (e != ERR_OK) {
        free(n);
        return e;
    }
    n->max = max_per_network;
    (void)pthread_mutex_init(&n->lock, NULL);
    *ret_nets = n;
    return ERR_OK;
}

void
nets_free(struct nets *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < N_BUCKETS; i++) {
        struct net *net = n->buckets[i], *next;

        for (; net != NULL; net = next) {
            next = net->next;
            free(net);
        }
    }
    (void)pthread_mutex_destroy(&n->lock);
    free(n);
}

struct netaddr
nets_of(const struct netaddr *peer)
{
    return peer->family == NETADDR_V6 ? netaddr_cut(peer, V6_NET_BITS) : *peer;
}

/* A seeded mix of the address; the multipliers are the finaliser of SplitMix64. */
static struct net **
bucket(struct nets *n, const struct netaddr *addr)
{
    uint64_t h = n->seed ^ (uint64_t)addr->family, part;

    for (size_t i = 0; i < sizeof(addr->b); i += sizeof(part)) {
        memcpy(&part, addr->b + i, sizeof(part));
        h ^= part;
        h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
        h ^= h >> 31 ^ n->seed;
    }
    return &n->buckets[h % N_BUCKETS];
}

/* Where the network's entry hangs, or the end of its chain. */
static struct net **
find(struct nets *n, const struct netaddr *addr)
{
    struct net **at = bucket(n, addr);

    while (*at != NULL && !netaddr_equal(&(*at)->addr, addr))
        at = &(*at)->next;
    return at;
}

enum err
nets_take(struct nets *n, const struct netaddr *net)
{
    enum err e = ERR_OK;
    struct net **at;

    (void)pthread_mutex_lock(&n->lock);
    at = find(n, net);
    if (*at == NULL) {
        *at = calloc(1, sizeof(**at));
        if (*at != NULL)
            (*at)->addr = *net;
    }
    if (*at == NULL)
        e = err_set(ERR_NOMEM, "no memory to count a network");
    else if ((*at)->n >= n->max)
        e = err_set(ERR_LIMITED, "a network has %u connections", n->max);
    else
        (*at)->n++;
    (void)pthread_mutex_unlock(&n->lock);
    return e;
}

void
nets_give(struct nets *n, const struct netaddr *net)
{
    struct net **at, *gone;

    (void)pthread_mutex_lock(&n->lock);
    at = find(n, net);
    if (*at != NULL && --(*at)->n == 0) {
        gone = *at;
        *at = gone->next;
        free(gone);
    }
    (void)pthread_mutex_unlock(&n->lock);
}

bool
nets_is_full(struct nets *n, const struct netaddr *net)
{
    struct net **at;
    bool is_full;

    (void)pthread_mutex_lock(&n->lock);
    at = find(n, net);
    is_full = *at == NULL ? n->max == 0 : (*at)->n >= n->max;
    (void)pthread_mutex_unlock(&n->lock);
    return is_full;
}
