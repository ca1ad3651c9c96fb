/* SPDX-License-Identifier: Apache-2.0 */
/* reply: reads what a server answers: JSON bodies, header values. Pure functions of bytes that
 * nobody vouches for. Sentences that they set hold nothing but printable text. */
#ifndef MAYFLY_CLIENT_REPLY_H
#define MAYFLY_CLIENT_REPLY_H

#include "base/ids.h"
#include "client/e2e.h"
#include "client/net.h"
#include "words/words.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPLY_SHA256_LEN = 64 }; /* hex digits */

/* The error of an answer that is no success, with a sentence for people: in our words where they
 * say all, else with what the server says in `detail`, made printable and short; how and when a
 * file ended; when to try again. By status and error_code: 404 ERR_NOTFOUND; 410 ERR_GONE, or
 * ERR_TAKEN for PREVIEW_TAKEN; 401, 403 ERR_DENIED; 409 ERR_EXISTS; 413 ERR_TOOBIG; 415 ERR_TYPE;
 * 429 ERR_BLOCKED or ERR_LIMITED; 507 ERR_NOSPACE; 500 INTEGRITY_CHECK_FAILED ERR_INTEGRITY; other
 * 4xx ERR_DENIED (the server refuses); 3xx ERR_UNAVAIL ("the server has moved": shows where,
 * printable); all else ERR_UNAVAIL. Never ERR_OK. */
enum err reply_error(const struct net_reply *r);

struct receipt {
    char key[CODE_TEXT_LEN];
    char server[512]; /* what links begin with, from download_url; "" when that is no http URL */
    char burn_token[64];
    char sha256[REPLY_SHA256_LEN + 1]; /* of what the server was sent */
    char expiry[32];
    int64_t expires_at_s; /* by the server's clock */
    int64_t life_s;       /* from its making on; -1: not said */
    unsigned uses;
};

/* ERR_SYNTAX: not a receipt: not JSON, a field missing or of another form than we send to people
 * (keys and tokens have their alphabet, times are RFC 3339 UTC). */
MUST_CHECK enum err reply_receipt(const struct net_reply *r, struct receipt *ret);
void receipt_wipe(struct receipt *r);

/* Also what a burn answers, which says no number of uses (0 then). */
struct reply_status {
    char status[16]; /* active, expired, burned or unknown */
    unsigned uses_left;
    char expires_at[32], ended_at[32], ended_by[16]; /* "" when not said */
};
MUST_CHECK enum err reply_status(const struct net_reply *r, struct reply_status *ret);

struct reply_preview {
    char name[256], type[128], sha256[REPLY_SHA256_LEN + 1], expiry[32];
    uint64_t size_bytes;
    unsigned uses_left, minutes_left;
    char meta[E2E_META_MAX + 1]; /* sealed; "" for a plain upload */
};
MUST_CHECK enum err reply_preview(const struct net_reply *r, struct reply_preview *ret);

/* What people call the end of an upload that the server calls "uses", "expiry" or "revoked"; NULL
 * for anything else. */
const char *reply_ended_by(const char *ended_by);

/* The file name of a Content-Disposition (RFC 6266: filename*, RFC 8187, before filename), as bytes
 * of UTF-8, not cleaned. "" when there is none that can be read. */
void reply_filename(const char *disposition, char ret_name[256]);

/* RFC 3339 UTC with whole seconds ("2026-01-01T12:10:00Z"). ERR_SYNTAX. */
MUST_CHECK enum err reply_time(const char *text, int64_t *ret_at_s);

#endif
