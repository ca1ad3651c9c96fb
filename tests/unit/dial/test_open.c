/* SPDX-License-Identifier: Apache-2.0 */
/* dial, connecting: to whom a stream comes to be, and how long it tries. */
#include "peer.h"

#include "base/mem.h"
#include "dial/dial_int.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

static void
greet(struct peer *p, int fd)
{
    (void)p;
    peer_send(fd, "x", 1);
    peer_drain(fd);
}

static void
the_socket_is_set_up_for_questions_and_answers(void **state)
{
    struct peer p;
    struct dial *d;
    int fd, on = 0, idle = 0;
    socklen_t len = sizeof(int);

    (void)state;
    assert_true(peer_start(&p, AF_INET, greet, NULL));
    d = peer_dial(&p);
    fd = d->fd;
    assert_int_equal(0, getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len));
    assert_int_equal(0, getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &idle, &len));
    assert_true(on != 0 && idle != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true(peer_can(fd, POLLIN)); /* so the peer opens nothing more, and not this number */
    dial_free(d);
    assert_int_equal(-1, fcntl(fd, F_GETFD));
    peer_end(&p);
}

static void
who_does_not_listen_is_unavailable_at_once(void **state)
{
    struct dial *d = NULL;
    struct dial_addr other;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        struct peer p;

        if (!peer_listen(&p, families[i], NO_BACKLOG))
            continue;
        assert_err(ERR_UNAVAIL, dial_open(&p.addr, NULL, NULL, within(PATIENCE_MS), &d));
        peer_unlisten(&p);
    }
    assert_ok(dial_unix_addr("/proc/self/exe", &other));
    assert_err(ERR_UNAVAIL, dial_open(&other, NULL, NULL, within(PATIENCE_MS), &d));
    assert_ok(dial_unix_addr("/proc/self/none", &other));
    assert_err(ERR_UNAVAIL, dial_open(&other, NULL, NULL, within(PATIENCE_MS), &d));
    assert_null(d);
}

/* Fill the queue of a peer that never accepts. */
static void
a_full_queue_costs_the_time_until_the_deadline(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) { /* unix and TCP, whose kernels wait in ways of their own */
        struct peer p;
        struct dial *all[8] = {NULL};
        enum err e = ERR_OK;
        size_t n = 0;
        int64_t deadline_ms = 0;

        assert_true(peer_listen(&p, families[i], 1));
        for (; e == ERR_OK && n < ARRAY_LEN(all); n++) {
            deadline_ms = within(SOON_MS);
            e = dial_open(&p.addr, NULL, NULL, deadline_ms, &all[n]);
        }
        assert_int_equal(ERR_TIMEOUT, e);
        assert_in_range(clock_mono_ms(), deadline_ms, deadline_ms + PATIENCE_MS / 2);
        for (size_t k = 0; k < n; k++)
            dial_free(all[k]);
        peer_unlisten(&p);
    }
}

static void
accept_after_a_while(struct peer *p, int fd)
{
    (void)poll(NULL, 0, SOON_MS);
    for (int more; peer_can(p->listener, POLLIN);) {
        more = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
        (void)close(more);
        if (sem_trywait(&p->go) == 0)
            break;
    }
    peer_drain(fd);
}

static void
a_full_unix_queue_is_waited_for_until_there_is_room(void **state)
{
    struct peer p;
    struct dial *all[8] = {NULL};

    (void)state;
    assert_true(peer_listen(&p, AF_UNIX, 1));
    p.serve = accept_after_a_while;
    assert_int_equal(0, pthread_create(&p.thread, NULL, peer_run, &p));
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (i == ARRAY_LEN(all) - 1)
            assert_int_equal(0, sem_post(&p.go));
        all[i] = peer_dial(&p);
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        dial_free(all[i]);
    peer_end(&p);
}

/* In a network of its own, where the kernel has but two ports to give and so soon gives the one
 * that is called; 0 when no stream came of it, NOT_ALLOWED when we may not have such a network. */
enum { NOT_ALLOWED = 77, N_TRIES = 50 };

static int
call_ports_of_nobody(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    struct dial_addrs addrs;
    struct dial *d = NULL;
    bool is_echo = false;
    int fd, rc;

    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0 && unshare(CLONE_NEWNET) != 0)
        return NOT_ALLOWED;
    rc = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (rc < 0 || write(rc, "40000 40001", 11) != 11 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0 ||
        dial_resolve("127.0.0.1", 40000, &addrs) != ERR_OK)
        return NOT_ALLOWED;
    for (unsigned i = 0; i < N_TRIES && !is_echo; i++) { /* it does happen here */
        const struct linger now = {.l_onoff = 1};        /* and leaves the port free again */
        int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        is_echo = connect(s, (struct sockaddr *)&addrs.all[0].sa, addrs.all[0].len) == 0;
        (void)close(s);
    }
    for (unsigned i = 0; i < N_TRIES; i++)
        if (dial_open(&addrs.all[0], NULL, NULL, within(PATIENCE_MS), &d) != ERR_UNAVAIL)
            return 1;
    return is_echo ? 0 : 2;
}

static void
a_stream_is_never_connected_to_itself(void **state)
{
    int status = 0;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(call_ports_of_nobody());
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_ALLOWED)
        skip();
    assert_int_equal(0, WEXITSTATUS(status));
}

static void
no_descriptor_is_left_behind(void **state)
{
    unsigned n_before = n_descriptors();

    a_full_queue_costs_the_time_until_the_deadline(state);
    who_does_not_listen_is_unavailable_at_once(state);
    the_socket_is_set_up_for_questions_and_answers(state);
    assert_int_equal(n_before, n_descriptors());
    dial_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_socket_is_set_up_for_questions_and_answers),
        cmocka_unit_test(who_does_not_listen_is_unavailable_at_once),
        cmocka_unit_test(a_full_queue_costs_the_time_until_the_deadline),
        cmocka_unit_test(a_full_unix_queue_is_waited_for_until_there_is_room),
        cmocka_unit_test(a_stream_is_never_connected_to_itself),
        cmocka_unit_test(no_descriptor_is_left_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
