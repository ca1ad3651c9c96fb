/* SPDX-License-Identifier: Apache-2.0 */
/* terms: what an upload may bring beside its file, as form fields or headers, and what it comes
 * down to. A struct terms belongs to one upload. */
#ifndef MAYFLY_API_TERMS_H
#define MAYFLY_API_TERMS_H

#include "api/api.h"
#include "base/buf.h"

#include <stdbool.h>

enum { TERM_SENTENCE_LEN = 128 };

/* `id`, `meta` and `encryption` are those of an end-to-end upload. */
enum term { TERM_EXPIRY, TERM_USES, TERM_TOKEN, TERM_ID, TERM_META, TERM_ENCRYPTION, TERM_N };

struct term_value {
    bool is_set;
    struct buf text; /* takes memory only when something comes */
};

struct terms {
    struct term_value values[TERM_N];
};

void terms_init(struct terms *t);
void terms_done(struct terms *t); /* wipes */

/* The term that a form's field brings; TERM_N: none. */
enum term terms_find(const char *field);

/* A field begins. ERR_FIELD: it was there before. */
MUST_CHECK enum err terms_begin(struct terms *t, enum term term);

/* More of its value. ERR_FIELD: it is too long, or holds a NUL; ERR_NOMEM. */
MUST_CHECK enum err terms_add(struct terms *t, enum term term, const void *bytes, size_t len);

/* Take a header (NULL: it is not there) for a field. Errors as terms_add's. */
MUST_CHECK enum err terms_header(struct terms *t, enum term term, const char *value);

struct wish {
    unsigned expiry_min, uses;
    bool is_e2e;
    struct share_code id; /* end to end only; wipe it */
    const char *e2e_meta; /* end to end only, borrowed of the terms; "": none */
};

/* What all of it comes down to. ERR_FIELD: a value, or a term without the one it needs, is not
 * allowed; the sentence for the client is in `ret_sentence`. `is_raw`: terms came as headers. */
MUST_CHECK enum err terms_read(const struct terms *t, const struct app *app, bool is_raw,
                               struct wish *ret_wish, char ret_sentence[TERM_SENTENCE_LEN]);

#endif
