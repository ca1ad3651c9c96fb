/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/cluster_int.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/netaddr.h"
#include "base/text.h"

#include <string.h>
#include <time.h>

/* ---- members ---- */

/* How the mender brings one back; meanwhile another may have its slots. */
static enum err
find_member(void *ctx, struct rd_place *ret_place, struct rd_conn **ret_conn)
{
    struct rd_member *m = ctx;
    struct rd_info info;

    rd_cluster_refresh(m->cluster);
    return rd_find_host(&m->cluster->opts.finder, &m->host, ret_place, ret_conn, &info);
}

void
rd_member_free(struct rd_member *m)
{
    rd_mender_remove(m->cluster->opts.mender, m->node);
    rd_node_free(m->node);
    free(m);
}

static enum err
member_new(struct rd_cluster *c, const struct rd_host *host, const struct dial_addr *addr,
           struct rd_member **ret_member)
{
    struct rd_node_opts opts = {.login = c->opts.finder.login, .find = find_member};
    struct rd_member *m = calloc(1, sizeof(*m));
    struct rd_conn *none = NULL;
    enum err e;

    if (m == NULL)
        return err_set(ERR_NOMEM, "no memory for a server");
    m->cluster = c;
    m->host = *host;
    opts.ctx = m;
    opts.mender = c->opts.mender;
    opts.place.addr = *addr;
    memcpy(opts.place.host, host->name, sizeof(opts.place.host));
    e = rd_node_new(&opts, &none, &m->node);
    if (e == ERR_OK)
        e = rd_mender_add(c->opts.mender, m->node);
    if (e != ERR_OK) {
        rd_node_free(m->node);
        free(m);
        return e;
    }
    *ret_member = m;
    return ERR_OK;
}

static struct rd_member *
take(struct rd_member *m)
{
    if (m != NULL)
        atomic_fetch_add(&m->n_refs, 1);
    return m;
}

void
rd_member_release(struct rd_member *m)
{
    if (m != NULL)
        atomic_fetch_sub(&m->n_refs, 1);
}

struct rd_node *
rd_member_node(struct rd_member *m)
{
    return m->node;
}

const char *
rd_member_name(const struct rd_member *m)
{
    return m->host.name;
}

/* With the lock. */
static struct rd_member *
member_at(const struct rd_cluster *c, const struct rd_host *host)
{
    for (size_t i = 0; i < c->n_members; i++)
        if (c->members[i]->host.port == host->port &&
            text_same(c->members[i]->host.name, host->name))
            return c->members[i];
    return NULL;
}

static struct rd_member *
take_known(struct rd_cluster *c, const struct rd_host *host)
{
    struct rd_member *m;

    (void)pthread_rwlock_rdlock(&c->lock);
    m = take(member_at(c, host));
    (void)pthread_rwlock_unlock(&c->lock);
    return m;
}

/* Put it among the others, unless another thread has done so meanwhile. */
static enum err
add_member(struct rd_cluster *c, struct rd_member **m, struct rd_member **ret_member)
{
    struct rd_member *known;
    enum err e = ERR_OK;

    (void)pthread_rwlock_wrlock(&c->lock);
    known = member_at(c, &(*m)->host);
    if (known != NULL) {
        *ret_member = take(known);
    } else if (c->n_members == MEMBERS_MAX) {
        e = err_set(ERR_UNAVAIL, "too many servers in the Redis Cluster");
    } else {
        c->members[c->n_members++] = *m;
        *ret_member = take(*m);
        *m = NULL;
    }
    (void)pthread_rwlock_unlock(&c->lock);
    return e;
}

/* `may_look_up`: the thread may wait for a name to be looked up. */
enum err
rd_cluster_ensure(struct rd_cluster *c, const struct rd_host *host, bool may_look_up,
                  struct rd_member **ret_member)
{
    struct rd_member *known = take_known(c, host), *m = NULL;
    struct dial_addrs addrs;
    struct netaddr numeric;
    enum err e;

    if (known != NULL) {
        *ret_member = known;
        return ERR_OK;
    }
    if (!may_look_up && netaddr_parse(host->name, strlen(host->name), &numeric) != ERR_OK)
        return err_set(ERR_UNAVAIL, "a server of the Redis Cluster has yet to be looked up");
    e = dial_resolve(host->name, host->port, &addrs);
    if (e == ERR_OK)
        e = member_new(c, host, &addrs.all[0], &m);
    if (e == ERR_OK)
        e = add_member(c, &m, ret_member);
    if (m != NULL)
        rd_member_free(m);
    return e;
}

struct rd_member *
rd_cluster_of_slot(struct rd_cluster *c, unsigned slot)
{
    struct rd_member *m;

    (void)pthread_rwlock_rdlock(&c->lock);
    m = take(c->of_slot[slot]);
    (void)pthread_rwlock_unlock(&c->lock);
    if (m == NULL)
        rd_cluster_refresh(c);
    return m;
}

struct rd_member *
rd_cluster_any(struct rd_cluster *c)
{
    struct rd_member *m = NULL;

    (void)pthread_rwlock_rdlock(&c->lock);
    for (size_t i = 0; i < c->n_members && m == NULL; i++)
        if (!rd_node_is_away(c->members[i]->node))
            m = c->members[i];
    if (m == NULL && c->n_members > 0)
        m = c->members[0];
    (void)take(m);
    (void)pthread_rwlock_unlock(&c->lock);
    if (m == NULL)
        rd_cluster_refresh(c);
    return m;
}

