/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/guard.h"

#include "base/log.h"
#include "policy/netset.h"
#include "policy/policy_int.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    NETS_MAX = 3,
    KNOWN_S = 86400, /* how long a success is remembered */
    BUDGET_S = 3600,
    BUDGET_SHIFT = 20, /* of the chance that is allowed: 2^-20 */
};

static const char budget_name[] = "budget";

/* The budget's counter as we last saw it. Within one second it is not asked for again: every
 * request needs it, and our own failures are put in here as they happen. */
struct seen_budget {
    int64_t at_s; /* INT64_MIN: never */
    struct counter_state state;
    uint64_t n_updates; /* by our own failures */
};

struct guard {
    struct guard_cfg cfg;
    struct counters counters;
    pthread_mutex_t lock; /* of what follows; never held during a call to the counters or log */
    struct netset *known; /* networks with a success */
    struct seen_budget seen;
    uint64_t budget;           /* what guard_ask last allowed an hour */
    int64_t budget_logged_for; /* end of the last hour for which it was logged */
    struct guard_stats stats;
};

static const char *
action_name(enum guard_action action)
{
    static const char *const names[GUARD_N] = {
        [GUARD_DOWNLOAD] = "download",
        [GUARD_PREVIEW] = "preview",
        [GUARD_STATUS] = "status",
        [GUARD_BURN] = "burn",
    };

    assert((unsigned)action < GUARD_N);
    return names[action];
}

enum err
guard_new(const struct guard_cfg *cfg, const struct counters *counters, struct guard **ret_guard)
{
    struct guard *g = calloc(1, sizeof(*g));
    enum err e;

    if (g == NULL)
        return err_set(ERR_NOMEM, "no memory for a guard");
    e = netset_new(&g->known);
    if (e != ERR_OK) {
        free(g);
        return e;
    }
    (void)pthread_mutex_init(&g->lock, NULL);
    g->cfg = *cfg;
    g->counters = *counters;
    g->seen.at_s = INT64_MIN;
    g->budget = guard_budget(cfg->list_words, cfg->code_words, 0);
    *ret_guard = g;
    return ERR_OK;
}

void
guard_free(struct guard *g)
{
    if (g == NULL)
        return;
    netset_free(g->known);
    (void)pthread_mutex_destroy(&g->lock);
    free(g);
}

uint64_t
guard_budget(uint32_t list_words, unsigned code_words, uint64_t n_live)
{
    __extension__ typedef unsigned __int128 uint128; /* 5 words of a long list pass 64 bits */
    uint128 n_codes = 1, allowed;

    for (unsigned i = 0; i < code_words && n_codes >> 96 == 0; i++)
        n_codes *= list_words;
    allowed = (n_codes >> BUDGET_SHIFT) / (n_live == 0 ? 1 : n_live);
    if (allowed > UINT64_MAX)
        return UINT64_MAX;
    return allowed == 0 ? 1 : (uint64_t)allowed;
}

/* The networks whose failures count for `client`, the smallest first. */
static unsigned
nets_of(const struct netaddr *client, struct netaddr ret_nets[NETS_MAX])
{
    ret_nets[0] = policy_net(client);
    if (client->family != NETADDR_V6)
        return 1;
    ret_nets[1] = netaddr_cut(client, 56);
    ret_nets[2] = netaddr_cut(client, 48);
    return 3;
}

/* Once, twice and four times the configured limit. */
static uint64_t
limit_of(const struct guard *g, unsigned i_net)
{
    return g->cfg.fail_limit > UINT64_MAX >> i_net ? UINT64_MAX : g->cfg.fail_limit << i_net;
}

/* ---- the budget ---- */

/* Whether two ends of an hour are of the same one. A store shared by several nodes may work them
 * out from the time that is left, and be a second off. */
static bool
is_same_hour(int64_t a_s, int64_t b_s)
{
    return a_s - b_s < BUDGET_S / 2 && b_s - a_s < BUDGET_S / 2;
}

/* Under the lock: is the budget spent, and does a log line have to say so? */
static bool
is_spent(struct guard *g, bool *ret_has_news)
{
    g->stats.budget_used = g->seen.state.value;
    g->stats.is_over_budget = g->seen.state.value >= g->budget;
    *ret_has_news =
        g->stats.is_over_budget && !is_same_hour(g->budget_logged_for, g->seen.state.resets_at_s);
    if (*ret_has_news)
        g->budget_logged_for = g->seen.state.resets_at_s;
    return g->stats.is_over_budget;
}

