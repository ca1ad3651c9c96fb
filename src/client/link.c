/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of servers, and links made with them. Of libcurl only its reader of URLs: what reads
 * an address here must be what reads it when the connection is made. */
#include "client/target.h"

#include "base/netaddr.h"
#include "base/text.h"

#include <curl/urlapi.h>
#include <stdio.h>
#include <string.h>

#ifdef CURLU_PUNYCODE
enum { ASCII_HOST = CURLU_PUNYCODE };
#else
enum { ASCII_HOST = 0 };
#endif

static const char http[] = "http://", https[] = "https://";

/* ---- hosts ---- */

/* Whether the name or address, of `len` bytes and perhaps in brackets, is this host's own. */
static bool
is_loopback(const char *host, size_t len)
{
    static const struct netaddr v4 = {.family = NETADDR_V4, .bits = 8, .b = {127}};
    static const struct netaddr v6 = {.family = NETADDR_V6, .bits = 128, .b = {[15] = 1}};
    static const char name[] = "localhost";
    struct netaddr a;

    if (len == sizeof(name) - 1 && text_same_n(host, name, len))
        return true;
    if (len > 2 && host[0] == '[') {
        host++;
        len -= 2;
    }
    return netaddr_parse(host, len, &a) == ERR_OK && (netaddr_in(&a, &v4) || netaddr_in(&a, &v6));
}

bool
server_is_open(const char *server)
{
    const char *host = server + strlen(http);
    size_t len;

    if (!text_begins(server, http))
        return false;
    len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    return !is_loopback(host, len);
}

/* ---- reading ---- */

/* The parts of an address, each libcurl's; NULL: not there. */
struct parts {
    char *scheme, *host, *zone, *port, *path;
};

static void
parts_done(struct parts *p)
{
    curl_free(p->scheme);
    curl_free(p->host);
    curl_free(p->zone);
    curl_free(p->port);
    curl_free(p->path);
    *p = (struct parts){0};
}

static enum err
refuse_host(void)
{
    return err_set(ERR_FIELD, "this is no address of a server");
}

static bool
is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text > 0x7f)
            return false;
    }
    return true;
}

static void
lower(char *text)
{
    for (; *text != '\0'; text++)
        *text = text_lower(*text);
}

/* The host, in ASCII. libcurl says of a name that it cannot write so that there is no memory, which
 * is why it is asked for only when it must be. */
static CURLUcode
take_host(CURLU *u, char **ret_host)
{
    char *host = NULL;
    CURLUcode rc = curl_url_get(u, CURLUPART_HOST, &host, 0);

    if (rc == CURLUE_OK && !is_ascii(host)) {
        curl_free(host);
        host = NULL;
        if (curl_url_get(u, CURLUPART_HOST, &host, ASCII_HOST) != CURLUE_OK) {
            curl_free(host); /* 7.88 leaves one behind */
            return CURLUE_BAD_HOSTNAME;
        }
    }
    *ret_host = host;
    return rc;
}

/* Read `url`, which has a scheme, into `ret`, which the caller ends with parts_done, also on
 * failure. */
static enum err
parts_read(const char *url, struct parts *ret)
{
    CURLU *u = curl_url();
    CURLUcode rc;

    *ret = (struct parts){0};
    if (u == NULL)
        return err_set(ERR_NOMEM, "no memory for an address");
    rc = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    if (rc == CURLUE_OK)
        rc = curl_url_get(u, CURLUPART_SCHEME, &ret->scheme, 0);
    if (rc == CURLUE_OK)
        rc = take_host(u, &ret->host);
    if (rc == CURLUE_OK)
        rc = curl_url_get(u, CURLUPART_PATH, &ret->path, 0);
    if (rc == CURLUE_OK) {
        (void)curl_url_get(u, CURLUPART_ZONEID, &ret->zone, 0);
        (void)curl_url_get(u, CURLUPART_PORT, &ret->port, CURLU_NO_DEFAULT_PORT);
    }
    curl_url_cleanup(u);
    if (rc == CURLUE_OUT_OF_MEMORY)
        return err_set(ERR_NOMEM, "no memory for an address");
    if (rc == CURLUE_USER_NOT_ALLOWED)
        return err_set(ERR_FIELD, "an address with a user or a password is not taken");
    if (rc != CURLUE_OK)
        return refuse_host();
    lower(ret->scheme);
    lower(ret->host);
    return ERR_OK;
}

/* Whether `text` holds nothing but letters, digits and `more`, which are ASCII. */
static bool
is_made_of(const char *text, const char *more)
{
    for (; *text != '\0'; text++) {
        if (!text_is_alpha(*text) && !text_is_digit(*text) && strchr(more, *text) == NULL)
            return false;
    }
    return true;
}

