/* SPDX-License-Identifier: Apache-2.0 */
/* The settings: defaults, every kind of value good and bad with its exact sentence, which source
 * wins, contradictions. No file is opened here; see test_config_files. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/config.h"

/* config_parse with one variable in the environment ("NAME=value"; NULL: none) and a file. */
static enum err
parse(const char *file, const char *variable, struct config *ret)
{
    char *env[] = {variable == NULL ? NULL : strdup(variable), NULL};
    enum err e = config_parse(file, strlen(file), env, ret);

    free(env[0]);
    return e;
}

static void
defaults_are_as_documented(void **state)
{
    char state_path[64];
    struct config c;

    (void)state;
    assert_ok(parse("", NULL, &c));
    assert_int_equal(c.listen.n, 1);
    assert_string_equal(c.listen.all[0].host, "127.0.0.1");
    assert_int_equal(c.listen.all[0].port, 8000);
    assert_null(c.public_url);
    assert_string_equal(c.storage_path, "./storage/uploads");
    (void)snprintf(state_path, sizeof(state_path), "/dev/shm/mayfly-%u", (unsigned)geteuid());
    assert_string_equal(c.state_path, state_path);
    assert_null(c.pepper_file);
    assert_null(c.wordlist_path);
    assert_null(c.redis_url);
    assert_null(c.redis_password_file);
    assert_null(c.redis_password);
    assert_null(c.redis_ca_file);
    assert_false(c.redis_allow_open);
    assert_int_equal(c.max_file_bytes, 104857600);
    assert_int_equal(c.max_storage_bytes, 10737418240);
    assert_int_equal(c.max_expiry_minutes, 60);
    assert_int_equal(c.max_uses, 5);
    assert_int_equal(c.key_words, 4);
    assert_int_equal(c.lease_s, 600);
    assert_int_equal(c.tombstone_s, 86400);
    assert_int_equal(c.shred_passes, 1);
    assert_true(c.storage_sync);
    assert_int_equal(c.upload_rate.n, 30);
    assert_int_equal(c.upload_rate.window_s, 3600);
    assert_int_equal(c.health_rate.n, 1);
    assert_int_equal(c.health_rate.window_s, 1);
    assert_int_equal(c.fail_limit, 10);
    assert_int_equal(c.fail_window_s, 600);
    assert_int_equal(c.block_window_s, 1800);
    assert_string_equal(c.allowed_mime_types, "");
    assert_string_equal(c.trusted_proxies, "");
    assert_string_equal(c.cors_origins, "*");
    assert_int_equal(c.log_level, LOG_INFO);
    assert_false(c.log_full_addresses);
    assert_null(c.tls_cert_file);
    assert_null(c.tls_key_file);
    assert_int_equal(c.io_threads, 0);
    assert_int_equal(c.worker_threads, 0);
    assert_int_equal(c.max_connections, 0);
    assert_null(c.upload_token);
    assert_null(c.upload_token_file);
    config_done(&c);
}

#define NUMBER(name, from, to) name " must be a whole number from " from " to " to
#define SIZE(name)                                                                                 \
    name " must be a number of bytes, or of k, M or G (as in 100M), from 1 to 1048576G"
#define RATE(name)                                                                                 \
    name " must be N/second, N/minute, N/hour or N/day with N from 1 to 1000000, or off"
#define URL                                                                                        \
    "PUBLIC_URL must be http://host or https://host, with :port and /path where needed, without "  \
    "user, query or fragment, of at most 512 bytes"
#define TOKEN       "UPLOAD_TOKEN must be 1 to 512 visible ASCII characters without blanks"
#define ENTRY(text) "LISTEN: \"" text "\": not host:port, [v6]:port or unix:/path"
#define ORIGIN(text)                                                                               \
    "CORS_ORIGINS: \"" text "\" is not an origin: write *, none, or http(s)://host[:port], "       \
    "separated by commas"
#define LATER(name) name " is not supported by this version yet: leave it empty"

