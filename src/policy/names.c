/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_int.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

struct netaddr
policy_net(const struct netaddr *client)
{
    if (client->family == NETADDR_V4)
        return *client;
    if (client->family == NETADDR_V6)
        return netaddr_cut(client, 64);
    return (struct netaddr){.family = NETADDR_UNIX};
}

static char *
put_decimal(char *at, unsigned n)
{
    if (n >= 100)
        *at++ = (char)('0' + n / 100);
    if (n >= 10)
        *at++ = (char)('0' + n / 10 % 10);
    *at++ = (char)('0' + n % 10);
    return at;
}

static char *
put_group(char *at, unsigned group)
{
    bool is_started = false;

    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = group >> shift & 15;

        is_started = is_started || digit != 0 || shift == 0;
        if (is_started)
            *at++ = "0123456789abcdef"[digit];
    }
    return at;
}

static char *
put_v4(char *at, const struct netaddr *net)
{
    for (int i = 0; i < 4; i++) {
        at = put_decimal(at, net->b[i]);
        *at++ = '.';
    }
    return at - 1;
}

/* Of a network of up to 64 bits: the zeros at its end are always the longest run, and it is them
 * that "::" stands for (RFC 5952 section 4.2). */
static char *
put_v6(char *at, const struct netaddr *net)
{
    int n = 4;

    while (n > 0 && net->b[2 * n - 2] == 0 && net->b[2 * n - 1] == 0)
        n--;
    for (int i = 0; i < n; i++) {
        at = put_group(at, (unsigned)net->b[2 * i] << 8 | net->b[2 * i + 1]);
        if (i + 1 < n)
            *at++ = ':';
    }
    *at++ = ':';
    *at++ = ':';
    *at++ = '/';
    return put_decimal(at, net->bits);
}

void
policy_net_text(const struct netaddr *net, char ret_text[NETADDR_TEXT_LEN])
{
    if (net->family == NETADDR_V4 && net->bits == 32)
        *put_v4(ret_text, net) = '\0';
    else if (net->family == NETADDR_V6 && net->bits <= 64)
        *put_v6(ret_text, net) = '\0';
    else
        netaddr_text(net, ret_text);
}

void
policy_counter_name(const char *kind, const char *of, const struct netaddr *net,
                    char ret_name[COUNTER_NAME_LEN])
{
    char *at;

    _Static_assert(COUNTER_NAME_LEN >= 2 * (POLICY_KIND_LEN + 1) + NETADDR_TEXT_LEN, "too short");
    assert(strlen(kind) <= POLICY_KIND_LEN && (of == NULL || strlen(of) <= POLICY_KIND_LEN));
    at = stpcpy(ret_name, kind);
    *at++ = ':';
    if (of != NULL) {
        at = stpcpy(at, of);
        *at++ = ':';
    }
    policy_net_text(net, at);
}
