/* SPDX-License-Identifier: Apache-2.0 */
/* dial, streams with TLS: deadlines, ends, and what a server says for itself. SIGPIPE is left as it
 * is, so that it would end the program. */
#include "tls_peer.h"

#include "base/mem.h"
#include "dial/dial_int.h"

#include <stdatomic.h>

enum {
    N_TICKETS = 300, /* more than are looked through at once */
    N_THREADS = 4,
    N_ROUNDS = 8,
};

static struct dial *
open_with(struct dial_tls *tls, struct tls_peer *p)
{
    struct dial *d = NULL;

    assert_ok(dial_open(&p->peer.addr, tls, "redis.test", within(PATIENCE_MS), &d));
    return d;
}

static struct dial *
open_to(struct authority *a, struct tls_peer *p)
{
    struct dial_tls *tls = tls_of(a->ca_file);
    struct dial *d;

    assert_true(tls_peer_start(p, AF_INET));
    d = open_with(tls, p);
    p->arg = tls;
    return d;
}

static void
close_both(struct dial *d, struct tls_peer *p)
{
    dial_free(d);
    tls_peer_end(p);
    dial_tls_free(p->arg);
}

/* ---- servers ---- */

static void
echo(struct tls_peer *p, SSL *ssl)
{
    char bytes[4096];
    int n;

    (void)p;
    while ((n = SSL_read(ssl, bytes, sizeof(bytes))) > 0)
        if (SSL_write(ssl, bytes, n) <= 0)
            return;
}

static void
read_nothing(struct tls_peer *p, SSL *ssl)
{
    (void)ssl;
    (void)peer_wait(&p->peer.go);
}

static void
send_two_then_cut(struct tls_peer *p, SSL *ssl)
{
    (void)SSL_write(ssl, "ok", 2);
    SSL_set_quiet_shutdown(ssl, 1);
    (void)p;
}

static void
send_two_then_say_goodbye(struct tls_peer *p, SSL *ssl)
{
    (void)p;
    (void)SSL_write(ssl, "ok", 2);
    (void)SSL_shutdown(ssl);
    tls_stay_silent(p, ssl);
}

/* One step for each `go`, told by `did`: a byte, and the end. */
static void
send_one_when_told(struct tls_peer *p, SSL *ssl)
{
    (void)peer_wait(&p->peer.go);
    (void)SSL_write(ssl, "x", 1);
    (void)sem_post(&p->peer.did);
    (void)peer_wait(&p->peer.go);
}

static void
change_keys_when_told(struct tls_peer *p, SSL *ssl)
{
    (void)peer_wait(&p->peer.go);
    (void)SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    (void)SSL_do_handshake(ssl);
    (void)sem_post(&p->peer.did);
    echo(p, ssl);
}

static void
renegotiate_when_told(struct tls_peer *p, SSL *ssl)
{
    unsigned long *why = p->arg;
    char byte;

    (void)peer_wait(&p->peer.go);
    (void)SSL_renegotiate(ssl);
    (void)SSL_do_handshake(ssl);
    (void)sem_post(&p->peer.did);
    if (SSL_read(ssl, &byte, 1) <= 0)
        *why = ERR_peek_error();
}

/* A record of "hello", held back: `bytes` is what would have gone over the socket. */
static size_t
make_record(SSL *ssl, uint8_t *ret_bytes, size_t cap)
{
    BIO *held = BIO_new(BIO_s_mem());
    int n;

    SSL_set0_wbio(ssl, held);
    (void)SSL_write(ssl, "hello", 5);
    n = BIO_read(held, ret_bytes, (int)cap);
    return n > 0 ? (size_t)n : 0;
}

/* The record in pieces: one byte for each `go`. */
static void
send_in_pieces_when_told(struct tls_peer *p, SSL *ssl)
{
    uint8_t record[128];
    size_t len = make_record(ssl, record, sizeof(record));
    int fd = SSL_get_rfd(ssl);

    for (size_t i = 0; i < len && peer_wait(&p->peer.go); i++) {
        peer_send(fd, record + i, 1);
        (void)sem_post(&p->peer.did);
    }
    tls_stay_silent(p, ssl);
}

static void
send_a_forged_record(struct tls_peer *p, SSL *ssl)
{
    uint8_t record[128];
    size_t len = make_record(ssl, record, sizeof(record));

    record[len - 1] ^= 1;
    peer_send(SSL_get_rfd(ssl), record, len);
    tls_stay_silent(p, ssl);
}

