/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pack_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
pack_roots_free(struct pack_roots *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->all[i].path);
        free(r->all[i].name);
    }
    free(r->all);
    *r = (struct pack_roots){NULL, 0};
}

/* The last part of a path, without slashes behind it; a copy, NULL when there is no memory. */
static char *
last_part(const char *path)
{
    size_t end = strlen(path), begin;

    while (end > 0 && path[end - 1] == '/')
        end--;
    begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    return strndup(path + begin, end - begin);
}

static bool
is_no_name(const char *name)
{
    return name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* "." and ".." have a name too: the one of the folder. The root of all has none. */
static enum err
name_of(const char *path, char **ret_name)
{
    char *real = NULL, *name = last_part(path);

    if (name != NULL && is_no_name(name)) {
        free(name);
        real = realpath(path, NULL);
        if (real == NULL && errno != ENOMEM)
            return err_set(ERR_IO, "cannot be read: %s", strerror(errno));
        name = real != NULL ? last_part(real) : NULL;
        free(real);
    }
    if (name != NULL && is_no_name(name)) {
        free(name);
        name = strdup("files");
    }
    if (name == NULL)
        return err_set(ERR_NOMEM, "no memory for a name");
    *ret_name = name;
    return ERR_OK;
}

static int
by_name(const void *a, const void *b)
{
    const struct pack_root *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static enum err
fill(char *const *paths, size_t n, struct pack_roots *r, size_t *ret_failed)
{
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < n; i++) {
        r->all[i].index = i;
        r->n++;
        r->all[i].path = strdup(paths[i]);
        if (r->all[i].path == NULL)
            e = err_set(ERR_NOMEM, "no memory for a path");
        else
            e = name_of(paths[i], &r->all[i].name);
        if (e != ERR_OK)
            *ret_failed = i;
    }
    return e;
}

enum err
pack_roots_new(char *const *paths, size_t n, struct pack_roots *ret, size_t *ret_failed)
{
    struct pack_roots r = {calloc(n, sizeof(*r.all)), 0};
    enum err e;

    if (r.all == NULL)
        return err_set(ERR_NOMEM, "no memory for %zu paths", n);
    e = fill(paths, n, &r, ret_failed);
    if (e == ERR_OK)
        qsort(r.all, r.n, sizeof(*r.all), by_name);
    for (size_t i = 1; e == ERR_OK && i < r.n; i++) {
        if (strcmp(r.all[i - 1].name, r.all[i].name) == 0) {
            *ret_failed = r.all[i].index;
            e = err_set(ERR_FIELD, "another of what is sent has the same name");
        }
    }
    if (e == ERR_OK)
        *ret = r;
    else
        pack_roots_free(&r);
    return e;
}
