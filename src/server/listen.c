/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listen.h"

#include "base/fs.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_LEN = LISTEN_HOST_LEN + 16 };

static enum err
not_an_entry(void)
{
    return err_set(ERR_SYNTAX, "not host:port, [v6]:port or unix:/path");
}

/* ---- reading an entry ---- */

static enum err
parse_unix(const char *path, size_t len, struct listen_addr *ret_addr)
{
    struct listen_addr a = {.is_unix = true};

    if (len < 2 || path[0] != '/' || path[len - 1] == '/')
        return not_an_entry();
    if (len >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return err_set(ERR_SYNTAX, "the path of a unix socket is longer than 107 bytes");
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f)
            return not_an_entry();
    }
    memcpy(a.host, path, len);
    *ret_addr = a;
    return ERR_OK;
}

static bool
is_host(const char *text, size_t len)
{
    if (len == 0 || len >= LISTEN_HOST_LEN || text[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!text_is_alpha(c) && !text_is_digit(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return true;
}

enum err
listen_parse(const char *text, size_t len, struct listen_addr *ret_addr)
{
    struct listen_addr a = {0};
    struct in6_addr v6;
    const char *colon;
    size_t host_len;
    uint64_t port;

    if (len == 0)
        return not_an_entry();
    if (len > 5 && memcmp(text, "unix:", 5) == 0)
        return parse_unix(text + 5, len - 5, ret_addr);
    colon = memrchr(text, ':', len);
    if (colon == NULL || text_u64(colon + 1, len - (size_t)(colon + 1 - text), 65535, &port) != 0)
        return not_an_entry();
    a.port = (uint16_t)port;
    host_len = (size_t)(colon - text);
    if (host_len > 2 && text[0] == '[' && colon[-1] == ']') {
        a.is_v6 = true;
        text++;
        host_len -= 2;
    }
    if (host_len >= sizeof(a.host))
        return not_an_entry();
    memcpy(a.host, text, host_len);
    if (a.is_v6 ? strlen(a.host) != host_len || inet_pton(AF_INET6, a.host, &v6) != 1
                : !is_host(text, host_len))
        return not_an_entry();
    *ret_addr = a;
    return ERR_OK;
}

static void
addr_text(const struct listen_addr *a, char ret_text[TEXT_LEN])
{
    if (a->is_unix)
        (void)snprintf(ret_text, TEXT_LEN, "unix:%s", a->host);
    else
        (void)snprintf(ret_text, TEXT_LEN, a->is_v6 ? "[%s]:%u" : "%s:%u", a->host,
                       (unsigned)a->port);
}

/* ---- making sockets ---- */

/* The error of the system call that just failed, as a sentence about this entry. */
static enum err
listen_error(const struct listen_addr *a, int error)
{
    char text[TEXT_LEN];

    addr_text(a, text);
    switch (error) {
    case EADDRINUSE:
        return err_set(ERR_EXISTS, "cannot listen on %s: the address is in use", text);
    case EACCES:
    case EPERM:
        return err_set(ERR_DENIED, "cannot listen on %s: not allowed", text);
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return err_set(ERR_NOTFOUND, "cannot listen on %s: this machine has no such address", text);
    case ENOENT:
    case ENOTDIR:
        return err_set(ERR_NOTFOUND, "cannot listen on %s: no such folder", text);
    default:
        return err_set(ERR_IO, "cannot listen on %s: %s", text, strerror(error));
    }
}

/* A bound and listening socket, or -1 with errno. */
static int
bound_socket(const struct sockaddr *sa, socklen_t len, bool v6_only)
{
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1, only = v6_only, error;

    if (fd < 0)
        return -1;
    if ((sa->sa_family == AF_UNIX ||
         setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0) &&
        (sa->sa_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) == 0) &&
        bind(fd, sa, len) == 0 && (sa->sa_family == AF_UNIX || listen(fd, SOMAXCONN) == 0))
        return fd;
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static enum err
open_tcp(const struct listen_addr *a, bool v6_only, struct listeners *l)
{
    struct addrinfo hints = {.ai_family = a->is_v6 ? AF_INET6 : AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    size_t n_before = l->n;
    int missing = 0, rc;
    char port[8], text[TEXT_LEN];
    enum err e = ERR_OK;

    (void)snprintf(port, sizeof(port), "%u", (unsigned)a->port);
    rc = getaddrinfo(a->host, port, &hints, &found);
    if (rc != 0) {
        addr_text(a, text);
        return err_set(ERR_NOTFOUND, "cannot listen on %s: %s", text, gai_strerror(rc));
    }
    for (struct addrinfo *i = found; i != NULL && e == ERR_OK; i = i->ai_next) {
        int fd;

        if (l->n == LISTEN_FDS_MAX) {
            e = err_set(ERR_TOOBIG, "LISTEN stands for more than %d sockets", LISTEN_FDS_MAX);
            break;
        }
        fd = bound_socket(i->ai_addr, i->ai_addrlen, v6_only);
        if (fd >= 0)
            l->all[l->n++] = (struct listener){.fd = fd};
        else if (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)
            missing = errno; /* one of a name's addresses that this machine lacks is no harm */
        else
            e = listen_error(a, errno);
    }
    freeaddrinfo(found);
    if (e == ERR_OK && l->n == n_before)
        e = listen_error(a, missing);
    return e;
}

/* Whether somebody answers on a unix socket: 0, or the errno of the try. EAGAIN is a queue that is
 * full, and ECONNREFUSED a socket that its server left behind. */
static int
knock(const char *path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = 0;

    if (fd < 0)
        return errno;
    memcpy(sun.sun_path, path, strlen(path)); /* listen_parse has seen that it fits */
    if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0)
        error = errno;
    (void)close(fd);
    return error;
}

/* Make room for a new socket: remove one that nobody answers on. What is there and is no socket,
 * or is answered, stays. */
static enum err
remove_stale(const struct listen_addr *a)
{
    struct stat st;
    int error;

    if (lstat(a->host, &st) != 0)
        return errno == ENOENT ? ERR_OK : listen_error(a, errno);
    if (!S_ISSOCK(st.st_mode))
        return err_set(ERR_EXISTS, "cannot listen on unix:%s: a file that is no socket is there",
                       a->host);
    error = knock(a->host);
    if (error == 0 || error == EAGAIN)
        return listen_error(a, EADDRINUSE);
    if (error != ECONNREFUSED)
        return listen_error(a, error);
    return unlink(a->host) == 0 || errno == ENOENT ? ERR_OK : listen_error(a, errno);
}

static enum err
open_unix(const struct listen_addr *a, struct listeners *l)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    char *path;
    enum err e;
    int fd;

    if (l->n == LISTEN_FDS_MAX)
        return err_set(ERR_TOOBIG, "LISTEN stands for more than %d sockets", LISTEN_FDS_MAX);
    memcpy(sun.sun_path, a->host, strlen(a->host));
    e = remove_stale(a);
    if (e != ERR_OK)
        return e;
    path = strdup(a->host);
    if (path == NULL)
        return err_set(ERR_NOMEM, "no memory for a path");
    fd = bound_socket((struct sockaddr *)&sun, sizeof(sun), false);
    if (fd < 0) {
        e = listen_error(a, errno);
        free(path);
        return e;
    }
    /* From here on it is in the list, and the caller's listeners_close cleans up. */
    l->all[l->n++] = (struct listener){.fd = fd, .unix_path = path};
    /* Nobody can connect before listen(), so nobody sees the mode that bind() gave.
     * NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the list owns the path */
    if (chmod(path, 0660) != 0 || listen(fd, SOMAXCONN) != 0)
        return listen_error(a, errno);
    return ERR_OK;
}

/* Whether another entry takes IPv4 on this entry's port, so that [::] must leave it alone. */
static bool
has_v4_twin(const struct listen_addr *addrs, size_t n, const struct listen_addr *a)
{
    struct in_addr v4;

    for (size_t i = 0; i < n; i++) {
        if (!addrs[i].is_unix && !addrs[i].is_v6 && addrs[i].port == a->port && a->port != 0 &&
            inet_pton(AF_INET, addrs[i].host, &v4) == 1)
            return true;
    }
    return false;
}

enum err
listeners_open(const struct listen_addr *addrs, size_t n, struct listeners *ret_listeners)
{
    struct listeners l = {0};
    enum err e = ERR_OK;

    for (size_t i = 0; i < n && e == ERR_OK; i++) {
        if (addrs[i].is_unix)
            e = open_unix(&addrs[i], &l);
        else
            e = open_tcp(&addrs[i], !addrs[i].is_v6 || has_v4_twin(addrs, n, &addrs[i]), &l);
    }
    if (e == ERR_OK)
        *ret_listeners = l;
    else
        listeners_close(&l);
    return e;
}

void
listeners_close(struct listeners *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct listener *here = &l->all[i];

        fs_close(&here->fd);
        /* By now the path may belong to the next server, which then answers. Its inode would tell
         * nothing: file systems give the number of a removed one away again. */
        if (here->unix_path != NULL && knock(here->unix_path) == ECONNREFUSED)
            (void)unlink(here->unix_path);
        free(here->unix_path);
    }
    *l = (struct listeners){0};
}

void
listen_text(int fd, char *ret_text, size_t cap)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    } u = {0};
    socklen_t len = sizeof(u.storage) - 1; /* a unix path stays NUL-terminated */
    char host[INET6_ADDRSTRLEN] = "?";

    if (getsockname(fd, &u.sa, &len) != 0)
        u.sa.sa_family = AF_UNSPEC;
    switch (u.sa.sa_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &u.v4.sin_addr, host, sizeof(host));
        (void)snprintf(ret_text, cap, "%s:%u", host, (unsigned)ntohs(u.v4.sin_port));
        break;
    case AF_INET6:
        (void)inet_ntop(AF_INET6, &u.v6.sin6_addr, host, sizeof(host));
        (void)snprintf(ret_text, cap, "[%s]:%u", host, (unsigned)ntohs(u.v6.sin6_port));
        break;
    case AF_UNIX:
        (void)snprintf(ret_text, cap, "unix:%s", u.un.sun_path);
        break;
    default:
        (void)snprintf(ret_text, cap, "?");
        break;
    }
}
