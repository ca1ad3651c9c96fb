/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that accepts for all listening sockets. */
#include "http/http_int.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 32, OUT_OF_FDS_MS = 50 };

/* Take connections until there are none, or others should have their turn. False: no descriptor
 * or memory is left; trying again at once would only burn the processor. */
static bool
accept_some(struct http_server *s, int listen_fd, bool is_tls)
{
    for (int i = 0; i < BATCH; i++) {
        struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof(addr);
        struct netaddr peer;
        struct http_daemon *d;
        bool is_served = false;
        int fd = accept4(listen_fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK)
                return true;
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                return false;
            continue; /* the peer was faster */
        }
        netaddr_from_sockaddr((struct sockaddr *)&addr, &peer);
        if (conn_may_come(s, &peer)) {
            (void)pthread_mutex_lock(&s->daemons_lock);
            d = is_tls ? s->tls : s->plain;
            is_served = d != NULL && daemon_serve(d, fd, (struct sockaddr *)&addr, len);
            (void)pthread_mutex_unlock(&s->daemons_lock);
        } else {
            (void)close(fd);
        }
        if (!is_served)
            atomic_fetch_add(&s->n_refused, 1);
    }
    return true;
}

static void *
run(void *arg)
{
    struct http_server *s = arg;
    struct pollfd fds[LISTEN_MAX + 1];
    bool is_tls[LISTEN_MAX];
    uint64_t woken;
    size_t n = 0;
    int timeout_ms = -1;

    fds[0] = (struct pollfd){.fd = s->wake_fd, .events = POLLIN};
    for (;;) {
        if (poll(fds, timeout_ms < 0 ? n + 1 : 1, timeout_ms) < 0) { /* revents mean nothing */
            timeout_ms = errno == EINTR ? timeout_ms : OUT_OF_FDS_MS;
            continue;
        }
        timeout_ms = -1;
        if (fds[0].revents != 0 || n == 0) {
            (void)!read(s->wake_fd, &woken, sizeof(woken));
            if (atomic_load(&s->is_draining))
                return NULL;
            (void)pthread_mutex_lock(&s->listen_lock);
            for (n = 0; n < s->n_listen; n++) {
                fds[n + 1] = (struct pollfd){.fd = s->listen_fds[n], .events = POLLIN};
                is_tls[n] = s->listen_tls[n];
            }
            (void)pthread_mutex_unlock(&s->listen_lock);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            if (fds[i + 1].revents != 0 && !accept_some(s, fds[i + 1].fd, is_tls[i]))
                timeout_ms = OUT_OF_FDS_MS;
        }
    }
}

enum err
accept_start(struct http_server *s)
{
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake_fd < 0)
        return err_set(ERR_UNAVAIL, "cannot make an event descriptor");
    if (pthread_create(&s->acceptor, NULL, run, s) != 0)
        return err_set(ERR_UNAVAIL, "cannot start a thread");
    s->has_acceptor = true;
    return ERR_OK;
}

void
accept_wake(struct http_server *s)
{
    const uint64_t one = 1;

    (void)!write(s->wake_fd, &one, sizeof(one)); /* an eventfd takes it, or is awake already */
}

void
accept_stop(struct http_server *s)
{
    if (s->has_acceptor) {
        accept_wake(s); /* is_draining is set */
        (void)pthread_join(s->acceptor, NULL);
        s->has_acceptor = false;
    }
    (void)pthread_mutex_lock(&s->listen_lock);
    for (size_t i = 0; i < s->n_listen; i++)
        (void)close(s->listen_fds[i]);
    s->n_listen = 0;
    if (s->wake_fd >= 0)
        (void)close(s->wake_fd);
    s->wake_fd = -1;
    (void)pthread_mutex_unlock(&s->listen_lock);
}
