/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/node.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "redis/error.h"
#include "redis/mender.h"

#include <pthread.h>
#include <string.h>

/* Who stayed no longer than this before it went away again is tried with the longer waits at once:
 * a server that greets us and serves us badly would come and go 20 times a second. */
enum { STEADY_MS = 5000 };

struct idle {
    struct rd_conn *conn;
    int64_t since_ms;
};

struct rd_node {
    const struct rd_login *login;
    rd_find_fn find;
    void *ctx;
    struct rd_mender *mender;

    pthread_mutex_t lock; /* of the rest; never held while something waits */
    struct rd_place place;
    struct idle idle[RD_IDLE_MAX]; /* the longest idle first */
    size_t n_idle;
    uint64_t stay; /* how often it was away: what was begun in an earlier stay counts no more */
    bool is_away;
    int64_t back_ms, away_ms; /* since when */
    int64_t due_ms, wait_ms;
};

/* A connection that is used by one call. */
struct loan {
    struct rd_conn *conn;
    uint64_t stay;
    bool is_fresh; /* it has not lain idle */
};

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- a node ---- */

enum err
rd_node_new(const struct rd_node_opts *opts, struct rd_conn **conn, struct rd_node **ret_node)
{
    struct rd_node *n = calloc(1, sizeof(*n));

    if (n == NULL || pthread_mutex_init(&n->lock, NULL) != 0) {
        free(n);
        return err_set(ERR_NOMEM, "no memory for a server");
    }
    n->login = opts->login;
    n->find = opts->find;
    n->ctx = opts->ctx;
    n->mender = opts->mender;
    n->place = opts->place;
    n->back_ms = clock_mono_ms() - STEADY_MS;
    if (*conn != NULL)
        n->idle[n->n_idle++] = (struct idle){.conn = *conn, .since_ms = clock_mono_ms()};
    *conn = NULL;
    *ret_node = n;
    return ERR_OK;
}

void
rd_node_free(struct rd_node *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->n_idle; i++)
        rd_conn_free(n->idle[i].conn);
    (void)pthread_mutex_destroy(&n->lock);
    free(n);
}

bool
rd_node_is_away(struct rd_node *n)
{
    bool is_away;

    (void)pthread_mutex_lock(&n->lock);
    is_away = n->is_away;
    (void)pthread_mutex_unlock(&n->lock);
    return is_away;
}

void
rd_node_place(struct rd_node *n, struct rd_place *ret_place)
{
    (void)pthread_mutex_lock(&n->lock);
    *ret_place = n->place;
    (void)pthread_mutex_unlock(&n->lock);
}

/* ---- away and back ---- */

static void
log_move(enum log_level level, const char *event, const struct dial_addr *addr,
         const struct log_field *why)
{
    char text[DIAL_TEXT_LEN];
    struct log_field fields[2] = {LOG_TEXT("server", text), *why};

    dial_text(addr, text);
    log_event(level, event, fields, ARRAY_LEN(fields));
}

/* It was found away by a call that began in `stay`. */
static void
leave(struct rd_node *n, uint64_t stay, const char *reason)
{
    struct idle idle[RD_IDLE_MAX];
    int64_t now_ms = clock_mono_ms();
    struct dial_addr addr;
    size_t n_idle;

    (void)pthread_mutex_lock(&n->lock);
    if (n->is_away || n->stay != stay) { /* told by another call, or back since */
        (void)pthread_mutex_unlock(&n->lock);
        return;
    }
    n->is_away = true;
    n->away_ms = now_ms;
    n->stay++;
    n->wait_ms = now_ms - n->back_ms < STEADY_MS ? earlier(n->wait_ms * 2, RD_RETRY_MAX_MS) : 0;
    if (n->wait_ms < RD_RETRY_MS)
        n->wait_ms = RD_RETRY_MS;
    n->due_ms = now_ms + n->wait_ms;
    memcpy(idle, n->idle, n->n_idle * sizeof(idle[0]));
    n_idle = n->n_idle;
    n->n_idle = 0;
    addr = n->place.addr;
    (void)pthread_mutex_unlock(&n->lock);

    for (size_t i = 0; i < n_idle; i++)
        rd_conn_free(idle[i].conn);
    log_move(LOG_WARN, "redis_away", &addr, &(struct log_field)LOG_TEXT("reason", reason));
    if (n->mender != NULL)
        rd_mender_wake(n->mender);
}

