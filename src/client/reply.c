/* SPDX-License-Identifier: Apache-2.0 */
/* What successes say. Each field has one form, and anything else is no answer of a mayfly. */
#include "client/reply.h"

#include "base/clock.h"
#include "base/enc.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/reply_int.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Beyond what people can use; a bound, so that no sum of it can wrap. */
enum { COUNT_MAX = 1000000000 };

/* ---- JSON ---- */

static void
wipe_and_free(void *p)
{
    if (p != NULL)
        mem_wipe(p, malloc_usable_size(p));
    free(p);
}

/* For all of the program: what jansson took before can be freed by it too. */
static void
wipe_always(void)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
}

json_t *
reply_object(const struct net_reply *r)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    json_t *json;

    (void)pthread_once(&once, wipe_always);
    if (r->body.len == 0)
        return NULL;
    json = json_loadb((const char *)r->body.data, r->body.len, JSON_REJECT_DUPLICATES, NULL);
    if (json != NULL && !json_is_object(json)) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

const char *
reply_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static enum err
object_of(const struct net_reply *r, json_t **ret_json)
{
    *ret_json = reply_object(r);
    if (*ret_json == NULL)
        return err_set(ERR_SYNTAX, "the server's answer cannot be read: is it a mayfly server?");
    return ERR_OK;
}

/* `name` is one of ours, never the server's. */
static enum err
wrong(const char *name)
{
    return err_set(ERR_SYNTAX, "the server's answer has no usable \"%s\"", name);
}

static bool
is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

static bool
is_lower_word(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz");

    return len > 0 && text[len] == '\0';
}

static bool
is_base64url(const char *text)
{
    return text[0] != '\0' && b64url_is(text);
}

static bool
is_hash(const char *text)
{
    uint8_t bytes[SHA256_LEN];

    return strlen(text) == REPLY_SHA256_LEN &&
           strspn(text, "0123456789abcdef") == REPLY_SHA256_LEN &&
           hex_decode(text, bytes, sizeof(bytes)) == ERR_OK;
}

static bool
is_time(const char *text)
{
    int64_t at_s;

    return reply_time(text, &at_s) == ERR_OK;
}

static bool
is_any(const char *text)
{
    return text[0] != '\0';
}

/* A code or an end-to-end id as servers spell it, so that it can be shown and put into a path. */
static bool
is_key(const char *text)
{
    struct share_code code = {0};
    bool is = words_parse_id(text, &code) == ERR_OK ||
              words_parse_any(CODE_WORDS_MIN, CODE_WORDS_MAX, text, &code) == ERR_OK;

    is = is && strlen(code.text) == strlen(text) && mem_equal(code.text, text, strlen(text));
    share_code_wipe(&code);
    return is;
}

/* A text member: what form it must have, and where it goes, with room for `cap` bytes. One that may
 * lack is "" when it is missing or null. */
struct member {
    const char *name;
    bool (*is)(const char *text);
    char *to;
    size_t cap;
    bool may_lack;
};

#define MEMBER(name, is, to)                                                                       \
    {                                                                                              \
        name, is, to, sizeof(to), false                                                            \
    }
#define MAY_LACK(name, is, to)                                                                     \
    {                                                                                              \
        name, is, to, sizeof(to), true                                                             \
    }

static enum err
take(const json_t *json, const struct member *members, size_t n)
{
    for (const struct member *m = members; m < members + n; m++) {
        const json_t *value = json_object_get(json, m->name);
        const char *text = reply_text(json, m->name);

        m->to[0] = '\0';
        if (m->may_lack && (value == NULL || json_is_null(value)))
            continue;
        if (text == NULL || strlen(text) >= m->cap || !m->is(text))
            return wrong(m->name);
        memcpy(m->to, text, strlen(text) + 1);
    }
    return ERR_OK;
}

static enum err
take_count(const json_t *json, const char *name, unsigned *ret)
{
    const json_t *member = json_object_get(json, name);
    json_int_t n = json_integer_value(member);

    if (!json_is_integer(member) || n < 0 || n > COUNT_MAX)
        return wrong(name);
    *ret = (unsigned)n;
    return ERR_OK;
}

/* ---- receipt ---- */

/* "https://host/prefix" of "https://host/prefix/download/KEY". */
static void
server_of(const char *url, const char *key, char ret_server[sizeof(((struct receipt *)0)->server)])
{
    char tail[sizeof("/download/") + CODE_TEXT_LEN];
    const char *host = text_begins(url, "https://")  ? url + 8
                       : text_begins(url, "http://") ? url + 7
                                                     : NULL;
    size_t len = strlen(url), tail_len;

    (void)snprintf(tail, sizeof(tail), "/download/%s", key);
    tail_len = strlen(tail);
    if (host != NULL && len > tail_len && len - tail_len < sizeof(((struct receipt *)0)->server) &&
        mem_equal(url + len - tail_len, tail, tail_len) && url + len - tail_len > host &&
        strcspn(host, "@?#\\") >= len - tail_len - (size_t)(host - url)) {
        memcpy(ret_server, url, len - tail_len);
        ret_server[len - tail_len] = '\0';
    }
    mem_wipe(tail, sizeof(tail));
}

