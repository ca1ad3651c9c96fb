/* SPDX-License-Identifier: Apache-2.0 */
/* Small requests, and what all requests have in common. */
#include "script_server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/interrupt.h"

#include <signal.h>
#include <sys/wait.h>

static enum err
call(const char *url, const char *method, const char *path, struct net_reply *r)
{
    struct net *n = quick_net(url);
    enum err e;

    n->limits.stall_ms = 400;
    e = net_call(n, method, path, NULL, r);
    net_free(n);
    return e;
}

/* ---- what is asked and answered ---- */

static void
serve_ok(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    while (hear_head(s, fd))
        say(fd, "HTTP/1.1 429 Slow down\r\nRetry-After: 17\r\nContent-Length: 5\r\n\r\nhello");
}

static void
a_call_says_who_asks_and_gives_what_is_answered(void **state)
{
    struct server *s = server_start(serve_ok, NULL);
    struct net_reply r;
    char want[512];

    (void)state;
    net_reply_init(&r);
    assert_ok(call(s->url, "GET", "/status/a-b-c", &r));
    server_stop(s);
    assert_int_equal(r.status, 429);
    assert_int_equal(r.retry_after_s, 17);
    assert_string_equal(buf_text(&r.body), "hello");
    assert_string_equal(r.location, "");
    (void)snprintf(want, sizeof(want),
                   "GET /status/a-b-c HTTP/1.1\r\nHost: %s\r\nUser-Agent: mayfly/" MAYFLY_VERSION
                   "\r\nAccept: */*\r\n\r\n",
                   s->url + strlen("http://"));
    assert_string_equal(s->heads[0], want); /* no cookie, no Accept-Encoding */
    net_reply_done(&r);
    server_free(s);
}

static void
a_post_carries_the_token_and_no_body(void **state)
{
    struct server *s = server_start(serve_ok, NULL);
    struct net *n = quick_net(s->url);
    struct secret *token = NULL;
    struct net_reply r;
    char line[256];

    (void)state;
    net_reply_init(&r);
    assert_ok(secret_copy("tok-EN_42", 9, &token));
    assert_ok(net_call(n, "POST", "/burn/a-b-c", token, &r));
    assert_ok(net_call(n, "GET", "/status/a-b-c", NULL, &r));
    assert_int_equal(r.body.len, 5); /* the second answer alone */
    net_free(n);
    server_stop(s);
    assert_int_equal(strncmp(s->heads[0], "POST /burn/a-b-c HTTP/1.1\r\n", 27), 0);
    assert_string_equal(asked(s, 0, "Authorization", line), "Authorization: Bearer tok-EN_42");
    assert_string_equal(asked(s, 0, "Content-Length", line), "Content-Length: 0");
    assert_string_equal(asked(s, 0, "Content-Type", line), "");
    assert_string_equal(asked(s, 1, "Authorization", line), "");
    assert_int_equal(s->n_connections, 1); /* it was kept */
    secret_free(token);
    net_reply_done(&r);
    server_free(s);
}

static void
a_token_or_path_that_could_be_more_than_that_is_not_sent(void **state)
{
    static const char *const tokens[] = {"a\r\nX: y", "a b", "\x7f", "a\xc3\xa4"};
    static const char *const paths[] = {"",       "status", "/a b", "/a?b",     "/a#b",
                                        "/a%0ab", "/a\r\n", "/a@b", "/\xc3\xa4"};
    struct server *s = server_start(serve_ok, NULL);
    struct net *n = quick_net(s->url);
    struct secret *token = NULL;
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        assert_ok(secret_copy(tokens[i], strlen(tokens[i]), &token));
        assert_err(ERR_FIELD, net_call(n, "POST", "/burn/a", token, &r));
        secret_free(token);
    }
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_err(ERR_FIELD, net_call(n, "GET", paths[i], NULL, &r));
    net_free(n);
    server_stop(s);
    assert_int_equal(s->n_connections, 0);
    server_free(s);
}

/* ---- hostile answers ---- */

static void
serve_text(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (hear_head(s, fd))
        say(fd, s->ctx);
}

static void
answers(const char *text, enum err want, struct net_reply *r)
{
    struct server *s = server_start(serve_text, (void *)(uintptr_t)text);

    net_reply_init(r);
    assert_err(want, call(s->url, "GET", "/status/a", r));
    server_stop(s);
    server_free(s);
}

