/* SPDX-License-Identifier: Apache-2.0 */
/* lex: the small words of HTTP's grammar (RFC 9110 section 5.6), shared by this module's parsers.
 * Private to http. Pure functions; texts come with their length and need no NUL. */
#ifndef MAYFLY_HTTP_LEX_H
#define MAYFLY_HTTP_LEX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

bool lex_is_tchar(char c);   /* a character of a token */
bool lex_is_blank(char c);   /* SP or HTAB */
bool lex_is_control(char c); /* below SP, or DEL; HTAB is one too */

/* The value of a hex digit of either case; -1 for any other character. */
int lex_hex(char c);

/* The byte of a "%41" at `s`; -1 when there is none within `len` characters. */
int lex_percent(const char *s, size_t len);

/* Characters of the token that `s` begins with; 0 when it begins with none. */
size_t lex_token(const char *s, size_t len);

/* Whether the whole text is one token. */
bool lex_is_token(const char *s, size_t len);

/* Whether the text is `word` but for the case of ASCII letters. */
bool lex_same(const char *s, size_t len, const char *word);

/* Cut blanks at both ends. */
void lex_trim(const char **s, size_t *len);

/* The next member of a comma-separated list, trimmed; commas in quoted strings part nothing, and
 * empty members are left out. False at the end; `at` moves on. */
bool lex_member(const char **at, const char *end, const char **ret_s, size_t *ret_len);

struct lex_param {
    const char *name, *value; /* value: without its quotes, escapes left as they were */
    size_t name_len, value_len;
    bool is_quoted;
};

/* Read one `; name=value` (value: token or quoted-string) and move `at` behind it. ERR_SYNTAX. */
MUST_CHECK enum err lex_param(const char **at, const char *end, struct lex_param *ret_param);

#endif
