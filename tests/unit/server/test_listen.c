/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets to listen on: what they serve, what they refuse to take over, what they leave behind. */
#include "testing.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "server/listen.h"

static enum err
open_entry(const char *entry, struct listeners *ret)
{
    struct listen_addr a;
    enum err e = listen_parse(entry, strlen(entry), &a);

    return e == ERR_OK ? listeners_open(&a, 1, ret) : e;
}

static unsigned
port_of(int fd)
{
    char text[64];

    listen_text(fd, text, sizeof(text));
    return (unsigned)strtoul(strrchr(text, ':') + 1, NULL, 10);
}

static bool
connects_v4(unsigned port)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0;

    (void)close(fd);
    return ok;
}

static bool
connects_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool ok;

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    ok = connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0;
    (void)close(fd);
    return ok;
}

static bool
has_ipv6(void)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0;

    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* A temporary folder; its path and that of a socket in it. */
struct place {
    char dir[32], path[64], entry[80];
};

static int
make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/mayfly-test-XXXXXX");
    if (mkdtemp(p->dir) == NULL)
        return -1;
    (void)snprintf(p->path, sizeof(p->path), "%s/s.sock", p->dir);
    (void)snprintf(p->entry, sizeof(p->entry), "unix:%s", p->path);
    *state = p;
    return 0;
}

static int
remove_place(void **state)
{
    struct place *p = *state;

    (void)unlink(p->path);
    if (rmdir(p->dir) != 0) /* something was left behind */
        return -1;
    free(p);
    return 0;
}

