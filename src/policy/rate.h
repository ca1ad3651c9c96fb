/* SPDX-License-Identifier: Apache-2.0 */
/* rate: so many requests of one kind per network and time. A network is an IPv4 address or an
 * IPv6 /64. Holds no state of its own; thread-safe as its counters are. */
#ifndef MAYFLY_POLICY_RATE_H
#define MAYFLY_POLICY_RATE_H

#include "base/netaddr.h"
#include "policy/counters.h"

struct rate {
    uint64_t n;       /* 0: no limit */
    int64_t window_s; /* 1, 60, 3600 or 86400 */
};

/* "N/second", "N/minute", "N/hour", "N/day" with N from 1 to 1,000,000, or "off". ERR_SYNTAX. */
MUST_CHECK enum err rate_parse(const char *text, struct rate *ret_rate);

/* Count one request of `kind` ("upload") by `client`. ERR_LIMITED: one too many; `ret_retry_s` is
 * then the seconds (at least 1) until the window ends. Clients without an address (unix sockets)
 * share one count. Other errors are the counters'. */
MUST_CHECK enum err rate_take(const struct rate *r, const struct counters *c, const char *kind,
                              const struct netaddr *client, int64_t now_s, int64_t *ret_retry_s);

#endif
