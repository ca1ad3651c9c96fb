/* SPDX-License-Identifier: Apache-2.0 */
/* Codes and links in every spelling that people hand on, and what is neither. */
#include "testing.h"

#include "base/mem.h"
#include "client/e2e.h"
#include "client/target.h"
#include "crypt/crypt.h"

#include <locale.h>
#include <string.h>

#define FOUR "velvet-canyon-oboe-thrift"
#define SIX  "velvet-canyon-oboe-thrift-cargo-ember"
#define ID   "jwbui2ziqhhhlcsafuumsngn44" /* of SIX: tests/data/e2e-vectors.json */

static int
set_up(void **state)
{
    bool locked;

    (void)state;
    return crypt_init(&locked) == ERR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    crypt_done();
    return 0;
}

struct reading {
    const char *text, *server, *key, *code; /* code: NULL for a link with an id only */
};

static void
read_all(const struct reading *readings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct reading *r = &readings[i];
        struct target t;
        enum err e = target_parse(r->text, &t);

        if (e != ERR_OK)
            fail_msg("\"%s\": %s (%s)", r->text, err_name(e), err_sentence());
        assert_string_equal(r->server, t.server);
        assert_string_equal(r->key, t.key);
        assert_int_equal(strlen(r->key) == CODE_ID_LEN && strchr(r->key, '-') == NULL, t.is_e2e);
        assert_string_equal(r->code == NULL ? ID : r->code, t.code.text);
        assert_int_equal(r->code == NULL ? 0 : t.is_e2e ? 6 : t.code.n_words, t.code.n_words);
        target_wipe(&t);
        assert_int_equal('\0', t.key[0]);
    }
}

static void
a_code_is_read_in_every_spelling(void **state)
{
    static const struct reading readings[] = {
        {FOUR, "", FOUR, FOUR},
        {"Velvet Canyon OBOE thrift", "", FOUR, FOUR},
        {" \t velvet.canyon_oboe thrift. \r\n", "", FOUR, FOUR},
        {"velvet, canyon; oboe + thrift", "", FOUR, FOUR},
        {"velvet\ncanyon\toboe\r\nthrift", "", FOUR, FOUR},
        {"velvet\u2013canyon\u2014oboe\u2011thrift", "", FOUR, FOUR},
        {"velvet\u2212canyon\u00a0oboe\u2010thrift", "", FOUR, FOUR},
        {"---velvet---canyon---oboe---thrift---", "", FOUR, FOUR},
        {"qqq-zzz-xx", "", "qqq-zzz-xx", "qqq-zzz-xx"}, /* of a list of the server's own */
        {"a" FOUR "-xxxxxxxxxxxxxxxx", "", "a" FOUR "-xxxxxxxxxxxxxxxx",
         "a" FOUR "-xxxxxxxxxxxxxxxx"},
        {SIX, "", ID, SIX},
        {"VELVET canyon.oboe_thrift\u2014cargo, ember", "", ID, SIX},
        {ID, "", ID, NULL},
        {"  " ID "\n", "", ID, NULL},
        {"JWBUI2ZIQHHHLCSAFUUMSNGN44", "", ID, NULL},
    };

    (void)state;
    read_all(readings, ARRAY_LEN(readings));
}

