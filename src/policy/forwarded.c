/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/forwarded.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* A piece of a header, not NUL-terminated. */
struct piece {
    const char *s;
    size_t len;
};

/* ---- the trusted networks ---- */

static enum err
entry_parse(const char *s, size_t len, struct netaddr *ret_net)
{
    if (len == strlen("unix") && text_same_n(s, "unix", len)) {
        *ret_net = (struct netaddr){.family = NETADDR_UNIX};
        return ERR_OK;
    }
    if (netaddr_parse_cidr(s, len, ret_net) == ERR_OK)
        return ERR_OK;
    return err_set(ERR_SYNTAX, "not an address, a network or unix: \"%.*s\"",
                   (int)(len < 64 ? len : 64), s);
}

enum err
trusted_parse(const char *list, struct trusted *ret_trusted)
{
    struct trusted t = {0};
    const char *entry;
    size_t len, n_max = 1;
    enum err e = ERR_OK;

    if (text_is_blank(list)) {
        *ret_trusted = t;
        return ERR_OK;
    }
    for (const char *comma = list; (comma = strchr(comma, ',')) != NULL; comma++)
        n_max++;
    t.nets = calloc(n_max, sizeof(*t.nets));
    if (t.nets == NULL)
        return err_set(ERR_NOMEM, "no memory for a list of networks");
    while (e == ERR_OK && text_next(&list, &entry, &len)) {
        e = entry_parse(entry, len, &t.nets[t.n]);
        if (e == ERR_OK)
            t.n++;
    }
    if (e == ERR_OK)
        *ret_trusted = t;
    else
        trusted_done(&t);
    return e;
}

void
trusted_done(struct trusted *t)
{
    free(t->nets);
    *t = (struct trusted){0};
}

bool
trusted_has(const struct trusted *t, const struct netaddr *a)
{
    for (size_t i = 0; i < t->n; i++) {
        if (netaddr_in(a, &t->nets[i]))
            return true;
    }
    return false;
}

/* ---- one hop ---- */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct piece
trim(struct piece p)
{
    for (; p.len > 0 && is_blank(p.s[0]); p.s++)
        p.len--;
    while (p.len > 0 && is_blank(p.s[p.len - 1]))
        p.len--;
    return p;
}

/* ":<port>" or ":_<obfuscated>" (RFC 7239 section 6), or nothing at all. */
static bool
is_port(const char *s, size_t len)
{
    uint64_t port;

    if (len == 0)
        return true;
    if (len < 2 || s[0] != ':')
        return false;
    if (s[1] != '_')
        return len <= 6 && text_u64(s + 1, len - 1, 65535, &port) == ERR_OK;
    for (size_t i = 2; i < len; i++) {
        if (!text_is_alpha(s[i]) && !text_is_digit(s[i]) && memchr("._-", s[i], 3) == NULL)
            return false;
    }
    return len > 2;
}

/* An address as proxies write it: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1] or
 * [2001:db8::1]:80. */
static bool
hop_parse(struct piece p, struct netaddr *ret_hop)
{
    const char *stop;

    if (p.len > 0 && p.s[0] == '[') {
        stop = memchr(p.s, ']', p.len);
        return stop != NULL && memchr(p.s, ':', (size_t)(stop - p.s)) != NULL &&
               is_port(stop + 1, (size_t)(p.s + p.len - stop - 1)) &&
               netaddr_parse(p.s + 1, (size_t)(stop - p.s - 1), ret_hop) == ERR_OK;
    }
    stop = memchr(p.s, ':', p.len);
    if (stop != NULL && memchr(p.s, '.', (size_t)(stop - p.s)) != NULL)
        return is_port(stop, (size_t)(p.s + p.len - stop)) &&
               netaddr_parse(p.s, (size_t)(stop - p.s), ret_hop) == ERR_OK;
    return netaddr_parse(p.s, p.len, ret_hop) == ERR_OK;
}

/* ---- the elements of a header, from the right ---- */

/* Cut the last element off `*list`; false when nothing is left. Commas inside a quoted string do
 * not count. Reading from the right is what keeps the element of our own proxy whole: whatever a
 * client wrote before it, an open quote for one, is not looked at. */
