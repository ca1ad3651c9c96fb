/* SPDX-License-Identifier: Apache-2.0 */
/* Where keys go in a Redis Cluster: slots, the map of a CLUSTER SLOTS reply, MOVED and ASK. */
#include "testing.h"

#include "redis/link.h"
#include "redis/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- slots ---- */

static unsigned
slot_of(const char *key)
{
    return rd_slot(key, strlen(key));
}

static void
slot_is_the_crc_of_the_specification(void **state)
{
    (void)state;
    assert_int_equal(slot_of("123456789"), 0x31c3); /* its check value, below 16384 by itself */
    assert_int_equal(slot_of("foo"), 12182);
    assert_int_equal(slot_of("somekey"), 11058);
    assert_int_equal(slot_of(""), 0);
    assert_int_equal(rd_slot("a\0b", 3), rd_slot("a\0b", 3));
    assert_int_not_equal(rd_slot("a\0b", 3), rd_slot("a\0c", 3));
}

static void
slot_is_that_of_the_first_hash_tag(void **state)
{
    (void)state;
    assert_int_equal(slot_of("{user1000}.following"), slot_of("user1000"));
    assert_int_equal(slot_of("upload:{123456789}"), 0x31c3);
    assert_int_equal(slot_of("upload:{123456789}:leases"), 0x31c3);
    assert_int_equal(slot_of("foo{{bar}}zap"), slot_of("{bar"));
    assert_int_equal(slot_of("foo{bar}{zap}"), slot_of("bar"));
    assert_int_equal(slot_of("}{foo}"), slot_of("foo"));
}

static void
slot_of_an_empty_or_open_tag_is_that_of_the_whole_key(void **state)
{
    (void)state;
    assert_int_equal(slot_of("foo{}{bar}"), 8363); /* known from the specification's test */
    assert_int_equal(slot_of("foo{}{bar}"), rd_slot("foo{}{bar}zap", 10));
    assert_int_not_equal(slot_of("foo{}{bar}"), slot_of("bar"));
    assert_int_not_equal(slot_of("foo{bar"), slot_of("bar"));
    assert_int_not_equal(slot_of("foo{"), slot_of(""));
    assert_int_not_equal(rd_slot("x{foo}", 5), slot_of("foo")); /* it ends before the brace */
}

/* ---- the map ---- */

