/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/error.h"

#include "base/mem.h"

#include <string.h>

enum { AWAY = 1, DENIED = 2, REDIRECT = 4 };

static const struct {
    const char *word;
    enum err err;
    unsigned flags;
} known[] = {
    {"NOSCRIPT", ERR_NOTFOUND, 0},
    /* The whole server, until something changes there. */
    {"LOADING", ERR_UNAVAIL, AWAY},
    {"READONLY", ERR_UNAVAIL, AWAY},
    {"MASTERDOWN", ERR_UNAVAIL, AWAY},
    {"NOAUTH", ERR_UNAVAIL, AWAY | DENIED},
    {"WRONGPASS", ERR_UNAVAIL, AWAY | DENIED},
    {"DENIED", ERR_UNAVAIL, AWAY | DENIED}, /* the protected mode */
    /* This command, for now. */
    {"OOM", ERR_UNAVAIL, 0},
    {"MISCONF", ERR_UNAVAIL, 0},
    {"NOREPLICAS", ERR_UNAVAIL, 0},
    {"BUSY", ERR_UNAVAIL, 0},
    {"MAXCLIENTS", ERR_UNAVAIL, 0},
    {"TRYAGAIN", ERR_UNAVAIL, 0},
    {"CLUSTERDOWN", ERR_UNAVAIL, 0}, /* perhaps one slot; the server answers at once */
    {"NOPERM", ERR_UNAVAIL, DENIED},
    {"MOVED", ERR_UNAVAIL, REDIRECT},
    {"ASK", ERR_UNAVAIL, REDIRECT},
};

static bool
begins(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* How many bytes of `text` are a word: upper-case letters up to a space or the end. */
static size_t
word_len(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && text[n] >= 'A' && text[n] <= 'Z')
        n++;
    return n < RD_WORD_LEN && (n == len || text[n] == ' ') ? n : 0;
}

/* Redis 6 puts what stopped a script behind the place where it did, the last of the text:
 * "ERR Error running script (call to f_...): @user_script:1: @user_script: 1: -OOM command ...". */
static void
skip_script(const char **text, size_t *len)
{
    if (!begins(*text, *len, "ERR Error running script"))
        return;
    for (size_t i = 0; i + 3 < *len; i++) {
        if (memcmp(*text + i, ": -", 3) == 0 && word_len(*text + i + 3, *len - i - 3) > 0) {
            *text += i + 3;
            *len -= i + 3;
            return;
        }
    }
}

/* A text without a word of its own, as the text with one that means the same. */
static void
name_it(const char **text, size_t *len)
{
    static const struct {
        const char *part, *instead;
    } names[] = {
        {"ERR max number of clients", "MAXCLIENTS"},
        {"The user executing the script can't", "NOPERM"}, /* run a command, or use a key */
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (memmem(*text, *len, names[i].part, strlen(names[i].part)) != NULL) {
            *text = names[i].instead;
            *len = strlen(names[i].instead);
            return;
        }
    }
}

void
rd_error_read(const char *text, size_t len, struct rd_error *ret_error)
{
    struct rd_error e = {.err = ERR_INTEGRITY, .word = "?"};
    size_t n;

    name_it(&text, &len);
    skip_script(&text, &len);
    n = word_len(text, len);
    if (n > 0) {
        memcpy(e.word, text, n);
        e.word[n] = '\0';
    }
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(e.word, known[i].word) == 0) {
            e.err = known[i].err;
            e.is_away = (known[i].flags & AWAY) != 0;
            e.is_denied = (known[i].flags & DENIED) != 0;
            e.is_redirect = (known[i].flags & REDIRECT) != 0;
            break;
        }
    }
    *ret_error = e;
}

enum err
rd_error_set(const char *text, size_t len)
{
    struct rd_error e;

    rd_error_read(text, len, &e);
    return err_set(e.err, "Redis says %s", e.word);
}
