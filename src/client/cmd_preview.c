/* SPDX-License-Identifier: Apache-2.0 */
#include "client/command.h"

#include "base/enc.h"
#include "base/mem.h"
#include "client/e2e.h"
#include "client/reply.h"
#include "client/term.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 8192 };

/* What is told: the sender's words where there are any, else the server's. */
struct facts {
    struct reply_preview server;
    bool is_e2e, is_open; /* end to end; and what was sealed could be read */
    char name[E2E_NAME_LEN], type[E2E_TYPE_LEN], sha256[REPLY_SHA256_LEN + 1];
    uint64_t size_bytes;
};

static enum err
ask_server(struct command_ctx *c, const struct target *t, struct reply_preview *ret)
{
    struct net_reply reply;
    struct net *net = NULL;
    enum err e = command_net(c, t->server, &net);

    if (e != ERR_OK)
        return e;
    net_reply_init(&reply);
    e = command_ask(net, "preview", t->key, NULL, &reply);
    if (e == ERR_OK)
        e = reply_preview(&reply, ret);
    net_reply_done(&reply);
    net_free(net);
    return e;
}

static enum err
open_sealed(const struct target *t, struct facts *f)
{
    struct e2e_meta meta;
    enum err e = e2e_meta_open(&t->code, f->server.meta, &meta);

    if (e != ERR_OK)
        return e;
    f->is_open = true;
    memcpy(f->name, meta.name, sizeof(f->name));
    memcpy(f->type, meta.type, sizeof(f->type));
    hex_encode(meta.sha256, sizeof(meta.sha256), f->sha256);
    f->size_bytes = meta.size_bytes;
    mem_wipe(&meta, sizeof(meta));
    return ERR_OK;
}

static enum err
read_facts(const struct target *t, struct facts *f)
{
    f->is_e2e = t->is_e2e;
    if (f->is_e2e && t->code.n_words > 0 && f->server.meta[0] != '\0')
        return open_sealed(t, f);
    if (f->is_e2e)
        return ERR_OK;
    f->is_open = true;
    memcpy(f->name, f->server.name, sizeof(f->name));
    memcpy(f->type, f->server.type, sizeof(f->type));
    memcpy(f->sha256, f->server.sha256, sizeof(f->sha256));
    f->size_bytes = f->server.size_bytes;
    return ERR_OK;
}

/* ---- telling ---- */

static enum err
add_size(const char *label, uint64_t bytes, struct buf *b)
{
    char size[TERM_SIZE_LEN];

    term_size(bytes, size);
    if (bytes < 1024)
        return buf_addf(b, "%s%s\n", label, size);
    return buf_addf(b, "%s%s (%" PRIu64 " bytes)\n", label, size, bytes);
}

static enum err
add_file(const struct target *t, const struct facts *f, struct buf *b)
{
    char name[TERM_SHOWN_LEN], type[TERM_SHOWN_LEN];
    enum err e;

    if (!f->is_open) {
        e = buf_addf(b, "Name:       %s\n",
                     t->code.n_words > 0 ? "not told by its sender"
                                         : "encrypted: only the six words tell it");
        return e == ERR_OK ? add_size("Encrypted:  ", f->server.size_bytes, b) : e;
    }
    term_shown(f->name, name);
    term_shown(f->type, type);
    e = buf_addf(b, "Name:       %s\n", name);
    if (e == ERR_OK)
        e = add_size("Size:       ", f->size_bytes, b);
    if (e == ERR_OK)
        e = buf_addf(b, "Type:       %s\nSHA-256:    %s\n", type, f->sha256);
    mem_wipe(name, sizeof(name));
    return e;
}

static enum err
tell(const struct target *t, const struct facts *f)
{
    struct buf b;
    enum err e;

    buf_init(&b, SHOWN_MAX);
    e = add_file(t, f, &b);
    if (e == ERR_OK)
        e = buf_addf(&b, "Downloads:  %u left\nTime left:  %u minute%s, until %s\n",
                     f->server.uses_left, f->server.minutes_left,
                     f->server.minutes_left == 1 ? "" : "s", f->server.expiry);
    if (e == ERR_OK)
        e = command_print(&b);
    buf_done(&b);
    return e;
}

static enum err
tell_json(const struct facts *f)
{
    json_t *size = f->is_open ? json_integer((json_int_t)f->size_bytes) : json_null();
    const char *name = f->is_open ? f->name : NULL, *type = f->is_open ? f->type : NULL;

    return command_print_json(
        json_pack("{s:s?, s:o, s:s?, s:s?, s:i, s:i, s:s, s:s?}", "name", name, "size", size,
                  "type", type, "sha256", f->is_open ? f->sha256 : NULL, "uses_left",
                  (int)f->server.uses_left, "minutes_left", (int)f->server.minutes_left,
                  "expires_at", f->server.expiry, "encryption", f->is_e2e ? "age" : NULL));
}

enum err
cmd_preview(struct command_ctx *c)
{
    struct facts f = {0};
    struct target t = {0};
    enum err e = command_target(c, &t);

    if (e == ERR_OK)
        e = ask_server(c, &t, &f.server);
    if (e == ERR_OK)
        e = read_facts(&t, &f);
    if (e == ERR_OK)
        e = c->options->is_json ? tell_json(&f) : tell(&t, &f);
    mem_wipe(&f, sizeof(f));
    target_wipe(&t);
    return e;
}
