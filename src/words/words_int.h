/* SPDX-License-Identifier: Apache-2.0 */
/* words_int: how a word list lies in memory. */
#ifndef MAYFLY_WORDS_WORDS_INT_H
#define MAYFLY_WORDS_WORDS_INT_H

#include "words/words.h"

enum { WORDS_BUILTIN_N = 7775, WORDS_N_MIN = 1296, WORDS_N_MAX = 65536 };

/* Lower-case letters, filled up with NULs; a word of 16 letters has no NUL behind it. */
struct word {
    char text[WORD_LEN_MAX];
};

struct words {
    uint32_t n;
    const struct word *list; /* ascending, none twice */
    struct word *owned;      /* the same, or NULL for the built-in list */
};

/* Written at build time by scripts/make-wordlist. */
extern const struct word words_builtin_list[WORDS_BUILTIN_N];

/* The order of a list: below 0, 0 or above 0. Two integer comparisons, which agree with the
 * order of the letters because the bytes are read big-endian. */
int words_order(const struct word *a, const struct word *b);

#endif