static void
links_of_every_kind_are_read(void **state)
{
    static const char host[] = "https://drop.example";
    static const struct reading readings[] = {
        {"https://drop.example/#" FOUR, host, FOUR, FOUR},
        {"https://drop.example#" FOUR, host, FOUR, FOUR},
        {"https://drop.example/#" SIX, host, ID, SIX},
        {"https://drop.example/#" ID, host, ID, NULL},
        {"https://drop.example/download/" FOUR, host, FOUR, FOUR},
        {"https://drop.example/download/" FOUR "/", host, FOUR, FOUR},
        {"https://drop.example/download/" FOUR "#", host, FOUR, FOUR},
        {"https://drop.example/preview/" FOUR, host, FOUR, FOUR},
        {"https://drop.example/status/" ID, host, ID, NULL},
        {"https://drop.example/status/" ID "/", host, ID, NULL},
        {"https://drop.example/download/" SIX, host, ID, SIX},
        {"HTTPS://Drop.Example/download/Velvet-CANYON-oboe-thrift", host, FOUR, FOUR},
        {"https://drop.example:443/#" FOUR, host, FOUR, FOUR},
        {"https://drop.example:8443/#" FOUR, "https://drop.example:8443", FOUR, FOUR},
        {"http://drop.example:443/#" FOUR, "http://drop.example:443", FOUR, FOUR},
        {"http://drop.example:080/#" FOUR, "http://drop.example", FOUR, FOUR},
        {"https://example.org/drop/#" FOUR, "https://example.org/drop", FOUR, FOUR},
        {"https://example.org/Drop/a%20b/download/" FOUR, "https://example.org/Drop/a%20b", FOUR,
         FOUR},
        {"https://example.org/download/download/" FOUR, "https://example.org/download", FOUR, FOUR},
        {"https://[2001:DB8::1]:8000/#" FOUR, "https://[2001:db8::1]:8000", FOUR, FOUR},
        {"http://[::1]/download/" FOUR, "http://[::1]", FOUR, FOUR},
        {"http://[fe80::1%25enP7]:8000/#" FOUR, "http://[fe80::1%25enP7]:8000", FOUR, FOUR},
        {"drop.example/#" FOUR, host, FOUR, FOUR},
        {"drop.example/download/" FOUR, host, FOUR, FOUR},
        {"download/status/" FOUR, "https://download", FOUR, FOUR},
        {"https://preview/preview/" FOUR, "https://preview", FOUR, FOUR},
        {"localhost:8000/#" FOUR, "http://localhost:8000", FOUR, FOUR},
        {"  https://drop.example/#" FOUR " \n", host, FOUR, FOUR},
    };

    (void)state;
    read_all(readings, ARRAY_LEN(readings));
}

static void
codes_in_links_are_read_in_every_spelling(void **state)
{
    static const char host[] = "https://drop.example";
    static const struct reading readings[] = {
        {"https://drop.example/#velvet canyon oboe thrift", host, FOUR, FOUR},
        {"https://drop.example/#velvet%20canyon%20oboe%20thrift", host, FOUR, FOUR},
        {"https://drop.example/#velvet+canyon+oboe+thrift", host, FOUR, FOUR},
        {"https://drop.example/#%76elvet%2Dcanyon%2doboe%E2%80%93thrift", host, FOUR, FOUR},
        {"https://drop.example/#velvet.canyon.oboe.thrift.", host, FOUR, FOUR},
        {"https://drop.example/# VELVET_canyon.oboe-thrift cargo EMBER ", host, ID, SIX},
        {"https://drop.example/#JWBUI2ZIQHHHLCSAFUUMSNGN44", host, ID, NULL},
        {"https://drop.example/#%20" ID "%0a", host, ID, NULL},
        {"https://drop.example/download/velvet%20canyon%2Eoboe.thrift/", host, FOUR, FOUR},
        {"https://drop.example/download/%6aWBUI2ZIQHHHLCSAFUUMSNGN44", host, ID, NULL},
    };

    (void)state;
    read_all(readings, ARRAY_LEN(readings));
}

struct refusal {
    const char *text;
    enum err e;
    const char *sentence; /* a part of it; NULL: any */
};

static void
refuse_all(const struct refusal *refusals, size_t n)
{
    struct target t, before;

    memset(&t, 0xa5, sizeof(t));
    before = t;
    for (size_t i = 0; i < n; i++) {
        const struct refusal *r = &refusals[i];
        enum err e = target_parse(r->text, &t);

        if (e != r->e)
            fail_msg("\"%s\": %s (%s)", r->text, err_name(e), err_sentence());
        if (r->sentence != NULL && strstr(err_sentence(), r->sentence) == NULL)
            fail_msg("\"%s\": %s", r->text, err_sentence());
        assert_null(strstr(err_sentence(), "canyon"));
        assert_null(strstr(err_sentence(), "qqq"));
        assert_memory_equal(&before, &t, sizeof(t));
    }
}

