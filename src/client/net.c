/* SPDX-License-Identifier: Apache-2.0 */
/* What all requests need: settings of libcurl, the turn of a transfer, errors, small answers. */
#include "client/net_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/interrupt.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libcurl wakes us at least so often to ask for signals. */
enum { TURN_MS = 200 };

static const struct net_limits patient = {
    .connect_ms = 20 * 1000,
    .stall_ms = (int64_t)120 * 1000, /* a server may verify a large file for long */
    .pause_ms = 200,
    .pause_max_ms = 5000,
    .tries = 8,
};

/* ---- the server ---- */

static bool has_curl;

static void
start_curl(void)
{
    has_curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static const char *
set_in_environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool
copy_text(const char *text, char **ret)
{
    *ret = text != NULL ? strdup(text) : NULL;
    return text == NULL || *ret != NULL;
}

enum err
net_new(const struct net_cfg *cfg, struct net **ret_net)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *ca_file = cfg->ca_file;
    struct net *n;

    (void)pthread_once(&once, start_curl);
    if (strlen(cfg->server) >= SERVER_TEXT_LEN)
        return err_set(ERR_FIELD, "the address of the server is too long");
    if (ca_file == NULL)
        ca_file = set_in_environment("CURL_CA_BUNDLE");
    if (ca_file == NULL)
        ca_file = set_in_environment("SSL_CERT_FILE");
    n = calloc(1, sizeof(*n));
    if (n != NULL) {
        n->limits = patient;
        n->multi = has_curl ? curl_multi_init() : NULL;
        if (n->multi != NULL && copy_text(cfg->server, &n->server) &&
            copy_text(ca_file, &n->ca_file) && copy_text(cfg->proxy, &n->proxy)) {
            *ret_net = n;
            return ERR_OK;
        }
    }
    net_free(n);
    return err_set(ERR_NOMEM, "no memory for a connection");
}

void
net_free(struct net *n)
{
    if (n == NULL)
        return;
    if (n->multi != NULL)
        (void)curl_multi_cleanup(n->multi);
    free(n->server);
    free(n->ca_file);
    if (n->proxy != NULL) /* may hold a password */
        mem_wipe(n->proxy, strlen(n->proxy));
    free(n->proxy);
    free(n);
}

/* ---- one request ---- */

static size_t
header_came(char *line, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t len = size * n;
    long status = 0;

    transfer_moved(t);
    if (t->head.is_whole) /* trailers */
        return len;
    t->head.n_bytes += len;
    if (t->head.n_bytes > HEAD_MAX) {
        t->err = err_set(ERR_SYNTAX, "the header of the server's answer is too long");
        return 0;
    }
    if (len > 0 && line[0] != '\r' && line[0] != '\n') {
        head_line(&t->head, line, len);
        return len;
    }
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return len;
    t->head.status = (unsigned)status;
    t->head.is_whole = true;
    if (t->on_head != NULL)
        t->err = t->on_head(t);
    return t->err == ERR_OK ? len : 0;
}

static size_t
body_came(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    transfer_moved(t);
    return t->on_body(t, bytes, size * n);
}

/* Only characters that need no escape: nothing that could end the path or begin another. */
static bool
is_path(const char *path)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

    return path[0] == '/' && path[strspn(path, plain)] == '\0';
}

/* What never depends on the request. The few that can fail copy a text. */
static bool
set_up(struct transfer *t, const struct net *n)
{
    CURL *c = t->easy;
    bool ok = true;

    ok &= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_URL, t->url) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_USERAGENT, "mayfly/" MAYFLY_VERSION) == CURLE_OK;
    if (n->ca_file != NULL)
        ok &= curl_easy_setopt(c, CURLOPT_CAINFO, n->ca_file) == CURLE_OK;
    if (n->proxy != NULL)
        ok &= curl_easy_setopt(c, CURLOPT_PROXY, n->proxy) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    ok &= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    (void)curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* An interrupt need not wait for a look-up of a name, which nothing can end. */
    (void)curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
#endif
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 1L);
    (void)curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, n->limits.connect_ms);
    (void)curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)PIECE_LEN);
    (void)curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, (long)PIECE_LEN);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, header_came);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, body_came);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(c, CURLOPT_PRIVATE, t);
    return ok;
}