static void
a_redirect_is_told_and_not_followed(void **state)
{
    struct net_reply r;

    (void)state;
    answers("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n",
            ERR_OK, &r);
    assert_int_equal(r.status, 302);
    assert_string_equal(r.location, "http://127.0.0.1:1/x");
    net_reply_done(&r);
}

static void
what_is_no_http_is_no_answer(void **state)
{
    static const char *const texts[] = {
        "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        "{\"status\":\"active\"}\n",
        "\x16\x03\x03 \x01\x02 what",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    };
    struct net_reply r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        answers(texts[i], ERR_SYNTAX, &r);
        assert_int_equal(r.status, 0);
    }
}

static void
a_connection_that_breaks_is_an_error_wherever_it_breaks(void **state)
{
    static const char *const texts[] = {
        "",
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n",
    };
    struct net_reply r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        answers(texts[i], ERR_CLOSED, &r);
}

static void
a_refusal_that_breaks_off_is_heard_all_the_same(void **state)
{
    struct net_reply r;

    (void)state;
    answers("HTTP/1.1 403 No\r\nContent-Length: 50\r\n\r\nhell", ERR_OK, &r);
    assert_int_equal(r.status, 403);
    assert_string_equal(buf_text(&r.body), "hell");
    net_reply_done(&r);
}

static void
serve_endless(struct server *s, int fd, unsigned nth)
{
    static char piece[8192];
    const char *head = s->ctx;

    (void)nth;
    if (!hear_head(s, fd))
        return;
    say(fd, head);
    for (size_t i = 0; i + 16 <= sizeof(piece); i += 16)
        memcpy(piece + i, head[0] == '\0' ? "X-abcdefghi: j\r\n" : "[[[[[[[[[[[[[[[[", 16);
    if (head[0] == '\0')
        say(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 4096; i++) /* 32 MiB, which nobody should read */
        say_bytes(fd, piece, sizeof(piece));
}

static void
an_endless_answer_is_cut_short(void **state)
{
    static const char *const heads[] = {
        "",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
    };
    struct net_reply r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct server *s = server_start(serve_endless, (void *)(uintptr_t)heads[i]);

        net_reply_init(&r);
        assert_err(ERR_SYNTAX, call(s->url, "GET", "/status/a", &r));
        server_stop(s);
        server_free(s);
    }
}

static void
an_endless_page_of_a_refusal_is_cut_and_its_status_counts(void **state)
{
    struct server *s = server_start(serve_endless, (void *)(uintptr_t) "HTTP/1.1 502 Bad\r\n\r\n");
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    assert_ok(call(s->url, "GET", "/status/a", &r));
    assert_int_equal(r.status, 502);
    assert_int_equal(r.body.len, NET_BODY_MAX);
    net_reply_done(&r);
    server_stop(s);
    server_free(s);
}

static void
serve_interim(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (hear_head(s, fd))
        for (int i = 0; i < 100000; i++)
            say(fd, "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n");
}

static void
endless_interim_answers_are_cut_short(void **state)
{
    struct server *s = server_start(serve_interim, NULL);
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    assert_err(ERR_SYNTAX, call(s->url, "GET", "/status/a", &r));
    server_stop(s);
    server_free(s);
}

/* ---- no answer ---- */

static void
nobody_there_is_no_connection(void **state)
{
    struct net_reply r;
    char url[64];
    int fd = free_port(false, url);

    (void)state;
    net_reply_init(&r);
    assert_err(ERR_UNAVAIL, call(url, "GET", "/status/a", &r));
    assert_string_equal(err_sentence(), "no connection to the server");
    (void)close(fd);
}

static void
serve_nothing(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    while (more(s, fd)) /* until the client hangs up */
        ;
}

static void
a_server_that_says_nothing_is_given_up(void **state)
{
    struct server *s = server_start(serve_nothing, NULL);
    struct net_reply r;
    int64_t begun_ms = clock_mono_ms();

    (void)state;
    net_reply_init(&r);
    assert_err(ERR_TIMEOUT, call(s->url, "GET", "/status/a", &r));
    assert_true(clock_mono_ms() - begun_ms >= 400);
    server_stop(s);
    server_free(s);
}

static void
serve_drops(struct server *s, int fd, unsigned nth)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    (void)nth;
    if (!hear_head(s, fd))
        return;
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        say_bytes(fd, text + i, 1);
        (void)usleep(20 * 1000); /* each well before the limit, all of it well after */
    }
}