/* Without end, like a dripping tap: records that hold nothing to read. */
static void
drip_empty_records(struct tls_peer *p, SSL *ssl)
{
    int64_t until_ms = within(PATIENCE_MS);

    (void)p;
    while (clock_mono_ms() < until_ms && SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
           SSL_do_handshake(ssl) == 1)
        (void)poll(NULL, 0, 5);
}

/* ---- bytes ---- */

static void
bytes_go_there_and_back(void **state)
{
    struct authority *a = *state;
    uint8_t *sent = malloc(BIG_LEN), *got = calloc(1, BIG_LEN);
    struct tls_peer p;
    struct dial *d;

    assert_true(sent != NULL && got != NULL);
    fill(sent, BIG_LEN);
    tls_peer_init(&p, &a->good, echo);
    d = open_to(a, &p);
    assert_ok(dial_write(d, "", 0, within(PATIENCE_MS)));
    for (size_t at = 0, step = 1; at < BIG_LEN; at += step, step = step < 32768 ? step * 2 : step) {
        if (step > BIG_LEN - at)
            step = BIG_LEN - at;
        assert_ok(dial_write(d, sent + at, step, within(PATIENCE_MS)));
        assert_ok(read_all_of(d, got + at, step, within(PATIENCE_MS)));
    }
    assert_memory_equal(sent, got, BIG_LEN);
    assert_true(dial_is_quiet(d));
    close_both(d, &p);
    free(sent);
    free(got);
}

static void
no_answer_is_a_timeout(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;
    struct dial *d;
    char byte;
    size_t n = 77;
    int64_t deadline_ms;

    tls_peer_init(&p, &a->good, tls_stay_silent);
    d = open_to(a, &p);
    deadline_ms = within(SOON_MS);
    assert_err(ERR_TIMEOUT, dial_read(d, &byte, 1, deadline_ms, &n));
    assert_in_range(clock_mono_ms(), deadline_ms, deadline_ms + PATIENCE_MS / 2);
    assert_int_equal(77, n);
    close_both(d, &p);
}

static void
a_server_that_does_not_read_is_a_timeout(void **state)
{
    struct authority *a = *state;
    uint8_t *bytes = calloc(4, BIG_LEN);
    struct tls_peer p;
    struct dial *d;
    int64_t deadline_ms;

    assert_non_null(bytes);
    tls_peer_init(&p, &a->good, read_nothing);
    d = open_to(a, &p);
    deadline_ms = within(SOON_MS);
    assert_err(ERR_TIMEOUT, dial_write(d, bytes, (size_t)4 * BIG_LEN, deadline_ms));
    assert_in_range(clock_mono_ms(), deadline_ms, deadline_ms + PATIENCE_MS / 2);
    dial_free(d); /* waits for nothing, either */
    assert_int_equal(0, sem_post(&p.peer.go));
    close_both(NULL, &p);
    free(bytes);
}

static void
records_without_content_do_not_push_the_deadline_away(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;
    struct dial *d;
    char byte;
    size_t n = 0;
    int64_t deadline_ms;

    tls_peer_init(&p, &a->good, drip_empty_records);
    d = open_to(a, &p);
    deadline_ms = within(SOON_MS);
    assert_err(ERR_TIMEOUT, dial_read(d, &byte, 1, deadline_ms, &n));
    assert_in_range(clock_mono_ms(), deadline_ms, deadline_ms + PATIENCE_MS / 2);
    close_both(d, &p);
}

static void
a_forged_record_is_an_error(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;
    struct dial *d;
    char byte;
    size_t n = 0;

    tls_peer_init(&p, &a->good, send_a_forged_record);
    d = open_to(a, &p);
    assert_err(ERR_IO, dial_read(d, &byte, 1, within(PATIENCE_MS), &n));
    assert_non_null(strstr(err_sentence(), "bad record mac"));
    close_both(d, &p);
}

/* ---- ends ---- */

static void
the_end_is_the_end_with_and_without_a_goodbye(void **state)
{
    static void (*const ends[])(struct tls_peer *, SSL *) = {send_two_then_cut,
                                                             send_two_then_say_goodbye};
    struct authority *a = *state;

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct tls_peer p;
        struct dial *d;
        char got[3];
        size_t n = 0;

        tls_peer_init(&p, &a->good, ends[i]);
        d = open_to(a, &p);
        assert_ok(read_all_of(d, got, 2, within(PATIENCE_MS)));
        assert_memory_equal("ok", got, 2);
        assert_err(ERR_CLOSED, dial_read(d, got, 1, within(PATIENCE_MS), &n));
        assert_false(dial_is_quiet(d));
        close_both(d, &p);
    }
}

