/* SPDX-License-Identifier: Apache-2.0 */
/* What the sender gets: JSON, one line for a command line, or a page. */
#include "api/api_int.h"
#include "base/clock.h"
#include "base/enc.h"
#include "http/field.h"

struct links {
    struct buf download, preview, share;
};

static void
links_done(struct links *l)
{
    buf_done(&l->download);
    buf_done(&l->preview);
    buf_done(&l->share);
}

static enum err
links_make(const struct upload_view *view, struct links *l)
{
    const struct share_code *code = &view->receipt->code;
    enum err e;

    buf_init(&l->download, 1024);
    buf_init(&l->preview, 1024);
    buf_init(&l->share, 1024);
    e = link_to(view->app, view->req, "/download/", code, &l->download);
    if (e == ERR_OK)
        e = link_to(view->app, view->req, "/preview/", code, &l->preview);
    if (e == ERR_OK && !is_end_to_end(code)) /* else it is made of words that we do not have */
        e = link_to(view->app, view->req, "/#", code, &l->share);
    return e;
}

static enum err
receipt_json(const struct vault_receipt *r, const struct links *l, struct http_resp *resp)
{
    bool is_e2e = is_end_to_end(&r->code);
    char sha256[HEX_LEN(SHA256_LEN) + 1];

    hex_encode(r->meta.sha256, SHA256_LEN, sha256);
    return reply_json(
        resp, 201,
        json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:o, s:o, s:i, s:s, s:I, s:s, s:s, s:s}", "key",
                  r->code.text, "download_url", buf_text(&l->download), "preview_url",
                  buf_text(&l->preview), "share_url", is_e2e ? NULL : buf_text(&l->share),
                  "encryption", is_e2e ? "age" : NULL, "expiry", json_time(r->expires_at_s),
                  "created_at", json_time(r->created_at_s), "uses", (int)r->uses, "filename",
                  r->meta.name, "size", (json_int_t)r->meta.size_bytes, "mime_type", r->meta.type,
                  "sha256", sha256, "burn_token", r->burn_token));
}

/* One line for `curl -T`; what a script may want beside it is in headers. */
static enum err
receipt_line(const struct vault_receipt *r, const struct links *l, struct http_resp *resp)
{
    char sha256[HEX_LEN(SHA256_LEN) + 1], expiry[CLOCK_TEXT_LEN];
    struct buf line;
    enum err e;

    hex_encode(r->meta.sha256, SHA256_LEN, sha256);
    clock_text(r->expires_at_s, expiry);
    buf_init(&line, 1024);
    e = buf_addf(&line, "%s\n", buf_text(&l->download));
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "X-SHA256", sha256);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "X-Expires-At", expiry);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "X-Burn-Token", r->burn_token);
    if (e == ERR_OK) {
        http_resp_set_status(resp, 201);
        http_resp_set_body(resp, "text/plain; charset=utf-8", &line);
    }
    buf_done(&line);
    return e;
}

static enum err
receipt_page(const struct vault_receipt *r, const struct links *l, struct http_resp *resp)
{
    char sha256[HEX_LEN(SHA256_LEN) + 1], expiry[CLOCK_TEXT_LEN];
    struct buf body;
    enum err e;

    hex_encode(r->meta.sha256, SHA256_LEN, sha256);
    clock_text(r->expires_at_s, expiry);
    buf_init(&body, 16 * 1024);
    if (is_end_to_end(&r->code))
        e = buf_addf(&body, "%s<p>It is here: <code>", page_e2e);
    else
        e = buf_addf(&body, "<p class=\"code\">%s</p>\n<p>Hand on this link: <code>", r->code.text);
    if (e == ERR_OK)
        e = html_add(&body, buf_text(&l->download));
    if (e == ERR_OK)
        e = buf_add_text(&body, "</code></p>\n<dl class=\"meta-list\">\n<dt>File</dt><dd>");
    if (e == ERR_OK)
        e = html_add(&body, r->meta.name);
    if (e == ERR_OK)
        e = buf_addf(&body,
                     "</dd>\n<dt>Size</dt><dd>%llu bytes</dd>\n<dt>Downloads</dt><dd>%u</dd>\n"
                     "<dt>Until</dt><dd>%s</dd>\n<dt>SHA-256</dt><dd><code>%s</code></dd>\n"
                     "<dt>Burn token, to destroy it early</dt><dd><code>%s</code></dd>\n</dl>\n"
                     "<p><a href=\"/status/%s\">Status</a> <a href=\"/\">Another file</a></p>\n",
                     (unsigned long long)r->meta.size_bytes, r->uses, expiry, sha256, r->burn_token,
                     r->code.text);
    if (e == ERR_OK)
        e = reply_page(resp, 201, "Your file is ready", &body);
    buf_done(&body);
    return e;
}

enum err
reply_receipt(const struct upload_view *view, struct http_resp *resp)
{
    const char *accept = http_req_header(view->req, "Accept");
    struct links l;
    enum err e = links_make(view, &l);

    if (e == ERR_OK && field_prefers_html(accept))
        e = receipt_page(view->receipt, &l, resp);
    else if (e == ERR_OK && view->is_raw && !field_names_json(accept))
        e = receipt_line(view->receipt, &l, resp);
    else if (e == ERR_OK)
        e = receipt_json(view->receipt, &l, resp);
    links_done(&l);
    return e;
}
