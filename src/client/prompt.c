/* SPDX-License-Identifier: Apache-2.0 */
#include "client/term.h"

#include "base/mem.h"
#include "client/interrupt.h"
#include "client/term_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 2048 };

/* A terminal while it is asked at. */
struct asking {
    int fd;
    bool is_hidden;
    struct termios was;
    struct sigaction cont_was;
    sigset_t mask_was;
};

static void
woken(int sig)
{
    (void)sig;
}

/* Signals that end the program are let in only while poll waits: one that came just before a read
 * would otherwise leave us waiting for a line. Errors as read_line's. */
static enum err
wait_for_input(int fd, const sigset_t *mask, bool *ret_resumed)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    *ret_resumed = false;
    if (interrupt_seen())
        return err_set(ERR_CLOSED, "interrupted");
    if (ppoll(&p, 1, NULL, mask) >= 0)
        return ERR_OK;
    if (errno != EINTR)
        return err_set(ERR_IO, "waiting for input: %s", strerror(errno));
    if (interrupt_seen())
        return err_set(ERR_CLOSED, "interrupted");
    *ret_resumed = true;
    return ERR_OK;
}

static void
block_ends(sigset_t *ret_was)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGCONT};
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        (void)sigaddset(&set, ends[i]);
    (void)sigprocmask(SIG_BLOCK, &set, ret_was);
}

static void
hide_echo(const struct asking *a)
{
    struct termios t = a->was;

    if (!a->is_hidden)
        return;
    t.c_lflag &= ~(tcflag_t)ECHO;
    t.c_lflag |= ECHONL; /* the end of the line is seen */
    (void)tcsetattr(a->fd, TCSAFLUSH, &t);
}

/* Read one byte more; ERR_FIELD at the end of input. */
static enum err
read_byte(int fd, const sigset_t *mask, const struct asking *a, uint8_t *ret_byte)
{
    bool was_resumed;
    enum err e;

    do {
        e = wait_for_input(fd, mask, &was_resumed);
        /* The shell that stopped us may have set the terminal as it likes it. */
        if (e == ERR_OK && was_resumed && a != NULL)
            hide_echo(a);
    } while (e == ERR_OK && was_resumed);
    if (e != ERR_OK)
        return e;
    switch (read(fd, ret_byte, 1)) {
    case 1:
        return ERR_OK;
    case 0:
        return err_set(ERR_FIELD, "no answer");
    default:
        return err_set(ERR_IO, "reading the answer: %s", strerror(errno));
    }
}

/* Byte by byte, so that what follows the line stays for whoever reads next. `a` is NULL when it is
 * no terminal that we changed. */
static enum err
read_line(int fd, const sigset_t *mask, const struct asking *a, struct secret **ret_line)
{
    struct secret *room = NULL;
    size_t len = 0;
    uint8_t byte = 0;
    enum err e = secret_new(LINE_MAX_LEN + 1, &room); /* and a CR */

    while (e == ERR_OK) {
        e = read_byte(fd, mask, a, &byte);
        if (e == ERR_FIELD && len > 0) { /* a last line without its end */
            e = ERR_OK;
            break;
        }
        if (e != ERR_OK || byte == '\n')
            break;
        if (len > LINE_MAX_LEN)
            e = err_set(ERR_FIELD, "the line is longer than %d bytes", LINE_MAX_LEN);
        else
            secret_bytes_mut(room)[len++] = byte;
    }
    if (e != ERR_OK)
        goto out;
    if (len > 0 && secret_bytes(room)[len - 1] == '\r')
        len--;
    if (len == 0)
        e = err_set(ERR_FIELD, "no answer");
    else if (len > LINE_MAX_LEN)
        e = err_set(ERR_FIELD, "the line is longer than %d bytes", LINE_MAX_LEN);
    else
        e = secret_copy(secret_bytes(room), len, ret_line);
out:
    secret_free(room);
    return e;
}

/* Only for the eye: an answer can be read all the same. */
static void
say(const struct asking *a, const char *text)
{
    ssize_t n = write(a->fd, text, strlen(text));

    (void)n;
}

static enum err
begin(struct asking *a, const char *prompt)
{
    struct sigaction wake = {.sa_handler = woken};

    a->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (a->fd < 0)
        return err_set(ERR_FIELD, "there is no terminal to ask at");
    if (tcgetattr(a->fd, &a->was) != 0) {
        (void)close(a->fd);
        return err_set(ERR_FIELD, "there is no terminal to ask at");
    }
    block_ends(&a->mask_was);
    (void)sigemptyset(&wake.sa_mask);
    (void)sigaction(SIGCONT, &wake, &a->cont_was);
    hide_echo(a);
    progress_hide();
    say(a, prompt);
    return ERR_OK;
}

static void
end(struct asking *a, bool was_answered)
{
    (void)tcsetattr(a->fd, was_answered ? TCSADRAIN : TCSAFLUSH, &a->was);
    (void)sigaction(SIGCONT, &a->cont_was, NULL);
    (void)sigprocmask(SIG_SETMASK, &a->mask_was, NULL);
    if (!was_answered)
        say(a, "\n");
    (void)close(a->fd);
}

enum err
term_ask(const char *prompt, bool is_hidden, struct secret **ret_line)
{
    struct asking a = {.is_hidden = is_hidden};
    enum err e = begin(&a, prompt);

    if (e != ERR_OK)
        return e;
    e = read_line(a.fd, &a.mask_was, &a, ret_line);
    end(&a, e == ERR_OK);
    return e;
}

enum err
term_read_line(struct secret **ret_line)
{
    sigset_t was;
    enum err e;

    block_ends(&was);
    e = read_line(STDIN_FILENO, &was, NULL, ret_line);
    (void)sigprocmask(SIG_SETMASK, &was, NULL);
    return e;
}
