/* SPDX-License-Identifier: Apache-2.0 */
/* forwarded: who the client is, told by proxies that we trust and by clients that we do not. */
#include "testing.h"

#include "base/mem.h"
#include "policy/forwarded.h"

#include <stdio.h>
#include <string.h>

#define TRUSTED "10.0.0.0/8, 192.0.2.1,2001:db8:ffff::/48, unix"

static struct netaddr
addr(const char *text)
{
    struct netaddr a = {.family = NETADDR_NONE};

    if (strcmp(text, "unix") == 0)
        a.family = NETADDR_UNIX;
    else if (strcmp(text, "none") != 0)
        assert_ok(netaddr_parse(text, strlen(text), &a));
    return a;
}

static void
client_is(const char *want, const char *peer, const char *xff, const char *fwd)
{
    struct netaddr p = addr(peer), client = {.family = NETADDR_NONE};
    struct trusted t = {0};
    char text[NETADDR_TEXT_LEN];

    assert_ok(trusted_parse(TRUSTED, &t));
    forwarded_client(&t, &p, xff, fwd, &client);
    netaddr_text(&client, text);
    if (strcmp(want, text) != 0)
        fail_msg("%s with \"%s\" and \"%s\" gave %s, not %s", peer, xff == NULL ? "-" : xff,
                 fwd == NULL ? "-" : fwd, text, want);
    trusted_done(&t);
}

/* ---- the list of those we trust ---- */

static bool
trusts(const char *list, const char *a)
{
    struct netaddr asked = addr(a);
    struct trusted t = {0};
    bool is_trusted;

    assert_ok(trusted_parse(list, &t));
    is_trusted = trusted_has(&t, &asked);
    trusted_done(&t);
    assert_null(t.nets);
    return is_trusted;
}

static void
a_list_names_addresses_networks_and_unix(void **state)
{
    (void)state;
    assert_true(trusts(TRUSTED, "10.255.0.1"));
    assert_true(trusts(TRUSTED, "192.0.2.1"));
    assert_true(trusts(TRUSTED, "::ffff:192.0.2.1"));
    assert_true(trusts(TRUSTED, "2001:db8:ffff:1::1"));
    assert_true(trusts(TRUSTED, "unix"));
    assert_true(trusts("UNIX", "unix"));
    assert_true(trusts("0.0.0.0/0", "203.0.113.9"));
    assert_true(trusts("::1", "::1"));
    assert_false(trusts(TRUSTED, "11.0.0.1"));
    assert_false(trusts(TRUSTED, "192.0.2.2"));
    assert_false(trusts(TRUSTED, "2001:db8:fffe::1"));
    assert_false(trusts("10.0.0.0/8", "unix"));
    assert_false(trusts("unix", "10.0.0.1"));
    assert_false(trusts("0.0.0.0/0", "2001:db8::1"));
    assert_false(trusts("::/0", "203.0.113.9"));
    assert_false(trusts("0.0.0.0/0,::/0,unix", "none"));
}

static void
an_empty_list_trusts_nobody(void **state)
{
    (void)state;
    assert_false(trusts("", "127.0.0.1"));
    assert_false(trusts(" \t ", "unix"));
    assert_false(trusts("", "none"));
}

static void
entries_that_are_no_network_are_refused_by_name(void **state)
{
    static const char *const entries[] = {
        "10.0.0.1/8",          "10.0.0.0/33", "10.0.0",      "localhost", "10.0.0.0/",
        "10.0.0.0/8/8",        "10.0.0.0-10", "[::1]",       "::1/129",   "2001:db8::1/48",
        "fe80::1%eth0",        "unixx",       "unix:/run/x", "*",         "01.2.3.4",
        "::ffff:10.0.0.0/104", "10.0.0.0 /8", "-",
    };
    struct trusted t = {.nets = NULL, .n = 77};
    char list[80];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        (void)snprintf(list, sizeof(list), "127.0.0.1, %s ,::1", entries[i]);
        assert_err(ERR_SYNTAX, trusted_parse(list, &t));
        if (strstr(err_sentence(), entries[i]) == NULL)
            fail_msg("\"%s\" does not name \"%s\"", err_sentence(), entries[i]);
    }
    assert_err(ERR_SYNTAX, trusted_parse(",", &t));
    assert_err(ERR_SYNTAX, trusted_parse("10.0.0.0/8,", &t));
    assert_err(ERR_SYNTAX, trusted_parse("10.0.0.0/8,,::1", &t));
    assert_int_equal(77, t.n);
}

