/* SPDX-License-Identifier: Apache-2.0 */
#include "sniff/sniff.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "base/mem.h"
#include "sniff/sniff_int.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum {
    START_MS = 10000,  /* until the helper has its database; a cold disk has to read 8 MB */
    RESTART_MS = 1000, /* from one start to the next */
};

struct sniff {
    pthread_mutex_t lock; /* of is_asking */
    pthread_cond_t turn;  /* is_asking has become false */
    bool is_asking;       /* a thread has a question; all below is that thread's */
    struct sniff_helper helper;
    char *path;
    unsigned timeout_ms;
    uint32_t number;       /* of the last question; 0 is the helper's word for ready */
    bool is_silent;        /* it has sent nothing since we gave up a question */
    int64_t started_at_ms; /* monotonic */
};

/* ---- packets ---- */

/* The next packet's length to `ret_len`; a longer one is cut to `cap`. ERR_CLOSED: the helper has
 * ended; ERR_TIMEOUT. */
static enum err
receive(struct sniff *s, uint8_t *ret_bytes, size_t cap, int64_t deadline_ms, size_t *ret_len)
{
    for (;;) {
        ssize_t n = recv(s->helper.fd, ret_bytes, cap, MSG_DONTWAIT);
        enum err e;

        if (n > 0) {
            s->is_silent = false;
            *ret_len = (size_t)n;
            return ERR_OK;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            return err_set(ERR_CLOSED, "the type helper has ended");
        e = sniff_helper_wait(&s->helper, POLLIN, deadline_ms);
        if (e != ERR_OK)
            return e;
    }
}

static enum err
send_question(struct sniff *s, const uint8_t *bytes, size_t len, int64_t deadline_ms)
{
    struct iovec parts[] = {
        {.iov_base = &s->number, .iov_len = SNIFF_NUMBER_LEN},
        {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len}, /* only read from */
    };
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = ARRAY_LEN(parts)};

    while (sendmsg(s->helper.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        enum err e;

        if (errno != EAGAIN && errno != EINTR)
            return err_set(ERR_CLOSED, "the type helper has ended");
        e = sniff_helper_wait(&s->helper, POLLOUT, deadline_ms);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

/* ---- one question ---- */

static enum err
ask(struct sniff *s, const uint8_t *bytes, size_t len, int64_t deadline_ms,
    char ret_type[MIME_TEXT_LEN])
{
    uint8_t answer[SNIFF_ANSWER_MAX + 1]; /* one more, so that a longer one is noticed */
    uint32_t number;
    size_t n = 0;
    enum err e;

    if (s->helper.fd < 0)
        return err_set(ERR_CLOSED, "the type helper is not running");
    s->number = s->number == UINT32_MAX ? 1 : s->number + 1;
    e = send_question(s, bytes, len, deadline_ms);
    if (e != ERR_OK)
        return e;
    do { /* answers to questions that were given up come first */
        e = receive(s, answer, sizeof(answer), deadline_ms, &n);
        if (e != ERR_OK)
            return e;
        if (n < SNIFF_NUMBER_LEN)
            return err_set(ERR_CLOSED, "the type helper talks nonsense");
        memcpy(&number, answer, sizeof(number));
    } while (number != s->number);
    if (n == SNIFF_NUMBER_LEN)
        return err_set(ERR_UNAVAIL, "the type helper found none, or died over this file");
    return sniff_answer_read(answer + SNIFF_NUMBER_LEN, n - SNIFF_NUMBER_LEN, ret_type);
}

static enum err
restart(struct sniff *s)
{
    int64_t now_ms = clock_mono_ms();

    sniff_helper_end(&s->helper);
    if (now_ms - s->started_at_ms < RESTART_MS)
        return err_set(ERR_UNAVAIL, "the type helper has ended just after its start");
    s->started_at_ms = now_ms;
    s->is_silent = false;
    return sniff_helper_start(s->path, &s->helper);
}

/* A helper that is alive answers when it is told to give up. One that has not said a word between
 * two given-up questions hangs itself, and is ended. */
static void
give_up(struct sniff *s)
{
    static const uint8_t packet = 0;

    (void)send(s->helper.fd, &packet, sizeof(packet), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (s->is_silent)
        sniff_helper_end(&s->helper);
    s->is_silent = true;
}

static enum err
ask_or_restart(struct sniff *s, const uint8_t *bytes, size_t len, int64_t deadline_ms,
               char ret_type[MIME_TEXT_LEN])
{
    enum err e = ask(s, bytes, len, deadline_ms, ret_type);

    /* The helper only hands the bytes on, so they were not what ended it: once more. */
    if (e == ERR_CLOSED) {
        e = restart(s);
        if (e == ERR_OK) {
            log_event(LOG_WARN, "sniff_restarted", NULL, 0);
            e = ask(s, bytes, len, deadline_ms, ret_type);
        }
    }
    if (e == ERR_TIMEOUT)
        give_up(s);
    else if (e == ERR_CLOSED || e == ERR_IO)
        sniff_helper_end(&s->helper);
    return e;
}

/* ---- the door ---- */

/* A thread that waits for another one's question waits no longer than for its own. */
static enum err
take_turn(struct sniff *s, int64_t deadline_ms)
{
    bool got_it;
    int rc = 0;

    (void)pthread_mutex_lock(&s->lock);
    while (s->is_asking && rc == 0)
        rc = cond_wait_until(&s->turn, &s->lock, deadline_ms);
    got_it = !s->is_asking;
    s->is_asking = true;
    (void)pthread_mutex_unlock(&s->lock);
    return got_it ? ERR_OK : err_set(ERR_TIMEOUT, "the type helper is busy");
}

static void
give_turn(struct sniff *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->is_asking = false;
    (void)pthread_cond_signal(&s->turn);
    (void)pthread_mutex_unlock(&s->lock);
}

void
sniff_type(struct sniff *s, const uint8_t *bytes, size_t len, char ret_type[MIME_TEXT_LEN])
{
    int64_t deadline_ms = clock_mono_ms() + s->timeout_ms;
    enum err e;

    memcpy(ret_type, SNIFF_UNKNOWN, sizeof(SNIFF_UNKNOWN));
    if (len > SNIFF_BYTES_MAX)
        len = SNIFF_BYTES_MAX;
    e = take_turn(s, deadline_ms);
    if (e == ERR_OK) {
        e = ask_or_restart(s, bytes, len, deadline_ms, ret_type);
        give_turn(s);
    }
    if (e != ERR_OK)
        log_err(LOG_WARN, "finding a file's type", e);
}

/* The first packet says that the database is loaded. */
static enum err
wait_until_ready(struct sniff *s)
{
    uint8_t packet[SNIFF_ANSWER_MAX];
    size_t n;
    enum err e = receive(s, packet, sizeof(packet), clock_mono_ms() + START_MS, &n);

    if (e != ERR_OK)
        return err_set(ERR_UNAVAIL, "the type helper does not start");
    return ERR_OK;
}

/* Spans are measured on the monotonic clock, and so must the waiting for a turn. */
static enum err
init_turns(struct sniff *s)
{
    if (!cond_init(&s->turn))
        return err_set(ERR_NOMEM, "no memory for the type helper");
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        (void)pthread_cond_destroy(&s->turn);
        return err_set(ERR_NOMEM, "no memory for the type helper");
    }
    return ERR_OK;
}

enum err
sniff_new(const char *path, unsigned timeout_ms, struct sniff **ret_sniff)
{
    struct sniff *s = calloc(1, sizeof(*s));
    enum err e;

    if (s == NULL)
        return err_set(ERR_NOMEM, "no memory for the type helper");
    e = init_turns(s);
    if (e != ERR_OK) {
        free(s);
        return e;
    }
    s->helper = (struct sniff_helper){.pid = -1, .fd = -1};
    s->timeout_ms = timeout_ms;
    s->started_at_ms = clock_mono_ms();
    s->path = strdup(path);
    e = s->path == NULL ? err_set(ERR_NOMEM, "no memory for the type helper") : ERR_OK;
    if (e == ERR_OK)
        e = sniff_helper_start(path, &s->helper);
    if (e == ERR_OK)
        e = wait_until_ready(s);
    if (e != ERR_OK) {
        sniff_free(s);
        return e;
    }
    *ret_sniff = s;
    return ERR_OK;
}

void
sniff_free(struct sniff *s)
{
    if (s == NULL)
        return;
    sniff_helper_end(&s->helper);
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_cond_destroy(&s->turn);
    free(s->path);
    free(s);
}
