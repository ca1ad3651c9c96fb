/* SPDX-License-Identifier: Apache-2.0 */
/* api_int: what the handlers share. */
#ifndef MAYFLY_API_API_INT_H
#define MAYFLY_API_API_INT_H

#include "api/api.h"

#include <jansson.h>

/* ---- refusing (errors.c) ---- */

/* What a refusal tells beyond its error; zeros and NULLs are left out. */
struct refusal {
    const char *sentence;             /* instead of the table's; for the client's eyes */
    const char *error_code;           /* instead of the table's */
    int64_t retry_s;                  /* Retry-After */
    const struct share_state *gone;   /* ended_at, ended_by */
    const uint8_t *expected, *actual; /* SHA-256 each: integrity_report */
};

/* Write the reply of an error: its status, JSON or an HTML page as the client prefers. Always
 * ERR_OK, so that a handler can `return api_refuse(...)`. */
enum err api_refuse(const struct http_req *req, struct http_resp *resp, enum err e,
                    const struct refusal *more);

/* ---- replies (reply.c) ---- */

/* Send `json` (taken, also on failure) with `status`. */
MUST_CHECK enum err reply_json(struct http_resp *resp, unsigned status, json_t *json);

/* Send a page: `body` (borrowed HTML, already escaped) inside the common frame. */
MUST_CHECK enum err reply_page(struct http_resp *resp, unsigned status, const char *title,
                               const struct buf *body);

/* A paragraph of HTML: what a page says of an end-to-end file. */
extern const char page_e2e[];

/* Append text with & < > " ' escaped. */
MUST_CHECK enum err html_add(struct buf *b, const char *text);

/* Whether the client prefers a page to JSON. */
bool prefers_page(const struct http_req *req);

/* A time as JSON: RFC 3339 UTC. */
json_t *json_time(int64_t at_s);

/* "uses", "expiry" or "revoked". */
const char *ended_by_text(enum ended_by how);

/* Answer with `resp`'s headers and no body when the client already has `etag`; else ret_is_known is
 * false, and the body is still to be set. Adds the ETag either way. */
MUST_CHECK enum err reply_etag(const struct http_req *req, struct http_resp *resp, const char *etag,
                               bool *ret_is_known);

/* ---- links (links.c) ---- */

/* Append the address that links begin with, such as "https://drop.example": PUBLIC_URL, else the
 * Host of the request (a trusted proxy's X-Forwarded-Host and -Proto count), else nothing. */
MUST_CHECK enum err link_base(const struct app *app, const struct http_req *req, struct buf *ret);

/* A link as text: base, then `path`, then the code. The caller wipes with buf_done. */
MUST_CHECK enum err link_to(const struct app *app, const struct http_req *req, const char *path,
                            const struct share_code *code, struct buf *ret);

/* ---- look-ups of a code (key.c) ---- */

/* Whether it is the id of an end-to-end upload: the server then knows no words and no content. */
bool is_end_to_end(const struct share_code *code);

/* Read the {key} of the path, a code or an id, and ask the guard. When the request must not go on,
 * the refusal is already written to `resp` and `ret_go` is false. The caller wipes `ret_code`. */
MUST_CHECK enum err key_admit(struct app *app, const struct http_req *req, struct http_resp *resp,
                              enum guard_action action, struct share_code *ret_code, bool *ret_go);

/* The same with the code in `text`. */
MUST_CHECK enum err key_admit_text(struct app *app, const struct http_req *req,
                                   struct http_resp *resp, enum guard_action action,
                                   const char *text, struct share_code *ret_code, bool *ret_go);

/* Tell the guard what the look-up gave, and refuse on its error: ERR_GONE with how and when. A
 * code that was never issued, and a wrong burn token, count as failures. */
MUST_CHECK enum err key_refuse(struct app *app, const struct http_req *req, struct http_resp *resp,
                               enum guard_action action, const struct share_code *code, enum err e);
MUST_CHECK enum err key_found(struct app *app, const struct http_req *req);

/* ---- the handlers ---- */

extern const struct http_intake upload_intake;   /* POST /upload/ */
extern const struct http_intake put_intake;      /* PUT /{filename} */
extern const struct http_intake key_form_intake; /* POST /download/ */

enum err download_get(void *app, const struct http_req *req, struct http_resp *resp);
enum err download_post(void *app, const struct http_req *req, struct http_resp *resp);
enum err preview_get(void *app, const struct http_req *req, struct http_resp *resp);
enum err status_get(void *app, const struct http_req *req, struct http_resp *resp);
enum err burn_post(void *app, const struct http_req *req, struct http_resp *resp);
enum err health_get(void *app, const struct http_req *req, struct http_resp *resp);
enum err robots_get(void *app, const struct http_req *req, struct http_resp *resp);
enum err home_get(void *app, const struct http_req *req, struct http_resp *resp);
enum err docs_get(void *app, const struct http_req *req, struct http_resp *resp);
enum err openapi_get(void *app, const struct http_req *req, struct http_resp *resp);
enum err asset_get(void *app, const struct http_req *req, struct http_resp *resp);
enum err worker_get(void *app, const struct http_req *req, struct http_resp *resp);

/* Whether a GET comes from something that only looks: an address bar, a preview bot, a prefetch. */
bool is_onlooker(const struct http_req *req);  /* any of them */
bool is_automatic(const struct http_req *req); /* a bot or a prefetch */

/* The page with the button that downloads; takes nothing. A code that was never issued is a failure
 * of `action`, the one that the guard was asked for. */
MUST_CHECK enum err landing_page(struct app *app, const struct http_req *req,
                                 struct http_resp *resp, enum guard_action action,
                                 const struct share_code *code);

/* Write the reply of a finished upload, as the request wants it. */
struct upload_view {
    const struct app *app;
    const struct http_req *req;
    const struct vault_receipt *receipt;
    bool is_raw; /* PUT: one line of text unless JSON is named */
};
MUST_CHECK enum err reply_receipt(const struct upload_view *view, struct http_resp *resp);

#endif
