/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of Redis: every branch of the grammar, good and bad, and that no sentence holds a part of
 * what was refused. */
#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "redis/url.h"

/* A text of `n` times `c` between two others. */
static const char *
text_of(const char *before, char c, size_t n, const char *after)
{
    static char text[2048];
    size_t len = strlen(before);

    assert_true(len + n + strlen(after) < sizeof(text));
    memcpy(text, before, len + 1);
    memset(text + len, c, n);
    memcpy(text + len + n, after, strlen(after) + 1);
    return text;
}

/* ---- good ones ---- */

static const struct good {
    const char *text;
    const char *host; /* the first; NULL: none */
    const char *path, *service, *user, *password;
    unsigned port, database;
    bool is_tls, is_sentinel;
} goods[] = {
    {"redis://localhost", "localhost", "", "", "", "", 6379, 0, false, false},
    {"redis://localhost/", "localhost", "", "", "", "", 6379, 0, false, false},
    {"redis://localhost:7000", "localhost", "", "", "", "", 7000, 0, false, false},
    {"redis://127.0.0.1:1/0", "127.0.0.1", "", "", "", "", 1, 0, false, false},
    {"redis://[::1]", "::1", "", "", "", "", 6379, 0, false, false},
    {"redis://[2001:db8::7]:65535/15", "2001:db8::7", "", "", "", "", 65535, 15, false, false},
    {"redis://[::ffff:10.0.0.1]", "::ffff:10.0.0.1", "", "", "", "", 6379, 0, false, false},
    {"redis://my_redis-1.svc.local.:6379/65535", "my_redis-1.svc.local.", "", "", "", "", 6379,
     65535, false, false},
    {"rediss://Redis.example.org", "Redis.example.org", "", "", "", "", 6379, 0, true, false},
    {"REDISS://h", "h", "", "", "", "", 6379, 0, true, false},
    {"rEdIs://h", "h", "", "", "", "", 6379, 0, false, false},
    {"redis://:pw@h", "h", "", "", "", "pw", 6379, 0, false, false},
    {"redis://ann:pw@h:7/3", "h", "", "", "ann", "pw", 7, 3, false, false},
    {"redis://ann:@h", "h", "", "", "ann", "", 6379, 0, false, false},
    {"redis://ann:a:b::@[::1]:7", "::1", "", "", "ann", "a:b::", 7, 0, false, false},
    {"redis://a%3Ab%40:p%40s%2fs%3F%23%25@h", "h", "", "", "a:b@", "p@s/s?#%", 6379, 0, false,
     false},
    {"redis://:%01%0a%7F%c3%A9@h", "h", "", "", "", "\x01\n\x7f\xc3\xa9", 6379, 0, false, false},
    {"redis://:!\"$&'()*+,;<=>[\\]^_`{|}~-.@h", "h", "", "", "", "!\"$&'()*+,;<=>[\\]^_`{|}~-.",
     6379, 0, false, false},
    {"unix:///run/redis.sock", NULL, "/run/redis.sock", "", "", "", 0, 0, false, false},
    {"UNIX:///s", NULL, "/s", "", "", "", 0, 0, false, false},
    {"unix:///s?db=7", NULL, "/s", "", "", "", 0, 7, false, false},
    {"unix://:pw@/run/s", NULL, "/run/s", "", "", "pw", 0, 0, false, false},
    {"unix://ann:pw@/run/s?db=0", NULL, "/run/s", "", "ann", "pw", 0, 0, false, false},
    {"unix://ann:@/run/s", NULL, "/run/s", "", "ann", "", 0, 0, false, false},
    {"unix:///a%20b%3fc@d:e,f", NULL, "/a b?c@d:e,f", "", "", "", 0, 0, false, false},
    {"redis+sentinel://s1/main", "s1", "", "main", "", "", 26379, 0, false, true},
    {"redis+sentinel://s1/main/", "s1", "", "main", "", "", 26379, 0, false, true},
    {"redis+sentinel://ann:pw@s1:5/ma%2Fin/9", "s1", "", "ma/in", "ann", "pw", 5, 9, false, true},
    {"rediss+sentinel://:pw@[::1]/m%40x", "::1", "", "m@x", "", "pw", 26379, 0, true, true},
    {"Redis+SENTINEL://s1/m", "s1", "", "m", "", "", 26379, 0, false, true},
};

