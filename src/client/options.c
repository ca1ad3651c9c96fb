/* SPDX-License-Identifier: Apache-2.0 */
#include "client/options_int.h"

#include "base/mem.h"
#include "base/text.h"
#include "client/target.h"
#include "client/term.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_MAX = 32, SHORT_MAX = 64, LONG_BASE = 256 };

/* The options of one command as getopt_long takes them; `val` of a long one is LONG_BASE and its
 * place in the table, so that both spellings lead there. */
struct accepted {
    struct option longs[LONG_MAX + 1];
    char shorts[SHORT_MAX];
};

static void
accept_options(enum command command, struct accepted *ret)
{
    size_t n = 0, len = 0;

    memset(ret, 0, sizeof(*ret));
    ret->shorts[len++] = ':'; /* tells a missing value from an unknown option */
    for (size_t i = 0; i < n_options; i++) {
        const struct option_def *d = &option_table[i];
        bool has_value = d->value != VALUE_NONE;

        if ((d->commands & COMMAND_BIT(command)) == 0)
            continue;
        assert(n < LONG_MAX && len + 3 < SHORT_MAX);
        ret->longs[n++] = (struct option){.name = d->name,
                                          .has_arg = has_value ? required_argument : no_argument,
                                          .val = LONG_BASE + (int)i};
        if (d->letter == 0)
            continue;
        ret->shorts[len++] = d->letter;
        if (has_value)
            ret->shorts[len++] = ':';
    }
}

static const struct option_def *
find_option(enum command command, int val)
{
    if (val >= LONG_BASE)
        return &option_table[val - LONG_BASE];
    for (size_t i = 0; i < n_options; i++) {
        if (option_table[i].letter == val && (option_table[i].commands & COMMAND_BIT(command)) != 0)
            return &option_table[i];
    }
    return NULL; /* getopt's '?' and ':' */
}

static enum err
set_number(const struct option_def *d, const char *text, unsigned *ret)
{
    uint64_t n = 0;

    if (text_u64(text, strlen(text), d->max, &n) != ERR_OK || n == 0)
        return err_set(ERR_FIELD, "--%s takes a number from 1 to %u", d->name, d->max);
    *ret = (unsigned)n;
    return ERR_OK;
}

static void
drop_proxy(struct options *o)
{
    if (o->owned_proxy != NULL)
        mem_wipe(o->owned_proxy, strlen(o->owned_proxy));
    free(o->owned_proxy);
    o->proxy = o->owned_proxy = NULL;
}

static enum err
move_proxy(char *text, struct options *o)
{
    drop_proxy(o);
    o->owned_proxy = strdup(text);
    if (o->owned_proxy == NULL)
        return err_set(ERR_NOMEM, "no memory for the command line");
    o->proxy = o->owned_proxy;
    mem_wipe(text, strlen(text));
    return ERR_OK;
}

static enum err
set_option(const struct option_def *d, char *text, struct options *o)
{
    void *field = (char *)o + d->offset;

    switch (d->value) {
    case VALUE_NONE:
        *(bool *)field = true;
        return ERR_OK;
    case VALUE_NUMBER:
        return set_number(d, text, field);
    case VALUE_FILE:
    case VALUE_DIR:
    case VALUE_URL:
    case VALUE_TEXT:
        break;
    }
    if (text[0] == '\0')
        return err_set(ERR_FIELD, "--%s takes a value that is not empty", d->name);
    if (d->offset == offsetof(struct options, proxy))
        return move_proxy(text, o);
    *(const char **)field = text;
    return ERR_OK;
}

/* What getopt_long could not read. It is shown only where it cannot be part of a code. */
static enum err
refuse(const struct command_def *c, int found, char **argv)
{
    char letter[] = {'-', (char)optopt, '\0'}, shown[TERM_SHOWN_LEN];

    if (optopt >= LONG_BASE)
        return err_set(ERR_FIELD, "--%s takes %s value; see mayfly %s --help",
                       option_table[optopt - LONG_BASE].name, found == ':' ? "a" : "no", c->name);
    if (c->operand == OPERAND_TARGET)
        return err_set(ERR_FIELD, "%s; see mayfly %s --help",
                       found == ':' ? "an option lacks its value" : "unknown option", c->name);
    term_shown(optopt != 0 ? letter : argv[optind - 1], shown);
    return err_set(ERR_FIELD, "%s %s; see mayfly %s --help", shown,
                   found == ':' ? "takes a value" : "is no option", c->name);
}

static enum err
read_options(int argc, char **argv, struct options *o)
{
    const struct command_def *c = &option_commands[o->command];
    struct accepted accepted;
    enum err e = ERR_OK;
    int found;

    accept_options(o->command, &accepted);
    opterr = 0;
    optind = 0; /* GNU: begin anew */
    while (e == ERR_OK &&
           (found = getopt_long(argc, argv, accepted.shorts, accepted.longs, NULL)) != -1) {
        const struct option_def *d = find_option(o->command, found);

        if (d == NULL)
            return refuse(c, found, argv);
        if (d->offset == OPTION_HELP_OFFSET) {
            o->command = COMMAND_HELP;
            return ERR_OK;
        }
        e = set_option(d, optarg, o);
    }
    o->args = argv + optind;
    o->n_args = (size_t)(argc - optind);
    return e;
}

