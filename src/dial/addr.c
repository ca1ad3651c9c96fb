/* SPDX-License-Identifier: Apache-2.0 */
#include "dial/dial.h"

#include "base/netaddr.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* One of the resolver's addresses, with our port. */
static bool
take(const struct addrinfo *ai, uint16_t port, struct dial_addr *ret_addr)
{
    in_port_t net_port = htons(port);
    size_t port_at = 0;

    if (ai->ai_family == AF_INET)
        port_at = offsetof(struct sockaddr_in, sin_port);
    else if (ai->ai_family == AF_INET6)
        port_at = offsetof(struct sockaddr_in6, sin6_port);
    else
        return false;
    *ret_addr = (struct dial_addr){.len = ai->ai_addrlen};
    memcpy(&ret_addr->sa, ai->ai_addr, ai->ai_addrlen);
    memcpy((char *)&ret_addr->sa + port_at, &net_port, sizeof(net_port));
    return true;
}

enum err
dial_resolve(const char *host, uint16_t port, struct dial_addrs *ret_addrs)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;
    struct dial_addrs got = {0};
    int rc = getaddrinfo(host, NULL, &hints, &all);

    if (rc == EAI_MEMORY)
        return err_set(ERR_NOMEM, "no memory to look up a host");
    if (rc != 0)
        return err_set(ERR_UNAVAIL, "cannot look up the host: %s",
                       rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    for (const struct addrinfo *ai = all; ai != NULL && got.n < DIAL_ADDRS_MAX; ai = ai->ai_next)
        if (take(ai, port, &got.all[got.n]))
            got.n++;
    freeaddrinfo(all);
    if (got.n == 0)
        return err_set(ERR_UNAVAIL, "the host has no IP address");
    *ret_addrs = got;
    return ERR_OK;
}

enum err
dial_unix_addr(const char *path, struct dial_addr *ret_addr)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    if (len == 0)
        return err_set(ERR_SYNTAX, "a unix socket without a path");
    if (len >= sizeof(sun.sun_path))
        return err_set(ERR_TOOBIG, "the path of a unix socket has at most %zu bytes",
                       sizeof(sun.sun_path) - 1);
    memcpy(sun.sun_path, path, len + 1);
    *ret_addr = (struct dial_addr){.len = sizeof(sun)};
    memcpy(&ret_addr->sa, &sun, sizeof(sun));
    return ERR_OK;
}

bool
dial_is_local(const struct dial_addr *addr)
{
    static const uint8_t loopback_v6[16] = {[15] = 1};
    struct netaddr a;

    netaddr_from_sockaddr((const struct sockaddr *)&addr->sa, &a);
    switch (a.family) {
    case NETADDR_UNIX:
        return true;
    case NETADDR_V4: /* IPv4-mapped IPv6, too */
        return a.b[0] == 127;
    case NETADDR_V6:
        return memcmp(a.b, loopback_v6, sizeof(loopback_v6)) == 0;
    default:
        return false;
    }
}

void
dial_text(const struct dial_addr *addr, char ret_text[DIAL_TEXT_LEN])
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    struct sockaddr_un sun = {0};

    if (addr->sa.ss_family == AF_UNIX) {
        memcpy(&sun, &addr->sa, sizeof(sun));
        (void)snprintf(ret_text, DIAL_TEXT_LEN, "unix:%.*s", (int)sizeof(sun.sun_path),
                       sun.sun_path);
    } else if (getnameinfo((const struct sockaddr *)&addr->sa, addr->len, host, sizeof(host), port,
                           sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        (void)snprintf(ret_text, DIAL_TEXT_LEN, "?");
    } else {
        (void)snprintf(ret_text, DIAL_TEXT_LEN,
                       addr->sa.ss_family == AF_INET6 ? "[%.*s]:%s" : "%.*s:%s", DIAL_TEXT_LEN - 16,
                       host, port);
    }
}
