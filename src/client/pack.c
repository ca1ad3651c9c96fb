/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pack.h"

#include "base/mem.h"
#include "base/text.h"
#include "client/interrupt.h"
#include "client/pack_int.h"
#include "client/term.h"
#include "client/type.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POLL_MS = 200 /* how long an interrupt may go unseen */ };

static enum err
fail(const char *what)
{
    return err_set(ERR_IO, "%s: %s", what, strerror(errno));
}

/* ---- a file of known length ---- */

struct file_source {
    struct source source;
    int fd;
    uint64_t left;
    off_t size; /* that it still has at the end */
};

static enum err
changed(void)
{
    return err_set(ERR_IO, "the file changed its size while it was read");
}

static enum err
file_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct file_source *f = (struct file_source *)source;
    struct stat st;
    ssize_t n;

    if (f->left == 0) {
        if (fstat(f->fd, &st) != 0 || st.st_size != f->size)
            return changed();
        *ret_len = 0;
        return ERR_OK;
    }
    do {
        n = read(f->fd, ret_bytes, f->left < cap ? (size_t)f->left : cap);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail("the file cannot be read");
    if (n == 0)
        return changed();
    f->left -= (uint64_t)n;
    *ret_len = (size_t)n;
    return ERR_OK;
}

static void
file_free(struct source *source)
{
    (void)close(((struct file_source *)source)->fd);
    free(source);
}

/* Takes `fd`, but not on failure. */
static enum err
file_new(int fd, off_t at, off_t size, struct source **ret_source)
{
    static const struct source_ops ops = {file_read, file_free};
    struct file_source *f = malloc(sizeof(*f));

    if (f == NULL)
        return err_set(ERR_NOMEM, "no memory for a file");
    *f = (struct file_source){
        .source = {&ops}, .fd = fd, .left = (uint64_t)(size - at), .size = size};
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *ret_source = &f->source;
    return ERR_OK;
}

/* ---- a pipe, a terminal ---- */

struct pipe_source {
    struct source source;
    int fd;
    bool is_ended;
    struct buf look; /* its beginning, read to tell the type */
    size_t look_at;
};

/* What is there, as soon as there is something. */
static enum err
pipe_take(struct pipe_source *p, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct pollfd ready = {.fd = p->fd, .events = POLLIN};
    ssize_t n = -1;

    while (n < 0) {
        if (interrupt_seen())
            return err_set(ERR_CLOSED, "interrupted");
        if (poll(&ready, 1, POLL_MS) <= 0)
            continue; /* nothing yet, or a signal */
        n = read(p->fd, ret_bytes, cap);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return fail("standard input cannot be read");
    }
    *ret_len = (size_t)n;
    return ERR_OK;
}

static enum err
pipe_read(struct source *source, uint8_t *ret_bytes, size_t cap, size_t *ret_len)
{
    struct pipe_source *p = (struct pipe_source *)source;
    size_t left = p->look.len - p->look_at, n = left < cap ? left : cap;
    enum err e;

    if (left > 0) {
        memcpy(ret_bytes, p->look.data + p->look_at, n);
        p->look_at += n;
        *ret_len = n;
        return ERR_OK;
    }
    *ret_len = 0;
    if (p->is_ended)
        return ERR_OK;
    e = pipe_take(p, ret_bytes, cap, ret_len);
    p->is_ended = e == ERR_OK && *ret_len == 0; /* a terminal would go on after its end */
    return e;
}

static void
pipe_free(struct source *source)
{
    struct pipe_source *p = (struct pipe_source *)source;

    (void)close(p->fd);
    buf_done(&p->look);
    free(p);
}

/* Reads what comes first. Takes `fd`, but not on failure. */
static enum err
pipe_new(int fd, struct pipe_source **ret_pipe)
{
    static const struct source_ops ops = {pipe_read, pipe_free};
    struct pipe_source *p = calloc(1, sizeof(*p));
    uint8_t look[TYPE_LOOK_LEN];
    size_t n = 0;
    enum err e;

    if (p == NULL)
        return err_set(ERR_NOMEM, "no memory for standard input");
    p->source.ops = &ops;
    p->fd = fd;
    buf_init(&p->look, sizeof(look));
    e = pipe_take(p, look, sizeof(look), &n);
    if (e == ERR_OK)
        e = buf_add(&p->look, look, n);
    p->is_ended = n == 0;
    mem_wipe(look, sizeof(look));
    if (e != ERR_OK) {
        buf_done(&p->look);
        free(p);
        return e;
    }
    *ret_pipe = p;
    return ERR_OK;
}

/* ---- names ---- */

/* A name as it can be sealed: what is no UTF-8 becomes "_"; cut at a whole character so that `end`
 * fits behind it. */
