/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api_int.h"

bool
is_end_to_end(const struct share_code *code)
{
    return code->n_words == 0;
}

enum err
key_admit_text(struct app *app, const struct http_req *req, struct http_resp *resp,
               enum guard_action action, const char *text, struct share_code *ret_code,
               bool *ret_go)
{
    struct refusal more = {0};
    uint64_t n_live;
    enum err e;

    *ret_go = false;
    /* No look-up and no failure counted: a typing error helps no attacker. */
    e = words_parse(app->words, app->code_words, text, ret_code);
    if (e == ERR_NOTFOUND)
        e = words_parse_id(text, ret_code);
    if (e != ERR_OK)
        return e;
    e = vault_n_live(app->vault, &n_live);
    if (e == ERR_OK)
        e = guard_ask(app->guard, action, http_req_client(req), n_live, app->now_s(),
                      &more.retry_s);
    if (e == ERR_BLOCKED)
        return api_refuse(req, resp, e, &more);
    *ret_go = e == ERR_OK;
    return e;
}

enum err
key_admit(struct app *app, const struct http_req *req, struct http_resp *resp,
          enum guard_action action, struct share_code *ret_code, bool *ret_go)
{
    return key_admit_text(app, req, resp, action, http_req_param(req, "key"), ret_code, ret_go);
}

enum err
key_found(struct app *app, const struct http_req *req)
{
    return guard_succeeded(app->guard, http_req_client(req), app->now_s());
}

enum err
key_refuse(struct app *app, const struct http_req *req, struct http_resp *resp,
           enum guard_action action, const struct share_code *code, enum err e)
{
    struct refusal more = {0};
    struct share_state state;
    enum err told = ERR_OK;

    if (e == ERR_NOTFOUND || e == ERR_DENIED)
        told = guard_failed(app->guard, action, http_req_client(req), app->now_s());
    else if (e == ERR_GONE || e == ERR_TAKEN)
        told = key_found(app, req);
    if (told == ERR_OK && e == ERR_GONE) {
        told = vault_status(app->vault, code, &state);
        if (told == ERR_OK && state.phase == SHARE_ENDED)
            more.gone = &state;
    }
    if (told != ERR_OK)
        return told;
    return api_refuse(req, resp, e, &more);
}
