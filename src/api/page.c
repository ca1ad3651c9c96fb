/* SPDX-License-Identifier: Apache-2.0 */
/* `/` and `/docs`: the templates of the web page, filled with what this server allows. */
#include "api/page.h"
#include "api/api_int.h"
#include "api/template.h"
#include "base/enc.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAGE_MAX = 1024 * 1024, NUMBER_LEN = 24, TAG_LEN = 96, EXPIRY_MIN = 10 };

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types mayfly";

static const char token_field[] =
    "<div class=\"field\"><label for=\"token\">Upload token</label>"
    "<input type=\"password\" id=\"token\" name=\"token\" autocomplete=\"off\" required></div>";

unsigned
page_expiry_min(const struct app *app)
{
    return app->max_expiry_min < EXPIRY_MIN ? app->max_expiry_min : EXPIRY_MIN;
}

enum err
page_fill(const struct app *app, const char *base_url, const struct web_asset *template,
          struct buf *ret)
{
    bool has_e2e = mime_is_allowed(&app->mime, "application/octet-stream");
    bool has_token = app->upload_token != NULL;
    char size[NUMBER_LEN], size_for_people[SIZE_TEXT_LEN], max_expiry[NUMBER_LEN];
    char expiry[NUMBER_LEN], uses[NUMBER_LEN], words[NUMBER_LEN];
    const struct slot slots[] = {
        {.name = "base_url", .value = base_url},
        {.name = "max_file_size", .value = size},
        {.name = "max_file_size_text", .value = size_for_people},
        {.name = "max_expiry", .value = max_expiry},
        {.name = "expiry", .value = expiry},
        {.name = "max_uses", .value = uses},
        {.name = "key_words", .value = words},
        {.name = "e2e", .value = has_e2e ? "on" : "off"},
        {.name = "token", .value = has_token ? "required" : "none"},
        {.name = "version", .value = MAYFLY_VERSION},
        {.name = "token_field", .value = has_token ? token_field : "", .is_html = true},
    };

    (void)snprintf(size, sizeof(size), "%" PRIu64, app->max_file_size);
    size_text(app->max_file_size, size_for_people);
    (void)snprintf(max_expiry, sizeof(max_expiry), "%u", app->max_expiry_min);
    (void)snprintf(expiry, sizeof(expiry), "%u", page_expiry_min(app));
    (void)snprintf(uses, sizeof(uses), "%u", app->max_uses);
    (void)snprintf(words, sizeof(words), "%u", app->code_words);
    return template_fill((const char *)template->plain.data, slots, ARRAY_LEN(slots), ret);
}

/* The template's tag, and a 64-bit FNV-1a of what was made of it: the values are no secrets, and
 * nobody gains by two pages of one tag. */
static void
tag_of(const struct web_asset *template, const struct buf *page, char ret_tag[TAG_LEN])
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < page->len; i++)
        hash = (hash ^ page->data[i]) * 0x100000001b3u;
    (void)snprintf(ret_tag, TAG_LEN, "%.*s-%016" PRIx64 "\"", (int)strlen(template->etag) - 1,
                   template->etag, hash);
}

enum err
page_reply(const struct app *app, const struct http_req *req, struct http_resp *resp,
           const struct web_asset *template)
{
    struct buf base, page;
    char tag[TAG_LEN];
    bool is_known = false;
    enum err e;

    buf_init(&base, 1024);
    buf_init(&page, PAGE_MAX);
    e = link_base(app, req, &base);
    if (e == ERR_OK)
        e = page_fill(app, buf_text(&base), template, &page);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "Content-Security-Policy", policy);
    if (e == ERR_OK) {
        tag_of(template, &page, tag);
        e = reply_etag(req, resp, tag, &is_known);
    }
    if (e == ERR_OK && !is_known)
        http_resp_set_body(resp, template->type, &page);
    buf_done(&base);
    buf_done(&page);
    return e;
}

/* GET /docs/ */
enum err
docs_get(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    const struct web_asset *template = web_docs();

    if (template == NULL)
        return err_set(ERR_NOTFOUND, "built without the web page");
    return page_reply(ctx, req, resp, template);
}
