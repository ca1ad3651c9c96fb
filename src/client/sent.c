/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sent.h"

#include "base/clock.h"
#include "base/enc.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/qr.h"
#include "client/target.h"
#include "client/term.h"
#include "policy/filename.h"

#include <inttypes.h>
#include <string.h>

enum { URL_LEN = SERVER_TEXT_LEN + CODE_TEXT_LEN + sizeof("/download/") };

/* A link stands bare in the advice, and is pasted behind commands as it is: nothing of the server's
 * may mean something to a shell. */
static bool
is_plain(const char *address)
{
    for (; *address != '\0'; address++) {
        if (!text_is_alpha(*address) && !text_is_digit(*address) &&
            strchr("-._~%+,=:/[]", *address) == NULL)
            return false;
    }
    return true;
}

const char *
sent_base(const struct sent *s)
{
    const char *said = s->receipt->server;

    if (said[0] == '\0' || !is_plain(said) ||
        (text_begins(s->server, "https:") && text_begins(said, "http:")))
        return s->server;
    return said;
}

static void
make_download_url(const struct sent *s, char ret_url[URL_LEN])
{
    (void)snprintf(ret_url, URL_LEN, "%s/download/%s", sent_base(s), s->receipt->key);
}

/* ---- pieces of text ---- */

/* A value in quotes, written here because a library's copies of a secret would stay in memory. The
 * text is UTF-8. */
static enum err
add_json(struct buf *b, const char *name, const char *value)
{
    enum err e = buf_addf(b, "\"%s\":\"", name);

    for (; e == ERR_OK && *value != '\0'; value++) {
        if ((uint8_t)*value < 0x20)
            e = buf_addf(b, "\\u%04x", (unsigned)(uint8_t)*value);
        else if (*value == '"' || *value == '\\')
            e = buf_addf(b, "\\%c", *value);
        else
            e = buf_add(b, value, 1);
    }
    return e == ERR_OK ? buf_add_text(b, "\",") : e;
}

/* One word of a shell's command. */
static enum err
add_word(struct buf *b, const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "._-/:%+,";
    enum err e;

    if (word[0] != '\0' && word[strspn(word, safe)] == '\0')
        return buf_add_text(b, word);
    e = buf_add_text(b, "'");
    for (; e == ERR_OK && *word != '\0'; word++)
        e = *word == '\'' ? buf_add_text(b, "'\\''") : buf_add(b, word, 1);
    return e == ERR_OK ? buf_add_text(b, "'") : e;
}

/* The file's name as a word. */
static enum err
add_name(struct buf *b, const char *name)
{
    char clean[FILENAME_TEXT_LEN];
    struct buf shown;
    enum err e;

    filename_clean(name, strlen(name), clean);
    buf_init(&shown, SENT_TEXT_MAX);
    e = term_show(&shown, clean, strlen(clean), FILENAME_TEXT_LEN);
    if (e == ERR_OK)
        e = add_word(b, buf_text(&shown));
    buf_done(&shown);
    return e;
}

/* ---- the result ---- */

static enum err
add_object(const struct sent *s, struct buf *b)
{
    char hash[HEX_LEN(SHA256_LEN) + 1], link[LINK_TEXT_LEN], url[URL_LEN];
    enum err e;

    hex_encode(s->meta->sha256, SHA256_LEN, hash);
    target_link(sent_base(s), s->code, link);
    make_download_url(s, url);
    e = buf_add_text(b, "{");
    if (e == ERR_OK)
        e = add_json(b, "code", s->code->text);
    if (e == ERR_OK)
        e = add_json(b, "link", link);
    if (e == ERR_OK)
        e = add_json(b, "download_url", url);
    if (e == ERR_OK)
        e = add_json(b, "burn_token", s->receipt->burn_token);
    if (e == ERR_OK)
        e = add_json(b, "expires_at", s->receipt->expiry);
    if (e == ERR_OK)
        e = buf_addf(b, "\"uses\":%u,", s->receipt->uses);
    if (e == ERR_OK)
        e = add_json(b, "name", s->meta->name);
    if (e == ERR_OK)
        e = buf_addf(b, "\"size\":%" PRIu64 ",", s->meta->size_bytes);
    if (e == ERR_OK)
        e = add_json(b, "sha256", hash);
    if (e == ERR_OK)
        e = buf_addf(b, "\"encryption\":%s}\n", s->is_e2e ? "\"age\"" : "null");
    mem_wipe(link, sizeof(link));
    mem_wipe(url, sizeof(url));
    return e;
}

