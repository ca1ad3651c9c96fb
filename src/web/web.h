/* SPDX-License-Identifier: Apache-2.0 */
/* web: the files of the web page, which the build has put into the program. Knows no request and
 * no route. Read-only and thread-safe. Built with -Dweb=false there are none of them but
 * /openapi.json. */
#ifndef MAYFLY_WEB_WEB_H
#define MAYFLY_WEB_WEB_H

#include <stddef.h>
#include <stdint.h>

/* One form of a file; `data` has a NUL behind its `len` bytes. */
struct web_bytes {
    const uint8_t *data;
    size_t len;
};

struct web_asset {
    const char *path; /* "/assets/app-ABCD1234.js" */
    const char *type; /* its Content-Type */
    const char *etag; /* of `plain`, in quotes: "\"0123456789abcdef\"" */
    struct web_bytes plain;
    struct web_bytes gzip, br; /* NULL and 0 where they would not be smaller */
};

/* The file that is served at exactly this path; NULL. */
const struct web_asset *web_find(const char *path);

/* The file below /assets/ that was called `name` ("style.css") before the build put a hash into its
 * name; NULL. */
const struct web_asset *web_named(const char *name);

/* The templates of `/` and of `/docs`, which still have their slots; NULL without the page. Their
 * path is the template's name ("page.html"), by which web_find does not find them. */
const struct web_asset *web_page(void);
const struct web_asset *web_docs(void);

#endif
