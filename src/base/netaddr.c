/* SPDX-License-Identifier: Apache-2.0 */
#include "base/netaddr.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static unsigned
full_bits(enum netaddr_family family)
{
    return family == NETADDR_V4 ? 32 : family == NETADDR_V6 ? 128 : 0;
}

static void
set_v6(const uint8_t b[16], struct netaddr *ret_addr)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    *ret_addr = (struct netaddr){.family = NETADDR_V6, .bits = 128};
    if (memcmp(b, mapped, sizeof(mapped)) == 0) {
        *ret_addr = (struct netaddr){.family = NETADDR_V4, .bits = 32};
        memcpy(ret_addr->b, b + sizeof(mapped), 4);
    } else {
        memcpy(ret_addr->b, b, 16);
    }
}

void
netaddr_from_sockaddr(const struct sockaddr *sa, struct netaddr *ret_addr)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    *ret_addr = (struct netaddr){.family = NETADDR_NONE};
    if (sa == NULL)
        return;
    switch (sa->sa_family) {
    case AF_INET:
        memcpy(&v4, sa, sizeof(v4));
        *ret_addr = (struct netaddr){.family = NETADDR_V4, .bits = 32};
        memcpy(ret_addr->b, &v4.sin_addr, 4);
        break;
    case AF_INET6:
        memcpy(&v6, sa, sizeof(v6));
        set_v6(v6.sin6_addr.s6_addr, ret_addr);
        break;
    case AF_UNIX:
        ret_addr->family = NETADDR_UNIX;
        break;
    default:
        break;
    }
}

enum err
netaddr_parse(const char *text, size_t len, struct netaddr *ret_addr)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t b[16];

    if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len) != NULL)
        return err_set(ERR_SYNTAX, "not an IP address");
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, b) == 1) {
        *ret_addr = (struct netaddr){.family = NETADDR_V4, .bits = 32};
        memcpy(ret_addr->b, b, 4);
        return ERR_OK;
    }
    if (inet_pton(AF_INET6, copy, b) == 1) {
        set_v6(b, ret_addr);
        return ERR_OK;
    }
    return err_set(ERR_SYNTAX, "not an IP address");
}

enum err
netaddr_parse_cidr(const char *text, size_t len, struct netaddr *ret_net)
{
    const char *slash = memchr(text, '/', len);
    size_t addr_len = slash == NULL ? len : (size_t)(slash - text);
    struct netaddr a, net;
    uint64_t bits;
    enum err e;

    e = netaddr_parse(text, addr_len, &a);
    if (e != ERR_OK)
        return e;
    if (slash == NULL) {
        *ret_net = a;
        return ERR_OK;
    }
    if (a.family == NETADDR_V4 && memchr(text, ':', addr_len) != NULL)
        return err_set(ERR_SYNTAX, "a network of mapped addresses: write it as IPv4");
    if (text_u64(slash + 1, len - addr_len - 1, full_bits(a.family), &bits) != ERR_OK)
        return err_set(ERR_SYNTAX, "not a network: wrong prefix length");
    net = netaddr_cut(&a, (unsigned)bits);
    if (memcmp(net.b, a.b, sizeof(a.b)) != 0)
        return err_set(ERR_SYNTAX, "not a network: bits are set beyond its prefix");
    *ret_net = net;
    return ERR_OK;
}

struct netaddr
netaddr_cut(const struct netaddr *a, unsigned bits)
{
    struct netaddr net = *a;

    if (bits >= a->bits)
        return net;
    net.bits = (uint8_t)bits;
    for (unsigned i = 0; i < 16; i++) {
        if (i * 8 >= bits)
            net.b[i] = 0;
        else if (bits - i * 8 < 8)
            net.b[i] = (uint8_t)(net.b[i] & (0xff << (8 - (bits - i * 8))));
    }
    return net;
}

bool
netaddr_equal(const struct netaddr *a, const struct netaddr *b)
{
    return a->family == b->family && a->bits == b->bits && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool
netaddr_in(const struct netaddr *a, const struct netaddr *net)
{
    struct netaddr cut;

    if (a->family != net->family || a->bits < net->bits)
        return false;
    cut = netaddr_cut(a, net->bits);
    return netaddr_equal(&cut, net);
}

void
netaddr_text(const struct netaddr *a, char ret_text[NETADDR_TEXT_LEN])
{
    char addr[INET6_ADDRSTRLEN];

    if (a->family == NETADDR_UNIX || a->family == NETADDR_NONE) {
        (void)snprintf(ret_text, NETADDR_TEXT_LEN, "%s",
                       a->family == NETADDR_UNIX ? "unix" : "none");
        return;
    }
    (void)inet_ntop(a->family == NETADDR_V4 ? AF_INET : AF_INET6, a->b, addr, sizeof(addr));
    if (a->bits == full_bits(a->family))
        (void)snprintf(ret_text, NETADDR_TEXT_LEN, "%s", addr);
    else
        (void)snprintf(ret_text, NETADDR_TEXT_LEN, "%s/%u", addr, a->bits);
}
