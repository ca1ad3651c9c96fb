/* SPDX-License-Identifier: Apache-2.0 */
#include "client/tokens.h"

#include "base/buf.h"
#include "base/enc.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NAME_LEN = B32_LEN(ID_LEN),
    TOKEN_MAX = 256,
    FILE_MAX = 1024,     /* of a token file */
    UNFINISHED_S = 3600, /* then nobody is writing it any more */
};

static const char *const unfinished = ".new-"; /* what names begin with until all is written */

/* One upload. The file has three lines: server=..., token=..., ends=... (Unix seconds). */
struct kept {
    char server[SERVER_TEXT_LEN];
    char token[TOKEN_MAX];
    int64_t ends_at_s;
};

/* ---- the folder ---- */

static enum err
folder_path(char ret_path[PATH_MAX])
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n;

    if (state != NULL && state[0] == '/') /* a relative one is to be ignored, says its spec */
        n = snprintf(ret_path, PATH_MAX, "%s/mayfly/uploads", state);
    else if (home != NULL && home[0] == '/')
        n = snprintf(ret_path, PATH_MAX, "%s/.local/state/mayfly/uploads", home);
    else
        return err_set(ERR_IO, "there is no home folder to keep burn tokens in");
    if (n < 0 || n >= PATH_MAX)
        return err_set(ERR_IO, "the path of the folder for burn tokens is too long");
    return ERR_OK;
}

/* Whatever a local file's trouble is called below, here it is ERR_IO. */
static enum err
local(enum err e)
{
    if (e == ERR_OK || e == ERR_NOMEM)
        return e;
    return err_set(ERR_IO, "the folder for burn tokens: %s", err_sentence());
}

static enum err
open_or_make_folder(int *ret_fd)
{
    char path[PATH_MAX];
    enum err e = folder_path(path);

    return e == ERR_OK ? local(fs_open_private_dir(path, ret_fd)) : e;
}

/* ERR_NOTFOUND: there is none, and it is not made for a look. */
static enum err
open_folder(int *ret_fd)
{
    char path[PATH_MAX];
    struct stat st;
    enum err e;

    e = folder_path(path);
    if (e != ERR_OK)
        return e;
    if (lstat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(ERR_NOTFOUND, "nothing was sent from here");
    return local(fs_open_private_dir(path, ret_fd));
}

/* The key is the secret that opens the upload: only a hash of it may be seen in a listing. */
static enum err
file_name(const char *key, char ret_name[NAME_LEN + 1])
{
    struct buf b;
    uint8_t hash[SHA256_LEN];
    enum err e;

    buf_init(&b, FILE_MAX);
    e = buf_addf(&b, "mayfly client token v1%s", key);
    if (e == ERR_OK)
        e = crypt_sha256(b.data, b.len, hash);
    if (e == ERR_OK)
        b32_encode(hash, ID_LEN, ret_name);
    buf_done(&b);
    return e;
}

static bool
is_file_name(const char *name)
{
    return strlen(name) == NAME_LEN && strspn(name, "abcdefghijklmnopqrstuvwxyz234567") == NAME_LEN;
}

/* ---- the content ---- */

/* The value of the line "`name`VALUE", which is the next of `*at`. */
static bool
take_line(const char **at, const char *name, char *ret_value, size_t cap)
{
    size_t n = strlen(name), len;
    const char *end;

    if (strncmp(*at, name, n) != 0)
        return false;
    *at += n;
    end = strchr(*at, '\n');
    if (end == NULL)
        return false;
    len = (size_t)(end - *at);
    if (len == 0 || len >= cap)
        return false;
    memcpy(ret_value, *at, len);
    ret_value[len] = '\0';
    *at = end + 1;
    return true;
}

static enum err
kept_read(const struct buf *b, struct kept *ret)
{
    const char *at = buf_text(b), *end = at + b->len;
    char ends[24];
    uint64_t number;

    if (!take_line(&at, "server=", ret->server, sizeof(ret->server)) ||
        !take_line(&at, "token=", ret->token, sizeof(ret->token)) ||
        !take_line(&at, "ends=", ends, sizeof(ends)) || at != end)
        return err_set(ERR_SYNTAX, "a kept burn token is damaged");
    if (text_u64(ends, strlen(ends), INT64_MAX, &number) != ERR_OK)
        return err_set(ERR_SYNTAX, "a kept burn token is damaged");
    ret->ends_at_s = (int64_t)number;
    return ERR_OK;
}

/* ERR_NOTFOUND; ERR_SYNTAX: damaged, whatever the file is instead; ERR_IO: cannot be read. */
static enum err
kept_load(int dir_fd, const char *name, struct kept *ret)
{
    struct buf b;
    struct stat st;
    enum err e;

    buf_init(&b, FILE_MAX);
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        e = err_set(errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "stat: %s", strerror(errno));
    else if (!S_ISREG(st.st_mode))
        e = err_set(ERR_SYNTAX, "a kept burn token is no file");
    else
        e = fs_read_file(dir_fd, name, &b);
    if (e == ERR_TOOBIG)
        e = err_set(ERR_SYNTAX, "a kept burn token is too long");
    if (e == ERR_OK)
        e = kept_read(&b, ret);
    buf_done(&b);
    return e;
}

static enum err
kept_write(const char *server, const char *token, int64_t ends_at_s, struct buf *b)
{
    if (server[0] == '\0' || strlen(server) >= SERVER_TEXT_LEN || strchr(server, '\n') != NULL ||
        token[0] == '\0' || strlen(token) >= TOKEN_MAX || strchr(token, '\n') != NULL)
        return err_set(ERR_IO, "a burn token that cannot be kept");
    return buf_addf(b, "server=%s\ntoken=%s\nends=%" PRId64 "\n", server, token,
                    ends_at_s > 0 ? ends_at_s : 0);
}

/* ---- put, get, forget ---- */

static enum err
write_file(int dir_fd, const char *name, const struct buf *b)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum err e;

    if (fd < 0)
        return err_set(ERR_IO, "a file cannot be made: %s", strerror(errno));
    e = fs_write_all(fd, b->data, b->len);
    if (e == ERR_OK)
        e = fs_sync(fd);
    if (close(fd) != 0 && e == ERR_OK)
        e = err_set(ERR_IO, "close: %s", strerror(errno));
    return e;
}