/* Whether the path of RFC 3986 is one: "%" only before two hex digits. */
static bool
is_path(const char *path)
{
    static const char hex[] = "0123456789abcdefABCDEF";

    for (const char *at = path; (at = strchr(at, '%')) != NULL; at++) {
        if (strspn(at + 1, hex) < 2)
            return false;
    }
    return is_made_of(path, "/-._~%!$&'()*+,;=:@");
}

/* Write the parts in their one form. */
static enum err
parts_write(const struct parts *p, char ret_server[SERVER_TEXT_LEN])
{
    bool is_v6 = p->host[0] == '[';
    size_t host_len = strlen(p->host) - is_v6, path_len = strlen(p->path);
    char text[SERVER_TEXT_LEN];
    int n;

    if (!is_made_of(p->host, is_v6 ? "[:.]" : "-._") ||
        (p->zone != NULL && !is_made_of(p->zone, "-._~")) ||
        (p->port != NULL && strcmp(p->port, "0") == 0))
        return refuse_host();
    if (!is_path(p->path))
        return err_set(ERR_FIELD, "the path of this address is none");
    while (path_len > 0 && p->path[path_len - 1] == '/')
        path_len--;
    n = snprintf(text, sizeof(text), "%s://%.*s%s%s%s%s%s%.*s", p->scheme, (int)host_len, p->host,
                 p->zone != NULL ? "%25" : "", p->zone != NULL ? p->zone : "", is_v6 ? "]" : "",
                 p->port != NULL ? ":" : "", p->port != NULL ? p->port : "", (int)path_len,
                 p->path);
    if (n < 0 || (size_t)n >= sizeof(text))
        return err_set(ERR_FIELD, "the address of the server is too long");
    memcpy(ret_server, text, (size_t)n + 1);
    return ERR_OK;
}

/* Read `text` (up to TARGET_TEXT_MAX bytes), with `scheme` in front of it. */
static enum err
read_with(const char *scheme, const char *text, struct parts *ret)
{
    char url[TARGET_TEXT_MAX + sizeof(https)];

    (void)snprintf(url, sizeof(url), "%s%s", scheme, text);
    return parts_read(url, ret);
}

static enum err
read_text(const char *text, struct parts *ret)
{
    const char *colon = strstr(text, "://");
    enum err e;

    if (colon != NULL) {
        if ((!text_begins(text, http) && !text_begins(text, https)) || colon[3] == '/')
            return err_set(ERR_FIELD, "an address begins with http:// or https://");
        return parts_read(text, ret);
    }
    /* libcurl would take up to three slashes, and "http" as the name of a host */
    if (text[0] == '/' || text_begins(text, "http:/") || text_begins(text, "https:/"))
        return refuse_host();
    e = read_with(https, text, ret);
    if (e == ERR_OK && is_loopback(ret->host, strlen(ret->host))) {
        parts_done(ret);
        e = read_with(http, text, ret);
    }
    return e;
}

/* Read what was written again: libcurl undoes what is encoded in a host, but not all that it then
 * is, and "https://21307%306433" would be a name now and 127.0.0.1 later. */
static enum err
check_form(const char *server)
{
    char again[SERVER_TEXT_LEN] = "";
    struct parts parts = {0};
    enum err e = parts_read(server, &parts);

    if (e == ERR_OK)
        e = parts_write(&parts, again);
    if (e == ERR_OK && strcmp(server, again) != 0)
        e = refuse_host();
    parts_done(&parts);
    return e;
}

enum err
server_parse(const char *text, char ret_server[SERVER_TEXT_LEN])
{
    char trimmed[TARGET_TEXT_MAX + 1] = {0}, server[SERVER_TEXT_LEN] = "";
    struct parts parts = {0};
    size_t len;
    enum err e;

    text += strspn(text, " \t\r\n");
    len = strnlen(text, TARGET_TEXT_MAX + 1);
    if (len > TARGET_TEXT_MAX)
        return err_set(ERR_FIELD, "the address of the server is too long");
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    memcpy(trimmed, text, len);
    if (len == 0)
        return refuse_host();
    if (strpbrk(trimmed, "?#") != NULL)
        return err_set(ERR_FIELD, "the address of a server has no query and no fragment");
    e = read_text(trimmed, &parts);
    if (e == ERR_OK)
        e = parts_write(&parts, server);
    if (e == ERR_OK)
        e = check_form(server);
    if (e == ERR_OK)
        memcpy(ret_server, server, sizeof(server));
    parts_done(&parts);
    return e;
}

/* ---- writing ---- */

void
target_link(const char *server, const struct share_code *code, char ret_link[LINK_TEXT_LEN])
{
    (void)snprintf(ret_link, LINK_TEXT_LEN, "%s/#%s", server, code->text);
}
