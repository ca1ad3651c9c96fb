/* SPDX-License-Identifier: Apache-2.0 */
/* dial, addresses: what is found, what is this machine's own, and how it reads. */
#include "testing.h"

#include "base/mem.h"
#include "dial/dial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static const char *
text_of(const struct dial_addr *addr)
{
    static char text[DIAL_TEXT_LEN];

    memset(text, 'x', sizeof(text));
    dial_text(addr, text);
    assert_non_null(memchr(text, '\0', sizeof(text)));
    return text;
}

/* One address, that of a numeric host. */
static struct dial_addr
numeric(const char *host, uint16_t port)
{
    struct dial_addrs addrs;

    assert_ok(dial_resolve(host, port, &addrs));
    assert_int_equal(1, addrs.n);
    return addrs.all[0];
}

static void
a_numeric_host_is_one_address_with_its_port(void **state)
{
    struct dial_addr addr;

    (void)state;
    addr = numeric("192.0.2.7", 6379);
    assert_int_equal(AF_INET, addr.sa.ss_family);
    assert_int_equal(sizeof(struct sockaddr_in), addr.len);
    assert_string_equal("192.0.2.7:6379", text_of(&addr));
    addr = numeric("2001:db8::7", 65535);
    assert_int_equal(AF_INET6, addr.sa.ss_family);
    assert_int_equal(sizeof(struct sockaddr_in6), addr.len);
    assert_string_equal("[2001:db8::7]:65535", text_of(&addr));
}

static void
a_name_is_all_its_addresses(void **state)
{
    struct dial_addrs addrs;

    (void)state;
    assert_ok(dial_resolve("localhost", 1234, &addrs));
    assert_in_range(addrs.n, 1, DIAL_ADDRS_MAX);
    for (size_t i = 0; i < addrs.n; i++) {
        assert_true(dial_is_local(&addrs.all[i]));
        assert_non_null(strstr(text_of(&addrs.all[i]), ":1234"));
    }
}

/* Names that the resolver turns down without asking anyone. */
static void
what_is_no_host_is_not_found_and_leaves_the_result(void **state)
{
    static const char *const wrong[] = {
        "",
        "[::1]",
        "127.0.0.1:6379",
        "a..b",
        "1.2.3.4.5.",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct dial_addrs addrs = {.n = 7};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_err(ERR_UNAVAIL, dial_resolve(wrong[i], 1, &addrs));
        assert_int_equal(7, addrs.n);
        assert_non_null(strstr(err_sentence(), "cannot look up the host"));
    }
}

static void
a_unix_socket_has_a_path_of_at_most_107_bytes(void **state)
{
    char path[109], want[DIAL_TEXT_LEN];
    struct dial_addr addr;

    (void)state;
    memset(path, 'p', sizeof(path));
    path[0] = '/';
    path[107] = '\0';
    assert_ok(dial_unix_addr(path, &addr));
    assert_int_equal(AF_UNIX, addr.sa.ss_family);
    (void)snprintf(want, sizeof(want), "unix:%s", path);
    assert_string_equal(want, text_of(&addr));
    assert_true(dial_is_local(&addr));
    path[107] = 'p';
    path[108] = '\0';
    addr.len = 7;
    assert_err(ERR_TOOBIG, dial_unix_addr(path, &addr));
    assert_err(ERR_SYNTAX, dial_unix_addr("", &addr));
    assert_int_equal(7, addr.len);
}

static void
local_is_what_never_leaves_this_machine(void **state)
{
    static const char *const local[] = {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1",
                                        "::ffff:127.9.9.9"};
    static const char *const remote[] = {"126.255.255.255",
                                         "128.0.0.1",
                                         "0.0.0.0",
                                         "10.0.0.1",
                                         "::",
                                         "::2",
                                         "::127.0.0.1",
                                         "1::1",
                                         "::ffff:10.0.0.1",
                                         "fe80::1",
                                         "64:ff9b::7f00:1"};
    struct dial_addr addr;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(local); i++) {
        addr = numeric(local[i], 1);
        assert_true(dial_is_local(&addr));
    }
    for (size_t i = 0; i < ARRAY_LEN(remote); i++) {
        addr = numeric(remote[i], 1);
        if (dial_is_local(&addr))
            fail_msg("%s is no local address", remote[i]);
    }
    addr = (struct dial_addr){0};
    assert_false(dial_is_local(&addr));
}

static void
text_of_what_is_no_address_is_a_question_mark(void **state)
{
    struct dial_addr addr = {.len = 3};

    (void)state;
    assert_string_equal("?", text_of(&addr));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_numeric_host_is_one_address_with_its_port),
        cmocka_unit_test(a_name_is_all_its_addresses),
        cmocka_unit_test(what_is_no_host_is_not_found_and_leaves_the_result),
        cmocka_unit_test(a_unix_socket_has_a_path_of_at_most_107_bytes),
        cmocka_unit_test(local_is_what_never_leaves_this_machine),
        cmocka_unit_test(text_of_what_is_no_address_is_a_question_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
