/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 1024 };

struct line {
    char text[LINE_MAX_LEN];
    size_t len;
};

static _Atomic int threshold = LOG_INFO;

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

void
log_set_level(enum log_level level)
{
    threshold = (int)level;
}

enum err
log_level_parse(const char *text, enum log_level *ret_level)
{
    for (int i = LOG_DEBUG; i <= LOG_OFF; i++) {
        if (text_same(text, level_names[i])) {
            *ret_level = (enum log_level)i;
            return ERR_OK;
        }
    }
    return err_set(ERR_SYNTAX, "not one of debug, info, warn, error, off");
}

/* Append; false, and nothing appended, when the line would not leave room for its end. */
static bool
add(struct line *l, const char *s, size_t len)
{
    if (len > sizeof(l->text) - 2 - l->len)
        return false;
    memcpy(l->text + l->len, s, len);
    l->len += len;
    return true;
}

/* How many bytes at `s` are plain ASCII that no JSON text escapes: nearly always all of them. */
static size_t
plain_len(const uint8_t *s, size_t len)
{
    size_t n = 0;

    while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

static bool
add_escaped(struct line *l, const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t left = strlen(text), n;
    char escape[8];
    uint32_t c;
    bool ok = add(l, "\"", 1);

    for (; ok && left > 0; s += n, left -= n) {
        n = plain_len(s, left);
        if (n > 0) {
            ok = add(l, (const char *)s, n);
            continue;
        }
        n = text_utf8(s, left, &c);
        if (n == 0 || c < 0x20 || (c >= 0x7f && c <= 0x9f)) { /* C1 steers terminals too */
            (void)snprintf(escape, sizeof(escape), "\\u%04x", n == 0 ? 0xfffdU : c & 0xffffU);
            n = n == 0 ? 1 : n;
            ok = add(l, escape, 6);
        } else if (*s == '"' || *s == '\\') {
            ok = add(l, "\\", 1) && add(l, (const char *)s, 1);
        } else {
            ok = add(l, (const char *)s, n);
        }
    }
    return ok && add(l, "\"", 1);
}

static void
add_field(struct line *l, const struct log_field *f)
{
    size_t before = l->len;
    char number[24];
    bool ok;

    ok = (l->len == 1 || add(l, ",", 1)) && add_escaped(l, f->key) && add(l, ":", 1);
    if (f->text != NULL) {
        ok = ok && add_escaped(l, f->text);
    } else {
        (void)snprintf(number, sizeof(number), "%" PRId64, f->number);
        ok = ok && add(l, number, strlen(number));
    }
    if (!ok)
        l->len = before;
}

void
log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    char now[CLOCK_TEXT_LEN];
    struct log_field head[3];
    struct line l = {.len = 1, .text = "{"};
    ssize_t written;

    if ((int)level < threshold || level >= LOG_OFF)
        return;
    clock_text(clock_now_s(), now);
    head[0] = (struct log_field)LOG_TEXT("time", now);
    head[1] = (struct log_field)LOG_TEXT("level", level_names[level]);
    head[2] = (struct log_field)LOG_TEXT("event", event);
    for (size_t i = 0; i < 3; i++)
        add_field(&l, &head[i]);
    for (size_t i = 0; i < n; i++)
        add_field(&l, &fields[i]);
    l.text[l.len++] = '}';
    l.text[l.len++] = '\n';
    written = write(STDERR_FILENO, l.text, l.len); /* nowhere to report a failure of it */
    (void)written;
}

void
log_err(enum log_level level, const char *what, enum err e)
{
    const struct log_field fields[] = {
        LOG_TEXT("doing", what),
        LOG_TEXT("error", err_name(e)),
        LOG_TEXT("detail", err_sentence()),
    };

    log_event(level, "error", fields, 3);
}
