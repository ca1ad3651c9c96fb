/* SPDX-License-Identifier: Apache-2.0 */
#include "client/command.h"

#include "base/enc.h"
#include "client/interrupt.h"
#include "client/outfile.h"
#include "client/pump.h"
#include "client/receive.h"
#include "client/reply.h"
#include "client/term.h"
#include "client/unpack.h"
#include "policy/filename.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { LISTED_MAX = 20, PATH_LEN = PATH_MAX + OUTFILE_NAME_LEN };

struct getting {
    struct command_ctx *c;
    struct target target;
    struct secret *passphrase; /* NULL: plain */
    struct outfile *outfile;   /* one of the two */
    struct unpack *unpack;
    struct net *net;
    struct net_download *download;
    struct received details;
    struct receive *receive;

    uint8_t sha256[SHA256_LEN];
    uint64_t len;
    char name[OUTFILE_NAME_LEN]; /* that it got; of a tar the folder that it got, if any */
};

/* ---- what must be right before a use is taken ---- */

/* The words of a link that has none, which must be the ones that it was made from. */
static enum err
read_words(const struct secret *line, struct target *t)
{
    struct target typed = {0};
    enum err e = target_parse_secret(line, &typed);

    if (e == ERR_OK && (!typed.is_e2e || typed.code.n_words == 0))
        e = err_set(ERR_NOTFOUND, "these are not six words");
    if (e == ERR_OK && strcmp(typed.key, t->key) != 0)
        e = err_set(ERR_NOTFOUND, "these are not the words of this link");
    if (e == ERR_OK)
        t->code = typed.code;
    target_wipe(&typed);
    return e;
}

static enum err
ask_words(struct target *t)
{
    struct secret *line = NULL;
    enum err e = term_ask("The six words of this file: ", false, &line);

    if (e == ERR_FIELD)
        return err_set(e, "the link does not have the six words that open the file: give them "
                          "instead of it");
    if (e == ERR_OK)
        e = read_words(line, t);
    secret_free(line);
    return e;
}

static enum err
read_target(struct getting *g)
{
    enum err e = command_target(g->c, &g->target);

    if (e != ERR_OK || !g->target.is_e2e)
        return e;
    if (g->target.code.n_words == 0)
        e = ask_words(&g->target);
    if (e == ERR_OK)
        e = e2e_passphrase(&g->target.code, &g->passphrase);
    return e;
}

static enum err
open_outfile(struct getting *g)
{
    const struct options *o = g->c->options;
    const struct outfile_cfg cfg = {.dir = o->dir, .path = o->output, .force = o->is_forced};
    enum err e = outfile_open(&cfg, &g->outfile);

    if (e != ERR_OK)
        g->c->subject = o->output != NULL ? o->output : o->dir;
    return e;
}

static enum err
open_output(struct getting *g)
{
    const struct options *o = g->c->options;
    enum err e;

    if (!o->has_extract)
        return open_outfile(g);
    e = unpack_new(o->dir, &g->unpack);
    if (e != ERR_OK)
        g->c->subject = o->dir;
    return e;
}

/* ---- the transfer ---- */

static enum err
request(struct getting *g)
{
    struct net_reply reply;
    enum err e = command_net(g->c, g->target.server, &g->net);

    if (e != ERR_OK)
        return e;
    net_reply_init(&reply);
    e = net_download_open(g->net, g->target.key, &g->download, &reply);
    if (e == ERR_OK && g->download == NULL)
        e = reply_error(&reply);
    net_reply_done(&reply);
    return e;
}

