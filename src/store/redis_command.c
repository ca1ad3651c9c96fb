/* SPDX-License-Identifier: Apache-2.0 */
/* redis_command: commands put together and run. */
#include "store/redis_int.h"

#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- putting together ---- */

void
rd_add_bytes(struct rd_args *a, const void *bytes, size_t len)
{
    assert(a->command.argc < RD_ARGS_MAX);
    a->argv[a->command.argc] = bytes;
    a->lens[a->command.argc] = len;
    a->command.argc++;
}

void
rd_add(struct rd_args *a, const char *text)
{
    rd_add_bytes(a, text, strlen(text));
}

/* A text of the struct's own. */
static void PRINTF_LIKE(2, 3) addf(struct rd_args *a, const char *fmt, ...)
{
    size_t left = sizeof(a->text) - a->used;
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(a->text + a->used, left, fmt, ap);
    va_end(ap);
    assert(len >= 0 && (size_t)len < left);
    rd_add_bytes(a, a->text + a->used, (size_t)len);
    a->used += (size_t)len + 1;
}

void
rd_add_int(struct rd_args *a, int64_t number)
{
    addf(a, "%" PRId64, number);
}

void
rd_add_u64(struct rd_args *a, uint64_t number)
{
    addf(a, "%" PRIu64, number);
}

void
rd_add_hex(struct rd_args *a, const uint8_t bytes[ID_LEN])
{
    char hex[RD_HEX_ID];

    hex_encode(bytes, ID_LEN, hex);
    addf(a, "%s", hex);
}

void
rd_add_key(struct rd_args *a, const char *kind, const struct share_id *id)
{
    char hex[RD_HEX_ID];

    hex_encode(id->b, ID_LEN, hex);
    addf(a, "%s:{%s}", kind, hex);
}

void
rd_add_score(struct rd_args *a, int64_t at_s)
{
    if (at_s == INT64_MAX)
        rd_add(a, "+inf");
    else if (at_s == INT64_MIN)
        rd_add(a, "-inf");
    else
        rd_add_int(a, at_s);
}

void
rd_begin(struct rd_args *a, const char *verb, int i_key)
{
    a->script = NULL;
    a->used = 0;
    a->command = (struct rd_command){.argv = a->argv, .lens = a->lens, .i_key = i_key};
    rd_add(a, verb);
}

/* EVALSHA, its name, how many keys; the first key is argument 3. */
static void
begin_script(struct rd_args *a, const struct rd_script *script, const char *n_keys)
{
    rd_begin(a, "EVALSHA", 3);
    a->script = script;
    rd_add(a, script->sha1);
    rd_add(a, n_keys);
}

static void
add_index_keys(struct rd_args *a)
{
    static const char *const keys[] = {RD_KEY_BLOBS, RD_KEY_LIVE, RD_KEY_DOOMED, RD_KEY_BYTES};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        rd_add(a, keys[i]);
}

void
rd_begin_upload(struct rd_args *a, const struct redis_store *s, const struct rd_script *script,
                const struct share_id *id)
{
    bool is_apart = rd_link_is_cluster(s->link);

    begin_script(a, script, is_apart ? "3" : "7");
    rd_add_key(a, "upload", id);
    rd_add_key(a, "sealed", id);
    rd_add_key(a, "leases", id);
    if (!is_apart)
        add_index_keys(a);
}

void
rd_begin_index(struct rd_args *a, const struct rd_script *script)
{
    begin_script(a, script, "4");
    add_index_keys(a);
}

void
rd_begin_counter(struct rd_args *a, const struct rd_script *script, const char *name)
{
    begin_script(a, script, "1");
    rd_add(a, name);
}

/* ---- running ---- */

