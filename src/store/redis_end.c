/* SPDX-License-Identifier: Apache-2.0 */
/* redis_end: how uploads end, and what is left of them. */
#include "store/redis_int.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum err
rd_store_remove(struct store *store, const struct share_id *id, enum ended_by how, int64_t now_s)
{
    struct redis_store *s = rd_of(store);
    struct rd_args a;
    enum err e;

    rd_begin_upload(&a, s, &rd_remove, id);
    rd_add_int(&a, now_s);
    rd_add_int(&a, rd_cutoff_s(s, now_s));
    rd_add_int(&a, how);
    rd_add_int(&a, rd_tombstone_ms(s));
    e = rd_run_upload(s, &a, NULL);
    rd_totals_changed(s);
    return e;
}

/* ---- what is due ---- */

struct due_blob {
    struct blob_name blob;
    struct share_id id;
    char score[32]; /* as Redis writes it */
};

/* The blob and score pairs of a reply of ZRANGEBYSCORE ... WITHSCORES. */
static enum err
read_due(const redisReply *reply, struct due_blob *ret_due, unsigned *ret_n)
{
    struct rd_reader r = rd_read(reply, 0);
    unsigned n = 0;
    size_t len;

    while (n < RD_END_BATCH && rd_has(&r)) {
        struct due_blob *d = &ret_due[n++];

        rd_hex(&r, d->blob.b);
        rd_bytes(&r, (uint8_t *)d->score, sizeof(d->score) - 1, &len);
        d->score[len] = '\0';
    }
    if (r.is_bad)
        return rd_damaged();
    *ret_n = n;
    return ERR_OK;
}

/* An entry of the hash `blobs`: an id and more, as index.lua says. */
static bool
read_entry_id(const redisReply *entry, struct share_id *ret_id)
{
    char hex[RD_HEX_ID];

    if (entry->type != REDIS_REPLY_STRING || entry->len < (long long)sizeof(hex))
        return false;
    memcpy(hex, entry->str, sizeof(hex) - 1);
    hex[sizeof(hex) - 1] = '\0';
    return hex_decode(hex, ret_id->b, ID_LEN) == ERR_OK;
}

/* Whose blobs they are. One that another node has forgotten meanwhile is left out. */
static enum err
read_ids(struct redis_store *s, struct due_blob *due, unsigned *n)
{
    redisReply *reply = NULL;
    unsigned n_kept = 0;
    struct rd_args a;
    enum err e;

    rd_begin(&a, "HMGET", 1);
    a.command.is_idempotent = true;
    rd_add(&a, RD_KEY_BLOBS);
    for (unsigned i = 0; i < *n; i++)
        rd_add_hex(&a, due[i].blob.b);
    e = rd_run(s, &a, &reply);
    if (e != ERR_OK)
        return e;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != *n)
        e = rd_damaged();
    for (unsigned i = 0; e == ERR_OK && i < *n; i++) {
        const redisReply *entry = reply->element[i];

        if (entry->type == REDIS_REPLY_NIL)
            continue;
        if (!read_entry_id(entry, &due[i].id))
            e = rd_damaged();
        due[n_kept++] = due[i];
    }
    freeReplyObject(reply);
    *n = n_kept;
    return e;
}

static enum err
find_due(struct redis_store *s, int64_t now_s, unsigned max, struct due_blob *ret_due,
         unsigned *ret_n)
{
    redisReply *reply = NULL;
    struct rd_args a;
    enum err e;

    rd_begin(&a, "ZRANGEBYSCORE", 1);
    a.command.is_idempotent = true;
    rd_add(&a, RD_KEY_LIVE);
    rd_add(&a, "-inf");
    rd_add_score(&a, now_s);
    rd_add(&a, "WITHSCORES");
    rd_add(&a, "LIMIT");
    rd_add(&a, "0");
    rd_add_u64(&a, max);
    e = rd_run(s, &a, &reply);
    if (e != ERR_OK)
        return e;
    e = read_due(reply, ret_due, ret_n);
    freeReplyObject(reply);
    if (e == ERR_OK && *ret_n > 0)
        e = read_ids(s, ret_due, ret_n);
    return e;
}

static void
begin_end(struct rd_args *a, struct redis_store *s, const struct due_blob *due, int64_t now_s)
{
    rd_begin_upload(a, s, &rd_end, &due->id);
    a->command.is_idempotent = true;
    rd_add_int(a, now_s);
    rd_add_hex(a, due->blob.b);
    rd_add(a, due->score);
    rd_add_int(a, rd_tombstone_ms(s));
}

