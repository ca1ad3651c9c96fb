/* SPDX-License-Identifier: Apache-2.0 */
/* A download that goes on by itself. libcurl writes straight into the reader's memory while it
 * waits; what is more than it asked for goes to a buffer, and when that is full the server waits.
 */
#include "client/net_int.h"

#include "base/mem.h"
#include "client/interrupt.h"
#include "client/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHELF_LEN = 256 * 1024 };

struct net_download {
    struct source source; /* first: what is read from */
    struct transfer t;    /* the try that runs */
    struct net_head head; /* of the first answer with the file */
    struct net_file file, heard;
    struct net_reply refusal;
    char path[PATH_MAX_LEN];
    bool has_file, is_ended;
    bool has_range, is_bare;  /* this try asked for a range; the next must not */
    bool is_file;             /* the answer that comes has bytes of the file */
    enum err err;             /* how it ended: told at each read, */
    char why[256];            /* with its sentence */
    uint64_t got, got_before; /* bytes of the file: till now, and before this try */
    unsigned n_tries, n_vain, n_resumed;

    uint8_t *want; /* the reader's, while it waits */
    size_t want_cap, want_len;
    uint8_t *shelf;
    size_t shelf_at, shelf_len;
    bool is_paused;
};

/* ---- bytes ---- */

