/* SPDX-License-Identifier: Apache-2.0 */
/* X-Forwarded-For and Forwarded: a peer that is not trusted is the client; and when a proxy of
 * ours appends a hop, nothing that stands before it can change what the hop says. */
#include "base/netaddr.h"
#include "policy/forwarded.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct netaddr
addr(const char *text)
{
    struct netaddr a;

    if (netaddr_parse(text, strlen(text), &a) != ERR_OK)
        abort();
    return a;
}

static struct netaddr
client_of(const struct trusted *t, const char *peer, const char *header, bool is_xff)
{
    struct netaddr p = addr(peer), client;

    forwarded_client(t, &p, is_xff ? header : NULL, is_xff ? NULL : header, &client);
    return client;
}

static bool
is(const struct netaddr *a, const char *text)
{
    struct netaddr b = addr(text);

    return netaddr_equal(a, &b);
}

/* `header` with a hop behind it, as a proxy does it. */
static char *
append(const char *header, bool is_xff, const char *hop)
{
    char *longer = NULL;

    if (asprintf(&longer, "%s%s%s", header, is_xff ? ", " : ", for=", hop) < 0)
        abort();
    return longer;
}

static void
check(const struct trusted *t, const char *header, bool is_xff)
{
    struct netaddr client = client_of(t, "203.0.113.9", header, is_xff), with_hop;
    char *longer;

    assert(is(&client, "203.0.113.9"));
    client = client_of(t, "10.0.0.1", header, is_xff);
    assert(client.family == NETADDR_V4 ? client.bits == 32 : client.family == NETADDR_V6);

    longer = append(header, is_xff, "198.51.100.7");
    with_hop = client_of(t, "10.0.0.1", longer, is_xff);
    assert(is(&with_hop, "198.51.100.7"));
    free(longer);

    /* One more proxy of ours in the chain changes nothing, but that the walk may end there. */
    longer = append(header, is_xff, "10.0.0.77");
    with_hop = client_of(t, "10.0.0.1", longer, is_xff);
    if (is(&client, "10.0.0.1"))
        assert(is(&with_hop, "10.0.0.77") || is(&with_hop, "10.0.0.1"));
    else
        assert(netaddr_equal(&with_hop, &client));
    free(longer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trusted t = {0};
    char *header = malloc(size + 1);

    if (header == NULL)
        return 0;
    if (size > 0)
        memcpy(header, data, size);
    header[size] = '\0';
    if (trusted_parse("10.0.0.0/8, 2001:db8::/32", &t) != ERR_OK)
        abort();
    check(&t, header, true);
    check(&t, header, false);
    trusted_done(&t);
    if (trusted_parse(header, &t) == ERR_OK) /* the list's own parser, with the same bytes */
        trusted_done(&t);
    free(header);
    return 0;
}