static void
set_name(struct pack *p, const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end), at = 0, out = 0;

    while (at < len) {
        size_t n = text_utf8((const uint8_t *)name + at, len - at, NULL);
        size_t step = n == 0 ? 1 : n;

        if (out + step + end_len >= sizeof(p->name))
            break;
        memcpy(p->name + out, n == 0 ? "_" : name + at, step);
        at += step;
        out += step;
    }
    memcpy(p->name + out, end, end_len + 1);
}

static void
set_type(struct pack *p, const char *type)
{
    (void)snprintf(p->type, sizeof(p->type), "%s", type);
}

/* ---- what there is to send ---- */

/* `fd` is a regular file that is read from `at` on. */
static enum err
open_file(int fd, off_t at, off_t size, struct pack *p)
{
    uint8_t look[TYPE_LOOK_LEN];
    ssize_t n = pread(fd, look, sizeof(look), at);
    enum err e;

    if (n < 0)
        return fail("cannot be read");
    if (size < at)
        return err_set(ERR_IO, "standard input is beyond the end of its file");
    e = file_new(fd, at, size, &p->source);
    if (e == ERR_OK) {
        p->len = (uint64_t)(size - at);
        set_type(p, type_of(p->name, look, (size_t)n));
    }
    mem_wipe(look, sizeof(look));
    return e;
}

static enum err
open_stdin(struct pack *p)
{
    struct pipe_source *pipe = NULL;
    struct stat st;
    off_t at;
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    enum err e;

    if (fd < 0 || fstat(fd, &st) != 0) {
        e = fail("standard input cannot be read");
        if (fd >= 0)
            (void)close(fd);
        return e;
    }
    at = S_ISREG(st.st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;
    set_name(p, "stdin", "");
    if (at >= 0) {
        e = open_file(fd, at, st.st_size, p);
    } else {
        e = pipe_new(fd, &pipe);
        p->len = UINT64_MAX;
    }
    if (e != ERR_OK)
        (void)close(fd);
    if (pipe != NULL) {
        set_type(p, type_of("", pipe->look.data, pipe->look.len));
        p->source = &pipe->source;
    }
    return e;
}

static enum err
open_tar(struct pack_roots *roots, struct pack *p, size_t *ret_failed)
{
    uint64_t n_left_out = 0;
    enum err e;

    p->is_tar = true;
    set_name(p, roots->n == 1 ? roots->all[0].name : "files", ".tar");
    set_type(p, "application/x-tar");
    e = tar_measure(roots, &p->len, &n_left_out, ret_failed);
    if (e == ERR_OK)
        e = tar_source_new(roots, p->len, &p->source);
    if (e == ERR_OK && n_left_out > 0)
        term_note("Left out: %" PRIu64 " pipes, sockets or devices.", n_left_out);
    return e;
}

/* A regular file is sent as it is. */
static enum err
open_one(struct pack_roots *roots, struct pack *p, size_t *ret_failed)
{
    int fd = open(roots->all[0].path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    enum err e;

    *ret_failed = 0;
    if (fd < 0)
        return fail("cannot be read");
    set_name(p, roots->all[0].name, "");
    if (fstat(fd, &st) != 0)
        e = fail("cannot be read");
    else if (S_ISREG(st.st_mode))
        e = open_file(fd, 0, st.st_size, p);
    else if (S_ISDIR(st.st_mode))
        e = open_tar(roots, p, ret_failed);
    else
        e = err_set(ERR_IO, "neither a file nor a folder: use - and a pipe");
    if (e != ERR_OK || p->is_tar)
        (void)close(fd);
    return e;
}

static bool
has_stdin(char *const *paths, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(paths[i], "-") == 0)
            return true;
    }
    return false;
}

enum err
pack_open(char *const *paths, size_t n, struct pack *ret_pack, size_t *ret_failed)
{
    struct pack_roots roots = {NULL, 0};
    struct pack p = {.source = NULL};
    size_t failed = *ret_failed;
    enum err e;

    if (n == 0)
        return err_set(ERR_FIELD, "there is nothing to send");
    if (n > 1 && has_stdin(paths, n))
        return err_set(ERR_FIELD, "standard input (-) can only be sent alone");
    if (has_stdin(paths, n)) {
        e = open_stdin(&p);
    } else {
        e = pack_roots_new(paths, n, &roots, &failed);
        if (e == ERR_OK)
            e = n == 1 ? open_one(&roots, &p, &failed) : open_tar(&roots, &p, &failed);
    }
    pack_roots_free(&roots);
    if (e == ERR_OK)
        *ret_pack = p;
    else if (e == ERR_IO || e == ERR_FIELD)
        *ret_failed = failed;
    return e;
}
