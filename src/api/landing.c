/* SPDX-License-Identifier: Apache-2.0 */
/* Link previews must not burn a link: what only looks gets a page with a button. */
#include "api/api_int.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/field.h"

#include <string.h>

/* Pieces of the User-Agent of programs that fetch links unasked (their makers' documentation). */
static const char *const bots[] = {
    "slackbot",
    "slack-imgproxy",
    "twitterbot",
    "facebookexternalhit",
    "facebot",
    "whatsapp",
    "telegrambot",
    "discordbot",
    "linkedinbot",
    "skypeuripreview",
    "microsoftpreview",
    "msteams",
    "googlebot",
    "google-pagerenderer",
    "google-read-aloud",
    "bingbot",
    "bingpreview",
    "applebot",
    "yandexbot",
    "baiduspider",
    "duckduckbot",
    "petalbot",
    "redditbot",
    "pinterest",
    "vkshare",
    "embedly",
    "iframely",
    "mattermost",
    "rocket.chat",
    "matrix-media-repo",
    "synapse",
    "viber",
    "line-poker",
    "kakaotalk-scrap",
    "snap url preview",
    "signal",
    "tumblr",
    "bitlybot",
    "mastodon",
    "pleroma",
    "misskey",
    "cardyb",
    "bluesky",
    "zoombot",
    "webexteams",
    "chatwork",
    "nuzzel",
    "outbrain",
    "quora link preview",
    "w3c_validator",
    "ia_archiver",
    "ahrefsbot",
    "semrushbot",
    "mj12bot",
    "dataminr",
    "barracuda",
    "proofpoint",
    "safelinks",
    "urldefense",
    "cloudflare-alwaysonline",
};

/* Whether `text` holds `piece` (lower case), in any case. */
static bool
holds(const char *text, const char *piece)
{
    size_t len = strlen(piece);

    for (; strlen(text) >= len; text++) {
        if (text_same_n(text, piece, len))
            return true;
    }
    return false;
}

static bool
is_bot(const char *agent)
{
    for (size_t i = 0; agent != NULL && i < ARRAY_LEN(bots); i++) {
        if (holds(agent, bots[i]))
            return true;
    }
    return false;
}

static bool
is_prefetch(const struct http_req *req)
{
    static const char *const names[] = {"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = http_req_header(req, names[i]);

        if (value != NULL &&
            (holds(value, "prefetch") || holds(value, "prerender") || holds(value, "preview")))
            return true;
    }
    return false;
}

bool
is_automatic(const struct http_req *req)
{
    return is_prefetch(req) || is_bot(http_req_header(req, "User-Agent"));
}

bool
is_onlooker(const struct http_req *req)
{
    const char *mode = http_req_header(req, "Sec-Fetch-Mode");

    return (mode != NULL && text_same(mode, "navigate")) || prefers_page(req) || is_automatic(req);
}

enum err
landing_page(struct app *app, const struct http_req *req, struct http_resp *resp,
             enum guard_action action, const struct share_code *code)
{
    struct share_state st;
    struct buf body;
    enum err e = vault_status(app->vault, code, &st);

    if (e == ERR_OK && st.phase == SHARE_UNKNOWN)
        return key_refuse(app, req, resp, action, code, ERR_NOTFOUND);
    if (e == ERR_OK && st.phase == SHARE_ENDED)
        return key_refuse(app, req, resp, action, code, ERR_GONE);
    if (e == ERR_OK)
        e = key_found(app, req);
    if (e != ERR_OK)
        return e;
    buf_init(&body, 4096);
    e = buf_addf(&body,
                 "<p>Somebody has sent you a file. It can be downloaded %u more time%s; "
                 "then it is destroyed.</p>\n%s"
                 "<form method=\"post\" action=\"/download/%s\"><button "
                 "class=\"button\">Download</button></form>\n",
                 st.uses_left, st.uses_left == 1 ? "" : "s", is_end_to_end(code) ? page_e2e : "",
                 code->text);
    if (e == ERR_OK)
        e = reply_page(resp, 200, "A file for you", &body);
    buf_done(&body);
    return e;
}
