/* SPDX-License-Identifier: Apache-2.0 */
/* api: the routes. Thin handlers that ask the policies, call the vault and write the reply; one
 * table turns errors into replies. Keeps no state but what `struct app` points to, and that is
 * read-only or thread-safe. Sizes are bytes, times Unix seconds UTC. */
#ifndef MAYFLY_API_API_H
#define MAYFLY_API_API_H

#include "http/http.h"
#include "policy/forwarded.h"
#include "policy/guard.h"
#include "policy/mime.h"
#include "policy/quota.h"
#include "policy/rate.h"
#include "sniff/sniff.h"
#include "vault/vault.h"
#include "words/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the sweeper tells /health/. */
struct sweeper_health {
    bool is_running;
    int64_t last_run_at_s; /* 0: not yet */
    int64_t lag_s;         /* how late the last sweep was */
    uint64_t n_failures;
};

/* Everything a handler may touch. All pointers are borrowed and alive as the server is. */
struct app {
    struct vault *vault;
    const struct words *words;
    struct sniff *sniff;
    struct guard *guard;
    struct counters counters;
    struct quota *quota;
    struct rate upload_rate, health_rate;
    struct trusted trusted;
    struct mime_rules mime;
    struct http_server *server; /* for its figures in /health/ */

    const char *public_url;      /* without a slash at the end; "" when not set */
    const char *cors_origins;    /* "*", or a comma-separated list; "" allows none */
    const uint8_t *upload_token; /* in secret memory; NULL: everyone may upload */
    size_t upload_token_len;
    uint64_t max_file_size;
    unsigned code_words;
    unsigned max_expiry_min, max_uses;
    bool log_full_addresses;
    int64_t started_at_s;
    int64_t (*now_s)(void);

    void *sweeper;
    void (*wake_sweeper)(void *sweeper);
    void (*sweeper_health)(void *sweeper, struct sweeper_health *ret_health);
};

extern const struct http_route api_routes[];
extern const size_t api_n_routes;

/* The callbacks of struct http_cfg; `app` is a struct app. */
void api_fail(void *app, const struct http_req *req, enum err e, struct http_resp *resp);
void api_decorate(void *app, const struct http_req *req, struct http_resp *resp);
void api_client(void *app, const struct http_req *req, struct netaddr *ret_client);
void api_done(void *app, const struct http_report *report);
bool api_is_exempt(void *app, const struct netaddr *peer);

#endif
