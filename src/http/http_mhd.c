/* SPDX-License-Identifier: Apache-2.0 */
/* The only user of libmicrohttpd. It parses headers, frames bodies and runs the I/O threads; we
 * accept the connections ourselves, because its way of giving a listening socket back can abort
 * the process when an I/O thread does the same at that moment.
 *
 * It is silent here: its messages name the target of a request, which can hold a share code. */
#include "http/http_int.h"

#include <assert.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Of one connection. Half is the first read buffer, so that it bounds the header and the
     * pieces of a body. */
    MEMORY_BYTES = 64 * 1024,
    MEMORY_STEP_BYTES = 4 * 1024,
    BLOCK_BYTES = 128 * 1024, /* of a stream */
};

static const char tls_priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%SERVER_PRECEDENCE";

/* ---- replies ---- */

static ssize_t
pull(void *cls, uint64_t pos, char *ret_bytes, size_t max)
{
    int64_t n = exchange_pull(cls, pos, (uint8_t *)ret_bytes, max);

    return n < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : (ssize_t)n;
}

static bool
may_have_body(const struct http_resp *resp)
{
    return resp->status != 204 && resp->status != 304;
}

static struct MHD_Response *
make_response(struct exchange *x)
{
    const struct http_resp *resp = &x->resp;

    if (resp->has_stream && may_have_body(resp)) {
        size_t block = resp->stream.len < BLOCK_BYTES ? (size_t)resp->stream.len : BLOCK_BYTES;

        return MHD_create_response_from_callback(resp->stream.len, block > 0 ? block : 1, pull, x,
                                                 NULL);
    }
    /* The bytes are the exchange's, which outlives the reply and wipes them. */
    return MHD_create_response_from_buffer(may_have_body(resp) ? resp->body.len : 0,
                                           resp->body.data, MHD_RESPMEM_PERSISTENT);
}

static bool
add_headers(struct exchange *x, struct MHD_Response *r)
{
    const struct http_resp *resp = &x->resp;
    bool ok = true;

    if (resp->type != NULL && may_have_body(resp))
        ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, resp->type) == MHD_YES;
    for (size_t i = 0; ok && i < resp->n_headers; i++)
        ok = MHD_add_response_header(r, resp->headers[i].name,
                                     buf_text(&resp->values) + resp->headers[i].value) == MHD_YES;
    if (ok && (x->must_close || resp->close || !server_may_keep(x->server)))
        ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    return ok;
}

static enum MHD_Result
queue_reply(struct MHD_Connection *connection, struct exchange *x)
{
    struct MHD_Response *r;
    enum MHD_Result result = MHD_NO;

    /* Nothing of a stream goes to somebody who has hung up. */
    if (x->resp.has_stream && sock_peer_closed(x->req.conn->fd))
        return MHD_NO;
    r = make_response(x);
    if (r == NULL)
        return MHD_NO;
    if (add_headers(x, r)) {
        x->stage = STAGE_QUEUED;
        atomic_store(&x->req.conn->not_after_s,
                     x->resp.has_stream ? x->resp.stream.not_after_s : 0);
        conn_set_phase(x->req.conn, CONN_REPLY);
        result = MHD_queue_response(connection, x->resp.status, r);
    }
    MHD_destroy_response(r);
    return result;
}

/* ---- requests ---- */

struct collected {
    struct gate_field fields[GATE_FIELDS_MAX];
    size_t n;
    bool is_too_many;
};

static enum MHD_Result
collect(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len, const char *value,
        size_t value_len)
{
    struct collected *c = cls;

    (void)kind;
    if (c->n == GATE_FIELDS_MAX) {
        c->is_too_many = true;
        return MHD_NO;
    }
    c->fields[c->n++] = (struct gate_field){
        .name = key,
        .value = value != NULL ? value : "",
        .name_len = key_len,
        .value_len = value != NULL ? value_len : 0,
    };
    return MHD_YES;
}

/* See how the header lay in memory. The library skips further blanks around the target, and cuts
 * it at a NUL: then the pieces are not where they should be. */
static enum err
check_layout(struct MHD_Connection *connection, const struct exchange *x)
{
#if MHD_VERSION < 0x00097701
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const struct http_req *req = &x->req;
    const struct gate_request gr = {req->method, req->target, req->version, req->fields,
                                    req->n_fields};

    if (info == NULL)
        return err_set(ERR_SYNTAX, "a header without a size");
    if (req->method + strlen(req->method) + 1 + strlen(req->target) + 1 != req->version)
        return err_set(ERR_SYNTAX, "a request line that is more than three words");
    return gate_check_layout(&gr, req->method, info->header_size);
#else
    (void)connection, (void)x; /* MHD_OPTION_CLIENT_DISCIPLINE_LVL is at its strictest */
    return ERR_OK;
#endif
}

