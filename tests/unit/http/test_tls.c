/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: with certificates made by the openssl command, which is the client too. */
#include "serving.h"

#include "base/fs.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

struct pair { /* a self-signed certificate and its key */
    char cert_path[64], key_path[64];
    struct buf cert, key;
};

struct tls_app {
    struct app app; /* first: the helpers see only this */
    char dir[32];
    struct pair one, two;
};

struct child {
    pid_t pid;
    int in, out;
};

static struct child
run_openssl(const char *const *args)
{
    struct child c;
    int in[2], out[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    posix_spawn_file_actions_t fa;
    char *argv[32] = {(char *)(uintptr_t) "openssl"};

    for (size_t i = 0; args[i] != NULL; i++)
        argv[i + 1] = (char *)(uintptr_t)args[i];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&fa, in[0], 0), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&fa, out[1], 1), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&fa, null, 2), 0);
    assert_int_equal(posix_spawnp(&c.pid, "openssl", &fa, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&fa);
    (void)close(in[0]);
    (void)close(out[1]);
    (void)close(null);
    c.in = in[1];
    c.out = out[0];
    return c;
}

/* Read until `want` was seen (NULL: until the end). */
static void
read_child(const struct child *c, const char *want, char *ret_text, size_t cap)
{
    struct pollfd p = {.fd = c->out, .events = POLLIN};
    size_t len = 0;
    ssize_t n;

    ret_text[0] = '\0';
    while (len + 1 < cap && (want == NULL || strstr(ret_text, want) == NULL) &&
           poll(&p, 1, PATIENCE_MS) > 0 && (n = read(c->out, ret_text + len, cap - 1 - len)) > 0) {
        len += (size_t)n;
        ret_text[len] = '\0';
    }
}

static int
end_child(struct child *c)
{
    int status = -1;

    (void)close(c->in);
    (void)close(c->out);
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
make_pair(struct tls_app *t, struct pair *p, const char *name)
{
    char subject[32], junk[256];

    (void)snprintf(p->cert_path, sizeof(p->cert_path), "%s/%s.crt", t->dir, name);
    (void)snprintf(p->key_path, sizeof(p->key_path), "%s/%s.key", t->dir, name);
    (void)snprintf(subject, sizeof(subject), "/CN=%s", name);
    const char *const args[] = {
        "req",       "-x509", "-newkey",    "ec",    "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes",    "-subj", subject,      "-days", "2",        "-keyout",
        p->key_path, "-out",  p->cert_path, NULL};
    struct child c = run_openssl(args);

    read_child(&c, NULL, junk, sizeof(junk));
    assert_int_equal(end_child(&c), 0);
    buf_init(&p->cert, 65536);
    buf_init(&p->key, 65536);
    assert_ok(fs_read_file(AT_FDCWD, p->cert_path, &p->cert));
    assert_ok(fs_read_file(AT_FDCWD, p->key_path, &p->key));
}

static struct child
dial_tls(const struct tls_app *t, const struct pair *trusted, const char *version)
{
    char at[32];
    const char *const args[] = {
        "s_client", "-connect", at,  "-CAfile", trusted->cert_path, "-verify_return_error",
        "-quiet",   version,    NULL};

    (void)snprintf(at, sizeof(at), "127.0.0.1:%d", t->app.port);
    return run_openssl(args);
}

static void
say_child(const struct child *c, const char *text)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)!write(c->in, text, strlen(text));
}