/* ---- who may speak for others ---- */

static void
a_peer_that_is_not_trusted_is_the_client_whatever_it_says(void **state)
{
    (void)state;
    client_is("203.0.113.9", "203.0.113.9", "198.51.100.1", NULL);
    client_is("203.0.113.9", "203.0.113.9", NULL, "for=198.51.100.1");
    client_is("203.0.113.9", "203.0.113.9", "10.0.0.1", "for=10.0.0.1");
    client_is("203.0.113.9", "203.0.113.9", NULL, NULL);
    client_is("2001:db8::9", "2001:db8::9", "198.51.100.1", NULL);
    client_is("none", "none", "198.51.100.1", NULL);
}

static void
a_trusted_peer_speaks_for_its_client(void **state)
{
    (void)state;
    client_is("198.51.100.1", "10.0.0.1", "198.51.100.1", NULL);
    client_is("198.51.100.1", "unix", "198.51.100.1", NULL);
    client_is("2001:db8::1", "2001:db8:ffff::1", "2001:db8::1", NULL);
    client_is("198.51.100.1", "192.0.2.1", NULL, "for=198.51.100.1");
    client_is("10.0.0.1", "10.0.0.1", NULL, NULL);
    client_is("unix", "unix", NULL, NULL);
}

static void
the_right_most_hop_that_is_not_trusted_is_the_client(void **state)
{
    (void)state;
    client_is("198.51.100.1", "10.0.0.1", "203.0.113.5, 198.51.100.1", NULL);
    client_is("198.51.100.1", "10.0.0.1", "203.0.113.5, 198.51.100.1, 10.0.0.2", NULL);
    client_is("198.51.100.1", "10.0.0.1", "10.9.9.9,198.51.100.1,10.0.0.2,192.0.2.1", NULL);
    client_is("198.51.100.1", "10.0.0.1", NULL,
              "for=203.0.113.5, for=198.51.100.1;proto=https, for=10.0.0.2");
}

static void
of_hops_that_are_all_trusted_the_left_most_is_the_client(void **state)
{
    (void)state;
    client_is("10.0.0.3", "10.0.0.1", "10.0.0.3, 10.0.0.2", NULL);
    client_is("10.0.0.3", "10.0.0.1", NULL, "for=10.0.0.3, for=10.0.0.2");
}

static void
x_forwarded_for_goes_before_forwarded(void **state)
{
    (void)state;
    client_is("198.51.100.1", "10.0.0.1", "198.51.100.1", "for=203.0.113.5");
    client_is("10.0.0.1", "10.0.0.1", "rubbish", "for=203.0.113.5");
    client_is("10.0.0.1", "10.0.0.1", "", "for=203.0.113.5");
}

static void
a_hop_that_is_no_address_ends_the_walk(void **state)
{
    static const char *const hops[] = {
        "",
        "unknown",
        "_hidden",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4/24",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:70000",
        "1.2.3.4:123456",
        "1.2.3.4:80:80",
        "[1.2.3.4]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[]",
        "[2001:db8::1]80",
        "[2001:db8::1]:",
        "2001:db8::g",
        "fe80::1%eth0",
        "1.2.3.4 5.6.7.8",
        "unix:",
        "\"1.2.3.4\"",
        "for=1.2.3.4",
        "1.2.3.4;",
        "\x01",
        "1.2.3.4\xc2\xa0",
        "::ffff:1.2.3",
        "[::1]:-1",
        "1.2.3.4:+1",
    };
    char header[100];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hops); i++) {
        client_is("10.0.0.1", "10.0.0.1", hops[i], NULL);
        (void)snprintf(header, sizeof(header), "198.51.100.1, %s", hops[i]);
        client_is("10.0.0.1", "10.0.0.1", header, NULL);
        (void)snprintf(header, sizeof(header), "198.51.100.1, %s, 10.0.0.2", hops[i]);
        client_is("10.0.0.2", "10.0.0.1", header, NULL);
        (void)snprintf(header, sizeof(header), "%s, 198.51.100.1", hops[i]); /* not reached */
        client_is("198.51.100.1", "10.0.0.1", header, NULL);
    }
}

