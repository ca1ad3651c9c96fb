/* SPDX-License-Identifier: Apache-2.0 */
/* redis_calls: what the tests of the link to Redis have in common. */
#ifndef MAYFLY_TESTS_REDIS_CALLS_H
#define MAYFLY_TESTS_REDIS_CALLS_H

#include "testing.h"

#include "base/clock.h"
#include "base/mem.h"
#include "redis/link.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a call may take beyond its limit on a machine that is busy with others. */
enum { SLACK_MS = 400, LIMIT_MS = RD_CONNECT_MS + RD_CALL_MS + SLACK_MS, PATIENCE_MS = 20000 };

static inline enum err
open_url(const char *text, const char *ca_file, struct rd_link **ret_link)
{
    struct rd_link_opts opts = {.ca_file = ca_file};
    struct rd_url url;
    enum err e;

    assert_ok(rd_url_parse(text, &url));
    opts.url = &url;
    e = rd_link_open(&opts, ret_link);
    rd_url_wipe(&url);
    return e;
}

static inline enum err
open_unix(const char *path, struct rd_link **ret_link)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "unix://%s", path);
    return open_url(text, NULL, ret_link);
}

/* A command of words. */
struct words {
    const char *argv[6];
    size_t lens[6];
    struct rd_command command;
};

static inline const struct rd_command *
words_of(struct words *w, bool is_idempotent, const char *a, const char *b, const char *c,
         const char *d)
{
    const char *all[] = {a, b, c, d};

    memset(w, 0, sizeof(*w));
    for (size_t i = 0; i < ARRAY_LEN(all) && all[i] != NULL; i++) {
        w->argv[i] = all[i];
        w->lens[i] = strlen(all[i]);
        w->command.argc++;
    }
    w->command.argv = w->argv;
    w->command.lens = w->lens;
    w->command.i_key = w->command.argc > 1 ? 1 : 0;
    w->command.is_idempotent = is_idempotent;
    return &w->command;
}

/* Call, and look that the reply is the text `want`; NULL: any reply will do. */
static inline enum err
call(struct rd_link *l, bool is_idempotent, const char *want, const char *a, const char *b,
     const char *c, const char *d)
{
    redisReply *reply = NULL;
    struct words w;
    enum err e;

    e = rd_link_call(l, words_of(&w, is_idempotent, a, b, c, d), &reply);
    assert_true((e == ERR_OK) == (reply != NULL));
    if (e == ERR_OK && want != NULL) {
        assert_non_null(reply->str);
        assert_string_equal(want, reply->str);
    }
    freeReplyObject(reply);
    return e;
}

/* A command that a fake answers with its last word, which must come back. */
static inline enum err
echo(struct rd_link *l, const char *word)
{
    return call(l, true, word, "GET", word, NULL, NULL);
}

static inline enum err
echo_once(struct rd_link *l, const char *word)
{
    return call(l, false, word, "INCR", word, NULL, NULL);
}

/* Wait until calls are answered again. */
static inline void
await_back(struct rd_link *l)
{
    int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
    enum err e;

    do {
        e = call(l, true, NULL, "GET", "back", NULL, NULL);
        if (e != ERR_OK)
            (void)poll(NULL, 0, 10);
    } while (e != ERR_OK && clock_mono_ms() < until_ms);
    assert_ok(e);
}

/* What `n` calls take in milliseconds, all of which must fail as away. */
static inline int64_t
time_away(struct rd_link *l, int n)
{
    int64_t began_ms = clock_mono_ms();

    for (int i = 0; i < n; i++)
        assert_err(ERR_UNAVAIL, echo_once(l, "away"));
    return clock_mono_ms() - began_ms;
}

#endif