/* Whether a fresh connection that trusts only `trusted` is answered. */
static bool
is_answered(const struct tls_app *t, const struct pair *trusted, const char *version)
{
    char r[REPLY_MAX];
    struct child c = dial_tls(t, trusted, version);

    say_child(&c, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    read_child(&c, "hello", r, sizeof(r));
    (void)end_child(&c);
    return strstr(r, "\r\n\r\nhello") != NULL;
}

static int
setup(void **state)
{
    struct tls_app *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    (void)snprintf(t->dir, sizeof(t->dir), "/tmp/mayfly-tls-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    make_pair(t, &t->one, "one");
    make_pair(t, &t->two, "two");
    t->app.cfg.tls_cert_pem = buf_text(&t->one.cert);
    t->app.cfg.tls_key_pem = buf_text(&t->one.key);
    *state = t;
    return 0;
}

static void
drop_pair(struct pair *p)
{
    (void)unlink(p->cert_path);
    (void)unlink(p->key_path);
    buf_done(&p->cert);
    buf_done(&p->key);
}

static int
teardown(void **state)
{
    struct tls_app *t = *state;

    if (t->app.server != NULL)
        app_stop(&t->app);
    drop_pair(&t->one);
    drop_pair(&t->two);
    (void)rmdir(t->dir);
    free(t);
    return 0;
}

static void
a_tls_client_is_served_with_the_certificate(void **state)
{
    struct tls_app *t = *state;

    app_start(&t->app);
    assert_true(is_answered(t, &t->one, "-tls1_3"));
    assert_true(is_answered(t, &t->one, "-tls1_2"));
    assert_false(is_answered(t, &t->two, "-tls1_3"));
}

static void
old_versions_and_plain_text_are_not_served(void **state)
{
    struct tls_app *t = *state;
    char r[REPLY_MAX];

    app_start(&t->app);
    assert_false(is_answered(t, &t->one, "-tls1_1"));
    (void)ask(&t->app, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", r, sizeof(r));
    assert_null(strstr(r, "hello"));
    assert_int_equal(t->app.n_handled, 0);
}

static void
a_new_certificate_serves_new_connections_and_old_ones_go_on(void **state)
{
    struct tls_app *t = *state;
    char r[REPLY_MAX];
    struct child old;

    app_start(&t->app);
    old = dial_tls(t, &t->one, "-tls1_3");
    say_child(&old, "GET /item/first HTTP/1.1\r\nHost: x\r\n\r\n");
    read_child(&old, "\r\n\r\nfirst", r, sizeof(r));
    assert_non_null(strstr(r, "200 OK"));
    assert_ok(http_server_set_tls(t->app.server, buf_text(&t->two.cert), buf_text(&t->two.key)));
    assert_true(is_answered(t, &t->two, "-tls1_3"));
    assert_false(is_answered(t, &t->one, "-tls1_3"));
    nap_ms(2500); /* the old daemon would be stopped by now, if it did not wait */
    say_child(&old, "GET /item/second HTTP/1.1\r\nHost: x\r\n\r\n");
    read_child(&old, "\r\n\r\nsecond", r, sizeof(r));
    assert_non_null(strstr(r, "200 OK"));
    (void)end_child(&old);
    nap_ms(3500); /* and now it is stopped */
    assert_true(is_answered(t, &t->two, "-tls1_3"));
}

static void
a_certificate_that_does_not_fit_its_key_changes_nothing(void **state)
{
    struct tls_app *t = *state;

    app_start(&t->app);
    assert_err(ERR_SYNTAX,
               http_server_set_tls(t->app.server, buf_text(&t->two.cert), buf_text(&t->one.key)));
    assert_err(ERR_SYNTAX, http_server_set_tls(t->app.server, "no certificate", "no key"));
    assert_true(is_answered(t, &t->one, "-tls1_3"));
}

static void
a_tls_stream_is_accounted_for(void **state)
{
    struct tls_app *t = *state;
    static char r[1 << 19];
    struct child c;

    app_start(&t->app);
    c = dial_tls(t, &t->one, "-tls1_3");
    say_child(&c, "GET /stream/300000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    read_child(&c, NULL, r, sizeof(r));
    (void)end_child(&c);
    assert_int_equal(strlen(strstr(r, "\r\n\r\n") + 4), 300000);
    wait_for(t->app.n_sent, 1);
    assert_int_equal(t->app.left, 300000);
    assert_int_equal(t->app.acked, 300000);
}

static void
a_handshake_that_never_ends_is_cut(void **state)
{
    struct tls_app *t = *state;
    int64_t start_ms;
    char r[64];
    int fd;

    t->app.cfg.header_timeout_s = 1;
    app_start(&t->app);
    fd = dial(&t->app);
    assert_true(say(fd, "\x16\x03\x01\x02\x00\x01", 6));
    start_ms = clock_mono_ms();
    (void)hear_all(fd, r, sizeof(r), NULL);
    assert_in_range(clock_mono_ms() - start_ms, 500, 5000);
    (void)close(fd);
}

static void
a_tls_socket_needs_a_certificate(void **state)
{
    struct tls_app *t = *state;
    int port, fd = listen_here(&port);

    t->app.cfg.tls_cert_pem = t->app.cfg.tls_key_pem = NULL;
    app_start(&t->app);
    assert_err(ERR_FIELD, http_server_listen(t->app.server, fd, true));
    (void)close(fd);
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(a_tls_client_is_served_with_the_certificate),
        TLS_TEST(old_versions_and_plain_text_are_not_served),
        TLS_TEST(a_new_certificate_serves_new_connections_and_old_ones_go_on),
        TLS_TEST(a_certificate_that_does_not_fit_its_key_changes_nothing),
        TLS_TEST(a_tls_stream_is_accounted_for),
        TLS_TEST(a_handshake_that_never_ends_is_cut),
        TLS_TEST(a_tls_socket_needs_a_certificate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