static void
ports_blanks_and_brackets_are_taken_off(void **state)
{
    (void)state;
    client_is("198.51.100.1", "10.0.0.1", "  198.51.100.1\t", NULL);
    client_is("198.51.100.1", "10.0.0.1", "198.51.100.1:65535", NULL);
    client_is("198.51.100.1", "10.0.0.1", "198.51.100.1:0 , 10.0.0.2:443", NULL);
    client_is("2001:db8::1", "10.0.0.1", "[2001:db8::1]", NULL);
    client_is("2001:db8::1", "10.0.0.1", "[2001:db8::1]:443", NULL);
    client_is("2001:db8::1", "10.0.0.1", "2001:DB8:0:0::1", NULL);
}

static void
mapped_addresses_are_ipv4(void **state)
{
    (void)state;
    client_is("198.51.100.1", "10.0.0.1", "::ffff:198.51.100.1", NULL);
    client_is("198.51.100.1", "10.0.0.1", "[::ffff:c633:6401]:80", NULL);
    client_is("198.51.100.1", "::ffff:10.0.0.1", "198.51.100.1, ::ffff:10.0.0.2", NULL);
}

/* ---- RFC 7239 ---- */

static void
forwarded_elements_are_read_in_all_their_forms(void **state)
{
    (void)state;
    client_is("198.51.100.1", "10.0.0.1", NULL, "For=198.51.100.1");
    client_is("198.51.100.1", "10.0.0.1", NULL, "FOR=\"198.51.100.1\"");
    client_is("198.51.100.1", "10.0.0.1", NULL, "for=\"198.51.100.1:47011\"");
    client_is("198.51.100.1", "10.0.0.1", NULL, "for=198.51.100.1:47011");
    client_is("2001:db8:cafe::17", "10.0.0.1", NULL, "for=\"[2001:db8:cafe::17]\"");
    client_is("2001:db8:cafe::17", "10.0.0.1", NULL, "For=\"[2001:db8:cafe::17]:4711\"");
    client_is("2001:db8:cafe::17", "10.0.0.1", NULL, "for=[2001:db8:cafe::17]:4711");
    client_is("198.51.100.1", "10.0.0.1", NULL, "for=\"198.51.100.1:_port.1\"");
    client_is("198.51.100.1", "10.0.0.1", NULL, "by=10.0.0.9;for=198.51.100.1;proto=http");
    client_is("198.51.100.1", "10.0.0.1", NULL, "proto=http ; for=198.51.100.1 ; by=_me");
    client_is("198.51.100.1", "10.0.0.1", NULL, "for=\"\\1\\9\\8.51.100.1\"");
    client_is("198.51.100.1", "10.0.0.1", NULL, "host=\"a,b\\\"c, for=1.1.1.1\";for=198.51.100.1");
    client_is("198.51.100.1", "10.0.0.1", NULL, "for=198.51.100.1;host=\"x\\\\\", for=10.0.0.2");
    client_is("198.51.100.1", "10.0.0.1", NULL, "for=198.51.100.1;x=\"\"");
}