int64_t
rd_node_due_ms(struct rd_node *n)
{
    int64_t due_ms;

    (void)pthread_mutex_lock(&n->lock);
    due_ms = n->is_away && n->find != NULL ? n->due_ms : -1;
    (void)pthread_mutex_unlock(&n->lock);
    return due_ms;
}

void
rd_node_mend(struct rd_node *n)
{
    struct rd_place place;
    struct rd_conn *conn = NULL;
    int64_t now_ms, away_ms;

    if (n->find(n->ctx, &place, &conn) != ERR_OK) {
        now_ms = clock_mono_ms();
        (void)pthread_mutex_lock(&n->lock);
        n->wait_ms = earlier(n->wait_ms * 2, RD_RETRY_MAX_MS);
        n->due_ms = now_ms + n->wait_ms;
        (void)pthread_mutex_unlock(&n->lock);
        return;
    }
    now_ms = clock_mono_ms();
    (void)pthread_mutex_lock(&n->lock);
    n->place = place;
    n->is_away = false;
    n->back_ms = now_ms;
    away_ms = now_ms - n->away_ms;
    n->idle[n->n_idle++] = (struct idle){.conn = conn, .since_ms = now_ms}; /* the first */
    (void)pthread_mutex_unlock(&n->lock);
    log_move(LOG_INFO, "redis_back", &place.addr, &(struct log_field)LOG_INT("away_ms", away_ms));
}

/* ---- connections ---- */

/* The connection that was used last; NULL: none lies idle. ERR_UNAVAIL: the server is away. */
static enum err
pop(struct rd_node *n, struct loan *ret_loan, int64_t *ret_since_ms)
{
    struct loan loan = {.conn = NULL};
    bool is_away;

    (void)pthread_mutex_lock(&n->lock);
    is_away = n->is_away;
    loan.stay = n->stay;
    if (!is_away && n->n_idle > 0) {
        loan.conn = n->idle[--n->n_idle].conn;
        *ret_since_ms = n->idle[n->n_idle].since_ms;
    }
    (void)pthread_mutex_unlock(&n->lock);
    if (is_away)
        return err_set(ERR_UNAVAIL, "Redis is away");
    *ret_loan = loan;
    return ERR_OK;
}

static const char *
reason_of(enum err e)
{
    switch (e) {
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_DENIED:
        return "denied";
    case ERR_CLOSED:
    case ERR_IO:
        return "closed";
    case ERR_UNAVAIL:
        return "unreachable";
    default:
        return "no redis";
    }
}

static enum err
connect_anew(struct rd_node *n, int64_t deadline_ms, struct loan *loan)
{
    struct rd_place place;
    enum err e;

    deadline_ms = earlier(deadline_ms, clock_mono_ms() + RD_CONNECT_MS);
    rd_node_place(n, &place);
    e = rd_conn_open(n->login, &place.addr, place.host, deadline_ms, &loan->conn);
    loan->is_fresh = true;
    if (e == ERR_OK || e == ERR_NOMEM)
        return e;
    leave(n, loan->stay, reason_of(e));
    return err_set(ERR_UNAVAIL, "Redis went away (%s)", reason_of(e));
}

/* A connection for a call: an idle one that is in order, unless a fresh one is wanted. */
static enum err
borrow(struct rd_node *n, bool want_fresh, int64_t deadline_ms, struct loan *ret_loan)
{
    int64_t since_ms = 0, oldest_ms = clock_mono_ms() - RD_IDLE_MS;
    enum err e;

    for (;;) {
        e = pop(n, ret_loan, &since_ms);
        if (e != ERR_OK)
            return e;
        if (ret_loan->conn == NULL)
            return connect_anew(n, deadline_ms, ret_loan);
        if (!want_fresh && since_ms >= oldest_ms && rd_conn_is_quiet(ret_loan->conn))
            return ERR_OK;
        rd_conn_free(ret_loan->conn);
    }
}

/* The connection is in order: it lies idle from now on. */
static void
give_back(struct rd_node *n, const struct loan *loan)
{
    struct rd_conn *old = NULL, *conn = loan->conn;
    int64_t now_ms = clock_mono_ms();

    (void)pthread_mutex_lock(&n->lock);
    if (n->n_idle > 0 && n->idle[0].since_ms < now_ms - RD_IDLE_MS) {
        old = n->idle[0].conn; /* nobody has come down to it for minutes */
        n->n_idle--;
        memmove(n->idle, n->idle + 1, n->n_idle * sizeof(n->idle[0]));
    }
    if (!n->is_away && n->stay == loan->stay && n->n_idle < RD_IDLE_MAX) {
        n->idle[n->n_idle++] = (struct idle){.conn = conn, .since_ms = now_ms};
        conn = NULL;
    }
    (void)pthread_mutex_unlock(&n->lock);
    rd_conn_free(old);
    rd_conn_free(conn);
}

