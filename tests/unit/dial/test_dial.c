/* SPDX-License-Identifier: Apache-2.0 */
/* dial, bytes without TLS: whatever a peer does, no call outlasts its deadline. SIGPIPE is left as
 * it is, so that it would end the program. */
#include "peer.h"

#include "base/mem.h"
#include "dial/dial_int.h"

#include <stdatomic.h>

/* ---- peers ---- */

static void
echo(struct peer *p, int fd)
{
    char bytes[4096];
    ssize_t n;

    (void)p;
    while (peer_can(fd, POLLIN) && (n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        peer_send(fd, bytes, (size_t)n);
}

static void
stay_silent(struct peer *p, int fd)
{
    (void)p;
    peer_drain(fd);
}

static void
read_nothing(struct peer *p, int fd)
{
    (void)fd;
    (void)peer_wait(&p->go);
}

/* A byte every few milliseconds, for much longer than the test waits. */
static void
drip(struct peer *p, int fd)
{
    atomic_uint *n_sent = p->arg;

    while (*n_sent < PATIENCE_MS / 5 && send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1) {
        (void)atomic_fetch_add(n_sent, 1);
        (void)poll(NULL, 0, 5);
    }
}

/* As much as the other end takes, until it closes. */
static void
flood(struct peer *p, int fd)
{
    static const char bytes[65536];
    int64_t until_ms = within(PATIENCE_MS);

    (void)p;
    while (clock_mono_ms() < until_ms && peer_can(fd, POLLOUT))
        if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
            return;
}

/* Two bytes when told so, and the end when told again. */
static void
send_two_then_close(struct peer *p, int fd)
{
    (void)peer_wait(&p->go);
    peer_send(fd, "ok", 2);
    (void)sem_post(&p->did);
    (void)peer_wait(&p->go);
}

static void
reset(struct peer *p, int fd)
{
    const struct linger now = {.l_onoff = 1};

    (void)peer_wait(&p->go);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void
take_big(struct peer *p, int fd)
{
    uint8_t *got = p->arg;
    size_t len = 0;

    while (len < BIG_LEN && peer_can(fd, POLLIN)) {
        ssize_t n = recv(fd, got + len, BIG_LEN - len, MSG_DONTWAIT);

        if (n <= 0)
            return;
        len += (size_t)n;
    }
    peer_send(fd, "ok", 2);
}

/* ---- reading ---- */

static void
bytes_go_there_and_back_on_every_family(void **state)
{
    unsigned n_tried = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        struct peer p;
        struct dial *d;
        char got[5];

        if (!peer_start(&p, families[i], echo, NULL))
            continue;
        d = peer_dial(&p);
        assert_ok(dial_write(d, "hello", 5, within(PATIENCE_MS)));
        assert_ok(read_all_of(d, got, 5, within(PATIENCE_MS)));
        assert_memory_equal("hello", got, 5);
        assert_ok(dial_write(d, "", 0, within(PATIENCE_MS)));
        dial_free(d);
        peer_end(&p);
        n_tried++;
    }
    assert_in_range(n_tried, 2, 3); /* a machine may lack IPv6 */
}

static void
no_answer_is_a_timeout_at_the_deadline_and_not_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct peer p;
        struct dial *d;
        size_t n = 77;
        char byte;
        int64_t deadline_ms;

        assert_true(peer_start(&p, families[i], stay_silent, NULL));
        d = peer_dial(&p);
        deadline_ms = within(SOON_MS);
        assert_err(ERR_TIMEOUT, dial_read(d, &byte, 1, deadline_ms, &n));
        assert_in_range(clock_mono_ms(), deadline_ms, deadline_ms + PATIENCE_MS / 2);
        assert_int_equal(77, n);
        assert_err(ERR_TIMEOUT, dial_read(d, &byte, 1, INT64_MIN, &n));
        assert_err(ERR_TIMEOUT, dial_read(d, &byte, 1, 0, &n));
        dial_free(d);
        peer_end(&p);
    }
}

static void
a_dripping_peer_does_not_push_the_deadline_away(void **state)
{
    struct peer p;
    atomic_uint n_sent = 0;
    struct dial *d;
    char bytes[PATIENCE_MS];
    int64_t deadline_ms;

    (void)state;
    assert_true(peer_start(&p, AF_INET, drip, &n_sent));
    d = peer_dial(&p);
    deadline_ms = within(SOON_MS);
    assert_err(ERR_TIMEOUT, read_all_of(d, bytes, sizeof(bytes), deadline_ms));
    assert_in_range(clock_mono_ms(), deadline_ms, deadline_ms + PATIENCE_MS / 2);
    assert_in_range(n_sent, 1, PATIENCE_MS / 5 - 1);
    dial_free(d);
    peer_end(&p);
}

