/* SPDX-License-Identifier: Apache-2.0 */
/* What error replies, and a server's words about itself, mean. */
#include "testing.h"

#include "base/mem.h"
#include "redis/error.h"
#include "redis/look.h"

#include <string.h>

static struct rd_error
read_error(const char *text)
{
    struct rd_error e;

    rd_error_read(text, strlen(text), &e);
    return e;
}

/* ---- error replies ---- */

static void
a_script_that_is_not_known_is_not_found(void **state)
{
    struct rd_error e = read_error("NOSCRIPT No matching script. Please use EVAL.");

    (void)state;
    assert_int_equal(ERR_NOTFOUND, e.err);
    assert_string_equal("NOSCRIPT", e.word);
    assert_false(e.is_away || e.is_denied || e.is_redirect);
}

static void
some_refusals_are_of_the_whole_server(void **state)
{
    static const char *const away[] = {
        "LOADING Redis is loading the dataset in memory",
        "READONLY You can't write against a read only replica.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "NOAUTH Authentication required.",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "DENIED Redis is running in protected mode because ...",
        "LOADING",
    };
    static const char *const here[] = {
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Redis is configured to save RDB snapshots, but",
        "NOREPLICAS Not enough good replicas to write.",
        "BUSY Redis is busy running a script.",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN Hash slot not served",
        "NOPERM this user has no permissions to run the 'get' command",
        "ERR max number of clients reached",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(away); i++) {
        assert_int_equal(ERR_UNAVAIL, read_error(away[i]).err);
        assert_true(read_error(away[i]).is_away);
    }
    for (size_t i = 0; i < ARRAY_LEN(here); i++) {
        assert_int_equal(ERR_UNAVAIL, read_error(here[i]).err);
        assert_false(read_error(here[i]).is_away);
    }
}

static void
being_unknown_or_not_allowed_is_told_apart(void **state)
{
    (void)state;
    assert_true(read_error("NOAUTH Authentication required.").is_denied);
    assert_true(read_error("WRONGPASS invalid").is_denied);
    assert_true(read_error("NOPERM no").is_denied);
    assert_true(read_error("DENIED Redis is running in protected mode").is_denied);
    assert_false(read_error("LOADING Redis is loading").is_denied);
    assert_false(read_error("ERR invalid").is_denied);
}

static void
redirects_are_told_apart(void **state)
{
    (void)state;
    assert_true(read_error("MOVED 3999 127.0.0.1:6381").is_redirect);
    assert_true(read_error("ASK 3999 127.0.0.1:6381").is_redirect);
    assert_int_equal(ERR_UNAVAIL, read_error("MOVED 3999 127.0.0.1:6381").err);
    assert_false(read_error("TRYAGAIN later").is_redirect);
}

static void
anything_else_is_damage(void **state)
{
    static const char *const texts[] = {
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        "ERR unknown command 'X'",
        "ERR",
        "",
        " OOM",
        "OOMS command not allowed",
        "oom command not allowed",
        "OOM: command not allowed",
        "OOM\tcommand",
        "NOSCRIPTS none",
        "CROSSSLOT Keys in request don't hash to the same slot",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(ERR_INTEGRITY, read_error(texts[i]).err);
        assert_false(read_error(texts[i]).is_away);
    }
}

static void
only_a_first_word_of_capitals_is_kept(void **state)
{
    (void)state;
    assert_string_equal("WRONGTYPE", read_error("WRONGTYPE Operation upload:{secret}").word);
    assert_string_equal("ABCDEFGHIJKLMNOPQRSTUVW", read_error("ABCDEFGHIJKLMNOPQRSTUVW x").word);
    assert_string_equal("?", read_error("ABCDEFGHIJKLMNOPQRSTUVWX x").word); /* too long */
    assert_string_equal("?", read_error("secret").word);
    assert_string_equal("?", read_error("SECRET7 x").word);
    assert_string_equal("?", read_error("SECRET\x01").word);
    assert_string_equal("?", read_error("").word);
}

static void
the_length_counts_and_not_a_nul(void **state)
{
    struct rd_error e;

    (void)state;
    rd_error_read("OOMxxxx", 3, &e);
    assert_int_equal(ERR_UNAVAIL, e.err);
    rd_error_read("OOM\0x", 5, &e);
    assert_int_equal(ERR_INTEGRITY, e.err);
}

static void
the_sentence_has_the_word_only(void **state)
{
    static const char text[] = "READONLY You can't write upload:{secret}";

    (void)state;
    assert_err(ERR_UNAVAIL, rd_error_set(text, strlen(text)));
    assert_string_equal("Redis says READONLY", err_sentence());
    assert_err(ERR_INTEGRITY, rd_error_set("secret", 6));
    assert_string_equal("Redis says ?", err_sentence());
}