static enum exchange_next
first_call(struct MHD_Connection *connection, struct exchange *x)
{
    struct collected c = {.n = 0};
    enum err e = ERR_OK;

    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, collect, &c);
    if (c.is_too_many) {
        e = err_set(ERR_SYNTAX, "more than %d header fields", GATE_FIELDS_MAX);
        c.n = 0;
    }
    if (c.n > 0) {
        x->req.fields = malloc(c.n * sizeof(c.fields[0]));
        if (x->req.fields == NULL)
            return NEXT_CUT;
        memcpy(x->req.fields, c.fields, c.n * sizeof(c.fields[0]));
        x->req.n_fields = c.n;
    }
    if (e == ERR_OK)
        e = check_layout(connection, x);
    x->connection = connection;
    return exchange_header(x, e);
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
           const char *version, const char *upload_data, size_t *upload_data_len, void **con_cls)
{
    struct exchange *x = *con_cls;
    enum exchange_next next;

    (void)cls;
    (void)url;
    if (x == NULL)
        return MHD_NO;
    if (x->stage == STAGE_HEADER && x->connection == NULL) {
        x->req.method = method;
        x->req.version = version;
        next = first_call(connection, x);
    } else if (*upload_data_len > 0) {
        next = exchange_body(x, (const uint8_t *)upload_data, *upload_data_len);
        *upload_data_len = 0;
    } else {
        next = exchange_end(x);
    }
    switch (next) {
    case NEXT_READ:
        return MHD_YES;
    case NEXT_REPLY:
        return queue_reply(connection, x);
    case NEXT_DEFER:
        MHD_suspend_connection(connection);
        exchange_submit(x);
        return MHD_YES;
    case NEXT_CUT:
        break;
    }
    return MHD_NO;
}

/* The target before any decoding; what is returned is the request's context. */
static void *
on_target(void *cls, const char *uri, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    (void)cls;
    if (info == NULL || info->socket_context == NULL)
        return NULL;
    return exchange_new(info->socket_context, uri != NULL ? uri : "");
}

static size_t
leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
             enum MHD_RequestTerminationCode how)
{
    struct exchange *x = *con_cls;
    const union MHD_ConnectionInfo *info;

    (void)cls;
    if (x == NULL)
        return;
    *con_cls = NULL;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    exchange_complete(x, how == MHD_REQUEST_TERMINATED_COMPLETED_OK,
                      info != NULL ? info->http_status : 0);
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
              enum MHD_ConnectionNotificationCode what)
{
    struct http_daemon *d = cls;
    const union MHD_ConnectionInfo *info;
    int fd;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*socket_context != NULL)
            conn_leave(*socket_context);
        *socket_context = NULL;
        return;
    }
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    fd = info->connect_fd;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *socket_context = conn_admit(d, fd, info->client_addr);
    if (*socket_context == NULL) {
        atomic_fetch_add(&d->server->n_refused, 1);
        (void)shutdown(fd, SHUT_RDWR); /* the library sees the end and closes */
    }
}

/* ---- daemons ---- */

enum err
daemon_new(struct http_server *s, const char *cert_pem, const char *key_pem,
           struct http_daemon **ret_daemon)
{
    struct http_daemon *d = calloc(1, sizeof(*d));
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_NO_LISTEN_SOCKET;
    struct MHD_OptionItem more[5];
    size_t n = 0;

    if (d == NULL)
        return err_set(ERR_NOMEM, "no memory for a daemon");
    d->server = s;
    d->is_tls = cert_pem != NULL;
    if (s->cfg.io_threads > 1)
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, s->cfg.io_threads, NULL};
    if (d->is_tls) {
        flags |= MHD_USE_TLS;
        more[n++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert_pem};
        more[n++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key_pem};
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
                                            (void *)(uintptr_t)tls_priorities};
    }
    more[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    d->mhd = MHD_start_daemon(flags, 0, NULL, NULL, on_request, d, MHD_OPTION_CONNECTION_LIMIT,
                              (unsigned)INT_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                              (size_t)MEMORY_BYTES, MHD_OPTION_CONNECTION_MEMORY_INCREMENT,
                              (size_t)MEMORY_STEP_BYTES, MHD_OPTION_URI_LOG_CALLBACK, on_target, d,
                              MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, d,
                              MHD_OPTION_NOTIFY_COMPLETED, on_completed, d,
                              MHD_OPTION_NOTIFY_CONNECTION, on_connection, d,
#if MHD_VERSION >= 0x00097701
                              MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#endif
                              MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (d->mhd == NULL) {
        bool is_tls = d->is_tls;

        free(d);
        return is_tls ? err_set(ERR_SYNTAX, "the certificate and its key cannot be used")
                      : err_set(ERR_UNAVAIL, "the HTTP library does not start");
    }
    *ret_daemon = d;
    return ERR_OK;
}

void
daemon_free(struct http_daemon *d)
{
    if (d == NULL)
        return;
    MHD_stop_daemon(d->mhd);
    assert(atomic_load(&d->n_conns) == 0);
    free(d);
}

bool
daemon_serve(struct http_daemon *d, int fd, const struct sockaddr *addr, socklen_t addr_len)
{
    return MHD_add_connection(d->mhd, fd, addr, addr_len) == MHD_YES;
}

void
daemon_resume(void *connection)
{
    MHD_resume_connection(connection);
}
