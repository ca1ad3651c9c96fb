/* SPDX-License-Identifier: Apache-2.0 */
/* page: the templates of the web page, filled. Private to api. */
#ifndef MAYFLY_API_PAGE_H
#define MAYFLY_API_PAGE_H

#include "api/api.h"
#include "web/web.h"

/* How many minutes a form offers at first. */
unsigned page_expiry_min(const struct app *app);

/* Append `template` with its slots filled. ERR_IO: one of them is unknown; ERR_NOMEM, ERR_TOOBIG.
 */
MUST_CHECK enum err page_fill(const struct app *app, const char *base_url,
                              const struct web_asset *template, struct buf *ret);

/* Send it, with its policy and a strong tag over what was filled in. */
MUST_CHECK enum err page_reply(const struct app *app, const struct http_req *req,
                               struct http_resp *resp, const struct web_asset *template);

#endif