static void
a_tcp_socket_accepts_connections_and_is_closed_at_the_end(void **state)
{
    struct listeners l;
    unsigned port;

    (void)state;
    assert_ok(open_entry("127.0.0.1:0", &l));
    assert_int_equal(l.n, 1);
    assert_true(fcntl(l.all[0].fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(l.all[0].fd, F_GETFD) & FD_CLOEXEC);
    port = port_of(l.all[0].fd);
    assert_in_range(port, 1, 65535);
    assert_true(connects_v4(port));
    listeners_close(&l);
    assert_int_equal(l.n, 0);
    assert_false(connects_v4(port));
}

static void
a_port_in_use_is_refused_by_name(void **state)
{
    char entry[64], want[128];
    struct listeners l, second = {.n = 77};

    (void)state;
    assert_ok(open_entry("127.0.0.1:0", &l));
    (void)snprintf(entry, sizeof(entry), "127.0.0.1:%u", port_of(l.all[0].fd));
    assert_err(ERR_EXISTS, open_entry(entry, &second));
    (void)snprintf(want, sizeof(want), "cannot listen on %s: the address is in use", entry);
    assert_string_equal(err_sentence(), want);
    assert_int_equal(second.n, 77);
    listeners_close(&l);
    assert_ok(open_entry(entry, &second)); /* at once: SO_REUSEADDR */
    listeners_close(&second);
}

static void
an_address_of_another_machine_and_an_unknown_host_are_refused(void **state)
{
    struct listeners l;

    (void)state;
    assert_err(ERR_NOTFOUND, open_entry("192.0.2.1:0", &l));
    assert_string_equal(err_sentence(),
                        "cannot listen on 192.0.2.1:0: this machine has no such address");
    assert_err(ERR_NOTFOUND, open_entry("no-such-host.invalid:0", &l));
    assert_memory_equal(err_sentence(), "cannot listen on no-such-host.invalid:0: ", 41);
}

static void
the_wildcard_of_ipv6_serves_ipv4_too(void **state)
{
    struct listeners l;

    (void)state;
    if (!has_ipv6())
        skip();
    assert_ok(open_entry("[::]:0", &l));
    assert_true(connects_v4(port_of(l.all[0].fd)));
    listeners_close(&l);
    assert_ok(open_entry("[::1]:0", &l));
    assert_false(connects_v4(port_of(l.all[0].fd)));
    listeners_close(&l);
}

static void
both_wildcards_share_a_port(void **state)
{
    struct listen_addr addrs[2];
    struct listeners l;
    char entry[32];

    (void)state;
    if (!has_ipv6())
        skip();
    assert_ok(open_entry("0.0.0.0:0", &l)); /* to find a port that is free */
    (void)snprintf(entry, sizeof(entry), "0.0.0.0:%u", port_of(l.all[0].fd));
    listeners_close(&l);
    assert_ok(listen_parse(entry, strlen(entry), &addrs[0]));
    (void)snprintf(entry, sizeof(entry), "[::]:%u", (unsigned)addrs[0].port);
    assert_ok(listen_parse(entry, strlen(entry), &addrs[1]));
    assert_ok(listeners_open(addrs, 2, &l));
    assert_int_equal(l.n, 2);
    listeners_close(&l);
}

static void
when_a_later_entry_fails_the_earlier_sockets_are_closed(void **state)
{
    struct place *p = *state;
    struct listen_addr addrs[2];
    struct listeners l;

    assert_ok(listen_parse(p->entry, strlen(p->entry), &addrs[0]));
    assert_ok(listen_parse("192.0.2.1:0", 11, &addrs[1]));
    assert_err(ERR_NOTFOUND, listeners_open(addrs, 2, &l));
    assert_int_not_equal(access(p->path, F_OK), 0);
    assert_ok(listeners_open(addrs, 1, &l));
    listeners_close(&l);
}

static void
a_unix_socket_is_for_owner_and_group_and_goes_at_the_end(void **state)
{
    struct place *p = *state;
    struct listeners l;
    struct stat st;
    char text[128];

    assert_ok(open_entry(p->entry, &l));
    assert_int_equal(lstat(p->path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0660);
    listen_text(l.all[0].fd, text, sizeof(text));
    assert_string_equal(text, p->entry);
    assert_true(connects_unix(p->path));
    listeners_close(&l);
    assert_int_not_equal(access(p->path, F_OK), 0);
}

static void
a_unix_socket_of_a_dead_server_is_replaced(void **state)
{
    struct place *p = *state;
    struct listeners dead, l;

    assert_ok(open_entry(p->entry, &dead));
    assert_int_equal(close(dead.all[0].fd), 0); /* as a crash leaves it */
    dead.all[0].fd = -1;
    assert_false(connects_unix(p->path));
    assert_ok(open_entry(p->entry, &l));
    assert_true(connects_unix(p->path));
    listeners_close(&dead); /* must not take the socket of the next server away */
    assert_true(connects_unix(p->path));
    listeners_close(&l);
}

static void
a_unix_socket_of_a_living_server_is_left_alone(void **state)
{
    struct place *p = *state;
    struct listeners l, second;
    char want[160];

    assert_ok(open_entry(p->entry, &l));
    assert_err(ERR_EXISTS, open_entry(p->entry, &second));
    (void)snprintf(want, sizeof(want), "cannot listen on %s: the address is in use", p->entry);
    assert_string_equal(err_sentence(), want);
    assert_true(connects_unix(p->path));
    listeners_close(&l);
}

static void
a_file_in_the_place_of_a_unix_socket_is_left_alone(void **state)
{
    struct place *p = *state;
    struct listeners l;
    int fd = open(p->path, O_CREAT | O_WRONLY, 0600);

    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_err(ERR_EXISTS, open_entry(p->entry, &l));
    assert_int_equal(access(p->path, F_OK), 0);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(symlink("/tmp/elsewhere", p->path), 0);
    assert_err(ERR_EXISTS, open_entry(p->entry, &l));
}

static void
a_unix_socket_needs_its_folder(void **state)
{
    struct listeners l;

    (void)state;
    assert_err(ERR_NOTFOUND, open_entry("unix:/tmp/mayfly-no-such-folder/s", &l));
    assert_string_equal(err_sentence(),
                        "cannot listen on unix:/tmp/mayfly-no-such-folder/s: no such folder");
}

static void
the_path_of_a_unix_socket_has_at_most_107_bytes(void **state)
{
    char entry[5 + 109];
    struct listen_addr a;

    (void)state;
    memset(entry, 'x', sizeof(entry));
    memcpy(entry, "unix:/", 6);
    assert_ok(listen_parse(entry, 5 + 107, &a));
    assert_int_equal(strlen(a.host), 107);
    assert_err(ERR_SYNTAX, listen_parse(entry, 5 + 108, &a));
    assert_string_equal(err_sentence(), "the path of a unix socket is longer than 107 bytes");
}

static void
a_socket_that_is_none_is_shown_as_a_question_mark(void **state)
{
    char text[8];

    (void)state;
    listen_text(-1, text, sizeof(text));
    assert_string_equal(text, "?");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tcp_socket_accepts_connections_and_is_closed_at_the_end),
        cmocka_unit_test(a_port_in_use_is_refused_by_name),
        cmocka_unit_test(an_address_of_another_machine_and_an_unknown_host_are_refused),
        cmocka_unit_test(the_wildcard_of_ipv6_serves_ipv4_too),
        cmocka_unit_test(both_wildcards_share_a_port),
        cmocka_unit_test_setup_teardown(when_a_later_entry_fails_the_earlier_sockets_are_closed,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_unix_socket_is_for_owner_and_group_and_goes_at_the_end,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_unix_socket_of_a_dead_server_is_replaced, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_unix_socket_of_a_living_server_is_left_alone, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_file_in_the_place_of_a_unix_socket_is_left_alone,
                                        make_place, remove_place),
        cmocka_unit_test(a_unix_socket_needs_its_folder),
        cmocka_unit_test(the_path_of_a_unix_socket_has_at_most_107_bytes),
        cmocka_unit_test(a_socket_that_is_none_is_shown_as_a_question_mark),
    };

    return cmocka_run_group_tests_name("server listen", tests, NULL, NULL);
}
