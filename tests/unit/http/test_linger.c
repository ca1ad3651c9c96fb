/* SPDX-License-Identifier: Apache-2.0 */
/* What is left to do after a reply, when there is much of it. */
#include "testing.h"

#include "http/http_int.h"

#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A machine that is busy elsewhere may leave the thread out for some hundred of them; without a
 * pause nine of ten wait. */
enum { N = 1500, MANY = 500 };

static void
sleep_us(long us)
{
    const struct timespec span = {.tv_nsec = us * 1000};

    (void)nanosleep(&span, NULL);
}

static void
slow_sent(void *ctx, uint64_t left, uint64_t acked)
{
    (void)left;
    (void)acked;
    sleep_us(2000);
    atomic_fetch_add((atomic_uint *)ctx, 1);
}

static void
replies_that_end_faster_than_they_are_settled_do_not_pile_up(void **state)
{
    struct lingers *l = NULL;
    atomic_uint n_sent = 0;
    struct settle settle = {.is_unix = true, .left = 1, .ctx = &n_sent, .sent = slow_sent};
    size_t most = 0;
    int pair[2];

    (void)state;
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_ok(lingers_new(1, &l));
    for (int i = 0; i < N; i++) {
        settle.fd = dup(pair[0]);
        assert_true(settle.fd >= 0);
        lingers_settle(l, &settle);
        if (lingers_n_settles(l) > most)
            most = lingers_n_settles(l);
        sleep_us(200);
    }
    lingers_free(l);
    assert_int_equal(N, n_sent); /* each once */
    assert_in_range(most, 1, MANY);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_that_end_faster_than_they_are_settled_do_not_pile_up),
    };

    return cmocka_run_group_tests_name("http linger", tests, NULL, NULL);
}
