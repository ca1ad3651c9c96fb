/* SPDX-License-Identifier: Apache-2.0 */
#include "client/options_int.h"

#include "base/mem.h"

#include <string.h>

/* ---- shared ---- */

static bool
is_of(const struct option_def *d, unsigned command)
{
    return (d->commands & COMMAND_BIT(command)) != 0;
}

/* Append `text` for a place between single quotes: `quote` for each of its own, and a backslash
 * before each character of `special`. */
static enum err
add_quoted(struct buf *b, const char *text, const char *quote, const char *special)
{
    enum err e = ERR_OK;

    for (; *text != '\0' && e == ERR_OK; text++) {
        if (*text == '\'')
            e = buf_add_text(b, quote);
        else
            e = buf_addf(b, "%s%c", strchr(special, *text) != NULL ? "\\" : "", *text);
    }
    return e;
}

/* What can stand there when it is one of a few words, each behind a blank but the first. */
static enum err
add_choices(struct buf *b, enum operand_kind operand)
{
    enum err e = ERR_OK;

    if (operand == OPERAND_SHELL) {
        for (size_t i = 0; i < N_SHELLS && e == ERR_OK; i++)
            e = buf_addf(b, "%s%s", i > 0 ? " " : "", option_shells[i]);
    } else if (operand == OPERAND_COMMAND) {
        for (size_t i = 0; i < N_COMMANDS && e == ERR_OK; i++)
            e = buf_addf(b, "%s%s", i > 0 ? " " : "", option_commands[i].name);
    }
    return e;
}

/* ---- bash ---- */

static const char bash_head[] =
    "# bash completion of mayfly, made by: mayfly completion bash\n"
    "_mayfly()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local options= operands= kind=\n"
    "    COMPREPLY=()\n"
    "    if ((COMP_CWORD == 1)); then\n";

static const char bash_middle[] =
    "    if [[ $cur == = ]]; then # --option=VALUE comes as three words\n"
    "        cur=\n"
    "    elif [[ $prev == = ]] && ((COMP_CWORD > 2)); then\n"
    "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n";

static const char bash_tail[] =
    "    if [[ -z $kind && $cur == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
    "        return\n"
    "    fi\n"
    "    case ${kind:-$operands} in\n"
    "    file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "    folder) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "    none | '') ;;\n"
    "    *) mapfile -t COMPREPLY < <(compgen -W \"$operands\" -- \"$cur\") ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _mayfly mayfly\n";

static enum err
bash_command(struct buf *b, unsigned command)
{
    const struct command_def *c = &option_commands[command];
    enum err e = buf_addf(b, "    %s)\n        options='", c->name);
    const char *blank = "";

    for (size_t i = 0; i < n_options && e == ERR_OK; i++) {
        const struct option_def *d = &option_table[i];

        if (!is_of(d, command))
            continue;
        e = d->letter != 0 ? buf_addf(b, "%s-%c --%s", blank, d->letter, d->name)
                           : buf_addf(b, "%s--%s", blank, d->name);
        blank = " ";
    }
    if (e == ERR_OK)
        e = buf_add_text(b, "' operands='");
    if (e == ERR_OK && c->operand == OPERAND_FILES)
        e = buf_add_text(b, "file");
    if (e == ERR_OK)
        e = add_choices(b, c->operand);
    return e == ERR_OK ? buf_add_text(b, "' ;;\n") : e;
}

/* The options with such a value, as patterns of a case. An option's name means one kind of value
 * whatever the command. */
static enum err
bash_values(struct buf *b, const char *kind, unsigned kinds)
{
    const char *bar = "    ";
    enum err e = ERR_OK;

    for (size_t i = 0; i < n_options && e == ERR_OK; i++) {
        const struct option_def *d = &option_table[i];

        if ((kinds & 1U << d->value) == 0)
            continue;
        e = d->letter != 0 ? buf_addf(b, "%s-%c | --%s", bar, d->letter, d->name)
                           : buf_addf(b, "%s--%s", bar, d->name);
        bar = " | ";
    }
    return e == ERR_OK ? buf_addf(b, ") kind=%s ;;\n", kind) : e;
}

