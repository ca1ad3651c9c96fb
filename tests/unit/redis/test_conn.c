/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to a Redis, and the limits of what it takes from one. */
#include "redis_calls.h"
#include "redis_fake.h"

#include "redis/conn.h"
#include "redis/parser.h"

/* ---- the parser ---- */

static int
new_parser(void **state)
{
    struct rd_parser *p = NULL;

    assert_ok(rd_parser_new(&p));
    *state = p;
    return 0;
}

static int
free_parser(void **state)
{
    rd_parser_free(*state);
    return 0;
}

/* Feed it whole. */
static enum err
feed(struct rd_parser *p, const char *bytes, size_t len, redisReply **ret_reply)
{
    enum err e = rd_parser_feed(p, bytes, len);

    return e != ERR_OK ? e : rd_parser_next(p, ret_reply);
}

static enum err
feed_text(struct rd_parser *p, const char *text, redisReply **ret_reply)
{
    return feed(p, text, strlen(text), ret_reply);
}

static void
a_reply_in_pieces_is_one_reply(void **state)
{
    static const char text[] = "*3\r\n$4\r\na\r\nb\r\n:-7\r\n*1\r\n$-1\r\n";
    struct rd_parser *p = *state;
    redisReply *reply = NULL;

    assert_true(rd_parser_is_empty(p));
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        assert_null(reply);
        assert_ok(feed(p, text + i, 1, &reply));
        assert_true(rd_parser_is_empty(p) == (i + 1 == sizeof(text) - 1));
    }
    assert_non_null(reply);
    assert_int_equal(3, reply->elements);
    assert_int_equal(4, reply->element[0]->len);
    assert_memory_equal("a\r\nb", reply->element[0]->str, 4);
    assert_int_equal(-7, reply->element[1]->integer);
    assert_int_equal(REDIS_REPLY_NIL, reply->element[2]->element[0]->type);
    freeReplyObject(reply);
}

static void
replies_in_one_piece_come_one_by_one(void **state)
{
    struct rd_parser *p = *state;
    redisReply *reply = NULL;

    assert_ok(feed_text(p, "+one\r\n-TWO x\r\n$3\r\nthr", &reply));
    assert_string_equal("one", reply->str);
    freeReplyObject(reply);
    assert_ok(rd_parser_next(p, &reply));
    assert_int_equal(REDIS_REPLY_ERROR, reply->type);
    freeReplyObject(reply);
    assert_ok(rd_parser_next(p, &reply));
    assert_null(reply);
    assert_false(rd_parser_is_empty(p));
    assert_ok(feed_text(p, "\r\n", &reply));
    assert_string_equal("thr", reply->str);
    freeReplyObject(reply);
    assert_true(rd_parser_is_empty(p));
}

/* The bytes of a bulk that makes a reply of `total` bytes. */
static char *
bulk_of(size_t total, size_t *ret_len)
{
    char *bytes = calloc(1, total), head[32];
    int head_len;

    assert_non_null(bytes);
    memset(bytes, 'x', total);
    head_len = snprintf(head, sizeof(head), "$%zu\r\n", total - 12); /* 7 digits, $, 2 CRLF */
    assert_int_equal(10, head_len);
    memcpy(bytes, head, 10);
    memcpy(bytes + total - 2, "\r\n", 2);
    *ret_len = total;
    return bytes;
}

static void
a_reply_of_1_mib_is_taken_and_a_byte_more_is_not(void **state)
{
    struct rd_parser *p = *state;
    redisReply *reply = NULL;
    char *bytes;
    size_t len;

    for (int i = 0; i < 3; i++) { /* the limit is one reply's, not the connection's */
        bytes = bulk_of(RD_REPLY_MAX, &len);
        assert_ok(feed(p, bytes, len, &reply));
        assert_int_equal(RD_REPLY_MAX - 12, reply->len);
        freeReplyObject(reply);
        free(bytes);
    }
    bytes = bulk_of(RD_REPLY_MAX + 1, &len);
    assert_err(ERR_INTEGRITY, feed(p, bytes, len, &reply));
    free(bytes);
    assert_err(ERR_INTEGRITY, feed_text(p, "+OK\r\n", &reply)); /* for good */
}

