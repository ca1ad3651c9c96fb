/* SPDX-License-Identifier: Apache-2.0 */
/* One reader for each kind of setting. What they say must not hold the value of a secret. */
#include "server/config_int.h"

#include "base/text.h"
#include "http/field.h"
#include "policy/forwarded.h"
#include "policy/mime.h"
#include "store/store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_LEN_MAX = 512, TOKEN_LEN_MAX = 512, SHOWN_LEN = 40 };

typedef enum err (*read_fn)(const struct setting *s, const char *value, void *ret_field);

enum err
config_named(const char *where, enum err e)
{
    char sentence[200];

    (void)snprintf(sentence, sizeof(sentence), "%s", err_sentence());
    return err_set(e, "%s: %s", where, sentence);
}

static enum err
set_text(const struct setting *s, const char *text, size_t len, void *ret_field)
{
    char *copy = strndup(text, len);

    if (copy == NULL)
        return err_set(ERR_NOMEM, "%s: no memory", s->name);
    *(char **)ret_field = copy;
    return ERR_OK;
}

/* An entry of a list as a sentence may show it: printable ASCII, cut to a sensible length. */
static const char *
shown(const char *entry, size_t len, char ret_text[SHOWN_LEN + 1])
{
    size_t n = len < SHOWN_LEN ? len : SHOWN_LEN;

    for (size_t i = 0; i < n; i++)
        ret_text[i] = entry[i] >= 0x20 && entry[i] < 0x7f ? entry[i] : '?';
    ret_text[n] = '\0';
    return ret_text;
}

/* The next entry of a comma-separated list, without blanks around it. False at the end. */
static bool
next_entry(const char **at, const char **ret_entry, size_t *ret_len)
{
    const char *from = *at, *to;

    if (from == NULL)
        return false;
    to = from + strcspn(from, ",");
    *at = *to == ',' ? to + 1 : NULL;
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (from < to && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    *ret_entry = from;
    *ret_len = (size_t)(to - from);
    return true;
}

/* ---- numbers ---- */

static enum err
number(const struct setting *s, const char *value, uint64_t *ret_number)
{
    uint64_t x;

    if (text_u64(value, strlen(value), s->max, &x) != ERR_OK || x < s->min)
        return err_set(ERR_SYNTAX, "%s must be a whole number from %llu to %llu", s->name,
                       (unsigned long long)s->min, (unsigned long long)s->max);
    *ret_number = x;
    return ERR_OK;
}

static enum err
read_number(const struct setting *s, const char *value, void *ret_field)
{
    uint64_t x = 0;
    enum err e = number(s, value, &x);

    if (e == ERR_OK)
        *(unsigned *)ret_field = (unsigned)x;
    return e;
}

static enum err
read_count(const struct setting *s, const char *value, void *ret_field)
{
    return number(s, value, ret_field);
}

static enum err
read_seconds(const struct setting *s, const char *value, void *ret_field)
{
    uint64_t x = 0;
    enum err e = number(s, value, &x);

    if (e == ERR_OK)
        *(int64_t *)ret_field = (int64_t)x;
    return e;
}

static enum err
read_hours(const struct setting *s, const char *value, void *ret_field)
{
    uint64_t x = 0;
    enum err e = number(s, value, &x);

    if (e == ERR_OK)
        *(int64_t *)ret_field = (int64_t)x * 3600;
    return e;
}

static enum err
read_size(const struct setting *s, const char *value, void *ret_field)
{
    uint64_t x;

    if (text_size(value, s->max, &x) != ERR_OK || x < s->min)
        return err_set(ERR_SYNTAX,
                       "%s must be a number of bytes, or of k, M or G (as in 100M), from %llu to "
                       "%lluG",
                       s->name, (unsigned long long)s->min, (unsigned long long)s->max >> 30);
    *(uint64_t *)ret_field = x;
    return ERR_OK;
}

static enum err
read_rate(const struct setting *s, const char *value, void *ret_field)
{
    if (rate_parse(value, ret_field) != ERR_OK)
        return err_set(ERR_SYNTAX,
                       "%s must be N/second, N/minute, N/hour or N/day with N from 1 to 1000000, "
                       "or off",
                       s->name);
    return ERR_OK;
}

/* ---- choices ---- */

static enum err
read_bool(const struct setting *s, const char *value, void *ret_field)
{
    if (text_bool(value, ret_field) != ERR_OK)
        return err_set(ERR_SYNTAX, "%s must be on, off, true, false, 1 or 0", s->name);
    return ERR_OK;
}

static enum err
read_level(const struct setting *s, const char *value, void *ret_field)
{
    if (log_level_parse(value, ret_field) != ERR_OK)
        return err_set(ERR_SYNTAX, "%s must be debug, info, warn, error or off", s->name);
    return ERR_OK;
}

static enum err
read_addresses(const struct setting *s, const char *value, void *ret_field)
{
    bool full = text_same(value, "full");

    if (!full && !text_same(value, "cut"))
        return err_set(ERR_SYNTAX, "%s must be full or cut", s->name);
    *(bool *)ret_field = full;
    return ERR_OK;
}

static enum err
read_later(const struct setting *s, const char *value, void *ret_field)
{
    (void)value;
    (void)ret_field;
    return err_set(ERR_UNSUPPORTED, "%s is not supported by this version yet: leave it empty",
                   s->name);
}

/* ---- texts ---- */

static enum err
read_path(const struct setting *s, const char *value, void *ret_field)
{
    size_t len = strlen(value);

    if (len >= PATH_MAX)
        return err_set(ERR_SYNTAX, "%s must be a path of at most %d bytes", s->name, PATH_MAX - 1);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return err_set(ERR_SYNTAX, "%s must be a path without control characters", s->name);
    }
    return set_text(s, value, len, ret_field);
}

