/* SPDX-License-Identifier: Apache-2.0 */
/* term: people. Messages and prompts; text of strangers made harmless. Results go to stdout, all
 * else to stderr. Not thread-safe. */
#ifndef MAYFLY_CLIENT_TERM_H
#define MAYFLY_CLIENT_TERM_H

#include "base/buf.h"
#include "base/err.h"
#include "crypt/crypt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Append `text` (`len` bytes, any) so that a terminal shows it and does nothing else: control
 * characters (C0, DEL, C1), line and paragraph separators, bidirectional and other invisible
 * format characters and bytes that are no UTF-8 become "?"; at most `max_chars` characters, then
 * "...". */
MUST_CHECK enum err term_show(struct buf *b, const char *text, size_t len, size_t max_chars);

/* The same into a fixed text; a cut one when there is no room (512 bytes are always enough for
 * TERM_SHOW_MAX characters). */
enum { TERM_SHOW_MAX = 120, TERM_SHOWN_LEN = 512 };
void term_shown(const char *text, char ret[TERM_SHOWN_LEN]);

/* A line of notice on stderr, but not with --quiet. `fmt` must not bring text of strangers that was
 * not shown first. */
void term_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
void term_set_quiet(bool quiet);
bool term_is_quiet(void);

/* "mayfly: [SUBJECT: ]SENTENCE" on stderr, also with --quiet. `subject` (NULL: none), such as a
 * file name, is made harmless here. */
void term_fail(const char *subject, const char *sentence);

/* Ask on the terminal (/dev/tty), without echo when `is_hidden`; read one line of up to 2,048
 * bytes. ERR_FIELD: there is no terminal to ask at, or no answer. Restores the terminal when
 * interrupted (ERR_CLOSED). */
MUST_CHECK enum err term_ask(const char *prompt, bool is_hidden, struct secret **ret_line);

/* One line of standard input, without its line end. ERR_FIELD: none, or longer than 2,048. */
MUST_CHECK enum err term_read_line(struct secret **ret_line);

/* "1.5 MiB", "0:42", for people. */
enum { TERM_SIZE_LEN = 24, TERM_SPAN_LEN = 24 };
void term_size(uint64_t bytes, char ret_text[TERM_SIZE_LEN]);
void term_span(int64_t seconds, char ret_text[TERM_SPAN_LEN]);

/* ---- progress: one line that is drawn again, on a terminal only ---- */

struct progress;

/* `total` bytes, UINT64_MAX when not known. Draws nothing when stderr is no terminal or with
 * --quiet. NULL when there is no memory, which all calls take. */
struct progress *progress_new(const char *verb, uint64_t total);
void progress_add(struct progress *p, size_t n);
void progress_free(struct progress *p); /* clears the line */

/* The line, of at most `columns` columns: share done, amount, rate, time left. Pure. */
enum { PROGRESS_TEXT_LEN = 256 };
struct progress_state {
    const char *verb;
    uint64_t done, total; /* bytes */
    int64_t elapsed_ms;
    uint64_t rate; /* bytes per second, of the last seconds */
    unsigned columns;
};
void progress_text(const struct progress_state *s, char ret_text[PROGRESS_TEXT_LEN]);

#endif