static void
writing_to_a_server_that_is_gone_is_an_error_and_no_signal(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;
    struct dial *d;
    enum err e = ERR_OK;

    tls_peer_init(&p, &a->good, NULL);
    d = open_to(a, &p);
    assert_int_equal(0, pthread_join(p.peer.thread, NULL));
    for (unsigned n = 0; e == ERR_OK && n < 100; n++)
        e = dial_write(d, "x", 1, within(PATIENCE_MS));
    assert_int_equal(ERR_CLOSED, e);
    dial_free(d);
    peer_unlisten(&p.peer);
    SSL_CTX_free(p.ctx);
    dial_tls_free(p.arg);
}

static void
read_the_end(struct tls_peer *p, SSL *ssl)
{
    char byte;
    int result = SSL_read(ssl, &byte, 1);

    *(int *)p->arg = SSL_get_error(ssl, result);
}

static void
closing_says_goodbye(void **state)
{
    struct authority *a = *state;
    struct dial_tls *tls = tls_of(a->ca_file);
    struct tls_peer p;
    int end = -1;

    tls_peer_init(&p, &a->good, read_the_end);
    p.arg = &end;
    assert_true(tls_peer_start(&p, AF_INET));
    dial_free(open_with(tls, &p));
    tls_peer_end(&p);
    dial_tls_free(tls);
    assert_int_equal(SSL_ERROR_ZERO_RETURN, end);
}

/* ---- idle streams ---- */

/* The server has done its next step, and what it sent has come. */
static void
wait_for_step(struct tls_peer *p, const struct dial *d)
{
    assert_true(peer_wait(&p->peer.did));
    assert_true(peer_can(d->fd, POLLIN));
}

