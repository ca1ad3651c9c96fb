/* SPDX-License-Identifier: Apache-2.0 */
/* target: what a person hands to `get`, `preview`, `status` or `burn`: a code in any spelling, or a
 * link; and the address of a server. Pure; knows no network. A target with a code is a secret. */
#ifndef MAYFLY_CLIENT_TARGET_H
#define MAYFLY_CLIENT_TARGET_H

#include "base/err.h"
#include "crypt/crypt.h"
#include "words/words.h"

#include <stdbool.h>

enum { SERVER_TEXT_LEN = 512, TARGET_TEXT_MAX = 2048 /* bytes of what is read */ };

struct target {
    /* "https://host[:port][/path]", no slash at the end; "" when a bare code was given. */
    char server[SERVER_TEXT_LEN];
    char key[CODE_TEXT_LEN]; /* what the routes take: a server's code or an end-to-end id */
    bool is_e2e;
    struct share_code code; /* n_words is 0 for a link that has only the end-to-end id */
};

/* Read a code (3 to 5 words: a server's; 6: end-to-end, its id is derived), an end-to-end id, or a
 * link to one: SERVER/#CODE, SERVER/download/KEY, /preview/KEY, /status/KEY, with or without a
 * slash at the end, percent-encoded or not, SERVER as server_parse takes it. Between words may
 * stand what words_parse takes, and blanks, ",", ";", "+" and every dash of Unicode. Words of a
 * server's code are not looked up: the server may have a list of its own. Blanks around it are
 * dropped. Needs crypt_init.
 * ERR_NOTFOUND: it cannot be a code; the sentence says why (which word of six is in no list; how
 * many words there are) without repeating any. ERR_FIELD: a link that is no http or https URL,
 * carries a user, a password or a query, or anything that is too long. ERR_NOMEM; ERR_UNAVAIL from
 * crypt. `ret` is untouched on failure. */
MUST_CHECK enum err target_parse(const char *text, struct target *ret);

/* The same of an answer or an argument. ERR_NOTFOUND: it has a NUL in it. */
MUST_CHECK enum err target_parse_secret(const struct secret *text, struct target *ret);
void target_wipe(struct target *t);

/* Read the address of a server as people write it: "drop.example", "http://127.0.0.1:8000/",
 * "https://example.org/drop". Without a scheme it is https, but http for localhost and loopback
 * addresses. ERR_FIELD: no address; one with a user, query or fragment. `ret_server` is as
 * target.server, and printable ASCII: the host in lower case and, of other scripts, as its "xn--"
 * name (only after setlocale, as libcurl reads it by the locale); the port unless it is the
 * scheme's. ERR_NOMEM. */
MUST_CHECK enum err server_parse(const char *text, char ret_server[SERVER_TEXT_LEN]);

/* Whether what is sent to `server` can be read on its way: http to a host that is not this one. */
bool server_is_open(const char *server);

/* The share link of a code, "SERVER/#CODE", into `ret` (wipe it). */
enum { LINK_TEXT_LEN = SERVER_TEXT_LEN + CODE_TEXT_LEN + 2 };
void target_link(const char *server, const struct share_code *code, char ret_link[LINK_TEXT_LEN]);

#endif