static void
a_reply_too_long_is_refused_before_it_is_whole(void **state)
{
    static const char piece[1024];
    struct rd_parser *p = *state;
    redisReply *reply = NULL;
    enum err e;
    size_t fed = 0;

    assert_ok(feed_text(p, "$2000000000\r\n", &reply));
    do {
        e = feed(p, piece, sizeof(piece), &reply);
        fed += sizeof(piece);
    } while (e == ERR_OK && fed < 4 * RD_REPLY_MAX);
    assert_int_equal(ERR_INTEGRITY, e);
    assert_int_equal(RD_REPLY_MAX, fed); /* with the head it is more than that */
    assert_null(reply);
}

static void
what_is_behind_a_reply_counts_for_the_next(void **state)
{
    struct rd_parser *p = *state;
    redisReply *reply = NULL;
    char *bytes, *both;
    size_t len;

    bytes = bulk_of(RD_REPLY_MAX, &len);
    both = calloc(1, 2 * len);
    assert_non_null(both);
    memcpy(both, bytes, len);
    memcpy(both + len, bytes, len);
    assert_ok(feed(p, both, 2 * len, &reply)); /* as large as two, each within the limit */
    freeReplyObject(reply);
    assert_ok(rd_parser_next(p, &reply));
    assert_int_equal(RD_REPLY_MAX - 12, reply->len);
    freeReplyObject(reply);
    free(both);
    free(bytes);
}

static void
an_array_may_have_4096_elements(void **state)
{
    struct rd_parser *p = *state;
    redisReply *reply = NULL;

    assert_ok(feed_text(p, "*4096\r\n", &reply));
    for (int i = 0; i < 4096; i++)
        assert_ok(feed_text(p, ":1\r\n", &reply));
    assert_int_equal(4096, reply->elements);
    freeReplyObject(reply);
    assert_err(ERR_INTEGRITY, feed_text(p, "*4097\r\n", &reply));
}

static void
an_arrays_length_is_not_believed(void **state)
{
    struct rd_parser *p = *state;
    redisReply *reply = NULL;

    assert_err(ERR_INTEGRITY, feed_text(p, "*2147483647\r\n", &reply));
}

static void
arrays_in_arrays_are_counted_together(void **state)
{
    struct rd_parser *p = *state;
    redisReply *reply = NULL;
    enum err e = feed_text(p, "*4096\r\n", &reply);
    int n = 0;

    for (; e == ERR_OK && n < 4096; n++) {
        e = feed_text(p, "*64\r\n", &reply);
        for (int i = 0; e == ERR_OK && i < 64; i++)
            e = feed_text(p, ":1\r\n", &reply);
    }
    assert_int_equal(ERR_INTEGRITY, e);
    assert_in_range(n * 64, RD_ELEMENTS_MAX - 8192, RD_ELEMENTS_MAX);
}

static void
the_elements_of_one_reply_are_not_the_nexts(void **state)
{
    struct rd_parser *p = *state;
    redisReply *reply = NULL;

    for (int k = 0; k < 20; k++) {
        reply = NULL;
        assert_ok(feed_text(p, "*4000\r\n", &reply));
        for (int i = 0; i < 4000; i++)
            assert_ok(feed_text(p, ":1\r\n", &reply));
        assert_non_null(reply);
        freeReplyObject(reply);
    }
}

/* ---- a connection ---- */

struct fixture {
    struct fake fake;
    struct dial_addr addr;
    struct rd_conn *conn;
};

static const struct rd_login nobody = {.user = "", .password = ""};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    fake_start(&f->fake, FAKE_ECHO);
    assert_ok(dial_unix_addr(f->fake.path, &f->addr));
    assert_ok(rd_conn_open(&nobody, &f->addr, "", clock_mono_ms() + 2000, &f->conn));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    rd_conn_free(f->conn);
    fake_done(&f->fake);
    free(f);
    return 0;
}

