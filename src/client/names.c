/* SPDX-License-Identifier: Apache-2.0 */
#include "client/names.h"

#include <stdlib.h>
#include <string.h>

enum err
names_add(struct names *l, const char *name)
{
    if (l->n == l->cap) {
        size_t cap = l->cap == 0 ? 64 : l->cap * 2;
        char **more = reallocarray(l->v, cap, sizeof(*more));

        if (more == NULL)
            return err_set(ERR_NOMEM, "no memory for %zu names", cap);
        l->v = more;
        l->cap = cap;
    }
    l->v[l->n] = strdup(name);
    if (l->v[l->n] == NULL)
        return err_set(ERR_NOMEM, "no memory for a name");
    l->n++;
    return ERR_OK;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void
names_sort(struct names *l)
{
    if (l->n > 0)
        qsort(l->v, l->n, sizeof(*l->v), by_text);
}

void
names_done(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct names){NULL, 0, 0};
}
