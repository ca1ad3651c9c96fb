/* SPDX-License-Identifier: Apache-2.0 */
#include "client/target.h"

#include "base/enc.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/e2e.h"

#include <string.h>

static bool
is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- codes ---- */

/* Length in bytes of what stands for a '-' at `s`: a separator of words, or what programs make of a
 * hyphen or a space to please the eye, or what people put between words. 0: something else. */
static size_t
separator_len(const char *s)
{
    uint32_t c = 0;
    size_t len = text_utf8((const uint8_t *)s, strnlen(s, 4), &c);

    if (len == 1)
        return strchr("-._ ,;+", *s) != NULL || is_blank(*s);
    /* no-break spaces, hyphens and dashes, minus */
    if (c == 0xa0 || c == 0x202f || (c >= 0x2010 && c <= 0x2015) || c == 0x2212)
        return len;
    return 0;
}

/* Write `text` with a '-' for each separator, in place; false at what no code has. */
static bool
spell(char *text)
{
    char *to = text;
    size_t len;

    for (; *text != '\0'; text += len) {
        len = separator_len(text);
        if (len == 0 && !text_is_alpha(*text))
            return false;
        *to++ = len == 0 ? *text : '-';
        len += len == 0;
    }
    *to = '\0';
    return true;
}

/* Step through words that are spelled: the next one, or false when there is none. */
static bool
next_word(const char **text, const char **ret_word, size_t *ret_len)
{
    *text += strspn(*text, "-");
    *ret_word = *text;
    *ret_len = strcspn(*text, "-");
    *text += *ret_len;
    return *ret_len > 0;
}

static unsigned
n_words(const char *text)
{
    const char *word;
    unsigned n = 0;
    size_t len;

    while (next_word(&text, &word, &len))
        n++;
    return n;
}

static bool
is_listed(const char *word, size_t len)
{
    struct share_code code;
    char copy[WORD_LEN_MAX + 1] = {0};
    bool is_word;

    if (len > WORD_LEN_MAX)
        return false;
    memcpy(copy, word, len);
    is_word = words_parse(words_builtin(), 1, copy, &code) == ERR_OK;
    mem_wipe(copy, sizeof(copy));
    share_code_wipe(&code);
    return is_word;
}

/* ERR_NOTFOUND: `text` has a word that cannot be one. Those of an end-to-end code stand in the
 * built-in list; of others only the length is known. */
static enum err
check_words(const char *text, bool is_e2e)
{
    static const char *const places[] = {"first", "second", "third", "fourth", "fifth", "sixth"};
    const char *word;
    size_t len;

    for (size_t i = 0; i < ARRAY_LEN(places) && next_word(&text, &word, &len); i++) {
        if (is_e2e && !is_listed(word, len))
            return err_set(ERR_NOTFOUND, "the %s word is in no list", places[i]);
        if (len < 2 || len > WORD_LEN_MAX)
            return err_set(ERR_NOTFOUND, "the %s word is too %s", places[i],
                           len < 2 ? "short" : "long");
    }
    return ERR_OK;
}

static enum err
take_words(char *text, struct target *t)
{
    unsigned n;
    enum err e;

    if (!spell(text))
        return err_set(ERR_NOTFOUND,
                       "this is no code: a code has words of letters, with '-' between them");
    n = n_words(text);
    if (n < CODE_WORDS_MIN || n > CODE_WORDS_E2E)
        return err_set(ERR_NOTFOUND, "a code has %d to %d words, and this has %u", CODE_WORDS_MIN,
                       CODE_WORDS_E2E, n);
    t->is_e2e = n == CODE_WORDS_E2E;
    e = check_words(text, t->is_e2e);
    if (e != ERR_OK)
        return e;
    if (!t->is_e2e) {
        e = words_parse_any(CODE_WORDS_MIN, CODE_WORDS_MAX, text, &t->code);
        if (e == ERR_OK)
            memcpy(t->key, t->code.text, sizeof(t->key));
        return e;
    }
    e = words_parse(words_builtin(), CODE_WORDS_E2E, text, &t->code);
    return e == ERR_OK ? e2e_id(&t->code, t->key) : e;
}

/* An id in either case, as base32 has one only; false when it is none. */
static bool
take_id(const char *text, struct target *t)
{
    char id[CODE_ID_LEN + 1] = {0};

    if (strlen(text) != CODE_ID_LEN)
        return false;
    for (size_t i = 0; i < CODE_ID_LEN; i++)
        id[i] = text_lower(text[i]);
    if (words_parse_id(id, &t->code) != ERR_OK)
        return false;
    memcpy(t->key, id, sizeof(id));
    t->is_e2e = true;
    return true;
}

