/* SPDX-License-Identifier: Apache-2.0 */
/* Settings files: the pairs that the reader finds are what the grammar says and survive being
 * written and read again; a configuration that is accepted keeps the promises of its struct. */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "server/config.h"
#include "server/settings.h"
#include "store/store.h"

#undef assert /* also in a release build */
#define assert(x)                                                                                  \
    do {                                                                                           \
        if (!(x))                                                                                  \
            __builtin_trap();                                                                      \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void
check_pair(const struct settings_pair *p, const char *bytes, size_t len)
{
    assert(p->name >= bytes && p->name + p->name_len <= bytes + len);
    assert(p->value >= p->name + p->name_len + 1 && p->value + p->value_len <= bytes + len);
    assert(p->name_len > 0 && p->name[0] >= 'A' && p->name[0] <= 'Z');
    for (size_t i = 0; i < p->name_len; i++)
        assert((p->name[i] >= 'A' && p->name[i] <= 'Z') ||
               (p->name[i] >= '0' && p->name[i] <= '9') || p->name[i] == '_');
    for (size_t i = 0; i < p->value_len; i++)
        assert((unsigned char)p->value[i] >= 0x20 || p->value[i] == '\t');
    if (p->value_len > 0) {
        assert(!is_blank(p->value[0]) && !is_blank(p->value[p->value_len - 1]));
        assert(p->value[0] != '"' && p->value[0] != '\'');
    }
}

/* Read all pairs, check each, and write them anew, one a line. False: refused. */
static bool
read_all(const char *bytes, size_t len, struct buf *ret_text)
{
    struct settings_reader r;
    struct settings_pair p;
    unsigned line = 0;
    bool has = true;

    settings_reader_init(&r, bytes, len);
    for (;;) {
        if (settings_next(&r, &p, &has) != ERR_OK)
            return false;
        if (!has)
            return true;
        check_pair(&p, bytes, len);
        assert(p.line > line && p.line == r.line);
        line = p.line;
        assert(buf_add(ret_text, p.name, p.name_len) == ERR_OK);
        assert(buf_add_text(ret_text, "=") == ERR_OK);
        assert(buf_add(ret_text, p.value, p.value_len) == ERR_OK);
        assert(buf_add_text(ret_text, "\n") == ERR_OK);
    }
}

static void
check_config(const struct config *c)
{
    assert(c->listen.n >= 1 && c->listen.n <= LISTEN_MAX);
    for (size_t i = 0; i < c->listen.n; i++) {
        const char *host = c->listen.all[i].host;

        assert(strlen(host) > 0 && (!c->listen.all[i].is_unix || host[0] == '/'));
    }
    if (c->public_url != NULL) {
        assert(strncmp(c->public_url, "http://", 7) == 0 ||
               strncmp(c->public_url, "https://", 8) == 0);
        assert(c->public_url[strlen(c->public_url) - 1] != '/');
        assert(strpbrk(c->public_url, "?# \"<>\\\r\n") == NULL);
    }
    assert(c->storage_path != NULL && c->state_path != NULL && c->state_path[0] != '\0');
    assert(c->max_file_bytes >= 1 && c->max_file_bytes <= c->max_storage_bytes);
    assert(c->key_words >= 3 && c->key_words <= 5 && c->max_uses >= 1);
    assert(c->max_expiry_minutes >= 1 && c->lease_s >= 1 && c->tombstone_s >= 3600);
    assert(c->shred_passes <= 35 && c->fail_limit >= 1);
    assert((c->tls_cert_file == NULL) == (c->tls_key_file == NULL));
    assert(c->upload_token == NULL || c->upload_token_file == NULL);
    assert(c->allowed_mime_types != NULL && c->trusted_proxies != NULL);
    assert(c->cors_origins != NULL && strpbrk(c->cors_origins, " \t\r\n") == NULL);
}

static void
check_redis(const struct config *c)
{
    struct store_redis_facts url = {0};

    assert(c->redis_password == NULL); /* no file was opened */
    if (c->redis_url == NULL) {
        assert(c->redis_password_file == NULL && c->redis_ca_file == NULL && !c->redis_allow_open);
        return;
    }
    assert(store_redis_check_url(c->redis_url, &url) == ERR_OK);
    assert(c->redis_ca_file == NULL || url.is_tls);
    assert(c->redis_password_file == NULL || !url.has_password);
    assert(!url.has_user || url.has_password || c->redis_password_file != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *no_env[] = {NULL};
    const char *bytes = (const char *)data;
    struct buf once, twice;
    struct config c;
    bool ok;

    buf_init(&once, 2 * size + 16);
    buf_init(&twice, 2 * size + 16);
    ok = read_all(bytes, size, &once);
    if (ok) {
        assert(read_all(buf_text(&once), once.len, &twice));
        assert(once.len == twice.len);
        assert(strcmp(buf_text(&once), buf_text(&twice)) == 0);
    }
    if (config_parse(bytes, size, no_env, &c) == ERR_OK) {
        assert(ok);
        check_config(&c);
        check_redis(&c);
        config_done(&c);
    } else {
        assert(err_sentence()[0] != '\0');
    }
    buf_done(&once);
    buf_done(&twice);
    return 0;
}
