/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server.h"

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "crypt/crypt.h"
#include "http/http.h"
#include "policy/guard.h"
#include "server/config_int.h"
#include "server/process.h"
#include "server/state.h"
#include "server/sweeper.h"
#include "store/store.h"
#include "vault/vault.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SNIFF_TIMEOUT_MS = 2000, SWEEPER_STOP_MS = 5000, PER_NETWORK_MIN = 16 };

struct server {
    struct config *config; /* borrowed */
    struct sniff *sniff;
    struct state *state;
    struct secret *upload_token;
    struct words *own_words; /* NULL with the built-in list */
    struct store *store;
    struct blobs *blobs;
    struct vault *vault;
    struct pool *workers, *writers;
    struct sweeper *sweeper;
    struct app app;
    struct http_server *http;
    struct listeners listeners;
};

/* ---- the MIME helper ---- */

/* The path of a file beside this program. False when it does not fit or is not known. */
static bool
beside_us(const char *name, char *ret_path, size_t cap)
{
    ssize_t len = readlink("/proc/self/exe", ret_path, cap - 1);
    char *slash;

    if (len <= 0)
        return false;
    ret_path[len] = '\0';
    slash = strrchr(ret_path, '/');
    if (slash == NULL || (size_t)(slash + 1 - ret_path) + strlen(name) >= cap)
        return false;
    memcpy(slash + 1, name, strlen(name) + 1);
    return true;
}

enum err
server_sniff_new(struct sniff **ret_sniff)
{
    char path[PATH_MAX];

    if (!beside_us("mayfly-sniff", path, sizeof(path)) || access(path, X_OK) != 0)
        (void)snprintf(path, sizeof(path), "%s/mayfly-sniff", MAYFLY_LIBEXECDIR);
    return sniff_new(path, SNIFF_TIMEOUT_MS, ret_sniff);
}

/* ---- the policies' counters live in the store ---- */

static enum err
count(void *ctx, const char *name, uint64_t n, int64_t window_s, int64_t now_s,
      struct counter_state *ret_state)
{
    struct counter c;
    enum err e = store_count(ctx, name, n, window_s, now_s, &c);

    if (e == ERR_OK)
        *ret_state = (struct counter_state){c.value, c.resets_at_s};
    return e;
}

static enum err
peek(void *ctx, const char *name, int64_t now_s, struct counter_state *ret_state)
{
    struct counter c;
    enum err e = store_peek(ctx, name, now_s, &c);

    if (e == ERR_OK)
        *ret_state = (struct counter_state){c.value, c.resets_at_s};
    return e;
}

/* ---- opening, part by part ---- */

/* Say which setting an error is about. */
static enum err
of_setting(const char *name, enum err e)
{
    return e == ERR_OK ? e : err_set(e, "%s: %s", name, err_sentence());
}

static enum err
open_words(struct server *s)
{
    s->app.words = words_builtin();
    if (s->config->wordlist_path != NULL) {
        enum err e = words_load(s->config->wordlist_path, &s->own_words);

        if (e != ERR_OK)
            return config_named("DICEWARE_WORDLIST_PATH", e);
        s->app.words = s->own_words;
    }
    return ERR_OK;
}

static enum err
open_storage(struct server *s)
{
    const struct config *c = s->config;
    const struct blob_dir_opts opts = {
        .path = c->storage_path,
        .sync = c->storage_sync,
        .shred_passes = c->shred_passes,
        .random_fill = crypt_random_fill,
    };
    enum err e = blob_dir_open(&opts, &s->blobs);

    if (e != ERR_OK)
        return config_named("STORAGE_PATH", e);
    return state_open(c->state_path, c->pepper_file, &s->state);
}

static enum err
open_redis(struct server *s)
{
    struct config *c = s->config;
    struct secret *url = NULL, *password = NULL;
    struct store_redis_opts opts = {
        .ca_file = c->redis_ca_file,
        .allow_open = c->redis_allow_open,
        .tombstone_s = c->tombstone_s,
    };
    enum err e = config_take_redis(c, &url, &password);

    if (e == ERR_OK) {
        opts.url = (const char *)secret_bytes(url);
        if (password != NULL)
            opts.password = (const char *)secret_bytes(password);
        e = store_redis_open(&opts, &s->store);
    }
    secret_free(url);
    secret_free(password);
    return of_setting("REDIS_URL", e);
}