/* Whether the upload ended by it; frees the reply. */
static enum err
finish_end(struct redis_store *s, redisReply *reply, bool *ret_ended)
{
    redisReply *ended = NULL;
    struct rd_reader r;
    enum err e = rd_finish_upload(s, reply, &ended);

    if (e != ERR_OK)
        return e;
    r = rd_read(ended, 2);
    *ret_ended = rd_u64(&r, 1) != 0;
    freeReplyObject(ended);
    return r.is_bad ? rd_damaged() : ERR_OK;
}

/* End those of `n` that are due after all. All are asked for before the first answer is read; what
 * fails then (a server that does not know the script) is asked for alone. */
static enum err
end_batch(struct redis_store *s, const struct due_blob *due, unsigned n, int64_t now_s,
          unsigned *ret_n)
{
    struct rd_args args[RD_END_BATCH];
    struct rd_command commands[RD_END_BATCH] = {{0}};
    redisReply *replies[RD_END_BATCH] = {NULL};
    enum err errs[RD_END_BATCH], e = ERR_OK, first;

    for (unsigned i = 0; i < n; i++) {
        begin_end(&args[i], s, &due[i], now_s);
        commands[i] = args[i].command;
    }
    first = rd_link_calls(s->link, commands, n, errs, replies);
    (void)first; /* errs has it */
    for (unsigned i = 0; i < n; i++) {
        bool ended = false;

        if (e == ERR_OK && errs[i] == ERR_NOTFOUND)
            errs[i] = rd_run(s, &args[i], &replies[i]);
        if (errs[i] == ERR_OK)
            errs[i] = finish_end(s, replies[i], &ended);
        *ret_n += ended;
        e = e == ERR_OK ? errs[i] : e;
    }
    return e;
}

enum err
rd_store_end_due(struct store *store, int64_t now_s, unsigned max, unsigned *ret_n)
{
    struct redis_store *s = rd_of(store);
    struct due_blob due[RD_END_BATCH];
    unsigned total = 0, n_rounds = 0, n, n_ended, want;
    enum err e;

    do {
        n = n_ended = 0;
        want = max - total < RD_END_BATCH ? max - total : RD_END_BATCH;
        e = find_due(s, now_s, want, due, &n);
        if (e == ERR_OK && n > 0)
            e = end_batch(s, due, n, now_s, &n_ended);
        total += n_ended;
        /* Those that were not due yet have a later time now, so that a full batch means more; but
         * not when that change failed, hence the limit. */
    } while (e == ERR_OK && n == want && total < max && ++n_rounds < RD_END_ROUNDS);
    rd_totals_changed(s);
    if (e == ERR_OK)
        *ret_n = total;
    return e;
}

/* The score of the first member of a sorted set, as a time: the whole second at which it counts. */
static enum err
first_score(const redisReply *reply, int64_t *ret_at_s)
{
    struct rd_reader r = rd_read(reply, 1);
    uint8_t text[40];
    int64_t at_s;
    double score;
    size_t len;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 0)
        return ERR_OK;
    rd_bytes(&r, text, sizeof(text) - 1, &len);
    if (r.is_bad)
        return rd_damaged();
    text[len] = '\0';
    score = strtod((const char *)text, NULL);
    at_s = score < -9.2e18 ? INT64_MIN : score < 9.2e18 ? (int64_t)score : INT64_MAX;
    if ((double)at_s < score && at_s < INT64_MAX)
        at_s++; /* index.lua, index_due */
    if (at_s < *ret_at_s)
        *ret_at_s = at_s;
    return ERR_OK;
}

enum err
rd_store_next_due(struct store *store, int64_t *ret_at_s)
{
    static const char *const keys[] = {RD_KEY_LIVE, RD_KEY_DOOMED};
    struct redis_store *s = rd_of(store);
    struct rd_args args[ARRAY_LEN(keys)];
    redisReply *replies[ARRAY_LEN(keys)];
    int64_t at_s = INT64_MAX;
    enum err e;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        rd_begin(&args[i], "ZRANGE", 1);
        rd_add(&args[i], keys[i]);
        rd_add(&args[i], "0");
        rd_add(&args[i], "0");
        rd_add(&args[i], "WITHSCORES");
    }
    e = rd_run_all(s, args, ARRAY_LEN(keys), replies);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (e == ERR_OK)
            e = first_score(replies[i], &at_s);
        freeReplyObject(replies[i]);
    }
    if (e == ERR_OK)
        *ret_at_s = at_s;
    return e;
}

