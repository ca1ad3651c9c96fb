/* SPDX-License-Identifier: Apache-2.0 */
/* Looking up a name, which nothing can end, does not keep an interrupt waiting. */
#include "script_server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/interrupt.h"

#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { LOOKUP_S = 15, SOON_MS = 5000 };

static atomic_bool is_asked;

/* In the place of the C library's, which libcurl calls in a thread of its own. */
__attribute__((visibility("default"))) int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **ret)
{
    struct timespec left = {.tv_sec = LOOKUP_S};

    (void)name;
    (void)service;
    (void)hints;
    (void)ret;
    is_asked = true;
    while (nanosleep(&left, &left) != 0) /* a signal may come here */
        ;
    return EAI_AGAIN;
}

/* Interrupt this process when the name is looked up. */
static void *
interrupt_lookup(void *ctx)
{
    const struct timespec nap = {.tv_nsec = 10 * 1000000};

    (void)ctx;
    while (!is_asked)
        (void)nanosleep(&nap, NULL);
    (void)kill(getpid(), SIGINT);
    return NULL;
}

static void
interrupted_child(void)
{
    struct net *n = quick_net("http://slow.invalid");
    int64_t begun_ms = clock_mono_ms();
    struct net_reply r;
    pthread_t thread;

    interrupt_init();
    (void)alarm(2 * LOOKUP_S);
    net_reply_init(&r);
    if (pthread_create(&thread, NULL, interrupt_lookup, NULL) != 0 ||
        net_call(n, "GET", "/status/a", NULL, &r) != ERR_CLOSED)
        _exit(1);
    net_free(n);
    if (clock_mono_ms() - begun_ms >= SOON_MS)
        _exit(2);
    interrupt_end();
    _exit(3);
}

static void
a_signal_ends_a_lookup(void **state)
{
    (void)state;
    if (curl_version_info(CURLVERSION_NOW)->version_num < 0x075700)
        skip(); /* libcurl cannot leave it behind */
    assert_int_equal(signal_of(interrupted_child), SIGINT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_ends_a_lookup),
    };

    return cmocka_run_group_tests(tests, plain_environment, NULL);
}
