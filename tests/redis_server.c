/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_server.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_MS = 20000, POLL_US = 5000, PORT_TRIES = 5 };

/* One program with several names: Debian's redis-tools brings it without the server's name. */
static const char *const programs[] = {"/usr/bin/redis-server", "/usr/bin/redis-check-rdb"};

static const char *
find_program(void)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (access(programs[i], X_OK) == 0)
            return programs[i];
    }
    return NULL;
}

/* A port that was free a moment ago; 0: none. */
static uint16_t
free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(sa);
    uint16_t port = 0;

    if (fd < 0)
        return 0;
    if (bind(fd, (struct sockaddr *)&sa, len) == 0 &&
        getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        port = ntohs(sa.sin_port);
    (void)close(fd);
    return port;
}

static FILE *
open_in(const struct redis_server *s, const char *name, const char *mode)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
    return fopen(path, mode);
}

static void
show_log(const struct redis_server *s)
{
    FILE *f = open_in(s, "log", "re");
    char line[512];

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        (void)fputs(line, stderr);
    if (f != NULL)
        (void)fclose(f);
}

static enum err
write_config(const struct redis_server *s, const char *more)
{
    FILE *f = open_in(s, "conf", "we");

    if (f == NULL)
        return err_set(ERR_IO, "no configuration of redis-server");
    (void)fprintf(f, "dir %s\nlogfile %s/log\nunixsocket %s\nbind 127.0.0.1\nport %u\n", s->dir,
                  s->dir, s->unix_path, s->port);
    if (s->tls_port != 0)
        (void)fprintf(f, "tls-port %u\n", s->tls_port);
    if (!s->is_sentinel)
        (void)fputs("save \"\"\nappendonly no\n", f);
    if (more != NULL)
        (void)fprintf(f, "%s\n", more);
    return fclose(f) == 0 ? ERR_OK : err_set(ERR_IO, "no configuration of redis-server");
}

/* In the child, which shares no lock with anybody: only calls that are safe after a fork. */
static void
become_server(const char *program, char *const argv[], pid_t parent)
{
    int null = open("/dev/null", O_RDWR);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || null < 0 || setpgid(0, 0) != 0)
        _exit(127);
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(null, fd);
    (void)close_range(3, ~0U, 0);
    (void)execv(program, argv);
    _exit(127);
}

static enum err
spawn(struct redis_server *s)
{
    const char *program = find_program();
    char server[] = "redis-server", sentinel[] = "redis-sentinel", conf[96];
    char *argv[] = {s->is_sentinel ? sentinel : server, conf, NULL};
    pid_t parent = getpid(), pid;

    if (program == NULL)
        return err_set(ERR_NOTFOUND, "there is no redis-server here (package redis-tools)");
    (void)snprintf(conf, sizeof(conf), "%s/conf", s->dir);
    (void)unlink(s->unix_path);
    pid = fork();
    if (pid == 0)
        become_server(program, argv, parent);
    if (pid < 0)
        return err_set(ERR_NOMEM, "no process for redis-server");
    s->pid = pid;
    return ERR_OK;
}

static bool
has_ended(struct redis_server *s)
{
    int status;

    if (s->pid != 0 && waitpid(s->pid, &status, WNOHANG) == s->pid)
        s->pid = 0;
    return s->pid == 0;
}

/* It answers when it says anything but that it is loading; strangers are sent away with NOAUTH. */
static bool
answers(const struct redis_server *s)
{
    redisContext *c = redis_server_connect(s);
    redisReply *reply = c == NULL ? NULL : redisCommand(c, "PING");
    bool yes = reply != NULL && (reply->type != REDIS_REPLY_ERROR ||
                                 strncmp(reply->str, "LOADING", strlen("LOADING")) != 0);

    freeReplyObject(reply);
    if (c != NULL)
        redisFree(c);
    return yes;
}

static enum err
run(struct redis_server *s)
{
    int64_t until_ms = clock_mono_ms() + START_MS;
    enum err e = spawn(s);

    if (e != ERR_OK)
        return e;
    while (clock_mono_ms() < until_ms && !has_ended(s)) {
        if (answers(s))
            return ERR_OK;
        (void)usleep(POLL_US);
    }
    redis_server_kill(s);
    return err_set(ERR_UNAVAIL, "redis-server does not start");
}

/* Another process may take a port that was free: then the server ends at once. */
static enum err
run_on_free_ports(const struct redis_server_opts *opts, struct redis_server *s)
{
    enum err e = ERR_UNAVAIL;

    for (int i = 0; i < PORT_TRIES && e == ERR_UNAVAIL; i++) {
        s->port = opts->has_tcp ? free_port() : 0;
        s->tls_port = opts->has_tls ? free_port() : 0;
        e = write_config(s, opts->config);
        if (e == ERR_OK)
            e = run(s);
        if (!opts->has_tcp && !opts->has_tls)
            break;
    }
    return e;
}

enum err
redis_server_start(const struct redis_server_opts *opts, struct redis_server *ret_server)
{
    static const struct redis_server_opts defaults;
    struct redis_server s = {.dir = "/tmp/mayfly-redis-XXXXXX"};
    enum err e;

    opts = opts == NULL ? &defaults : opts;
    if (mkdtemp(s.dir) == NULL)
        return err_set(ERR_IO, "no folder for redis-server");
    s.is_sentinel = opts->is_sentinel;
    (void)snprintf(s.unix_path, sizeof(s.unix_path), "%s/socket", s.dir);
    e = run_on_free_ports(opts, &s);
    if (e != ERR_OK) {
        show_log(&s);
        redis_server_done(&s);
        return e;
    }
    *ret_server = s;
    return ERR_OK;
}

enum err
redis_server_restart(struct redis_server *s)
{
    enum err e;

    redis_server_kill(s);
    e = run(s);
    if (e != ERR_OK)
        show_log(s);
    return e;
}

void
redis_server_pause(const struct redis_server *s)
{
    if (s->pid != 0)
        (void)kill(s->pid, SIGSTOP);
}

void
redis_server_resume(const struct redis_server *s)
{
    if (s->pid != 0)
        (void)kill(s->pid, SIGCONT);
}

void
redis_server_kill(struct redis_server *s)
{
    int status;

    if (s->pid == 0)
        return;
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, &status, 0);
    s->pid = 0;
}

void
redis_server_done(struct redis_server *s)
{
    struct dirent *entry;
    DIR *dir;

    redis_server_kill(s);
    if (s->dir[0] == '\0')
        return;
    dir = opendir(s->dir);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(s->dir);
    *s = (struct redis_server){0};
}

redisContext *
redis_server_connect(const struct redis_server *s)
{
    struct timeval limit = {.tv_sec = 5};
    redisContext *c = redisConnectUnixWithTimeout(s->unix_path, limit);

    if (c != NULL && (c->err != 0 || redisSetTimeout(c, limit) != REDIS_OK)) {
        redisFree(c);
        return NULL;
    }
    return c;
}

bool
redis_server_does(const struct redis_server *s, const char *fmt, ...)
{
    redisContext *c = redis_server_connect(s);
    redisReply *reply = NULL;
    va_list args;
    bool did;

    va_start(args, fmt);
    if (c != NULL)
        reply = redisvCommand(c, fmt, args);
    va_end(args);
    did = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    if (c != NULL)
        redisFree(c);
    return did;
}