enum err
rd_run(struct redis_store *s, struct rd_args *a, redisReply **ret_reply)
{
    enum err e = rd_link_call(s->link, &a->command, ret_reply);

    if (e == ERR_NOTFOUND && a->script != NULL) { /* EVAL teaches the server the script as well */
        a->argv[0] = "EVAL";
        a->lens[0] = strlen(a->argv[0]);
        a->argv[1] = a->script->text;
        a->lens[1] = strlen(a->script->text);
        e = rd_link_call(s->link, &a->command, ret_reply);
    }
    return e == ERR_NOTFOUND ? err_set(ERR_UNAVAIL, "Redis forgets its scripts") : e;
}

enum err
rd_run_only(struct redis_store *s, struct rd_args *a)
{
    redisReply *reply = NULL;
    enum err e = rd_run(s, a, &reply);

    if (e == ERR_OK)
        freeReplyObject(reply);
    return e;
}

enum err
rd_run_all(struct redis_store *s, struct rd_args *args, size_t n, redisReply **ret_replies)
{
    struct rd_command commands[RD_END_BATCH];
    enum err errs[RD_END_BATCH], e;

    assert(n > 0 && n <= RD_END_BATCH);
    for (size_t i = 0; i < n; i++) {
        args[i].command.is_idempotent = true;
        commands[i] = args[i].command;
    }
    e = rd_link_calls(s->link, commands, n, errs, ret_replies);
    for (size_t i = 0; i < n && e != ERR_OK; i++) {
        freeReplyObject(ret_replies[i]);
        ret_replies[i] = NULL;
    }
    return e;
}

/* What an upload's script says first. */
static enum err
error_of(const redisReply *reply)
{
    static const struct {
        const char *word;
        enum err e;
        const char *sentence;
    } words[] = {
        {"gone", ERR_GONE, "the upload has ended"},
        {"notfound", ERR_NOTFOUND, "no such upload or lease"},
        {"exists", ERR_EXISTS, "an upload of this id is, or was a short time ago"},
        {"taken", ERR_TAKEN, "the preview was taken before"},
    };
    const redisReply *first;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return rd_damaged();
    first = reply->element[0];
    if (strcmp(first->str, "ok") == 0)
        return ERR_OK;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(first->str, words[i].word) == 0)
            return err_set(words[i].e, "%s", words[i].sentence);
    }
    return rd_damaged();
}

/* The step is done; a change of the index that fails now is made up for when the blob is next
 * looked at, so it is not the caller's error. */
static void
change_index(struct redis_store *s, const redisReply *change)
{
    struct rd_args a;
    enum err e;

    if (change->len == 0)
        return;
    rd_begin_index(&a, &rd_index_change);
    rd_add_bytes(&a, change->str, (size_t)change->len);
    e = rd_run_only(s, &a);
    (void)e;
}

enum err
rd_finish_upload(struct redis_store *s, redisReply *reply, redisReply **ret_reply)
{
    enum err e = error_of(reply);

    if (e == ERR_OK)
        change_index(s, reply->element[1]);
    if (e == ERR_OK && ret_reply != NULL)
        *ret_reply = reply;
    else
        freeReplyObject(reply);
    return e;
}

enum err
rd_run_upload(struct redis_store *s, struct rd_args *a, redisReply **ret_reply)
{
    redisReply *reply = NULL;
    enum err e = rd_run(s, a, &reply);

    return e == ERR_OK ? rd_finish_upload(s, reply, ret_reply) : e;
}

/* ---- times ---- */

int64_t
rd_ttl_ms(int64_t from_s, int64_t to_s)
{
    const int64_t max_s = 1LL << 36; /* two thousand years: far from what Redis cannot add */
    int64_t span_s;

    if (__builtin_sub_overflow(to_s, from_s, &span_s) || span_s > max_s)
        span_s = to_s > from_s ? max_s : 0;
    if (span_s < 0)
        span_s = 0;
    return (span_s + RD_GRACE_S) * 1000;
}

int64_t
rd_cutoff_s(const struct redis_store *s, int64_t now_s)
{
    return store_time_add(now_s, -s->tombstone_s);
}

int64_t
rd_tombstone_ms(const struct redis_store *s)
{
    return rd_ttl_ms(0, s->tombstone_s) - RD_GRACE_S * 1000; /* which upload.lua adds */
}
