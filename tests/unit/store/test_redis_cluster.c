/* SPDX-License-Identifier: Apache-2.0 */
/* The link and a real Redis Cluster of three masters. */
#include "testing.h"

#include "redis_cluster.h"

#include "store/redis_link.h"

#include <stdlib.h>
#include <string.h>

static struct redis_cluster cluster; /* one for all tests: it takes seconds to settle */

static int
start(void **state)
{
    (void)state;
    if (redis_cluster_start(NULL, &cluster) == ERR_OK)
        return 0;
    (void)fprintf(stderr, "%s\n", err_sentence());
    return -1;
}

static int
end(void **state)
{
    (void)state;
    redis_cluster_done(&cluster);
    return 0;
}

/* ---- the slot of a key ---- */

static void
assert_same_slot(redisContext *conn, const char *key, size_t len)
{
    redisReply *r = redisCommand(conn, "CLUSTER KEYSLOT %b", key, len);

    assert_non_null(r);
    assert_int_equal(r->type, REDIS_REPLY_INTEGER);
    assert_int_equal(r->integer, rd_slot(key, len));
    freeReplyObject(r);
}

static void
slot_is_what_a_server_says(void **state)
{
    static const char *const keys[] = {"",        "123456789", "{}",     "{}a",        "a{}{b}",
                                       "a{b}c",   "a{b",       "a}b{c}", "a{{b}}c",    "{a}{b}",
                                       "a{b}{c}", "{",         "}",      "upload:{0}", "x{y}z}"};
    redisContext *conn = redis_server_connect(&cluster.nodes[0]);
    unsigned seed = 12345;
    char key[40];

    (void)state;
    assert_non_null(conn);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_same_slot(conn, keys[i], strlen(keys[i]));
    for (size_t i = 0; i < 500; i++) {
        size_t len = i % sizeof(key);

        for (size_t j = 0; j < len; j++) {
            seed = seed * 1103515245 + 12345;
            key[j] = (char)((seed >> 16) % 5 == 0 ? "{}"[(seed >> 20) % 2] : (int)(seed >> 22));
        }
        assert_same_slot(conn, key, len);
    }
    redisFree(conn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slot_is_what_a_server_says),
    };

    return cmocka_run_group_tests(tests, start, end);
}