/* A code or an id; `text` is changed. */
static enum err
take_key(char *text, struct target *t)
{
    _Static_assert(sizeof(t->key) == sizeof(t->code.text), "a code fits, to its last byte");
    return take_id(text, t) ? ERR_OK : take_words(text, t);
}

/* ---- links ---- */

/* Undo percent-encoding in place; false when it is none. */
static bool
decode(char *text)
{
    char *to = text;

    for (; *text != '\0'; text++) {
        int high, low;

        if (*text != '%') {
            *to++ = *text;
            continue;
        }
        high = hex_value(text[1]);
        low = high < 0 ? -1 : hex_value(text[2]);
        if (low < 0 || high + low == 0)
            return false;
        *to++ = (char)(high << 4 | low);
        text += 2;
    }
    *to = '\0';
    return true;
}

/* Cut blanks off at both ends. */
static char *
trim(char *text)
{
    size_t len;

    while (is_blank(*text))
        text++;
    len = strlen(text);
    while (len > 0 && is_blank(text[len - 1]))
        text[--len] = '\0';
    return text;
}

/* Cut the "/ROUTE/KEY" off that `link` ends with. NULL when it has none: the link is as before. */
static char *
cut_route(char *link)
{
    static const char *const routes[] = {"/download", "/preview", "/status"};
    char *host = strstr(link, "://"), *key;
    size_t len = strlen(link);

    host = host == NULL ? link : host + 3;
    if (len > 0 && link[len - 1] == '/')
        len--;
    key = memrchr(link, '/', len);
    for (size_t i = 0; key != NULL && i < ARRAY_LEN(routes); i++) {
        size_t route_len = strlen(routes[i]);

        /* there is a host in front, which is not called "download" */
        if (key - host > (ptrdiff_t)route_len &&
            strncmp(key - route_len, routes[i], route_len) == 0) {
            link[len] = '\0';
            key[-(ptrdiff_t)route_len] = '\0';
            return key + 1;
        }
    }
    return NULL;
}

/* The key is cut off first, so that libcurl, which wipes nothing, never has it. */
static enum err
take_link(char *link, struct target *t)
{
    char *key = strchr(link, '#');
    enum err e;

    if (key != NULL)
        *key++ = '\0';
    if (strchr(link, '?') != NULL)
        return err_set(ERR_FIELD, "a link to a file has no query");
    if (key == NULL || *trim(key) == '\0')
        key = cut_route(link);
    e = server_parse(link, t->server);
    if (e != ERR_OK)
        return e;
    if (key == NULL)
        return err_set(ERR_NOTFOUND, "there is no code in this link");
    if (!decode(key))
        return err_set(ERR_NOTFOUND, "the code in this link is damaged");
    return take_key(trim(key), t);
}

/* ---- targets ---- */

static enum err
too_long(void)
{
    return err_set(ERR_FIELD, "a code or link has at most %d characters", TARGET_TEXT_MAX);
}

enum err
target_parse(const char *text, struct target *ret)
{
    size_t len = strnlen(text, TARGET_TEXT_MAX + 1);
    struct target t = {0};
    char copy[TARGET_TEXT_MAX + 1] = {0}, *trimmed; /* taken apart in place */
    enum err e;

    if (len > TARGET_TEXT_MAX)
        return too_long();
    memcpy(copy, text, len);
    trimmed = trim(copy);
    /* no code has one of these */
    e = strpbrk(trimmed, "/#") != NULL ? take_link(trimmed, &t) : take_key(trimmed, &t);
    if (e == ERR_OK)
        *ret = t;
    mem_wipe(copy, sizeof(copy));
    target_wipe(&t);
    return e;
}

enum err
target_parse_secret(const struct secret *text, struct target *ret)
{
    char copy[TARGET_TEXT_MAX + 1];
    size_t len = secret_len(text);
    enum err e;

    if (len > TARGET_TEXT_MAX)
        return too_long();
    memcpy(copy, secret_bytes(text), len);
    copy[len] = '\0';
    if (strlen(copy) < len)
        e = err_set(ERR_NOTFOUND, "this is no code: there is a NUL in it");
    else
        e = target_parse(copy, ret);
    mem_wipe(copy, sizeof(copy));
    return e;
}

void
target_wipe(struct target *t)
{
    mem_wipe(t, sizeof(*t));
}
