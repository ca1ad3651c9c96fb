/* SPDX-License-Identifier: Apache-2.0 */
#include "server/state.h"

#include "base/fs.h"
#include "base/log.h"
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEPPER_NAME "pepper"
#define PEPPER_TEMP ".pepper.new"

struct state {
    int dir_fd; /* holds the lock */
    struct secret *pepper;
    bool is_new;
};

/* Put `where` in front of this thread's sentence. */
static enum err
named(const char *where, enum err e)
{
    char sentence[160];

    (void)snprintf(sentence, sizeof(sentence), "%s", err_sentence());
    return err_set(e, "%s: %s", where, sentence);
}

static enum err
failed(const char *where, const char *call)
{
    return err_set(errno == ENOSPC || errno == EDQUOT ? ERR_NOSPACE : ERR_IO, "%s: %s: %s", where,
                   call, strerror(errno));
}

/* Who could write to the pepper could choose it, and so read what is sealed under it: refused.
 * Who can read it needs a dump of the store and the codes besides: a warning. */
static enum err
check_pepper_file(int fd, const char *where)
{
    const struct log_field field = LOG_TEXT("setting", where);
    struct stat st;

    if (fstat(fd, &st) != 0)
        return failed(where, "stat");
    if (!S_ISREG(st.st_mode))
        return err_set(ERR_IO, "%s is not a regular file", where);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return err_set(ERR_DENIED, "%s belongs to another user", where);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(ERR_DENIED, "group or others can write to %s", where);
    if (st.st_size != VAULT_PEPPER_LEN)
        return err_set(ERR_INTEGRITY, "%s is not exactly %d bytes long", where, VAULT_PEPPER_LEN);
    if ((st.st_mode & (S_IRGRP | S_IROTH)) != 0)
        log_event(LOG_WARN, "pepper_readable_by_others", &field, 1);
    return ERR_OK;
}

static enum err
read_pepper(int dir_fd, const char *path, int flags, const char *where, struct secret **ret_pepper)
{
    struct secret *pepper = NULL;
    enum err e;
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);

    if (fd < 0 && errno == ENOENT)
        return err_set(ERR_NOTFOUND, "%s: no such file", where);
    if (fd < 0)
        return failed(where, "open");
    e = check_pepper_file(fd, where);
    if (e != ERR_OK)
        goto out;
    e = secret_new(VAULT_PEPPER_LEN, &pepper);
    if (e != ERR_OK)
        goto out;
    e = fs_read_at(fd, secret_bytes_mut(pepper), VAULT_PEPPER_LEN, 0); /* past no other memory */
    if (e != ERR_OK) {
        e = named(where, e);
        goto out;
    }
    *ret_pepper = pepper;
    pepper = NULL;
out:
    secret_free(pepper);
    fs_close(&fd);
    return e;
}

/* Write the bytes under a temporary name, then give them theirs, which must be free. */
static enum err
write_pepper(int dir_fd, const struct secret *pepper)
{
    static const char where[] = "the pepper in STATE_PATH";
    enum err e;
    int fd;

    (void)unlinkat(dir_fd, PEPPER_TEMP, 0); /* of a start that was cut off; we hold the lock */
    fd = openat(dir_fd, PEPPER_TEMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(where, "create");
    e = fs_write_all(fd, secret_bytes(pepper), VAULT_PEPPER_LEN);
    if (e == ERR_OK)
        e = fs_sync(fd);
    fs_close(&fd);
    if (e != ERR_OK)
        e = named(where, e);
    else if (linkat(dir_fd, PEPPER_TEMP, dir_fd, PEPPER_NAME, 0) != 0)
        e = failed(where, "link");
    (void)unlinkat(dir_fd, PEPPER_TEMP, 0);
    if (e == ERR_OK) {
        e = fs_sync(dir_fd);
        if (e != ERR_OK)
            e = named(where, e);
    }
    return e;
}

static enum err
own_pepper(struct state *s)
{
    enum err e =
        read_pepper(s->dir_fd, PEPPER_NAME, O_NOFOLLOW, "the pepper in STATE_PATH", &s->pepper);

    if (e != ERR_NOTFOUND)
        return e;
    e = secret_random(VAULT_PEPPER_LEN, &s->pepper);
    if (e == ERR_OK)
        e = write_pepper(s->dir_fd, s->pepper);
    s->is_new = e == ERR_OK;
    return e;
}

enum err
state_open(const char *path, const char *pepper_file, struct state **ret_state)
{
    struct state *s = calloc(1, sizeof(*s));
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for the state");
    s->dir_fd = -1;
    e = fs_open_private_dir(path, &s->dir_fd);
    if (e != ERR_OK) {
        e = named("STATE_PATH", e);
        goto out;
    }
    if (flock(s->dir_fd, LOCK_EX | LOCK_NB) != 0) {
        e = errno == EWOULDBLOCK ? err_set(ERR_EXISTS, "STATE_PATH is in use by another mayflyd")
                                 : failed("STATE_PATH", "lock");
        goto out;
    }
    if (pepper_file != NULL)
        e = read_pepper(AT_FDCWD, pepper_file, 0, "PEPPER_FILE", &s->pepper);
    else
        e = own_pepper(s);
    if (e != ERR_OK)
        goto out;
    *ret_state = s;
    s = NULL;
out:
    state_close(s);
    return e;
}

const struct secret *
state_pepper(const struct state *s)
{
    return s->pepper;
}

int
state_dir_fd(const struct state *s)
{
    return s->dir_fd;
}

bool
state_is_new(const struct state *s)
{
    return s->is_new;
}

void
state_close(struct state *s)
{
    if (s == NULL)
        return;
    secret_free(s->pepper);
    fs_close(&s->dir_fd);
    free(s);
}
