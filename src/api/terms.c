/* SPDX-License-Identifier: Apache-2.0 */
#include "api/terms.h"

#include "base/enc.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_EXPIRY_MIN = 10, DEFAULT_USES = 1, VALUE_MAX = 512 };

static const struct {
    const char *field;
    size_t max;
} kinds[TERM_N] = {
    [TERM_EXPIRY] = {"expiry", VALUE_MAX},      [TERM_USES] = {"uses", VALUE_MAX},
    [TERM_TOKEN] = {"token", VALUE_MAX},        [TERM_ID] = {"id", VALUE_MAX},
    [TERM_META] = {"meta", VAULT_E2E_META_MAX}, [TERM_ENCRYPTION] = {"encryption", VALUE_MAX},
};

void
terms_init(struct terms *t)
{
    for (size_t i = 0; i < TERM_N; i++) {
        t->values[i].is_set = false;
        buf_init(&t->values[i].text, kinds[i].max);
    }
}

void
terms_done(struct terms *t)
{
    for (size_t i = 0; i < TERM_N; i++)
        buf_done(&t->values[i].text);
}

enum term
terms_find(const char *field)
{
    for (size_t i = 0; i < TERM_N; i++) {
        if (strcmp(field, kinds[i].field) == 0)
            return (enum term)i;
    }
    return TERM_N;
}

enum err
terms_begin(struct terms *t, enum term term)
{
    if (t->values[term].is_set)
        return err_set(ERR_FIELD, "a field is there twice");
    t->values[term].is_set = true;
    return ERR_OK;
}

enum err
terms_add(struct terms *t, enum term term, const void *bytes, size_t len)
{
    struct buf *text = &t->values[term].text;

    if (len > text->max - text->len || memchr(bytes, '\0', len) != NULL)
        return err_set(ERR_FIELD, "a field's value is too long or holds a NUL");
    return buf_add(text, bytes, len);
}

enum err
terms_header(struct terms *t, enum term term, const char *value)
{
    enum err e;

    if (value == NULL)
        return ERR_OK;
    e = terms_begin(t, term);
    return e == ERR_OK ? terms_add(t, term, value, strlen(value)) : e;
}

/* ---- limits: expiry and uses ---- */

/* One number from 1 to `max`, or `otherwise` when it is not set. */
static enum err
read_number(const struct term_value *v, const char *name, unsigned max, unsigned otherwise,
            unsigned *ret_number, char ret_sentence[TERM_SENTENCE_LEN])
{
    uint64_t x = otherwise < max ? otherwise : max;

    if (v->is_set && (text_u64(buf_text(&v->text), v->text.len, max, &x) != ERR_OK || x < 1)) {
        (void)snprintf(ret_sentence, TERM_SENTENCE_LEN, "%s must be a whole number from 1 to %u.",
                       name, max);
        return err_set(ERR_FIELD, "a limit is out of its range");
    }
    *ret_number = (unsigned)x;
    return ERR_OK;
}

/* ---- end to end ---- */

/* Why this is no end-to-end upload; NULL: it is one. */
static const char *
read_e2e(const struct terms *t, struct wish *ret_wish)
{
    const struct term_value *id = &t->values[TERM_ID], *meta = &t->values[TERM_META];
    const struct term_value *encryption = &t->values[TERM_ENCRYPTION];

    if (!id->is_set || !encryption->is_set)
        return "id and encryption need each other, and meta needs both.";
    if (strcmp(buf_text(&encryption->text), "age") != 0)
        return "encryption must be age.";
    if (meta->is_set && (meta->text.len == 0 || !b64url_is(buf_text(&meta->text))))
        return "meta must be 1 to 4096 characters of base64url without padding.";
    if (words_parse_id(buf_text(&id->text), &ret_wish->id) != ERR_OK)
        return "id must be 16 bytes in base32, 26 characters in lower case.";
    ret_wish->e2e_meta = buf_text(&meta->text);
    ret_wish->is_e2e = true;
    return NULL;
}

enum err
terms_read(const struct terms *t, const struct app *app, bool is_raw, struct wish *ret_wish,
           char ret_sentence[TERM_SENTENCE_LEN])
{
    const struct term_value *v = t->values;
    struct wish wish = {0};
    const char *why = NULL;
    enum err e;

    e = read_number(&v[TERM_EXPIRY], is_raw ? "X-Expiry" : "expiry", app->max_expiry_min,
                    DEFAULT_EXPIRY_MIN, &wish.expiry_min, ret_sentence);
    if (e == ERR_OK)
        e = read_number(&v[TERM_USES], is_raw ? "X-Uses" : "uses", app->max_uses, DEFAULT_USES,
                        &wish.uses, ret_sentence);
    if (e == ERR_OK && (v[TERM_ID].is_set || v[TERM_META].is_set || v[TERM_ENCRYPTION].is_set))
        why = read_e2e(t, &wish);
    if (why != NULL) {
        (void)snprintf(ret_sentence, TERM_SENTENCE_LEN, "%s", why);
        e = err_set(ERR_FIELD, "not the fields of an end-to-end upload");
    }
    if (e == ERR_OK)
        *ret_wish = wish;
    share_code_wipe(&wish.id);
    return e;
}
