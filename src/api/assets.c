/* SPDX-License-Identifier: Apache-2.0 */
/* The page's files, out of the program: compressed as the client likes it, cached by their tag. */
#include "api/api_int.h"
#include "http/field.h"
#include "web/web.h"

#include <stdio.h>
#include <string.h>

enum { TAG_LEN = 80, PATH_LEN = 256 };

/* Whoever asks for a name gets the same bytes for ever: it holds their hash. */
static const char for_ever[] = "public, max-age=31536000, immutable";
/* The names that stay while the bytes change: ask each time. */
static const char ask_first[] = "no-cache";

/* A strong tag is of one form alone: "hash-br". */
static void
tag_of(const struct web_asset *a, enum field_coding coding, char ret_tag[TAG_LEN])
{
    static const char *const suffixes[FIELD_N_CODINGS] = {"", "-gzip", "-br"};

    (void)snprintf(ret_tag, TAG_LEN, "%.*s%s\"", (int)strlen(a->etag) - 1, a->etag,
                   suffixes[coding]);
}

static enum err
send_form(struct http_resp *resp, const char *type, const struct web_bytes *bytes)
{
    struct buf body;
    enum err e;

    buf_init(&body, bytes->len);
    e = buf_add(&body, bytes->data, bytes->len);
    if (e == ERR_OK)
        http_resp_set_body(resp, type, &body);
    buf_done(&body);
    return e;
}

static enum err
send_asset(const struct http_req *req, struct http_resp *resp, const char *path,
           const char *cache_control)
{
    static const char *const names[FIELD_N_CODINGS] = {NULL, "gzip", "br"};
    const struct web_asset *a = web_find(path);
    enum field_coding coding;
    char tag[TAG_LEN];
    bool is_known = false;
    enum err e;

    if (a == NULL)
        return err_set(ERR_NOTFOUND, "no such asset");
    {
        const struct web_bytes *forms[FIELD_N_CODINGS] = {&a->plain, &a->gzip, &a->br};
        const bool has[FIELD_N_CODINGS] = {true, a->gzip.data != NULL, a->br.data != NULL};

        coding = field_accepts_coding(http_req_header(req, "Accept-Encoding"), has);
        tag_of(a, coding, tag);
        e = http_resp_add_header(resp, "Cache-Control", cache_control);
        if (e == ERR_OK)
            e = http_resp_add_header(resp, "Vary", "Accept-Encoding");
        if (e == ERR_OK)
            e = reply_etag(req, resp, tag, &is_known);
        if (e != ERR_OK || is_known)
            return e;
        if (names[coding] != NULL)
            e = http_resp_add_header(resp, "Content-Encoding", names[coding]);
        return e == ERR_OK ? send_form(resp, a->type, forms[coding]) : e;
    }
}

/* GET /assets/{name} */
enum err
asset_get(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    char path[PATH_LEN];
    int len = snprintf(path, sizeof(path), "/assets/%s", http_req_param(req, "name"));

    (void)ctx;
    if (len < 0 || len >= PATH_LEN)
        return err_set(ERR_NOTFOUND, "no asset has so long a name");
    return send_asset(req, resp, path, for_ever);
}

/* GET /stream/sw.js: the script that saves a stream to a file. It may fetch nothing itself. */
enum err
worker_get(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    (void)ctx;
    return send_asset(req, resp, "/stream/sw.js", ask_first);
}

/* GET /openapi.json */
enum err
openapi_get(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    (void)ctx;
    return send_asset(req, resp, "/openapi.json", ask_first);
}
