/* SPDX-License-Identifier: Apache-2.0 */
#include "dial/dial.h"

#include "base/clock.h"
#include "base/fs.h"
#include "dial/dial_int.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* ---- the socket ---- */

/* Until the socket can be read or written, or has failed, which the call after this will tell. */
static enum err
wait_for(int fd, short events, int64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        int64_t now_ms = clock_mono_ms(), left_ms = 0;
        int n;

        if (deadline_ms <= now_ms)
            return err_set(ERR_TIMEOUT, "the server took too long");
        left_ms = deadline_ms - now_ms;
        n = poll(&p, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        if (n > 0)
            return ERR_OK;
        if (n < 0 && errno != EINTR)
            return err_set(ERR_IO, "cannot wait for the server: %s", strerror(errno));
    }
}

static enum err
socket_failed(const char *what)
{
    bool is_gone = errno == EPIPE || errno == ECONNRESET || errno == ECONNABORTED ||
                   errno == ETIMEDOUT || errno == EHOSTUNREACH || errno == ENETUNREACH;

    return err_set(is_gone ? ERR_CLOSED : ERR_IO, "cannot %s the server: %s", what,
                   strerror(errno));
}

enum err
dial_sock_write(struct dial *d, const void *bytes, size_t len, int64_t deadline_ms)
{
    const char *at = bytes;
    enum err e;

    while (len > 0) {
        ssize_t n = send(d->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n >= 0) {
            at += n;
            len -= (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return socket_failed("send to");
        e = wait_for(d->fd, POLLOUT, deadline_ms);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

/* A reader past its deadline still gets what is there: the answer may have been in time and the
 * reader not. But once, or one who reads on and on would be held by a peer that never stops. */
static bool
is_too_late(struct dial *d, int64_t deadline_ms)
{
    if (clock_mono_ms() < deadline_ms)
        return false;
    if (d->late_ms == deadline_ms)
        return true;
    d->late_ms = deadline_ms;
    return false;
}

/* Bytes that are there need no poll; when there are none yet, the call in vain costs nothing that
 * could be measured beside the rest. */
enum err
dial_sock_read(struct dial *d, void *ret_bytes, size_t cap, int64_t deadline_ms, size_t *ret_len)
{
    enum err e;

    if (deadline_ms != DIAL_NO_WAIT && is_too_late(d, deadline_ms))
        return err_set(ERR_TIMEOUT, "the server took too long");
    for (;;) {
        ssize_t n = recv(d->fd, ret_bytes, cap, MSG_DONTWAIT);

        if (n > 0) {
            *ret_len = (size_t)n;
            return ERR_OK;
        }
        if (n == 0)
            return err_set(ERR_CLOSED, "the server has closed the connection");
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return socket_failed("receive from");
        e = wait_for(d->fd, POLLIN, deadline_ms);
        if (e != ERR_OK)
            return e;
    }
}

/* ---- connecting ---- */

static enum err
unreachable(int error)
{
    return err_set(ERR_UNAVAIL, "cannot connect: %s", strerror(error));
}

/* Nothing wakes one who waits for room in the queue of a unix socket, so ask again and again. */
static enum err
connect_unix(int fd, const struct dial_addr *addr, int64_t deadline_ms)
{
    while (connect(fd, (const struct sockaddr *)&addr->sa, addr->len) != 0) {
        if (errno != EAGAIN && errno != EINTR)
            return unreachable(errno);
        if (clock_mono_ms() >= deadline_ms)
            return err_set(ERR_TIMEOUT, "the server does not accept connections");
        (void)poll(NULL, 0, 1);
    }
    return ERR_OK;
}

/* Who connects to a free port of its own machine may be given just that port as its own, and is
 * then connected to itself. */
static bool
is_own_echo(int fd)
{
    struct sockaddr_storage ours = {0}, theirs = {0};
    socklen_t ours_len = sizeof(ours), theirs_len = sizeof(theirs);

    return getsockname(fd, (struct sockaddr *)&ours, &ours_len) == 0 &&
           getpeername(fd, (struct sockaddr *)&theirs, &theirs_len) == 0 &&
           ours_len == theirs_len && memcmp(&ours, &theirs, ours_len) == 0;
}

static enum err
connect_tcp(int fd, const struct dial_addr *addr, int64_t deadline_ms)
{
    const int on = 1;
    int error = 0;
    socklen_t len = sizeof(error);
    enum err e;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    if (connect(fd, (const struct sockaddr *)&addr->sa, addr->len) != 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            return unreachable(errno);
        e = wait_for(fd, POLLOUT, deadline_ms);
        if (e != ERR_OK)
            return e;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
            error = errno;
        if (error != 0)
            return unreachable(error);
    }
    return is_own_echo(fd) ? unreachable(ECONNREFUSED) : ERR_OK;
}

static enum err
open_socket(const struct dial_addr *addr, int *ret_fd)
{
    int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 && errno == EAFNOSUPPORT)
        return unreachable(errno);
    if (fd < 0)
        return err_set(errno == ENOMEM || errno == ENOBUFS ? ERR_NOMEM : ERR_IO, "no socket: %s",
                       strerror(errno));
    *ret_fd = fd;
    return ERR_OK;
}

/* ---- streams ---- */

enum err
dial_open(const struct dial_addr *addr, struct dial_tls *tls, const char *host, int64_t deadline_ms,
          struct dial **ret_dial)
{
    struct dial *d = calloc(1, sizeof(*d));
    enum err e;

    if (d == NULL)
        return err_set(ERR_NOMEM, "no memory for a connection");
    d->fd = -1;
    d->late_ms = DIAL_NO_WAIT;
    e = open_socket(addr, &d->fd);
    if (e == ERR_OK && addr->sa.ss_family == AF_UNIX)
        e = connect_unix(d->fd, addr, deadline_ms);
    else if (e == ERR_OK)
        e = connect_tcp(d->fd, addr, deadline_ms);
    if (e == ERR_OK && tls != NULL)
        e = dial_tls_shake(d, tls, host, deadline_ms);
    if (e != ERR_OK) {
        dial_free(d);
        return e;
    }
    *ret_dial = d;
    return ERR_OK;
}

enum err
dial_write(struct dial *d, const void *bytes, size_t len, int64_t deadline_ms)
{
    return d->ssl != NULL ? dial_tls_write(d, bytes, len, deadline_ms)
                          : dial_sock_write(d, bytes, len, deadline_ms);
}

enum err
dial_read(struct dial *d, void *ret_bytes, size_t cap, int64_t deadline_ms, size_t *ret_len)
{
    return d->ssl != NULL ? dial_tls_read(d, ret_bytes, cap, deadline_ms, ret_len)
                          : dial_sock_read(d, ret_bytes, cap, deadline_ms, ret_len);
}

bool
dial_is_quiet(struct dial *d)
{
    char byte;

    if (d->ssl != NULL)
        return dial_tls_is_quiet(d);
    return recv(d->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void
dial_free(struct dial *d)
{
    if (d == NULL)
        return;
    dial_tls_end(d);
    fs_close(&d->fd);
    free(d);
}
