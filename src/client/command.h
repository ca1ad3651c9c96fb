/* SPDX-License-Identifier: Apache-2.0 */
/* command: one function a subcommand, one cmd_<name>.c each. They print their result to stdout, and
 * leave the error and its sentence to main, which shows it unless it is empty: what was told on
 * stdout, such as that an upload is gone, is not told twice. */
#ifndef MAYFLY_CLIENT_COMMAND_H
#define MAYFLY_CLIENT_COMMAND_H

#include "base/err.h"
#include "client/net.h"
#include "client/options.h"
#include "client/settings.h"
#include "client/target.h"

/* What is typed and set; both borrowed. `subject` may be set to what the error is about, such as a
 * path of the user's (borrowed from options): main shows it in front of the sentence. */
struct command_ctx {
    const struct options *options;
    struct settings *settings;
    const char *subject;
};

MUST_CHECK enum err cmd_send(struct command_ctx *c);
MUST_CHECK enum err cmd_get(struct command_ctx *c);
MUST_CHECK enum err cmd_preview(struct command_ctx *c);
MUST_CHECK enum err cmd_status(struct command_ctx *c);
MUST_CHECK enum err cmd_burn(struct command_ctx *c);
MUST_CHECK enum err cmd_decrypt(struct command_ctx *c);

/* The target of get, preview, status, burn: as an argument, else asked for on the terminal, else
 * the first line of standard input. Five words that could be six of which one is missing are
 * confirmed at the terminal, if there is one: ERR_FIELD when they are not. Wipe it. Errors as
 * target_parse's and term_ask's. */
MUST_CHECK enum err command_target(struct command_ctx *c, struct target *ret_target);

/* A net for the target's server, or the one of the settings. Notes when it can be listened to. */
MUST_CHECK enum err command_net(struct command_ctx *c, const char *server, struct net **ret_net);

/* Ask about an upload: GET /ROUTE/KEY, or, with a burn token, POST. The answer is then a 200; its
 * caller ends it with net_reply_done, also after an error. Errors as net_call's and reply_error's.
 */
MUST_CHECK enum err command_ask(struct net *n, const char *route, const char *key,
                                const struct secret *burn_token, struct net_reply *ret_reply);

/* All of `b` to standard output. ERR_IO. */
MUST_CHECK enum err command_print(const struct buf *b);

/* The same for an object as one line of ASCII, which wipes and frees it. NULL is ERR_NOMEM. */
struct json_t;
MUST_CHECK enum err command_print_json(struct json_t *object);

#endif
