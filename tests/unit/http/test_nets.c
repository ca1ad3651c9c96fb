/* SPDX-License-Identifier: Apache-2.0 */
/* The count of connections per network. */
#include "testing.h"

#include "http/http_int.h"

#include <string.h>

static struct netaddr
net_of(const char *text)
{
    struct netaddr a;

    assert_ok(netaddr_parse(text, strlen(text), &a));
    return nets_of(&a);
}

static void
a_network_is_full_at_its_share_and_free_when_one_is_given_back(void **state)
{
    struct netaddr a = net_of("192.0.2.1"), b = net_of("192.0.2.2");
    struct nets *n = NULL;

    (void)state;
    assert_ok(nets_new(2, &n));
    assert_ok(nets_take(n, &a));
    assert_false(nets_is_full(n, &a));
    assert_ok(nets_take(n, &a));
    assert_true(nets_is_full(n, &a));
    assert_err(ERR_LIMITED, nets_take(n, &a));
    assert_false(nets_is_full(n, &b));
    assert_ok(nets_take(n, &b));
    nets_give(n, &a);
    assert_false(nets_is_full(n, &a));
    assert_ok(nets_take(n, &a));
    nets_free(n);
}

static void
ipv6_addresses_share_by_their_64_bits(void **state)
{
    struct netaddr a = net_of("2001:db8:1:2::1"), b = net_of("2001:db8:1:2:ffff::"),
                   c = net_of("2001:db8:1:3::1"), mapped = net_of("::ffff:192.0.2.1"),
                   v4 = net_of("192.0.2.1");
    struct nets *n = NULL;

    (void)state;
    assert_ok(nets_new(1, &n));
    assert_ok(nets_take(n, &a));
    assert_err(ERR_LIMITED, nets_take(n, &b));
    assert_ok(nets_take(n, &c));
    assert_ok(nets_take(n, &mapped));
    assert_err(ERR_LIMITED, nets_take(n, &v4));
    nets_free(n);
}

static void
many_networks_are_told_apart(void **state)
{
    struct nets *n = NULL;
    char text[32];

    (void)state;
    assert_ok(nets_new(1, &n));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            struct netaddr a;

            (void)snprintf(text, sizeof(text), "10.1.%d.%d", i / 256, i % 256);
            a = net_of(text);
            if (round == 0)
                assert_ok(nets_take(n, &a));
            else
                nets_give(n, &a);
        }
    }
    assert_false(
        nets_is_full(n, &(struct netaddr){.family = NETADDR_V4, .bits = 32, .b = {10, 1}}));
    nets_free(n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_is_full_at_its_share_and_free_when_one_is_given_back),
        cmocka_unit_test(ipv6_addresses_share_by_their_64_bits),
        cmocka_unit_test(many_networks_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
