/* SPDX-License-Identifier: Apache-2.0 */
/* redis_fake: a server on a unix socket that greets like a Redis and then behaves as badly as a
 * test wants. A good one answers a command with its last argument, so that a reply that was meant
 * for another command is seen. One thread; ended, with its connections, by fake_done. */
#ifndef MAYFLY_TESTS_REDIS_FAKE_H
#define MAYFLY_TESTS_REDIS_FAKE_H

#include "testing.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum fake_manner {
    FAKE_ECHO,
    FAKE_SILENT,
    FAKE_LATE,       /* answers rightly after `delay_ms` */
    FAKE_DRIP,       /* a byte each 20 ms */
    FAKE_TEXT,       /* answers `text`, as it stands */
    FAKE_HUGE,       /* a bulk of 2 MiB */
    FAKE_CUT,        /* half an answer, then the end */
    FAKE_HANG_UP,    /* no answer, but the end */
    FAKE_HANG_UP_1,  /* the same for one command, and good again */
    FAKE_TOO_MUCH,   /* an answer, and in the same breath one that nobody asked for */
    FAKE_SILENT_ALL, /* not even a greeting */
};

enum { FAKE_CONNS = 40, FAKE_WAIT_MS = 10 };

struct fake_conn {
    int fd;
    redisReader *in;
};

struct fake {
    char dir[64], path[80];
    pthread_t thread;
    int listen_fd;
    _Atomic int manner;
    _Atomic int delay_ms;
    _Atomic int n_good;         /* so many commands are answered well before the manner shows */
    _Atomic(const char *) text; /* of FAKE_TEXT */
    _Atomic(const char *) info; /* what it says of itself */
    _Atomic(const char *) auth; /* the answer to AUTH and SELECT */
    _Atomic int n_conns, n_commands, n_greetings; /* ever */
    _Atomic bool drop, stop;                      /* hang up all that are connected; end */
    struct fake_conn conns[FAKE_CONNS];
};

#define FAKE_INFO                                                                                  \
    "# Server\r\nredis_version:7.0.15\r\nrole:master\r\nloading:0\r\ncluster_enabled:0\r\n"

static inline void
fake_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static inline void
fake_bulk(int fd, const char *bytes, size_t len)
{
    char head[32];

    (void)snprintf(head, sizeof(head), "$%zu\r\n", len);
    fake_send(fd, head, strlen(head));
    fake_send(fd, bytes, len);
    fake_send(fd, "\r\n", 2);
}

static inline void
fake_drip(struct fake *f, int fd)
{
    for (int i = 0; i < 500 && !f->stop; i++) {
        if (send(fd, i == 0 ? "+" : "x", 1, MSG_NOSIGNAL) != 1)
            return;
        (void)poll(NULL, 0, 20);
    }
}

static inline void
fake_huge(int fd)
{
    static const char piece[4096];

    fake_send(fd, "$2097152\r\n", 10);
    for (int i = 0; i < 512; i++) {
        if (send(fd, piece, sizeof(piece), MSG_NOSIGNAL) <= 0)
            return;
    }
}

/* Answer one command; false: hang up. */
static inline bool
fake_answer(struct fake *f, int fd, const redisReply *command)
{
    const redisReply *last = command->element[command->elements - 1];
    int manner = f->manner;
    char both[256];

    if (f->n_good > 0) {
        f->n_good--;
        manner = FAKE_ECHO;
    }
    switch (manner) {
    case FAKE_SILENT:
    case FAKE_SILENT_ALL:
        return true;
    case FAKE_DRIP:
        fake_drip(f, fd);
        return false;
    case FAKE_TEXT:
        fake_send(fd, f->text, strlen(f->text));
        return true;
    case FAKE_HUGE:
        fake_huge(fd);
        return true;
    case FAKE_CUT:
        fake_send(fd, "$10\r\nhalf", 9);
        return false;
    case FAKE_HANG_UP_1:
        f->manner = FAKE_ECHO;
        return false;
    case FAKE_HANG_UP:
        return false;
    case FAKE_LATE:
        (void)poll(NULL, 0, f->delay_ms);
        break;
    case FAKE_TOO_MUCH:
        (void)snprintf(both, sizeof(both), "$%zu\r\n%s\r\n$7\r\nunasked\r\n", last->len, last->str);
        fake_send(fd, both, strlen(both));
        return true;
    default:
        break;
    }
    fake_bulk(fd, last->str, last->len);
    return true;
}

