/* SPDX-License-Identifier: Apache-2.0 */
#include "http/field.h"

#include "base/netaddr.h"
#include "base/text.h"
#include "http/lex.h"

#include <string.h>

/* ---- Content-Disposition ---- */

/* attr-char of RFC 8187: what needs no percent escape in filename*. */
static bool
is_attr_char(char c)
{
    return lex_is_tchar(c) && strchr("*'%", c) == NULL;
}

struct names {
    struct buf plain, full; /* the values of filename and filename* */
    bool differ;
};

/* Add one character of the name, `len` bytes, to both forms; 0 is a byte that is no UTF-8. What no
 * client should see in a name (such bytes, control characters) is '_' in both. */
static enum err
add_char(struct names *n, const char *s, size_t len)
{
    enum err e = ERR_OK;

    if (len == 0 || (len == 1 && lex_is_control(*s))) {
        e = buf_add(&n->plain, "_", 1);
        return e != ERR_OK ? e : buf_add(&n->full, "_", 1);
    }
    if (len > 1 || strchr("\"\\%", *s) != NULL) {
        n->differ = true;
        e = buf_add(&n->plain, "_", 1);
    } else {
        e = buf_add(&n->plain, s, 1);
    }
    for (size_t i = 0; e == ERR_OK && i < len; i++) {
        if (is_attr_char(s[i]))
            e = buf_add(&n->full, s + i, 1);
        else
            e = buf_addf(&n->full, "%%%02X", (unsigned)(unsigned char)s[i]);
    }
    return e;
}

enum err
field_disposition(const char *filename, struct buf *ret)
{
    size_t left = strlen(filename), len;
    struct names n = {0};
    struct buf text;
    enum err e = ERR_OK;

    buf_init(&n.plain, left);
    buf_init(&n.full, left * 3);
    buf_init(&text, left * 4 + 64);
    for (const char *s = filename; e == ERR_OK && left > 0; s += len, left -= len) {
        len = text_utf8((const uint8_t *)s, left, NULL);
        e = add_char(&n, s, len);
        if (len == 0)
            len = 1;
    }
    if (e == ERR_OK)
        e = buf_addf(&text, "attachment; filename=\"%s\"", buf_text(&n.plain));
    if (e == ERR_OK && n.differ)
        e = buf_addf(&text, "; filename*=UTF-8''%s", buf_text(&n.full));
    if (e == ERR_OK)
        e = buf_add(ret, text.data, text.len);
    buf_done(&n.plain);
    buf_done(&n.full);
    buf_done(&text);
    return e;
}

/* ---- Accept ---- */

enum { QUALITY_MAX = 1000 };

/* "0.8" in thousandths; -1 when it is not a quality (RFC 9110 section 12.4.2). */
static int
parse_quality(const char *s, size_t len)
{
    int scale = 100, q;

    if (len == 0 || len > 5 || (s[0] != '0' && s[0] != '1') || (len > 1 && s[1] != '.'))
        return -1;
    q = (s[0] - '0') * QUALITY_MAX;
    for (size_t i = 2; i < len; i++, scale /= 10) {
        if (!text_is_digit(s[i]))
            return -1;
        q += (s[i] - '0') * scale;
    }
    return q <= QUALITY_MAX ? q : -1;
}

/* A member of Accept: its range and its quality. -1: malformed, to be ignored. */
static int
parse_range(const char *s, size_t len, const char **ret_range, size_t *ret_len)
{
    const char *at = s, *end = s + len;
    struct lex_param p;
    int q = QUALITY_MAX;

    while (at < end && *at != ';' && !lex_is_blank(*at))
        at++;
    *ret_range = s;
    *ret_len = (size_t)(at - s);
    while (at < end) {
        if (lex_param(&at, end, &p) != ERR_OK)
            return -1;
        if (lex_same(p.name, p.name_len, "q")) {
            q = parse_quality(p.value, p.value_len);
            if (q < 0)
                return -1;
        }
    }
    return q;
}

/* The best quality that a header gives to `range`, spelled so; -1 when it is not named. */
static int
quality_of(const char *accept, const char *range)
{
    const char *at = accept, *end, *member, *s;
    size_t member_len, len;
    int best = -1;

    if (accept == NULL)
        return -1;
    end = accept + strlen(accept);
    while (lex_member(&at, end, &member, &member_len)) {
        int q = parse_range(member, member_len, &s, &len);

        if (q > best && lex_same(s, len, range))
            best = q;
    }
    return best;
}

bool
field_prefers_html(const char *accept)
{
    int html = quality_of(accept, "text/html"), xhtml = quality_of(accept, "application/xhtml+xml");
    int json = quality_of(accept, "application/json");

    if (html < xhtml)
        html = xhtml;
    if (html <= 0)
        return false;
    if (json >= 0)
        return html > json;
    json = quality_of(accept, "application/*");
    if (json < 0)
        json = quality_of(accept, "*/*");
    return html >= json;
}

