/* SPDX-License-Identifier: Apache-2.0 */
/* dial, trust: which servers a stream shakes hands with, and which CA files can be had. */
#include "tls_peer.h"

#include "base/mem.h"

#include <arpa/inet.h>

/* ---- one handshake ---- */

struct attempt {
    const struct identity *shown; /* by the server */
    const char *ca_file;          /* the client's */
    const char *host;             /* that the client wants */
    sa_family_t family;           /* 0: IPv4 */
    int only_version;             /* the server's; 0: any */
};

static enum err
try_to_open(const struct attempt *at, struct tls_peer *ret_peer)
{
    struct dial_tls *tls = tls_of(at->ca_file);
    struct dial *d = NULL;
    enum err e;

    tls_peer_init(ret_peer, at->shown, tls_stay_silent);
    SSL_CTX_set_security_level(ret_peer->ctx, 0); /* so that it could do what is outdated */
    if (at->only_version != 0) {
        assert_int_equal(1, SSL_CTX_set_min_proto_version(ret_peer->ctx, at->only_version));
        assert_int_equal(1, SSL_CTX_set_max_proto_version(ret_peer->ctx, at->only_version));
    }
    assert_true(tls_peer_start(ret_peer, at->family != 0 ? at->family : AF_INET));
    e = dial_open(&ret_peer->peer.addr, tls, at->host, within(PATIENCE_MS), &d);
    assert_true((e == ERR_OK) == (d != NULL));
    dial_free(d);
    tls_peer_end(ret_peer);
    dial_tls_free(tls);
    return e;
}

static void
expect(enum err want, const struct attempt *at)
{
    struct tls_peer p;
    enum err e = try_to_open(at, &p);

    if (e != want)
        fail_msg("\"%s\": %s (%s), expected %s", at->host, err_name(e), err_sentence(),
                 err_name(want));
    assert_true(want != ERR_OK || p.shaken == 1);
}

static void
expect_denied(const struct attempt *at, const char *why)
{
    expect(ERR_DENIED, at);
    if (strstr(err_sentence(), why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err_sentence(), why);
}

/* ---- names ---- */

static void
a_certificate_for_the_name_or_address_is_trusted(void **state)
{
    static const char *const hosts[] = {"redis.test",   "REDIS.test", "redis.test.",
                                        "a.nodes.test", "127.0.0.1",  "::1"};
    struct authority *a = *state;

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        expect(ERR_OK, &(struct attempt){&a->good, a->ca_file, hosts[i], 0, 0});
}

static void
a_certificate_for_another_name_or_address_is_denied(void **state)
{
    static const char *const names[] = {"redis.test.evil.test", "evil.test", "edis.test",
                                        "nodes.test",           "*",         "a.b.nodes.test"};
    static const char *const addresses[] = {"127.0.0.2", "::2"};
    struct authority *a = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        expect_denied(&(struct attempt){&a->good, a->ca_file, names[i], 0, 0}, "hostname mismatch");
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
        expect_denied(&(struct attempt){&a->good, a->ca_file, addresses[i], 0, 0},
                      "IP address mismatch");
}

/* libssl takes the empty name for "no check", and a name behind a dot for all names below it. */
static void
a_host_that_is_no_name_is_denied_whatever_the_certificate(void **state)
{
    static const char *const hosts[] = {"", ".", "..", ".test", ".nodes.test"};
    struct authority *a = *state;
    char long_host[400];

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        expect_denied(&(struct attempt){&a->good, a->ca_file, hosts[i], 0, 0}, "not a host name");
    memset(long_host, 'a', sizeof(long_host));
    long_host[sizeof(long_host) - 1] = '\0';
    expect_denied(&(struct attempt){&a->good, a->ca_file, long_host, 0, 0}, "not a host name");
}

static void
an_address_in_the_certificate_as_a_name_is_not_enough(void **state)
{
    struct authority *a = *state;
    struct identity id = identity_new(
        &(struct cert_spec){.name = "127.0.0.1", .san = "DNS:127.0.0.1", .issuer = &a->ca});

    expect_denied(&(struct attempt){&id, a->ca_file, "127.0.0.1", 0, 0}, "IP address mismatch");
    identity_free(&id);
}

static void
a_name_is_sent_to_the_server_and_an_address_is_not(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;

    assert_ok(try_to_open(&(struct attempt){&a->good, a->ca_file, "redis.test.", 0, 0}, &p));
    assert_string_equal("redis.test", p.name);
    assert_ok(try_to_open(&(struct attempt){&a->good, a->ca_file, "127.0.0.1", 0, 0}, &p));
    assert_string_equal("", p.name);
    assert_ok(try_to_open(&(struct attempt){&a->good, a->ca_file, "::1", 0, 0}, &p));
    assert_string_equal("", p.name);
}

static void
a_unix_socket_can_have_tls_too(void **state)
{
    struct authority *a = *state;

    expect(ERR_OK, &(struct attempt){&a->good, a->ca_file, "redis.test", AF_UNIX, 0});
    expect(ERR_DENIED, &(struct attempt){&a->good, a->ca_file, "evil.test", AF_UNIX, 0});
}

/* ---- certificates ---- */

static void
a_certificate_of_another_authority_is_denied(void **state)
{
    static const char *const names[] = {"Test Authority", "Another"}; /* ours is called so, too */
    struct authority *a = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct identity ca = identity_new(&(struct cert_spec){.name = names[i], .is_ca = true});
        struct identity id =
            identity_new(&(struct cert_spec){.name = "x", .san = GOOD_NAMES, .issuer = &ca});

        expect_denied(&(struct attempt){&id, a->ca_file, "redis.test", 0, 0}, "certificate");
        identity_free(&ca);
        identity_free(&id);
    }
}