/* ---- an exchange ---- */

struct batch {
    const struct rd_command *cs;
    size_t count;
    enum err *errs; /* UNSENT while there is no answer and the command may be sent */
    redisReply **replies;
};

enum { UNSENT = ERR_CLOSED }; /* never comes out of an exchange itself */

static void
settle_all(struct batch *b, enum err e)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->errs[i] == (enum err)UNSENT)
            b->errs[i] = e;
    }
}

/* Send what is unsent and take the replies, of which the first that makes the server away is told
 * in `ret_away`. */
static enum err
converse(struct batch *b, struct rd_conn *c, int64_t deadline_ms, struct rd_error *ret_away)
{
    struct rd_error said;
    enum err e = ERR_OK;

    for (size_t i = 0; i < b->count && e == ERR_OK; i++) {
        if (b->errs[i] == (enum err)UNSENT)
            e = rd_conn_add(c, &b->cs[i]);
    }
    if (e == ERR_OK)
        e = rd_conn_send(c, deadline_ms);
    for (size_t i = 0; i < b->count && e == ERR_OK; i++) {
        if (b->errs[i] != (enum err)UNSENT)
            continue;
        e = rd_conn_reply(c, deadline_ms, &b->replies[i]);
        if (e != ERR_OK)
            break;
        b->errs[i] = ERR_OK;
        if (b->replies[i]->type == REDIS_REPLY_ERROR && !ret_away->is_away) {
            rd_error_read(b->replies[i]->str, b->replies[i]->len, &said);
            if (said.is_away)
                *ret_away = said;
        }
    }
    return e;
}

/* One connection's worth. ERR_CLOSED: it had lain idle and broke before a reply began; what has no
 * answer is still UNSENT. */
static enum err
attempt(struct rd_node *n, struct batch *b, const struct loan *loan, int64_t deadline_ms)
{
    struct rd_error away = {.is_away = false};
    bool has_begun;
    enum err e;

    deadline_ms = earlier(deadline_ms, clock_mono_ms() + RD_CALL_MS);
    e = converse(b, loan->conn, deadline_ms, &away);
    if (away.is_away)
        leave(n, loan->stay, away.word);
    if (e == ERR_OK) {
        give_back(n, loan);
        return ERR_OK;
    }
    has_begun = rd_conn_has_begun(loan->conn);
    rd_conn_free(loan->conn);
    if (e == ERR_TIMEOUT) {
        leave(n, loan->stay, reason_of(e));
        e = err_set(ERR_UNAVAIL, "Redis does not answer in time");
    } else if (e == ERR_CLOSED || e == ERR_IO) {
        if (!loan->is_fresh && !has_begun)
            return ERR_CLOSED;
        if (loan->is_fresh)
            leave(n, loan->stay, reason_of(e));
        e = err_set(ERR_UNAVAIL, "Redis hung up");
    }
    settle_all(b, e);
    return e;
}

/* Whether something is left that may be sent again. */
static bool
may_send_again(struct batch *b)
{
    bool may = false;

    for (size_t i = 0; i < b->count; i++) {
        if (b->errs[i] != (enum err)UNSENT)
            continue;
        if (b->cs[i].is_idempotent)
            may = true;
        else
            b->errs[i] = err_set(ERR_UNAVAIL, "Redis hung up");
    }
    return may;
}

static enum err
first_error(const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->errs[i] != ERR_OK)
            return b->errs[i];
    }
    return ERR_OK;
}

enum err
rd_node_exchange(struct rd_node *n, const struct rd_command *cs, size_t count, int64_t deadline_ms,
                 enum err *ret_errs, redisReply **ret_replies)
{
    struct batch b = {.cs = cs, .count = count, .errs = ret_errs, .replies = ret_replies};
    struct loan loan;
    enum err e;

    for (size_t i = 0; i < count; i++) {
        ret_errs[i] = (enum err)UNSENT;
        ret_replies[i] = NULL;
    }
    e = borrow(n, false, deadline_ms, &loan);
    if (e == ERR_OK)
        e = attempt(n, &b, &loan, deadline_ms);
    if (e == ERR_CLOSED && may_send_again(&b)) {
        e = borrow(n, true, deadline_ms, &loan);
        if (e == ERR_OK)
            e = attempt(n, &b, &loan, deadline_ms);
    }
    settle_all(&b, e);
    return first_error(&b);
}
