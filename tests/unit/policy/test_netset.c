/* SPDX-License-Identifier: Apache-2.0 */
/* netset and the names of networks: what is remembered, what gives way, how counters are called. */
#include "testing.h"

#include "base/rnd.h"
#include "policy/netset.h"
#include "policy/policy_int.h"

#include <string.h>

enum { NOW = 1000 };

static struct netaddr
numbered(uint32_t n)
{
    return (struct netaddr){.family = NETADDR_V4,
                            .bits = 32,
                            .b = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static void
what_was_put_is_found_until_its_time(void **state)
{
    struct netaddr a = numbered(1), b = numbered(2);
    struct netset *s = NULL;
    struct netset_times t;

    (void)state;
    assert_ok(netset_new(&s));
    t = netset_get(s, &a, NOW);
    assert_int_equal(0, t.until_s);
    netset_put(s, &a, (struct netset_times){NOW + 10, NOW + 5});
    t = netset_get(s, &a, NOW + 9);
    assert_int_equal(NOW + 10, t.until_s);
    assert_int_equal(NOW + 5, t.stored_until_s);
    t = netset_get(s, &a, NOW + 10);
    assert_int_equal(0, t.until_s);
    t = netset_get(s, &b, NOW);
    assert_int_equal(0, t.until_s);
    netset_put(s, &a, (struct netset_times){NOW + 20, NOW + 5}); /* the later put counts */
    t = netset_get(s, &a, NOW + 10);
    assert_int_equal(NOW + 20, t.until_s);
    netset_free(s);
    netset_free(NULL);
}

static void
addresses_of_two_families_with_the_same_bytes_are_two(void **state)
{
    struct netaddr v4 = numbered(1), v6 = v4;
    struct netset *s = NULL;

    (void)state;
    v6.family = NETADDR_V6;
    v6.bits = 64;
    assert_ok(netset_new(&s));
    netset_put(s, &v4, (struct netset_times){NOW + 10, 0});
    assert_int_equal(0, netset_get(s, &v6, NOW).until_s);
    assert_int_equal(NOW + 10, netset_get(s, &v4, NOW).until_s);
    netset_free(s);
}

static void
a_full_set_forgets_what_would_end_first(void **state)
{
    struct netset *s = NULL;
    unsigned n_early = 0, n_late = 0;

    (void)state;
    assert_ok(netset_new(&s));
    for (uint32_t i = 0; i < NETSET_N; i++) {
        struct netaddr a = numbered(i);

        netset_put(s, &a, (struct netset_times){NOW + 10, 0});
    }
    for (uint32_t i = NETSET_N; i < 9 * NETSET_N; i++) {
        struct netaddr a = numbered(i);

        netset_put(s, &a, (struct netset_times){NOW + 20, 0});
    }
    for (uint32_t i = 0; i < 9 * NETSET_N; i++) {
        struct netaddr a = numbered(i);

        if (netset_get(s, &a, NOW).until_s > 0)
            *(i < NETSET_N ? &n_early : &n_late) += 1;
    }
    assert_in_range(n_early, 0, NETSET_N / 100);
    assert_in_range(n_late, NETSET_N * 98 / 100, NETSET_N); /* and never more than it holds */
    netset_free(s);
}

static void
half_a_set_is_remembered_nearly_whole(void **state)
{
    struct netset *s = NULL;
    unsigned n = 0;

    (void)state;
    assert_ok(netset_new(&s));
    for (uint32_t i = 0; i < NETSET_N / 2; i++) {
        struct netaddr a = numbered(i);

        netset_put(s, &a, (struct netset_times){NOW + 10, 0});
    }
    for (uint32_t i = 0; i < NETSET_N / 2; i++) {
        struct netaddr a = numbered(i);

        n += netset_get(s, &a, NOW).until_s > 0;
    }
    assert_in_range(n, NETSET_N / 2 * 9 / 10, NETSET_N / 2);
    netset_free(s);
}

/* ---- names ---- */

static void
is_named(const char *kind, const char *of, const char *cidr, const char *want)
{
    char name[COUNTER_NAME_LEN];
    struct netaddr net;

    assert_ok(netaddr_parse_cidr(cidr, strlen(cidr), &net));
    policy_counter_name(kind, of, &net, name);
    assert_string_equal(want, name);
}

static void
counters_are_named_as_the_contract_says(void **state)
{
    (void)state;
    is_named("fails", "download", "192.0.2.7", "fails:download:192.0.2.7");
    is_named("block", "status", "2001:db8::/64", "block:status:2001:db8::/64");
    is_named("block", "burn", "2001:db8:0:ff00::/56", "block:burn:2001:db8:0:ff00::/56");
    is_named("ok", NULL, "10.20.255.0", "ok:10.20.255.0");
    is_named("ok", NULL, "::/64", "ok:::/64");
    is_named("12345678901234567890123456789012", "12345678901234567890123456789012",
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
             "12345678901234567890123456789012:12345678901234567890123456789012:"
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

/* Random networks, with many zero bytes, have the text that the system's own functions give. */
static void
networks_have_the_text_that_the_system_gives_them(void **state)
{
    static const uint8_t lengths[] = {0, 16, 48, 56, 60, 64, 72, 128};
    char ours[NETADDR_TEXT_LEN], theirs[NETADDR_TEXT_LEN];

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct netaddr a = {.family = NETADDR_V6, .bits = 128};
        uint8_t zeros[16];

        assert_ok(rnd_bytes(a.b, 16));
        assert_ok(rnd_bytes(zeros, 16));
        for (unsigned k = 0; k < 16; k++)
            a.b[k] = zeros[k] < 150 ? 0 : a.b[k];
        a = netaddr_cut(&a, lengths[i % sizeof(lengths)]);
        if (i % 5 == 0) {
            a = (struct netaddr){
                .family = NETADDR_V4, .bits = 32, .b = {a.b[0], a.b[1], zeros[0], zeros[1]}};
        }
        policy_net_text(&a, ours);
        netaddr_text(&a, theirs);
        assert_string_equal(theirs, ours);
    }
}

static void
clients_are_counted_by_address_or_64(void **state)
{
    struct netaddr v4 = numbered(7), v6 = {.family = NETADDR_V6, .bits = 128, .b = {0x20, 1}};
    struct netaddr none = {.family = NETADDR_NONE}, net;
    char text[NETADDR_TEXT_LEN];

    (void)state;
    v6.b[15] = 9;
    net = policy_net(&v4);
    assert_true(netaddr_equal(&v4, &net));
    net = policy_net(&v6);
    policy_net_text(&net, text);
    assert_string_equal("2001::/64", text);
    net = policy_net(&none);
    policy_net_text(&net, text);
    assert_string_equal("unix", text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_until_its_time),
        cmocka_unit_test(addresses_of_two_families_with_the_same_bytes_are_two),
        cmocka_unit_test(a_full_set_forgets_what_would_end_first),
        cmocka_unit_test(half_a_set_is_remembered_nearly_whole),
        cmocka_unit_test(counters_are_named_as_the_contract_says),
        cmocka_unit_test(networks_have_the_text_that_the_system_gives_them),
        cmocka_unit_test(clients_are_counted_by_address_or_64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
