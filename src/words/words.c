/* SPDX-License-Identifier: Apache-2.0 */
#include "words/words.h"

#include "base/mem.h"
#include "base/rnd.h"
#include "base/text.h"
#include "words/words_int.h"

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct key {
    uint64_t high, low;
};

static struct key
key_of(const struct word *w)
{
    struct key k;

    memcpy(&k.high, w->text, sizeof(k.high));
    memcpy(&k.low, w->text + sizeof(k.high), sizeof(k.low));
    return (struct key){be64toh(k.high), be64toh(k.low)};
}

static bool
is_above(struct key a, struct key b)
{
    /* bitwise, so that no branch is left to be mispredicted */
    return (a.high > b.high) | ((a.high == b.high) & (a.low > b.low));
}

int
words_order(const struct word *a, const struct word *b)
{
    struct key ka = key_of(a), kb = key_of(b);

    return (int)is_above(ka, kb) - (int)is_above(kb, ka);
}

const struct words *
words_builtin(void)
{
    static const struct words builtin = {.n = WORDS_BUILTIN_N, .list = words_builtin_list};

    return &builtin;
}

void
words_free(struct words *w)
{
    if (w == NULL)
        return;
    assert(w->owned != NULL);
    free(w->owned);
    free(w);
}

uint32_t
words_n(const struct words *w)
{
    return w->n;
}

/* Always the same number of steps for one list, and no branch that depends on the word. */
static bool
has_word(const struct words *w, const struct word *wanted)
{
    struct key k = key_of(wanted), found;
    uint32_t at = 0, n = w->n;

    while (n > 1) {
        uint32_t half = n / 2;

        at += half * !is_above(key_of(&w->list[at + half]), k);
        n -= half;
    }
    found = key_of(&w->list[at]);
    return found.high == k.high && found.low == k.low;
}

/* The text has room for CODE_WORDS_E2E words of any length. */
static void
append(struct share_code *code, size_t *at, const struct word *word)
{
    size_t len = strnlen(word->text, sizeof(word->text));

    assert(code->n_words < CODE_WORDS_E2E);
    if (code->n_words > 0)
        code->text[(*at)++] = '-';
    memcpy(code->text + *at, word->text, len);
    *at += len;
    code->text[*at] = '\0';
    code->n_words++;
}

enum err
words_draw(const struct words *w, unsigned n_words, struct share_code *ret_code)
{
    struct share_code code = {0};
    size_t at = 0;
    uint32_t index = 0;
    enum err e = ERR_OK;

    assert(n_words >= 1 && n_words <= CODE_WORDS_E2E);
    for (unsigned i = 0; i < n_words; i++) {
        e = rnd_below(w->n, &index);
        if (e != ERR_OK)
            goto out;
        append(&code, &at, &w->list[index]);
    }
    *ret_code = code;
out:
    share_code_wipe(&code);
    mem_wipe(&index, sizeof(index));
    return e;
}

static bool
is_separator(char c)
{
    return c == '-' || c == ' ' || c == '.' || c == '_';
}

/* Take the letters at `*text` into `ret_word`. False: none there, or more than a word can have. */
static bool
take_word(const char **text, struct word *ret_word)
{
    size_t len = 0;

    *ret_word = (struct word){{0}};
    for (; text_is_alpha(**text); (*text)++) {
        if (len == sizeof(ret_word->text))
            return false;
        ret_word->text[len++] = text_lower(**text);
    }
    return len > 0;
}

enum err
words_parse(const struct words *w, unsigned n_words, const char *text, struct share_code *ret_code)
{
    struct share_code code = {0};
    struct word word = {{0}};
    size_t at = 0;
    enum err e = ERR_OK;

    assert(n_words >= 1 && n_words <= CODE_WORDS_E2E);
    for (;;) {
        while (is_separator(*text))
            text++;
        if (*text == '\0')
            break;
        if (code.n_words == n_words || !take_word(&text, &word) || !has_word(w, &word)) {
            e = err_set(ERR_NOTFOUND, "this cannot be a code");
            goto out;
        }
        append(&code, &at, &word);
    }
    if (code.n_words != n_words) {
        e = err_set(ERR_NOTFOUND, "this cannot be a code");
        goto out;
    }
    *ret_code = code;
out:
    share_code_wipe(&code);
    mem_wipe(&word, sizeof(word));
    return e;
}

void
share_code_wipe(struct share_code *code)
{
    mem_wipe(code, sizeof(*code));
}
