/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler can ask of a request. */
#include "http/http_int.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const char *
http_req_method(const struct http_req *req)
{
    return req->method;
}

const char *
http_req_id(const struct http_req *req)
{
    return req->id;
}

const struct netaddr *
http_req_peer(const struct http_req *req)
{
    return &req->conn->peer;
}

const struct netaddr *
http_req_client(const struct http_req *req)
{
    return &req->client;
}

bool
http_req_is_tls(const struct http_req *req)
{
    return req->conn->is_tls;
}

uint64_t
http_req_body_len(const struct http_req *req)
{
    return req->body.has_body ? req->body.body_len : 0;
}

bool
http_req_has_body(const struct http_req *req)
{
    return req->has_length || req->body.is_chunked;
}

const char *
http_req_param(const struct http_req *req, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < req->match.n_params; i++) {
        if (strncmp(req->match.names[i], name, len) == 0 && req->match.names[i][len] == '}')
            return req->match.values[i];
    }
    return NULL;
}

static bool
is_named(const struct gate_field *f, const char *name, size_t name_len)
{
    return f->name_len == name_len && text_same_n(f->name, name, name_len);
}

/* The lines called `name` in one text without trailing blanks, kept with the request. */
static const char *
join(struct http_req *req, const char *name, size_t len)
{
    size_t name_len = strlen(name), at = 0;
    struct joined *j = malloc(sizeof(*j) + len);

    if (j == NULL)
        return NULL;
    for (size_t i = 0; i < req->n_fields; i++) {
        const struct gate_field *f = &req->fields[i];

        if (!is_named(f, name, name_len))
            continue;
        if (at > 0) {
            j->text[at++] = ',';
            j->text[at++] = ' ';
        }
        memcpy(j->text + at, f->value, f->value_len);
        at += f->value_len;
    }
    j->text[at] = '\0';
    j->name = name;
    j->next = req->joined;
    req->joined = j;
    return j->text;
}

const char *
http_req_header(const struct http_req *req, const char *name)
{
    size_t name_len = strlen(name), n = 0, len = 0;
    const struct gate_field *only = NULL;

    for (size_t i = 0; i < req->n_fields; i++) {
        const struct gate_field *f = &req->fields[i];

        if (!is_named(f, name, name_len))
            continue;
        only = f;
        len += f->value_len + 2; /* ", ", or the NUL */
        n++;
    }
    if (n == 0)
        return NULL;
    if (n == 1 && only->value[only->value_len] == '\0')
        return only->value;
    for (const struct joined *j = req->joined; j != NULL; j = j->next) {
        if (text_same(j->name, name))
            return j->text;
    }
    /* Only the cache changes: to the caller the request stays as it was. */
    return join((struct http_req *)(uintptr_t)req, name, len);
}
