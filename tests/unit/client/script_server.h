/* SPDX-License-Identifier: Apache-2.0 */
/* A server that speaks scripted bytes: a thread on a free port of 127.0.0.1 that gives each
 * connection to one function of the test. What was asked is read after server_stop. */
#ifndef MAYFLY_TESTS_SCRIPT_SERVER_H
#define MAYFLY_TESTS_SCRIPT_SERVER_H

#include "testing.h"

#include "base/buf.h"
#include "client/net_int.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEADS_MAX = 24, ASKED_MAX = 4096 };

struct server {
    void (*serve)(struct server *s, int fd, unsigned nth); /* closes nothing; nth from 0 */
    void *ctx;
    int listener;
    pthread_t thread;
    atomic_bool is_ending;
    char url[64];
    unsigned n_connections, n_heads;
    char heads[HEADS_MAX][ASKED_MAX]; /* of the requests, in order */
    struct buf body;                  /* of the last request, its chunks put together */
    struct buf pending;               /* read behind a head */
};

/* ---- what scripts use; they run in the server's thread, where cmocka must not be called ---- */

static inline void
say_bytes(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* the client has gone: the test sees what it makes of it */
        at += n;
        len -= (size_t)n;
    }
}

static inline void
say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

/* Close with a reset, so that the client finds a broken connection. */
static inline void
reset(int fd)
{
    struct linger l = {.l_onoff = 1};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static inline bool
more(struct server *s, int fd)
{
    static _Thread_local char piece[65536];
    ssize_t n = recv(fd, piece, sizeof(piece), 0);

    return n > 0 && buf_add(&s->pending, piece, (size_t)n) == ERR_OK;
}

static inline void
drop_pending(struct server *s, size_t n)
{
    memmove(s->pending.data, s->pending.data + n, s->pending.len - n);
    s->pending.len -= n;
    s->pending.data[s->pending.len] = '\0';
}

/* The head of a request; false: there came none. */
static inline bool
hear_head(struct server *s, int fd)
{
    char *end;
    size_t len;

    while ((end = strstr(buf_text(&s->pending), "\r\n\r\n")) == NULL)
        if (!more(s, fd))
            return false;
    len = (size_t)(end + 4 - buf_text(&s->pending));
    if (s->n_heads < HEADS_MAX && len < ASKED_MAX) {
        memcpy(s->heads[s->n_heads], s->pending.data, len);
        s->heads[s->n_heads++][len] = '\0';
    }
    drop_pending(s, len);
    return true;
}

/* The line of a header of the `nth` request, such as "Range: bytes=5-"; "" when there is none. */
static inline const char *
asked(const struct server *s, unsigned nth, const char *name, char ret[256])
{
    size_t len = strlen(name);

    ret[0] = '\0';
    for (const char *line = s->heads[nth]; line != NULL; line = strstr(line, "\r\n")) {
        line += line == s->heads[nth] ? 0 : 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            (void)snprintf(ret, 256, "%.*s", (int)strcspn(line, "\r"), line);
            return ret;
        }
    }
    return ret;
}

static inline bool
hear_chunk(struct server *s, int fd, bool *ret_last)
{
    char *end;
    size_t len, head;

    while ((end = strstr(buf_text(&s->pending), "\r\n")) == NULL)
        if (!more(s, fd))
            return false;
    head = (size_t)(end + 2 - buf_text(&s->pending));
    len = strtoul(buf_text(&s->pending), NULL, 16);
    while (s->pending.len < head + len + 2)
        if (!more(s, fd))
            return false;
    if (len > 0 && buf_add(&s->body, s->pending.data + head, len) != ERR_OK)
        return false;
    drop_pending(s, head + len + 2);
    *ret_last = len == 0;
    return true;
}

