/* SPDX-License-Identifier: Apache-2.0 */
/* A method, a blank, a request target: each is either a route whose names hold the decoded
 * segments, or known under other methods, or unknown, or malformed; and each verdict is asked what
 * it implies. */
#include "http/path.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/", .also_head = true},
    {.method = "POST", .pattern = "/up/"},
    {.method = "PUT", .pattern = "/{name}"},
    {.method = "GET", .pattern = "/d/{key}"},
    {.method = "POST", .pattern = "/d/{key}"},
    {.method = "GET", .pattern = "/d/{a}/{b}"},
    {.method = "GET", .pattern = "/d/x/{b}", .also_head = true},
};

enum { N_ROUTES = sizeof(routes) / sizeof(routes[0]) };

static void
must(bool claim)
{
    if (!claim)
        abort();
}

/* A segment with every byte escaped, behind `at`. */
static char *
escape(char *at, const char *segment)
{
    *at++ = '/';
    for (const unsigned char *s = (const unsigned char *)segment; *s != '\0'; s++) {
        *at++ = '%';
        *at++ = "0123456789abcdef"[*s >> 4];
        *at++ = "0123456789ABCDEF"[*s & 15];
    }
    return at;
}

/* The route's pattern, filled with the values again, finds the same route and values. */
static void
check_found(const struct path_match *m, const char *method)
{
    static char target[8 + 2 * (3 * PATH_SEGMENT_MAX + 1)];
    struct path_match again;
    char *at = target;
    size_t n = 0;

    must(strcmp(m->route->method, method) == 0 ||
         (m->route->also_head && strcmp(method, "HEAD") == 0));
    for (const char *p = m->route->pattern; *p != '\0'; p += strcspn(p, "/")) {
        p++;
        if (*p == '{') {
            must(m->names[n] == p + 1);
            must(m->values[n][0] != '\0' && strchr(m->values[n], '/') == NULL);
            must(strlen(m->values[n]) <= PATH_SEGMENT_MAX);
            at = escape(at, m->values[n++]);
        } else {
            *at++ = '/';
            for (const char *s = p; *s != '\0' && *s != '/'; s++)
                *at++ = *s;
        }
    }
    must(n == m->n_params);
    *at = '\0';
    must(path_route(routes, N_ROUTES, method, target, &again) == ERR_OK);
    must(again.route == m->route && again.n_params == n);
    for (size_t i = 0; i < n; i++)
        must(strcmp(again.values[i], m->values[i]) == 0);
    path_match_done(&again);
}

/* A method that is said to be allowed finds the path, but for a route's own name alone, which has
 * no resource of its own. */
static void
check_allowed(const char *target, const char *allow)
{
    char method[16];

    must(allow[0] != '\0');
    while (*allow != '\0') {
        size_t n = strcspn(allow, ",");
        struct path_match m = {0};
        enum err e;

        must(n > 0 && n < sizeof(method));
        memcpy(method, allow, n);
        method[n] = '\0';
        allow += n;
        allow += strspn(allow, ", ");
        e = path_route(routes, N_ROUTES, method, target, &m);
        must(e == ERR_OK || e == ERR_NOTFOUND);
        path_match_done(&m);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct path_match m = {.allow = "untouched"};
    char *method = malloc(size + 1), *target;
    enum err e;

    if (method == NULL)
        return 0;
    memcpy(method, data, size);
    method[size] = '\0';
    target = strchr(method, ' ');
    if (target != NULL) {
        *target++ = '\0';
        e = path_route(routes, N_ROUTES, method, target, &m);
        if (e == ERR_OK)
            check_found(&m, method);
        else if (e == ERR_METHOD)
            check_allowed(target, m.allow);
        else
            must(strcmp(m.allow, "untouched") == 0 && m.n_params == 0);
        must(e == ERR_OK || e == ERR_METHOD || e == ERR_NOTFOUND || e == ERR_SYNTAX ||
             e == ERR_TOOBIG);
        path_match_done(&m);
    }
    free(method);
    return 0;
}
