/* SPDX-License-Identifier: Apache-2.0 */
/* path: request targets and route patterns. Pure functions. */
#ifndef MAYFLY_HTTP_PATH_H
#define MAYFLY_HTTP_PATH_H

#include "base/err.h"
#include "http/http.h"

#include <stddef.h>

enum { PATH_PARAM_MAX = 2, PATH_SEGMENT_MAX = 4096, PATH_ALLOW_LEN = 64 };

struct path_match {
    const struct http_route *route;
    size_t n_params;
    const char *names[PATH_PARAM_MAX]; /* into the pattern, up to its '}' */
    char *values[PATH_PARAM_MAX];      /* decoded; owned, path_match_done frees */
    char allow[PATH_ALLOW_LEN];        /* for ERR_METHOD: "GET, POST" */
};

/* Find the route of `method` and `target` (raw path, its query ignored). Segments are decoded once
 * and compared with case; one slash at the end is optional, an empty segment matches nothing, nor
 * does `.` or `..`, encoded or not. Patterns have at most 8 segments and PATH_PARAM_MAX names.
 * ERR_NOTFOUND; ERR_METHOD: the path is known but not the method (`ret_match` holds only `allow`;
 * HEAD is listed with also_head); ERR_SYNTAX: not a path, a broken percent escape, or an encoded
 * NUL or slash in a segment; ERR_TOOBIG: a segment of more than PATH_SEGMENT_MAX bytes; ERR_NOMEM.
 * But for ERR_METHOD `ret_match` is untouched on failure. */
MUST_CHECK enum err path_route(const struct http_route *routes, size_t n_routes, const char *method,
                               const char *target, struct path_match *ret_match);

/* Wipe and free the values; may be called again, and on a match that is all zeros. */
void path_match_done(struct path_match *m);

#endif