enum err
transfer_init(struct transfer *t, struct net *n, const char *path)
{
    *t = (struct transfer){.net = n};
    if (!is_path(path) || strlen(path) >= PATH_MAX_LEN)
        return err_set(ERR_FIELD, "this cannot be an address on the server");
    (void)snprintf(t->url, sizeof(t->url), "%s%s", n->server, path);
    t->easy = curl_easy_init();
    if (t->easy == NULL || !set_up(t, n))
        return err_set(ERR_NOMEM, "no memory for a request");
    return ERR_OK;
}

enum err
transfer_header(struct transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);

    if (longer == NULL)
        return err_set(ERR_NOMEM, "no memory for a request");
    t->headers = longer;
    return ERR_OK;
}

enum err
transfer_bearer(struct transfer *t, const struct secret *bearer)
{
    struct buf line;
    enum err e;

    if (bearer == NULL)
        return ERR_OK;
    for (size_t i = 0; i < secret_len(bearer); i++)
        if (secret_bytes(bearer)[i] <= 0x20 || secret_bytes(bearer)[i] >= 0x7f)
            return err_set(ERR_FIELD, "the token holds a blank or a character that no token has");
    buf_init(&line, 4096);
    e = buf_add_text(&line, "Authorization: Bearer ");
    if (e == ERR_OK)
        e = buf_add(&line, secret_bytes(bearer), secret_len(bearer));
    if (e == ERR_TOOBIG)
        e = err_set(ERR_FIELD, "the token is too long");
    if (e == ERR_OK)
        e = transfer_header(t, buf_text(&line));
    buf_done(&line);
    return e;
}

enum err
transfer_start(struct transfer *t)
{
    (void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    transfer_moved(t);
    if (curl_multi_add_handle(t->net->multi, t->easy) != CURLM_OK)
        return err_set(ERR_NOMEM, "no memory for a request");
    t->is_added = true;
    return ERR_OK;
}

void
transfer_moved(struct transfer *t)
{
    t->moved_at_ms = clock_mono_ms();
    t->n_moves++;
}

/* Whose transfers are over: also those of others than who is waiting. */
static void
take_messages(CURLM *multi)
{
    struct transfer *t;
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(multi, &left)) != NULL) {
        if (m->msg != CURLMSG_DONE ||
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) != CURLE_OK)
            continue;
        t->is_over = true;
        t->result = m->data.result;
    }
}

enum err
transfer_step(struct transfer *t)
{
    uint64_t n_moves = t->n_moves;
    curl_off_t sent = t->sent;
    int n_running;

    if (interrupt_seen())
        return err_set(ERR_CLOSED, "interrupted");
    if (curl_multi_perform(t->net->multi, &n_running) != CURLM_OK)
        return err_set(ERR_NOMEM, "no memory for a request");
    take_messages(t->net->multi);
    if (t->is_over)
        return ERR_OK;
    (void)curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &t->sent);
    if (t->sent != sent)
        transfer_moved(t);
    if (t->n_moves != n_moves)
        return ERR_OK;
    if (clock_mono_ms() - t->moved_at_ms >= t->net->limits.stall_ms) {
        t->is_over = t->has_stalled = true;
        t->result = CURLE_OPERATION_TIMEDOUT;
        return ERR_OK;
    }
    if (curl_multi_poll(t->net->multi, NULL, 0, TURN_MS, NULL) != CURLM_OK)
        return err_set(ERR_NOMEM, "no memory for a request");
    return ERR_OK;
}

void
transfer_done(struct transfer *t)
{
    for (struct curl_slist *h = t->headers; h != NULL; h = h->next)
        mem_wipe(h->data, strlen(h->data));
    if (t->is_added)
        (void)curl_multi_remove_handle(t->net->multi, t->easy);
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    mem_wipe(t->url, sizeof(t->url)); /* a code may be in it */
    *t = (struct transfer){.net = t->net};
}

/* ---- errors ---- */