static bool
is_url(const char *text)
{
    return is_printable(text) && text[0] != '\0' && strpbrk(text, " \"'`<>\\") == NULL;
}

/* -1: not known, or it runs backwards. */
static int64_t
life_of(const char *created, int64_t expires_at_s)
{
    int64_t created_at_s = 0;

    if (reply_time(created, &created_at_s) != ERR_OK || created_at_s > expires_at_s)
        return -1;
    return expires_at_s - created_at_s;
}

enum err
reply_receipt(const struct net_reply *r, struct receipt *ret)
{
    struct receipt got = {0};
    char url[1024] = "", created[32] = "";
    const struct member members[] = {
        MEMBER("key", is_key, got.key),        MEMBER("burn_token", is_base64url, got.burn_token),
        MEMBER("sha256", is_hash, got.sha256), MEMBER("download_url", is_url, url),
        MEMBER("expiry", is_time, got.expiry), MAY_LACK("created_at", is_time, created),
    };
    json_t *json = NULL;
    enum err e = object_of(r, &json);

    if (e == ERR_OK)
        e = take(json, members, ARRAY_LEN(members));
    if (e == ERR_OK)
        e = take_count(json, "uses", &got.uses);
    if (e == ERR_OK)
        e = reply_time(got.expiry, &got.expires_at_s);
    if (e == ERR_OK) {
        got.life_s = life_of(created, got.expires_at_s);
        server_of(url, got.key, got.server);
        *ret = got;
    }
    json_decref(json);
    receipt_wipe(&got);
    mem_wipe(url, sizeof(url));
    return e;
}

void
receipt_wipe(struct receipt *r)
{
    mem_wipe(r, sizeof(*r));
}

/* ---- status and preview ---- */

static bool
is_state(const char *text)
{
    return strcmp(text, "active") == 0 || strcmp(text, "expired") == 0 ||
           strcmp(text, "burned") == 0 || strcmp(text, "unknown") == 0;
}

enum err
reply_status(const struct net_reply *r, struct reply_status *ret)
{
    struct reply_status got = {0};
    const struct member members[] = {
        MEMBER("status", is_state, got.status),
        MAY_LACK("expires_at", is_time, got.expires_at),
        MAY_LACK("ended_at", is_time, got.ended_at),
        MAY_LACK("ended_by", is_lower_word, got.ended_by),
    };
    json_t *json = NULL;
    enum err e = object_of(r, &json);

    if (e == ERR_OK)
        e = take(json, members, ARRAY_LEN(members));
    if (e == ERR_OK &&
        (strcmp(got.status, "active") == 0 || json_object_get(json, "remaining_uses") != NULL))
        e = take_count(json, "remaining_uses", &got.uses_left);
    if (e == ERR_OK)
        *ret = got;
    json_decref(json);
    return e;
}

static enum err
take_size(const json_t *json, uint64_t *ret)
{
    const json_t *size = json_object_get(json, "size");

    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return wrong("size");
    *ret = (uint64_t)json_integer_value(size);
    return ERR_OK;
}

enum err
reply_preview(const struct net_reply *r, struct reply_preview *ret)
{
    struct reply_preview got = {0};
    const struct member members[] = {
        MEMBER("filename", is_any, got.name),     MEMBER("mime_type", is_printable, got.type),
        MEMBER("sha256", is_hash, got.sha256),    MEMBER("expiry", is_time, got.expiry),
        MAY_LACK("meta", is_base64url, got.meta),
    };
    json_t *json = NULL;
    enum err e = object_of(r, &json);

    if (e == ERR_OK)
        e = take(json, members, ARRAY_LEN(members));
    if (e == ERR_OK)
        e = take_count(json, "uses", &got.uses_left);
    if (e == ERR_OK)
        e = take_count(json, "minutes_left", &got.minutes_left);
    if (e == ERR_OK)
        e = take_size(json, &got.size_bytes);
    if (e == ERR_OK)
        *ret = got;
    json_decref(json);
    mem_wipe(&got, sizeof(got));
    return e;
}

/* ---- times ---- */

/* Digits of a place that is always there. */
static int
number(const char *text, size_t len)
{
    uint64_t n;

    return text_u64(text, len, 9999, &n) == ERR_OK ? (int)n : -1;
}

enum err
reply_time(const char *text, int64_t *ret_at_s)
{
    char again[CLOCK_TEXT_LEN] = "";
    struct tm tm = {0};
    int64_t at_s;

    if (strlen(text) != CLOCK_TEXT_LEN - 1)
        return err_set(ERR_SYNTAX, "a time that is none");
    tm.tm_year = number(text, 4) - 1900;
    tm.tm_mon = number(text + 5, 2) - 1;
    tm.tm_mday = number(text + 8, 2);
    tm.tm_hour = number(text + 11, 2);
    tm.tm_min = number(text + 14, 2);
    tm.tm_sec = number(text + 17, 2);
    at_s = timegm(&tm);
    clock_text(at_s, again); /* the one spelling: no 30 February, no 24:00, no blank for the T */
    if (strcmp(text, again) != 0)
        return err_set(ERR_SYNTAX, "a time that is none");
    *ret_at_s = at_s;
    return ERR_OK;
}
