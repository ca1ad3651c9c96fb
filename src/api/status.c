/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_int.h"

/* `code_text` NULL: the key was none, and is not repeated. */
static enum err
reply_status(struct http_resp *resp, const char *code_text, const struct share_state *st)
{
    static const char *const phases[] = {"unknown", "active", "burned"};
    const char *status = phases[st->phase];
    json_t *json;

    if (st->phase == SHARE_ENDED && st->ended_by == ENDED_EXPIRY)
        status = "expired";
    json = json_pack("{s:s?, s:s, s:i, s:b}", "key", code_text, "status", status, "remaining_uses",
                     st->phase == SHARE_ACTIVE ? (int)st->uses_left : 0, "is_accessible",
                     st->phase == SHARE_ACTIVE);
    if (json != NULL && st->phase != SHARE_UNKNOWN && st->expires_at_s != 0)
        (void)json_object_set_new(json, "expires_at", json_time(st->expires_at_s));
    if (json != NULL && st->phase == SHARE_ENDED) {
        (void)json_object_set_new(json, "ended_at", json_time(st->ended_at_s));
        (void)json_object_set_new(json, "ended_by", json_string(ended_by_text(st->ended_by)));
    }
    return reply_json(resp, 200, json);
}

/* GET /status/{key}: takes nothing, may be polled. */
enum err
status_get(void *ctx, const struct http_req *req, struct http_resp *resp)
{
    struct share_state st = {.phase = SHARE_UNKNOWN};
    struct share_code code = {0};
    struct app *app = ctx;
    bool go = false;
    enum err e;

    e = key_admit(app, req, resp, GUARD_STATUS, &code, &go);
    if (e == ERR_NOTFOUND) /* it cannot be a code */
        return reply_status(resp, NULL, &st);
    if (e == ERR_OK && go) {
        e = vault_status(app->vault, &code, &st);
        if (e == ERR_OK && st.phase == SHARE_UNKNOWN)
            e = guard_failed(app->guard, GUARD_STATUS, http_req_client(req), app->now_s());
        else if (e == ERR_OK)
            e = key_found(app, req);
        if (e == ERR_OK)
            e = reply_status(resp, code.text, &st);
    }
    share_code_wipe(&code);
    return e;
}
