/* SPDX-License-Identifier: Apache-2.0 */
/* The upload form: fields, the file, the late field. libcurl pulls the file from its source piece
 * by piece, straight into its own buffer. */
#include "client/net_int.h"

#include "base/mem.h"
#include "base/text.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct upload {
    struct transfer t;
    struct net_reply reply;
    const struct net_upload *what;
    uint64_t given;
    bool has_ended;        /* the source gave its end */
    int opened[8], socket; /* -1: not known yet */
    size_t n_opened;
    /* A piece that is kept back while we listen to what the server says meanwhile. */
    uint8_t *held;
    size_t held_len, held_at;
    bool is_held;
    char late[NET_LATE_MAX + 1];
    size_t late_len, late_at;
};

static enum err
file_ended(struct upload *u)
{
    const struct net_upload *w = u->what;
    enum err e = ERR_OK;

    if (w->len != UINT64_MAX && u->given != w->len)
        return err_set(ERR_IO, "the file became shorter while it was read");
    u->has_ended = true;
    if (w->late_name != NULL) {
        e = w->late(w->ctx, u->late);
        u->late_len = e == ERR_OK ? strnlen(u->late, NET_LATE_MAX) : 0;
    }
    if (e == ERR_OK && w->late_name != NULL && w->late_len != SIZE_MAX &&
        w->late_len != u->late_len)
        e = err_set(ERR_IO, "what is sent behind the file became of another length");
    return e;
}

/* The file is as long as was said: there must be its end. */
static enum err
expect_end(struct upload *u)
{
    uint8_t more;
    size_t n = 0;
    enum err e = source_read(u->what->source, &more, 1, &n);

    if (e == ERR_OK && n > 0)
        e = err_set(ERR_IO, "the file became longer while it was read");
    return e == ERR_OK ? file_ended(u) : e;
}

static enum err
read_file(struct upload *u, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    uint64_t len = u->what->len;
    enum err e = source_read(u->what->source, ret_bytes, cap, ret_len);

    if (e != ERR_OK)
        return e;
    if (*ret_len == 0)
        return file_ended(u);
    u->given += *ret_len;
    if (u->given > len)
        return err_set(ERR_IO, "the file became longer while it was read");
    return u->given == len ? expect_end(u) : ERR_OK;
}

/* libcurl does not tell the socket of a transfer that runs, so that we make them ourselves. Several
 * are tried when a name has several addresses. */
static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct upload *u = ctx;
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);

    (void)purpose;
    if (fd >= 0)
        u->opened[u->n_opened++ % ARRAY_LEN(u->opened)] = fd;
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

/* The one that was connected. The others are closed by the time that bytes are asked for. */
static int
connected_socket(const struct upload *u)
{
    struct sockaddr_storage peer;

    for (size_t i = 0; i < u->n_opened && i < ARRAY_LEN(u->opened); i++) {
        socklen_t len = sizeof(peer);

        if (getpeername(u->opened[i], (struct sockaddr *)&peer, &len) == 0)
            return u->opened[i];
    }
    return -1;
}

/* Whether the server says something although it has not got all: most likely a refusal. Bytes sent
 * now could meet a connection that it has closed, and the answer to those would end ours before we
 * have heard it. */
static bool
is_spoken_to(struct upload *u)
{
    struct pollfd p = {.events = POLLIN};

    if (u->socket < 0)
        u->socket = connected_socket(u);
    p.fd = u->socket;
    return p.fd >= 0 && poll(&p, 1, 0) == 1;
}

static bool
hold(struct upload *u, const char *bytes, size_t len)
{
    u->held = malloc(len);
    if (u->held == NULL)
        return false;
    memcpy(u->held, bytes, len);
    u->held_len = len;
    u->held_at = 0;
    u->is_held = true;
    return true;
}

