/* SPDX-License-Identifier: Apache-2.0 */
/* bench_bound: the HTTP library alone, as the bound that the server is measured against.
 *
 *   bench_bound FILE    serve on a free port of 127.0.0.1, printed as a URL, until standard input
 *                       ends: GET /file is plain read and write of FILE, anything else a constant
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 128 * 1024, MEMORY_BYTES = 64 * 1024 };

static const char *file_path;
static uint64_t file_bytes;
static const char constant[] = "{\"key\":\"zebra-zebra-zebra-zebra\",\"status\":\"active\"}\n";

static ssize_t
pull(void *cls, uint64_t pos, char *ret_bytes, size_t cap)
{
    ssize_t n = pread((int)(intptr_t)cls, ret_bytes, cap, (off_t)pos);

    return n <= 0 ? MHD_CONTENT_READER_END_WITH_ERROR : n;
}

static void
close_file(void *cls)
{
    (void)close((int)(intptr_t)cls);
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
           const char *version, const char *data, size_t *data_len, void **con_cls)
{
    struct MHD_Response *r;
    enum MHD_Result result;

    (void)cls, (void)method, (void)version, (void)data, (void)data_len;
    if (*con_cls == NULL) {
        *con_cls = c;
        return MHD_YES;
    }
    if (strcmp(url, "/file") == 0) {
        intptr_t fd = open(file_path, O_RDONLY | O_CLOEXEC);

        r = MHD_create_response_from_callback(file_bytes, BLOCK_BYTES, pull, (void *)fd,
                                              close_file);
    } else {
        r = MHD_create_response_from_buffer(sizeof(constant) - 1, (void *)(uintptr_t)constant,
                                            MHD_RESPMEM_PERSISTENT);
    }
    if (r == NULL)
        return MHD_NO;
    result = MHD_queue_response(c, MHD_HTTP_OK, r);
    MHD_destroy_response(r);
    return result;
}

int
main(int argc, char **argv)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const union MHD_DaemonInfo *info;
    struct MHD_Daemon *d;
    struct stat st;
    char c;

    if (argc != 2 || stat(argv[1], &st) != 0) {
        (void)fprintf(stderr, "usage: bench_bound FILE\n");
        return 2;
    }
    file_path = argv[1];
    file_bytes = (uint64_t)st.st_size;
    d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, NULL,
                         MHD_OPTION_SOCK_ADDR, &addr, MHD_OPTION_THREAD_POOL_SIZE,
                         (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_END);
    info = d == NULL ? NULL : MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        (void)fprintf(stderr, "bench_bound: the library does not start\n");
        return 1;
    }
    (void)printf("http://127.0.0.1:%u\n", (unsigned)info->port);
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0)
        continue;
    MHD_stop_daemon(d);
    return 0;
}
