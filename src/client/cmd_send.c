/* SPDX-License-Identifier: Apache-2.0 */
#include "client/command.h"

#include "base/clock.h"
#include "base/enc.h"
#include "base/fs.h"
#include "base/mem.h"
#include "client/e2e.h"
#include "client/interrupt.h"
#include "client/net.h"
#include "client/pack.h"
#include "client/reply.h"
#include "client/sealed.h"
#include "client/sent.h"
#include "client/term.h"
#include "client/tokens.h"
#include "client/type.h"
#include "crypt/age.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

enum { FIELDS_MAX = 4, NUMBER_LEN = 16 };

/* What a server calls an end-to-end file: a name tells something. */
static const char *const sealed_name = "mayfly.age";

_Static_assert((int)NET_LATE_MAX >= (int)E2E_META_MAX, "the metadata must fit the late field");

struct sending {
    struct command_ctx *c;
    bool is_e2e;
    struct pack pack;
    struct net *net;
    struct share_code code;
    char id[CODE_ID_LEN + 1];
    struct e2e_meta meta;
    struct sealed *sealed; /* has taken the pack's source */
    struct receipt receipt;
    bool is_kept;
};

/* ---- what is sent ---- */

/* The name of the user's choice, which the options have judged, and the type that it tells. */
static void
rename_pack(struct pack *p, const char *name)
{
    const char *type = p->is_tar ? NULL : type_by_name(name);

    assert(name[0] != '\0' && strlen(name) < sizeof(p->name));
    (void)snprintf(p->name, sizeof(p->name), "%s", name);
    if (type != NULL)
        (void)snprintf(p->type, sizeof(p->type), "%s", type);
}

static enum err
open_pack(struct sending *s)
{
    const struct options *o = s->c->options;
    size_t failed = SIZE_MAX;
    enum err e;

    e = pack_open(o->args, o->n_args, &s->pack, &failed);
    if (e != ERR_OK && failed < o->n_args)
        s->c->subject = o->args[failed];
    if (e == ERR_OK && o->name != NULL)
        rename_pack(&s->pack, o->name);
    if (e == ERR_OK) {
        memcpy(s->meta.name, s->pack.name, sizeof(s->meta.name));
        memcpy(s->meta.type, s->pack.type, sizeof(s->meta.type));
    }
    return e;
}

/* ---- the upload ---- */

static enum err
seal_meta(void *ctx, char ret_value[NET_LATE_MAX + 1])
{
    struct sending *s = ctx;

    sealed_result(s->sealed, s->meta.sha256, &s->meta.size_bytes);
    return e2e_meta_seal(&s->code, &s->meta, ret_value);
}

/* The words, what they open the file with, and how long what goes behind the file will be. */
static enum err
prepare_e2e(struct sending *s, struct secret **ret_passphrase, struct net_upload *u)
{
    bool is_known = s->pack.len != UINT64_MAX;
    size_t len;
    enum err e;

    e = words_draw(words_builtin(), CODE_WORDS_E2E, &s->code);
    if (e == ERR_OK)
        e = e2e_id(&s->code, s->id);
    if (e == ERR_OK)
        e = e2e_passphrase(&s->code, ret_passphrase);
    s->meta.size_bytes = is_known ? s->pack.len : 0;
    if (e == ERR_OK)
        e = e2e_meta_len(&s->meta, &len);
    if (e != ERR_OK)
        return e;
    u->filename = sealed_name;
    u->len = is_known ? age_file_len(s->pack.len, AGE_WORK_OURS) : UINT64_MAX;
    u->late_name = "meta";
    u->late_len = is_known ? len : SIZE_MAX;
    u->late = seal_meta;
    u->ctx = s;
    return ERR_OK;
}

