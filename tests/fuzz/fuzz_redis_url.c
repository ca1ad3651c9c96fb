/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of Redis: what is accepted names a place to connect to, in texts that end and hold nothing
 * that a log or a socket would stumble over; written anew, it means the same. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/url.h"
#include "store/store.h"

#define assert(x) /* also in a release build */                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            __builtin_trap();                                                                      \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text ends within its place, and there is nothing behind its end. */
static void
check_text(const char *text, size_t cap, bool may_hold_controls)
{
    size_t len = strnlen(text, cap);

    assert(len < cap);
    for (size_t i = len; i < cap; i++)
        assert(text[i] == '\0');
    for (size_t i = 0; i < len && !may_hold_controls; i++)
        assert((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void
check_url(const struct rd_url *u)
{
    bool is_unix = u->unix_path[0] != '\0';

    check_text(u->unix_path, sizeof(u->unix_path), false);
    check_text(u->service, sizeof(u->service), false);
    check_text(u->user, sizeof(u->user), false);
    check_text(u->password, sizeof(u->password), true);
    assert(is_unix == (u->n_hosts == 0) && u->n_hosts <= RD_HOSTS_MAX);
    assert(!is_unix || (u->unix_path[0] == '/' && u->unix_path[strlen(u->unix_path) - 1] != '/'));
    assert(!is_unix || (!u->is_tls && !u->is_sentinel));
    assert(u->is_sentinel == (u->service[0] != '\0'));
    assert(u->database <= RD_DATABASE_MAX);
    for (size_t i = 0; i < RD_HOSTS_MAX; i++) {
        const struct rd_host *h = &u->hosts[i];

        check_text(h->name, sizeof(h->name), false);
        assert((h->name[0] != '\0') == (i < u->n_hosts) && (h->port > 0) == (i < u->n_hosts));
        assert(strpbrk(h->name, " []/@%?#,") == NULL);
    }
}

/* ---- written anew ---- */

static void
write_encoded(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        (void)fprintf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

static void
write_path(FILE *out, const char *path)
{
    (void)fputc('/', out);
    write_encoded(out, path + 1);
}

static void
write_hosts(FILE *out, const struct rd_url *u)
{
    for (size_t i = 0; i < u->n_hosts; i++)
        (void)fprintf(out, strchr(u->hosts[i].name, ':') != NULL ? "%s[%s]:%u" : "%s%s:%u",
                      i == 0 ? "" : ",", u->hosts[i].name, (unsigned)u->hosts[i].port);
}

static char *
written(const struct rd_url *u)
{
    bool is_unix = u->unix_path[0] != '\0';
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert(out != NULL);
    (void)fprintf(out, "%s%s%s://", is_unix ? "unix" : "redis", u->is_tls ? "s" : "",
                  u->is_sentinel ? "+sentinel" : "");
    if (u->user[0] != '\0' || u->password[0] != '\0') {
        write_encoded(out, u->user);
        (void)fputc(':', out);
        write_encoded(out, u->password);
        (void)fputc('@', out);
    }
    if (is_unix)
        write_path(out, u->unix_path);
    else
        write_hosts(out, u);
    if (u->is_sentinel) {
        (void)fputc('/', out);
        write_encoded(out, u->service);
    }
    (void)fprintf(out, is_unix ? "?db=%u" : "/%u", u->database);
    assert(fclose(out) == 0);
    return text;
}

static bool
is_same(const struct rd_url *a, const struct rd_url *b)
{
    return a->is_tls == b->is_tls && a->is_sentinel == b->is_sentinel &&
           strcmp(a->unix_path, b->unix_path) == 0 && a->n_hosts == b->n_hosts &&
           memcmp(a->hosts, b->hosts, sizeof(a->hosts)) == 0 &&
           strcmp(a->service, b->service) == 0 && strcmp(a->user, b->user) == 0 &&
           strcmp(a->password, b->password) == 0 && a->database == b->database;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *again;
    struct store_redis_facts facts;
    struct rd_url u, v;

    assert(text != NULL);
    if (rd_url_parse(text, &u) == ERR_OK) {
        check_url(&u);
        assert(store_redis_check_url(text, &facts) == ERR_OK);
        assert(facts.is_tls == u.is_tls && facts.has_user == (u.user[0] != '\0'));
        assert(facts.has_password == (u.password[0] != '\0'));
        again = written(&u);
        assert(rd_url_parse(again, &v) == ERR_OK);
        assert(is_same(&u, &v));
        free(again);
    } else {
        assert(store_redis_check_url(text, &facts) == ERR_SYNTAX && err_sentence()[0] != '\0');
    }
    free(text);
    return 0;
}
