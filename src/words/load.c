/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "words/words_int.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Room for the longest list with its dice numbers; a larger file is no word list. */
enum { FILE_MAX = WORDS_N_MAX * 32 };

struct entry {
    struct word word;
    uint32_t hyphens; /* bit i: one or more stood before letter i */
    uint32_t line;
};

static int
entry_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = words_order(&x->word, &y->word);

    if (order == 0)
        order = (x->hyphens > y->hyphens) - (x->hyphens < y->hyphens);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The word of one line: dice numbers and blanks before it, and blanks after it, do not count.
 * False: the line holds no word, or more. */
static bool
word_of_line(const char *line, size_t len, struct entry *ret_entry)
{
    struct entry entry = {.hyphens = 0};
    size_t at = 0, n = 0;

    while (len > 0 && is_blank(line[len - 1]))
        len--;
    while (at < len && line[at] >= '1' && line[at] <= '6')
        at++;
    if (at > 0 && (at == len || !is_blank(line[at])))
        return false;
    while (at < len && is_blank(line[at]))
        at++;
    for (; at < len; at++) {
        if (line[at] == '-') {
            entry.hyphens |= 1U << n;
            continue;
        }
        if (line[at] < 'a' || line[at] > 'z' || n == sizeof(entry.word.text))
            return false;
        entry.word.text[n++] = line[at];
    }
    if (n < 2)
        return false;
    *ret_entry = entry;
    return true;
}

/* Read every line of `b` into `entries`, which holds WORDS_N_MAX. */
static enum err
read_lines(const struct buf *b, struct entry *entries, uint32_t *ret_n)
{
    const char *at = buf_text(b), *end = at + b->len;
    uint32_t n = 0;

    for (uint32_t line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        if (stop == NULL)
            stop = end;
        if (n == WORDS_N_MAX)
            return err_set(ERR_SYNTAX, "line %u: more than %d words", line, WORDS_N_MAX);
        if (!word_of_line(at, (size_t)(stop - at), &entries[n]))
            return err_set(ERR_SYNTAX, "line %u: not one word of 2 to %d letters a to z", line,
                           WORD_LEN_MAX);
        entries[n++].line = line;
        at = stop + 1;
    }
    *ret_n = n;
    return ERR_OK;
}

/* Sort; of words that differ in their hyphens only, keep the first. The same word twice is a
 * damaged list, and would be drawn twice as often. */
static enum err
sort_lines(struct entry *entries, uint32_t *n)
{
    uint32_t kept = *n > 0 ? 1 : 0;

    qsort(entries, *n, sizeof(*entries), entry_order);
    for (uint32_t i = 1; i < *n; i++) {
        const struct entry *last = &entries[i - 1];

        if (words_order(&last->word, &entries[i].word) != 0)
            entries[kept++] = entries[i];
        else if (last->hyphens == entries[i].hyphens)
            return err_set(ERR_SYNTAX, "line %u: the word of line %u again", entries[i].line,
                           last->line);
    }
    if (kept < WORDS_N_MIN)
        return err_set(ERR_SYNTAX, "%u lines with %u different words: at least %d are needed", *n,
                       kept, WORDS_N_MIN);
    *n = kept;
    return ERR_OK;
}

static enum err
make_words(const struct entry *entries, uint32_t n, struct words **ret_words)
{
    struct words *w = calloc(1, sizeof(*w));
    struct word *owned = calloc(n, sizeof(*owned));

    if (w == NULL || owned == NULL) {
        free(w);
        free(owned);
        return err_set(ERR_NOMEM, "no memory for a word list");
    }
    for (uint32_t i = 0; i < n; i++)
        owned[i] = entries[i].word;
    *w = (struct words){.n = n, .list = owned, .owned = owned};
    *ret_words = w;
    return ERR_OK;
}

enum err
words_load(const char *path, struct words **ret_words)
{
    struct entry *entries = NULL;
    struct buf file;
    uint32_t n = 0;
    enum err e;

    buf_init(&file, FILE_MAX);
    e = fs_read_file(AT_FDCWD, path, &file);
    if (e == ERR_TOOBIG)
        e = err_set(ERR_SYNTAX, "a file of more than %d bytes is no word list", FILE_MAX);
    if (e != ERR_OK)
        goto out;
    entries = calloc(WORDS_N_MAX, sizeof(*entries));
    if (entries == NULL) {
        e = err_set(ERR_NOMEM, "no memory for a word list");
        goto out;
    }
    e = read_lines(&file, entries, &n);
    if (e == ERR_OK)
        e = sort_lines(entries, &n);
    if (e == ERR_OK)
        e = make_words(entries, n, ret_words);
out:
    free(entries);
    buf_done(&file);
    return e;
}