static void
what_cannot_be_a_code_is_refused_with_its_reason(void **state)
{
    static const struct refusal refusals[] = {
        {"", ERR_NOTFOUND, "has 0"},
        {" \n", ERR_NOTFOUND, "has 0"},
        {"canyon", ERR_NOTFOUND, "has 1"},
        {"canyon-oboe", ERR_NOTFOUND, "has 2"},
        {SIX "-oboe", ERR_NOTFOUND, "has 7"},
        {SIX "-" SIX, ERR_NOTFOUND, "has 12"},
        {"qqq-canyon-oboe-thrift-cargo-ember", ERR_NOTFOUND, "first word is in no list"},
        {"velvet-qqq-oboe-thrift-cargo-ember", ERR_NOTFOUND, "second word is in no list"},
        {"velvet canyon qqq thrift cargo ember", ERR_NOTFOUND, "third word is in no list"},
        {"velvet-canyon-oboe-qqq-qqq-qqq", ERR_NOTFOUND, "fourth word is in no list"},
        {"velvet-canyon-oboe-thrift-x-ember", ERR_NOTFOUND, "fifth word is in no list"},
        {"velvet-canyon-oboe-thrift-cargo-qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", ERR_NOTFOUND,
         "sixth word is in no list"},
        {"velvet-c-oboe-thrift", ERR_NOTFOUND, "second word is too short"},
        {"velvet-canyon-qqqqqqqqqqqqqqqqq", ERR_NOTFOUND, "third word is too long"},
        {"velvet-canyon-oboe-thr1ft", ERR_NOTFOUND, "words of letters"},
        {"velvet-canyon-oboe-thr\u00efft", ERR_NOTFOUND, "words of letters"},
        {"velvet-canyon-oboe-thrift\x1b[2J", ERR_NOTFOUND, "words of letters"},
        {"velvet-canyon-oboe-thr\xe2\x80", ERR_NOTFOUND, "words of letters"},
        {"velvet:canyon:oboe:thrift", ERR_NOTFOUND, "words of letters"},
        {"velvet%2dcanyon%2doboe%2dthrift", ERR_NOTFOUND, "words of letters"}, /* only in a link */
        {"jwbui2ziqhhhlcsafuumsngn45", ERR_NOTFOUND, NULL},
        {"jwbui2ziqhhhlcsafuumsngn4", ERR_NOTFOUND, NULL},
        {ID "a", ERR_NOTFOUND, NULL},
        {"abcdefghijklmnopqrstuvwxyz", ERR_NOTFOUND, "has 1"},
    };

    (void)state;
    refuse_all(refusals, ARRAY_LEN(refusals));
}

