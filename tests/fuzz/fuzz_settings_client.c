/* SPDX-License-Identifier: Apache-2.0 */
/* The client's configuration file: it is refused with a sentence that can be shown, and nothing
 * else changes; or what comes out keeps the promises of its struct, and reads the same when it is
 * written anew. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "client/settings_file.h"

#undef assert /* also in a release build */
#define assert(x)                                                                                  \
    do {                                                                                           \
        if (!(x))                                                                                  \
            __builtin_trap();                                                                      \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text, size_t cap, bool is_path)
{
    size_t len = strnlen(text, cap);

    assert(len < cap);
    for (size_t i = 0; i < len; i++)
        assert((unsigned char)text[i] >= 0x20 || text[i] == '\t');
    if (len > 0 && is_path)
        assert(text[0] == '/' || (text[0] == '~' && text[1] == '/'));
}

static void
check(const struct settings_file *f)
{
    check_text(f->server, sizeof(f->server), false);
    assert(f->server[0] == '\0' || strncmp(f->server, "http://", 7) == 0 ||
           strncmp(f->server, "https://", 8) == 0);
    check_text(f->ca_file, sizeof(f->ca_file), true);
    check_text(f->token_file, sizeof(f->token_file), true);
    check_text(f->proxy, sizeof(f->proxy), false);
    assert(f->expiry_min <= 525600 && f->uses <= 10000);
}

static void
add(struct buf *b, const char *name, const char *value)
{
    if (value[0] != '\0')
        assert(buf_addf(b, "%s=%s\n", name, value) == ERR_OK);
}

static void
check_again(const struct settings_file *f)
{
    struct settings_file again;
    struct buf b;

    buf_init(&b, 8192);
    add(&b, "token-file", f->token_file);
    add(&b, "server", f->server);
    add(&b, "cacert", f->ca_file);
    add(&b, "proxy", f->proxy);
    if (f->expiry_min > 0)
        assert(buf_addf(&b, "expiry=%u\n", f->expiry_min) == ERR_OK);
    if (f->uses > 0)
        assert(buf_addf(&b, "uses=%u\n", f->uses) == ERR_OK);
    assert(settings_file_parse(buf_text(&b), b.len, &again) == ERR_OK);
    assert(strcmp(again.server, f->server) == 0 && strcmp(again.ca_file, f->ca_file) == 0);
    assert(strcmp(again.proxy, f->proxy) == 0 && strcmp(again.token_file, f->token_file) == 0);
    assert(again.expiry_min == f->expiry_min && again.uses == f->uses);
    buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings_file f, before;

    memset(&f, 0xa5, sizeof(f));
    before = f;
    if (settings_file_parse((const char *)data, size, &f) == ERR_OK) {
        check(&f);
        check_again(&f);
        return 0;
    }
    assert(memcmp(&f, &before, sizeof(f)) == 0);
    for (const char *s = err_sentence(); *s != '\0'; s++)
        assert(*s >= 0x20 && *s < 0x7f);
    return 0;
}
