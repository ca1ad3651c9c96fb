/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_int.h"

#include "base/mem.h"

#include <string.h>

#define FIELD(f) offsetof(struct config, f)

/* In the order in which --help shows them. */
const struct setting config_settings[] = {
    {"LISTEN", SETTING_LISTEN, FIELD(listen), 0, 0, "127.0.0.1:8000",
     "Where to serve: host:port, [v6]:port or unix:/path; several are separated by commas. Port 0 "
     "is any free port."},
    {"PUBLIC_URL", SETTING_URL, FIELD(public_url), 0, 0, NULL,
     "What links begin with, such as https://drop.example.org. Without it they follow the Host "
     "header."},
    {"STORAGE_PATH", SETTING_PATH, FIELD(storage_path), 0, 0, "./storage/uploads",
     "Folder of the encrypted files."},
    {"STATE_PATH", SETTING_PATH, FIELD(state_path), 0, 0, NULL,
     "Folder of the records and the pepper; in RAM, a power cut makes every file unreadable. "
     "Default: $RUNTIME_DIRECTORY, else $XDG_RUNTIME_DIR/mayfly, else /dev/shm/mayfly-<uid>."},
    {"PEPPER_FILE", SETTING_PATH, FIELD(pepper_file), 0, 0, NULL,
     "File of exactly 32 random bytes to use as the pepper; servers that share a Redis must have "
     "the same one. Default: made in STATE_PATH."},
    {"REDIS_URL", SETTING_REDIS, FIELD(redis_url), 0, 0, NULL,
     "Redis or Valkey to keep the records in, so that several servers can share them; they must "
     "share STORAGE_PATH and PEPPER_FILE too. One of redis://[[user]:password@]host[:port][/db], "
     "rediss:// for TLS, unix://[[user]:password@]/path[?db=N], or "
     "redis+sentinel://[[user]:password@]host[:port]/service[/db] (rediss+sentinel:// for TLS). "
     "Several hosts, of a Cluster or of Sentinels, are separated by commas. Default: the records "
     "are in STATE_PATH."},
    {"REDIS_PASSWORD_FILE", SETTING_PATH, FIELD(redis_password_file), 0, 0, NULL,
     "File with the password of the Redis in one line, to keep it out of REDIS_URL, which may "
     "name the user as in redis://user:@host."},
    {"REDIS_CA_FILE", SETTING_PATH, FIELD(redis_ca_file), 0, 0, NULL,
     "Certificates (PEM) that the Redis's certificate is checked with. Default: the system's."},
    {"REDIS_ALLOW_OPEN", SETTING_BOOL, FIELD(redis_allow_open), 0, 0, "off",
     "Whether a Redis that is on another machine and asks for no password may be used."},
    {"MAX_FILE_SIZE", SETTING_SIZE, FIELD(max_file_bytes), 1, 1ULL << 50, "100M",
     "Largest file, in bytes or with k, M or G (1024-based)."},
    {"MAX_STORAGE_SIZE", SETTING_SIZE, FIELD(max_storage_bytes), 1, 1ULL << 50, "10G",
     "All files together."},
    {"MAX_EXPIRY_MINUTES", SETTING_NUMBER, FIELD(max_expiry_minutes), 1, 525600, "60",
     "Longest life of an upload."},
    {"MAX_USES", SETTING_NUMBER, FIELD(max_uses), 1, 10000, "5", "Most downloads of an upload."},
    {"ALLOWED_MIME_TYPES", SETTING_TYPES, FIELD(allowed_mime_types), 0, 0, "",
     "Types that may be uploaded, such as image/*,application/pdf. Default: all."},
    {"KEY_WORDS", SETTING_NUMBER, FIELD(key_words), 3, 5, "4", "Words of a code."},
    {"LEASE_SECONDS", SETTING_SECONDS, FIELD(lease_s), 1, 86400, "600",
     "How long a download that was broken off may be continued."},
    {"TOMBSTONE_HOURS", SETTING_HOURS, FIELD(tombstone_s), 1, 8760, "24",
     "How long the end of an upload is remembered."},
    {"SECURE_SHRED_PASSES", SETTING_NUMBER, FIELD(shred_passes), 0, 35, "1",
     "How often a file is overwritten before it is removed."},
    {"STORAGE_SYNC", SETTING_BOOL, FIELD(storage_sync), 0, 0, "on",
     "Whether an upload is on the disk before it is acknowledged."},
    {"UPLOAD_RATE_LIMIT", SETTING_RATE, FIELD(upload_rate), 0, 0, "30/hour",
     "Uploads of one network: N/second, N/minute, N/hour, N/day or off."},
    {"HEALTH_RATE_LIMIT", SETTING_RATE, FIELD(health_rate), 0, 0, "1/second",
     "Health checks of one network."},
    {"DOWNLOAD_FAIL_LIMIT", SETTING_COUNT, FIELD(fail_limit), 1, 1000, "10",
     "Wrong codes of one network before it is blocked."},
    {"DOWNLOAD_FAIL_WINDOW", SETTING_SECONDS, FIELD(fail_window_s), 1, 86400, "600",
     "Seconds in which they count together."},
    {"DOWNLOAD_BLOCK_WINDOW", SETTING_SECONDS, FIELD(block_window_s), 1, 604800, "1800",
     "Seconds that a block lasts."},
    {"TRUSTED_PROXIES", SETTING_PROXIES, FIELD(trusted_proxies), 0, 0, "",
     "Addresses and networks (CIDR), or the word unix, whose X-Forwarded-For and Forwarded are "
     "believed."},
    {"UPLOAD_TOKEN", SETTING_TOKEN, FIELD(upload_token), 0, 0, NULL,
     "Token that uploads must show. Default: anyone may upload."},
    {"UPLOAD_TOKEN_FILE", SETTING_PATH, FIELD(upload_token_file), 0, 0, NULL,
     "The same, read from a file."},
    {"CORS_ORIGINS", SETTING_ORIGINS, FIELD(cors_origins), 0, 0, "*",
     "Origins whose pages may use this server, such as https://a.example,https://b.example; * is "
     "all, none is none."},
    {"LOG_LEVEL", SETTING_LEVEL, FIELD(log_level), 0, 0, "info",
     "debug, info, warn, error or off."},
    {"LOG_ADDRESSES", SETTING_ADDRESSES, FIELD(log_full_addresses), 0, 0, "cut",
     "full, or cut to the network (/24 or /48)."},
    {"METRICS_LISTEN", SETTING_LATER, 0, 0, 0, NULL,
     "Where to serve metrics; not in this version: must be empty."},
    {"TLS_CERT_FILE", SETTING_PATH, FIELD(tls_cert_file), 0, 0, NULL,
     "Certificate chain (PEM) to serve HTTPS with; read again on SIGHUP."},
    {"TLS_KEY_FILE", SETTING_PATH, FIELD(tls_key_file), 0, 0, NULL, "Its private key (PEM)."},
    {"IO_THREADS", SETTING_NUMBER, FIELD(io_threads), 0, 256, "0",
     "Threads that serve connections; 0 is one for each processor, three with REDIS_URL."},
    {"WORKER_THREADS", SETTING_NUMBER, FIELD(worker_threads), 0, 256, "0",
     "Threads that wait for the disk; 0 is one for each processor, at least 2."},
    {"MAX_CONNECTIONS", SETTING_NUMBER, FIELD(max_connections), 0, 1000000, "0",
     "Connections at a time; 0 is what the limit of open files bears."},
    {"DICEWARE_WORDLIST_PATH", SETTING_PATH, FIELD(wordlist_path), 0, 0, NULL,
     "Word list of the codes. Default: the EFF large word list, built in."},
};

