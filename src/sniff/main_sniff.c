/* SPDX-License-Identifier: Apache-2.0 */
/* mayfly-sniff: finds the MIME type of a file's first bytes for mayflyd, which starts it with a
 * socket as descriptor 3 (sniff_wire.h). This process loads the database and hands questions to a
 * confined child, and never looks at the bytes itself. Each child answers one question and is
 * replaced: a file that takes its child over sees no other file, and answers for none. The next
 * child is forked ahead, so that nobody waits for it. */
#include "sniff/sniff_wire.h"
#include "sniff/sniffer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ADDRESS_SPACE = 256 * 1024 * 1024 };

struct keeper {
    struct sniffer *sniffer;
    pid_t child; /* -1: none */
    int fd;      /* our end of its socket; -1 */
    bool is_busy;
    uint8_t number[SNIFF_NUMBER_LEN]; /* of the question it has */
};

static void
end_child(struct keeper *k)
{
    if (k->child < 0)
        return;
    (void)close(k->fd);
    (void)kill(k->child, SIGKILL);
    while (waitpid(k->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    k->child = k->fd = -1;
}

/* Without success there is no child, and the question that wanted it gets no type. */
static void
start_child(struct keeper *k)
{
    pid_t parent = getpid();
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return;
    k->child = fork();
    if (k->child == 0)
        sniffer_answer(k->sniffer, fds[1], parent);
    (void)close(fds[1]);
    if (k->child < 0)
        (void)close(fds[0]);
    else
        k->fd = fds[0];
}

/* False: the daemon is gone. */
static bool
answer(struct keeper *k, const char *type, size_t len)
{
    uint8_t packet[SNIFF_ANSWER_MAX];
    bool ok;

    memcpy(packet, k->number, SNIFF_NUMBER_LEN);
    memcpy(packet + SNIFF_NUMBER_LEN, type, len);
    k->is_busy = false;
    ok = send(SNIFF_WIRE_FD, packet, SNIFF_NUMBER_LEN + len, MSG_NOSIGNAL) > 0;
    explicit_bzero(packet, sizeof(packet)); /* nor its type: children inherit what lies here */
    return ok;
}

/* The child has answered, or died. One that dies before it was asked is replaced only when it is
 * needed, so that children that cannot live do not keep the machine busy. */
static bool
on_child(struct keeper *k)
{
    char type[MIME_TEXT_LEN];
    ssize_t n = recv(k->fd, type, sizeof(type), 0);
    bool was_busy = k->is_busy, ok = true;

    if (n < 0 || n >= (ssize_t)sizeof(type))
        n = 0;
    if (was_busy)
        ok = answer(k, type, (size_t)n);
    explicit_bzero(type, sizeof(type));
    end_child(k);
    if (was_busy && ok)
        start_child(k);
    return ok;
}

static bool
hand_on(struct keeper *k, const uint8_t *packet, size_t len)
{
    if (k->child < 0)
        start_child(k);
    return k->child >= 0 && send(k->fd, packet, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* A question, or the word to give up the one before. */
static bool
on_daemon(struct keeper *k)
{
    uint8_t packet[SNIFF_QUESTION_MAX];
    ssize_t n = recv(SNIFF_WIRE_FD, packet, sizeof(packet), 0);
    bool ok = true;

    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return false;
    if (k->is_busy) {
        ok = answer(k, "", 0);
        end_child(k);
    }
    if (ok && n >= SNIFF_NUMBER_LEN) {
        memcpy(k->number, packet, SNIFF_NUMBER_LEN);
        k->is_busy = hand_on(k, packet, (size_t)n);
        if (!k->is_busy) { /* it had died while idle */
            end_child(k);
            k->is_busy = hand_on(k, packet, (size_t)n);
        }
        if (!k->is_busy)
            ok = answer(k, "", 0);
    }
    explicit_bzero(packet, sizeof(packet)); /* the next child must not inherit these bytes */
    return ok;
}

static void
serve(struct keeper *k)
{
    bool ok = true;

    while (ok) {
        struct pollfd p[] = {{.fd = SNIFF_WIRE_FD, .events = POLLIN},
                             {.fd = k->fd, .events = POLLIN}};

        if (poll(p, 2, -1) < 0) {
            ok = errno == EINTR;
            continue;
        }
        if (p[1].revents != 0)
            ok = on_child(k);
        if (ok && p[0].revents != 0)
            ok = on_daemon(k);
    }
    end_child(k);
}

/* Signals are the daemon's business: it may have uploads to finish after a service manager has
 * told the whole group to end. We end when the socket closes. */
static bool
settle(void)
{
    static const int deaf_to[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    struct rlimit none = {0, 0}, space = {ADDRESS_SPACE, ADDRESS_SPACE};

    for (size_t i = 0; i < sizeof(deaf_to) / sizeof(deaf_to[0]); i++)
        (void)signal(deaf_to[i], SIG_IGN);
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
           close_range(SNIFF_WIRE_FD + 1, UINT_MAX, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0 &&
           setrlimit(RLIMIT_FSIZE, &none) == 0 && setrlimit(RLIMIT_AS, &space) == 0;
}

int
main(void)
{
    struct keeper k = {.child = -1, .fd = -1};
    socklen_t len = sizeof(int);
    int type = 0, status = 0;

    if (getsockopt(SNIFF_WIRE_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
        type != SOCK_SEQPACKET) {
        (void)fputs("mayfly-sniff: mayflyd starts this program; it is of no use alone\n", stderr);
        return SNIFF_EXIT_NOT_FROM_DAEMON;
    }
    if (!settle())
        return SNIFF_EXIT_NO_SANDBOX;
    k.sniffer = sniffer_new(&status);
    if (k.sniffer == NULL)
        return status;
    start_child(&k);
    if (answer(&k, "", 0)) /* number 0: ready */
        serve(&k);
    return 0;
}