static void
a_script_whose_user_lacks_a_right_was_refused(void **state)
{
    static const char *const texts[] = {
        "ERR The user executing the script can't run this command or subcommand script: 0f4a, on "
        "@user_script:18.",
        "ERR Error running script (call to f_0f4a): @user_script:18: @user_script: 18: The user "
        "executing the script can't access at least one of the keys mentioned in the command "
        "arguments",
    };
    struct rd_error e;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        e = read_error(texts[i]);
        assert_int_equal(ERR_UNAVAIL, e.err);
        assert_string_equal("NOPERM", e.word);
        assert_true(e.is_denied);
        assert_false(e.is_away);
    }
    e = read_error("ERR user_script:3: a lease is damaged script: 0f4a, on @user_script:3.");
    assert_int_equal(ERR_INTEGRITY, e.err);
}

static void
what_stopped_a_script_of_redis_6_is_found(void **state)
{
    struct rd_error e;

    (void)state;
    e = read_error("ERR Error running script (call to f_0f4a): @user_script:1: @user_script: 1: "
                   "-OOM command not allowed when used memory > 'maxmemory'.");
    assert_int_equal(ERR_UNAVAIL, e.err);
    assert_string_equal("OOM", e.word);
    e = read_error("ERR Error running script (call to f_0f4a): @user_script:1: @user_script: 1: "
                   "-READONLY You can't write against a read only replica.");
    assert_true(e.is_away);
    e = read_error("ERR Error running script (call to f_0f4a): @user_script:1: Script attempted "
                   "to access nonexistent global variable 'x': -oom");
    assert_int_equal(ERR_INTEGRITY, e.err);
    assert_string_equal("ERR", e.word);
    e = read_error("ERR something else: -OOM command");
    assert_int_equal(ERR_INTEGRITY, e.err);
    assert_int_equal(ERR_INTEGRITY, read_error("ERR Error running script: -").err);
    assert_int_equal(ERR_INTEGRITY, read_error("ERR Error running script: -: ").err);
}

/* ---- INFO ---- */

static struct rd_info
read_info(const char *text)
{
    struct rd_info info;

    memset(&info, 0x5a, sizeof(info));
    rd_info_read(text, strlen(text), &info);
    return info;
}

static void
a_server_tells_what_it_is(void **state)
{
    struct rd_info info = read_info("# Server\r\nredis_version:6.2.7\r\nredis_mode:cluster\r\n\r\n"
                                    "# Persistence\r\nloading:0\r\nasync_loading:0\r\n"
                                    "# Replication\r\nrole:master\r\n"
                                    "# Cluster\r\ncluster_enabled:1\r\n");

    (void)state;
    assert_int_equal(6, info.major);
    assert_true(info.is_master && info.is_cluster);
    assert_false(info.is_loading);
    info = read_info("role:slave\nloading:1\nredis_version:10.0.0\ncluster_enabled:0");
    assert_int_equal(10, info.major);
    assert_false(info.is_master || info.is_cluster);
    assert_true(info.is_loading);
    assert_int_equal(7, read_info("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n").major);
}

static void
what_is_not_said_is_not_so(void **state)
{
    static const char *const texts[] = {
        "",
        "\r\n",
        "\n\n\n",
        "redis_version:",
        "redis_version:7",
        "redis_version:x.0",
        "redis_version:-7.0",
        "redis_version:99999.0",
        " redis_version:7.0",
        "xredis_version:7.0",
        "role:masters\r\n",
        "role:\r\n",
        "role",
        "cluster_enabled:\r\n",
        "cluster_enabled:10\r\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct rd_info info = read_info(texts[i]);

        assert_int_equal(0, info.major);
        assert_false(info.is_master || info.is_loading || info.is_cluster);
    }
    assert_true(read_info("loading:\r\n").is_loading); /* in doubt it is */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_that_is_not_known_is_not_found),
        cmocka_unit_test(some_refusals_are_of_the_whole_server),
        cmocka_unit_test(being_unknown_or_not_allowed_is_told_apart),
        cmocka_unit_test(redirects_are_told_apart),
        cmocka_unit_test(anything_else_is_damage),
        cmocka_unit_test(only_a_first_word_of_capitals_is_kept),
        cmocka_unit_test(the_length_counts_and_not_a_nul),
        cmocka_unit_test(the_sentence_has_the_word_only),
        cmocka_unit_test(a_script_whose_user_lacks_a_right_was_refused),
        cmocka_unit_test(what_stopped_a_script_of_redis_6_is_found),
        cmocka_unit_test(a_server_tells_what_it_is),
        cmocka_unit_test(what_is_not_said_is_not_so),
    };

    return cmocka_run_group_tests_name("redis error", tests, NULL, NULL);
}