static size_t
add_fields(const struct sending *s, struct net_field fields[FIELDS_MAX],
           char numbers[2][NUMBER_LEN])
{
    const struct settings *set = s->c->settings;
    size_t n = 0;

    if (s->is_e2e) {
        fields[n++] = (struct net_field){"id", s->id};
        fields[n++] = (struct net_field){"encryption", "age"};
    }
    if (set->expiry_min > 0) {
        (void)snprintf(numbers[0], NUMBER_LEN, "%u", set->expiry_min);
        fields[n++] = (struct net_field){"expiry", numbers[0]};
    }
    if (set->uses > 0) {
        (void)snprintf(numbers[1], NUMBER_LEN, "%u", set->uses);
        fields[n++] = (struct net_field){"uses", numbers[1]};
    }
    return n;
}

static enum err
run_upload(struct sending *s, struct net_upload *u, const struct secret *passphrase,
           struct net_reply *ret_reply)
{
    struct progress *progress = progress_new("Sending", s->pack.len);
    enum err e;

    e = sealed_new(&s->pack.source, passphrase, progress, &s->sealed);
    if (e == ERR_OK) {
        u->source = sealed_source(s->sealed);
        e = net_upload(s->net, u, ret_reply);
    }
    progress_free(progress);
    /* In chunks it is found too large only on the way, and then most servers just hang up. */
    if (e == ERR_CLOSED && u->len == UINT64_MAX && !interrupt_seen())
        e = err_set(e, "%s: it may be more than the server accepts", err_sentence());
    if (e == ERR_IO && s->c->options->n_args == 1 && strcmp(s->c->options->args[0], "-") != 0)
        s->c->subject = s->c->options->args[0];
    return e;
}

static enum err
upload(struct sending *s)
{
    struct net_field fields[FIELDS_MAX];
    char numbers[2][NUMBER_LEN];
    struct net_upload u = {.fields = fields,
                           .filename = s->pack.name,
                           .len = s->pack.len,
                           .bearer = s->c->settings->upload_token};
    struct secret *passphrase = NULL;
    struct net_reply reply;
    enum err e = ERR_OK;

    net_reply_init(&reply);
    if (s->is_e2e)
        e = prepare_e2e(s, &passphrase, &u);
    u.n_fields = add_fields(s, fields, numbers);
    if (e == ERR_OK)
        e = run_upload(s, &u, passphrase, &reply);
    if (e == ERR_OK && (reply.status < 200 || reply.status > 299))
        e = reply_error(&reply);
    else if (e == ERR_OK)
        e = reply_receipt(&reply, &s->receipt);
    if (e == ERR_OK)
        sealed_result(s->sealed, s->meta.sha256, &s->meta.size_bytes);
    net_reply_done(&reply);
    secret_free(passphrase);
    return e;
}

/* ---- what came of it ---- */

/* Burn what was sent, as nobody should have it. The error and its sentence are given on, with a
 * word on whether that worked. */
static enum err
take_back(struct sending *s, enum err why, const char *sentence)
{
    struct secret *token = NULL;
    struct net_reply reply;
    enum err e;

    net_reply_init(&reply);
    e = secret_copy(s->receipt.burn_token, strlen(s->receipt.burn_token), &token);
    if (e == ERR_OK)
        e = command_ask(s->net, "burn", s->receipt.key, token, &reply);
    net_reply_done(&reply);
    secret_free(token);
    return err_set(why, "%s; the upload %s", sentence,
                   e == ERR_OK || e == ERR_GONE ? "was burned"
                                                : "could not be burned, and ends by itself");
}

/* Whether the receipt is of what we sent. */
static enum err
check_receipt(struct sending *s)
{
    uint8_t hash[SHA256_LEN];

    if (s->is_e2e) {
        if (strcmp(s->receipt.key, s->id) != 0)
            return take_back(s, ERR_SYNTAX, "the server knows no end-to-end uploads (see --plain)");
        return ERR_OK;
    }
    if (words_parse_any(CODE_WORDS_MIN, CODE_WORDS_MAX, s->receipt.key, &s->code) != ERR_OK)
        return take_back(s, ERR_SYNTAX, "the server gave no code");
    if (hex_decode(s->receipt.sha256, hash, sizeof(hash)) != ERR_OK ||
        !mem_equal(hash, s->meta.sha256, sizeof(hash)))
        return take_back(s, ERR_INTEGRITY, "what arrived at the server is not what was sent");
    return ERR_OK;
}

