/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/url.h"

#include "base/enc.h"
#include "base/mem.h"
#include "base/netaddr.h"
#include "base/text.h"

#include <string.h>

enum { PORT = 6379, SENTINEL_PORT = 26379 };

struct span { /* a piece of the text; not NUL-terminated */
    const char *s;
    size_t len;
};

static const struct scheme {
    const char *prefix;
    bool is_tls, is_sentinel, is_unix;
} schemes[] = {
    {"redis://", false, false, false},         {"rediss://", true, false, false},
    {"unix://", false, false, true},           {"redis+sentinel://", false, true, false},
    {"rediss+sentinel://", true, true, false},
};

/* Cut what stands before the first `c` off the front of `in`, and that `c`. False, and nothing is
 * cut: there is none. */
static bool
cut_at(struct span *in, char c, struct span *ret_front)
{
    const char *at = memchr(in->s, c, in->len);

    if (at == NULL)
        return false;
    *ret_front = (struct span){in->s, (size_t)(at - in->s)};
    *in = (struct span){at + 1, in->len - ret_front->len - 1};
    return true;
}

static bool
has(struct span in, char c)
{
    return memchr(in.s, c, in.len) != NULL;
}

/* ---- texts ---- */

/* Take one byte, decoded, off the front of `in`, which is not empty. */
static enum err
next_byte(struct span *in, uint8_t *ret_byte)
{
    size_t n = 1;

    *ret_byte = (uint8_t)in->s[0];
    if (in->s[0] == '%') {
        char pair[HEX_LEN(1) + 1] = "";

        n = sizeof(pair);
        if (in->len >= n)
            memcpy(pair, in->s + 1, HEX_LEN(1));
        if (hex_decode(pair, ret_byte, 1) != ERR_OK)
            return err_set(ERR_SYNTAX, "a %% must be followed by two hex digits");
    }
    in->s += n;
    in->len -= n;
    return ERR_OK;
}

/* Percent-decode `in` into `ret_text` of `cap` bytes, which is all zero. `what` is for sentences.
 * Control characters but NUL are welcome in a password only. */
static enum err
decode(struct span in, const char *what, bool is_password, char *ret_text, size_t cap)
{
    for (size_t n = 0; in.len > 0; n++) {
        uint8_t byte;
        enum err e = next_byte(&in, &byte);

        if (e != ERR_OK)
            return e;
        if (n == cap - 1)
            return err_set(ERR_SYNTAX, "the %s is longer than %zu bytes", what, cap - 1);
        if (byte == 0 || (!is_password && (byte < 0x20 || byte == 0x7f)))
            return err_set(ERR_SYNTAX, "the %s holds %s", what,
                           byte == 0 ? "a NUL" : "a control character");
        ret_text[n] = (char)byte;
    }
    return ERR_OK;
}

/* Take "[user]:password@" off the front of the authority. */
static enum err
read_login(struct span *authority, struct rd_url *u)
{
    struct span login, user;
    enum err e;

    if (!cut_at(authority, '@', &login))
        return ERR_OK;
    if (has(*authority, '@'))
        return err_set(ERR_SYNTAX, "an @ in a user or password must be written as %%40");
    if (!cut_at(&login, ':', &user))
        return err_set(ERR_SYNTAX, "before the @ must stand user:password, or :password");
    if (user.len == 0 && login.len == 0)
        return err_set(ERR_SYNTAX, "there is neither a user nor a password before the @");
    e = decode(user, "user", false, u->user, sizeof(u->user));
    if (e == ERR_OK)
        e = decode(login, "password", true, u->password, sizeof(u->password));
    return e;
}

static enum err
read_database(struct span in, struct rd_url *u)
{
    uint64_t x;

    if (text_u64(in.s, in.len, RD_DATABASE_MAX, &x) != ERR_OK)
        return err_set(ERR_SYNTAX, "the database must be a whole number from 0 to %d",
                       RD_DATABASE_MAX);
    u->database = (unsigned)x;
    return ERR_OK;
}

/* ---- hosts ---- */

