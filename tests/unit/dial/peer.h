/* SPDX-License-Identifier: Apache-2.0 */
/* peer: the other end of a stream, a thread with a socket of its own. It serves one connection and
 * waits for nothing longer than PATIENCE_MS. */
#ifndef MAYFLY_TESTS_DIAL_PEER_H
#define MAYFLY_TESTS_DIAL_PEER_H

#include "testing.h"

#include "base/clock.h"
#include "base/fs.h"
#include "dial/dial.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 20000, /* for what is to happen */
    SOON_MS = 100,       /* for what is not to happen */
    BIG_LEN = 4 << 20,   /* more than sockets hold */
    NO_BACKLOG = -1,
};

struct peer {
    int listener;
    struct dial_addr addr;
    char dir[32], path[64]; /* of a unix socket */
    void (*serve)(struct peer *p, int fd);
    pthread_t thread;
    sem_t did; /* for `serve` to say that it has done its part */
    sem_t go;  /* for the test to let `serve` go on */
    void *arg; /* of `serve` */
};

/* IPv6 last, since a machine may lack it. */
static const sa_family_t families[] = {AF_UNIX, AF_INET, AF_INET6};

static inline int64_t
within(int64_t ms)
{
    return clock_mono_ms() + ms;
}

/* Never for ever. */
static inline bool
peer_wait(sem_t *sem)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    while (sem_timedwait(sem, &until) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

static inline bool
peer_can(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    return poll(&p, 1, PATIENCE_MS) > 0;
}

/* Send all, or as much as the other end takes. */
static inline void
peer_send(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0 && peer_can(fd, POLLOUT)) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

/* Read until the other end closes. */
static inline void
peer_drain(int fd)
{
    char bytes[4096];

    while (peer_can(fd, POLLIN) && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        continue;
}

static inline void *
peer_run(void *arg)
{
    const int on = 1;
    struct peer *p = arg;
    int fd;

    if (!peer_can(p->listener, POLLIN))
        return NULL;
    fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return NULL;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    p->serve(p, fd);
    (void)close(fd);
    return NULL;
}

/* A listening socket of a family (with the backlog NO_BACKLOG one that only holds its address);
 * false when the system has no such addresses. */
static inline bool
peer_listen(struct peer *p, sa_family_t family, int backlog)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    *p = (struct peer){.listener = -1};
    if (family == AF_UNIX) {
        (void)snprintf(p->dir, sizeof(p->dir), "/tmp/dial.XXXXXX");
        assert_non_null(mkdtemp(p->dir));
        (void)snprintf(p->path, sizeof(p->path), "%s/socket", p->dir);
        assert_ok(dial_unix_addr(p->path, &p->addr));
    } else if (family == AF_INET) {
        p->addr.len = sizeof(v4);
        memcpy(&p->addr.sa, &v4, sizeof(v4));
    } else {
        p->addr.len = sizeof(v6);
        memcpy(&p->addr.sa, &v6, sizeof(v6));
    }
    p->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&p->addr.sa, p->addr.len) != 0) {
        fs_close(&p->listener);
        return false;
    }
    if (backlog != NO_BACKLOG)
        assert_int_equal(0, listen(p->listener, backlog));
    if (family != AF_UNIX) {
        p->addr.len = sizeof(p->addr.sa);
        assert_int_equal(0, getsockname(p->listener, (struct sockaddr *)&p->addr.sa, &p->addr.len));
    }
    assert_int_equal(0, sem_init(&p->did, 0, 0));
    assert_int_equal(0, sem_init(&p->go, 0, 0));
    return true;
}

/* Without a thread. */
static inline void
peer_unlisten(struct peer *p)
{
    fs_close(&p->listener);
    (void)sem_destroy(&p->did);
    (void)sem_destroy(&p->go);
    if (p->path[0] != '\0') {
        (void)unlink(p->path);
        (void)rmdir(p->dir);
    }
}

static inline bool
peer_start(struct peer *p, sa_family_t family, void (*serve)(struct peer *p, int fd), void *arg)
{
    if (!peer_listen(p, family, 16))
        return false;
    p->serve = serve;
    p->arg = arg;
    assert_int_equal(0, pthread_create(&p->thread, NULL, peer_run, p));
    return true;
}

static inline void
peer_end(struct peer *p)
{
    assert_int_equal(0, pthread_join(p->thread, NULL));
    peer_unlisten(p);
}

/* Bytes that differ from place to place. */
static inline void
fill(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
}

static inline unsigned
n_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

static inline struct dial *
peer_dial(const struct peer *p)
{
    struct dial *d = NULL;

    assert_ok(dial_open(&p->addr, NULL, NULL, within(PATIENCE_MS), &d));
    return d;
}

/* Exactly `len` bytes, in as many reads as it takes. */
static inline enum err
read_all_of(struct dial *d, void *ret_bytes, size_t len, int64_t deadline_ms)
{
    size_t at = 0, n = 0;
    enum err e = ERR_OK;

    while (e == ERR_OK && at < len) {
        e = dial_read(d, (char *)ret_bytes + at, len - at, deadline_ms, &n);
        at += e == ERR_OK ? n : 0;
    }
    return e;
}

#endif