static enum err
read_details(struct getting *g)
{
    const struct net_file *f = net_download_file(g->download);
    const struct share_code *code = g->passphrase != NULL ? &g->target.code : NULL;
    char name[TERM_SHOWN_LEN], size[TERM_SIZE_LEN];
    enum err e = receive_details(f, code, &g->details);

    if (e != ERR_OK)
        return e;
    if (code != NULL && f->meta[0] == '\0')
        term_note("Note: its sender gave no details, so its name is what the server says.");
    term_shown(g->details.name, name);
    term_size(g->details.size_bytes, size);
    if (g->details.size_bytes == UINT64_MAX)
        term_note("%s", name);
    else
        term_note("%s (%s)", name, size);
    return ERR_OK;
}

/* The use is taken, so what is no tar is kept as it is. */
static enum err
choose_output(struct getting *g)
{
    if (g->unpack == NULL || received_is_tar(&g->details))
        return ERR_OK;
    term_note("Note: this is no tar, so there is nothing to extract.");
    unpack_free(g->unpack);
    g->unpack = NULL;
    return open_outfile(g);
}

static enum err
run_transfer(struct getting *g)
{
    struct progress *p = progress_new("Receiving", g->details.size_bytes);
    enum err e;

    e = receive_new(net_download_source(g->download), g->passphrase, &g->details, p, &g->receive);
    if (e == ERR_OK && g->unpack != NULL)
        e = unpack_run(g->unpack, receive_source(g->receive));
    else if (e == ERR_OK)
        e = pump(receive_source(g->receive), outfile_sink(g->outfile));
    progress_free(p);
    if (e == ERR_OK)
        e = receive_check(g->receive, g->sha256, &g->len);
    return e;
}

/* Whether coming back can help: the server goes on with the same use for a while. */
static bool
may_be_tried_again(enum err e)
{
    return !interrupt_seen() &&
           (e == ERR_UNAVAIL || e == ERR_TIMEOUT || e == ERR_CLOSED || e == ERR_IO);
}

static enum err
transfer(struct getting *g)
{
    enum err e = read_details(g);

    if (e == ERR_OK)
        e = choose_output(g);
    if (e == ERR_OK)
        e = run_transfer(g);
    if (may_be_tried_again(e))
        return err_set(e,
                       "%s; to try again soon from this address may take no "
                       "further use",
                       err_sentence());
    return e;
}

/* ---- names ---- */

/* "photos" for "photos.tar": the folder of what cannot lie beside what is there. */
static void
stem_of(const char *name, char ret_stem[FILENAME_TEXT_LEN])
{
    size_t len;

    filename_clean(name, strlen(name), ret_stem);
    len = strlen(ret_stem);
    if (len > 4 && strcmp(ret_stem + len - 4, ".tar") == 0)
        ret_stem[len - 4] = '\0';
}

static enum err
commit_tree(struct getting *g)
{
    char stem[FILENAME_TEXT_LEN];
    enum err e = unpack_commit(g->unpack, g->c->options->is_forced);

    if (e != ERR_IO)
        return e;
    term_note("Note: it went into a folder of its own (%s).", err_sentence());
    stem_of(g->details.name, stem);
    return unpack_commit_as(g->unpack, stem, g->name);
}

static enum err
commit(struct getting *g)
{
    if (g->unpack != NULL)
        return commit_tree(g);
    return outfile_commit(g->outfile, g->details.name, g->name);
}

/* ---- what came of it ---- */

static void
join(const char *dir, const char *name, char ret_path[PATH_LEN])
{
    size_t len = dir == NULL ? 0 : strlen(dir);

    if (len == 0)
        (void)snprintf(ret_path, PATH_LEN, "%s", name);
    else
        (void)snprintf(ret_path, PATH_LEN, "%s%s%s", dir, dir[len - 1] == '/' ? "" : "/", name);
}

/* Where entry `i` of what came is now. */
static void
path_of(const struct getting *g, size_t i, char ret_path[PATH_LEN])
{
    const struct options *o = g->c->options;
    char top[PATH_LEN];

    if (g->unpack == NULL && o->output != NULL) {
        (void)snprintf(ret_path, PATH_LEN, "%s", o->output);
    } else if (g->unpack == NULL) {
        join(o->dir, g->name, ret_path);
    } else {
        join(o->dir, g->name, top);
        join(g->name[0] != '\0' ? top : o->dir, unpack_name(g->unpack, i), ret_path);
    }
}