static bool
is_socket_empty(const struct dial *d)
{
    char byte;

    return recv(d->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

static void
session_tickets_are_no_answer(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;
    struct dial *d;
    char byte = 0;
    size_t n = 0;

    tls_peer_init(&p, &a->good, send_one_when_told);
    SSL_CTX_set_num_tickets(p.ctx, 10);
    d = open_to(a, &p);
    wait_for_step(&p, d); /* hands are shaken and tickets sent */
    assert_false(is_socket_empty(d));
    assert_true(dial_is_quiet(d));
    assert_true(is_socket_empty(d)); /* they cannot be taken for an answer later */
    assert_true(dial_is_quiet(d));
    assert_int_equal(0, sem_post(&p.peer.go));
    wait_for_step(&p, d);
    assert_false(dial_is_quiet(d));
    assert_ok(dial_read(d, &byte, 1, within(PATIENCE_MS), &n)); /* looking took nothing */
    assert_int_equal('x', byte);
    assert_true(dial_is_quiet(d));
    assert_int_equal(0, sem_post(&p.peer.go));
    assert_true(peer_can(d->fd, POLLIN));
    assert_false(dial_is_quiet(d)); /* it has ended */
    close_both(d, &p);
}

static void
tickets_before_an_answer_do_not_hide_it(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;
    struct dial *d;
    char byte = 0;
    size_t n = 0;

    tls_peer_init(&p, &a->good, send_one_when_told);
    d = open_to(a, &p);
    assert_int_equal(0, sem_post(&p.peer.go));
    wait_for_step(&p, d);
    wait_for_step(&p, d);
    assert_false(dial_is_quiet(d)); /* tickets first, and then the byte */
    assert_ok(dial_read(d, &byte, 1, within(PATIENCE_MS), &n));
    assert_int_equal('x', byte);
    assert_int_equal(0, sem_post(&p.peer.go));
    close_both(d, &p);
}

/* Who sends without end is not waited for. */
static void
a_server_that_talks_too_much_is_not_quiet(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;
    struct dial *d;

    tls_peer_init(&p, &a->good, tls_stay_silent);
    SSL_CTX_set_num_tickets(p.ctx, N_TICKETS);
    d = open_to(a, &p);
    wait_for_step(&p, d);
    assert_false(dial_is_quiet(d));
    close_both(d, &p);
}

static void
new_keys_are_no_answer_and_work(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;
    struct dial *d;
    char got[5];

    tls_peer_init(&p, &a->good, change_keys_when_told);
    d = open_to(a, &p);
    assert_int_equal(0, sem_post(&p.peer.go));
    wait_for_step(&p, d);
    wait_for_step(&p, d);
    assert_true(dial_is_quiet(d));
    assert_ok(dial_write(d, "hello", 5, within(PATIENCE_MS)));
    assert_ok(read_all_of(d, got, 5, within(PATIENCE_MS)));
    assert_memory_equal("hello", got, 5);
    close_both(d, &p);
}

static void
another_handshake_is_refused(void **state)
{
    struct authority *a = *state;
    struct dial_tls *tls = tls_of(a->ca_file);
    struct tls_peer p;
    struct dial *d;
    unsigned long why = 0;
    size_t n = 0;
    char byte;

    tls_peer_init(&p, &a->good, renegotiate_when_told);
    p.arg = &why;
    assert_int_equal(1, SSL_CTX_set_max_proto_version(p.ctx, TLS1_2_VERSION));
    assert_true(tls_peer_start(&p, AF_INET));
    d = open_with(tls, &p);
    assert_true(peer_wait(&p.peer.did));
    assert_int_equal(0, sem_post(&p.peer.go));
    /* Refused, this server breaks off; in a second handshake it would wait for more. */
    assert_err(ERR_IO, dial_read(d, &byte, 1, within(PATIENCE_MS), &n));
    peer_end(&p.peer);
    assert_int_equal(SSL_R_NO_RENEGOTIATION, ERR_GET_REASON(why));
    dial_free(d);
    SSL_CTX_free(p.ctx);
    dial_tls_free(tls);
}

static void
a_piece_of_a_record_is_not_quiet(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct authority *a = *state;

    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_peer p;
        struct dial *d;
        char got[5];

        tls_peer_init(&p, &a->good, send_in_pieces_when_told);
        assert_int_equal(1, SSL_CTX_set_max_proto_version(p.ctx, versions[i]));
        d = open_to(a, &p);
        assert_true(peer_wait(&p.peer.did));
        assert_true(dial_is_quiet(d));
        for (size_t n = 1; n < 12; n++) { /* within its header, at its end, and behind */
            assert_int_equal(0, sem_post(&p.peer.go));
            wait_for_step(&p, d);
            if (dial_is_quiet(d))
                fail_msg("quiet after %zu bytes", n);
        }
        for (size_t n = 0; n < 128; n++)
            assert_int_equal(0, sem_post(&p.peer.go));
        assert_ok(read_all_of(d, got, 5, within(PATIENCE_MS)));
        assert_memory_equal("hello", got, 5);
        assert_true(dial_is_quiet(d));
        close_both(d, &p);
    }
}

/* ---- threads ---- */

struct crowd {
    struct authority *a;
    struct dial_tls *tls;
    atomic_uint n_ok;
};

static void *
talk_in_a_crowd(void *arg)
{
    struct crowd *c = arg;

    for (unsigned i = 0; i < N_ROUNDS; i++) {
        struct tls_peer p;
        struct dial *d = NULL;
        char got[5];

        tls_peer_init(&p, &c->a->good, echo);
        if (!tls_peer_start(&p, AF_INET))
            return NULL;
        if (dial_open(&p.peer.addr, c->tls, "redis.test", within(PATIENCE_MS), &d) == ERR_OK &&
            dial_write(d, "hello", 5, within(PATIENCE_MS)) == ERR_OK &&
            read_all_of(d, got, 5, within(PATIENCE_MS)) == ERR_OK && memcmp(got, "hello", 5) == 0)
            (void)atomic_fetch_add(&c->n_ok, 1);
        dial_free(d);
        tls_peer_end(&p);
    }
    return NULL;
}

static void
threads_share_what_they_trust(void **state)
{
    struct crowd c = {.a = *state};
    pthread_t threads[N_THREADS];

    c.tls = tls_of(c.a->ca_file);
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, talk_in_a_crowd, &c));
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(0, pthread_join(threads[i], NULL));
    assert_int_equal(N_THREADS * N_ROUNDS, c.n_ok);
    dial_tls_free(c.tls);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_there_and_back),
        cmocka_unit_test(no_answer_is_a_timeout),
        cmocka_unit_test(a_server_that_does_not_read_is_a_timeout),
        cmocka_unit_test(records_without_content_do_not_push_the_deadline_away),
        cmocka_unit_test(a_forged_record_is_an_error),
        cmocka_unit_test(the_end_is_the_end_with_and_without_a_goodbye),
        cmocka_unit_test(writing_to_a_server_that_is_gone_is_an_error_and_no_signal),
        cmocka_unit_test(closing_says_goodbye),
        cmocka_unit_test(session_tickets_are_no_answer),
        cmocka_unit_test(tickets_before_an_answer_do_not_hide_it),
        cmocka_unit_test(a_server_that_talks_too_much_is_not_quiet),
        cmocka_unit_test(new_keys_are_no_answer_and_work),
        cmocka_unit_test(another_handshake_is_refused),
        cmocka_unit_test(a_piece_of_a_record_is_not_quiet),
        cmocka_unit_test(threads_share_what_they_trust),
    };

    return cmocka_run_group_tests(tests, authority_setup, authority_teardown);
}