/* ---- operands ---- */

/* Join the words by blanks in a secret; "-" alone is as if nothing was given. */
static enum err
join_target(struct options *o)
{
    size_t len = 0;
    uint8_t *at;
    enum err e;

    if (o->n_args == 0 || (o->n_args == 1 && strcmp(o->args[0], "-") == 0))
        return ERR_OK;
    for (size_t i = 0; i < o->n_args; i++) {
        len += strlen(o->args[i]) + (i > 0 ? 1 : 0);
        if (len > TARGET_TEXT_MAX)
            return err_set(ERR_FIELD, "a code or link has at most %d characters", TARGET_TEXT_MAX);
    }
    e = secret_new(len, &o->target);
    if (e != ERR_OK)
        return e;
    at = secret_bytes_mut(o->target);
    for (size_t i = 0; i < o->n_args; i++) {
        size_t n = strlen(o->args[i]);

        if (i > 0)
            *at++ = ' ';
        memcpy(at, o->args[i], n);
        at += n;
    }
    return ERR_OK;
}

/* All of them, also after a failure: any may be a code. */
static void
wipe(char **args, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mem_wipe(args[i], strlen(args[i]));
}

static enum err
check_operands(const struct options *o)
{
    const struct command_def *c = &option_commands[o->command];

    if (o->n_args >= c->n_min && o->n_args <= c->n_max)
        return ERR_OK;
    if (o->command == COMMAND_SEND)
        return err_set(ERR_FIELD, "nothing to send: name a file, or - for standard input");
    return err_set(ERR_FIELD, "%s; see mayfly %s --help",
                   o->n_args < c->n_min ? "something is missing" : "too many arguments", c->name);
}

/* ---- what does not go together ---- */

static enum err
check_name(const char *name)
{
    size_t len = strlen(name);

    if (len > NAME_MAX_BYTES)
        return err_set(ERR_FIELD, "--name takes at most %d bytes", NAME_MAX_BYTES);
    if (!text_is_plain(name, len))
        return err_set(ERR_FIELD, "--name takes text without control characters");
    return ERR_OK;
}

static enum err
check_contradictions(const struct options *o)
{
    bool to_stdout = o->output != NULL && strcmp(o->output, "-") == 0;

    if (o->command == COMMAND_GET && o->output != NULL && (o->dir != NULL || o->has_extract))
        return err_set(ERR_FIELD, "--output cannot go with %s",
                       o->dir != NULL ? "--directory" : "--extract");
    if (o->is_json && to_stdout)
        return err_set(ERR_FIELD, "--json and the file cannot both go to standard output");
    return o->name != NULL ? check_name(o->name) : ERR_OK;
}

/* ---- the whole ---- */

enum err
options_command(const char *name, enum command *ret_command)
{
    for (unsigned i = 0; i < N_COMMANDS; i++) {
        if (strcmp(name, option_commands[i].name) == 0) {
            *ret_command = (enum command)i;
            return ERR_OK;
        }
    }
    return err_set(ERR_FIELD, "unknown command; see mayfly --help");
}

static enum err
find_command(const char *word, enum command *ret)
{
    if (strcmp(word, "--version") == 0)
        *ret = COMMAND_VERSION;
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        *ret = COMMAND_HELP;
    else if (word[0] == '-')
        return err_set(ERR_FIELD, "the command comes before its options; see mayfly --help");
    else
        return options_command(word, ret);
    return ERR_OK;
}

/* What is behind the command, in argv[1]. */
static enum err
parse_command(int argc, char **argv, struct options *o)
{
    enum command typed = o->command;
    const struct command_def *c = &option_commands[typed];
    /* The command stands where getopt_long expects the program. */
    enum err e = read_options(argc - 1, argv + 1, o);

    if (e == ERR_OK && o->command == typed && c->operand == OPERAND_TARGET) {
        e = join_target(o);
        wipe(o->args, o->n_args);
        o->args = NULL;
        o->n_args = 0;
    } else if (e == ERR_OK && o->command == typed) {
        e = check_operands(o);
    } else if (c->operand == OPERAND_TARGET) {
        wipe(argv + 2, (size_t)(argc - 2));
    }
    if (e == ERR_OK && o->command != typed) { /* its --help */
        o->args = argv + 1;
        o->n_args = 1;
    }
    return e;
}

enum err
options_parse(int argc, char **argv, struct options *ret)
{
    struct options o = {0};
    enum err e;

    if (argc < 2)
        return err_set(ERR_FIELD, "no command; see mayfly --help");
    e = find_command(argv[1], &o.command);
    if (e != ERR_OK)
        return e;
    if (argv[1][0] != '-')
        e = parse_command(argc, argv, &o);
    if (e == ERR_OK)
        e = check_contradictions(&o);
    if (e != ERR_OK) {
        options_done(&o);
        return e;
    }
    *ret = o;
    return ERR_OK;
}

void
options_done(struct options *o)
{
    secret_free(o->target);
    drop_proxy(o);
    *o = (struct options){0};
}
