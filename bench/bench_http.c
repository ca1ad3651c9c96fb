/* SPDX-License-Identifier: Apache-2.0 */
/* bench_http: what the HTTP room can do when nothing else is done: the bound for the goals of
 * uploads, downloads and small requests.
 *
 *   bench_http                   measure itself over loopback, with a client process of its own
 *   bench_http --serve PORT FILE serve on 127.0.0.1 until standard input ends:
 *                                GET /constant, PUT /null (a body into nothing), GET /file */
#include "base/clock.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_CONNS = 64, N_REQUESTS = 200000, N_IDLE = 10000, N_KEPT = 1000, CHUNK = 256 * 1024 };
#define BODY_BYTES (UINT64_C(4) << 30)
#define FILE_BYTES (UINT64_C(1) << 30)

struct bench {
    const char *path; /* of the file */
    uint64_t file_bytes;
};

static void
must(bool is_ok, const char *what)
{
    if (is_ok)
        return;
    (void)fprintf(stderr, "bench_http: %s failed: %s\n", what,
                  errno != 0 ? strerror(errno) : err_sentence());
    exit(1);
}

/* ---- the application ---- */

struct file_source {
    struct source source;
    int fd;
};

static enum err
file_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    ssize_t n = read(((struct file_source *)s)->fd, ret_bytes, cap);

    if (n < 0)
        return err_set(ERR_IO, "read");
    *ret_len = (size_t)n;
    return ERR_OK;
}

static void
file_free(struct source *s)
{
    (void)close(((struct file_source *)s)->fd);
    free(s);
}

static enum err
on_file(void *app, const struct http_req *req, struct http_resp *resp)
{
    static const struct source_ops ops = {file_read, file_free};
    const struct bench *b = app;
    struct file_source *f = malloc(sizeof(*f));

    (void)req;
    if (f == NULL)
        return ERR_NOMEM;
    f->source.ops = &ops;
    f->fd = open(b->path, O_RDONLY | O_CLOEXEC);
    http_resp_set_stream(resp, &(struct http_stream){.source = &f->source,
                                                     .len = b->file_bytes,
                                                     .type = "application/octet-stream"});
    return ERR_OK;
}

static enum err
on_constant(void *app, const struct http_req *req, struct http_resp *resp)
{
    struct buf body;
    enum err e;

    (void)app;
    (void)req;
    buf_init(&body, 64);
    e = buf_add_text(&body, "{\"status\": \"healthy\"}");
    http_resp_set_body(resp, "application/json", &body);
    return e;
}

static enum err
null_begin(void *app, const struct http_req *req, struct http_resp *resp, void **ret_state)
{
    (void)req;
    (void)resp;
    *ret_state = app;
    return ERR_OK;
}

static enum err
null_body(void *state, const uint8_t *bytes, size_t len)
{
    (void)state;
    (void)bytes;
    (void)len;
    return ERR_OK;
}

static enum err
null_finish(void *state, const struct http_req *req, struct http_resp *resp)
{
    return on_constant(state, req, resp);
}

static void
null_free(void *state)
{
    (void)state;
}

static void
on_fail(void *app, const struct http_req *req, enum err e, struct http_resp *resp)
{
    (void)app;
    (void)req;
    (void)e;
    http_resp_set_status(resp, 500);
}

