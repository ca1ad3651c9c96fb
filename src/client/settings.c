/* SPDX-License-Identifier: Apache-2.0 */
#include "client/settings.h"

#include "base/buf.h"
#include "base/env.h"
#include "base/mem.h"
#include "client/interrupt.h"
#include "client/settings_file.h"
#include "client/term.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_MAX = 512, TOKEN_FILE_MAX = TOKEN_MAX + 2 /* a line end */ };

static const char default_server[] = "http://127.0.0.1:8000";

/* ---- files ---- */

static enum err
named(const char *what, enum err e)
{
    return e == ERR_OK ? e : err_set(e, "%s: %s", what, err_sentence());
}

/* Append the whole of an open file, which may be a pipe, up to the ceiling of `b`. */
static enum err
read_all(int fd, struct buf *b)
{
    uint8_t piece[1024];
    enum err e = ERR_OK;
    ssize_t n;

    while (e == ERR_OK && (n = read(fd, piece, sizeof(piece))) != 0) {
        if (n > 0)
            e = buf_add(b, piece, (size_t)n);
        else if (interrupt_seen())
            e = err_set(ERR_CLOSED, "interrupted");
        else if (errno != EINTR)
            e = err_set(ERR_IO, "it cannot be read: %s", strerror(errno));
    }
    mem_wipe(piece, sizeof(piece));
    return e == ERR_TOOBIG ? err_set(ERR_FIELD, "it is longer than %zu bytes", b->max) : e;
}

/* Who can write the file chooses the server and the proxy. */
static enum err
check_config_owner(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_set(ERR_IO, "it cannot be read: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(ERR_FIELD, "it is no file");
    if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(ERR_FIELD, "others can write to it: chmod go-w");
    return ERR_OK;
}

/* A file that is not there says nothing. */
static enum err
read_config(const char *path, struct settings_file *ret)
{
    struct buf b;
    enum err e;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? ERR_OK
                   : err_set(ERR_IO, "it cannot be read: %s", strerror(errno));
    buf_init(&b, SETTINGS_FILE_MAX);
    e = check_config_owner(fd);
    if (e == ERR_OK)
        e = read_all(fd, &b);
    if (e == ERR_OK)
        e = settings_file_parse(buf_text(&b), b.len, ret);
    buf_done(&b);
    (void)close(fd);
    return e;
}

static enum err
load_config(char **env, struct settings_file *ret)
{
    const char *xdg = env_value(env, "XDG_CONFIG_HOME"), *home = env_value(env, "HOME");
    char path[PATH_MAX];
    int n = 0;

    if (xdg != NULL && xdg[0] == '/') /* a relative one is to be ignored, says its specification */
        n = snprintf(path, sizeof(path), "%s/mayfly/config", xdg);
    else if (home != NULL && home[0] == '/')
        n = snprintf(path, sizeof(path), "%s/.config/mayfly/config", home);
    else
        return ERR_OK;
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_set(ERR_IO, "the configuration file: its path is too long");
    return named("the configuration file", read_config(path, ret));
}

/* A path of the file, with the home folder for its "~". */
static enum err
expand(char **env, const char *path, char ret_path[SETTINGS_PATH_LEN])
{
    const char *home = path[0] == '~' ? env_value(env, "HOME") : "";
    int n;

    if (home == NULL)
        return err_set(ERR_FIELD, "the configuration file: there is no home folder for ~");
    n = snprintf(ret_path, SETTINGS_PATH_LEN, "%s%s", home, path[0] == '~' ? path + 1 : path);
    if (n < 0 || n >= SETTINGS_PATH_LEN)
        return err_set(ERR_FIELD, "the configuration file: a path is too long");
    return ERR_OK;
}

/* ---- tokens ---- */

/* One line of 1 to TOKEN_MAX visible characters, its line end aside. */
static enum err
take_token(const char *text, size_t len, struct secret **ret_token)
{
    if (len > 0 && text[len - 1] == '\n')
        len -= len > 1 && text[len - 2] == '\r' ? 2 : 1;
    if (len == 0 || len > TOKEN_MAX)
        return err_set(ERR_FIELD, "a token is one line of 1 to %d characters", TOKEN_MAX);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= 0x20 || text[i] > 0x7e)
            return err_set(ERR_FIELD, "a token is one line without blanks and control characters");
    }
    return secret_copy(text, len, ret_token);
}

