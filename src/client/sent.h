/* SPDX-License-Identifier: Apache-2.0 */
/* sent: what a sender is told of an upload: the code on standard output, or one JSON object, and
 * on standard error what to do with it. Knows no network. */
#ifndef MAYFLY_CLIENT_SENT_H
#define MAYFLY_CLIENT_SENT_H

#include "base/buf.h"
#include "base/err.h"
#include "client/e2e.h"
#include "client/reply.h"
#include "words/words.h"

#include <stdbool.h>
#include <stdint.h>

/* All borrowed. */
struct sent {
    const struct e2e_meta *meta; /* of the plaintext */
    const struct receipt *receipt;
    const struct share_code *code;
    const char *server; /* that it was sent to */
    bool is_e2e;
    bool has_server; /* it is not the one that receivers ask by default */
    bool is_kept;    /* the burn token is kept here */
    int64_t now_s;
};

enum { SENT_TEXT_MAX = 64 * 1024 };

/* What links begin with: as the server says, unless that is no address, has characters that mean
 * something to a shell, or is http although the file went by https. */
const char *sent_base(const struct sent *s);

/* Append the code and a line end; or the JSON object and one. ERR_NOMEM, ERR_TOOBIG. */
MUST_CHECK enum err sent_result(const struct sent *s, bool is_json, struct buf *ret);

/* Append the line of what was sent; the lines of how to get it, when it ends and how to burn it.
 * Each ends with a line end. Commands in them can be pasted: whatever a name or address holds is
 * quoted for a shell, and nothing moves the terminal. Errors as above. */
MUST_CHECK enum err sent_headline(const struct sent *s, struct buf *ret);
MUST_CHECK enum err sent_advice(const struct sent *s, struct buf *ret);

/* Append the picture of the link. Errors as qr_draw's. */
MUST_CHECK enum err sent_picture(const struct sent *s, bool has_colours, struct buf *ret);

#endif