static void
add(struct fixture *f, const char *word)
{
    struct words w;

    assert_ok(rd_conn_add(f->conn, words_of(&w, true, "GET", word, NULL, NULL)));
}

static void
assert_reply(struct fixture *f, const char *want)
{
    redisReply *reply = NULL;

    assert_ok(rd_conn_reply(f->conn, clock_mono_ms() + 2000, &reply));
    assert_string_equal(want, reply->str);
    freeReplyObject(reply);
}

static void
replies_come_in_the_order_of_the_commands(void **state)
{
    struct fixture *f = *state;
    char word[16];

    assert_true(rd_conn_is_quiet(f->conn));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 50; i++) {
            (void)snprintf(word, sizeof(word), "%d", i);
            add(f, word);
        }
        assert_ok(rd_conn_send(f->conn, clock_mono_ms() + 2000));
        for (int i = 0; i < 50; i++) {
            (void)snprintf(word, sizeof(word), "%d", i);
            assert_reply(f, word);
        }
        assert_true(rd_conn_is_quiet(f->conn));
        assert_false(rd_conn_has_begun(f->conn));
    }
}

static void
a_large_command_goes_through_and_one_beyond_16_mib_does_not(void **state)
{
    enum { LARGE = 1000000, TOO_LARGE = 17 * 1024 * 1024 };
    struct fixture *f = *state;
    char *bytes = calloc(1, TOO_LARGE);
    const char *argv[2] = {"GET", bytes};
    size_t lens[2] = {3, LARGE};
    struct rd_command c = {.argc = 2, .argv = argv, .lens = lens};
    redisReply *reply = NULL;

    assert_non_null(bytes);
    assert_ok(rd_conn_add(f->conn, &c));
    assert_ok(rd_conn_send(f->conn, clock_mono_ms() + 5000));
    assert_ok(rd_conn_reply(f->conn, clock_mono_ms() + 5000, &reply));
    assert_int_equal(LARGE, reply->len);
    freeReplyObject(reply);
    lens[1] = TOO_LARGE;
    assert_err(ERR_TOOBIG, rd_conn_add(f->conn, &c));
    free(bytes);
}

static void
a_reply_is_waited_for_until_the_deadline(void **state)
{
    struct fixture *f = *state;
    redisReply *reply = NULL;
    int64_t began_ms = clock_mono_ms();

    f->fake.manner = FAKE_SILENT;
    add(f, "x");
    assert_ok(rd_conn_send(f->conn, began_ms + 100));
    assert_err(ERR_TIMEOUT, rd_conn_reply(f->conn, began_ms + 100, &reply));
    assert_in_range(clock_mono_ms() - began_ms, 99, 100 + SLACK_MS);
    assert_null(reply);
}

static void
an_end_in_the_middle_is_told_from_an_end_before(void **state)
{
    struct fixture *f = *state;
    redisReply *reply = NULL;

    f->fake.manner = FAKE_CUT;
    add(f, "x");
    assert_ok(rd_conn_send(f->conn, clock_mono_ms() + 2000));
    assert_err(ERR_CLOSED, rd_conn_reply(f->conn, clock_mono_ms() + 2000, &reply));
    assert_true(rd_conn_has_begun(f->conn));
    rd_conn_free(f->conn);
    f->conn = NULL;
    f->fake.manner = FAKE_HANG_UP;
    assert_ok(rd_conn_open(&nobody, &f->addr, "", clock_mono_ms() + 2000, &f->conn));
    add(f, "x");
    assert_ok(rd_conn_send(f->conn, clock_mono_ms() + 2000));
    assert_err(ERR_CLOSED, rd_conn_reply(f->conn, clock_mono_ms() + 2000, &reply));
    assert_false(rd_conn_has_begun(f->conn));
}