static enum err
open_store(struct server *s)
{
    const struct config *c = s->config;

    if (c->redis_url != NULL)
        return open_redis(s);
    return store_sqlite_open(c->state_path, c->tombstone_s, &s->store);
}

static enum err
open_vault(struct server *s)
{
    const struct vault_cfg cfg = {
        .store = s->store,
        .blobs = s->blobs,
        .words = s->app.words,
        .pepper = state_pepper(s->state),
        .code_words = s->config->key_words,
        .lease_s = s->config->lease_s,
        .max_life_s = (int64_t)s->config->max_expiry_minutes * 60,
        .now_s = clock_now_s,
        .mono_ms = clock_mono_ms,
        .writers = s->writers,
    };
    struct sweeper_work work;
    enum err e = vault_new(&cfg, &s->vault);
    bool is_alone; /* the sweeper tells, again and again */

    if (e == ERR_OK)
        e = vault_mark_storage(s->vault, &is_alone);
    if (e != ERR_OK)
        return e;
    sweeper_work_of_vault(s->vault, &work);
    return sweeper_new(&work, &s->sweeper);
}

static enum err
open_policies(struct server *s)
{
    const struct config *c = s->config;
    const struct guard_cfg guard = {
        .fail_limit = c->fail_limit,
        .fail_window_s = c->fail_window_s,
        .block_window_s = c->block_window_s,
        .list_words = words_n(s->app.words),
        .code_words = c->key_words,
    };
    struct app *app = &s->app;
    enum err e;

    app->counters = (struct counters){s->store, count, peek};
    e = guard_new(&guard, &app->counters, &app->guard);
    if (e == ERR_OK)
        e = quota_new(c->max_storage_bytes, &app->quota);
    if (e == ERR_OK)
        e = trusted_parse(c->trusted_proxies, &app->trusted);
    if (e == ERR_OK)
        e = mime_rules_parse(c->allowed_mime_types, &app->mime);
    if (e == ERR_OK)
        e = config_take_token(s->config, &s->upload_token);
    return e;
}

static void
fill_app(struct server *s)
{
    const struct config *c = s->config;
    struct app *app = &s->app;

    app->vault = s->vault;
    app->sniff = s->sniff;
    app->upload_rate = c->upload_rate;
    app->health_rate = c->health_rate;
    app->public_url = c->public_url == NULL ? "" : c->public_url;
    app->cors_origins = c->cors_origins;
    if (s->upload_token != NULL) {
        app->upload_token = secret_bytes(s->upload_token);
        app->upload_token_len = secret_len(s->upload_token);
    }
    app->max_file_size = c->max_file_bytes;
    app->code_words = c->key_words;
    app->max_expiry_min = c->max_expiry_minutes;
    app->max_uses = c->max_uses;
    app->log_full_addresses = c->log_full_addresses;
    app->started_at_s = clock_now_s();
    app->now_s = clock_now_s;
    app->sweeper = s->sweeper;
    app->wake_sweeper = sweeper_wake;
    app->sweeper_health = sweeper_health;
}

static enum err
open_http(struct server *s, const struct process_plan *plan, const char *cert, const char *key)
{
    unsigned per_network = plan->max_connections / 2;
    const struct http_cfg cfg = {
        .app = &s->app,
        .routes = api_routes,
        .n_routes = api_n_routes,
        .fail = api_fail,
        .decorate = api_decorate,
        .client = api_client,
        .done = api_done,
        .is_exempt = api_is_exempt,
        .workers = s->workers,
        .io_threads = plan->io_threads,
        .max_connections = plan->max_connections,
        /* Half of the places, so that no single network can take them all. */
        .max_per_network = per_network < PER_NETWORK_MIN ? PER_NETWORK_MIN : per_network,
        .tls_cert_pem = cert,
        .tls_key_pem = key,
        .drop_refused_max = s->config->max_file_bytes + 64 * 1024,
    };
    enum err e = http_server_new(&cfg, &s->http);

    s->app.server = s->http;
    return e;
}

