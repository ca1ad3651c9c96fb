/* SPDX-License-Identifier: Apache-2.0 */
#include "http/path.h"

#include "base/mem.h"
#include "http/lex.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENTS_MAX = 8 }; /* more than any pattern has */

struct segment {
    const char *s; /* as it was sent */
    size_t len;
};

struct segments {
    struct segment seg[SEGMENTS_MAX];
    size_t n;
    bool is_odd; /* too deep, an empty segment, a dot segment: no route has such a path */
};

/* A pattern fits a path; `rank` has a bit for each literal segment, the first one highest, so that
 * of two patterns that fit the larger one is more literal, and equal ones are the same path. */
struct fit {
    bool fits, is_catch_all;
    unsigned rank;
};

/* ---- percent encoding, undone once ---- */

/* The next decoded byte at `*at`. The escapes were checked before. */
static char
next_byte(const char **at, const char *end)
{
    int c = lex_percent(*at, (size_t)(end - *at));
    char plain = **at;

    *at += c >= 0 ? 3 : 1;
    return c >= 0 ? (char)c : plain;
}

static bool
segment_is(const struct segment *seg, const char *text, size_t len)
{
    const char *at = seg->s, *end = seg->s + seg->len;

    for (size_t i = 0; i < len; i++) {
        if (at == end || next_byte(&at, end) != text[i])
            return false;
    }
    return at == end;
}

static enum err
decode(const struct segment *seg, char **ret_text)
{
    const char *at = seg->s, *end = seg->s + seg->len;
    char *text = malloc(seg->len + 1);
    size_t len = 0;

    if (text == NULL)
        return err_set(ERR_NOMEM, "no memory for a path segment");
    while (at < end)
        text[len++] = next_byte(&at, end);
    text[len] = '\0';
    *ret_text = text;
    return ERR_OK;
}

static enum err
check_segment(const struct segment *seg)
{
    size_t len = 0;

    for (size_t i = 0; i < seg->len; i++, len++) {
        int c;

        if (seg->s[i] != '%')
            continue;
        c = lex_percent(seg->s + i, seg->len - i);
        if (c < 0)
            return err_set(ERR_SYNTAX, "a broken percent escape in the path");
        if (c == '\0' || c == '/')
            return err_set(ERR_SYNTAX, "an encoded NUL or slash in the path");
        i += 2;
    }
    if (len > PATH_SEGMENT_MAX)
        return err_set(ERR_TOOBIG, "a path segment of more than %d bytes", PATH_SEGMENT_MAX);
    return ERR_OK;
}

static enum err
split(const char *target, struct segments *p)
{
    const char *s = target, *end = target + strcspn(target, "?");
    enum err e;

    if (*s != '/')
        return err_set(ERR_SYNTAX, "the request target is not a path");
    while (s < end) { /* at a slash */
        struct segment seg = {.s = s + 1};

        while (seg.s + seg.len < end && seg.s[seg.len] != '/')
            seg.len++;
        s = seg.s + seg.len;
        if (seg.len == 0 && s == end)
            break; /* the one optional slash at the end, or "/" itself */
        e = check_segment(&seg);
        if (e != ERR_OK)
            return e;
        if (seg.len == 0 || segment_is(&seg, ".", 1) || segment_is(&seg, "..", 2) ||
            p->n == SEGMENTS_MAX)
            p->is_odd = true;
        else
            p->seg[p->n++] = seg;
    }
    return ERR_OK;
}

/* ---- patterns ---- */

/* Step to the next piece of a pattern; false at its end. */
static bool
next_piece(const char **pattern, const char **ret_piece, size_t *ret_len)
{
    while (**pattern == '/')
        (*pattern)++;
    *ret_piece = *pattern;
    *ret_len = strcspn(*pattern, "/");
    *pattern += *ret_len;
    return *ret_len > 0;
}

static struct fit
fit_pattern(const char *pattern, const struct segments *p)
{
    struct fit fit = {0};
    const char *piece;
    size_t len, n = 0;

    while (next_piece(&pattern, &piece, &len)) {
        if (n == p->n)
            return (struct fit){0};
        fit.rank <<= 1;
        if (*piece != '{') {
            if (!segment_is(&p->seg[n], piece, len))
                return (struct fit){0};
            fit.rank |= 1;
        }
        n++;
    }
    fit.fits = n == p->n;
    fit.is_catch_all = n == 1 && fit.rank == 0;
    return fit;
}

/* Whether the path's first segment is the literal one that the pattern begins with. */
static bool
begins_pattern(const char *pattern, const struct segments *p)
{
    const char *piece;
    size_t len;

    return p->n > 0 && next_piece(&pattern, &piece, &len) && *piece != '{' &&
           segment_is(&p->seg[0], piece, len);
}