static void
a_peer_that_never_stops_does_not_hold_the_reader(void **state)
{
    static char bytes[65536];
    struct peer p;
    struct dial *d;
    enum err e = ERR_OK;
    size_t n = 0;
    int64_t deadline_ms;

    (void)state;
    assert_true(peer_start(&p, AF_UNIX, flood, NULL));
    d = peer_dial(&p);
    deadline_ms = within(SOON_MS);
    while (e == ERR_OK && clock_mono_ms() < deadline_ms + PATIENCE_MS / 2)
        e = dial_read(d, bytes, sizeof(bytes), deadline_ms, &n);
    assert_int_equal(ERR_TIMEOUT, e);
    dial_free(d);
    peer_end(&p);
}

static void
what_is_there_is_taken_past_the_deadline_but_once(void **state)
{
    struct peer p;
    struct dial *d;
    size_t n = 0;
    char byte = 0;
    int64_t past_ms;

    (void)state;
    assert_true(peer_start(&p, AF_UNIX, send_two_then_close, NULL));
    d = peer_dial(&p);
    assert_int_equal(0, sem_post(&p.go));
    assert_true(peer_wait(&p.did) && peer_can(d->fd, POLLIN));
    past_ms = clock_mono_ms() - 1;
    assert_ok(dial_read(d, &byte, 1, past_ms, &n));
    assert_int_equal('o', byte);
    assert_err(ERR_TIMEOUT, dial_read(d, &byte, 1, past_ms, &n));
    assert_int_equal(0, sem_post(&p.go));
    dial_free(d);
    peer_end(&p);
}

static void
a_read_takes_no_more_than_there_is_room(void **state)
{
    struct peer p;
    struct dial *d;
    size_t n = 0;
    char bytes[8] = {0};

    (void)state;
    assert_true(peer_start(&p, AF_UNIX, send_two_then_close, NULL));
    d = peer_dial(&p);
    assert_int_equal(0, sem_post(&p.go));
    assert_ok(dial_read(d, bytes, 1, within(PATIENCE_MS), &n));
    assert_int_equal(1, n);
    assert_ok(dial_read(d, bytes + 1, sizeof(bytes) - 1, within(PATIENCE_MS), &n));
    assert_int_equal(1, n);
    assert_string_equal("ok", bytes);
    assert_int_equal(0, sem_post(&p.go));
    assert_err(ERR_CLOSED, dial_read(d, bytes, 1, within(PATIENCE_MS), &n));
    dial_free(d);
    peer_end(&p);
}

static void
a_reset_is_the_end_too(void **state)
{
    struct peer p;
    struct dial *d;
    size_t n = 0;
    char byte;

    (void)state;
    assert_true(peer_start(&p, AF_INET, reset, NULL));
    d = peer_dial(&p);
    assert_true(dial_is_quiet(d));
    assert_int_equal(0, sem_post(&p.go));
    assert_int_equal(0, pthread_join(p.thread, NULL));
    assert_true(peer_can(d->fd, POLLIN));
    assert_false(dial_is_quiet(d));
    dial_free(d);
    p.serve = reset;
    assert_int_equal(0, pthread_create(&p.thread, NULL, peer_run, &p));
    d = peer_dial(&p);
    assert_int_equal(0, sem_post(&p.go));
    assert_err(ERR_CLOSED, dial_read(d, &byte, 1, within(PATIENCE_MS), &n));
    dial_free(d);
    peer_end(&p);
}

static atomic_uint n_signals;

static void
count_signal(int number)
{
    (void)number;
    (void)atomic_fetch_add(&n_signals, 1);
}

/* Signals at the thread that waits, and then what it waits for. */
static void *
disturb(void *arg)
{
    struct peer *p = arg;
    pthread_t waiter = *(pthread_t *)p->arg;

    for (unsigned i = 0; i < 50; i++) {
        (void)pthread_kill(waiter, SIGUSR1);
        (void)poll(NULL, 0, 2);
    }
    (void)sem_post(&p->go);
    return NULL;
}

static void
a_signal_does_not_end_the_wait(void **state)
{
    struct sigaction sa = {.sa_handler = count_signal}, old; /* without SA_RESTART */
    pthread_t self = pthread_self(), disturber;
    struct peer p;
    struct dial *d;
    char got[2];

    (void)state;
    assert_int_equal(0, sigaction(SIGUSR1, &sa, &old));
    assert_true(peer_start(&p, AF_UNIX, send_two_then_close, &self));
    d = peer_dial(&p);
    assert_int_equal(0, pthread_create(&disturber, NULL, disturb, &p));
    assert_ok(read_all_of(d, got, 2, within(PATIENCE_MS)));
    assert_int_equal(0, pthread_join(disturber, NULL));
    assert_true(n_signals > 0);
    assert_int_equal(0, sem_post(&p.go));
    dial_free(d);
    peer_end(&p);
    assert_int_equal(0, sigaction(SIGUSR1, &old, NULL));
}

/* ---- writing ---- */