static int
listen_on(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    a.sin_port = htons((uint16_t)*port);
    must(fd >= 0, "socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    must(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "bind");
    must(listen(fd, 4096) == 0, "listen");
    must(getsockname(fd, (struct sockaddr *)&a, &len) == 0, "getsockname");
    *port = ntohs(a.sin_port);
    return fd;
}

static struct http_server *
start(struct bench *b, struct pool *workers, int *port)
{
    static const struct http_intake null = {null_begin, null_body, null_finish, null_free};
    static const struct http_route routes[] = {
        {"GET", "/constant", on_constant, NULL, true},
        {"GET", "/file", on_file, NULL, false},
        {"PUT", "/null", NULL, &null, false},
    };
    const struct http_cfg cfg = {
        .app = b,
        .routes = routes,
        .n_routes = 3,
        .fail = on_fail,
        .workers = workers,
        .io_threads = 2,
        .max_connections = N_IDLE + 2 * N_KEPT,
        .idle_timeout_s = 600,
        .header_timeout_s = 600,
    };
    struct http_server *s = NULL;

    must(http_server_new(&cfg, &s) == ERR_OK, "server");
    must(http_server_listen(s, listen_on(port), false) == ERR_OK, "listen");
    return s;
}

/* ---- the client ---- */

static int
dial(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_port = htons((uint16_t)port);
    must(fd >= 0, "socket");
    must(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "connect");
    return fd;
}

static void
say(int fd, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        must(n > 0, "send");
        p += n;
        len -= (size_t)n;
    }
}

static uint64_t
hear(int fd, void *buf, size_t cap)
{
    ssize_t n = recv(fd, buf, cap, 0);

    must(n >= 0, "recv");
    return (uint64_t)n;
}

static double
seconds_since(int64_t start_us)
{
    return (double)(clock_mono_us() - start_us) / 1e6;
}

static void
bench_requests(int port)
{
    static const char request[] = "GET /constant HTTP/1.1\r\nHost: x\r\n\r\n";
    static struct pollfd fds[N_CONNS];
    char reply[4096];
    int64_t start_us;
    int n_sent = 0, n_heard = 0;

    for (int i = 0; i < N_CONNS; i++)
        fds[i] = (struct pollfd){.fd = dial(port), .events = POLLIN};
    start_us = clock_mono_us();
    for (int i = 0; i < N_CONNS; i++, n_sent++)
        say(fds[i].fd, request, sizeof(request) - 1);
    while (n_heard < N_REQUESTS) {
        must(poll(fds, N_CONNS, -1) > 0, "poll");
        for (int i = 0; i < N_CONNS; i++) {
            if (fds[i].revents == 0)
                continue;
            must(hear(fds[i].fd, reply, sizeof(reply)) > 0, "a reply");
            n_heard++;
            if (n_sent < N_REQUESTS) {
                say(fds[i].fd, request, sizeof(request) - 1);
                n_sent++;
            }
        }
    }
    (void)printf("constant reply, %d connections  %8.0f requests/s\n", N_CONNS,
                 n_heard / seconds_since(start_us));
    for (int i = 0; i < N_CONNS; i++)
        (void)close(fds[i].fd);
}

static void
bench_upload(int port)
{
    static char chunk[CHUNK];
    char head[128];
    int fd = dial(port);
    int64_t start_us = clock_mono_us();

    (void)snprintf(head, sizeof(head),
                   "PUT /null HTTP/1.1\r\nHost: x\r\nContent-Length: %llu\r\n\r\n",
                   (unsigned long long)BODY_BYTES);
    say(fd, head, strlen(head));
    for (uint64_t n = 0; n < BODY_BYTES; n += CHUNK)
        say(fd, chunk, CHUNK);
    must(hear(fd, head, sizeof(head)) > 0, "a reply");
    (void)printf("body into nothing               %8.0f MB/s\n",
                 (double)BODY_BYTES / 1e6 / seconds_since(start_us));
    (void)close(fd);
}

static void
bench_download(int port)
{
    static const char request[] = "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    static char chunk[CHUNK];
    uint64_t n_all = 0, n;
    int fd = dial(port);
    int64_t start_us = clock_mono_us();

    say(fd, request, sizeof(request) - 1);
    while ((n = hear(fd, chunk, sizeof(chunk))) > 0)
        n_all += n;
    must(n_all > FILE_BYTES, "a whole file");
    (void)printf("file read and sent              %8.0f MB/s\n",
                 (double)n_all / 1e6 / seconds_since(start_us));
    (void)close(fd);
}

