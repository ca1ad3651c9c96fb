/* SPDX-License-Identifier: Apache-2.0 */
#include "http/gate.h"

#include "base/text.h"
#include "http/field.h"
#include "http/lex.h"

#include <string.h>

enum { VERSION_LEN = 8 };

/* The fields that decide whom a request is for and where it ends. */
struct framing {
    const struct gate_field *host, *length, *coding;
    size_t n_host, n_length, n_coding;
};

static enum err
check_target(const char *target)
{
    size_t len = strlen(target);

    if (target[0] != '/')
        return err_set(ERR_SYNTAX, "the request target is not a path");
    for (size_t i = 0; i < len; i++) {
        /* A fragment is never sent; one that is would be cut by some readers and kept by others. */
        if (target[i] <= ' ' || target[i] >= 0x7f || target[i] == '#')
            return err_set(ERR_SYNTAX, "the request target holds a character that must be encoded");
        if (lex_percent(target + i, len - i) == 0)
            return err_set(ERR_SYNTAX, "the request target holds an encoded NUL");
    }
    return ERR_OK;
}

static enum err
check_field(const struct gate_field *f)
{
    if (!lex_is_token(f->name, f->name_len))
        return err_set(ERR_SYNTAX, "the name of a header field is not a token");
    for (size_t i = 0; i < f->value_len; i++) {
        if (lex_is_control(f->value[i]) && f->value[i] != '\t')
            return err_set(ERR_SYNTAX, "the value of a header field holds a control character");
    }
    return ERR_OK;
}

static void
note_field(struct framing *fr, const struct gate_field *f)
{
    if (lex_same(f->name, f->name_len, "Host")) {
        fr->host = f;
        fr->n_host++;
    } else if (lex_same(f->name, f->name_len, "Content-Length")) {
        fr->length = f;
        fr->n_length++;
    } else if (lex_same(f->name, f->name_len, "Transfer-Encoding")) {
        fr->coding = f;
        fr->n_coding++;
    }
}

static enum err
check_host(const struct framing *fr, bool is_1_1)
{
    char text[FIELD_AUTHORITY_MAX + 1];
    const char *s;
    size_t len;

    if (fr->n_host > 1)
        return err_set(ERR_SYNTAX, "more than one Host");
    if (fr->n_host == 0)
        return is_1_1 ? err_set(ERR_SYNTAX, "no Host") : ERR_OK;
    s = fr->host->value;
    len = fr->host->value_len;
    lex_trim(&s, &len);
    if (len > FIELD_AUTHORITY_MAX)
        return err_set(ERR_SYNTAX, "Host is too long");
    memcpy(text, s, len);
    text[len] = '\0';
    if (!field_is_authority(text))
        return err_set(ERR_SYNTAX, "Host is not a host with an optional port");
    return ERR_OK;
}

/* The values are taken as they are, blanks at their end included: the library compares them so,
 * and a coding that it does not recognise it would read until the connection closes. */
static enum err
check_framing(const struct framing *fr, bool is_1_1, struct gate_verdict *v)
{
    if (fr->n_coding > 0) {
        if (!is_1_1)
            return err_set(ERR_SYNTAX, "a transfer coding in HTTP/1.0");
        if (fr->n_length > 0)
            return err_set(ERR_SYNTAX, "a length beside a transfer coding");
        if (fr->n_coding > 1 || !lex_same(fr->coding->value, fr->coding->value_len, "chunked"))
            return err_set(ERR_UNSUPPORTED, "a transfer coding other than one chunked");
        *v = (struct gate_verdict){
            .has_length = true, .has_body = true, .is_chunked = true, .body_len = UINT64_MAX};
        return ERR_OK;
    }
    if (fr->n_length > 1)
        return err_set(ERR_SYNTAX, "more than one Content-Length");
    if (fr->n_length == 1) {
        /* INT64_MAX: no file is longer, and the library takes UINT64_MAX for "unknown". */
        if (text_u64(fr->length->value, fr->length->value_len, INT64_MAX, &v->body_len) != ERR_OK)
            return err_set(ERR_SYNTAX, "Content-Length is not a decimal number of a file's size");
        v->has_length = true;
        v->has_body = v->body_len > 0;
    }
    return ERR_OK;
}

