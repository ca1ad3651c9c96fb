/* SPDX-License-Identifier: Apache-2.0 */
/* What the shared store leaves in Redis, seen from outside: after a busy random run every key has a
 * documented name (docs/formats-store.md) and a time to live, all keys of an upload go to one slot,
 * and what is sealed lies in one place, which goes when the upload ends. */
#include "testing.h"

#include "base/enc.h"
#include "redis/link.h"
#include "redis_server.h"
#include "store/store.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    T0 = 100000,
    LIFE_S = 500,
    TOMBSTONE_S = 400,
    IDS = 200, /* below 256 */
    STEPS = 3000,
    SIZE = 10,
    NAME_LEN = 64,
    /* An upload's life, its tombstone's, and the week that the index outlives both by. */
    TTL_MAX_S = LIFE_S + TOMBSTONE_S + 7 * 86400 + 3600,
};

static const char key_names[] = "^((upload|sealed|leases):\\{[0-9a-f]{32}\\}"
                                "|(blobs|live|doomed|bytes|ping|store):\\{mayfly\\}"
                                "|(fails|block):[a-z]+:[0-9a-f.:/]+)$";
static const char field_names[] = "^(blob|size_bytes|stored_bytes|created_at_s|expires_at_s|"
                                  "claimed_at_s|uses_total|uses_left|preview_taken|burn_hash|seq|"
                                  "ended_at_s|ended_by|value|resets_at_s|[0-9a-f]{32})$";

static const char sealed_mark[] = "<sealed bytes of upload ";

struct world {
    struct redis_server server;
    redisContext *redis;
    struct store *s;
    uint64_t random;
    int64_t now_s;
    struct lease_id leases[IDS]; /* the last one of each */
};

/* ---- a busy run ---- */

static unsigned
pick(struct world *w, unsigned n)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((w->random >> 33) % n);
}

static struct share_id
id_of(unsigned tag)
{
    return (struct share_id){{0x1d, 0xab, (uint8_t)(tag >> 8), (uint8_t)tag}};
}

static void
mark_of(unsigned tag, char ret_mark[NAME_LEN])
{
    (void)snprintf(ret_mark, NAME_LEN, "%s%u>", sealed_mark, tag);
}

static enum err
put(struct world *w, unsigned tag)
{
    struct record rec = {
        .id = id_of(tag),
        .blob = {{0xb1, (uint8_t)pick(w, 256), (uint8_t)pick(w, 256), (uint8_t)pick(w, 256)}},
        .size_bytes = SIZE,
        .stored_bytes = 173,
        .created_at_s = w->now_s,
        .expires_at_s = w->now_s + 1 + pick(w, LIFE_S),
        .uses_total = 2,
        .uses_left = 2,
        .sealed_len = 400,
    };

    mark_of(tag, (char *)rec.sealed);
    return store_put(w->s, &rec);
}

static enum err
claim(struct world *w, unsigned tag)
{
    struct store_claim c = {id_of(tag), {{0xc1, (uint8_t)pick(w, 4)}}, w->now_s, 30};
    struct record rec;

    return store_claim(w->s, &c, &rec, &w->leases[tag]);
}

static enum err
use_lease(struct world *w, unsigned tag)
{
    struct store_span span = {pick(w, SIZE), pick(w, SIZE + 1)};
    struct share_id id = id_of(tag);
    bool ended;

    switch (pick(w, 4)) {
    case 0:
        return store_release(w->s, &id, &w->leases[tag]);
    case 1:
        return store_renew(w->s, &id, &w->leases[tag], w->now_s, 60);
    case 2:
        span = (struct store_span){0, SIZE};
        break;
    default:
        break;
    }
    return store_settle(w->s, &id, &w->leases[tag], &span, w->now_s, &ended);
}

static enum err
count(struct world *w)
{
    struct counter got;
    char name[NAME_LEN];

    (void)snprintf(name, sizeof(name), "%s:download:192.0.2.%u", pick(w, 2) ? "fails" : "block",
                   pick(w, 30));
    return store_count(w->s, name, 1, 1 + pick(w, LIFE_S), w->now_s, &got);
}

