/* SPDX-License-Identifier: Apache-2.0 */
/* The files that settings name: those of secrets, the TLS pair's. */
#include "server/config_int.h"

#include "base/fs.h"
#include "store/store.h"
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEM_MAX = 1 << 20, SECRET_FILE_MAX = 4096 };

/* Read a file that holds one line, whose end it may lack, and check it. `rule` tells, in the
 * sentence, what `is_right` wants. */
static enum err
read_secret_file(const char *name, const char *path, bool (*is_right)(const char *text),
                 const char *rule, char **ret_text)
{
    struct buf b;
    char *text;
    enum err e;

    buf_init(&b, SECRET_FILE_MAX);
    e = fs_read_file(AT_FDCWD, path, &b);
    if (e != ERR_OK) {
        e = config_named(name, e);
        goto out;
    }
    if (b.len > 0 && b.data[b.len - 1] == '\n')
        b.data[--b.len] = '\0';
    if (b.len > 0 && b.data[b.len - 1] == '\r')
        b.data[--b.len] = '\0';
    if (strlen(buf_text(&b)) != b.len || !is_right(buf_text(&b))) {
        e = err_set(ERR_SYNTAX, "%s must hold %s, and nothing else", name, rule);
        goto out;
    }
    text = strdup(buf_text(&b));
    if (text == NULL)
        e = err_set(ERR_NOMEM, "no memory for %s", name);
    else
        *ret_text = text;
out:
    buf_done(&b);
    return e;
}

enum err
config_read_token_file(struct config *c)
{
    return read_secret_file("UPLOAD_TOKEN_FILE", c->upload_token_file, config_is_token,
                            "1 to 512 visible ASCII characters without blanks", &c->upload_token);
}

static bool
is_redis_password(const char *text)
{
    size_t len = strnlen(text, STORE_REDIS_PASSWORD_MAX + 1);

    if (len == 0 || len > STORE_REDIS_PASSWORD_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    }
    return true;
}

enum err
config_read_redis_password_file(struct config *c)
{
    return read_secret_file("REDIS_PASSWORD_FILE", c->redis_password_file, is_redis_password,
                            "one line of 1 to 512 bytes without control characters",
                            &c->redis_password);
}

static enum err
read_pem(const char *name, const char *path, struct buf *b)
{
    enum err e = fs_read_file(AT_FDCWD, path, b);

    if (e != ERR_OK)
        return config_named(name, e);
    /* The TLS library takes C strings. */
    if (b->len == 0 || strlen(buf_text(b)) != b->len)
        return err_set(ERR_SYNTAX, "%s: not a PEM file", name);
    return ERR_OK;
}

enum err
config_read_tls(const struct config *c, struct buf *ret_cert, struct buf *ret_key)
{
    struct buf cert, key;
    enum err e;

    buf_init(&cert, PEM_MAX);
    buf_init(&key, PEM_MAX);
    e = read_pem("TLS_CERT_FILE", c->tls_cert_file, &cert);
    if (e != ERR_OK)
        goto out;
    e = read_pem("TLS_KEY_FILE", c->tls_key_file, &key);
    if (e != ERR_OK)
        goto out;
    *ret_cert = cert;
    *ret_key = key;
    buf_init(&cert, PEM_MAX);
    buf_init(&key, PEM_MAX);
out:
    buf_done(&cert);
    buf_done(&key);
    return e;
}

/* Whether a regular file can be opened for reading; `size` -1 takes any. */
static enum err
check_file(const char *name, const char *path, off_t size)
{
    struct stat st;
    enum err e = ERR_OK;
    int fd;

    if (path == NULL)
        return ERR_OK;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_set(errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: %s", name, strerror(errno));
    if (fstat(fd, &st) != 0)
        e = err_set(ERR_IO, "%s: %s", name, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        e = err_set(ERR_IO, "%s: not a regular file", name);
    else if (size >= 0 && st.st_size != size)
        e = err_set(ERR_INTEGRITY, "%s is not exactly %lld bytes long", name, (long long)size);
    fs_close(&fd);
    return e;
}

static enum err
check_redis_ca(const struct config *c)
{
    struct buf ca;
    enum err e;

    if (c->redis_ca_file == NULL)
        return ERR_OK;
    buf_init(&ca, PEM_MAX);
    e = read_pem("REDIS_CA_FILE", c->redis_ca_file, &ca);
    buf_done(&ca);
    return e;
}

enum err
config_check_files(const struct config *c)
{
    struct buf cert, key;
    enum err e = check_file("PEPPER_FILE", c->pepper_file, VAULT_PEPPER_LEN);

    if (e == ERR_OK)
        e = check_redis_ca(c);
    if (e == ERR_OK)
        e = check_file("DICEWARE_WORDLIST_PATH", c->wordlist_path, -1);
    if (e == ERR_OK && c->tls_cert_file != NULL) {
        e = config_read_tls(c, &cert, &key);
        if (e == ERR_OK) {
            buf_done(&cert);
            buf_done(&key);
        }
    }
    return e;
}
