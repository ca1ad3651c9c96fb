/* SPDX-License-Identifier: Apache-2.0 */
/* The one table from errors to replies. What happened inside goes to the log; what goes out is the
 * sentence of this table, or one that a handler wrote for the client's eyes. */
#include "api/api_int.h"
#include "base/clock.h"
#include "base/enc.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

/* error, status, error_code, sentence */
#define REPLIES(X)                                                                                 \
    X(ERR_NOMEM, 503, "OVERLOADED", "The server is short of memory. Please try again soon.")       \
    X(ERR_IO, 500, "INTERNAL_ERROR", "The server could not do this. It has been logged.")          \
    X(ERR_SYNTAX, 400, "BAD_REQUEST", "The request is malformed.")                                 \
    X(ERR_FIELD, 422, "INVALID_FIELD", "A field is missing or has a value that is not allowed.")   \
    X(ERR_NOTFOUND, 404, "NOT_FOUND", "There is nothing here. Check the code or the address.")     \
    X(ERR_GONE, 410, "GONE", "This file is gone.")                                                 \
    X(ERR_TAKEN, 410, "PREVIEW_TAKEN", "The preview of this file was already taken.")              \
    X(ERR_EXISTS, 409, "ID_IN_USE", "This id is in use, or was lately.")                           \
    X(ERR_DENIED, 401, "UNAUTHORIZED", "A valid token is needed for this.")                        \
    X(ERR_LIMITED, 429, "RATE_LIMITED", "Too many requests. Please try again later.")              \
    X(ERR_BLOCKED, 429, "BLOCKED", "Too many wrong codes. Please try again later.")                \
    X(ERR_TOOBIG, 413, "TOO_LARGE", "This is larger than the server accepts.")                     \
    X(ERR_NOLENGTH, 411, "LENGTH_REQUIRED", "The request has no body and no length.")              \
    X(ERR_TYPE, 415, "TYPE_NOT_ALLOWED", "Files of this type are not accepted here.")              \
    X(ERR_NOSPACE, 507, "INSUFFICIENT_STORAGE", "The server has no room for this file now.")       \
    X(ERR_RANGE, 416, "RANGE_NOT_SATISFIABLE", "The file has no such range of bytes.")             \
    X(ERR_INTEGRITY, 500, "INTEGRITY_CHECK_FAILED",                                                \
      "The stored file is not what was uploaded, so nothing was sent and no use was taken.")       \
    X(ERR_UNAVAIL, 503, "STORE_UNAVAILABLE", "The server cannot answer now. Please try again.")    \
    X(ERR_METHOD, 405, "METHOD_NOT_ALLOWED", "This address does not take this method.")            \
    X(ERR_UNSUPPORTED, 501, "NOT_IMPLEMENTED", "The server does not have this feature.")           \
    X(ERR_TIMEOUT, 408, "TIMEOUT", "The request took too long.")                                   \
    X(ERR_CLOSED, 400, "CLOSED", "The connection was closed.")

struct reply {
    unsigned status;
    const char *error_code, *sentence;
};

static const struct reply *
reply_of(enum err e)
{
#define ROW(err, status, code, sentence) [err] = {status, code, sentence},
    static const struct reply replies[ERR_N] = {REPLIES(ROW)};
#undef ROW

    return (unsigned)e < ERR_N && replies[e].status != 0 ? &replies[e] : &replies[ERR_IO];
}

/* The parts of a refusal that are not its sentence. Jansson's setters take the new references, and
 * report a failed one by -1: the reply is then just shorter. */
static void
add_details(json_t *json, const struct refusal *more)
{
    char expected[HEX_LEN(SHA256_LEN) + 1], actual[HEX_LEN(SHA256_LEN) + 1];

    if (more->gone != NULL) {
        (void)json_object_set_new(json, "ended_at", json_time(more->gone->ended_at_s));
        (void)json_object_set_new(json, "ended_by",
                                  json_string(ended_by_text(more->gone->ended_by)));
    }
    if (more->expected != NULL && more->actual != NULL) {
        hex_encode(more->expected, SHA256_LEN, expected);
        hex_encode(more->actual, SHA256_LEN, actual);
        (void)json_object_set_new(json, "integrity_report",
                                  json_pack("{s:s, s:s}", "expected", expected, "actual", actual));
    }
}

/* The heading of an error's page; its sentence tells more. */
static const char *
title_of(unsigned status)
{
    switch (status) {
    case 404:
        return "Nothing here";
    case 410:
        return "Gone";
    case 429:
        return "Not now";
    default:
        return status < 500 ? "That is not possible" : "That did not work";
    }
}

static enum err
error_page(struct http_resp *resp, const struct reply *r, const char *sentence,
           const struct refusal *more)
{
    char when[CLOCK_TEXT_LEN];
    struct buf body;
    enum err e;

    buf_init(&body, 4096);
    e = buf_add_text(&body, "<p>");
    if (e == ERR_OK)
        e = html_add(&body, sentence);
    if (e == ERR_OK && more->gone != NULL) {
        clock_text(more->gone->ended_at_s, when);
        e = buf_addf(&body, " It ended at %s, by %s.", when, ended_by_text(more->gone->ended_by));
    }
    if (e == ERR_OK && more->retry_s > 0)
        e = buf_addf(&body, " Try again in %" PRId64 " seconds.", more->retry_s);
    if (e == ERR_OK)
        e = buf_addf(&body, "</p>\n<p><small>%s</small></p>\n",
                     more->error_code != NULL ? more->error_code : r->error_code);
    if (e == ERR_OK)
        e = reply_page(resp, r->status, title_of(r->status), &body);
    buf_done(&body);
    return e;
}

static enum err
error_json(struct http_resp *resp, const struct reply *r, const char *sentence,
           const struct refusal *more)
{
    json_t *json = json_pack("{s:s, s:s}", "detail", sentence, "error_code",
                             more->error_code != NULL ? more->error_code : r->error_code);

    if (json != NULL)
        add_details(json, more);
    return reply_json(resp, r->status, json);
}

enum err
api_refuse(const struct http_req *req, struct http_resp *resp, enum err e,
           const struct refusal *more)
{
    static const struct refusal nothing = {0};
    const struct reply *r = reply_of(e);
    const char *sentence;
    char seconds[24];
    enum err sent = ERR_OK;

    if (more == NULL)
        more = &nothing;
    sentence = more->sentence != NULL ? more->sentence : r->sentence;
    if (r->status >= 500)
        log_err(LOG_ERROR, "answering a request", e);
    if (e == ERR_DENIED)
        sent = http_resp_add_header(resp, "WWW-Authenticate", "Bearer");
    if (sent == ERR_OK && more->retry_s > 0) {
        (void)snprintf(seconds, sizeof(seconds), "%" PRId64, more->retry_s);
        sent = http_resp_add_header(resp, "Retry-After", seconds);
    }
    if (sent == ERR_OK)
        sent = prefers_page(req) ? error_page(resp, r, sentence, more)
                                 : error_json(resp, r, sentence, more);
    if (sent != ERR_OK) /* no memory even for the refusal: its status must do */
        http_resp_set_status(resp, r->status);
    return ERR_OK;
}

void
api_fail(void *app, const struct http_req *req, enum err e, struct http_resp *resp)
{
    (void)app;
    (void)api_refuse(req, resp, e, NULL);
}