static inline bool
fake_command(struct fake *f, int fd, const redisReply *command)
{
    const char *verb = command->element[0]->str, *info = f->info, *auth = f->auth;

    if (strcmp(verb, "PING") != 0 && strcmp(verb, "INFO") != 0 && strcmp(verb, "AUTH") != 0 &&
        strcmp(verb, "SELECT") != 0) {
        f->n_commands++;
        return fake_answer(f, fd, command);
    }
    f->n_greetings++;
    if (f->manner == FAKE_SILENT_ALL)
        return true;
    if (strcmp(verb, "PING") == 0)
        fake_send(fd, "+PONG\r\n", 7);
    else if (strcmp(verb, "INFO") == 0)
        fake_bulk(fd, info, strlen(info));
    else
        fake_send(fd, auth, strlen(auth));
    return true;
}

static inline void
fake_close(struct fake_conn *c)
{
    (void)close(c->fd);
    redisReaderFree(c->in);
    c->fd = -1;
    c->in = NULL;
}

static inline void
fake_serve(struct fake *f, struct fake_conn *c)
{
    char bytes[4096];
    void *command = NULL;
    bool goes_on = true;
    ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n <= 0 || redisReaderFeed(c->in, bytes, (size_t)n) != REDIS_OK) {
        fake_close(c);
        return;
    }
    while (goes_on && redisReaderGetReply(c->in, &command) == REDIS_OK && command != NULL) {
        goes_on = fake_command(f, c->fd, command);
        freeReplyObject(command);
        command = NULL;
    }
    if (!goes_on)
        fake_close(c);
}

static inline void
fake_accept(struct fake *f)
{
    int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    for (int i = 0; fd >= 0 && i < FAKE_CONNS; i++) {
        if (f->conns[i].fd < 0) {
            f->conns[i].fd = fd;
            f->conns[i].in = redisReaderCreate();
            f->n_conns++;
            return;
        }
    }
    if (fd >= 0)
        (void)close(fd);
}

static inline void *
fake_run(void *arg)
{
    struct fake *f = arg;
    struct pollfd p[FAKE_CONNS + 1];
    bool drop;

    while (!f->stop) {
        drop = f->drop;
        p[0] = (struct pollfd){.fd = f->listen_fd, .events = POLLIN};
        for (int i = 0; i < FAKE_CONNS; i++)
            p[i + 1] = (struct pollfd){.fd = f->conns[i].fd, .events = POLLIN};
        (void)poll(p, FAKE_CONNS + 1, FAKE_WAIT_MS);
        for (int i = 0; i < FAKE_CONNS; i++) {
            if (f->conns[i].fd >= 0 && drop)
                fake_close(&f->conns[i]);
            else if (f->conns[i].fd >= 0 && p[i + 1].revents != 0)
                fake_serve(f, &f->conns[i]);
        }
        if (drop)
            f->drop = false;
        if (p[0].revents != 0)
            fake_accept(f);
    }
    for (int i = 0; i < FAKE_CONNS; i++) {
        if (f->conns[i].fd >= 0)
            fake_close(&f->conns[i]);
    }
    return NULL;
}

static inline void
fake_start(struct fake *f, enum fake_manner manner)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    memset(f, 0, sizeof(*f));
    for (int i = 0; i < FAKE_CONNS; i++)
        f->conns[i].fd = -1;
    f->manner = (int)manner;
    f->info = FAKE_INFO;
    f->auth = "+OK\r\n";
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/mayfly-fake-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/s", f->dir);
    (void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", f->path);
    f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->listen_fd >= 0);
    assert_int_equal(0, bind(f->listen_fd, (const struct sockaddr *)&sa, sizeof(sa)));
    assert_int_equal(0, listen(f->listen_fd, 64));
    assert_int_equal(0, pthread_create(&f->thread, NULL, fake_run, f));
}

/* Hang up all connections, and return when that is done. */
static inline void
fake_drop(struct fake *f)
{
    f->drop = true;
    for (int i = 0; i < 500 && f->drop; i++)
        (void)poll(NULL, 0, 10);
    assert_false(f->drop);
}

static inline void
fake_done(struct fake *f)
{
    f->stop = true;
    (void)pthread_join(f->thread, NULL);
    (void)close(f->listen_fd);
    (void)unlink(f->path);
    (void)rmdir(f->dir);
}

#endif
