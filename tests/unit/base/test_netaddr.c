/* SPDX-License-Identifier: Apache-2.0 */
/* netaddr: addresses and networks from sockets and text, cutting, containing, and back to text. */
#include "testing.h"

#include "base/mem.h"
#include "base/netaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static struct netaddr
net(const char *text)
{
    struct netaddr n;

    assert_ok(netaddr_parse_cidr(text, strlen(text), &n));
    return n;
}

static void
text_is(const struct netaddr *a, const char *want)
{
    char text[NETADDR_TEXT_LEN];

    netaddr_text(a, text);
    assert_string_equal(want, text);
}

static void
addresses_are_read_in_both_families(void **state)
{
    static const char *const texts[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:DB8::1", "2001:db8::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"::ffff:c000:207", "192.0.2.7"},
        {"0:0:0:0:0:ffff:c000:0207", "192.0.2.7"},
        {"64:ff9b::192.0.2.7", "64:ff9b::c000:207"},
    };
    struct netaddr a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_ok(netaddr_parse(texts[i][0], strlen(texts[i][0]), &a));
        assert_int_equal(a.family == NETADDR_V4 ? 32 : 128, a.bits);
        text_is(&a, texts[i][1]);
    }
    assert_ok(netaddr_parse("192.0.2.7:80", 9, &a)); /* no further than its length */
}

static void
what_is_no_address_is_refused(void **state)
{
    static const char *const texts[] = {
        "",           "1",
        "1.2.3",      "1.2.3.4.5",
        "256.0.0.1",  "1.2.3.4 ",
        " 1.2.3.4",   "01.2.3.4",
        "0x1.2.3.4",  "1.2.3.4/32",
        "[::1]",      "::1%lo",
        "fe80::1%1",  ":::1",
        "1::2::3",    "1:2:3:4:5:6:7",
        "12345::",    "::g",
        "localhost",  "::1/128",
        "1.2.3.4:80", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
        "1..2.3",     "-1.2.3.4",
        "::1.2.3",    "unix",
    };
    struct netaddr a = {.bits = 77};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (netaddr_parse(texts[i], strlen(texts[i]), &a) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken as an address", texts[i]);
    }
    assert_err(ERR_SYNTAX, netaddr_parse("1.2.3.4\0", 8, &a));
    assert_int_equal(77, a.bits);
}

static void
networks_are_read(void **state)
{
    static const char *const texts[] = {
        "0.0.0.0/0", "10.0.0.0/8",    "192.0.2.128/25",       "1.2.3.4",
        "::/0",      "2001:db8::/32", "2001:db8:0:fff0::/60", "::1"};
    struct netaddr n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        n = net(texts[i]);
        text_is(&n, texts[i]);
    }
    n = net("1.2.3.4/32");
    text_is(&n, "1.2.3.4");
    n = net("::1/128");
    text_is(&n, "::1");
}

static void
what_is_no_network_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8x",
        "10.0.0.0/ 8",
        "10.0.0.0 /8",
        "10.0.0.1/8",
        "192.0.2.64/25",
        "::1/127",
        "2001:db8::/129",
        "2001:db8:0:1::/63",
        "10.0.0.0/8/8",
        "::ffff:10.0.0.0/104",
        "::ffff:10.0.0.0/8",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/99999999999999999999",
    };
    struct netaddr n = {.bits = 77};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (netaddr_parse_cidr(texts[i], strlen(texts[i]), &n) != ERR_SYNTAX)
            fail_msg("\"%s\" was taken as a network", texts[i]);
    }
    assert_int_equal(77, n.bits);
}

static void
cut_is(const char *text, unsigned bits, const char *want)
{
    struct netaddr a = net(text), cut = netaddr_cut(&a, bits);

    text_is(&cut, want);
}