static enum err
read_token_file(const char *path, struct secret **ret_token)
{
    struct stat st;
    struct buf b;
    enum err e;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set(ERR_IO, "it cannot be opened: %s", strerror(errno));
    buf_init(&b, TOKEN_FILE_MAX);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)) != 0)
        term_note("Note: others can read the token's file: chmod go-r");
    e = read_all(fd, &b);
    if (e == ERR_OK)
        e = take_token(buf_text(&b), b.len, ret_token);
    buf_done(&b);
    (void)close(fd);
    return e;
}

/* `option` (unless NULL) is the path that was typed, `variable` a token of the environment, `kept`
 * (unless "") a path of the file: the first that is there counts. */
static enum err
load_token(const char *option, const char *variable, const char *kept, struct secret **ret_token)
{
    if (option != NULL)
        return named("the token's file", read_token_file(option, ret_token));
    if (variable != NULL)
        return named("the token of the environment",
                     take_token(variable, strlen(variable), ret_token));
    if (kept[0] != '\0')
        return named("the token's file", read_token_file(kept, ret_token));
    return ERR_OK;
}

/* Only the token that the command needs: another one's trouble is not its own. */
static enum err
load_tokens(const struct options *o, char **env, const struct settings_file *f, struct settings *s)
{
    char kept[SETTINGS_PATH_LEN] = "";
    enum err e = ERR_OK;

    if (o->command == COMMAND_SEND && f->token_file[0] != '\0')
        e = expand(env, f->token_file, kept);
    if (e == ERR_OK && o->command == COMMAND_SEND)
        e = load_token(o->token_file, env_value(env, "MAYFLY_UPLOAD_TOKEN"), kept,
                       &s->upload_token);
    if (e == ERR_OK && o->command == COMMAND_BURN)
        e = load_token(o->token_file, env_value(env, "MAYFLY_BURN_TOKEN"), "", &s->burn_token);
    return e;
}

/* ---- all else ---- */

static enum err
load_server(const struct options *o, char **env, const struct settings_file *f, struct settings *s)
{
    const char *variable = env_value(env, "MAYFLY_SERVER");

    s->has_server = true;
    if (o->server != NULL)
        return named("--server", server_parse(o->server, s->server));
    if (variable != NULL)
        return named("MAYFLY_SERVER", server_parse(variable, s->server));
    s->has_server = f->server[0] != '\0';
    memcpy(s->server, f->server, sizeof(s->server));
    if (!s->has_server)
        memcpy(s->server, default_server, sizeof(default_server));
    return ERR_OK;
}

static enum err
load_text(const char *what, const char *text, char ret_text[SETTINGS_PATH_LEN])
{
    size_t len = strlen(text);

    if (len >= SETTINGS_PATH_LEN)
        return err_set(ERR_FIELD, "%s takes at most %d bytes", what, SETTINGS_PATH_LEN - 1);
    memcpy(ret_text, text, len + 1);
    return ERR_OK;
}

/* Here, where it is named: what libcurl says of it later sounds like the network's trouble. */
static enum err
check_ca_file(const char *path)
{
    int fd = path[0] == '\0' ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 && path[0] != '\0')
        return err_set(ERR_IO, "the file of certificates cannot be opened: %s", strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return ERR_OK;
}

static enum err
load_rest(const struct options *o, char **env, const struct settings_file *f, struct settings *s)
{
    enum err e = ERR_OK;

    if (o->ca_file != NULL)
        e = load_text("--cacert", o->ca_file, s->ca_file);
    else if (f->ca_file[0] != '\0')
        e = expand(env, f->ca_file, s->ca_file);
    if (e == ERR_OK)
        e = check_ca_file(s->ca_file);
    if (e == ERR_OK)
        e = load_text("--proxy", o->proxy != NULL ? o->proxy : f->proxy, s->proxy);
    s->expiry_min = o->expiry_min != 0 ? o->expiry_min : f->expiry_min;
    s->uses = o->uses != 0 ? o->uses : f->uses;
    return e;
}

enum err
settings_load(const struct options *o, char **environment, struct settings *ret)
{
    struct settings_file file = {0};
    struct settings s = {0};
    enum err e = load_config(environment, &file);

    if (e == ERR_OK)
        e = load_server(o, environment, &file, &s);
    if (e == ERR_OK)
        e = load_rest(o, environment, &file, &s);
    if (e == ERR_OK)
        e = load_tokens(o, environment, &file, &s);
    env_wipe(environment, "MAYFLY_UPLOAD_TOKEN");
    env_wipe(environment, "MAYFLY_BURN_TOKEN");
    if (e == ERR_OK)
        *ret = s;
    else
        settings_done(&s);
    return e;
}

void
settings_done(struct settings *s)
{
    secret_free(s->upload_token);
    secret_free(s->burn_token);
    mem_wipe(s, sizeof(*s));
}
