/* SPDX-License-Identifier: Apache-2.0 */
/* netset: networks that we remember for a while, a bounded number of them. When it is full, what
 * would be forgotten first gives way. Private to policy. Not thread-safe: the guard locks. */
#ifndef MAYFLY_POLICY_NETSET_H
#define MAYFLY_POLICY_NETSET_H

#include "base/err.h"
#include "base/netaddr.h"

#include <stdint.h>

enum { NETSET_N = 4096 };

struct netset;

struct netset_times {
    int64_t until_s;        /* remembered before this time */
    int64_t stored_until_s; /* the store remembers it before this time */
};

/* ERR_NOMEM; ERR_IO: no random numbers for its hash. */
MUST_CHECK enum err netset_new(struct netset **ret_set);
void netset_free(struct netset *s); /* NULL is a no-op */

/* What is remembered of `net`; both times are 0 when nothing is, or no longer. */
struct netset_times netset_get(const struct netset *s, const struct netaddr *net, int64_t now_s);

void netset_put(struct netset *s, const struct netaddr *net, struct netset_times times);

#endif