static void
links_that_lead_to_no_file_are_refused(void **state)
{
    static const struct refusal refusals[] = {
        {"ftp://drop.example/#" FOUR, ERR_FIELD, "http:// or https://"},
        {"file:///download/" FOUR, ERR_FIELD, "http:// or https://"},
        {"javascript://drop.example/#" FOUR, ERR_FIELD, "http:// or https://"},
        {"https:///drop.example/#" FOUR, ERR_FIELD, NULL},
        {"https:/drop.example/#" FOUR, ERR_FIELD, NULL},
        {"https://user@drop.example/#" FOUR, ERR_FIELD, "user"},
        {"https://user:canyon@drop.example/download/" FOUR, ERR_FIELD, "user"},
        {"https://@drop.example/#" FOUR, ERR_FIELD, NULL},
        {"https://drop.example/?a=b#" FOUR, ERR_FIELD, "query"},
        {"https://drop.example/download/" FOUR "?a=b", ERR_FIELD, "query"},
        {"https://drop.example?#" FOUR, ERR_FIELD, "query"},
        {"https://drop.example:0/#" FOUR, ERR_FIELD, NULL},
        {"https://drop.example:65536/#" FOUR, ERR_FIELD, NULL},
        {"https://drop.example:8x/#" FOUR, ERR_FIELD, NULL},
        {"https://[::1/#" FOUR, ERR_FIELD, NULL},
        {"https://[canyon]/#" FOUR, ERR_FIELD, NULL},
        {"https://drop\x07.example/#" FOUR, ERR_FIELD, NULL},
        {"https://drop\n.example/#" FOUR, ERR_FIELD, NULL},
        {"https://drop .example/#" FOUR, ERR_FIELD, NULL},
        {"https://drop.example\\@evil.example/#" FOUR, ERR_FIELD, NULL},
        {"https://drop.example/a b/#" FOUR, ERR_FIELD, NULL},
        {"https://drop.example/\u00fc/#" FOUR, ERR_FIELD, NULL},
        {"https://drop.example/%2/#" FOUR, ERR_FIELD, NULL},
        {"https://drop.example/<b>/#" FOUR, ERR_FIELD, NULL},
        {"https://b\u00fccher.example/#" FOUR, ERR_FIELD, NULL}, /* no locale is set */
        {"https://drop.example%2fevil/#" FOUR, ERR_FIELD, NULL},
        {"#" FOUR, ERR_FIELD, NULL},
        {"/#" FOUR, ERR_FIELD, NULL},
        {"/download/" FOUR, ERR_FIELD, NULL},
        {"https://drop.example", ERR_NOTFOUND, "no code in this link"},
        {"https://drop.example/", ERR_NOTFOUND, "no code in this link"},
        {"https://drop.example/#", ERR_NOTFOUND, "no code in this link"},
        {"https://drop.example/# ", ERR_NOTFOUND, "no code in this link"},
        {"https://drop.example/docs/" FOUR, ERR_NOTFOUND, "no code in this link"},
        {"https://drop.example/Download/" FOUR, ERR_NOTFOUND, "no code in this link"},
        {"https://drop.example/xdownload/" FOUR, ERR_NOTFOUND, "no code in this link"},
        {"https://download/" FOUR, ERR_NOTFOUND, "no code in this link"},
        {"https://drop.example/download/" FOUR "/more", ERR_NOTFOUND, "no code in this link"},
        {"https://drop.example/download//", ERR_NOTFOUND, NULL},
        {"https://drop.example/download/", ERR_NOTFOUND, NULL},
        {"https://drop.example/#%", ERR_NOTFOUND, "damaged"},
        {"https://drop.example/#velvet%2", ERR_NOTFOUND, "damaged"},
        {"https://drop.example/#velvet%gg-canyon", ERR_NOTFOUND, "damaged"},
        {"https://drop.example/#velvet%g2-canyon", ERR_NOTFOUND, "damaged"},
        {"https://drop.example/#velvet%1g-canyon", ERR_NOTFOUND, "damaged"},
        {"https://drop.example/#" FOUR "%00", ERR_NOTFOUND, "damaged"},
        {"https://drop.example/#" FOUR "%0", ERR_NOTFOUND, "damaged"},
        {"https://drop.example/#velvet%252dcanyon%252doboe", ERR_NOTFOUND, "words of letters"},
        {"https://drop.example/#" FOUR "#" FOUR, ERR_NOTFOUND, "words of letters"},
        {"https://drop.example/#/" FOUR, ERR_NOTFOUND, "words of letters"},
        {"https://drop.example/#velvet-qqq-oboe-thrift-cargo-ember", ERR_NOTFOUND, "second word"},
        {"https://drop.example/download/jwbui2ziqhhhlcsafuumsngn45", ERR_NOTFOUND, NULL},
    };

    (void)state;
    refuse_all(refusals, ARRAY_LEN(refusals));
}

static void
what_is_too_long_is_refused(void **state)
{
    char text[TARGET_TEXT_MAX + 2], server[SERVER_TEXT_LEN] = "before";
    struct target t;

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, FOUR, strlen(FOUR));
    text[TARGET_TEXT_MAX + 1] = '\0';
    assert_err(ERR_FIELD, target_parse(text, &t));
    text[TARGET_TEXT_MAX] = '\0';
    assert_ok(target_parse(text, &t));
    assert_string_equal(FOUR, t.key);

    memset(text, 'a', sizeof(text));
    memcpy(text, "https://h/", 10);
    text[TARGET_TEXT_MAX + 1] = '\0';
    assert_err(ERR_FIELD, server_parse(text, server));
    text[SERVER_TEXT_LEN] = '\0';
    assert_err(ERR_FIELD, server_parse(text, server));
    assert_string_equal("before", server);
    text[SERVER_TEXT_LEN - 1] = '\0';
    assert_ok(server_parse(text, server));
    assert_string_equal(text, server);
}

