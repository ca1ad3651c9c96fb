/* SPDX-License-Identifier: Apache-2.0 */
/* A reply while it is being put together. */
#include "http/http_int.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

void
resp_init(struct http_resp *resp)
{
    *resp = (struct http_resp){.status = 200};
    buf_init(&resp->values, RESP_VALUES_MAX);
    buf_init(&resp->body, 0);
}

void
resp_end_work(struct http_resp *resp)
{
    void (*work_free)(void *ctx) = resp->work_free;

    resp->work = NULL;
    resp->work_free = NULL;
    if (work_free != NULL)
        work_free(resp->work_ctx);
}

static void
drop_stream(struct http_resp *resp)
{
    struct http_stream stream = resp->stream;

    if (!resp->has_stream)
        return;
    resp->has_stream = false;
    resp->stream = (struct http_stream){0};
    source_free(stream.source);
    if (stream.sent != NULL)
        stream.sent(stream.ctx, 0, 0);
}

void
resp_done(struct http_resp *resp)
{
    resp_end_work(resp);
    drop_stream(resp);
    buf_done(&resp->values);
    buf_done(&resp->body);
}

void
http_resp_reset(struct http_resp *resp)
{
    resp_done(resp);
    resp_init(resp);
}

void
http_resp_set_status(struct http_resp *resp, unsigned status)
{
    assert(status >= 200 && status <= 599);
    resp->status = status;
}

const char *
http_resp_header(const struct http_resp *resp, const char *name)
{
    for (size_t i = 0; i < resp->n_headers; i++) {
        if (text_same(resp->headers[i].name, name))
            return buf_text(&resp->values) + resp->headers[i].value;
    }
    return NULL;
}

bool
http_resp_has_header(const struct http_resp *resp, const char *name)
{
    return http_resp_header(resp, name) != NULL;
}

enum err
http_resp_add_header(struct http_resp *resp, const char *name, const char *value)
{
    size_t at = resp->values.len;
    enum err e;

    for (const char *p = value; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return err_set(ERR_SYNTAX, "a control character in a header's value");
    }
    if (resp->n_headers == RESP_HEADERS_MAX)
        return err_set(ERR_TOOBIG, "more than %d headers", RESP_HEADERS_MAX);
    e = buf_add(&resp->values, value, strlen(value) + 1);
    if (e != ERR_OK)
        return e;
    resp->headers[resp->n_headers++] = (struct resp_header){name, at};
    return ERR_OK;
}

void
http_resp_set_body(struct http_resp *resp, const char *type, struct buf *body)
{
    drop_stream(resp);
    buf_done(&resp->body);
    resp->type = type;
    resp->body = *body;
    buf_init(body, body->max);
}

void
http_resp_set_stream(struct http_resp *resp, const struct http_stream *stream)
{
    drop_stream(resp);
    buf_done(&resp->body);
    resp->type = stream->type;
    resp->stream = *stream;
    resp->has_stream = true;
}

void
http_resp_close(struct http_resp *resp)
{
    resp->close = true;
}

void
http_resp_defer(struct http_resp *resp, http_work_fn work, void *ctx, void (*work_free)(void *ctx))
{
    resp_end_work(resp);
    resp->work = work;
    resp->work_ctx = ctx;
    resp->work_free = work_free;
}
