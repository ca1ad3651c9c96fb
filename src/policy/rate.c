/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/rate.h"

#include "base/text.h"
#include "policy/policy_int.h"

#include <string.h>

enum { RATE_MAX = 1000000 };

enum err
rate_parse(const char *text, struct rate *ret_rate)
{
    static const struct {
        const char *name;
        int64_t s;
    } units[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};
    const char *slash = strchr(text, '/');
    uint64_t n;

    if (text_same(text, "off")) {
        *ret_rate = (struct rate){.n = 0, .window_s = 1};
        return ERR_OK;
    }
    if (slash == NULL || text_u64(text, (size_t)(slash - text), RATE_MAX, &n) != ERR_OK || n == 0)
        return err_set(ERR_SYNTAX, "not a rate of 1 to %d per second, minute, hour or day",
                       RATE_MAX);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text_same(slash + 1, units[i].name)) {
            *ret_rate = (struct rate){.n = n, .window_s = units[i].s};
            return ERR_OK;
        }
    }
    return err_set(ERR_SYNTAX, "not a rate per second, minute, hour or day");
}

enum err
rate_take(const struct rate *r, const struct counters *c, const char *kind,
          const struct netaddr *client, int64_t now_s, int64_t *ret_retry_s)
{
    const struct netaddr net = policy_net(client);
    char name[COUNTER_NAME_LEN];
    struct counter_state state;
    enum err e;

    if (r->n == 0)
        return ERR_OK;
    policy_counter_name("rate", kind, &net, name);
    e = c->count(c->ctx, name, 1, r->window_s, now_s, &state);
    if (e != ERR_OK || state.value <= r->n)
        return e;
    *ret_retry_s = state.resets_at_s > now_s ? state.resets_at_s - now_s : 1;
    return err_set(ERR_LIMITED, "more than %llu requests in %lld s", (unsigned long long)r->n,
                   (long long)r->window_s);
}