static enum err
open_http_with_tls(struct server *s, const struct process_plan *plan)
{
    struct buf cert, key;
    enum err e;

    if (s->config->tls_cert_file == NULL)
        return open_http(s, plan, NULL, NULL);
    e = config_read_tls(s->config, &cert, &key);
    if (e != ERR_OK)
        return e;
    e = of_setting("TLS_CERT_FILE, TLS_KEY_FILE",
                   open_http(s, plan, buf_text(&cert), buf_text(&key)));
    buf_done(&cert);
    buf_done(&key);
    return e;
}

/* Accept on every socket; TLS on those that a network reaches. */
static enum err
listen_all(struct server *s)
{
    bool tls = s->config->tls_cert_file != NULL;
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < s->listeners.n; i++) {
        struct listener *l = &s->listeners.all[i];
        char address[320];

        listen_text(l->fd, address, sizeof(address));
        e = http_server_listen(s->http, l->fd, tls && l->unix_path == NULL);
        if (e == ERR_OK) {
            const struct log_field fields[] = {LOG_TEXT("address", address)};

            l->fd = -1; /* given away */
            log_event(LOG_INFO, "listening", fields, ARRAY_LEN(fields));
        }
    }
    return e;
}

enum err
server_open(struct config *c, struct sniff **sniff, struct server **ret_server)
{
    struct server *s = calloc(1, sizeof(*s));
    struct process_plan plan;
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for the server");
    s->config = c;
    s->sniff = *sniff;
    *sniff = NULL;
    e = process_plan(c, &plan);
    if (e == ERR_OK)
        e = listeners_open(c->listen.all, c->listen.n, &s->listeners);
    if (e == ERR_OK)
        e = open_words(s);
    if (e == ERR_OK)
        e = open_storage(s);
    if (e == ERR_OK)
        e = open_store(s);
    if (e == ERR_OK)
        e = pool_new(plan.worker_threads, &s->workers);
    if (e == ERR_OK) /* of their own: no write waits behind a blob that is verified */
        e = pool_new(plan.io_threads, &s->writers);
    if (e == ERR_OK)
        e = open_vault(s);
    if (e == ERR_OK)
        e = open_policies(s);
    if (e == ERR_OK) {
        fill_app(s);
        e = open_http_with_tls(s, &plan);
    }
    if (e == ERR_OK)
        e = listen_all(s);
    if (e == ERR_OK)
        *ret_server = s;
    else
        (void)server_close(s, 0);
    return e;
}

const char *
server_store_kind(const struct server *s)
{
    return store_is_shared(s->store) ? "redis" : "sqlite";
}

void
server_reload(struct server *s)
{
    struct buf cert, key;
    enum err e = ERR_OK;

    if (s->config->tls_cert_file != NULL) {
        e = config_read_tls(s->config, &cert, &key);
        if (e == ERR_OK) {
            e = http_server_set_tls(s->http, buf_text(&cert), buf_text(&key));
            buf_done(&cert);
            buf_done(&key);
        }
    }
    if (e != ERR_OK)
        log_err(LOG_ERROR, "reading the TLS certificate again", e);
    else
        log_event(LOG_INFO, "reloaded", NULL, 0);
}

bool
server_close(struct server *s, unsigned timeout_ms)
{
    if (s == NULL)
        return true;
    if (s->http != NULL && !http_server_drain(s->http, timeout_ms) && timeout_ms > 0)
        log_event(LOG_WARN, "cutting what still runs", NULL, 0);
    http_server_free(s->http);
    pool_free(s->workers);
    pool_free(s->writers);
    listeners_close(&s->listeners);
    if (s->sweeper != NULL && !sweeper_stop(s->sweeper, SWEEPER_STOP_MS)) {
        log_event(LOG_WARN, "leaving a blob for the next start to destroy", NULL, 0);
        return false;
    }
    sweeper_free(s->sweeper);
    guard_free(s->app.guard);
    quota_free(s->app.quota);
    trusted_done(&s->app.trusted);
    mime_rules_done(&s->app.mime);
    secret_free(s->upload_token);
    vault_free(s->vault);
    store_free(s->store);
    blobs_free(s->blobs);
    state_close(s->state);
    words_free(s->own_words);
    sniff_free(s->sniff);
    free(s);
    return true;
}