enum err
rd_cluster_of_host(struct rd_cluster *c, const struct rd_host *host, struct rd_member **ret_member)
{
    enum err e = rd_cluster_ensure(c, host, false, ret_member);

    if (e != ERR_OK)
        rd_cluster_refresh(c);
    return e;
}

void
rd_cluster_moved(struct rd_cluster *c, unsigned slot, struct rd_member *to)
{
    (void)pthread_rwlock_wrlock(&c->lock);
    if (member_at(c, &to->host) == to) /* it may have left meanwhile */
        c->of_slot[slot] = to;
    (void)pthread_rwlock_unlock(&c->lock);
    rd_cluster_refresh(c);
}

/* ---- the thread ---- */

void
rd_cluster_refresh(struct rd_cluster *c)
{
    (void)pthread_mutex_lock(&c->wake_lock);
    c->is_wanted = true;
    (void)pthread_cond_signal(&c->wake);
    (void)pthread_mutex_unlock(&c->wake_lock);
}

/* Until somebody wants a map, but not before `from_ms`. With the lock. */
static void
wait_for_wish(struct rd_cluster *c, int64_t from_ms)
{
    while (!atomic_load(&c->is_ending) && (!c->is_wanted || clock_mono_ms() < from_ms)) {
        if (c->is_wanted)
            (void)cond_wait_until(&c->wake, &c->wake_lock, from_ms);
        else
            (void)pthread_cond_wait(&c->wake, &c->wake_lock);
    }
}

static void *
run(void *arg)
{
    struct rd_cluster *c = arg;
    int64_t from_ms = 0, pause_ms = RD_RETRY_MS;
    enum err e;

    (void)pthread_mutex_lock(&c->wake_lock);
    for (;;) {
        wait_for_wish(c, from_ms);
        if (atomic_load(&c->is_ending))
            break;
        c->is_wanted = false;
        (void)pthread_mutex_unlock(&c->wake_lock);
        e = rd_cluster_learn(c);
        (void)pthread_mutex_lock(&c->wake_lock);
        pause_ms = e == ERR_OK ? RD_RETRY_MS : pause_ms * 2;
        if (pause_ms > RD_RETRY_MAX_MS)
            pause_ms = RD_RETRY_MAX_MS;
        from_ms = clock_mono_ms() + pause_ms;
        if (e != ERR_OK)
            c->is_wanted = true;
    }
    (void)pthread_mutex_unlock(&c->wake_lock);
    return NULL;
}

/* ---- new and free ---- */

static bool
init_wake(struct rd_cluster *c)
{
    if (!cond_init(&c->wake))
        return false;
    if (pthread_mutex_init(&c->wake_lock, NULL) == 0)
        return true;
    (void)pthread_cond_destroy(&c->wake);
    return false;
}

static bool
init_locks(struct rd_cluster *c)
{
    if (pthread_rwlock_init(&c->lock, NULL) != 0)
        return false;
    if (init_wake(c))
        return true;
    (void)pthread_rwlock_destroy(&c->lock);
    return false;
}

void
rd_cluster_free(struct rd_cluster *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&c->wake_lock);
    atomic_store(&c->is_ending, true);
    (void)pthread_cond_signal(&c->wake);
    (void)pthread_mutex_unlock(&c->wake_lock);
    if (c->has_thread)
        (void)pthread_join(c->thread, NULL);
    for (size_t i = 0; i < c->n_members; i++)
        rd_member_free(c->members[i]);
    rd_cluster_free_left(c);
    (void)pthread_cond_destroy(&c->wake);
    (void)pthread_mutex_destroy(&c->wake_lock);
    (void)pthread_rwlock_destroy(&c->lock);
    free(c);
}

enum err
rd_cluster_new(const struct rd_cluster_opts *opts, struct rd_cluster **ret_cluster)
{
    struct rd_cluster *c = calloc(1, sizeof(*c));
    enum err e;

    if (c == NULL || !init_locks(c)) {
        free(c);
        return err_set(ERR_NOMEM, "no memory for a Redis Cluster");
    }
    c->opts = *opts;
    e = rd_cluster_learn(c);
    if (e == ERR_OK && pthread_create(&c->thread, NULL, run, c) != 0)
        e = err_set(ERR_NOMEM, "no thread to be had");
    if (e != ERR_OK) {
        rd_cluster_free(c);
        return e;
    }
    c->has_thread = true;
    *ret_cluster = c;
    return ERR_OK;
}

enum err
rd_cluster_look_closed(struct rd_cluster *c)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < c->n_members && e != ERR_DENIED; i++) {
        struct rd_place place;

        rd_node_place(c->members[i]->node, &place);
        if (dial_is_local(&place.addr))
            continue;
        e = rd_look_closed(c->opts.finder.login, &place.addr, place.host,
                           clock_mono_ms() + 2 * RD_CONNECT_MS);
    }
    return e == ERR_DENIED ? e : ERR_OK;
}