/* ---- doomed blobs ---- */

/* "id stored_bytes ended_at_s ended_by" */
static bool
read_entry(const redisReply *entry, struct doomed_blob *ret_blob)
{
    const char *at = entry->str, *end = at + entry->len;
    int64_t numbers[3];

    if (entry->len < HEX_LEN(ID_LEN) + 1 || at[HEX_LEN(ID_LEN)] != ' ')
        return false;
    at += HEX_LEN(ID_LEN) + 1;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        const char *stop = memchr(at, ' ', (size_t)(end - at));

        if ((stop == NULL) != (i + 1 == ARRAY_LEN(numbers)))
            return false;
        stop = stop == NULL ? end : stop;
        if (!rd_parse_int(at, (size_t)(stop - at), &numbers[i]))
            return false;
        at = stop + 1;
    }
    if (numbers[0] < 0 || numbers[2] < ENDED_USES || numbers[2] > ENDED_REVOKED)
        return false;
    ret_blob->stored_bytes = (uint64_t)numbers[0];
    ret_blob->ended_at_s = numbers[1];
    ret_blob->ended_by = (enum ended_by)numbers[2];
    return true;
}

static enum err
read_doomed(const redisReply *reply, struct doomed_blob *ret_blob)
{
    struct doomed_blob blob = {0};
    struct rd_reader r;

    if (reply->type == REDIS_REPLY_NIL)
        return err_set(ERR_NOTFOUND, "no blob is waiting to be destroyed");
    r = rd_read(reply, 0);
    rd_hex(&r, blob.blob.b);
    if (r.is_bad || !rd_has(&r) || !read_entry(reply->element[1], &blob))
        return rd_damaged();
    *ret_blob = blob;
    return ERR_OK;
}

enum err
rd_store_take_doomed(struct store *store, int64_t now_s, int64_t hold_s,
                     struct doomed_blob *ret_blob)
{
    struct redis_store *s = rd_of(store);
    redisReply *reply = NULL;
    struct rd_args a;
    enum err e;

    rd_begin_index(&a, &rd_doomed_take);
    rd_add_score(&a, now_s);
    rd_add_score(&a, store_time_add(now_s, hold_s));
    e = rd_run(s, &a, &reply);
    if (e != ERR_OK)
        return e;
    e = read_doomed(reply, ret_blob);
    freeReplyObject(reply);
    return e;
}

enum err
rd_store_hold_doomed(struct store *store, const struct blob_name *blob, int64_t until_s)
{
    struct redis_store *s = rd_of(store);
    redisReply *reply = NULL;
    struct rd_args a;
    enum err e;

    rd_begin_index(&a, &rd_doomed_hold);
    a.command.is_idempotent = true;
    rd_add_hex(&a, blob->b);
    rd_add_score(&a, until_s);
    e = rd_run(s, &a, &reply);
    if (e != ERR_OK)
        return e;
    if (reply->type != REDIS_REPLY_INTEGER)
        e = rd_damaged();
    else if (reply->integer == 0)
        e = err_set(ERR_NOTFOUND, "no such blob is waiting to be destroyed");
    freeReplyObject(reply);
    return e;
}

enum err
rd_store_forget_doomed(struct store *store, const struct blob_name *blob)
{
    struct redis_store *s = rd_of(store);
    struct rd_args a;
    enum err e;

    rd_begin_index(&a, &rd_doomed_forget);
    a.command.is_idempotent = true;
    rd_add_hex(&a, blob->b);
    e = rd_run_only(s, &a);
    rd_totals_changed(s);
    return e;
}

enum err
rd_store_knows_blob(struct store *store, const struct blob_name *blob, bool *ret_known)
{
    struct redis_store *s = rd_of(store);
    redisReply *reply = NULL;
    struct rd_args a;
    enum err e;

    rd_begin(&a, "HEXISTS", 1);
    a.command.is_idempotent = true;
    rd_add(&a, RD_KEY_BLOBS);
    rd_add_hex(&a, blob->b);
    e = rd_run(s, &a, &reply);
    if (e != ERR_OK)
        return e;
    if (reply->type == REDIS_REPLY_INTEGER)
        *ret_known = reply->integer != 0;
    else
        e = rd_damaged();
    freeReplyObject(reply);
    return e;
}
