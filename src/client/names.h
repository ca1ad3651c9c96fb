/* SPDX-License-Identifier: Apache-2.0 */
/* names: a list of names that grows. Zeros are an empty one. Belongs to one thread. */
#ifndef MAYFLY_CLIENT_NAMES_H
#define MAYFLY_CLIENT_NAMES_H

#include "base/err.h"

#include <stddef.h>

struct names {
    char **v;
    size_t n, cap;
};

/* Append a copy. ERR_NOMEM: the list is as before. */
MUST_CHECK enum err names_add(struct names *l, const char *name);

/* By their bytes. */
void names_sort(struct names *l);

/* Free all; the list is then empty. */
void names_done(struct names *l);

#endif