static void
keep_token(struct sending *s, int64_t now_s)
{
    const struct receipt *r = &s->receipt;
    /* Forgotten by our clock, so the server's must not count. */
    int64_t ends_at_s = r->life_s >= 0 ? now_s + r->life_s : r->expires_at_s;

    tokens_sweep(now_s);
    s->is_kept = tokens_put(s->c->settings->server, r->key, r->burn_token, ends_at_s) == ERR_OK;
    if (!s->is_kept)
        term_note("It cannot be burned from here later: %s.", err_sentence());
}

/* For people: a closed stderr takes no code from a script. */
static void
print_aside(const struct buf *b)
{
    enum err e = b->len > 0 ? fs_write_all(STDERR_FILENO, b->data, b->len) : ERR_OK;

    (void)e;
}

static void
advise(const struct sent *sent, bool has_picture)
{
    struct buf b;
    enum err e = ERR_OK;

    buf_init(&b, 8 * SENT_TEXT_MAX);
    if (!term_is_quiet())
        e = sent_advice(sent, &b);
    if (e == ERR_OK && has_picture)
        e = sent_picture(sent, isatty(STDERR_FILENO) == 1, &b);
    if (e != ERR_OK)
        term_note("The link cannot be drawn: %s.", err_sentence());
    print_aside(&b);
    buf_done(&b);
}

static enum err
print_sent(struct sending *s, const struct sent *sent)
{
    struct buf head, result;
    enum err e = ERR_OK;

    buf_init(&head, SENT_TEXT_MAX);
    buf_init(&result, SENT_TEXT_MAX);
    if (!term_is_quiet())
        e = sent_headline(sent, &head);
    if (e == ERR_OK)
        e = sent_result(sent, s->c->options->is_json, &result);
    if (e == ERR_OK) {
        print_aside(&head);
        e = command_print(&result);
    }
    buf_done(&head);
    buf_done(&result);
    return e;
}

/* Without its code nobody can have the file: what cannot be told is not left behind. */
static enum err
tell(struct sending *s)
{
    int64_t now_s = clock_now_s();
    char sentence[256];
    struct sent sent;
    enum err e;

    keep_token(s, now_s);
    sent = (struct sent){.meta = &s->meta,
                         .receipt = &s->receipt,
                         .code = &s->code,
                         .server = s->c->settings->server,
                         .is_e2e = s->is_e2e,
                         .has_server = s->c->settings->has_server,
                         .is_kept = s->is_kept,
                         .now_s = now_s};
    e = print_sent(s, &sent);
    if (e == ERR_OK) {
        advise(&sent, s->c->options->has_qr);
        return ERR_OK;
    }
    (void)snprintf(sentence, sizeof(sentence), "%s", err_sentence());
    tokens_forget(s->receipt.key, s->c->settings->server);
    return take_back(s, e, sentence);
}

enum err
cmd_send(struct command_ctx *c)
{
    struct sending s = {.c = c, .is_e2e = !c->options->is_plain};
    enum err e;

    e = open_pack(&s);
    if (e == ERR_OK)
        e = command_net(c, NULL, &s.net);
    if (e == ERR_OK)
        e = upload(&s);
    if (e == ERR_OK)
        e = check_receipt(&s);
    if (e == ERR_OK)
        e = tell(&s);
    if (s.sealed != NULL)
        source_free(sealed_source(s.sealed));
    source_free(s.pack.source);
    net_free(s.net);
    share_code_wipe(&s.code);
    receipt_wipe(&s.receipt);
    return e;
}
