/* SPDX-License-Identifier: Apache-2.0 */
/* forwarded: who the client is when the peer is a proxy that we trust. Pure functions. */
#ifndef MAYFLY_POLICY_FORWARDED_H
#define MAYFLY_POLICY_FORWARDED_H

#include "base/netaddr.h"

#include <stdbool.h>

struct trusted {
    struct netaddr *nets;
    size_t n;
};

/* A comma-separated list of addresses and networks (CIDR), and the word "unix" for peers on a
 * unix socket; "" is nobody. ERR_SYNTAX (names the entry); ERR_NOMEM. */
MUST_CHECK enum err trusted_parse(const char *list, struct trusted *ret_trusted);
void trusted_done(struct trusted *t);

bool trusted_has(const struct trusted *t, const struct netaddr *a);

/* The client's address: the peer's, unless that is trusted; then the right-most hop that is not
 * trusted, of X-Forwarded-For (`xff`) or else of Forwarded (RFC 7239, `fwd`); several lines of a
 * header are handed over joined by ','. Either may be NULL. A hop that is no address (unknown, an
 * obfuscated name, rubbish) ends the walk: the last good hop, at worst the peer, is the answer.
 * When every hop is trusted, the left-most one is it. A proxy of ours has to set one of the two
 * headers and, if that is Forwarded, to drop the other: what it lets through, it vouches for. */
void forwarded_client(const struct trusted *t, const struct netaddr *peer, const char *xff,
                      const char *fwd, struct netaddr *ret_client);

#endif