static void
forwarded_elements_without_an_address_end_the_walk(void **state)
{
    static const char *const elements[] = {
        "",
        "for",
        "for=",
        "for=\"\"",
        "=1.2.3.4",
        "for=unknown",
        "for=\"_SEVKISEK\"",
        "for=_hidden",
        "by=1.2.3.4",
        "proto=https",
        "for=1.2.3.4;for=1.2.3.4",
        "for=1.2.3.4;For=5.6.7.8",
        "for=1.2.3.4;",
        ";for=1.2.3.4",
        "for=1.2.3.4;;by=x",
        "for =1.2.3.4",
        "for= 1.2.3.4",
        "for=1.2.3.4 by=x",
        "for=\"1.2.3.4\"x",
        "for=\"1.2.3.4:\"",
        "for=\"1.2.3.4:_\"",
        "for=\"1.2.3.4:_a b\"",
        "for='1.2.3.4'",
        "f\xc3\xb6r=1.2.3.4",
        "for=1.2.3.4;host=a/b",
        "for=\"00000000000000000000000000000000000000000000000000000000000000000001.2.3.4\"",
        "1.2.3.4",
    };
    char header[160];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(elements); i++) {
        client_is("10.0.0.1", "10.0.0.1", NULL, elements[i]);
        (void)snprintf(header, sizeof(header), "for=198.51.100.1, %s", elements[i]);
        client_is("10.0.0.1", "10.0.0.1", NULL, header);
        (void)snprintf(header, sizeof(header), "for=198.51.100.1,%s,for=10.0.0.2", elements[i]);
        client_is("10.0.0.2", "10.0.0.1", NULL, header);
        (void)snprintf(header, sizeof(header), "%s, for=198.51.100.1", elements[i]);
        client_is("198.51.100.1", "10.0.0.1", NULL, header);
    }
}

/* What a client sends cannot swallow what the proxy appends to it. */
static void
open_quotes_of_a_client_do_not_hide_its_address(void **state)
{
    static const char *const before[] = {
        "\"",
        "for=\"",
        "for=\"1.2.3.4",
        "for=\\\"",
        "\\",
        "for=\"\\",
        "for=\"a\\\\",
        "host=\"for=1.2.3.4",
        "\"\"\"",
        "for=1.2.3.4;host=\"",
        "for=\"1.2.3.4\", x=\"",
        ",\"",
        "\",",
        "for=\"\\\"",
        "\\\\\\\"",
    };
    static const char *const own[] = {
        "for=198.51.100.1",
        "for=\"198.51.100.1:80\"",
        "for=198.51.100.1;host=\"a,b\"",
        "host=\"\\\"\";for=198.51.100.1",
    };
    char header[120];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        for (size_t k = 0; k < ARRAY_LEN(own); k++) {
            (void)snprintf(header, sizeof(header), "%s, %s", before[i], own[k]);
            client_is("198.51.100.1", "10.0.0.1", NULL, header);
        }
    }
}

static void
a_header_of_a_hundred_thousand_hops_is_read(void **state)
{
    enum { N = 100000 };
    static char header[N * 9 + 32];
    size_t at = 0;

    (void)state;
    memcpy(header, "198.51.100.1", 12);
    for (at = 12; at + 9 < sizeof(header) - 1; at += 9)
        memcpy(header + at, ",10.0.0.2", 9);
    header[at] = '\0';
    client_is("198.51.100.1", "10.0.0.1", header, NULL);
    memset(header, '"', sizeof(header) - 1);
    client_is("10.0.0.1", "10.0.0.1", NULL, header);
    memset(header, '\\', sizeof(header) - 1);
    client_is("10.0.0.1", "10.0.0.1", NULL, header);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_names_addresses_networks_and_unix),
        cmocka_unit_test(an_empty_list_trusts_nobody),
        cmocka_unit_test(entries_that_are_no_network_are_refused_by_name),
        cmocka_unit_test(a_peer_that_is_not_trusted_is_the_client_whatever_it_says),
        cmocka_unit_test(a_trusted_peer_speaks_for_its_client),
        cmocka_unit_test(the_right_most_hop_that_is_not_trusted_is_the_client),
        cmocka_unit_test(of_hops_that_are_all_trusted_the_left_most_is_the_client),
        cmocka_unit_test(x_forwarded_for_goes_before_forwarded),
        cmocka_unit_test(a_hop_that_is_no_address_ends_the_walk),
        cmocka_unit_test(ports_blanks_and_brackets_are_taken_off),
        cmocka_unit_test(mapped_addresses_are_ipv4),
        cmocka_unit_test(forwarded_elements_are_read_in_all_their_forms),
        cmocka_unit_test(forwarded_elements_without_an_address_end_the_walk),
        cmocka_unit_test(open_quotes_of_a_client_do_not_hide_its_address),
        cmocka_unit_test(a_header_of_a_hundred_thousand_hops_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