bool
config_is_token(const char *text)
{
    size_t len = strnlen(text, TOKEN_LEN_MAX + 1);

    if (len == 0 || len > TOKEN_LEN_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return false;
    }
    return true;
}

static enum err
read_token(const struct setting *s, const char *value, void *ret_field)
{
    if (!config_is_token(value))
        return err_set(ERR_SYNTAX, "%s must be 1 to %d visible ASCII characters without blanks",
                       s->name, TOKEN_LEN_MAX);
    return set_text(s, value, strlen(value), ret_field);
}

static enum err
read_types(const struct setting *s, const char *value, void *ret_field)
{
    struct mime_rules rules;
    enum err e = mime_rules_parse(value, &rules);

    if (e != ERR_OK)
        return config_named(s->name, e);
    mime_rules_done(&rules);
    return set_text(s, value, strlen(value), ret_field);
}

static enum err
read_proxies(const struct setting *s, const char *value, void *ret_field)
{
    struct trusted trusted;
    enum err e = trusted_parse(value, &trusted);

    if (e != ERR_OK)
        return config_named(s->name, e);
    trusted_done(&trusted);
    return set_text(s, value, strlen(value), ret_field);
}

/* ---- addresses ---- */

/* The length of "http://" or "https://" in any case at the start of the text; 0: neither. */
static size_t
scheme_len(const char *text)
{
    return text_begins(text, "http://") ? 7 : text_begins(text, "https://") ? 8 : 0;
}

/* "" or segments, each a slash and one or more characters of RFC 3986's pchar. */
static bool
is_url_path(const char *path)
{
    for (const char *p = path; *p != '\0'; p++) {
        if (*p == '/' && (p[1] == '/' || p[1] == '\0'))
            return false;
        if (*p == '%' && (strspn(p + 1, "0123456789abcdefABCDEF") < 2))
            return false;
        if (!text_is_alpha(*p) && !text_is_digit(*p) && strchr("/-._~%!$&'()*+,;=:@", *p) == NULL)
            return false;
    }
    return true;
}

/* Bring `value` into the form of struct config; false when it is no such URL. */
static bool
clean_url(const char *value, char ret_url[URL_LEN_MAX + 1])
{
    size_t len = strlen(value), scheme = scheme_len(value), authority_len;
    char authority[URL_LEN_MAX + 1];

    while (len > scheme && value[len - 1] == '/')
        len--;
    if (scheme == 0 || len > URL_LEN_MAX)
        return false;
    memcpy(ret_url, value, len);
    ret_url[len] = '\0';
    for (size_t i = 0; i < scheme; i++)
        ret_url[i] = text_lower(ret_url[i]);
    authority_len = strcspn(ret_url + scheme, "/?#");
    memcpy(authority, ret_url + scheme, authority_len);
    authority[authority_len] = '\0';
    return field_is_authority(authority) && is_url_path(ret_url + scheme + authority_len);
}

