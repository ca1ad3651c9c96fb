/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_int.h"
#include "base/enc.h"

/* What only an end-to-end upload has. Jansson's setters take the new references, and fail for the
 * want of memory. */
static bool
add_e2e(json_t *json, const struct vault_preview *pv)
{
    return json_object_set_new(json, "encryption", json_string("age")) == 0 &&
           (pv->e2e_meta == NULL ||
            json_object_set_new(json, "meta", json_string(pv->e2e_meta)) == 0);
}

static enum err
preview_json(struct app *app, const struct http_req *req, struct http_resp *resp,
             const struct share_code *code, const struct vault_preview *pv)
{
    bool is_e2e = is_end_to_end(code);
    char sha256[HEX_LEN(SHA256_LEN) + 1];
    int64_t left_s = pv->expires_at_s - app->now_s();
    json_t *json = NULL;
    struct buf url;
    enum err e;

    buf_init(&url, 1024);
    hex_encode(pv->meta.sha256, SHA256_LEN, sha256);
    e = link_to(app, req, "/download/", code, &url);
    if (e == ERR_OK)
        json =
            json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:i, s:I, s:s, s:s, s:o}", "key", code->text,
                      "filename", pv->meta.name, "size", (json_int_t)pv->meta.size_bytes,
                      "mime_type", pv->meta.type, "expiry", json_time(pv->expires_at_s),
                      "created_at", json_time(pv->created_at_s), "uses", (int)pv->uses_left,
                      "minutes_left", (json_int_t)(left_s > 0 ? (left_s + 59) / 60 : 0), "sha256",
                      sha256, "download_url", buf_text(&url), "curl_example",
                      is_e2e ? json_sprintf("curl -fsS %s | age -d -o FILE", buf_text(&url))
                             : json_sprintf("curl -OJ %s", buf_text(&url)));
    if (json != NULL && is_e2e && !add_e2e(json, pv)) {
        json_decref(json);
        json = NULL;
    }
    if (e == ERR_OK)
        e = reply_json(resp, 200, json);
    buf_done(&url);
    return e;
}

static enum err
preview_page(struct http_resp *resp, const struct share_code *code, const struct vault_preview *pv)
{
    char sha256[HEX_LEN(SHA256_LEN) + 1];
    struct buf body;
    enum err e = ERR_OK;

    buf_init(&body, 8192);
    hex_encode(pv->meta.sha256, SHA256_LEN, sha256);
    if (is_end_to_end(code))
        e = buf_add_text(&body, page_e2e);
    if (e == ERR_OK)
        e = buf_add_text(&body, "<dl class=\"meta-list\">\n<dt>Name</dt><dd>");
    if (e == ERR_OK)
        e = html_add(&body, pv->meta.name);
    if (e == ERR_OK)
        e = buf_addf(&body, "</dd>\n<dt>Size</dt><dd>%llu bytes</dd>\n<dt>Type</dt><dd>",
                     (unsigned long long)pv->meta.size_bytes);
    if (e == ERR_OK)
        e = html_add(&body, pv->meta.type);
    if (e == ERR_OK)
        e = buf_addf(&body,
                     "</dd>\n<dt>SHA-256</dt><dd><code>%s</code></dd>\n"
                     "<dt>Downloads left</dt><dd>%u</dd>\n</dl>\n"
                     "<form method=\"post\" action=\"/download/%s\">"
                     "<button class=\"button\">Download</button></form>\n",
                     sha256, pv->uses_left, code->text);
    if (e == ERR_OK)
        e = reply_page(resp, 200, "A file for you", &body);
    buf_done(&body);
    return e;
}

/* GET /preview/{key}: name, size, type and hash, once per upload. */
enum err
preview_get(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    struct share_code code = {0};
    struct vault_preview pv;
    struct app *app = ctx;
    bool go = false;
    enum err e;

    e = key_admit(app, req, resp, GUARD_PREVIEW, &code, &go);
    if (e != ERR_OK || !go)
        goto out;
    if (is_automatic(req)) { /* the one preview is not for a chat program's robot */
        e = landing_page(app, req, resp, GUARD_PREVIEW, &code);
        goto out;
    }
    e = vault_preview(app->vault, &code, &pv);
    if (e != ERR_OK) {
        e = key_refuse(app, req, resp, GUARD_PREVIEW, &code, e);
        goto out;
    }
    e = key_found(app, req);
    if (e == ERR_OK)
        e = prefers_page(req) ? preview_page(resp, &code, &pv)
                              : preview_json(app, req, resp, &code, &pv);
    vault_preview_done(&pv);
out:
    share_code_wipe(&code);
    return e;
}