enum err
sent_result(const struct sent *s, bool is_json, struct buf *ret)
{
    return is_json ? add_object(s, ret) : buf_addf(ret, "%s\n", s->code->text);
}

/* ---- for people ---- */

enum err
sent_headline(const struct sent *s, struct buf *ret)
{
    char shown[TERM_SHOWN_LEN], size[TERM_SIZE_LEN];

    term_shown(s->meta->name, shown);
    term_size(s->meta->size_bytes, size);
    return buf_addf(ret, "Sent %s (%s), %s.\n", shown, size,
                    s->is_e2e ? "encrypted end to end"
                              : "not end to end: the server could read it");
}

static enum err
add_get(const struct sent *s, struct buf *b)
{
    enum err e = buf_addf(b, "Get it:   mayfly get %s", s->code->text);

    if (e == ERR_OK && s->has_server)
        e = buf_add_text(b, " -s ");
    if (e == ERR_OK && s->has_server)
        e = add_word(b, sent_base(s));
    return e == ERR_OK ? buf_add_text(b, "\n") : e;
}

/* For receivers who have the common tools alone. */
static enum err
add_curl(const struct sent *s, struct buf *b)
{
    char url[URL_LEN];
    enum err e;

    make_download_url(s, url);
    e = buf_add_text(b, s->is_e2e ? "      or: curl -s " : "      or: curl -OJ ");
    if (e == ERR_OK)
        e = add_word(b, url);
    if (e == ERR_OK && s->is_e2e)
        e = buf_add_text(b, " | age -d > ");
    if (e == ERR_OK && s->is_e2e)
        e = add_name(b, s->meta->name);
    if (e == ERR_OK)
        e = buf_add_text(b, "\n");
    mem_wipe(url, sizeof(url));
    return e;
}

static enum err
add_end(const struct sent *s, struct buf *b)
{
    int64_t left_s = s->receipt->expires_at_s - s->now_s;
    char at[CLOCK_TEXT_LEN], span[TERM_SPAN_LEN];
    unsigned uses = s->receipt->uses;

    clock_text(s->receipt->expires_at_s, at);
    term_span(left_s > 0 ? left_s : 0, span);
    return buf_addf(b, "Ends:     at %.10s %.8s UTC (in %s), or after %u download%s\n", at, at + 11,
                    span, uses, uses == 1 ? "" : "s");
}

enum err
sent_advice(const struct sent *s, struct buf *ret)
{
    char link[LINK_TEXT_LEN];
    enum err e;

    target_link(sent_base(s), s->code, link);
    e = buf_addf(ret, "Link:     %s\n", link);
    mem_wipe(link, sizeof(link));
    if (e == ERR_OK)
        e = add_get(s, ret);
    if (e == ERR_OK)
        e = add_curl(s, ret);
    if (e == ERR_OK)
        e = add_end(s, ret);
    if (e == ERR_OK && s->is_kept)
        e = buf_addf(ret, "Burn it:  mayfly burn %s\n", s->code->text);
    return e;
}

enum err
sent_picture(const struct sent *s, bool has_colours, struct buf *ret)
{
    char link[LINK_TEXT_LEN];
    enum err e;

    target_link(sent_base(s), s->code, link);
    e = qr_draw(link, has_colours, ret);
    mem_wipe(link, sizeof(link));
    return e;
}
