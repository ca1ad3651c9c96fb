/* SPDX-License-Identifier: Apache-2.0 */
/* What refusals say. What is known is said in our words; only what is not in them is the server's
 * own sentence, made printable and named as such. */
#include "client/reply.h"

#include "base/clock.h"
#include "client/reply_int.h"
#include "client/term.h"

#include <stdio.h>
#include <string.h>

static const char refuses[] = "the server refuses this";

/* Bytes of a sentence, so that ours around it still fits into the 255 of err_set. */
enum { QUOTE_MAX = 180, QUOTE_LEN = QUOTE_MAX + 4, WAIT_LEN = 48, ENDED_LEN = 80 };

/* `text` as it may be shown, cut behind a whole character. */
static void
quote(const char *text, char ret[QUOTE_LEN])
{
    char shown[TERM_SHOWN_LEN];
    size_t len;

    term_shown(text, shown);
    len = strlen(shown);
    if (len <= QUOTE_MAX) {
        memcpy(ret, shown, len + 1);
        return;
    }
    for (len = QUOTE_MAX; len > 0 && ((uint8_t)shown[len] & 0xc0) == 0x80; len--)
        ;
    memcpy(ret, shown, len);
    memcpy(ret + len, "...", 4);
}

static void
wait_text(int64_t s, char ret[WAIT_LEN])
{
    static const struct {
        int64_t below_s, unit_s;
        const char *name;
    } units[] = {
        {120, 1, "second"},
        {(int64_t)2 * 60 * 60, 60, "minute"},
        {(int64_t)2 * 24 * 60 * 60, (int64_t)60 * 60, "hour"},
        {INT64_MAX, (int64_t)24 * 60 * 60, "day"},
    };
    size_t i = 0;
    int64_t n;

    if (s <= 0) {
        (void)snprintf(ret, WAIT_LEN, "try again later");
        return;
    }
    while (s >= units[i].below_s && units[i].below_s != INT64_MAX)
        i++;
    n = s / units[i].unit_s + (s % units[i].unit_s != 0);
    (void)snprintf(ret, WAIT_LEN, "try again in %lld %s%s", (long long)n, units[i].name,
                   n == 1 ? "" : "s");
}

const char *
reply_ended_by(const char *ended_by)
{
    if (strcmp(ended_by, "uses") == 0)
        return "downloaded";
    if (strcmp(ended_by, "expiry") == 0)
        return "expired";
    return strcmp(ended_by, "revoked") == 0 ? "burned by its sender" : NULL;
}

/* ": downloaded at 2026-01-01 12:03:00 UTC", as far as it is said. */
static void
ended_text(const json_t *json, char ret[ENDED_LEN])
{
    const char *by = reply_text(json, "ended_by"), *at = reply_text(json, "ended_at");
    const char *how = by == NULL ? NULL : reply_ended_by(by);
    int64_t at_s;

    ret[0] = '\0';
    if (at != NULL && reply_time(at, &at_s) == ERR_OK)
        (void)snprintf(ret, ENDED_LEN, ": %s at %.10s %.8s UTC", how != NULL ? how : "it ended", at,
                       at + 11);
    else if (how != NULL)
        (void)snprintf(ret, ENDED_LEN, ": %s", how);
}

/* `ours` with what the server says, without its full stop. */
static enum err
say(enum err e, const struct net_reply *r, const json_t *json, const char *ours)
{
    const char *detail = reply_text(json, "detail");
    char quoted[QUOTE_LEN];
    size_t len;

    if (detail == NULL || detail[0] == '\0')
        return err_set(e, "%s (status %u)", ours, r->status);
    quote(detail, quoted);
    len = strlen(quoted);
    if (len > 1 && quoted[len - 1] == '.' && quoted[len - 2] != '.')
        quoted[len - 1] = '\0';
    return err_set(e, "%s: %s", ours, quoted);
}

static enum err
busy(const struct net_reply *r)
{
    char wait[WAIT_LEN];

    if (r->retry_after_s <= 0)
        return err_set(ERR_UNAVAIL, "the server cannot answer now");
    wait_text(r->retry_after_s, wait);
    return err_set(ERR_UNAVAIL, "the server cannot answer now: %s", wait);
}

static enum err
moved(const struct net_reply *r)
{
    char quoted[QUOTE_LEN];

    if (r->location[0] == '\0')
        return err_set(ERR_UNAVAIL, "the server has moved (status %u)", r->status);
    quote(r->location, quoted);
    return err_set(ERR_UNAVAIL, "the server has moved: %s", quoted);
}

static enum err
refused(const struct net_reply *r, const json_t *json, const char *code)
{
    char wait[WAIT_LEN], ended[ENDED_LEN];

    switch (r->status) {
    case 401:
        return err_set(ERR_DENIED, "the server wants a valid token");
    case 404:
        return err_set(ERR_NOTFOUND, "there is no such upload: check the code and the server");
    case 409:
        return strcmp(code, "ID_IN_USE") == 0
                   ? err_set(ERR_EXISTS, "the server knows this code already: send it again")
                   : say(ERR_EXISTS, r, json, refuses);
    case 410:
        if (strcmp(code, "PREVIEW_TAKEN") == 0)
            return err_set(ERR_TAKEN, "the preview of this file was already taken");
        ended_text(json, ended);
        return err_set(ERR_GONE, "this file is gone%s", ended);
    case 413:
        return err_set(ERR_TOOBIG, "this is larger than the server accepts");
    case 415:
        return say(ERR_TYPE, r, json, refuses);
    case 429:
        wait_text(r->retry_after_s, wait);
        if (strcmp(code, "BLOCKED") == 0)
            return err_set(ERR_BLOCKED, "too many wrong codes: %s", wait);
        return err_set(ERR_LIMITED, "too many requests: %s", wait);
    default:
        return say(ERR_DENIED, r, json, refuses);
    }
}

enum err
reply_error(const struct net_reply *r)
{
    json_t *json = reply_object(r);
    const char *code = reply_text(json, "error_code");
    enum err e;

    if (code == NULL)
        code = "";
    if (r->status >= 300 && r->status < 400)
        e = moved(r);
    else if (r->status >= 400 && r->status < 500)
        e = refused(r, json, code);
    else if (r->status == 507)
        e = err_set(ERR_NOSPACE, "the server has no room for this now");
    else if (r->status == 500 && strcmp(code, "INTEGRITY_CHECK_FAILED") == 0)
        e = err_set(ERR_INTEGRITY, "the file is damaged on the server, which did not send it");
    else if (r->status == 503)
        e = busy(r);
    else if (r->status >= 500)
        e = say(ERR_UNAVAIL, r, json, "the server failed");
    else
        e = err_set(ERR_UNAVAIL, "the server gave an answer that is none (status %u)", r->status);
    json_decref(json);
    return e;
}
