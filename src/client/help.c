/* SPDX-License-Identifier: Apache-2.0 */
#include "client/options_int.h"

#include "base/mem.h"

#include <string.h>

enum { COLUMNS = 79, OPTION_INDENT = 30, COMMAND_INDENT = 14 };

/* Append words with line breaks, each new line behind `indent` blanks; `column` is where the
 * first begins. */
static enum err
add_wrapped(struct buf *b, const char *text, size_t indent, size_t column)
{
    enum err e = ERR_OK;
    bool is_first = true;

    while (*text != '\0' && e == ERR_OK) {
        size_t len = strcspn(text, " ");

        if (!is_first && column + 1 + len > COLUMNS) {
            e = buf_addf(b, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            e = buf_add_text(b, " ");
            column++;
        }
        if (e == ERR_OK)
            e = buf_add(b, text, len);
        is_first = false;
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    return e == ERR_OK ? buf_add_text(b, "\n") : e;
}

/* "left   text", the text wrapped behind `indent` columns; on its own line when `left` is wide. */
static enum err
add_row(struct buf *b, const char *left, const char *text, size_t indent)
{
    size_t len = strlen(left);
    enum err e = buf_add_text(b, left);

    if (e == ERR_OK && len + 2 > indent) {
        e = buf_add_text(b, "\n");
        len = 0;
    }
    if (e == ERR_OK)
        e = buf_addf(b, "%*s", (int)(indent - len), "");
    return e == ERR_OK ? add_wrapped(b, text, indent, indent) : e;
}

static enum err
add_option(struct buf *b, const struct option_def *d)
{
    char left[64], letter[] = {'-', d->letter, ',', '\0'};

    (void)snprintf(left, sizeof(left), "  %-3s --%s%s%s", d->letter != 0 ? letter : "", d->name,
                   d->value_name != NULL ? " " : "", d->value_name != NULL ? d->value_name : "");
    return add_row(b, left, d->help, OPTION_INDENT);
}

static enum err
add_command(struct buf *b, enum command command)
{
    const struct command_def *c = &option_commands[command];
    enum err e = buf_addf(b, "usage: mayfly %s [OPTION...]%s%s\n\n", c->name,
                          c->operands[0] != '\0' ? " " : "", c->operands);

    if (e == ERR_OK)
        e = add_wrapped(b, c->more, 0, 0);
    if (e == ERR_OK)
        e = buf_add_text(b, "\n");
    for (size_t i = 0; i < n_options && e == ERR_OK; i++) {
        if ((option_table[i].commands & COMMAND_BIT(command)) != 0)
            e = add_option(b, &option_table[i]);
    }
    if (e == ERR_OK)
        e = buf_add_text(b, "\nExit codes, environment and files: mayfly help\n");
    return e;
}

static const struct row {
    const char *left, *text;
} exit_codes[] =
    {
        {"  0", "done"},
        {"  1", "the command line or a setting is wrong"},
        {"  2", "no such code: never issued"},
        {"  3", "gone: downloaded, expired or burned"},
        {"  4", "refused or blocked by the server"},
        {"  5", "no answer, or the connection broke off"},
        {"  6", "not what was sent; nothing was kept"},
        {"  7", "a local file, the terminal or memory"},
},
  environment[] =
      {
          {"  MAYFLY_SERVER", "the server; --server wins"},
          {"  MAYFLY_UPLOAD_TOKEN", "the token that the server asks of senders"},
          {"  MAYFLY_BURN_TOKEN", "the token of the upload to burn"},
          {"  https_proxy, http_proxy, all_proxy, no_proxy", "as curl takes them"},
          {"  CURL_CA_BUNDLE, SSL_CERT_FILE", "certificates to trust"},
},
  files[] = {
      {"  ~/.config/mayfly/config", "NAME=value lines: server, cacert, proxy, expiry, uses, "
                                    "token-file"},
      {"  ~/.local/state/mayfly", "burn tokens of what was sent from here"},
};

static enum err
add_rows(struct buf *b, const char *title, const struct row *rows, size_t n, size_t indent)
{
    enum err e = buf_addf(b, "\n%s:\n", title);

    for (size_t i = 0; i < n && e == ERR_OK; i++)
        e = add_row(b, rows[i].left, rows[i].text, indent);
    return e;
}

static enum err
add_overview(struct buf *b)
{
    enum err e = buf_add_text(b, "usage: mayfly COMMAND [OPTION...] [OPERAND...]\n\n"
                                 "Send a file that dies: its code opens it a set number of times\n"
                                 "within a set number of minutes; then nothing is left of it.\n\n"
                                 "  $ mayfly send report.pdf\n"
                                 "  velvet-canyon-oboe-thrift-cargo-ember\n"
                                 "  $ mayfly get velvet canyon oboe thrift cargo ember\n\n"
                                 "Commands (mayfly COMMAND --help shows their options):\n");

    for (unsigned i = 0; i < N_COMMANDS && e == ERR_OK; i++) {
        char left[COMMAND_INDENT];

        (void)snprintf(left, sizeof(left), "  %s", option_commands[i].name);
        e = add_row(b, left, option_commands[i].help, COMMAND_INDENT);
    }
    if (e == ERR_OK)
        e = add_rows(b, "Exit codes", exit_codes, ARRAY_LEN(exit_codes), 5);
    if (e == ERR_OK)
        e = add_rows(b, "Environment", environment, ARRAY_LEN(environment), OPTION_INDENT);
    if (e == ERR_OK)
        e = add_rows(b, "Files", files, ARRAY_LEN(files), OPTION_INDENT);
    return e;
}

enum err
options_help(enum command command, struct buf *ret)
{
    return command < COMMAND_HELP ? add_command(ret, command) : add_overview(ret);
}