static const struct refused {
    const char *variable;
    enum err e;
    const char *sentence; /* NULL: that of another module behind the name and a colon */
} refused[] = {
    {"LISTEN=8000", ERR_SYNTAX, ENTRY("8000")},
    {"LISTEN=localhost", ERR_SYNTAX, ENTRY("localhost")},
    {"LISTEN=127.0.0.1:65536", ERR_SYNTAX, ENTRY("127.0.0.1:65536")},
    {"LISTEN=127.0.0.1:", ERR_SYNTAX, ENTRY("127.0.0.1:")},
    {"LISTEN=:8000", ERR_SYNTAX, ENTRY(":8000")},
    {"LISTEN=::1:8000", ERR_SYNTAX, ENTRY("::1:8000")},
    {"LISTEN=[::1]", ERR_SYNTAX, ENTRY("[::1]")},
    {"LISTEN=[127.0.0.1]:80", ERR_SYNTAX, ENTRY("[127.0.0.1]:80")},
    {"LISTEN=http://127.0.0.1:80", ERR_SYNTAX, ENTRY("http://127.0.0.1:80")},
    {"LISTEN=127.0.0.1:80,", ERR_SYNTAX, ENTRY("")},
    {"LISTEN=127.0.0.1:80,,[::]:80", ERR_SYNTAX, ENTRY("")},
    {"LISTEN=127.0.0.1:80;[::]:80", ERR_SYNTAX, ENTRY("127.0.0.1:80;[::]:80")},
    {"LISTEN=unix:", ERR_SYNTAX, ENTRY("unix:")},
    {"LISTEN=unix:run/x.sock", ERR_SYNTAX, ENTRY("unix:run/x.sock")},
    {"LISTEN=unix:/run/", ERR_SYNTAX, ENTRY("unix:/run/")},
    {"LISTEN=a\x1b[2J:1", ERR_SYNTAX, ENTRY("a?[2J:1")},
    {"LISTEN=a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9,a:10,a:11,a:12,a:13,a:14,a:15,a:16,a:17",
     ERR_SYNTAX, "LISTEN holds more than 16 entries"},
    {"PUBLIC_URL=drop.example.org", ERR_SYNTAX, URL},
    {"PUBLIC_URL=ftp://drop.example.org", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https:///path", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://u:p@drop.example.org", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://drop.example.org/?a=1", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://drop.example.org?", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://drop.example.org/#x", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://drop.example.org:0", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://drop.example.org/a b", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://drop.example.org/a//b", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://drop.example.org/%4", ERR_SYNTAX, URL},
    {"PUBLIC_URL=https://drop.example.org/\xc3\xa9", ERR_SYNTAX, URL},
    {"STORAGE_PATH=a\tb", ERR_SYNTAX, "STORAGE_PATH must be a path without control characters"},
    {"STATE_PATH=./storage/uploads", ERR_FIELD,
     "STATE_PATH and STORAGE_PATH must be different folders"},
    {"REDIS_URL=localhost:6379", ERR_SYNTAX, NULL},
    {"REDIS_URL=redis://:secret@localhost:x", ERR_SYNTAX,
     "REDIS_URL: a port must be a whole number from 1 to 65535"},
    {"REDIS_PASSWORD_FILE=/p", ERR_FIELD, "REDIS_PASSWORD_FILE is set, but REDIS_URL is not"},
    {"REDIS_CA_FILE=/c", ERR_FIELD, "REDIS_CA_FILE is set, but REDIS_URL is not"},
    {"REDIS_ALLOW_OPEN=on", ERR_FIELD, "REDIS_ALLOW_OPEN is set, but REDIS_URL is not"},
    {"REDIS_ALLOW_OPEN=yes", ERR_SYNTAX, "REDIS_ALLOW_OPEN must be on, off, true, false, 1 or 0"},
    {"METRICS_LISTEN=127.0.0.1:9000", ERR_UNSUPPORTED, LATER("METRICS_LISTEN")},
    {"MAX_FILE_SIZE=0", ERR_SYNTAX, SIZE("MAX_FILE_SIZE")},
    {"MAX_FILE_SIZE=-1", ERR_SYNTAX, SIZE("MAX_FILE_SIZE")},
    {"MAX_FILE_SIZE=1.5G", ERR_SYNTAX, SIZE("MAX_FILE_SIZE")},
    {"MAX_FILE_SIZE=100MB", ERR_SYNTAX, SIZE("MAX_FILE_SIZE")},
    {"MAX_FILE_SIZE=M", ERR_SYNTAX, SIZE("MAX_FILE_SIZE")},
    {"MAX_FILE_SIZE= 1", ERR_SYNTAX, SIZE("MAX_FILE_SIZE")},
    {"MAX_FILE_SIZE=1048577G", ERR_SYNTAX, SIZE("MAX_FILE_SIZE")},
    {"MAX_FILE_SIZE=11G", ERR_FIELD,
     "MAX_FILE_SIZE (11811160064 bytes) is larger than MAX_STORAGE_SIZE (10737418240 bytes)"},
    {"MAX_STORAGE_SIZE=1T", ERR_SYNTAX, SIZE("MAX_STORAGE_SIZE")},
    {"MAX_STORAGE_SIZE=104857599", ERR_FIELD,
     "MAX_FILE_SIZE (104857600 bytes) is larger than MAX_STORAGE_SIZE (104857599 bytes)"},
    {"MAX_EXPIRY_MINUTES=0", ERR_SYNTAX, NUMBER("MAX_EXPIRY_MINUTES", "1", "525600")},
    {"MAX_EXPIRY_MINUTES=525601", ERR_SYNTAX, NUMBER("MAX_EXPIRY_MINUTES", "1", "525600")},
    {"MAX_USES=0", ERR_SYNTAX, NUMBER("MAX_USES", "1", "10000")},
    {"MAX_USES=five", ERR_SYNTAX, NUMBER("MAX_USES", "1", "10000")},
    {"ALLOWED_MIME_TYPES=pdf", ERR_SYNTAX, NULL},
    {"ALLOWED_MIME_TYPES=image/*,,text/plain", ERR_SYNTAX, NULL},
    {"KEY_WORDS=2", ERR_SYNTAX, NUMBER("KEY_WORDS", "3", "5")},
    {"KEY_WORDS=6", ERR_SYNTAX, NUMBER("KEY_WORDS", "3", "5")},
    {"KEY_WORDS=4.0", ERR_SYNTAX, NUMBER("KEY_WORDS", "3", "5")},
    {"LEASE_SECONDS=0", ERR_SYNTAX, NUMBER("LEASE_SECONDS", "1", "86400")},
    {"LEASE_SECONDS=10m", ERR_SYNTAX, NUMBER("LEASE_SECONDS", "1", "86400")},
    {"TOMBSTONE_HOURS=0", ERR_SYNTAX, NUMBER("TOMBSTONE_HOURS", "1", "8760")},
    {"SECURE_SHRED_PASSES=36", ERR_SYNTAX, NUMBER("SECURE_SHRED_PASSES", "0", "35")},
    {"STORAGE_SYNC=yes", ERR_SYNTAX, "STORAGE_SYNC must be on, off, true, false, 1 or 0"},
    {"STORAGE_SYNC=2", ERR_SYNTAX, "STORAGE_SYNC must be on, off, true, false, 1 or 0"},
    {"UPLOAD_RATE_LIMIT=30", ERR_SYNTAX, RATE("UPLOAD_RATE_LIMIT")},
    {"UPLOAD_RATE_LIMIT=0/hour", ERR_SYNTAX, RATE("UPLOAD_RATE_LIMIT")},
    {"UPLOAD_RATE_LIMIT=1/week", ERR_SYNTAX, RATE("UPLOAD_RATE_LIMIT")},
    {"HEALTH_RATE_LIMIT=1 / second", ERR_SYNTAX, RATE("HEALTH_RATE_LIMIT")},
    {"DOWNLOAD_FAIL_LIMIT=0", ERR_SYNTAX, NUMBER("DOWNLOAD_FAIL_LIMIT", "1", "1000")},
    {"DOWNLOAD_FAIL_WINDOW=86401", ERR_SYNTAX, NUMBER("DOWNLOAD_FAIL_WINDOW", "1", "86400")},
    {"DOWNLOAD_BLOCK_WINDOW=604801", ERR_SYNTAX, NUMBER("DOWNLOAD_BLOCK_WINDOW", "1", "604800")},
    {"TRUSTED_PROXIES=10.0.0.0/33", ERR_SYNTAX, NULL},
    {"TRUSTED_PROXIES=proxy.example.org", ERR_SYNTAX, NULL},
    {"UPLOAD_TOKEN=two words", ERR_SYNTAX, TOKEN},
    {"UPLOAD_TOKEN=\xc3\xa9", ERR_SYNTAX, TOKEN},
    {"UPLOAD_TOKEN=line\n", ERR_SYNTAX, TOKEN},
    {"CORS_ORIGINS=a.example", ERR_SYNTAX, ORIGIN("a.example")},
    {"CORS_ORIGINS=https://a.example/", ERR_SYNTAX, ORIGIN("https://a.example/")},
    {"CORS_ORIGINS=*,https://a.example", ERR_SYNTAX, ORIGIN("*")},
    {"CORS_ORIGINS=null", ERR_SYNTAX, ORIGIN("null")},
    {"CORS_ORIGINS=https://a.example,", ERR_SYNTAX, ORIGIN("")},
    {"LOG_LEVEL=verbose", ERR_SYNTAX, "LOG_LEVEL must be debug, info, warn, error or off"},
    {"LOG_ADDRESSES=on", ERR_SYNTAX, "LOG_ADDRESSES must be full or cut"},
    {"TLS_CERT_FILE=/c", ERR_FIELD,
     "TLS_CERT_FILE and TLS_KEY_FILE must be set together: TLS_KEY_FILE is not"},
    {"TLS_KEY_FILE=/k", ERR_FIELD,
     "TLS_CERT_FILE and TLS_KEY_FILE must be set together: TLS_CERT_FILE is not"},
    {"IO_THREADS=257", ERR_SYNTAX, NUMBER("IO_THREADS", "0", "256")},
    {"IO_THREADS=auto", ERR_SYNTAX, NUMBER("IO_THREADS", "0", "256")},
    {"WORKER_THREADS=-1", ERR_SYNTAX, NUMBER("WORKER_THREADS", "0", "256")},
    {"MAX_CONNECTIONS=1000001", ERR_SYNTAX, NUMBER("MAX_CONNECTIONS", "0", "1000000")},
};

static void
assert_sentence(const struct refused *r, const char *prefix)
{
    char want[400];

    if (r->sentence != NULL) {
        (void)snprintf(want, sizeof(want), "%s%s", prefix, r->sentence);
        want[255] = '\0'; /* sentences end there */
        assert_string_equal(err_sentence(), want);
        return;
    }
    (void)snprintf(want, sizeof(want), "%s%.*s: ", prefix, (int)strcspn(r->variable, "="),
                   r->variable);
    assert_memory_equal(err_sentence(), want, strlen(want));
    assert_true(strlen(err_sentence()) > strlen(want));
}

static void
a_bad_value_of_the_environment_is_refused_with_its_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct config c = {.max_uses = 77};

        assert_err(refused[i].e, parse("", refused[i].variable, &c));
        assert_sentence(&refused[i], "");
        assert_int_equal(c.max_uses, 77);
    }
}