/* The body of the last request into s->body; false: it broke off. */
static inline bool
hear_body(struct server *s, int fd)
{
    char line[256];
    size_t len = 0;
    bool is_last = false;

    s->body.len = 0;
    if (asked(s, s->n_heads - 1, "Transfer-Encoding", line)[0] != '\0') {
        while (!is_last)
            if (!hear_chunk(s, fd, &is_last))
                return false;
        return true;
    }
    if (sscanf(asked(s, s->n_heads - 1, "Content-Length", line), "%*[^:]: %zu", &len) != 1)
        return false;
    while (s->pending.len < len)
        if (!more(s, fd))
            return false;
    if (buf_add(&s->body, s->pending.data, len) != ERR_OK)
        return false;
    drop_pending(s, len);
    return true;
}

/* ---- what tests use ---- */

static void *
server_run(void *ctx)
{
    struct server *s = ctx;
    struct timeval patience = {.tv_sec = 20};
    struct pollfd p = {.fd = s->listener, .events = POLLIN};

    while (!atomic_load(&s->is_ending)) {
        int fd;

        if (poll(&p, 1, 20) <= 0)
            continue;
        fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            continue;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        s->pending.len = 0;
        if (s->pending.data != NULL)
            s->pending.data[0] = '\0';
        s->serve(s, fd, s->n_connections++);
        (void)close(fd);
    }
    return NULL;
}

/* A socket that listens on a free port; or, without listening, holds one that refuses. */
static inline int
free_port(bool listens, char ret_url[64])
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0);
    assert_true(!listens || listen(fd, 16) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    (void)snprintf(ret_url, 64, "http://127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
    return fd;
}

static inline struct server *
server_start(void (*serve)(struct server *s, int fd, unsigned nth), void *ctx)
{
    struct server *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    s->serve = serve;
    s->ctx = ctx;
    buf_init(&s->body, (size_t)64 * 1024 * 1024);
    buf_init(&s->pending, (size_t)64 * 1024 * 1024);
    s->listener = free_port(true, s->url);
    assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
    return s;
}

/* After it nothing changes in `s`; server_free then gives it back. */
static inline void
server_stop(struct server *s)
{
    atomic_store(&s->is_ending, true);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->listener);
}

static inline void
server_free(struct server *s)
{
    buf_done(&s->body);
    buf_done(&s->pending);
    free(s);
}

/* Of files: bytes that are all different for a long while. */
static inline uint8_t
byte_at(uint64_t i)
{
    return (uint8_t)(i ^ (i >> 8) * 31 ^ (i >> 16) * 131);
}

/* A net with little patience. */
static inline struct net *
quick_net(const char *url)
{
    struct net_cfg cfg = {.server = url};
    struct net *n = NULL;

    assert_ok(net_new(&cfg, &n));
    n->limits = (struct net_limits){
        .connect_ms = 5000, .stall_ms = 10 * 1000, .pause_ms = 1, .pause_max_ms = 4, .tries = 8};
    return n;
}

/* A connection that sends the process a signal (`ctx`: an int) when it has heard the header, and
 * then says nothing. */
static inline void
serve_signal(struct server *s, int fd, unsigned nth)
{
    (void)nth;
    if (hear_head(s, fd))
        (void)kill(getpid(), *(const int *)s->ctx);
    while (more(s, fd))
        ;
}

/* The signal that ends a child that runs `body`; 0 and below: its exit status, negated. The child
 * has threads of its own only. */
static inline int
signal_of(void (*body)(void))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(30);
        body();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

/* Of a group of tests: secrets, and no proxy or certificates of the machine that they run on. */
static inline int
plain_environment(void **state)
{
    static const char *const names[] = {"http_proxy", "https_proxy",    "HTTPS_PROXY",  "all_proxy",
                                        "ALL_PROXY",  "CURL_CA_BUNDLE", "SSL_CERT_FILE"};

    bool locked;

    (void)state;
    if (crypt_init(&locked) != ERR_OK)
        return -1;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unsetenv(names[i]);
    return 0;
}

#endif