static void
log_budget(uint64_t budget, int64_t resets_at_s, int64_t now_s)
{
    const struct log_field fields[] = {
        LOG_INT("budget", budget < INT64_MAX ? budget : INT64_MAX),
        LOG_INT("window_s", BUDGET_S),
        LOG_INT("resets_in_s", resets_at_s - now_s),
    };

    log_event(LOG_WARN, "guard_over_budget", fields, 3);
}

/* Bring `seen` to this second. What our own failures put there meanwhile is newer than what the
 * store said before them. */
static enum err
look_at_budget(struct guard *g, int64_t now_s)
{
    struct counter_state state;
    uint64_t n_updates;
    bool is_new;
    enum err e;

    (void)pthread_mutex_lock(&g->lock);
    is_new = g->seen.at_s == now_s;
    n_updates = g->seen.n_updates;
    (void)pthread_mutex_unlock(&g->lock);
    if (is_new)
        return ERR_OK;
    e = g->counters.peek(g->counters.ctx, budget_name, now_s, &state);
    if (e != ERR_OK)
        return e;
    (void)pthread_mutex_lock(&g->lock);
    if (g->seen.n_updates == n_updates)
        g->seen.state = state;
    g->seen.at_s = now_s;
    (void)pthread_mutex_unlock(&g->lock);
    return ERR_OK;
}

/* Whether `net` had a success within the last day, as far as we or the store remember. */
static enum err
is_known(struct guard *g, const struct netaddr *net, int64_t now_s, bool *ret_known)
{
    char name[COUNTER_NAME_LEN];
    struct netset_times times;
    struct counter_state state;
    enum err e;

    (void)pthread_mutex_lock(&g->lock);
    times = netset_get(g->known, net, now_s);
    (void)pthread_mutex_unlock(&g->lock);
    if (times.until_s > now_s) {
        *ret_known = true;
        return ERR_OK;
    }
    policy_counter_name("ok", NULL, net, name);
    e = g->counters.peek(g->counters.ctx, name, now_s, &state);
    if (e != ERR_OK)
        return e;
    if (state.value > 0) {
        times = (struct netset_times){state.resets_at_s, state.resets_at_s};
        (void)pthread_mutex_lock(&g->lock);
        netset_put(g->known, net, times);
        (void)pthread_mutex_unlock(&g->lock);
    }
    *ret_known = state.value > 0;
    return ERR_OK;
}

/* `ret_until_s` is when `net` may ask again; untouched when it may now. */
static enum err
ask_budget(struct guard *g, const struct netaddr *net, uint64_t n_live, int64_t now_s,
           int64_t *ret_until_s)
{
    uint64_t budget = guard_budget(g->cfg.list_words, g->cfg.code_words, n_live);
    bool spent, has_news, known = false;
    int64_t resets_at_s;
    enum err e;

    e = look_at_budget(g, now_s);
    if (e != ERR_OK)
        return e;
    (void)pthread_mutex_lock(&g->lock);
    g->budget = budget;
    spent = is_spent(g, &has_news);
    resets_at_s = g->seen.state.resets_at_s;
    (void)pthread_mutex_unlock(&g->lock);
    if (has_news)
        log_budget(budget, resets_at_s, now_s);
    if (!spent)
        return ERR_OK;
    e = is_known(g, net, now_s, &known);
    if (e == ERR_OK && !known)
        *ret_until_s = resets_at_s > now_s ? resets_at_s : now_s + 1;
    return e;
}

/* ---- asking and telling ---- */

enum err
guard_ask(struct guard *g, enum guard_action action, const struct netaddr *client, uint64_t n_live,
          int64_t now_s, int64_t *ret_retry_s)
{
    struct netaddr nets[NETS_MAX];
    unsigned n_nets = nets_of(client, nets);
    char name[COUNTER_NAME_LEN];
    struct counter_state state;
    int64_t until_s = now_s;
    enum err e;

    for (unsigned i = 0; i < n_nets; i++) {
        policy_counter_name("block", action_name(action), &nets[i], name);
        e = g->counters.peek(g->counters.ctx, name, now_s, &state);
        if (e != ERR_OK)
            return e;
        if (state.value > 0 && state.resets_at_s > until_s)
            until_s = state.resets_at_s;
    }
    if (until_s == now_s) {
        e = ask_budget(g, &nets[0], n_live, now_s, &until_s);
        if (e != ERR_OK || until_s == now_s)
            return e;
    }
    (void)pthread_mutex_lock(&g->lock);
    g->stats.n_refused++;
    (void)pthread_mutex_unlock(&g->lock);
    *ret_retry_s = until_s - now_s;
    return err_set(ERR_BLOCKED, "too many failed look-ups");
}

