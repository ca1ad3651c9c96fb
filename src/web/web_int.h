/* SPDX-License-Identifier: Apache-2.0 */
/* web_int: the table that scripts/embed-web writes. */
#ifndef MAYFLY_WEB_WEB_INT_H
#define MAYFLY_WEB_WEB_INT_H

#include "web/web.h"

extern const struct web_asset web_table[]; /* sorted by path, bytes as strcmp compares them */
extern const size_t web_table_n;
extern const struct web_asset web_templates[];
extern const size_t web_templates_n;

/* The same look-ups in any table. */
const struct web_asset *table_find(const struct web_asset *table, size_t n, const char *path);
const struct web_asset *table_named(const struct web_asset *table, size_t n, const char *name);

#endif
