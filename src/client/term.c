/* SPDX-License-Identifier: Apache-2.0 */
#include "client/term.h"

#include "base/mem.h"
#include "base/text.h"
#include "client/term_int.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_quiet;

/* What moves the cursor, turns text around or is not seen: C0, DEL and C1, then what Unicode calls
 * format characters, separators, fillers, variation selectors, tags and non-characters. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x034f, 0x034f},
    {0x061c, 0x061c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
    {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
    {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
    {0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x13430, 0x1345f}, {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool
is_shown(uint32_t c)
{
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        if (c >= hidden[i].first && c <= hidden[i].last)
            return false;
    }
    return (c & 0xfffe) != 0xfffe; /* the last two of every plane are no characters */
}

enum err
term_show(struct buf *b, const char *text, size_t len, size_t max_chars)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t was = b->len;
    enum err e = ERR_OK;

    while (len > 0 && e == ERR_OK) {
        uint32_t c = 0;
        size_t n = text_utf8(at, len, &c);

        if (max_chars-- == 0) {
            e = buf_add_text(b, "...");
            break;
        }
        if (n > 0 && is_shown(c))
            e = buf_add(b, at, n);
        else
            e = buf_add_text(b, "?");
        n = n > 0 ? n : 1;
        at += n;
        len -= n;
    }
    if (e != ERR_OK && b->data != NULL) {
        b->len = was;
        b->data[was] = '\0';
    }
    return e;
}

void
term_shown(const char *text, char ret[TERM_SHOWN_LEN])
{
    struct buf b;

    buf_init(&b, TERM_SHOWN_LEN - 1);
    if (term_show(&b, text, strlen(text), TERM_SHOW_MAX) != ERR_OK)
        (void)snprintf(ret, TERM_SHOWN_LEN, "?");
    else
        (void)snprintf(ret, TERM_SHOWN_LEN, "%s", buf_text(&b));
    buf_done(&b);
}

void
term_set_quiet(bool quiet)
{
    is_quiet = quiet;
}

bool
term_is_quiet(void)
{
    return is_quiet;
}

void
term_note(const char *fmt, ...)
{
    va_list ap;

    if (is_quiet)
        return;
    progress_hide();
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

void
term_fail(const char *subject, const char *sentence)
{
    char shown[TERM_SHOWN_LEN];

    progress_hide();
    (void)fputs("mayfly: ", stderr);
    if (subject != NULL) {
        term_shown(subject, shown);
        (void)fprintf(stderr, "%s: ", shown);
    }
    (void)fprintf(stderr, "%s\n", sentence);
}

/* Cut, not rounded: 1,023.99 KiB must not become "1024.0 KiB". */
void
term_size(uint64_t bytes, char ret_text[TERM_SIZE_LEN])
{
    static const char units[] = "KMGTPE";
    unsigned shift = 10, unit = 0;

    if (bytes < 1024) {
        (void)snprintf(ret_text, TERM_SIZE_LEN, "%u B", (unsigned)bytes);
        return;
    }
    while (bytes >> shift >= 1024) {
        shift += 10;
        unit++;
    }
    (void)snprintf(ret_text, TERM_SIZE_LEN, "%" PRIu64 ".%u %ciB", bytes >> shift,
                   (unsigned)((bytes >> (shift - 10) & 1023) * 10 / 1024), units[unit]);
}

void
term_span(int64_t seconds, char ret_text[TERM_SPAN_LEN])
{
    int64_t s = seconds < 0 ? 0 : seconds;

    if (s < 3600)
        (void)snprintf(ret_text, TERM_SPAN_LEN, "%d:%02d", (int)(s / 60), (int)(s % 60));
    else
        (void)snprintf(ret_text, TERM_SPAN_LEN, "%" PRId64 ":%02d:%02d", s / 3600,
                       (int)(s / 60 % 60), (int)(s % 60));
}