static enum err
read_url(const struct setting *s, const char *value, void *ret_field)
{
    char url[URL_LEN_MAX + 1];

    if (!clean_url(value, url))
        return err_set(ERR_SYNTAX,
                       "%s must be http://host or https://host, with :port and /path where "
                       "needed, without user, query or fragment, of at most %d bytes",
                       s->name, URL_LEN_MAX);
    return set_text(s, url, strlen(url), ret_field);
}

static enum err
read_redis(const struct setting *s, const char *value, void *ret_field)
{
    struct store_redis_facts facts;

    if (store_redis_check_url(value, &facts) != ERR_OK)
        return config_named(s->name, ERR_SYNTAX);
    return set_text(s, value, strlen(value), ret_field);
}

/* Browsers write an origin in lower case, and that is what it is compared with. */
static enum err
add_origin(const struct setting *s, const char *entry, size_t len, struct buf *list)
{
    char origin[URL_LEN_MAX + 1] = "", text[SHOWN_LEN + 1];
    enum err e = ERR_OK;

    for (size_t i = 0; i < len && i < URL_LEN_MAX; i++)
        origin[i] = text_lower(entry[i]);
    if (len > URL_LEN_MAX || scheme_len(origin) == 0 ||
        !field_is_authority(origin + scheme_len(origin)))
        return err_set(ERR_SYNTAX,
                       "%s: \"%s\" is not an origin: write *, none, or http(s)://host[:port], "
                       "separated by commas",
                       s->name, shown(entry, len, text));
    if (list->len > 0)
        e = buf_add_text(list, ",");
    if (e == ERR_OK)
        e = buf_add_text(list, origin);
    return e;
}

static enum err
read_origins(const struct setting *s, const char *value, void *ret_field)
{
    const char *at = value, *entry;
    struct buf list;
    enum err e = ERR_OK;
    size_t len;

    if (text_same(value, "none"))
        return set_text(s, "", 0, ret_field);
    if (strcmp(value, "*") == 0)
        return set_text(s, "*", 1, ret_field);
    buf_init(&list, CONFIG_VALUE_MAX);
    while (e == ERR_OK && next_entry(&at, &entry, &len))
        e = add_origin(s, entry, len, &list);
    if (e == ERR_OK)
        e = set_text(s, buf_text(&list), list.len, ret_field);
    buf_done(&list);
    return e;
}

static enum err
read_listen(const struct setting *s, const char *value, void *ret_field)
{
    struct config_listen listen = {0};
    const char *at = value, *entry;
    char text[SHOWN_LEN + 1], why[96];
    size_t len;

    while (next_entry(&at, &entry, &len)) {
        if (listen.n == LISTEN_MAX)
            return err_set(ERR_SYNTAX, "%s holds more than %d entries", s->name, LISTEN_MAX);
        if (listen_parse(entry, len, &listen.all[listen.n]) != ERR_OK) {
            (void)snprintf(why, sizeof(why), "%s", err_sentence());
            return err_set(ERR_SYNTAX, "%s: \"%s\": %s", s->name, shown(entry, len, text), why);
        }
        listen.n++;
    }
    *(struct config_listen *)ret_field = listen;
    return ERR_OK;
}

enum err
config_read_value(const struct setting *s, const char *value, struct config *c)
{
    static const read_fn readers[SETTING_KINDS] = {
        [SETTING_NUMBER] = read_number,
        [SETTING_COUNT] = read_count,
        [SETTING_SECONDS] = read_seconds,
        [SETTING_HOURS] = read_hours,
        [SETTING_SIZE] = read_size,
        [SETTING_BOOL] = read_bool,
        [SETTING_RATE] = read_rate,
        [SETTING_PATH] = read_path,
        [SETTING_URL] = read_url,
        [SETTING_TYPES] = read_types,
        [SETTING_PROXIES] = read_proxies,
        [SETTING_ORIGINS] = read_origins,
        [SETTING_REDIS] = read_redis,
        [SETTING_TOKEN] = read_token,
        [SETTING_LISTEN] = read_listen,
        [SETTING_LEVEL] = read_level,
        [SETTING_ADDRESSES] = read_addresses,
        [SETTING_LATER] = read_later,
    };

    if (strnlen(value, CONFIG_VALUE_MAX + 1) > CONFIG_VALUE_MAX)
        return err_set(ERR_SYNTAX, "%s is longer than %d bytes", s->name, CONFIG_VALUE_MAX);
    return readers[s->kind](s, value, (char *)c + s->offset);
}
