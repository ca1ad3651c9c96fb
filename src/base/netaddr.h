/* SPDX-License-Identifier: Apache-2.0 */
/* netaddr: IP addresses and networks without ports. IPv4-mapped IPv6 addresses are IPv4 here.
 * Plain values; thread-safe, no allocation, no name look-ups. */
#ifndef MAYFLY_BASE_NETADDR_H
#define MAYFLY_BASE_NETADDR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum netaddr_family { NETADDR_NONE, NETADDR_V4, NETADDR_V6, NETADDR_UNIX };

struct netaddr {
    enum netaddr_family family;
    uint8_t bits;  /* prefix length; 32 or 128 for an address */
    uint8_t b[16]; /* 4 or 16 are used, the rest is zero */
};

enum { NETADDR_TEXT_LEN = 52 }; /* the longest IPv6 text, "/128", a NUL */

/* From a socket's peer. AF_UNIX gives NETADDR_UNIX, anything unknown NETADDR_NONE. */
void netaddr_from_sockaddr(const struct sockaddr *sa, struct netaddr *ret_addr);

/* A bare address, IPv4 dotted or IPv6 (no brackets, zone or port). ERR_SYNTAX. */
MUST_CHECK enum err netaddr_parse(const char *text, size_t len, struct netaddr *ret_addr);

/* address or address/bits; bits beyond the prefix must be zero. ERR_SYNTAX. */
MUST_CHECK enum err netaddr_parse_cidr(const char *text, size_t len, struct netaddr *ret_net);

/* The network of `bits` bits that holds `a`. Bits beyond the address's own leave it whole. */
struct netaddr netaddr_cut(const struct netaddr *a, unsigned bits);

/* Whether the address or network `a` lies in `net`. Families must agree. */
bool netaddr_in(const struct netaddr *a, const struct netaddr *net);

bool netaddr_equal(const struct netaddr *a, const struct netaddr *b);

/* "192.0.2.7", "192.0.2.0/24", "2001:db8::/64", "unix" or "none". */
void netaddr_text(const struct netaddr *a, char ret_text[NETADDR_TEXT_LEN]);

#endif
