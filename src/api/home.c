/* SPDX-License-Identifier: Apache-2.0 */
/* The page of a server that was built without the web page, and robots.txt. */
#include "api/api_int.h"
#include "api/page.h"

#include <inttypes.h>

static enum err
form(const struct app *app, struct buf *b)
{
    unsigned expiry = page_expiry_min(app);
    enum err e;

    e = buf_addf(
        b,
        "<p>Send a file that dies: it can be downloaded a set number of times within a set "
        "number of minutes, then its key is destroyed and its bytes are overwritten.</p>\n"
        "<form method=\"post\" action=\"/upload/\" enctype=\"multipart/form-data\">\n"
        "<p><label>File, up to %" PRIu64 " bytes<br>"
        "<input type=\"file\" name=\"file\" required></label></p>\n"
        "<p><label>Minutes until it dies (1 to %u)<br><input type=\"number\" "
        "name=\"expiry\" min=\"1\" max=\"%u\" value=\"%u\" required></label></p>\n"
        "<p><label>Downloads (1 to %u)<br><input type=\"number\" name=\"uses\" min=\"1\" "
        "max=\"%u\" value=\"1\" required></label></p>\n",
        app->max_file_size, app->max_expiry_min, app->max_expiry_min, expiry, app->max_uses,
        app->max_uses);
    if (e == ERR_OK && app->upload_token != NULL)
        e = buf_add_text(b, "<p><label>Upload token<br><input type=\"password\" name=\"token\" "
                            "required></label></p>\n");
    if (e == ERR_OK)
        e = buf_add_text(b, "<p><button class=\"button\">Send</button></p>\n</form>\n"
                            "<h2>Have you got a code?</h2>\n"
                            "<form method=\"post\" action=\"/download/\" "
                            "enctype=\"multipart/form-data\">\n<p><label>The code<br>"
                            "<input name=\"key\" required autocapitalize=\"none\" "
                            "autocomplete=\"off\" spellcheck=\"false\"></label> "
                            "<button class=\"button\">Look</button></p>\n</form>\n");
    return e;
}

/* GET / */
enum err
home_get(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    const struct app *app = ctx;
    struct buf body;
    enum err e;

    if (web_page() != NULL)
        return page_reply(app, req, resp, web_page());
    buf_init(&body, 8192);
    e = form(app, &body);
    if (e == ERR_OK)
        e = buf_add_text(&body, "<h2>From a command line</h2>\n<pre><code>curl -T report.pdf ");
    if (e == ERR_OK) {
        struct buf base;

        buf_init(&base, 1024);
        e = link_base(app, req, &base);
        if (e == ERR_OK)
            e = html_add(&body, buf_text(&base));
        buf_done(&base);
    }
    if (e == ERR_OK)
        e = buf_add_text(&body, "/</code></pre>\n");
    if (e == ERR_OK)
        e = reply_page(resp, 200, "Send a file that dies", &body);
    buf_done(&body);
    return e;
}

/* GET /robots.txt */
enum err
robots_get(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    struct buf body;
    enum err e;

    (void)ctx;
    (void)req;
    buf_init(&body, 64);
    e = buf_add_text(&body, "User-agent: *\nDisallow: /\n");
    if (e == ERR_OK)
        http_resp_set_body(resp, "text/plain; charset=utf-8", &body);
    buf_done(&body);
    return e;
}