static redisReply *
parse(const char *text)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    assert_non_null(reader);
    assert_int_equal(redisReaderFeed(reader, text, strlen(text)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    redisReaderFree(reader);
    return reply;
}

static enum err
read_map(const char *text, struct rd_map *map)
{
    redisReply *r = parse(text);
    enum err e = rd_map_read(r, "10.0.0.1", map);

    freeReplyObject(r);
    return e;
}

static struct rd_map *
good_map(const char *text)
{
    struct rd_map *map = malloc(sizeof(*map));

    assert_non_null(map);
    assert_ok(read_map(text, map));
    return map;
}

static void
assert_slot(const struct rd_map *map, unsigned slot, const char *name, unsigned port)
{
    assert_in_range(map->of_slot[slot], 0, map->n_hosts - 1);
    assert_string_equal(map->hosts[map->of_slot[slot]].name, name);
    assert_int_equal(map->hosts[map->of_slot[slot]].port, port);
}

static void
map_gives_each_range_to_its_master(void **state)
{
    struct rd_map *map = good_map("*3\r\n"
                                  "*4\r\n:0\r\n:5460\r\n"
                                  "*3\r\n$8\r\n10.0.0.7\r\n:7000\r\n$1\r\na\r\n"
                                  "*3\r\n$8\r\n10.0.0.9\r\n:7009\r\n$1\r\nd\r\n" /* a replica */
                                  "*3\r\n:5461\r\n:10922\r\n"
                                  "*4\r\n$3\r\n::1\r\n:7001\r\n$1\r\nb\r\n*0\r\n"
                                  "*3\r\n:10924\r\n:16383\r\n"
                                  "*3\r\n$8\r\n10.0.0.7\r\n:7000\r\n$1\r\na\r\n");

    (void)state;
    assert_int_equal(map->n_hosts, 2);
    assert_slot(map, 0, "10.0.0.7", 7000);
    assert_slot(map, 5460, "10.0.0.7", 7000);
    assert_slot(map, 5461, "::1", 7001);
    assert_slot(map, 10922, "::1", 7001);
    assert_int_equal(map->of_slot[10923], RD_NOBODY);
    assert_slot(map, 16383, "10.0.0.7", 7000);
    free(map);
}

static void
map_takes_an_empty_host_for_the_one_that_was_asked(void **state)
{
    struct rd_map *map = good_map("*2\r\n"
                                  "*3\r\n:0\r\n:9\r\n*2\r\n$0\r\n\r\n:7000\r\n"
                                  "*3\r\n:10\r\n:19\r\n*2\r\n$-1\r\n:7001\r\n");

    (void)state;
    assert_slot(map, 9, "10.0.0.1", 7000);
    assert_slot(map, 10, "10.0.0.1", 7001);
    free(map);
}

static void
map_gives_the_slots_of_an_unknown_host_to_nobody(void **state)
{
    struct rd_map *map = good_map("*2\r\n"
                                  "*3\r\n:0\r\n:9\r\n*2\r\n$1\r\n?\r\n:7000\r\n"
                                  "*3\r\n:10\r\n:10\r\n*2\r\n$6\r\nredis1\r\n:7001\r\n");

    (void)state;
    assert_int_equal(map->n_hosts, 1);
    assert_int_equal(map->of_slot[0], RD_NOBODY);
    assert_slot(map, 10, "redis1", 7001);
    free(map);
}

static void
map_of_no_slots_is_nobodys(void **state)
{
    struct rd_map *map = good_map("*0\r\n");

    (void)state;
    assert_int_equal(map->n_hosts, 0);
    assert_int_equal(map->of_slot[0], RD_NOBODY);
    assert_int_equal(map->of_slot[RD_SLOTS - 1], RD_NOBODY);
    free(map);
}

static void
map_refuses_what_is_no_reply_to_cluster_slots(void **state)
{
    static const char *const bad[] = {
        "+OK\r\n",
        ":1\r\n",
        "$-1\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*0\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*0\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n$1\r\na\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n$1\r\na\r\n",
        "*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:2\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:0\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:65536\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$3\r\na b\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$2\r\n/a\r\n:1\r\n",
        "*1\r\n*3\r\n$1\r\n0\r\n:1\r\n*2\r\n$1\r\na\r\n:1\r\n",
        /* one slot, two masters */
        "*2\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:1\r\n*3\r\n:5\r\n:6\r\n*2\r\n$1\r\nb\r\n:1\r\n",
    };
    struct rd_map *map = malloc(sizeof(*map));

    (void)state;
    assert_non_null(map);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_err(ERR_INTEGRITY, read_map(bad[i], map));
    free(map);
}

static size_t
many_masters(size_t n, char *text, size_t cap)
{
    int len = snprintf(text, cap, "*%zu\r\n", n);

    for (size_t i = 0; i < n; i++)
        len += snprintf(text + len, cap - (size_t)len,
                        "*3\r\n:%zu\r\n:%zu\r\n*2\r\n$1\r\nh\r\n:%zu\r\n", i, i, i + 1);
    return (size_t)len;
}

static void
map_has_a_limit_of_masters(void **state)
{
    struct rd_map *map = malloc(sizeof(*map));
    char text[16384];

    (void)state;
    assert_non_null(map);
    assert_true(many_masters(RD_MASTERS_MAX, text, sizeof(text)) < sizeof(text));
    assert_ok(read_map(text, map));
    assert_slot(map, RD_MASTERS_MAX - 1, "h", RD_MASTERS_MAX);
    assert_true(many_masters(RD_MASTERS_MAX + 1, text, sizeof(text)) < sizeof(text));
    assert_err(ERR_TOOBIG, read_map(text, map));
    free(map);
}

/* ---- redirects ---- */

static enum err
redirect(const char *text, struct rd_redirect *r)
{
    return rd_redirect_read(text, strlen(text), "10.0.0.1", r);
}

static void
redirect_says_slot_host_and_port(void **state)
{
    struct rd_redirect r;

    (void)state;
    assert_ok(redirect("MOVED 3999 127.0.0.1:6381", &r));
    assert_false(r.is_ask);
    assert_int_equal(r.slot, 3999);
    assert_string_equal(r.to.name, "127.0.0.1");
    assert_int_equal(r.to.port, 6381);
    assert_ok(redirect("ASK 16383 redis-2.example:65535", &r));
    assert_true(r.is_ask);
    assert_int_equal(r.slot, 16383);
    assert_string_equal(r.to.name, "redis-2.example");
    assert_int_equal(r.to.port, 65535);
}

static void
redirect_to_ipv6_has_no_brackets(void **state)
{
    struct rd_redirect r;

    (void)state;
    assert_ok(redirect("MOVED 0 2001:db8::1:6381", &r));
    assert_string_equal(r.to.name, "2001:db8::1");
    assert_int_equal(r.to.port, 6381);
    assert_err(ERR_INTEGRITY, redirect("MOVED 0 [2001:db8::1]:6381", &r));
}

static void
redirect_without_a_host_leads_to_the_one_that_was_asked(void **state)
{
    struct rd_redirect r;

    (void)state;
    assert_ok(redirect("MOVED 3999 :6381", &r));
    assert_string_equal(r.to.name, "10.0.0.1");
    assert_int_equal(r.to.port, 6381);
    assert_err(ERR_UNAVAIL, redirect("MOVED 3999 ?:6381", &r));
}

static void
redirect_that_is_malformed_is_refused_and_another_error_is_none(void **state)
{
    static const char *const bad[] = {
        "MOVED ",
        "MOVED 1",
        "MOVED 1 ",
        "MOVED 1 a",
        "MOVED 1 a:",
        "MOVED 1 a:0",
        "MOVED 1 a:65536",
        "MOVED 1 a:-1",
        "MOVED 16384 a:1",
        "MOVED -1 a:1",
        "MOVED x a:1",
        "MOVED  1 a:1",
        "MOVED 1  a:1",
        "MOVED 1 a:1 ",
        "MOVED 1 a b:1",
        "ASK 1 a:1\n",
        "ASK 1 a/b:1",
        "ASK 1 ",
        "ASK ",
        "MOVED 1 a@b:1",
        "MOVED 1 a:+1",
        "MOVED 1 \xc3\xa9:1",
        "ASK 1 unix:/x:1",
        "ASK 1 :",
    };
    static const char *const other[] = {
        "",
        "MOVED",
        "ASK",
        "ERR unknown",
        "MOVEDX 1 a:1",
        "moved 1 a:1",
        "ASKING 1 a:1",
        " MOVED 1 a:1",
        "TRYAGAIN",
        "CLUSTERDOWN The cluster is down",
    };
    struct rd_redirect r = {.slot = 77}, was = r;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_err(ERR_INTEGRITY, redirect(bad[i], &r));
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        assert_err(ERR_NOTFOUND, redirect(other[i], &r));
    assert_err(ERR_INTEGRITY, rd_redirect_read("MOVED 1 a\0:1", 12, "h", &r));
    assert_memory_equal(&r, &was, sizeof(r));
}

static void
redirect_takes_a_host_of_255_bytes_and_no_longer(void **state)
{
    struct rd_redirect r;
    char text[320];

    (void)state;
    (void)snprintf(text, sizeof(text), "MOVED 1 %0255d:1", 0);
    assert_ok(redirect(text, &r));
    assert_int_equal(strlen(r.to.name), RD_HOST_LEN - 1);
    (void)snprintf(text, sizeof(text), "MOVED 1 %0256d:1", 0);
    assert_err(ERR_INTEGRITY, redirect(text, &r));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slot_is_the_crc_of_the_specification),
        cmocka_unit_test(slot_is_that_of_the_first_hash_tag),
        cmocka_unit_test(slot_of_an_empty_or_open_tag_is_that_of_the_whole_key),
        cmocka_unit_test(map_gives_each_range_to_its_master),
        cmocka_unit_test(map_takes_an_empty_host_for_the_one_that_was_asked),
        cmocka_unit_test(map_gives_the_slots_of_an_unknown_host_to_nobody),
        cmocka_unit_test(map_of_no_slots_is_nobodys),
        cmocka_unit_test(map_refuses_what_is_no_reply_to_cluster_slots),
        cmocka_unit_test(map_has_a_limit_of_masters),
        cmocka_unit_test(redirect_says_slot_host_and_port),
        cmocka_unit_test(redirect_to_ipv6_has_no_brackets),
        cmocka_unit_test(redirect_without_a_host_leads_to_the_one_that_was_asked),
        cmocka_unit_test(redirect_that_is_malformed_is_refused_and_another_error_is_none),
        cmocka_unit_test(redirect_takes_a_host_of_255_bytes_and_no_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