static void
a_secret_is_read_like_a_text(void **state)
{
    char text[TARGET_TEXT_MAX + 1];
    struct secret *s = NULL;
    struct target t = {.is_e2e = true};

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, FOUR, strlen(FOUR));
    assert_ok(secret_copy(text, sizeof(text), &s));
    assert_err(ERR_FIELD, target_parse_secret(s, &t));
    secret_free(s);
    text[strlen(FOUR)] = '\0'; /* a code, and more behind it */
    assert_ok(secret_copy(text, TARGET_TEXT_MAX, &s));
    assert_err(ERR_NOTFOUND, target_parse_secret(s, &t));
    secret_free(s);
    assert_true(t.is_e2e);
    text[strlen(FOUR)] = ' ';
    assert_ok(secret_copy(text, TARGET_TEXT_MAX, &s));
    assert_ok(target_parse_secret(s, &t));
    assert_string_equal(FOUR, t.key);
    secret_free(s);
}

static void
servers_are_read_as_people_write_them(void **state)
{
    static const char *const pairs[][2] = {
        {"drop.example", "https://drop.example"},
        {"Drop.Example/", "https://drop.example"},
        {" drop.example:8443 \n", "https://drop.example:8443"},
        {"drop.example:443", "https://drop.example"},
        {"drop.example:80", "https://drop.example:80"},
        {"drop.example/a/b//", "https://drop.example/a/b"},
        {"https://example.org/drop", "https://example.org/drop"},
        {"https://example.org/x/../drop/./", "https://example.org/drop"},
        {"http://example.org", "http://example.org"},
        {"http://127.0.0.1:8000/", "http://127.0.0.1:8000"},
        {"127.0.0.1:8000", "http://127.0.0.1:8000"},
        {"127.1.2.3:443", "http://127.1.2.3:443"},
        {"127.1:8000", "http://127.0.0.1:8000"},
        {"2130706433", "http://127.0.0.1"},
        {"dro%70.example", "https://drop.example"},
        {"LOCALHOST", "http://localhost"},
        {"localhost:80", "http://localhost"},
        {"localhost.example", "https://localhost.example"},
        {"[::1]:8000", "http://[::1]:8000"},
        {"[0:0:0:0:0:0:0:1]", "http://[::1]"},
        {"[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]"},
        {"[2001:db8::1]", "https://[2001:db8::1]"},
        {"192.0.2.1", "https://192.0.2.1"},
        {"126.0.0.1", "https://126.0.0.1"},
        {"host_with.underscore", "https://host_with.underscore"},
    };
    char server[SERVER_TEXT_LEN], again[SERVER_TEXT_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        enum err e = server_parse(pairs[i][0], server);

        if (e != ERR_OK)
            fail_msg("\"%s\": %s (%s)", pairs[i][0], err_name(e), err_sentence());
        assert_string_equal(pairs[i][1], server);
        assert_ok(server_parse(server, again));
        assert_string_equal(server, again);
    }
}

static void
what_is_no_address_of_a_server_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "/",
        "/drop.example",
        "//drop.example",
        "http://",
        "https:///drop.example",
        "://drop.example",
        "http:/drop.example",
        "ftp://drop.example",
        "unix:///run/mayfly.sock",
        "user@drop.example",
        "http://user:password@drop.example",
        "http://:@drop.example",
        "http://@drop.example",
        "drop.example?",
        "drop.example/?a",
        "drop.example#",
        "drop.example/#aim-art-bok",
        "drop.example/a b",
        "drop example",
        "drop.example\\a",
        "drop.example:99999",
        "drop.example:0",
        "drop.example:-1",
        "drop.example:http",
        "[::1",
        "[::1]x",
        "[127.0.0.1]",
        "[fe80::1%25e!0]",
        "[fe80::1%25e\x1b]",
        "http://21307%306433",
        "21307%306433",
        "drop.example%25eth0",
        "[drop.example]",
        "drop.example/\x01",
        "drop.example/\x7f",
        "drop.example/\xff",
        "drop\x1b[31m.example",
        "drop.example/%",
        "drop.example/%4",
        "drop.example/%zz",
        "drop.example/\"",
        "drop.example/{}",
        "dr\"op.example",
        "dr%00op.example",
        "dr%20op.example",
        "dr%c3%bcop.example", /* no locale is set */
        "dr%deop.example",
        "\u202eelpmaxe.pord",
    };
    char server[SERVER_TEXT_LEN] = "before";

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        enum err e = server_parse(texts[i], server);

        if (e != ERR_FIELD)
            fail_msg("\"%s\": %s, %s", texts[i], err_name(e), server);
        assert_true(strlen(err_sentence()) > 0);
        assert_string_equal("before", server);
    }
}