static enum err
end_some(struct world *w)
{
    struct doomed_blob doomed;
    unsigned n;
    enum err e = store_end_due(w->s, w->now_s, 10, &n);

    if (e == ERR_OK && pick(w, 2) == 0)
        e = store_take_doomed(w->s, w->now_s, 30, &doomed);
    if (e == ERR_OK && pick(w, 2) == 0)
        e = store_forget_doomed(w->s, &doomed.blob);
    return e;
}

/* One call or two; what is not there, or is over, is part of it. */
static void
step(struct world *w)
{
    unsigned tag = pick(w, IDS), what = pick(w, 100);
    struct share_id id = id_of(tag);
    struct record rec;
    enum err e;

    if (what < 25)
        e = put(w, tag);
    else if (what < 45)
        e = claim(w, tag);
    else if (what < 70)
        e = use_lease(w, tag);
    else if (what < 75)
        e = store_take_preview(w->s, &id, w->now_s, &rec);
    else if (what < 80)
        e = store_remove(w->s, &id, ENDED_REVOKED, w->now_s);
    else if (what < 90)
        e = count(w);
    else if (what < 95)
        e = end_some(w);
    else
        e = store_ping(w->s);
    if (e != ERR_OK && e != ERR_NOTFOUND && e != ERR_GONE && e != ERR_EXISTS && e != ERR_TAKEN)
        fail_msg("%s (%s)", err_name(e), err_sentence());
    w->now_s += pick(w, 4) == 0 ? pick(w, 4) : 0;
}

static void
run_busily(struct world *w)
{
    for (unsigned i = 0; i < STEPS; i++)
        step(w);
}

static enum share_phase
phase_of(struct world *w, unsigned tag)
{
    struct share_id id = id_of(tag);
    struct share_state st;

    assert_ok(store_status(w->s, &id, w->now_s, &st));
    return st.phase;
}

/* ---- what is in Redis ---- */

/* The caller frees; never an error reply. */
static redisReply *
ask(struct world *w, const char *verb, const char *key, const char *more, const char *most)
{
    const char *argv[] = {verb, key, more, most};
    int argc = key == NULL ? 1 : more == NULL ? 2 : most == NULL ? 3 : 4;
    redisReply *reply = redisCommandArgv(w->redis, argc, argv, NULL);

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s %s: %s", verb, key == NULL ? "" : key, reply == NULL ? "" : reply->str);
    return reply;
}

/* The whole value as an array or one string. */
static redisReply *
value_of(struct world *w, const char *key)
{
    redisReply *type = ask(w, "TYPE", key, NULL, NULL), *value;

    if (strcmp(type->str, "hash") == 0)
        value = ask(w, "HGETALL", key, NULL, NULL);
    else if (strcmp(type->str, "zset") == 0)
        value = ask(w, "ZRANGE", key, "0", "-1");
    else
        value = ask(w, "GET", key, NULL, NULL); /* fails for any type that we do not use */
    freeReplyObject(type);
    return value;
}

/* Whether a string of the reply holds these bytes. */
static bool
holds(const redisReply *value, const char *bytes)
{
    bool found = value->type == REDIS_REPLY_STRING &&
                 memmem(value->str, value->len, bytes, strlen(bytes)) != NULL;

    for (size_t i = 0; i < value->elements; i++)
        found = found || holds(value->element[i], bytes);
    return found;
}

static bool
matches(const char *pattern, const char *text)
{
    regex_t re;
    bool does;

    assert_int_equal(0, regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB));
    does = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return does;
}

/* Documented, all its fields too, and of a bounded life. */
static bool
is_proper(struct world *w, const char *key)
{
    redisReply *ttl = ask(w, "PTTL", key, NULL, NULL), *type = ask(w, "TYPE", key, NULL, NULL),
               *value = value_of(w, key);
    bool proper =
        matches(key_names, key) && ttl->integer > 0 && ttl->integer <= (long long)TTL_MAX_S * 1000;

    for (size_t i = 0; strcmp(type->str, "hash") == 0 && i < value->elements; i += 2)
        proper = proper && matches(field_names, value->element[i]->str);
    if (!proper)
        print_message("%s, for %lld ms\n", key, ttl->integer);
    freeReplyObject(ttl);
    freeReplyObject(type);
    freeReplyObject(value);
    return proper;
}