static void
every_authority_of_the_file_is_trusted(void **state)
{
    struct authority *a = *state;
    struct identity ca = identity_new(&(struct cert_spec){.name = "Another", .is_ca = true});
    struct identity id =
        identity_new(&(struct cert_spec){.name = "x", .san = GOOD_NAMES, .issuer = &ca});
    char both[64];

    (void)snprintf(both, sizeof(both), "%s/both.pem", a->dir);
    identity_save(&a->ca, both);
    identity_save(&ca, both);
    expect(ERR_OK, &(struct attempt){&id, both, "redis.test", 0, 0});
    expect(ERR_OK, &(struct attempt){&a->good, both, "redis.test", 0, 0});
    (void)unlink(both);
    identity_free(&ca);
    identity_free(&id);
}

static void
a_certificate_past_or_before_its_time_is_denied(void **state)
{
    struct authority *a = *state;
    struct identity old = identity_new(&(struct cert_spec){.name = "x",
                                                           .san = GOOD_NAMES,
                                                           .issuer = &a->ca,
                                                           .from_s = -2 * HOUR_S,
                                                           .until_s = -HOUR_S}),
                    young = identity_new(&(struct cert_spec){.name = "x",
                                                             .san = GOOD_NAMES,
                                                             .issuer = &a->ca,
                                                             .from_s = HOUR_S,
                                                             .until_s = 2 * HOUR_S});

    expect_denied(&(struct attempt){&old, a->ca_file, "redis.test", 0, 0}, "expired");
    expect_denied(&(struct attempt){&young, a->ca_file, "redis.test", 0, 0}, "not yet valid");
    identity_free(&old);
    identity_free(&young);
}

static void
a_self_signed_certificate_is_trusted_only_when_it_is_the_authority(void **state)
{
    struct authority *a = *state;
    struct identity id = identity_new(&(struct cert_spec){.name = "x", .san = GOOD_NAMES});
    char own[64];

    expect_denied(&(struct attempt){&id, a->ca_file, "redis.test", 0, 0}, "self-signed");
    (void)snprintf(own, sizeof(own), "%s/own.pem", a->dir);
    identity_save(&id, own);
    expect(ERR_OK, &(struct attempt){&id, own, "redis.test", 0, 0});
    (void)unlink(own);
    identity_free(&id);
}

static void
a_certificate_for_clients_only_is_denied(void **state)
{
    struct authority *a = *state;
    struct cert_spec spec = {.name = "x", .san = GOOD_NAMES, .issuer = &a->ca};
    struct identity client, server;

    spec.usage = "clientAuth";
    client = identity_new(&spec);
    spec.usage = "serverAuth";
    server = identity_new(&spec);
    expect_denied(&(struct attempt){&client, a->ca_file, "redis.test", 0, 0}, "purpose");
    expect(ERR_OK, &(struct attempt){&server, a->ca_file, "redis.test", 0, 0});
    identity_free(&client);
    identity_free(&server);
}

static void
a_certificate_signed_by_one_that_is_no_authority_is_denied(void **state)
{
    struct authority *a = *state;
    struct identity id =
        identity_new(&(struct cert_spec){.name = "x", .san = GOOD_NAMES, .issuer = &a->good});
    char both[64];

    (void)snprintf(both, sizeof(both), "%s/both.pem", a->dir);
    identity_save(&a->ca, both);
    identity_save(&a->good, both);
    expect_denied(&(struct attempt){&id, both, "redis.test", 0, 0}, "CA certificate");
    (void)unlink(both);
    identity_free(&id);
}

/* ---- versions ---- */

