/* SPDX-License-Identifier: Apache-2.0 */
/* POST /download/: a code typed into a form, for browsers without JavaScript. Leads to the page
 * with the button, and takes nothing itself. In a body the code is in no log of a proxy. */
#include "api/api_int.h"
#include "base/mem.h"
#include "http/multipart.h"

#include <stdlib.h>
#include <string.h>

enum { FORM_MAX = 8 * 1024, KEY_MAX = 512 };

struct key_form {
    struct app *app;
    struct multipart *form;
    struct buf key; /* a bearer secret */
    uint64_t n_body;
    bool is_key; /* the part that is read now */
    bool has_key;
};

static void
form_free(void *state)
{
    struct key_form *f = state;

    if (f == NULL)
        return;
    multipart_free(f->form);
    buf_done(&f->key);
    free(f);
}

static enum err
part_begin(void *ctx, const struct multipart_part *part)
{
    struct key_form *f = ctx;

    f->is_key = strcmp(part->name, "key") == 0;
    if (f->is_key && f->has_key)
        return err_set(ERR_FIELD, "more than one key in a form");
    f->has_key = f->has_key || f->is_key;
    return ERR_OK;
}

static enum err
part_data(void *ctx, const uint8_t *bytes, size_t len)
{
    struct key_form *f = ctx;

    return f->is_key ? buf_add(&f->key, bytes, len) : ERR_OK;
}

static enum err
part_end(void *ctx)
{
    ((struct key_form *)ctx)->is_key = false;
    return ERR_OK;
}

static enum err
form_begin(void *app, const struct http_req *req, struct http_resp *resp, void **ret_state)
{
    const char *type = http_req_header(req, "Content-Type");
    uint64_t len = http_req_body_len(req);
    struct key_form *f;
    enum err e;

    (void)resp;
    if (!http_req_has_body(req))
        return err_set(ERR_NOLENGTH, "a form without a body");
    if (len != UINT64_MAX && len > FORM_MAX)
        return err_set(ERR_TOOBIG, "a form for a code is larger than one can be");
    f = calloc(1, sizeof(*f));
    if (f == NULL)
        return err_set(ERR_NOMEM, "no memory for a form");
    f->app = app;
    buf_init(&f->key, KEY_MAX);
    e = multipart_new(type == NULL ? "" : type,
                      &(struct multipart_events){f, part_begin, part_data, part_end}, &f->form);
    if (e == ERR_OK)
        *ret_state = f;
    else
        form_free(f);
    return e;
}

static enum err
form_body(void *state, const uint8_t *bytes, size_t len)
{
    struct key_form *f = state;

    if (len > FORM_MAX - f->n_body)
        return err_set(ERR_TOOBIG, "a form for a code is larger than one can be");
    f->n_body += len;
    return multipart_push(f->form, bytes, len);
}

/* The code in what was typed: a whole link is as good. */
static const char *
code_in(const char *text)
{
    const char *at = text;

    for (const char *p = text; *p != '\0'; p++) {
        if ((*p == '/' || *p == '#') && p[1] != '\0')
            at = p + 1;
    }
    return at;
}

static enum err
form_finish(void *state, const struct http_req *req, struct http_resp *resp)
{
    struct key_form *f = state;
    struct share_code code = {0};
    const char *text;
    bool go = false;
    enum err e = multipart_finish(f->form);

    if (e != ERR_OK)
        return e;
    text = code_in(buf_text(&f->key));
    if (!f->has_key || strlen(buf_text(&f->key)) != f->key.len)
        return api_refuse(req, resp, ERR_FIELD,
                          &(struct refusal){.sentence = "The form has no field named key."});
    if (words_parse_any(CODE_WORDS_E2E, CODE_WORDS_E2E, text, &code) == ERR_OK) {
        e = api_refuse(req, resp, ERR_FIELD,
                       &(struct refusal){.error_code = "SECRET_WORDS",
                                         .sentence =
                                             "Six words are the secret of an end-to-end file and "
                                             "must not be sent to a server. Nothing was done with "
                                             "them. Open the link in a browser with JavaScript, or "
                                             "give the words to the program mayfly."});
        goto out;
    }
    e = key_admit_text(f->app, req, resp, GUARD_DOWNLOAD, text, &code, &go);
    if (e == ERR_OK && go)
        e = landing_page(f->app, req, resp, GUARD_DOWNLOAD, &code);
out:
    share_code_wipe(&code);
    return e;
}

const struct http_intake key_form_intake = {form_begin, form_body, form_finish, form_free};