static void
more_than_the_sockets_hold_arrives_whole(void **state)
{
    uint8_t *sent = malloc(BIG_LEN), *got = calloc(1, BIG_LEN);
    struct peer p;
    struct dial *d;
    char ok[2];

    (void)state;
    assert_true(sent != NULL && got != NULL);
    fill(sent, BIG_LEN);
    assert_true(peer_start(&p, AF_UNIX, take_big, got));
    d = peer_dial(&p);
    assert_ok(dial_write(d, sent, BIG_LEN, within(PATIENCE_MS)));
    assert_ok(read_all_of(d, ok, 2, within(PATIENCE_MS)));
    dial_free(d);
    peer_end(&p);
    assert_memory_equal(sent, got, BIG_LEN);
    free(sent);
    free(got);
}

static void
a_peer_that_does_not_read_is_a_timeout(void **state)
{
    uint8_t *bytes = calloc(4, BIG_LEN);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 2; i++) {
        struct peer p;
        struct dial *d;
        int64_t deadline_ms;

        assert_true(peer_start(&p, families[i], read_nothing, NULL));
        d = peer_dial(&p);
        deadline_ms = within(SOON_MS);
        assert_err(ERR_TIMEOUT, dial_write(d, bytes, (size_t)4 * BIG_LEN, deadline_ms));
        assert_in_range(clock_mono_ms(), deadline_ms, deadline_ms + PATIENCE_MS / 2);
        assert_int_equal(0, sem_post(&p.go));
        dial_free(d);
        peer_end(&p);
    }
    free(bytes);
}

static void
writing_to_a_peer_that_is_gone_is_an_error_and_no_signal(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct peer p;
        struct dial *d;
        enum err e = ERR_OK;

        assert_true(peer_start(&p, families[i], reset, NULL));
        d = peer_dial(&p);
        assert_int_equal(0, sem_post(&p.go));
        peer_end(&p);
        for (unsigned n = 0; e == ERR_OK && n < 100; n++) /* TCP tells it to the second write */
            e = dial_write(d, "x", 1, within(PATIENCE_MS));
        assert_int_equal(ERR_CLOSED, e);
        dial_free(d);
    }
}

/* Closes as soon as the other end must be waiting for room. */
static void
close_after_a_while(struct peer *p, int fd)
{
    (void)p;
    (void)fd;
    (void)poll(NULL, 0, SOON_MS);
}

static void
a_peer_that_goes_while_we_wait_to_write_is_noticed(void **state)
{
    uint8_t *bytes = calloc(4, BIG_LEN);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 2; i++) {
        struct peer p;
        struct dial *d;

        assert_true(peer_start(&p, families[i], close_after_a_while, NULL));
        d = peer_dial(&p);
        assert_err(ERR_CLOSED, dial_write(d, bytes, (size_t)4 * BIG_LEN, within(PATIENCE_MS)));
        dial_free(d);
        peer_end(&p);
    }
    free(bytes);
}

/* ---- idle streams ---- */

static void
a_stream_is_quiet_until_something_comes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct peer p;
        struct dial *d;
        char got[2];

        assert_true(peer_start(&p, families[i], send_two_then_close, NULL));
        d = peer_dial(&p);
        assert_true(dial_is_quiet(d));
        assert_int_equal(0, sem_post(&p.go));
        assert_true(peer_wait(&p.did) && peer_can(d->fd, POLLIN));
        assert_false(dial_is_quiet(d));
        assert_ok(read_all_of(d, got, 2, within(PATIENCE_MS))); /* looking took nothing */
        assert_true(dial_is_quiet(d));
        assert_int_equal(0, sem_post(&p.go));
        peer_end(&p);
        assert_true(peer_can(d->fd, POLLIN));
        assert_false(dial_is_quiet(d)); /* it has ended */
        dial_free(d);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_there_and_back_on_every_family),
        cmocka_unit_test(no_answer_is_a_timeout_at_the_deadline_and_not_before),
        cmocka_unit_test(a_dripping_peer_does_not_push_the_deadline_away),
        cmocka_unit_test(a_peer_that_never_stops_does_not_hold_the_reader),
        cmocka_unit_test(what_is_there_is_taken_past_the_deadline_but_once),
        cmocka_unit_test(a_read_takes_no_more_than_there_is_room),
        cmocka_unit_test(a_reset_is_the_end_too),
        cmocka_unit_test(a_signal_does_not_end_the_wait),
        cmocka_unit_test(more_than_the_sockets_hold_arrives_whole),
        cmocka_unit_test(a_peer_that_does_not_read_is_a_timeout),
        cmocka_unit_test(writing_to_a_peer_that_is_gone_is_an_error_and_no_signal),
        cmocka_unit_test(a_peer_that_goes_while_we_wait_to_write_is_noticed),
        cmocka_unit_test(a_stream_is_quiet_until_something_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
