/* SPDX-License-Identifier: Apache-2.0 */
/* mayfly: reads its command line and settings, runs one command, tells how it ended. */
#include "client/command.h"
#include "client/exit.h"
#include "client/interrupt.h"
#include "client/term.h"
#include "crypt/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TEXT_MAX = 64 * 1024 };

/* Codes and keys are in this process: no dump of it, and no look into it by others. */
static void
harden(void)
{
    const struct rlimit none = {0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* A file that we open must not become standard output because that was closed. What stands there
 * instead can neither be read nor written. */
static void
fill_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return;
    }
}

static enum err
print_help(const struct options *o)
{
    enum command command = COMMAND_HELP;
    struct buf b;
    enum err e = ERR_OK;

    buf_init(&b, TEXT_MAX);
    if (o->n_args > 0)
        e = options_command(o->args[0], &command);
    if (e == ERR_OK)
        e = options_help(command, &b);
    if (e == ERR_OK)
        e = command_print(&b);
    buf_done(&b);
    return e;
}

static enum err
print_completion(const struct options *o)
{
    struct buf b;
    enum err e;

    buf_init(&b, TEXT_MAX);
    e = options_completion(o->args[0], &b);
    if (e == ERR_OK)
        e = command_print(&b);
    buf_done(&b);
    return e;
}

static enum err
print_version(void)
{
    struct buf b;
    enum err e;

    buf_init(&b, TEXT_MAX);
    e = buf_add_text(&b, "mayfly " MAYFLY_VERSION "\n");
    if (e == ERR_OK)
        e = command_print(&b);
    buf_done(&b);
    return e;
}

static enum err
run_with_settings(enum err (*cmd)(struct command_ctx *), struct command_ctx *c)
{
    enum err e = settings_load(c->options, environ, c->settings);

    if (e != ERR_OK)
        return e;
    e = cmd(c);
    settings_done(c->settings);
    return e;
}

static enum err
run(struct command_ctx *c)
{
    switch (c->options->command) {
    case COMMAND_SEND:
        return run_with_settings(cmd_send, c);
    case COMMAND_GET:
        return run_with_settings(cmd_get, c);
    case COMMAND_PREVIEW:
        return run_with_settings(cmd_preview, c);
    case COMMAND_STATUS:
        return run_with_settings(cmd_status, c);
    case COMMAND_BURN:
        return run_with_settings(cmd_burn, c);
    case COMMAND_DECRYPT:
        return cmd_decrypt(c); /* knows no server: no setting is for it */
    case COMMAND_COMPLETION:
        return print_completion(c->options);
    case COMMAND_HELP:
        return print_help(c->options);
    case COMMAND_VERSION:
        return print_version();
    case COMMAND_N:
        break;
    }
    return err_set(ERR_FIELD, "unknown command; see mayfly --help");
}

static enum err
run_typed(int argc, char **argv, struct command_ctx *c)
{
    struct options options = {0};
    enum err e = options_parse(argc, argv, &options);

    if (e != ERR_OK)
        return e;
    c->options = &options;
    term_set_quiet(options.is_quiet);
    e = run(c);
    options_done(&options);
    c->options = NULL;
    return e;
}

/* What stdio still holds, and what the file system says only now. */
static enum err
close_stdout(void)
{
    if (fclose(stdout) == 0 || errno == EBADF)
        return ERR_OK;
    return err_set(ERR_IO, "standard output could not be written");
}

int
main(int argc, char **argv)
{
    struct settings settings = {0};
    struct command_ctx c = {.settings = &settings};
    bool is_locked; /* not worth a warning here: the process is gone soon */
    enum err e;

    harden();
    fill_standard_files();
    interrupt_init();
    (void)setlocale(LC_CTYPE, ""); /* for names of hosts */
    e = crypt_init(&is_locked);
    if (e == ERR_OK)
        e = run_typed(argc, argv, &c);
    crypt_done();
    if (e == ERR_OK)
        e = close_stdout();
    if (e != ERR_OK && err_sentence()[0] != '\0')
        term_fail(c.subject, err_sentence());
    if (e != ERR_OK)
        interrupt_end();
    return (int)exit_of(e);
}
