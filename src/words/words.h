/* SPDX-License-Identifier: Apache-2.0 */
/* words: share codes. Draws them, reads them in any spelling, wipes them.
 * A code is a bearer secret: whoever holds a `struct share_code` wipes it after use.
 * A `struct words` is read-only after it was made and may be shared by threads. */
#ifndef MAYFLY_WORDS_WORDS_H
#define MAYFLY_WORDS_WORDS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    CODE_WORDS_MIN = 3, /* of a server's code */
    CODE_WORDS_MAX = 5,
    CODE_WORDS_E2E = 6,
    WORD_LEN_MAX = 16,
    CODE_TEXT_LEN = CODE_WORDS_E2E * (WORD_LEN_MAX + 1), /* with a NUL */
    CODE_ID_LEN = 26, /* of an end-to-end id: base32 of 16 bytes, without padding */
};

/* What opens an upload at the server: a code, or the id that clients derive from the six words of
 * an end-to-end code (n_words is then 0). No code is an id: codes have a '-'. */
struct share_code {
    unsigned n_words;
    char text[CODE_TEXT_LEN]; /* canonical: lower case, joined by '-' */
};

struct words;

/* The built-in list: the EFF large word list, its four hyphenated words joined. Of its 7,776
 * entries two are then the same (yo-yo and yoyo), so it is 7,775 words; each stands once, or
 * codes with that one would be twice as likely as others. */
const struct words *words_builtin(void);

/* A list from a file: a word a line, or "<dice numbers><blank><word>". Words are 2 to 16 letters a
 * to z, none twice, 1,296 to 65,536 of them. Hyphens in them are dropped, and words that differ in
 * nothing else are one.
 * ERR_NOTFOUND, ERR_IO: not readable; ERR_SYNTAX: not such a list (the sentence gives the line);
 * ERR_NOMEM. */
MUST_CHECK enum err words_load(const char *path, struct words **ret_words);
void words_free(struct words *w); /* NULL is a no-op; never the built-in list */

uint32_t words_n(const struct words *w);

/* Draw `n_words` (1 to 6) words, each uniformly and independently, from the kernel's CSPRNG.
 * ERR_IO: it gives nothing. */
MUST_CHECK enum err words_draw(const struct words *w, unsigned n_words,
                               struct share_code *ret_code);

/* Read a code of exactly `n_words` (1 to 6) words. Accepts upper case, and runs of spaces, dots,
 * underscores or hyphens between, before and after the words; a hyphen inside a word splits it:
 * "drop-down" is two words, the list's is "dropdown". ERR_NOTFOUND: it cannot be a code.
 * `ret_code` is untouched on failure. Time does not depend on which word is wrong only as far as
 * a binary search allows: the list is public. */
MUST_CHECK enum err words_parse(const struct words *w, unsigned n_words, const char *text,
                                struct share_code *ret_code);

/* The same for `n_min` to `n_max` words that stand in no list that we know: any of 2 to 16 letters.
 * ERR_NOTFOUND: it cannot be a code. */
MUST_CHECK enum err words_parse_any(unsigned n_min, unsigned n_max, const char *text,
                                    struct share_code *ret_code);

/* Read an end-to-end id: exactly CODE_ID_LEN characters of base32 (RFC 4648) in lower case, whose
 * unused bits are zero. ERR_NOTFOUND: it is none; `ret_code` is untouched. */
MUST_CHECK enum err words_parse_id(const char *text, struct share_code *ret_code);

void share_code_wipe(struct share_code *code);

#endif
