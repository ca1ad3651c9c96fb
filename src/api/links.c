/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_int.h"
#include "base/text.h"
#include "http/field.h"

#include <string.h>

/* The first of a header's comma-separated values, when it fits; else NULL. */
static const char *
first_value(const char *header, char *text, size_t cap)
{
    size_t len = header == NULL ? 0 : strcspn(header, ",");

    while (len > 0 && (header[len - 1] == ' ' || header[len - 1] == '\t'))
        len--;
    if (len == 0 || len >= cap)
        return NULL;
    memcpy(text, header, len);
    text[len] = '\0';
    return text;
}

enum err
link_base(const struct app *app, const struct http_req *req, struct buf *ret)
{
    const char *scheme = http_req_is_tls(req) ? "https" : "http";
    const char *host = http_req_header(req, "Host"), *value;
    char proxy_host[256], proxy_scheme[16];

    if (app->public_url[0] != '\0')
        return buf_add_text(ret, app->public_url);
    if (trusted_has(&app->trusted, http_req_peer(req))) {
        value =
            first_value(http_req_header(req, "X-Forwarded-Host"), proxy_host, sizeof(proxy_host));
        if (value != NULL && field_is_authority(value))
            host = value;
        value = first_value(http_req_header(req, "X-Forwarded-Proto"), proxy_scheme,
                            sizeof(proxy_scheme));
        if (value != NULL && text_same(value, "https"))
            scheme = "https";
        else if (value != NULL && text_same(value, "http"))
            scheme = "http";
    }
    if (host == NULL || !field_is_authority(host))
        return ERR_OK; /* links are then paths */
    return buf_addf(ret, "%s://%s", scheme, host);
}

enum err
link_to(const struct app *app, const struct http_req *req, const char *path,
        const struct share_code *code, struct buf *ret)
{
    enum err e = link_base(app, req, ret);

    if (e == ERR_OK)
        e = buf_add_text(ret, path);
    if (e == ERR_OK)
        e = buf_add_text(ret, code->text);
    return e;
}
