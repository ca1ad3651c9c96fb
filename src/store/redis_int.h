/* SPDX-License-Identifier: Apache-2.0 */
/* redis_int: the inside of store_redis, shared by its files only.
 *
 * All keys of an upload have its id as their hash tag, so that one script can change them wherever
 * they are; the index of what is due has keys of its own. On one server a script changes both at
 * once. In a Cluster the index may be elsewhere: a new upload's blob is put there before its
 * record, and every other change after it, so that the index never lacks a blob; a node that dies
 * in between leaves an entry that is looked at when it was due anyway, and then mended
 * (lua/end.lua). Names and fields: docs/formats-store.md. */
#ifndef MAYFLY_STORE_REDIS_INT_H
#define MAYFLY_STORE_REDIS_INT_H

#include "base/enc.h"
#include "redis/link.h"
#include "store/redis_script.h"
#include "store/store_int.h"

#include <pthread.h>

enum {
    RD_ARGS_MAX = 40,
    RD_TEXT_MAX = 1280, /* of keys and numbers of one command */
    RD_END_BATCH = 32,  /* uploads ended in one go, */
    RD_END_ROUNDS = 64, /* and how often at most without a pause */
    RD_SEEN = 1024,     /* counters whose last known state is kept */
    RD_SEEN_MS = 1000,  /* and believed */
    /* By its own clock Redis drops what has passed its time this much later: nodes do it first. */
    RD_GRACE_S = 60,
    RD_INDEX_GRACE_S = 7 * 86400, /* the index outlives the uploads: their blobs are on disks */
    RD_HEX_ID = HEX_LEN(ID_LEN) + 1,
};

/* The keys of the index (lua/index.lua), and what else belongs to no upload. */
#define RD_KEY_BLOBS  "blobs:{mayfly}"
#define RD_KEY_LIVE   "live:{mayfly}"
#define RD_KEY_DOOMED "doomed:{mayfly}"
#define RD_KEY_BYTES  "bytes:{mayfly}"
#define RD_KEY_STORE  "store:{mayfly}"
#define RD_KEY_PING   "ping:{mayfly}"

struct rd_seen_counter {
    char name[STORE_NAME_MAX + 1]; /* "": none */
    struct counter state;
    int64_t until_ms;  /* monotonic */
    uint64_t n_counts; /* how often we have counted here: what was asked before it is old */
};

struct redis_store {
    struct store store;
    struct rd_link *link;
    int64_t tombstone_s;

    pthread_mutex_t lock; /* of the rest; never held during a call to the link */
    struct rd_seen_counter seen[RD_SEEN];
    struct store_stats stats;
    int64_t stats_until_ms;
    uint64_t n_changes; /* of ours, to the totals */
};

static inline struct redis_store *
rd_of(struct store *s)
{
    return (struct redis_store *)s; /* it is the first member */
}

/* ---- a command being put together (redis_command.c) ---- */

struct rd_args {
    const struct rd_script *script; /* NULL: an ordinary command */
    struct rd_command command;
    const char *argv[RD_ARGS_MAX];
    size_t lens[RD_ARGS_MAX];
    char text[RD_TEXT_MAX];
    size_t used;
};

/* Begin a script on the keys of an upload (with the index's where one server has both), of the
 * index, or of a counter; or an ordinary command, whose first key is argument `i_key`. The struct
 * must not be copied or moved. Texts and bytes that are added stay the caller's until it was run.
 */
void rd_begin_upload(struct rd_args *a, const struct redis_store *s, const struct rd_script *script,
                     const struct share_id *id);
void rd_begin_index(struct rd_args *a, const struct rd_script *script);
void rd_begin_counter(struct rd_args *a, const struct rd_script *script, const char *name);
void rd_begin(struct rd_args *a, const char *verb, int i_key);

void rd_add(struct rd_args *a, const char *text);
void rd_add_bytes(struct rd_args *a, const void *bytes, size_t len);
void rd_add_int(struct rd_args *a, int64_t number);
void rd_add_u64(struct rd_args *a, uint64_t number);
void rd_add_hex(struct rd_args *a, const uint8_t bytes[ID_LEN]);
void rd_add_key(struct rd_args *a, const char *kind, const struct share_id *id);
/* A time as a sorted set's score: the ends of the range are never reached by another time. */
void rd_add_score(struct rd_args *a, int64_t at_s);

/* Run it; a script that the server does not know is sent whole. Errors as rd_link_call's, never
 * ERR_NOTFOUND. The caller frees the reply. */
MUST_CHECK enum err rd_run(struct redis_store *s, struct rd_args *a, redisReply **ret_reply);

/* The same, where the reply says nothing more. */
MUST_CHECK enum err rd_run_only(struct redis_store *s, struct rd_args *a);

