/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_int.h"
#include "http/field.h"

/* POST /burn/{key}: the sender ends the upload now. */
enum err
burn_post(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    const char *token = field_bearer(http_req_header(req, "Authorization"));
    struct share_code code = {0};
    struct app *app = ctx;
    bool go = false;
    enum err e;

    e = key_admit(app, req, resp, GUARD_BURN, &code, &go);
    if (e != ERR_OK || !go)
        goto out;
    e = vault_burn(app->vault, &code, token == NULL ? "" : token);
    if (e != ERR_OK) {
        e = key_refuse(app, req, resp, GUARD_BURN, &code, e);
        goto out;
    }
    app->wake_sweeper(app->sweeper);
    e = key_found(app, req);
    if (e == ERR_OK)
        e = reply_json(resp, 200,
                       json_pack("{s:s, s:s, s:o, s:s}", "key", code.text, "status", "burned",
                                 "ended_at", json_time(app->now_s()), "ended_by", "revoked"));
out:
    share_code_wipe(&code);
    return e;
}