static void
tls_1_2_and_1_3_are_spoken_and_1_1_is_not(void **state)
{
    struct authority *a = *state;
    struct tls_peer p;

    expect(ERR_OK, &(struct attempt){&a->good, a->ca_file, "redis.test", 0, TLS1_2_VERSION});
    expect(ERR_OK, &(struct attempt){&a->good, a->ca_file, "redis.test", 0, TLS1_3_VERSION});
    assert_err(
        ERR_DENIED,
        try_to_open(&(struct attempt){&a->good, a->ca_file, "redis.test", 0, TLS1_1_VERSION}, &p));
    assert_int_equal(SSL_R_UNSUPPORTED_PROTOCOL, ERR_GET_REASON(p.error)); /* for that reason */
}

/* ---- handshakes that fail ---- */

static void
answer_in_plain_text(struct peer *p, int fd)
{
    (void)p;
    if (peer_can(fd, POLLIN))
        peer_send(fd, "-ERR unknown command\r\n", 22);
    peer_drain(fd);
}

static void
hang_up(struct peer *p, int fd)
{
    (void)p;
    (void)peer_can(fd, POLLIN);
}

static void
say_nothing(struct peer *p, int fd)
{
    (void)p;
    peer_drain(fd);
}

/* The header of a handshake record, and its content a byte at a time. */
static void
drip_a_handshake(struct peer *p, int fd)
{
    static const char header[] = {0x16, 3, 3, 0x40, 0, 2, 0, 0x3f, (char)0xfc};
    int64_t until_ms = within(PATIENCE_MS);

    (void)p;
    peer_send(fd, header, sizeof(header));
    while (clock_mono_ms() < until_ms && send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
        (void)poll(NULL, 0, 5);
}

static void
a_handshake_that_fails_says_why(void **state)
{
    static const struct {
        void (*serve)(struct peer *p, int fd);
        enum err want;
        int deadline_ms;
    } cases[] = {
        {answer_in_plain_text, ERR_DENIED, PATIENCE_MS},
        {hang_up, ERR_UNAVAIL, PATIENCE_MS},
        {say_nothing, ERR_TIMEOUT, SOON_MS},
        {drip_a_handshake, ERR_TIMEOUT, SOON_MS},
    };
    struct authority *a = *state;
    struct dial_tls *tls = tls_of(a->ca_file);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned n_before = n_descriptors();
        struct peer p;
        struct dial *d = NULL;
        int64_t deadline_ms;
        enum err e;

        assert_true(peer_start(&p, AF_INET, cases[i].serve, NULL));
        deadline_ms = within(cases[i].deadline_ms);
        e = dial_open(&p.addr, tls, "redis.test", deadline_ms, &d);
        if (e != cases[i].want)
            fail_msg("case %zu: %s (%s)", i, err_name(e), err_sentence());
        if (e == ERR_TIMEOUT)
            assert_in_range(clock_mono_ms(), deadline_ms, deadline_ms + PATIENCE_MS / 2);
        assert_null(d);
        peer_end(&p);
        assert_int_equal(n_before, n_descriptors());
    }
    dial_tls_free(tls);
}

/* A server that wants a certificate of ours, which we do not have. */
static void
a_server_that_wants_to_know_us_is_told_apart(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct authority *a = *state;
    struct dial_tls *tls = tls_of(a->ca_file);

    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct tls_peer p;
        struct dial *d = NULL;
        char byte;
        size_t n = 0;
        enum err e;

        tls_peer_init(&p, &a->good, tls_stay_silent);
        SSL_CTX_set_verify(p.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        assert_int_equal(1, SSL_CTX_set_max_proto_version(p.ctx, versions[i]));
        assert_true(tls_peer_start(&p, AF_INET));
        e = dial_open(&p.peer.addr, tls, "redis.test", within(PATIENCE_MS), &d);
        if (versions[i] == TLS1_2_VERSION) {
            assert_int_equal(ERR_DENIED, e);
        } else { /* 1.3 tells it when the client has long shaken hands */
            assert_int_equal(ERR_OK, e);
            assert_err(ERR_IO, dial_read(d, &byte, 1, within(PATIENCE_MS), &n));
            assert_non_null(strstr(err_sentence(), "certificate required"));
        }
        dial_free(d);
        tls_peer_end(&p);
    }
    dial_tls_free(tls);
}

/* ---- CA files ---- */

static void
write_file(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(len, fwrite(text, 1, len, f));
    assert_int_equal(0, fclose(f));
}

