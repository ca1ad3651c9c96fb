/* SPDX-License-Identifier: Apache-2.0 */
#include "client/command.h"

#include "client/reply.h"
#include "client/term.h"
#include "client/tokens.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The token that was given, else the one that was kept, which goes to the server that gave it:
 * neither a link of a stranger's nor a setting that has changed sends it elsewhere, but what was
 * typed as --server. */
static enum err
find_token(const struct command_ctx *c, const struct target *t, char ret_server[SERVER_TEXT_LEN],
           struct secret **ret_kept)
{
    const char *said = t->server[0] != '\0' ? t->server : c->settings->server;
    char kept_at[SERVER_TEXT_LEN] = "";
    enum err e = ERR_OK;

    if (c->settings->burn_token == NULL)
        e = tokens_get(t->key, kept_at, ret_kept);
    if (e == ERR_NOTFOUND)
        return err_set(ERR_FIELD, "this was not sent from here, or has ended: only who sent it has "
                                  "its burn token, which --token-file takes");
    if (e != ERR_OK)
        return e;
    if (*ret_kept != NULL)
        said = c->options->server != NULL ? c->settings->server : kept_at;
    (void)snprintf(ret_server, SERVER_TEXT_LEN, "%s", said);
    return ERR_OK;
}

/* Something that answers 200 to everything, such as a portal of a network, has burned nothing. */
static enum err
confirm(const struct net_reply *r)
{
    struct reply_status s = {0};
    enum err e = reply_status(r, &s);

    if (e == ERR_OK && strcmp(s.status, "burned") != 0)
        e = err_set(ERR_SYNTAX, "the server does not say that it was burned");
    return e;
}

static enum err
ask_server(struct command_ctx *c, const struct target *t, const char *server,
           const struct secret *token)
{
    struct net_reply reply;
    struct net *net = NULL;
    enum err e = command_net(c, server, &net);

    if (e != ERR_OK)
        return e;
    net_reply_init(&reply);
    e = command_ask(net, "burn", t->key, token, &reply);
    if (e == ERR_OK)
        e = confirm(&reply);
    net_reply_done(&reply);
    net_free(net);
    return e;
}

enum err
cmd_burn(struct command_ctx *c)
{
    char server[SERVER_TEXT_LEN] = "";
    struct secret *kept = NULL;
    struct target t = {0};
    enum err e = command_target(c, &t);

    if (e != ERR_OK)
        return e;
    e = find_token(c, &t, server, &kept);
    if (e == ERR_OK)
        e = ask_server(c, &t, server, kept != NULL ? kept : c->settings->burn_token);
    if (e == ERR_OK || e == ERR_GONE)
        tokens_forget(t.key, server);
    secret_free(kept);
    target_wipe(&t);
    if (e != ERR_OK)
        return e;
    term_note("Burned: nobody can download it any more.");
    return c->options->is_json ? command_print_json(json_pack("{s:s}", "status", "burned"))
                               : ERR_OK;
}