static void
hosts_of_other_scripts_get_their_ascii_name(void **state)
{
    char server[SERVER_TEXT_LEN] = "before";

    (void)state;
    assert_err(ERR_FIELD, server_parse("b\u00fccher.example", server));
    assert_string_equal("before", server);
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    assert_ok(server_parse("https://B\u00dcCHER.example:8000/drop", server));
    assert_string_equal("https://xn--bcher-kva.example:8000/drop", server);
    assert_ok(server_parse("b%c3%bccher.example", server));
    assert_string_equal("https://xn--bcher-kva.example", server);
    assert_err(ERR_FIELD, server_parse("\uff12\uff11\uff13\uff10\uff17\uff10\uff16\uff14\uff13"
                                       "\uff13",
                                       server)); /* 127.0.0.1, when it is read again */
    /* what becomes a slash, a colon or an at sign is no part of a host */
    assert_err(ERR_FIELD, server_parse("drop\uff0fevil.example", server));
    assert_err(ERR_FIELD, server_parse("drop\uff20evil.example", server));
    assert_err(ERR_FIELD, server_parse("drop\uff1a80", server));
    assert_err(ERR_FIELD, server_parse("\u202eelpmaxe.pord", server));
    (void)setlocale(LC_CTYPE, "C");
}

static void
only_http_to_another_host_is_open(void **state)
{
    static const char *const open[] = {
        "http://drop.example",     "http://drop.example:8000/a", "http://192.0.2.1",
        "http://[2001:db8::1]:80", "http://localhost.example",   "http://127.0.0.1.example",
        "http://128.0.0.1",        "http://[fe80::1%25eth0]",    "http://[::2]/",
        "http://xlocalhost",
    };
    static const char *const closed[] = {
        "https://drop.example",      "https://192.0.2.1",
        "http://localhost",          "http://localhost:8000",
        "http://localhost/a",        "http://127.0.0.1:8000/drop",
        "http://127.255.255.254",    "http://[::1]",
        "http://[::1]:8000",         "https://[2001:db8::1]",
        "http://[::ffff:127.0.0.1]",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        assert_true(server_is_open(open[i]));
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        assert_false(server_is_open(closed[i]));
}

static void
a_link_that_is_made_reads_as_its_code(void **state)
{
    static const char *const servers[] = {"https://drop.example", "http://127.0.0.1:8000",
                                          "http://[::1]:8000", "https://example.org/a/b%20c"};
    static const char *const codes[] = {"aim-art-bok", FOUR, SIX};
    char link[LINK_TEXT_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(servers) * ARRAY_LEN(codes); i++) {
        const char *server = servers[i % ARRAY_LEN(servers)];
        struct target code, t;

        assert_ok(target_parse(codes[i / ARRAY_LEN(servers)], &code));
        target_link(server, &code.code, link);
        assert_int_equal(strlen(server) + 2 + strlen(code.code.text), strlen(link));
        assert_ok(target_parse(link, &t));
        assert_string_equal(server, t.server);
        assert_string_equal(code.key, t.key);
        assert_string_equal(code.code.text, t.code.text);
        assert_int_equal(code.is_e2e, t.is_e2e);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_read_in_every_spelling),
        cmocka_unit_test(links_of_every_kind_are_read),
        cmocka_unit_test(codes_in_links_are_read_in_every_spelling),
        cmocka_unit_test(what_cannot_be_a_code_is_refused_with_its_reason),
        cmocka_unit_test(links_that_lead_to_no_file_are_refused),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(a_secret_is_read_like_a_text),
        cmocka_unit_test(servers_are_read_as_people_write_them),
        cmocka_unit_test(what_is_no_address_of_a_server_is_refused),
        cmocka_unit_test(hosts_of_other_scripts_get_their_ascii_name),
        cmocka_unit_test(only_http_to_another_host_is_open),
        cmocka_unit_test(a_link_that_is_made_reads_as_its_code),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