static bool
take_last(struct piece *list, bool has_quotes, struct piece *ret_element)
{
    bool is_quoted = false;
    size_t at;

    if (list->s == NULL)
        return false;
    for (at = list->len; at > 0; at--) {
        char c = list->s[at - 1];

        if (has_quotes && c == '"') {
            size_t n_backslashes = 0;

            while (n_backslashes < at - 1 && list->s[at - 2 - n_backslashes] == '\\')
                n_backslashes++;
            /* an even number of them escape each other, an odd one escapes the quote */
            if (n_backslashes % 2 == 0)
                is_quoted = !is_quoted;
            at -= n_backslashes;
        } else if (c == ',' && !is_quoted) {
            break;
        }
    }
    *ret_element = trim((struct piece){list->s + at, list->len - at});
    if (at == 0)
        *list = (struct piece){NULL, 0};
    else
        list->len = at - 1;
    return true;
}

/* ---- one element of Forwarded: pairs of name=value, value a token or a quoted string ---- */

enum { VALUE_MAX = 64 }; /* longer ones are no address */

struct pair {
    struct piece name;
    char value[VALUE_MAX];
    size_t value_len; /* VALUE_MAX + 1: too long to be kept */
};

static void
value_add(struct pair *p, char c)
{
    if (p->value_len < VALUE_MAX)
        p->value[p->value_len] = c;
    if (p->value_len <= VALUE_MAX)
        p->value_len++;
}

static bool
is_token_char(char c)
{
    return text_is_alpha(c) || text_is_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* The rest of a quoted string behind its first quote, with the last one. */
static bool
take_quoted(struct piece *rest, struct pair *pair)
{
    while (rest->len > 0) {
        char c = *rest->s;

        rest->s++;
        rest->len--;
        if (c == '"')
            return true;
        if (c == '\\') {
            if (rest->len == 0)
                return false;
            c = *rest->s;
            rest->s++;
            rest->len--;
        }
        value_add(pair, c);
    }
    return false;
}

/* Take one pair off `*rest`. Values without quotes may also have : [ ], since some proxies leave
 * the quotes out. */
static bool
take_pair(struct piece *rest, struct pair *ret_pair)
{
    size_t n = 0;

    while (n < rest->len && is_token_char(rest->s[n]))
        n++;
    if (n == 0 || n == rest->len || rest->s[n] != '=')
        return false;
    *ret_pair = (struct pair){.name = {rest->s, n}};
    rest->s += n + 1;
    rest->len -= n + 1;
    if (rest->len > 0 && *rest->s == '"') {
        rest->s++;
        rest->len--;
        return take_quoted(rest, ret_pair);
    }
    for (; rest->len > 0; rest->s++, rest->len--) {
        if (!is_token_char(*rest->s) && (*rest->s == '\0' || !strchr(":[]", *rest->s)))
            break;
        value_add(ret_pair, *rest->s);
    }
    return ret_pair->value_len > 0;
}

/* The address in the one "for" of an element. */
static bool
element_hop(struct piece element, struct netaddr *ret_hop)
{
    struct netaddr hop;
    struct pair pair;
    bool is_found = false;

    for (;;) {
        element = trim(element);
        if (!take_pair(&element, &pair))
            return false;
        if (pair.name.len == 3 && text_same_n(pair.name.s, "for", 3)) {
            if (is_found || pair.value_len > VALUE_MAX ||
                !hop_parse((struct piece){pair.value, pair.value_len}, &hop))
                return false;
            is_found = true;
        }
        element = trim(element);
        if (element.len == 0)
            break;
        if (*element.s != ';')
            return false;
        element.s++;
        element.len--;
    }
    if (is_found)
        *ret_hop = hop;
    return is_found;
}

void
forwarded_client(const struct trusted *t, const struct netaddr *peer, const char *xff,
                 const char *fwd, struct netaddr *ret_client)
{
    bool is_xff = xff != NULL;
    const char *header = is_xff ? xff : fwd;
    struct piece list = {header, header == NULL ? 0 : strlen(header)}, element;
    struct netaddr client = *peer, hop;

    while (trusted_has(t, &client) && take_last(&list, !is_xff, &element)) {
        if (!(is_xff ? hop_parse(element, &hop) : element_hop(element, &hop)))
            break;
        client = hop;
    }
    *ret_client = client;
}