static void
a_ca_file_that_is_missing_or_no_file_is_told(void **state)
{
    struct authority *a = *state;
    struct dial_tls *tls = NULL;

    assert_err(ERR_NOTFOUND, dial_tls_new("/proc/self/none", &tls));
    assert_err(ERR_NOTFOUND, dial_tls_new("", &tls));
    assert_err(ERR_IO, dial_tls_new(a->dir, &tls));
    assert_err(ERR_IO, dial_tls_new("/dev/null", &tls));
    assert_null(tls);
    dial_tls_free(NULL);
}

static void
a_ca_file_without_a_whole_certificate_is_refused(void **state)
{
    struct authority *a = *state;
    struct dial_tls *tls = NULL;
    char path[64], pem[8192];
    size_t len;
    FILE *f = fopen(a->ca_file, "r");

    assert_non_null(f);
    len = fread(pem, 1, sizeof(pem), f);
    (void)fclose(f);
    assert_in_range(len, 100, sizeof(pem) - 1);
    (void)snprintf(path, sizeof(path), "%s/wrong.pem", a->dir);
    for (size_t cut = 0; cut < len - 1; cut += 9) { /* empty at first, and then always cut */
        write_file(path, pem, cut);
        assert_err(ERR_SYNTAX, dial_tls_new(path, &tls));
    }
    write_file(path, "neither PEM\nnor anything\n", 25);
    assert_err(ERR_SYNTAX, dial_tls_new(path, &tls));
    pem[len / 2] = '!';
    write_file(path, pem, len);
    assert_err(ERR_SYNTAX, dial_tls_new(path, &tls));
    identity_save(&a->ca, path); /* a good one after the broken one */
    assert_err(ERR_SYNTAX, dial_tls_new(path, &tls));
    (void)unlink(path); /* and before it */
    identity_save(&a->ca, path);
    f = fopen(path, "a");
    assert_non_null(f);
    assert_int_equal(len, fwrite(pem, 1, len, f));
    assert_int_equal(0, fclose(f));
    assert_err(ERR_SYNTAX, dial_tls_new(path, &tls));
    assert_null(tls);
    (void)unlink(path);
}

static void
a_key_is_no_certificate_and_may_stand_beside_one(void **state)
{
    struct authority *a = *state;
    struct dial_tls *tls = NULL;
    char path[64];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/key.pem", a->dir);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(1, PEM_write_PrivateKey(f, a->ca.key, NULL, NULL, 0, NULL, NULL));
    (void)fclose(f);
    assert_err(ERR_SYNTAX, dial_tls_new(path, &tls));
    identity_save(&a->ca, path);
    expect(ERR_OK, &(struct attempt){&a->good, path, "redis.test", 0, 0});
    (void)unlink(path);
}

static void
without_a_file_the_authorities_of_the_system_are_trusted(void **state)
{
    struct authority *a = *state;

    expect(ERR_DENIED, &(struct attempt){&a->good, NULL, "redis.test", 0, 0});
    assert_int_equal(0, setenv("SSL_CERT_FILE", a->ca_file, 1)); /* now it is one of them */
    expect(ERR_OK, &(struct attempt){&a->good, NULL, "redis.test", 0, 0});
    assert_int_equal(0, unsetenv("SSL_CERT_FILE"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_for_the_name_or_address_is_trusted),
        cmocka_unit_test(a_certificate_for_another_name_or_address_is_denied),
        cmocka_unit_test(a_host_that_is_no_name_is_denied_whatever_the_certificate),
        cmocka_unit_test(an_address_in_the_certificate_as_a_name_is_not_enough),
        cmocka_unit_test(a_name_is_sent_to_the_server_and_an_address_is_not),
        cmocka_unit_test(a_unix_socket_can_have_tls_too),
        cmocka_unit_test(a_certificate_of_another_authority_is_denied),
        cmocka_unit_test(every_authority_of_the_file_is_trusted),
        cmocka_unit_test(a_certificate_past_or_before_its_time_is_denied),
        cmocka_unit_test(a_self_signed_certificate_is_trusted_only_when_it_is_the_authority),
        cmocka_unit_test(a_certificate_for_clients_only_is_denied),
        cmocka_unit_test(a_certificate_signed_by_one_that_is_no_authority_is_denied),
        cmocka_unit_test(tls_1_2_and_1_3_are_spoken_and_1_1_is_not),
        cmocka_unit_test(a_handshake_that_fails_says_why),
        cmocka_unit_test(a_server_that_wants_to_know_us_is_told_apart),
        cmocka_unit_test(a_ca_file_that_is_missing_or_no_file_is_told),
        cmocka_unit_test(a_ca_file_without_a_whole_certificate_is_refused),
        cmocka_unit_test(a_key_is_no_certificate_and_may_stand_beside_one),
        cmocka_unit_test(without_a_file_the_authorities_of_the_system_are_trusted),
    };

    return cmocka_run_group_tests(tests, authority_setup, authority_teardown);
}