static void
a_slow_server_is_not_given_up_while_bytes_come(void **state)
{
    struct server *s = server_start(serve_drops, NULL);
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    assert_ok(call(s->url, "GET", "/status/a", &r));
    assert_string_equal(buf_text(&r.body), "ok");
    net_reply_done(&r);
    server_stop(s);
    server_free(s);
}

static void
interrupted_child(void)
{
    int signal = SIGINT;
    struct server *s = server_start(serve_signal, &signal);
    struct net *n = quick_net(s->url);
    int64_t begun_ms = clock_mono_ms();
    struct net_reply r;

    interrupt_init();
    net_reply_init(&r);
    if (net_call(n, "GET", "/status/a", NULL, &r) != ERR_CLOSED ||
        clock_mono_ms() - begun_ms >= n->limits.stall_ms)
        _exit(1);
    interrupt_end();
    _exit(2);
}

static void
a_signal_ends_a_request(void **state)
{
    (void)state;
    assert_int_equal(signal_of(interrupted_child), SIGINT);
}

/* ---- proxies ---- */

static void
serve_proxy(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (!hear_head(s, fd))
        return;
    if (strncmp(s->heads[s->n_heads - 1], "CONNECT", 7) == 0)
        say(fd, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    else
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void
a_proxy_is_asked_when_one_is_set(void **state)
{
    struct server *s = server_start(serve_proxy, NULL);
    struct net_cfg cfg = {.server = "http://drop.invalid", .proxy = s->url};
    struct net *n = NULL;
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    assert_ok(net_new(&cfg, &n));
    assert_ok(net_call(n, "GET", "/status/a", NULL, &r));
    net_free(n);
    assert_int_equal(setenv("http_proxy", s->url, 1), 0);
    cfg.proxy = NULL;
    assert_ok(net_new(&cfg, &n));
    assert_ok(net_call(n, "GET", "/status/b", NULL, &r));
    net_free(n);
    assert_int_equal(unsetenv("http_proxy"), 0);
    server_stop(s);
    assert_int_equal(strncmp(s->heads[0], "GET http://drop.invalid/status/a ", 33), 0);
    assert_int_equal(strncmp(s->heads[1], "GET http://drop.invalid/status/b ", 33), 0);
    net_reply_done(&r);
    server_free(s);
}

static void
a_proxy_that_refuses_is_told_and_never_sees_the_token(void **state)
{
    struct server *s = server_start(serve_proxy, NULL);
    struct net_cfg cfg = {.server = "https://drop.invalid", .proxy = s->url};
    struct secret *token = NULL;
    struct net *n = NULL;
    struct net_reply r;

    (void)state;
    net_reply_init(&r);
    assert_ok(secret_copy("token", 5, &token));
    assert_ok(net_new(&cfg, &n));
    assert_err(ERR_UNAVAIL, net_call(n, "POST", "/burn/a", token, &r));
    assert_string_equal(err_sentence(), "the proxy refuses the connection");
    net_free(n);
    server_stop(s);
    assert_int_equal(strncmp(s->heads[0], "CONNECT drop.invalid:443 ", 25), 0);
    assert_null(strcasestr(s->heads[0], "Authorization"));
    secret_free(token);
    server_free(s);
}

/* ---- TLS ---- */

/* A command in `dir` that becomes the process itself, so that its pid ends it. */
static pid_t
run(const char *dir, const char *command, int out)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(dir) == 0 && dup2(out, STDOUT_FILENO) >= 0 && freopen("err", "w", stderr) != NULL)
            (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* A server of HTTPS; its port is read from what it prints. */
static pid_t
tls_server(const char *dir, unsigned *ret_port)
{
    static const char make[] = "exec openssl req -x509 -newkey rsa:2048 -nodes -keyout key "
                               "-out cert -subj /CN=localhost "
                               "-addext subjectAltName=DNS:localhost,IP:127.0.0.1";
    static const char serve[] =
        "exec openssl s_server -accept 127.0.0.1:0 -cert cert -key key -www";
    char line[256] = "";
    int status = 1, fd[2];
    pid_t pid;
    FILE *out;

    assert_int_equal(pipe(fd), 0);
    pid = run(dir, make, fd[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    pid = run(dir, serve, fd[1]);
    (void)close(fd[1]);
    out = fdopen(fd[0], "r");
    assert_non_null(out);
    while (sscanf(line, "ACCEPT %*[^:]:%u", ret_port) != 1)
        assert_non_null(fgets(line, sizeof(line), out));
    (void)fclose(out);
    return pid;
}

static enum err
tls_call(unsigned port, const char *host, const char *ca_file, unsigned *ret_status)
{
    struct net_cfg cfg = {.ca_file = ca_file};
    struct net *n = NULL;
    struct net_reply r;
    char url[64];
    enum err e;

    (void)snprintf(url, sizeof(url), "https://%s:%u", host, port);
    cfg.server = url;
    net_reply_init(&r);
    assert_ok(net_new(&cfg, &n));
    e = net_call(n, "GET", "/", NULL, &r);
    *ret_status = r.status;
    net_free(n);
    net_reply_done(&r);
    return e;
}

static void
a_certificate_that_nobody_vouches_for_is_refused(void **state)
{
    char dir[] = "/tmp/mayfly-test-XXXXXX", ca_file[64], name[64];
    unsigned port = 0, status = 0;
    pid_t pid;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(ca_file, sizeof(ca_file), "%s/cert", dir);
    pid = tls_server(dir, &port);

    assert_err(ERR_UNAVAIL, tls_call(port, "localhost", NULL, &status));
    assert_string_equal(err_sentence(), "the server's certificate cannot be trusted");
    assert_ok(tls_call(port, "localhost", ca_file, &status));
    assert_int_equal(status, 200);
    assert_ok(tls_call(port, "127.0.0.1", ca_file, &status));
    /* vouched for, but of another name */
    assert_err(ERR_UNAVAIL, tls_call(port, "127.0.0.2", ca_file, &status));
    assert_err(ERR_IO, tls_call(port, "localhost", "/nowhere/ca", &status));

    assert_int_equal(setenv("SSL_CERT_FILE", ca_file, 1), 0);
    assert_ok(tls_call(port, "localhost", NULL, &status));
    assert_int_equal(setenv("CURL_CA_BUNDLE", "/nowhere/ca", 1), 0); /* goes first */
    assert_err(ERR_IO, tls_call(port, "localhost", NULL, &status));
    assert_int_equal(unsetenv("CURL_CA_BUNDLE") + unsetenv("SSL_CERT_FILE"), 0);

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "%s/%s", dir, i == 0 ? "key" : i == 1 ? "cert" : "err");
        assert_int_equal(unlink(name), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void
serve_at_once(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    (void)more(s, fd);
    say(fd, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nThis is HTTP");
}

static void
a_server_without_tls_is_no_https_server(void **state)
{
    struct server *s = server_start(serve_at_once, NULL);
    unsigned port = 0, status = 0;

    (void)state;
    assert_int_equal(sscanf(s->url, "http://127.0.0.1:%u", &port), 1);
    assert_err(ERR_UNAVAIL, tls_call(port, "127.0.0.1", NULL, &status));
    server_stop(s);
    server_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_says_who_asks_and_gives_what_is_answered),
        cmocka_unit_test(a_post_carries_the_token_and_no_body),
        cmocka_unit_test(a_token_or_path_that_could_be_more_than_that_is_not_sent),
        cmocka_unit_test(a_redirect_is_told_and_not_followed),
        cmocka_unit_test(what_is_no_http_is_no_answer),
        cmocka_unit_test(a_connection_that_breaks_is_an_error_wherever_it_breaks),
        cmocka_unit_test(a_refusal_that_breaks_off_is_heard_all_the_same),
        cmocka_unit_test(an_endless_answer_is_cut_short),
        cmocka_unit_test(an_endless_page_of_a_refusal_is_cut_and_its_status_counts),
        cmocka_unit_test(endless_interim_answers_are_cut_short),
        cmocka_unit_test(nobody_there_is_no_connection),
        cmocka_unit_test(a_server_that_says_nothing_is_given_up),
        cmocka_unit_test(a_slow_server_is_not_given_up_while_bytes_come),
        cmocka_unit_test(a_signal_ends_a_request),
        cmocka_unit_test(a_proxy_is_asked_when_one_is_set),
        cmocka_unit_test(a_proxy_that_refuses_is_told_and_never_sees_the_token),
        cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused),
        cmocka_unit_test(a_server_without_tls_is_no_https_server),
    };

    return cmocka_run_group_tests(tests, plain_environment, NULL);
}
