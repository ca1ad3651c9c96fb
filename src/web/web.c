/* SPDX-License-Identifier: Apache-2.0 */
#include "web/web.h"

#include "web/web_int.h"

#include <stdbool.h>
#include <string.h>

static const char folder[] = "/assets/";

const struct web_asset *
table_find(const struct web_asset *table, size_t n, const char *path)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(path, table[mid].path);

        if (order == 0)
            return &table[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* Whether `path` is /assets/STEM-HASH.EXT, and `name` STEM.EXT. A hash has no '-' and no '.'. */
static bool
is_named(const char *path, const char *name)
{
    const char *ext = strrchr(name, '.'), *rest;
    size_t stem;

    if (ext == NULL || strncmp(path, folder, strlen(folder)) != 0)
        return false;
    stem = (size_t)(ext - name);
    path += strlen(folder);
    if (strncmp(path, name, stem) != 0 || path[stem] != '-')
        return false;
    rest = path + stem + 1;
    rest += strcspn(rest, "-.");
    return rest > path + stem + 1 && strcmp(rest, ext) == 0;
}

const struct web_asset *
table_named(const struct web_asset *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (is_named(table[i].path, name))
            return &table[i];
    }
    return NULL;
}

const struct web_asset *
web_find(const char *path)
{
    return table_find(web_table, web_table_n, path);
}

const struct web_asset *
web_named(const char *name)
{
    return table_named(web_table, web_table_n, name);
}

const struct web_asset *
web_page(void)
{
    return table_find(web_templates, web_templates_n, "page.html");
}

const struct web_asset *
web_docs(void)
{
    return table_find(web_templates, web_templates_n, "docs.html");
}
