/* SPDX-License-Identifier: Apache-2.0 */
#include "client/term.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/term_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The rate is that of the last N_MARKS * MARK_MS: long enough to be calm, short enough to follow a
 * network that changes. */
enum { DRAW_MS = 100, MARK_MS = 500, N_MARKS = 10, COLUMNS_DEFAULT = 80 };

struct progress {
    const char *verb;
    uint64_t done, total;
    int64_t began_ms, drawn_ms, marked_ms;
    struct mark {
        int64_t at_ms;
        uint64_t done;
    } marks[N_MARKS]; /* a ring */
    unsigned n_marks;
};

static bool is_drawn; /* there is a line on the terminal */

void
progress_hide(void)
{
    if (!is_drawn)
        return;
    is_drawn = false;
    (void)fputs("\r\x1b[K", stderr);
    (void)fflush(stderr);
}

static unsigned
columns_of_stderr(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_DEFAULT;
    return size.ws_col;
}

/* Bytes per second since the oldest mark. */
static uint64_t
rate_of(const struct progress *p, int64_t now_ms)
{
    const struct mark *oldest = &p->marks[p->n_marks > N_MARKS ? p->n_marks % N_MARKS : 0];
    int64_t span_ms = now_ms - oldest->at_ms;
    uint64_t bytes = p->done - oldest->done;

    if (span_ms <= 0)
        return 0;
    return bytes < UINT64_MAX / 1000 ? bytes * 1000 / (uint64_t)span_ms
                                     : bytes / (uint64_t)span_ms * 1000;
}

static void
draw(struct progress *p, int64_t now_ms)
{
    struct progress_state s = {.verb = p->verb,
                               .done = p->done,
                               .total = p->total,
                               .elapsed_ms = now_ms - p->began_ms,
                               .rate = rate_of(p, now_ms),
                               .columns = columns_of_stderr()};
    char text[PROGRESS_TEXT_LEN];

    s.columns--; /* many terminals wrap behind the last column */
    progress_text(&s, text);
    p->drawn_ms = now_ms;
    is_drawn = true;
    (void)fprintf(stderr, "\r%s\x1b[K", text);
    (void)fflush(stderr);
}

static void
mark(struct progress *p, int64_t now_ms)
{
    p->marks[p->n_marks % N_MARKS] = (struct mark){.at_ms = now_ms, .done = p->done};
    p->n_marks++;
    p->marked_ms = now_ms;
}

struct progress *
progress_new(const char *verb, uint64_t total)
{
    const char *kind = getenv("TERM");
    struct progress *p;

    if (term_is_quiet() || isatty(STDERR_FILENO) != 1 ||
        (kind != NULL && strcmp(kind, "dumb") == 0))
        return NULL;
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->verb = verb;
    p->total = total;
    p->began_ms = clock_mono_ms();
    mark(p, p->began_ms);
    draw(p, p->began_ms);
    return p;
}

void
progress_add(struct progress *p, size_t n)
{
    int64_t now_ms;

    if (p == NULL)
        return;
    p->done += n;
    now_ms = clock_mono_ms();
    if (now_ms - p->drawn_ms < DRAW_MS)
        return;
    if (now_ms - p->marked_ms >= MARK_MS)
        mark(p, now_ms);
    draw(p, now_ms);
}

void
progress_free(struct progress *p)
{
    if (p == NULL)
        return;
    progress_hide();
    free(p);
}

/* ---- the line ---- */

/* Only what is done whole is 100. */
static unsigned
percent_of(uint64_t done, uint64_t total)
{
    uint64_t percent =
        total < UINT64_MAX / 100 ? done * 100 / (total > 0 ? total : 1) : done / (total / 100);

    if (done >= total)
        return 100;
    return percent < 99 ? (unsigned)percent : 99;
}

/* What stands behind the verb, "" for what is not known, and whether it is shown. */
enum part { SHARE, DONE, TOTAL, RATE, TIME, N_PARTS };

struct parts {
    char text[N_PARTS][2 * TERM_SIZE_LEN];
    bool is_left_out[N_PARTS];
};

static void
amounts(const struct progress_state *s, struct parts *p)
{
    char size[TERM_SIZE_LEN];

    term_size(s->done, size);
    (void)snprintf(p->text[DONE], sizeof(p->text[DONE]), "  %s", size);
    if (s->total == UINT64_MAX)
        return;
    (void)snprintf(p->text[SHARE], sizeof(p->text[SHARE]), "  %u %%",
                   percent_of(s->done, s->total));
    term_size(s->total, size);
    (void)snprintf(p->text[TOTAL], sizeof(p->text[TOTAL]), " of %s", size);
}

/* Time left; with an unknown end, time since the beginning. */
static void
times(const struct progress_state *s, struct parts *p)
{
    char rate[TERM_SIZE_LEN], span[TERM_SPAN_LEN];

    if (s->rate > 0) {
        term_size(s->rate, rate);
        (void)snprintf(p->text[RATE], sizeof(p->text[RATE]), "  %s/s", rate);
    }
    if (s->total == UINT64_MAX) {
        term_span(s->elapsed_ms / 1000, span);
        (void)snprintf(p->text[TIME], sizeof(p->text[TIME]), "  %s", span);
    } else if (s->rate > 0 && s->done < s->total) {
        uint64_t left_s = (s->total - s->done - 1) / s->rate + 1;

        term_span(left_s > INT64_MAX ? INT64_MAX : (int64_t)left_s, span);
        (void)snprintf(p->text[TIME], sizeof(p->text[TIME]), "  %s left", span);
    }
}

static size_t
width(const char *verb, const struct parts *p)
{
    size_t len = strlen(verb);

    for (size_t i = 0; i < N_PARTS; i++)
        len += p->is_left_out[i] ? 0 : strlen(p->text[i]);
    return len;
}

void
progress_text(const struct progress_state *s, char ret_text[PROGRESS_TEXT_LEN])
{
    static const enum part least_first[] = {TOTAL, DONE, RATE, TIME, SHARE};
    size_t room = s->columns < PROGRESS_TEXT_LEN - 1 ? s->columns : PROGRESS_TEXT_LEN - 1;
    struct parts p = {0};
    size_t len;

    amounts(s, &p);
    times(s, &p);
    for (size_t i = 0; i < ARRAY_LEN(least_first) && width(s->verb, &p) > room; i++)
        p.is_left_out[least_first[i]] = true;
    (void)snprintf(ret_text, room + 1, "%s", s->verb);
    for (size_t i = 0; i < N_PARTS; i++) {
        len = strlen(ret_text);
        if (!p.is_left_out[i])
            (void)snprintf(ret_text + len, PROGRESS_TEXT_LEN - len, "%s", p.text[i]);
    }
}