static void
what_comes_unasked_or_the_end_ends_the_quiet(void **state)
{
    struct fixture *f = *state;

    f->fake.manner = FAKE_TOO_MUCH;
    add(f, "x");
    assert_ok(rd_conn_send(f->conn, clock_mono_ms() + 2000));
    assert_reply(f, "x");
    assert_false(rd_conn_is_quiet(f->conn));
    rd_conn_free(f->conn);
    f->conn = NULL;
    assert_ok(rd_conn_open(&nobody, &f->addr, "", clock_mono_ms() + 2000, &f->conn));
    f->fake.manner = FAKE_ECHO;
    add(f, "y");
    assert_ok(rd_conn_send(f->conn, clock_mono_ms() + 2000));
    assert_reply(f, "y");
    assert_true(rd_conn_is_quiet(f->conn));
    fake_drop(&f->fake);
    assert_false(rd_conn_is_quiet(f->conn));
}

static void
a_login_goes_in_one_piece_and_each_refusal_has_its_error(void **state)
{
    static const struct {
        const char *auth;
        struct rd_login login;
        enum err e;
    } cases[] = {
        {"+OK\r\n", {.user = "me", .password = "pw", .database = 3}, ERR_OK},
        {"+OK\r\n", {.user = "", .password = "pw"}, ERR_OK},
        {"+OK\r\n", {.user = "me", .password = ""}, ERR_OK},
        {"-WRONGPASS no\r\n", {.user = "me", .password = "pw"}, ERR_DENIED},
        {"-ERR invalid password\r\n", {.user = "", .password = "pw"}, ERR_DENIED},
        {"-ERR max number of clients reached\r\n", {.user = "", .password = "pw"}, ERR_UNAVAIL},
        {"-NOAUTH log in\r\n", {.user = "", .password = "", .database = 3}, ERR_DENIED},
        {"-ERR SELECT is not allowed in cluster mode\r\n",
         {.user = "", .password = "", .database = 3},
         ERR_UNSUPPORTED},
        {":1\r\n", {.user = "", .password = "pw"}, ERR_INTEGRITY},
        {"HTTP/1.1 400\r\n", {.user = "", .password = "pw"}, ERR_INTEGRITY},
        {"", {.user = "", .password = "pw"}, ERR_TIMEOUT},
    };
    struct fixture *f = *state;
    struct rd_conn *c;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        c = NULL;
        f->fake.auth = cases[i].auth;
        f->fake.n_greetings = 0;
        assert_err(cases[i].e,
                   rd_conn_open(&cases[i].login, &f->addr, "", clock_mono_ms() + 400, &c));
        assert_true((c != NULL) == (cases[i].e == ERR_OK));
        if (c != NULL)
            assert_int_equal(cases[i].login.database != 0 ? 2 : 1, f->fake.n_greetings);
        rd_conn_free(c);
    }
    rd_conn_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reply_in_pieces_is_one_reply, new_parser, free_parser),
        cmocka_unit_test_setup_teardown(replies_in_one_piece_come_one_by_one, new_parser,
                                        free_parser),
        cmocka_unit_test_setup_teardown(a_reply_of_1_mib_is_taken_and_a_byte_more_is_not,
                                        new_parser, free_parser),
        cmocka_unit_test_setup_teardown(a_reply_too_long_is_refused_before_it_is_whole, new_parser,
                                        free_parser),
        cmocka_unit_test_setup_teardown(what_is_behind_a_reply_counts_for_the_next, new_parser,
                                        free_parser),
        cmocka_unit_test_setup_teardown(an_array_may_have_4096_elements, new_parser, free_parser),
        cmocka_unit_test_setup_teardown(an_arrays_length_is_not_believed, new_parser, free_parser),
        cmocka_unit_test_setup_teardown(arrays_in_arrays_are_counted_together, new_parser,
                                        free_parser),
        cmocka_unit_test_setup_teardown(the_elements_of_one_reply_are_not_the_nexts, new_parser,
                                        free_parser),
        cmocka_unit_test_setup_teardown(replies_come_in_the_order_of_the_commands, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_command_goes_through_and_one_beyond_16_mib_does_not,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_reply_is_waited_for_until_the_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_in_the_middle_is_told_from_an_end_before, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_comes_unasked_or_the_end_ends_the_quiet, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_login_goes_in_one_piece_and_each_refusal_has_its_error,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("redis conn", tests, NULL, NULL);
}