enum err
gate_check(const struct gate_request *r, struct gate_verdict *ret_verdict)
{
    bool is_1_1 = strcmp(r->version, "HTTP/1.1") == 0;
    struct gate_verdict verdict = {0};
    struct framing fr = {0};
    enum err e;

    if (!lex_is_token(r->method, strlen(r->method)))
        return err_set(ERR_SYNTAX, "the method is not a token");
    if (!is_1_1 && strcmp(r->version, "HTTP/1.0") != 0)
        return err_set(ERR_SYNTAX, "neither HTTP/1.0 nor HTTP/1.1");
    e = check_target(r->target);
    if (e != ERR_OK)
        return e;
    if (r->n_fields > GATE_FIELDS_MAX)
        return err_set(ERR_TOOBIG, "more than %d header fields", GATE_FIELDS_MAX);
    for (size_t i = 0; i < r->n_fields; i++) {
        e = check_field(&r->fields[i]);
        if (e != ERR_OK)
            return e;
        note_field(&fr, &r->fields[i]);
    }
    e = check_host(&fr, is_1_1);
    if (e == ERR_OK)
        e = check_framing(&fr, is_1_1, &verdict);
    if (e == ERR_OK)
        *ret_verdict = verdict;
    return e;
}

/* ---- the layout ---- */

struct head {
    const char *s;
    size_t len, at;
};

/* Step over `len` bytes without a NUL, that must be what the library calls `text`. */
static bool
step_text(struct head *h, const char *text, size_t len)
{
    if (text != h->s + h->at || len > h->len - h->at || memchr(text, '\0', len) != NULL)
        return false;
    h->at += len;
    return true;
}

/* Step over `n` bytes that were overwritten with NUL: two for CR LF, one for a colon. */
static bool
step_nuls(struct head *h, size_t n)
{
    if (n > h->len - h->at)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (h->s[h->at + i] != '\0')
            return false;
    }
    h->at += n;
    return true;
}

/* method NUL target NUL version, with nothing more between them. The target is a copy from before
 * its query was taken apart in place, so that only its path can be compared, and its length. */
static bool
step_request_line(struct head *h, const struct gate_request *r)
{
    size_t method_len = strlen(r->method), target_len = strlen(r->target);
    size_t path_len = strcspn(r->target, "?");

    if (h->len < method_len + target_len + VERSION_LEN + 2)
        return false;
    if (memcmp(h->s, r->method, method_len) != 0 || h->s[method_len] != '\0' ||
        memcmp(h->s + method_len + 1, r->target, path_len) != 0)
        return false;
    h->at = method_len + 1 + target_len;
    return step_nuls(h, 1) && step_text(h, r->version, VERSION_LEN) && step_nuls(h, 2);
}

static bool
step_field(struct head *h, const struct gate_field *f)
{
    if (!step_text(h, f->name, f->name_len) || !step_nuls(h, 1))
        return false;
    while (h->at < h->len && lex_is_blank(h->s[h->at]))
        h->at++;
    return step_text(h, f->value, f->value_len) && step_nuls(h, 2);
}

enum err
gate_check_layout(const struct gate_request *r, const char *head, size_t head_len)
{
    struct head h = {.s = head, .len = head_len};

    if (!step_request_line(&h, r))
        return err_set(ERR_SYNTAX, "the request line is not three words and CR LF");
    for (size_t i = 0; i < r->n_fields; i++) {
        if (!step_field(&h, &r->fields[i]))
            return err_set(ERR_SYNTAX, "a header line does not follow the one before it");
    }
    if (!step_nuls(&h, 2) || h.at != h.len)
        return err_set(ERR_SYNTAX, "the header does not end with an empty line");
    return ERR_OK;
}
