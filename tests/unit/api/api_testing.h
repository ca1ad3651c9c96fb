/* SPDX-License-Identifier: Apache-2.0 */
/* api_testing: a request made by hand for the handlers, and a look at the reply they write. */
#ifndef MAYFLY_TESTS_UNIT_API_TESTING_H
#define MAYFLY_TESTS_UNIT_API_TESTING_H

#include "testing.h"

#include "api/api_int.h"
#include "http/http_int.h"

#include <stdlib.h>
#include <string.h>

enum { ASKED_FIELDS = 8 };

struct asked {
    struct http_req req;
    struct conn conn;
    struct gate_field fields[ASKED_FIELDS];
    struct http_resp resp;
};

/* An IPv4 address of the documentation's network. */
static inline struct netaddr
client_of(uint8_t last)
{
    return (struct netaddr){.family = NETADDR_V4, .bits = 32, .b = {192, 0, 2, last}};
}

/* A request as it is after the gate, without a header; `path` picks the route. Cannot be moved. */
static inline void
asked_init(struct asked *a, const char *method, const char *path)
{
    enum err e;

    *a = (struct asked){.conn = {.peer = client_of(1)}};
    a->req.conn = &a->conn;
    a->req.method = method;
    a->req.client = client_of(1);
    a->req.fields = a->fields;
    e = path_route(api_routes, api_n_routes, method, path, &a->req.match);
    assert_ok(e);
    resp_init(&a->resp);
}

static inline void
asked_header(struct asked *a, const char *name, const char *value)
{
    assert_true(a->req.n_fields < ASKED_FIELDS);
    a->fields[a->req.n_fields++] = (struct gate_field){name, value, strlen(name), strlen(value)};
}

/* Forget the reply, keep the request. */
static inline void
asked_again(struct asked *a)
{
    http_resp_reset(&a->resp);
}

static inline void
asked_done(struct asked *a)
{
    resp_done(&a->resp);
    path_match_done(&a->req.match);
}

/* The value of a header of the reply; NULL. */
static inline const char *
header_of(const struct asked *a, const char *name)
{
    for (size_t i = 0; i < a->resp.n_headers; i++) {
        if (strcmp(a->resp.headers[i].name, name) == 0)
            return (const char *)a->resp.values.data + a->resp.headers[i].value;
    }
    return NULL;
}

static inline const char *
body_of(struct asked *a)
{
    return buf_text(&a->resp.body);
}

/* The reply's body as JSON; the caller lets go of it. */
static inline json_t *
json_of(struct asked *a)
{
    json_t *json = json_loads(body_of(a), JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(json);
    return json;
}

static inline void
assert_json_text(const json_t *json, const char *key, const char *want)
{
    const char *got = json_string_value(json_object_get(json, key));

    assert_non_null(got);
    assert_string_equal(got, want);
}

/* Ask the handler of `route` ("/preview/") and `key` with one header (NULL: none): the status of
 * its reply. The caller ends `a`. */
static inline unsigned
ask_route(struct app *app, struct asked *a, const char *method, const char *route, const char *key,
          const char *name, const char *value)
{
    char path[160];
    enum err e;

    (void)snprintf(path, sizeof(path), "%s%s", route, key);
    asked_init(a, method, path);
    if (name != NULL)
        asked_header(a, name, value);
    e = a->req.match.route->handle(app, &a->req, &a->resp);
    if (e != ERR_OK)
        api_fail(app, &a->req, e, &a->resp);
    return a->resp.status;
}

#endif