static void
addresses_are_cut_to_their_network(void **state)
{
    (void)state;
    cut_is("192.0.2.255", 24, "192.0.2.0/24");
    cut_is("192.0.2.255", 31, "192.0.2.254/31");
    cut_is("192.0.2.255", 1, "128.0.0.0/1");
    cut_is("192.0.2.255", 0, "0.0.0.0/0");
    cut_is("192.0.2.255", 32, "192.0.2.255");
    cut_is("192.0.2.255", 64, "192.0.2.255");
    cut_is("2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::/64");
    cut_is("2001:db8:1:ffff::", 56, "2001:db8:1:ff00::/56");
    cut_is("2001:db8:1:2::", 61, "2001:db8:1::/61");
    cut_is("::1", 127, "::/127");
    cut_is("10.0.0.0/8", 16, "10.0.0.0/8"); /* it is wider already */
}

static void
networks_hold_their_addresses_and_no_others(void **state)
{
    static const struct {
        const char *a, *net;
        bool is_in;
    } cases[] = {
        {"10.1.2.3", "10.0.0.0/8", true},
        {"11.0.0.0", "10.0.0.0/8", false},
        {"9.255.255.255", "10.0.0.0/8", false},
        {"1.2.3.4", "0.0.0.0/0", true},
        {"1.2.3.4", "1.2.3.4", true},
        {"1.2.3.5", "1.2.3.4", false},
        {"10.0.0.0/16", "10.0.0.0/8", true},
        {"10.0.0.0/8", "10.0.0.0/16", false},
        {"10.0.0.0/8", "10.0.0.0/8", true},
        {"2001:db8::1", "2001:db8::/32", true},
        {"2001:db9::1", "2001:db8::/32", false},
        {"1.2.3.4", "::/0", false},
        {"::1", "0.0.0.0/0", false},
        {"::ffff:10.0.0.1", "10.0.0.0/8", true},
        {"192.0.2.127", "192.0.2.128/25", false},
        {"192.0.2.128", "192.0.2.128/25", true},
    };
    struct netaddr unix_peer = {.family = NETADDR_UNIX}, none = {.family = NETADDR_NONE};
    struct netaddr all = net("0.0.0.0/0");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct netaddr a = net(cases[i].a), n = net(cases[i].net);

        if (netaddr_in(&a, &n) != cases[i].is_in)
            fail_msg("%s in %s", cases[i].a, cases[i].net);
    }
    assert_true(netaddr_in(&unix_peer, &unix_peer));
    assert_false(netaddr_in(&unix_peer, &all));
    assert_false(netaddr_in(&none, &unix_peer));
}

static void
equal_means_family_length_and_bits(void **state)
{
    struct netaddr a = net("10.0.0.0"), b = net("10.0.0.0"), n = net("10.0.0.0/8");
    struct netaddr v6 = net("a00::");

    (void)state;
    assert_true(netaddr_equal(&a, &b));
    assert_false(netaddr_equal(&a, &n));
    assert_false(netaddr_equal(&a, &v6));
    b.b[3] = 1;
    assert_false(netaddr_equal(&a, &b));
}

static void
peers_of_sockets_are_told(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_scope_id = 3};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr other = {.sa_family = AF_APPLETALK};
    struct netaddr a;

    (void)state;
    assert_int_equal(1, inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr));
    netaddr_from_sockaddr((const struct sockaddr *)&v4, &a);
    text_is(&a, "192.0.2.7");
    assert_int_equal(1, inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr));
    netaddr_from_sockaddr((const struct sockaddr *)&v6, &a);
    text_is(&a, "2001:db8::7");
    assert_int_equal(1, inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr));
    netaddr_from_sockaddr((const struct sockaddr *)&v6, &a);
    text_is(&a, "192.0.2.7");
    netaddr_from_sockaddr((const struct sockaddr *)&un, &a);
    text_is(&a, "unix");
    netaddr_from_sockaddr(&other, &a);
    text_is(&a, "none");
    netaddr_from_sockaddr(NULL, &a);
    text_is(&a, "none");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_in_both_families),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(networks_are_read),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(addresses_are_cut_to_their_network),
        cmocka_unit_test(networks_hold_their_addresses_and_no_others),
        cmocka_unit_test(equal_means_family_length_and_bits),
        cmocka_unit_test(peers_of_sockets_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