static void
log_block(const struct guard *g, enum guard_action action, const struct netaddr *net)
{
    struct netaddr cut = netaddr_cut(net, net->family == NETADDR_V4 ? 24 : 48);
    char text[NETADDR_TEXT_LEN];
    const struct log_field fields[] = {
        LOG_TEXT("action", action_name(action)),
        LOG_TEXT("network", text),
        LOG_INT("block_s", g->cfg.block_window_s),
    };

    netaddr_text(&cut, text);
    log_event(LOG_WARN, "guard_block", fields, 3);
}

/* Count a failure for one network; from the limit on, block it. A block that is there already is
 * not prolonged, and the line in the log comes from whoever made it. */
static enum err
count_failure(struct guard *g, enum guard_action action, const struct netaddr *net, uint64_t limit,
              int64_t now_s)
{
    const struct counters *c = &g->counters;
    char name[COUNTER_NAME_LEN];
    struct counter_state state;
    enum err e;

    policy_counter_name("fails", action_name(action), net, name);
    e = c->count(c->ctx, name, 1, g->cfg.fail_window_s, now_s, &state);
    if (e != ERR_OK || state.value < limit)
        return e;
    policy_counter_name("block", action_name(action), net, name);
    e = c->count(c->ctx, name, 1, g->cfg.block_window_s, now_s, &state);
    if (e != ERR_OK || state.value > 1)
        return e;
    (void)pthread_mutex_lock(&g->lock);
    g->stats.n_blocks++;
    (void)pthread_mutex_unlock(&g->lock);
    log_block(g, action, net);
    return ERR_OK;
}

/* Count a failure in the budget, and note what the counter said; of two that were counted at the
 * same time the higher one is the later. */
static enum err
count_budget(struct guard *g, int64_t now_s)
{
    struct counter_state state;
    uint64_t budget;
    bool has_news;
    enum err e;

    e = g->counters.count(g->counters.ctx, budget_name, 1, BUDGET_S, now_s, &state);
    if (e != ERR_OK)
        return e;
    (void)pthread_mutex_lock(&g->lock);
    if (!is_same_hour(state.resets_at_s, g->seen.state.resets_at_s) ||
        state.value > g->seen.state.value)
        g->seen.state = state;
    g->seen.n_updates++;
    budget = g->budget;
    (void)is_spent(g, &has_news);
    (void)pthread_mutex_unlock(&g->lock);
    if (has_news)
        log_budget(budget, state.resets_at_s, now_s);
    return ERR_OK;
}

enum err
guard_failed(struct guard *g, enum guard_action action, const struct netaddr *client, int64_t now_s)
{
    struct netaddr nets[NETS_MAX];
    unsigned n_nets = nets_of(client, nets);
    enum err e;

    (void)pthread_mutex_lock(&g->lock);
    g->stats.n_failures++;
    (void)pthread_mutex_unlock(&g->lock);
    for (unsigned i = 0; i < n_nets; i++) {
        e = count_failure(g, action, &nets[i], limit_of(g, i), now_s);
        if (e != ERR_OK)
            return e;
    }
    return count_budget(g, now_s);
}

enum err
guard_succeeded(struct guard *g, const struct netaddr *client, int64_t now_s)
{
    const struct netaddr net = policy_net(client);
    char name[COUNTER_NAME_LEN];
    struct netset_times times;
    struct counter_state state;
    enum err e;

    (void)pthread_mutex_lock(&g->lock);
    times = netset_get(g->known, &net, now_s);
    if (times.stored_until_s > now_s && times.until_s < now_s + KNOWN_S) {
        times.until_s = now_s + KNOWN_S;
        netset_put(g->known, &net, times);
    }
    (void)pthread_mutex_unlock(&g->lock);
    if (times.stored_until_s > now_s)
        return ERR_OK;
    policy_counter_name("ok", NULL, &net, name);
    e = g->counters.count(g->counters.ctx, name, 1, KNOWN_S, now_s, &state);
    if (e != ERR_OK)
        return e;
    times = (struct netset_times){now_s + KNOWN_S, state.resets_at_s};
    (void)pthread_mutex_lock(&g->lock);
    netset_put(g->known, &net, times);
    (void)pthread_mutex_unlock(&g->lock);
    return ERR_OK;
}

void
guard_stats(struct guard *g, struct guard_stats *ret_stats)
{
    (void)pthread_mutex_lock(&g->lock);
    *ret_stats = g->stats;
    (void)pthread_mutex_unlock(&g->lock);
}