static void
every_form_of_a_url_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
        const struct good *g = &goods[i];
        struct rd_url u;

        assert_ok(rd_url_parse(g->text, &u));
        assert_int_equal(u.is_tls, g->is_tls);
        assert_int_equal(u.is_sentinel, g->is_sentinel);
        assert_int_equal(u.n_hosts, g->host == NULL ? 0 : 1);
        assert_string_equal(u.hosts[0].name, g->host == NULL ? "" : g->host);
        assert_int_equal(u.hosts[0].port, g->port);
        assert_string_equal(u.unix_path, g->path);
        assert_string_equal(u.service, g->service);
        assert_string_equal(u.user, g->user);
        assert_string_equal(u.password, g->password);
        assert_int_equal(u.database, g->database);
        rd_url_wipe(&u);
    }
}

static void
several_hosts_are_read_in_their_order(void **state)
{
    struct rd_url u;

    (void)state;
    assert_ok(rd_url_parse("rediss://ann:pw@a:1,[::2]:2,c,[::4],10.0.0.5:5,f,g,h:65535/0", &u));
    assert_int_equal(u.n_hosts, 8);
    assert_string_equal(u.hosts[0].name, "a");
    assert_int_equal(u.hosts[0].port, 1);
    assert_string_equal(u.hosts[1].name, "::2");
    assert_int_equal(u.hosts[1].port, 2);
    assert_string_equal(u.hosts[2].name, "c");
    assert_int_equal(u.hosts[2].port, 6379);
    assert_string_equal(u.hosts[3].name, "::4");
    assert_int_equal(u.hosts[3].port, 6379);
    assert_string_equal(u.hosts[7].name, "h");
    assert_int_equal(u.hosts[7].port, 65535);
    assert_ok(rd_url_parse("redis+sentinel://a,b:2/main", &u));
    assert_int_equal(u.n_hosts, 2);
    assert_int_equal(u.hosts[0].port, 26379);
    assert_int_equal(u.hosts[1].port, 2);
}

/* ---- bad ones ---- */

#define SCHEME                                                                                     \
    "must begin with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://"
#define VISIBLE  "there is a character that is not visible ASCII: write it percent-encoded"
#define FRAGMENT "a # must be written as %23: there are no fragments here"
#define QUERY    "a ? must be written as %3F: only unix:// has a query"
#define LOGIN    "before the @ must stand user:password, or :password"
#define NOBODY   "there is neither a user nor a password before the @"
#define AT       "an @ in a user or password must be written as %40"
#define PERCENT  "a % must be followed by two hex digits"
#define HOST     "a host is not a name, an IPv4 address or an IPv6 address in brackets"
#define BRACKETS "what stands in brackets is not an IPv6 address"
#define PORT     "a port must be a whole number from 1 to 65535"
#define DATABASE "the database must be a whole number from 0 to 65535"
#define SERVICE  "the service that the Sentinels watch must follow the hosts"

