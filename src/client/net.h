/* SPDX-License-Identifier: Apache-2.0 */
/* net: requests to one server. The only user of libcurl's transfers. Streams both ways in bounded
 * memory; a download that breaks off goes on by itself. Knows HTTP, never what is inside a file.
 * Belongs to one thread. No redirect is followed, no answer is longer than NET_BODY_MAX but a file.
 *
 * Of every call: ERR_UNAVAIL: no connection, or none that can be trusted (TLS); ERR_TIMEOUT: too
 * slow; ERR_CLOSED: broken off, or interrupted by a signal (interrupt.h); ERR_SYNTAX: the answer
 * is no HTTP, or too long; ERR_IO: the CA file cannot be used; ERR_FIELD: a path, key or token that
 * could not be sent as it is; ERR_NOMEM. The sentence can be shown: it holds nothing that the
 * server chose. */
#ifndef MAYFLY_CLIENT_NET_H
#define MAYFLY_CLIENT_NET_H

#include "base/buf.h"
#include "base/err.h"
#include "crypt/crypt.h"
#include "stream/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NET_BODY_MAX = 64 * 1024, NET_HEADER_MAX = 8192, NET_LATE_MAX = 4096 };

struct net;

/* Texts are copied. Where `ca_file` or `proxy` is NULL, what libcurl's users expect counts:
 * CURL_CA_BUNDLE, SSL_CERT_FILE, http_proxy, https_proxy, all_proxy, no_proxy. */
struct net_cfg {
    const char *server; /* as target.server */
    const char *ca_file;
    const char *proxy;
};

MUST_CHECK enum err net_new(const struct net_cfg *cfg, struct net **ret_net);
void net_free(struct net *n); /* NULL is a no-op */

/* ---- small requests ---- */

/* An answer as it came: nothing in it can be trusted or shown as it is. */
struct net_reply {
    unsigned status;
    int64_t retry_after_s; /* 0: not said */
    char location[512];    /* where a redirect points to; "" when not said, or longer */
    struct buf body;       /* up to NET_BODY_MAX, that of a refusal cut; wiped by net_reply_done */
};

void net_reply_init(struct net_reply *r); /* before any use; done is then always allowed */
void net_reply_done(struct net_reply *r);

/* `method` GET or POST (without a body) of `path`, such as "/status/KEY" (unreserved characters and
 * slashes only). `bearer` (NULL: none) is sent as Authorization. Any status is ERR_OK here. */
MUST_CHECK enum err net_call(struct net *n, const char *method, const char *path,
                             const struct secret *bearer, struct net_reply *ret_reply);

/* ---- upload: POST /upload/ as a form ---- */

struct net_field {
    const char *name, *value;
};

struct net_upload {
    const struct net_field *fields; /* sent before the file */
    size_t n_fields;
    const char *filename;  /* of the file's part */
    struct source *source; /* the file; borrowed, read to its end */
    uint64_t len;          /* its length; UINT64_MAX: not known, sent in chunks */
    const struct secret *bearer;

    /* A field behind the file whose value is known only when the file was read; NULL: none.
     * `late` is called once, when the source gave its end, and writes a text of `late_len`
     * characters and a NUL. When `len` is not known `late_len` may be SIZE_MAX: not known either,
     * up to NET_LATE_MAX. */
    const char *late_name;
    size_t late_len;
    enum err (*late)(void *ctx, char ret_value[NET_LATE_MAX + 1]);
    void *ctx;
};

/* Any status is ERR_OK. An error of the source (or of `late`) is given back as it is; ERR_IO: the
 * source ended before or after `len`. A server that refuses early is heard. */
MUST_CHECK enum err net_upload(struct net *n, const struct net_upload *u,
                               struct net_reply *ret_reply);

/* ---- download: GET /download/KEY ---- */

struct net_download;

/* What the header of the first answer said; untrusted texts, "" where there was none. */
struct net_file {
    uint64_t size_bytes; /* UINT64_MAX: not said */
    char disposition[NET_HEADER_MAX], meta[NET_HEADER_MAX];
    char type[256], sha256[128], uses_left[16];
};

/* Ask for the file and wait for its header. When `ret_reply->status` is not 200, that is the
 * server's refusal and there is no download (`*ret_download` stays NULL). A connection that breaks
 * before the header is tried again, as below. */
MUST_CHECK enum err net_download_open(struct net *n, const char *key,
                                      struct net_download **ret_download,
                                      struct net_reply *ret_reply);
const struct net_file *net_download_file(const struct net_download *d);

/* The file's bytes; borrowed from the download, not to be freed. When the connection breaks or
 * stalls, or a proxy says that the server is busy (502, 503, 504), it asks for the rest with Range,
 * which takes no second use while the lease lasts; it gives up after 8 tries in a row, with growing
 * pauses, that brought no byte. ERR_INTEGRITY: the rest is of another file (ETag, range or size
 * differ), or too long. ERR_UNAVAIL: the server begins again where the rest was asked for. Another
 * refusal of the rest: as reply_error tells it. */
struct source *net_download_source(struct net_download *d);
void net_download_free(struct net_download *d); /* NULL is a no-op; ends the transfer */

#endif