/* A name or an IPv4 address; whether the name exists, the resolver says. */
static bool
is_name(struct span in)
{
    if (in.len == 0 || in.s[0] == '-' || in.s[0] == '.')
        return false;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.s[i];

        if (!text_is_alpha(c) && !text_is_digit(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return true;
}

static bool
is_ipv6(struct span in)
{
    struct netaddr a;

    return has(in, ':') && netaddr_parse(in.s, in.len, &a) == ERR_OK;
}

static enum err
read_host(struct span in, struct rd_url *u)
{
    struct rd_host *h = &u->hosts[u->n_hosts];
    struct span name = in, port = {0};
    bool is_v6 = in.len > 0 && in.s[0] == '[';
    bool has_port;
    uint64_t x = u->is_sentinel ? SENTINEL_PORT : PORT;

    if (u->n_hosts == RD_HOSTS_MAX)
        return err_set(ERR_SYNTAX, "there are more than %d hosts", RD_HOSTS_MAX);
    if (is_v6) {
        port = (struct span){in.s + 1, in.len - 1};
        if (!cut_at(&port, ']', &name) || !is_ipv6(name) || (port.len > 0 && port.s[0] != ':'))
            return err_set(ERR_SYNTAX, "what stands in brackets is not an IPv6 address");
        has_port = port.len > 0;
        if (has_port)
            port = (struct span){port.s + 1, port.len - 1};
    } else {
        port = in;
        has_port = cut_at(&port, ':', &name);
        if (!is_name(name))
            return err_set(ERR_SYNTAX, "a host is not a name, an IPv4 address or an IPv6 address "
                                       "in brackets");
    }
    if (name.len >= sizeof(h->name))
        return err_set(ERR_SYNTAX, "a host is longer than %zu bytes", sizeof(h->name) - 1);
    if (has_port && (text_u64(port.s, port.len, UINT16_MAX, &x) != ERR_OK || x == 0))
        return err_set(ERR_SYNTAX, "a port must be a whole number from 1 to 65535");
    memcpy(h->name, name.s, name.len);
    h->port = (uint16_t)x;
    u->n_hosts++;
    return ERR_OK;
}

static enum err
read_hosts(struct span list, struct rd_url *u)
{
    struct span host;
    enum err e = ERR_OK;

    while (e == ERR_OK && cut_at(&list, ',', &host))
        e = read_host(host, u);
    return e == ERR_OK ? read_host(list, u) : e;
}

/* ---- the whole ---- */

/* What follows "unix://". */
static enum err
read_unix(struct span rest, struct rd_url *u)
{
    static const char query[] = "db=";
    struct span login, path;
    bool has_query;
    enum err e = ERR_OK;

    if (cut_at(&rest, '/', &login)) {
        rest = (struct span){rest.s - 1, rest.len + 1};
        e = has(login, '?') ? err_set(ERR_SYNTAX, "a ? before the path must be written as %%3F")
                            : read_login(&login, u);
        if (e == ERR_OK && login.len > 0)
            e = err_set(ERR_SYNTAX, "the path of a socket must begin with /");
    } else {
        e = err_set(ERR_SYNTAX, "there is no path of a socket");
    }
    if (e != ERR_OK)
        return e;
    has_query = cut_at(&rest, '?', &path);
    if (!has_query)
        path = rest;
    e = decode(path, "path", false, u->unix_path, sizeof(u->unix_path));
    if (e == ERR_OK && u->unix_path[strlen(u->unix_path) - 1] == '/')
        e = err_set(ERR_SYNTAX, "the path is that of a folder, not of a socket");
    if (e != ERR_OK || !has_query)
        return e;
    if (rest.len < strlen(query) || memcmp(rest.s, query, strlen(query)) != 0)
        return err_set(ERR_SYNTAX, "after the ? must stand db= and a number");
    return read_database((struct span){rest.s + strlen(query), rest.len - strlen(query)}, u);
}

/* The service of Sentinels is what `path` begins with. What is left is the database. */
static enum err
read_service(struct span *path, struct rd_url *u)
{
    struct span service;

    if (!cut_at(path, '/', &service)) {
        service = *path;
        *path = (struct span){path->s + path->len, 0};
    }
    if (service.len == 0)
        return err_set(ERR_SYNTAX, "the service that the Sentinels watch must follow the hosts");
    if (has(service, '@')) /* most likely of a password with a slash: better refused than misread */
        return err_set(ERR_SYNTAX, "an @ in a service must be written as %%40");
    return decode(service, "service", false, u->service, sizeof(u->service));
}

/* What follows the other schemes. */
static enum err
read_tcp(struct span rest, struct rd_url *u)
{
    struct span authority, path = {rest.s + rest.len, 0};
    enum err e;

    if (has(rest, '?'))
        return err_set(ERR_SYNTAX, "a ? must be written as %%3F: only unix:// has a query");
    if (cut_at(&rest, '/', &authority))
        path = rest;
    else
        authority = rest;
    e = read_login(&authority, u);
    if (e == ERR_OK)
        e = read_hosts(authority, u);
    if (e == ERR_OK && u->is_sentinel)
        e = read_service(&path, u);
    if (e == ERR_OK && path.len > 0)
        e = read_database(path, u);
    return e;
}

static enum err
check_characters(const char *text)
{
    for (const char *s = text; *s != '\0'; s++) {
        if (*s <= 0x20 || *s >= 0x7f)
            return err_set(ERR_SYNTAX, "there is a character that is not visible ASCII: write it "
                                       "percent-encoded");
        if (*s == '#')
            return err_set(ERR_SYNTAX, "a # must be written as %%23: there are no fragments here");
    }
    return ERR_OK;
}

enum err
rd_url_parse(const char *text, struct rd_url *ret_url)
{
    const struct scheme *scheme = NULL;
    struct rd_url u = {0};
    struct span rest;
    enum err e = check_characters(text);

    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < ARRAY_LEN(schemes) && scheme == NULL; i++) {
        if (text_begins(text, schemes[i].prefix))
            scheme = &schemes[i];
    }
    if (scheme == NULL)
        return err_set(ERR_SYNTAX, "must begin with redis://, rediss://, unix://, "
                                   "redis+sentinel:// or rediss+sentinel://");
    u.is_tls = scheme->is_tls;
    u.is_sentinel = scheme->is_sentinel;
    rest.s = text + strlen(scheme->prefix);
    rest.len = strlen(rest.s);
    e = scheme->is_unix ? read_unix(rest, &u) : read_tcp(rest, &u);
    if (e == ERR_OK)
        *ret_url = u;
    rd_url_wipe(&u);
    return e;
}

void
rd_url_wipe(struct rd_url *u)
{
    mem_wipe(u, sizeof(*u));
}