static const char *const bads[][2] = {
    {"", SCHEME},
    {"redis", SCHEME},
    {"redis:", SCHEME},
    {"redis:/h", SCHEME},
    {"redis:h", SCHEME},
    {"://h", SCHEME},
    {"h:6379", SCHEME},
    {"http://h", SCHEME},
    {"tcp://h", SCHEME},
    {"valkey://h", SCHEME},
    {"redis+ssl://h", SCHEME},
    {"redis+sentinels://h/m", SCHEME},
    {"unix:/s", SCHEME},
    {"/run/redis.sock", SCHEME},
    {" redis://h", VISIBLE},
    {"redis://h ", VISIBLE},
    {"redis://h\n", VISIBLE},
    {"redis://:p w@h", VISIBLE},
    {"redis://:\xc3\xa9@h", VISIBLE},
    {"redis://:\x7f@h", VISIBLE},
    {"unix:///r\tn", VISIBLE},
    {"redis://h#x", FRAGMENT},
    {"redis://:p#w@h", FRAGMENT},
    {"unix:///s#x", FRAGMENT},
    {"redis://h?db=1", QUERY},
    {"redis://h/1?", QUERY},
    {"redis://:p?w@h", QUERY},
    {"redis+sentinel://h/m?x", QUERY},
    /* the login */
    {"redis://pw@h", LOGIN},
    {"redis://@h", LOGIN},
    {"unix://pw@/s", LOGIN},
    {"unix://@/s", LOGIN},
    {"redis://:@h", NOBODY},
    {"unix://:@/s", NOBODY},
    {"redis://:p@w@h", AT},
    {"redis://a@b:pw@h", AT},
    {"unix://:p@w@/s", AT},
    {"redis://:%@h", PERCENT},
    {"redis://:%4@h", PERCENT},
    {"redis://:a%4g@h", PERCENT},
    {"redis://:%%41@h", PERCENT},
    {"redis://:%+4@h", PERCENT},
    {"redis://a%zz:pw@h", PERCENT},
    {"unix:///s%2", PERCENT},
    {"redis+sentinel://h/m%", PERCENT},
    {"redis://:a%00b@h", "the password holds a NUL"},
    {"redis://a%00b:pw@h", "the user holds a NUL"},
    {"redis://%0A:pw@h", "the user holds a control character"},
    {"redis://%7f:pw@h", "the user holds a control character"},
    {"unix:///a%00", "the path holds a NUL"},
    {"unix:///a%1b", "the path holds a control character"},
    {"redis+sentinel://h/%00", "the service holds a NUL"},
    {"redis+sentinel://h/a%0d", "the service holds a control character"},
    /* hosts */
    {"redis://", HOST},
    {"redis:///0", HOST},
    {"redis://:6379", HOST},
    {"redis://:pw@", HOST},
    {"redis://:pw@:6379", HOST},
    {"redis://a,,b", HOST},
    {"redis://a,", HOST},
    {"redis://,a", HOST},
    {"redis://a b", VISIBLE},
    {"redis://-h", HOST},
    {"redis://.", HOST},
    {"redis://h%41", HOST},
    {"redis://h_*", HOST},
    {"redis://::1", HOST},
    {"redis://a;b", HOST},
    {"redis://:pa/ss@h", HOST}, /* a slash that was not encoded */
    {"redis://[::1", BRACKETS},
    {"redis://[]", BRACKETS},
    {"redis://[", BRACKETS},
    {"redis://[127.0.0.1]", BRACKETS},
    {"redis://[localhost]", BRACKETS},
    {"redis://[fe80::1%25eth0]", BRACKETS},
    {"redis://[::1]x", BRACKETS},
    {"redis://[::1]7", BRACKETS},
    {"redis://[::1::2]", BRACKETS},
    {"redis://a:1,b:2,c:3,d:4,e:5,f:6,g:7,h:8,i:9", "there are more than 8 hosts"},
    {"redis://h:", PORT},
    {"redis://h:0", PORT},
    {"redis://h:65536", PORT},
    {"redis://h:-1", PORT},
    {"redis://h:+1", PORT},
    {"redis://h:0x10", PORT},
    {"redis://h:1:2", PORT},
    {"redis://h:99999999999999999999999", PORT},
    {"redis://[::1]:", PORT},
    {"redis://[::1]:x", PORT},
    /* databases and services */
    {"redis://h/65536", DATABASE},
    {"redis://h/-1", DATABASE},
    {"redis://h/x", DATABASE},
    {"redis://h/1/", DATABASE},
    {"redis://h/1/2", DATABASE},
    {"redis://h//", DATABASE},
    {"redis://h/%31", DATABASE},
    {"redis://u:1/x@h", DATABASE},
    {"unix:///s?db=", DATABASE},
    {"unix:///s?db=x", DATABASE},
    {"unix:///s?db=1&db=2", DATABASE},
    {"unix:///s?db=1?db=2", DATABASE},
    {"unix:///s?db=65536", DATABASE},
    {"redis+sentinel://h/m/x", DATABASE},
    {"redis+sentinel://h/m/1/2", DATABASE},
    {"redis+sentinel://h", SERVICE},
    {"redis+sentinel://h/", SERVICE},
    {"redis+sentinel://h//0", SERVICE},
    {"redis+sentinel://u:1/x@h/m", "an @ in a service must be written as %40"},
    {"redis+sentinel:///m", HOST},
    /* sockets */
    {"unix://", "there is no path of a socket"},
    {"unix://s", "there is no path of a socket"},
    {"unix://:pw@", "there is no path of a socket"},
    {"unix://run/s", "the path of a socket must begin with /"},
    {"unix://:pw@run/s", "the path of a socket must begin with /"},
    {"unix://:p/w@/s", "the path of a socket must begin with /"},
    {"unix://:p?w@/s", "a ? before the path must be written as %3F"},
    {"unix:///", "the path is that of a folder, not of a socket"},
    {"unix:///run/", "the path is that of a folder, not of a socket"},
    {"unix:///run%2f", "the path is that of a folder, not of a socket"},
    {"unix:///s?", "after the ? must stand db= and a number"},
    {"unix:///s?x=1", "after the ? must stand db= and a number"},
    {"unix:///s?DB=1", "after the ? must stand db= and a number"},
    {"unix:///s?xdb=1", "after the ? must stand db= and a number"},
};

