/* SPDX-License-Identifier: Apache-2.0 */
/* What the system knows of a connection. */
#include "http/http_int.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* the C library's tcp_info ends before the byte counters */
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TCP_STATE_CLOSE = 7, TCP_STATE_CLOSE_WAIT = 8, STABLE_TRIES = 8 };

bool
sock_is_unix(int fd)
{
    int domain = AF_UNSPEC;
    socklen_t len = sizeof(domain);

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

static bool
unix_progress(int fd, struct sock_progress *ret_progress)
{
    int unread = 0, error = 0;
    socklen_t len = sizeof(error);

    if (ioctl(fd, SIOCOUTQ, &unread) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return false;
    *ret_progress = (struct sock_progress){
        .unacked = (uint64_t)unread,
        /* A peer that closes without reading empties the queue and leaves this error. */
        .is_dead = error != 0,
    };
    return true;
}

bool
sock_progress(int fd, bool is_unix, struct sock_progress *ret_progress)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    int before = 0, after = 0;

    if (is_unix)
        return unix_progress(fd, ret_progress);
    if (ioctl(fd, SIOCOUTQ, &after) != 0)
        return false;
    /* An acknowledgement between two readings would count twice or not at all. */
    for (int i = 0; i < STABLE_TRIES; i++) {
        before = after;
        len = sizeof(info);
        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
            ioctl(fd, SIOCOUTQ, &after) != 0)
            return false;
        if (before == after)
            break;
    }
    *ret_progress = (struct sock_progress){
        .acked = info.tcpi_bytes_acked,
        .unacked = (uint64_t)after,
        .is_dead = info.tcpi_state == TCP_STATE_CLOSE,
    };
    return true;
}

bool
sock_tcp_counts(int fd, struct sock_counts *ret_counts)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    *ret_counts = (struct sock_counts){
        .received = info.tcpi_bytes_received,
        .acked = info.tcpi_bytes_acked,
        .has_peer_closed = info.tcpi_state == TCP_STATE_CLOSE_WAIT,
    };
    return true;
}

uint64_t
sock_n_unacked(int fd)
{
    int n = 0;

    return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

bool
sock_peer_closed(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

uint64_t
sock_n_unread(int fd)
{
    int n = 0;

    return ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

int
sock_dup(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
