/* SPDX-License-Identifier: Apache-2.0 */
#include "client/command.h"

#include "client/interrupt.h"
#include "client/reply.h"
#include "client/term.h"
#include "client/tokens.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Pauses of --watch: a change is likely to be followed by another, silence by silence. */
enum { PAUSE_FIRST_MS = 2000, PAUSE_MIN_MS = 1000, PAUSE_MAX_MS = 10000 };
enum { FAILURES_MAX = 5 }; /* in a row that watching bears */

/* ---- one look ---- */

static bool
is_status(const struct reply_status *s, const char *name)
{
    return strcmp(s->status, name) == 0;
}

/* Ended for good: a download that takes the last use may still give it back. */
static bool
has_ended(const struct reply_status *s)
{
    return s->ended_at[0] != '\0' || is_status(s, "expired");
}

static enum err
look(struct net *net, const struct target *t, struct reply_status *ret)
{
    struct net_reply reply;
    enum err e;

    net_reply_init(&reply);
    e = command_ask(net, "status", t->key, NULL, &reply);
    if (e == ERR_OK)
        e = reply_status(&reply, ret);
    net_reply_done(&reply);
    return e;
}

/* ---- telling ---- */

static enum err
add_sentence(const struct reply_status *s, struct buf *b)
{
    const char *how = reply_ended_by(s->ended_by);

    if (is_status(s, "unknown"))
        return buf_add_text(b, "unknown: no such code was issued\n");
    if (is_status(s, "active"))
        return buf_addf(b, "active: %u download%s left%s%s\n", s->uses_left,
                        s->uses_left == 1 ? "" : "s", s->expires_at[0] != '\0' ? ", until " : "",
                        s->expires_at);
    if (s->ended_at[0] == '\0')
        return buf_addf(b, "%s: the last download is under way\n", s->status);
    return buf_addf(b, "%s: %s at %s\n", s->status, how != NULL ? how : "ended", s->ended_at);
}

static json_t *
text_or_null(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

static enum err
tell(const struct reply_status *s, bool is_json)
{
    struct buf b;
    enum err e;

    if (is_json)
        return command_print_json(
            json_pack("{s:s, s:i, s:o, s:o, s:o}", "status", s->status, "uses_left",
                      (int)s->uses_left, "expires_at", text_or_null(s->expires_at), "ended_at",
                      text_or_null(s->ended_at), "ended_by", text_or_null(s->ended_by)));
    buf_init(&b, 256);
    e = add_sentence(s, &b);
    if (e == ERR_OK)
        e = command_print(&b);
    buf_done(&b);
    return e;
}

/* ---- watching ---- */

/* Whether it may be better the next time. */
static bool
may_pass(enum err e)
{
    return (e == ERR_UNAVAIL || e == ERR_TIMEOUT || e == ERR_CLOSED) && !interrupt_seen();
}

static bool
is_same(const struct reply_status *a, const struct reply_status *b)
{
    return strcmp(a->status, b->status) == 0 && a->uses_left == b->uses_left &&
           strcmp(a->expires_at, b->expires_at) == 0 && strcmp(a->ended_at, b->ended_at) == 0 &&
           strcmp(a->ended_by, b->ended_by) == 0;
}

/* From what was told on to the end of the upload; `s` is then its last status. */
static enum err
watch(struct net *net, const struct target *t, bool is_json, struct reply_status *s)
{
    int64_t pause_ms = PAUSE_FIRST_MS;
    unsigned n_failed = 0;
    enum err e = ERR_OK;

    while (e == ERR_OK && !has_ended(s) && !is_status(s, "unknown")) {
        struct reply_status now = *s;

        e = interrupt_pause(pause_ms);
        if (e == ERR_OK)
            e = look(net, t, &now);
        if (may_pass(e) && ++n_failed < FAILURES_MAX)
            e = ERR_OK;
        else if (e == ERR_OK)
            n_failed = 0;
        pause_ms = pause_ms * 3 / 2 < PAUSE_MAX_MS ? pause_ms * 3 / 2 : PAUSE_MAX_MS;
        if (e != ERR_OK || is_same(&now, s))
            continue;
        *s = now;
        pause_ms = PAUSE_MIN_MS;
        e = tell(s, is_json);
    }
    return e;
}

/* ---- the command ---- */

/* What scripts ask for is in the exit code; stdout has told it. */
static enum err
judge(const struct reply_status *s)
{
    if (is_status(s, "active"))
        return ERR_OK;
    return err_set(is_status(s, "unknown") ? ERR_NOTFOUND : ERR_GONE, "%s", "");
}

enum err
cmd_status(struct command_ctx *c)
{
    bool is_json = c->options->is_json;
    struct reply_status s = {0};
    struct target t = {0};
    struct net *net = NULL;
    enum err e = command_target(c, &t);

    if (e == ERR_OK)
        e = command_net(c, t.server, &net);
    if (e == ERR_OK)
        e = look(net, &t, &s);
    if (e == ERR_OK)
        e = tell(&s, is_json);
    if (e == ERR_OK && c->options->is_watching)
        e = watch(net, &t, is_json, &s);
    if (e == ERR_OK && has_ended(&s))
        tokens_forget(t.key, t.server[0] != '\0' ? t.server : c->settings->server);
    if (e == ERR_OK)
        e = judge(&s);
    net_free(net);
    target_wipe(&t);
    return e;
}