static bool
has_method(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || (route->also_head && strcmp(method, "HEAD") == 0);
}

/* Add a method to "GET, POST" unless it is there. Methods are few and short; one that does not
 * fit would be a mistake in the table. */
static void
allow_add(char allow[PATH_ALLOW_LEN], const char *method)
{
    size_t len = strlen(allow), add = strlen(method);

    for (const char *m = allow; *m != '\0';) {
        size_t n = strcspn(m, ",");

        if (n == add && memcmp(m, method, n) == 0)
            return;
        m += n + strspn(m + n, ", ");
    }
    assert(len + 2 + add < PATH_ALLOW_LEN);
    if (len + 2 + add >= PATH_ALLOW_LEN)
        return;
    if (len > 0) {
        memcpy(allow + len, ", ", 2);
        len += 2;
    }
    memcpy(allow + len, method, add + 1);
}

static void
allow_route(char allow[PATH_ALLOW_LEN], const struct http_route *route)
{
    allow_add(allow, route->method);
    if (route->also_head)
        allow_add(allow, "HEAD");
}

/* ---- routing ---- */

struct table {
    const struct http_route *routes;
    size_t n;
};

static bool
is_reserved(const struct table *t, const struct segments *p)
{
    for (size_t i = 0; i < t->n; i++) {
        if (begins_pattern(t->routes[i].pattern, p))
            return true;
    }
    return false;
}

/* The most literal route that fits the path and has the method, or NULL. `ret_fit` says what the
 * path's best pattern is, whatever its methods. */
static const struct http_route *
find(const struct table *t, const char *method, const struct segments *p, struct fit *ret_fit)
{
    const struct http_route *found = NULL;
    struct fit best = {0};

    for (size_t i = 0; i < t->n; i++) {
        struct fit fit = fit_pattern(t->routes[i].pattern, p);

        if (!fit.fits || (best.fits && fit.rank < best.rank))
            continue;
        if (!best.fits || fit.rank > best.rank) {
            best = fit;
            found = NULL;
        }
        if (found == NULL && has_method(&t->routes[i], method))
            found = &t->routes[i];
    }
    *ret_fit = best;
    return found;
}

/* A known path, but not this method: say which it has. A route's own name, sent to a pattern that
 * takes any name, has those of the routes that begin with it. */
static enum err
wrong_method(const struct table *t, const struct segments *p, const struct fit *best,
             struct path_match *ret_match)
{
    struct path_match m = {0};

    for (size_t i = 0; i < t->n; i++) {
        struct fit fit = fit_pattern(t->routes[i].pattern, p);
        bool listed = best->is_catch_all ? begins_pattern(t->routes[i].pattern, p)
                                         : fit.fits && fit.rank == best->rank;

        if (listed)
            allow_route(m.allow, &t->routes[i]);
    }
    *ret_match = m;
    return err_set(ERR_METHOD, "this path has no such method");
}

static enum err
take_params(const struct http_route *route, const struct segments *p, struct path_match *ret_match)
{
    struct path_match m = {.route = route};
    const char *at = route->pattern, *piece;
    size_t len;
    enum err e = ERR_OK;

    for (size_t n = 0; e == ERR_OK && next_piece(&at, &piece, &len); n++) {
        if (*piece != '{')
            continue;
        assert(m.n_params < PATH_PARAM_MAX);
        m.names[m.n_params] = piece + 1;
        e = decode(&p->seg[n], &m.values[m.n_params]);
        if (e == ERR_OK)
            m.n_params++;
    }
    if (e == ERR_OK)
        *ret_match = m;
    else
        path_match_done(&m);
    return e;
}

enum err
path_route(const struct http_route *routes, size_t n_routes, const char *method, const char *target,
           struct path_match *ret_match)
{
    const struct table t = {routes, n_routes};
    const struct http_route *route;
    struct segments p = {0};
    struct fit best;
    enum err e;

    e = split(target, &p);
    if (e != ERR_OK)
        return e;
    if (p.is_odd)
        return err_set(ERR_NOTFOUND, "no such path");
    route = find(&t, method, &p, &best);
    if (best.is_catch_all) {
        if (route == NULL)
            return err_set(ERR_NOTFOUND, "no such path");
        if (is_reserved(&t, &p))
            return wrong_method(&t, &p, &best, ret_match);
    }
    if (route != NULL)
        return take_params(route, &p, ret_match);
    return best.fits ? wrong_method(&t, &p, &best, ret_match)
                     : err_set(ERR_NOTFOUND, "no such path");
}

void
path_match_done(struct path_match *m)
{
    for (size_t i = 0; i < m->n_params; i++) {
        mem_wipe(m->values[i], strlen(m->values[i]));
        free(m->values[i]);
    }
    *m = (struct path_match){0};
}