/* Every key, unsorted; the caller frees. There are few enough for KEYS. */
static redisReply *
all_keys(struct world *w)
{
    redisReply *keys = ask(w, "KEYS", "*", NULL, NULL);

    assert_int_equal(REDIS_REPLY_ARRAY, keys->type);
    return keys;
}

static unsigned
count_improper(struct world *w)
{
    redisReply *keys = all_keys(w);
    unsigned n = 0;

    for (size_t i = 0; i < keys->elements; i++)
        n += !is_proper(w, keys->element[i]->str);
    freeReplyObject(keys);
    return n;
}

static unsigned
count_named(struct world *w, const char *pattern)
{
    redisReply *keys = ask(w, "KEYS", pattern, NULL, NULL);
    unsigned n = (unsigned)keys->elements;

    freeReplyObject(keys);
    return n;
}

/* Look at every key for bytes that are sealed: they may be in the upload's own key for them only.
 * Tells of which uploads there are any. */
static void
find_sealed(struct world *w, bool ret_found[IDS])
{
    redisReply *keys = all_keys(w);

    for (size_t i = 0; i < keys->elements; i++) {
        const char *key = keys->element[i]->str;
        redisReply *value = value_of(w, key);
        char mark[NAME_LEN], hex[HEX_LEN(ID_LEN) + 1] = "";
        struct share_id id = {{0}};

        assert_false(holds(keys->element[i], sealed_mark));
        if (holds(value, sealed_mark)) {
            assert_true(matches("^sealed:\\{[0-9a-f]{32}\\}$", key));
            memcpy(hex, key + strlen("sealed:{"), sizeof(hex) - 1);
            assert_ok(hex_decode(hex, id.b, ID_LEN));
            assert_in_range(id.b[3], 0, IDS - 1);
            mark_of(id.b[3], mark);
            assert_true(holds(value, mark));
            ret_found[id.b[3]] = true;
        }
        freeReplyObject(value);
    }
    freeReplyObject(keys);
}

/* ---- tests ---- */

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    char url[128];
    struct store_redis_opts opts = {.url = url, .tombstone_s = TOMBSTONE_S};

    if (w == NULL)
        return -1;
    *state = w;
    w->random = 7;
    w->now_s = T0;
    if (redis_server_start(NULL, &w->server) != ERR_OK)
        return -1;
    w->redis = redis_server_connect(&w->server);
    (void)snprintf(url, sizeof(url), "unix://%s", w->server.unix_path);
    return w->redis == NULL || store_redis_open(&opts, &w->s) != ERR_OK ? -1 : 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    store_free(w->s);
    if (w->redis != NULL)
        redisFree(w->redis);
    redis_server_done(&w->server);
    free(w);
    return 0;
}

static void
every_key_has_a_documented_name_and_a_time_to_live(void **state)
{
    struct world *w = *state;

    run_busily(w);
    assert_in_range(count_named(w, "upload:*"), IDS / 2, IDS);
    assert_in_range(count_named(w, "sealed:*"), 1, IDS);
    assert_in_range(count_named(w, "leases:*"), 1, IDS);
    assert_in_range(count_named(w, "fails:*"), 1, 30);
    assert_int_equal(1, count_named(w, "blobs:{mayfly}"));
    assert_int_equal(0, count_improper(w));
}

static void
a_key_that_is_not_ours_would_be_noticed(void **state)
{
    struct world *w = *state;

    assert_ok(put(w, 1));
    assert_int_equal(0, count_improper(w));
    assert_true(redis_server_does(&w->server, "SET bytes:mayfly 1 EX 60"));
    assert_int_equal(1, count_improper(w));
    assert_true(redis_server_does(&w->server, "SET fails:download:192.0.2.1 1"));
    assert_int_equal(2, count_improper(w)); /* it lasts for ever */
    assert_true(redis_server_does(&w->server, "HSET blobs:{mayfly} name.txt 1"));
    assert_int_equal(3, count_improper(w));
    assert_true(redis_server_does(&w->server, "PEXPIRE live:{mayfly} 99999999999"));
    assert_int_equal(4, count_improper(w));
}

