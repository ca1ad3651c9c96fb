/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST /download/{key}: guard -> claim -> verify (on a worker when it takes longer) ->
 * stream -> settle. */
#include "api/api_int.h"
#include "base/enc.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/field.h"
#include "http/range.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { VERIFY_INLINE_MAX = 64 * 1024 }; /* a blob up to this is verified within about 100 us */

/* One download while it is prepared: freed when the reply is ready or was never made. */
struct preparation {
    struct app *app;
    struct vault_download *d; /* NULL once it was handed to a stream */
    struct range_spec range;
    char etag[VAULT_ETAG_LEN + 2];
};

/* One download while it is sent. */
struct sending {
    struct app *app;
    struct vault_download *d;
};

static void
preparation_free(void *ctx)
{
    struct preparation *p = ctx;

    if (p != NULL)
        vault_download_free(p->d); /* gives the use back unless it was settled */
    free(p);
}

/* The stream is over: settle, and let the sweeper destroy what has ended. */
static void
sent(void *ctx, uint64_t left, uint64_t acked)
{
    struct sending *s = ctx;
    bool ended = false;
    enum err e = vault_download_settle(s->d, left, acked, &ended);

    if (e != ERR_OK)
        log_err(LOG_ERROR, "settling a download", e);
    vault_download_free(s->d);
    if (ended)
        s->app->wake_sweeper(s->app->sweeper);
    free(s);
}

static enum err
add_disposition(struct http_resp *resp, const char *name)
{
    struct buf value;
    enum err e;

    buf_init(&value, 2048);
    e = field_disposition(name, &value);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "Content-Disposition", buf_text(&value));
    buf_done(&value);
    return e;
}

static enum err
add_headers(const struct preparation *p, struct http_resp *resp)
{
    const struct vault_meta *meta = vault_download_meta(p->d);
    const char *e2e_meta = vault_download_e2e_meta(p->d);
    char sha256[HEX_LEN(SHA256_LEN) + 1], uses[16];
    enum err e;

    hex_encode(meta->sha256, SHA256_LEN, sha256);
    (void)snprintf(uses, sizeof(uses), "%" PRIu32, vault_download_uses_left(p->d));
    e = add_disposition(resp, meta->name);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "X-SHA256", sha256);
    if (e == ERR_OK && e2e_meta[0] != '\0')
        e = http_resp_add_header(resp, "X-Mayfly-Meta", e2e_meta);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "X-Uses-Remaining", uses);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "Accept-Ranges", "bytes");
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "ETag", p->etag);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "Content-Security-Policy", "default-src 'none'; sandbox");
    if (e == ERR_OK) /* a proxy that recompresses would break the hash */
        e = http_resp_add_header(resp, "Cache-Control",
                                 "no-store, no-cache, must-revalidate, max-age=0, no-transform");
    return e;
}

static enum err
add_content_range(struct http_resp *resp, uint64_t from, uint64_t len, uint64_t size)
{
    char text[96];

    (void)snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from,
                   from + len - 1, size);
    http_resp_set_status(resp, 206);
    return http_resp_add_header(resp, "Content-Range", text);
}

/* An empty file has no byte that could leave: it is delivered with its header. */
static enum err
send_nothing(struct preparation *p, struct http_resp *resp)
{
    bool ended = false;
    enum err e = add_headers(p, resp);

    if (e == ERR_OK) /* as a header, which is copied: the download is freed before the reply goes */
        e = http_resp_add_header(resp, "Content-Type", vault_download_meta(p->d)->type);
    if (e == ERR_OK)
        e = vault_download_settle(p->d, 1, 0, &ended);
    if (e == ERR_OK && ended)
        p->app->wake_sweeper(p->app->sweeper);
    return e;
}

/* Stream from..from+len of the verified file. Hands the download over to the stream. */
static enum err
send_bytes(struct preparation *p, struct http_resp *resp, uint64_t from, uint64_t len)
{
    struct http_stream stream = {.len = len, .sent = sent};
    struct sending *s = NULL;
    enum err e;

    e = add_headers(p, resp);
    if (e == ERR_OK)
        e = vault_download_source(p->d, from, len, &stream.source);
    if (e != ERR_OK)
        return e;
    s = malloc(sizeof(*s));
    if (s == NULL) {
        source_free(stream.source);
        return err_set(ERR_NOMEM, "no memory for a stream");
    }
    *s = (struct sending){p->app, p->d};
    p->d = NULL;
    stream.ctx = s;
    stream.type = vault_download_meta(s->d)->type;
    stream.not_after_s = vault_download_expires_at_s(s->d);
    http_resp_set_stream(resp, &stream);
    return ERR_OK;
}