static void
a_bad_value_of_the_file_is_refused_with_its_line(void **state)
{
    char file[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct config c = {.max_uses = 77};
        bool is_pair = strpbrk(refused[i].variable, "\n\t\x1b") == NULL &&
                       strstr(refused[i].variable, "= ") == NULL;

        if (!is_pair) /* the reader of lines sees to those */
            continue;
        (void)snprintf(file, sizeof(file), "\n\n%s\n", refused[i].variable);
        assert_err(refused[i].e, parse(file, NULL, &c));
        assert_sentence(&refused[i], refused[i].e == ERR_FIELD ? "" : "settings file, line 3: ");
        assert_int_equal(c.max_uses, 77);
    }
}

/* ---- good values ---- */

static void
addresses_to_listen_on_are_read(void **state)
{
    struct config c;

    (void)state;
    assert_ok(parse("", "LISTEN=0.0.0.0:80, [::]:8000 ,unix:/run/mayfly/s.sock,localhost:0", &c));
    assert_int_equal(c.listen.n, 4);
    assert_false(c.listen.all[0].is_unix);
    assert_false(c.listen.all[0].is_v6);
    assert_string_equal(c.listen.all[0].host, "0.0.0.0");
    assert_int_equal(c.listen.all[0].port, 80);
    assert_true(c.listen.all[1].is_v6);
    assert_string_equal(c.listen.all[1].host, "::");
    assert_int_equal(c.listen.all[1].port, 8000);
    assert_true(c.listen.all[2].is_unix);
    assert_string_equal(c.listen.all[2].host, "/run/mayfly/s.sock");
    assert_string_equal(c.listen.all[3].host, "localhost");
    assert_int_equal(c.listen.all[3].port, 0);
    config_done(&c);
}