static enum err
add_bash(struct buf *b)
{
    enum err e = buf_add_text(b, bash_head);

    if (e == ERR_OK)
        e = buf_add_text(b, "        mapfile -t COMPREPLY < <(compgen -W '");
    if (e == ERR_OK)
        e = add_choices(b, OPERAND_COMMAND);
    if (e == ERR_OK)
        e = buf_add_text(b, " --help --version' -- \"$cur\")\n        return\n    fi\n");
    if (e == ERR_OK)
        e = buf_add_text(b, "    case ${COMP_WORDS[1]} in\n");
    for (unsigned i = 0; i < N_COMMANDS && e == ERR_OK; i++)
        e = bash_command(b, i);
    if (e == ERR_OK)
        e = buf_add_text(b, "    *) return ;;\n    esac\n");
    if (e == ERR_OK)
        e = buf_add_text(b, bash_middle);
    if (e == ERR_OK)
        e = buf_add_text(b, "    case $prev in\n");
    if (e == ERR_OK)
        e = bash_values(b, "file", 1U << VALUE_FILE);
    if (e == ERR_OK)
        e = bash_values(b, "folder", 1U << VALUE_DIR);
    if (e == ERR_OK)
        e = bash_values(b, "none", 1U << VALUE_URL | 1U << VALUE_NUMBER | 1U << VALUE_TEXT);
    if (e == ERR_OK)
        e = buf_add_text(b, "    esac\n");
    return e == ERR_OK ? buf_add_text(b, bash_tail) : e;
}

/* ---- zsh ---- */

/* Inside a specification, between brackets. */
static enum err
zsh_quoted(struct buf *b, const char *text)
{
    return add_quoted(b, text, "'\\''", "\\[]:");
}

static const char *
zsh_action(enum value_kind kind)
{
    switch (kind) {
    case VALUE_FILE:
        return "_files";
    case VALUE_DIR:
        return "_files -/";
    case VALUE_URL:
        return "_urls";
    case VALUE_NONE:
    case VALUE_NUMBER:
    case VALUE_TEXT:
        break;
    }
    return " ";
}

static enum err
zsh_option(struct buf *b, const struct option_def *d)
{
    enum err e;

    if (d->letter != 0)
        e = buf_addf(b, " \\\n            '(-%c --%s)'{-%c%s,--%s%s}'[", d->letter, d->name,
                     d->letter, d->value != VALUE_NONE ? "+" : "", d->name,
                     d->value != VALUE_NONE ? "=" : "");
    else
        e = buf_addf(b, " \\\n            '--%s%s[", d->name, d->value != VALUE_NONE ? "=" : "");
    if (e == ERR_OK)
        e = zsh_quoted(b, d->help);
    if (e == ERR_OK)
        e = buf_add_text(b, "]");
    if (e == ERR_OK && d->value != VALUE_NONE)
        e = buf_addf(b, ":%s:%s", d->value_name, zsh_action(d->value));
    return e == ERR_OK ? buf_add_text(b, "'") : e;
}

static enum err
zsh_operand(struct buf *b, const struct command_def *c)
{
    enum err e = ERR_OK;

    switch (c->operand) {
    case OPERAND_FILES:
        return buf_addf(b, " \\\n            '%sfile:_files'", c->n_max > 1 ? "*:" : ":");
    case OPERAND_SHELL:
    case OPERAND_COMMAND:
        e = buf_addf(b, " \\\n            ':%s:(",
                     c->operand == OPERAND_SHELL ? "shell" : "command");
        if (e == ERR_OK)
            e = add_choices(b, c->operand);
        return e == ERR_OK ? buf_add_text(b, ")'") : e;
    case OPERAND_NONE:
    case OPERAND_TARGET:
        break;
    }
    return e;
}

static enum err
zsh_command(struct buf *b, unsigned command)
{
    enum err e = buf_addf(b, "    %s)\n        _arguments -s -S", option_commands[command].name);

    for (size_t i = 0; i < n_options && e == ERR_OK; i++) {
        if (is_of(&option_table[i], command))
            e = zsh_option(b, &option_table[i]);
    }
    if (e == ERR_OK)
        e = zsh_operand(b, &option_commands[command]);
    return e == ERR_OK ? buf_add_text(b, " ;;\n") : e;
}

