/* SPDX-License-Identifier: Apache-2.0 */
/* POST /upload/ and PUT /{filename}: refuse early what can be refused by its headers, stream the
 * file into the vault, and finish on a worker: type, allow-list, syncs, record, reply. */
#include "api/api_int.h"
#include "api/terms.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/field.h"
#include "http/multipart.h"
#include "policy/filename.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FORM_OVERHEAD = 64 * 1024, /* what a form may weigh beside its file */
    BLOB_OVERHEAD = 128,       /* of a blob over its file, at most */
};

enum part { PART_NONE, PART_FILE, PART_TERM, PART_OTHER };

struct upload {
    struct app *app;
    bool is_raw;
    struct multipart *form; /* NULL for a raw body */
    struct vault_put *put;
    uint64_t reserved_bytes;
    uint64_t n_body; /* bytes of the body so far */
    bool is_token_ok;
    enum part part;
    enum term term; /* of a PART_TERM */
    bool has_file;
    struct terms terms;
    char name[FILENAME_TEXT_LEN];
    uint8_t head[SNIFF_BYTES_MAX]; /* the file's first bytes, for its type */
    size_t head_len;
};

static void
upload_free(void *state)
{
    struct upload *u = state;

    if (u == NULL)
        return;
    multipart_free(u->form);
    vault_put_free(u->put);
    terms_done(&u->terms);
    if (u->reserved_bytes > 0)
        quota_release(u->app->quota, u->reserved_bytes);
    mem_wipe(u, sizeof(*u));
    free(u);
}

/* ---- the body ---- */

static enum err
file_bytes(struct upload *u, const uint8_t *bytes, size_t len)
{
    size_t room = sizeof(u->head) - u->head_len, n = len < room ? len : room;

    memcpy(u->head + u->head_len, bytes, n);
    u->head_len += n;
    return vault_put_write(u->put, bytes, len);
}

static enum err
file_begin(struct upload *u, const struct multipart_part *part)
{
    const char *name = part->filename == NULL ? "" : part->filename;

    if (u->has_file)
        return err_set(ERR_FIELD, "more than one file in a form");
    u->has_file = true;
    filename_clean(name, strlen(name), u->name);
    return ERR_OK;
}

static enum err
part_begin(void *ctx, const struct multipart_part *part)
{
    struct upload *u = ctx;

    if (strcmp(part->name, "file") == 0) {
        u->part = PART_FILE;
        return file_begin(u, part);
    }
    u->term = terms_find(part->name);
    u->part = u->term == TERM_N ? PART_OTHER : PART_TERM;
    return u->part == PART_TERM ? terms_begin(&u->terms, u->term) : ERR_OK;
}

static enum err
part_data(void *ctx, const uint8_t *bytes, size_t len)
{
    struct upload *u = ctx;

    if (u->part == PART_OTHER)
        return ERR_OK; /* unknown fields are read and dropped */
    if (u->part == PART_FILE)
        return file_bytes(u, bytes, len);
    return terms_add(&u->terms, u->term, bytes, len);
}

static enum err
part_end(void *ctx)
{
    ((struct upload *)ctx)->part = PART_NONE;
    return ERR_OK;
}

/* ---- before the body ---- */

static bool
is_upload_token(const struct app *app, const char *token)
{
    size_t len = app->upload_token_len;

    return strlen(token) == len && mem_equal(token, app->upload_token, len);
}

/* ERR_DENIED when a token is needed and this request cannot have it any more. A form may still
 * bring it as a field. */
static enum err
check_token(struct upload *u, const struct http_req *req)
{
    const char *bearer = field_bearer(http_req_header(req, "Authorization"));

    if (u->app->upload_token == NULL) {
        u->is_token_ok = true;
        return ERR_OK;
    }
    if (bearer != NULL)
        u->is_token_ok = is_upload_token(u->app, bearer);
    if (u->is_token_ok || (bearer == NULL && !u->is_raw))
        return ERR_OK;
    return err_set(ERR_DENIED, "a wrong or no upload token");
}

/* What a body may weigh. */
static uint64_t
body_max(const struct upload *u)
{
    return u->app->max_file_size + (u->is_raw ? 0 : FORM_OVERHEAD);
}

