/* SPDX-License-Identifier: Apache-2.0 */
/* A request's raw bytes, read as the HTTP library does, then judged by the gate. What passes must
 * be legal to a strict reader and must have the same end for all three; what is legal must pass. */
#include "http/gate.h"
#include "http_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool claim)
{
    if (!claim)
        abort();
}

/* Ends of a header that leave the same four NULs as the one that is legal. gate.h tells of them. */
static bool
is_blind_end(const char *tail)
{
    static const char ends[][4] = {
        {'\r', '\n', '\0', '\n'}, {'\r', '\n', ':', '\n'},  {'\n', '\0', '\r', '\n'},
        {'\n', ':', '\r', '\n'},  {'\n', '\0', '\0', '\n'}, {'\n', ':', '\0', '\n'},
        {'\0', '\r', '\n', '\n'}, {'\0', '\n', '\r', '\n'}, {'\0', '\n', '\0', '\n'},
        {'\0', '\n', ':', '\n'},  {'\0', '\0', '\n', '\n'},
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (memcmp(tail, ends[i], 4) == 0)
            return true;
    }
    return false;
}

/* The request as the library can know it: what it passed over is gone, a NUL before a bare LF is
 * a CR, and a header has ended as it should. */
static char *
visible(const struct model *m, const uint8_t *raw, size_t len)
{
    char *s = malloc(len + 1);

    must(s != NULL);
    memcpy(s, raw + m->skipped_len, len - m->skipped_len);
    len -= m->skipped_len;
    if (!m->is_whole)
        return s;
    if (m->head_len >= 4 && is_blind_end(s + m->head_len - 4))
        memcpy(s + m->head_len - 4, "\r\n\r\n", 4);
    for (size_t i = 0; i + 1 < len; i++) {
        if (s[i] == '\0' && s[i + 1] == '\n')
            s[i] = '\r';
    }
    return s;
}

static void
check(const struct model *m, const struct strict *st)
{
    struct gate_verdict v = {.body_len = 77}, w;
    bool passes;

    passes = m->is_whole && gate_check_layout(&m->request, m->head, m->head_len) == ERR_OK &&
             gate_check(&m->request, &v) == ERR_OK;
    if (st->is_legal && st->is_plain_host)
        must(passes);
    if (!passes) {
        must(v.body_len == 77);
        return;
    }
    must(st->is_legal && !m->is_unknown);
    must(v.is_chunked == st->is_chunked && v.is_chunked == m->is_chunked);
    must(v.has_length == (st->has_length || st->is_chunked));
    must(v.has_body == (v.is_chunked || st->body_len > 0));
    must(v.is_chunked ? v.body_len == UINT64_MAX
                      : v.body_len == st->body_len && v.body_len == m->body_len);
    must(gate_check(&m->request, &w) == ERR_OK && w.body_len == v.body_len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int in_place = 0; in_place < 2; in_place++) {
        struct strict st;
        struct model m;
        char *seen;

        model_read(&m, data, size, in_place == 1);
        seen = visible(&m, data, size);
        strict_read(&st, seen, size - m.skipped_len);
        check(&m, &st);
        free(seen);
        model_done(&m);
    }
    return 0;
}
