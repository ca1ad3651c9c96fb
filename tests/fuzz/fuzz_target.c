/* SPDX-License-Identifier: Apache-2.0 */
/* Codes, links and addresses of servers, as people hand them on. What is taken is printable ASCII,
 * has one form, and reads as itself: the server, the code or id, and the link of both. What is not
 * leaves the output alone, and has a sentence. */
#include "base/mem.h"
#include "client/target.h"
#include "crypt/crypt.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool claim)
{
    if (!claim)
        abort();
}

/* The text ends within its place, and holds nothing that a terminal or a URL would stumble over. */
static void
check_text(const char *text, size_t cap)
{
    size_t len = strnlen(text, cap);

    require(len < cap);
    for (size_t i = 0; i < len; i++)
        require(text[i] > ' ' && text[i] < 0x7f && strchr("\"<>\\^`{|}?#", text[i]) == NULL);
}

static void
check_server(const char *server)
{
    const char *host = strstr(server, "://");
    char again[SERVER_TEXT_LEN];

    check_text(server, SERVER_TEXT_LEN);
    require(strncmp(server, "http://", 7) == 0 || strncmp(server, "https://", 8) == 0);
    require(server[strlen(server) - 1] != '/');
    require(host != NULL && host[3 + strcspn(host + 3, "/@")] != '@');
    require(server_parse(server, again) == ERR_OK);
    require(strcmp(server, again) == 0);
    require(!server_is_open(server) || strncmp(server, "http://", 7) == 0);
}

static bool
is_same(const struct target *a, const struct target *b)
{
    return strcmp(a->server, b->server) == 0 && strcmp(a->key, b->key) == 0 &&
           a->is_e2e == b->is_e2e && a->code.n_words == b->code.n_words &&
           strcmp(a->code.text, b->code.text) == 0;
}

static void
check_target(const struct target *t)
{
    static const char server[] = "https://drop.example";
    char link[LINK_TEXT_LEN];
    struct target again, other;
    size_t key_len = strlen(t->key);

    check_text(t->key, sizeof(t->key));
    check_text(t->code.text, sizeof(t->code.text));
    require(t->is_e2e == (t->code.n_words == 0 || t->code.n_words == CODE_WORDS_E2E));
    require(t->is_e2e || (t->code.n_words >= CODE_WORDS_MIN && t->code.n_words <= CODE_WORDS_MAX));
    require(!t->is_e2e || (key_len == CODE_ID_LEN && strchr(t->key, '-') == NULL));
    require(strspn(t->key, "abcdefghijklmnopqrstuvwxyz234567-") == key_len);
    if (t->server[0] != '\0')
        check_server(t->server);

    /* the code alone, then its link at the same server or at another */
    require(target_parse(t->code.text, &again) == ERR_OK);
    require(again.server[0] == '\0');
    memcpy(again.server, t->server, sizeof(again.server));
    require(is_same(t, &again));
    target_link(t->server[0] == '\0' ? server : t->server, &t->code, link);
    require(target_parse(link, &other) == ERR_OK);
    require(strcmp(other.server, t->server[0] == '\0' ? server : t->server) == 0);
    memcpy(other.server, t->server, sizeof(other.server));
    require(is_same(t, &other));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    char *text = strndup((const char *)data, size), server[SERVER_TEXT_LEN] = "before";
    struct target t, before;
    bool locked;
    enum err e;

    require(text != NULL);
    if (!is_ready)
        require(crypt_init(&locked) == ERR_OK);
    is_ready = true;
    memset(&t, 0xa5, sizeof(t));
    before = t;
    e = target_parse(text, &t);
    if (e == ERR_OK)
        check_target(&t);
    else
        require((e == ERR_NOTFOUND || e == ERR_FIELD) && err_sentence()[0] != '\0' &&
                mem_equal(&t, &before, sizeof(t)));
    e = server_parse(text, server);
    if (e == ERR_OK)
        check_server(server);
    else
        require(e == ERR_FIELD && err_sentence()[0] != '\0' && strcmp(server, "before") == 0);
    free(text);
    return 0;
}
