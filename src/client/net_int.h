/* SPDX-License-Identifier: Apache-2.0 */
/* Private to net: one request and its answer on libcurl's multi interface. net.c has what all
 * requests need, upload.c and download.c the two that carry files. */
#ifndef MAYFLY_CLIENT_NET_INT_H
#define MAYFLY_CLIENT_NET_INT_H

#include "client/net.h"
#include "client/target.h"

#include <curl/curl.h>

/* Bytes of an answer's header, all of it; of an address; what libcurl moves at once. */
enum {
    HEAD_MAX = 64 * 1024,
    ETAG_LEN = 256,
    PATH_MAX_LEN = 256,
    PIECE_LEN = 256 * 1024,
};

/* How patient we are; tests have less time. */
struct net_limits {
    long connect_ms;
    int64_t stall_ms;               /* without a byte in either direction */
    int64_t pause_ms, pause_max_ms; /* before another try: the first, and where doubling ends */
    unsigned tries;                 /* in a row that bring no byte */
};

struct net {
    CURLM *multi; /* has the connections */
    char *server, *ca_file, *proxy;
    struct net_limits limits;
};

/* What the header of an answer said. `file` (NULL: not wanted) gets its texts. */
struct net_head {
    bool is_whole; /* to its end, and not of a 1xx */
    bool has_length, has_coding, has_range;
    unsigned status;
    size_t n_bytes;
    uint64_t length;
    uint64_t first, last, total; /* of Content-Range; first and last are 1 and 0 for a star */
    char etag[ETAG_LEN];
    struct net_file *file;
};

/* One request. `on_head` and `on_body` return an error, with a sentence, to end it. */
struct transfer {
    struct net *net;
    CURL *easy;
    struct curl_slist *headers;
    char url[SERVER_TEXT_LEN + PATH_MAX_LEN];
    struct net_head head;
    enum err (*on_head)(struct transfer *t);
    size_t (*on_body)(struct transfer *t, const char *bytes, size_t len); /* as CURL_WRITEFUNC */
    enum err err; /* of a callback: why it was ended */
    bool is_added, is_over, has_stalled;
    CURLcode result; /* when it is over */
    int64_t moved_at_ms;
    uint64_t n_moves;
    curl_off_t sent;
};

/* Ready to be started, unless it is an error; transfer_done is allowed either way. */
MUST_CHECK enum err transfer_init(struct transfer *t, struct net *n, const char *path);
MUST_CHECK enum err transfer_header(struct transfer *t, const char *line); /* wiped in the end */
MUST_CHECK enum err transfer_bearer(struct transfer *t, const struct secret *bearer);
MUST_CHECK enum err transfer_start(struct transfer *t);

/* Bytes came or went, or we were not waiting for any. */
void transfer_moved(struct transfer *t);

/* Move what can be moved, else wait a little. The error is one of ours, or an interrupt; what
 * happens to the transfer is in `is_over` and `result`. */
MUST_CHECK enum err transfer_step(struct transfer *t);

/* The error of a transfer that is over and did not end well. */
enum err transfer_error(const struct transfer *t);
void transfer_done(struct transfer *t);

/* Keep a piece of a small answer. As CURL_WRITEFUNC: another number than `len` ends it, and what
 * came stays. transfer_reply gives it the rest: ERR_OK when it is a whole answer, or a refusal that
 * was heard although the connection broke. */
size_t reply_add(struct transfer *t, struct net_reply *r, const char *bytes, size_t len);
MUST_CHECK enum err transfer_reply(struct transfer *t, struct net_reply *r);

/* How often it was continued; for tests. */
unsigned net_download_n_resumed(const struct net_download *d);

/* Read one line of a header. Lines that mean nothing here are passed over. */
void head_line(struct net_head *h, const char *line, size_t len);

#endif