bool
field_names_json(const char *accept)
{
    return quality_of(accept, "application/json") > 0;
}

enum field_coding
field_accepts_coding(const char *accept_encoding, const bool has[FIELD_N_CODINGS])
{
    static const char *const names[FIELD_N_CODINGS] = {"identity", "gzip", "br"};
    int any = quality_of(accept_encoding, "*"), best_q = 0;
    enum field_coding best = FIELD_IDENTITY;

    if (accept_encoding == NULL)
        return FIELD_IDENTITY;
    for (int c = FIELD_IDENTITY; c < FIELD_N_CODINGS; c++) {
        int q = quality_of(accept_encoding, names[c]);

        if (q < 0)
            q = any;
        if (q < 0 && c == FIELD_IDENTITY)
            q = 1; /* acceptable unless it is refused, but what is named is wanted */
        if (has[c] && q > 0 && q >= best_q) {
            best_q = q;
            best = (enum field_coding)c;
        }
    }
    return best;
}

/* ---- authorities ---- */

static bool
is_port(const char *s, size_t len)
{
    uint64_t port;

    return len <= 5 && text_u64(s, len, UINT16_MAX, &port) == ERR_OK && s[0] != '0';
}

static bool
is_ip(const char *s, size_t len)
{
    struct netaddr a;

    return netaddr_parse(s, len, &a) == ERR_OK;
}

/* Letters, digits, hyphens inside; underscores too, as names of containers have them. */
static bool
is_label(const char *s, size_t len)
{
    if (len == 0 || len > 63 || s[0] == '-' || s[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!text_is_alpha(s[i]) && !text_is_digit(s[i]) && s[i] != '-' && s[i] != '_')
            return false;
    }
    return true;
}

static bool
is_host_name(const char *s, size_t len)
{
    const char *end = s + len, *label = s;
    bool is_number = true;

    if (len > 1 && end[-1] == '.')
        end--;
    for (const char *p = s;; p++) {
        if (p < end && *p != '.')
            continue;
        if (!is_label(label, (size_t)(p - label)))
            return false;
        if (p == end)
            break;
        label = p + 1;
    }
    /* What ends in a number is read as an IPv4 address, by some in strange ways: only the plain
     * form of four numbers names the same machine to everyone. */
    for (const char *p = label; p < end; p++)
        is_number = is_number && text_is_digit(*p);
    return !is_number || is_ip(s, len);
}

bool
field_is_authority(const char *text)
{
    size_t len = strnlen(text, FIELD_AUTHORITY_MAX + 1), host_len;
    const char *close;

    if (len == 0 || len > FIELD_AUTHORITY_MAX)
        return false;
    if (text[0] == '[') {
        close = memchr(text, ']', len);
        if (close == NULL || memchr(text, ':', (size_t)(close - text)) == NULL ||
            !is_ip(text + 1, (size_t)(close - text) - 1))
            return false;
        host_len = (size_t)(close - text) + 1;
    } else {
        host_len = strcspn(text, ":");
        if (!is_host_name(text, host_len))
            return false;
    }
    return host_len == len ||
           (text[host_len] == ':' && is_port(text + host_len + 1, len - host_len - 1));
}

/* ---- others ---- */

const char *
field_bearer(const char *authorization)
{
    const char *s = authorization;
    size_t len;

    if (s == NULL || !text_begins(s, "Bearer "))
        return NULL;
    s += strspn(s + 6, " ") + 6;
    len = strlen(s);
    for (size_t i = 0; i < len; i++) {
        if (s[i] <= ' ' || s[i] >= 0x7f)
            return NULL;
    }
    return len > 0 ? s : NULL;
}

bool
field_list_has(const char *header, const char *token)
{
    const char *at = header, *end, *s;
    size_t len;

    if (header == NULL)
        return false;
    end = header + strlen(header);
    while (lex_member(&at, end, &s, &len)) {
        if (lex_same(s, len, token))
            return true;
    }
    return false;
}

bool
field_none_match(const char *if_none_match, const char *etag)
{
    const char *at = if_none_match, *end, *s;
    size_t len, etag_len = strlen(etag);

    if (if_none_match == NULL)
        return false;
    end = if_none_match + strlen(if_none_match);
    while (lex_member(&at, end, &s, &len)) {
        if (len == 1 && *s == '*')
            return true;
        if (len > 2 && s[0] == 'W' && s[1] == '/') {
            s += 2;
            len -= 2;
        }
        if (len == etag_len && memcmp(s, etag, len) == 0)
            return true;
    }
    return false;
}
