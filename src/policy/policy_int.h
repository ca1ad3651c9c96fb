/* SPDX-License-Identifier: Apache-2.0 */
/* policy_int: how networks are named in counters. Pure functions. */
#ifndef MAYFLY_POLICY_POLICY_INT_H
#define MAYFLY_POLICY_POLICY_INT_H

#include "base/netaddr.h"
#include "policy/counters.h"

#include <stddef.h>

enum { POLICY_KIND_LEN = 32 }; /* of each of the two words in a counter's name */

/* Who is counted: an IPv4 address, an IPv6 /64, or "unix" for all who have no address. */
struct netaddr policy_net(const struct netaddr *client);

/* "<kind>:<net>", or "<kind>:<of>:<net>" when `of` is not NULL. */
void policy_counter_name(const char *kind, const char *of, const struct netaddr *net,
                         char ret_name[COUNTER_NAME_LEN]);

/* As netaddr_text, and several times as fast, since every request needs it. */
void policy_net_text(const struct netaddr *net, char ret_text[NETADDR_TEXT_LEN]);

#endif