static size_t
release(struct upload *u, char *ret_bytes, size_t cap)
{
    size_t n = u->held_len - u->held_at;

    if (n > cap)
        n = cap;
    memcpy(ret_bytes, u->held + u->held_at, n);
    u->held_at += n;
    if (u->held_at == u->held_len) {
        mem_wipe(u->held, u->held_len);
        free(u->held);
        u->held = NULL;
    }
    return n;
}

static size_t
give_file(char *ret_bytes, size_t size, size_t n_items, void *ctx)
{
    struct upload *u = ctx;
    size_t cap = size * n_items, n = 0;

    if (u->held != NULL)
        return release(u, ret_bytes, cap);
    if (!u->has_ended) {
        u->t.err = read_file(u, (uint8_t *)ret_bytes, cap, &n);
        transfer_moved(&u->t); /* the time that the source took is not the server's */
    }
    if (u->t.err != ERR_OK)
        return CURL_READFUNC_ABORT;
    if (n > 0 && is_spoken_to(u) && hold(u, ret_bytes, n))
        return CURL_READFUNC_PAUSE;
    return n;
}

static size_t
give_late(char *ret_bytes, size_t size, size_t n_items, void *ctx)
{
    struct upload *u = ctx;
    size_t n = u->late_len - u->late_at;

    if (n > size * n_items)
        n = size * n_items;
    memcpy(ret_bytes, u->late + u->late_at, n);
    u->late_at += n;
    return n;
}

/* ---- the form ---- */

/* Quotes, backslashes and percent signs in a quoted name are read in several ways, so that a name
 * with one of them is sent percent-encoded (RFC 8187), as it is, where it can be. */
static bool
is_ambiguous(const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        if ((uint8_t)*c < 0x20 || *c == 0x7f || strchr("\"\\%", *c) != NULL)
            return text_is_utf8(name, strlen(name));
    return false;
}

static enum err
add_encoded_name(curl_mimepart *part, const char *name)
{
    struct curl_slist *line;
    CURLcode rc = CURLE_OUT_OF_MEMORY;
    struct buf b;
    enum err e;

    buf_init(&b, 4096);
    e = buf_add_text(&b, "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''");
    for (; e == ERR_OK && *name != '\0'; name++)
        e = text_is_alpha(*name) || text_is_digit(*name) || *name == '.' || *name == '-'
                ? buf_add(&b, name, 1)
                : buf_addf(&b, "%%%02X", (unsigned)(uint8_t)*name);
    line = e == ERR_OK ? curl_slist_append(NULL, buf_text(&b)) : NULL;
    buf_done(&b);
    if (line != NULL)
        rc = curl_mime_headers(part, line, 1);
    if (rc != CURLE_OK) {
        curl_slist_free_all(line);
        return err_set(ERR_NOMEM, "no memory for a form");
    }
    return ERR_OK;
}

static curl_off_t
mime_len(uint64_t len, uint64_t unknown)
{
    return len == unknown || len > INT64_MAX ? -1 : (curl_off_t)len;
}

static bool
add_fields(curl_mime *form, const struct net_upload *w)
{
    bool ok = true;

    for (size_t i = 0; ok && i < w->n_fields; i++) {
        curl_mimepart *part = curl_mime_addpart(form);

        ok = part != NULL && curl_mime_name(part, w->fields[i].name) == CURLE_OK &&
             curl_mime_data(part, w->fields[i].value, CURL_ZERO_TERMINATED) == CURLE_OK;
    }
    return ok;
}