/* Verify, then make the reply. Runs on a worker unless the blob is small. */
static enum err
prepare(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    struct preparation *p = ctx;
    const struct vault_meta *meta = vault_download_meta(p->d);
    uint8_t actual[SHA256_LEN] = {0};
    struct refusal more = {.expected = meta->sha256, .actual = actual};
    uint64_t from = 0, len = meta->size_bytes;
    bool is_part = p->range.kind != RANGE_NONE;
    enum err e;

    e = vault_download_verify(p->d, actual);
    if (e == ERR_INTEGRITY)
        return api_refuse(req, resp, e, &more);
    if (e == ERR_OK && is_part)
        e = range_fit(&p->range, meta->size_bytes, &from, &len);
    if (e == ERR_OK && is_part)
        e = add_content_range(resp, from, len, meta->size_bytes);
    if (e != ERR_OK)
        return e;
    return len == 0 ? send_nothing(p, resp) : send_bytes(p, resp, from, len);
}

/* 416 with the size that the ranges must fit; takes nothing. */
static enum err
refuse_range(struct app *app, const struct http_req *req, struct http_resp *resp,
             const struct share_code *code)
{
    uint64_t size;
    char text[48];
    enum err e = vault_size(app->vault, code, &size);

    if (e != ERR_OK)
        return key_refuse(app, req, resp, GUARD_DOWNLOAD, code, e);
    (void)snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
    e = key_found(app, req);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "Content-Range", text);
    return e == ERR_OK ? api_refuse(req, resp, ERR_RANGE, NULL) : e;
}

/* What the Range and If-Range headers wish. ERR_RANGE: no range that there could be. */
static enum err
read_range(struct app *app, const struct http_req *req, const struct share_code *code,
           struct preparation *p)
{
    enum err e;

    p->etag[0] = '"';
    e = vault_etag(app->vault, code, p->etag + 1);
    if (e != ERR_OK)
        return e;
    p->etag[VAULT_ETAG_LEN] = '"';
    p->etag[VAULT_ETAG_LEN + 1] = '\0';
    if (!range_if(http_req_header(req, "If-Range"), p->etag))
        return ERR_OK;
    return range_parse(http_req_header(req, "Range"), &p->range);
}

static enum err
claim(struct app *app, const struct http_req *req, const struct share_code *code,
      struct preparation *p)
{
    struct vault_wish wish = {.code = code, .client = *http_req_client(req)};
    enum err e;

    e = read_range(app, req, code, p);
    if (e != ERR_OK)
        return e;
    wish.has_range = p->range.kind != RANGE_NONE;
    wish.is_suffix = p->range.kind == RANGE_SUFFIX;
    wish.from = wish.is_suffix ? p->range.last : p->range.first;
    return vault_open(app->vault, &wish, &p->d);
}

static enum err
download(struct app *app, const struct http_req *req, struct http_resp *resp,
         const struct share_code *code)
{
    struct preparation *p = calloc(1, sizeof(*p));
    enum err e;

    if (p == NULL)
        return err_set(ERR_NOMEM, "no memory for a download");
    p->app = app;
    e = claim(app, req, code, p);
    if (e == ERR_RANGE) {
        e = refuse_range(app, req, resp, code);
        goto out;
    }
    if (e != ERR_OK) {
        e = key_refuse(app, req, resp, GUARD_DOWNLOAD, code, e);
        goto out;
    }
    e = key_found(app, req);
    if (e != ERR_OK)
        goto out;
    if (vault_download_stored_bytes(p->d) > VERIFY_INLINE_MAX) {
        http_resp_defer(resp, prepare, p, preparation_free);
        return ERR_OK;
    }
    e = prepare(p, req, resp);
out:
    preparation_free(p);
    return e;
}

static enum err
admit_and(struct app *app, const struct http_req *req, struct http_resp *resp, bool only_looks)
{
    struct share_code code = {0};
    bool go = false;
    enum err e = key_admit(app, req, resp, GUARD_DOWNLOAD, &code, &go);

    if (e == ERR_OK && go)
        e = only_looks ? landing_page(app, req, resp, GUARD_DOWNLOAD, &code)
                       : download(app, req, resp, &code);
    share_code_wipe(&code);
    return e;
}

enum err
download_get(void *app, const struct http_req *req, struct http_resp *resp)
{
    return admit_and(app, req, resp, is_onlooker(req));
}

enum err
download_post(void *app, const struct http_req *req, struct http_resp *resp)
{
    return admit_and(app, req, resp, false);
}
