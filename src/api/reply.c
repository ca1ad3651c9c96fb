/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_int.h"
#include "base/clock.h"
#include "http/field.h"
#include "web/web.h"

enum { JSON_MAX = 64 * 1024, PAGE_MAX = 64 * 1024 };

const char page_e2e[] =
    "<p>The file is encrypted end to end. Whoever has its six words opens it with "
    "<code>mayfly</code> or <code>age -d</code>; this server does not know them.</p>\n";

static int
to_buf(const char *bytes, size_t len, void *ctx)
{
    return buf_add(ctx, bytes, len) == ERR_OK ? 0 : -1;
}

enum err
reply_json(struct http_resp *resp, unsigned status, json_t *json)
{
    struct buf body;
    int rc;

    if (json == NULL)
        return err_set(ERR_NOMEM, "no memory for a reply");
    buf_init(&body, JSON_MAX);
    rc = json_dump_callback(json, to_buf, &body, JSON_COMPACT);
    json_decref(json);
    if (rc != 0 || buf_add_text(&body, "\n") != ERR_OK) {
        buf_done(&body);
        return err_set(ERR_NOMEM, "no memory for a reply");
    }
    http_resp_set_status(resp, status);
    http_resp_set_body(resp, "application/json", &body);
    return ERR_OK;
}

enum err
html_add(struct buf *b, const char *text)
{
    enum err e = ERR_OK;

    for (; e == ERR_OK && *text != '\0'; text++) {
        switch (*text) {
        case '&':
            e = buf_add_text(b, "&amp;");
            break;
        case '<':
            e = buf_add_text(b, "&lt;");
            break;
        case '>':
            e = buf_add_text(b, "&gt;");
            break;
        case '"':
            e = buf_add_text(b, "&quot;");
            break;
        case '\'':
            e = buf_add_text(b, "&#39;");
            break;
        default:
            e = buf_add(b, text, 1);
        }
    }
    return e;
}

/* The look of the web page, when it is in this build; nothing else may be loaded. */
static enum err
add_look(struct buf *page, struct http_resp *resp)
{
    const struct web_asset *style = web_named("style.css"), *mark = web_named("mark.svg");
    bool has_look = style != NULL && mark != NULL;
    enum err e = ERR_OK;

    if (has_look)
        e = buf_addf(page,
                     "<link rel=\"icon\" href=\"%s\" type=\"image/svg+xml\">\n"
                     "<link rel=\"stylesheet\" href=\"%s\">\n",
                     mark->path, style->path);
    if (e == ERR_OK)
        e = buf_add_text(page, "</head>\n<body>\n<header class=\"top\"><a class=\"brand\" "
                               "href=\"/\">");
    if (e == ERR_OK && has_look)
        e = buf_addf(page, "<img src=\"%s\" alt=\"\" width=\"36\" height=\"36\">", mark->path);
    if (e == ERR_OK)
        e = buf_add_text(page, "<span>mayfly</span></a></header>\n");
    if (e != ERR_OK)
        return e;
    return http_resp_add_header(
        resp, "Content-Security-Policy",
        has_look ? "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
                   "base-uri 'none'; frame-ancestors 'none'"
                 : "default-src 'none'; form-action 'self'; base-uri 'none'; "
                   "frame-ancestors 'none'");
}

enum err
reply_page(struct http_resp *resp, unsigned status, const char *title, const struct buf *body)
{
    struct buf page;
    enum err e;

    buf_init(&page, PAGE_MAX);
    e = buf_addf(&page,
                 "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta name=\"color-scheme\" content=\"light dark\">\n"
                 "<meta name=\"robots\" content=\"noindex\">\n"
                 "<title>%s</title>\n",
                 title);
    if (e == ERR_OK)
        e = add_look(&page, resp);
    if (e == ERR_OK)
        e = buf_addf(&page, "<main>\n<h1>%s</h1>\n<div class=\"card stack\">\n", title);
    if (e == ERR_OK)
        e = buf_add(&page, body->data, body->len);
    if (e == ERR_OK)
        e = buf_add_text(&page, "</div>\n</main>\n</body>\n</html>\n");
    if (e == ERR_OK) {
        http_resp_set_status(resp, status);
        http_resp_set_body(resp, "text/html; charset=utf-8", &page);
    }
    buf_done(&page);
    return e;
}

enum err
reply_etag(const struct http_req *req, struct http_resp *resp, const char *etag, bool *ret_is_known)
{
    bool is_known = field_none_match(http_req_header(req, "If-None-Match"), etag);
    enum err e = http_resp_add_header(resp, "ETag", etag);

    if (e == ERR_OK && is_known)
        http_resp_set_status(resp, 304);
    if (e == ERR_OK)
        *ret_is_known = is_known;
    return e;
}

bool
prefers_page(const struct http_req *req)
{
    return field_prefers_html(http_req_header(req, "Accept"));
}

json_t *
json_time(int64_t at_s)
{
    char text[CLOCK_TEXT_LEN];

    clock_text(at_s, text);
    return json_string(text);
}

const char *
ended_by_text(enum ended_by how)
{
    switch (how) {
    case ENDED_USES:
        return "uses";
    case ENDED_EXPIRY:
        return "expiry";
    case ENDED_REVOKED:
        return "revoked";
    }
    return "unknown";
}