/* Run `n` (at most RD_END_BATCH) ordinary idempotent commands in one go: all replies, which the
 * caller frees, or none. */
MUST_CHECK enum err rd_run_all(struct redis_store *s, struct rd_args *args, size_t n,
                               redisReply **ret_replies);

/* Run an upload's script: its word as an error, the change of the index made. `ret_reply`, which
 * may be NULL, is given with ERR_OK only; what the script returned begins at element 2. */
MUST_CHECK enum err rd_run_upload(struct redis_store *s, struct rd_args *a, redisReply **ret_reply);

/* What rd_run_upload does with a reply, which is freed unless it is given. */
MUST_CHECK enum err rd_finish_upload(struct redis_store *s, redisReply *reply,
                                     redisReply **ret_reply);

/* ---- a reply being read (redis_reply.c) ---- */

/* Elements of an array, strictly: what is missing or of another form sets `is_bad`, and the output
 * is then zero. */
struct rd_reader {
    const redisReply *reply;
    size_t at;
    bool is_bad;
};

struct rd_reader rd_read(const redisReply *reply, size_t from);
bool rd_has(const struct rd_reader *r); /* the next element is there, and not nil */
void rd_skip(struct rd_reader *r);
int64_t rd_int(struct rd_reader *r);
uint64_t rd_u64(struct rd_reader *r, uint64_t max);
void rd_hex(struct rd_reader *r, uint8_t ret_bytes[ID_LEN]);
void rd_bytes(struct rd_reader *r, uint8_t *ret_bytes, size_t cap, size_t *ret_len);

/* A decimal 64-bit number; false when `text` is none. */
bool rd_parse_int(const char *text, size_t len, int64_t *ret_number);

/* ERR_INTEGRITY with its sentence. */
enum err rd_damaged(void);

/* Milliseconds from `from_s` to `to_s` and RD_GRACE_S, as a time to live. */
int64_t rd_ttl_ms(int64_t from_s, int64_t to_s);

/* From where on a tombstone is still told of at now_s. */
int64_t rd_cutoff_s(const struct redis_store *s, int64_t now_s);

/* How long a tombstone made now lasts. */
int64_t rd_tombstone_ms(const struct redis_store *s);

/* A record out of elements 2 to 11 of a reply. */
MUST_CHECK enum err rd_record(const redisReply *reply, const struct share_id *id,
                              struct record *ret_rec);

/* The totals have changed by our doing (redis_count.c). */
void rd_totals_changed(struct redis_store *s);

/* ---- the vtable, by file ---- */

/* redis_upload.c */
enum err rd_store_put(struct store *s, const struct record *rec);
enum err rd_store_claim(struct store *s, const struct store_claim *c, struct record *ret_rec,
                        struct lease_id *ret_lease);
enum err rd_store_take_preview(struct store *s, const struct share_id *id, int64_t now_s,
                               struct record *ret_rec);
enum err rd_store_lookup(struct store *s, const struct share_id *id, int64_t now_s,
                         struct record *ret_rec);
enum err rd_store_status(struct store *s, const struct share_id *id, int64_t now_s,
                         struct share_state *ret_state);

/* redis_lease.c */
enum err rd_store_resume(struct store *s, const struct store_claim *c, uint64_t from,
                         struct record *ret_rec, struct lease_id *ret_lease);
enum err rd_store_release(struct store *s, const struct share_id *id, const struct lease_id *lease);
enum err rd_store_settle(struct store *s, const struct share_id *id, const struct lease_id *lease,
                         const struct store_span *span, int64_t now_s, bool *ret_ended);
enum err rd_store_renew(struct store *s, const struct share_id *id, const struct lease_id *lease,
                        int64_t now_s, int64_t lease_s);

/* redis_end.c */
enum err rd_store_remove(struct store *s, const struct share_id *id, enum ended_by how,
                         int64_t now_s);
enum err rd_store_end_due(struct store *s, int64_t now_s, unsigned max, unsigned *ret_n);
enum err rd_store_take_doomed(struct store *s, int64_t now_s, int64_t hold_s,
                              struct doomed_blob *ret_blob);
enum err rd_store_hold_doomed(struct store *s, const struct blob_name *blob, int64_t until_s);
enum err rd_store_forget_doomed(struct store *s, const struct blob_name *blob);
enum err rd_store_next_due(struct store *s, int64_t *ret_at_s);
enum err rd_store_knows_blob(struct store *s, const struct blob_name *blob, bool *ret_known);

/* redis_count.c */
enum err rd_store_count(struct store *s, const char *name, uint64_t n, int64_t window_s,
                        int64_t now_s, struct counter *ret_counter);
enum err rd_store_peek(struct store *s, const char *name, int64_t now_s,
                       struct counter *ret_counter);
enum err rd_store_stats(struct store *s, struct store_stats *ret_stats);

#endif