/* Connect and hold until the parent closes the pipe. Some have asked once and are kept. */
static void
hold_idle(int port, int ready, int release)
{
    static const char request[] = "GET /constant HTTP/1.1\r\nHost: x\r\n\r\n";
    char reply[4096];

    for (int i = 0; i < N_IDLE + N_KEPT; i++) {
        int fd = dial(port); /* ends with the process */

        if (i >= N_KEPT)
            continue;
        say(fd, request, sizeof(request) - 1);
        must(hear(fd, reply, sizeof(reply)) > 0, "a reply");
    }
    must(write(ready, "r", 1) == 1, "pipe");
    (void)!read(release, reply, 1);
}

static uint64_t
resident_kib(void)
{
    char line[128], *resident = NULL;
    FILE *f = fopen("/proc/self/statm", "re");

    must(f != NULL && fgets(line, sizeof(line), f) != NULL, "statm");
    (void)fclose(f);
    resident = strchr(line, ' '); /* after the size of the address space */
    must(resident != NULL, "statm");
    return strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static double
cpu_seconds(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
bench_idle(struct http_server *s, int port)
{
    uint64_t before_kib = resident_kib();
    struct http_stats st;
    int ready[2], release[2];
    double cpu;
    char c;
    pid_t pid;

    must(pipe(ready) == 0 && pipe(release) == 0, "pipe");
    (void)fflush(stdout);
    pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        (void)close(release[1]);
        hold_idle(port, ready[1], release[0]);
        _exit(0);
    }
    (void)close(ready[1]);
    must(read(ready[0], &c, 1) == 1, "idle connections");
    (void)poll(NULL, 0, 1500);
    cpu = cpu_seconds();
    (void)poll(NULL, 0, 5000);
    cpu = (cpu_seconds() - cpu) / 5;
    http_server_stats(s, &st);
    (void)printf("%llu idle connections         %8.1f MB, %.2f %% of a core\n",
                 (unsigned long long)st.n_connections, (double)(resident_kib() - before_kib) / 1024,
                 cpu * 100);
    (void)close(release[1]);
    (void)waitpid(pid, NULL, 0);
}

static void
run_client(void (*work)(int port), int port)
{
    int status = 0;
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        work(port);
        (void)fflush(stdout);
        _exit(0);
    }
    must(waitpid(pid, &status, 0) == pid && status == 0, "client");
}

static void
allow_many_files(void)
{
    struct rlimit r;

    (void)getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
}

int
main(int argc, char **argv)
{
    char path[] = "/dev/shm/bench-http-XXXXXX";
    struct bench b = {.path = path, .file_bytes = FILE_BYTES};
    bool is_serving = argc == 4 && strcmp(argv[1], "--serve") == 0;
    struct pool *workers = NULL;
    struct http_server *s;
    struct stat st;
    int port = 0, fd;
    char c;

    if (argc != 1 && !is_serving) {
        (void)fprintf(stderr, "usage: bench_http [--serve PORT FILE]\n");
        return 2;
    }
    allow_many_files();
    if (is_serving) {
        port = (int)strtol(argv[2], NULL, 10);
        b.path = argv[3];
        must(stat(b.path, &st) == 0, "stat");
        b.file_bytes = (uint64_t)st.st_size;
    } else {
        fd = mkstemp(path);
        must(fd >= 0 && posix_fallocate(fd, 0, (off_t)FILE_BYTES) == 0, "file");
        (void)close(fd);
    }
    must(pool_new(1, &workers) == ERR_OK, "pool");
    s = start(&b, workers, &port);
    if (is_serving) {
        (void)printf("http://127.0.0.1:%d\n", port);
        (void)fflush(stdout);
        while (read(STDIN_FILENO, &c, 1) > 0)
            continue;
    } else {
        run_client(bench_requests, port);
        run_client(bench_upload, port);
        run_client(bench_download, port);
        bench_idle(s, port);
        (void)unlink(path);
    }
    http_server_free(s);
    pool_free(workers);
    return 0;
}
