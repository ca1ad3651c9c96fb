/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include "api/api_int.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/field.h"

#include <string.h>

const struct http_route api_routes[] = {
    {.method = "POST", .pattern = "/upload", .intake = &upload_intake},
    {.method = "PUT", .pattern = "/{filename}", .intake = &put_intake},
    {.method = "GET", .pattern = "/download/{key}", .handle = download_get},
    {.method = "POST", .pattern = "/download/{key}", .handle = download_post},
    {.method = "GET", .pattern = "/preview/{key}", .handle = preview_get},
    {.method = "GET", .pattern = "/status/{key}", .handle = status_get},
    {.method = "POST", .pattern = "/burn/{key}", .handle = burn_post},
    {.method = "GET", .pattern = "/health", .handle = health_get, .also_head = true},
    {.method = "GET", .pattern = "/robots.txt", .handle = robots_get, .also_head = true},
    {.method = "GET", .pattern = "/", .handle = home_get, .also_head = true},
    {.method = "POST", .pattern = "/download", .intake = &key_form_intake},
    {.method = "GET", .pattern = "/docs", .handle = docs_get, .also_head = true},
    {.method = "GET", .pattern = "/openapi.json", .handle = openapi_get, .also_head = true},
    {.method = "GET", .pattern = "/assets/{name}", .handle = asset_get, .also_head = true},
    {.method = "GET", .pattern = "/stream/sw.js", .handle = worker_get, .also_head = true},
};
const size_t api_n_routes = ARRAY_LEN(api_routes);

struct line {
    const char *name, *value;
};

/* The headers of every reply (section 8 of the contract). A handler that set one keeps it. */
static const struct line always[] = {
    {"Cache-Control", "no-store, no-cache, must-revalidate, max-age=0"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"X-XSS-Protection", "1; mode=block"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), interest-cohort=()"},
};

/* The same in words that old caches know. */
static const struct line never_stored[] = {
    {"Pragma", "no-cache"},
    {"Expires", "0"},
};

static enum err
add_missing(struct http_resp *resp, const struct line *lines, size_t n)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        if (!http_resp_has_header(resp, lines[i].name))
            e = http_resp_add_header(resp, lines[i].name, lines[i].value);
    }
    return e;
}

/* Who may read replies from another origin; PUT is for command lines, not for foreign pages. */
static enum err
add_cors(const struct app *app, const struct http_req *req, struct http_resp *resp)
{
    const char *origin = http_req_header(req, "Origin"), *allow = NULL;
    bool is_any = strcmp(app->cors_origins, "*") == 0;
    enum err e = ERR_OK;

    if (is_any)
        allow = "*";
    else if (origin != NULL && field_list_has(app->cors_origins, origin))
        allow = origin;
    if (!is_any)
        e = http_resp_add_header(resp, "Vary", "Origin");
    if (e != ERR_OK || allow == NULL)
        return e;
    e = http_resp_add_header(resp, "Access-Control-Allow-Origin", allow);
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "Access-Control-Expose-Headers",
                                 "X-SHA256, Content-Disposition, X-Request-ID");
    if (e != ERR_OK || strcmp(http_req_method(req), "OPTIONS") != 0)
        return e;
    e = http_resp_add_header(resp, "Access-Control-Allow-Methods", "GET, POST");
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "Access-Control-Allow-Headers",
                                 "Content-Type, Accept, Authorization");
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "Access-Control-Max-Age", "600");
    return e;
}

void
api_decorate(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    const struct app *app = ctx;
    enum err e = http_resp_add_header(resp, "X-Request-ID", http_req_id(req));

    if (e == ERR_OK)
        e = add_missing(resp, always, ARRAY_LEN(always));
    if (e == ERR_OK && text_begins(http_resp_header(resp, "Cache-Control"), "no-store"))
        e = add_missing(resp, never_stored, ARRAY_LEN(never_stored));
    if (e == ERR_OK)
        e = http_resp_add_header(resp, "Cross-Origin-Resource-Policy",
                                 app->cors_origins[0] == '\0' ? "same-origin" : "cross-origin");
    if (e == ERR_OK && text_begins(app->public_url, "https://"))
        e = http_resp_add_header(resp, "Strict-Transport-Security", "max-age=63072000");
    if (e == ERR_OK)
        e = add_cors(app, req, resp);
    if (e != ERR_OK)
        log_err(LOG_ERROR, "adding the headers of every reply", e);
}

void
api_client(void *ctx, const struct http_req *req, struct netaddr *ret_client)
{
    const struct app *app = ctx;

    if (app->trusted.n == 0)
        *ret_client = *http_req_peer(req);
    else
        forwarded_client(&app->trusted, http_req_peer(req), http_req_header(req, "X-Forwarded-For"),
                         http_req_header(req, "Forwarded"), ret_client);
}

bool
api_is_exempt(void *ctx, const struct netaddr *peer)
{
    const struct app *app = ctx;

    return peer->family == NETADDR_UNIX || trusted_has(&app->trusted, peer);
}

void
api_done(void *ctx, const struct http_report *r)
{
    const struct app *app = ctx;
    struct netaddr net = r->client;
    char client[NETADDR_TEXT_LEN];

    if (!app->log_full_addresses)
        net = netaddr_cut(&net, net.family == NETADDR_V4 ? 24 : 48);
    netaddr_text(&net, client);
    {
        const struct log_field fields[] = {
            LOG_TEXT("request_id", r->request_id),
            LOG_TEXT("method", r->method),
            LOG_TEXT("route", r->route),
            LOG_INT("status", r->status),
            LOG_INT("duration_ms", r->duration_us / 1000),
            LOG_INT("bytes_in", r->bytes_in),
            LOG_INT("bytes_out", r->bytes_out),
            LOG_TEXT("client", client),
        };

        log_event(LOG_INFO, "request", fields, ARRAY_LEN(fields));
    }
}