static void
what_is_no_such_url_is_refused_with_its_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
        struct rd_url u, before;

        memset(&u, 0x5a, sizeof(u));
        before = u;
        if (rd_url_parse(bads[i][0], &u) != ERR_SYNTAX)
            fail_msg("taken: %s", bads[i][0]);
        assert_string_equal(err_sentence(), bads[i][1]);
        assert_memory_equal(&u, &before, sizeof(u));
    }
}

static void
each_part_is_read_to_its_longest_and_refused_one_byte_later(void **state)
{
    static const struct {
        const char *before, *after, *name;
        size_t max;
        size_t offset;
    } parts[] = {
        {"redis://", ":pw@h", "the user", RD_USER_LEN - 1, offsetof(struct rd_url, user)},
        {"redis://:", "@h", "the password", RD_PASSWORD_LEN - 1, offsetof(struct rd_url, password)},
        {"redis://", ":1/2", "a host", RD_HOST_LEN - 1, offsetof(struct rd_url, hosts[0].name)},
        {"redis+sentinel://h/", "/1", "the service", RD_SERVICE_LEN - 1,
         offsetof(struct rd_url, service)},
        {"unix:///", "?db=1", "the path", RD_PATH_LEN - 1, offsetof(struct rd_url, unix_path)},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t slash = i == 4 ? 1 : 0; /* of the path, which `before` has */
        char sentence[80];
        struct rd_url u;

        assert_ok(
            rd_url_parse(text_of(parts[i].before, 'q', parts[i].max - slash, parts[i].after), &u));
        assert_int_equal(strlen((const char *)&u + parts[i].offset), parts[i].max);
        assert_err(ERR_SYNTAX, rd_url_parse(text_of(parts[i].before, 'q', parts[i].max - slash + 1,
                                                    parts[i].after),
                                            &u));
        (void)snprintf(sentence, sizeof(sentence), "%s is longer than %zu bytes", parts[i].name,
                       parts[i].max);
        assert_string_equal(err_sentence(), sentence);
    }
}

static void
the_length_of_a_password_is_that_of_its_decoded_bytes(void **state)
{
    char text[8 + 1 + 3 * RD_PASSWORD_LEN + 3] = "redis://:";
    size_t len = strlen(text);
    struct rd_url u;

    (void)state;
    for (size_t i = 0; i < RD_PASSWORD_LEN - 1; i++, len += 3)
        memcpy(text + len, "%20", 3);
    memcpy(text + len, "@h", 3);
    assert_ok(rd_url_parse(text, &u));
    assert_int_equal(strlen(u.password), RD_PASSWORD_LEN - 1);
    assert_int_equal(strspn(u.password, " "), RD_PASSWORD_LEN - 1);
    memcpy(text + len, "%20@h", 6);
    assert_err(ERR_SYNTAX, rd_url_parse(text, &u));
}

/* Whatever stands in the place of each character of a good URL: a sentence never repeats it. */
static void
no_sentence_holds_a_part_of_the_text(void **state)
{
    static const char good[] = "redis+sentinel://zqUser1:zqPass2@zqHost3:7777/zqServ4/8888";
    static const char *const parts[] = {"zq", "User1", "Pass2", "Host3", "7777", "Serv4", "8888"};
    unsigned n_refused = 0;

    (void)state;
    for (size_t at = 0; at < sizeof(good) - 1; at++) {
        for (const char *c = "@:/?#%[],\n\x01 ~*"; *c != '\0'; c++) {
            char text[sizeof(good)];
            struct rd_url u;

            memcpy(text, good, sizeof(good));
            text[at] = *c;
            if (rd_url_parse(text, &u) == ERR_OK)
                continue;
            n_refused++;
            for (size_t i = 0; i < ARRAY_LEN(parts); i++)
                assert_null(strstr(err_sentence(), parts[i]));
        }
    }
    assert_true(n_refused > 400);
}

static void
wiping_leaves_nothing(void **state)
{
    static const struct rd_url zero;
    struct rd_url u;

    (void)state;
    assert_ok(rd_url_parse("redis://ann:pw@h:7/3", &u));
    rd_url_wipe(&u);
    assert_memory_equal(&u, &zero, sizeof(u));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_url_is_read),
        cmocka_unit_test(several_hosts_are_read_in_their_order),
        cmocka_unit_test(what_is_no_such_url_is_refused_with_its_sentence),
        cmocka_unit_test(each_part_is_read_to_its_longest_and_refused_one_byte_later),
        cmocka_unit_test(the_length_of_a_password_is_that_of_its_decoded_bytes),
        cmocka_unit_test(no_sentence_holds_a_part_of_the_text),
        cmocka_unit_test(wiping_leaves_nothing),
    };

    return cmocka_run_group_tests_name("redis url", tests, NULL, NULL);
}
