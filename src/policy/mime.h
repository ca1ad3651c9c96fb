/* SPDX-License-Identifier: Apache-2.0 */
/* mime: which types may be uploaded. Read-only after parsing. */
#ifndef MAYFLY_POLICY_MIME_H
#define MAYFLY_POLICY_MIME_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct mime_rules {
    char **patterns;
    size_t n; /* 0: everything is allowed */
};

/* A comma-separated list of type/subtype and type/ *, in any case; "" and * / * allow everything
 * (written without blanks, which are there for the compiler's sake). ERR_SYNTAX (names the entry);
 * ERR_NOMEM. */
MUST_CHECK enum err mime_rules_parse(const char *list, struct mime_rules *ret_rules);
void mime_rules_done(struct mime_rules *r);

/* Whether `type` (type/subtype without parameters) is allowed. */
bool mime_is_allowed(const struct mime_rules *r, const char *type);

#endif