static enum err
make_form(struct upload *u, curl_mime *form)
{
    const struct net_upload *w = u->what;
    bool ok = form != NULL && add_fields(form, w);
    curl_mimepart *part = ok ? curl_mime_addpart(form) : NULL;
    bool is_encoded = is_ambiguous(w->filename);

    ok =
        part != NULL && curl_mime_name(part, "file") == CURLE_OK &&
        curl_mime_type(part, "application/octet-stream") == CURLE_OK &&
        (is_encoded || curl_mime_filename(part, w->filename) == CURLE_OK) &&
        curl_mime_data_cb(part, mime_len(w->len, UINT64_MAX), give_file, NULL, NULL, u) == CURLE_OK;
    if (ok && is_encoded && add_encoded_name(part, w->filename) != ERR_OK)
        ok = false;
    if (ok && w->late_name != NULL) {
        part = curl_mime_addpart(form);
        ok = part != NULL && curl_mime_name(part, w->late_name) == CURLE_OK &&
             curl_mime_data_cb(part, mime_len(w->late_len, SIZE_MAX), give_late, NULL, NULL, u) ==
                 CURLE_OK;
    }
    if (ok)
        ok = curl_easy_setopt(u->t.easy, CURLOPT_MIMEPOST, form) == CURLE_OK;
    return ok ? ERR_OK : err_set(ERR_NOMEM, "no memory for a form");
}

/* ---- the upload ---- */

static size_t
answer_body(struct transfer *t, const char *bytes, size_t len)
{
    return reply_add(t, &CONTAINER_OF(t, struct upload, t)->reply, bytes, len);
}

static enum err
run(struct upload *u)
{
    enum err e = ERR_OK;

    while (e == ERR_OK && !u->t.is_over) {
        e = transfer_step(&u->t);
        if (u->is_held) {
            u->is_held = false; /* libcurl listens before it asks for bytes again */
            (void)curl_easy_pause(u->t.easy, CURLPAUSE_CONT);
        }
    }
    if (e == ERR_OK)
        e = transfer_reply(&u->t, &u->reply);
    if (e == ERR_OK && u->reply.status < 300 && !u->has_ended)
        e = err_set(ERR_SYNTAX, "the server answered before it had the file");
    return e;
}

/* What the system has taken and not sent yet could make the upload whole after we gave it up. */
static void
drop_unsent(const struct upload *u)
{
    static const struct linger drop_all = {.l_onoff = 1, .l_linger = 0};
    int fd = connected_socket(u);

    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &drop_all, sizeof(drop_all));
}

enum err
net_upload(struct net *n, const struct net_upload *what, struct net_reply *ret_reply)
{
    struct upload *u = calloc(1, sizeof(*u));
    curl_mime *form = NULL;
    enum err e;

    if (u == NULL)
        return err_set(ERR_NOMEM, "no memory for an upload");
    u->what = what;
    net_reply_init(&u->reply);
    e = transfer_init(&u->t, n, "/upload/");
    u->t.on_body = answer_body;
    u->socket = -1;
    if (e == ERR_OK) {
        /* A form cannot be sent again when a kept connection turns out to be stale. */
        (void)curl_easy_setopt(u->t.easy, CURLOPT_FRESH_CONNECT, 1L);
        (void)curl_easy_setopt(u->t.easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
        (void)curl_easy_setopt(u->t.easy, CURLOPT_OPENSOCKETDATA, u);
    }
    if (e == ERR_OK)
        e = transfer_bearer(&u->t, what->bearer);
    if (e == ERR_OK) {
        form = curl_mime_init(u->t.easy);
        e = make_form(u, form);
    }
    if (e == ERR_OK && what->len == 0) /* libcurl asks for no byte of it */
        e = expect_end(u);
    if (e == ERR_OK)
        e = transfer_start(&u->t);
    if (e == ERR_OK)
        e = run(u);
    if (e == ERR_OK) {
        net_reply_done(ret_reply);
        *ret_reply = u->reply;
        net_reply_init(&u->reply);
    } else {
        drop_unsent(u);
    }
    transfer_done(&u->t);
    curl_mime_free(form);
    net_reply_done(&u->reply);
    if (u->held != NULL)
        mem_wipe(u->held, u->held_len);
    free(u->held);
    mem_wipe(u->late, sizeof(u->late));
    free(u);
    return e;
}