static void
public_url_is_kept_without_a_slash_at_its_end(void **state)
{
    static const char *const good[][2] = {
        {"https://drop.example.org", "https://drop.example.org"},
        {"https://drop.example.org/", "https://drop.example.org"},
        {"HTTP://Drop.example.org:8080//", "http://Drop.example.org:8080"},
        {"http://[2001:db8::1]:8000", "http://[2001:db8::1]:8000"},
        {"https://example.org/drop/", "https://example.org/drop"},
        {"https://example.org/a/b%20c", "https://example.org/a/b%20c"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char variable[128];
        struct config c;

        (void)snprintf(variable, sizeof(variable), "PUBLIC_URL=%s", good[i][0]);
        assert_ok(parse("", variable, &c));
        assert_string_equal(c.public_url, good[i][1]);
        config_done(&c);
    }
}

static void
every_number_is_read_at_both_ends_of_its_range(void **state)
{
    static const char low[] = "MAX_FILE_SIZE=1\nMAX_STORAGE_SIZE=1\nMAX_EXPIRY_MINUTES=1\n"
                              "MAX_USES=1\nKEY_WORDS=3\nLEASE_SECONDS=1\nTOMBSTONE_HOURS=1\n"
                              "SECURE_SHRED_PASSES=0\nDOWNLOAD_FAIL_LIMIT=1\n"
                              "DOWNLOAD_FAIL_WINDOW=1\nDOWNLOAD_BLOCK_WINDOW=1\nIO_THREADS=0\n";
    static const char high[] =
        "MAX_FILE_SIZE=1048576G\nMAX_STORAGE_SIZE=1048576g\nMAX_EXPIRY_MINUTES=525600\n"
        "MAX_USES=10000\nKEY_WORDS=5\nLEASE_SECONDS=86400\nTOMBSTONE_HOURS=8760\n"
        "SECURE_SHRED_PASSES=35\nDOWNLOAD_FAIL_LIMIT=1000\nDOWNLOAD_FAIL_WINDOW=86400\n"
        "DOWNLOAD_BLOCK_WINDOW=604800\nIO_THREADS=256\nWORKER_THREADS=256\n"
        "MAX_CONNECTIONS=1000000\n";
    struct config c;

    (void)state;
    assert_ok(parse(low, NULL, &c));
    assert_int_equal(c.max_file_bytes, 1);
    assert_int_equal(c.key_words, 3);
    assert_int_equal(c.tombstone_s, 3600);
    assert_int_equal(c.shred_passes, 0);
    config_done(&c);
    assert_ok(parse(high, NULL, &c));
    assert_int_equal(c.max_file_bytes, 1ULL << 50);
    assert_int_equal(c.max_storage_bytes, 1ULL << 50);
    assert_int_equal(c.max_expiry_minutes, 525600);
    assert_int_equal(c.max_uses, 10000);
    assert_int_equal(c.key_words, 5);
    assert_int_equal(c.lease_s, 86400);
    assert_int_equal(c.tombstone_s, 8760 * 3600);
    assert_int_equal(c.shred_passes, 35);
    assert_int_equal(c.fail_limit, 1000);
    assert_int_equal(c.fail_window_s, 86400);
    assert_int_equal(c.block_window_s, 604800);
    assert_int_equal(c.io_threads, 256);
    assert_int_equal(c.worker_threads, 256);
    assert_int_equal(c.max_connections, 1000000);
    config_done(&c);
}

static void
choices_lists_and_rates_are_read(void **state)
{
    static const char file[] =
        "STORAGE_SYNC=Off\nUPLOAD_RATE_LIMIT=off\nHEALTH_RATE_LIMIT=5/minute\n"
        "ALLOWED_MIME_TYPES=image/*,application/pdf\nTRUSTED_PROXIES=127.0.0.1,10.0.0.0/8,unix\n"
        "CORS_ORIGINS=https://A.example , http://b.example:8080\nLOG_LEVEL=debug\n"
        "LOG_ADDRESSES=full\nTLS_CERT_FILE=/c\nTLS_KEY_FILE=/k\nSTATE_PATH=/s\n"
        "PEPPER_FILE=/p\nDICEWARE_WORDLIST_PATH=/w\nUPLOAD_TOKEN=a\"b'c#d=\n";
    struct config c;

    (void)state;
    assert_ok(parse(file, NULL, &c));
    assert_false(c.storage_sync);
    assert_int_equal(c.upload_rate.n, 0);
    assert_int_equal(c.health_rate.n, 5);
    assert_int_equal(c.health_rate.window_s, 60);
    assert_string_equal(c.allowed_mime_types, "image/*,application/pdf");
    assert_string_equal(c.trusted_proxies, "127.0.0.1,10.0.0.0/8,unix");
    assert_string_equal(c.cors_origins, "https://a.example,http://b.example:8080");
    assert_int_equal(c.log_level, LOG_DEBUG);
    assert_true(c.log_full_addresses);
    assert_string_equal(c.tls_cert_file, "/c");
    assert_string_equal(c.tls_key_file, "/k");
    assert_string_equal(c.state_path, "/s");
    assert_string_equal(c.pepper_file, "/p");
    assert_string_equal(c.wordlist_path, "/w");
    assert_string_equal(c.upload_token, "a\"b'c#d=");
    config_done(&c);
    assert_ok(parse("", "CORS_ORIGINS=none", &c));
    assert_string_equal(c.cors_origins, "");
    config_done(&c);
    assert_ok(parse("", "LOG_ADDRESSES=cut", &c));
    assert_false(c.log_full_addresses);
    config_done(&c);
}

/* ---- sources ---- */

static void
the_environment_wins_over_the_file_and_the_file_over_the_default(void **state)
{
    struct config c;

    (void)state;
    assert_ok(parse("MAX_USES=7\nKEY_WORDS=5\n", "MAX_USES=9", &c));
    assert_int_equal(c.max_uses, 9);
    assert_int_equal(c.key_words, 5);
    config_done(&c);
}

static void
a_bad_value_of_the_file_is_no_harm_when_the_environment_has_a_good_one(void **state)
{
    struct config c;

    (void)state;
    assert_ok(parse("MAX_USES=x\n", "MAX_USES=9", &c));
    assert_int_equal(c.max_uses, 9);
    config_done(&c);
    assert_err(ERR_SYNTAX, parse("MAX_USES=9\n", "MAX_USES=x", &c));
    assert_string_equal(err_sentence(), NUMBER("MAX_USES", "1", "10000"));
}

static void
an_empty_value_counts_as_not_set(void **state)
{
    struct config c;

    (void)state;
    assert_ok(parse("MAX_USES=\nREDIS_URL=\nSTATE_PATH=\n", "METRICS_LISTEN=", &c));
    assert_int_equal(c.max_uses, 5);
    assert_null(c.redis_url);
    config_done(&c);
    assert_ok(parse("UPLOAD_TOKEN=from-file\n", "UPLOAD_TOKEN=", &c));
    assert_string_equal(c.upload_token, "from-file"); /* an empty variable opens no server */
    config_done(&c);
}

static void
an_unknown_name_is_refused_in_the_file_and_ignored_in_the_environment(void **state)
{
    struct config c;

    (void)state;
    assert_err(ERR_SYNTAX, parse("# first\nMAX_USE=5\n", NULL, &c));
    assert_string_equal(err_sentence(),
                        "settings file, line 2: MAX_USE is not a setting; --help lists them");
    assert_err(ERR_SYNTAX, parse("MAX_USESS=5\n", NULL, &c));
    assert_ok(parse("", "MAX_USE=x", &c));
    config_done(&c);
    assert_ok(parse("", "MAYFLY_MAX_USES=x", &c));
    assert_int_equal(c.max_uses, 5);
    config_done(&c);
}

static void
a_name_that_stands_twice_in_the_file_is_refused(void **state)
{
    struct config c;

    (void)state;
    assert_err(ERR_SYNTAX, parse("MAX_USES=5\n\nMAX_USES=6\n", NULL, &c));
    assert_string_equal(err_sentence(),
                        "settings file, line 3: MAX_USES was set before, on line 1");
    assert_err(ERR_SYNTAX, parse("MAX_USES=\nMAX_USES=6\n", NULL, &c));
    assert_err(ERR_SYNTAX, parse("MAX_USES 5\n", NULL, &c));
    assert_string_equal(err_sentence(),
                        "settings file, line 1: a line is not NAME=value, a comment or blank");
}

static void
a_token_and_a_token_file_contradict_each_other(void **state)
{
    struct config c;

    (void)state;
    assert_err(ERR_FIELD, parse("UPLOAD_TOKEN_FILE=/t\n", "UPLOAD_TOKEN=abc", &c));
    assert_string_equal(err_sentence(),
                        "UPLOAD_TOKEN and UPLOAD_TOKEN_FILE are both set: drop one");
    assert_ok(parse("UPLOAD_TOKEN_FILE=/t\n", NULL, &c));
    assert_string_equal(c.upload_token_file, "/t");
    config_done(&c);
}

static void
state_lies_where_the_system_keeps_such_things_in_ram(void **state)
{
    static const char *const cases[][3] = {
        {"RUNTIME_DIRECTORY=/run/mayfly:/run/other", "XDG_RUNTIME_DIR=/run/user/7", "/run/mayfly"},
        {"RUNTIME_DIRECTORY=", "XDG_RUNTIME_DIR=/run/user/7", "/run/user/7/mayfly"},
        {"RUNTIME_DIRECTORY=run", "XDG_RUNTIME_DIR=/run/user/7", "/run/user/7/mayfly"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *env[] = {strdup(cases[i][0]), strdup(cases[i][1]), NULL};
        struct config c;

        assert_ok(config_parse("", 0, env, &c));
        assert_string_equal(c.state_path, cases[i][2]);
        config_done(&c);
        assert_ok(config_parse("STATE_PATH=/x", 13, env, &c));
        assert_string_equal(c.state_path, "/x");
        config_done(&c);
        free(env[0]);
        free(env[1]);
    }
}

static void
a_value_of_the_longest_length_is_read_and_one_more_byte_is_refused(void **state)
{
    static const char name[] = "UPLOAD_TOKEN=";
    char text[sizeof(name) + 513];
    struct config c;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, name, sizeof(name) - 1);
    text[sizeof(name) - 1 + 512] = '\0';
    assert_ok(parse("", text, &c));
    assert_int_equal(strlen(c.upload_token), 512);
    config_done(&c);
    text[sizeof(name) - 1 + 512] = 'x';
    text[sizeof(name) - 1 + 513] = '\0';
    assert_err(ERR_SYNTAX, parse("", text, &c));
    assert_string_equal(err_sentence(), TOKEN);
}

static void
help_shows_every_setting_with_its_default_in_80_columns(void **state)
{
    static const char *const lines[] = {
        "\n  LISTEN=127.0.0.1:8000\n",   "\n  PUBLIC_URL=\n",
        "\n  MAX_FILE_SIZE=100M\n",      "\n  KEY_WORDS=4\n",
        "\n  UPLOAD_TOKEN_FILE=\n",      "\n  REDIS_URL=\n",
        "\n  DICEWARE_WORDLIST_PATH=\n", "\n  REDIS_ALLOW_OPEN=off\n",
    };
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    assert_non_null(out);
    config_help(out);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_non_null(strstr(text, lines[i]));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, 79);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_as_documented),
        cmocka_unit_test(a_bad_value_of_the_environment_is_refused_with_its_sentence),
        cmocka_unit_test(a_bad_value_of_the_file_is_refused_with_its_line),
        cmocka_unit_test(addresses_to_listen_on_are_read),
        cmocka_unit_test(public_url_is_kept_without_a_slash_at_its_end),
        cmocka_unit_test(every_number_is_read_at_both_ends_of_its_range),
        cmocka_unit_test(choices_lists_and_rates_are_read),
        cmocka_unit_test(the_environment_wins_over_the_file_and_the_file_over_the_default),
        cmocka_unit_test(a_bad_value_of_the_file_is_no_harm_when_the_environment_has_a_good_one),
        cmocka_unit_test(an_empty_value_counts_as_not_set),
        cmocka_unit_test(an_unknown_name_is_refused_in_the_file_and_ignored_in_the_environment),
        cmocka_unit_test(a_name_that_stands_twice_in_the_file_is_refused),
        cmocka_unit_test(a_token_and_a_token_file_contradict_each_other),
        cmocka_unit_test(state_lies_where_the_system_keeps_such_things_in_ram),
        cmocka_unit_test(a_value_of_the_longest_length_is_read_and_one_more_byte_is_refused),
        cmocka_unit_test(help_shows_every_setting_with_its_default_in_80_columns),
    };

    return cmocka_run_group_tests_name("server config", tests, NULL, NULL);
}
