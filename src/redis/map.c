/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/map.h"

#include "base/text.h"

#include <string.h>

/* ---- a host ---- */

/* A name or a numeric address without brackets. What it leads to is checked by connecting; this
 * keeps everything out of it that could be more than a name. */
static bool
is_host_char(char c)
{
    return text_is_alpha(c) || text_is_digit(c) || c == '.' || c == ':' || c == '-' || c == '_';
}

static bool
is_unknown(const char *name, size_t len)
{
    return len == 1 && name[0] == '?';
}

enum err
rd_host_read(const char *name, size_t len, const char *asked, char ret_name[RD_HOST_LEN])
{
    if (is_unknown(name, len))
        return err_set(ERR_UNAVAIL, "a Redis names a server that does not know its name");
    if (len == 0) {
        name = asked;
        len = strlen(asked);
    }
    if (len == 0 || len >= RD_HOST_LEN)
        return err_set(ERR_INTEGRITY, "a Redis names a host that is none");
    for (size_t i = 0; i < len; i++)
        if (!is_host_char(name[i]))
            return err_set(ERR_INTEGRITY, "a Redis names a host that is none");
    memcpy(ret_name, name, len);
    ret_name[len] = '\0';
    return ERR_OK;
}

/* ---- the map ---- */

static const redisReply *
item(const redisReply *array, size_t i, int type)
{
    const redisReply *r = i < array->elements ? array->element[i] : NULL;

    return r != NULL && r->type == type ? r : NULL;
}

/* [host, port, id, ...] */
static enum err
read_host(const redisReply *r, const char *asked, struct rd_host *ret_host)
{
    const redisReply *port = item(r, 1, REDIS_REPLY_INTEGER);
    const redisReply *name = item(r, 0, REDIS_REPLY_STRING);
    enum err e;

    if (port == NULL || port->integer < 1 || port->integer > UINT16_MAX)
        return err_set(ERR_INTEGRITY, "a reply to CLUSTER SLOTS that is none");
    if (name == NULL && item(r, 0, REDIS_REPLY_NIL) == NULL)
        return err_set(ERR_INTEGRITY, "a reply to CLUSTER SLOTS that is none");
    e = name != NULL ? rd_host_read(name->str, name->len, asked, ret_host->name)
                     : rd_host_read("", 0, asked, ret_host->name);
    if (e == ERR_OK)
        ret_host->port = (uint16_t)port->integer;
    return e;
}

static bool
same_host(const struct rd_host *a, const struct rd_host *b)
{
    return a->port == b->port && text_same(a->name, b->name);
}

static enum err
index_of(struct rd_map *map, const struct rd_host *host, uint16_t *ret_i)
{
    for (size_t i = 0; i < map->n_hosts; i++) {
        if (same_host(&map->hosts[i], host)) {
            *ret_i = (uint16_t)i;
            return ERR_OK;
        }
    }
    if (map->n_hosts == RD_MASTERS_MAX)
        return err_set(ERR_TOOBIG, "a Redis Cluster of more than %d masters", RD_MASTERS_MAX);
    map->hosts[map->n_hosts] = *host;
    *ret_i = (uint16_t)map->n_hosts++;
    return ERR_OK;
}

/* [first slot, last slot, master, replica...] */
static enum err
read_range(const redisReply *r, const char *asked, uint8_t *seen, struct rd_map *map)
{
    const redisReply *first = item(r, 0, REDIS_REPLY_INTEGER);
    const redisReply *last = item(r, 1, REDIS_REPLY_INTEGER);
    const redisReply *master = item(r, 2, REDIS_REPLY_ARRAY);
    struct rd_host host;
    uint16_t of = RD_NOBODY;
    enum err e;

    if (first == NULL || last == NULL || master == NULL || first->integer < 0 ||
        first->integer > last->integer || last->integer >= RD_SLOTS)
        return err_set(ERR_INTEGRITY, "a reply to CLUSTER SLOTS that is none");
    e = read_host(master, asked, &host);
    if (e == ERR_OK)
        e = index_of(map, &host, &of);
    if (e != ERR_OK && e != ERR_UNAVAIL)
        return e;
    for (long long slot = first->integer; slot <= last->integer; slot++) {
        if (seen[slot])
            return err_set(ERR_INTEGRITY, "a slot of a Redis Cluster that has two masters");
        seen[slot] = 1;
        map->of_slot[slot] = of;
    }
    return ERR_OK;
}

enum err
rd_map_read(const redisReply *reply, const char *asked, struct rd_map *ret_map)
{
    uint8_t seen[RD_SLOTS] = {0};
    enum err e = ERR_OK;

    ret_map->n_hosts = 0;
    for (size_t i = 0; i < RD_SLOTS; i++)
        ret_map->of_slot[i] = RD_NOBODY;
    if (reply->type != REDIS_REPLY_ARRAY)
        return err_set(ERR_INTEGRITY, "a reply to CLUSTER SLOTS that is none");
    for (size_t i = 0; i < reply->elements && e == ERR_OK; i++) {
        const redisReply *range = item(reply, i, REDIS_REPLY_ARRAY);

        e = range != NULL ? read_range(range, asked, seen, ret_map)
                          : err_set(ERR_INTEGRITY, "a reply to CLUSTER SLOTS that is none");
    }
    return e;
}

/* ---- redirects ---- */

/* "3999 127.0.0.1:6381": an IPv6 address has no brackets, so the last colon counts. */
static enum err
read_target(const char *text, size_t len, const char *asked, struct rd_redirect *ret_redirect)
{
    const char *space = len > 0 ? memchr(text, ' ', len) : NULL;
    const char *host, *colon;
    uint64_t slot, port;
    enum err e;

    if (space == NULL)
        return err_set(ERR_INTEGRITY, "a redirect of a Redis Cluster that is none");
    host = space + 1;
    colon = memrchr(host, ':', len - (size_t)(host - text));
    if (colon == NULL || text_u64(text, (size_t)(space - text), RD_SLOTS - 1, &slot) != ERR_OK ||
        text_u64(colon + 1, len - (size_t)(colon + 1 - text), UINT16_MAX, &port) != ERR_OK ||
        port == 0)
        return err_set(ERR_INTEGRITY, "a redirect of a Redis Cluster that is none");
    e = rd_host_read(host, (size_t)(colon - host), asked, ret_redirect->to.name);
    if (e != ERR_OK)
        return e;
    ret_redirect->slot = (uint16_t)slot;
    ret_redirect->to.port = (uint16_t)port;
    return ERR_OK;
}

static bool
begins(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);

    return len >= n && strncmp(text, word, n) == 0;
}

enum err
rd_redirect_read(const char *text, size_t len, const char *asked, struct rd_redirect *ret_redirect)
{
    struct rd_redirect r = {.is_ask = begins(text, len, "ASK ")};
    size_t skip = r.is_ask ? strlen("ASK ") : strlen("MOVED ");
    enum err e;

    if (!r.is_ask && !begins(text, len, "MOVED "))
        return ERR_NOTFOUND;
    e = read_target(text + skip, len - skip, asked, &r);
    if (e == ERR_OK)
        *ret_redirect = r;
    return e;
}