const size_t config_n_settings = ARRAY_LEN(config_settings);

_Static_assert(ARRAY_LEN(config_settings) <= CONFIG_SETTINGS_MAX, "the table outgrew its bound");

const struct setting *
config_find(const char *name, size_t len)
{
    for (size_t i = 0; i < config_n_settings; i++) {
        if (strlen(config_settings[i].name) == len &&
            memcmp(config_settings[i].name, name, len) == 0)
            return &config_settings[i];
    }
    return NULL;
}

/* Print words with line breaks before column 80, each line behind `indent` blanks. */
static void
print_wrapped(FILE *out, const char *text, size_t indent)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (column > 0 && column + 1 + len > 79) {
            (void)fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(out, "%*s", (int)indent, "");
        else
            column += (size_t)fprintf(out, " ");
        column += (size_t)fprintf(out, "%.*s", (int)len, text);
        text += len;
        text += strspn(text, " ");
    }
    (void)fputc('\n', out);
}

void
config_help(FILE *out)
{
    print_wrapped(out,
                  "Settings are environment variables, or NAME=value lines in the file given by "
                  "--config, where blank lines and lines that begin with # are skipped and "
                  "quotes mean nothing. The environment wins; an empty value counts as not set.",
                  0);
    for (size_t i = 0; i < config_n_settings; i++) {
        const struct setting *s = &config_settings[i];

        (void)fprintf(out, "\n  %s=%s\n", s->name, s->fallback == NULL ? "" : s->fallback);
        print_wrapped(out, s->help, 6);
    }
}