static enum err
check_length(const struct upload *u, const struct http_req *req)
{
    uint64_t len = http_req_body_len(req);

    if (!http_req_has_body(req))
        return u->is_raw ? err_set(ERR_NOLENGTH, "an upload without a length")
                         : err_set(ERR_NOLENGTH, "a form without a body");
    if (len != UINT64_MAX && len > body_max(u))
        return err_set(ERR_TOOBIG, "an upload is declared larger than MAX_FILE_SIZE");
    return ERR_OK;
}

/* Promise room for all that this body can become. */
static enum err
reserve(struct upload *u, const struct http_req *req)
{
    uint64_t len = http_req_body_len(req), max = u->app->max_file_size;
    uint64_t bytes = (len < max ? len : max) + BLOB_OVERHEAD;
    struct vault_stats st;
    struct quota_now now;
    enum err e = vault_stats(u->app->vault, &st);

    if (e != ERR_OK)
        return e;
    now = (struct quota_now){st.stored_bytes, st.disk_free_bytes, st.disk_total_bytes};
    e = quota_reserve(u->app->quota, &now, bytes);
    if (e == ERR_OK)
        u->reserved_bytes = bytes;
    return e;
}

static enum err
take_rate(struct app *app, const struct http_req *req, struct http_resp *resp, bool *ret_go)
{
    struct refusal more = {0};
    enum err e = rate_take(&app->upload_rate, &app->counters, "upload", http_req_client(req),
                           app->now_s(), &more.retry_s);

    if (e == ERR_LIMITED)
        return api_refuse(req, resp, e, &more);
    *ret_go = e == ERR_OK;
    return e;
}

static enum err
open_body(struct upload *u, const struct http_req *req)
{
    const struct multipart_events events = {u, part_begin, part_data, part_end};
    const char *type = http_req_header(req, "Content-Type");

    if (!u->is_raw)
        return multipart_new(type == NULL ? "" : type, &events, &u->form);
    u->has_file = true;
    filename_clean(http_req_param(req, "filename"), strlen(http_req_param(req, "filename")),
                   u->name);
    return ERR_OK;
}

static enum err
begin(struct app *app, const struct http_req *req, struct http_resp *resp, bool is_raw,
      struct upload **ret_upload)
{
    struct upload *u = calloc(1, sizeof(*u));
    char sentence[TERM_SENTENCE_LEN] = "";
    struct wish wish;
    enum err e;

    if (u == NULL)
        return err_set(ERR_NOMEM, "no memory for an upload");
    terms_init(&u->terms);
    u->app = app;
    u->is_raw = is_raw;
    e = check_token(u, req);
    if (e == ERR_OK)
        e = check_length(u, req);
    if (e == ERR_OK && is_raw)
        e = terms_header(&u->terms, TERM_EXPIRY, http_req_header(req, "X-Expiry"));
    if (e == ERR_OK && is_raw)
        e = terms_header(&u->terms, TERM_USES, http_req_header(req, "X-Uses"));
    if (e == ERR_OK) /* of a raw body: its headers tell all there is */
        e = terms_read(&u->terms, app, is_raw, &wish, sentence);
    if (e == ERR_OK)
        e = open_body(u, req);
    if (e == ERR_OK)
        e = reserve(u, req);
    if (e == ERR_OK)
        e = vault_put_new(app->vault, app->max_file_size, &u->put);
    if (e == ERR_OK) {
        *ret_upload = u;
        return ERR_OK;
    }
    upload_free(u);
    if (sentence[0] != '\0')
        return api_refuse(req, resp, e, &(struct refusal){.sentence = sentence});
    return e;
}

static enum err
begin_kind(void *ctx, const struct http_req *req, struct http_resp *resp, bool is_raw,
           void **ret_state)
{
    struct upload *u = NULL;
    bool go = false;
    enum err e = take_rate(ctx, req, resp, &go);

    if (e == ERR_OK && go)
        e = begin(ctx, req, resp, is_raw, &u);
    if (e == ERR_OK)
        *ret_state = u; /* NULL: refused, the reply is written */
    return e;
}

static enum err
upload_begin(void *ctx, const struct http_req *req, struct http_resp *resp, void **ret_state)
{
    return begin_kind(ctx, req, resp, false, ret_state);
}

static enum err
put_begin(void *ctx, const struct http_req *req, struct http_resp *resp, void **ret_state)
{
    return begin_kind(ctx, req, resp, true, ret_state);
}