enum err
transfer_error(const struct transfer *t)
{
    long connect_status = 0;

    if (t->err != ERR_OK)
        return t->err;
    (void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    if (connect_status >= 300)
        return err_set(ERR_UNAVAIL, "the proxy refuses the connection");
    switch (t->result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return err_set(ERR_UNAVAIL, "the server's name is not known");
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_set(ERR_UNAVAIL, "the proxy's name is not known");
    case CURLE_COULDNT_CONNECT:
        return err_set(ERR_UNAVAIL, "no connection to the server");
    case CURLE_OPERATION_TIMEDOUT:
        if (t->has_stalled)
            return err_set(ERR_TIMEOUT, "nothing came or went for %lld seconds",
                           (long long)(t->net->limits.stall_ms / 1000));
        return err_set(ERR_TIMEOUT, "no connection to the server in time");
    case CURLE_SSL_CONNECT_ERROR:
        return err_set(ERR_UNAVAIL, "no encrypted connection to the server");
    case CURLE_PEER_FAILED_VERIFICATION:
        return err_set(ERR_UNAVAIL, "the server's certificate cannot be trusted");
    case CURLE_SSL_CACERT_BADFILE:
        return err_set(ERR_IO, "the file of trusted certificates cannot be used");
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, which is anything */
    case CURLE_WEIRD_SERVER_REPLY:
        return err_set(ERR_SYNTAX, "what the server speaks is no HTTP");
    case CURLE_OK: /* and yet no whole header */
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return err_set(ERR_CLOSED, "the connection broke off");
    case CURLE_OUT_OF_MEMORY:
        return err_set(ERR_NOMEM, "no memory for a request");
    default:
        return err_set(ERR_UNAVAIL, "the request failed: %s", curl_easy_strerror(t->result));
    }
}

/* ---- small answers ---- */

void
net_reply_init(struct net_reply *r)
{
    *r = (struct net_reply){0};
    buf_init(&r->body, NET_BODY_MAX);
}

void
net_reply_done(struct net_reply *r)
{
    buf_done(&r->body);
    net_reply_init(r);
}

size_t
reply_add(struct transfer *t, struct net_reply *r, const char *bytes, size_t len)
{
    size_t room = NET_BODY_MAX - r->body.len;

    if (len <= room || t->head.status < 300) {
        t->err = buf_add(&r->body, bytes, len);
        if (t->err == ERR_TOOBIG)
            t->err = err_set(ERR_SYNTAX, "the server's answer is too long");
        return t->err == ERR_OK ? len : 0;
    }
    t->err = buf_add(&r->body, bytes, room); /* the page of a refusal: its status counts */
    return 0;
}

/* Whether a refusal was heard that the connection then did not live to end. */
static bool
is_heard(const struct transfer *t)
{
    return t->err == ERR_OK && t->head.is_whole && t->head.status >= 300;
}

enum err
transfer_reply(struct transfer *t, struct net_reply *r)
{
    curl_off_t retry_after = 0;
    char *location = NULL;

    if (t->err != ERR_OK || !t->head.is_whole || (t->result != CURLE_OK && !is_heard(t)))
        return transfer_error(t);
    r->status = t->head.status;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (retry_after > 0)
        r->retry_after_s = retry_after < INT32_MAX ? retry_after : INT32_MAX;
    (void)curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &location);
    if (location != NULL && strlen(location) < sizeof(r->location))
        memcpy(r->location, location, strlen(location) + 1);
    return ERR_OK;
}

struct call {
    struct transfer t;
    struct net_reply reply;
};

static size_t
call_body(struct transfer *t, const char *bytes, size_t len)
{
    return reply_add(t, &CONTAINER_OF(t, struct call, t)->reply, bytes, len);
}

enum err
net_call(struct net *n, const char *method, const char *path, const struct secret *bearer,
         struct net_reply *ret_reply)
{
    struct call c;
    enum err e = transfer_init(&c.t, n, path);

    net_reply_init(&c.reply);
    c.t.on_body = call_body;
    if (e == ERR_OK && strcmp(method, "POST") == 0) {
        (void)curl_easy_setopt(c.t.easy, CURLOPT_POSTFIELDS, "");
        (void)curl_easy_setopt(c.t.easy, CURLOPT_POSTFIELDSIZE, 0L);
        e = transfer_header(&c.t, "Content-Type:"); /* no body, no type */
    }
    if (e == ERR_OK)
        e = transfer_bearer(&c.t, bearer);
    if (e == ERR_OK)
        e = transfer_start(&c.t);
    while (e == ERR_OK && !c.t.is_over)
        e = transfer_step(&c.t);
    if (e == ERR_OK)
        e = transfer_reply(&c.t, &c.reply);
    if (e == ERR_OK) {
        net_reply_done(ret_reply);
        *ret_reply = c.reply;
        net_reply_init(&c.reply);
    }
    transfer_done(&c.t);
    net_reply_done(&c.reply);
    return e;
}
