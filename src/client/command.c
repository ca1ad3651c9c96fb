/* SPDX-License-Identifier: Apache-2.0 */
#include "client/command.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/reply.h"
#include "client/term.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

/* ---- the target ---- */

static enum err
ask(struct secret **ret_text)
{
    enum err e;

    if (isatty(STDIN_FILENO) == 1)
        return term_ask("Code or link: ", false, ret_text);
    e = term_read_line(ret_text);
    if (e == ERR_FIELD)
        return err_set(e, "no code was given, and none is on standard input");
    return e;
}

/* Five words that were typed may be six of which one is missing. */
static bool
may_lack_a_word(const struct target *t)
{
    struct share_code code;

    if (t->is_e2e || t->server[0] != '\0' || isatty(STDIN_FILENO) != 1 ||
        words_parse(words_builtin(), CODE_WORDS_E2E - 1, t->code.text, &code) != ERR_OK)
        return false;
    share_code_wipe(&code);
    return true;
}

/* A server that was told five words of six has one left to guess: so whoever is at the terminal is
 * asked first. */
static enum err
confirm(void)
{
    struct secret *answer = NULL;
    enum err e =
        term_ask("This has five words. Codes of end-to-end files have six, which no server "
                 "may see: send these five to the server? [y/N] ",
                 false, &answer);
    bool is_yes =
        e == ERR_OK && secret_len(answer) > 0 && text_lower((char)secret_bytes(answer)[0]) == 'y';

    secret_free(answer);
    if ((e == ERR_OK || e == ERR_FIELD) && !is_yes)
        return err_set(ERR_FIELD, "nothing was sent: look for the sixth word");
    return e;
}

enum err
command_target(struct command_ctx *c, struct target *ret_target)
{
    struct target t = {0};
    struct secret *asked = NULL;
    enum err e = ERR_OK;

    if (c->options->target == NULL)
        e = ask(&asked);
    if (e == ERR_OK)
        e = target_parse_secret(asked != NULL ? asked : c->options->target, &t);
    if (e == ERR_OK && may_lack_a_word(&t))
        e = confirm();
    if (e == ERR_OK)
        *ret_target = t;
    secret_free(asked);
    target_wipe(&t);
    return e;
}

/* ---- the server ---- */

enum err
command_net(struct command_ctx *c, const char *server, struct net **ret_net)
{
    const struct settings *s = c->settings;
    const struct net_cfg cfg = {
        .server = server != NULL && server[0] != '\0' ? server : s->server,
        .ca_file = s->ca_file[0] != '\0' ? s->ca_file : NULL,
        .proxy = s->proxy[0] != '\0' ? s->proxy : NULL,
    };

    if (server_is_open(cfg.server))
        term_note("Note: %s is http: what is sent can be read and changed on its way.", cfg.server);
    return net_new(&cfg, ret_net);
}

enum err
command_ask(struct net *n, const char *route, const char *key, const struct secret *burn_token,
            struct net_reply *ret_reply)
{
    char path[16 + CODE_TEXT_LEN];
    enum err e;

    (void)snprintf(path, sizeof(path), "/%s/%s", route, key);
    e = net_call(n, burn_token != NULL ? "POST" : "GET", path, burn_token, ret_reply);
    if (e == ERR_OK && ret_reply->status != 200)
        e = reply_error(ret_reply);
    mem_wipe(path, sizeof(path));
    return e;
}

/* ---- results ---- */

static enum err
print(const void *bytes, size_t len)
{
    enum err e = fs_write_all(STDOUT_FILENO, bytes, len);

    return e == ERR_OK ? e : err_set(ERR_IO, "standard output: %s", err_sentence());
}

enum err
command_print(const struct buf *b)
{
    return print(b->data, b->len);
}

enum err
command_print_json(json_t *object)
{
    char *text = NULL;
    size_t len;
    enum err e;

    if (object != NULL)
        text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(object);
    if (text == NULL)
        return err_set(ERR_NOMEM, "no memory for the result");
    len = strlen(text);
    text[len] = '\n'; /* in the place of the NUL */
    e = print(text, len + 1);
    mem_wipe(text, len + 1);
    free(text);
    return e;
}