static enum err
upload_body(void *state, const uint8_t *bytes, size_t len)
{
    struct upload *u = state;

    /* In chunks no length is told, and a field that is dropped would never come to its end. */
    if (len > body_max(u) - u->n_body)
        return err_set(ERR_TOOBIG, "a body is larger than an upload can be");
    u->n_body += len;
    return u->is_raw ? file_bytes(u, bytes, len) : multipart_push(u->form, bytes, len);
}

/* ---- after the body, on a worker ---- */

static enum err
refuse_field(const struct http_req *req, struct http_resp *resp, const char *sentence)
{
    return api_refuse(req, resp, ERR_FIELD, &(struct refusal){.sentence = sentence});
}

/* There is no reply, so nobody will ever have the code: end the upload again. */
static void
take_back(const struct upload *u, const struct vault_receipt *receipt)
{
    enum err e = vault_burn(u->app->vault, &receipt->code, receipt->burn_token);

    if (e != ERR_OK)
        log_err(LOG_WARN, "taking back an upload that could not be answered", e);
    u->app->wake_sweeper(u->app->sweeper);
}

/* Make it all durable, and reply. */
static enum err
commit_as(struct upload *u, const struct wish *wish, const char *type, const struct http_req *req,
          struct http_resp *resp)
{
    const struct vault_terms terms = {
        .name = u->name,
        .type = type,
        .ttl_s = (int64_t)wish->expiry_min * 60,
        .uses = wish->uses,
        .id = wish->is_e2e ? &wish->id : NULL,
        .e2e_meta = wish->e2e_meta,
    };
    struct vault_receipt receipt;
    enum err e = vault_put_commit(u->put, &terms, &receipt);

    if (e == ERR_SYNTAX && wish->is_e2e)
        return api_refuse(req, resp, ERR_FIELD,
                          &(struct refusal){.error_code = "NOT_AGE",
                                            .sentence = "The file is no age file that a passphrase "
                                                        "opens, though encryption=age says so."});
    if (e != ERR_OK)
        return e;
    u->app->wake_sweeper(u->app->sweeper); /* it may have to wake earlier now */
    e = reply_receipt(&(struct upload_view){u->app, req, &receipt, u->is_raw}, resp);
    if (e != ERR_OK)
        take_back(u, &receipt);
    vault_receipt_wipe(&receipt);
    return e;
}

/* Find out the type and judge it, then commit. */
static enum err
commit(void *state, const struct http_req *req, struct http_resp *resp)
{
    struct upload *u = state;
    char type[MIME_TEXT_LEN], sentence[TERM_SENTENCE_LEN];
    struct wish wish;
    enum err e;

    e = terms_read(&u->terms, u->app, u->is_raw, &wish, sentence);
    if (e != ERR_OK)
        return refuse_field(req, resp, sentence);
    if (wish.is_e2e) /* a short ciphertext looks like text by chance, about one in fifty */
        (void)snprintf(type, sizeof(type), "application/octet-stream");
    else
        sniff_type(u->app->sniff, u->head, u->head_len, type);
    if (!mime_is_allowed(&u->app->mime, type)) {
        (void)snprintf(sentence, sizeof(sentence), "Files of type %.64s are not accepted here.",
                       type);
        e = api_refuse(req, resp, ERR_TYPE, &(struct refusal){.sentence = sentence});
    } else {
        e = commit_as(u, &wish, type, req, resp);
    }
    share_code_wipe(&wish.id);
    return e;
}

/* The state outlives the work: `free` of the intake comes after it. */
static void
keep(void *state)
{
    (void)state;
}

static enum err
upload_finish(void *state, const struct http_req *req, struct http_resp *resp)
{
    struct upload *u = state;
    const struct term_value *token = &u->terms.values[TERM_TOKEN];
    enum err e = u->is_raw ? ERR_OK : multipart_finish(u->form);

    if (e != ERR_OK)
        return e;
    if (!u->is_token_ok && !(token->is_set && is_upload_token(u->app, buf_text(&token->text))))
        return err_set(ERR_DENIED, "a wrong or no upload token");
    if (!u->has_file)
        return refuse_field(req, resp, "The form has no field named file.");
    http_resp_defer(resp, commit, u, keep);
    return ERR_OK;
}

const struct http_intake upload_intake = {upload_begin, upload_body, upload_finish, upload_free};
const struct http_intake put_intake = {put_begin, upload_body, upload_finish, upload_free};
