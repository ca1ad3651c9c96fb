/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/route.h"

#include "base/clock.h"
#include "redis/error.h"

#include <string.h>
#include <time.h>

/* A slot on the move takes an owner, an ASK and perhaps a MOVED to find; three waits of 20, 40 and
 * 80 ms are what a thread that serves others can afford. */
enum { HOPS_MAX = 10, WAITS_MAX = 3, WAIT_MS = 20, GROUP_MAX = 64, PENDING = ERR_N };

static struct rd_member *
member_of(struct rd_cluster *c, const struct rd_command *command)
{
    int i = command->i_key;

    if (i == 0)
        return rd_cluster_any(c);
    return rd_cluster_of_slot(c, rd_slot(command->argv[i], command->lens[i]));
}

static enum err
nobody(void)
{
    return err_set(ERR_UNAVAIL, "no server of the Redis Cluster has this slot");
}

/* ---- where a server sends us ---- */

struct trip {
    struct rd_cluster *cluster;
    const struct rd_command *command;
    int64_t deadline_ms;
    struct rd_member *at; /* ours to release; NULL: still where it was sent first */
    unsigned n_waits;
};

enum turn { TURN_STAY, TURN_GO, TURN_ASK }; /* the reply counts; send it again; after ASKING */

/* False: there is no time left, or it was tried often enough. */
static bool
wait_a_little(struct trip *t)
{
    int64_t ms = (int64_t)WAIT_MS << t->n_waits;
    struct timespec span = {.tv_nsec = (long)ms * 1000000};

    if (t->n_waits == WAITS_MAX || clock_mono_ms() + ms >= t->deadline_ms)
        return false;
    t->n_waits++;
    (void)nanosleep(&span, NULL);
    return true;
}

/* Where next after an error reply of the host `asked`: `ret_to`. */
static enum err
read_turn(struct trip *t, const redisReply *reply, const char *asked, enum turn *ret_turn,
          struct rd_member **ret_to)
{
    struct rd_redirect r;
    struct rd_error said;
    enum err e;

    *ret_turn = TURN_STAY;
    rd_error_read(reply->str, reply->len, &said);
    if (strcmp(said.word, "TRYAGAIN") == 0 && wait_a_little(t)) {
        *ret_turn = TURN_GO;
        *ret_to = member_of(t->cluster, t->command);
        return *ret_to != NULL ? ERR_OK : nobody();
    }
    if (strcmp(said.word, "CLUSTERDOWN") == 0) /* it may be this server only */
        rd_cluster_refresh(t->cluster);
    if (!said.is_redirect)
        return ERR_OK;
    e = rd_redirect_read(reply->str, reply->len, asked, &r);
    if (e == ERR_OK)
        e = rd_cluster_of_host(t->cluster, &r.to, ret_to);
    if (e != ERR_OK)
        return e;
    *ret_turn = r.is_ask ? TURN_ASK : TURN_GO;
    if (!r.is_ask)
        rd_cluster_moved(t->cluster, r.slot, *ret_to);
    return ERR_OK;
}

static enum err
send_after_asking(struct trip *t, redisReply **ret_reply)
{
    static const char *const argv[] = {"ASKING"};
    static const size_t lens[] = {6};
    struct rd_command both[2] = {{.argc = 1, .argv = argv, .lens = lens}, *t->command};
    redisReply *replies[2];
    enum err errs[2];

    both[0].is_idempotent = both[1].is_idempotent; /* neither goes without the other */
    (void)!rd_node_exchange(rd_member_node(t->at), both, 2, t->deadline_ms, errs, replies);
    freeReplyObject(replies[0]); /* when it was refused, the command is sent elsewhere again */
    *ret_reply = replies[1];
    return errs[1];
}

/* Follow a command from where it was sent first until a reply counts. */
static enum err
follow(struct trip *t, const char *asked, redisReply **reply)
{
    struct rd_member *to = NULL;
    enum turn turn;
    enum err e;

    for (int i = 0; i < HOPS_MAX && (*reply)->type == REDIS_REPLY_ERROR; i++) {
        e = read_turn(t, *reply, asked, &turn, &to);
        if (e == ERR_OK && turn == TURN_STAY)
            return ERR_OK;
        freeReplyObject(*reply);
        *reply = NULL;
        if (e != ERR_OK)
            return e;
        rd_member_release(t->at);
        t->at = to;
        asked = rd_member_name(to);
        if (turn == TURN_ASK)
            e = send_after_asking(t, reply);
        else
            (void)!rd_node_exchange(rd_member_node(to), t->command, 1, t->deadline_ms, &e, reply);
        if (*reply == NULL)
            return e;
    }
    return ERR_OK;
}

/* ---- commands by server ---- */

struct group {
    struct rd_member *member;
    size_t n, at[GROUP_MAX]; /* which of all they are */
    struct rd_command cs[GROUP_MAX];
    enum err errs[GROUP_MAX];
    redisReply *replies[GROUP_MAX];
};

/* The next pending command, and those that go to the same server. */
static void
gather(struct rd_cluster *c, const struct rd_command *cs, size_t count, enum err *errs,
       struct group *g)
{
    struct rd_member *m;

    g->member = NULL;
    g->n = 0;
    for (size_t i = 0; i < count && g->n < GROUP_MAX; i++) {
        if (errs[i] != (enum err)PENDING)
            continue;
        m = member_of(c, &cs[i]);
        if (m == NULL) {
            errs[i] = nobody();
            continue;
        }
        if (g->member == NULL || g->member == m) {
            g->at[g->n] = i;
            g->cs[g->n] = cs[i];
            g->errs[g->n] = (enum err)PENDING;
            g->replies[g->n++] = NULL;
        }
        if (g->member == NULL)
            g->member = m;
        else
            rd_member_release(m);
    }
}

static void
run_group(struct rd_cluster *c, struct group *g, int64_t deadline_ms, enum err *ret_errs,
          redisReply **ret_replies)
{
    (void)!rd_node_exchange(rd_member_node(g->member), g->cs, g->n, deadline_ms, g->errs,
                            g->replies);
    for (size_t i = 0; i < g->n; i++) {
        struct trip t = {.cluster = c, .command = &g->cs[i], .deadline_ms = deadline_ms};

        if (g->replies[i] != NULL)
            g->errs[i] = follow(&t, rd_member_name(g->member), &g->replies[i]);
        rd_member_release(t.at);
        ret_errs[g->at[i]] = g->errs[i];
        ret_replies[g->at[i]] = g->replies[i];
    }
    rd_member_release(g->member);
}

enum err
rd_route_exchange(struct rd_cluster *c, const struct rd_command *cs, size_t count,
                  int64_t deadline_ms, enum err *ret_errs, redisReply **ret_replies)
{
    struct group g;

    for (size_t i = 0; i < count; i++) {
        ret_errs[i] = (enum err)PENDING;
        ret_replies[i] = NULL;
    }
    for (gather(c, cs, count, ret_errs, &g); g.n > 0; gather(c, cs, count, ret_errs, &g))
        run_group(c, &g, deadline_ms, ret_errs, ret_replies);
    for (size_t i = 0; i < count; i++)
        if (ret_errs[i] != ERR_OK)
            return ret_errs[i];
    return ERR_OK;
}
