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

/* Read up to `n_max` words, which stand in the list unless it is NULL. False: something else. */
static bool
take_words(const struct words *w, unsigned n_max, const char *text, struct share_code *code)
{
    struct word word = {{0}};
    size_t at = 0;
    bool is_fine = true;

    while (is_fine) {
        while (is_separator(*text))
            text++;
        if (*text == '\0')
            break;
        is_fine = code->n_words < n_max && take_word(&text, &word) &&
                  (w == NULL ? word.text[1] != '\0' : has_word(w, &word));
        if (is_fine)
            append(code, &at, &word);
    }
    mem_wipe(&word, sizeof(word));
    return is_fine;
}

static enum err
parse(const struct words *w, unsigned n_min, unsigned n_max, const char *text,
      struct share_code *ret_code)
{
    struct share_code code = {0};
    enum err e = ERR_OK;

    assert(n_min >= 1 && n_min <= n_max && n_max <= CODE_WORDS_E2E);
    if (take_words(w, n_max, text, &code) && code.n_words >= n_min)
        *ret_code = code;
    else
        e = err_set(ERR_NOTFOUND, "this cannot be a code");
    share_code_wipe(&code);
    return e;
}

enum err
words_parse(const struct words *w, unsigned n_words, const char *text, struct share_code *ret_code)
{
    return parse(w, n_words, n_words, text, ret_code);
}

enum err
words_parse_any(unsigned n_min, unsigned n_max, const char *text, struct share_code *ret_code)
{
    return parse(NULL, n_min, n_max, text, ret_code);
}

enum err
words_parse_id(const char *text, struct share_code *ret_code)
{
    size_t len = 0;

    while (len <= CODE_ID_LEN &&
           ((text[len] >= 'a' && text[len] <= 'z') || (text[len] >= '2' && text[len] <= '7')))
        len++;
    /* 16 bytes fill 25 characters and 3 bits: the last 2 bits of the last one stay zero */
    if (len != CODE_ID_LEN || text[len] != '\0' || strchr("aeimquy4", text[len - 1]) == NULL)
        return err_set(ERR_NOTFOUND, "this cannot be an id");
    *ret_code = (struct share_code){0};
    memcpy(ret_code->text, text, CODE_ID_LEN);
    return ERR_OK;
}

void
share_code_wipe(struct share_code *code)
{
    mem_wipe(code, sizeof(*code));
}