static size_t
n_paths(const struct getting *g)
{
    return g->unpack != NULL ? unpack_n(g->unpack) : 1;
}

static void
note_paths(const struct getting *g)
{
    char path[PATH_LEN], shown[TERM_SHOWN_LEN], size[TERM_SIZE_LEN];
    size_t n = n_paths(g);

    term_size(g->len, size);
    for (size_t i = 0; i < n && i < LISTED_MAX; i++) {
        path_of(g, i, path);
        term_shown(path, shown);
        if (g->unpack == NULL)
            term_note("Saved as %s (%s)", shown, size);
        else
            term_note("Extracted %s", shown);
    }
    if (n > LISTED_MAX)
        term_note("Extracted %zu more", n - LISTED_MAX);
    if (n == 0)
        term_note("The tar was empty");
    if (g->unpack != NULL && unpack_n_left_out(g->unpack) > 0)
        term_note("Left out: %zu links that lead out of what was sent.",
                  unpack_n_left_out(g->unpack));
}

static void
note(const struct getting *g)
{
    const struct received *r = &g->details;

    if (g->outfile == NULL || !outfile_is_stdout(g->outfile))
        note_paths(g);
    if (r->has_uses_left && r->uses_left == 0)
        term_note("That was its last download.");
    else if (r->has_uses_left)
        term_note("%u download%s left.", r->uses_left, r->uses_left == 1 ? " is" : "s are");
}

/* A path of the user's need not be UTF-8, which JSON must be. */
static json_t *
json_text(const char *text)
{
    json_t *j = json_string(text);

    return j != NULL ? j : json_null();
}

static json_t *
json_paths(const struct getting *g)
{
    json_t *list = json_array();
    char path[PATH_LEN];

    for (size_t i = 0; list != NULL && i < n_paths(g); i++) {
        path_of(g, i, path);
        if (json_array_append_new(list, json_text(path)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static enum err
print_json(const struct getting *g)
{
    char hash[HEX_LEN(SHA256_LEN) + 1], name[FILENAME_TEXT_LEN], type[TERM_SHOWN_LEN],
        path[PATH_LEN];
    const struct received *r = &g->details;
    json_t *where, *uses;

    filename_clean(r->name, strlen(r->name), name);
    term_shown(r->type, type);
    hex_encode(g->sha256, sizeof(g->sha256), hash);
    if (g->unpack == NULL)
        path_of(g, 0, path);
    where = g->unpack != NULL ? json_paths(g) : json_text(path);
    uses = r->has_uses_left ? json_integer(r->uses_left) : json_null();
    return command_print_json(json_pack("{s:s, s:o, s:I, s:s, s:s?, s:o}", "name", name,
                                        g->unpack != NULL ? "paths" : "path", where, "size",
                                        (json_int_t)g->len, "sha256", hash, "type",
                                        type[0] != '\0' ? type : NULL, "uses_left", uses));
}

enum err
cmd_get(struct command_ctx *c)
{
    struct getting g = {.c = c};
    enum err e = read_target(&g);

    if (e == ERR_OK)
        e = open_output(&g);
    if (e == ERR_OK)
        e = request(&g);
    if (e == ERR_OK)
        e = transfer(&g);
    if (e == ERR_OK)
        e = commit(&g);
    if (e == ERR_OK)
        note(&g);
    if (e == ERR_OK && c->options->is_json)
        e = print_json(&g);
    receive_free(g.receive);
    net_download_free(g.download);
    net_free(g.net);
    outfile_free(g.outfile);
    unpack_free(g.unpack);
    secret_free(g.passphrase);
    target_wipe(&g.target);
    return e;
}