/* All of it, or none: libcurl keeps what we do not take. */
static size_t
file_body(struct net_download *d, const char *bytes, size_t len)
{
    size_t n = d->want_cap - d->want_len;

    if (len > d->file.size_bytes - d->got) {
        d->t.err = err_set(ERR_INTEGRITY, "the server sends more than the file has");
        return 0;
    }
    if (n > len)
        n = len;
    if (len - n > SHELF_LEN - d->shelf_at - d->shelf_len) {
        d->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (n > 0)
        memcpy(d->want + d->want_len, bytes, n);
    d->want_len += n;
    if (len > n)
        memcpy(d->shelf + d->shelf_at + d->shelf_len, bytes + n, len - n);
    d->shelf_len += len - n;
    d->got += len;
    return len;
}

static size_t
on_body(struct transfer *t, const char *bytes, size_t len)
{
    struct net_download *d = CONTAINER_OF(t, struct net_download, t);

    return d->is_file ? file_body(d, bytes, len) : reply_add(t, &d->refusal, bytes, len);
}

/* ---- headers ---- */

static enum err
another_file(void)
{
    return err_set(ERR_INTEGRITY, "the server goes on with another file than it began");
}

static enum err
first_answer(struct net_download *d, const struct net_head *h)
{
    uint64_t size = h->has_length && !h->has_coding ? h->length : UINT64_MAX;

    if (h->status == 206) {
        if (!h->has_range || h->first != 0 || h->last + 1 != h->total)
            return err_set(ERR_INTEGRITY, "the server sends another part than was asked for");
        size = h->total;
    }
    d->head = *h;
    d->file = d->heard;
    d->file.size_bytes = size;
    d->has_file = d->is_file = true;
    return ERR_OK;
}

static enum err
next_answer(struct net_download *d, const struct net_head *h)
{
    uint64_t size = h->status == 206 ? h->total : h->length;
    bool has_size = h->status == 206 || (h->has_length && !h->has_coding);

    if (strcmp(h->etag, d->head.etag) != 0)
        return another_file();
    if (h->status == 206 && (!h->has_range || h->first != d->got || h->last + 1 != h->total))
        return another_file();
    if (has_size && d->file.size_bytes != UINT64_MAX && size != d->file.size_bytes)
        return another_file();
    if (has_size)
        d->file.size_bytes = size;
    d->is_file = true;
    d->n_resumed++;
    return ERR_OK;
}

static enum err
on_head(struct transfer *t)
{
    struct net_download *d = CONTAINER_OF(t, struct net_download, t);
    const struct net_head *h = &t->head;
    bool is_all = h->status == 200 && d->got == 0; /* a proxy may know no ranges */

    if (h->status == 200 && !is_all) /* the whole file again, which would take another use */
        return err_set(ERR_UNAVAIL, "the server cannot go on where the connection broke off");
    if (!is_all && !(h->status == 206 && d->has_range))
        return ERR_OK; /* a refusal */
    return d->has_file ? next_answer(d, h) : first_answer(d, h);
}

/* ---- tries ---- */

static enum err
begin(struct net_download *d)
{
    struct net *n = d->t.net;
    char range[48];
    enum err e;

    transfer_done(&d->t);
    net_reply_done(&d->refusal);
    d->is_file = d->is_paused = false;
    d->got_before = d->got;
    d->has_range = d->n_tries > 0 && !d->is_bare;
    d->is_bare = false;
    d->n_tries++;
    e = transfer_init(&d->t, n, d->path);
    d->t.on_head = on_head;
    d->t.on_body = on_body;
    d->heard = (struct net_file){0};
    d->t.head.file = &d->heard;
    if (e == ERR_OK) /* libcurl would ask again by itself when an old connection had gone stale */
        (void)curl_easy_setopt(d->t.easy, CURLOPT_FRESH_CONNECT, 1L);
    if (e == ERR_OK && d->has_range) {
        (void)snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", d->got);
        e = transfer_header(&d->t, range);
    }
    return e == ERR_OK ? transfer_start(&d->t) : e;
}

static enum err
nap(const struct net_download *d)
{
    const struct net_limits *l = &d->t.net->limits;
    int64_t ms = l->pause_ms;

    for (unsigned i = 0; i < d->n_vain && ms < l->pause_max_ms; i++)
        ms *= 2;
    return interrupt_pause(ms < l->pause_max_ms ? ms : l->pause_max_ms);
}

/* Whether another try could end better. On the first one a server that is not there is told at
 * once, as it is most likely a wrong address. */
static bool
is_passing(const struct net_download *d)
{
    curl_off_t asked_us = 0;

    switch (d->t.result) {
    case CURLE_OK: /* in the middle of the header */
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
        break;
    default:
        return false;
    }
    (void)curl_easy_getinfo(d->t.easy, CURLINFO_PRETRANSFER_TIME_T, &asked_us);
    return d->n_tries > 1 || asked_us > 0;
}

/* The try ended without all: begin another, or end with `why`. */
static enum err
again(struct net_download *d, enum err why)
{
    enum err e;

    d->n_vain = d->got > d->got_before ? 0 : d->n_vain + 1;
    if (d->n_vain >= d->t.net->limits.tries)
        return why;
    e = nap(d);
    return e == ERR_OK ? begin(d) : e;
}

static bool
is_busy(unsigned status) /* what a proxy says of a server that restarts */
{
    return status == 502 || status == 503 || status == 504;
}

/* A refusal of the rest. */
static enum err
refused(struct net_download *d)
{
    const struct net_head *h = &d->t.head;

    if (h->status == 416 && h->has_range && h->total == d->got) {
        d->is_ended = true; /* nothing was left to send */
        return ERR_OK;
    }
    if (h->status == 416 && h->has_range)
        return another_file();
    return is_busy(h->status) ? again(d, reply_error(&d->refusal)) : reply_error(&d->refusal);
}

/* An answer without the file before there was one with it: told to who opened, but for an empty
 * file, of which there is no range. */
static enum err
not_opened(struct net_download *d)
{
    const struct net_head *h = &d->t.head;

    if (h->status == 416 && d->has_range && h->has_range && h->total == 0) {
        d->is_bare = true;
        return again(d, ERR_CLOSED);
    }
    d->is_ended = true;
    return ERR_OK;
}

/* What the end of a try means. */
static enum err
try_over(struct net_download *d)
{
    bool is_clean = d->t.err == ERR_OK && d->t.result == CURLE_OK;
    enum err e;

    if (d->t.err != ERR_OK)
        return d->t.err;
    if (d->is_file &&
        (d->got == d->file.size_bytes || (is_clean && d->file.size_bytes == UINT64_MAX))) {
        d->is_ended = true;
        return ERR_OK;
    }
    if (d->is_file && is_clean) /* a length shorter than the range */
        return again(d, err_set(ERR_CLOSED, "the connection broke off"));
    if (!d->is_file && d->t.head.is_whole) {
        e = transfer_reply(&d->t, &d->refusal);
        if (e != ERR_OK)
            return is_passing(d) ? again(d, e) : e;
        return d->has_file ? refused(d) : not_opened(d);
    }
    e = transfer_error(&d->t);
    return is_passing(d) ? again(d, e) : e;
}

/* One turn: an end is judged in a turn of its own, when what came before it was taken. But an error
 * of ours at once, while its sentence is there. */
static enum err
step(struct net_download *d)
{
    enum err e;

    if (d->t.is_over)
        return try_over(d);
    if (d->is_paused) {
        CURLcode rc;

        d->is_paused = false;
        rc = curl_easy_pause(d->t.easy, CURLPAUSE_CONT); /* gives what it kept */
        if (rc != CURLE_OK) {
            d->t.is_over = true;
            d->t.result = rc;
        }
    }
    e = d->t.is_over || d->want_len > 0 ? ERR_OK : transfer_step(&d->t);
    return e == ERR_OK ? d->t.err : e;
}

/* ---- the source ---- */

static enum err
download_read(struct source *s, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct net_download *d = CONTAINER_OF(s, struct net_download, source);
    size_t n = d->shelf_len < cap ? d->shelf_len : cap;

    if (n > 0) {
        memcpy(ret_bytes, d->shelf + d->shelf_at, n);
        d->shelf_at += n;
        d->shelf_len -= n;
        *ret_len = n;
        return ERR_OK;
    }
    d->shelf_at = 0;
    d->want = ret_bytes;
    d->want_cap = cap;
    d->want_len = 0;
    transfer_moved(&d->t); /* the time that the reader took is not the server's */
    while (d->err == ERR_OK && d->want_len == 0 && !d->is_ended) {
        d->err = step(d);
        if (d->err != ERR_OK)
            (void)snprintf(d->why, sizeof(d->why), "%s", err_sentence());
    }
    n = d->want_len;
    d->want = NULL;
    d->want_cap = d->want_len = 0;
    if (n == 0 && d->err != ERR_OK)
        return err_set(d->err, "%s", d->why);
    *ret_len = n;
    return ERR_OK;
}

static const struct source_ops download_ops = {download_read, NULL};

struct source *
net_download_source(struct net_download *d)
{
    return &d->source;
}

const struct net_file *
net_download_file(const struct net_download *d)
{
    return &d->file;
}

unsigned
net_download_n_resumed(const struct net_download *d)
{
    return d->n_resumed;
}

enum err
net_download_open(struct net *n, const char *key, struct net_download **ret_download,
                  struct net_reply *ret_reply)
{
    struct net_download *d = calloc(1, sizeof(*d));
    enum err e = ERR_OK;

    if (d != NULL)
        d->shelf = malloc(SHELF_LEN);
    if (d == NULL || d->shelf == NULL) {
        free(d);
        return err_set(ERR_NOMEM, "no memory for a download");
    }
    d->source.ops = &download_ops;
    d->t.net = n;
    net_reply_init(&d->refusal);
    if (strchr(key, '/') != NULL ||
        (size_t)snprintf(d->path, sizeof(d->path), "/download/%s", key) >= sizeof(d->path))
        e = err_set(ERR_FIELD, "this cannot be an address on the server");
    if (e == ERR_OK)
        e = begin(d);
    while (e == ERR_OK && !d->has_file && !d->is_ended)
        e = step(d);
    if (e == ERR_OK) {
        net_reply_done(ret_reply);
        ret_reply->status = 200;
    }
    if (e == ERR_OK && d->has_file) {
        *ret_download = d;
        return ERR_OK;
    }
    if (e == ERR_OK) {
        *ret_reply = d->refusal;
        net_reply_init(&d->refusal);
    }
    net_download_free(d);
    return e;
}

void
net_download_free(struct net_download *d)
{
    if (d == NULL)
        return;
    transfer_done(&d->t);
    net_reply_done(&d->refusal);
    mem_wipe(d->path, sizeof(d->path)); /* holds the code */
    mem_wipe(d->shelf, SHELF_LEN);
    free(d->shelf);
    free(d);
}
