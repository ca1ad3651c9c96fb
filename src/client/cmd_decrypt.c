/* SPDX-License-Identifier: Apache-2.0 */
#include "client/command.h"

#include "base/fs.h"
#include "base/mem.h"
#include "client/e2e.h"
#include "client/interrupt.h"
#include "client/outfile.h"
#include "client/pump.h"
#include "client/replay.h"
#include "client/term.h"
#include "client/type.h"
#include "crypt/age.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES_MAX = 2 };

struct decrypting {
    struct command_ctx *c;
    struct source source; /* of `fd` */
    int fd;
    bool is_stdin, is_unreadable;
    struct outfile *outfile;
    struct replay *replay;
    struct secret *tries[TRIES_MAX];
    size_t n_tries;
    struct source *plain;
};

/* ---- the age file ---- */

static enum err
file_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct decrypting *d = CONTAINER_OF(source, struct decrypting, source);
    ssize_t n;

    do {
        if (interrupt_seen())
            return err_set(ERR_CLOSED, "interrupted");
        n = read(d->fd, ret_bytes, cap);
    } while (n < 0 && errno == EINTR);
    d->is_unreadable = n < 0;
    if (n < 0)
        return err_set(ERR_IO, "the file cannot be read: %s", strerror(errno));
    *ret_len = (size_t)n;
    return ERR_OK;
}

static enum err
open_input(struct decrypting *d)
{
    static const struct source_ops ops = {file_read, NULL};
    const struct options *o = d->c->options;
    struct stat st;

    d->source.ops = &ops;
    d->is_stdin = o->n_args == 0 || strcmp(o->args[0], "-") == 0;
    if (d->is_stdin) {
        d->fd = STDIN_FILENO;
        return ERR_OK;
    }
    d->fd = open(o->args[0], O_RDONLY | O_NOCTTY | O_CLOEXEC);
    d->is_unreadable = d->fd < 0 || fstat(d->fd, &st) != 0 || S_ISDIR(st.st_mode);
    if (d->fd < 0)
        return err_set(ERR_IO, "the file cannot be opened: %s", strerror(errno));
    if (d->is_unreadable)
        return err_set(ERR_IO, "this is a folder; a file is needed");
    (void)posix_fadvise(d->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return ERR_OK;
}

static enum err
open_output(struct decrypting *d)
{
    const struct options *o = d->c->options;
    const struct outfile_cfg cfg = {.path = o->output != NULL ? o->output : "-",
                                    .force = o->is_forced};
    enum err e = outfile_open(&cfg, &d->outfile);

    if (e != ERR_OK)
        d->c->subject = o->output;
    return e;
}

/* ---- the passphrase ---- */

/* When it is six words in any spelling, those come first: "word-word-..." is what mayfly makes. */
static enum err
add_words(struct decrypting *d, const struct secret *line)
{
    struct target t = {0};
    enum err e = ERR_OK;

    if (target_parse_secret(line, &t) == ERR_OK && t.code.n_words == CODE_WORDS_E2E)
        e = e2e_passphrase(&t.code, &d->tries[d->n_tries]);
    if (d->tries[d->n_tries] != NULL)
        d->n_tries++;
    target_wipe(&t);
    return e;
}

static bool
is_tried(const struct decrypting *d, const struct secret *s)
{
    return d->n_tries > 0 && secret_len(d->tries[0]) == secret_len(s) &&
           mem_equal(secret_bytes(d->tries[0]), secret_bytes(s), secret_len(s));
}

/* Asked for on the terminal; a script gives it as the first line of standard input. */
static enum err
read_passphrase(struct decrypting *d)
{
    struct secret *line = NULL;
    enum err e;

    if (d->is_stdin || isatty(STDIN_FILENO) == 1)
        e = term_ask("Passphrase: ", true, &line);
    else
        e = term_read_line(&line);
    if (e == ERR_OK)
        e = add_words(d, line);
    if (e == ERR_OK && !is_tried(d, line)) {
        d->tries[d->n_tries++] = line;
        line = NULL;
    }
    secret_free(line);
    return e;
}

/* ---- opening ---- */

/* The exit code of what is wrong with a file is that of integrity; of what a longer command line
 * would allow that of usage. */
static enum err
told(enum err e)
{
    switch (e) {
    case ERR_SYNTAX:
        return err_set(ERR_INTEGRITY, "this is no age file, or a damaged one");
    case ERR_DENIED:
        return err_set(ERR_INTEGRITY, "%s", err_sentence());
    case ERR_TOOBIG:
        return err_set(ERR_FIELD, "%s; --max-work allows it", err_sentence());
    default:
        return e;
    }
}

static enum err
try_passphrases(struct decrypting *d)
{
    unsigned work = d->c->options->max_work != 0 ? d->c->options->max_work : AGE_WORK_MAX;
    enum err e = ERR_DENIED;

    for (size_t i = 0; i < d->n_tries && e == ERR_DENIED; i++) {
        struct source *file = NULL;

        e = replay_source(d->replay, &file);
        if (e == ERR_OK)
            e = age_source_new(&file, d->tries[i], work, &d->plain);
    }
    replay_stop(d->replay);
    return told(e);
}

/* Its beginning, which a terminal only gets when it is text or was asked for by `-o -`. */
static enum err
write_beginning(struct decrypting *d)
{
    uint8_t bytes[TYPE_LOOK_LEN];
    size_t n = 0;
    enum err e = source_read(d->plain, bytes, sizeof(bytes), &n);

    if (e == ERR_OK && n > 0 && d->c->options->output == NULL && isatty(STDOUT_FILENO) == 1 &&
        !type_is_text(bytes, n))
        e = err_set(ERR_FIELD, "this is not text: -o FILE saves it, -o - shows it all the same");
    if (e == ERR_OK && n > 0)
        e = sink_write(outfile_sink(d->outfile), bytes, n);
    mem_wipe(bytes, sizeof(bytes));
    return e;
}

static enum err
decrypt(struct decrypting *d)
{
    enum err e;

    e = replay_new(&d->source, &d->replay);
    if (e == ERR_OK)
        e = try_passphrases(d);
    if (e == ERR_OK)
        e = write_beginning(d);
    if (e == ERR_OK)
        e = pump(d->plain, outfile_sink(d->outfile));
    return e;
}

static enum err
commit(struct decrypting *d)
{
    char shown[TERM_SHOWN_LEN];
    enum err e = outfile_commit(d->outfile, NULL, NULL);

    if (e != ERR_OK) {
        d->c->subject = d->c->options->output;
        return e;
    }
    if (outfile_is_stdout(d->outfile))
        return ERR_OK;
    term_shown(d->c->options->output, shown);
    term_note("Saved as %s", shown);
    return ERR_OK;
}

enum err
cmd_decrypt(struct command_ctx *c)
{
    struct decrypting d = {.c = c, .fd = -1};
    enum err e = open_input(&d);

    if (e == ERR_OK)
        e = open_output(&d);
    if (e == ERR_OK)
        e = read_passphrase(&d);
    if (e == ERR_OK)
        e = decrypt(&d);
    if (e == ERR_OK)
        e = commit(&d);
    if (!d.is_stdin && (d.is_unreadable || e == ERR_INTEGRITY))
        c->subject = c->options->args[0];
    source_free(d.plain);
    replay_free(d.replay);
    for (size_t i = 0; i < TRIES_MAX; i++)
        secret_free(d.tries[i]);
    outfile_free(d.outfile);
    if (!d.is_stdin)
        fs_close(&d.fd);
    return e;
}