static enum err
add_zsh(struct buf *b)
{
    enum err e = buf_add_text(b, "#compdef mayfly\n"
                                 "# zsh completion of mayfly, made by: mayfly completion zsh\n"
                                 "_mayfly()\n{\n    local -a commands=(\n");

    for (unsigned i = 0; i < N_COMMANDS && e == ERR_OK; i++) {
        e = buf_addf(b, "        '%s:", option_commands[i].name);
        if (e == ERR_OK)
            e = zsh_quoted(b, option_commands[i].help);
        if (e == ERR_OK)
            e = buf_add_text(b, "'\n");
    }
    if (e == ERR_OK)
        e = buf_add_text(b, "    )\n"
                            "    if ((CURRENT == 2)); then\n"
                            "        _describe command commands\n"
                            "        _arguments '--help[show help]' '--version[show the version]'\n"
                            "        return\n"
                            "    fi\n"
                            "    shift words\n"
                            "    ((CURRENT--))\n"
                            "    case $words[1] in\n");
    for (unsigned i = 0; i < N_COMMANDS && e == ERR_OK; i++)
        e = zsh_command(b, i);
    /* The file is a function of that name when it is autoloaded, a script when it is sourced. */
    if (e == ERR_OK)
        e = buf_add_text(b, "    esac\n}\n"
                            "if [[ $funcstack[1] == _mayfly ]]; then\n"
                            "    _mayfly \"$@\"\n"
                            "else\n"
                            "    compdef _mayfly mayfly\n"
                            "fi\n");
    return e;
}

/* ---- fish ---- */

static const char *
fish_value(enum value_kind kind)
{
    switch (kind) {
    case VALUE_NONE:
        return "";
    case VALUE_FILE:
        return " -r -F";
    case VALUE_DIR:
        return " -x -a '(__fish_complete_directories)'";
    case VALUE_URL:
    case VALUE_NUMBER:
    case VALUE_TEXT:
        break;
    }
    return " -x";
}

static enum err
fish_option(struct buf *b, const char *command, const struct option_def *d)
{
    enum err e = buf_addf(b, "complete -c mayfly -n '__fish_seen_subcommand_from %s'", command);

    if (e == ERR_OK && d->letter != 0)
        e = buf_addf(b, " -s %c", d->letter);
    if (e == ERR_OK)
        e = buf_addf(b, " -l %s%s -d '", d->name, fish_value(d->value));
    if (e == ERR_OK)
        e = add_quoted(b, d->help, "\\'", "\\");
    return e == ERR_OK ? buf_add_text(b, "'\n") : e;
}

static enum err
fish_command(struct buf *b, unsigned command)
{
    const struct command_def *c = &option_commands[command];
    enum err e = buf_addf(b, "complete -c mayfly -n __fish_use_subcommand -a %s -d '", c->name);

    if (e == ERR_OK)
        e = add_quoted(b, c->help, "\\'", "\\");
    if (e == ERR_OK)
        e = buf_add_text(b, "'\n");
    for (size_t i = 0; i < n_options && e == ERR_OK; i++) {
        if (is_of(&option_table[i], command))
            e = fish_option(b, c->name, &option_table[i]);
    }
    if (e != ERR_OK || c->operand == OPERAND_TARGET || c->operand == OPERAND_NONE)
        return e;
    e = buf_addf(b, "complete -c mayfly -n '__fish_seen_subcommand_from %s' ", c->name);
    if (e == ERR_OK && c->operand == OPERAND_FILES)
        return buf_add_text(b, "-F\n");
    if (e == ERR_OK)
        e = buf_add_text(b, "-a '");
    if (e == ERR_OK)
        e = add_choices(b, c->operand);
    return e == ERR_OK ? buf_add_text(b, "'\n") : e;
}

static enum err
add_fish(struct buf *b)
{
    enum err e = buf_add_text(
        b, "# fish completion of mayfly, made by: mayfly completion fish\n"
           "complete -c mayfly -f\n"
           "complete -c mayfly -n __fish_use_subcommand -s h -l help -d 'show help'\n"
           "complete -c mayfly -n __fish_use_subcommand -l version -d 'show the version'\n");

    for (unsigned i = 0; i < N_COMMANDS && e == ERR_OK; i++)
        e = fish_command(b, i);
    return e;
}

enum err
options_completion(const char *shell, struct buf *ret)
{
    static enum err (*const add[N_SHELLS])(struct buf *) = {add_bash, add_zsh, add_fish};
    size_t was = ret->len;

    for (size_t i = 0; i < N_SHELLS; i++) {
        enum err e;

        if (strcmp(shell, option_shells[i]) != 0)
            continue;
        e = add[i](ret);
        if (e != ERR_OK && ret->data != NULL)
            ret->data[ret->len = was] = '\0';
        return e;
    }
    return err_set(ERR_FIELD, "completion is made for bash, zsh and fish");
}