static void
all_keys_of_an_upload_go_to_one_slot(void **state)
{
    struct world *w = *state;
    redisReply *keys;
    unsigned n = 0;

    run_busily(w);
    keys = ask(w, "KEYS", "sealed:*", NULL, NULL);
    for (size_t i = 0; i < keys->elements; i++) {
        const char *sealed = keys->element[i]->str, *tag = strchr(sealed, ':');
        char upload[NAME_LEN], leases[NAME_LEN];

        assert_non_null(tag);
        (void)snprintf(upload, sizeof(upload), "upload%s", tag);
        (void)snprintf(leases, sizeof(leases), "leases%s", tag);
        assert_int_equal(1, count_named(w, upload));
        n += count_named(w, leases);
        assert_int_equal(rd_slot(sealed, strlen(sealed)), rd_slot(upload, strlen(upload)));
        assert_int_equal(rd_slot(sealed, strlen(sealed)), rd_slot(leases, strlen(leases)));
    }
    assert_in_range(n, 1, keys->elements);
    assert_int_equal(count_named(w, "leases:*"), n); /* no leases without an upload */
    freeReplyObject(keys);
}

static void
what_is_sealed_lies_in_one_key_until_the_upload_ends(void **state)
{
    struct world *w = *state;
    bool found[IDS] = {false};
    unsigned n_live = 0, n_ended;

    run_busily(w);
    do {
        assert_ok(store_end_due(w->s, w->now_s, 1000, &n_ended));
    } while (n_ended > 0);
    find_sealed(w, found);
    for (unsigned tag = 0; tag < IDS; tag++) {
        enum share_phase phase = phase_of(w, tag);
        struct share_id id = id_of(tag);
        struct record rec;

        if (phase == SHARE_ENDED && store_lookup(w->s, &id, w->now_s, &rec) == ERR_OK)
            phase = SHARE_ACTIVE; /* used up, and still leased */
        assert_int_equal(phase == SHARE_ACTIVE, found[tag]);
        n_live += found[tag];
    }
    assert_in_range(n_live, 1, IDS - 1);
}

static void
of_ended_uploads_only_tombstones_stay(void **state)
{
    struct world *w = *state;
    struct doomed_blob doomed;
    unsigned n_uploads, n;

    run_busily(w);
    w->now_s += LIFE_S;
    do {
        assert_ok(store_end_due(w->s, w->now_s, 1000, &n));
    } while (n > 0);
    n_uploads = count_named(w, "upload:*");
    assert_in_range(n_uploads, IDS / 2, IDS);
    assert_int_equal(0, count_named(w, "sealed:*"));
    assert_int_equal(0, count_named(w, "leases:*"));
    assert_int_equal(0, count_named(w, "live:*"));
    assert_int_equal(1, count_named(w, "doomed:*"));
    while (store_take_doomed(w->s, w->now_s, 30, &doomed) == ERR_OK)
        assert_ok(store_forget_doomed(w->s, &doomed.blob));
    assert_int_equal(0, count_named(w, "doomed:*"));
    assert_int_equal(0, count_named(w, "blobs:*"));
    assert_int_equal(n_uploads, count_named(w, "upload:*"));
    assert_int_equal(0, count_improper(w));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(every_key_has_a_documented_name_and_a_time_to_live, setup,
                                    teardown),
    cmocka_unit_test_setup_teardown(a_key_that_is_not_ours_would_be_noticed, setup, teardown),
    cmocka_unit_test_setup_teardown(all_keys_of_an_upload_go_to_one_slot, setup, teardown),
    cmocka_unit_test_setup_teardown(what_is_sealed_lies_in_one_key_until_the_upload_ends, setup,
                                    teardown),
    cmocka_unit_test_setup_teardown(of_ended_uploads_only_tombstones_stay, setup, teardown),
};

int
main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