static enum err
put(int dir_fd, const char *name, const struct buf *b)
{
    uint8_t number[8];
    char hex[HEX_LEN(sizeof(number)) + 1], draft[32];
    enum err e = rnd_bytes(number, sizeof(number));

    if (e != ERR_OK)
        return e;
    hex_encode(number, sizeof(number), hex);
    (void)snprintf(draft, sizeof(draft), "%s%s", unfinished, hex);
    e = write_file(dir_fd, draft, b);
    if (e == ERR_OK && renameat(dir_fd, draft, dir_fd, name) != 0)
        e = err_set(ERR_IO, "rename: %s", strerror(errno));
    if (e != ERR_OK)
        (void)unlinkat(dir_fd, draft, 0);
    return e;
}

enum err
tokens_put(const char *server, const char *key, const char *burn_token, int64_t expires_at_s)
{
    char name[NAME_LEN + 1];
    struct buf b;
    int fd = -1;
    enum err e;

    buf_init(&b, FILE_MAX);
    e = kept_write(server, burn_token, expires_at_s, &b);
    if (e == ERR_OK)
        e = file_name(key, name);
    if (e == ERR_OK)
        e = open_or_make_folder(&fd);
    if (e == ERR_OK)
        e = local(put(fd, name, &b));
    fs_close(&fd);
    buf_done(&b);
    return e;
}

enum err
tokens_get(const char *key, char ret_server[SERVER_TEXT_LEN], struct secret **ret_token)
{
    char name[NAME_LEN + 1];
    struct kept k = {.ends_at_s = 0};
    int fd = -1;
    enum err e;

    e = file_name(key, name);
    if (e == ERR_OK)
        e = open_folder(&fd);
    if (e == ERR_OK)
        e = kept_load(fd, name, &k);
    if (e == ERR_NOTFOUND)
        e = err_set(e, "no burn token is kept here for this upload");
    else if (e != ERR_OK)
        e = local(e);
    if (e == ERR_OK)
        e = secret_copy(k.token, strlen(k.token), ret_token);
    if (e == ERR_OK)
        memcpy(ret_server, k.server, sizeof(k.server));
    fs_close(&fd);
    mem_wipe(&k, sizeof(k));
    return e;
}

void
tokens_forget(const char *key, const char *server)
{
    char name[NAME_LEN + 1];
    struct kept k = {.ends_at_s = 0};
    int fd = -1;

    if (file_name(key, name) == ERR_OK && open_folder(&fd) == ERR_OK &&
        kept_load(fd, name, &k) == ERR_OK && strcmp(k.server, server) == 0)
        (void)unlinkat(fd, name, 0);
    fs_close(&fd);
    mem_wipe(&k, sizeof(k));
}

/* ---- sweep ---- */

static bool
is_over(int dir_fd, const char *name, int64_t now_s)
{
    struct kept k = {.ends_at_s = 0};
    struct stat st;
    bool is_yes = false;
    enum err e;

    if (strncmp(name, unfinished, strlen(unfinished)) == 0) {
        return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               st.st_mtime < now_s - UNFINISHED_S;
    }
    if (!is_file_name(name))
        return false; /* none of ours */
    e = kept_load(dir_fd, name, &k);
    is_yes = e == ERR_SYNTAX || (e == ERR_OK && k.ends_at_s < now_s);
    mem_wipe(&k, sizeof(k));
    return is_yes;
}

void
tokens_sweep(int64_t now_s)
{
    struct dirent *d;
    DIR *dir;
    int fd = -1;

    if (open_folder(&fd) != ERR_OK)
        return;
    dir = fdopendir(fd);
    if (dir == NULL) {
        fs_close(&fd);
        return;
    }
    while ((d = readdir(dir)) != NULL) {
        if (is_over(fd, d->d_name, now_s))
            (void)unlinkat(fd, d->d_name, 0);
    }
    (void)closedir(dir); /* and `fd` */
}
